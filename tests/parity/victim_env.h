/* SPDX-License-Identifier: MIT */
/* The half of the victims' helpers that knows nothing of AIO: files, memory, children, waiting. */
#ifndef VICTIM_ENV_H
#define VICTIM_ENV_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define VICTIM_SECONDS 40
#define KERNEL_ADDRESS 0xffff880000000000ull
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096ul

#define need(cond) victim_need(!!(cond), #cond, __FILE__, __LINE__)
static inline void victim_need(int good, const char *what, const char *file, int line)
{
	if (good)
		return;
	fprintf(stderr, "%s:%d: needed: %s (%s)\n", file, line, what, strerror(errno));
	exit(1);
}

static inline long read_number(const char *path)
{
	char text[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	need(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strtol(text, NULL, 10);
}

static inline long aio_nr(void)
{
	return read_number("/proc/sys/fs/aio-nr");
}

static inline unsigned possible_cpus(void)
{
	char text[256] = "";
	int fd = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
	unsigned cpus = 0;

	need(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	for (char *at = text, *end; *at >= '0' && *at <= '9'; at = *end == ',' ? end + 1 : end) {
		unsigned first = strtoul(at, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		cpus += last - first + 1;
	}
	return cpus;
}

/* ring.nr by the rule of section 2. */
static inline unsigned ring_size(unsigned nr)
{
	unsigned least = 4 * possible_cpus(), n = 2 * (nr > least ? nr : least);
	unsigned long bytes = 32 + 32ul * (n + 2);

	return 128 * ((bytes + PAGE - 1) / PAGE) - 1;
}

/* How many requests one CPU gets accepted before EAGAIN, by the rule of section 6. */
static inline unsigned slot_limit(unsigned ring_nr)
{
	unsigned batch = (ring_nr - 1) / (4 * possible_cpus());

	if (!batch)
		batch = 1;
	return (ring_nr - 1) / batch * batch;
}

/* An empty file in the current directory, already unlinked. */
static inline int tmp_open(int flags)
{
	char path[] = "victim.XXXXXX";
	int first = mkostemp(path, O_CLOEXEC), fd;

	need(first >= 0);
	fd = open(path, flags | O_CLOEXEC);
	need(fd >= 0);
	unlink(path);
	close(first);
	return fd;
}

/* Pages that end at an inaccessible one. */
static inline char *pages(unsigned n)
{
	char *p = mmap(NULL, (n + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	need(p != MAP_FAILED && !mprotect(p + n * PAGE, PAGE, PROT_NONE));
	return p;
}

static inline long file_size(int fd)
{
	struct stat st;

	need(!fstat(fd, &st));
	return st.st_size;
}

/*
 * What is in the file goes to storage and out of the page cache. Pages that somebody holds for a
 * moment, as write-back does, stay at the first try; those of tmpfs stay for good.
 */
static inline void drop_cache(int fd)
{
	enum { TRIES = 50 };
	const long bytes = file_size(fd), pages = (bytes + 4095) / 4096;
	unsigned char *resident = calloc(1, (size_t)pages + 1);
	void *map = bytes ? mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	need(resident != NULL);
	for (int i = 0; i < TRIES; i++) {
		long held = 0;

		need(!fsync(fd) && !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
		if (map == MAP_FAILED || mincore(map, (size_t)bytes, resident))
			break;
		for (long page = 0; page < pages; page++)
			held += resident[page] & 1;
		if (!held)
			break;
		poll(NULL, 0, 1);	/* a page that leaves the cache gives no event */
	}
	if (map != MAP_FAILED)
		munmap(map, (size_t)bytes);
	free(resident);
}

static inline void on_signal(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	need(!sigaction(sig, &sa, NULL));
}

static inline uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* The system call that a task sleeps in, as /proc shows it; -1: it runs. */
static inline long sleeps_in(pid_t pid, pid_t tid)
{
	char path[64], text[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	need(n > 0);
	close(fd);
	text[n] = 0;
	return text[0] == 'r' ? -1 : strtol(text, NULL, 10);
}

/*
 * Waits until a task sleeps in one of two system calls, which nothing tells. A trapped call sleeps
 * from its first moment on, also before the supervisor has received it, and nothing shows that
 * from here; hence the short pause at the end, many times as long as receiving takes.
 */
static inline void wait_blocked_in(pid_t pid, pid_t tid, long nr, long or_nr)
{
	long seen;

	while ((seen = sleeps_in(pid, tid)) != nr && seen != or_nr)
		poll(NULL, 0, 1);	/* falling asleep gives no event */
	poll(NULL, 0, 20);		/* nor does being heard */
}

static inline void wait_blocked(pid_t pid, pid_t tid, long nr)
{
	wait_blocked_in(pid, tid, nr, nr);
}

/* A child that dies with its parent; the caller's branch for it ends with _exit(). */
static inline pid_t victim_fork(void)
{
	pid_t pid = fork();

	need(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(VICTIM_SECONDS);
	}
	return pid;
}

/* Exit status, or 128 + signal. */
static inline int wait_child(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
