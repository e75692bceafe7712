/* SPDX-License-Identifier: MIT */
#include "children.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "loop.h"
#include "util.h"

struct children {
	int signal_fd;
	struct loop_watch *watch;
	pid_t program;
	bool none_told;
	struct children_events events;
};

/* What has ended so far. */
static void reap(struct children *c)
{
	int wait_status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &wait_status, WNOHANG | WUNTRACED | WCONTINUED);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			break;
		if (WIFSTOPPED(wait_status) && c->events.stopped(c->events.arg, pid, wait_status))
			continue;
		if (pid == c->program)
			c->events.program(c->events.arg, wait_status);
	}
	if (pid < 0 && errno == ECHILD && !c->none_told) {
		c->none_told = true;
		c->events.none_left(c->events.arg);
	}
}

static void children_readable(void *arg, unsigned events)
{
	struct children *c = arg;
	struct signalfd_siginfo si;

	while (read(c->signal_fd, &si, sizeof(si)) == sizeof(si))
		;	/* one signal may stand for many children */
	reap(c);
}

struct children *children_watch(struct loop *loop, pid_t program,
				const struct children_events *events)
{
	struct children *c = calloc(1, sizeof(*c));
	sigset_t chld;

	if (!c)
		return NULL;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	c->program = program;
	c->events = *events;
	c->signal_fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signal_fd >= 0)
		c->watch = loop_watch(loop, c->signal_fd, LOOP_READ, children_readable, c);
	if (!c->watch) {
		int saved = errno;

		children_destroy(c);
		errno = saved;
		return NULL;
	}
	return c;
}

void children_destroy(struct children *c)
{
	if (!c)
		return;
	loop_unwatch(c->watch);
	close_fd(&c->signal_fd);
	free(c);
}
