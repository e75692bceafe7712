/* SPDX-License-Identifier: MIT */
/*
 * What must happen in the calling thread itself, between the reply and its next step in user mode:
 * mapping and unmapping (handle_setup.c), signals of its own, a temporary signal mask. A verdict's
 * `after` runs behind the reply; the thread has to be seized before.
 */
#ifndef EPISODE_H
#define EPISODE_H

#include "call.h"

int episode_begin(struct call *call);	/* 0 or -errno: it cannot be traced */
int episode_seize(
	struct call *call); /* the same in two steps: what uses the call's reply comes before ... */
/* ... remote_interrupt() */
/*
 * Behind the reply: as remote_stop(); notes a lost answer. Whenever the thread is late, the
 * verdict's `after` returns at once, and is called again, from its start, when the thread can be
 * met.
 */
int episode_stop(struct call *call);
void episode_end(struct call *call);	/* lets it go */

/*
 * Runs the verdict's `after`. False: the thread cannot be met yet (its cgroup is frozen, say); the
 * call is kept, and dispatch_conclude() is called for it some day.
 */
bool episode_run(struct dispatch *d, struct call *call);
void episode_abandon(struct call *call);	/* a late one: the thread is known to be gone */
int episode_init(struct dispatch *d);	/* 0 or -errno */
/* A stop that waitid(2) has told to somebody else: is it that of a late thread? */
bool episode_stopped(struct dispatch *d, pid_t tid, int wait_status);

/*
 * A RETURN verdict behind which the thread raises call->raise_signals in itself (si_code SI_USER,
 * as the kernel's own SIGXFSZ and SIGPIPE look); where it cannot be traced the signal is sent from
 * outside.
 */
struct verdict episode_raise(struct call *call, int64_t value);

/*
 * A RETURN verdict behind which the thread takes the signals that io_pgetevents' mask lets through,
 * in handlers that run under that mask, and gets its own mask back. value: what the call returns;
 * -EINTR is restarted by the kernel if no handler ran.
 */
struct verdict episode_suspend(struct call *call, int64_t value);

#endif
