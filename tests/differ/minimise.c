/* SPDX-License-Identifier: MIT */
/*
 * Delta debugging: first steps are left out, in ever smaller runs, then arguments are put back to
 * their defaults, as long as the program still differs (and is stable natively).
 */
#include "differ.h"

struct reduction {
	const struct setup *setup;
	uint64_t deadline_ms;
};

static bool still_differs(const struct reduction *r, const struct program *p)
{
	return now_ms() < r->deadline_ms && judge(r->setup, p, 2, NULL, NULL) == DIFFERENT;
}

static struct program without(const struct program *p, unsigned at, unsigned n)
{
	struct program q = *p;

	memmove(&q.step[at], &q.step[at + n], (q.count - at - n) * sizeof(q.step[0]));
	q.count -= n;
	return q;
}

static bool leave_out(const struct reduction *r, struct program *p)
{
	bool any = false;

	for (unsigned n = p->count / 2; n; n /= 2) {
		for (unsigned at = 0; at + n <= p->count;) {
			struct program q = without(p, at, n);

			if (still_differs(r, &q)) {
				*p = q;
				any = true;
			} else {
				at += n;
			}
		}
	}
	return any;
}

static bool simplify(const struct reduction *r, struct program *p)
{
	bool any = false;

	for (unsigned i = 0; i < p->count; i++) {
		for (unsigned a = 0; a < step_args(p->step[i].kind); a++) {
			struct program q = *p;

			q.step[i].v[a] = step_default(p->step[i].kind, a);
			if (q.step[i].v[a] == p->step[i].v[a] || !still_differs(r, &q))
				continue;
			*p = q;
			any = true;
		}
	}
	return any;
}

void minimise(const struct setup *s, struct program *p, unsigned seconds)
{
	const struct reduction r = { s, now_ms() + seconds * 1000ul };

	while (leave_out(&r, p) || simplify(&r, p))
		;
}
