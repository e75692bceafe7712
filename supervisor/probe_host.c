/* SPDX-License-Identifier: MIT */
/*
 * Probes of what a supervisor does to a tracee from outside, and of the host's own asynchronous
 * I/O.
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "engine.h"
#include "probe_impl.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

#define VICTIM_NONE { .sock = -1, .its_sock = -1 }

static int pidfd_of(pid_t pid, unsigned int flags)
{
	long fd = syscall(SYS_pidfd_open, pid, flags);

	return fd < 0 ? neg_errno() : (int)fd;
}

/* A pidfd is of use only if it tells that the process is gone. */
int probe_pidfd_open(struct probe_result *out)
{
	auto_victim v = VICTIM_NONE;
	int err = victim_start(&v, victim_idle, NULL);

	if (err)
		return err;

	auto_fd fd = pidfd_of(v.pid, 0);

	if (fd < 0)
		return fd;
	kill(v.pid, SIGKILL);

	struct pollfd gone = { .fd = fd, .events = POLLIN };
	int n = probe_poll(&gone, 1, PROBE_STEP_MS);

	return n < 0 ? n : 0;
}

int probe_pidfd_thread(struct probe_result *out)
{
	auto_fd fd = pidfd_of(getpid(), PIDFD_THREAD);

	return fd < 0 ? fd : 0;
}

int probe_pidfd_getfd(struct probe_result *out)
{
	auto_victim v = VICTIM_NONE;
	int err = victim_start(&v, victim_idle, NULL);

	if (err)
		return err;

	auto_fd pidfd = pidfd_of(v.pid, 0);

	if (pidfd < 0) {
		out->state = PROBE_UNKNOWN;
		return pidfd;
	}

	auto_fd taken = (int)syscall(SYS_pidfd_getfd, pidfd, v.its_sock, 0);

	return taken < 0 ? neg_errno() : 0;
}

/* A forked child has its own address space: the answer "equal" would be as bad as none. */
int probe_kcmp(struct probe_result *out)
{
	auto_victim v = VICTIM_NONE;
	int err = victim_start(&v, victim_idle, NULL);

	if (err)
		return err;

	long order = syscall(SYS_kcmp, getpid(), v.pid, KCMP_VM, 0, 0);

	if (order < 0)
		return neg_errno();
	return order ? 0 : -EPROTO;
}

/* One cell, at the same address on both sides of the fork. */
static volatile uint64_t vm_cell;

static int vm_get(pid_t pid, uint64_t *value)
{
	struct iovec here = { .iov_base = value, .iov_len = sizeof(*value) };
	struct iovec there = { .iov_base = (void *)(uintptr_t)&vm_cell, .iov_len = sizeof(*value) };
	ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);

	return n < 0 ? neg_errno() : n == sizeof(*value) ? 0 : -EPROTO;
}

static int vm_put(pid_t pid, uint64_t value)
{
	struct iovec here = { .iov_base = &value, .iov_len = sizeof(value) };
	struct iovec there = { .iov_base = (void *)(uintptr_t)&vm_cell, .iov_len = sizeof(value) };
	ssize_t n = process_vm_writev(pid, &here, 1, &there, 1, 0);

	return n < 0 ? neg_errno() : n == sizeof(value) ? 0 : -EPROTO;
}

int probe_process_vm(struct probe_result *out)
{
	enum { BEFORE = 17, OURS = 23, AFTER = 42 };
	auto_victim v = VICTIM_NONE;
	uint64_t first = 0, second = 0;
	int err;

	vm_cell = BEFORE;
	err = victim_start(&v, victim_idle, NULL);
	vm_cell = OURS;
	err = err ? err : vm_get(v.pid, &first);
	err = err ? err : vm_put(v.pid, AFTER);
	err = err ? err : vm_get(v.pid, &second);
	if (err)
		return err;
	return first == BEFORE && second == AFTER && vm_cell == OURS ? 0 : -EPROTO;
}

/* Who traces it already (strace -f, gdb), or 0. */
static pid_t tracer_of(pid_t pid)
{
	char path[64], line[256];
	int tracer = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);

	auto_file f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	return tracer;
}

/* No time limit of its own: the frame's deadline ends us, and our end lets the victim go. */
static int ptrace_stop_and_go(pid_t pid)
{
	uint64_t mask;
	int status;

	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return neg_errno();
	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return neg_errno();
	if (!WIFSTOPPED(status))
		return -ESRCH;
	if (ptrace(PTRACE_GETSIGMASK, pid, sizeof(mask), &mask) < 0)
		return neg_errno();
	return ptrace(PTRACE_DETACH, pid, 0, 0) < 0 ? neg_errno() : 0;
}

int probe_ptrace(struct probe_result *out)
{
	auto_victim v = VICTIM_NONE;
	int err = victim_start(&v, victim_idle, NULL);

	if (err)
		return err;
	if (ptrace(PTRACE_SEIZE, v.pid, 0, 0) < 0) {
		err = neg_errno();
		out->tracer = tracer_of(v.pid);
		return err;
	}
	return ptrace_stop_and_go(v.pid);
}

/* Setting up and entering are two calls, and policies have been seen that refuse only one. */
int probe_io_uring(struct probe_result *out)
{
	struct io_uring_params params;

	memset(&params, 0, sizeof(params));

	auto_fd ring = (int)syscall(SYS_io_uring_setup, 2, &params);

	if (ring < 0)
		return neg_errno();
	return syscall(SYS_io_uring_enter, ring, 0, 0, 0, NULL, 0) < 0 ? neg_errno() : 0;
}

/* Bad arguments, so that no context is made: the kernel's AIO reads *ctxp before all else. */
int probe_native_aio(struct probe_result *out)
{
	if (syscall(SYS_io_setup, 0, NULL) == 0)
		return -EPROTO;
	return errno == EFAULT ? 0 : neg_errno();
}

/* For a moment it counts in fs.aio-nr; our end gives it back. */
int probe_libaio(struct probe_result *out)
{
	unsigned long context = 0;

	return syscall(SYS_io_setup, ENGINE_LIBAIO_DEPTH, &context) ? neg_errno() : 0;
}

int probe_aio_nr(struct probe_result *out)
{
	int err = probe_read_number("/proc/sys/fs/aio-nr", &out->aio_nr);

	if (!err)
		err = probe_read_number("/proc/sys/fs/aio-max-nr", &out->aio_max_nr);
	if (err) {
		out->state = PROBE_UNKNOWN;
		return err;
	}
	return out->aio_nr < out->aio_max_nr ? 0 : -EAGAIN;
}
