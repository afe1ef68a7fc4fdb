/* SPDX-License-Identifier: MIT
 *
 * Owns the queue of isochronous transfers between the reader (which submits and unlinks) and the
 * streamer (which fills and returns).
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <time.h>

#include "camera.h"
#include "usbip.h"

static struct transfer *first;
static struct transfer **end = &first;

/* Taken by the streamer and not returned yet: at most one, since there is one streamer. */
static struct transfer *being_returned;

void submit_transfer(struct transfer *transfer)
{
	pthread_mutex_lock(&camera.lock);
	transfer->next = NULL;
	*end = transfer;
	end = &transfer->next;
	pthread_cond_broadcast(&camera.changed);
	pthread_mutex_unlock(&camera.lock);
}

static bool streaming(unsigned plugged)
{
	return camera.alternate && camera.link >= 0 && camera.plugged == plugged;
}

/* Waits for a transfer; NULL when the stream has ended. */
struct transfer *take_transfer(unsigned plugged)
{
	struct transfer *transfer = NULL;

	pthread_mutex_lock(&camera.lock);
	while (!first && streaming(plugged))
		pthread_cond_wait(&camera.changed, &camera.lock);
	if (first && streaming(plugged)) {
		transfer = first;
		first = transfer->next;
		if (!first)
			end = &first;
		being_returned = transfer;
	}
	pthread_mutex_unlock(&camera.lock);
	return transfer;
}

void transfer_returned(struct transfer *transfer)
{
	pthread_mutex_lock(&camera.lock);
	being_returned = NULL;
	pthread_cond_broadcast(&camera.changed);
	pthread_mutex_unlock(&camera.lock);
	free(transfer);
}

static struct transfer *remove_queued(uint32_t sequence)
{
	for (struct transfer **link = &first; *link; link = &(*link)->next) {
		struct transfer *transfer = *link;

		if (transfer->sequence != sequence)
			continue;
		*link = transfer->next;
		if (end == &transfer->next)
			end = link;
		return transfer;
	}
	return NULL;
}

/* The RET_SUBMIT of a transfer must be on the wire before the RET_UNLINK that says "already
 * returned": in the other order vhci-hcd gives the transfer back itself, does not know the
 * RET_SUBMIT that follows, and drops the device. */
enum unlinked unlink_transfer(uint32_t sequence, unsigned plugged)
{
	struct transfer *queued;

	pthread_mutex_lock(&camera.lock);
	queued = remove_queued(sequence);
	while (!queued && being_returned && being_returned->sequence == sequence && camera.plugged == plugged)
		pthread_cond_wait(&camera.changed, &camera.lock);
	pthread_mutex_unlock(&camera.lock);
	free(queued);
	return queued ? UNLINKED_QUEUED : UNLINKED_RETURNED;
}

/* The caller holds camera.lock. */
void forget_transfers(void)
{
	while (first) {
		struct transfer *transfer = first;

		first = transfer->next;
		free(transfer);
	}
	end = &first;
}
