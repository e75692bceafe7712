/* SPDX-License-Identifier: MIT */
/*
 * The frame around every probe: a child that runs it, a pipe that brings the result, a deadline.
 *What happens to the child is part of the answer: an outer policy may kill whoever tries.
 *
 *	probe_run() -> keeper (subreaper) -> probe -> victim
 *
 * The keeper is there for the end: a killed probe leaves its victim behind, and nobody else should
 *have to reap it.
 */
#include "probe.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "probe_impl.h"

struct probe_def {
	const char *name;
	enum probe_need need;
	probe_fn *run;
	const char *sysctl;	/* a limit by which the administrator may have said no */
};

static const struct probe_def probe_defs[PROBE_COUNT] = {
	[PROBE_NOTIFY] = { "user notification", PROBE_NEEDED, probe_notify, NULL },
	[PROBE_LISTENER] = { "listener", PROBE_NEEDED, probe_listener, NULL },
	[PROBE_AIO_CALLS] = { "AIO calls", PROBE_NEEDED, probe_aio_calls, NULL },
	[PROBE_ADDFD] = { "ADDFD", PROBE_NEEDED, probe_addfd, NULL },
	[PROBE_PIDFD_OPEN] = { "pidfd_open", PROBE_NEEDED, probe_pidfd_open, NULL },
	[PROBE_PROCESS_VM] = { "process_vm", PROBE_NEEDED, probe_process_vm,
			       "/proc/sys/kernel/yama/ptrace_scope" },
	[PROBE_PTRACE] = { "ptrace", PROBE_NEEDED, probe_ptrace,
			   "/proc/sys/kernel/yama/ptrace_scope" },
	[PROBE_WAIT_KILLABLE] = { "WAIT_KILLABLE_RECV", PROBE_USEFUL, probe_wait_killable, NULL },
	[PROBE_SYNC_WAKE_UP] = { "SYNC_WAKE_UP", PROBE_USEFUL, probe_sync_wake_up, NULL },
	[PROBE_ADDFD_SEND] = { "ADDFD_SEND", PROBE_USEFUL, probe_addfd_send, NULL },
	[PROBE_PIDFD_THREAD] = { "PIDFD_THREAD", PROBE_USEFUL, probe_pidfd_thread, NULL },
	[PROBE_PIDFD_GETFD] = { "pidfd_getfd", PROBE_USEFUL, probe_pidfd_getfd, NULL },
	[PROBE_KCMP] = { "kcmp", PROBE_USEFUL, probe_kcmp, NULL },
	[PROBE_AIO_CALLS_MORE] = { "further AIO calls", PROBE_USEFUL, probe_aio_calls_more, NULL },
	[PROBE_IO_URING] = { "io_uring", PROBE_USEFUL, probe_io_uring,
			     "/proc/sys/kernel/io_uring_disabled" },
	[PROBE_NATIVE_AIO] = { "native AIO", PROBE_INFORMATIVE, probe_native_aio, NULL },
	[PROBE_LIBAIO] = { "libaio engine", PROBE_INFORMATIVE, probe_libaio, NULL },
	[PROBE_AIO_NR] = { "aio-nr", PROBE_INFORMATIVE, probe_aio_nr, NULL },
};

const char *probe_name(enum probe_id id)
{
	return probe_defs[id].name;
}

enum probe_need probe_need(enum probe_id id)
{
	return probe_defs[id].need;
}

int probe_read_number(const char *path, unsigned long *value)
{
	auto_file f = fopen(path, "re");

	if (!f)
		return neg_errno();
	return fscanf(f, "%lu", value) == 1 ? 0 : -EINVAL;
}

void probe_add_reasons(enum probe_id id, struct probe_result *result)
{
	const char *path = probe_defs[id].sysctl;
	unsigned long value;

	result->sysctl = path && probe_read_number(path, &value) == 0 ? (long)value : -1;
}

int probe_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	uint64_t end = now_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;
	int n;

	while ((n = poll(fds, count, timeout_ms)) < 0 && errno == EINTR) {
		uint64_t now = now_ns();

		timeout_ms = now < end ? (int)((end - now) / NSEC_PER_MSEC) : 0;
	}
	if (n == 0)
		return -ETIMEDOUT;
	return n < 0 ? neg_errno() : n;
}

/* A core would help nobody. 1, not 0: that stops a core_pattern pipe as well (fs/coredump.c). */
static void child_forbid_core(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max ? 1 : 0;
	setrlimit(RLIMIT_CORE, &limit);
}

typedef void frame_fn(enum probe_id id, struct probe_result *out);

static void child_run(frame_fn *fn, enum probe_id id, int to, pid_t parent)
	__attribute__((noreturn));

static void child_run(frame_fn *fn, enum probe_id id, int to, pid_t parent)
{
	struct probe_result r = { .state = PROBE_NO, .sysctl = -1 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	signal(SIGCHLD, SIG_DFL);	/* inherited SIG_IGN would reap our children for us */
	child_forbid_core();
	fn(id, &r);
	_exit(write(to, &r, sizeof(r)) == sizeof(r) ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* 0, -ETIMEDOUT, or -EPIPE when the child has died before it could tell. */
static int result_read(int from, int deadline_ms, struct probe_result *out)
{
	struct pollfd in = { .fd = from, .events = POLLIN };
	int n = probe_poll(&in, 1, deadline_ms);

	if (n < 0)
		return n;
	return read(from, out, sizeof(*out)) == sizeof(*out) ? 0 : -EPIPE;
}

static int child_reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0;	/* the caller ignores SIGCHLD: gone, status unknown */
	return status;
}

/* No result came: a policy's kill and a hang are clear answers, any other death is not. */
static void result_from_status(int read_error, int status, struct probe_result *out)
{
	if (read_error == -ETIMEDOUT) {
		*out = (struct probe_result){ .state = PROBE_NO, .error = ETIMEDOUT };
		return;
	}
	*out = (struct probe_result){ .state = PROBE_UNKNOWN, .error = ECHILD };
	if (WIFSIGNALED(status)) {
		out->signal = WTERMSIG(status);
		out->state = out->signal == SIGSYS ? PROBE_NO : PROBE_UNKNOWN;
		out->error = 0;
	}
}

/* Runs fn in a child. 0, or -errno when there is none. */
static int frame_run(frame_fn *fn, enum probe_id id, int deadline_ms, struct probe_result *out)
{
	pid_t parent = getpid();
	int ends[2];
	pid_t pid;
	int err;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return neg_errno();

	auto_fd from = ends[0];
	auto_fd to = ends[1];

	pid = fork();
	if (pid < 0)
		return neg_errno();
	if (pid == 0)
		child_run(fn, id, to, parent);
	close_fd(&to);
	err = result_read(from, deadline_ms, out);
	if (err == -ETIMEDOUT)
		kill(pid, SIGKILL);

	int status = child_reap(pid);

	if (err)
		result_from_status(err, status, out);
	return 0;
}

static void frame_probe(enum probe_id id, struct probe_result *out)
{
	int err = probe_defs[id].run(out);

	if (err == 0)
		out->state = PROBE_YES;
	else
		out->error = -err;
}

static void frame_keeper(enum probe_id id, struct probe_result *out)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (frame_run(frame_probe, id, PROBE_DEADLINE_MS, out) < 0)
		*out = (struct probe_result){ .state = PROBE_UNKNOWN, .error = ECHILD };
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

int probe_run(enum probe_id id, struct probe_result *out)
{
	int err;

	*out = (struct probe_result){ .state = PROBE_UNKNOWN, .error = ECHILD };
	err = frame_run(frame_keeper, id, 2 * PROBE_DEADLINE_MS, out);
	probe_add_reasons(id, out);
	return err;
}
