/* SPDX-License-Identifier: MIT */
/* io_setup, io_destroy, io_submit, io_cancel, and the iocbs that they are given. */
#include "world.h"

#define POISON 0x5a5a5a5au
#define VECTOR_ROOM 1030

/* --- contexts ----------------------------------------------------------------------------------- */

static void context_made(struct world *w, int64_t index, aio_context_t handle)
{
	struct context *c = &w->ctx[index];
	const struct ring *r = (struct ring *)handle;

	*c = (struct context){
		.handle = handle, .stale = c->stale, .nr = r->nr, .live = true,
		.bytes = ((size_t)r->nr + 1) * sizeof(struct io_event),
	};
	say(" magic %x compat %u incompat %u header %u", r->magic, r->compat, r->incompat,
	    r->header_length);
	for (unsigned i = 0; i < r->nr; i++) {
		if (r->event[i].data || r->event[i].obj || r->event[i].res || r->event[i].res2)
			say(" slot %u is not zero", i);
	}
}

/*
 * Other programs may just have used up the machine's contexts. When they give them back is no event:
 * two seconds of looking.
 */
static long setup(unsigned nr, aio_context_t *where)
{
	long ret;

	for (unsigned i = 0; i < 100; i++) {
		ret = syscall(SYS_io_setup, nr, where);
		if (ret == 0 || errno != EAGAIN || nr > 2000)
			break;
		usleep(20000);		/* fs.aio-nr gives no event */
	}
	return ret < 0 ? -errno : ret;
}

void run_setup(struct world *w, const struct step *s)
{
	const int64_t index = s->v[SETUP_C] & (CONTEXTS - 1);
	aio_context_t handle = s->v[SETUP_AT] == AT_NONZERO ? 1 : 0;
	const int at = s->v[SETUP_AT] == AT_NONZERO ? AT_OK : (int)s->v[SETUP_AT];
	aio_context_t *where = (void *)arena_put(AREA_CTX, at, &handle, sizeof(handle), 4);
	long ret;

	if (w->ctx[index].live && !w->ctx[index].foreign) {
		say(" skipped");
		return;
	}
	ret = setup((unsigned)s->v[SETUP_NR], where);
	say(" %s", num(ret));
	if (!ret)
		context_made(w, index, *where);
}

/* Its requests will never be seen. */
static void forget_flights(struct world *w, int64_t index)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < w->flying_count; i++) {
		const struct flight *f = &w->flight[w->flying[i]];

		if (f->c != index)
			w->flying[kept++] = w->flying[i];
	}
	w->flying_count = kept;
}

void run_destroy(struct world *w, const struct step *s)
{
	struct context *c = context_of(w, s->v[DESTROY_C]);
	long ret = syscall(SYS_io_destroy, handle_of(w, s->v[DESTROY_C]));

	say(" %s", num(ret < 0 ? -errno : ret));
	if (ret || !c)
		return;
	c->stale = c->handle;
	c->live = false;
	forget_flights(w, c - w->ctx);
}

/* --- iocbs -------------------------------------------------------------------------------------- */

static uint64_t vector_of(const struct step *s)
{
	struct iovec v[4];

	for (unsigned i = 0; i < ARRAY_SIZE(v); i++) {
		v[i].iov_base = (void *)arena_place(s->v[CB_S0 + 2 * i]);
		v[i].iov_len = (size_t)s->v[CB_L0 + 2 * i];
	}
	if (s->v[CB_VAT] == AT_OK) {	/* several requests have vectors at a time; zeros behind */
		struct iovec *many = calloc(VECTOR_ROOM, sizeof(v[0]));

		need(many);
		for (unsigned i = 0; i < VECTOR_ROOM && i < 4 + (uint64_t)s->v[CB_VREP]; i++)
			many[i] = v[i % ARRAY_SIZE(v)];
		return (uint64_t)many;
	}
	return arena_put(AREA_VECTOR, (int)s->v[CB_VAT], v, sizeof(v), sizeof(v[0]) * 2);
}

static void fill_iocb(const struct step *s, struct iocb *cb)
{
	const bool vector = s->v[CB_OP] == IOCB_CMD_PREADV || s->v[CB_OP] == IOCB_CMD_PWRITEV;

	*cb = (struct iocb){
		.aio_key = POISON,
		.aio_rw_flags = (int)s->v[CB_RWF],
		.aio_lio_opcode = (uint16_t)s->v[CB_OP],
		.aio_reqprio = (int16_t)s->v[CB_PRIO],
		.aio_fildes = (uint32_t)fd_of(s->v[CB_FD]),
		.aio_nbytes = (uint64_t)s->v[CB_LEN],
		.aio_offset = s->v[CB_OFF],
		.aio_reserved2 = (uint64_t)s->v[CB_RSV],
		.aio_flags = (uint32_t)s->v[CB_FLAGS],
		.aio_resfd = (uint32_t)fd_of(s->v[CB_RESFD]),
	};
	if (vector)
		cb->aio_buf = vector_of(s);
	else if (s->v[CB_OP] == IOCB_CMD_POLL)
		cb->aio_buf = (uint64_t)s->v[CB_BUF];
	else
		cb->aio_buf = arena_place(s->v[CB_BUF]);
}

static bool add_pending(struct world *w, const struct step *s, struct iocb *cb, bool readable)
{
	const unsigned n = w->flights;

	if (n == FLIGHTS || w->pending_count == LIST_MAX - 1)
		return false;
	w->flights++;
	w->flight[n] = (struct flight){
		.obj = (uint64_t)cb, .op = (uint8_t)s->v[CB_OP], .c = -1,
		.f = (int8_t)(s->v[CB_FD] >= 0 && s->v[CB_FD] < SLOTS ? s->v[CB_FD] : -1),
		.events = (uint16_t)s->v[CB_BUF] | POLLERR | POLLHUP, .readable = readable,
	};
	if (w->flight[n].f >= 0)
		w->flight[n].generation = w->fd[w->flight[n].f].generation;
	w->pending_flight[w->pending_count] = (uint16_t)n;
	w->pending[w->pending_count++] = cb;
	return true;
}

static void odd_place(struct world *w, const struct step *s, struct iocb *cb)
{
	const int at = (int)s->v[CB_AT];

	cb->aio_data = TAG + w->flights;
	cb = (struct iocb *)arena_put(AREA_IOCB, at, cb, sizeof(*cb), sizeof(*cb) / 2);
	add_pending(w, s, cb, at == AT_RO);
}

void run_cb(struct world *w, const struct step *s)
{
	const unsigned rep = s->v[CB_REP] > 0 && s->v[CB_REP] < LIST_MAX ? s->v[CB_REP] : 1;
	struct iocb *cb = arena_iocbs(w, rep), filled;

	fill_iocb(s, &filled);
	w->cb[s->v[CB_ID] & (CB_IDS - 1)] = cb;
	if (s->v[CB_AT] != AT_OK && s->v[CB_AT] != AT_COPY) {
		odd_place(w, s, &filled);
		return;
	}
	for (unsigned i = 0; i < rep; i++) {
		filled.aio_data = TAG + w->flights;
		cb[i] = filled;
		if (!add_pending(w, s, &cb[i], true))
			break;
	}
}

/* --- io_submit ---------------------------------------------------------------------------------- */

static void say_keys(struct world *w)
{
	unsigned zero = 0, kept = 0;

	for (unsigned i = 0; i < w->pending_count; i++) {
		if (!w->flight[w->pending_flight[i]].readable)
			continue;
		zero += w->pending[i]->aio_key == 0;
		kept += w->pending[i]->aio_key == POISON;
	}
	say(" keys %u zero %u kept", zero, kept);
}

static void accepted(struct world *w, const struct step *s, long n)
{
	struct context *c = context_of(w, s->v[SUBMIT_C]);

	for (long i = 0; i < n && i < (long)w->pending_count; i++) {
		struct flight *f = &w->flight[w->pending_flight[i]];

		f->state = FLYING;
		f->c = c ? (int8_t)(c - w->ctx) : -1;
		w->flying[w->flying_count++] = w->pending_flight[i];
		if (c && f->class == ASYNC && f->op != IOCB_CMD_POLL)
			c->tainted = true;
	}
}

static long submit(struct world *w, const struct step *s, bool blocks)
{
	const long nr = s->v[SUBMIT_NR] == NR_AUTO ? (long)w->pending_count : s->v[SUBMIT_NR];
	const int at = (int)s->v[SUBMIT_AT];
	void *list = w->pending;
	long ret;

	w->pending[w->pending_count] = NULL;
	if (at != AT_OK)
		list = (void *)arena_put(AREA_LIST, at, w->pending,
					 (w->pending_count + 1) * sizeof(w->pending[0]),
					 w->pending_count * sizeof(w->pending[0]));
	if (blocks)
		alarm_start();
	ret = syscall(SYS_io_submit, handle_of(w, s->v[SUBMIT_C]), nr, list);
	if (ret < 0)
		ret = -errno;
	if (blocks)
		alarm_stop();
	return ret;
}

void run_submit(struct world *w, const struct step *s)
{
	const unsigned blocking = drop_blocking(w, !w->opt->kernel);
	const struct context *c = context_of(w, s->v[SUBMIT_C]);
	long ret;

	if (c && c->poked && w->pending_count >= c->nr)
		w->pending_count = c->nr - 1;	/* a whole turn of the tail cannot be seen */

	if (blocking)
		say(" (%u may block)", blocking);
	if (too_many(w, c)) {
		say(" not done, slots may be elsewhere");
	} else {
		classify(w);
		ret = submit(w, s, blocking && w->opt->kernel);
		say(" %s", num(ret));
		say_keys(w);
		accepted(w, s, ret);
	}
	w->pending_count = 0;
	memset(w->object_cold, 0, sizeof(w->object_cold));
}

/* A cancelled POLL is completed by another thread of the kernel. */
static void cancelled(struct world *w, const struct iocb *cb)
{
	for (unsigned i = 0; i < w->flying_count; i++) {
		struct flight *f = &w->flight[w->flying[i]];

		if (f->obj != (uint64_t)cb || f->op != IOCB_CMD_POLL || f->cancelled)
			continue;
		f->cancelled = true;
		break;
	}
}

void run_cancel(struct world *w, const struct step *s)
{
	const int at = (int)s->v[CANCEL_AT];
	struct iocb *cb = w->cb[s->v[CANCEL_ID] & (CB_IDS - 1)], zero = { 0 };
	struct io_event result = { .data = 1, .obj = 2, .res = 3, .res2 = 4 }, before = result;
	long ret;

	if (at != AT_OK)
		cb = (struct iocb *)arena_put(AREA_IOCB, at, cb ? cb : &zero, sizeof(*cb), 8);
	ret = syscall(SYS_io_cancel, handle_of(w, s->v[CANCEL_C]), cb, &result);
	if (ret < 0)
		ret = -errno;
	if (ret == -EINPROGRESS)
		cancelled(w, cb);
	say(" %s", num(ret));
	if (memcmp(&result, &before, sizeof(result)))
		say(" result was written");
}
