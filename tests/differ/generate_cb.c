/* SPDX-License-Identifier: MIT */
/* Requests with valid, boundary and garbage fields. */
#include "generate.h"

static bool is_pair(int what)
{
	return what == W_PIPE || what == W_SOCK || what == W_DGRAM || what == W_PTY;
}

int add_open(struct gen *g, int what, int mode)
{
	const int f = (int)(g->next_slot % 14);
	struct step *s = add(g, K_OPEN);

	s->v[OPEN_F] = f;
	s->v[OPEN_WHAT] = what;
	s->v[OPEN_NAME] = (int64_t)below(g, 6);
	s->v[OPEN_MODE] = mode;
	g->what[f] = what;
	g->mode[f] = mode;
	if (is_pair(what)) {
		g->what[f + 1] = what;
		g->mode[f + 1] = mode;
	}
	g->next_slot += is_pair(what) ? 2 : 1;
	g->direct |= what == W_FILE && (mode == M_DIRECT || mode == M_DIRECT_RDONLY);
	return f;
}

int any_open(struct gen *g)
{
	if (one_in(g, 40))
		return (int)below(g, 19) - 3;
	for (unsigned i = 0; i < 40; i++) {
		const int f = (int)below(g, 16);

		if (g->what[f] >= 0)
			return f;
	}
	return 0;
}

int a_slot_of(struct gen *g, int what)
{
	for (int f = 0; f < 16; f++) {
		if (g->what[f] == what)
			return f;
	}
	return add_open(g, what, M_RDWR);
}

int any_context(struct gen *g)
{
	if (one_in(g, 25))
		return -(int)below(g, 6) - 1;
	for (unsigned i = 0; i < 12; i++) {
		const int c = (int)below(g, 4);

		if (g->live[c])
			return c;
	}
	return 0;
}

void add_setup(struct gen *g, int c, int64_t nr)
{
	struct step *s = add(g, K_SETUP);

	s->v[SETUP_C] = c;
	s->v[SETUP_NR] = nr;
	g->live[c] = true;
}

int64_t a_length(struct gen *g)
{
	static const int64_t lengths[] = {
		0, 1, 7, 8, 100, 511, 512, 513, 4095, 4096, 4097, 8192, 10000, 16384, 20000, 65536
	};

	return one_in(g, 4) ? (int64_t)below(g, 6000) : pick(g, lengths);
}

int64_t an_offset(struct gen *g)
{
	static const int64_t offsets[] = {
		0, 0, 0, 1, 100, 511, 512, 4096, 8192, 12288, 16383, 16384, 16385, 20000, 28884, 40000
	};

	return one_in(g, 4) ? (int64_t)below(g, 32768) : pick(g, offsets);
}

int64_t a_buffer(struct gen *g)
{
	const int64_t near = (int64_t)below(g, 300);

	switch (below(g, 12)) {
	case 0: return BUF(B_EDGE, -a_length(g));
	case 1: return BUF(B_EDGE, -near);
	case 2: return BUF(B_ROEDGE, -near);
	case 3: return BUF(B_WO, 0);
	case 4: return BUF(B_RW, near);
	case 5: return BUF(B_RW, 4096 - near);
	}
	return BUF(B_RW, 512 * (int64_t)below(g, 60));
}

static int64_t a_bad_buffer(struct gen *g)
{
	static const int64_t places[] = {
		BUF(B_HOLE, 0), BUF(B_HOLE, 100), BUF(B_NULL, 0), BUF(B_NULL, 1),
		BUF(B_KERNEL, 0), BUF(B_TOP, 0), BUF(B_TOP, -100), BUF(B_TOP, -1), BUF(B_TOP, 4096),
		BUF(B_RO, 0), BUF(B_RO, 8), BUF(B_WO, 0), BUF(B_EDGE, -1), BUF(B_EDGE, -100),
		BUF(B_ROEDGE, -1), BUF(B_ROEDGE, -50),
	};

	return pick(g, places);
}

static void segments(struct gen *g, struct step *s)
{
	const unsigned n = 1 + (unsigned)below(g, 4);

	s->v[CB_LEN] = n;
	for (unsigned i = 0; i < n; i++) {
		s->v[CB_S0 + 2 * i] = BUF(B_RW, 4096 * (4 * (int64_t)i + (int64_t)below(g, 2)) +
						(int64_t)below(g, 200));
		s->v[CB_L0 + 2 * i] = one_in(g, 5) ? 0 : a_length(g) % 10001;
	}
}

struct step *add_cb(struct gen *g, int op, int fd)
{
	struct step *s = add(g, K_CB);

	s->v[CB_ID] = g->next_id++ % 32;
	s->v[CB_OP] = op;
	s->v[CB_FD] = fd;
	if (op == IOCB_CMD_PREADV || op == IOCB_CMD_PWRITEV) {
		segments(g, s);
	} else if (op <= IOCB_CMD_PWRITE) {
		s->v[CB_BUF] = a_buffer(g);
		s->v[CB_LEN] = a_length(g);
	} else {
		s->v[CB_LEN] = 0;
	}
	return s;
}

static int polled(struct gen *g)
{
	static const int masks[] = { 1, 4, 5, 0x41, 0x104, 0x10, 8, 0, 0x2000, 0x3fff };

	return pick(g, masks);
}

struct step *add_valid(struct gen *g, int fd)
{
	static const int transfers[] = { 0, 1, 7, 8, 0, 1 };
	const int what = fd >= 0 && fd < 16 ? g->what[fd] : -1;
	struct step *s;

	if (one_in(g, 10)) {
		s = add_cb(g, IOCB_CMD_POLL, fd);
		s->v[CB_BUF] = polled(g);
	} else if (one_in(g, 12)) {
		s = add_cb(g, IOCB_CMD_FSYNC + (int)below(g, 2), fd);
	} else {
		s = add_cb(g, pick(g, transfers), fd);
		if (what == W_FILE || what == W_MEMFD || what == W_SHM)
			s->v[CB_OFF] = an_offset(g);
		else if (s->v[CB_OP] <= 1 && what >= 0)
			s->v[CB_LEN] = one_in(g, 3) ? a_length(g) % 4097 : 8;
	}
	return s;
}

/* --- garbage ------------------------------------------------------------------------------------ */

static void bad_length(struct gen *g, struct step *cb)
{
	static const int64_t lengths[] = {
		-1, INT64_MIN, INT64_MAX, 0x7ffff000, 0x7ffff001, 0x100000000, 0x100000001, 1024, 1025,
		0x10000, 0
	};

	if (cb->v[CB_OP] != IOCB_CMD_PREADV && cb->v[CB_OP] != IOCB_CMD_PWRITEV)
		cb->v[CB_LEN] = pick(g, lengths);
	else if (one_in(g, 3))		/* a longer array is whatever lies behind it */
		cb->v[CB_LEN] = one_in(g, 2) ? 1025 : -1;
	else
		cb->v[CB_LEN] |= 0x100000000 * (int64_t)below(g, 2);
}

static void bad_offset(struct gen *g, struct step *cb)
{
	static const int64_t offsets[] = {
		-1, INT64_MIN, INT64_MAX, INT64_MAX - 511, INT64_MAX - 512, 1ll << 50, 1, 4096
	};

	cb->v[CB_OFF] = pick(g, offsets);
}

static void bad_flags(struct gen *g, struct step *cb)
{
	static const int64_t flags[] = {
		RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_NOWAIT, RWF_APPEND, 0x20, 0x30, 0x40, 0x80, 0x100,
		0x200, 0x80000000, 0xffffffff, RWF_NOWAIT | RWF_APPEND, 0x120, 0x108
	};

	cb->v[CB_RWF] = pick(g, flags);
}

static void bad_priority(struct gen *g, struct step *cb)
{
	static const int64_t prios[] = {
		0, 1, 0x2000, 0x2004, 0x4000, 0x4007, 0x6000, 0x6001, 0x8000, 0xffff, 0x7fff, 0x5fff
	};

	cb->v[CB_FLAGS] |= one_in(g, 6) ? 0xfffffffe : 2;
	cb->v[CB_PRIO] = pick(g, prios);
}

static void bad_resfd(struct gen *g, struct step *cb)
{
	cb->v[CB_FLAGS] |= one_in(g, 6) ? 0xfffffffd : 1;
	cb->v[CB_RESFD] = one_in(g, 3) ? (int64_t)below(g, 19) - 3 : any_open(g);
}

static void bad_vector(struct gen *g, struct step *cb)
{
	static const int64_t lengths[] = { -1, INT64_MIN, 0x7ffff000, INT64_MAX, 0, 1 };
	const unsigned i = (unsigned)below(g, 4);

	if (cb->v[CB_OP] != IOCB_CMD_PREADV && cb->v[CB_OP] != IOCB_CMD_PWRITEV) {
		cb->v[CB_BUF] = a_bad_buffer(g);
		return;
	}
	switch (below(g, 4)) {
	case 0:
		cb->v[CB_VAT] = 1 + (int64_t)below(g, 5);
		break;
	case 1:
		cb->v[CB_L0 + 2 * i] = pick(g, lengths);
		break;
	default:
		cb->v[CB_S0 + 2 * i] = a_bad_buffer(g);
	}
}

void corrupt_one(struct gen *g, struct step *cb)
{
	switch (below(g, 14)) {
	case 0:
		cb->v[CB_OP] = one_in(g, 3) ? 0xffff : (int64_t)below(g, 12);
		break;
	case 1:
		cb->v[CB_FD] = one_in(g, 2) ? (int64_t)below(g, 19) - 3 : any_open(g);
		break;
	case 2: case 3: case 4:
		bad_vector(g, cb);
		break;
	case 5: bad_length(g, cb); break;
	case 6: bad_offset(g, cb); break;
	case 7: case 8: bad_flags(g, cb); break;
	case 9: bad_priority(g, cb); break;
	case 10: case 11: bad_resfd(g, cb); break;
	case 12:
		cb->v[CB_RSV] = one_in(g, 2) ? 1 : INT64_MIN;
		break;
	case 13:
		cb->v[CB_AT] = 1 + (int64_t)below(g, 5);
	}
}

void corrupt(struct gen *g, struct step *cb, unsigned faults)
{
	while (faults--)
		corrupt_one(g, cb);
}

/* --- calls --------------------------------------------------------------------------------------- */

void resfd(struct step *cb, int fd)
{
	cb->v[CB_FLAGS] |= IOCB_FLAG_RESFD;
	cb->v[CB_RESFD] = fd;
}

struct step *add_submit(struct gen *g, int c)
{
	struct step *s = add(g, K_SUBMIT);

	(void)g;
	s->v[SUBMIT_C] = c;
	return s;
}

struct step *add_getev(struct gen *g, int c, int64_t min, int64_t nr, int t)
{
	struct step *s = add(g, one_in(g, 4) ? K_PGETEV : K_GETEV);

	s->v[GETEV_C] = c;
	s->v[GETEV_MIN] = min;
	s->v[GETEV_NR] = nr;
	s->v[GETEV_T] = t;
	return s;
}
