/* SPDX-License-Identifier: MIT
 *
 * The usbip wire format (Documentation/usb/usbip_protocol.rst in the kernel) and the queue of the
 * isochronous transfers that the kernel has submitted and that the camera has not returned yet.
 */
#ifndef USBIP_H
#define USBIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CMD_SUBMIT = 1, CMD_UNLINK = 2, RET_SUBMIT = 3, RET_UNLINK = 4 };
enum { DIRECTION_OUT = 0, DIRECTION_IN = 1 };

/* One layout for the four messages, all numbers big endian.  In a RET_SUBMIT `flags` is the
 * status, `length` the actual length and `interval` the error count; in a CMD_UNLINK `flags` is
 * the number of the transfer to unlink, in a RET_UNLINK the status. */
struct usbip_header {
	uint32_t command, sequence, device, direction, endpoint;
	uint32_t flags, length, start_frame, packets, interval;
	uint8_t setup[8];
} __attribute__((packed));

struct usbip_packet {
	uint32_t offset, length, actual, status;
} __attribute__((packed));

/* An isochronous transfer ("URB") that waits for packets of the camera. */
struct transfer {
	struct transfer *next;
	uint32_t sequence;
	unsigned plugged; /* camera.plugged when it was submitted */
	int packets;
	struct usbip_packet packet[];
};

/* usbip.c: whole messages only */
unsigned change_link(int link);
int receive_all(int link, void *buffer, size_t bytes);
int send_all(unsigned plugged, const void *message, size_t bytes);
int return_control(unsigned plugged, uint32_t sequence, int status, const void *data, uint32_t length,
		   bool with_data);
int return_unlink(unsigned plugged, uint32_t sequence, int status);

/* transfers.c */
enum unlinked { UNLINKED_QUEUED, UNLINKED_RETURNED };
void submit_transfer(struct transfer *transfer);
struct transfer *take_transfer(unsigned plugged);
void transfer_returned(struct transfer *transfer);
enum unlinked unlink_transfer(uint32_t sequence, unsigned plugged);
void forget_transfers(void);

#endif
