/* SPDX-License-Identifier: MIT */
#include "passed.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util.h"

struct passed {
	struct passed *before;		/* NULL: nothing */
	int sock;
	int theirs;			/* -1: closed */
	unsigned count;
	struct {
		int number;		/* there */
		int fd;			/* here */
	} of[CHANNEL_PASSED];
};

struct passed *passed_create(struct passed *before, const int32_t *wanted, unsigned count)
{
	struct passed *p = calloc(1, sizeof(*p));
	int fds[2];
	int err;

	if (!p) {
		passed_destroy(before);
		return NULL;
	}
	if (before) {
		passed_destroy(before->before);
		before->before = NULL;
	}
	p->before = before;
	err = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
	p->sock = err ? -1 : fds[0];
	p->theirs = err ? -1 : fds[1];
	if (!err && write(p->sock, wanted, count * sizeof(*wanted)) > 0)
		return p;
	err = errno;
	passed_destroy(p);
	errno = err;
	return NULL;
}

int passed_fd(const struct passed *p)
{
	return p->theirs;
}

void passed_given(struct passed *p)
{
	close_fd(&p->theirs);
}

struct passed *passed_over(struct passed *p)
{
	struct passed *before = p ? p->before : NULL;

	if (!p)
		return NULL;
	for (unsigned i = 0; i < p->count; i++)
		close(p->of[i].fd);
	close_fd(&p->sock);
	close_fd(&p->theirs);
	free(p);
	return before;
}

void passed_destroy(struct passed *p)
{
	while (p)
		p = passed_over(p);
}

/* The next message; its descriptor, if it has one. False: there is no other. */
static bool receive(const struct passed *p, int *number, int *fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { number, sizeof(*number) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_LEN(sizeof(int)),	/* room for one */
	};
	const struct cmsghdr *c;

	*fd = -1;
	if (recvmsg(p->sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != sizeof(*number))
		return false;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return true;
}

static void collect(struct passed *p)
{
	int number, fd;

	while (p->count < CHANNEL_PASSED && receive(p, &number, &fd)) {
		if (fd < 0)
			continue;
		p->of[p->count].number = number;
		p->of[p->count++].fd = fd;
	}
}

int passed_take(struct passed *p, int fd)
{
	int ours;

	if (!p)
		return -EPERM;
	collect(p);
	for (unsigned i = 0; i < p->count; i++) {
		if (p->of[i].number != fd)
			continue;
		ours = fcntl(p->of[i].fd, F_DUPFD_CLOEXEC, 0);
		return ours < 0 ? neg_errno() : ours;
	}
	return -EPERM;
}
