/* SPDX-License-Identifier: MIT */
/* Between the parts of faults.c. */
#ifndef FAULTS_IMPL_H
#define FAULTS_IMPL_H

#include "dispatch.h"
#include "faults.h"

struct faults {
	struct plan seams;		/* the first member */
	struct dispatch *d;
	struct fault_plan *plan;
	uint64_t began_ns;
	struct list withheld;		/* struct fault_fate.node */
	struct list late;		/* struct late_count.node */
	struct list opened;		/* names that were released: struct fault_gate.node */
};

/* A number of its own for each `what` that is rolled for. */
static inline uint64_t fate_roll(const struct fault_fate *fate, uint64_t what)
{
	return hash_u64(fate->dice + (what + 1) * 0x9e3779b97f4a7c15u);
}

static inline bool fate_does(const struct fault_fate *fate, uint32_t actions)
{
	return fate && fate->rule->actions & actions;
}

/* faults.c */
struct fault_subject faults_subject(const struct faults *f, const struct process *p);
void faults_kill(const struct request *r, int signo);

/* faults_io.c: before an engine has it; true: it is on d->finished, without one. */
bool faults_begin(struct faults *f, struct request *r);
/* After a piece; true: it was given back to the engines. Before the data are copied out. */
bool faults_piece_done(struct faults *f, struct request *r);

/* faults_torn.c: the first part of it; false: there is none, and r->io.result is in the end. */
bool torn_begin(struct request *r, uint64_t bytes, int64_t result);
bool torn_next(struct request *r);	/* the next one; the same */

/* faults_hold.c: true: not now. */
bool faults_withhold(struct faults *f, struct request *r);
bool faults_cancel(struct faults *f, struct request *r);
/* Those of this context, this address space: what shall not outlive it goes on or is dropped. */
void faults_let_go(struct faults *f, const struct context *ctx, const struct mm *mm);
void faults_bury(struct faults *f, const struct mm *mm);	/* its processes are gone */
uint64_t faults_delay_ns(const struct fault_rule *rule, uint64_t dice);
void faults_release(struct faults *f, const char *name);
void faults_gates_free(struct faults *f);

/* faults_publish.c */
void faults_publish(struct faults *f, struct list *ios);
bool faults_count_late(struct faults *f, struct request *r);	/* true: its eventfd is not to be counted now */
struct late_count *late_create(struct faults *f);
void late_destroy(struct faults *f, struct late_count *late);

/* faults_call.c: as SEAM_CALL */
bool faults_call(struct faults *f, struct call *call);

#endif
