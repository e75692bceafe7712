/* SPDX-License-Identifier: MIT */
/*
 * victim_pty STEP... -- COMMAND [ARG]...: runs COMMAND in a session of its own on a new terminal
 * (without echo) and plays the user:
 *
 *	+TEXT	types TEXT; \n, \\ and \NNN (octal) as in C
 *	=TEXT	waits until TEXT has been printed, after where the last one was found
 *	hangup	closes the terminal
 *
 * Exit: 0 when all steps were done; else it says which step waits, with what was printed so far.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { STEP_MSEC = 5000 };

static char seen[1 << 16];
static size_t seen_bytes, taken_bytes;

static void on_terminal(const char *name, char **argv)
{
	setsid();

	int tty = open(name, O_RDWR);	/* becomes the controlling terminal */
	struct termios mode;

	if (tty < 0 || tcgetattr(tty, &mode) < 0)
		_exit(98);
	mode.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(tty, TCSANOW, &mode);
	for (int fd = 0; fd < 3; fd++)
		dup2(tty, fd);
	if (tty > 2)
		close(tty);
	execvp(argv[0], argv);
	_exit(97);
}

static void type(int pty, const char *text)
{
	for (const char *c = text; *c; c++) {
		char byte = *c;

		if (c[0] == '\\' && c[1] == 'n') {
			byte = '\n';
			c++;
		} else if (c[0] == '\\' && c[1] == '\\') {
			c++;
		} else if (c[0] == '\\' && strlen(c) >= 4) {
			byte = (char)((c[1] - '0') * 64 + (c[2] - '0') * 8 + (c[3] - '0'));
			c += 3;
		}
		if (write(pty, &byte, 1) != 1)
			exit(96);
	}
}

static int wait_for(int pty, const char *text)
{
	for (;;) {
		char *found = strstr(seen + taken_bytes, text);

		if (found) {
			taken_bytes = (size_t)(found - seen) + strlen(text);
			return 0;
		}

		struct pollfd p = { .fd = pty, .events = POLLIN };
		ssize_t n;

		if (seen_bytes == sizeof(seen) - 1 || poll(&p, 1, STEP_MSEC) <= 0)
			return -1;
		n = read(pty, seen + seen_bytes, sizeof(seen) - 1 - seen_bytes);
		if (n <= 0)
			return -1;
		seen_bytes += (size_t)n;
	}
}

static void play(int pty, char **steps)
{
	for (; strcmp(*steps, "--"); steps++) {
		if (**steps == '+') {
			type(pty, *steps + 1);
		} else if (strcmp(*steps, "hangup") == 0) {
			close(pty);
		} else if (wait_for(pty, *steps + 1) < 0) {
			fprintf(stderr, "waits for: %s\nprinted:\n%s\n", *steps + 1, seen);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	int pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char **command = argv + 1;

	while (*command && strcmp(*command, "--"))
		command++;
	if (!*command || pty < 0 || grantpt(pty) < 0 || unlockpt(pty) < 0)
		return 99;

	char *name = ptsname(pty);
	pid_t pid = fork();

	if (pid == 0)
		on_terminal(name, command + 1);
	play(pty, argv + 1);
	kill(pid, SIGHUP);
	return 0;
}
