/* SPDX-License-Identifier: MIT */
/*
 * Calls that a signal breaks off although they were received: kernels without WAIT_KILLABLE_RECV
 * (before 5.19) do that, dispatch->breakable says so. Nothing here acts where they do not, but for
 * those that change the door half-way.
 */
#ifndef KEPT_H
#define KEPT_H

#include "dispatch.h"

struct iocb;

/* The caller sleeps in its call, so that an answer will reach it; false: it has been broken off. */
bool kept_caller_sleeps(struct dispatch *d, struct call *call);

/*
 * The answer did not reach the caller: what its restart needs is kept, what can be undone is
 * undone.
 */
void kept_put(struct dispatch *d, struct call *call, int64_t value);

/* At arrival: is this the restart of an answered call? Then *value is its answer. */
bool kept_get(struct dispatch *d, struct call *call, int64_t *value);

/*
 * At arrival: the thread's parked call goes on in place of this one, which then is the caller's to
 * free.
 */
bool kept_goes_on(struct dispatch *d, struct call *call);

/*
 * `call` is by the trap what its thread's parked one was by a slot, or before an errand, and goes on
 * with it.
 */
bool kept_other_half(const struct call *parked, const struct call *call);

/*
 * The caller of this parked call is away: true if the call waits for it, false if it is to be
 * forgotten.
 */
bool kept_waits(struct dispatch *d, struct call *call);

/* io_submit has accepted this entry: a restart has the same ones. */
void kept_note_entry(struct call *call, uaddr at, const struct iocb *cb);

#endif
