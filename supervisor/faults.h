/* SPDX-License-Identifier: MIT */
/*
 * What a fault plan (fault.h) does to requests and calls, at the seams of plan.h. On the loop
 * thread; owned by the supervisor, and dies after the last request.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include "fault.h"
#include "plan.h"
#include "request.h"
#include "timers.h"

struct dispatch;
struct faults;
struct late_count;

/* NULL: ENOMEM. The plan stays the caller's, and may get and lose rules meanwhile. */
struct faults *faults_create(struct dispatch *d, struct fault_plan *plan);
void faults_destroy(struct faults *f);			/* accepts NULL */
void faults_tell(const struct faults *f);	/* how often each rule has fired; accepts NULL */
const struct plan *faults_seams(const struct faults *f);	/* for dispatch->plan */

/*
 * What shall happen to a request: decided when it is accepted, and freed with it. The request's
 * memory is the only one: iov has room for the pieces of a torn write.
 */
struct fault_fate {
	struct list node;		/* withheld: faults->withheld */
	struct faults *faults;
	struct request *request;
	struct fault_rule *rule;
	uint64_t count;			/* as in fault_verdict */
	uint64_t dice;
	uint32_t pending;		/* FAULT_HANG, HOLD, DELAY: still before its I/O */
	bool begun;			/* its I/O, or what stands for it */
	bool ended;
	bool let_go;			/* nobody may withhold its event any more */
	bool counted;			/* in its eventfd, before its time */
	uint64_t moved_bytes;		/* really */
	unsigned behind;		/* so many others are to be published first */
	struct loop_timer timer;	/* of the delay */
	struct late_count *late;	/* of the eventfd; NULL: none */

	struct {			/* a write of which a part is done */
		bool is;
		int64_t result;		/* in the end */
		int64_t offset;		/* of the request */
		uint64_t total_bytes;	/* of the piece */
		uint64_t at;		/* all before it is done, or is not to be */
		uint64_t first_bytes;	/* these; 0: chosen sectors */
		unsigned sector_bytes;
	} torn;
	struct iovec iov[];
};

#endif
