/* SPDX-License-Identifier: MIT */
#include "episode.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "log.h"
#include "remote.h"
#include "task.h"
#include "tracee.h"

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

static int64_t remote_plain(struct remote *r, long nr)
{
	const uint64_t none[6] = { 0 };

	return remote_syscall(r, nr, none);
}

/* The thread's own numbers, in its own pid namespace. */
static int raise_in_thread(struct remote *r, int signo)
{
	const int64_t tgid = remote_plain(r, SYS_getpid), tid = remote_plain(r, SYS_gettid);
	const uaddr at = (r->regs.rsp - SCRATCH_BELOW_STACK) & ~15ull;
	const uint64_t args[6] = { (uint64_t)tgid, (uint64_t)tid, (uint64_t)signo, at, 0, 0 };
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = signo;
	info.si_code = SI_USER;
	info.si_pid = (pid_t)tgid;
	info.si_uid = (uid_t)remote_plain(r, SYS_getuid);
	if (tracee_write_all(r->tid, at, &info, sizeof(info)))
		return -EFAULT;
	return (int)remote_syscall(r, SYS_rt_tgsigqueueinfo, args);
}

static void raise_behind_reply(struct dispatch *d, struct call *call)
{
	struct remote *r = call->episode;
	int err = episode_stop(call);

	if (!err)
		remote_result(r, (int64_t)call->wait.nr);
	if (!err || err == -EINTR)
		err = raise_in_thread(r, call->raise_signo);
	episode_end(call);
	if (err && err != -ESRCH)
		tracee_signal_thread(call->thread->source.tgid, call->thread->source.tid,
				     call->raise_signo);
}

struct verdict episode_raise(struct call *call, int64_t value)
{
	struct verdict v = verdict_return(value);

	call->wait.nr = (uint64_t)value;
	if (episode_begin(call) == 0)
		v.after = raise_behind_reply;
	else
		tracee_signal_thread(call->thread->source.tgid, call->thread->source.tid,
				     call->raise_signo);
	return v;
}

static void suspend_behind_reply(struct dispatch *d, struct call *call)
{
	struct remote *r = call->episode;
	const int64_t value = (int64_t)call->wait.nr;

	if (episode_stop(call) == 0) {
		remote_result(r, value);
		if (value == -EINTR)
			remote_restartable(r, call->notice.nr);
		remote_sigsuspend(r, call->wait.sigmask_at);
	}
	episode_end(call);
}

struct verdict episode_suspend(struct call *call, int64_t value)
{
	struct verdict v = verdict_return(value);

	call->wait.nr = (uint64_t)value;
	if (episode_begin(call) == 0)
		v.after = suspend_behind_reply;
	else
		log_warn_once("process %d cannot be traced: signals that io_pgetevents' mask lets "
			      "through stay pending",
			      call->thread->source.tgid);
	return v;
}
