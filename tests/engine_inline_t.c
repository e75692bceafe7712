/* SPDX-License-Identifier: MIT */
/*
 * What is done at once and what is passed on. If this breaks, io_submit returns before what the kernel would have
 * finished, or the loop waits for storage, for a peer or for a dead server.
 */
#include "engine.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "unit.h"
#include "util.h"

enum { EXT_MAGIC = 0xef53, BYTES = 8192 };

static unsigned to_next, to_foreign;
static struct engine *chain;
static char memory[BYTES];

static enum engine_answer next_submit(struct engine *e, struct io *io)
{
	to_next++;
	return ENGINE_BUSY;
}

static enum engine_answer foreign_submit(struct engine *e, struct io *io)
{
	to_foreign++;
	return ENGINE_BUSY;
}

static void close_nothing(struct engine *e)
{
}

static const struct engine_ops next_ops = { .name = "next", .submit = next_submit, .close = close_nothing };
static const struct engine_ops foreign_ops = { .name = "foreign", .submit = foreign_submit, .close = close_nothing };
static struct engine next = { .ops = &next_ops }, foreign = { .ops = &foreign_ops };

static void open_chain(void)
{
	chain = engine_inline_open(&next, &foreign);
	ck_assert_ptr_nonnull(chain);
}

static struct io_file file_of(int fd, enum file_class class)
{
	struct stat st = { .st_ino = 0 };

	if (fd > STDERR_FILENO)
		ck_assert_int_eq(fstat(fd, &st), 0);
	return (struct io_file){ .fd = fd, .class = class, .seekable = true, .dev = st.st_dev, .ino = st.st_ino,
				 .lane = (struct lane *)&next };
}

enum where { HERE, NEXT, FOREIGN };

/* Where does it go? A fresh result stands in *result if it was done here. */
static enum where submit(struct io *io)
{
	enum engine_answer answer;

	list_init(&io->node);
	io->result = INT64_MIN;
	to_next = 0;
	to_foreign = 0;
	answer = engine_submit(chain, io);
	ck_assert_uint_eq(to_next + to_foreign, answer == ENGINE_BUSY);
	if (answer == ENGINE_DONE) {
		ck_assert_int_ne(io->result, INT64_MIN);
		return HERE;
	}
	return to_next ? NEXT : FOREIGN;
}

struct rw {
	enum io_op op;
	size_t bytes;
	int64_t offset;
	uint32_t flags;
	bool direct;
};

static enum where transfer(struct io_file *f, struct rw rw, struct io *out)
{
	static struct iovec iov;

	iov = (struct iovec){ memory, rw.bytes };
	*out = (struct io){ .op = rw.op, .file = f, .offset = rw.offset, .iov = &iov, .iov_count = rw.bytes != 0,
			    .length_bytes = rw.bytes, .rw_flags = rw.flags, .direct = rw.direct };
	return submit(out);
}

/* A chain and an empty file on ext4, whose cache can be asked (RWF_NOWAIT) and emptied; false: there is none. */
static bool open_ext4(int *fd, struct io_file *f)
{
	static const char *const places[] = { ".", "/var/tmp", "/tmp" };
	struct statfs st;

	*fd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(places) && *fd < 0; i++) {
		if (statfs(places[i], &st) == 0 && st.f_type == EXT_MAGIC)
			*fd = open(places[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	}
	if (*fd < 0) {
		puts("# skipped: neither the build directory nor /var/tmp nor /tmp lies on ext4");
		return false;
	}
	*f = file_of(*fd, FILE_LOCAL);
	f->nowait = true;
	open_chain();
	return true;
}

/* BYTES of data, on storage and not in the cache: pages that somebody holds for a moment are tried again. */
static void make_cold(int fd)
{
	unsigned char resident[BYTES / 4096];
	void *map;

	ck_assert_int_eq(pwrite(fd, memory, BYTES, 0), BYTES);
	ck_assert_int_eq(fdatasync(fd), 0);
	map = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	do {
		ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		ck_assert_int_eq(mincore(map, BYTES, resident), 0);
	} while ((resident[0] | resident[1]) & 1);
	munmap(map, BYTES);
}

START_TEST(classes_go_where_they_cannot_harm)
{
	static const enum io_op ops[] = { IO_READ, IO_WRITE, IO_FSYNC, IO_FDSYNC, IO_POLL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct io_file peer = file_of(null, FILE_PEER), far = file_of(null, FILE_FOREIGN);
	struct iovec iov = { memory, 1 };

	open_chain();
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		struct io io = { .op = ops[i], .file = &peer, .iov = &iov, .iov_count = 1, .length_bytes = 1 };

		ck_assert_int_eq(submit(&io), NEXT);
		io.file = &far;
		ck_assert_int_eq(submit(&io), ops[i] == IO_POLL ? NEXT : FOREIGN);
	}
	engine_close(chain);
	close(null);
}
END_TEST

START_TEST(memory_files_are_done_here)
{
	int fd = memfd_create("t", MFD_CLOEXEC);
	struct io_file f = file_of(fd, FILE_LOCAL);
	struct io io;

	open_chain();
	f.memory = true;
	f.sync = true;				/* matters for storage only */
	memset(memory, 'a', BYTES);
	ck_assert_int_eq(transfer(&f, (struct rw){ IO_WRITE, 100, 50, 0, true }, &io), HERE);
	ck_assert_int_eq(io.result, 100);
	memset(memory, 0, BYTES);
	ck_assert_int_eq(transfer(&f, (struct rw){ IO_READ, BYTES, 49, 0, false }, &io), HERE);
	ck_assert_int_eq(io.result, 101);
	ck_assert_int_eq(memory[0], 0);
	ck_assert_int_eq(memory[1], 'a');
	ck_assert_int_eq(memory[100], 'a');
	io = (struct io){ .op = IO_FSYNC, .file = &f };
	ck_assert_int_eq(submit(&io), HERE);
	ck_assert_int_eq(io.result, 0);
	io = (struct io){ .op = IO_POLL, .file = &f };
	ck_assert_int_eq(submit(&io), NEXT);
	engine_close(chain);
	close(fd);
}
END_TEST

START_TEST(buffered_writes_are_done_here)
{
	struct io_file f;
	struct io io;
	int fd;
	struct stat st;

	if (!open_ext4(&fd, &f))
		return;
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_WRITE, .bytes = 10, .offset = 5 }, &io), HERE);
	ck_assert_int_eq(io.result, 10);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 15);
	/* to storage: O_DIRECT, O_SYNC, RWF_SYNC, fsync */
	ck_assert_int_eq(transfer(&f, (struct rw){ IO_WRITE, 512, 0, 0, true }, &io), NEXT);
	ck_assert_int_eq(transfer(&f, (struct rw){ IO_WRITE, 10, 0, RWF_SYNC, false }, &io), FOREIGN);
	ck_assert_int_eq(transfer(&f, (struct rw){ IO_WRITE, 10, 0, RWF_DSYNC, false }, &io), FOREIGN);
	f.sync = true;
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_WRITE, .bytes = 10 }, &io), FOREIGN);
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_WRITE }, &io), HERE);
	ck_assert_int_eq(io.result, 0);
	io = (struct io){ .op = IO_FDSYNC, .file = &f };
	ck_assert_int_eq(submit(&io), NEXT);
	engine_close(chain);
	close(fd);
}
END_TEST

START_TEST(cached_reads_are_done_here_and_cold_ones_are_not)
{
	struct io_file f;
	struct io io;
	int fd;

	if (!open_ext4(&fd, &f))
		return;
	memset(memory, 'x', BYTES);
	ck_assert_int_eq(pwrite(fd, memory, BYTES, 0), BYTES);
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_READ, .bytes = BYTES }, &io), HERE);
	ck_assert_int_eq(io.result, BYTES);
	ck_assert_int_eq(transfer(&f, (struct rw){ IO_READ, 512, 0, 0, true }, &io), NEXT);
	make_cold(fd);
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_READ, .bytes = BYTES }, &io), NEXT);
	engine_close(chain);
	close(fd);
}
END_TEST

/* The kernel is done with a read across the end before io_submit returns; programs do not wait for it. */
START_TEST(the_end_of_a_cached_file_is_no_reason_to_wait)
{
	struct io_file f;
	struct io io;
	int fd;

	if (!open_ext4(&fd, &f))
		return;
	ck_assert_int_eq(pwrite(fd, memory, 100, 0), 100);
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_READ, .bytes = BYTES, .offset = 10 }, &io), HERE);
	ck_assert_int_eq(io.result, 90);
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_READ, .bytes = BYTES, .offset = 100 }, &io), HERE);
	ck_assert_int_eq(io.result, 0);
	engine_close(chain);
	close(fd);
}
END_TEST

START_TEST(a_half_cached_read_goes_on_elsewhere)
{
	struct io_file f;
	struct io io;
	int fd;

	if (!open_ext4(&fd, &f))
		return;
	make_cold(fd);
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);	/* no read-ahead */
	ck_assert_int_eq(pread(fd, memory, 1, 0), 1);
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_READ, .bytes = BYTES }, &io), NEXT);
	engine_close(chain);
	close(fd);
}
END_TEST

/* A memfd without the knowledge that it is one refuses RWF_NOWAIT, as overlay does. */
START_TEST(a_file_that_refuses_nowait_is_read_plainly)
{
	int fd = memfd_create("t", MFD_CLOEXEC);
	struct io_file f = file_of(fd, FILE_LOCAL);
	struct io io;

	f.nowait = true;
	open_chain();
	ck_assert_int_eq(pwrite(fd, "abcdefgh", 8, 0), 8);
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_READ, .bytes = 8 }, &io), HERE);
	ck_assert_int_eq(io.result, 8);
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_READ, .bytes = 8, .offset = 1 }, &io), HERE);
	ck_assert_int_eq(io.result, 7);
	ck_assert_mem_eq(memory, "bcdefghh", 8);
	engine_close(chain);
	close(fd);
}
END_TEST

START_TEST(nowait_as_asked_is_answered_here)
{
	struct io_file f;
	struct io io;
	int fd;
	int64_t kernel;

	if (!open_ext4(&fd, &f))
		return;
	f.sync = true;
	kernel = pwritev2(fd, &(struct iovec){ memory, 8 }, 1, 0, RWF_NOWAIT) < 0 ? -errno : 8;
	ck_assert_int_eq(transfer(&f, (struct rw){ IO_WRITE, 8, 0, RWF_NOWAIT, false }, &io), HERE);
	ck_assert_int_eq(io.result, kernel);
	make_cold(fd);
	ck_assert_int_eq(transfer(&f, (struct rw){ IO_READ, 512, 0, RWF_NOWAIT, false }, &io), HERE);
	ck_assert_int_eq(io.result, -EAGAIN);
	engine_close(chain);
	close(fd);
}
END_TEST

START_TEST(pseudo_files_tell_what_they_refuse)
{
	static const struct {
		const char *path;
		enum io_op op;
		size_t bytes;
		uint32_t flags;
		bool refused;
		int64_t result;
	} table[] = {
		{ "/proc/meminfo", IO_READ, 8, 0, false, 8 },
		{ "/proc/self/status", IO_READ, 8, 0, true, -EINVAL },	/* no read_iter */
		{ "/dev/zero", IO_READ, 4096, 0, false, 4096 },
		{ "/dev/null", IO_READ, 4096, 0, false, 0 },
		{ "/dev/null", IO_WRITE, 4096, 0, false, 4096 },
		{ "/dev/null", IO_FSYNC, 0, 0, true, -EINVAL },
		{ "/proc/meminfo", IO_FDSYNC, 0, 0, true, -EINVAL },
	};

	open_chain();
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int fd = open(table[i].path, (table[i].path[1] == 'd' ? O_RDWR : O_RDONLY) | O_CLOEXEC);
		struct io_file f = file_of(fd, FILE_INSTANT);
		struct io io;

		ck_assert_int_eq(transfer(&f, (struct rw){ table[i].op, table[i].bytes, 0, table[i].flags, false },
					  &io), HERE);
		ck_assert_msg(io.result == table[i].result && io.refused == table[i].refused,
			      "row %zu: %lld, refused %d", i, (long long)io.result, io.refused);
		close(fd);
	}
	engine_close(chain);
}
END_TEST

/* Copying this much takes longer than what the engine calls slow, on any machine. */
static enum where slow_write(struct io_file *f)
{
	const size_t bytes = 128 << 20;
	char *data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = { data, bytes };
	struct io io = { .op = IO_WRITE, .file = f, .iov = &iov, .iov_count = 1, .length_bytes = bytes };
	enum where where = submit(&io);

	ck_assert_int_eq(munmap(data, bytes), 0);
	return where;
}

START_TEST(a_slow_file_is_left_to_workers_for_a_while)
{
	int fd = memfd_create("slow", MFD_CLOEXEC), other_fd = memfd_create("other", MFD_CLOEXEC);
	struct io_file f = file_of(fd, FILE_LOCAL), other = file_of(other_fd, FILE_LOCAL);
	struct io io;

	open_chain();
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_WRITE, .bytes = 8 }, &io), HERE);
	ck_assert_int_eq(slow_write(&f), HERE);
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_WRITE, .bytes = 8 }, &io), FOREIGN);
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_READ, .bytes = 8 }, &io), FOREIGN);
	ck_assert_int_eq(transfer(&other, (struct rw){ .op = IO_WRITE, .bytes = 8 }, &io), HERE);
	while (transfer(&f, (struct rw){ .op = IO_WRITE, .bytes = 8 }, &io) == FOREIGN)
		;
	ck_assert_int_eq(io.result, 8);
	engine_close(chain);
	close(fd);
	close(other_fd);
}
END_TEST

START_TEST(memory_is_never_called_slow)
{
	int fd = memfd_create("t", MFD_CLOEXEC);
	struct io_file f = file_of(fd, FILE_LOCAL);
	struct io io;

	open_chain();
	f.memory = true;
	ck_assert_int_eq(slow_write(&f), HERE);
	f.memory = false;	/* would show the note, if there were one */
	ck_assert_int_eq(transfer(&f, (struct rw){ .op = IO_WRITE, .bytes = 8 }, &io), HERE);
	engine_close(chain);
	close(fd);
}
END_TEST

UNIT_MAIN("engine_inline", classes_go_where_they_cannot_harm, memory_files_are_done_here,
	  buffered_writes_are_done_here, cached_reads_are_done_here_and_cold_ones_are_not,
	  the_end_of_a_cached_file_is_no_reason_to_wait, a_half_cached_read_goes_on_elsewhere,
	  a_file_that_refuses_nowait_is_read_plainly, nowait_as_asked_is_answered_here,
	  pseudo_files_tell_what_they_refuse, a_slow_file_is_left_to_workers_for_a_while,
	  memory_is_never_called_slow)
