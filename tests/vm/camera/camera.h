/* SPDX-License-Identifier: MIT
 *
 * What the parts of the user-space USB camera share: its link to the kernel, its queue of
 * transfers, its stream settings and the faults that it has been told to show.
 *
 * The camera is a UVC 1.1 webcam (high speed, isochronous) that plugs itself into the kernel it
 * runs on through usbip's vhci-hcd.  dummy_hcd with the UVC gadget cannot do this job, because it
 * has no isochronous endpoints.
 */
#ifndef CAMERA_H
#define CAMERA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FORMAT_YUYV = 1, FORMAT_MJPEG = 2 }; /* bFormatIndex in the descriptors */
enum { FRAME_320x240 = 1, FRAME_640x480 = 2 }; /* bFrameIndex in the descriptors */

#define FASTEST_INTERVAL 333333u /* 30 frames a second, in UVC's unit of 100 ns */
#define PACKET_BYTES 3072u       /* three transactions of 1024 bytes in every microframe */
#define MAX_PACKETS 32           /* uvcvideo never puts more packets into one transfer */
#define SETUP_BYTES 8

struct stream_settings {
	int format;
	int frame;
	uint32_t interval;
};

/* Written by the command socket, read by the other threads: every field stands for itself, so
 * that atomics are enough. */
struct faults {
	atomic_bool stall;         /* no packet at all: transfers stay pending */
	atomic_bool wedged;        /* a stall that only a reset of the port ends, or a replug */
	atomic_bool deaf;          /* the host controller hangs: nothing is read, nothing is returned */
	atomic_bool empty;         /* packets with a header and no picture */
	atomic_bool skip;          /* pictures are counted, but not sent */
	atomic_bool same;          /* the picture does not change any more */
	atomic_bool black;         /* YUYV: nothing but black, the frame counter too */
	atomic_bool error_bit;     /* every packet carries UVC's error flag */
	atomic_bool junk_header;   /* header lengths that make no sense */
	atomic_bool ignore_setup;  /* control requests are never answered */
	atomic_bool refuse_setup;  /* control requests are answered with a protocol stall */
	atomic_int kept_percent;   /* how much of each picture is sent */
	atomic_int lost_percent;   /* how many packets get lost */
	atomic_int setup_delay_ms; /* how long a control request takes */
	atomic_int stall_after;    /* pictures until a stall begins; 0: never */
	atomic_int frame_rate;     /* frames a second; 0: as negotiated */
	atomic_int frame_ms;       /* milliseconds from frame to frame; 0: as frame_rate has it */
};

struct camera {
	pthread_mutex_t lock; /* guards everything but the faults */
	pthread_cond_t changed;
	int port;         /* of vhci-hcd */
	int link;         /* socket to vhci-hcd, -1 while unplugged */
	unsigned plugged; /* counts the times it was plugged in: tells an old link from a new one */
	int alternate;    /* alternate setting of the streaming interface: 1 while streaming */
	unsigned pictures;
	unsigned frame_id; /* UVC's toggle between pictures */
	struct stream_settings probed;    /* a second process may try formats ... */
	struct stream_settings committed; /* ... without disturbing the running stream */
	struct faults faults;
};

extern struct camera camera;

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* picture.c */
int picture_width(int frame);
int picture_height(int frame);
uint32_t picture_bytes(int frame);
int load_jpegs(const char *folder);
size_t draw_picture(const struct stream_settings *settings, unsigned number, const uint8_t **picture);

/* descriptors.c */
void complete_descriptors(void);
int read_descriptor(unsigned type, unsigned index, uint8_t *answer);

/* control.c */
int answer_setup(const uint8_t setup[SETUP_BYTES], const uint8_t *sent, uint32_t sent_bytes,
		 uint8_t *answer);

/* link.c */
int plug(void);
void unplug(void);

/* stream.c */
void *stream(void *unused);

/* commands.c */
int serve_commands(const char *path);
int send_command(const char *path, const char *command);

#endif
