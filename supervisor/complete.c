/* SPDX-License-Identifier: MIT */
/*
 * Theory. Finished ios come as a list. Pieces of large requests go round again; of the rest, read
 * data are copied out (one process_vm_writev for neighbours of one address space), then each is
 * published in list order: entry, tail, eventfd; then waiters of every context touched are looked
 * at once; then files and memory are put back, which may let parked io_submits go on.
 *
 * A copy that ends early gives the count that the kernel would give: bytes until the fault, or
 * -EFAULT.
 */
#include "complete.h"

#include <signal.h>
#include <sys/socket.h>

#include "copy_out.h"
#include "errand.h"
#include "eventfd.h"
#include "log.h"
#include "observe.h"
#include "rwf.h"

#define STALLED_RETRY_NS NSEC_PER_MSEC

/*
 * With nothing in flight no completion will call for it: then the next turns do (an engine without
 * memory).
 */
static void stall(struct dispatch *d, struct request *r)
{
	r->stalled = true;
	list_add_tail(&d->stalled, &r->io.node);
	if (!loop_timer_armed(&d->again))
		(void)loop_timer_start(d->loop, &d->again, now_ns() + STALLED_RETRY_NS);
}

void request_start(struct dispatch *d, struct request *r)
{
	if (seam(d->plan, SEAM_IO, r))
		return;
	pulse_step(d->pulse, "an engine", r->file->tracee_fd);
	if (!list_empty(&d->stalled)) {
		stall(d, r);
		return;
	}
	switch (engine_submit(d->engine, &r->io)) {
	case ENGINE_DONE:
		list_add_tail(&d->finished, &r->io.node);
		break;
	case ENGINE_QUEUED:
		trace_queued(r);
		break;
	case ENGINE_BUSY:
		stall(d, r);
		break;
	}
}

void request_cancel(struct dispatch *d, struct request *r)
{
	r->cancelled = true;
	/*
	 * A cancelled POLL is published with 0, as the kernel does; the rest is dropped. Both are
	 * counted in their eventfds.
	 */
	r->dropped = r->io.op != IO_POLL && !r->interrupted;
	if (seam(d->plan, SEAM_CANCEL, r))
		return;
	if (!r->stalled) {
		(void)engine_cancel(d->engine, &r->io);
		return;
	}
	list_del(&r->io.node);
	r->stalled = false;
	r->io.result = r->io.op == IO_POLL ? 0 : -ECANCELED;
	list_add_tail(&d->finished, &r->io.node);
}

static void restart_stalled(struct dispatch *d)
{
	struct list waiting;

	list_init(&waiting);
	list_splice_tail(&waiting, &d->stalled);
	for (struct list *node; (node = list_pop(&waiting));) {
		request_of(node)->stalled = false;
		request_start(d, request_of(node));
	}
	engine_flush(d->engine);
}

/* The kernel's own signal saturates and never blocks; a write of ours must not either. */
void complete_count(const struct file *eventfd)
{
	const int err = eventfd_count(eventfd->io.fd);

	if (err)
		log_warn_once("a completion could not be counted in an eventfd of process %d "
			      "(error %d)", eventfd->tgid, -err);
}

static void tell(const struct request *r)
{
	char key[KEY_TEXT_BYTES];

	log_info(2, "request %llu of %d gave %lld: %s", (unsigned long long)r->id, r->tgid,
		 (long long)r->io.result, key_text(&r->key, key, sizeof(key)));
}

static void publish(struct dispatch *d, struct request *r)
{
	struct ring_event ev = { .data = r->data, .obj = r->obj };

	if (r->interrupted && r->io.result == -ECANCELED)
		r->io.result = -EINTR;
	if (r->key.process && log_wants(2))
		tell(r);
	observe_published(d, r);
	if (r->dropped || r->ctx->mm->dead) {
		context_drop(r->ctx);
	} else {
		ev.res = r->io.result;
		context_finish(r->ctx, &ev);
	}
	if (r->resfd && !seam(d->plan, SEAM_EVENTFD, r))	/* others may have it too */
		complete_count(r->resfd);
}

/* Of sockets only streams do: sk_stream_error(), unix_stream_sendmsg(), 6.18. */
bool complete_raises_sigpipe(const struct request *r)
{
	socklen_t size = sizeof(int);
	int type = SOCK_STREAM;

	if (r->io.result != -EPIPE || r->io.op != IO_WRITE || r->io.rw_flags & RWF_NOSIGNAL ||
	    r->made_up)
		return false;
	if (r->file->can & FILE_SOCKET)
		(void)getsockopt(r->io.file->fd, SOL_SOCKET, SO_TYPE, &type, &size);
	return type == SOCK_STREAM;
}

/*
 * Raised in the submitter, as the kernel does: by itself behind its io_submit, from outside when
 * that is over.
 */
static void signal_submitter(struct dispatch *d, const struct request *r)
{
	struct call *call = r->caller ? r->caller : d->submitting;

	if (!complete_raises_sigpipe(r) || r->dropped || r->ctx->mm->dead)
		return;
	if (call && call->thread->source.tid == r->tid)
		submit_raise(call, SIGPIPE);
	else
		tracee_signal_thread(r->tgid, r->tid, SIGPIPE);
}

static void retire(struct dispatch *d, struct request *r)
{
	struct context *ctx = r->ctx;
	struct mm *mm = ctx->mm;
	const bool storage = r->storage;

	list_del(&r->node);
	if (r->caller) {
		r->caller->waits_for = NULL;
		dispatch_wake_call(d, r->caller);
	}
	request_destroy(r);
	d->outstanding--;
	d->completed++;
	mm->requests--;
	mm->storage_requests -= storage;
	if (!storage)
		context_peers(ctx, -1);
	if (mm->dead && storage)
		d->orphans--;
	if (storage)
		life_mm_idle(d, mm);
	context_settle(d, ctx);
}

/* A large request's next piece: false when it has to be finished with what it has. */
static bool next_piece(struct dispatch *d, struct request *r)
{
	ssize_t copied;

	trace_piece_done(d->trace, r);
	if (request_next_piece(r))
		return false;
	if (r->io.op == IO_WRITE) {
		copied = mm_readv(r->ctx->mm, r->tid, r->remote, r->remote_count, r->local,
				  r->local_count);
		if (request_copied_in(r, copied)) {
			r->io.result = r->all_or_none ? -EFAULT : (int64_t)r->moved_bytes;
			return false;
		}
	}
	request_start(d, r);
	return true;
}

/* Splits off what goes round again; what remains in ios is finished. */
static bool pieces(struct dispatch *d, struct list *ios)
{
	struct list over;
	bool again = false;

	list_init(&over);
	for (struct list *node; (node = list_pop(ios));) {
		struct request *r = request_of(node);

		if (!request_piece_done(r) && next_piece(d, r))
			again = true;
		else
			list_add_tail(&over, node);
	}
	list_splice_tail(ios, &over);
	return again;
}

/* While an execve of the address space is undecided nothing is copied into it. */
static void hold_for_exec(struct list *ios)
{
	list_for_each(node, tmp, ios) {
		struct request *r = request_of(node);

		if (r->ctx->mm->exec != MM_EXEC_RUNNING || r->ctx->mm->dead)
			continue;
		list_del(node);
		list_add_tail(&r->ctx->mm->held_done, node);
	}
}

void complete_publish(struct dispatch *d, struct list *ios)
{
	struct context *last = NULL;

	list_for_each(node, tmp, ios) {
		struct request *r = request_of(node);

		signal_submitter(d, r);
		publish(d, r);
		if (last && last != r->ctx)
			waiters_wake(d, last);
		last = r->ctx;
	}
	if (last)
		waiters_wake(d, last);
	for (struct list *node; (node = list_pop(ios));)
		retire(d, request_of(node));
	dispatch_wake(d, &d->room);
}

static void complete_list(struct dispatch *d, struct list *ios)
{
	(void)seam(d->plan, SEAM_DONE, ios);
	hold_for_exec(ios);
	pulse_step(d->pulse, "copying to the process", -1);
	copy_out(ios);
	errand_hold(d, ios);
	if (pieces(d, ios))
		engine_flush(d->engine);
	(void)seam(d->plan, SEAM_PUBLISH, ios);
	if (!list_empty(ios))
		complete_publish(d, ios);
}

/*
 * The pieces of a large request come back here one after the other: after a while others get their
 * turn.
 */
void complete_finished(struct dispatch *d)
{
	uint64_t begin_ns = 0;
	struct list ios;

	while (!list_empty(&d->finished)) {
		list_init(&ios);
		list_splice_tail(&ios, &d->finished);
		complete_list(d, &ios);
		if (list_empty(&d->finished))
			break;
		if (!begin_ns)
			begin_ns = now_ns();
		else if (dispatch_too_long(d, begin_ns, now_ns()))
			break;
	}
}

void complete_stalled(struct dispatch *d)
{
	if (!list_empty(&d->stalled))
		restart_stalled(d);
}

void complete_started(struct dispatch *d)
{
	struct list ios;

	list_init(&ios);
	engine_harvest(d->engine, &ios);
	if (!list_empty(&ios))
		complete_stalled(d);
	list_splice_tail(&d->finished, &ios);
	complete_finished(d);
}

void complete_polls(struct dispatch *d)
{
	struct list ios;

	list_init(&ios);
	engine_look(d->engine, &ios);
	if (list_empty(&ios))
		return;
	list_splice_tail(&d->finished, &ios);
	complete_finished(d);
}

/* aio_poll_wake() of fs/aio.c, 6.18: the event comes while the data are being moved. */
void complete_polls_before(struct dispatch *d, struct request *r)
{
	struct list ios;

	list_init(&ios);
	engine_look(d->engine, &ios);
	if (list_empty(&ios))
		return;
	list_del(&r->io.node);
	list_splice_tail(&d->finished, &ios);
	list_add_tail(&d->finished, &r->io.node);
}

void complete(void *arg, struct list *ios)
{
	struct dispatch *d = arg;

	complete_list(d, ios);
	complete_stalled(d);
	complete_finished(d);
	dispatch_run_ready(d);
}
