/* SPDX-License-Identifier: MIT */
/*
 * io_getevents and io_pgetevents (docs/aio-abi.md, 11 and 12). Theory: each pass takes what is
 * there, up to nr, even if fewer than min: events leave the ring at once. A call that has fewer
 * than min after a pass is parked on its context and asked again when its missing count is present,
 * when its deadline has passed, when the context dies, or when a signal waits for the thread. A
 * pass whose copy fails takes nothing. Where the thread itself has to copy (errand.h), a pass takes
 * what it has copied, and none is made that could not answer the call.
 */
#include <signal.h>
#include <stdint.h>

#include "dispatch.h"
#include "episode.h"
#include "errand.h"
#include "observe.h"

#define FOREVER INT64_MAX
#define TAKE_TRIES 1000

static uaddr events_at(const struct call *call)
{
	return call->notice.args[3] + call->cursor * sizeof(struct ring_event);
}

static bool can_answer(const struct call *call, const struct context *ctx, unsigned count)
{
	return call->cursor + count >= call->wait.min_nr || call->wait.expired || call->broken ||
	       !call->wait.timeout_ns || count >= ctx->ring.nr / 2;
}

/*
 * Copies `count` events from head on, in at most two pieces (wrap), by one system call. -EINPROGRESS:
 * the thread is to do it; -EBUSY: but not for these alone.
 */
static int64_t copy_events(struct call *call, struct context *ctx, unsigned head, unsigned count)
{
	const uaddr to = events_at(call);
	const struct uvec remote = { to, count * sizeof(struct ring_event) };
	const struct ring_event *events;
	struct iovec local[2];
	unsigned pieces = 0;
	ssize_t n;

	for (unsigned done = 0; done < count; pieces++) {
		const unsigned piece =
			ring_peek(&ctx->ring, (head + done) % ctx->ring.nr, count - done, &events);

		local[pieces] =
			(struct iovec){ (void *)(uintptr_t)events, piece * sizeof(*events) };
		done += piece;
	}
	n = tracee_writev(call->thread->source.tid, &remote, 1, local, pieces);
	if (n == (ssize_t)remote.length_bytes)
		return count;
	if (!tracee_hides_from(call->thread->source.tid, &remote, 1, n, true))
		return -EFAULT;
	if (!can_answer(call, ctx, count))
		return -EBUSY;
	n = errand_write(call, to, local, pieces);
	return n ? n : (int64_t)count;
}

/*
 * One pass: the number taken, or -EFAULT with nothing taken; -EAGAIN: the program itself has taken
 * some meanwhile (shim/reap.c).
 */
static int64_t try_take(struct dispatch *d, struct call *call, struct context *ctx)
{
	unsigned head, present, count;
	int64_t taken;

	if (!ring_view(&ctx->ring, &head, &present))
		return 0;
	count = (unsigned)min_u64(present, call->wait.nr - call->cursor);
	count = (unsigned)min_u64(count, errand_written(call, events_at(call)) /
						      sizeof(struct ring_event));
	taken = count ? copy_events(call, ctx, head, count) : 0;
	if (taken >= 0 && !ring_consume(&ctx->ring, head, count))
		return -EAGAIN;
	trace_reaped(d->trace, call, ctx, head, taken > 0 ? count : 0);
	if (taken > 0) {
		call->cursor += count;
		call->ctx = ctx;
		call->wait.last_head = head;
		call->wait.last_count = count;
		errand_forget_copies(call);
	}
	return taken;
}

/* Whoever only moves head to and fro finds that nothing is there. */
static int64_t take(struct dispatch *d, struct call *call, struct context *ctx)
{
	int64_t taken = -EAGAIN;

	trace_look(d->trace, ctx);
	for (unsigned i = 0; i < TAKE_TRIES && taken == -EAGAIN; i++)
		taken = try_take(d, call, ctx);
	return taken == -EAGAIN || taken == -EBUSY ? 0 : taken;
}

void getevents_undo(struct dispatch *d, struct call *call)
{
	struct context *ctx = call->ctx;

	if (!call->wait.last_count)
		return;
	ring_unconsume(&ctx->ring, call->wait.last_head, call->wait.last_count);
	trace_unreaped(d->trace, ctx, call->wait.last_head, call->wait.last_count);
}

/*
 * Where a signal can break the call off behind our back, what an early pass has taken would be lost
 * with it: it takes when it can answer, unless so much is there that the ring might fill up.
 */
static bool takes_later(const struct dispatch *d, const struct call *call,
			const struct context *ctx)
{
	unsigned head, present;

	(void)ring_view(&ctx->ring, &head, &present);
	return d->breakable && !call->broken && !call->wait.expired &&
	       present < call->wait.min_nr - call->cursor && present < ctx->ring.nr / 2;
}

static bool signal_waits(const struct call *call)
{
	const pid_t tid = call->thread->source.tid;

	return (call->wait.has_mask && tracee_signal_pending(tid, call->wait.sigmask) > 0) ||
	       (call->has_own_mask && tracee_signal_pending(tid, call->own_mask) > 0);
}

/*
 * do_io_getevents() and restore_saved_sigmask_unless(): a signal that the temporary mask lets
 * through makes an empty result EINTR, and its handler runs under that mask before the call
 * returns, whatever the result.
 */
static struct verdict answer(struct call *call, int64_t otherwise)
{
	int64_t value = call->cursor ? (int64_t)call->cursor : otherwise;

	if (errand_wanted(call))
		return verdict_park(NULL);
	if (!signal_waits(call)) {
		/* the kernel begins again only if it has been called: else the number would get out */
		if (value == -ERESTARTNOHAND && thread_state(call->thread) != 'D')
			value = -EINTR;
		return verdict_return(value);
	}
	if (value == 0 || value == -ERESTARTNOHAND)
		value = -EINTR;
	return episode_suspend(call, value);
}

/*
 * Relative nanoseconds as ktime has them (timespec64_to_ktime, 6.18); negative ones wait for ever.
 */
static int64_t timeout_ns(const struct timespec *ts)
{
	int64_t ns;

	if (ts->tv_sec >= INT64_MAX / (int64_t)NSEC_PER_SEC)
		return FOREVER;
	ns = (int64_t)((uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec);
	return ns < 0 ? FOREVER : ns;
}

static void expired(void *arg)
{
	struct call *call = arg;

	call->wait.expired = true;
	dispatch_wake_call(call->wait.deadline_owner, call);
}

static int arm_deadline(struct dispatch *d, struct call *call, int64_t ns)
{
	if (ns == FOREVER)
		return 0;
	call->wait.deadline_owner = d;
	call->wait.deadline.fn = expired;
	call->wait.deadline.arg = call;
	return loop_timer_start(d->loop, &call->wait.deadline, now_ns() + (uint64_t)ns);
}

/* struct __aio_sigset: {sigset *, size}, both 64 bits. */
static int read_sigmask(struct call *call)
{
	uint64_t usig[2];
	int err;

	if (call->kind != CALL_PGETEVENTS || !call->notice.args[5])
		return 0;
	err = errand_read_argument(call, call->notice.args[5], usig, sizeof(usig));
	if (err)
		return err;
	if (!usig[0])
		return 0;
	if (usig[1] != sizeof(call->wait.sigmask))
		return -EINVAL;
	err = errand_read_argument(call, usig[0], &call->wait.sigmask, sizeof(call->wait.sigmask));
	if (err)
		return err;
	call->wait.sigmask &= ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1));
	call->wait.sigmask_at = usig[0];
	call->wait.has_mask = true;
	return 0;
}

static int read_timeout(struct call *call, int64_t *ns)
{
	struct timespec ts;
	int err;

	*ns = FOREVER;
	if (!call->notice.args[4])
		return 0;
	err = errand_read_argument(call, call->notice.args[4], &ts, sizeof(ts));
	if (err)
		return err;
	*ns = timeout_ns(&ts);
	return 0;
}

static struct verdict first_pass(struct dispatch *d, struct call *call, struct context *ctx,
				 int64_t ns)
{
	const int64_t taken = ns && takes_later(d, call, ctx) ? 0 : take(d, call, ctx);

	if (taken < 0)
		return answer(call, taken);
	if (call->cursor >= call->wait.min_nr || ns == 0)
		return answer(call, 0);
	if (signal_waits(call) || call->early)
		return answer(call, -EINTR);
	if (arm_deadline(d, call, ns))
		return answer(call, -EAGAIN);
	call->ctx = ctx;
	if (ns == FOREVER)
		lint_waits(d->lint, call, ctx);
	return verdict_park(&ctx->waiters);
}

/* By a fault plan: so many at a time, or fewer than were asked for, as if a signal had come. */
static void limit(struct call *call)
{
	const uint64_t most = call->limit ? call->limit : UINT64_MAX;

	call->early &= call->wait.min_nr > 0;
	call->wait.nr = min_u64(call->wait.nr, call->early ? min_u64(most, call->wait.min_nr - 1)
							   : most);
	if (!call->early)
		call->wait.min_nr = min_u64(call->wait.min_nr, call->wait.nr);
}

static struct verdict begin(struct dispatch *d, struct call *call)
{
	const int64_t min_nr = (int64_t)call->notice.args[1], nr = (int64_t)call->notice.args[2];
	struct context *ctx;
	int64_t ns;
	int err = read_timeout(call, &ns);

	call->wait.timeout_ns = ns == FOREVER ? -1 : ns;
	if (!err)
		err = read_sigmask(call);
	if (err)
		return errand_wanted(call) ? verdict_park(NULL) : verdict_return(err);
	ctx = context_lookup(call, call->notice.args[0], &err);
	if (!ctx || min_nr < 0 || min_nr > nr)
		return answer(call, ctx ? -EINVAL : err);
	call->wait.min_nr = (uint64_t)min_nr;
	call->wait.nr = (uint64_t)nr;
	limit(call);
	return first_pass(d, call, ctx, ns);
}

/*
 * do_io_getevents() makes it -EINTR in every case; io_pgetevents leaves it to what the signal turns
 * out to be: only a handler ends the call, a stop (SIGSTOP, ptrace) starts it anew, with its full
 * timeout. The kernel knows what to do with that value, since the thread leaves a system call.
 */
static int64_t interrupted(const struct dispatch *d, const struct call *call)
{
	return call->kind == CALL_PGETEVENTS && !d->breakable ? -ERESTARTNOHAND : -EINTR;
}

/*
 * Parked before; something may have changed. Completions are taken only for a caller that still
 * waits.
 */
static struct verdict resume(struct dispatch *d, struct call *call)
{
	struct context *ctx = call->ctx;
	int64_t taken;

	if (ctx->dead) {
		if (d->breakable)
			(void)take(d, call, ctx);
		return answer(call, -EINVAL);
	}
	taken = takes_later(d, call, ctx) ? 0 : take(d, call, ctx);
	if (taken < 0)
		return answer(call, taken);
	if (call->cursor >= call->wait.min_nr || call->wait.expired)
		return answer(call, 0);
	if (call->broken)
		return answer(call, interrupted(d, call));
	return verdict_park(&ctx->waiters);
}

struct verdict handle_getevents(struct dispatch *d, struct call *call)
{
	return call->ctx ? resume(d, call) : begin(d, call);
}

static bool satisfied(const struct call *call, const struct context *ctx)
{
	return ctx->dead || ring_available(&ctx->ring) >= call->wait.min_nr - call->cursor;
}

/*
 * aio_complete() of fs/aio.c wakes those whose missing count is present, the youngest first:
 * prepare_to_wait_event() adds at the head.
 */
void waiters_wake(struct dispatch *d, struct context *ctx)
{
	list_for_each_reverse(node, tmp, &ctx->waiters) {
		struct call *call = list_entry(node, struct call, node);

		if (satisfied(call, ctx))
			dispatch_run(d, call);
	}
}

bool waiter_must_break(struct call *call, char state)
{
	const pid_t tid = call->thread->source.tid;

	if (!call->wait.has_mask)
		return state == 'D' || signal_waits(call) || errand_signal_waits(call);
	/* a signal that only the thread's own mask lets in is not for this call; a stop is */
	return signal_waits(call) || (state == 'D' && !tracee_signal_deliverable(tid));
}
