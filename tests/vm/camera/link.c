/* SPDX-License-Identifier: MIT
 *
 * Owns the life of a link to vhci-hcd: plugging in, reading what the kernel sends, unplugging.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "camera.h"
#include "usbip.h"

#define ATTACH_FILE "/sys/devices/platform/vhci_hcd.0/attach"
#define HIGH_SPEED 3 /* enum usb_device_speed */
#define DEVICE_ID 0x10001
#define SEND_BUFFER (4 << 20) /* several pictures, so that a slow kernel does not stop the streamer */
#define MAX_EARLY_UNLINKS 16

/* An unlink request that came before the transfer it is about. */
struct early_unlink {
	uint32_t transfer, request;
};

struct reader {
	int link;
	unsigned plugged;
	uint32_t oldest, newest; /* transfers are numbered in the order of their submission; 0: none yet */
	struct early_unlink early[MAX_EARLY_UNLINKS];
	int early_count;
};

/* vhci-hcd sends all submissions that it knows and then all unlinks; a transfer that is submitted
 * and unlinked between the two has its unlink sent first.  Answering that one at once as "already
 * returned" is a race that ends with the whole device being dropped ("cannot find a urb of
 * seqnum"): so it is answered when its transfer arrives. */
static bool was_unlinked_early(struct reader *reader, uint32_t sequence)
{
	for (int i = 0; i < reader->early_count; i++) {
		if (reader->early[i].transfer != sequence)
			continue;
		say("transfer %u was unlinked before it was submitted", sequence);
		return_unlink(reader->plugged, reader->early[i].request, -ECONNRESET);
		reader->early[i] = reader->early[--reader->early_count];
		return true;
	}
	return false;
}

static void answer_control(struct reader *reader, const struct usbip_header *header, const uint8_t *sent)
{
	uint32_t sequence = be32toh(header->sequence);
	uint32_t length = be32toh(header->length);
	bool in = be32toh(header->direction) == DIRECTION_IN;
	uint8_t answer[512] = {0};
	int bytes;

	if (camera.faults.ignore_setup) {
		say("control request %02x %02x ignored", header->setup[0], header->setup[1]);
		return;
	}
	bytes = answer_setup(header->setup, sent, in ? 0 : length, answer);
	if (camera.faults.setup_delay_ms)
		usleep(camera.faults.setup_delay_ms * 1000);
	if (bytes < 0 || camera.faults.refuse_setup)
		return_control(reader->plugged, sequence, -EPIPE, NULL, 0, false);
	else if (in)
		return_control(reader->plugged, sequence, 0, answer,
			       (uint32_t)bytes < length ? (uint32_t)bytes : length, true);
	else
		return_control(reader->plugged, sequence, 0, NULL, length, false);
}

static int receive_control(struct reader *reader, const struct usbip_header *header)
{
	uint32_t length = be32toh(header->length);
	uint8_t sent[4096];

	if (be32toh(header->direction) == DIRECTION_OUT && length) {
		if (length > sizeof sent || receive_all(reader->link, sent, length))
			return -1;
	}
	if (!was_unlinked_early(reader, be32toh(header->sequence)))
		answer_control(reader, header, sent);
	return 0;
}

static int receive_transfer(struct reader *reader, const struct usbip_header *header)
{
	int packets = (int)be32toh(header->packets);
	size_t packet_bytes = packets * sizeof(struct usbip_packet);
	struct transfer *transfer;

	if (packets < 1 || packets > MAX_PACKETS) {
		say("a transfer of %d packets is not understood", packets);
		return -1;
	}
	transfer = calloc(1, sizeof *transfer + packet_bytes);
	if (!transfer)
		return -1;
	transfer->sequence = be32toh(header->sequence);
	transfer->plugged = reader->plugged;
	transfer->packets = packets;
	if (receive_all(reader->link, transfer->packet, packet_bytes)) {
		free(transfer);
		return -1;
	}
	if (was_unlinked_early(reader, transfer->sequence))
		free(transfer);
	else
		submit_transfer(transfer);
	return 0;
}

static int receive_submit(struct reader *reader, const struct usbip_header *header)
{
	reader->newest = be32toh(header->sequence);
	if (!reader->oldest)
		reader->oldest = reader->newest;
	return header->endpoint ? receive_transfer(reader, header) : receive_control(reader, header);
}

/* After a replug without a gap the driver still unlinks what it had submitted before.  Unanswered, it
 * would wait for ever, and the process that has the camera open with it. */
static bool is_of_former_link(const struct reader *reader, uint32_t sequence)
{
	return !reader->oldest || sequence < reader->oldest;
}

static int receive_unlink(struct reader *reader, const struct usbip_header *header)
{
	uint32_t request = be32toh(header->sequence);
	uint32_t sequence = be32toh(header->flags);
	enum unlinked unlinked;

	if (is_of_former_link(reader, sequence)) {
		return_unlink(reader->plugged, request, -ECONNRESET);
		return 0;
	}
	if (sequence > reader->newest) {
		if (reader->early_count == MAX_EARLY_UNLINKS)
			return -1;
		reader->early[reader->early_count++] = (struct early_unlink){sequence, request};
		return 0;
	}
	unlinked = unlink_transfer(sequence, reader->plugged);
	return_unlink(reader->plugged, request, unlinked == UNLINKED_QUEUED ? -ECONNRESET : 0);
	return 0;
}

static int receive_message(struct reader *reader)
{
	struct usbip_header header;

	if (receive_all(reader->link, &header, sizeof header))
		return -1;
	while (camera.faults.deaf)
		usleep(10000);
	switch (be32toh(header.command)) {
	case CMD_SUBMIT:
		return receive_submit(reader, &header);
	case CMD_UNLINK:
		return receive_unlink(reader, &header);
	}
	say("message %u is not understood", be32toh(header.command));
	return -1;
}

static void *read_link(void *argument)
{
	struct reader *reader = argument;

	while (!receive_message(reader))
		;
	say("link closed");
	change_link(-1);
	close(reader->link);
	free(reader);
	return NULL;
}

static int start_reader(int link)
{
	struct reader *reader = calloc(1, sizeof *reader);
	pthread_t thread;

	if (!reader)
		return -1;
	reader->link = link;
	reader->plugged = change_link(link);
	if (pthread_create(&thread, NULL, read_link, reader))
		return -1;
	return pthread_detach(thread);
}

/* From here on the kernel holds the other end of the link. */
static int attach(int kernel_end)
{
	char line[64];
	int bytes = snprintf(line, sizeof line, "%d %d %d %d", camera.port, kernel_end, DEVICE_ID, HIGH_SPEED);
	int file = open(ATTACH_FILE, O_WRONLY);
	int result = file >= 0 && write(file, line, bytes) == bytes ? 0 : -1;

	if (result)
		say("%s: %s", ATTACH_FILE, strerror(errno));
	if (file >= 0)
		close(file);
	return result;
}

static bool unplugged_within(int milliseconds)
{
	for (int waited = 0; camera.link >= 0; waited += 20) {
		if (waited >= milliseconds)
			return false;
		usleep(20000);
	}
	return true;
}

int plug(void)
{
	int size = SEND_BUFFER;
	int ends[2];
	int result;

	if (!unplugged_within(1000)) {
		say("is plugged in already");
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return -1;
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	result = start_reader(ends[0]) || attach(ends[1]) ? -1 : 0;
	close(ends[1]);
	if (!result)
		say("plugged in");
	return result;
}

void unplug(void)
{
	pthread_mutex_lock(&camera.lock);
	if (camera.link >= 0)
		shutdown(camera.link, SHUT_RDWR);
	pthread_mutex_unlock(&camera.lock);
	say("unplugged");
}
