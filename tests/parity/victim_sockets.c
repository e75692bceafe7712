/* SPDX-License-Identifier: MIT */
/* Section 8.2: options of a socket that say how long, and for how much, a transfer waits. */
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { SEGMENTS = 40, SEGMENT = 16384 };

static aio_context_t ctx;
static char data[SEGMENTS * SEGMENT];
static _Atomic int has_read;

static void unix_pair(int s[2])
{
	need(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
}

static void tcp_pair(int s[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(at);

	need(listener >= 0 && !bind(listener, (struct sockaddr *)&at, size) && !listen(listener, 1));
	need(!getsockname(listener, (struct sockaddr *)&at, &size));
	s[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	need(s[0] >= 0 && !connect(s[0], (struct sockaddr *)&at, size));
	s[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	need(s[1] >= 0);
	close(listener);
}

static const struct {
	const char *name;
	void (*pair)(int s[2]);
} kinds[] = { { "unix", unix_pair }, { "tcp", tcp_pair } };

static void close_pair(const int s[2])
{
	close(s[0]);
	close(s[1]);
}

static void set(int fd, int option, int value)
{
	const struct timeval time = { .tv_usec = value };

	if (option == SO_RCVTIMEO || option == SO_SNDTIMEO)
		need(!setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time)));
	else
		need(!setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)));
}

/* Nobody reads: it is full after some of the data, and in the end stays so. */
static void write_timeout(const char *tag, int s[2])
{
	struct iovec v[SEGMENTS];
	struct io_event ev = { 0 };
	struct iocb cb;
	const char *more;
	unsigned turns = 0;

	for (unsigned i = 0; i < SEGMENTS; i++)
		v[i] = (struct iovec){ data + i * SEGMENT, SEGMENT };
	set(s[0], SO_SNDTIMEO, 50000);
	set(s[0], SO_SNDBUF, 65536);
	set(s[1], SO_RCVBUF, 65536);
	need(aio_submit1(ctx, prep(&cb, IOCB_CMD_PWRITEV, s[0], v, SEGMENTS, 0)) == 1);
	need(reap(ctx, 1, &ev) == 1);
	do
		more = outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, s[0], data, sizeof(data), 0));
	while (strncmp(more, "ev:", 3) == 0 && atol(more + 3) > 0 && ++turns < 100);
	obs(tag, "%s, then %s", ev.res > 0 && ev.res < (long)sizeof(data) ? "some" : num(ev.res),
	    more);
}

static void timeouts(void)
{
	char tag[64];
	int s[2];

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct iocb cb;

		kinds[i].pair(s);
		set(s[0], SO_RCVTIMEO, 50000);
		snprintf(tag, sizeof(tag), "8.2.timeout/%s-read", kinds[i].name);
		obs(tag, "%s", outcome(ctx, prep(&cb, IOCB_CMD_PREAD, s[0], data, 10, 0)));
		snprintf(tag, sizeof(tag), "8.2.timeout/%s-write", kinds[i].name);
		write_timeout(tag, s);
		close_pair(s);
	}
}

/* The rest comes when the reader has taken what there is, which is too little. */
static void *send_the_rest(void *arg)
{
	const int *s = arg;
	int there;

	do {
		sched_yield();
		need(!ioctl(s[0], FIONREAD, &there));
	} while (there && !has_read);
	need(write(s[1], "6789abcdefghi", 13) == 13);	/* TCP wakes nobody for less */
	return NULL;
}

static void low_water(const char *name, int s[2])
{
	struct iocb cb;
	pthread_t thread;
	char tag[64];

	set(s[0], SO_RCVLOWAT, 12);
	need(write(s[1], "12345", 5) == 5);
	snprintf(tag, sizeof(tag), "8.2.lowat/%s-less", name);
	obs(tag, "%s", outcome(ctx, prep(&cb, IOCB_CMD_PREAD, s[0], data, 4, 0)));
	has_read = 0;
	need(!pthread_create(&thread, NULL, send_the_rest, s));
	snprintf(tag, sizeof(tag), "8.2.lowat/%s-waits", name);
	obs(tag, "%s", outcome(ctx, prep(&cb, IOCB_CMD_PREAD, s[0], data, 100, 0)));
	has_read = 1;
	need(!pthread_join(thread, NULL));
	need(write(s[1], "12345", 5) == 5);
	snprintf(tag, sizeof(tag), "8.2.lowat/%s-nowait", name);
	prep(&cb, IOCB_CMD_PREAD, s[0], data, 100, 0);
	cb.aio_rw_flags = RWF_NOWAIT;
	obs(tag, "%s", outcome(ctx, &cb));
	need(write(s[1], "12345", 5) == 5 && !shutdown(s[1], SHUT_WR));
	snprintf(tag, sizeof(tag), "8.2.lowat/%s-end", name);
	obs(tag, "%s", outcome(ctx, prep(&cb, IOCB_CMD_PREAD, s[0], data, 100, 0)));
}

int main(void)
{
	int s[2];

	victim_start();
	ctx = aio_context(8);
	timeouts();
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		kinds[i].pair(s);
		low_water(kinds[i].name, s);
		close_pair(s);
	}
	return victim_end();
}
