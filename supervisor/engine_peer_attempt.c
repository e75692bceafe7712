/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's io_submit would wait for is tried with RWF_NOWAIT. Files that refuse it (ttys,
 * FIFOs that were opened by name, all pipes and sockets before Linux 6.4, many devices):
 *  - a FIFO is opened once more through /proc with O_NONBLOCK, which the tracee's descriptor does
 * not see;
 *  - where readiness says that a call will not wait, or not for long, a worker makes the call then;
 *  - else a worker waits in the call: VMIN and VTIME of a tty, a socket's timeouts and
 * SO_RCVLOWAT, devices. A call that may wait is never made in the loop, not even after poll(2) or with
 * O_NONBLOCK set: another reader may be quicker, and the flag belongs to the tracee.
 *
 * A blocking write to a pipe, stream or tty goes on until all is written (pipe_write and
 * n_tty_write of Linux 6.18); to a device, a short count is the device's answer.
 */
#include "engine_peer_attempt.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>

#include "creds.h"
#include "util.h"

enum { REST_IOV = 1024 };		/* UIO_MAXIOV */

/* The vector from io->done_bytes on. */
static int iov_rest(const struct io *io, struct iovec *rest)
{
	size_t skip_bytes = io->done_bytes;
	int count = 0;

	for (unsigned i = 0; i < io->iov_count && count < REST_IOV; i++) {
		const struct iovec *from = &io->iov[i];

		if (skip_bytes >= from->iov_len) {
			skip_bytes -= from->iov_len;
			continue;
		}
		rest[count].iov_base = (char *)from->iov_base + skip_bytes;
		rest[count++].iov_len = from->iov_len - skip_bytes;
		skip_bytes = 0;
	}
	return count;
}

/*
 * A unix socket's receiver is told the sender's ids, which a privileged one may name itself
 * (scm_check_creds() of net/core/scm.c, 6.18). Where that is refused it is told ours.
 */
static ssize_t send_for(const struct io *io, int fd, struct iovec *iov, int count, unsigned flags)
{
	const struct ucred sender = { io->sender.pid, io->sender.uid, io->sender.gid };
	const int how = flags & RWF_NOWAIT ? MSG_DONTWAIT | MSG_NOSIGNAL : MSG_NOSIGNAL;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(sender)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_CREDENTIALS } };
	const struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)count,
				    .msg_control = &control,
				    .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &sender, sizeof(sender));
	return sendmsg(fd, &msg, how);
}

static ssize_t write_for(const struct io *io, int fd, const struct iovec *iov, int count,
			 off_t offset, unsigned flags)
{
	if (io->sender.pid) {
		const ssize_t n = send_for(io, fd, (struct iovec *)(uintptr_t)iov, count, flags);

		if (n >= 0 || (errno != EPERM && errno != ESRCH))
			return n;
	}
	return pwritev2(fd, iov, count, offset, (int)flags);
}

static int64_t transfer(const struct io *io, int fd, unsigned flags)
{
	off_t offset = io->file->seekable ? io->offset + (off_t)io->done_bytes : -1;
	struct iovec rest[REST_IOV];
	const struct iovec *iov = io->iov;
	int count = (int)io->iov_count;
	int64_t n = io->who ? creds_be(io->who) : 0;

	if (n)
		return n;

	if (io->done_bytes) {
		count = iov_rest(io, rest);
		iov = rest;
	}
	if (io->op == IO_READ)
		n = preadv2(fd, iov, count, offset, (int)flags);
	else
		n = write_for(io, fd, iov, count, offset, flags);
	if (n < 0)
		n = neg_errno();
	if (io->who)
		(void)creds_be(NULL);
	return n;
}

/* Calls that do not wait are not interrupted either, but who knows all drivers. */
static int64_t transfer_at_once(const struct io *io, int fd, unsigned flags)
{
	int64_t n;

	do {
		n = transfer(io, fd, flags);
	} while (n == -EINTR);
	return n;
}

static bool is_hung_up(int tty)
{
	struct termios t;

	return tcgetattr(tty, &t) && errno == EIO;
}

/*
 * preadv2 and pwritev2 return 0 for no bytes without asking the file; AIO asks: a socket sends an
 * empty datagram, anonymous inodes (eventfd, timerfd, ...) say EINVAL, a terminal that was hung up EIO.
 */
static int64_t transfer_nothing(const struct io *io)
{
	struct stat st;
	ssize_t n = 0;

	if (fstat(io->file->fd, &st))
		return neg_errno();
	if (!(st.st_mode & S_IFMT))
		return -EINVAL;
	if (S_ISCHR(st.st_mode) && io->op == IO_WRITE && is_hung_up(io->file->fd))
		return -EIO;
	if (S_ISSOCK(st.st_mode) && io->op == IO_WRITE && io->sender.pid)
		n = send_for(io, io->file->fd, NULL, 0, RWF_NOWAIT);
	else if (S_ISSOCK(st.st_mode) && io->op == IO_WRITE)
		n = send(io->file->fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? neg_errno() : n;
}

static bool is_tty(int fd)
{
	struct termios t;

	return tcgetattr(fd, &t) == 0;
}

static bool write_goes_on(const struct io *io, bool sockets_too)
{
	struct stat st;

	if (io->op != IO_WRITE || io->done_bytes >= io->length_bytes || fstat(io->file->fd, &st))
		return false;
	return S_ISFIFO(st.st_mode) || (S_ISSOCK(st.st_mode) && sockets_too) ||
	       is_tty(io->file->fd);
}

static enum attempt_answer done(struct io *io, int64_t result)
{
	io->result = result;
	return ATTEMPT_DONE;
}

/* What comes after some bytes of a write cannot be reported any more. */
static enum attempt_answer failed(struct io *io, int64_t err)
{
	return done(io, io->done_bytes ? (int64_t)io->done_bytes : err);
}

static bool may_wait(const struct io *io)
{
	return !io->file->nonblock && !(io->rw_flags & RWF_NOWAIT);
}

/* The kernel ends a blocking call on such a socket after a while. */
static bool socket_has_timeout(const struct io *io)
{
	int option = io->op == IO_READ ? SO_RCVTIMEO : SO_SNDTIMEO;
	struct timeval after = { 0 };
	socklen_t size = sizeof(after);

	if (getsockopt(io->file->fd, SOL_SOCKET, option, &after, &size))
		return false;
	return after.tv_sec || after.tv_usec;
}

/*
 * Of a datagram socket that is shut for reading only a call that may wait says that it is at its
 * end (__skb_wait_for_more_packets() of net/core/datagram.c, 6.18).
 */
static bool shut_for_reading(const struct io *io)
{
	struct pollfd p = { .fd = io->file->fd, .events = POLLRDHUP };

	return io->op == IO_READ && poll(&p, 1, 0) == 1 && p.revents & POLLRDHUP;
}

/* The kernel's clock runs while it waits, a worker's call does the same with what is left to move. */
static enum attempt_answer wait_for_peer(struct attempt *a, const struct io *io)
{
	if (!socket_has_timeout(io))
		return ATTEMPT_WAIT;
	a->way = WAY_WORKER;
	return ATTEMPT_BLOCK;
}

static enum attempt_answer would_block(struct attempt *a, struct io *io)
{
	if (!may_wait(io))
		return failed(io, -EAGAIN);
	if (shut_for_reading(io))
		return done(io, 0);
	return wait_for_peer(a, io);
}

/*
 * A call that may wait gives nothing of a stream before SO_RCVLOWAT bytes are there; one that may not
 * takes what there is (sock_rcvlowat() of include/net/sock.h, 6.18).
 */
static bool too_little_is_there(const struct io *io)
{
	const int fd = io->file->fd;
	int least = 1, type = 0, there = 0;
	socklen_t size = sizeof(int);

	if (io->op != IO_READ || !may_wait(io) ||
	    getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, &size) || least <= 1)
		return false;
	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) && type == SOCK_STREAM &&
	       !ioctl(fd, FIONREAD, &there) &&
	       (uint64_t)there < min_u64((uint64_t)least, io->length_bytes);
}

static enum attempt_answer judge(struct attempt *a, struct io *io, int64_t n)
{
	if (n == -EAGAIN)
		return would_block(a, io);
	if (n < 0)
		return failed(io, n);
	io->done_bytes += (size_t)n;
	if (n > 0 && may_wait(io) && write_goes_on(io, true))
		return wait_for_peer(a, io);
	return done(io, (int64_t)io->done_bytes);
}

/* -errno where that is refused: ENXIO for a FIFO that nobody reads. */
static int open_again(const struct io *io)
{
	int flags = O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (io->file->direct ? O_DIRECT : 0);
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", io->file->fd);
	fd = open(path, flags | (io->op == IO_READ ? O_RDONLY : O_WRONLY));
	return fd < 0 ? neg_errno() : fd;
}

/* Does poll(2) know when a blocking call would go through? */
static bool readiness_tells(const struct io *io, const struct stat *st)
{
	struct termios t;

	if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode))
		return true;
	if (tcgetattr(io->file->fd, &t))
		return false;
	return io->op == IO_WRITE || t.c_lflag & ICANON ||
	       (t.c_cc[VMIN] == 1 && t.c_cc[VTIME] == 0);
}

/* FIONREAD: below VMIN bytes poll(2) says no, and read(2) with O_NONBLOCK takes them. */
static bool surely_again(const struct io *io)
{
	struct pollfd p = { .fd = io->file->fd, .events = io->op == IO_READ ? POLLIN : POLLOUT };
	int waiting_bytes;

	if (io->op != IO_READ || poll(&p, 1, 0) != 0)
		return false;
	return ioctl(io->file->fd, FIONREAD, &waiting_bytes) || waiting_bytes == 0;
}

static enum attempt_answer try_own(struct attempt *a, struct io *io)
{
	return judge(a, io, transfer_at_once(io, a->own_fd, io->rw_flags));
}

/* The file refuses RWF_NOWAIT: find another way. */
static enum attempt_answer find_way(struct attempt *a, struct io *io)
{
	struct stat st;

	if (io->rw_flags & RWF_NOWAIT) {
		io->refused = true;
		return done(io, -EOPNOTSUPP);
	}
	if (fstat(io->file->fd, &st))
		return done(io, neg_errno());
	if (S_ISFIFO(st.st_mode)) {
		int fd = open_again(io);

		if (fd == -ENXIO)
			return done(io, -EPIPE);
		if (fd >= 0) {
			*a = (struct attempt){ .way = WAY_OWN, .own_fd = fd };
			return try_own(a, io);
		}
	}
	if (io->file->nonblock && surely_again(io))
		return done(io, -EAGAIN);
	a->way = !io->file->nonblock && readiness_tells(io, &st) ? WAY_READY : WAY_WORKER;
	return a->way == WAY_READY ? ATTEMPT_WAIT : ATTEMPT_BLOCK;
}

static enum attempt_answer try_nowait(struct attempt *a, struct io *io)
{
	int64_t n;

	if (!io->length_bytes)
		return judge(a, io, transfer_nothing(io));
	if (too_little_is_there(io)) {
		a->way = WAY_WORKER;
		return ATTEMPT_BLOCK;
	}
	n = transfer_at_once(io, io->file->fd, io->rw_flags | RWF_NOWAIT);
	if (n == -EOPNOTSUPP)
		return find_way(a, io);
	return judge(a, io, n);
}

enum attempt_answer attempt_try(struct attempt *a, struct io *io)
{
	assert(a->way == WAY_NOWAIT || a->way == WAY_OWN);
	return a->way == WAY_OWN ? try_own(a, io) : try_nowait(a, io);
}

void attempt_end(struct attempt *a)
{
	close_fd(&a->own_fd);
}

/*
 * RWF_SYNC means nothing to a read, but a device without read_iter refuses all flags: the kernel's
 * AIO says EINVAL to it (aio_read; do_loop_readv_writev in fs/read_write.c, 6.18).
 */
static int64_t transfer_by_aio_rules(const struct io *io)
{
	int64_t n;

	if (io->op == IO_WRITE)
		return transfer(io, io->file->fd, io->rw_flags);
	n = transfer(io, io->file->fd, io->rw_flags | RWF_SYNC);
	return n == -EOPNOTSUPP ? -EINVAL : n;
}

int64_t attempt_block(struct io *io, struct work *w)
{
	int64_t n;

	do {
		n = transfer_by_aio_rules(io);
		if (n > 0)
			io->done_bytes += (size_t)n;
	} while (!workers_cancelled(w) &&
		 (n == -EINTR || (n > 0 && !io->file->nonblock && write_goes_on(io, false))));
	if (io->done_bytes || n == 0)
		return (int64_t)io->done_bytes;
	return n == -EINTR ? -ECANCELED : n;
}
