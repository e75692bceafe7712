/* SPDX-License-Identifier: MIT */
/*
 * What only the engine on the host's AIO does. syscall() is replaced here by one that refuses or falsifies
 * on demand what hostaio.c asks for. If this breaks, requests are lost on a busy host, wait for ever, or
 * programs see an EAGAIN that they did not ask for.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "engine_rig.h"

enum { BLOCK = 4096 };

/* struct iocb and struct io_event of the kernel's header, which is hostaio.c's alone */
struct entry {
	uint64_t data;
	uint32_t key, rw_flags;
	uint16_t opcode;
};

struct event {
	uint64_t data, obj;
	int64_t res, res2;
};

static int submit_says[4];	/* what the next io_submits return; 0: they work */
static long event_says[4];	/* what the next events say; 0: the truth */
static int setup_says;
static atomic_uint submits, events;
static uint32_t last_rw_flags;
static uint16_t last_opcode;
static bool only_one;		/* io_submit takes one entry at a time */
static int late[2] = { -1, -1 };	/* a worker's io_submit returns when something is in this pipe */
static pthread_t loop_thread;

typedef long syscall_fn(long nr, ...);

static long real(long nr, const long *a)
{
	static syscall_fn *fn;

	if (!fn)
		fn = (syscall_fn *)dlsym(RTLD_NEXT, "syscall");
	return fn(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long refuse(int err)
{
	errno = -err;
	return -1;
}

static long submit_call(long *a)
{
	const struct entry *const *list = (void *)a[2];
	const unsigned n = submits++;
	char c;

	last_rw_flags = list[0]->rw_flags;
	last_opcode = list[0]->opcode;
	if (n < ARRAY_SIZE(submit_says) && submit_says[n])
		return refuse(submit_says[n]);
	if (only_one)
		a[1] = 1;

	long ret = real(SYS_io_submit, a);

	if (late[0] >= 0 && !pthread_equal(pthread_self(), loop_thread))
		ck_assert_int_eq(read(late[0], &c, 1), 1);
	return ret;
}

static long events_call(const long *a)
{
	struct event *ev = (void *)a[3];
	long n = real(SYS_io_getevents, a);

	for (long i = 0; i < n; i++, events++)
		if (events < ARRAY_SIZE(event_says) && event_says[events])
			ev[i].res = event_says[events];
	return n;
}

long syscall(long nr, ...)
{
	va_list list;
	long a[6];

	va_start(list, nr);
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (nr == SYS_io_setup && setup_says)
		return refuse(setup_says);
	if (nr == SYS_io_submit)
		return submit_call(a);
	return nr == SYS_io_getevents ? events_call(a) : real(nr, a);
}

/* --- one file of two blocks, read with O_DIRECT --- */

static char *blocks;		/* what is read, and what is in the file behind it */
static struct io_file file;
static struct io ios[2];
static struct iovec iovs[2];

static bool direct_file(void)
{
	char probe;
	struct iovec iov = { &probe, 1 };

	loop_thread = pthread_self();
	if (!open_engine(LIBAIO))
		return false;
	ck_assert_int_eq(posix_memalign((void **)&blocks, BLOCK, 4 * BLOCK), 0);
	memset(blocks, 0, 2 * BLOCK);
	memset(blocks + 2 * BLOCK, 'x', 2 * BLOCK);
	file = file_of(scratch_file(0));
	ck_assert_int_eq(pwrite(file.fd, blocks + 2 * BLOCK, 2 * BLOCK, 0), 2 * BLOCK);
	ck_assert_int_eq(fsync(file.fd), 0);
	file.nowait = preadv2(file.fd, &iov, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN;
	file.direct = fcntl(file.fd, F_SETFL, O_DIRECT) == 0;
	return file.nowait && file.direct;
}

static struct io *direct_read(unsigned i)
{
	iovs[i] = (struct iovec){ blocks + i * BLOCK, BLOCK };
	ios[i] = io_of(IO_READ, &file, &iovs[i], 1, i * BLOCK);
	ios[i].direct = true;
	return &ios[i];
}

static void done_with_file(void)
{
	if (engine)
		close_engine();
	close(file.fd);
	free(blocks);
}

/* Both blocks, by as many io_submits as said. */
static void read_both(unsigned wanted_submits)
{
	ck_assert_int_eq(submit(direct_read(0)), ENGINE_QUEUED);
	ck_assert_int_eq(submit(direct_read(1)), ENGINE_QUEUED);
	run_until(2);
	ck_assert_int_eq(ios[0].result, BLOCK);
	ck_assert_int_eq(ios[1].result, BLOCK);
	ck_assert_mem_eq(blocks, blocks + 2 * BLOCK, 2 * BLOCK);
	ck_assert_uint_eq(submits, wanted_submits);
	done_with_file();
}

START_TEST(a_batch_is_one_submission)
{
	if (direct_file())
		read_both(1);
}
END_TEST

START_TEST(a_host_without_memory_is_asked_again)
{
	submit_says[0] = submit_says[1] = -EAGAIN;
	if (direct_file())
		read_both(3);
}
END_TEST

START_TEST(what_is_taken_in_part_goes_on)
{
	only_one = true;
	if (direct_file())
		read_both(2);
}
END_TEST

START_TEST(what_the_host_refuses_is_done_by_threads)
{
	submit_says[0] = -EINVAL;
	if (direct_file())
		read_both(2);
}
END_TEST

START_TEST(a_file_without_nowait_is_submitted_by_a_worker)
{
	submit_says[0] = -EOPNOTSUPP;
	if (!direct_file())
		return;
	ck_assert_int_eq(do_io(*direct_read(0)), BLOCK);
	ck_assert(!file.nowait);
	ck_assert_uint_eq(last_rw_flags, 0);
	ck_assert_int_eq(do_io(*direct_read(1)), BLOCK);
	ck_assert_uint_eq(submits, 3);
	done_with_file();
}
END_TEST

/* By event: EAGAIN, EOPNOTSUPP, a part, EINTR. */
START_TEST(what_would_wait_is_submitted_by_a_worker)
{
	static const long says[] = { -EAGAIN, -EOPNOTSUPP, 512, -EINTR };

	if (!direct_file())
		return;
	event_says[0] = says[_i];
	ck_assert_int_eq(do_io(*direct_read(0)), BLOCK);
	ck_assert_mem_eq(blocks, blocks + 2 * BLOCK, BLOCK);
	ck_assert_uint_eq(submits, 2);
	ck_assert_uint_eq(last_rw_flags, 0);
	done_with_file();
}
END_TEST

START_TEST(the_end_of_the_file_is_no_part)
{
	struct io io;

	if (!direct_file())
		return;
	io = *direct_read(0);
	io.offset = 8 * BLOCK;
	ck_assert_int_eq(do_io(io), 0);
	ck_assert_uint_eq(submits, 1);
	done_with_file();
}
END_TEST

START_TEST(nowait_that_was_asked_for_gives_eagain)
{
	struct io io;

	if (!direct_file())
		return;
	event_says[0] = -EAGAIN;
	io = *direct_read(0);
	io.rw_flags = RWF_NOWAIT;
	ck_assert_int_eq(do_io(io), -EAGAIN);
	ck_assert_uint_eq(submits, 1);
	done_with_file();
}
END_TEST

/* Told while the worker is still in io_submit: the io comes back when it has left. */
static void let_worker_go(void *arg)
{
	static bool gone;

	if (gone || events < 2)
		return;
	ck_assert_uint_eq(finished, 0);
	ck_assert_int_eq(write(late[1], "x", 1), 1);
	gone = true;
}

START_TEST(an_event_may_come_before_the_worker_returns)
{
	if (!direct_file())
		return;
	event_says[0] = -EAGAIN;
	ck_assert_int_eq(pipe(late), 0);
	ck_assert_int_eq(loop_each_turn(loop, let_worker_go, NULL), 0);
	ck_assert_int_eq(do_io(*direct_read(0)), BLOCK);
	ck_assert_uint_eq(events, 2);
	loop_each_turn_end(loop, let_worker_go, NULL);
	close(late[0]);
	close(late[1]);
	done_with_file();
}
END_TEST

/* A hole needs no disk: complete when io_submit returns, as natively. */
START_TEST(what_is_complete_at_once_is_harvested)
{
	struct list ios_done;
	struct io *io;

	if (!direct_file())
		return;
	ck_assert_int_eq(ftruncate(file.fd, 64 * BLOCK), 0);
	io = direct_read(0);
	io->offset = 32 * BLOCK;
	ck_assert_int_eq(submit(io), ENGINE_QUEUED);
	list_init(&ios_done);
	engine_flush(engine);
	engine_harvest(engine, &ios_done);
	ck_assert_ptr_eq(list_pop(&ios_done), &io->node);
	ck_assert_int_eq(io->result, BLOCK);
	ck_assert_uint_eq(finished, 0);
	done_with_file();
}
END_TEST

START_TEST(vectors_and_syncs_reach_the_host)
{
	enum { FDSYNC = 3, PWRITEV = 8 };
	struct iovec two[2];
	struct io io;

	if (!direct_file())
		return;
	two[0] = (struct iovec){ blocks, BLOCK };
	two[1] = (struct iovec){ blocks + 2 * BLOCK, BLOCK };
	io = io_of(IO_WRITE, &file, two, 2, 0);
	io.direct = true;
	ck_assert_int_eq(do_io(io), 2 * BLOCK);
	ck_assert_int_eq(last_opcode, PWRITEV);
	ck_assert_int_eq(pread(file.fd, blocks + BLOCK, BLOCK, BLOCK), BLOCK);
	ck_assert_int_eq(blocks[BLOCK], 'x');
	ck_assert_int_eq(do_io(io_of(IO_FDSYNC, &file, NULL, 0, 0)), 0);
	ck_assert_int_eq(last_opcode, FDSYNC);
	ck_assert_uint_eq(last_rw_flags, 0);
	done_with_file();
}
END_TEST

START_TEST(what_host_aio_would_block_for_is_for_threads)
{
	struct iovec iov;
	struct io_file foreign;

	if (!direct_file())
		return;
	iov = (struct iovec){ blocks, BLOCK };
	foreign = file;
	foreign.class = FILE_FOREIGN;
	ck_assert_int_eq(do_io(io_of(IO_READ, &file, &iov, 1, 0)), BLOCK);
	ck_assert_int_eq(do_io(io_of(IO_FSYNC, &foreign, NULL, 0, 0)), 0);
	ck_assert_uint_eq(submits, 0);
	done_with_file();
}
END_TEST

START_TEST(without_room_at_the_host_it_says_so)
{
	setup_says = -EAGAIN;
	ck_assert(!open_engine(LIBAIO));
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

int main(void)
{
	const TTest *const once[] = {
		a_batch_is_one_submission, a_host_without_memory_is_asked_again,
		what_is_taken_in_part_goes_on, what_the_host_refuses_is_done_by_threads,
		a_file_without_nowait_is_submitted_by_a_worker, the_end_of_the_file_is_no_part,
		nowait_that_was_asked_for_gives_eagain, an_event_may_come_before_the_worker_returns,
		what_is_complete_at_once_is_harvested, vectors_and_syncs_reach_the_host,
		what_host_aio_would_block_for_is_for_threads, without_room_at_the_host_it_says_so,
	};
	Suite *s = suite_create("engine_libaio");
	TCase *c = tcase_create("engine_libaio");

	for (unsigned i = 0; i < ARRAY_SIZE(once); i++)
		tcase_add_test(c, once[i]);
	tcase_add_loop_test(c, what_would_wait_is_submitted_by_a_worker, 0, 4);
	suite_add_tcase(s, c);
	return unit_run(s);
}
