/* SPDX-License-Identifier: MIT
 *
 * Owns the command line of the user-space USB camera:
 *
 *   usb-camera [-p PORT] [-s SOCKET] [-j JPEG_FOLDER]    plug in and stream until told to quit
 *   usb-camera [-s SOCKET] -c COMMAND                    give a running camera a command
 *
 * Several cameras: one process each, with a port of vhci-hcd and a socket of its own.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "camera.h"

#define DEFAULT_SOCKET "/run/usb-camera.sock"

struct camera camera = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.link = -1,
	.probed = {FORMAT_YUYV, FRAME_320x240, FASTEST_INTERVAL},
	.committed = {FORMAT_YUYV, FRAME_320x240, FASTEST_INTERVAL},
};

/* The guest's monotonic time, as in the kernel's log, so that both can be read side by side. */
void say(const char *format, ...)
{
	struct timespec now;
	va_list arguments;

	clock_gettime(CLOCK_MONOTONIC, &now);
	flockfile(stderr);
	fprintf(stderr, "[%ld.%03ld] ", (long)now.tv_sec, now.tv_nsec / 1000000);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	funlockfile(stderr);
}

static int run(const char *socket, const char *jpegs)
{
	pthread_t streamer;

	complete_descriptors();
	if (jpegs && load_jpegs(jpegs)) {
		say("no pictures in %s", jpegs);
		return 1;
	}
	if (pthread_create(&streamer, NULL, stream, NULL))
		return 1;
	return serve_commands(socket);
}

int main(int count, char **arguments)
{
	const char *socket = DEFAULT_SOCKET;
	const char *jpegs = NULL;
	const char *command = NULL;
	int option;

	while ((option = getopt(count, arguments, "p:s:j:c:")) > 0) {
		switch (option) {
		case 'p':
			camera.port = atoi(optarg);
			break;
		case 's':
			socket = optarg;
			break;
		case 'j':
			jpegs = optarg;
			break;
		case 'c':
			command = optarg;
			break;
		default:
			return 2;
		}
	}
	return command ? send_command(socket, command) : run(socket, jpegs);
}
