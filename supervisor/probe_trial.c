/* SPDX-License-Identifier: MIT */
/*
 * A trial of the trap: a victim installs a listener for one call number, hands it to us,
 * makes the call, and reports what it saw:
 *
 *	us					victim
 *	trial_open()				seccomp(NEW_LISTENER), sends the listener or an
 *errno trial_arrives(), trial_receive()	syscall(nr) trial_reply(), or ADDFD
 *...returns trial_report()				sends the value
 *
 * The filter is four instructions by hand: the program that a run installs is made elsewhere, with
 *more calls, but the kernel's answers do not depend on that.
 */
#include "probe_trial.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

void trial_close(struct trial *t)
{
	victim_end(&t->victim);
	close_fd(&t->listener);
}

/* no_new_privs only where the kernel asks for it, as in a run. */
static int listener_install(long nr, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (__u32)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };
	unsigned int all = flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, all, &prog);

	if (fd < 0 && errno == EACCES) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, all, &prog);
	}
	return fd < 0 ? neg_errno() : (int)fd;
}

union fd_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* Sends fd, or the errno in its place. */
static int fd_send(int sock, int fd)
{
	union fd_control control = { .bytes = "" };
	int payload = fd < 0 ? fd : 0;
	struct iovec iov = { .iov_base = &payload, .iov_len = sizeof(payload) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);

		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? neg_errno() : 0;
}

/* The fd, or the -errno that was sent in its place, or -EPIPE when the sender has died. */
static int fd_receive(int sock)
{
	union fd_control control = { .bytes = "" };
	int payload = 0;
	struct iovec iov = { .iov_base = &payload, .iov_len = sizeof(payload) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd;

	if (n != sizeof(payload))
		return -EPIPE;
	if (payload < 0)
		return payload;
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -EBADMSG;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void trial_victim(int sock, const void *arg)
{
	const struct trial_plan *plan = arg;
	struct trial_report report = { .value = 0 };

	if (!plan->untrapped) {
		auto_fd listener = listener_install(plan->nr, plan->flags);

		if (fd_send(sock, listener) < 0 || listener < 0)
			return;
	}
	report.value = syscall(plan->nr, 0, 0, 0, 0, 0, 0);
	if (report.value < 0)
		report.value = neg_errno();
	else
		report.is_fd = fcntl((int)report.value, F_GETFD) >= 0;
	send(sock, &report, sizeof(report), MSG_NOSIGNAL);
}

int trial_open(struct trial *t, const struct trial_plan *plan)
{
	int err = victim_start(&t->victim, trial_victim, plan);

	if (err || plan->untrapped)
		return err;
	t->listener = fd_receive(t->victim.sock);
	return t->listener < 0 ? t->listener : 0;
}

int trial_arrives(const struct trial *t)
{
	struct pollfd fds[] = {
		{ .fd = t->listener, .events = POLLIN },
		{ .fd = t->victim.sock, .events = POLLIN },
	};
	int n = probe_poll(fds, ARRAY_SIZE(fds), PROBE_STEP_MS);

	if (n < 0)
		return n;
	return fds[0].revents & POLLIN ? 1 : 0;
}

/*
 * The kernel may know larger structures than our headers do: it fills in and wants its own sizes.
 */
int trial_receive(const struct trial *t, uint64_t *id)
{
	union {
		struct seccomp_notif notif;
		char room[1024];
	} u;
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return neg_errno();
	if (sizes.seccomp_notif > sizeof(u))
		return -E2BIG;
	memset(&u, 0, sizeof(u));
	if (ioctl(t->listener, SECCOMP_IOCTL_NOTIF_RECV, &u.notif) < 0)
		return neg_errno();
	*id = u.notif.id;
	return 0;
}

int trial_reply(const struct trial *t, uint64_t id, long value)
{
	union {
		struct seccomp_notif_resp resp;
		char room[1024];
	} u;

	memset(&u, 0, sizeof(u));
	u.resp.id = id;
	u.resp.val = value;
	return ioctl(t->listener, SECCOMP_IOCTL_NOTIF_SEND, &u.resp) < 0 ? neg_errno() : 0;
}

int trial_report(const struct trial *t, struct trial_report *report)
{
	struct pollfd in = { .fd = t->victim.sock, .events = POLLIN };
	int n = probe_poll(&in, 1, PROBE_STEP_MS);

	if (n < 0)
		return n;
	return recv(in.fd, report, sizeof(*report), 0) == sizeof(*report) ? 0 : -EPIPE;
}

int trial_exchange(const struct trial *t)
{
	struct trial_report report;
	uint64_t id;
	int err = trial_receive(t, &id);

	err = err ? err : trial_reply(t, id, TRIAL_VALUE);
	err = err ? err : trial_report(t, &report);
	if (err)
		return err;
	return report.value == TRIAL_VALUE ? 0 : -EPROTO;
}
