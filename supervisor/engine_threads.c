/* SPDX-License-Identifier: MIT */
/*
 * The engine that may block: each io is one item of work in the lane of its file. Jobs are kept for
 * reuse, so that a steady load allocates nothing.
 *
 * Work comes back one by one; the ios are collected and handed on together by a hook at the end of
 * the loop's turn. A cancelled io that was still queued has no such turn coming: a kick makes one.
 *
 * A worker keeps the credentials of its last io until one with others comes.
 *
 * A worker's thread blocks all signals, so SIGPIPE and SIGXFSZ stay pending there and end with it.
 */
#include "engine.h"

#include <assert.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "creds.h"
#include "loop.h"
#include "util.h"
#include "workers.h"

enum { IOPRIO_WHO_PROCESS = 1 }; /* linux/ioprio.h is younger than some headers we build with */

struct threads {
	struct engine engine;
	struct loop *loop;
	struct workers *workers;
	struct loop_kick *kick;
	struct list jobs;	/* in flight */
	struct list spare;
	struct list finished;	/* struct io */
};

struct job {
	struct work work;
	struct list node;	/* of threads->jobs or ->spare */
	struct threads *threads;
	struct io *io;
};

static struct threads *to_threads(struct engine *e)
{
	return container_of(e, struct threads, engine);
}

static ssize_t poll_file(const struct io *io)
{
	struct pollfd p = { .fd = io->file->fd, .events = (short)io->poll_events };

	return poll(&p, 1, -1) < 0 ? -1 : (ssize_t)(p.revents & io->poll_events);
}

static ssize_t call_kernel(const struct io *io)
{
	off_t offset = io->file->seekable ? io->offset : -1;
	int fd = io->file->fd, count = (int)io->iov_count, flags = (int)io->rw_flags;

	switch (io->op) {
	case IO_READ:
		return preadv2(fd, io->iov, count, offset, flags);
	case IO_WRITE:
		return pwritev2(fd, io->iov, count, offset, flags);
	case IO_FSYNC:
		return fsync(fd);
	case IO_FDSYNC:
		return fdatasync(fd);
	case IO_POLL:
		return poll_file(io);
	}
	errno = EINVAL;
	return -1;
}

static int64_t call_uninterrupted(struct job *job)
{
	while (!workers_cancelled(&job->work)) {
		ssize_t n = call_kernel(job->io);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return -errno;
	}
	return -ECANCELED;
}

static int64_t call_with_ioprio(struct job *job)
{
	long old = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	int64_t result;

	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, (int)job->io->ioprio);
	result = call_uninterrupted(job);
	if (old >= 0)
		syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, (int)old);
	return result;
}

/* On a worker thread. */
static void job_run(struct work *w)
{
	struct job *job = container_of(w, struct job, work);
	struct io *io = job->io;
	bool stamps = job->threads->engine.stamps;

	if (stamps)
		io->started_ns = now_ns();
	io->result = creds_be(io->who);
	if (!io->result)
		io->result = io->has_ioprio ? call_with_ioprio(job) : call_uninterrupted(job);
	if (stamps)
		io->done_ns = now_ns();
}

static void retire(struct job *job)
{
	struct threads *t = job->threads;

	list_add_tail(&t->finished, &job->io->node);
	job->io = NULL;
	list_del(&job->node);
	list_add(&t->spare, &job->node);
}

static void job_done(struct work *w)
{
	retire(container_of(w, struct job, work));
}

static void deliver(void *arg)
{
	struct threads *t = arg;
	struct list ios;

	if (list_empty(&t->finished))
		return;
	list_init(&ios);
	list_splice_tail(&ios, &t->finished);
	t->engine.done(t->engine.done_arg, &ios);
}

static struct job *take_job(struct threads *t)
{
	struct list *node = list_pop(&t->spare);
	struct job *job = node ? list_entry(node, struct job, node) : calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->threads = t;
	job->work.run = job_run;
	job->work.done = job_done;
	list_add_tail(&t->jobs, &job->node);
	return job;
}

static bool being_written(struct threads *t, const struct io_file *f)
{
	list_for_each(pos, next, &t->jobs) {
		const struct io *io = list_entry(pos, struct job, node)->io;

		if (io->op == IO_WRITE && io->file->ino == f->ino && io->file->dev == f->dev)
			return true;
	}
	return false;
}

/*
 * An O_DIRECT read of a file without blocks, or behind the end of one: the kernel sends nothing to
 * the disk, so it is complete before io_submit returns (libaio's harness, case 17, relies on it).
 * Single holes would be told by FIEMAP only, which waits for the inode's lock.
 */
static bool reads_no_block(struct threads *t, const struct io *io)
{
	struct stat st;

	if (io->file->class != FILE_LOCAL)
		return false;		/* whoever serves it may not answer */
	return io->op == IO_READ && io->direct && fstat(io->file->fd, &st) == 0 &&
	       S_ISREG(st.st_mode) && (st.st_blocks == 0 || io->offset >= st.st_size) &&
	       !being_written(t, io->file);
}

static bool read_at_once(struct io *io)
{
	io->result = preadv2(io->file->fd, io->iov, (int)io->iov_count, io->offset,
			     (int)io->rw_flags | RWF_NOWAIT);
	return io->result >= 0;
}

static enum engine_answer threads_submit(struct engine *e, struct io *io)
{
	struct threads *t = to_threads(e);
	struct job *job;

	if (reads_no_block(t, io) && read_at_once(io))
		return ENGINE_DONE;
	job = take_job(t);
	if (!job)
		return ENGINE_BUSY;
	job->io = io;
	workers_queue(t->workers, io->file->lane, &job->work);
	return ENGINE_QUEUED;
}

/* Not by io->engine_data: the io may belong to another layer. Cancelling is rare. */
static struct job *find_job(struct threads *t, const struct io *io)
{
	list_for_each(pos, next, &t->jobs) {
		struct job *job = list_entry(pos, struct job, node);

		if (job->io == io)
			return job;
	}
	return NULL;
}

static int threads_cancel(struct engine *e, struct io *io)
{
	struct threads *t = to_threads(e);
	struct job *job = find_job(t, io);

	if (!job)
		return -ENOENT;
	if (workers_withdraw(t->workers, &job->work) == 0) {
		io->result = -ECANCELED;
		retire(job);
		loop_kick_now(t->kick);
		return 0;
	}
	if (io->file->class != FILE_PEER)
		return -ENOENT;
	workers_cancel(t->workers, &job->work);
	return 0;
}

static void threads_close(struct engine *e)
{
	struct threads *t = to_threads(e);
	struct list *node;

	assert(list_empty(&t->jobs) && list_empty(&t->finished));
	while ((node = list_pop(&t->spare)))
		free(list_entry(node, struct job, node));
	loop_each_turn_end(t->loop, deliver, t);
	loop_kick_destroy(t->kick);
	free(t);
}

static const struct engine_ops threads_ops = {
	.name = "threads",
	.submit = threads_submit,
	.cancel = threads_cancel,
	.close = threads_close,
};

struct engine *engine_threads_open(struct loop *loop, struct workers *workers, engine_done_fn *done,
				   void *arg)
{
	struct threads *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->engine = (struct engine){ .ops = &threads_ops, .done = done, .done_arg = arg };
	t->loop = loop;
	t->workers = workers;
	list_init(&t->jobs);
	list_init(&t->spare);
	list_init(&t->finished);
	t->kick = loop_kick_create(loop, deliver, t);
	if (!t->kick || loop_each_turn(loop, deliver, t) < 0) {
		threads_close(&t->engine);
		errno = ENOMEM;
		return NULL;
	}
	return &t->engine;
}
