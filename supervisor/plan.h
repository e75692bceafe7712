/* SPDX-License-Identifier: MIT */
/*
 * Seams: the places where a fault plan acts (faults.h). Without a plan each is one test of a
 * constant pointer.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>

enum seam {
	/*
	 * struct call: it has arrived, or is asked again. True: it is not handled: call->answer is
	 * its result, or, where call->delayed is set, it is parked.
	 */
	SEAM_CALL,
	SEAM_ACCEPTED,	/* struct request: in flight from now on */
	SEAM_IO,	/* struct request: enters the engine chain. True: not, or not now */
	SEAM_DONE,	/* struct list of ios that an engine has finished: what is taken off goes on */
	SEAM_PUBLISH,	/* ... whose data are copied out: what is taken off is not published now */
	SEAM_EVENTFD,	/* struct request: its tail is stored. True: its eventfd is not signalled */
	SEAM_CANCEL,	/* struct request. True: the engines do not have it, and it is finished */
	SEAM_DESTROYED,	/* struct context: dead for all calls from now on */
	SEAM_LEAVING,	/* struct mm: its last user is about to go by exec or exit */
	SEAM_DEAD,	/* struct mm: nobody has it any more */
};

struct plan {
	bool (*at)(const struct plan *plan, enum seam seam, void *subject);
};

static inline bool seam(const struct plan *plan, enum seam at, void *subject)
{
	return plan && plan->at(plan, at, subject);
}

#endif
