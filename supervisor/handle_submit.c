/* SPDX-License-Identifier: MIT */
/*
 * io_submit. Theory: entries are taken in list order, each validated in the kernel's order and
 * given to the engines before the next is looked at; the first refusal ends the call, whose result
 * is the number accepted. What the engines finish at once is completed before the reply; what waits
 * for storage or a peer goes on behind it, except a buffered write, which the caller waits for as
 * in the kernel (parked on the request; the loop goes on).
 *
 * The call may be parked at its cursor and continued: by a write that must be waited for, or by
 * bounce memory or descriptors that are used up. Accepted entries are never undone.
 */
#include "complete.h"
#include "copy_out.h"
#include "episode.h"
#include "errand.h"
#include "iocb.h"
#include "kept.h"
#include "log.h"
#include "naming.h"
#include "notify.h"
#include "observe.h"
#include "submit.h"
#include "submitter.h"
#include "trace.h"

#define FINISHED_MAX 64		/* complete in between, so that memory comes back */

/* What became of one entry; a negative number is the error of io_submit. */
enum taken {
	TAKEN = 0,
	TAKEN_WAIT = 1,			/* accepted, but the caller must wait for it */
	TAKEN_GONE = -EINTR,		/* the caller has been broken off */
	TAKEN_LATER = 3,		/* not accepted; an earlier one must be finished first */
	TAKEN_NO_ROOM = 2,		/* not accepted; try again when something comes back */
	TAKEN_ERRAND = -EINPROGRESS,	/* not yet: the caller must do something for it */
};

/* The engine has found out what the kernel would have refused. */
static int refuse_request(struct submission *s, struct request *r)
{
	const int err = (int)r->io.result;

	submit_take_back(s, r);
	return err;
}

/*
 * A poll that cannot wait here, a file without the operation: known only from the engine's own try.
 */
static bool refused(const struct request *r)
{
	return !r->made_up && (r->io.refused || (r->io.op == IO_POLL && r->io.result < 0));
}

static void wait_for(struct submission *s, struct request *r)
{
	r->caller = s->call;
	s->call->waits_for = r;
}

static void wait_no_more(struct call *call)
{
	call->waits_for->caller = NULL;
	call->waits_for = NULL;
}

/* Everything that this call has done is complete: events told, data copied out. */
static void settle(struct submission *s)
{
	s->finished = 0;
	complete_finished(s->d);
	submit_settled(s);
}

static int started_done(struct submission *s, struct request *r)
{
	const bool more = request_has_more(r), is_read = r->io.op == IO_READ;

	if (refused(r))
		return refuse_request(s, r);
	if (r->file->io.class == FILE_PEER && r->io.op != IO_POLL)
		complete_polls_before(s->d, r);
	if (is_read && r->io.result > 0)
		submit_note_read(s, r);
	if (more) {
		wait_for(s, r);		/* its data have not all been moved yet */
		s->batch.valid = 0;
	}
	s->finished += !more;
	if (more || s->finished >= FINISHED_MAX || complete_raises_sigpipe(r))
		settle(s);
	if (more && is_read && s->call->waits_for && !submit_caller_waits(s, r) &&
	    list_empty(&s->d->finished))
		wait_no_more(s->call);	/* the rest waits for storage */
	return s->call->waits_for ? TAKEN_WAIT : TAKEN;
}

/* Where memory is missing, old data are kept. */
static int prepare_reach(struct submission *s, struct request *r)
{
	const int64_t reach = submit_writable_reach(s, r);

	if (reach < 0)
		return (int)reach;
	if ((uint64_t)reach >= r->io.length_bytes) {
		copy_out_keep_torn(r);
		return 0;
	}
	if (s->finished)
		settle(s);
	copy_out_prepare(r, (uint64_t)reach);
	return 0;
}

static int start(struct submission *s, struct request *r)
{
	bool waits;
	int back;

	if (r->file->can & FILE_EVENTFD && s->finished)
		settle(s);		/* it may count what this call has finished */
	if (submit_must_reach(r) && prepare_reach(s, r)) {
		submit_unreserve(s, r);
		return TAKEN_NO_ROOM;
	}
	submit_accept(s, r);
	waits = submit_caller_waits(s, r);	/* before it makes the file larger */
	back = submitter_enter(s, r);
	request_start(s->d, r);
	submitter_leave(back);
	if (s->d->finished.prev == &r->io.node)
		return started_done(s, r);
	if (submit_may_be_refused(r)) {
		submit_take_back(s, r);
		return TAKEN_NO_ROOM;
	}
	if (submit_behind_is_hidden(s, r)) {
		wait_for(s, r);
		return TAKEN_WAIT;
	}
	if (r->io.op == IO_READ && !r->io.direct && !s->call->first_behind)
		s->call->first_behind = r->id;
	if (r->withheld)
		waits = submit_waits_withheld(s, r);
	if (!waits && !(request_has_more(r) && r->io.op == IO_WRITE))
		return TAKEN;
	wait_for(s, r);
	return TAKEN_WAIT;
}

/* Its result is known before any engine has seen it. */
static int finish_unstarted(struct submission *s, struct request *r, int64_t result)
{
	submit_accept(s, r);
	r->io.result = result;
	r->faulted = true;
	list_add_tail(&s->d->finished, &r->io.node);
	return TAKEN;
}

/* TAKEN: the caller cannot be made to do it. */
static int begin_errand(struct submission *s, struct request *r)
{
	struct request *ahead = submit_ahead(s, r);

	if (!ahead)
		return errand_transfer(s->call, r, s->entry) ? TAKEN_ERRAND : TAKEN;
	submit_unreserve(s, r);
	wait_for(s, ahead);
	return TAKEN_LATER;
}

static int begin(struct submission *s, struct request *r, const struct iocb *cb, bool key_known)
{
	const int err = submit_prepare(s, r, cb, key_known);
	int64_t result;

	if (err) {
		submit_unreserve(s, r);
		return err == -EMFILE || err == -ENFILE ? TAKEN_NO_ROOM : err;
	}
	result = submit_prepare_data(s, r);
	if (result == -ENOMEM) {
		submit_unreserve(s, r);
		return TAKEN_NO_ROOM;
	}
	if (s->d->breakable && !notify_valid(s->d->notify, s->call->notice.cookie)) {
		submit_unreserve(s, r);	/* what was read may be of the program's next call */
		return TAKEN_GONE;
	}
	if (!result && submit_by_caller(s, r)) {
		const int taken = begin_errand(s, r);

		if (taken != TAKEN)
			return taken;
	}
	if (submit_takes_signals(r)) {
		submit_unreserve(s, r);	/* it cannot be had (D15) */
		return -EINVAL;
	}
	return result ? finish_unstarted(s, r, result) : start(s, r);
}

/* A slot; what this call has finished itself frees some, if the program moves the head. */
static int reserve(struct submission *s)
{
	if (context_reserve(s->ctx) == 0)
		return 0;
	if (!s->finished)
		return -EAGAIN;
	settle(s);
	return context_reserve(s->ctx);
}

static bool must_wait_first(struct submission *s, uint64_t index)
{
	struct request *r = submit_pending(s, index);

	if (r)
		wait_for(s, r);
	return r != NULL;
}

static int submit_one(struct submission *s, uint64_t index)
{
	const struct thread *th = s->call->thread;
	const struct iocb *cb;
	struct request *r;
	bool key_known;
	int err;

	if (submit_depends(s, index))
		settle(s);
	cb = s->entry = submit_entry(s, index, &s->entry_at, &key_known);
	if (must_wait_first(s, index))
		return TAKEN_LATER;
	if (!cb) {
		err = submit_entry_by_caller(s, index);
		if (err)
			return err;
		cb = s->entry = submit_entry(s, index, &s->entry_at, &key_known);
	}
	err = iocb_check_fields(cb);
	if (err)
		return err;
	if (reserve(s))
		return -EAGAIN;
	r = request_create(s->d->buffers);
	if (!r) {
		context_refuse(s->ctx);
		return -EAGAIN;
	}
	r->ctx = s->ctx;
	r->obj = s->entry_at;
	r->data = cb->aio_data;
	r->opcode = cb->aio_lio_opcode;
	r->tid = th->source.tid;
	r->tgid = th->source.tgid;
	return begin(s, r, cb, key_known);
}

/*
 * What storage completes as soon as it is started (a hole read with O_DIRECT) is complete for the
 * caller too.
 */
static void flush(struct submission *s)
{
	submit_put_files(s);
	engine_flush(s->d->engine);
	complete_started(s->d);
	s->finished = 0;
	submit_settled(s);
}

/* Memory or descriptors are used up: something must come back first. A peer's may never. */
static struct verdict no_room(struct submission *s)
{
	if (inflight_storage(s->d))
		return verdict_park(&s->d->room);
	log_warn_once("out of descriptors or memory, and nothing in flight but for peers: "
		      "io_submit gets EAGAIN (raise the limit on open files or --buffer-memory)");
	return verdict_return(s->call->cursor ? (int64_t)s->call->cursor : -EAGAIN);
}

static void entry_accepted(struct submission *s)
{
	const struct iocb *cb;
	bool key_known;
	uint64_t at;

	if (s->d->breakable) {
		cb = submit_entry(s, s->call->cursor, &at, &key_known);
		if (cb)
			kept_note_entry(s->call, at, cb);
	}
	s->call->cursor++;
	errand_forget_copies(s->call);
}

/* The caller has come back with a transfer that it has made. */
static void take_transferred(struct submission *s)
{
	int64_t result;
	struct request *r = errand_transferred(s->call, &s->entry, &result);

	if (r && result == -EINPROGRESS) {
		submit_unreserve(s, r);	/* or has not been sent: again, without it */
	} else if (r) {
		(void)finish_unstarted(s, r, result);
		if (r->file->io.class == FILE_PEER)
			complete_polls_before(s->d, r);
		entry_accepted(s);
	}
}

static struct verdict submit_all(struct submission *s)
{
	struct call *call = s->call;
	int taken = TAKEN;
	uint64_t now;

	s->begin_ns = now_ns();
	take_transferred(s);
	while (call->cursor < s->nr && taken == TAKEN && !call->unsure && !errand_wanted(call)) {
		taken = submit_one(s, call->cursor);
		if (taken == TAKEN || taken == TAKEN_WAIT)
			entry_accepted(s);
		else if (taken < 0 && taken != TAKEN_GONE && taken != TAKEN_ERRAND)
			trace_refused(s->d->trace, call, s->ctx, s->entry_at, s->entry, taken);
		if (taken > TAKEN) {
			const unsigned before = s->d->outstanding;

			flush(s);
			/* no room: what has just come back may have held it */
			if (taken != TAKEN_NO_ROOM || s->d->outstanding < before)
				taken = call->waits_for ? TAKEN_WAIT : TAKEN;
		}
		now = dispatch_pump(s->d);
		if (taken == TAKEN && call->cursor < s->nr &&
		    dispatch_too_long(s->d, s->begin_ns, now)) {
			flush(s);
			return verdict_park(&s->d->later);
		}
	}
	/* flushed just now: once more could finish what is waited for, and end the call too early */
	if (call->waits_for)
		return verdict_park(NULL);
	if (taken == TAKEN_NO_ROOM)
		return no_room(s);
	flush(s);
	call->away = taken == TAKEN_GONE && call->cursor;
	if (call->away || errand_wanted(call))
		return verdict_park(NULL);
	return verdict_return(call->cursor ? (int64_t)call->cursor : taken);
}

static struct verdict open_and_submit(struct submission *s)
{
	struct call *call = s->call;
	struct verdict v;
	int err;

	err = submit_open(s);
	if (err)
		return verdict_return(call->cursor ? (int64_t)call->cursor : err);
	trace_look(s->d->trace, s->ctx);
	s->d->submitting = call;
	v = submit_all(s);
	s->d->submitting = NULL;
	if (v.kind == VERDICT_PARK && !call->ctx)
		context_enter(call, s->ctx);
	return v;
}

struct verdict handle_submit(struct dispatch *d, struct call *call)
{
	const int64_t nr = (int64_t)call->notice.args[1];
	struct submission s;
	struct verdict v;
	struct mm *mm = call->mm;

	if (nr < 0)
		return verdict_return(-EINVAL);
	errand_deliver(d, call);
	if (call->waits_for || errand_wanted(call))	/* its end wakes us */
		return verdict_park(NULL);
	if (mm->closing || mm->exec != MM_EXEC_NONE)
		return verdict_park(&mm->held);
	s.d = d;
	s.call = call;
	s.nr = call->limit ? min_u64((uint64_t)nr, call->limit) : (uint64_t)nr;
	s.finished = 0;
	s.fresh_from = s.fresh_to = 0;
	s.file_count = 0;
	s.who = WHO_UNKNOWN;
	v = open_and_submit(&s);
	if (v.kind == VERDICT_RETURN && call->raise_signals && call->door == DOOR_TRAP)
		return episode_raise(call, v.value);
	return v;
}
