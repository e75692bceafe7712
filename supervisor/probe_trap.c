/* SPDX-License-Identifier: MIT */
/*
 * Probes of the trap. Where another listener is in place nothing can be tried: PROBE_LISTENER says
 * so, and the others are unknown, except for what can be told without.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "probe_trial.h"
#include "seccomp_flags.h"

/* What stopped the trial from the start is told by PROBE_NOTIFY and PROBE_LISTENER. */
static int trial_unknown(struct probe_result *out, int err)
{
	out->state = PROBE_UNKNOWN;
	return err;
}

static int trial_wait_and_exchange(const struct trial *t)
{
	int n = trial_arrives(t);

	if (n < 0)
		return n;
	return n ? trial_exchange(t) : -EPROTO;
}

/* A listener with the feature is in place: what does not work now is not for lack of it. */
static int trial_finish(const struct trial *t, struct probe_result *out)
{
	int err = trial_wait_and_exchange(t);

	return err ? trial_unknown(out, err) : 0;
}

int probe_notify(struct probe_result *out)
{
	const struct trial_plan plan = { .nr = TRIAL_CALL };
	auto_trial t = TRIAL_NONE;
	int err = trial_open(&t, &plan);

	if (err == -EPIPE) {
		out->signal = victim_wait(&t.victim);
		return err;
	}
	if (err == -EBUSY)
		return 0;	/* somebody has it: it works */
	return err ? err : trial_wait_and_exchange(&t);
}

int probe_listener(struct probe_result *out)
{
	const struct trial_plan plan = { .nr = TRIAL_CALL };
	auto_trial t = TRIAL_NONE;
	int err = trial_open(&t, &plan);

	return err && err != -EBUSY ? trial_unknown(out, err) : err;
}

int probe_wait_killable(struct probe_result *out)
{
	const struct trial_plan plan = {
		.nr = TRIAL_CALL,
		.flags = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
	};
	auto_trial t = TRIAL_NONE;
	int err = trial_open(&t, &plan);

	if (err == -EBUSY)
		return 0; /* seccomp_set_mode_filter() refuses unknown flags before it looks for
			     others */
	if (err == -EINVAL)
		return err;
	return err ? trial_unknown(out, err) : trial_finish(&t, out);
}

int probe_sync_wake_up(struct probe_result *out)
{
	const struct trial_plan plan = { .nr = TRIAL_CALL };
	auto_trial t = TRIAL_NONE;
	int err = trial_open(&t, &plan);

	if (err)
		return trial_unknown(out, err);
	if (ioctl(t.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) <
	    0)
		return neg_errno();
	return trial_finish(&t, out);
}

/*
 * The victim must return the new descriptor from its call: by ADDFD's own answer, or by our second
 * step.
 */
static int addfd_exchange(const struct trial *t, bool send, struct probe_result *out)
{
	struct seccomp_notif_addfd add = {
		.flags = send ? SECCOMP_ADDFD_FLAG_SEND : 0,
		.srcfd = (__u32)t->victim.sock,
		.newfd_flags = O_CLOEXEC,
	};
	struct trial_report report;
	uint64_t id;
	int err = trial_receive(t, &id);

	if (err)
		return trial_unknown(out, err);
	add.id = id;

	int fd = ioctl(t->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	if (fd < 0)
		return neg_errno();
	if (!send)
		err = trial_reply(t, id, fd);
	err = err ? err : trial_report(t, &report);
	if (err)
		return err;
	return report.value == fd && report.is_fd ? 0 : -EPROTO;
}

static int addfd_trial(struct probe_result *out, bool send)
{
	const struct trial_plan plan = { .nr = TRIAL_CALL };
	auto_trial t = TRIAL_NONE;
	int err = trial_open(&t, &plan);

	if (err)
		return trial_unknown(out, err);
	err = trial_arrives(&t);
	if (err < 0)
		return err;
	return err ? addfd_exchange(&t, send, out) : -EPROTO;
}

int probe_addfd(struct probe_result *out)
{
	return addfd_trial(out, false);
}

int probe_addfd_send(struct probe_result *out)
{
	return addfd_trial(out, true);
}

struct aio_call {
	const char *name;
	long nr;
	bool more;		/* programs do without it, or fail without it outside as well */
};

static const struct aio_call aio_calls[] = {
	{ "io_setup", SYS_io_setup, false },
	{ "io_destroy", SYS_io_destroy, false },
	{ "io_submit", SYS_io_submit, false },
	{ "io_getevents", SYS_io_getevents, false },
	{ "io_cancel", SYS_io_cancel, true },
	{ "io_pgetevents", SYS_io_pgetevents, true },
};

const char *probe_aio_call_name(unsigned int n)
{
	return n < ARRAY_SIZE(aio_calls) ? aio_calls[n].name : NULL;
}

/* What the kernel says to a call whose arguments are all 0, with AIO or without. */
static bool aio_answer_is_native(long value)
{
	return value >= 0 || value == -EFAULT || value == -EINVAL || value == -ENOSYS;
}

/* The call ended without our doing: 0, or the -errno or signal by which a policy refused it. */
static int aio_call_answered(struct trial *t, bool untrapped, int *killed_by)
{
	struct trial_report report;
	int err = trial_report(t, &report);

	if (err == -EPIPE)
		*killed_by = victim_wait(&t->victim);
	if (err)
		return err;
	if (untrapped)
		return aio_answer_is_native(report.value) ? 0 : (int)report.value;
	return report.value < 0 ? (int)report.value : -EPROTO;
}

/* 0: it arrives (answering it is PROBE_NOTIFY's matter), or nothing speaks against it. */
static int aio_call_try(long nr, bool untrapped, int *killed_by)
{
	const struct trial_plan plan = { .nr = nr, .untrapped = untrapped };
	auto_trial t = TRIAL_NONE;
	int err = trial_open(&t, &plan);

	if (err)
		return err;
	err = trial_arrives(&t);
	if (err < 0)
		return err;
	return err ? 0 : aio_call_answered(&t, untrapped, killed_by);
}

/*
 * Of several seccomp programs the strongest answer counts, and an errno is stronger than a
 * notification (seccomp(2)): a call that an outer policy answers never arrives.
 */
static int aio_calls_try(bool more, struct probe_result *out)
{
	struct probe_result listener = { .state = PROBE_NO };
	int blocked = probe_listener(&listener);
	int first = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(aio_calls); i++) {
		if (aio_calls[i].more != more)
			continue;

		int err = aio_call_try(aio_calls[i].nr, blocked, &out->signal);

		if (err)
			out->calls |= 1u << i;
		if (!first)
			first = err;
	}
	return blocked && !first ? trial_unknown(out, blocked) : first;
}

int probe_aio_calls(struct probe_result *out)
{
	return aio_calls_try(false, out);
}

int probe_aio_calls_more(struct probe_result *out)
{
	return aio_calls_try(true, out);
}
