/* SPDX-License-Identifier: MIT */
/*
 * Sections 8.1 and 10: a poll is complete as soon as what it waits for has happened, so whoever made
 * that happen finds the event with a zero timeout, before that of the request which did it.
 */
#include "victim.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static aio_context_t ctx;
static struct io_event ev[8];

/* The aio_data of what is there now, in the order of the ring. */
static void there(const char *tag)
{
	struct timespec now = { 0 };
	long n = aio_getevents(ctx, 0, 8, ev, &now);
	char line[64];
	int len = snprintf(line, sizeof(line), "%s:", num(n));

	for (long i = 0; i < n; i++)
		len += snprintf(line + len, sizeof(line) - len, " %llu", ev[i].data);
	obs(tag, "%s", line);
}

static struct iocb *named(struct iocb *cb, unsigned name)
{
	cb->aio_data = name;
	return cb;
}

static void by_system_call(void)
{
	struct iocb cb;
	int p[2], s[2];

	need(!pipe(p) && !socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	need(aio_submit1(ctx, named(prep_poll(&cb, p[0], POLLIN), 1)) == 1);
	need(write(p[1], "x", 1) == 1);
	there("10.4/at-once-pipe");
	need(aio_submit1(ctx, named(prep_poll(&cb, s[0], POLLIN), 1)) == 1);
	need(write(s[1], "x", 1) == 1);
	there("10.4/at-once-socket");
}

/* What was signalled is complete, even if it has been taken back since; in the order of signals. */
static void by_counter(void)
{
	enum { ROUNDS = 200 };
	int event = eventfd(0, EFD_CLOEXEC), ep = epoll_create1(EPOLL_CLOEXEC), p[2];
	struct epoll_event in = { .events = EPOLLIN };
	struct iocb cb[3];
	unsigned found = 0;
	uint64_t count = 1;

	need(event >= 0 && !pipe(p) && !epoll_ctl(ep, EPOLL_CTL_ADD, event, &in));
	for (unsigned i = 0; i < ROUNDS; i++) {
		need(aio_submit1(ctx, prep_poll(&cb[0], event, POLLIN)) == 1);
		need(write(event, &count, 8) == 8 && read(event, &count, 8) == 8);
		if (reap_now(ctx, 1, ev))
			found++;
		else
			need(reap(ctx, 1, ev) == 1);
	}
	obs_num("10.4/at-once-eventfd", found);
	need(aio_submit1(ctx, named(prep_poll(&cb[0], ep, POLLIN), 1)) == 1);
	need(aio_submit1(ctx, named(prep_poll(&cb[1], p[0], POLLIN), 2)) == 1);
	need(aio_submit1(ctx, named(prep_poll(&cb[2], event, POLLIN), 3)) == 1);
	need(write(event, &count, 8) == 8 && write(p[1], "x", 1) == 1);
	there("8.1.as-completed/epoll-eventfd-pipe");
}

static void by_request(void)
{
	struct iocb cb[3], *list[3] = { &cb[0], &cb[1], &cb[2] };
	int p[2], file = tmp_open(O_RDWR);

	need(!pipe2(p, O_NONBLOCK));
	need(aio_submit1(ctx, named(prep_poll(&cb[0], p[0], POLLIN), 1)) == 1);
	need(aio_submit1(ctx, named(prep(&cb[1], IOCB_CMD_PWRITE, p[1], "x", 1, 0), 2)) == 1);
	there("8.1.poll/two-calls");
	while (read(p[0], ev, 1) > 0)
		;
	named(prep_poll(&cb[0], p[0], POLLIN), 1);
	named(prep(&cb[1], IOCB_CMD_PWRITE, p[1], "x", 1, 0), 2);
	named(prep(&cb[2], IOCB_CMD_PWRITE, file, "x", 1, 0), 3);
	list[0] = &cb[0];
	obs_num("8.1.poll/one-list", aio_submit(ctx, 3, list));
	there("8.1.poll/one-list-events");
}

int main(void)
{
	victim_start();
	ctx = aio_context(8);
	by_system_call();
	by_counter();
	by_request();
	return victim_end();
}
