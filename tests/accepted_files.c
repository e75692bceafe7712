/* SPDX-License-Identifier: MIT */
/* What was said to be written or read has been. */
#include "accepted.h"

void check_written(int fd, const char *what, const struct io_event *ev, long long at, size_t bytes,
		   uint32_t number)
{
	long res = (long)ev->res;
	char *back = memory(bytes);

	wrong_if(res < 0 && !is_plausible(res), "%s: a write gave %ld", what, res);
	wrong_if(res > (long)bytes, "%s: a write gave %ld of %zu", what, res, bytes);
	if (res > 0) {
		need(pread(fd, back, bytes, at) >= 0);
		wrong_if(!holds(back, (size_t)res, 0, number), "%s: %ld bytes were written, and are not there",
			 what, res);
	}
	munmap(back, bytes);
}

static void check_read(const char *what, const struct io_event *ev, const char *data, size_t bytes,
		       size_t first_offset, uint32_t number)
{
	long res = (long)ev->res;

	wrong_if(res < 0 && !is_plausible(res), "%s: a read gave %ld", what, res);
	wrong_if(res > (long)bytes, "%s: a read gave %ld of %zu", what, res, bytes);
	wrong_if(res > 0 && !holds(data, (size_t)res, first_offset, number), "%s: %ld bytes read are wrong",
		 what, res);
}

static void write_some(io_context_t ctx, int fd, const char *what, int append)
{
	struct iocb cb[8], *list[8];
	struct io_event ev[8];
	char *data = memory(8 * BLOCK);
	unsigned n;

	for (unsigned i = 0; i < 8; i++) {
		fill(data + i * BLOCK, BLOCK, i);
		io_prep_pwrite(&cb[i], fd, data + i * BLOCK, BLOCK, (long long)i * BLOCK);
		list[i] = &cb[i];
	}
	n = submit(ctx, 8, list);
	reap(ctx, cb, n, ev);
	for (unsigned i = 0; i < n && !wrong && !append; i++)
		check_written(fd, what, &ev[i], (long long)i * BLOCK, BLOCK, i);
	munmap(data, 8 * BLOCK);
}

/* The file holds blocks 0 to 7 by plain writes. */
static void read_some(io_context_t ctx, int fd, const char *what)
{
	struct iocb cb[8], *list[8];
	struct iovec iov[8][2];
	struct io_event ev[8];
	char *data = memory(16 * BLOCK);
	unsigned n;

	for (unsigned i = 0; i < 8; i++) {
		fill(data, BLOCK, i);
		need(pwrite(fd, data, BLOCK, (off_t)i * BLOCK) == BLOCK);
	}
	memset(data, 0, 16 * BLOCK);
	for (unsigned i = 0; i < 8; i++) {
		char *at = data + 2 * i * BLOCK;

		iov[i][0] = (struct iovec){ at, BLOCK / 2 };
		iov[i][1] = (struct iovec){ at + BLOCK / 2, BLOCK / 2 };
		if (i % 2)
			io_prep_preadv(&cb[i], fd, iov[i], 2, (long long)i * BLOCK);
		else
			io_prep_pread(&cb[i], fd, at, BLOCK, (long long)i * BLOCK);
		list[i] = &cb[i];
	}
	n = submit(ctx, 8, list);
	reap(ctx, cb, n, ev);
	for (unsigned i = 0; i < n && !wrong; i++)
		check_read(what, &ev[i], data + 2 * i * BLOCK, BLOCK, 0, i);
	munmap(data, 16 * BLOCK);
}

static void sync_some(io_context_t ctx, int fd)
{
	struct iocb cb[2], *list[2] = { &cb[0], &cb[1] };
	struct io_event ev[2];
	unsigned n;

	io_prep_fsync(&cb[0], fd);
	io_prep_fdsync(&cb[1], fd);
	n = submit(ctx, 2, list);
	reap(ctx, cb, n, ev);
	for (unsigned i = 0; i < n && !wrong; i++)
		wrong_if(ev[i].res && !is_plausible((long)ev[i].res), "a sync gave %ld", (long)ev[i].res);
}

void step_short(void)
{
	int fd = file_open("short", O_DIRECT);
	io_context_t ctx;

	if (setup(DEPTH, &ctx))
		return;
	write_some(ctx, fd, "short", 0);
	destroy(ctx);
	close(fd);
}

void step_io(void)
{
	static const struct { const char *name; int flags; } files[] = {
		{ "buffered", 0 }, { "direct", O_DIRECT }, { "append", O_APPEND },
		{ "sync", O_DIRECT | O_DSYNC },
	};
	io_context_t ctx;
	int fd;

	for (unsigned i = 0; i < ARRAY_SIZE(files) + 1 && !wrong; i++) {
		const char *name = i < ARRAY_SIZE(files) ? files[i].name : "memory";

		fd = i < ARRAY_SIZE(files) ? file_open(name, files[i].flags)
					   : memfd_create(name, MFD_CLOEXEC);
		need(fd >= 0);
		if (setup(DEPTH, &ctx))
			return;
		write_some(ctx, fd, name, i < ARRAY_SIZE(files) && files[i].flags & O_APPEND);
		if (i >= ARRAY_SIZE(files) || !(files[i].flags & O_APPEND))
			read_some(ctx, fd, name);
		sync_some(ctx, fd);
		destroy(ctx);
		close(fd);
	}
}

/* Requests of many pieces (--buffer-memory=1M), and memory that is used up. */
void step_large(void)
{
	enum { BYTES = 1 << 20, COUNT = 4 };
	struct iocb cb[COUNT], *list[COUNT];
	struct io_event ev[COUNT];
	char *data = memory(COUNT * BYTES);
	io_context_t ctx;
	unsigned n;

	for (int direct = 0; direct < 2 && !wrong; direct++) {
		int fd = file_open(direct ? "large-direct" : "large", direct ? O_DIRECT : 0);

		if (setup(DEPTH, &ctx))
			return;
		for (unsigned i = 0; i < COUNT; i++) {
			fill(data + i * BYTES, BYTES, i);
			io_prep_pwrite(&cb[i], fd, data + i * BYTES, BYTES, (long long)i * BYTES);
			list[i] = &cb[i];
		}
		n = submit(ctx, COUNT, list);
		reap(ctx, cb, n, ev);
		for (unsigned i = 0; i < n && !wrong; i++)
			check_written(fd, "large", &ev[i], (long long)i * BYTES, BYTES, i);
		for (unsigned i = 0; i < COUNT; i++) {
			need(pwrite(fd, data + i * BYTES, BYTES, (off_t)i * BYTES) == BYTES);
			io_prep_pread(&cb[i], fd, data + i * BYTES, BYTES, (long long)i * BYTES);
		}
		memset(data, 0, COUNT * BYTES);
		n = submit(ctx, COUNT, list);
		reap(ctx, cb, n, ev);
		for (unsigned i = 0; i < n && !wrong; i++)
			check_read("large", &ev[i], data + i * BYTES, BYTES, 0, i);
		destroy(ctx);
		close(fd);
	}
}
