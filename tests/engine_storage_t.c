/* SPDX-License-Identifier: MIT */
/*
 * The engines that do storage, both by the same expectations. If this breaks, data or results of finished
 * requests are wrong, or requests never finish.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "engine_rig.h"

enum { BLOCK = 4096, BLOCKS = 300 };

/* A worker's priority for one io must not stay with it for the next. */
static void check_no_thread_has_ioprio(int ioprio)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *d;

	ck_assert_ptr_nonnull(tasks);
	while ((d = readdir(tasks))) {
		int tid = atoi(d->d_name);

		if (tid)
			ck_assert_int_ne(syscall(SYS_ioprio_get, 1, tid), ioprio);
	}
	closedir(tasks);
}

START_TEST(what_is_written_is_read)
{
	if (!open_engine(_i))
		return;

	auto_fd fd = scratch_file(0);
	struct io_file file = file_of(fd);
	char out[] = "abcdefghij", in[2][8] = { "", "" };
	struct iovec from[] = { { out, 3 }, { out + 3, 0 }, { out + 3, 7 } };
	struct iovec to[] = { { in[0], 4 }, { in[1], 6 } };

	ck_assert_int_eq(do_io(io_of(IO_WRITE, &file, from, 3, 100)), 10);
	ck_assert_int_eq(do_io(io_of(IO_READ, &file, to, 2, 100)), 10);
	ck_assert_str_eq(in[0], "abcd");
	ck_assert_str_eq(in[1], "efghij");
	ck_assert_int_eq(do_rw(IO_READ, &file, in, 2, 105), 2);
	ck_assert_mem_eq(in, "fg", 2);
	ck_assert_int_eq(do_rw(IO_WRITE, &file, out, 1, 0), 1);
	ck_assert_int_eq(do_io(io_of(IO_FSYNC, &file, NULL, 0, 0)), 0);
	ck_assert_int_eq(do_io(io_of(IO_FDSYNC, &file, NULL, 0, 0)), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
	close_engine();
}
END_TEST

START_TEST(results_are_the_kernels)
{
	char c[16];

	if (!open_engine(_i))
		return;

	auto_fd fd = scratch_file(O_NONBLOCK);
	auto_fd null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	auto_fd directory = open(".", O_RDONLY | O_CLOEXEC);
	struct io_file file = file_of(fd), read_only = file_of(null), folder = file_of(directory);
	struct iovec wild = { (void *)8, 16 };

	ck_assert_int_eq(do_rw(IO_READ, &file, c, sizeof(c), 0), 0);
	ck_assert_int_eq(do_rw(IO_WRITE, &file, c, 5, 0), 5);
	ck_assert_int_eq(do_rw(IO_READ, &file, c, sizeof(c), 2), 3);
	ck_assert_int_eq(do_io(io_of(IO_READ, &file, NULL, 0, 0)), 0);
	ck_assert_int_eq(do_io(io_of(IO_READ, &file, &wild, 1, 0)), -EFAULT);
	ck_assert_int_eq(do_rw(IO_WRITE, &read_only, c, 1, 0), -EBADF);
	ck_assert_int_eq(do_rw(IO_READ, &folder, c, 1, 0), -EISDIR);
	ck_assert_int_eq(do_io(io_of(IO_FSYNC, &read_only, NULL, 0, 0)), -EINVAL);
	close_engine();
}
END_TEST

START_TEST(rw_flags_reach_the_kernel)
{
	if (!open_engine(_i))
		return;

	auto_fd fd = scratch_file(0);
	struct io_file file = file_of(fd);
	char c[4];
	struct iovec iov = { c, 4 };
	struct io io = io_of(IO_WRITE, &file, &iov, 1, 0);

	io.rw_flags = RWF_APPEND;
	ck_assert_int_eq(do_io(io), 4);
	ck_assert_int_eq(do_io(io), 4);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 8);
	io.rw_flags = 0x40000000;
	ck_assert_int_eq(do_io(io), -EOPNOTSUPP);
	close_engine();
}
END_TEST

START_TEST(ioprio_is_used_and_gone_afterwards)
{
	enum { IDLE_CLASS = 3 << 13, NO_CLASS = 7 << 13 };

	if (!open_engine(_i))
		return;

	auto_fd fd = scratch_file(0);
	struct io_file file = file_of(fd);
	char c[4] = "";
	struct iovec iov = { c, 4 };
	struct io io = io_of(IO_WRITE, &file, &iov, 1, 0);

	io.has_ioprio = true;
	io.ioprio = IDLE_CLASS;
	ck_assert_int_eq(do_io(io), 4);
	check_no_thread_has_ioprio(IDLE_CLASS);
	io.ioprio = NO_CLASS;
	ck_assert_int_eq(do_io(io), _i == URING ? -EINVAL : 4);
	close_engine();
}
END_TEST

/* More than the queue has entries, and O_DIRECT where the file system can: all come back once. */
START_TEST(busy_ios_are_taken_later)
{
	static struct io ios[BLOCKS];
	static struct iovec iovs[BLOCKS];
	unsigned next = 0, busy = 0;
	char *data;

	if (!open_engine(_i))
		return;

	auto_fd fd = scratch_file(0);
	struct io_file file = file_of(fd);

	file.direct = fcntl(fd, F_SETFL, O_DIRECT) == 0;
	data = mmap(NULL, BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(data, MAP_FAILED);
	for (unsigned i = 0; i < BLOCKS; i++) {
		memset(data + i * BLOCK, (int)i, BLOCK);
		iovs[i] = (struct iovec){ data + i * BLOCK, BLOCK };
		ios[i] = io_of(IO_WRITE, &file, &iovs[i], 1, (int64_t)i * BLOCK);
		ios[i].direct = file.direct;
	}
	while (next < BLOCKS) {
		if (submit(&ios[next]) == ENGINE_QUEUED) {
			next++;
			continue;
		}
		busy++;
		engine_flush(engine);
		stop_at = finished + 1;
		loop_run(loop);
	}
	run_until(BLOCKS);
	ck_assert_uint_eq(!busy, _i == THREADS || (_i == LIBAIO && !file.direct));
	for (unsigned i = 0; i < BLOCKS; i++)
		ck_assert_int_eq(ios[i].result, BLOCK);
	memset(data, 0xff, BLOCKS * BLOCK);
	ck_assert_int_eq(pread(fd, data, BLOCKS * BLOCK, 0), BLOCKS * BLOCK);
	for (unsigned i = 0; i < BLOCKS; i++)
		ck_assert_int_eq(data[i * BLOCK + 17], (char)i);
	munmap(data, BLOCKS * BLOCK);
	close_engine();
}
END_TEST

START_TEST(stamps_are_taken_only_when_asked_for)
{
	char c = 'x';

	if (!open_engine(_i))
		return;

	auto_fd fd = scratch_file(0);
	struct io_file file = file_of(fd);
	struct iovec iov = { &c, 1 };
	struct io io = io_of(IO_WRITE, &file, &iov, 1, 0);
	uint64_t before = now_ns();

	ck_assert_int_eq(submit(&io), ENGINE_QUEUED);
	run_until(1);
	ck_assert(!io.started_ns && !io.done_ns);
	take_stamps();
	ck_assert_int_eq(submit(&io), ENGINE_QUEUED);
	run_until(2);
	ck_assert_uint_ge(io.started_ns, before);
	ck_assert_uint_ge(io.done_ns, io.started_ns);
	ck_assert_uint_ge(now_ns(), io.done_ns);
	close_engine();
}
END_TEST

/* -ENOENT, also for an io that this engine has never seen; with threads one that waits is taken back. */
START_TEST(storage_in_progress_is_not_cancelled)
{
	if (!open_engine(_i))
		return;

	auto_fd fd = scratch_file(0);
	struct io_file file = file_of(fd);
	struct io io = io_of(IO_FSYNC, &file, NULL, 0, 0), stranger = io;

	ck_assert_int_eq(engine_cancel(engine, &stranger), -ENOENT);
	ck_assert_int_eq(submit(&io), ENGINE_QUEUED);

	int rc = engine_cancel(engine, &io);

	run_until(1);
	ck_assert_int_eq(rc, io.result == -ECANCELED ? 0 : -ENOENT);
	ck_assert(_i == THREADS || rc == -ENOENT);
	close_engine();
}
END_TEST

int main(void)
{
	const TTest *for_both[] = {
		what_is_written_is_read, results_are_the_kernels, rw_flags_reach_the_kernel,
		ioprio_is_used_and_gone_afterwards, busy_ios_are_taken_later,
		stamps_are_taken_only_when_asked_for, storage_in_progress_is_not_cancelled,
	};
	Suite *s = suite_create("engine_storage");
	TCase *c = tcase_create("engine_storage");

	for (unsigned i = 0; i < ARRAY_SIZE(for_both); i++)
		tcase_add_loop_test(c, for_both[i], 0, ARRAY_SIZE(engines));
	suite_add_tcase(s, c);
	return unit_run(s);
}
