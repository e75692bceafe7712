/* SPDX-License-Identifier: MIT */
/*
 * Section 8: a read into memory that is there but must not be written. What cannot be delivered is
 * not taken from a pipe or socket, and procfs gives a value as a whole or not at all.
 */
#include "victim.h"

#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static aio_context_t ctx;
static char *good;		/* a page that can be written, before one that can not */

enum { LEAD = 100, BYTES = 300 };

static void fresh(void)
{
	static const char nothing[2 * PAGE];
	struct iovec from = { (void *)nothing, PAGE }, to = { good, PAGE };

	need(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == PAGE);
}

static int waiting(int fd)
{
	int n = 0;

	need(!ioctl(fd, FIONREAD, &n));
	return n;
}

/* Into read-only memory, then into memory that ends LEAD bytes on; and what is there after each. */
static void channel(const char *tag, int in, int out)
{
	static const char data[BYTES];
	char back[2 * BYTES], *start = good + PAGE;
	const char *got[2];
	struct iocb cb;
	int left[2];

	for (int i = 0; i < 2; i++) {
		fresh();
		need(write(out, data, BYTES) == BYTES);
		got[i] = outcome(ctx, prep(&cb, IOCB_CMD_PREAD, in, start - i * LEAD, BYTES, 0));
		left[i] = waiting(in);
		if (left[i])
			need(read(in, back, sizeof(back)) == left[i]);
	}
	obs(tag, "%s %d left, %s %d left", got[0], left[0], got[1], left[1]);
}

static void vector(int in, int out)
{
	static const char data[BYTES];
	const struct iovec v[] = { { good, LEAD }, { good + PAGE, LEAD }, { good, LEAD } };
	const char *got;
	struct iocb cb;

	need(write(out, data, BYTES) == BYTES);
	got = outcome(ctx, prep(&cb, IOCB_CMD_PREADV, in, v, 3, 0));
	obs("8.taken/pipe-vector", "%s %d left", got, waiting(in));
}

/* All of it can be written, but the kernel has it in two mappings. */
static void split(int in, int out)
{
	static const char data[BYTES];
	struct iocb cb;

	need(!mprotect(good, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	need(write(out, data, BYTES) == BYTES);
	obs("8.taken/pipe-into-two-mappings", "%s",
	    outcome(ctx, prep(&cb, IOCB_CMD_PREAD, in, good - BYTES / 2, BYTES, 0)));
	need(!mprotect(good, PAGE, PROT_READ | PROT_WRITE));
}

static void channels(void)
{
	int p[2], s[2], d[2];

	need(!pipe(p) && !socketpair(AF_UNIX, SOCK_STREAM, 0, s) &&
	     !socketpair(AF_UNIX, SOCK_DGRAM, 0, d));
	channel("8.taken/pipe", p[0], p[1]);
	channel("8.taken/unix-stream", s[0], s[1]);
	channel("8.taken/unix-dgram", d[0], d[1]);
}

static void counter(const char *tag, int fd)
{
	struct iocb cb;
	uint64_t count = 0;
	const char *got;

	got = outcome(ctx, prep(&cb, IOCB_CMD_PREAD, fd, good + PAGE, 8, 0));
	obs(tag, "%s, then %s", got, num(read(fd, &count, 8) < 0 ? -errno : (long long)count));
}

static void whole(const char *tag, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct iocb cb;
	const char *none, *part;

	need(fd >= 0);
	none = outcome(ctx, prep(&cb, IOCB_CMD_PREAD, fd, good + PAGE, 6, 0));
	part = outcome(ctx, prep(&cb, IOCB_CMD_PREAD, fd, good + PAGE - 2, 6, 0));
	obs(tag, "%s, %s", none, part);
	close(fd);
}

int main(void)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 1 };
	int p[2], timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct pollfd fired = { timer, POLLIN, 0 };

	victim_start();
	ctx = aio_context(8);
	good = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(good != MAP_FAILED);
	good += PAGE;
	need(!mprotect(good + PAGE, PAGE, PROT_READ));
	channels();
	need(!pipe(p));
	vector(p[0], p[1]);
	need(!pipe(p));
	split(p[0], p[1]);
	counter("8.taken/eventfd", eventfd(5, EFD_NONBLOCK));
	need(!timerfd_settime(timer, 0, &soon, NULL) && poll(&fired, 1, -1) == 1);
	need(!fcntl(timer, F_SETFL, O_NONBLOCK));
	counter("8.taken/timerfd", timer);
	whole("8.taken/meminfo", "/proc/meminfo");
	whole("8.taken/sysctl", "/proc/sys/kernel/ostype");
	whole("8.taken/zeros", "/dev/zero");
	whole("8.taken/random", "/dev/urandom");
	return victim_end();
}
