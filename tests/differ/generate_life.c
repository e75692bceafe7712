/* SPDX-License-Identifier: MIT */
/* Themes about contexts, processes, threads, signals and storage. */
#include "generate.h"

static struct step *quick(struct gen *g, int c)
{
	struct step *cb = add_cb(g, IOCB_CMD_PREAD, a_slot_of(g, W_NULL));

	cb->v[CB_LEN] = (int64_t)below(g, 64);
	cb->v[CB_BUF] = BUF(B_RW, 0);
	if (one_in(g, 3))
		resfd(cb, a_slot_of(g, W_EVENTFD));
	cb->v[CB_REP] = one_in(g, 6) ? 1 + (int64_t)below(g, 130) : 1 + (int64_t)below(g, 3);
	add_submit(g, c);
	return cb;
}

static void a_setup(struct gen *g)
{
	static const int64_t sizes[] = { 1, 62, 63, 126, 127, 128, 190, 191, 255, 256, 300 };
	static const int64_t refused[] = {
		0, -1, 4194304, 4194305, 2000000, 0x7fffffff, 0x80400001, 0x100000000, 0x100000001
	};
	const int c = (int)below(g, 4);
	struct step *s;

	add_setup(g, c, one_in(g, 4) ? pick(g, refused) : pick(g, sizes));
	s = &g->p->step[g->p->count - 1];
	if (one_in(g, 6))
		s->v[SETUP_AT] = 1 + (int64_t)below(g, 7);
	if (s->v[SETUP_AT] == AT_COPY)
		s->v[SETUP_AT] = AT_NONZERO;
}

static void a_destroy(struct gen *g)
{
	const int c = any_context(g);

	add(g, K_DESTROY)->v[DESTROY_C] = c;
	if (c >= 0)
		g->live[c] = false;
}

static void ring_memory(struct gen *g)
{
	static const int64_t what[] = {
		MEM_RO, MEM_RW, MEM_NOACCESS, MEM_RW, MEM_MOVE, MEM_MOVE, MEM_DONTNEED
	};
	struct step *s = add(g, K_RINGMEM);

	s->v[RINGMEM_C] = (int64_t)below(g, 2);
	s->v[RINGMEM_DO] = pick(g, what);
}

static void ring_header(struct gen *g)
{
	struct step *s = add(g, K_POKE);

	s->v[POKE_C] = (int64_t)below(g, 2);
	s->v[POKE_FIELD] = one_in(g, 3) ? FIELD_ID : below(g, 2) ? FIELD_HEAD : FIELD_NR;
	s->v[POKE_ADD] = 1;
	s->v[POKE_V] = s->v[POKE_FIELD] == FIELD_ID ? (one_in(g, 2) ? 1 : -1) : (int64_t)below(g, 9);
}

static void some_calls(struct gen *g)
{
	const int c = any_context(g);

	switch (below(g, 3)) {
	case 0:
		quick(g, c);
		break;
	case 1:
		add_getev(g, c, (int64_t)below(g, 3), 1 + (int64_t)below(g, 4),
			  one_in(g, 2) ? T_ZERO : T_SHORT);
		break;
	default:
		add(g, K_CANCEL)->v[CANCEL_C] = c;
	}
}

static void in_a_block(struct gen *g, enum kind kind)
{
	const unsigned count = 1 + (unsigned)below(g, 4);

	add(g, kind);
	for (unsigned i = 0; i < count; i++) {
		if (one_in(g, 4))
			a_setup(g);
		else if (one_in(g, 6))
			a_destroy(g);
		else
			some_calls(g);
	}
	if (kind == K_FORK && one_in(g, 4))
		add(g, K_EXIT)->v[EXIT_HOW] = (int64_t)below(g, 2);
	add(g, K_END);
}

/* Contexts come and go, their memory changes, other tasks use them. */
void theme_life(struct gen *g)
{
	static const enum kind blocks[] = { K_FORK, K_THREAD, K_VFORK };
	const unsigned rounds = 5 + (unsigned)below(g, 10);

	add_setup(g, 0, 1 + (int64_t)below(g, 130));
	for (unsigned i = 0; i < rounds; i++) {
		switch (below(g, 10)) {
		case 0: case 1: a_setup(g); break;
		case 2: a_destroy(g); break;
		case 3: ring_memory(g); break;
		case 4: ring_header(g); break;
		case 5: in_a_block(g, pick(g, blocks)); break;
		case 6: add_noise(g); break;
		default: some_calls(g);
		}
	}
}

/* Writes and reads that are in flight for a while: each has a place of its own. */
void theme_direct(struct gen *g)
{
	static const int modes[] = { M_DIRECT, M_DIRECT, M_DIRECT_RDONLY, M_RDWR };
	const unsigned rounds = 2 + (unsigned)below(g, 5);
	int fd[2];

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	for (unsigned i = 0; i < 2; i++)
		fd[i] = add_open(g, W_FILE, pick(g, modes));
	g->p->step[g->p->count - 1].v[OPEN_NAME] = 3;
	g->p->step[g->p->count - 2].v[OPEN_NAME] = 1;
	for (unsigned i = 0; i < rounds; i++) {
		const unsigned n = 1 + (unsigned)below(g, 4);

		for (unsigned k = 0; k < n; k++) {
			struct step *cb = add_cb(g, (int)below(g, 2), fd[below(g, 2)]);

			cb->v[CB_BUF] = BUF(B_RW, 16384 * k + (one_in(g, 4) ? 512 : 0));
			cb->v[CB_LEN] = one_in(g, 4) ? 512 : 4096;
			cb->v[CB_OFF] = 4096 * (int64_t)k + (one_in(g, 5) ? 512 : 0);
			if (one_in(g, 8))
				cb->v[CB_LEN] = a_length(g) % 8192;
			if (one_in(g, 5))
				resfd(cb, a_slot_of(g, W_EVENTFD));
			if (n == 1 && one_in(g, 4))
				corrupt(g, cb, 1);
		}
		if (one_in(g, 4))
			add_cb(g, IOCB_CMD_FSYNC + (int)below(g, 2), fd[below(g, 2)]);
		add_submit(g, 0)->v[SUBMIT_LATE] = one_in(g, 5);
		if (one_in(g, 3))
			add_getev(g, 0, 0, 8, T_ZERO);
		else if (one_in(g, 6))
			add(g, K_CLOSE)->v[CLOSE_F] = fd[below(g, 2)];
	}
	if (one_in(g, 4))
		add(g, K_DESTROY);
	else if (one_in(g, 6))
		add(g, K_EXIT);
}

static void a_signal(struct gen *g, struct step *s, unsigned arg)
{
	static const int64_t signals[] = { SIGUSR1, SIGUSR1, SIGUSR2, SIGWINCH };

	(void)s;
	s->v[arg] = pick(g, signals);
}

static void signal_step(struct gen *g)
{
	struct step *s;

	if (one_in(g, 2)) {
		s = add(g, K_RAISE);
		a_signal(g, s, RAISE_SIG);
		return;
	}
	s = add(g, K_ACTION);
	a_signal(g, s, ACTION_SIG);
	s->v[ACTION_DO] = (int64_t)below(g, 6);
	if (s->v[ACTION_DO] == DO_DEFAULT && s->v[ACTION_SIG] != SIGWINCH)
		s->v[ACTION_DO] = DO_BLOCK;
	if (one_in(g, 3) && s->v[ACTION_DO] < DO_BLOCK)
		s->v[ACTION_SIG] = one_in(g, 2) ? SIGPIPE : SIGXFSZ;
}

/* What raises a signal by itself: a closed peer, a limit. */
static void deadly(struct gen *g)
{
	struct step *cb;
	int fd;

	if (one_in(g, 2)) {
		fd = add_open(g, one_in(g, 2) ? W_PIPE : W_SOCK, M_RDWR);
		add(g, K_CLOSE)->v[CLOSE_F] = fd;
		cb = add_cb(g, IOCB_CMD_PWRITE, fd + 1);
		cb->v[CB_LEN] = 8;
	} else {
		add(g, K_FSIZE)->v[FSIZE_V] = 4096;
		cb = add_cb(g, IOCB_CMD_PWRITE, a_slot_of(g, W_FILE));
		cb->v[CB_OFF] = (int64_t)below(g, 8192);
		cb->v[CB_LEN] = 100;
	}
	cb->v[CB_BUF] = BUF(B_RW, 0);
	if (one_in(g, 4))
		cb->v[CB_RWF] = 0x100;
	add_submit(g, 0);
}

void theme_signals(struct gen *g)
{
	const unsigned rounds = 4 + (unsigned)below(g, 8);

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	for (unsigned i = 0; i < rounds; i++) {
		struct step *s;

		signal_step(g);
		if (one_in(g, 3))
			quick(g, 0);
		if (one_in(g, 4))
			deadly(g);
		if (one_in(g, 3))
			continue;
		s = add_getev(g, 0, (int64_t)below(g, 3), 1 + (int64_t)below(g, 4),
			      one_in(g, 2) ? T_SHORT : (int)below(g, 9));
		if (s->kind == K_GETEV && one_in(g, 2)) {
			s->kind = K_PGETEV;
			s->v[GETEV_MASK] = MASK_NONE;
			s->v[GETEV_MAT] = AT_OK;
			s->v[GETEV_MSIZE] = 8;
		}
		if (s->kind == K_PGETEV) {
			s->v[GETEV_MASK] = (int64_t)below(g, 4);
			if (one_in(g, 8))
				s->v[GETEV_MSIZE] = (int64_t)below(g, 17);
			if (one_in(g, 8))
				s->v[GETEV_MAT] = 1 + (int64_t)below(g, 5);
		}
	}
}

/* Somebody waits while others complete, signal, destroy. */
void theme_waiters(struct gen *g)
{
	const unsigned rounds = 1 + (unsigned)below(g, 3);

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	for (unsigned i = 0; i < rounds; i++) {
		const int64_t min = 1 + (int64_t)below(g, 4);

		if (one_in(g, 3))
			quick(g, 0);
		add(g, K_BG);
		add_getev(g, 0, min, min, one_in(g, 3) ? T_NONE : T_LONG);
		add(g, K_END);
		switch (below(g, 6)) {
		case 0:
			add(g, K_KICK);
			break;
		case 1:
			add(g, K_DESTROY);
			g->live[0] = false;
			break;
		default:
			for (unsigned n = 1 + (unsigned)below(g, 3); n; n--)
				quick(g, 0)->v[CB_REP] = 1 + (int64_t)below(g, 3);
		}
		add(g, K_JOIN);
		if (one_in(g, 3))
			add_getev(g, 0, 0, 8, T_ZERO);
		if (!g->live[0])
			add_setup(g, 0, 10);
	}
}

/* Another thread sees an eventfd count `least` events, or fewer than `spread` more. */
static void add_watched(struct gen *g, int e, int64_t least, uint64_t spread, int64_t reaped)
{
	const int64_t n = least + (int64_t)below(g, spread);
	struct step *s;

	add(g, K_BG);
	s = add(g, K_SPIN);
	s->v[SPIN_F] = e;
	s->v[SPIN_N] = n;
	add(g, K_END);
	s = add_cb(g, IOCB_CMD_PREAD, a_slot_of(g, W_NULL));
	s->v[CB_REP] = n;
	s->v[CB_BUF] = BUF(B_RW, 0);
	resfd(s, e);
	add_submit(g, 0);
	add(g, K_JOIN);
	add_getev(g, 0, 0, reaped, T_ZERO);
}

static int a_watched_setup(struct gen *g, int64_t nr)
{
	const int e = a_slot_of(g, W_EVENTFD);
	struct step *s;

	add_setup(g, 0, nr);
	s = add(g, K_FLAG);
	s->v[FLAG_F] = e;
	s->v[FLAG_SET] = O_NONBLOCK;
	a_slot_of(g, W_NULL);
	return e;
}

/* Who sees the eventfd count must find the events. */
void theme_announce(struct gen *g)
{
	const int e = a_watched_setup(g, 62);

	for (unsigned i = 0; i < 3; i++)
		add_watched(g, e, 1, 8, 10);
}

/* The same of many. */
void theme_crowd(struct gen *g)
{
	const int e = a_watched_setup(g, 127);

	for (unsigned i = 0; i < 8; i++)
		add_watched(g, e, 60, 60, 200);
}
