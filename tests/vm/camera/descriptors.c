/* SPDX-License-Identifier: MIT
 *
 * Owns what the camera says about itself: USB 2.0 and UVC 1.1 descriptors, byte by byte.
 */
#include <string.h>

#include "camera.h"

enum { DEVICE = 1, CONFIGURATION = 2, STRING = 3, INTERFACE = 4, QUALIFIER = 6, CLASS_SPECIFIC = 0x24 };
enum { CONTROL_INTERFACE = 1, STREAMING_INTERFACE = 2 }; /* bInterfaceSubClass */

#define LE16(x) ((x) & 255), (((x) >> 8) & 255)
#define LE32(x) LE16(x), LE16((x) >> 16)
#define FILLED_IN LE16(0) /* lengths, by complete_descriptors() */

#define GUID_YUY2 'Y', 'U', 'Y', '2', 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71
#define FRAME(subtype, index, width, height)                                             \
	38, CLASS_SPECIFIC, subtype, index, 0, LE16(width), LE16(height),                \
	LE32(width * height * 16 * 5), LE32(width * height * 16 * 30),                   \
	LE32(width * height * 2), LE32(FASTEST_INTERVAL),                                \
	3, LE32(FASTEST_INTERVAL), LE32(666666), LE32(2000000)

static const uint8_t device[] = {
	18, DEVICE, LE16(0x0200), 0xEF, 2, 1, 64,
	LE16(0x1d6b), LE16(0x0102), LE16(0x0010), /* vendor, product, release */
	1, 2, 3, 1,                               /* three strings, one configuration */
};

static const uint8_t qualifier[] = {10, QUALIFIER, LE16(0x0200), 0xEF, 2, 1, 64, 1, 0};

/* clang-format off */
static uint8_t configuration[] = {
	9, CONFIGURATION, FILLED_IN, 2, 1, 0, 0x80, 250,
	8, 11, 0, 2, 14, 3, 0, 2,                          /* both interfaces are one function: video */

	9, INTERFACE, 0, 0, 0, 14, CONTROL_INTERFACE, 0, 2,
	13, CLASS_SPECIFIC, 1, LE16(0x0110), FILLED_IN, LE32(48000000), 1, 1,
	18, CLASS_SPECIFIC, 2, 1, LE16(0x0201), 0, 0, LE16(0), LE16(0), LE16(0), 3, 0, 0, 0, /* sensor */
	11, CLASS_SPECIFIC, 5, 2, 1, LE16(0), 2, LE16(0x0003), 0, /* processing: brightness, contrast */
	9, CLASS_SPECIFIC, 3, 3, LE16(0x0101), 0, 2, 0,           /* output: the USB stream */

	9, INTERFACE, 1, 0, 0, 14, STREAMING_INTERFACE, 0, 0,     /* idle */
	15, CLASS_SPECIFIC, 1, 2, FILLED_IN, 0x81, 0, 3, 0, 0, 0, 1, 0, 0,
	27, CLASS_SPECIFIC, 4, FORMAT_YUYV, 2, GUID_YUY2, 16, 1, 0, 0, 0, 0,
	FRAME(5, FRAME_320x240, 320, 240),
	FRAME(5, FRAME_640x480, 640, 480),
	11, CLASS_SPECIFIC, 6, FORMAT_MJPEG, 2, 1, 1, 0, 0, 0, 0,
	FRAME(7, FRAME_320x240, 320, 240),
	FRAME(7, FRAME_640x480, 640, 480),
	6, CLASS_SPECIFIC, 13, 1, 1, 4,                           /* colours: BT.709, SMPTE 170M */

	9, INTERFACE, 1, 1, 1, 14, STREAMING_INTERFACE, 0, 0,     /* streaming */
	7, 5, 0x81, 5, LE16(0x1400), 1,                           /* isochronous, 3 x 1024 bytes */
};
/* clang-format on */

static void put16(uint8_t *where, int value)
{
	where[0] = value & 255;
	where[1] = value >> 8;
}

/* Each class-specific header states the length of all class-specific descriptors of its
 * interface, the first one that of everything: counted here, so that the table cannot lie. */
void complete_descriptors(void)
{
	int bytes[3] = {0};
	uint8_t *header[3] = {0};
	int subclass = 0;

	for (size_t i = configuration[0]; i < sizeof configuration; i += configuration[i]) {
		if (configuration[i + 1] == INTERFACE)
			subclass = configuration[i + 6];
		if (configuration[i + 1] != CLASS_SPECIFIC)
			continue;
		if (!header[subclass])
			header[subclass] = configuration + i;
		bytes[subclass] += configuration[i];
	}
	put16(configuration + 2, sizeof configuration);
	put16(header[CONTROL_INTERFACE] + 5, bytes[CONTROL_INTERFACE]);
	put16(header[STREAMING_INTERFACE] + 4, bytes[STREAMING_INTERFACE]);
}

static int copy(uint8_t *answer, const uint8_t *descriptor, size_t bytes)
{
	memcpy(answer, descriptor, bytes);
	return (int)bytes;
}

static int read_string(unsigned index, uint8_t *answer)
{
	static const uint8_t languages[] = {4, STRING, LE16(0x0409)};
	static const char *const strings[] = {"", "acme", "Fake UVC Camera", "FAKE0001"};
	size_t length;

	if (index == 0)
		return copy(answer, languages, sizeof languages);
	if (index >= sizeof strings / sizeof *strings)
		return -1;
	length = strlen(strings[index]);
	answer[0] = (uint8_t)(2 + 2 * length);
	answer[1] = STRING;
	for (size_t i = 0; i < length; i++) {
		answer[2 + 2 * i] = (uint8_t)strings[index][i];
		answer[3 + 2 * i] = 0;
	}
	return answer[0];
}

/* The number of bytes, or -1 for a descriptor that the camera does not have. */
int read_descriptor(unsigned type, unsigned index, uint8_t *answer)
{
	switch (type) {
	case DEVICE:
		return copy(answer, device, sizeof device);
	case CONFIGURATION:
		return copy(answer, configuration, sizeof configuration);
	case STRING:
		return read_string(index, answer);
	case QUALIFIER:
		return copy(answer, qualifier, sizeof qualifier);
	}
	return -1;
}
