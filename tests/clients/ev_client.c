/* SPDX-License-Identifier: MIT */
/*
 * A libev program, for libev.sh, which compiles it with libev's source: the Linux AIO backend is in
 * no distribution's build. Prints what it found; all of it must be the same for every backend.
 *
 * Each pair of sockets passes messages to and fro, whose content both ends compute: a lost or early
 * wake-up stops it, a wrong one reads nothing. In between watchers are stopped and started (that is
 * io_cancel and POLL anew), files closed under them, timers and signals come, and a child goes on
 * with a loop of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ev.h"

enum { PAIRS = 60, ROUNDS = 200, BYTES_MAX = 9000, CLIENTS = 20 };

struct pair {
	ev_io end[2];
	unsigned round;
	size_t got;
	char message[BYTES_MAX];
};

static struct pair pairs[PAIRS];
static unsigned long long sum;
static unsigned finished, ticks, signals, accepted, greeted;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static size_t message_size(const struct pair *p)
{
	return 1 + ((size_t)(p - pairs) * 977 + p->round * 131) % (BYTES_MAX - 1);
}

static char message_byte(const struct pair *p, size_t i)
{
	return (char)((size_t)(p - pairs) * 7 + p->round * 13 + i);
}

static void send_message(struct pair *p)
{
	char data[BYTES_MAX];
	const size_t size = message_size(p);

	for (size_t i = 0; i < size; i++)
		data[i] = message_byte(p, i);
	if (write(p->end[p->round % 2].fd, data, size) != (ssize_t)size)
		die("write");
}

static void check_message(const struct pair *p)
{
	for (size_t i = 0; i < p->got; i++) {
		if (p->message[i] != message_byte(p, i)) {
			fprintf(stderr, "pair %d, round %u: wrong at byte %zu\n", (int)(p - pairs), p->round, i);
			exit(3);
		}
	}
	sum += p->got;
}

static void next_round(struct ev_loop *loop, struct pair *p)
{
	check_message(p);
	p->got = 0;
	if (++p->round == ROUNDS) {
		ev_io_stop(loop, &p->end[0]);
		ev_io_stop(loop, &p->end[1]);
		if (++finished == PAIRS)
			ev_break(loop, EVBREAK_ALL);
		return;
	}
	if (p->round % 5 == 0) {
		ev_io_stop(loop, &p->end[p->round % 2]);
		ev_io_start(loop, &p->end[p->round % 2]);
	}
	send_message(p);
}

static void on_message(struct ev_loop *loop, ev_io *w, int events)
{
	struct pair *p = w->data;
	ssize_t n;

	if (events & EV_ERROR)
		die("watcher");
	n = read(w->fd, p->message + p->got, message_size(p) - p->got);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("read");
	p->got += (size_t)n;
	if (p->got == message_size(p))
		next_round(loop, p);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop, (void)w, (void)events;
	ticks++;
	raise(SIGUSR1);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	(void)loop, (void)w, (void)events;
	signals++;
}

static void pass_messages(struct ev_loop *loop)
{
	finished = 0;
	sum = 0;
	for (struct pair *p = pairs; p < pairs + PAIRS; p++) {
		int fds[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
			die("socketpair");
		p->round = 0;
		p->got = 0;
		for (int i = 0; i < 2; i++) {
			ev_io_init(&p->end[i], on_message, fds[i], EV_READ);
			p->end[i].data = p;
			ev_io_start(loop, &p->end[i]);
		}
		send_message(p);
	}
	ev_run(loop, 0);
	for (struct pair *p = pairs; p < pairs + PAIRS; p++) {
		close(p->end[0].fd);
		close(p->end[1].fd);
	}
	printf("messages: %u pairs, %llu bytes\n", finished, sum);
}

static void on_greeting(struct ev_loop *loop, ev_io *w, int events)
{
	char c;

	(void)events;
	if (read(w->fd, &c, 1) != 1)
		die("greeting");
	ev_io_stop(loop, w);
	close(w->fd);
	free(w);
	if (++greeted == CLIENTS)
		ev_break(loop, EVBREAK_ALL);
}

static void on_connection(struct ev_loop *loop, ev_io *w, int events)
{
	ev_io *client;
	int fd;

	(void)events;
	while ((fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		client = malloc(sizeof(*client));
		if (!client)
			die("malloc");
		ev_io_init(client, on_greeting, fd, EV_READ);
		ev_io_start(loop, client);
		accepted++;
	}
}

/* The clients are a child, which greets one connection after the other: the next when that was hung up. */
static void greet(const struct sockaddr_un *address)
{
	int fds[CLIENTS];
	char c;

	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		if (fds[i] < 0 || connect(fds[i], (const struct sockaddr *)address, sizeof(*address)))
			die("connect");
	}
	for (int i = CLIENTS; i-- > 0;) {
		if (write(fds[i], "x", 1) != 1 || read(fds[i], &c, 1) != 0)
			die("greet");
	}
	_exit(0);
}

static void serve_clients(struct ev_loop *loop)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	ev_io listener;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), status;
	pid_t child;

	unlink("socket");
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, CLIENTS))
		die("listen");
	ev_io_init(&listener, on_connection, fd, EV_READ);
	ev_io_start(loop, &listener);
	child = fork();
	if (child == 0)
		greet(&address);
	ev_run(loop, 0);
	ev_io_stop(loop, &listener);
	close(fd);
	if (waitpid(child, &status, 0) != child || status)
		die("greeter");
	printf("clients: %u accepted, %u greeted\n", accepted, greeted);
}

/* Writable at once, then not until the reader has made room; a regular file is always ready. */
static unsigned long long room, chunks;
static void on_room(struct ev_loop *loop, ev_io *w, int events)
{
	static char data[4096];
	ssize_t n;

	(void)events;
	while ((n = write(w->fd, data, sizeof(data))) > 0)
		room += (unsigned long long)n;
	if (++chunks == 50)
		ev_break(loop, EVBREAK_ALL);
}
static void on_data(struct ev_loop *loop, ev_io *w, int events)
{
	static char data[65536];

	(void)loop, (void)events;
	if (read(w->fd, data, sizeof(data)) <= 0)
		die("data");
}
static unsigned ready;
static void on_ready(struct ev_loop *loop, ev_io *w, int events)
{
	(void)events;
	if (++ready == 3)
		ev_io_stop(loop, w);
}

static void fill_pipe(struct ev_loop *loop)
{
	ev_io reader, writer, regular;
	int fds[2], fd = open("regular", O_RDWR | O_CREAT, 0600);

	room = chunks = ready = 0;
	if (fd < 0 || pipe2(fds, O_NONBLOCK))
		die("pipe");
	ev_io_init(&reader, on_data, fds[0], EV_READ);
	ev_io_init(&writer, on_room, fds[1], EV_WRITE);
	ev_io_init(&regular, on_ready, fd, EV_READ);
	ev_io_start(loop, &reader);
	ev_io_start(loop, &writer);
	ev_io_start(loop, &regular);
	ev_run(loop, 0);
	ev_io_stop(loop, &reader);
	ev_io_stop(loop, &writer);
	close(fds[0]);
	close(fds[1]);
	close(fd);
	printf("pipe: filled %llu times, %s; regular file ready %u times\n", chunks,
	       room > 65536 ? "emptied in between" : "never emptied", ready);
}

static void in_child(struct ev_loop *loop)
{
	int status;
	pid_t child = (fflush(stdout), fork());

	if (child == 0) {
		ev_loop_fork(loop);
		pass_messages(loop);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		die("child");
}

int main(int argc, char **argv)
{
	struct ev_loop *loop = ev_loop_new(argc > 1 ? (unsigned)atoi(argv[1]) : 0);
	ev_timer tick;
	ev_signal usr1;

	if (!loop)
		die("no loop");
	printf("backend %u\n", ev_backend(loop));
	ev_timer_init(&tick, on_tick, 0.001, 0.002);
	ev_timer_start(loop, &tick);
	ev_signal_init(&usr1, on_signal, SIGUSR1);
	ev_signal_start(loop, &usr1);
	pass_messages(loop);
	serve_clients(loop);
	fill_pipe(loop);
	in_child(loop);
	pass_messages(loop);
	printf("%s, %s\n", ticks > 5 ? "timers" : "no timers", signals > 5 ? "signals" : "no signals");
	return 0;
}
