/* SPDX-License-Identifier: MIT
 *
 * Owns the stream: draws a picture when it is due and sends it in isochronous packets.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "camera.h"
#include "usbip.h"

/* The UVC payload header of every packet. */
enum { HEADER_BYTES = 2, JUNK_HEADER_BYTES = 0xff };
enum { FRAME_ID = 0x01, END_OF_FRAME = 0x02, PAYLOAD_ERROR = 0x40, END_OF_HEADER = 0x80 };

#define NANOSECONDS 1000000000L
#define LONGEST_NAP 50000000L /* longer than a frame at full rate */

/* What is left of the picture that is being sent. */
struct rest {
	const uint8_t *data;
	size_t bytes;
	bool picture; /* false: packets are headers only (the fault "empty") */
};

struct message {
	struct usbip_header header;
	uint8_t body[MAX_PACKETS * (PACKET_BYTES + sizeof(struct usbip_packet))];
};

static size_t consume(struct rest *rest, size_t room)
{
	size_t bytes = rest->bytes < room ? rest->bytes : room;

	rest->data += bytes;
	rest->bytes -= bytes;
	return bytes;
}

static size_t fill_packet(uint8_t *packet, size_t room, struct rest *rest)
{
	const uint8_t *data = rest->data;
	size_t bytes = rest->picture ? consume(rest, room - HEADER_BYTES) : 0;

	packet[0] = camera.faults.junk_header ? JUNK_HEADER_BYTES : HEADER_BYTES;
	packet[1] = END_OF_HEADER | (camera.frame_id & FRAME_ID);
	if (camera.faults.error_bit && rest->picture)
		packet[1] |= PAYLOAD_ERROR;
	if (rest->picture && !rest->bytes)
		packet[1] |= END_OF_FRAME;
	memcpy(packet + HEADER_BYTES, data, bytes);
	return HEADER_BYTES + bytes;
}

static bool is_lost(void)
{
	return rand() % 100 < camera.faults.lost_percent;
}

/* Packets behind the end of the picture stay empty. */
static size_t fill_or_lose(struct usbip_packet *packet, uint8_t *where, struct rest *rest)
{
	uint32_t length = be32toh(packet->length);
	size_t room = length < PACKET_BYTES ? length : PACKET_BYTES;

	if (rest->picture && !rest->bytes)
		return 0;
	if (!rest->picture || !is_lost())
		return fill_packet(where, room, rest);
	consume(rest, room - HEADER_BYTES);
	packet->status = htobe32((uint32_t)-EXDEV);
	return 0;
}

static int send_transfer(struct transfer *transfer, struct rest *rest)
{
	static struct message message;
	size_t table_bytes = transfer->packets * sizeof *transfer->packet;
	uint8_t *next = message.body;
	uint32_t errors = 0;
	int result;

	for (int i = 0; i < transfer->packets; i++) {
		struct usbip_packet *packet = &transfer->packet[i];
		size_t actual;

		packet->status = 0;
		actual = fill_or_lose(packet, next, rest);
		packet->actual = htobe32((uint32_t)actual);
		errors += packet->status != 0;
		next += actual;
	}
	message.header = (struct usbip_header){
		.command = htobe32(RET_SUBMIT),
		.sequence = htobe32(transfer->sequence),
		.length = htobe32((uint32_t)(next - message.body)),
		.packets = htobe32((uint32_t)transfer->packets),
		.interval = htobe32(errors),
	};
	memcpy(next, transfer->packet, table_bytes);
	result = send_all(transfer->plugged, &message, (size_t)(next + table_bytes - (uint8_t *)&message));
	transfer_returned(transfer);
	return result;
}

static void send_nothing(unsigned plugged)
{
	struct rest nothing = {.data = (const uint8_t *)"", .bytes = 0, .picture = false};
	struct transfer *transfer = take_transfer(plugged);

	if (transfer)
		send_transfer(transfer, &nothing);
}

static void send_picture(unsigned plugged, const struct stream_settings *settings)
{
	struct rest rest = {.picture = true};
	struct transfer *transfer;

	rest.bytes = draw_picture(settings, camera.pictures, &rest.data);
	rest.bytes = rest.bytes * (size_t)camera.faults.kept_percent / 100;
	if (!rest.bytes)
		rest.bytes = 2;
	while (rest.bytes && (transfer = take_transfer(plugged)))
		if (send_transfer(transfer, &rest))
			break;
	camera.frame_id ^= FRAME_ID;
}

static void count_down_to_stall(void)
{
	if (camera.faults.stall_after > 0 && --camera.faults.stall_after == 0) {
		camera.faults.stall = true;
		say("stalled, as ordered");
	}
}

static void send_what_is_due(unsigned plugged, const struct stream_settings *settings)
{
	if (camera.faults.stall || camera.faults.wedged || camera.faults.deaf)
		return;
	if (camera.faults.empty) {
		send_nothing(plugged);
		return;
	}
	camera.pictures++;
	if (camera.faults.skip)
		return;
	send_picture(plugged, settings);
	count_down_to_stall();
}

static long frame_duration(uint32_t interval)
{
	int milliseconds = camera.faults.frame_ms;
	int rate = camera.faults.frame_rate;

	if (milliseconds)
		return milliseconds * (NANOSECONDS / 1000);
	return rate ? NANOSECONDS / rate : (long)interval * 100;
}

static long elapsed(const struct timespec *since, const struct timespec *now)
{
	return (now->tv_sec - since->tv_sec) * NANOSECONDS + now->tv_nsec - since->tv_nsec;
}

static struct timespec later(struct timespec time, long nanoseconds)
{
	time.tv_nsec += nanoseconds;
	time.tv_sec += time.tv_nsec / NANOSECONDS;
	time.tv_nsec %= NANOSECONDS;
	return time;
}

/* In naps, so that another pace holds as soon as it is ordered.  A camera that cannot keep up drops
 * pictures; it does not catch up in a burst. */
static void wait_until_due(struct timespec *due, uint32_t interval)
{
	const struct timespec last = *due;
	struct timespec now;
	long left;

	for (;;) {
		long duration = frame_duration(interval);

		*due = later(last, duration);
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = -elapsed(due, &now);
		if (left < -2 * duration)
			*due = now;
		if (left <= 0)
			return;
		now = later(now, left < LONGEST_NAP ? left : LONGEST_NAP);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, NULL);
	}
}

static unsigned wait_for_stream(struct stream_settings *settings, struct timespec *due)
{
	bool waited = false;
	unsigned plugged;

	pthread_mutex_lock(&camera.lock);
	while (!camera.alternate || camera.link < 0) {
		waited = true;
		pthread_cond_wait(&camera.changed, &camera.lock);
	}
	plugged = camera.plugged;
	*settings = camera.committed;
	pthread_mutex_unlock(&camera.lock);
	if (waited) {
		clock_gettime(CLOCK_MONOTONIC, due);
		say("streaming format %d, %dx%d", settings->format, picture_width(settings->frame),
		    picture_height(settings->frame));
	}
	return plugged;
}

void *stream(void *unused)
{
	struct stream_settings settings;
	struct timespec due;

	clock_gettime(CLOCK_MONOTONIC, &due);
	for (;;) {
		unsigned plugged = wait_for_stream(&settings, &due);

		wait_until_due(&due, settings.interval);
		send_what_is_due(plugged, &settings);
	}
	return unused;
}
