/* SPDX-License-Identifier: MIT */
/*
 * Section 10: POLL, ready and not ready. What a wake reports beyond what was asked is not printed:
 * the kernel's raw wake key is D3.
 */
#include "victim.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static aio_context_t ctx;

static void refused(void)
{
	struct iocb cb;
	int p[2];

	need(!pipe(p) && write(p[1], "x", 1) == 1);
	obs("10.1/events-0x10001", "%s", outcome(ctx, prep_poll(&cb, p[0], 0x10001)));
	obs("10.ready/events-0xffff", "%s", outcome(ctx, prep_poll(&cb, p[0], 0xffff)));
	prep_poll(&cb, p[0], POLLIN)->aio_offset = 1;
	obs("10.2/offset", "%s", outcome(ctx, &cb));
	prep_poll(&cb, p[0], POLLIN)->aio_nbytes = 1;
	obs("10.2/nbytes", "%s", outcome(ctx, &cb));
	prep_poll(&cb, p[0], POLLIN)->aio_rw_flags = 1;
	obs("10.2/rw-flags", "%s", outcome(ctx, &cb));
	prep_poll(&cb, p[0], POLLIN)->aio_reqprio = -1;
	cb.aio_flags = IOCB_FLAG_IOPRIO;
	obs("10.2/ioprio-ignored", "%s", outcome(ctx, &cb));
	obs("7.e/poll-bad-fd", "%s", outcome(ctx, prep_poll(&cb, -1, POLLIN)));
	obs("7.e/poll-bad-fd-bad-events", "%s", outcome(ctx, prep_poll(&cb, -1, 0x10001)));
}

static void ready(void)
{
	struct iocb cb;
	int p[2], s[2], closed[2], full[2], event = eventfd(3, EFD_CLOEXEC);
	int file = tmp_open(O_RDWR), zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	static char page[PAGE];

	need(!pipe(p) && !pipe(closed) && !pipe2(full, O_NONBLOCK));
	need(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	need(write(p[1], "x", 1) == 1 && write(s[1], "x", 1) == 1);
	while (write(full[1], page, PAGE) > 0)
		;
	close(closed[1]);
	obs("10.ready/pipe-in", "%s", outcome(ctx, prep_poll(&cb, p[0], 0x1)));
	obs("10.ready/pipe-in-rdnorm", "%s", outcome(ctx, prep_poll(&cb, p[0], 0x41)));
	obs("10.ready/pipe-in-pri-out", "%s", outcome(ctx, prep_poll(&cb, p[0], 0x7)));
	obs("10.3/pipe-out", "%s", outcome(ctx, prep_poll(&cb, p[1], POLLOUT)));
	obs("10.always/pipe-hup", "%s", outcome(ctx, prep_poll(&cb, closed[0], 0)));
	obs("10.3/socket-both", "%s", outcome(ctx, prep_poll(&cb, s[0], POLLIN | POLLOUT)));
	obs("10.3/eventfd", "%s", outcome(ctx, prep_poll(&cb, event, POLLIN | POLLOUT)));
	obs("10.3/file-in", "%s", outcome(ctx, prep_poll(&cb, file, POLLIN)));
	obs("10.3/file-all", "%s", outcome(ctx, prep_poll(&cb, file, 0xffff)));
	obs("10.queues/file-none", "%s", outcome(ctx, prep_poll(&cb, file, 0)));
	obs("10.queues/file-pri", "%s", outcome(ctx, prep_poll(&cb, file, POLLPRI)));
	obs("10.3/zero-in-out", "%s", outcome(ctx, prep_poll(&cb, zero, POLLIN | POLLOUT)));
	close(full[0]);
	obs("10.always/pipe-no-reader", "%s", outcome(ctx, prep_poll(&cb, full[1], POLLIN)));
}

/* Not ready, two wait queues: refused. */
static void two_queues(void)
{
	struct iocb cb;
	int fifo, pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	need(!mkfifo("fifo", 0600));
	fifo = open("fifo", O_RDWR | O_CLOEXEC);
	unlink("fifo");
	need(fifo >= 0 && pty >= 0 && !grantpt(pty) && !unlockpt(pty));
	obs("10.queues/fifo-rdwr-empty-in", "%s", outcome(ctx, prep_poll(&cb, fifo, POLLIN)));
	obs("10.queues/fifo-rdwr-out", "%s", outcome(ctx, prep_poll(&cb, fifo, POLLOUT)));
	obs("10.queues/pty-not-ready-in", "%s", outcome(ctx, prep_poll(&cb, pty, POLLIN)));
	obs("10.queues/pty-ready-out", "%s", outcome(ctx, prep_poll(&cb, pty, POLLOUT)));
	need(write(fifo, "x", 1) == 1);
	obs("10.queues/fifo-rdwr-in", "%s", outcome(ctx, prep_poll(&cb, fifo, POLLIN)));
	close(pty);
}

/* --- woken later ----------------------------------------------------------------------------- */

static struct iocb waiting;

static void start(int fd, unsigned events)
{
	struct io_event ev;

	need(aio_submit1(ctx, prep_poll(&waiting, fd, events)) == 1);
	need(reap_now(ctx, 1, &ev) == 0);
}

static void woken(const char *tag)
{
	struct io_event ev = { 0 };
	long n = reap(ctx, 1, &ev);

	obs(tag, "%s res %s", num(n), num(ev.res & (waiting.aio_buf | POLLERR | POLLHUP)));
}

static void woken_by_data(void)
{
	struct itimerspec soon = { .it_value = { .tv_nsec = 1000000 } };
	struct epoll_event in = { .events = EPOLLIN };
	int p[2], s[2], event = eventfd(0, EFD_CLOEXEC), ep = epoll_create1(EPOLL_CLOEXEC);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	uint64_t one = 1;

	need(!pipe(p) && !socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	start(p[0], POLLIN);
	need(write(p[1], "x", 1) == 1);
	woken("10.pipe-write/asked");
	start(s[0], POLLIN);
	need(write(s[1], "x", 1) == 1);
	woken("10.socket-data/asked");
	start(event, POLLIN);
	need(write(event, &one, sizeof(one)) == sizeof(one));
	woken("10.counters/eventfd");
	start(timer, POLLIN);
	need(!timerfd_settime(timer, 0, &soon, NULL));
	woken("10.counters/timerfd");
	need(read(p[0], &one, 1) == 1 && !epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &in));
	start(ep, POLLIN);
	need(write(p[1], "x", 1) == 1);
	woken("10.epoll/readable");
}

static void woken_by_close(void)
{
	static char page[PAGE];
	int in[2], out[2], s[2], t[2], hup[2];

	need(!pipe(in) && !pipe2(out, O_NONBLOCK) && !pipe(hup));
	need(!socketpair(AF_UNIX, SOCK_STREAM, 0, s) && !socketpair(AF_UNIX, SOCK_STREAM, 0, t));
	start(in[0], POLLIN);
	close(in[1]);
	woken("10.pipe-closes/writer");
	start(hup[0], 0);
	need(write(hup[1], "x", 1) == 1);
	obs_num("10.nothing-asked/nothing-data-ignored", reap_now(ctx, 1, &(struct io_event){ 0 }));
	close(hup[1]);
	woken("10.nothing-asked/nothing-hup");
	while (write(out[1], page, PAGE) > 0)
		;
	start(out[1], POLLOUT);
	need(read(out[0], page, PAGE) == (ssize_t)PAGE);
	woken("10.pipe-drained/asked");
	while (write(out[1], page, PAGE) > 0)
		;
	start(out[1], POLLOUT);
	close(out[0]);
	woken("10.pipe-closes/reader");
	start(s[0], POLLIN);
	shutdown(s[1], SHUT_WR);
	woken("10.peer-closes/shutdown");
	start(t[0], POLLIN);
	close(t[1]);
	woken("10.peer-closes/closed");
}

static void woken_by_exit(void)
{
	int p[2];
	pid_t pid;
	int pidfd;
	char c;

	need(!pipe(p));
	pid = victim_fork();
	if (!pid)
		_exit(read(p[0], &c, 1) == 1 ? 0 : 1);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	need(pidfd >= 0);
	start(pidfd, POLLIN);
	need(write(p[1], "x", 1) == 1);
	woken("10.pidfd/asked");
	obs_num("10.pidfd/child", wait_child(pid));
}

/* One shot, the file held, and the data not taken. */
static void properties(void)
{
	struct iocb cb[2], *list[2];
	struct io_event ev[2];
	int p[2], reader;
	char c;

	need(!pipe(p));
	start(p[0], POLLIN);
	need(write(p[1], "x", 1) == 1);
	woken("10.4/one-shot");
	need(write(p[1], "y", 1) == 1);
	obs_num("10.4/one-shot-no-second", reap_now(ctx, 1, ev));
	obs_num("10.4/data-still-there", read(p[0], &c, 1) + read(p[0], &c, 1));
	reader = dup(p[0]);
	start(reader, POLLIN);
	close(reader);
	obs_num("10.holds/closed-still-waits", reap_now(ctx, 1, ev));
	need(write(p[1], "z", 1) == 1);
	woken("10.holds/closed-still-completes");
	need(read(p[0], &c, 1) == 1);
	list[0] = prep_poll(&cb[0], p[0], POLLIN);
	list[1] = prep_poll(&cb[1], p[0], POLLIN);
	need(aio_submit(ctx, 2, list) == 2 && write(p[1], "w", 1) == 1);
	obs_num("10.newest-first/two-on-one-file", reap(ctx, 2, ev));
	obs_yes("10.newest-first/two-both-of-them", ev[0].obj != ev[1].obj);
}

int main(void)
{
	victim_start();
	ctx = aio_context(8);
	refused();
	ready();
	two_queues();
	woken_by_data();
	woken_by_close();
	woken_by_exit();
	properties();
	return victim_end();
}
