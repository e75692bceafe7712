/* SPDX-License-Identifier: MIT */
/*
 * Where the supervisor may not take descriptors by itself (CHANNEL_PASS): it is asked which ones an
 * io_submit needs, which it tells through a socket, and they are sent by it. What cannot be sent, or
 * is not there, is left to the supervisor's other ways, and to what it says of a bad descriptor.
 * The socket is there for that moment only; signals are blocked.
 */
#include <linux/socket.h>
#include <stddef.h>
#include <sys/socket.h>

#include "calls.h"
#include "own.h"
#include "raw.h"

struct rights {				/* a message about one descriptor, as CMSG_LEN has it */
	size_t length;
	int level, type;
	int fd, padding;
};

_Static_assert(sizeof(struct rights) == CMSG_SPACE(sizeof(int)), "the kernel's layout");

static void pass_one(long sock, int fd)
{
	struct rights rights = { .length = CMSG_LEN(sizeof(fd)), .level = SOL_SOCKET,
				 .type = SCM_RIGHTS, .fd = fd };
	struct iovec iov = { &fd, sizeof(fd) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &rights,
			      .msg_controllen = sizeof(rights) };

	(void)raw3(SYS_sendmsg, sock, (long)&msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void pass_descriptors(const long args[6])
{
	const long sock = raw4(SYS_io_setup, args[1], args[2], (long)CHANNEL_MAGIC,
			       CHANNEL_STEP_PASS);
	int32_t wanted[CHANNEL_PASSED];
	long bytes;

	if (is_error(sock))
		return;
	bytes = raw6(SYS_recvfrom, sock, (long)wanted, sizeof(wanted), MSG_DONTWAIT, 0, 0);
	for (long i = 0; i < bytes / (long)sizeof(wanted[0]); i++) {
		if (wanted[i] != sock)
			pass_one(sock, wanted[i]);
	}
	(void)raw3(SYS_close, sock, 0, 0);
}
