/* SPDX-License-Identifier: MIT */
/*
 * The engine on the host's own AIO: O_DIRECT transfers and syncs of local storage. The rest is for
 * `next` (threads), as host AIO would just do it inside io_submit. It is what the program would
 * have had natively; among other things inotify sees nothing of it.
 *
 * Host AIO promises no asynchrony: an extending write, a full request queue, a frozen file system
 * make io_submit wait, and the loop must not. So the loop submits with RWF_NOWAIT, in batches, and
 * what would wait (EAGAIN, as submission error or event) is submitted again without it by a worker,
 * which waits in its place; its completion comes through the ring like all others. A worker also
 * submits for files without NOWAIT support, and for others' credentials.
 *
 * Syncs wait nowhere: the kernel's own worker does them, with the submitter's credentials.
 *
 * An event can come before the worker's io_submit has returned: an io is finished when both have.
 */
#include "engine.h"

#include <assert.h>

#include "creds.h"
#include "hostaio.h"
#include "loop.h"
#include "util.h"
#include "workers.h"

#define RETRY_NS NSEC_PER_MSEC

enum way {
	WAY_AT_ONCE,	/* by the loop */
	WAY_WORKER,
	WAY_NEXT,	/* the host refuses it: by the engine below */
};

struct libaio;

/* An io that is held. */
struct held {
	struct list node;		/* of unused, queued or again */
	struct libaio *libaio;
	struct io *io;
	struct hostaio_slot *slot;
	enum way way;
	bool nowait;			/* RWF_NOWAIT is ours */
	struct work work;
	bool working;
	bool told;			/* while a worker is still in the call */
	int64_t result;			/* what was told then */
	int started;			/* what the worker's io_submit said */
};

struct libaio {
	struct engine engine;
	struct loop *loop;
	struct workers *workers;
	struct hostaio *host;
	struct loop_timer retry;	/* always armed, so that moving it cannot fail */
	unsigned in_flight;
	struct list unused;
	struct list queued;		/* for the next io_submit */
	struct list again;		/* there was no memory for it */
	struct list finished;		/* struct io */
	struct held helds[];
};

static struct libaio *to_libaio(struct engine *e)
{
	return container_of(e, struct libaio, engine);
}

static bool is_transfer(const struct io *io)
{
	return io->op == IO_READ || io->op == IO_WRITE;
}

static bool is_ours(const struct io *io)
{
	return io->file->class == FILE_LOCAL && io->op != IO_POLL &&
	       (io->direct || !is_transfer(io));
}

static void let_go(struct held *h)
{
	h->io = NULL;
	h->libaio->in_flight--;
	list_add(&h->libaio->unused, &h->node);
}

static void finish(struct held *h, int64_t result)
{
	struct libaio *l = h->libaio;

	h->io->result = result;
	if (l->engine.stamps)
		h->io->done_ns = now_ns();
	list_add_tail(&l->finished, &h->io->node);
	let_go(h);
}

static void try_later(struct held *h, uint64_t delay_ns)
{
	struct libaio *l = h->libaio;

	list_add_tail(&l->again, &h->node);
	loop_timer_start(l->loop, &l->retry, now_ns() + delay_ns);
}

static void work_run(struct work *w)
{
	struct held *h = container_of(w, struct held, work);

	h->started = creds_be(h->io->who);
	if (!h->started)
		h->started = hostaio_start(h->libaio->host, &h->slot, 1);
}

static void by_next(struct held *h)
{
	switch (engine_submit(h->libaio->engine.next, h->io)) {
	case ENGINE_DONE:
		finish(h, h->io->result);
		loop_timer_start(h->libaio->loop, &h->libaio->retry, now_ns());
		break;
	case ENGINE_QUEUED:
		let_go(h);
		break;
	case ENGINE_BUSY:
		try_later(h, RETRY_NS);
		break;
	}
}

/* There are as many slots as ios can be held: one is free. */
static void begin(struct held *h)
{
	struct libaio *l = h->libaio;

	if (h->way == WAY_NEXT) {
		by_next(h);
		return;
	}
	h->nowait = h->way == WAY_AT_ONCE && is_transfer(h->io) &&
		    !(h->io->rw_flags & RWF_NOWAIT);
	h->slot = hostaio_take(l->host, h);
	hostaio_prepare(l->host, h->slot, h->io, h->nowait ? RWF_NOWAIT : 0);
	if (h->way == WAY_AT_ONCE) {
		list_add_tail(&l->queued, &h->node);
		return;
	}
	h->working = true;
	h->told = false;
	workers_queue(l->workers, h->io->file->lane, &h->work);
}

/* io_submit has said no. EAGAIN: the host lacks memory, which is nobody's error. */
static void refused(struct held *h, int err)
{
	hostaio_put(h->libaio->host, h->slot);
	if (err == -EAGAIN) {
		try_later(h, RETRY_NS);
		return;
	}
	if (err == -EOPNOTSUPP && h->nowait) {
		h->io->file->nowait = false;
		h->way = WAY_WORKER;
	} else {
		h->way = WAY_NEXT;
	}
	begin(h);
}

/*
 * What NOWAIT alone has caused: a refusal, or a read that went on in the page cache and found only
 * a part there. 0 is the end of the file.
 */
static bool would_wait(const struct held *h, int64_t result)
{
	if (!h->nowait)
		return false;
	return result == -EAGAIN || result == -EOPNOTSUPP ||
	       (h->io->op == IO_READ && result > 0 && (size_t)result < h->io->length_bytes);
}

static void settle(struct held *h, int64_t result)
{
	if (result != -EINTR && !would_wait(h, result)) {
		finish(h, result);
		return;
	}
	h->way = WAY_WORKER;
	begin(h);
}

static void told(void *arg, void *cookie, int64_t result)
{
	struct held *h = cookie;

	if (h->working) {
		h->told = true;
		h->result = result;
	} else {
		settle(h, result);
	}
}

static void work_done(struct work *w)
{
	struct held *h = container_of(w, struct held, work);

	h->working = false;
	if (h->started != 1)
		refused(h, h->started);
	else if (h->told)
		settle(h, h->result);
}

static unsigned first_queued(struct libaio *l, struct hostaio_slot **slots)
{
	unsigned n = 0;

	list_for_each(pos, next, &l->queued) {
		if (n == HOSTAIO_BATCH)
			break;
		slots[n++] = list_entry(pos, struct held, node)->slot;
	}
	return n;
}

static void push(struct libaio *l)
{
	struct hostaio_slot *slots[HOSTAIO_BATCH];
	unsigned n;

	while ((n = first_queued(l, slots))) {
		int started = hostaio_start(l->host, slots, n);

		for (int i = 0; i < started; i++)
			list_pop(&l->queued);
		if (started < 0)
			refused(list_entry(list_pop(&l->queued), struct held, node), started);
	}
}

static enum engine_answer libaio_submit(struct engine *e, struct io *io)
{
	struct libaio *l = to_libaio(e);
	struct held *h;

	assert(io->file->class != FILE_PEER);
	if (!is_ours(io))
		return engine_submit(e->next, io);
	h = list_first(&l->unused, struct held, node);
	if (!h)
		return ENGINE_BUSY;
	list_del(&h->node);
	l->in_flight++;
	h->io = io;
	h->way = WAY_AT_ONCE;
	if (io->who || (is_transfer(io) && !io->file->nowait && !(io->rw_flags & RWF_NOWAIT)))
		h->way = WAY_WORKER;
	if (e->stamps)
		io->started_ns = now_ns();
	begin(h);
	return ENGINE_QUEUED;
}

static void libaio_flush(struct engine *e)
{
	push(to_libaio(e));
}

static void libaio_harvest(struct engine *e, struct list *ios)
{
	struct libaio *l = to_libaio(e);

	hostaio_harvest(l->host);
	list_splice_tail(ios, &l->finished);
}

static void deliver(void *arg)
{
	struct libaio *l = arg;
	struct list ios;

	if (list_empty(&l->finished))
		return;
	list_init(&ios);
	list_splice_tail(&ios, &l->finished);
	l->engine.done(l->engine.done_arg, &ios);
}

static void retry(void *arg)
{
	struct libaio *l = arg;
	struct list again;

	loop_timer_start(l->loop, &l->retry, UINT64_MAX);
	list_init(&again);
	list_splice_tail(&again, &l->again);
	for (struct list *node; (node = list_pop(&again));)
		begin(list_entry(node, struct held, node));
	push(l);
	deliver(l);
}

static void libaio_close(struct engine *e)
{
	struct libaio *l = to_libaio(e);

	assert(l->in_flight == 0 && list_empty(&l->finished));
	loop_each_turn_end(l->loop, deliver, l);
	loop_timer_stop(l->loop, &l->retry);
	hostaio_destroy(l->host);
	free(l);
}

static const struct engine_ops libaio_ops = {
	.name = "libaio",
	.submit = libaio_submit,
	.flush = libaio_flush,
	.harvest = libaio_harvest,
	.close = libaio_close,
};

static void hold_room(struct libaio *l, unsigned depth)
{
	list_init(&l->unused);
	list_init(&l->queued);
	list_init(&l->again);
	list_init(&l->finished);
	for (unsigned i = 0; i < depth; i++) {
		l->helds[i].libaio = l;
		l->helds[i].work.run = work_run;
		l->helds[i].work.done = work_done;
		list_add_tail(&l->unused, &l->helds[i].node);
	}
}

static int start(struct libaio *l, unsigned depth)
{
	l->host = hostaio_create(l->loop, depth, told, deliver, l);
	if (!l->host)
		return neg_errno();
	l->retry.fn = retry;
	l->retry.arg = l;
	if (loop_timer_start(l->loop, &l->retry, UINT64_MAX))
		return -ENOMEM;
	return loop_each_turn(l->loop, deliver, l);
}

struct engine *engine_libaio_open(struct loop *loop, struct workers *workers, unsigned depth,
				  struct engine *next, engine_done_fn *done, void *arg)
{
	struct libaio *l = calloc(1, sizeof(*l) + depth * sizeof(l->helds[0]));
	int err;

	assert(depth);
	if (!l)
		return NULL;
	l->engine = (struct engine){ .ops = &libaio_ops, .next = next, .done = done,
				     .done_arg = arg };
	l->loop = loop;
	l->workers = workers;
	hold_room(l, depth);
	err = start(l, depth);
	if (!err)
		return &l->engine;
	libaio_close(&l->engine);
	errno = -err;
	return NULL;
}
