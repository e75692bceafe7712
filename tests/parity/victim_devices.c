/* SPDX-License-Identifier: MIT */
/*
 * Section 8.3, the files that are seldom: anonymous inodes of all kinds and devices. What cannot be
 * opened here, or by this user, is not seen.
 */
#include "victim.h"

#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static aio_context_t ctx;

/* A poll that waits is taken back. */
static const char *poll_outcome(int fd, unsigned events)
{
	static char text[4][32];
	static unsigned next;
	char *t = text[next++ % ARRAY_SIZE(text)];
	struct io_event ev;
	struct iocb cb;
	long ret = aio_submit1(ctx, prep_poll(&cb, fd, events));

	if (ret != 1) {
		snprintf(t, sizeof(text[0]), "S:%s", num(ret));
	} else if (reap_now(ctx, 1, &ev) == 1) {
		snprintf(t, sizeof(text[0]), "ev:%s", num(ev.res));
	} else {
		need(aio_cancel(ctx, &cb, &ev) == -EINPROGRESS && reap(ctx, 1, &ev) == 1);
		snprintf(t, sizeof(text[0]), "waits");
	}
	return t;
}

/* read, write, FSYNC, POLL for IN and OUT, a read with RWF_NOWAIT; as victim_filetypes.c does */
static void kind(const char *tag, int fd, size_t bytes)
{
	static const struct { int op; unsigned rw_flags; } ops[] = {
		{ IOCB_CMD_PREAD, 0 }, { IOCB_CMD_PWRITE, 0 }, { IOCB_CMD_FSYNC, 0 },
		{ IOCB_CMD_POLL, 0 }, { IOCB_CMD_PREAD, RWF_NOWAIT },
	};
	static char buf[512];
	char line[256] = "";
	struct iocb cb;
	int n = 0;

	if (fd < 0) {
		obs(tag, "unseen (%s)", num(-errno));
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		int rw = ops[i].op == IOCB_CMD_PREAD || ops[i].op == IOCB_CMD_PWRITE;

		prep(&cb, ops[i].op, fd, rw ? buf : NULL, rw ? bytes : 0, 0);
		cb.aio_rw_flags = ops[i].rw_flags;
		n += snprintf(line + n, sizeof(line) - n, "%s%s", n ? " " : "",
			      ops[i].op == IOCB_CMD_POLL ? poll_outcome(fd, POLLIN | POLLOUT) :
			      outcome(ctx, &cb));
	}
	obs(tag, "%s", line);
	close(fd);
}

static int device(const char *path, int flags)
{
	return open(path, flags | O_NONBLOCK | O_CLOEXEC);
}

static int message_queue(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	char name[64];
	mqd_t q;

	snprintf(name, sizeof(name), "/victim-devices-%d", getpid());
	q = mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600, &attr);
	if (q >= 0)
		mq_unlink(name);
	return q;
}

static int perf(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_DUMMY,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/*
 * Stays open: the end of a ring interrupts whoever has made it, some time later, like a signal
 * (io_ring_exit_work() of io_uring/io_uring.c, 6.18).
 */
static int uring(void)
{
	struct io_uring_params params = { 0 };
	int fd = syscall(SYS_io_uring_setup, 4, &params);

	return fd < 0 ? fd : dup(fd);
}

static void anonymous(void)
{
	kind("8.3.anonymous/epoll", epoll_create1(EPOLL_CLOEXEC), 64);
	kind("8.3.anonymous/inotify", inotify_init1(IN_CLOEXEC | IN_NONBLOCK), 64);
	kind("8.3.anonymous/pidfd", syscall(SYS_pidfd_open, getpid(), 0), 64);
	kind("8.3.anonymous/io-uring", uring(), 64);
	kind("8.3.anonymous/mqueue", message_queue(), 64);
	kind("8.3.anonymous/fanotify",
	     fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_CLASS_NOTIF, O_RDONLY), 64);
	kind("8.3.anonymous/perf", perf(), 64);
	kind("8.3.userfaultfd/no-handshake",
	     syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY), 64);
	kind("8.3.hugetlb/memfd", memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB), 8);
}

/* Its own signals, not those of whoever does the I/O. */
static void own_signals(void)
{
	struct signalfd_siginfo got[2];
	struct timespec now = { 0 };
	struct iocb cb;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	need(!sigprocmask(SIG_BLOCK, &set, NULL));
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	obs("8.3.signalfd/poll-nothing", "%s", poll_outcome(fd, POLLIN));
	obs("8.3.signalfd/nothing", "%s",
	    outcome(ctx, prep(&cb, IOCB_CMD_PREAD, fd, got, sizeof(got), 0)));
	need(!raise(SIGUSR1));
	obs("8.3.signalfd/poll-out", "%s", poll_outcome(fd, POLLOUT));
	obs("8.3.signalfd/poll", "%s", poll_outcome(fd, POLLIN));
	obs("8.3.signalfd/read", "%s",
	    outcome(ctx, prep(&cb, IOCB_CMD_PREAD, fd, got, sizeof(got), 0)));
	(void)sigtimedwait(&set, NULL, &now);
	close(fd);
}

static void kernel_log(void)
{
	const int fd = device("/dev/kmsg", O_WRONLY);
	const char line[] = "<7>victim_devices\n";
	struct iocb cb;

	if (fd < 0)
		obs("8.3.dev-misc/kmsg-write", "unseen (%s)", num(-errno));
	else
		obs("8.3.dev-misc/kmsg-write", "%s",
		    outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, line, sizeof(line) - 1, 0)));
	close(fd);
}

static void devices(void)
{
	kind("8.3.dev-misc/kmsg-read", device("/dev/kmsg", O_RDONLY), 512);
	kernel_log();
	kind("8.3.dev-misc/kvm", device("/dev/kvm", O_RDWR), 8);
	kind("8.3.dev-misc/loop-control", device("/dev/loop-control", O_RDWR), 8);
	kind("8.3.dev-fuse/fuse", device("/dev/fuse", O_RDWR), 8);
	kind("8.3.dev-fuse/tun", device("/dev/net/tun", O_RDWR), 8);
	kind("8.3.dev-null/random", device("/dev/random", O_RDONLY), 8);
	kind("8.3.proc-pid/mem", device("/proc/self/mem", O_RDWR), 8);
	kind("8.3.proc-pid/environ", device("/proc/self/environ", O_RDONLY), 8);
	kind("8.3.proc-pid/comm", device("/proc/self/comm", O_RDWR), 8);
	kind("8.3.proc-pid/oom-score-adj", device("/proc/self/oom_score_adj", O_RDWR), 8);
	kind("8.3.proc/cpuinfo", device("/proc/cpuinfo", O_RDONLY), 8);
	kind("8.3.proc/directory", device("/proc", O_RDONLY | O_DIRECTORY), 8);
	kind("8.3.tracefs/attribute", device("/sys/kernel/tracing/tracing_on", O_RDWR), 8);
	kind("8.3.tracefs/no-positions", device("/sys/kernel/tracing/trace_pipe", O_RDONLY), 8);
	kind("8.3.tracefs/no-read", device("/sys/kernel/tracing/trace_marker", O_RDWR), 8);
	kind("8.3.sysfs/directory", device("/sys", O_RDONLY | O_DIRECTORY), 8);
}

int main(void)
{
	victim_start();
	ctx = aio_context(8);
	anonymous();
	own_signals();
	devices();
	return victim_end();
}
