/* SPDX-License-Identifier: MIT */
/*
 * Messages from the supervisor to the guardian, one packet each. The supervisor never waits for the
 * guardian, which may be stopped.
 */
#include "guardian.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guardian_impl.h"
#include "tracee.h"

struct packet {
	int word;
	int value;
};

union rights {
	struct cmsghdr align;
	char buf[CMSG_SPACE(2 * sizeof(int))];
};

static int send_packet(int fd, struct packet p, const int *fds, unsigned fd_count)
{
	union rights rights = { .buf = { 0 } };
	struct iovec iov = { .iov_base = &p, .iov_len = sizeof(p) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count) {
		msg.msg_control = rights.buf;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));

		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? neg_errno() : 0;
}

static int send_signal(int pidfd, int signo)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? neg_errno() : 0;
}

int guardian_tell_started(const struct guardian_link *link, pid_t program, int listener_fd)
{
	/* opened here, where a dead PROGRAM is not reaped yet: nobody else can have its pid */
	auto_fd pidfd = (int)syscall(SYS_pidfd_open, program, 0);
	int fds[2] = { pidfd, listener_fd };

	if (pidfd < 0)
		return neg_errno();
	return send_packet(link->fd, (struct packet){ GUARDIAN_STARTED, program }, fds, 2);
}

int guardian_tell_status(const struct guardian_link *link, int wait_status)
{
	int rc = send_packet(link->fd, (struct packet){ GUARDIAN_STATUS, wait_status }, NULL, 0);

	/* somebody continued PROGRAM and not us: the shell shall see its job continue */
	if (WIFCONTINUED(wait_status) && tracee_state(link->guardian_stat_fd) == 'T')
		send_signal(link->guardian_pidfd, SIGCONT);
	return rc;
}

int guardian_tell_failed(const struct guardian_link *link, int exit_status)
{
	return send_packet(link->fd, (struct packet){ GUARDIAN_FAILED, exit_status }, NULL, 0);
}

void guardian_follow_stop(const struct guardian_link *link, struct guardian_follow *follow)
{
	bool stopped = tracee_state(link->guardian_stat_fd) == 'T';
	char program = stopped ? tracee_state(follow->program_stat_fd) : 'X';

	if (!stopped || program == 'T' || program == 'Z' || program == 'X') {
		follow->seen_stopped = false;
	} else if (!follow->seen_stopped) {
		follow->seen_stopped = true;
	} else {
		send_signal(follow->program_pidfd, SIGSTOP);
		/* continued in between: its SIGCONT was passed on before our stop */
		if (tracee_state(link->guardian_stat_fd) != 'T')
			send_signal(follow->program_pidfd, SIGCONT);
		follow->seen_stopped = false;
	}
}

int guardian_hear(int fd, struct guardian_message *out)
{
	struct packet p;
	union rights rights;
	struct iovec iov = { .iov_base = &p, .iov_len = sizeof(p) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = rights.buf,
		.msg_controllen = sizeof(rights.buf),
	};
	ssize_t got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	if (got != sizeof(p))
		return -EPIPE;
	*out = (struct guardian_message){ (enum guardian_word)p.word, p.value, -1, -1 };

	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (c && c->cmsg_len == CMSG_LEN(2 * sizeof(int))) {
		int fds[2];

		memcpy(fds, CMSG_DATA(c), sizeof(fds));
		out->program_pidfd = fds[0];
		out->listener_fd = fds[1];
	}
	return 1;
}
