/* SPDX-License-Identifier: MIT */
/* What the tests of the storage engines share: a loop, a pool, one engine, and one io at a time. */
#ifndef ENGINE_RIG_H
#define ENGINE_RIG_H

#include "engine.h"

#include <fcntl.h>
#include <string.h>

#include "loop.h"
#include "unit.h"
#include "util.h"
#include "workers.h"

enum { DEPTH = 8 };

static struct loop *loop;
static struct workers *workers;
static struct engine *engine;
static bool in_submit;
static unsigned finished;
static unsigned stop_at;

static inline void on_done(void *arg, struct list *ios)
{
	struct list *node;

	ck_assert_ptr_eq(arg, &finished);
	ck_assert(!in_submit);
	ck_assert(!list_empty(ios));
	while ((node = list_pop(ios)))
		finished++;
	if (finished >= stop_at)
		loop_stop(loop);
}

enum { THREADS, URING, LIBAIO };

static const char *const engines[] = { "threads", "uring", "libaio" };

static inline struct engine *open_libaio(void)
{
	struct engine *threads = engine_threads_open(loop, workers, on_done, &finished);
	struct engine *e = engine_libaio_open(loop, workers, DEPTH, threads, on_done, &finished);
	int err = errno;

	if (!e)
		engine_close(threads);
	errno = err;
	return e;
}

/* false: the host has no io_uring, or no AIO (left), which must be said by errno. */
static inline bool open_engine(int which)
{
	finished = 0;
	loop = loop_create();
	workers = workers_create(loop, 4);
	ck_assert(loop && workers);
	switch (which) {
	case THREADS:
		engine = engine_threads_open(loop, workers, on_done, &finished);
		break;
	case URING:
		engine = engine_uring_open(loop, DEPTH, on_done, &finished);
		break;
	default:
		engine = open_libaio();
	}
	if (engine) {
		ck_assert_str_eq(engine->ops->name, engines[which]);
		return true;
	}
	ck_assert(which != THREADS);
	ck_assert(errno == ENOSYS || errno == EPERM || errno == ENOMEM || (which == LIBAIO && errno == EAGAIN));
	workers_destroy(workers);
	loop_destroy(loop);
	return false;
}

/* In the whole chain. */
static inline void take_stamps(void)
{
	for (struct engine *e = engine; e; e = e->next)
		e->stamps = true;
}

static inline void close_engine(void)
{
	engine_close(engine);
	workers_destroy(workers);
	loop_destroy(loop);
}

static inline struct io_file file_of(int fd)
{
	return (struct io_file){ .fd = fd, .class = FILE_LOCAL, .seekable = true,
				 .lane = workers_lane(workers, "local") };
}

static inline struct io io_of(enum io_op op, struct io_file *file, struct iovec *iov, unsigned count,
		       int64_t offset)
{
	struct io io = { .op = op, .file = file, .iov = iov, .iov_count = count,
			 .offset = offset, .result = INT64_MIN };

	for (unsigned i = 0; i < count; i++)
		io.length_bytes += iov[i].iov_len;
	return io;
}

static inline enum engine_answer submit(struct io *io)
{
	enum engine_answer answer;

	list_init(&io->node);
	in_submit = true;
	answer = engine_submit(engine, io);
	in_submit = false;
	return answer;
}

static inline void run_until(unsigned count)
{
	engine_flush(engine);
	stop_at = count;
	if (finished < count)
		loop_run(loop);
	ck_assert_uint_eq(finished, count);
}

/* One io from submit to result. */
static inline int64_t do_io(struct io io)
{
	ck_assert_int_eq(submit(&io), ENGINE_QUEUED);
	run_until(finished + 1);
	ck_assert(list_empty(&io.node));
	return io.result;
}

static inline int64_t do_rw(enum io_op op, struct io_file *file, void *data, size_t bytes, int64_t offset)
{
	struct iovec iov = { data, bytes };

	return do_io(io_of(op, file, &iov, 1, offset));
}

/* An empty file without a name, on a file system that is no tmpfs where possible. */
static inline int scratch_file(int more_flags)
{
	char path[] = "engine_t.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC | more_flags);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	return fd;
}

#endif
