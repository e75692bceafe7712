/* SPDX-License-Identifier: MIT */
/*
 * Theory. Usually a thread stands behind its reply at once, and all is done before the loop goes
 * on. One whose cgroup is frozen comes when it is thawed: its call waits for it on the list of late
 * ones, everybody else goes on.
 */
#include "episode.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "dispatch.h"
#include "log.h"
#include "remote.h"
#include "task.h"
#include "tracee.h"

#define LATE_NS (10 * NSEC_PER_MSEC)	/* between two looks at threads that do not come */
#define NEVER_NS (INT64_MAX / 2)
#define SCRATCH_BELOW_STACK 1024	/* beyond the red zone */

int episode_seize(struct call *call)
{
	struct remote *r = calloc(1, sizeof(*r));
	int err = r ? remote_seize(r, (pid_t)call->notice.tid, call->notice.ip) : -ENOMEM;

	if (err) {
		free(r);
		return err;
	}
	call->episode = r;
	return 0;
}

int episode_begin(struct call *call)
{
	int err = episode_seize(call);

	if (!err)
		err = remote_interrupt(call->episode);
	if (err && call->episode)
		episode_end(call);
	return err;
}

int episode_stop(struct call *call)
{
	const int err = remote_stop(call->episode);

	call->lost = err == -EINTR;
	return err;
}

void episode_end(struct call *call)
{
	remote_release(call->episode);
	free(call->episode);
	call->episode = NULL;
}

void episode_abandon(struct call *call)
{
	if (call->kind == CALL_SETUP && call->ctx)
		context_destroy(call->ctx);
	remote_release(call->episode);
	free(call->episode);
	call->episode = NULL;
}

/* The timer is always armed, so that to move it needs no memory: a late thread must be met. */
static int look_at(struct dispatch *d, uint64_t due_ns)
{
	return loop_timer_start(d->loop, &d->late_timer, due_ns);
}

bool episode_run(struct dispatch *d, struct call *call)
{
	call->after(d, call);
	if (!list_empty(&call->parked))
		return false;		/* it is to be asked again */
	if (!call->episode)
		return true;
	call->thread->call = call;
	list_add_tail(&d->late, &call->node);
	(void)look_at(d, now_ns() + LATE_NS);
	return false;
}

/* A few threads at most, and those only while something holds them: looked at one by one. */
static void late_due(void *arg)
{
	struct dispatch *d = arg;
	struct list calls;

	(void)look_at(d, NEVER_NS);	/* its place in the heap is still free */
	list_init(&calls);
	list_splice_tail(&calls, &d->late);
	for (struct list *node; (node = list_pop(&calls));) {
		struct call *call = list_entry(node, struct call, node);

		if (episode_run(d, call))
			dispatch_conclude(d, call);
	}
}

bool episode_stopped(struct dispatch *d, pid_t tid, int wait_status)
{
	list_for_each(node, tmp, &d->late) {
		struct remote *r = list_entry(node, struct call, node)->episode;

		if (r->tid != tid)
			continue;
		r->told_status = wait_status;
		r->told = true;
		(void)look_at(d, now_ns());
		return true;
	}
	return false;
}

int episode_init(struct dispatch *d)
{
	list_init(&d->late);
	d->late_timer = (struct loop_timer){ .fn = late_due, .arg = d };
	return look_at(d, NEVER_NS);
}

static int64_t remote_plain(struct remote *r, long nr)
{
	const uint64_t none[6] = { 0 };

	return remote_syscall(r, nr, none);
}

static int raise_one(struct remote *r, siginfo_t *info, int64_t tid, int signo)
{
	const uaddr at = (r->regs.rsp - SCRATCH_BELOW_STACK) & ~15ull;
	const uint64_t args[6] = {
		(uint64_t)info->si_pid, (uint64_t)tid, (uint64_t)signo, at, 0, 0
	};

	int err;

	_Static_assert(sizeof(*info) == sizeof(r->content), "what is borrowed");
	info->si_signo = signo;
	if (r->late)
		return -EAGAIN;
	if (!r->borrowed && tracee_read_all(r->tid, at, r->content, sizeof(r->content)))
		return -EFAULT;
	r->borrowed = true;
	if (tracee_write_all(r->tid, at, info, sizeof(*info)))
		return -EFAULT;
	err = (int)remote_syscall(r, SYS_rt_tgsigqueueinfo, args);
	if (r->late)
		return err;
	/* a small stack may end above it: then it is something else's */
	(void)tracee_write_all(r->tid, at, r->content, sizeof(r->content));
	r->borrowed = false;
	return err;
}

/* The thread's own numbers, in its own pid namespace. */
static int raise_in_thread(struct remote *r, uint32_t signals)
{
	const int64_t tgid = remote_plain(r, SYS_getpid), tid = remote_plain(r, SYS_gettid);
	siginfo_t info;
	int err = 0;

	memset(&info, 0, sizeof(info));
	info.si_code = SI_USER;
	info.si_pid = (pid_t)tgid;
	info.si_uid = (uid_t)remote_plain(r, SYS_getuid);
	for (int signo = 1; signo < 32 && !err; signo++) {
		if (signals & 1u << signo)
			err = raise_one(r, &info, tid, signo);
	}
	return err;
}

static void raise_from_outside(const struct call *call)
{
	for (int signo = 1; signo < 32; signo++) {
		if (call->raise_signals & 1u << signo)
			tracee_signal_thread(call->thread->source.tgid, call->thread->source.tid,
					     signo);
	}
}

static void raise_behind_reply(struct dispatch *d, struct call *call)
{
	struct remote *r = call->episode;
	int err = episode_stop(call);

	if (!err)
		remote_result(r, (int64_t)call->wait.nr);
	if (!err || err == -EINTR)
		err = raise_in_thread(r, call->raise_signals);
	if (r->late)
		return;
	episode_end(call);
	if (err && err != -ESRCH)
		raise_from_outside(call);
}

struct verdict episode_raise(struct call *call, int64_t value)
{
	struct verdict v = verdict_return(value);

	call->wait.nr = (uint64_t)value;
	if (call->standing || episode_begin(call) == 0)
		v.after = raise_behind_reply;
	else
		raise_from_outside(call);
	return v;
}

static void suspend_behind_reply(struct dispatch *d, struct call *call)
{
	struct remote *r = call->episode;
	const int64_t value = (int64_t)call->wait.nr;
	const int err = episode_stop(call);

	if (err == -EAGAIN)
		return;
	if (!err) {
		remote_result(r, value);
		if (value == -EINTR)
			remote_restartable(r, call->notice.nr);
		if (remote_sigsuspend(r, call->wait.sigmask_at) == -EAGAIN)
			return;
	}
	episode_end(call);
}

struct verdict episode_suspend(struct call *call, int64_t value)
{
	struct verdict v = verdict_return(value);

	call->wait.nr = (uint64_t)value;
	if (call->standing || episode_begin(call) == 0)
		v.after = suspend_behind_reply;
	else
		log_warn_once("process %d cannot be traced: signals that io_pgetevents' mask lets "
			      "through stay pending",
			      call->thread->source.tgid);
	return v;
}
