/* SPDX-License-Identifier: MIT */
/*
 * The engine on io_uring, for storage. An io is the user_data of its entry: nothing is allocated or
 * looked up per io.
 *
 * COOP_TASKRUN makes a completion wait until this thread enters the kernel; if it sleeps in
 * epoll_wait it is woken with EINTR, hence no descriptor becomes readable, and a hook at each turn
 * looks into the completion queue (two loads). The ring's descriptor is watched too: io-wq threads
 * fill the queue without interrupting us. DEFER_TASKRUN with epoll on the descriptor hangs for
 * good: never use it.
 *
 * The completion queue cannot overflow: no more ios are taken than it has entries.
 *
 * What native AIO does not report is not reported here either: EINTR, and the EAGAIN which io_uring
 * gives for O_NONBLOCK files without NOWAIT support. Such an io is started again (list `again`, for
 * the submission queue may be full at that moment).
 */
#include "engine.h"

#include <assert.h>
#include <liburing.h>
#include <sys/uio.h>

#include "creds.h"
#include "log.h"
#include "loop.h"
#include "util.h"

#ifndef IORING_SETUP_SINGLE_ISSUER	/* younger than liburing 2.2 */
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif

enum {
	CQ_PER_SQ = 4,
	RETRY_NS = 1000000,
	PERSONS = 64,
};

/* Each set is tried where the kernel refuses the one before: 6.0, 5.19, and older. */
static const unsigned setup_flags[] = {
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
	0,
};

/* A record of credentials that the kernel has a copy of, to be named in an entry. */
struct personality {
	uint64_t number;		/* of the record; 0: none */
	int id;
};

struct uring {
	struct engine engine;
	struct loop *loop;
	struct loop_watch *watch;
	struct loop_timer retry;	/* always armed, so that moving it cannot fail */
	unsigned limit;
	unsigned in_flight;		/* from submit() to done() */
	uint64_t batch_ns; /* start of the batch that is being filled; 0: not read yet */
	struct list again;
	struct personality persons[PERSONS];	/* by number; the newest wins */
	struct io_uring ring;
};

static struct uring *to_uring(struct engine *e)
{
	return container_of(e, struct uring, engine);
}

static void prep_transfer(struct io_uring_sqe *sqe, const struct io *io, int one, int vector)
{
	uint64_t offset = io->file->seekable ? (uint64_t)io->offset : UINT64_MAX;

	if (io->iov_count == 1)
		io_uring_prep_rw(one, sqe, io->file->fd, io->iov->iov_base,
				 (unsigned)io->iov->iov_len, offset);
	else
		io_uring_prep_rw(vector, sqe, io->file->fd, io->iov, io->iov_count, offset);
	sqe->rw_flags = (int)io->rw_flags;
	if (io->has_ioprio)
		sqe->ioprio = io->ioprio;
}

static void prep(struct io_uring_sqe *sqe, struct io *io)
{
	switch (io->op) {
	case IO_READ:
		prep_transfer(sqe, io, IORING_OP_READ, IORING_OP_READV);
		break;
	case IO_WRITE:
		prep_transfer(sqe, io, IORING_OP_WRITE, IORING_OP_WRITEV);
		break;
	case IO_FSYNC:
		io_uring_prep_fsync(sqe, io->file->fd, 0);
		break;
	case IO_FDSYNC:
		io_uring_prep_fsync(sqe, io->file->fd, IORING_FSYNC_DATASYNC);
		break;
	case IO_POLL:
		assert(!"polls belong to the peer engine");
	}
	io_uring_sqe_set_data(sqe, io);
}

/* Hands the queue to the kernel. What it does not take now stays queued until the next try. */
static void push(struct uring *u)
{
	int rc = 0;

	while (io_uring_sq_ready(&u->ring)) {
		rc = io_uring_submit(&u->ring);
		if (rc <= 0 && rc != -EINTR)
			break;
	}
	u->batch_ns = 0;
	if (!io_uring_sq_ready(&u->ring))
		return;
	/* EAGAIN: no memory for requests; EBUSY: completions must be reaped first */
	if (rc < 0 && rc != -EAGAIN && rc != -EBUSY)
		log_warn_once("io_uring refuses to submit (error %d); trying again", -rc);
	loop_timer_start(u->loop, &u->retry, now_ns() + RETRY_NS);
}

static struct io_uring_sqe *get_sqe(struct uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (sqe)
		return sqe;
	push(u);
	return io_uring_get_sqe(&u->ring);
}

/* This thread registers what it is just then: for that moment it is somebody else. */
static int personality_make(struct uring *u, const struct creds *who)
{
	int id = creds_be(who);

	if (id == 0) {
		id = io_uring_register_personality(&u->ring);
		(void)creds_be(NULL);
	}
	return id;
}

/* For an entry's `personality`: 0 is our own; -errno. Entries must not outlive what they name. */
static int personality_of(struct uring *u, const struct creds *who)
{
	struct personality *p = who ? &u->persons[who->number % PERSONS] : NULL;
	int id;

	if (!p || p->number == who->number)
		return p ? p->id : 0;
	if (p->number)
		push(u);
	if (p->number && io_uring_sq_ready(&u->ring))
		return -EBUSY;
	id = personality_make(u, who);
	if (id < 0)
		return id;
	if (p->number)
		io_uring_unregister_personality(&u->ring, p->id);
	*p = (struct personality){ who->number, id };
	return id;
}

/* A forced hand-over to io-wq may wait, whatever O_NONBLOCK says. */
static void start_again(struct uring *u)
{
	while (!list_empty(&u->again)) {
		struct io *io = list_first(&u->again, struct io, node);
		const int person = personality_of(u, io->who);
		struct io_uring_sqe *sqe = person < 0 ? NULL : get_sqe(u);

		if (!sqe) {
			loop_timer_start(u->loop, &u->retry, now_ns() + RETRY_NS);
			break;
		}
		list_del(&io->node);
		prep(sqe, io);
		sqe->personality = (uint16_t)person;
		sqe->flags |= IOSQE_ASYNC;
	}
}

static void uring_flush(struct engine *e)
{
	struct uring *u = to_uring(e);

	start_again(u);
	if (io_uring_sq_ready(&u->ring))
		push(u);
}

static void retry_flush(void *arg)
{
	struct uring *u = arg;

	loop_timer_start(u->loop, &u->retry, UINT64_MAX);
	uring_flush(&u->engine);
}

static enum engine_answer uring_submit(struct engine *e, struct io *io)
{
	struct uring *u = to_uring(e);
	struct io_uring_sqe *sqe;
	int person;

	assert(io->file->class != FILE_PEER);
	if (u->in_flight == u->limit)
		return ENGINE_BUSY;
	person = personality_of(u, io->who);
	sqe = person < 0 ? NULL : get_sqe(u);
	if (!sqe)
		return ENGINE_BUSY;
	prep(sqe, io);
	sqe->personality = (uint16_t)person;
	io->engine_data = NULL;
	u->in_flight++;
	if (e->stamps) {
		if (!u->batch_ns)
			u->batch_ns = now_ns();
		io->started_ns = u->batch_ns;
	}
	return ENGINE_QUEUED;
}

/* engine_data marks the io that has come back with EAGAIN before: then it is a result. */
static bool must_go_again(struct uring *u, struct io *io, int result)
{
	if (result == -EINTR)
		return true;
	if (result != -EAGAIN || io->rw_flags & RWF_NOWAIT || io->engine_data)
		return false;
	io->engine_data = u;
	return true;
}

static void reap(struct uring *u, struct list *finished)
{
	struct io_uring_cqe *cqe;
	unsigned head, count = 0;

	io_uring_for_each_cqe(&u->ring, head, cqe) {
		struct io *io = io_uring_cqe_get_data(cqe);

		count++;
		if (must_go_again(u, io, cqe->res)) {
			list_add_tail(&u->again, &io->node);
			continue;
		}
		io->result = cqe->res;
		list_add_tail(finished, &io->node);
		u->in_flight--;
	}
	io_uring_cq_advance(&u->ring, count);
}

static void stamp_done(struct list *ios)
{
	uint64_t now = now_ns();

	list_for_each(pos, next, ios)
		list_entry(pos, struct io, node)->done_ns = now;
}

static void uring_harvest(struct engine *e, struct list *ios)
{
	struct uring *u = to_uring(e);
	struct list finished;

	if (!io_uring_cq_ready(&u->ring))
		return;
	list_init(&finished);
	reap(u, &finished);
	if (!list_empty(&u->again))
		uring_flush(e);
	if (u->engine.stamps)
		stamp_done(&finished);
	list_splice_tail(ios, &finished);
}

static void look(void *arg)
{
	struct uring *u = arg;
	struct list finished;

	list_init(&finished);
	uring_harvest(&u->engine, &finished);
	if (!list_empty(&finished))
		u->engine.done(u->engine.done_arg, &finished);
}

static void ring_readable(void *arg, unsigned events)
{
	look(arg);
}

static void uring_close(struct engine *e)
{
	struct uring *u = to_uring(e);

	assert(u->in_flight == 0);
	loop_unwatch(u->watch);
	loop_each_turn_end(u->loop, look, u);
	loop_timer_stop(u->loop, &u->retry);
	if (u->limit)
		io_uring_queue_exit(&u->ring);
	free(u);
}

static const struct engine_ops uring_ops = {
	.name = "uring",
	.submit = uring_submit,
	.flush = uring_flush,
	.harvest = uring_harvest,
	.close = uring_close,
};

/* The number of ios that it can hold, or -errno. */
static int open_ring(struct io_uring *ring, unsigned depth)
{
	for (unsigned i = 0; i < ARRAY_SIZE(setup_flags); i++) {
		struct io_uring_params params = {
			.flags = setup_flags[i] | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE,
			.cq_entries = CQ_PER_SQ * depth,
		};
		int rc = io_uring_queue_init_params(depth, ring, &params);

		if (rc != -EINVAL)
			return rc < 0 ? rc : (int)params.cq_entries;
	}
	return -EINVAL;
}

/* 5.6 has all that is used here; IORING_OP_READ came last. */
static int check_opcodes(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool known = probe && io_uring_opcode_supported(probe, IORING_OP_READ);

	io_uring_free_probe(probe);
	return known ? 0 : -ENOSYS;
}

static int start(struct uring *u, unsigned depth)
{
	int rc = open_ring(&u->ring, depth);

	if (rc < 0)
		return rc;
	u->limit = (unsigned)rc;
	rc = check_opcodes(&u->ring);
	if (rc < 0)
		return rc;
	io_uring_register_ring_fd(&u->ring);	/* only for speed */
	rc = loop_timer_start(u->loop, &u->retry, UINT64_MAX);
	if (rc < 0)
		return rc;
	rc = loop_each_turn(u->loop, look, u);
	if (rc < 0)
		return rc;
	u->watch = loop_watch(u->loop, u->ring.ring_fd, LOOP_READ, ring_readable, u);
	return u->watch ? 0 : -ENOMEM;
}

struct engine *engine_uring_open(struct loop *loop, unsigned depth, engine_done_fn *done, void *arg)
{
	struct uring *u = calloc(1, sizeof(*u));
	int rc;

	assert(depth);
	if (!u)
		return NULL;
	u->engine = (struct engine){ .ops = &uring_ops, .done = done, .done_arg = arg };
	u->loop = loop;
	u->retry.fn = retry_flush;
	u->retry.arg = u;
	list_init(&u->again);
	rc = start(u, depth);
	if (rc < 0) {
		uring_close(&u->engine);
		errno = -rc;
		return NULL;
	}
	return &u->engine;
}
