/* SPDX-License-Identifier: MIT */
/*
 * Theory. The thread leaves its trapped call, stands behind it (episode.c), and makes system calls of
 * ours; the handler goes on while it stands, and what it answers becomes the call's result. Who has
 * to wait for events does so in the trap, where signals reach him: he makes his call again, and it
 * goes on where it was (kept.c).
 *
 * Transfers are the thread's own preadv2(2) or pwritev2(2), with its descriptor, vector and signal
 * mask: they wait, end with EINTR and fail as the kernel's io_submit does. A read of a regular file
 * that was done before its memory was looked at (submit_reach.c) is made anew by the thread, and all
 * that its list has finished behind it waits for that.
 */
#include "errand_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "complete.h"
#include "copy_out.h"
#include "episode.h"
#include "notify.h"

struct errand *errand_of(struct call *call)
{
	struct errand *e = call->errand ? call->errand : calloc(1, sizeof(*e));

	if (!call->errand && e)
		list_init(&e->held);
	call->errand = e;
	return e && !e->in_vain ? e : NULL;
}

static struct request *to_transfer(const struct errand *e)
{
	if (e->transferred)
		return NULL;
	return list_empty(&e->held) ? e->request : request_of(e->held.next);
}

bool errand_wanted(const struct call *call)
{
	struct errand *e = call->errand;

	return e && !e->in_vain && (to_transfer(e) || errand_to_copy(e));
}

bool errand_transfer(struct call *call, struct request *r, const struct iocb *cb)
{
	struct errand *e = errand_of(call);

	if (!e)
		return false;
	e->request = r;
	e->cb = *cb;
	return true;
}

struct request *errand_transferred(struct call *call, const struct iocb **cb, int64_t *result)
{
	struct errand *e = call->errand;
	struct request *r = e ? e->request : NULL;

	if (!r)
		return NULL;
	e->request = NULL;
	e->transferred = false;
	r->by_caller = true;
	*cb = &e->cb;
	*result = e->in_vain ? -EINPROGRESS : e->result;
	return r;
}

/* --- in the thread --- */

int64_t errand_do(struct remote *r, long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		  uint64_t e, uint64_t f)
{
	const uint64_t args[6] = { a, b, c, d, e, f };

	return remote_syscall(r, nr, args);
}

/* What a program never sees: aio_rw_done() of fs/aio.c, 6.18. */
static int64_t without_restart(int64_t result)
{
	switch (-result) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		return -EINTR;
	}
	return result;
}

static int64_t transfer(struct remote *r, const struct request *req, const uint64_t *mask)
{
	const int64_t offset = req->io.offset - (int64_t)req->moved_bytes;
	int64_t result;

	r->mask = mask;
	result = errand_do(r, req->io.op == IO_READ ? SYS_preadv2 : SYS_pwritev2,
			   (uint64_t)req->file->tracee_fd, req->iov_at, req->iov_count,
			   (uint64_t)(req->io.file->seekable ? offset : -1), 0, req->io.rw_flags);
	r->mask = NULL;
	return without_restart(result);
}

static void errand_behind_reply(struct dispatch *d, struct call *call)
{
	struct errand *e = call->errand;
	struct remote *r = call->episode;
	const struct request *req = e->in_vain ? NULL : to_transfer(e);
	struct errand_piece *piece = errand_to_copy(e);
	int64_t result = episode_stop(call);

	if (!result && req)
		result = transfer(r, req, call->has_own_mask ? &call->own_mask : &r->old_mask);
	else if (!result && piece)
		errand_copy_piece(r, piece);
	if (r->late)
		return;
	if (req) {
		e->transferred = true;
		e->result = r->gone ? -EINTR : result;
	} else if (piece) {
		piece->tried = true;
	}
	r->made = 0;
	dispatch_ask_again(d, call);
}

static int stand(struct dispatch *d, struct call *call)
{
	int err;

	if (d->breakable || tracee_filters(call->thread->source.tid) > d->filters + 1)
		return -EPERM;
	err = episode_begin(call);
	if (err)
		return err;
	call->standing = true;
	(void)notify_reply(d->notify, call->notice.cookie, -EFAULT);	/* for now */
	return 0;
}

void errand_run(struct dispatch *d, struct call *call)
{
	if (!call->standing && stand(d, call)) {
		call->errand->in_vain = true;
		dispatch_ask_again(d, call);
		return;
	}
	call->after = errand_behind_reply;
	(void)episode_run(d, call);
}

void errand_answer(struct call *call, const struct verdict *v)
{
	call->standing = false;
	if (v->after)
		return;
	remote_result(call->episode, v->value);
	episode_end(call);
}

void errand_back(struct call *call)
{
	remote_repeat(call->episode, call->notice.nr);
	episode_end(call);
	call->standing = false;
	call->notice.cookie = 0;
	call->handed_over = call->away = true;
}

bool errand_signal_waits(const struct call *call)
{
	return call->standing &&
	       tracee_signal_pending(call->thread->source.tid, call->episode->old_mask);
}

/* --- requests that are done --- */

static struct call *standing_call(struct dispatch *d, const struct request *r)
{
	struct call *call = r->caller ? r->caller : d->submitting;

	return call && call->thread->source.tid == r->tid && call->mm == r->ctx->mm ? call : NULL;
}

/* What comes behind it in the list of its call stays behind it. */
void errand_hold(struct dispatch *d, struct list *ios)
{
	struct call *call = NULL;
	struct errand *e = NULL;

	list_for_each(node, tmp, ios) {
		struct request *r = request_of(node);

		if (r->unreached && !e) {
			call = standing_call(d, r);
			e = call ? errand_of(call) : NULL;
		}
		if (!e || standing_call(d, r) != call)
			continue;
		list_del(node);
		list_add_tail(&e->held, node);
	}
	if (e)
		dispatch_wake_call(d, call);
}

static void let_go(struct dispatch *d, struct errand *e)
{
	struct request *r = request_of(e->held.next);

	if (e->transferred) {
		r->by_caller = true;
		r->moved_bytes = 0;
		r->io.result = e->result;
	}
	e->transferred = false;
	r->unreached = false;
	list_splice_tail(&d->finished, &e->held);
}

void errand_deliver(struct dispatch *d, struct call *call)
{
	struct errand *e = call->errand;

	if (!e || list_empty(&e->held) || !(e->transferred || e->in_vain))
		return;
	let_go(d, e);
	d->submitting = call;
	complete_finished(d);
	d->submitting = NULL;
}

void errand_give_up(struct dispatch *d, struct call *call)
{
	struct errand *e = call->errand;

	if (!e)
		return;
	e->in_vain = true;
	if (!list_empty(&e->held))
		let_go(d, e);
	if (e->request) {
		context_refuse(e->request->ctx);
		request_destroy(e->request);
	}
	e->request = NULL;
}

void errand_end(struct dispatch *d, struct call *call)
{
	errand_give_up(d, call);
	errand_forget_copies(call);
	free(call->errand);
	call->errand = NULL;
}
