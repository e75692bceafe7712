/* SPDX-License-Identifier: MIT */
/*
 * The calls that only a shim makes (shim/channel_abi.h): hello, and io_setup and io_destroy without
 * ptrace. What is refused here the shim asks for plainly, so any error will do; io_setup's own come
 * from its last step. A program that makes these calls by itself gets a descriptor of its own ring,
 * and a context at an address of its choice: as much as mremap gives it.
 *
 * Nobody is welcomed whose own seccomp filters might end it for a system call that it has not made
 * natively, nor whose address space is limited, since our page and mappings would count.
 */
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <linux/aio_abi.h>

#include "channel.h"
#include "dispatch.h"
#include "door.h"
#include "passed.h"
#include "setup.h"

#define PASS_ENTRIES 1024

static void channel_arrived(struct dispatch *d, struct call *call)
{
	channel_given(call->mm->channel);
}

static bool is_welcome(const struct dispatch *d, const struct call *call)
{
	const struct file_source *who = &call->thread->source;

	if (!d->cfg->shim || d->breakable)
		return false;
	if (tracee_filters(who->tid) != d->filters + 1)
		return false;
	return tracee_space_unlimited(who->tgid);
}

/* Transactions (RTM) that do not always end; the kernel hides them where it has switched them off. */
static bool cpu_has_transactions(void)
{
#if defined(__x86_64__)
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_RTM && !(d & 1u << 11);
#else
	return false;
#endif
}

/* Descriptors: this one is there or is not, which is another error. */
static bool cannot_take(const struct file_source *who)
{
	auto_fd taken = tracee_get_fd(who->pidfd, 0);

	return taken == -EPERM || taken == -ENOSYS;
}

/*
 * Whoever wants to change each io_getevents, or to look at it before it returns, gets it by the trap.
 * A trace is told, where numbers and clocks are ours. A slot tells the caller's number in its own pid
 * namespace.
 */
static uint32_t may_do(const struct dispatch *d, const struct call *call)
{
	const pid_t tid = call->thread->source.tid;
	const bool may_tell = tracee_same_pid_namespace(tid) && tracee_same_time_namespace(tid);
	const bool may_reap = !d->lint && !d->plan && (!d->trace || may_tell);
	const bool must_pass = cannot_take(&call->thread->source);
	const bool may_submit =
		!must_pass && door_channel_wanted(d) && tracee_same_pid_namespace(tid);
	const bool go_without = d->cfg->random_doors && tid & 1;

	return (may_reap ? CHANNEL_REAP : 0) | (may_submit ? CHANNEL_SUBMIT : 0) |
	       (d->trace ? CHANNEL_TELL : 0) | (must_pass ? CHANNEL_PASS : 0) |
	       (cpu_has_transactions() && !go_without ? CHANNEL_TRANSACTIONS : 0);
}

static struct verdict hello(struct dispatch *d, struct call *call)
{
	struct verdict v;

	if ((uint32_t)call->notice.args[0] != CHANNEL_VERSION || !is_welcome(d, call))
		return verdict_return(-EFAULT);
	if (call->mm->channel)
		return verdict_return(-EBUSY);
	call->mm->channel = channel_create(call->mm, may_do(d, call));
	if (!call->mm->channel)
		return verdict_return(-ENOMEM);
	v = verdict_fd(channel_fd(call->mm->channel));
	v.after = channel_arrived;
	return v;
}

static struct verdict give_ring(struct dispatch *d, struct call *call)
{
	struct thread *th = call->thread;
	int err = setup_check(d, call);

	if (err || !call->mm->channel || !is_welcome(d, call))
		return verdict_return(-EAGAIN);
	context_destroy(th->entering);
	th->entering = context_create(call->mm, mm_free_slot(call->mm),
				      (uint32_t)call->notice.args[0], d->possible_cpus, &err);
	return th->entering ? verdict_fd(th->entering->ring.memfd) : verdict_return(err);
}

/* --- descriptors, where we cannot take them --- */

static bool is_wanted(const int32_t *wanted, unsigned count, int32_t fd)
{
	for (unsigned i = 0; i < count; i++) {
		if (wanted[i] == fd)
			return true;
	}
	return false;
}

/* Those that these entries name, as far as they can be read; the rest is found out by io_submit. */
static unsigned collect_wanted(const struct call *call, int32_t *wanted)
{
	const uint64_t nr = min_u64(call->notice.args[0], PASS_ENTRIES);
	const pid_t tid = call->thread->source.tid;
	unsigned count = 0;
	struct iocb cb;
	uint64_t at;

	for (uint64_t i = 0; i < nr && count + 2 <= CHANNEL_PASSED; i++) {
		if (tracee_read_all(tid, call->notice.args[1] + i * sizeof(at), &at, sizeof(at)) ||
		    tracee_read_all(tid, at, &cb, sizeof(cb)))
			break;
		if (!is_wanted(wanted, count, (int32_t)cb.aio_fildes))
			wanted[count++] = (int32_t)cb.aio_fildes;
		if (cb.aio_flags & IOCB_FLAG_RESFD &&
		    !is_wanted(wanted, count, (int32_t)cb.aio_resfd))
			wanted[count++] = (int32_t)cb.aio_resfd;
	}
	return count;
}

static void socket_arrived(struct dispatch *d, struct call *call)
{
	passed_given(call->thread->source.passed);
}

static struct verdict ask_for_descriptors(struct call *call)
{
	struct file_source *who = &call->thread->source;
	int32_t wanted[CHANNEL_PASSED];
	const unsigned count = collect_wanted(call, wanted);
	struct verdict v;

	if (!count)
		return verdict_return(-EAGAIN);
	who->passed = passed_create(who->passed, wanted, count);
	if (!who->passed)
		return verdict_return(-EAGAIN);
	v = verdict_fd(passed_fd(who->passed));
	v.after = socket_arrived;
	return v;
}

struct verdict handle_shim(struct dispatch *d, struct call *call)
{
	switch (call->notice.args[3]) {
	case CHANNEL_STEP_HELLO:
		return hello(d, call);
	case CHANNEL_STEP_PASS:
		return ask_for_descriptors(call);
	default:
		return give_ring(d, call);
	}
}

bool shim_sets_up(const struct call *call)
{
	return call->notice.args[2] == CHANNEL_MAGIC &&
	       call->notice.args[3] == CHANNEL_STEP_ENTER && call->thread->entering;
}

struct verdict shim_enter(struct dispatch *d, struct call *call)
{
	struct context *ctx = call->thread->entering;
	const int64_t at = (int64_t)call->notice.args[4];
	int64_t err = -ENOMEM;

	call->thread->entering = NULL;
	ctx->ring.second = call->notice.args[5];
	if (at && ctx->mm == call->mm)
		err = setup_enter(d, call, ctx, at);
	if (err)
		context_destroy(ctx);
	else if (call->mm->channel)
		channel_enter(call->mm->channel, ctx);
	return verdict_return(err);
}

bool shim_unmaps(const struct call *call, uint64_t bytes)
{
	return call->notice.args[1] == CHANNEL_MAGIC && call->mm->channel &&
	       !tracee_write_all(call->thread->source.tid, call->notice.args[2], &bytes,
				 sizeof(bytes));
}

/* Calls that only the shim has seen count too; each has given at least one event. */
void shim_context_over(struct dispatch *d, struct context *ctx)
{
	struct channel *ch = ctx->mm->channel;

	if (!ctx->line)
		return;
	d->counts.calls += min_u64(channel_reaped(ch), d->completed);
	channel_leave(ch, ctx);
}
