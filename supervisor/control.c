/* SPDX-License-Identifier: MIT */
/*
 * Theory. A client that sends lines of any length, or never reads, harms only itself: requests are
 * short and answers are kept in memory of its own until it takes them; meanwhile it is not listened
 * to. Nothing here blocks.
 */
#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "inflight.h"
#include "log.h"

#define CLIENTS_MAX 16
#define REQUEST_BYTES 256
#define AGAIN_NS (100 * NSEC_PER_MSEC)

struct control;

struct client {
	struct control *control;
	int fd;				/* -1: this place is free */
	struct loop_watch *watch;
	char request[REQUEST_BYTES];
	size_t request_bytes;
	char *answer;
	size_t answer_room;
	size_t answer_bytes;
	size_t sent_bytes;
	bool no_memory;
};

struct control {
	struct dispatch *d;
	struct sockaddr_un address;
	dev_t dev;
	ino_t ino;
	int fd;
	struct loop_watch *watch;
	struct loop_timer again;	/* no descriptor was left for a client */
	struct client clients[CLIENTS_MAX];
};

/* --- answers --- */

static void add(struct client *c, const char *text, size_t bytes)
{
	size_t room = c->answer_room ? c->answer_room : 4096;
	char *more;

	while (room - c->answer_bytes < bytes)
		room *= 2;
	if (room != c->answer_room) {
		more = realloc(c->answer, room);
		if (!more) {
			c->no_memory = true;
			return;
		}
		c->answer = more;
		c->answer_room = room;
	}
	memcpy(c->answer + c->answer_bytes, text, bytes);
	c->answer_bytes += bytes;
}

static void add_line(void *arg, const char *text)
{
	add(arg, text, strlen(text));
	add(arg, "\n", 1);
}

static void answer(struct client *c, const char *request)
{
	if (!strcmp(request, "list"))
		(void)inflight_list(c->control->d, add_line, c);
	else
		add_line(c, "error: the requests are: list");
	add_line(c, "");
}

/* --- clients --- */

static void client_drop(struct client *c)
{
	loop_unwatch(c->watch);
	c->watch = NULL;
	close_fd(&c->fd);
	free(c->answer);
	c->answer = NULL;
	c->answer_room = c->answer_bytes = c->sent_bytes = c->request_bytes = 0;
	c->no_memory = false;
}

static void client_ready(void *arg, unsigned events);

/* Listens again, or waits until it takes its answer. */
static void client_watch(struct client *c, unsigned events)
{
	loop_unwatch(c->watch);
	c->watch = loop_watch(c->control->d->loop, c->fd, events, client_ready, c);
	if (!c->watch)
		client_drop(c);
}

static void client_send(struct client *c)
{
	ssize_t n;

	while (c->sent_bytes < c->answer_bytes) {
		n = send(c->fd, c->answer + c->sent_bytes, c->answer_bytes - c->sent_bytes,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			client_watch(c, LOOP_WRITE);
			return;
		}
		if (n < 0 && errno != EINTR) {
			client_drop(c);
			return;
		}
		c->sent_bytes += n > 0 ? (size_t)n : 0;
	}
	c->answer_bytes = c->sent_bytes = 0;
	client_watch(c, LOOP_READ);
}

static void client_line(struct client *c, size_t length)
{
	c->request[length] = '\0';
	answer(c, c->request);
	c->request_bytes -= length + 1;
	memmove(c->request, c->request + length + 1, c->request_bytes);
	if (c->no_memory)
		client_drop(c);
	else
		client_send(c);
}

/* One request at a time: the next is looked at when the answer has been taken. */
static void client_requests(struct client *c)
{
	char *end;

	while (c->fd >= 0 && !c->answer_bytes &&
	       (end = memchr(c->request, '\n', c->request_bytes)))
		client_line(c, (size_t)(end - c->request));
	if (c->fd >= 0 && !c->answer_bytes && c->request_bytes == sizeof(c->request))
		client_drop(c);		/* no request is as long */
}

static void client_receive(struct client *c)
{
	const ssize_t n = recv(c->fd, c->request + c->request_bytes,
			       sizeof(c->request) - c->request_bytes, MSG_DONTWAIT);

	if (n > 0)
		c->request_bytes += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		client_drop(c);
}

static void client_ready(void *arg, unsigned events)
{
	struct client *c = arg;

	if (c->answer_bytes)
		client_send(c);
	else
		client_receive(c);
	client_requests(c);
}

static struct client *free_place(struct control *control)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	}
	return NULL;
}

static void knock(void *arg, unsigned events);

static void listen_again(void *arg)
{
	struct control *control = arg;

	control->watch = loop_watch(control->d->loop, control->fd, LOOP_READ, knock, control);
	if (!control->watch)
		(void)loop_timer_start(control->d->loop, &control->again, now_ns() + AGAIN_NS);
}

/* It would be readable all the time. */
static void knock_later(struct control *control)
{
	loop_unwatch(control->watch);
	control->watch = NULL;
	(void)loop_timer_start(control->d->loop, &control->again, now_ns() + AGAIN_NS);
}

static void knock(void *arg, unsigned events)
{
	struct control *control = arg;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			knock_later(control);
		return;
	}
	c = free_place(control);
	if (!c) {
		close(fd);
		return;
	}
	c->control = control;
	c->fd = fd;
	client_watch(c, LOOP_READ);
}

/* --- the socket --- */

/* One that nobody listens to any more was left by a run that was killed. */
static void remove_stale(const struct sockaddr_un *address)
{
	/* whoever listens may be stuck, and more than enough wait for it */
	auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0 || lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
	    errno == ECONNREFUSED)
		(void)unlink(address->sun_path);
}

static int bind_private(int fd, const struct sockaddr_un *address)
{
	const mode_t old = umask(0177);
	const int failed = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	const int err = failed ? errno : 0;

	(void)umask(old);
	errno = err;
	return failed;
}

static int listen_on(struct control *c)
{
	struct stat st;

	remove_stale(&c->address);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || bind_private(c->fd, &c->address))
		return -1;
	if (lstat(c->address.sun_path, &st) == 0) {
		c->dev = st.st_dev;
		c->ino = st.st_ino;
	}
	if (listen(c->fd, CLIENTS_MAX))
		return -1;
	c->watch = loop_watch(c->d->loop, c->fd, LOOP_READ, knock, c);
	return c->watch ? 0 : -1;
}

struct control *control_open(struct dispatch *d, const char *path)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c) {
		log_error("no memory for the control socket");
		return NULL;
	}
	c->d = d;
	c->fd = -1;
	c->again = (struct loop_timer){ .fn = listen_again, .arg = c };
	c->address.sun_family = AF_UNIX;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		c->clients[i].fd = -1;
	if (strlen(path) >= sizeof(c->address.sun_path)) {
		log_error("--control=%s: a socket's path may have %zu characters at most", path,
			  sizeof(c->address.sun_path) - 1);
		free(c);
		return NULL;
	}
	strcpy(c->address.sun_path, path);
	if (listen_on(c)) {
		log_error("--control=%s: %s%s", path, strerror(errno),
			  errno == EADDRINUSE ? " (another run, or a file that is no socket)" : "");
		control_close(c);
		return NULL;
	}
	return c;
}

/* Only if it is still the one that we have made. */
static void remove_own(const struct control *c)
{
	struct stat st;

	if (c->ino && lstat(c->address.sun_path, &st) == 0 && st.st_dev == c->dev &&
	    st.st_ino == c->ino)
		(void)unlink(c->address.sun_path);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	remove_own(c);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		client_drop(&c->clients[i]);
	loop_timer_stop(c->d->loop, &c->again);
	loop_unwatch(c->watch);
	close_fd(&c->fd);
	free(c);
}
