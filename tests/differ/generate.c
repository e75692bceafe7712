/* SPDX-License-Identifier: MIT */
#include "generate.h"

#include <string.h>

/* splitmix64 */
uint64_t draw(struct gen *g)
{
	uint64_t z = g->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t below(struct gen *g, uint64_t n)
{
	return draw(g) % n;
}

bool one_in(struct gen *g, unsigned n)
{
	return below(g, n) == 0;
}

struct step *add(struct gen *g, enum kind kind)
{
	if (g->p->count == STEPS_MAX)
		return &g->spill;
	g->p->step[g->p->count] = step_new(kind);
	return &g->p->step[g->p->count++];
}

void program_generate(struct program *p, uint64_t seed, const struct options *opt)
{
	struct gen g = { .seed = seed, .state = seed * 0x2545f4914f6cdd1dull, .p = p, .kernel = opt->kernel };

	p->count = 0;
	draw(&g);
	generate_theme(&g);
}
