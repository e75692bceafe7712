/* SPDX-License-Identifier: MIT */
/* All that can hang: on the FUSE file, which is held, on pipes and on a full eventfd. */
#include "stall.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/vfs.h>

#define EACH 24			/* requests of a kind; more than a lane has threads */

static struct iocb *request(void)
{
	struct iocb *cb = calloc(1, sizeof(*cb));

	need(cb);
	return cb;
}

static void submit_many(io_context_t ctx, int fd, short opcode)
{
	for (unsigned i = 0; i < EACH; i++) {
		struct iocb *cb = request();

		io_prep_pread(cb, fd, blocks(1), BLOCK, (long long)i * BLOCK);
		cb->aio_lio_opcode = opcode;
		if (opcode == IO_CMD_FSYNC || opcode == IO_CMD_FDSYNC)
			io_prep_fsync(cb, fd);
		need(io_submit(ctx, 1, &cb) == 1);
	}
}

static void for_ever(io_context_t ctx)
{
	struct io_event ev;

	tell_ready();
	for (;;)
		io_getevents(ctx, 1, 1, &ev, NULL);
}

static void hang_direct(int fd)
{
	io_context_t ctx = setup(4 * EACH);

	submit_many(ctx, fd, IO_CMD_PREAD);
	submit_many(ctx, fd, IO_CMD_PWRITE);
	submit_many(ctx, fd, IO_CMD_FSYNC);
	for_ever(ctx);
}

/* Its caller waits, as in the kernel. */
static void hang_buffered(int fd)
{
	io_context_t ctx = setup(4);

	tell_ready();
	submit_many(ctx, fd, IO_CMD_PWRITE);
}

/* The limit on sizes wants to know where the end is. */
static void hang_append(int fd)
{
	io_context_t ctx = setup(EACH);

	need(!setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1 << 30, 1 << 30 }));
	tell_ready();
	submit_many(ctx, fd, IO_CMD_PWRITE);
}

/* Every close of this file sends a flush: here of our own descriptor after its requests were refused. */
static void hang_close(int fd)
{
	io_context_t ctx = setup(EACH);

	for (unsigned i = 0; i < EACH; i++) {
		struct iocb *cb = request();

		io_prep_pread(cb, fd, blocks(1), BLOCK, -1);
		need(io_submit(ctx, 1, &cb) == -EINVAL);
		io_prep_pread(cb, fd, blocks(1), BLOCK, 0);
		io_set_eventfd(cb, fd);
		need(io_submit(ctx, 1, &cb) == -EINVAL);
	}
	tell_ready();
	close(fd);
}

static void hang_destroy(int fd)
{
	io_context_t ctx = setup(EACH);

	submit_many(ctx, fd, IO_CMD_PREAD);
	tell_ready();
	io_destroy(ctx);
}

static void hang_exit(int fd)
{
	submit_many(setup(EACH), fd, IO_CMD_PWRITE);
	tell_ready();
	_exit(0);
}

static void hang_exec(int fd)
{
	submit_many(setup(EACH), fd, IO_CMD_PWRITE);
	tell_ready();
	execl("/bin/true", "true", (char *)NULL);
}

static void hang_statfs(int fd)
{
	struct statfs fs;
	struct stat st;

	tell_ready();
	fstatfs(fd, &fs);
	fstat(fd, &st);
}

static void full_pipe(int fd)
{
	static char data[BLOCK];

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, data, sizeof(data)) > 0)
		;
	fcntl(fd, F_SETFL, 0);
}

/* Pipes, empty and full; one by a descriptor for both, which cannot be asked without waiting. */
static void hang_pipes(int fd)
{
	io_context_t ctx = setup(6 * EACH);
	char path[64];
	int empty[2], full[2], both;

	need(!pipe2(empty, O_CLOEXEC) && !pipe2(full, O_CLOEXEC));
	full_pipe(full[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", empty[0]);
	both = open(path, O_RDWR | O_CLOEXEC);
	need(both >= 0);
	submit_many(ctx, empty[0], IO_CMD_PREAD);
	submit_many(ctx, full[1], IO_CMD_PWRITE);
	submit_many(ctx, both, IO_CMD_PREAD);
	for_ever(ctx);
}

/* More completions than a full eventfd can count. */
static void hang_eventfd(int fd)
{
	const uint64_t most = UINT64_MAX - 1;
	int full = eventfd(0, EFD_CLOEXEC), disk = open(disk_file, O_RDWR | O_DIRECT | O_CLOEXEC);
	io_context_t ctx = setup(EACH);
	struct io_event ev[EACH];

	need(full >= 0 && disk >= 0 && write(full, &most, sizeof(most)) == sizeof(most));
	for (unsigned i = 0; i < EACH; i++) {
		struct iocb *cb = request();

		io_prep_pread(cb, disk, blocks(1), BLOCK, 0);
		io_set_eventfd(cb, full);
		need(io_submit(ctx, 1, &cb) == 1);
	}
	need(io_getevents(ctx, EACH, EACH, ev, NULL) == EACH);
	for_ever(ctx);
}

const struct hang hangs[HANGS] = {
	{ hang_direct, O_RDWR | O_DIRECT, 0 },
	{ hang_buffered, O_RDWR, 0 },
	{ hang_append, O_RDWR | O_APPEND, 0 },
	{ hang_close, O_RDWR | O_NONBLOCK, 1 },
	{ hang_destroy, O_RDWR, 0 },
	{ hang_exit, O_RDWR | O_DIRECT, 0 },
	{ hang_exec, O_RDWR | O_DIRECT, 0 },
	{ hang_statfs, O_RDWR, 1 },
	{ hang_pipes, O_RDWR, 0 },
	{ hang_eventfd, O_RDWR, 0 },
};
