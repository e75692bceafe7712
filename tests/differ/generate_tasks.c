/* SPDX-License-Identifier: MIT */
/*
 * What is in flight, and what happens to it meanwhile: other flags, other files at the same number,
 * io_destroy, exit, death, execve; and who it is that submits.
 */
#include "generate.h"

static void harmless(struct gen *g, int c, int64_t count)
{
	struct step *cb = add_cb(g, IOCB_CMD_PREAD, a_slot_of(g, W_NULL));

	cb->v[CB_BUF] = BUF(B_RW, 0);
	cb->v[CB_REP] = count;
	add_submit(g, c);
}

static void poll_of(struct gen *g, int fd, int64_t mask)
{
	struct step *cb = add_cb(g, IOCB_CMD_POLL, fd);

	cb->v[CB_BUF] = mask;
	if (one_in(g, 3))
		resfd(cb, a_slot_of(g, W_EVENTFD));
	add_submit(g, 0);
}

static void transfer(struct gen *g, int op, int fd, int64_t bytes)
{
	struct step *cb = add_cb(g, op, fd);

	cb->v[CB_OP] = op;
	cb->v[CB_BUF] = BUF(B_RW, 4096 * (int64_t)below(g, 8));
	cb->v[CB_LEN] = bytes;
	if (one_in(g, 6))
		cb->v[CB_RWF] = RWF_NOWAIT;
	add_submit(g, 0);
}

static void other_flags(struct gen *g, int fd)
{
	struct step *s = add(g, K_FLAG);

	s->v[FLAG_F] = fd;
	s->v[FLAG_SET] = one_in(g, 4) ? 0 : O_NONBLOCK;
}

static void another_file(struct gen *g, int fd)
{
	struct step *s;

	if (one_in(g, 2)) {
		s = add(g, K_DUP);
		s->v[DUP_F] = any_open(g) & 15;
		s->v[DUP_TO] = fd;
		return;
	}
	add(g, K_CLOSE)->v[CLOSE_F] = fd;
	s = add(g, K_OPEN);
	s->v[OPEN_F] = fd;
	s->v[OPEN_WHAT] = one_in(g, 2) ? W_MEMFD : W_EVENTFD;
	g->what[fd] = (int)s->v[OPEN_WHAT];
}

/* A block of its own that ends while something is in flight. */
static void short_life(struct gen *g)
{
	static const enum kind kinds[] = { K_THREAD, K_THREAD, K_VFORK, K_FORK };

	add(g, pick(g, kinds));
	if (one_in(g, 2))
		harmless(g, (int)below(g, 2), 1);
	else
		add_getev(g, 0, 0, 1, T_ZERO);
	add(g, K_END);
}

void theme_in_flight(struct gen *g)
{
	static const int whats[] = { W_PIPE, W_SOCK, W_EVENTFD, W_DGRAM, W_PIPE, W_FIFO };
	const unsigned rounds = 4 + (unsigned)below(g, 8);
	int fd[2];

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	add_open(g, W_FILE, M_RDWR);
	for (unsigned i = 0; i < 2; i++)
		fd[i] = add_open(g, pick(g, whats), M_RDWR);
	for (unsigned i = 0; i < rounds; i++) {
		const int f = fd[below(g, 2)];
		struct step *s;

		if (i == 0 || one_in(g, 2)) {
			poll_of(g, f, 1);
			if (one_in(g, 3))	/* of the same number, in one list with it */
				poll_of(g, f, one_in(g, 2) ? 1 : 8);
		}
		switch (below(g, 7)) {
		case 0: case 1: other_flags(g, f); break;
		case 2: another_file(g, f); break;
		case 3: short_life(g); break;
		case 4:
			s = add(g, K_PUT);
			s->v[PUT_F] = g->what[f] == W_EVENTFD ? f : f + 1;
			s->v[PUT_N] = 8;
			break;
		case 5:
			add(g, K_CANCEL)->v[CANCEL_ID] = (int64_t)below(g, g->next_id + 1) % 32;
			break;
		default:
			add(g, K_CLOSE)->v[CLOSE_F] = f;
		}
		transfer(g, (int)below(g, 2), f + (one_in(g, 4) ? 1 : 0), 8);
		if (one_in(g, 3))
			add_getev(g, 0, 0, 4, T_ZERO);
	}
}

/* --- storage ------------------------------------------------------------------------------------ */

/* O_DIRECT requests in one list, not waited for: each has a buffer and a place of its own. */
static void storage(struct gen *g, int c, int fd, unsigned n)
{
	const int op = (int)below(g, 2);
	const int64_t bytes = n > 2 ? 4096 : 8192;

	for (unsigned k = 0; k < n; k++) {
		struct step *cb = add_cb(g, one_in(g, 4) ? 1 - op : op, fd);

		cb->v[CB_BUF] = BUF(B_RW, 8192 * (int64_t)k + (one_in(g, 5) ? 512 : 0));
		cb->v[CB_LEN] = one_in(g, 6) ? 4096 : bytes;
		cb->v[CB_OFF] = bytes * k;
		if (one_in(g, 6))
			resfd(cb, a_slot_of(g, W_EVENTFD));
	}
	if (one_in(g, 4))
		add_cb(g, IOCB_CMD_FSYNC, fd);
	add_submit(g, c)->v[SUBMIT_LATE] = 1;
}

static int open_direct(struct gen *g)
{
	const int fd = add_open(g, W_FILE, M_DIRECT);

	g->p->step[g->p->count - 1].v[OPEN_NAME] = 1 + (int64_t)below(g, 3);
	return fd;
}

static void exec(struct gen *g, bool fails)
{
	add(g, K_EXEC)->v[EXEC_HOW] = fails ? 1 + (int64_t)below(g, 2) : 0;
}

/* Who ends with storage in flight waits for it. */
void theme_drain(struct gen *g)
{
	const unsigned rounds = 2 + (unsigned)below(g, 4);
	const int fd = open_direct(g);

	for (unsigned i = 0; i < rounds; i++) {
		const unsigned n = 1 + (unsigned)below(g, 4);

		if (one_in(g, 2)) {
			add(g, one_in(g, 4) ? K_VFORK : K_FORK);
			add_setup(g, 1, 20);
			storage(g, 1, fd, n);
			if (one_in(g, 5))
				exec(g, one_in(g, 3));
			else
				add(g, K_EXIT)->v[EXIT_HOW] = one_in(g, 2);
			add(g, K_END);
			continue;
		}
		add_setup(g, 0, 20);
		storage(g, 0, fd, n);
		add(g, one_in(g, 5) ? K_CLOSE : K_DESTROY);
		if (g->p->step[g->p->count - 1].kind == K_CLOSE)
			g->p->step[g->p->count - 1].v[CLOSE_F] = fd;
	}
	if (one_in(g, 3)) {
		add_setup(g, 0, 20);
		storage(g, 0, fd, 4);
		add(g, K_EXIT);
	}
}

/* --- execve ------------------------------------------------------------------------------------- */

static void before_exec(struct gen *g)
{
	switch (below(g, 5)) {
	case 0:
		storage(g, 0, open_direct(g), 1 + (unsigned)below(g, 4));
		break;
	case 1:
		poll_of(g, a_slot_of(g, W_PIPE), 1);
		break;
	case 2:
		add_setup(g, 1 + (int)below(g, 3), 10);
		break;
	default:
		harmless(g, 0, 1 + (int64_t)below(g, 5));
	}
}

static void after_exec(struct gen *g)
{
	switch (below(g, 5)) {
	case 0: case 1:
		add_setup(g, (int)below(g, 4), 10);
		break;
	case 2:
		add(g, K_DESTROY)->v[DESTROY_C] = (int64_t)below(g, 4);
		break;
	case 3:
		add_getev(g, (int)below(g, 4), 0, 4, T_ZERO);
		break;
	default:
		harmless(g, (int)below(g, 4), 1);
	}
}

/* Contexts end, files and their contents stay; or nothing ends, where there is no such program. */
void theme_exec(struct gen *g)
{
	static const enum kind blocks[] = { K_FORK, K_VFORK, K_THREAD };
	const unsigned rounds = 1 + (unsigned)below(g, 3);

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	for (unsigned i = 0; i < rounds; i++) {
		const bool block = one_in(g, 3);

		if (block && one_in(g, 2))
			before_exec(g);
		if (block)
			add(g, pick(g, blocks));
		for (unsigned n = 1 + (unsigned)below(g, 3); n; n--)
			before_exec(g);
		exec(g, one_in(g, 2));
		memset(g->what, -1, sizeof(g->what));
		for (unsigned n = 1 + (unsigned)below(g, 5); n; n--)
			after_exec(g);
		if (block)
			add(g, K_END);
	}
}

/* --- credentials -------------------------------------------------------------------------------- */

static void become(struct gen *g)
{
	static const int64_t kept[] = { 0, -1, ~(1ll << 4), ~(1ll << 23), 1ll << 4, ~(1ll << 24) };

	if (one_in(g, 4))
		add(g, K_USER);
	else
		add(g, K_CAPS)->v[CAPS_KEEP] = pick(g, kept);
}

static void as_somebody(struct gen *g, int fd)
{
	struct step *cb = add_cb(g, one_in(g, 4) ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE, fd);

	cb->v[CB_BUF] = BUF(B_RW, 0);
	cb->v[CB_LEN] = 512 * (1 + (int64_t)below(g, 3));
	cb->v[CB_OFF] = 512 * (int64_t)below(g, 8);
	if (one_in(g, 3)) {
		cb->v[CB_FLAGS] |= IOCB_FLAG_IOPRIO;
		cb->v[CB_PRIO] = one_in(g, 3) ? 0x6000 : 0x2000;
	}
	if (one_in(g, 6))
		cb->v[CB_RWF] = RWF_APPEND;
	add_submit(g, 0);
}

/* Set-ID bits go, real-time priority is refused: by who submits, as it is then. */
void theme_creds(struct gen *g)
{
	static const int modes[] = { M_RDWR, M_DIRECT, M_APPEND };
	static const int64_t bits[] = { 06777, 04755, 02666, 02755, 0666 };
	const unsigned rounds = 4 + (unsigned)below(g, 8);
	int fd[2];

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	for (unsigned i = 0; i < 2; i++)
		fd[i] = add_open(g, W_FILE, pick(g, modes));
	for (unsigned i = 0; i < rounds; i++) {
		const bool block = one_in(g, 4);

		if (one_in(g, 2)) {
			struct step *s = add(g, K_CHMOD);

			s->v[CHMOD_F] = fd[below(g, 2)];
			s->v[CHMOD_MODE] = pick(g, bits);
		}
		if (block)
			add(g, one_in(g, 2) ? K_THREAD : K_FORK);
		if (one_in(g, 2))
			become(g);
		as_somebody(g, fd[below(g, 2)]);
		if (block)
			add(g, K_END);
	}
}

/* --- others -------------------------------------------------------------------------------------- */

/* What is not in the page cache: RWF_NOWAIT shows it. */
void theme_cold(struct gen *g)
{
	static const int modes[] = { M_RDWR, M_RDONLY, M_RDWR };
	const unsigned rounds = 3 + (unsigned)below(g, 6);
	const int fd = add_open(g, W_FILE, pick(g, modes));

	g->p->step[g->p->count - 1].v[OPEN_NAME] = (int64_t)below(g, 4);
	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	for (unsigned i = 0; i < rounds; i++) {
		struct step *cb;

		if (!one_in(g, 4))
			add(g, K_COLD)->v[COLD_F] = fd;
		cb = add_cb(g, one_in(g, 3) ? IOCB_CMD_PREADV : IOCB_CMD_PREAD, fd);
		cb->v[CB_OFF] = 4096 * (int64_t)below(g, 4);
		if (!one_in(g, 4))
			cb->v[CB_RWF] = RWF_NOWAIT;
		add_submit(g, 0);
	}
}

/* What io_setup has counted comes back; so do descriptors and ids. */
void theme_counts(struct gen *g)
{
	const int64_t nr = one_in(g, 2) ? 2000 : 1900;

	for (unsigned i = 0; i < 36; i++) {
		add_setup(g, 0, nr);
		if (one_in(g, 8))
			harmless(g, 0, 1);
		add(g, K_DESTROY);
	}
}
