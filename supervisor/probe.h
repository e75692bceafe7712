/* SPDX-License-Identifier: MIT */
/*
 * What can this host do for us? Each probe tries the thing itself, in a forked child of its own,
 * with a deadline; versions are never asked. The calling process is not changed and keeps neither
 * descriptors nor children. A probe that wants a tracee forks one below its child, as a run would
 * have it: so Yama, container profiles and an outer seccomp policy answer as they would answer the
 * supervisor.
 *
 * May be called from any thread, not from two at a time (probe_advice() has one static buffer).
 */
#ifndef PROBE_H
#define PROBE_H

#include <sys/types.h>

enum probe_id {
	PROBE_NOTIFY, /* seccomp user notification: a call arrives and is answered */
	PROBE_LISTENER, /* no other listener is in place */
	PROBE_AIO_CALLS, /* io_setup, io_destroy, io_submit, io_getevents arrive at our listener */
	PROBE_ADDFD, /* a descriptor can be put into a caller */
	PROBE_PIDFD_OPEN,
	PROBE_PROCESS_VM, /* a child's memory can be read and written */
	PROBE_PTRACE, /* a child can be seized, stopped and let go */
	PROBE_WAIT_KILLABLE,
	PROBE_SYNC_WAKE_UP,
	PROBE_ADDFD_SEND,
	PROBE_PIDFD_THREAD,
	PROBE_PIDFD_GETFD,
	PROBE_KCMP,
	PROBE_AIO_CALLS_MORE, /* io_cancel, io_pgetevents arrive at our listener */
	PROBE_IO_URING,
	PROBE_NATIVE_AIO,
	PROBE_LIBAIO, /* a context as large as the libaio engine's can be made */
	PROBE_AIO_NR, /* fs.aio-nr is below fs.aio-max-nr */
	PROBE_COUNT,
};

enum probe_state {
	PROBE_YES,
	PROBE_NO,
	PROBE_UNKNOWN,		/* something else stands in the way; another probe says what */
};

/* Why and how much a probe matters. */
enum probe_need {
	PROBE_NEEDED,		/* PROBE_NO: a normal run cannot start */
	PROBE_USEFUL,		/* PROBE_NO: it can, with the limit that the advice names */
	PROBE_INFORMATIVE,
};

struct probe_result {
	enum probe_state state;
	int error;		/* errno, or 0 */
	int signal;		/* not 0: the child was killed by it (SIGSYS: by an outer policy) */
	unsigned int calls;	/* AIO_CALLS*: bit n = the n-th call of probe_aio_call_name() */
	long sysctl; /* PTRACE: yama ptrace_scope, IO_URING: io_uring_disabled; -1: none */
	pid_t tracer;		/* PTRACE: who traces our children already, 0: nobody */
	unsigned long aio_nr;
	unsigned long aio_max_nr;
};

/* 0, or -errno when not even a child could be forked (then the state is PROBE_UNKNOWN). */
int probe_run(enum probe_id id, struct probe_result *out);

const char *probe_name(enum probe_id id);
enum probe_need probe_need(enum probe_id id);
const char *probe_aio_call_name(unsigned int n);	/* NULL after the last */

/* One line without its newline: what the result means and what to do. Valid until the next call. */
const char *probe_advice(enum probe_id id, const struct probe_result *result);

/* Fills in what the advice for a failure depends on: `sysctl`. */
void probe_add_reasons(enum probe_id id, struct probe_result *result);

#endif
