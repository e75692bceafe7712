/* SPDX-License-Identifier: MIT */
/*
 * Theory. process_vm_readv/writev copy with the target's page protections (unlike /proc/PID/mem)
 * and stop at the first page that cannot be had, so a short count means what a short copy means in
 * the kernel. A pidfd names the task for everything that can be named by one; the memory calls know
 * numbers only, which is safe because a thread leaves our tables (task.c) before its number can
 * return to us.
 */
#include "tracee.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

_Static_assert(sizeof(struct uvec) == sizeof(struct iovec), "uvec is passed as iovec");
_Static_assert(offsetof(struct uvec, length_bytes) == offsetof(struct iovec, iov_len), "layout");

ssize_t tracee_writev(pid_t tid, const struct uvec *to, unsigned to_count,
		      const struct iovec *from, unsigned from_count)
{
	ssize_t n;
	unsigned tries = 0;

	do
		n = process_vm_writev(tid, from, from_count, (const struct iovec *)to, to_count, 0);
	while (n < 0 && errno == ENOMEM && ++tries < TRACEE_COPY_TRIES);
	return n < 0 ? neg_errno() : n;
}

ssize_t tracee_read(pid_t tid, uaddr from, void *to, size_t length_bytes)
{
	struct uvec remote = { from, length_bytes };
	struct iovec local = { to, length_bytes };

	return tracee_readv(tid, &remote, 1, &local, 1);
}

ssize_t tracee_write(pid_t tid, uaddr to, const void *from, size_t length_bytes)
{
	struct uvec remote = { to, length_bytes };
	struct iovec local = { (void *)(uintptr_t)from, length_bytes };

	return tracee_writev(tid, &remote, 1, &local, 1);
}

int tracee_read_all(pid_t tid, uaddr from, void *to, size_t length_bytes)
{
	ssize_t n = tracee_read(tid, from, to, length_bytes);

	if (n < 0)
		return (int)n;
	return (size_t)n == length_bytes ? 0 : -EFAULT;
}

int tracee_write_all(pid_t tid, uaddr to, const void *from, size_t length_bytes)
{
	ssize_t n = tracee_write(tid, to, from, length_bytes);

	if (n < 0)
		return (int)n;
	return (size_t)n == length_bytes ? 0 : -EFAULT;
}

/* Reads a small /proc file whole; the bytes read, terminated, or -errno. */
static ssize_t proc_read(const char *path, char *buf, size_t size)
{
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : neg_errno();
	n = read(fd, buf, size - 1);
	if (n < 0)
		return neg_errno();
	buf[n] = '\0';
	return n;
}

pid_t tracee_tgid(pid_t tid)
{
	char path[64], buf[512];
	const char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	n = proc_read(path, buf, sizeof(buf));
	if (n < 0)
		return (pid_t)n;
	at = strstr(buf, "\nTgid:");
	return at ? atoi(at + strlen("\nTgid:")) : -ESRCH;
}

int tracee_ppid(pid_t tgid, pid_t *ppid, uint64_t *start_ticks)
{
	char path[64], buf[1024];
	unsigned long long start;
	const char *after;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", tgid);
	n = proc_read(path, buf, sizeof(buf));
	if (n < 0)
		return (int)n;
	after = strrchr(buf, ')');
	if (!after || sscanf(after + 1,
			     " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d"
			     " %*d %*d %*d %*d %llu",
			     ppid, &start) != 2)
		return -ESRCH;
	*start_ticks = start;
	return 0;
}

int tracee_open_process(pid_t tgid)
{
	int fd = (int)syscall(SYS_pidfd_open, tgid, 0);

	return fd < 0 ? neg_errno() : fd;
}

int tracee_open_thread(pid_t tid, pid_t tgid)
{
	int fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);

	if (fd >= 0)
		return fd;
	return errno == EINVAL ? tracee_open_process(tgid) : neg_errno();
}

int tracee_get_fd(int pidfd, int fd)
{
	int ours = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	return ours < 0 ? neg_errno() : ours;
}

int tracee_same_mm(pid_t a, pid_t b)
{
	long order = syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0);

	return order < 0 ? neg_errno() : order == 0;
}

int tracee_same_file(pid_t tid, int fd, int our_fd)
{
	long order = syscall(SYS_kcmp, tid, getpid(), KCMP_FILE, fd, our_fd);

	return order < 0 ? neg_errno() : order == 0;
}

int tracee_open(pid_t tid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? neg_errno() : fd;
}

bool tracee_mem_alive(int mem_fd, uaddr known)
{
	char byte;

	/*
	 * 0: no user left. Anything else, EIO for an unmapped address too, comes from a living one.
	 */
	return pread(mem_fd, &byte, 1, (off_t)known) != 0;
}

int tracee_open_stat(pid_t tgid, pid_t tid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tgid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? neg_errno() : fd;
}

char tracee_state(int stat_fd)
{
	char buf[128];
	const char *after;
	ssize_t n = pread(stat_fd, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		return n == 0 || errno == ESRCH ? 'X' : '?';
	buf[n] = '\0';
	after = strrchr(buf, ')');
	return after && after[1] ? after[2] : 'X';
}

int tracee_thread_count(int stat_fd)
{
	char buf[512];
	const char *after;
	ssize_t n = pread(stat_fd, buf, sizeof(buf) - 1, 0);
	int count;

	if (n <= 0)
		return n ? neg_errno() : -ESRCH;
	buf[n] = '\0';
	after = strrchr(buf, ')');
	/* from the 3rd field to the 20th, proc_pid_stat(5) */
	if (!after || sscanf(after + 1, " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
			     &count) != 1)
		return -EIO;
	return count;
}

int tracee_blocked_in(pid_t tgid, pid_t tid)
{
	char path[64], buf[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", tgid, tid);
	n = proc_read(path, buf, sizeof(buf));
	if (n < 0)
		return (int)n;
	return buf[0] == 'r' ? -EAGAIN : atoi(buf);
}

static char thread_state(pid_t tgid, pid_t tid)
{
	auto_fd fd = tracee_open_stat(tgid, tid);

	if (fd < 0)		/* no descriptor for us does not mean that it is gone */
		return fd == -ENOENT || fd == -ESRCH ? 'X' : '?';
	return tracee_state(fd);
}

/* Who has gone has neither threads nor children any more; errno is 0 at the end of a directory. */
static int unless_gone(void)
{
	return !errno || errno == ENOENT || errno == ESRCH ? 0 : neg_errno();
}

int tracee_for_threads(pid_t tgid, int (*fn)(pid_t tid, char state, void *arg), void *arg)
{
	char path[64];
	struct dirent *e;
	int stop = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", tgid);
	dir = opendir(path);
	if (!dir)
		return unless_gone();
	while (!stop) {
		pid_t tid;

		errno = 0;
		e = readdir(dir);
		if (!e) {
			stop = unless_gone();
			break;
		}
		tid = atoi(e->d_name);
		if (tid > 0)
			stop = fn(tid, thread_state(tgid, tid), arg);
	}
	closedir(dir);
	return stop;
}

/* The children of one thread, depth first. */
static int for_children(pid_t tgid, pid_t tid, int (*fn)(pid_t tgid, void *arg), void *arg);

struct descend {
	pid_t tgid;
	int (*fn)(pid_t tgid, void *arg);
	void *arg;
};

static int descend_thread(pid_t tid, char state, void *arg)
{
	const struct descend *d = arg;

	return for_children(d->tgid, tid, d->fn, d->arg);
}

static int for_children(pid_t tgid, pid_t tid, int (*fn)(pid_t tgid, void *arg), void *arg)
{
	char path[64];
	auto_file f = NULL;
	int child, stop = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", tgid, tid);
	f = fopen(path, "re");
	if (!f)
		return unless_gone();
	while (!stop && fscanf(f, "%d", &child) == 1) {
		struct descend d = { child, fn, arg };

		stop = fn(child, arg);
		if (!stop)
			stop = tracee_for_threads(child, descend_thread, &d);
	}
	return stop;
}

int tracee_for_descendants(int (*fn)(pid_t tgid, void *arg), void *arg)
{
	struct descend d = { getpid(), fn, arg };

	return tracee_for_threads(getpid(), descend_thread, &d);
}

/* Everybody whom we may trace may be asked like that, in ten times the time. */
static uint64_t file_size_limit_by_proc(pid_t tgid)
{
	static const char field[] = "\nMax file size ";
	char path[64], buf[4096];
	uint64_t limit;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/limits", tgid);
	if (proc_read(path, buf, sizeof(buf)) < 0)
		return UINT64_MAX;
	at = strstr(buf, field);
	return at && sscanf(at + strlen(field), "%" SCNu64, &limit) == 1 ? limit : UINT64_MAX;
}

/* prlimit(2) is refused for other users' processes without CAP_SYS_RESOURCE. */
uint64_t tracee_file_size_limit(pid_t tgid)
{
	struct rlimit lim;

	if (prlimit(tgid, RLIMIT_FSIZE, NULL, &lim))
		return errno == EPERM ? file_size_limit_by_proc(tgid) : UINT64_MAX;
	return lim.rlim_cur == RLIM_INFINITY ? UINT64_MAX : lim.rlim_cur;
}

bool tracee_has_uring(pid_t tid)
{
	char path[64], name[64];
	bool found = false;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", tid);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, name, sizeof(name) - 1);

		name[n > 0 ? n : 0] = '\0';
		found = strcmp(name, "anon_inode:[io_uring]") == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

ssize_t tracee_status(pid_t tid, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	return proc_read(path, buf, size);
}
