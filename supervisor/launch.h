/* SPDX-License-Identifier: MIT */
/*
 * Starts PROGRAM under the trap: fork; in the child: environment edits, filter installed, listener
 * handed to the parent over a socket, user switched, signal state as our caller had it, exec. The
 * child never returns. Because execve is trapped too, the listener must be served before the exec
 * can finish; a failed exec reports its errno through `exec_fd`.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "signals.h"

struct config;
struct trap;

struct launch {
	pid_t pid;
	int listener_fd;	/* seccomp listener, CLOEXEC */
	int exec_fd;		/* EOF: exec succeeded; struct launch_error: it failed; CLOEXEC */
	bool wait_killable;	/* see trap_install() */
};

struct launch_error {
	int error;		/* errno */
	const char *step;	/* string literal in our own image: "execve", "setuid", ... */
};

/*
 * 0 or -errno with one message printed. `caller`: the signal state that PROGRAM shall start with.
 * Moves the calling process out of PROGRAM's process group. Call it while there is one thread.
 */
int launch_program(const struct config *cfg, const struct trap *trap,
		   const struct signal_state *caller, struct launch *out);

/*
 * Reads exec_fd when readable: 0 = running, -EAGAIN = not yet, else the exit status (125..127),
 * after a message.
 */
int launch_outcome(const struct config *cfg, int exec_fd);

#endif
