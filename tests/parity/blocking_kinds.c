/* SPDX-License-Identifier: MIT */
/* All kinds of files that wait for a peer. */
#include "blocking.h"

#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <termios.h>

static void open_pipe(int end[2])
{
	need(!pipe2(end, O_CLOEXEC));
}

static void open_fifo(int end[2], int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "fifo.%d", getpid());
	need(!mkfifo(path, 0600));
	end[1] = open(path, O_RDWR | O_CLOEXEC);
	end[0] = open(path, flags | O_CLOEXEC);
	need(end[0] >= 0 && end[1] >= 0 && !unlink(path));
}

static void open_fifo_reader(int end[2])
{
	open_fifo(end, O_RDONLY);
}

static void open_fifo_both(int end[2])
{
	open_fifo(end, O_RDWR);
}

static void open_stream(int end[2])
{
	need(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end));
}

static void open_dgram(int end[2])
{
	need(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, end));
}

static void open_packet(int end[2])
{
	need(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end));
}

static int bound(int type, struct sockaddr_in *at)
{
	socklen_t size = sizeof(*at);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	need(fd >= 0 && !bind(fd, (struct sockaddr *)at, sizeof(*at)));
	need(!getsockname(fd, (struct sockaddr *)at, &size));
	return fd;
}

static void open_tcp(int end[2])
{
	struct sockaddr_in at;
	int listener = bound(SOCK_STREAM, &at);

	need(!listen(listener, 1));
	end[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	need(!connect(end[1], (struct sockaddr *)&at, sizeof(at)));
	end[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	need(end[0] >= 0 && !close(listener));
}

static void open_udp(int end[2])
{
	struct sockaddr_in a, b;

	end[0] = bound(SOCK_DGRAM, &a);
	end[1] = bound(SOCK_DGRAM, &b);
	need(!connect(end[0], (struct sockaddr *)&b, sizeof(b)));
	need(!connect(end[1], (struct sockaddr *)&a, sizeof(a)));
}

static void open_eventfd(int end[2])
{
	end[0] = eventfd(0, EFD_CLOEXEC);
	end[1] = dup(end[0]);
	need(end[0] >= 0 && end[1] >= 0);
}

static void open_timerfd(int end[2])
{
	end[0] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	end[1] = dup(end[0]);
	need(end[0] >= 0 && end[1] >= 0);
}

static void open_tty(int end[2])
{
	char path[64];

	end[1] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	need(end[1] >= 0 && !grantpt(end[1]) && !unlockpt(end[1]));
	need(!ptsname_r(end[1], path, sizeof(path)));
	end[0] = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	need(end[0] >= 0);
}

static void open_raw_tty(int end[2])
{
	struct termios t;

	open_tty(end);
	need(!tcgetattr(end[0], &t));
	cfmakeraw(&t);
	need(!tcsetattr(end[0], TCSANOW, &t));
}

static void feed_bytes(int fd)
{
	need(write(fd, "1234567\n", LENGTH) == LENGTH);
}

static void feed_counter(int fd)
{
	const uint64_t one = 1;

	need(write(fd, &one, sizeof(one)) == sizeof(one));
}

static void feed_timer(int fd)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 1 };

	need(!timerfd_settime(fd, 0, &soon, NULL));
}

const struct kind kinds[KINDS] = {
	{ "pipe", open_pipe, feed_bytes, 0 },
	{ "fifo", open_fifo_reader, feed_bytes, 0 },
	{ "fifo-rdwr", open_fifo_both, feed_bytes, 1 },
	{ "unix", open_stream, feed_bytes, 1 },
	{ "unix-dgram", open_dgram, feed_bytes, 1 },
	{ "unix-packet", open_packet, feed_bytes, 1 },
	{ "tcp", open_tcp, feed_bytes, 1 },
	{ "udp", open_udp, feed_bytes, 0 },
	{ "eventfd", open_eventfd, feed_counter, 0 },
	{ "timerfd", open_timerfd, feed_timer, 0 },
	{ "tty", open_tty, feed_bytes, 1 },
	{ "tty-raw", open_raw_tty, feed_bytes, 1 },
};

void fill(int fd)
{
	static char data[65536];
	int flags = fcntl(fd, F_GETFL);

	/* a terminal passes on in the background what it has taken */
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	need(!fcntl(fd, F_SETFL, flags | O_NONBLOCK));
	do {
		for (size_t n = sizeof(data); n; n = n > 1 ? n / 2 : 0)
			while (write(fd, data, n) > 0)
				;
		need(errno == EAGAIN);
	} while (poll(&room, 1, 100) > 0);
	need(!fcntl(fd, F_SETFL, flags));
}

void drain(int fd)
{
	static char data[65536];
	int flags = fcntl(fd, F_GETFL);

	need(!fcntl(fd, F_SETFL, flags | O_NONBLOCK));
	while (read(fd, data, sizeof(data)) > 0)
		;
	need(errno == EAGAIN && !fcntl(fd, F_SETFL, flags));
}
