/* SPDX-License-Identifier: MIT */
/* Themes about rings: slots, events, who takes them and when. */
#include "generate.h"

/* A request that is complete at once and harmless. */
static struct step *add_plain(struct gen *g)
{
	static const int whats[] = { W_NULL, W_NULL, W_ZERO, W_FILE, W_EVENTFD };
	const int what = pick(g, whats);
	struct step *cb = add_cb(g, IOCB_CMD_PREAD, a_slot_of(g, what));

	cb->v[CB_LEN] = (int64_t)below(g, 64);
	cb->v[CB_BUF] = BUF(B_RW, (int64_t)below(g, 4096));
	if (what == W_EVENTFD)
		cb->v[CB_LEN] = 0;
	if (one_in(g, 4))
		resfd(cb, a_slot_of(g, W_EVENTFD));
	return cb;
}

static void take_some(struct gen *g, int c)
{
	struct step *s;

	switch (below(g, 5)) {
	case 0:
		s = add(g, K_REAP);
		s->v[REAP_C] = c;
		s->v[REAP_N] = 1 + (int64_t)below(g, 40);
		break;
	case 1:
		s = add(g, K_POKE);
		s->v[POKE_C] = c;
		s->v[POKE_ADD] = 1;
		s->v[POKE_V] = (int64_t)below(g, 20);
		break;
	case 2:
		add_getev(g, c, 0, 1 + (int64_t)below(g, 3), T_ZERO);
		break;
	default:
		add_getev(g, c, 0, (int64_t)below(g, 140), T_ZERO);
	}
}

void theme_slots(struct gen *g)
{
	static const int64_t sizes[] = { 1, 10, 62, 62, 63, 64, 126, 127, 200 };
	const unsigned rounds = 3 + (unsigned)below(g, 8);

	a_slot_of(g, W_EVENTFD);
	a_slot_of(g, W_NULL);
	add_setup(g, 0, pick(g, sizes));
	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned n = 1 + (unsigned)below(g, 3); n; n--) {
			struct step *cb = add_plain(g);

			cb->v[CB_REP] = one_in(g, 3) ? 1 + (int64_t)below(g, 20) :
						       1 + (int64_t)below(g, 140);
			if (one_in(g, 8))
				corrupt(g, cb, 1);
		}
		add_submit(g, 0);
		take_some(g, 0);
		if (one_in(g, 6))
			add_noise(g);
	}
}

void theme_reap(struct gen *g)
{
	const unsigned rounds = 4 + (unsigned)below(g, 8);

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	a_slot_of(g, W_NULL);
	for (unsigned i = 0; i < rounds; i++) {
		struct step *s;

		if (one_in(g, 2)) {
			add_plain(g)->v[CB_REP] = 1 + (int64_t)below(g, 12);
			add_submit(g, 0);
		}
		s = add_getev(g, any_context(g), (int64_t)below(g, 6) - 1,
			      (int64_t)below(g, 8) - 1, (int)below(g, 9));
		if (one_in(g, 3)) {
			s->v[GETEV_AT] = 1 + (int64_t)below(g, 5);
			s->v[GETEV_ROOM] = (int64_t)below(g, 6);
		}
		if (s->kind == K_PGETEV) {
			s->v[GETEV_MASK] = (int64_t)below(g, 4);
			s->v[GETEV_MAT] = one_in(g, 3) ? (int64_t)below(g, 6) : AT_OK;
			s->v[GETEV_MSIZE] = one_in(g, 4) ? 4 : 8;
		}
		if (one_in(g, 5))
			add_noise(g);
	}
}

void theme_poll(struct gen *g)
{
	static const int whats[] = { W_PIPE, W_SOCK, W_EVENTFD, W_DGRAM, W_TIMERFD };
	static const int masks[] = { 1, 4, 5, 0x41, 1, 1 };
	const unsigned rounds = 4 + (unsigned)below(g, 8);

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	for (unsigned i = 0; i < 2; i++)
		add_open(g, pick(g, whats), M_RDWR);
	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned n = (unsigned)below(g, 3); n; n--) {
			struct step *cb = add_cb(g, IOCB_CMD_POLL, any_open(g));

			cb->v[CB_BUF] = pick(g, masks);
			if (one_in(g, 4))
				resfd(cb, a_slot_of(g, W_EVENTFD));
			if (one_in(g, 8))
				corrupt(g, cb, 1);
			add_submit(g, 0);
		}
		if (one_in(g, 3)) {
			struct step *s = add(g, K_CANCEL);

			s->v[CANCEL_ID] = (int64_t)below(g, g->next_id + 1) % 32;
			s->v[CANCEL_AT] = one_in(g, 6) ? (int64_t)below(g, 7) : AT_OK;
		}
		add_noise(g);
		if (one_in(g, 3))
			add_getev(g, 0, 0, 1 + (int64_t)below(g, 4), T_ZERO);
	}
}
