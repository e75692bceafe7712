/* SPDX-License-Identifier: MIT */
/*
 * Section 8.3: what each kind of file says to read, write, FSYNC and POLL. All are ready, or
 * non-blocking, so that nothing waits.
 */
#include "victim.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <linux/fs.h>

enum { PREAD = IOCB_CMD_PREAD, PWRITE = IOCB_CMD_PWRITE };

static aio_context_t ctx;

/* read, write, FSYNC, POLL for IN and OUT, and a read with RWF_NOWAIT, of 8 bytes at offset 0 */
static void kind(const char *tag, int fd)
{
	static const struct { int op; unsigned rw_flags; } ops[] = {
		{ IOCB_CMD_PREAD, 0 }, { IOCB_CMD_PWRITE, 0 }, { IOCB_CMD_FSYNC, 0 },
		{ IOCB_CMD_POLL, 0 }, { IOCB_CMD_PREAD, RWF_NOWAIT },
	};
	char line[256] = "", buf[8] = "1234567";
	int n = 0;

	need(fd >= 0);
	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		struct iocb cb;
		int rw = ops[i].op == IOCB_CMD_PREAD || ops[i].op == IOCB_CMD_PWRITE;

		prep(&cb, ops[i].op, fd, rw ? buf : NULL, rw ? sizeof(buf) : 0, 0);
		if (ops[i].op == IOCB_CMD_POLL)
			prep_poll(&cb, fd, POLLIN | POLLOUT);
		cb.aio_rw_flags = ops[i].rw_flags;
		n += snprintf(line + n, sizeof(line) - n, "%s%s", n ? " " : "", outcome(ctx, &cb));
	}
	obs(tag, "%s", line);
	close(fd);
}

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);

	need(fd >= 0);
	return fd;
}

static void files(void)
{
	int fd = tmp_open(O_RDWR);

	need(write(fd, "content of the file", 19) == 19);
	kind("8.3.regular/local", fd);
	kind("8.3.regular/memfd", memfd_create("m", MFD_CLOEXEC));
	kind("8.3.directory/local", open_or_die(".", O_RDONLY | O_DIRECTORY));
	kind("8.3.o-path/device", open_or_die("/dev/zero", O_PATH));
	kind("8.3.dev-null/null", open_or_die("/dev/null", O_RDWR));
	kind("8.3.dev-null/zero", open_or_die("/dev/zero", O_RDWR));
	kind("8.3.dev-full/all", open_or_die("/dev/full", O_RDWR));
	kind("8.3.dev-null/urandom", open_or_die("/dev/urandom", O_RDONLY));
	kind("8.3.proc/meminfo", open_or_die("/proc/meminfo", O_RDONLY));
	kind("8.3.proc-pid/status", open_or_die("/proc/self/status", O_RDONLY));
	kind("8.3.proc-pid/maps", open_or_die("/proc/self/maps", O_RDONLY));
	kind("8.3.proc-pid/cmdline", open_or_die("/proc/self/cmdline", O_RDONLY));
	kind("8.3.proc/sys", open_or_die("/proc/sys/kernel/ostype", O_RDONLY));
	kind("8.3.sysfs/attribute", open_or_die("/sys/kernel/fscaps", O_RDONLY));
}

static void pipes(void)
{
	int p[2], q[2], fifo;

	need(!pipe2(p, O_NONBLOCK | O_CLOEXEC) && !pipe2(q, O_NONBLOCK | O_CLOEXEC));
	need(write(p[1], "123456781234567812345678", 24) == 24);
	kind("8.3.pipe/read-end", p[0]);
	kind("8.3.pipe/write-end", q[1]);
	need(!mkfifo("fifo", 0600));
	fifo = open_or_die("fifo", O_RDWR);
	need(write(fifo, "12345678", 8) == 8);
	kind("8.3.fifo-rdwr/all", fifo);
	unlink("fifo");
}

static void sockets(void)
{
	int s[2], tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char c[8] = "abcdefg";
	struct iocb cb;

	need(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) && write(s[1], c, 8) == 8);
	obs("8.socket-offset/read", "%s", outcome(ctx, prep(&cb, PREAD, s[0], c, 8, 1)));
	kind("8.3.socket/unix-stream", s[0]);
	signal(SIGPIPE, SIG_IGN);
	kind("8.3.socket/tcp-unconnected", tcp);
	kind("8.3.socket/udp-unconnected", udp);
	signal(SIGPIPE, SIG_DFL);
}

static void anonymous(void)
{
	struct itimerspec soon = { .it_value = { .tv_nsec = 1 } };
	struct pollfd timer = { .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK) };
	struct iocb cb;
	sigset_t usr1;
	uint64_t buf;
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), signals;

	kind("8.3.eventfd/with-count", eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
	obs("8.3.eventfd/empty", "%s", outcome(ctx, prep(&cb, PREAD, event, &buf, 8, 0)));
	obs("8.3.eventfd/offset-ignored", "%s",
	    outcome(ctx, prep(&cb, PREAD, event, &buf, 8, 5)));
	timer.events = POLLIN;
	need(timer.fd >= 0 && !timerfd_settime(timer.fd, 0, &soon, NULL));
	need(poll(&timer, 1, 1000) == 1);
	obs("8.3.timerfd/read", "%s", outcome(ctx, prep(&cb, PREAD, timer.fd, &buf, 8, 0)));
	obs("8.3.timerfd/write", "%s", outcome(ctx, prep(&cb, PWRITE, timer.fd, &buf, 8, 0)));
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	signals = signalfd(-1, &usr1, SFD_NONBLOCK | SFD_CLOEXEC);
	obs("8.3.signalfd/8", "%s", outcome(ctx, prep(&cb, PREAD, signals, &buf, 8, 0)));
	obs("8.3.signalfd/write", "%s", outcome(ctx, prep(&cb, PWRITE, signals, &buf, 8, 0)));
}

/* Files without read_iter, which are never ready here: no POLL. */
static void no_iter(void)
{
	struct { const char *tag; int fd; } rows[] = {
		{ "8.3.anonymous/epoll", epoll_create1(EPOLL_CLOEXEC) },
		{ "8.3.anonymous/inotify", inotify_init1(IN_CLOEXEC | IN_NONBLOCK) },
		{ "8.3.anonymous/pidfd", syscall(SYS_pidfd_open, getpid(), 0) },
	};
	char buf[64];

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct iocb cb;
		const char *rd, *wr, *sync;

		need(rows[i].fd >= 0);
		rd = outcome(ctx, prep(&cb, PREAD, rows[i].fd, buf, 64, 0));
		wr = outcome(ctx, prep(&cb, PWRITE, rows[i].fd, buf, 64, 0));
		sync = outcome(ctx, prep(&cb, IOCB_CMD_FSYNC, rows[i].fd, NULL, 0, 0));
		obs(rows[i].tag, "%s %s %s", rd, wr, sync);
	}
}

static void sealed(void)
{
	struct iocb cb;
	int fd = memfd_create("s", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	need(!ftruncate(fd, 10) && !fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	obs("8.seals/grow-inside", "%s", outcome(ctx, prep(&cb, PWRITE, fd, "12345678", 8, 0)));
	obs("8.seals/grow-beyond", "%s", outcome(ctx, prep(&cb, PWRITE, fd, "12345678", 8, 10)));
	need(!fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	obs("8.seals/write", "%s", outcome(ctx, prep(&cb, PWRITE, fd, "12345678", 8, 0)));
}

static void tty(void)
{
	struct iocb cb;
	char buf[16];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave;

	need(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	need(slave >= 0);
	obs("8.3.tty/empty", "%s", outcome(ctx, prep(&cb, PREAD, slave, buf, 8, 0)));
	obs("8.3.tty/write", "%s", outcome(ctx, prep(&cb, PWRITE, slave, "12345678", 8, 3)));
	obs("8.3.tty/read", "%s", outcome(ctx, prep(&cb, PREAD, master, buf, 16, 0)));
	obs("8.3.tty/fsync", "%s", outcome(ctx, prep(&cb, IOCB_CMD_FSYNC, slave, NULL, 0, 0)));
	close(master);
	/* who has just read from it may have it open for a moment longer */
	need(poll(&(struct pollfd){ .fd = slave }, 1, -1) == 1);
	obs("8.3.tty/hung-up-nothing", "%s", outcome(ctx, prep(&cb, PWRITE, slave, buf, 0, 0)));
}

int main(void)
{
	victim_start();
	ctx = aio_context(8);
	files();
	pipes();
	sockets();
	anonymous();
	no_iter();
	sealed();
	tty();
	return victim_end();
}
