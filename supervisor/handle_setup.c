/* SPDX-License-Identifier: MIT */
/*
 * io_setup and io_destroy. Theory: the ring must be mapped in the tracee, which only the tracee can
 * do: the memfd is put into its table while it waits (ADDFD), the thread is seized, the call
 * answered, and behind the answer the thread runs mmap, madvise, close, before it sees user mode
 * again with the true result (remote.h). io_destroy unmaps in the same way. Whatever fails on the
 * way leaves no context behind.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "dispatch.h"
#include "episode.h"
#include "errand.h"
#include "lint.h"
#include "log.h"
#include "notify.h"
#include "remote.h"
#include "setup.h"
#include "trace.h"

static int seize(struct dispatch *d, struct call *call)
{
	const int err = episode_seize(call);

	if (!err)
		return 0;
	if (err != -ESRCH && notify_valid(d->notify, call->notice.cookie))
		log_warn_once("process %d cannot be traced (%s): io_setup gets EAGAIN; is a "
			      "debugger attached, is it "
			      "not dumpable, or is ptrace forbidden here (see --doctor)?",
			      call->thread->source.tgid, strerror(-err));
	return -EAGAIN;
}

/*
 * The tracee's descriptor table may be full (EMFILE), which io_setup knows nothing of: its limit is
 * raised for the moment, by one, and by more where it had been lowered below what is open.
 */
static int add_ring_fd(struct dispatch *d, struct call *call, struct context *ctx)
{
	const pid_t tgid = call->thread->source.tgid;
	struct rlimit old, more;
	int fd = notify_addfd(d->notify, call->notice.cookie, ctx->ring.memfd);

	if (fd != -EMFILE || prlimit(tgid, RLIMIT_NOFILE, NULL, &old))
		return fd;
	more = old;
	for (rlim_t limit = old.rlim_cur + 1; fd == -EMFILE; limit = limit * 2) {
		if (more.rlim_cur < old.rlim_max)	/* no privilege is needed so far */
			limit = (rlim_t)min_u64(limit, old.rlim_max);
		more.rlim_cur = limit;
		more.rlim_max = (rlim_t)max_u64(old.rlim_max, limit);
		if (prlimit(tgid, RLIMIT_NOFILE, &more, NULL))
			break;	/* above fs.nr_open, or not allowed */
		fd = notify_addfd(d->notify, call->notice.cookie, ctx->ring.memfd);
	}
	(void)prlimit(tgid, RLIMIT_NOFILE, &old, NULL);
	return fd;
}

static void close_ring_fd(struct remote *r, int fd)
{
	const uint64_t args[] = { (uint64_t)fd, 0, 0, 0, 0, 0 };

	(void)remote_syscall(r, SYS_close, args);
}

static int64_t map_ring(struct remote *r, const struct context *ctx, int fd)
{
	const uint64_t map[] = { 0,	     ctx->ring.map_bytes, PROT_READ | PROT_WRITE,
				 MAP_SHARED, (uint64_t)fd,	  0 };
	const int64_t at = remote_syscall(r, SYS_mmap, map);
	const uint64_t advice[] = { (uint64_t)at, ctx->ring.map_bytes, MADV_DONTFORK, 0, 0, 0 };
	const uint64_t no_dump[] = { (uint64_t)at, ctx->ring.map_bytes, MADV_DONTDUMP, 0, 0, 0 };

	close_ring_fd(r, fd);
	if (r->late)
		return -EAGAIN;
	if (at < 0 && at > -4096)
		return -ENOMEM;
	(void)remote_syscall(r, SYS_madvise, advice);
	(void)remote_syscall(r, SYS_madvise, no_dump);
	return at;
}

static void unmap_ring(struct remote *r, uaddr at, size_t bytes)
{
	const uint64_t args[] = { at, bytes, 0, 0, 0, 0 };

	(void)remote_syscall(r, SYS_munmap, args);
}

/* Tests 6 and 8 of docs/aio-abi.md, 2, which the kernel makes when the mapping stands. */
int64_t setup_enter(struct dispatch *d, struct call *call, struct context *ctx, int64_t at)
{
	const uint64_t handle = (uint64_t)at;

	if (d->aio_nr + ctx->max_nr > d->cfg->max_nr)
		return -EAGAIN;
	/* the thread may have come late, and others have taken the one that was free then */
	ctx->slot = mm_free_slot(call->mm);
	ring_set_id(&ctx->ring, ctx->slot);
	if (ring_seal(&ctx->ring) || mm_take_slot(call->mm, ctx->slot, ctx))
		return -ENOMEM;
	if (tracee_write_all((pid_t)call->notice.tid, call->notice.args[1], &handle,
			     sizeof(handle))) {
		mm_put_slot(call->mm, ctx->slot);
		return -EFAULT;
	}
	mm_note_handle(call->mm, handle);
	ctx->handle = call->ctx_handle = handle;
	ctx->lint_ip = call->notice.ip;
	ctx->number = call->ctx_number = ++d->context_count;
	ctx->nth = ++call->mm->contexts_made;
	d->aio_nr += ctx->max_nr;
	d->contexts++;
	list_add_tail(&call->mm->contexts, &ctx->node);
	return 0;
}

/* The thread stands behind its reply. All this again if it gets late, but for the decision. */
static void setup_in_thread(struct dispatch *d, struct call *call)
{
	struct remote *r = call->episode;
	const int64_t at = map_ring(r, call->ctx, (int)call->cursor);

	if (r->late)
		return;
	if (!call->decided)
		call->answer = at < 0 ? at : setup_enter(d, call, call->ctx, at);
	call->decided = true;
	if (call->answer && at > 0)
		unmap_ring(r, (uaddr)at, call->ctx->ring.map_bytes);
	remote_result(r, call->answer);
}

static void setup_behind_reply(struct dispatch *d, struct call *call)
{
	struct remote *r = call->episode;
	const int err = episode_stop(call);

	if (err == -EINTR)
		close_ring_fd(r, (int)call->cursor); /* it comes again, or has ended with EINTR */
	if (!err)
		setup_in_thread(d, call);
	if (r->late)
		return;
	if (err && err != -EINTR && err != -ESRCH)
		log_warn("io_setup in process %d failed: its thread could not be stopped (%s)",
			 call->thread->source.tgid, strerror(-err));
	if (err && err != -EINTR)
		remote_result(r, -EAGAIN);
	if (err || call->answer)
		context_destroy(call->ctx);
	call->ctx = NULL;
	episode_end(call);
}

/* Tests 1 to 4. */
int setup_check(struct dispatch *d, struct call *call)
{
	const uint32_t nr = (uint32_t)call->notice.args[0];
	unsigned slots;
	uint64_t old;
	size_t bytes;
	int err;

	if (tracee_read_all((pid_t)call->notice.tid, call->notice.args[1], &old, sizeof(old)))
		return -EFAULT;
	if (old || !nr)
		return -EINVAL;
	err = ring_size(nr, d->possible_cpus, &slots, &bytes);
	if (err)
		return err;
	return nr > d->cfg->max_nr ? -EAGAIN : 0;
}

/* Seized in vain: it is met behind its reply, which stands, and let go. */
static void setup_in_vain(struct dispatch *d, struct call *call)
{
	const int64_t err = (int64_t)call->cursor;
	const bool broken_off = err == -ENOENT || err == -ESRCH;	/* before ADDFD, or in it */
	const int stop = episode_stop(call);

	if (stop == -EAGAIN)
		return;
	if (!stop && !broken_off)
		remote_result(call->episode, -ENOMEM);
	call->lost |= broken_off;
	episode_end(call);
}

struct verdict handle_setup(struct dispatch *d, struct call *call)
{
	int err = setup_check(d, call);
	struct verdict v = verdict_return(-ENOMEM);
	int fd;

	if (shim_sets_up(call))
		return shim_enter(d, call);
	if (err)
		return verdict_return(err);
	call->ctx = context_create(call->mm, mm_free_slot(call->mm), (uint32_t)call->notice.args[0],
				   d->possible_cpus, &err);
	if (!call->ctx)
		return verdict_return(-ENOMEM);
	err = seize(d, call);
	if (err) {
		context_destroy(call->ctx);
		return verdict_return(err);
	}
	fd = add_ring_fd(d, call, call->ctx);
	call->cursor = (uint64_t)fd;
	(void)remote_interrupt(call->episode);
	if (fd < 0) {
		context_destroy(call->ctx);
		call->ctx = NULL;
	}
	v.after = fd < 0 ? setup_in_vain : setup_behind_reply;
	return v;
}


static void destroy_behind_reply(struct dispatch *d, struct call *call)
{
	struct remote *r = call->episode;
	const int err = episode_stop(call);

	if (!err || err == -EINTR)
		unmap_ring(r, call->wait.nr, call->wait.min_nr);
	if (r->late)
		return;
	if (!err)
		remote_result(r, 0);
	episode_end(call);
}

/* Nothing is outstanding any more. The ring's range is unmapped, whatever is there by now. */
static struct verdict destroy_finish(struct call *call)
{
	struct context *ctx = call->ctx;
	struct verdict v = verdict_return(0);

	call->wait.nr = ctx->handle;
	call->wait.min_nr = ctx->ring.map_bytes;
	call->ctx = NULL;
	if (!shim_unmaps(call, call->wait.min_nr) && episode_begin(call) == 0)
		v.after = destroy_behind_reply;
	return v;
}

/*
 * Waiters whose time was up, or whom a signal ended, stand among the ready calls until it is their
 * turn.
 */
static void recall_waiters(struct dispatch *d, struct context *ctx)
{
	list_for_each(node, tmp, &d->ready) {
		struct call *call = list_entry(node, struct call, node);

		if (call->ctx != ctx ||
		    !(call->kind == CALL_GETEVENTS || call->kind == CALL_PGETEVENTS))
			continue;
		list_del(node);
		list_add_tail(&ctx->waiters, node);
	}
}

static void cancel_peers(struct dispatch *d, struct context *ctx)
{
	list_for_each(node, tmp, &ctx->requests) {
		struct request *r = list_entry(node, struct request, node);

		if (!r->storage)
			request_cancel(d, r);
	}
}

void context_enter(struct call *call, struct context *ctx)
{
	call->ctx = ctx;
	ctx->submitters++;
}

/* As in the kernel, the last call to leave lets io_destroy go on (free_ioctx_users(), 6.18). */
void context_leave(struct dispatch *d, struct call *call)
{
	struct context *ctx = call->kind == CALL_SUBMIT ? call->ctx : NULL;

	if (!ctx)
		return;
	call->ctx = NULL;
	if (--ctx->submitters || !ctx->dead)
		return;
	cancel_peers(d, ctx);
	context_settle(d, ctx);
}

static void desert(struct dispatch *d, struct context *ctx, struct call *call)
{
	if (call->kind != CALL_SUBMIT || call->ctx != ctx)
		return;
	errand_give_up(d, call);
	call->ctx = NULL;
}

void context_desert(struct dispatch *d, struct context *ctx)
{
	list_for_each(node, tmp, &d->parked)
		desert(d, ctx, list_entry(node, struct call, parked));
	list_for_each(node, tmp, &d->late)
		desert(d, ctx, list_entry(node, struct call, node));
	ctx->submitters = 0;
	if (ctx->dead)
		cancel_peers(d, ctx);
}

void context_kill(struct dispatch *d, struct context *ctx)
{
	if (ctx->dead)
		return;
	ctx->dead = true;
	shim_context_over(d, ctx);
	mm_put_slot(ctx->mm, ctx->slot);
	d->aio_nr -= ctx->max_nr;
	d->contexts--;
	recall_waiters(d, ctx);
	waiters_wake(d, ctx);
	if (!ctx->submitters)
		cancel_peers(d, ctx);
	(void)seam(d->plan, SEAM_DESTROYED, ctx);
}

void context_settle(struct dispatch *d, struct context *ctx)
{
	struct call *call;

	/* published ones stay in `requests` until the whole batch has been told */
	if (!ctx->dead || ctx->outstanding || ctx->submitters || !list_empty(&ctx->requests))
		return;
	call = list_first(&ctx->drain, struct call, node);
	if (call) {
		dispatch_wake(d, &ctx->drain);	/* it frees the context in its turn */
		return;
	}
	if (!ctx->destroying) {
		struct mm *mm = ctx->mm;

		trace_context_over(d->trace, ctx);
		lint_context_over(d->lint, ctx);
		context_destroy(ctx);
		mm_release(mm);
	}
}

struct verdict handle_destroy(struct dispatch *d, struct call *call)
{
	struct context *ctx = call->ctx;
	struct verdict v;
	int err;

	if (!call->again) {
		ctx = call->ctx = context_lookup(call, call->notice.args[0], &err);
		if (!ctx)
			return verdict_return(err);
		lint_destroyed(d->lint, call, ctx);
		ctx->destroying = true;
		context_kill(d, ctx);
	}
	if (ctx->outstanding || ctx->submitters)
		return verdict_park(&ctx->drain);
	v = destroy_finish(call);
	ctx->destroying = false;
	context_settle(d, ctx);
	return v;
}
