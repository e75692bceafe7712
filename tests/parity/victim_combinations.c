/* SPDX-License-Identifier: MIT */
/*
 * Sections 7 to 10: the order of all tests of one iocb. Every combination of eight wrong fields is
 * submitted; what came of it is one character, 64 of them are one observation. Three more fields
 * are found before most of these: combined with none and with all of them.
 */
#include "victim.h"

#include <sys/eventfd.h>

enum {
	FD = 1, READ_ONLY_IOCB = 2, OPCODE = 4, IOPRIO = 8, RW_FLAGS = 16, MODE = 32, BUFFER = 64,
	OFFSET = 128, LATER = 255,
	RESERVED2 = 256, NBYTES = 512, RESFD = 1024, EARLIER = 1792,
};

static aio_context_t ctx;
static int good_fd, wrong_fd[2], not_eventfd;	/* wrong_fd: by the request's direction */
static struct iovec iov;
static char data[8];

static void set_fields(struct iocb *cb, int op, unsigned wrong)
{
	const int writes = op == IOCB_CMD_PWRITE || op == IOCB_CMD_PWRITEV;
	const int vector = op == IOCB_CMD_PREADV || op == IOCB_CMD_PWRITEV;
	const int plain = op == IOCB_CMD_FSYNC || op == IOCB_CMD_POLL;

	prep(cb, op, wrong & MODE ? wrong_fd[writes] : good_fd,
	     op == IOCB_CMD_POLL ? (void *)POLLIN : plain ? NULL : vector ? (void *)&iov : data,
	     plain ? 0 : vector ? 1 : 8, 0);
	cb->aio_key = 7;
	if (wrong & RESERVED2)
		cb->aio_reserved2 = 1;
	if (wrong & NBYTES)
		cb->aio_nbytes |= 1ull << 63;
	if (wrong & FD)
		cb->aio_fildes = -1;
	if (wrong & RESFD) {
		cb->aio_flags |= IOCB_FLAG_RESFD;
		cb->aio_resfd = not_eventfd;
	}
	if (wrong & OPCODE)
		cb->aio_lio_opcode = 99;
	if (wrong & IOPRIO) {
		cb->aio_flags |= IOCB_FLAG_IOPRIO;
		cb->aio_reqprio = (short)(4 << 13);
	}
	if (wrong & RW_FLAGS)
		cb->aio_rw_flags = 1u << 31;
	if (wrong & BUFFER)
		cb->aio_buf = KERNEL_ADDRESS;
	if (wrong & OFFSET)
		cb->aio_offset = -1;
}

/* A letter for an error of io_submit, small if aio_key was written; a digit for an event. */
static char letter(long ret, const struct iocb *cb)
{
	static const struct { int err; char letter; } known[] = {
		{ EINVAL, 'I' }, { EBADF, 'B' }, { EFAULT, 'F' }, { EOPNOTSUPP, 'O' },
		{ EPERM, 'P' }, { EAGAIN, 'A' },
	};
	struct io_event ev;

	if (ret == 1) {
		need(reap(ctx, 1, &ev) == 1);
		return ev.res == -EFAULT ? '1' : ev.res < 0 ? '2' : '0';
	}
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		if (ret == -known[i].err)
			return cb->aio_key ? known[i].letter : known[i].letter + 'a' - 'A';
	}
	return '?';
}

static char combination(struct iocb *cb, int op, unsigned wrong)
{
	long ret;

	set_fields(cb, op, wrong);
	if (wrong & READ_ONLY_IOCB)
		need(!mprotect(cb, PAGE, PROT_READ));
	ret = aio_submit1(ctx, cb);
	if (wrong & READ_ONLY_IOCB)
		need(!mprotect(cb, PAGE, PROT_READ | PROT_WRITE));
	return letter(ret, cb);
}

static void all_combinations(const char *rule, int op)
{
	struct iocb *cb = (void *)pages(1);
	char line[65] = "", tag[64];

	for (unsigned wrong = 0; wrong <= LATER; wrong++) {
		line[wrong % 64] = combination(cb, op, wrong);
		if (wrong % 64 == 63) {
			snprintf(tag, sizeof(tag), "%s-%u", rule, wrong / 64);
			obs(tag, "%s", line);
		}
	}
	memset(line, 0, sizeof(line));
	for (unsigned wrong = RESERVED2, n = 0; wrong <= EARLIER; wrong += RESERVED2) {
		line[n++] = combination(cb, op, wrong);
		line[n++] = combination(cb, op, wrong | LATER);
	}
	snprintf(tag, sizeof(tag), "%s-earlier", rule);
	obs(tag, "%s", line);
}

int main(void)
{
	char path[64];

	victim_start();
	ctx = aio_context(8);
	iov = (struct iovec){ data, 8 };
	good_fd = tmp_open(O_RDWR);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", good_fd);
	wrong_fd[0] = open(path, O_WRONLY | O_CLOEXEC);
	wrong_fd[1] = open(path, O_RDONLY | O_CLOEXEC);
	not_eventfd = good_fd;
	all_combinations("8.pairs/pread", IOCB_CMD_PREAD);
	all_combinations("8.pairs/pwrite", IOCB_CMD_PWRITE);
	all_combinations("8.pairs/preadv", IOCB_CMD_PREADV);
	all_combinations("8.pairs/pwritev", IOCB_CMD_PWRITEV);
	all_combinations("9.1/fsync", IOCB_CMD_FSYNC);
	all_combinations("10.2/poll", IOCB_CMD_POLL);
	return victim_end();
}
