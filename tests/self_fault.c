/* SPDX-License-Identifier: MIT */
/*
 * Lets one call of the supervisor to libc or the kernel fail: only in tests/failing_sandbox, where
 * each function of self_fault_list.h is called through a wrapper here.
 *
 *	AIO_SANDBOX_SELF_FAULT=WHERE:ERROR[:TIMES]	fail there, that many times (1; 0: always)
 *	AIO_SANDBOX_SELF_FAULT_LOG=FILE			one line for each place that is met, one when
 *							it was met 2, 4, 8, ... times, and one for
 *							each failure
 *
 * A place is a function, the process (0 guardian, 1 supervisor, 2 PROGRAM before its execve) and the
 * chain of callers. WHERE is the name of a place as the log gives it, and means the first call there;
 * PLACE+N, the N-th call there; or PROCESS.N, the N-th call of that process. ERROR is an errno name,
 * SHORT, or ANY: the first that the function has.
 *
 *	place NAME PROCESS FUNCTION ERROR,... FRAME...	FRAME: offset in the program, for addr2line
 *	again NAME N
 *	failed NAME PROCESS FUNCTION ERROR
 *
 * All arguments are passed on as the registers that they came in: x86-64, and no floating point.
 */
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "util.h"

enum { ARGS = 7, FRAMES = 24, PLACES = 1 << 14, NAME_BYTES = 24, KIND_SHIFT = 48 };

enum telling { MINUS_ONE, NULL_POINTER, MINUS_ERROR, ERROR, AFTERWARDS };

struct function {
	const char *name;
	enum telling telling;
	const char *errors;
};

struct attempt {
	const struct function *function;
	long arg[ARGS];
	struct iovec shortened;
	int error;		/* 0: let it be */
};

#define SELF_FAULT(name, telling, errors) \
	long __real_##name(long, long, long, long, long, long, long); \
	long __wrap_##name(long, long, long, long, long, long, long);
#include "self_fault_list.h"
#undef SELF_FAULT

extern const char __executable_start[], etext[];

static struct {
	atomic_flag busy;
	unsigned process;
	unsigned long calls;		/* of this process */
	struct place {
		uint64_t name;
		unsigned long calls;
	} seen[PLACES];
	int log_fd;
	enum { NOWHERE, AT_PLACE, AT_CALL } where;
	uint64_t place;			/* AT_PLACE */
	unsigned in;			/* AT_CALL: of this process */
	unsigned long nth;		/* call there */
	char error[16];
	unsigned times;			/* left */
	bool started;
} self = { .busy = ATOMIC_FLAG_INIT, .log_fd = -1, .nth = 1 };

static const struct {
	long nr;
	const char *errors;
} syscall_errors[] = {
	{ SYS_pidfd_open, "EMFILE ENOMEM" },
	{ SYS_pidfd_getfd, "EMFILE" },
	{ SYS_futex, "EINTR" },
	{ SYS_kcmp, "ENOMEM" },
	{ SYS_seccomp, "ENOMEM" },
	{ SYS_io_setup, "EAGAIN ENOMEM" },
	{ SYS_io_submit, "EAGAIN" },
	{ SYS_io_getevents, "EINTR" },
	{ SYS_io_cancel, "" },			/* EINPROGRESS is its success */
	{ SYS_io_destroy, "" },
	{ SYS_gettid, "" },
	{ SYS_rt_sigprocmask, "" },
	{ SYS_tgkill, "" },			/* no room for a signal: only if it carries data */
	{ SYS_ioprio_get, "" },
	{ SYS_ioprio_set, "EPERM" },
	{ SYS_capget, "EPERM" },
	{ SYS_capset, "EPERM" },
	{ SYS_pidfd_send_signal, "EAGAIN" },
};

static bool is(const struct attempt *a, const char *name)
{
	return strcmp(a->function->name, name) == 0;
}

/*
 * Of a living tracee only the seizure can be refused; ESRCH is what its death would give. What lets
 * it go on must not be tried: it would stay as it is for ever.
 */
static const char *ptrace_errors(const struct attempt *a)
{
	switch (a->arg[0]) {
	case PTRACE_SEIZE:
		return "EPERM";
	case PTRACE_INTERRUPT:
	case PTRACE_DETACH:
	case PTRACE_SETREGSET:
	case PTRACE_SETSIGMASK:
		return "";
	default:
		return "ESRCH";
	}
}

static const char *errors_of(const struct attempt *a)
{
	if (strcmp(a->function->errors, "VARIES"))
		return a->function->errors;
	if (is(a, "ptrace"))
		return ptrace_errors(a);
	if (is(a, "fcntl"))
		return a->arg[1] == F_ADD_SEALS ? "EBUSY" : "";
	if (is(a, "ioctl") && a->arg[1] == (long)SECCOMP_IOCTL_NOTIF_ADDFD)
		return "EMFILE ENOMEM EINTR";
	if (is(a, "ioctl"))
		return "EINTR";
	for (unsigned i = 0; i < ARRAY_SIZE(syscall_errors); i++) {
		if (syscall_errors[i].nr == a->arg[0])
			return syscall_errors[i].errors;
	}
	return "ENOMEM";
}

/* --- places --- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
	return hash_u64(hash * 31 + word);
}

/* Which system call, which request: other errors, another place. */
static uint64_t request_of(const struct attempt *a)
{
	if (is(a, "syscall") || is(a, "ptrace"))
		return (uint64_t)a->arg[0];
	return is(a, "ioctl") || is(a, "fcntl") ? (uint64_t)a->arg[1] : 0;
}

/* What can be said without the callers, whom it takes long to find. */
static uint64_t kind_of(const struct attempt *a)
{
	uint64_t hash = mix(self.process, request_of(a));

	for (const char *c = a->function->name; *c; c++)
		hash = mix(hash, (uint64_t)*c);
	return hash >> KIND_SHIFT;
}

static uint64_t place_of(const struct attempt *a, long frames[FRAMES], unsigned *count)
{
	const uint64_t kind = kind_of(a);
	uint64_t hash = kind;
	void *addresses[FRAMES];
	const int n = backtrace(addresses, FRAMES);

	*count = 0;
	for (int i = 2; i < n; i++) {	/* without us and the wrapper */
		const char *at = addresses[i];

		if (at < __executable_start || at >= etext)
			continue;
		frames[*count] = at - __executable_start - 1;
		hash = mix(hash, (uint64_t)frames[(*count)++]);
	}
	return (kind << KIND_SHIFT | hash >> (64 - KIND_SHIFT)) | 1;
}

/* How often, this time included. */
static unsigned long calls_at(uint64_t place)
{
	unsigned slot = place / 2 % PLACES;

	while (self.seen[slot].name && self.seen[slot].name != place)
		slot = (slot + 1) % PLACES;
	self.seen[slot].name = place;
	return ++self.seen[slot].calls;
}

static void log_text(const char *text)
{
	if (self.log_fd >= 0 && __real_write(self.log_fd, (long)text, (long)strlen(text), 0, 0, 0, 0) < 0)
		abort();
}

static void log_place(const struct attempt *a, uint64_t place, unsigned long calls, const long *frames,
		      unsigned count)
{
	char line[1024];
	int n;

	if (calls > 1) {
		snprintf(line, sizeof(line), "again %016" PRIx64 " %lu\n", place, calls);
		return log_text(line);
	}
	n = snprintf(line, sizeof(line), "place %016" PRIx64 " %u %s ", place, self.process, a->function->name);

	for (const char *e = errors_of(a); *e; e++)
		line[n++] = *e == ' ' ? ',' : *e;
	for (unsigned i = 0; i < count; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, " %lx", frames[i]);
	snprintf(line + n, sizeof(line) - (size_t)n, "\n");
	log_text(line);
}

/* --- failing --- */

static int error_number(const char *name)
{
	for (int e = 1; e < 134; e++) {
		const char *known = strerrorname_np(e);

		if (known && !strcmp(known, name))
			return e;
	}
	return 0;
}

/* Half of the first segment; false: it has no half. */
static bool shorten(struct attempt *a)
{
	const struct iovec *first = (const struct iovec *)a->arg[1];

	if (a->arg[2] < 1 || first->iov_len < 2)
		return false;
	a->shortened = (struct iovec){ first->iov_base, first->iov_len / 2 };
	a->arg[1] = (long)&a->shortened;
	a->arg[2] = 1;
	return true;
}

static void let_fail(struct attempt *a, uint64_t place)
{
	const char *error = strcmp(self.error, "ANY") ? strstr(errors_of(a), self.error) : errors_of(a);
	const int length = error ? (int)strcspn(error, " ") : 0;
	char line[128], name[16];

	if (!length)
		return;
	snprintf(name, sizeof(name), "%.*s", length, error);
	if (!strcmp(name, "SHORT")) {
		if (!shorten(a))
			return;
	} else {
		a->error = error_number(name);
	}
	self.times--;
	snprintf(line, sizeof(line), "failed %016" PRIx64 " %u %s %s\n", place, self.process, a->function->name,
		 name);
	log_text(line);
}

static void count_process(void)
{
	self.process++;
	self.calls = 0;
}

/* PLACE, PLACE+N or PROCESS.N */
static bool parse_where(const char *where)
{
	if (sscanf(where, "%u.%lu", &self.in, &self.nth) == 2) {
		self.where = AT_CALL;
		return true;
	}
	self.where = AT_PLACE;
	return sscanf(where, "%" SCNx64 "+%lu", &self.place, &self.nth) >= 1;
}

static void self_start(void)
{
	char where[NAME_BYTES * 2];

	const char *fault = getenv("AIO_SANDBOX_SELF_FAULT"), *log = getenv("AIO_SANDBOX_SELF_FAULT_LOG");
	void *unused[1];

	self.started = true;
	backtrace(unused, 1);		/* loads its library */
	pthread_atfork(NULL, NULL, count_process);
	self.times = 1;
	if (fault && (sscanf(fault, "%47[^:]:%15[^:]:%u", where, self.error, &self.times) < 2 || !parse_where(where)))
		abort();
	if (!self.times)
		self.times = UINT_MAX;
	if (log)
		self.log_fd = (int)__real_open((long)log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
					       0600, 0, 0, 0, 0);
	if (self.log_fd >= 0) {		/* above all that is passed on or counted */
		const int low = self.log_fd;

		self.log_fd = (int)__real_fcntl(low, F_DUPFD_CLOEXEC, 900, 0, 0, 0, 0);
		__real_close(low, 0, 0, 0, 0, 0, 0);
	}
}

static void consider_place(struct attempt *a)
{
	long frames[FRAMES];
	unsigned count;
	const uint64_t place = place_of(a, frames, &count);
	const unsigned long calls = calls_at(place);

	if (self.where == AT_CALL || (place == self.place && calls >= self.nth))
		let_fail(a, place);
	else if (self.where == NOWHERE && !(calls & (calls - 1)))
		log_place(a, place, calls, frames, count);
}

/* Is it worth asking for the callers? */
static bool may_concern(const struct attempt *a)
{
	self.calls++;
	if (self.where == NOWHERE)
		return self.log_fd >= 0;
	if (self.where == AT_PLACE)
		return self.times && kind_of(a) == self.place >> KIND_SHIFT;
	return self.times && self.process == self.in && self.calls == self.nth;
}

static void consider(struct attempt *a)
{
	const int saved = errno;

	while (atomic_flag_test_and_set_explicit(&self.busy, memory_order_acquire))
		;
	if (!self.started)
		self_start();
	if (may_concern(a))
		consider_place(a);
	atomic_flag_clear_explicit(&self.busy, memory_order_release);
	errno = saved;
}

static long failure(const struct attempt *a)
{
	switch (a->function->telling) {
	case MINUS_ONE:
	case AFTERWARDS:
		errno = a->error;
		return -1;
	case NULL_POINTER:
		if (is(a, "fgets"))	/* ferror() tells */
			((FILE *)a->arg[2])->_flags |= _IO_ERR_SEEN;
		errno = a->error;
		return 0;
	case MINUS_ERROR:
		return -a->error;
	case ERROR:
		return a->error;
	}
	return -1;
}

typedef long any_function(long, long, long, long, long, long, long);

static long call(struct attempt *a, any_function *real)
{
	long result;

	consider(a);
	if (a->error && a->function->telling != AFTERWARDS)
		return failure(a);
	result = real(a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4], a->arg[5], a->arg[6]);
	return a->error ? failure(a) : result;
}

#define SELF_FAULT(name, telling, errors) \
	long __wrap_##name(long a, long b, long c, long d, long e, long f, long g) \
	{ \
		static const struct function this = { #name, telling, errors }; \
		struct attempt attempt = { .function = &this, .arg = { a, b, c, d, e, f, g } }; \
		return call(&attempt, __real_##name); \
	}
#include "self_fault_list.h"
