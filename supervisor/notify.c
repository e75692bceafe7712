/* SPDX-License-Identifier: MIT */
/*
 * Theory. The listener has one receiver, this loop. poll(2) says POLLIN exactly when a notification
 * waits that has not been received, so RECV after POLLIN never blocks: the kernel's counter of
 * requests is never lower than their number; a caller that died in between gives ENOENT. Structures
 * are sized by what the running kernel says, and zeroed, as RECV demands.
 */
#include "notify.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "seccomp_flags.h"
#include "util.h"

struct notify {
	int fd;
	struct seccomp_notif *req;	/* req_bytes, zeroed before each use */
	struct seccomp_notif_resp *resp;
	size_t req_bytes;
	size_t resp_bytes;
};

static int notify_alloc(struct notify *n)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
		return neg_errno();
	n->req_bytes = max_u64(sizes.seccomp_notif, sizeof(*n->req));
	n->resp_bytes = max_u64(sizes.seccomp_notif_resp, sizeof(*n->resp));
	n->req = calloc(1, n->req_bytes);
	n->resp = calloc(1, n->resp_bytes);
	return n->req && n->resp ? 0 : -ENOMEM;
}

struct notify *notify_open(int listener_fd)
{
	struct notify *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return NULL;
	n->fd = -1;
	err = notify_alloc(n);
	if (err) {
		notify_close(n);
		errno = -err;
		return NULL;
	}
	n->fd = listener_fd;
	notify_together(n, true);
	return n;
}

/* 2 us instead of up to 75, where the other CPU is asleep. */
void notify_together(struct notify *n, bool together)
{
	(void)ioctl(n->fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		    together ? SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP : 0);
}

void notify_close(struct notify *n)
{
	if (!n)
		return;
	close_fd(&n->fd);
	free(n->req);
	free(n->resp);
	free(n);
}

int notify_fd(const struct notify *n)
{
	return n->fd;
}

/* The kernel takes its mutex interruptibly, and task work of io_uring counts as a signal too. */
static int notify_ioctl(const struct notify *n, unsigned long request, void *arg)
{
	int rc;

	do
		rc = ioctl(n->fd, request, arg);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? neg_errno() : rc;
}

/*
 * POLLERR says only that the kernel could not look, since its mutex was taken and a signal came, or
 * task work of io_uring (seccomp_notify_poll(), 6.18): whoever watches is told again.
 */
int notify_waits(const struct notify *n)
{
	struct pollfd p = { .fd = n->fd, .events = POLLIN };

	if (poll(&p, 1, 0) <= 0)
		return 0;
	if (p.revents & POLLIN)
		return 1;
	return p.revents & POLLHUP ? -EPIPE : 0;
}

static void notice_fill(struct notice *out, const struct seccomp_notif *req)
{
	out->cookie = req->id;
	out->tid = req->pid;
	out->arch = req->data.arch;
	out->nr = req->data.nr;
	out->ip = req->data.instruction_pointer;
	for (unsigned i = 0; i < 6; i++)
		out->args[i] = req->data.args[i];
}

int notify_receive(struct notify *n, struct notice *out)
{
	memset(n->req, 0, n->req_bytes);
	if (ioctl(n->fd, SECCOMP_IOCTL_NOTIF_RECV, n->req))
		return errno == EINTR ? -ENOENT : neg_errno();
	notice_fill(out, n->req);
	return 1;
}

static int notify_send(struct notify *n, uint64_t cookie, int64_t value, uint32_t flags)
{
	memset(n->resp, 0, n->resp_bytes);
	n->resp->id = cookie;
	n->resp->flags = flags;
	if (value < 0)
		n->resp->error = (int)value;
	else
		n->resp->val = value;
	return notify_ioctl(n, SECCOMP_IOCTL_NOTIF_SEND, n->resp);
}

int notify_reply(struct notify *n, uint64_t cookie, int64_t value)
{
	return notify_send(n, cookie, value, 0);
}

int notify_continue(struct notify *n, uint64_t cookie)
{
	return notify_send(n, cookie, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

bool notify_valid(struct notify *n, uint64_t cookie)
{
	return notify_ioctl(n, SECCOMP_IOCTL_NOTIF_ID_VALID, &cookie) == 0;
}

int notify_addfd(struct notify *n, uint64_t cookie, int fd)
{
	struct seccomp_notif_addfd add = {
		.id = cookie,
		.srcfd = (uint32_t)fd,
		.newfd_flags = O_CLOEXEC,
	};

	return notify_ioctl(n, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
}

/*
 * Not by SECCOMP_ADDFD_FLAG_SEND: interrupted while it waits for the caller to take the descriptor,
 * as it is by task work of io_uring, the kernel (6.18) takes the descriptor back but lets the answer
 * stand, which is 0.
 */
int notify_give_fd(struct notify *n, uint64_t cookie, int fd)
{
	const int given = notify_addfd(n, cookie, fd);

	return given == -ENOENT ? given : notify_reply(n, cookie, given);
}
