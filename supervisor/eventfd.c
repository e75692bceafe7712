/* SPDX-License-Identifier: MIT */
/*
 * Theory. write(2) does not go beyond 2^64-2, which is how a program can fill the counter; the
 * kernel's own eventfd_signal() (fs/eventfd.c, 6.18) adds up to 2^64-1, where poll(2) says POLLERR,
 * and stays there. So the last one is added by the kernel: by an io_uring of one entry that tells
 * this eventfd of one completion, made for the purpose, since nobody does that often; where there
 * is no io_uring, by the host's own AIO in the same way.
 *
 * Between poll(2) and write(2) a program can fill it on purpose, and nothing makes write(2) refuse to
 * wait: O_NONBLOCK would be the program's, and RWF_NOWAIT needs a write_iter. So a write that waits is
 * broken off, and for a while the kernel counts for everybody.
 */
#include "eventfd.h"

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "breaker.h"
#include "util.h"

#define WARY_NS NSEC_PER_SEC

/* One NOP in the submission queue of an io_uring just made. */
static int queue_nop(int uring, const struct io_uring_params *p)
{
	const size_t ring_bytes = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	const size_t entry_bytes = p->sq_entries * sizeof(struct io_uring_sqe);
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_POPULATE;
	char *ring = mmap(NULL, ring_bytes, prot, flags, uring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *entry = mmap(NULL, entry_bytes, prot, flags, uring, IORING_OFF_SQES);
	int err = ring == MAP_FAILED || entry == MAP_FAILED ? neg_errno() : 0;

	if (!err) {
		memset(entry, 0, sizeof(*entry));
		entry->opcode = IORING_OP_NOP;
		*(uint32_t *)(ring + p->sq_off.array) = 0;
		/* the entry before the tail, for io_get_sqe() */
		__atomic_store_n((uint32_t *)(ring + p->sq_off.tail), 1, __ATOMIC_RELEASE);
	}
	if (ring != MAP_FAILED)
		munmap(ring, ring_bytes);
	if (entry != MAP_FAILED)
		munmap(entry, entry_bytes);
	return err;
}

static bool counted_by_uring(int fd)
{
	struct io_uring_params p = { 0 };
	auto_fd uring = (int)syscall(SYS_io_uring_setup, 1U, &p);

	return uring >= 0 && !queue_nop(uring, &p) &&
	       !syscall(SYS_io_uring_register, uring, IORING_REGISTER_EVENTFD, &fd, 1U) &&
	       syscall(SYS_io_uring_enter, uring, 1U, 0U, 0U, NULL, 0UL) == 1;
}

/* By a POLL of itself, which is readable. The end of the context takes some 30 ms. */
static bool counted_by_host_aio(int fd)
{
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_POLL,
		.aio_fildes = (uint32_t)fd,
		.aio_buf = POLLIN,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)fd,
	}, *list = &cb;
	aio_context_t context = 0;
	bool counted;

	if (syscall(SYS_io_setup, 1U, &context))
		return false;
	counted = syscall(SYS_io_submit, context, 1L, &list) == 1;
	syscall(SYS_io_destroy, context);
	return counted;
}

static bool counted_by_kernel(int fd)
{
	return counted_by_uring(fd) || counted_by_host_aio(fd);
}

/*
 * Somebody else may have filled it since it had room: then the write waits, and is broken off.
 */
static int write_one(int fd)
{
	const uint64_t one = 1;
	const int unguarded = breaker_enter();
	int err;

	if (unguarded && counted_by_kernel(fd))
		return 0;
	err = write(fd, &one, sizeof(one)) < 0 ? neg_errno() : 0;
	if (!unguarded)
		breaker_leave();
	return err;
}

int eventfd_count(int fd)
{
	static uint64_t wary_until_ns;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int err;

	do {
		while (poll(&p, 1, 0) < 0 && errno == EINTR)
			;
		if (p.revents & POLLERR)
			return 0;
		if (!(p.revents & POLLOUT))
			return counted_by_kernel(fd) ? 0 : -EAGAIN;
		if (wary_until_ns && now_ns() < wary_until_ns && counted_by_kernel(fd))
			return 0;
		err = write_one(fd);
		if (err == -EINTR)
			wary_until_ns = now_ns() + WARY_NS;
	} while (err == -EINTR);
	return err;
}
