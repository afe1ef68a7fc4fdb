/* SPDX-License-Identifier: MIT
 *
 * Owns the link's wire: whole usbip messages, one at a time, never to a newer link than their own.
 */
#include "usbip.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "camera.h"

/* Two threads answer, and a message must not be torn.  Also held while the link changes. */
static pthread_mutex_t sending = PTHREAD_MUTEX_INITIALIZER;

int receive_all(int link, void *buffer, size_t bytes)
{
	char *next = buffer;

	while (bytes) {
		ssize_t got = recv(link, next, bytes, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		next += got;
		bytes -= got;
	}
	return 0;
}

static int send_bytes(int link, const void *message, size_t bytes)
{
	const char *next = message;

	while (bytes) {
		ssize_t sent = send(link, next, bytes, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return -1;
		next += sent;
		bytes -= sent;
	}
	return 0;
}

/* An answer that belongs to an earlier link must not reach the present one: vhci-hcd drops a
 * device that returns a transfer it does not know. */
static int current_link(unsigned plugged)
{
	int link;

	pthread_mutex_lock(&camera.lock);
	link = plugged == camera.plugged ? camera.link : -1;
	pthread_mutex_unlock(&camera.lock);
	return link;
}

/* Waits for a message that is being sent, so that its descriptor is not reused under it. */
unsigned change_link(int link)
{
	unsigned plugged;

	pthread_mutex_lock(&sending);
	pthread_mutex_lock(&camera.lock);
	camera.link = link;
	camera.alternate = 0;
	forget_transfers();
	plugged = link >= 0 ? ++camera.plugged : camera.plugged;
	pthread_cond_broadcast(&camera.changed);
	pthread_mutex_unlock(&camera.lock);
	pthread_mutex_unlock(&sending);
	return plugged;
}

static int send_two(unsigned plugged, const void *head, size_t head_bytes, const void *body,
		    size_t body_bytes)
{
	int result = -1;
	int link;

	pthread_mutex_lock(&sending);
	link = current_link(plugged);
	if (link >= 0)
		result = send_bytes(link, head, head_bytes) || send_bytes(link, body, body_bytes) ? -1 : 0;
	pthread_mutex_unlock(&sending);
	return result;
}

int send_all(unsigned plugged, const void *message, size_t bytes)
{
	return send_two(plugged, message, bytes, NULL, 0);
}

int return_control(unsigned plugged, uint32_t sequence, int status, const void *data, uint32_t length,
		   bool with_data)
{
	struct usbip_header header = {
		.command = htobe32(RET_SUBMIT),
		.sequence = htobe32(sequence),
		.flags = htobe32((uint32_t)status),
		.length = htobe32(length),
	};

	return send_two(plugged, &header, sizeof header, data, with_data ? length : 0);
}

int return_unlink(unsigned plugged, uint32_t sequence, int status)
{
	struct usbip_header header = {
		.command = htobe32(RET_UNLINK),
		.sequence = htobe32(sequence),
		.flags = htobe32((uint32_t)status),
	};

	return send_all(plugged, &header, sizeof header);
}
