/* SPDX-License-Identifier: MIT */
/*
 * What the result of a probe means and what to do: a table, first match wins, most specific first.
 * Four probes have texts with numbers or names in them and a function instead.
 */
#include <string.h>

#include "probe.h"
#include "util.h"

struct advice {
	enum probe_id id;
	int error;		/* errno; 0: any */
	const char *text;
};

static const char *const yes_texts[PROBE_COUNT] = {
	[PROBE_NOTIFY] = "system calls can be handed to a supervisor and answered by it",
	[PROBE_LISTENER] = "no other supervisor listens for this process tree",
	[PROBE_AIO_CALLS] = "io_setup, io_destroy, io_submit and io_getevents arrive here",
	[PROBE_ADDFD] = "a descriptor can be put into a program, so it can get its ring",
	[PROBE_PIDFD_OPEN] = "a process can be held on to, whatever becomes of its number",
	[PROBE_PROCESS_VM] = "a program's memory can be read and written",
	[PROBE_PTRACE] = "a program can be stopped for a moment to map its ring",
	[PROBE_WAIT_KILLABLE] = "no signal handler can break off a call that has been received",
	[PROBE_SYNC_WAKE_UP] = "calls are handed over on the same CPU, the fast way",
	[PROBE_ADDFD_SEND] = "a descriptor and the answer are given in one step",
	[PROBE_PIDFD_THREAD] = "threads whose leader has exited can be served",
	[PROBE_PIDFD_GETFD] = "every kind of open file can be taken as it is",
	[PROBE_KCMP] = "it can be told whether two processes share their memory",
	[PROBE_AIO_CALLS_MORE] = "io_cancel and io_pgetevents arrive here",
	[PROBE_IO_URING] = "the uring engine works",
	[PROBE_LIBAIO] = "--engine=libaio works: the host's own AIO for O_DIRECT",
	[PROBE_NATIVE_AIO] = "outside the sandbox programs have native AIO too",
};

static const struct advice no_texts[] = {
	{ PROBE_NOTIFY, ENOSYS,
	  "no seccomp(2) in this kernel, or a policy hides it: "
	  "use Linux 5.9 or newer with CONFIG_SECCOMP_FILTER, and allow seccomp(2)" },
	{ PROBE_NOTIFY, EINVAL,
	  "this kernel (or gVisor, qemu-user) has no user notification: "
	  "use Linux 5.9 or newer with CONFIG_SECCOMP_FILTER" },
	{ PROBE_NOTIFY, 0,
	  "no call can be trapped: allow seccomp(2) and its ioctls in the policy of the "
	  "container or service" },

	{ PROBE_LISTENER, EBUSY,
	  "another supervisor (a sandbox, a container runtime, WSL's init) listens for "
	  "this process tree, and the kernel allows one: start aio-sandbox outside of it" },

	{ PROBE_ADDFD, EINVAL,
	  "kernel older than 5.9: a program cannot be given its ring, every io_setup "
	  "would fail: use a newer kernel" },
	{ PROBE_ADDFD, 0,
	  "a program cannot be given its ring, every io_setup would fail: allow the seccomp "
	  "ioctls in the policy of the container or service" },

	{ PROBE_PIDFD_OPEN, ENOSYS,
	  "kernel older than 5.3, or a policy hides it: use a newer kernel, allow "
	  "pidfd_open" },
	{ PROBE_PIDFD_OPEN, 0,
	  "processes cannot be told from later ones of the same number: allow pidfd_open "
	  "in the policy of the container or service" },

	{ PROBE_WAIT_KILLABLE, EINVAL,
	  "kernel older than 5.19: a signal handler can break off a call that has "
	  "already run, so EINTR can leak out of io_submit; nothing runs twice: use a newer "
	  "kernel" },
	{ PROBE_WAIT_KILLABLE, 0,
	  "EINTR can leak out of io_submit when a signal handler runs; nothing runs "
	  "twice" },

	{ PROBE_SYNC_WAKE_UP, EINVAL,
	  "kernel older than 6.6: every call costs a wake-up on another CPU, "
	  "small requests are several times slower: use a newer kernel for speed" },
	{ PROBE_SYNC_WAKE_UP, 0,
	  "every call costs a wake-up on another CPU, small requests are several times "
	  "slower: allow the seccomp ioctls in the policy of the container or service" },

	{ PROBE_ADDFD_SEND, EINVAL,
	  "kernel older than 5.14: a descriptor is given in two steps, and a signal between "
	  "them can leave it open in the program: use a newer kernel" },
	{ PROBE_ADDFD_SEND, 0,
	  "a descriptor is given in two steps, and a signal between them can leave it open "
	  "in the program" },

	{ PROBE_PIDFD_THREAD, EINVAL,
	  "kernel older than 6.9: threads that outlive their process's first "
	  "thread get EBADF for their files: use a newer kernel for such programs" },
	{ PROBE_PIDFD_THREAD, 0,
	  "threads that outlive their process's first thread get EBADF for their files" },

	{ PROBE_PIDFD_GETFD, ENOSYS,
	  "kernel older than 5.6, or a policy hides it: regular files and block "
	  "devices are reopened, everything else gets EBADF: use a newer kernel, allow "
	  "pidfd_getfd" },
	{ PROBE_PIDFD_GETFD, 0,
	  "regular files and block devices are reopened, everything else gets EBADF: run "
	  "the container with --cap-add SYS_PTRACE, or allow pidfd_getfd" },

	{ PROBE_KCMP, ENOSYS,
	  "no kcmp in this kernel (CONFIG_KCMP), or a policy hides it: exec and exit do not "
	  "wait for requests in flight; the writes are finished all the same" },
	{ PROBE_KCMP, 0,
	  "exec and exit do not wait for requests in flight; the writes are finished all the same: "
	  "run the container with --cap-add SYS_PTRACE, or allow kcmp" },

	{ PROBE_LIBAIO, EAGAIN,
	  "fs.aio-max-nr leaves no room for its context of 1024: raise it, or use another "
	  "engine" },
	{ PROBE_LIBAIO, 0, "the host's AIO cannot be used: use another engine" },

	{ PROBE_NATIVE_AIO, ENOSYS,
	  "this kernel has none (CONFIG_AIO), or a policy hides it: programs that need "
	  "it work in the sandbox only" },
	{ PROBE_NATIVE_AIO, 0,
	  "a policy refuses it; whether the sandbox can help is said at AIO calls" },
};

static const char *const unknown_texts[PROBE_COUNT] = {
	[PROBE_LISTENER] = "cannot be tried without user notification",
	[PROBE_AIO_CALLS] = "cannot be tried without a working listener of our own",
	[PROBE_ADDFD] = "cannot be tried without a working listener of our own",
	[PROBE_WAIT_KILLABLE] = "cannot be tried without a working listener of our own",
	[PROBE_SYNC_WAKE_UP] = "cannot be tried without a working listener of our own",
	[PROBE_ADDFD_SEND] = "cannot be tried without a working listener of our own",
	[PROBE_AIO_CALLS_MORE] = "cannot be tried without a working listener of our own",
	[PROBE_PIDFD_GETFD] = "cannot be tried without pidfd_open",
	[PROBE_AIO_NR] = "/proc/sys/fs/aio-nr cannot be read: no native AIO here, or no /proc/sys",
};

static char text_buffer[400];

/* "io_submit, io_getevents" */
static void text_add_calls(char *to, size_t size, unsigned int calls)
{
	const char *name;

	to[0] = '\0';
	for (unsigned int i = 0; (name = probe_aio_call_name(i)); i++) {
		size_t used = strlen(to);

		if (calls & (1u << i))
			snprintf(to + used, size - used, "%s%s", used ? ", " : "", name);
	}
}

static const char *aio_calls_text(enum probe_id id, const struct probe_result *r)
{
	char names[128];

	text_add_calls(names, sizeof(names), r->calls);
	snprintf(text_buffer, sizeof(text_buffer),
		 "an outer seccomp policy answers %s itself, which nothing inside can change: %s",
		 *names ? names : "them",
		 id == PROBE_AIO_CALLS
		 ? "start aio-sandbox outside of it, or allow these calls in its policy"
		 : "programs that make these calls get its error");
	return text_buffer;
}

static const char *ptrace_why(const struct probe_result *r)
{
	if (r->tracer)
		return "our children are traced already (strace -f, gdb following forks): trace "
		       "without -f, or "
		       "run the tracer inside the sandbox";
	if (r->sysctl == 3)
		return "kernel.yama.ptrace_scope is 3: only a reboot with a lower value changes "
		       "that";
	if (r->sysctl == 2)
		return "kernel.yama.ptrace_scope is 2: run as root, or set it to 1";
	return "a container profile or a security module refuses it: run the container with "
	       "--cap-add "
	       "SYS_PTRACE, or allow the call in its policy";
}

static const char *ptrace_text(enum probe_id id, const struct probe_result *r)
{
	snprintf(text_buffer, sizeof(text_buffer), "%s: %s",
		 id == PROBE_PTRACE
			 ? "a program's ring cannot be mapped, every io_setup fails with EAGAIN"
			 : "a program's memory cannot be reached, every request would fail",
		 ptrace_why(r));
	return text_buffer;
}

static const char *io_uring_why(const struct probe_result *r)
{
	if (r->error == ENOSYS)
		return "not in this kernel, or a policy hides it";
	if (r->error == ENOMEM)
		return "RLIMIT_MEMLOCK is too low for this kernel";
	if (r->error == EPERM && r->sysctl == 1)
		return "kernel.io_uring_disabled is 1, which refuses ordinary users";
	if (r->error == EPERM && r->sysctl == 2)
		return "kernel.io_uring_disabled is 2";
	return "refused by a policy";
}

static const char *io_uring_text(enum probe_id id, const struct probe_result *r)
{
	snprintf(text_buffer, sizeof(text_buffer),
		 "%s: the threads engine is used, which costs more CPU", io_uring_why(r));
	return text_buffer;
}

static const char *aio_nr_text(enum probe_id id, const struct probe_result *r)
{
	snprintf(text_buffer, sizeof(text_buffer), "%lu of %lu in use; %s", r->aio_nr,
		 r->aio_max_nr,
		 r->state == PROBE_YES ? "what runs in the sandbox does not count"
				       : "outside the sandbox io_setup fails with EAGAIN; inside "
					 "it does not count");
	return text_buffer;
}

typedef const char *text_fn(enum probe_id id, const struct probe_result *r);

static text_fn *const no_functions[PROBE_COUNT] = {
	[PROBE_AIO_CALLS] = aio_calls_text,
	[PROBE_AIO_CALLS_MORE] = aio_calls_text,
	[PROBE_PTRACE] = ptrace_text,
	[PROBE_PROCESS_VM] = ptrace_text,
	[PROBE_IO_URING] = io_uring_text,
	[PROBE_AIO_NR] = aio_nr_text,
};

static const char *no_text(enum probe_id id, const struct probe_result *r)
{
	if (no_functions[id])
		return no_functions[id](id, r);
	for (size_t i = 0; i < ARRAY_SIZE(no_texts); i++)
		if (no_texts[i].id == id && (!no_texts[i].error || no_texts[i].error == r->error))
			return no_texts[i].text;
	return "it does not work here";
}

static const char *unknown_text(enum probe_id id, const struct probe_result *r)
{
	if (r->error == ECHILD || r->signal || !unknown_texts[id])
		return "the probe itself was stopped or could not be started: try again";
	return unknown_texts[id];
}

const char *probe_advice(enum probe_id id, const struct probe_result *r)
{
	switch (r->state) {
	case PROBE_YES:
		return id == PROBE_AIO_NR ? aio_nr_text(id, r) : yes_texts[id];
	case PROBE_NO:
		return no_text(id, r);
	case PROBE_UNKNOWN:
		return unknown_text(id, r);
	}
	return "";
}
