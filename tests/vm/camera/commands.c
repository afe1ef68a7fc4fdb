/* SPDX-License-Identifier: MIT
 *
 * Owns the command socket: one line in a datagram orders a fault, the answer says "ok" or why not.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "camera.h"

#define ANSWER_BYTES 128
#define ANSWER_SECONDS 8

static void set_normal(void)
{
	struct faults *faults = &camera.faults;

	faults->wedged = faults->deaf = false;
	faults->stall = faults->empty = faults->skip = faults->same = faults->black = false;
	faults->error_bit = faults->junk_header = faults->ignore_setup = faults->refuse_setup = false;
	faults->kept_percent = 100;
	faults->lost_percent = faults->setup_delay_ms = faults->stall_after = 0;
	faults->frame_rate = faults->frame_ms = 0;
}

static bool turn_on(const char *command)
{
	const struct {
		const char *command;
		atomic_bool *fault;
	} table[] = {
		{"stall", &camera.faults.stall},
		{"wedge", &camera.faults.wedged},
		{"deaf", &camera.faults.deaf},
		{"empty", &camera.faults.empty},
		{"skip", &camera.faults.skip},
		{"same", &camera.faults.same},
		{"black", &camera.faults.black},
		{"err", &camera.faults.error_bit},
		{"junk", &camera.faults.junk_header},
		{"nosetup", &camera.faults.ignore_setup},
		{"epipe", &camera.faults.refuse_setup},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strcmp(command, table[i].command))
			continue;
		*table[i].fault = true;
		return true;
	}
	return false;
}

static bool set_number(const char *command)
{
	const struct {
		const char *command;
		atomic_int *number;
		int otherwise; /* -1: the number must be given */
	} table[] = {
		{"trunc", &camera.faults.kept_percent, -1},
		{"xdev", &camera.faults.lost_percent, 100},
		{"setup_delay", &camera.faults.setup_delay_ms, -1},
		{"stallafter", &camera.faults.stall_after, -1},
		{"fps", &camera.faults.frame_rate, -1},
		{"every", &camera.faults.frame_ms, -1},
	};
	char word[32];
	int value = -1;
	int words = sscanf(command, "%31s %d", word, &value);

	for (size_t i = 0; words >= 1 && i < sizeof table / sizeof *table; i++) {
		if (strcmp(word, table[i].command))
			continue;
		if (words < 2)
			value = table[i].otherwise;
		if (value >= 0)
			*table[i].number = value;
		return value >= 0;
	}
	return false;
}

static void describe(char *answer)
{
	pthread_mutex_lock(&camera.lock);
	snprintf(answer, ANSWER_BYTES, "frames=%u alt=%d fmt=%d frm=%d link=%d", camera.pictures,
		 camera.alternate, camera.committed.format, camera.committed.frame, camera.link);
	pthread_mutex_unlock(&camera.lock);
}

static void obey(const char *command, char *answer)
{
	strcpy(answer, "ok");
	say("ordered: %s", command);
	if (!strcmp(command, "normal"))
		set_normal();
	else if (!strcmp(command, "unplug"))
		unplug();
	else if (!strcmp(command, "plug"))
		strcpy(answer, plug() ? "plug failed" : "ok");
	else if (!strcmp(command, "stat"))
		describe(answer);
	else if (!strcmp(command, "quit"))
		exit(0);
	else if (!turn_on(command) && !set_number(command))
		strcpy(answer, "not understood");
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	unlink(path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address)) {
		perror(path);
		return -1;
	}
	return listener;
}

/* Plugs the camera in once commands can be given; returns only on failure. */
int serve_commands(const char *path)
{
	int listener = open_socket(path);

	set_normal();
	if (listener < 0 || plug())
		return 1;
	for (;;) {
		struct sockaddr_un sender;
		socklen_t length = sizeof sender;
		char command[128], answer[ANSWER_BYTES];
		ssize_t bytes = recvfrom(listener, command, sizeof command - 1, 0, (struct sockaddr *)&sender,
					 &length);

		if (bytes <= 0)
			continue;
		command[bytes] = 0;
		command[strcspn(command, "\n")] = 0;
		obey(command, answer);
		sendto(listener, answer, strlen(answer), 0, (struct sockaddr *)&sender, length);
	}
}

/* The other end: gives a running camera one command and prints its answer. */
int send_command(const char *path, const char *command)
{
	struct timeval patience = {.tv_sec = ANSWER_SECONDS};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char own_path[64], answer[ANSWER_BYTES];
	ssize_t bytes;
	int speaker;

	snprintf(own_path, sizeof own_path, "/run/usb-camera-command.%d", getpid());
	speaker = open_socket(own_path);
	if (speaker < 0)
		return 1;
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	setsockopt(speaker, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	bytes = sendto(speaker, command, strlen(command), 0, (struct sockaddr *)&address, sizeof address);
	if (bytes >= 0)
		bytes = recv(speaker, answer, sizeof answer - 1, 0);
	unlink(own_path);
	if (bytes < 0) {
		perror(path);
		return 1;
	}
	answer[bytes] = 0;
	puts(answer);
	return strcmp(answer, "not understood") && strcmp(answer, "plug failed") ? 0 : 1;
}
