/* SPDX-License-Identifier: MIT
 *
 * Owns the pictures: a moving pattern with a frame counter for YUYV, prepared files for MJPEG.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "camera.h"

#define MAX_WIDTH 640
#define MAX_HEIGHT 480
#define COUNTER_ROWS 16
#define COUNTER_BITS 32 /* least significant first, each COUNTER_STEP pixels wide, in the top rows */
#define COUNTER_STEP 8
#define WHITE 235
#define BLACK 16
#define NO_COLOUR 128
#define MAX_JPEGS 32

struct jpeg {
	uint8_t *data;
	size_t bytes;
};

static const int widths[] = {0, 320, 640};
static const int heights[] = {0, 240, 480};
static struct jpeg jpegs[3][MAX_JPEGS];
static unsigned jpeg_count[3];

int picture_width(int frame)
{
	return widths[frame];
}

int picture_height(int frame)
{
	return heights[frame];
}

uint32_t picture_bytes(int frame)
{
	return (uint32_t)(widths[frame] * heights[frame] * 2);
}

static int load_jpeg(const char *path, struct jpeg *jpeg)
{
	FILE *file = fopen(path, "rb");
	long bytes;

	if (!file)
		return -1;
	fseek(file, 0, SEEK_END);
	bytes = ftell(file);
	rewind(file);
	jpeg->data = malloc((size_t)bytes);
	jpeg->bytes = jpeg->data ? fread(jpeg->data, 1, (size_t)bytes, file) : 0;
	fclose(file);
	return jpeg->bytes && jpeg->bytes == (size_t)bytes ? 0 : -1;
}

/* FOLDER holds 320_00.jpg, 320_01.jpg ... and 640_00.jpg ... */
int load_jpegs(const char *folder)
{
	for (int frame = FRAME_320x240; frame <= FRAME_640x480; frame++) {
		for (unsigned i = 0; i < MAX_JPEGS; i++) {
			char path[256];

			snprintf(path, sizeof path, "%s/%d_%02u.jpg", folder, widths[frame], i);
			if (load_jpeg(path, &jpegs[frame][i]))
				break;
			jpeg_count[frame] = i + 1;
		}
		if (!jpeg_count[frame])
			return -1;
	}
	return 0;
}

static void fill_rows(uint8_t *picture, int width, int from, int to, const uint8_t *row)
{
	for (int y = from; y < to; y++)
		memcpy(picture + y * width * 2, row, (size_t)width * 2);
}

static void draw_pattern(uint8_t *picture, int width, int height, unsigned number)
{
	uint8_t row[MAX_WIDTH * 2];

	for (int x = 0; x < width; x++) {
		row[2 * x] = (uint8_t)(x + number * 4);
		row[2 * x + 1] = (uint8_t)(x & 1 ? number : 255 - number);
	}
	fill_rows(picture, width, COUNTER_ROWS, height, row);
}

static void draw_counter(uint8_t *picture, int width, unsigned number)
{
	uint8_t row[MAX_WIDTH * 2];

	for (int x = 0; x < width; x++) {
		int bit = x / COUNTER_STEP;

		row[2 * x] = bit < COUNTER_BITS && (number >> bit & 1) ? WHITE : BLACK;
		row[2 * x + 1] = NO_COLOUR;
	}
	fill_rows(picture, width, 0, COUNTER_ROWS, row);
}

/* Luma 0, as a sensor behind a shut lens gives it, not the 16 of video levels. */
static void draw_black(uint8_t *picture, int width, int height)
{
	uint8_t row[MAX_WIDTH * 2];

	for (int x = 0; x < width; x++) {
		row[2 * x] = 0;
		row[2 * x + 1] = NO_COLOUR;
	}
	fill_rows(picture, width, 0, height, row);
}

static size_t draw_yuyv(int frame, unsigned number, const uint8_t **picture)
{
	static uint8_t pixels[MAX_WIDTH * MAX_HEIGHT * 2];

	if (camera.faults.black) {
		draw_black(pixels, widths[frame], heights[frame]);
	} else {
		draw_pattern(pixels, widths[frame], heights[frame], number);
		draw_counter(pixels, widths[frame], number);
	}
	*picture = pixels;
	return picture_bytes(frame);
}

static size_t choose_jpeg(int frame, unsigned number, const uint8_t **picture)
{
	static const uint8_t not_a_jpeg[100];
	const struct jpeg *jpeg;

	if (!jpeg_count[frame]) {
		*picture = not_a_jpeg;
		return sizeof not_a_jpeg;
	}
	jpeg = &jpegs[frame][number % jpeg_count[frame]];
	*picture = jpeg->data;
	return jpeg->bytes;
}

/* With the fault "same" the number shown stays what it was. */
size_t draw_picture(const struct stream_settings *settings, unsigned number, const uint8_t **picture)
{
	static unsigned shown;

	if (!camera.faults.same)
		shown = number;
	if (settings->format == FORMAT_MJPEG)
		return choose_jpeg(settings->frame, shown, picture);
	return draw_yuyv(settings->frame, shown, picture);
}
