/* SPDX-License-Identifier: MIT */
/*
 * Theory. Finished ios come as a list. Pieces of large requests go round again; of the rest, read data are
 * copied out (one process_vm_writev for neighbours of one address space), then each is published in list
 * order: entry, tail, eventfd; then waiters of every context touched are looked at once; then files and
 * memory are put back, which may let parked io_submits go on.
 *
 * A copy that ends early gives the count that the kernel would give: bytes until the fault, or -EFAULT.
 */
#include "complete.h"

#include <poll.h>
#include <signal.h>

#include "log.h"

#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x100
#endif

#define STALLED_RETRY_NS NSEC_PER_MSEC
#define COPY_SEGMENTS 256

struct copy_batch {
	struct list requests;		/* struct request.io.node, all of one address space */
	struct mm *mm;
	pid_t tid;
	unsigned local_count;
	unsigned remote_count;
	size_t bytes;
	struct iovec local[COPY_SEGMENTS];
	struct uvec remote[COPY_SEGMENTS];
};

static struct request *request_of(struct list *node)
{
	return container_of(list_entry(node, struct io, node), struct request, io);
}

/* With nothing in flight no completion will call for it: then the next turns do (an engine without memory). */
static void stall(struct dispatch *d, struct request *r)
{
	r->stalled = true;
	list_add_tail(&d->stalled, &r->io.node);
	if (!loop_timer_armed(&d->again))
		(void)loop_timer_start(d->loop, &d->again, now_ns() + STALLED_RETRY_NS);
}

void request_start(struct dispatch *d, struct request *r)
{
	seam(d->plan, SEAM_IO, &r->io);
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
		break;
	case ENGINE_BUSY:
		stall(d, r);
		break;
	}
}

void request_cancel(struct dispatch *d, struct request *r)
{
	r->cancelled = true;
	/* A cancelled POLL is published with 0, its eventfd signalled, as the kernel does; the rest is dropped. */
	r->dropped = r->io.op != IO_POLL && !r->interrupted;
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

/* Bytes of this piece's result that go to the user. */
static size_t read_bytes(const struct request *r)
{
	return r->io.op == IO_READ && r->io.result > 0 && !r->dropped && !r->ctx->mm->dead
		? (size_t)r->io.result : 0;
}

static void copy_failed(struct request *r, ssize_t copied)
{
	if (copied == -ESRCH || copied == -EPERM)
		return;			/* nobody is left to read it */
	r->faulted = true;
	if (copied > 0)
		r->io.result = copied;
	else
		r->io.result = -EFAULT;
}

static unsigned clip_local(const struct request *r, size_t bytes, struct iovec *out)
{
	unsigned n = 0;

	for (; n < r->local_count && bytes; n++) {
		out[n] = r->local[n];
		out[n].iov_len = min_u64(out[n].iov_len, bytes);
		bytes -= out[n].iov_len;
	}
	return n;
}

static unsigned clip_remote(const struct request *r, size_t bytes, struct uvec *out)
{
	unsigned n = 0;

	for (; n < r->remote_count && bytes; n++) {
		out[n] = r->remote[n];
		out[n].length_bytes = min_u64(out[n].length_bytes, bytes);
		bytes -= out[n].length_bytes;
	}
	return n;
}

static void copy_alone(struct request *r)
{
	const size_t bytes = read_bytes(r);
	struct iovec local[REQUEST_SEGMENTS_MAX];
	struct uvec remote[REQUEST_SEGMENTS_MAX];
	ssize_t copied;

	if (!bytes)
		return;
	copied = mm_writev(r->ctx->mm, r->tid, remote, clip_remote(r, bytes, remote),
			   local, clip_local(r, bytes, local));
	if (copied != (ssize_t)bytes)
		copy_failed(r, copied);
}

/* One system call for all; a fault somewhere: each again for itself, which is harmless. */
static void copy_flush(struct copy_batch *b)
{
	ssize_t copied;

	if (!b->bytes)
		return;
	copied = mm_writev(b->mm, b->tid, b->remote, b->remote_count, b->local, b->local_count);
	if (copied != (ssize_t)b->bytes) {
		list_for_each(node, tmp, &b->requests)
			copy_alone(request_of(node));
	}
	b->bytes = 0;
	b->local_count = 0;
	b->remote_count = 0;
}

static bool copy_fits(const struct copy_batch *b, const struct request *r)
{
	return b->bytes == 0 || (b->mm == r->ctx->mm && b->local_count + r->local_count <= COPY_SEGMENTS &&
				 b->remote_count + r->remote_count <= COPY_SEGMENTS);
}

static void copy_out(struct list *ios)
{
	struct copy_batch b;		/* large: only what counts is initialised */
	struct list done;

	b.bytes = 0;
	b.local_count = 0;
	b.remote_count = 0;
	list_init(&b.requests);
	list_init(&done);
	for (struct list *node; (node = list_pop(ios));) {
		struct request *r = request_of(node);
		const size_t bytes = read_bytes(r);

		if (!copy_fits(&b, r)) {
			copy_flush(&b);
			list_splice_tail(&done, &b.requests);
		}
		list_add_tail(&b.requests, node);
		if (r->local_count > COPY_SEGMENTS || r->remote_count > COPY_SEGMENTS) {
			copy_alone(r);
			continue;
		}
		if (!bytes)
			continue;
		b.mm = r->ctx->mm;
		b.tid = r->tid;
		b.local_count += clip_local(r, bytes, &b.local[b.local_count]);
		b.remote_count += clip_remote(r, bytes, &b.remote[b.remote_count]);
		b.bytes += bytes;
	}
	copy_flush(&b);
	list_splice_tail(&done, &b.requests);
	list_splice_tail(ios, &done);
}

/* The kernel's own signal saturates and never blocks; a write of ours must not either. */
static void eventfd_signal(struct dispatch *d, struct request *r)
{
	struct pollfd p = { .fd = r->resfd->io.fd, .events = POLLOUT };
	const uint64_t one = 1;

	seam(d->plan, SEAM_EVENTFD, r);
	if (poll(&p, 1, 0) <= 0 || !(p.revents & POLLOUT)) {
		log_warn_once("an eventfd of process %d is full: further completions cannot be counted in it",
			      r->tgid);
		return;
	}
	if (write(p.fd, &one, sizeof(one)) != sizeof(one))
		log_warn_once("an eventfd of process %d could not be written (error %d)", r->tgid, errno);
}

static void publish(struct dispatch *d, struct request *r)
{
	struct ring_event ev = { .data = r->data, .obj = r->obj };

	if (r->interrupted && r->io.result == -ECANCELED)
		r->io.result = -EINTR;
	seam(d->plan, SEAM_PUBLISH, r);
	log_info(2, "request %llu of %d: opcode %u, descriptor %d: %lld", (unsigned long long)r->id, r->tid,
		 r->opcode, r->file->tracee_fd, (long long)r->io.result);
	if (r->dropped || r->ctx->mm->dead) {
		context_drop(r->ctx);
		return;
	}
	ev.res = r->io.result;
	context_finish(r->ctx, &ev);
	if (r->resfd)
		eventfd_signal(d, r);
}

/* Raised in the submitter, as the kernel does: by itself behind its io_submit, from outside when that is over. */
static void signal_submitter(struct dispatch *d, const struct request *r)
{
	if (r->io.result != -EPIPE || r->io.op != IO_WRITE || r->io.rw_flags & RWF_NOSIGNAL || r->dropped ||
	    r->ctx->mm->dead)
		return;
	if (d->submitting && d->submitting->thread->source.tid == r->tid)
		d->submitting->raise_signo = SIGPIPE;
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
	mm->requests--;
	mm->storage_requests -= storage;
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

	if (request_next_piece(r))
		return false;
	if (r->io.op == IO_WRITE) {
		copied = mm_readv(r->ctx->mm, r->tid, r->remote, r->remote_count, r->local, r->local_count);
		if (request_copied_in(r, copied)) {
			r->io.result = (int64_t)r->moved_bytes;
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

static void finish_all(struct dispatch *d, struct list *ios)
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
	hold_for_exec(ios);
	pulse_step(d->pulse, "copying to the process", -1);
	copy_out(ios);
	if (pieces(d, ios))
		engine_flush(d->engine);
	if (!list_empty(ios))
		finish_all(d, ios);
}

/* The pieces of a large request come back here one after the other: after a while others get their turn. */
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
		else if (dispatch_too_long(d, begin_ns))
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

void complete(void *arg, struct list *ios)
{
	struct dispatch *d = arg;

	complete_list(d, ios);
	complete_stalled(d);
	complete_finished(d);
	dispatch_run_ready(d);
}
