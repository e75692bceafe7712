/* SPDX-License-Identifier: MIT */
/*
 * The layer for what waits for a peer: reads and writes of pipes, sockets, ttys, eventfds and the
 * like, and every poll (engine_peer_poll.c). All else goes to the next layer.
 *
 * A transfer is tried at submission (engine_peer_attempt.c). If it would wait it is held: it stands
 * in the line of its open file and direction (engine_peer_line.c); the first in line waits for
 * readiness and tries again, or waits on a worker. Whatever ends an io puts it on `finished`, and
 * who becomes first by that on `starting`; both are worked off by peer_settle(), at the end of each
 * wake-up, where nothing is iterated over any more: done() may submit and cancel.
 *
 * Descriptors: the poller forgets an io before it is told, for its owner closes the file then.
 */
#include "engine_peer.h"

#include <assert.h>
#include <poll.h>

#include "engine_peer_impl.h"
#include "util.h"

static struct peer *to_peer(struct engine *e)
{
	return container_of(e, struct peer, engine);
}

static void wait_ready(struct poller_wait *w, uint32_t revents);

/* Reserves all that the wake-up path needs. */
struct peer_io *peer_hold(struct peer *peer, struct io *io)
{
	struct peer_io *p;

	if (poller_reserve(peer->poller, io->file->fd))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->peer = peer;
	p->io = io;
	p->attempt = ATTEMPT_NEW;
	list_init(&p->place.node);
	list_init(&p->start);
	list_init(&p->work.node);
	poller_wait_init(&p->wait, wait_ready);
	io->engine_data = p;
	peer->held++;
	return p;
}

void peer_release(struct peer_io *p)
{
	struct peer *peer = p->peer;
	struct line_place *first;

	poller_remove(peer->poller, &p->wait);
	list_del(&p->start);
	first = line_leave(&peer->lines, &p->place);
	if (first)
		list_add_tail(&peer->starting, &container_of(first, struct peer_io, place)->start);
	attempt_end(&p->attempt);
	p->io->engine_data = NULL;
	peer->held--;
	free(p);
}

void peer_finish(struct peer_io *p, int64_t result)
{
	struct peer *peer = p->peer;
	struct io *io = p->io;

	io->result = result;
	peer_release(p);
	list_add_tail(&peer->finished, &io->node);
}

static void work_done(struct work *w)
{
	struct peer_io *p = container_of(w, struct peer_io, work);
	struct peer *peer = p->peer;

	peer_finish(p, p->worked);
	peer_settle(peer);
}

void peer_work(struct peer_io *p, struct lane *lane, void (*run)(struct work *w))
{
	poller_remove(p->peer->poller, &p->wait);
	p->state = PEER_WORKING;
	p->work.run = run;
	p->work.done = work_done;
	workers_queue(p->peer->workers, lane, &p->work);
}

static void run_transfer(struct work *w)
{
	struct peer_io *p = container_of(w, struct peer_io, work);

	p->worked = attempt_block(p->io, w);
}

static void block(struct peer_io *p)
{
	peer_work(p, p->peer->lanes[p->io->op], run_transfer);
}

/* Where readiness cannot be watched a worker waits. */
static void watch(struct peer_io *p)
{
	uint32_t events = p->io->op == IO_READ ? POLLIN : POLLOUT;

	p->state = PEER_WAITING;
	if (poller_add(p->peer->poller, &p->wait, p->io->file->fd, events, POLLER_LAST))
		block(p);
}

/* The first in line tries, after others, or again. */
static void try_again(struct peer_io *p)
{
	size_t before_bytes = p->io->done_bytes;

	switch (attempt_try(&p->attempt, p->io)) {
	case ATTEMPT_DONE:
		peer_finish(p, p->io->result);
		break;
	case ATTEMPT_WAIT:
		if (p->state != PEER_WAITING)
			watch(p);
		else if (p->io->done_bytes != before_bytes)
			poller_again(p->peer->poller, &p->wait);
		break;
	case ATTEMPT_BLOCK:
		block(p);
		break;
	}
}

static void wait_ready(struct poller_wait *w, uint32_t revents)
{
	struct peer_io *p = container_of(w, struct peer_io, wait);
	int64_t mask;

	if (p->io->op == IO_POLL) {
		mask = peer_poll_masked(p->io, revents);
		if (mask)
			peer_finish(p, mask);
	} else if (p->attempt.way == WAY_READY) {
		block(p);
	} else {
		try_again(p);
	}
}

static void stamp_done(struct list *ios)
{
	uint64_t now = now_ns();

	list_for_each(pos, next, ios)
		list_entry(pos, struct io, node)->done_ns = now;
}

static void start_first_ones(struct peer *peer)
{
	for (struct list *node; (node = list_pop(&peer->starting));)
		try_again(list_entry(node, struct peer_io, start));
}

void peer_settle(void *arg)
{
	struct peer *peer = arg;
	struct list ios;

	start_first_ones(peer);
	if (list_empty(&peer->finished))
		return;
	list_init(&ios);
	list_splice_tail(&ios, &peer->finished);
	if (peer->engine.stamps)
		stamp_done(&ios);
	peer->engine.done(peer->engine.done_arg, &ios);
}

static enum engine_answer join(struct peer *peer, struct line *line, struct io *io)
{
	struct peer_io *p;

	if (io->file->nonblock || io->rw_flags & RWF_NOWAIT) {
		io->result = -EAGAIN;	/* what comes belongs to the one that waits for it */
		return ENGINE_DONE;
	}
	p = peer_hold(peer, io);
	if (!p)
		return ENGINE_BUSY;
	line_join(line, &p->place, io);
	p->state = PEER_BEHIND;
	return ENGINE_QUEUED;
}

static enum engine_answer hold_first(struct peer *peer, struct attempt *a, struct io *io, bool wait)
{
	struct peer_io *p = peer_hold(peer, io);
	struct line *line = p ? lines_start(&peer->lines, io) : NULL;

	if (!line) {
		if (p)
			peer_release(p);
		return ENGINE_BUSY;
	}
	line_join(line, &p->place, io);
	p->attempt = *a;
	*a = ATTEMPT_NEW;
	if (wait)
		watch(p);
	else
		block(p);
	return ENGINE_QUEUED;
}

static enum engine_answer submit_transfer(struct peer *peer, struct io *io)
{
	struct line *line = lines_find(&peer->lines, io);
	struct attempt a cleanup(attempt_end) = ATTEMPT_NEW;

	if (line)
		return join(peer, line, io);
	switch (attempt_try(&a, io)) {
	case ATTEMPT_DONE:
		return ENGINE_DONE;
	case ATTEMPT_WAIT:
		return hold_first(peer, &a, io, true);
	case ATTEMPT_BLOCK:
		return hold_first(peer, &a, io, false);
	}
	return ENGINE_BUSY;
}

static bool is_ours(const struct io *io)
{
	switch (io->op) {
	case IO_READ:
	case IO_WRITE:
		return io->file->class == FILE_PEER;
	case IO_POLL:
		return true;
	case IO_FSYNC:
	case IO_FDSYNC:
		return false;
	}
	return false;
}

static enum engine_answer peer_submit(struct engine *e, struct io *io)
{
	struct peer *peer = to_peer(e);
	enum engine_answer answer;

	if (!is_ours(io))
		return engine_submit(e->next, io);
	if (e->stamps)
		io->started_ns = now_ns();
	answer = io->op == IO_POLL ? peer_poll_submit(peer, io) : submit_transfer(peer, io);
	if (e->stamps && answer == ENGINE_DONE)
		io->done_ns = now_ns();
	return answer;
}

static int64_t cancelled_result(const struct io *io)
{
	if (io->op == IO_POLL)
		return 0;
	return io->done_bytes ? (int64_t)io->done_bytes : -ECANCELED;
}

/*
 * Who becomes first is started by the kick only: it may be cancelled next, and must not take data.
 */
static int peer_cancel(struct engine *e, struct io *io)
{
	struct peer *peer = to_peer(e);
	struct peer_io *p = io->engine_data;

	if (!is_ours(io))
		return -ENOENT;
	if (!p)
		return 0;	/* finished, about to be told */
	switch (p->state) {
	case PEER_BEHIND:
	case PEER_WAITING:
		break;
	case PEER_WORKING:
		if (workers_cancel(peer->workers, &p->work))
			return 0;
		break;
	case PEER_HOST:
		hostaio_cancel(p->host, p->host_poll);
		return 0;
	}
	peer_finish(p, cancelled_result(io));
	loop_kick_now(peer->kick);
	return 0;
}

/*
 * A poll is complete when what it waits for has happened: whoever made it happen may ask for it
 * now.
 */
static void peer_look(struct engine *e, struct list *ios)
{
	struct peer *peer = to_peer(e);

	if (peer->host)
		hostaio_harvest(peer->host);
	else
		poller_look(peer->poller);
	if (peer->counters)
		hostaio_harvest(peer->counters);
	start_first_ones(peer);
	if (peer->engine.stamps)
		stamp_done(&peer->finished);
	list_splice_tail(ios, &peer->finished);
}

static void peer_close(struct engine *e)
{
	struct peer *peer = to_peer(e);

	assert(peer->held == 0 && list_empty(&peer->finished));
	hostaio_destroy(peer->counters);
	hostaio_destroy(peer->host);
	poller_destroy(peer->poller);
	loop_kick_destroy(peer->kick);
	free(peer);
}

static const struct engine_ops peer_ops = {
	.name = "peer",
	.submit = peer_submit,
	.look = peer_look,
	.cancel = peer_cancel,
	.close = peer_close,
};

static bool start(struct peer *peer)
{
	peer->lanes[IO_READ] = workers_lane(peer->workers, "peer reads");
	peer->lanes[IO_WRITE] = workers_lane(peer->workers, "peer writes");
	if (!peer->lanes[IO_READ] || !peer->lanes[IO_WRITE])
		return false;
	peer->kick = loop_kick_create(peer->loop, peer_settle, peer);
	peer->poller = poller_create(peer->loop, peer_settle, peer);
	return peer->kick && peer->poller;
}

struct engine *engine_peer_open_without(struct loop *loop, struct workers *workers,
					struct engine *next, engine_done_fn *done, void *arg,
					unsigned without)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	peer->engine = (struct engine){
		.ops = &peer_ops, .next = next, .done = done, .done_arg = arg,
	};
	peer->loop = loop;
	peer->workers = workers;
	peer->try_host = !(without & PEER_NO_HOST_AIO);
	peer->lines.kcmp = !(without & PEER_NO_KCMP) && lines_probe();
	list_init(&peer->starting);
	list_init(&peer->finished);
	errno = ENOMEM;
	if (start(peer))
		return &peer->engine;

	int why = errno;

	peer_close(&peer->engine);
	errno = why;
	return NULL;
}

struct engine *engine_peer_open(struct loop *loop, struct workers *workers, struct engine *next,
				engine_done_fn *done, void *arg)
{
	return engine_peer_open_without(loop, workers, next, done, arg, 0);
}

void engine_peer_open_host(struct engine *e)
{
	(void)peer_host((struct peer *)(void *)e);
}

unsigned engine_peer_host_polls(const struct engine *e)
{
	const struct peer *peer = (const struct peer *)(const void *)e;

	return peer->host ? HOSTAIO_POLLS : 0;
}
