/* SPDX-License-Identifier: MIT */
#include "generate.h"

static void noise_fd(struct gen *g)
{
	static const enum kind kinds[] = {
		K_PUT, K_PUT, K_PUT, K_GET, K_GET, K_CLOSE, K_DUP, K_FLAG, K_SHUT, K_ARM, K_TRUNC
	};
	static const int64_t flags[] = { O_NONBLOCK, 0, O_APPEND, O_NONBLOCK };
	static const int64_t amounts[] = { 1, 8, 8, 100, 4096, 65536 };
	static const int64_t sizes[] = { 0, 1, 100, 4096, 10000, 20000, 50000 };
	struct step *s = add(g, pick(g, kinds));

	s->v[0] = any_open(g);
	if (s->v[0] < 0)
		s->v[0] = 0;
	switch (s->kind) {
	case K_PUT:
	case K_GET:
		s->v[PUT_N] = pick(g, amounts);
		break;
	case K_CLOSE:
		g->what[s->v[0]] = -1;
		break;
	case K_DUP:
		s->v[DUP_TO] = (int64_t)below(g, 16);
		g->what[s->v[DUP_TO]] = g->what[s->v[0]];
		break;
	case K_FLAG:
		s->v[FLAG_SET] = pick(g, flags);
		break;
	case K_SHUT:
		s->v[SHUT_HOW] = (int64_t)below(g, 3);
		break;
	case K_TRUNC:
		s->v[TRUNC_SIZE] = pick(g, sizes);
	}
}

static void noise_ring(struct gen *g)
{
	static const int64_t heads[] = { 0, 1, 5, 126, 127, 128, 0xfffffff0 };
	struct step *s = add(g, K_POKE);

	s->v[POKE_C] = (int64_t)below(g, 2);
	s->v[POKE_FIELD] = below(g, 4) ? FIELD_HEAD : FIELD_NR;
	s->v[POKE_V] = pick(g, heads);
}

void add_noise(struct gen *g)
{
	static const int64_t limits[] = { -1, 0, 100, 4096, 10000, 17000 };
	struct step *s;

	switch (below(g, 8)) {
	case 0:
		s = add(g, K_MEM);
		s->v[MEM_PAGE] = (int64_t)below(g, 16);
		s->v[MEM_DO] = (int64_t)below(g, 4);
		break;
	case 1:
		add(g, K_FSIZE)->v[FSIZE_V] = pick(g, limits);
		break;
	case 2:
		noise_ring(g);
		break;
	default:
		noise_fd(g);
	}
}
