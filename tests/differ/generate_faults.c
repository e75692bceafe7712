/* SPDX-License-Identifier: MIT */
/*
 * Several things wrong at once, so that the order of checks shows, and numbers at their limits. A
 * list ends at its first error: most lists have one request.
 */
#include "generate.h"

static int is_vector(const struct step *cb)
{
	return cb->v[CB_OP] == IOCB_CMD_PREADV || cb->v[CB_OP] == IOCB_CMD_PWRITEV;
}

/* Segments without end; a few lengths more than the limit. */
static void long_vector(struct gen *g, struct step *cb)
{
	static const int64_t counts[] = { 1022, 1023, 1024, 1024, 1025, 1026 };

	cb->v[CB_OP] = one_in(g, 2) ? IOCB_CMD_PREADV : IOCB_CMD_PWRITEV;
	cb->v[CB_LEN] = pick(g, counts);
	cb->v[CB_VREP] = one_in(g, 3) ? 1026 : 0;
	for (unsigned i = 0; i < 4; i++) {
		cb->v[CB_S0 + 2 * i] = BUF(B_RW, 8192 * (int64_t)i);
		cb->v[CB_L0 + 2 * i] = (int64_t)below(g, 50);
	}
}

/* A bad address before or behind a bad length. */
static void bad_pair_in_vector(struct gen *g, struct step *cb)
{
	static const int64_t lengths[] = { -1, INT64_MIN, 0x7ffff000, 0 };
	static const int64_t places[] = { BUF(B_KERNEL, 0), BUF(B_TOP, 4096), BUF(B_HOLE, 0) };
	const unsigned n = 2 + (unsigned)below(g, 3), a = (unsigned)below(g, n),
		       b = (unsigned)below(g, n);

	cb->v[CB_OP] = one_in(g, 2) ? IOCB_CMD_PREADV : IOCB_CMD_PWRITEV;
	cb->v[CB_LEN] = n;
	for (unsigned i = 0; i < n; i++) {
		cb->v[CB_S0 + 2 * i] = BUF(B_RW, 8192 * (int64_t)i);
		cb->v[CB_L0 + 2 * i] = 8;
	}
	cb->v[CB_S0 + 2 * a] = pick(g, places);
	cb->v[CB_L0 + 2 * b] = pick(g, lengths);
}

static void bad_sync(struct gen *g, struct step *cb)
{
	cb->v[CB_OP] = IOCB_CMD_FSYNC + (int64_t)below(g, 2);
	cb->v[CB_LEN] = 0;
	switch (below(g, 4)) {
	case 0:
		cb->v[CB_RWF] = (int64_t)below(g, 3) + 1;
		break;
	case 1:
		cb->v[CB_OFF] = one_in(g, 2) ? 1 : -1;
		break;
	case 2:
		cb->v[CB_LEN] = 1;
		break;
	default:
		cb->v[CB_BUF] = BUF(B_NULL, 1);
	}
}

static void bad_poll(struct gen *g, struct step *cb)
{
	static const int64_t masks[] = { 0x10000, 0x10001, 0x80000000, 0x100000001, 1, 0xffff };

	cb->v[CB_OP] = IOCB_CMD_POLL;
	cb->v[CB_LEN] = one_in(g, 4);
	cb->v[CB_OFF] = one_in(g, 4);
	cb->v[CB_RWF] = one_in(g, 4);
	cb->v[CB_BUF] = pick(g, masks);
}

static void bad_priority(struct gen *g, struct step *cb)
{
	static const int64_t prios[] = { 1, 7, 0x2000, 0x4008, 0x6001, 0x8000, 0xe000 };

	cb->v[CB_FLAGS] |= IOCB_FLAG_IOPRIO;
	cb->v[CB_PRIO] = pick(g, prios);
}

static void bad_rwf(struct gen *g, struct step *cb)
{
	static const int64_t flags[] = {
		0x200, 0x80000000, 0x30, 0x230, RWF_NOWAIT, RWF_NOWAIT | 0x200, 0x40, 0x80, 0x240,
		RWF_APPEND, 0x20
	};

	cb->v[CB_RWF] = pick(g, flags);
}

static void bad_end(struct gen *g, struct step *cb)
{
	static const int64_t offsets[] = {
		INT64_MAX, INT64_MAX - 1, INT64_MAX - 511, INT64_MAX - 512, INT64_MAX - 4096, -1
	};
	static const int64_t lengths[] = { 0, 1, 2, 511, 512, 513, 4096, 4097 };

	cb->v[CB_OFF] = pick(g, offsets);
	if (is_vector(cb))
		cb->v[CB_L0] = pick(g, lengths);
	else
		cb->v[CB_LEN] = pick(g, lengths);
}

static void a_fault(struct gen *g, struct step *cb)
{
	switch (below(g, 10)) {
	case 0: long_vector(g, cb); break;
	case 1: bad_pair_in_vector(g, cb); break;
	case 2: bad_sync(g, cb); break;
	case 3: bad_poll(g, cb); break;
	case 4: bad_priority(g, cb); break;
	case 5: bad_rwf(g, cb); break;
	case 6: bad_end(g, cb); break;
	default: corrupt_one(g, cb);
	}
}

static void open_odd(struct gen *g)
{
	static const int whats[] = {
		W_FILE, W_FILE, W_PIPE, W_SOCK, W_EVENTFD, W_DIR, W_PATH, W_NULL, W_STATUS, W_OSTYPE,
		W_EPOLL, W_MEMFD, W_FIFO, W_TIMERFD, W_PIDFD
	};
	static const int modes[] = { M_RDONLY, M_WRONLY };

	add_open(g, W_FILE, M_RDONLY);
	add_open(g, W_FILE, M_WRONLY);
	add_open(g, W_FILE, M_RDWR);
	for (unsigned i = 0; i < 4; i++)
		add_open(g, pick(g, whats), one_in(g, 3) ? M_RDWR : pick(g, modes));
}

void theme_faults(struct gen *g)
{
	const unsigned rounds = 8 + (unsigned)below(g, 20);

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	open_odd(g);
	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned n = one_in(g, 6) ? 2 : 1; n; n--) {
			struct step *cb = add_valid(g, any_open(g));

			for (unsigned faults = 1 + (unsigned)below(g, 3); faults; faults--)
				a_fault(g, cb);
		}
		add_submit(g, one_in(g, 12) ? C_NULL - (int)below(g, 5) : 0);
		if (one_in(g, 6))
			add_getev(g, 0, 0, 8, T_ZERO);
	}
}

/* --- arguments of calls ------------------------------------------------------------------------- */

static int64_t any_at(struct gen *g)
{
	return one_in(g, 2) ? AT_OK : 1 + (int64_t)below(g, 5);
}

static int64_t some_context(struct gen *g)
{
	return one_in(g, 2) ? 0 : -1 - (int64_t)below(g, 6);
}

static void odd_setup(struct gen *g)
{
	static const int64_t numbers[] = {
		0, 1, -1, 4194304, 4194305, 0x80400001, 0x100000000, 0x100000001
	};
	struct step *s = add(g, K_SETUP);

	s->v[SETUP_C] = 1 + (int64_t)below(g, 2);
	s->v[SETUP_NR] = pick(g, numbers);
	s->v[SETUP_AT] = one_in(g, 4) ? AT_NONZERO : any_at(g);
}

static void odd_submit(struct gen *g)
{
	static const int64_t numbers[] = {
		0, 1, 2, 3, -1, INT64_MIN, INT64_MAX, 0x100000000, 0x100000001, NR_AUTO
	};
	struct step *cb = add_cb(g, IOCB_CMD_PREAD, a_slot_of(g, W_NULL)), *s;

	cb->v[CB_BUF] = BUF(B_RW, 0);
	cb->v[CB_REP] = (int64_t)below(g, 3);
	if (one_in(g, 3))
		corrupt_one(g, cb);
	s = add_submit(g, (int)some_context(g));
	s->v[SUBMIT_NR] = pick(g, numbers);
	s->v[SUBMIT_AT] = any_at(g);
	if (s->v[SUBMIT_AT] == AT_RO)
		s->v[SUBMIT_AT] = AT_OK;
}

static void odd_getevents(struct gen *g)
{
	static const int64_t numbers[] = {
		0, 1, 2, 3, -1, -2, INT64_MIN, INT64_MAX, 0x100000000, 0x100000001
	};
	static const int64_t times[] = {
		T_ZERO, T_ZERO, T_SHORT, T_NEG, T_NEGNS, T_BIGNS, T_BAD, T_BAD, T_WRAP
	};
	struct step *s = add_getev(g, (int)some_context(g), pick(g, numbers), pick(g, numbers),
				   (int)pick(g, times));

	if (one_in(g, 3)) {
		s->v[GETEV_AT] = any_at(g);
		s->v[GETEV_ROOM] = (int64_t)below(g, 4);
	}
	if (s->kind == K_PGETEV) {
		s->v[GETEV_MASK] = (int64_t)below(g, 4);
		s->v[GETEV_MAT] = any_at(g);
		s->v[GETEV_MSIZE] = one_in(g, 2) ? 8 : (int64_t)below(g, 17);
	}
}

static void odd_cancel(struct gen *g)
{
	struct step *s;

	if (one_in(g, 2)) {	/* one that waits, perhaps */
		add_cb(g, IOCB_CMD_POLL, a_slot_of(g, W_EVENTFD))->v[CB_BUF] = 1;
		add_submit(g, 0);
	}
	s = add(g, K_CANCEL);
	s->v[CANCEL_C] = some_context(g);
	s->v[CANCEL_ID] = one_in(g, 4) ? (int64_t)below(g, 32) : (int64_t)(g->next_id - 1) % 32;
	s->v[CANCEL_AT] = one_in(g, 3) ? AT_COPY : any_at(g);
}

void theme_arguments(struct gen *g)
{
	const unsigned rounds = 10 + (unsigned)below(g, 20);

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	a_slot_of(g, W_NULL);
	for (unsigned i = 0; i < rounds; i++) {
		switch (below(g, 6)) {
		case 0: odd_setup(g); break;
		case 1: odd_submit(g); break;
		case 2: odd_cancel(g); break;
		case 3:
			add(g, K_DESTROY)->v[DESTROY_C] = -1 - (int64_t)below(g, 6);
			break;
		default: odd_getevents(g);
		}
	}
}

/* --- ids ---------------------------------------------------------------------------------------- */

static void use(struct gen *g, int c)
{
	struct step *cb;

	switch (below(g, 5)) {
	case 0:
		add_getev(g, c, 0, 1 + (int64_t)below(g, 3), T_ZERO);
		break;
	case 1:
		add(g, K_CANCEL)->v[CANCEL_C] = c;
		break;
	case 2:
		add(g, K_DESTROY)->v[DESTROY_C] = c;
		break;
	default:
		cb = add_cb(g, IOCB_CMD_PREAD, a_slot_of(g, W_NULL));
		cb->v[CB_BUF] = BUF(B_RW, 0);
		cb->v[CB_REP] = 1 + (int64_t)below(g, 3);
		add_submit(g, c);
	}
}

/* The header of one ring has the id of another, or one that there never was. */
void theme_ids(struct gen *g)
{
	static const int64_t ids[] = { 0, 1, 2, 3, 1, 2, 100, -1, 0x7fffffff };
	const unsigned rounds = 4 + (unsigned)below(g, 10);

	for (int c = 0; c < 3; c++)
		add_setup(g, c, 10);
	for (unsigned i = 0; i < rounds; i++) {
		const int c = (int)below(g, 3);
		struct step *s;

		switch (below(g, 4)) {
		case 0:
			s = add(g, K_RINGMEM);
			s->v[RINGMEM_C] = c;
			s->v[RINGMEM_DO] = one_in(g, 3) ? MEM_MOVE : (int64_t)below(g, 3);
			break;
		case 1:
			add_setup(g, c, 10);
			break;
		default:
			s = add(g, K_POKE);
			s->v[POKE_C] = c;
			s->v[POKE_FIELD] = FIELD_ID;
			s->v[POKE_V] = pick(g, ids);
		}
		for (unsigned n = 1 + (unsigned)below(g, 3); n; n--)
			use(g, c);
		if (one_in(g, 2)) {
			s = add(g, K_POKE);
			s->v[POKE_C] = c;
			s->v[POKE_FIELD] = FIELD_ID;
			s->v[POKE_V] = c;
		}
	}
}
