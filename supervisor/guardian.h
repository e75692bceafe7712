/* SPDX-License-Identifier: MIT */
/*
 * The guardian is the process that the user started: parent of the supervisor, which is parent of
 * PROGRAM. It is never under the trap. It stands for PROGRAM towards the caller (status, stops,
 * signals), holds a duplicate of the listener so that calls hang instead of getting ENOSYS when the
 * supervisor dies, and then kills what is left of the tree (docs/design.md, section 6).
 *
 *   guardian_run()
 *	fork -> supervise(link): the supervisor's life, in its own process; returns its exit status
 *	loop: signals sent to us -> PROGRAM; messages -> our own status; pulse -> "stuck" message
 */
#ifndef GUARDIAN_H
#define GUARDIAN_H

#include <stdbool.h>
#include <sys/types.h>

#include "pulse.h"
#include "signals.h"

/* The supervisor's end. */
struct guardian_link {
	int fd;			/* SOCK_SEQPACKET to the guardian, CLOEXEC */
	int guardian_pidfd;	/* readable when the guardian has died: kill the tree and exit */
	int guardian_stat_fd;	/* its /proc/PID/stat */
	struct signal_state caller;	/* as the user started us: PROGRAM's */
	struct pulse *pulse;
};

/* What else the user's process has to do, besides the supervisor; any of it may be NULL. */
struct guardian_beside {
	void (*parted)(void *arg);	/* in the guardian: the supervisor has its own copies now */
	void (*ending)(void *arg);	/* the supervisor is gone; signals are the caller's again */
	void *arg;
	int own_signal;			/* goes to the supervisor, not to PROGRAM; 0: none */
};

typedef int supervise_fn(const struct guardian_link *link, void *arg);

/*
 * Forks the supervisor and stays until PROGRAM has ended and the supervisor is gone (or, if the
 * supervisor dies first, until the whole tree has been killed). Ends with PROGRAM's status or
 * signal; returns only an exit status that main() shall use.
 */
int guardian_run(supervise_fn *supervise, void *arg, const struct guardian_beside *beside);

/* Supervisor's side: 0 or -errno. */
int guardian_tell_started(const struct guardian_link *link, pid_t program, int listener_fd);
/* PROGRAM stopped, was continued, or ended. */
int guardian_tell_status(const struct guardian_link *link, int wait_status);
/* PROGRAM never started: 125..127. */
int guardian_tell_failed(const struct guardian_link *link, int exit_status);

/*
 * SIGSTOP cannot be passed on: who sends it to us stops the guardian alone. To be called a few
 * times a second; when the guardian is found stopped twice while PROGRAM (its pidfd and stat
 * descriptor) runs, PROGRAM is stopped too. SIGCONT comes back through the guardian.
 */
struct guardian_follow {
	int program_pidfd;
	int program_stat_fd;
	bool seen_stopped;
};

void guardian_follow_stop(const struct guardian_link *link, struct guardian_follow *follow);

/* Kills every descendant of the calling process (a child subreaper) until none is left. */
void guardian_kill_tree(void);

#endif
