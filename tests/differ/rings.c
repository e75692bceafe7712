/* SPDX-License-Identifier: MIT */
/*
 * Theory. Every request has a number, in its aio_data. After each step we wait until all that can
 * be complete is in the rings ("settle"), tell the new events, and then write those that may come
 * in any order back into the ring sorted: from then on order is the same natively and sandboxed,
 * and all that follows can be compared exactly. The kernel takes events from these very pages.
 */
#include "world.h"

struct context *context_of(struct world *w, int64_t c)
{
	return c >= 0 && c < CONTEXTS && w->ctx[c].live ? &w->ctx[c] : NULL;
}

/* Of this very process: a forked child may get a ring where its parent has one (D9). */
static bool is_live(struct world *w, aio_context_t handle)
{
	for (unsigned i = 0; i < CONTEXTS; i++) {
		if (w->ctx[i].live && !w->ctx[i].foreign && w->ctx[i].handle == handle)
			return true;
	}
	return false;
}

aio_context_t handle_of(struct world *w, int64_t c)
{
	const struct context *ctx = c >= 0 && c < CONTEXTS ? &w->ctx[c] : &w->ctx[0];

	switch (c) {
	case C_ONE:
		return 1;
	case C_MINUS1:
		return -1;
	case C_KERNEL:
		return KERNEL_ADDRESS;
	case C_OFF4:
		return ctx->live ? ctx->handle + 4 : 4;
	case C_NULL:
		return 0;
	}
	if (c >= 0 && ctx->live)
		return ctx->foreign && is_live(w, ctx->handle) ? 1 : ctx->handle;
	return is_live(w, ctx->stale) ? 1 : ctx->stale;	/* the address may be in use again */
}

struct ring *ring_of(const struct context *c)
{
	return c->live && !c->foreign && !c->hidden ? (struct ring *)c->handle : NULL;
}

/* Calls are received in order: what was called before has been received when this returns. */
void barrier(void)
{
	syscall(SYS_io_cancel, 0, NULL, NULL);
}

/* --- events ------------------------------------------------------------------------------------ */

static struct flight *flight_of(struct world *w, uint64_t data)
{
	data -= TAG;
	return data < w->flights ? &w->flight[data] : NULL;
}

static bool async(struct world *w, const struct io_event *ev)
{
	const struct flight *f = flight_of(w, ev->data);

	return f && f->class == ASYNC;
}

void say_event(struct world *w, const struct io_event *ev)
{
	const struct flight *f = flight_of(w, ev->data);

	if (!f)
		say(" ?%llx", (unsigned long long)ev->data);
	else
		say(" #%u", (unsigned)(ev->data - TAG));
	say("=%s", num(ev->res));
	if (f && f->obj != ev->obj)
		say("(wrong obj)");
	if (ev->res2)
		say("(res2 %s)", num(ev->res2));
}

static bool continues(struct world *w, const struct io_event *a, const struct io_event *b)
{
	const struct flight *f = flight_of(w, a->data), *g = flight_of(w, b->data);

	return f && g && f + 1 == g && a->res == b->res && a->obj == f->obj && b->obj == g->obj &&
	       !a->res2 && !b->res2;
}

void say_events(struct world *w, const struct io_event *ev, long n)
{
	for (long i = 0, run; i < n; i += run + 1) {
		for (run = 0; i + run + 1 < n && continues(w, &ev[i + run], &ev[i + run + 1]);)
			run++;
		say_event(w, &ev[i]);
		if (run)
			say("(..#%u)", (unsigned)(ev[i + run].data - TAG));
	}
}

/* Is the descriptor still what it was when the request was made? */
static bool same_file(struct world *w, const struct flight *f)
{
	const struct fdslot *s = slot_of(w, f->f);

	return s && s->generation == f->generation;
}

static void landed(struct world *w, const struct io_event *ev)
{
	const struct flight *f = flight_of(w, ev->data);

	if (f && f->op == IOCB_CMD_POLL && !same_file(w, f))
		w->released = true;
	for (unsigned i = 0; f && i < w->flying_count; i++) {
		if (w->flying[i] != f - w->flight)
			continue;
		w->flight[w->flying[i]].state = DONE;
		memmove(&w->flying[i], &w->flying[i + 1],
			(--w->flying_count - i) * sizeof(w->flying[0]));
		break;
	}
}

static void scan(struct world *w, struct context *c)
{
	struct ring *r = ring_of(c);
	uint32_t tail;

	if (!r)
		return;
	tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	if (tail >= c->nr || (c->tail_poked && tail == c->poked_tail))
		return;
	c->tail_poked = false;
	for (; c->seen != tail; c->seen = (c->seen + 1) % c->nr)
		landed(w, &r->event[c->seen]);
}

static void scan_all(struct world *w)
{
	for (unsigned i = 0; i < CONTEXTS; i++)
		scan(w, &w->ctx[i]);
}

/* --- settle ------------------------------------------------------------------------------------ */

/* 0: it may well wait; 1: a poll that should have been woken; 2: nothing may keep it waiting */
static int urgency(struct world *w, const struct flight *f)
{
	struct pollfd p = { .fd = fd_of(f->f), .events = (short)f->events };

	if (f->abandoned || f->c < 0 || !ring_of(&w->ctx[f->c]))
		return 0;
	if (f->op != IOCB_CMD_POLL || f->cancelled)
		return 2;
	if (!same_file(w, f))
		return 0;
	return poll(&p, 1, 0) == 1;
}

static int most_urgent(struct world *w)
{
	int most = 0;

	for (unsigned i = 0; i < w->flying_count && most < 2; i++) {
		int u = urgency(w, &w->flight[w->flying[i]]);

		most = u > most ? u : most;
	}
	return most;
}

static int wait_for_urgent(struct world *w)
{
	const uint64_t begin = now_ms();
	unsigned nap_us = 10;
	int urgent;

	for (scan_all(w); (urgent = most_urgent(w)) > 0; scan_all(w)) {
		if (now_ms() - begin > (urgent == 2 ? 5000 : 2000))
			break;
		usleep(nap_us);		/* between two looks: an event in a ring wakes nobody */
		nap_us = nap_us < 1000 ? nap_us * 2 : 1000;
	}
	return urgent;
}

static void abandon(struct world *w)
{
	for (unsigned i = 0; i < w->flying_count; i++) {
		struct flight *f = &w->flight[w->flying[i]];

		if (urgency(w, f) < 2)
			continue;
		f->abandoned = true;
		say("  #%u is never completed\n", w->flying[i]);
	}
}

void settle(struct world *w)
{
	const bool flew = w->flying_count;
	int urgent;

	if (flew) {
		barrier();
		/* a POLL may be woken that poll(2) says nothing of, or not: no wait, but time for it */
		usleep(300);		/* what may not come is no event */
		barrier();
	}
	urgent = wait_for_urgent(w);
	if (flew)
		barrier();		/* what was in a ring is counted in its eventfd by now */
	if (w->released) {
		w->released = false;
		/* the kernel closes in its next tick or two what nobody else has, and tells nobody */
		usleep(12000);		/* nor is a close by the kernel */
		barrier();
		urgent = wait_for_urgent(w);
	}
	if (urgent == 2)
		abandon(w);
}

/* What is complete when io_submit returns natively must be so here. */
void note_sync(struct world *w)
{
	scan_all(w);
	for (unsigned i = 0; i < w->flying_count; i++) {
		struct flight *f = &w->flight[w->flying[i]];

		if (f->class == SYNC && f->c >= 0 && ring_of(&w->ctx[f->c]))
			say("  #%u is late\n", w->flying[i]);
	}
}

/* --- telling ----------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const struct io_event *x = a, *y = b;

	return x->data < y->data ? -1 : x->data > y->data;
}

static void write_back(struct context *c, struct ring *r, const struct io_event *ev, unsigned n)
{
	const unsigned head = r->head % c->nr;

	/* somebody has begun to take them; a head that stands there since before tells nothing */
	for (unsigned i = 1; i < n && r->head != c->header[2]; i++) {
		if ((c->told_tail + i) % c->nr == head)
			return;
	}
	if (c->readonly)
		need(!mprotect(r, c->bytes, PROT_READ | PROT_WRITE));
	for (unsigned i = 0; i < n; i++)
		r->event[(c->told_tail + i) % c->nr] = ev[i];
	if (c->readonly)
		need(!mprotect(r, c->bytes, PROT_READ));
}

static void tell_context(struct world *w, struct context *c)
{
	static _Thread_local struct io_event ordered[FLIGHTS];
	struct ring *r = ring_of(c);
	unsigned n = 0, sync;

	if (!r || c->told_tail == c->seen)
		return;
	for (int pass = 0; pass < 2; pass++) {
		sync = n;
		for (unsigned i = c->told_tail; i != c->seen; i = (i + 1) % c->nr) {
			if (async(w, &r->event[i]) == pass)
				ordered[n++] = r->event[i];
		}
	}
	qsort(&ordered[sync], n - sync, sizeof(ordered[0]), by_number);
	say("  c%u:", (unsigned)(c - w->ctx));
	say_events(w, ordered, sync);
	if (sync < n)
		say(" any order:");
	say_events(w, &ordered[sync], n - sync);
	say("\n");
	if (sync < n)
		write_back(c, r, ordered, n);
	c->told_tail = c->seen;
}

void tell_events(struct world *w)
{
	for (unsigned i = 0; i < CONTEXTS; i++)
		tell_context(w, &w->ctx[i]);
}

void tell_rings(struct world *w)
{
	for (unsigned i = 0; i < CONTEXTS; i++) {
		struct context *c = &w->ctx[i];
		struct ring *r = ring_of(c);
		uint32_t now[4];

		if (!r)
			continue;
		memcpy(now, (uint32_t[]){ r->id, r->nr, r->head, r->tail }, sizeof(now));
		if (!memcmp(now, c->header, sizeof(now)))
			continue;
		memcpy(c->header, now, sizeof(now));
		say("  c%u id %u nr %u head %u tail %u\n", i, now[0], now[1], now[2], now[3]);
	}
}
