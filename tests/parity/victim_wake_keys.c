/* SPDX-License-Identifier: MIT */
/*
 * Section 10, the table of wake keys, and traps 14 and 15: what a POLL that had to wait reports is
 * the raw key of the wake-up, not masked by what was asked. Where the host has no AIO the sandbox
 * cannot know it, and masks (D3).
 */
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static aio_context_t ctx;
static struct iocb waiting;
static char page[PAGE];

static void start(int fd, unsigned events)
{
	struct io_event ev;

	need(aio_submit1(ctx, prep_poll(&waiting, fd, events)) == 1);
	need(reap_now(ctx, 1, &ev) == 0);
}

/* What poll(2) would not be told of never comes where D3 holds: then the request is taken back. */
static void woken_within(const char *tag, time_t seconds)
{
	struct timespec limit = { .tv_sec = seconds };
	struct io_event ev = { 0 };

	if (aio_getevents(ctx, 1, 1, &ev, &limit) == 1) {
		obs(tag, "%#llx", (unsigned long long)ev.res);
		return;
	}
	obs(tag, "not woken");
	need(aio_cancel(ctx, &waiting, &ev) == -EINPROGRESS && reap(ctx, 1, &ev) == 1);
}

static void woken(const char *tag)
{
	woken_within(tag, 10);
}

static void pipes(void)
{
	int p[2], full[2], gone[2], hup[2], ready[2];
	static const unsigned asked[] = { 0x1, 0x41, 0x7, 0xffff };
	struct iocb cb;

	need(!pipe(p) && !pipe2(full, O_NONBLOCK) && !pipe2(gone, O_NONBLOCK) && !pipe(hup));
	start(p[0], POLLIN);
	need(write(p[1], "x", 1) == 1);
	woken("10.pipe-write/raw");
	while (write(full[1], page, PAGE) > 0)
		;
	start(full[1], POLLOUT);
	need(read(full[0], page, PAGE) == (ssize_t)PAGE);
	woken("10.pipe-drained/raw");
	start(hup[0], POLLIN);
	close(hup[1]);
	woken("10.pipe-closes/writer-raw");
	while (write(gone[1], page, PAGE) > 0)
		;
	start(gone[1], POLLOUT);
	close(gone[0]);
	woken("10.pipe-closes/reader-raw");
	need(!pipe(ready) && write(ready[1], "x", 1) == 1);
	for (unsigned i = 0; i < ARRAY_SIZE(asked); i++) {
		char tag[64];

		snprintf(tag, sizeof(tag), "10.ready/pipe-%#x", asked[i]);
		obs(tag, "%s", outcome(ctx, prep_poll(&cb, ready[0], asked[i])));
	}
}

static void unix_sockets(void)
{
	static const struct { const char *tag; int type; unsigned asked; } rows[] = {
		{ "10.socket-data/unix-stream", SOCK_STREAM, POLLIN },
		{ "10.socket-data/unix-dgram", SOCK_DGRAM, POLLIN },
		{ "10.socket-data/unix-seqpacket", SOCK_SEQPACKET, POLLIN },
		{ "10.ordinary/asked-pri", SOCK_STREAM, POLLPRI },
		{ "10.ordinary/asked-rdband", SOCK_STREAM, POLLRDBAND },
	};
	int s[2], t[2], c[2];

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		need(!socketpair(AF_UNIX, rows[i].type, 0, s));
		start(s[0], rows[i].asked);
		need(write(s[1], "x", 1) == 1);
		woken_within(rows[i].tag, rows[i].asked == POLLIN ? 10 : 1);
		close(s[0]);
		close(s[1]);
	}
	need(!socketpair(AF_UNIX, SOCK_STREAM, 0, s) && !socketpair(AF_UNIX, SOCK_STREAM, 0, c));
	start(s[0], POLLIN);
	shutdown(s[1], SHUT_WR);
	woken("10.peer-closes/shutdown-raw");
	start(c[0], POLLIN);
	close(c[1]);
	woken("10.peer-closes/close-raw");
	need(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, t));
	while (write(t[0], page, PAGE) > 0)
		;
	start(t[0], POLLOUT);
	while (read(t[1], page, PAGE) > 0)
		;
	woken("10.unix-drained/raw");
}

/* A socket of 127.0.0.1 with a port of its own; *at is its address. */
static int inet_socket(int type, struct sockaddr_in *at)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*at);

	*at = (struct sockaddr_in){ .sin_family = AF_INET };
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	need(fd >= 0 && !bind(fd, (struct sockaddr *)at, len));
	need(!getsockname(fd, (struct sockaddr *)at, &len));
	return fd;
}

static int tcp_connect(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(fd >= 0 && !connect(fd, (const struct sockaddr *)at, sizeof(*at)));
	return fd;
}

static void inet_sockets(void)
{
	struct sockaddr_in at, from;
	int udp = inet_socket(SOCK_DGRAM, &at), sender = inet_socket(SOCK_DGRAM, &from);
	int listener, client, server;

	start(udp, POLLIN);
	need(sendto(sender, "x", 1, 0, (struct sockaddr *)&at, sizeof(at)) == 1);
	woken("10.socket-data/udp");
	listener = inet_socket(SOCK_STREAM, &at);
	need(!listen(listener, 4));
	start(listener, POLLIN);
	client = tcp_connect(&at);
	woken("10.socket-data/tcp-connect");
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	need(server >= 0);
	start(server, POLLIN);
	need(send(client, "x", 1, 0) == 1);
	woken("10.socket-data/tcp");
	need(recv(server, page, 1, 0) == 1);
	start(server, POLLPRI);
	need(send(client, "!", 1, MSG_OOB) == 1);
	woken("10.socket-data/tcp-oob-asked-pri");
}

static void anonymous(void)
{
	struct itimerspec soon = { .it_value = { .tv_nsec = 1000000 } };
	int event = eventfd(0, EFD_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	int note = inotify_init1(IN_CLOEXEC), p[2], fd;
	uint64_t one = 1;
	char c;
	pid_t pid;

	need(note >= 0 && inotify_add_watch(note, ".", IN_CREATE) >= 0 && !pipe(p));
	start(event, POLLIN);
	need(write(event, &one, sizeof(one)) == sizeof(one));
	woken("10.counters/eventfd-raw");
	start(timer, POLLIN);
	need(!timerfd_settime(timer, 0, &soon, NULL));
	woken("10.counters/timerfd-raw");
	start(note, POLLIN);
	fd = open("created", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	unlink("created");
	close(fd);
	woken("10.counters/inotify");
	pid = victim_fork();
	if (!pid)
		_exit(read(p[0], &c, 1) == 1 ? 0 : 1);
	fd = syscall(SYS_pidfd_open, pid, 0);
	need(fd >= 0);
	start(fd, POLLIN);
	need(write(p[1], "x", 1) == 1);
	woken("10.pidfd/raw");
	obs_num("10.pidfd/child", wait_child(pid));
}

static void cancelled(void)
{
	struct io_event ev = { .res = 77 };
	int p[2];

	need(!pipe(p));
	start(p[0], 0xffff);
	obs_num("10.cancelled/cancel", aio_cancel(ctx, &waiting, &ev));
	woken("10.cancelled/res");
	close(p[0]);
	close(p[1]);
}

/* --- trap 15: what polls, and in which order --------------------------------------------------- */

static void order(void)
{
	struct iocb cb[4], *list[4];
	struct io_event ev[4];
	int p[2];

	need(!pipe(p));
	for (int i = 0; i < 4; i++) {
		list[i] = prep_poll(&cb[i], p[0], POLLIN);
		cb[i].aio_data = i;
	}
	need(aio_submit(ctx, 4, list) == 4 && write(p[1], "x", 1) == 1);
	need(reap(ctx, 4, ev) == 4);
	obs("10.newest-first/of-four", "%llu %llu %llu %llu", ev[0].data, ev[1].data, ev[2].data,
	    ev[3].data);
}

/* The fd is closed and its number in use for something else: the poll is still of the old file. */
static void closed(void)
{
	struct io_event ev;
	int p[2], other[2], fd;

	need(!pipe(p) && !pipe(other));
	fd = dup(p[0]);
	start(fd, POLLIN);
	need(dup2(other[0], fd) == fd && write(other[1], "x", 1) == 1);
	obs_num("10.holds/number-reused-still-waits", reap_now(ctx, 1, &ev));
	need(write(p[1], "x", 1) == 1);
	woken("10.holds/number-reused-completes");
	start(other[0], 0);
	obs_num("10.nothing-asked/has-data", reap_now(ctx, 1, &ev));
	close(other[1]);
	woken("10.nothing-asked/hup-raw");
}

static void epoll_and_resfd(void)
{
	struct epoll_event in = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC), event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), p[2];
	uint64_t count = 1;
	struct iocb cb;

	need(!pipe(p) && !epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &in));
	start(ep, POLLIN);
	need(write(p[1], "x", 1) == 1);
	woken("10.epoll/epoll");
	obs("10.epoll/epoll-ready", "%s", outcome(ctx, prep_poll(&cb, ep, POLLIN | POLLOUT)));
	prep_poll(&waiting, event, POLLIN);
	waiting.aio_flags = IOCB_FLAG_RESFD;
	waiting.aio_resfd = event;
	need(aio_submit1(ctx, &waiting) == 1 && write(event, &count, sizeof(count)) == 8);
	woken("10.own-eventfd/polls-itself");
	need(read(event, &count, sizeof(count)) == 8);
	obs_num("10.own-eventfd/polls-itself-count", count);
}

static void two_queues(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, fifo;
	struct pollfd arrived = { .events = POLLIN };
	struct iocb cb;

	need(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	need(slave >= 0 && !mkfifo("fifo", 0600));
	fifo = open("fifo", O_RDWR | O_CLOEXEC);
	unlink("fifo");
	obs("10.queues/slave-not-ready-in", "%s", outcome(ctx, prep_poll(&cb, slave, POLLIN)));
	obs("10.queues/slave-ready-out", "%s", outcome(ctx, prep_poll(&cb, slave, POLLOUT)));
	obs("10.queues/slave-nothing-asked", "%s", outcome(ctx, prep_poll(&cb, slave, 0)));
	arrived.fd = slave;
	need(write(master, "line\n", 5) == 5 && poll(&arrived, 1, 5000) == 1);
	obs("10.queues/slave-ready-in", "%s", outcome(ctx, prep_poll(&cb, slave, POLLIN)));
	obs("10.queues/fifo-nothing-asked", "%s", outcome(ctx, prep_poll(&cb, fifo, 0)));
	obs("10.queues/fifo-both", "%s", outcome(ctx, prep_poll(&cb, fifo, POLLIN | POLLOUT)));
}

int main(void)
{
	victim_start();
	ctx = aio_context(8);
	pipes();
	unix_sockets();
	inet_sockets();
	anonymous();
	cancelled();
	order();
	closed();
	epoll_and_resfd();
	two_queues();
	return victim_end();
}
