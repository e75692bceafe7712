/* SPDX-License-Identifier: MIT */
/*
 * Seams: the four places where a fault plan may act. Without a plan (the only state of this
 * version's command line) each is one test of a constant pointer. Rules and grammar come with the
 * fault plan itself.
 */
#ifndef PLAN_H
#define PLAN_H

enum seam {
	SEAM_CALL, /* a call has arrived and is about to be handled: struct call */
	SEAM_IO, /* an io is about to enter the engine chain: struct io */
	SEAM_PUBLISH, /* data are copied out, the entry is about to be written: struct request */
	SEAM_EVENTFD, /* the tail is stored, the eventfd is about to be signalled: struct request */
};

struct plan {
	void (*at)(const struct plan *plan, enum seam seam, void *subject);
};

static inline void seam(const struct plan *plan, enum seam at, void *subject)
{
	if (plan)
		plan->at(plan, at, subject);
}

#endif
