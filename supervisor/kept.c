/* SPDX-License-Identifier: MIT */
/*
 * Theory. A signal handler ends the wait of a trapped call; behind it the call is made again by the
 * kernel (SA_RESTART) or has ended with EINTR, and nothing tells us which. So what was executed is
 * kept with its thread until its next call: if that is the same call from the same place it gets
 * the kept answer, and nothing runs twice. "The same" must not be taken lightly, as programs submit
 * other requests by the same call: for io_submit the entries are compared too. What can be undone
 * (events taken from the ring) is undone instead.
 *
 * io_getevents that was broken off while parked gets -EINTR at its return, restarted or not, as
 * natively. io_submit and io_destroy, parked half-way, wait for their caller.
 *
 * An io_submit that came by a slot and would have to wait is handed over to the trap (door_channel.c):
 * it is parked, and waits for its caller too.
 *
 * A kernel may also accept an answer and lose it: between its wake-up by a signal and its look at
 * the answer the caller is on a CPU, not asleep. So nobody is answered who does not sleep.
 */
#include "kept.h"

#include <linux/aio_abi.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

#include "channel_abi.h"
#include "notify.h"

#define AWAKE_MAX_NS (2 * NSEC_PER_MSEC)

/* io_pgetevents too, whose mask may have meant to keep that signal out: a hang would be worse. */
static bool ends_with_eintr(const struct call *call)
{
	return call->kind == CALL_GETEVENTS || call->kind == CALL_PGETEVENTS;
}

bool kept_caller_sleeps(struct dispatch *d, struct call *call)
{
	const uint64_t limit = d->breakable && call->thread ? now_ns() + AWAKE_MAX_NS : 0;

	while (limit && thread_state(call->thread) != 'S') {
		if (!notify_valid(d->notify, call->notice.cookie))
			return false;
		if (now_ns() > limit)
			break;		/* a CPU without time for it */
		sched_yield();
	}
	return true;
}

static uint64_t digest(uint64_t before, uaddr at, const struct iocb *cb)
{
	const uint64_t words[] = {
		at,
		cb->aio_data,
		(uint32_t)cb->aio_rw_flags,
		cb->aio_lio_opcode,
		(uint16_t)cb->aio_reqprio,
		cb->aio_fildes,
		cb->aio_buf,
		cb->aio_nbytes,
		(uint64_t)cb->aio_offset,
		cb->aio_flags,
		cb->aio_resfd,
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		before = hash_u64(before ^ words[i]) + i;
	return before;
}

void kept_note_entry(struct call *call, uaddr at, const struct iocb *cb)
{
	call->digest = digest(call->digest, at, cb);
}

/* Are the first `count` entries of this io_submit those that were accepted? */
static bool same_entries(const struct call *call, uint64_t count, uint64_t wanted)
{
	const pid_t tid = (pid_t)call->notice.tid;
	const uaddr list = call->notice.args[2];
	uint64_t have = 0;
	struct iocb cb;
	uint64_t at;

	for (uint64_t i = 0; i < count; i++) {
		if (tracee_read_all(tid, list + i * sizeof(at), &at, sizeof(at)) ||
		    tracee_read_all(tid, at, &cb, sizeof(cb)))
			return false;
		have = digest(have, at, &cb);
	}
	return have == wanted;
}

static bool same_call(const struct call *call, const struct notice *notice, uint64_t entries,
		      uint64_t wanted)
{
	return notice_same_call(notice, &call->notice) &&
	       (call->kind != CALL_SUBMIT || same_entries(call, entries, wanted));
}

bool kept_other_half(const struct call *parked, const struct call *call)
{
	if (parked->handed_over && parked->kind != CALL_SUBMIT)
		return notice_same_call(&parked->notice, &call->notice);
	return parked->handed_over && call->kind == CALL_SUBMIT &&
	       call->notice.args[3] == CHANNEL_MAGIC &&
	       memcmp(call->notice.args, parked->notice.args, 3 * sizeof(uint64_t)) == 0;
}

static void keep(struct call *call, int64_t value)
{
	call->thread->kept = (struct kept_answer){ true, call->notice, value, call->digest };
}

void kept_put(struct dispatch *d, struct call *call, int64_t value)
{
	if (!d->breakable || !call->thread)
		return;
	switch (call->kind) {
	case CALL_SUBMIT:
		if (value > 0)
			keep(call, value);
		else
			d->counts.calls--;	/* it comes again, or was never made */
		break;
	case CALL_DESTROY:
	case CALL_CANCEL:
		keep(call, value);
		break;
	case CALL_GETEVENTS:
	case CALL_PGETEVENTS:
		getevents_undo(d, call);
		d->counts.calls--;
		break;
	case CALL_SETUP:
		d->counts.calls--;
		break;
	case CALL_EXEC:
	case CALL_EXIT:
	case CALL_EXIT_GROUP:
	case CALL_SHIM:
	case CALL_FOREIGN:
	case CALL_KINDS:
		break;
	}
}

bool kept_get(struct dispatch *d, struct call *call, int64_t *value)
{
	const struct kept_answer kept = call->thread->kept;

	call->thread->kept.valid = false;
	if (!kept.valid ||
	    !same_call(call, &kept.notice, kept.value > 0 ? (uint64_t)kept.value : 0, kept.digest))
		return false;
	d->counts.calls--;
	call->digest = kept.digest;	/* it may be broken off again */
	*value = kept.value;
	return true;
}

bool kept_goes_on(struct dispatch *d, struct call *call)
{
	struct call *parked = call->thread->call;
	bool broken_off;

	if (!parked)
		return false;
	broken_off = !kept_other_half(parked, call);
	if (broken_off && !same_call(call, &parked->notice, parked->cursor, parked->digest)) {
		dispatch_forget(d, parked);
		return false;
	}
	parked->notice = call->notice;
	d->counts.calls -= call_counts(call->kind);
	if (parked->away)
		dispatch_wake_call(d, parked);
	parked->away = parked->handed_over = false;
	if (broken_off && (parked->kind == CALL_SUBMIT || ends_with_eintr(parked)))
		watch_break_off(d, parked);
	return true;
}

bool kept_waits(struct dispatch *d, struct call *call)
{
	const bool waits =
		call->kind == CALL_SUBMIT ? call->cursor > 0 : call->kind == CALL_DESTROY;
	char state;

	if (!(d->breakable || call->handed_over) || !call->thread)
		return false;
	state = thread_state(call->thread);
	if (state == 'X' || state == 'Z')
		return false;
	if (call->handed_over)
		return true;
	if (ends_with_eintr(call))
		keep(call, call->cursor ? (int64_t)call->cursor : -EINTR);
	return waits;
}
