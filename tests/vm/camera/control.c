/* SPDX-License-Identifier: MIT
 *
 * Owns the answers to control requests: USB's standard ones and UVC's negotiation and controls.
 */
#include <string.h>

#include "camera.h"

struct request {
	uint8_t type, code;
	uint16_t value, index;
	const uint8_t *sent;
	uint32_t sent_bytes;
};

enum { GET_STATUS = 0, CLEAR_FEATURE = 1, SET_FEATURE = 3, GET_DESCRIPTOR = 6 };
enum { GET_CONFIGURATION = 8, SET_CONFIGURATION = 9, GET_INTERFACE = 10, SET_INTERFACE = 11 };
enum { SET_CUR = 0x01, GET_CUR = 0x81, GET_MIN, GET_MAX, GET_RES, GET_LEN, GET_INFO, GET_DEF };
enum { STANDARD = 0x00, CLASS = 0x20, TYPE_MASK = 0x60 };

enum { CONTROL_INTERFACE = 0, STREAMING_INTERFACE = 1 };
enum { PROBE = 1, COMMIT = 2 };                            /* selectors of the streaming interface */
enum { DEVICE_UNIT = 0, ERROR_CODE = 2, INVALID_CONTROL = 6 };
enum { PROCESSING_UNIT = 2, BRIGHTNESS = 2, CONTRAST = 3 };

#define NEGOTIATION_BYTES 34 /* UVC 1.1's probe and commit block */
#define REFUSED (-1)

static int put(uint8_t *answer, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		answer[i] = (uint8_t)(value >> 8 * i);
	return bytes;
}

static uint32_t get32(const uint8_t *from)
{
	return from[0] | from[1] << 8 | from[2] << 16 | (uint32_t)from[3] << 24;
}

static int set_interface(const struct request *request)
{
	if (request->index != STREAMING_INTERFACE)
		return 0;
	pthread_mutex_lock(&camera.lock);
	camera.alternate = request->value;
	camera.frame_id = 0;
	pthread_cond_broadcast(&camera.changed);
	pthread_mutex_unlock(&camera.lock);
	say("alternate setting %d", request->value);
	return 0;
}

static int answer_standard(const struct request *request, uint8_t *answer)
{
	switch (request->code) {
	case GET_DESCRIPTOR:
		return read_descriptor(request->value >> 8, request->value & 255, answer);
	case GET_STATUS:
		return put(answer, 0, 2);
	case GET_CONFIGURATION:
		return put(answer, 1, 1);
	case GET_INTERFACE:
		return put(answer, (uint32_t)camera.alternate, 1);
	case SET_INTERFACE:
		return set_interface(request);
	case SET_CONFIGURATION: /* at a plug and after each reset of the port, never in between */
		if (atomic_exchange(&camera.faults.wedged, false))
			say("freed by a reset");
		return 0;
	case CLEAR_FEATURE:
	case SET_FEATURE:
		return 0;
	}
	return REFUSED;
}

static int known(int wanted, int otherwise)
{
	return wanted == 1 || wanted == 2 ? wanted : otherwise;
}

static int negotiate(const struct request *request)
{
	struct stream_settings *probed = &camera.probed;
	uint32_t interval;

	if (request->sent_bytes < 26)
		return 0;
	interval = get32(request->sent + 4);
	pthread_mutex_lock(&camera.lock);
	probed->format = known(request->sent[2], FORMAT_YUYV);
	probed->frame = known(request->sent[3], request->sent[3] ? FRAME_320x240 : probed->frame);
	probed->interval = interval < FASTEST_INTERVAL ? FASTEST_INTERVAL : interval;
	if (request->value >> 8 == COMMIT)
		camera.committed = *probed;
	pthread_mutex_unlock(&camera.lock);
	return 0;
}

static int answer_negotiation(uint8_t *answer)
{
	put(answer, 1, 2); /* bmHint: keep the interval */
	put(answer + 2, (uint32_t)camera.probed.format, 1);
	put(answer + 3, (uint32_t)camera.probed.frame, 1);
	put(answer + 4, camera.probed.interval, 4);
	put(answer + 18, picture_bytes(camera.probed.frame), 4);
	put(answer + 22, PACKET_BYTES, 4);
	put(answer + 26, 48000000, 4); /* dwClockFrequency */
	put(answer + 30, 3, 1);        /* bmFramingInfo: frame id and end of frame are set */
	put(answer + 31, 1, 1);
	put(answer + 32, 1, 1);
	put(answer + 33, 1, 1);
	return NEGOTIATION_BYTES;
}

static int answer_streaming(const struct request *request, uint8_t *answer)
{
	switch (request->code) {
	case SET_CUR:
		return negotiate(request);
	case GET_LEN:
		return put(answer, NEGOTIATION_BYTES, 2);
	case GET_INFO:
		return put(answer, 3, 1); /* can be read and written */
	}
	return answer_negotiation(answer);
}

static int answer_picture_control(const struct request *request, uint8_t *answer)
{
	static uint16_t level[] = {[BRIGHTNESS] = 10, [CONTRAST] = 20};
	int selector = request->value >> 8;

	switch (request->code) {
	case SET_CUR:
		if (request->sent_bytes >= 2)
			level[selector] = (uint16_t)(request->sent[0] | request->sent[1] << 8);
		return 0;
	case GET_CUR:
		return put(answer, level[selector], 2);
	case GET_MIN:
		return put(answer, (uint16_t)-64, 2);
	case GET_MAX:
		return put(answer, 64, 2);
	case GET_RES:
		return put(answer, 1, 2);
	case GET_LEN:
		return put(answer, 2, 2);
	case GET_INFO:
		return put(answer, 3, 1);
	case GET_DEF:
		return put(answer, 0, 2);
	}
	return REFUSED;
}

static int answer_class(const struct request *request, uint8_t *answer)
{
	int selector = request->value >> 8;
	int interface = request->index & 255;
	int unit = request->index >> 8;

	if (interface == STREAMING_INTERFACE && (selector == PROBE || selector == COMMIT))
		return answer_streaming(request, answer);
	if (interface != CONTROL_INTERFACE)
		return REFUSED;
	if (unit == PROCESSING_UNIT && (selector == BRIGHTNESS || selector == CONTRAST))
		return answer_picture_control(request, answer);
	if (unit == DEVICE_UNIT && selector == ERROR_CODE)
		return put(answer, INVALID_CONTROL, 1); /* why the request before was refused */
	return REFUSED;
}

/* The number of bytes answered (0 for a request that sends), or -1: refused. */
int answer_setup(const uint8_t setup[SETUP_BYTES], const uint8_t *sent, uint32_t sent_bytes,
		 uint8_t *answer)
{
	struct request request = {
		.type = setup[0],
		.code = setup[1],
		.value = (uint16_t)(setup[2] | setup[3] << 8),
		.index = (uint16_t)(setup[4] | setup[5] << 8),
		.sent = sent,
		.sent_bytes = sent_bytes,
	};

	switch (request.type & TYPE_MASK) {
	case STANDARD:
		return answer_standard(&request, answer);
	case CLASS:
		return answer_class(&request, answer);
	}
	return REFUSED;
}
