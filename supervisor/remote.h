/* SPDX-License-Identifier: MIT */
/*
 * A short ptrace episode in one thread: stop it on its way out of a trapped call, run a few system
 *calls in it, set the call's result, let it go. Strict pairs, used on the loop thread only:
 *
 *	remote_seize(), remote_interrupt()  ... the caller sends the reply ...  remote_stop()
 *	remote_syscall() as often as needed, remote_result()
 *	remote_release()		always, after a successful remote_seize()
 */
#ifndef REMOTE_H
#define REMOTE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct remote {
	pid_t tid;
	uint64_t ip;		/* behind the trapped call's instruction */
	bool stopped;
	bool late;		/* its next stop does not come; nothing more is done now */
	bool was_late;		/* and so it was the last time: it is not waited for */
	bool told;		/* its next stop, which somebody else has waited for */
	int told_status;
	bool arrived;		/* behind its trapped call, with this outcome */
	int arrived_err;
	bool in_call;		/* a system call of ours is under way, at this stop */
	unsigned stops;
	unsigned made, replayed;	/* system calls of ours; those told again */
	int64_t values[8];
	const uint64_t *mask;	/* under it the next call of ours is made, and may end with EINTR */
	bool gone;		/* it seems to have died on the way */
	bool regs_known;
	bool mask_kept;		/* the thread's mask is as it shall be: leave it */
	int deliver;		/* a signal that was on its way: goes on at the release; 0: none */
	bool owes_chld;		/* a SIGCHLD was taken that somebody else may wait for */
	bool stop_again;	/* a SIGSTOP was swallowed and is owed */
	bool borrowed;		/* a piece of its memory, whose content stands here */
	char content[128];
	uint64_t old_mask;
	struct user_regs_struct regs;	/* as it leaves the trapped call */
};

/* 0; -EPERM: already traced (gdb), not dumpable, or refused by policy; -ESRCH: gone. */
int remote_seize(struct remote *r, pid_t tid, uint64_t ip);	/* ip: as the notice says */
/*
 * From here on nothing can be done to the call but to answer it (without WAIT_KILLABLE_RECV: not
 * even that).
 */
int remote_interrupt(struct remote *r);		/* 0 or -ESRCH */

/*
 * Waits until the thread stands behind its trapped call, with all signals blocked. The call's reply
 * must have been sent. 0, -ESRCH (died), -EINVAL (no system call instruction); -EINTR: a signal
 * handler comes first, so that the call's result cannot be set; system calls can be made. -EAGAIN:
 * it is late (a frozen cgroup): later this and all that follows is to be called again, in order.
 */
int remote_stop(struct remote *r);

/*
 * Result of the call in the thread, -errno as the kernel's, -ESRCH when it died in it. -EAGAIN and
 * r->late: the thread is late. At most 8 in an episode.
 */
int64_t remote_syscall(struct remote *r, long nr, const uint64_t args[6]);

/* What the trapped call shall return. */
void remote_result(struct remote *r, int64_t value);

/* The trapped call shall be made again at the release, by the number it had. */
void remote_repeat(struct remote *r, long nr);

/* A result of -EINTR that becomes a restart of call `nr` if no handler runs (ERESTARTNOHAND). */
void remote_restartable(struct remote *r, long nr);

/*
 * Leaves the thread, at its release, as rt_sigsuspend(2) with the mask at this address of its own
 * would: what is pending under that mask is delivered under it, then the old mask holds again.
 * Never sleeps. -EAGAIN: the thread is late; everything else is final.
 */
int remote_sigsuspend(struct remote *r, uint64_t mask_at);

void remote_release(struct remote *r);		/* not while it is late, unless it is gone */

#endif
