/* SPDX-License-Identifier: MIT */
/*
 * victim_signals: catches HUP, INT, USR1, WINCH, CONT and a real-time signal, says "ready PID" and
 * then one line for each signal; lines that it reads it says again. QUIT or TERM: says how often
 * each came, exit 5. victim_signals until-int: INT ends it, QUIT does not. victim_signals queue PID
 * SIGNAL VALUE: sends by sigqueue(3).
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int caught[] = { SIGHUP, SIGINT, SIGUSR1, SIGWINCH, SIGCONT, SIGQUIT, SIGTERM, 40 };

#define CAUGHT (sizeof(caught) / sizeof(caught[0]))

static unsigned counts[CAUGHT];
static unsigned last = SIGQUIT;		/* the signal that ends it */

static void say_counts(void)
{
	printf("counts");
	for (unsigned i = 0; i < CAUGHT; i++) {
		if (counts[i])
			printf(" %d:%u", caught[i], counts[i]);
	}
	printf(".\n");
}

static void read_signal(int fd)
{
	struct signalfd_siginfo si;

	if (read(fd, &si, sizeof(si)) != sizeof(si))
		exit(99);
	for (unsigned i = 0; i < CAUGHT; i++) {
		if ((unsigned)caught[i] == si.ssi_signo)
			counts[i]++;
	}
	if (si.ssi_signo == last || si.ssi_signo == SIGTERM) {
		say_counts();
		exit(5);
	}
	printf("got %u value %d.\n", si.ssi_signo, si.ssi_code == SI_QUEUE ? si.ssi_int : 0);
}

static int read_line(void)
{
	char line[256];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (n <= 0)
		return -1;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	printf("line <%s>.\n", line);
	return 0;
}

static int queue(char **args)
{
	union sigval value = { .sival_int = atoi(args[2]) };

	return sigqueue((pid_t)atoi(args[0]), atoi(args[1]), value) < 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "queue") == 0)
		return queue(argv + 2);
	if (argc == 2 && strcmp(argv[1], "until-int") == 0)
		last = SIGINT;

	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < CAUGHT; i++)
		sigaddset(&set, caught[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);

	struct pollfd fds[] = {
		{ .fd = signalfd(-1, &set, 0), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready %d\n", (int)getpid());
	for (;;) {
		poll(fds, 2, -1);
		if (fds[0].revents)
			read_signal(fds[0].fd);
		/* what was there before we were stopped may have been the shell's, and is gone */
		if (fds[1].revents && poll(fds + 1, 1, 0) > 0 && read_line() < 0)
			fds[1].fd = -1;
	}
}
