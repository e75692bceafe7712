/* SPDX-License-Identifier: MIT */
/*
 * The event of a request: its result, its place among the others, its eventfd.
 */
#include "complete.h"
#include "copy_out.h"
#include "faults_impl.h"
#include "log.h"

/* A completion that an eventfd has still to count. */
struct late_count {
	struct list node;		/* faults->late; the first member */
	struct faults *faults;
	struct file *file;		/* with a reference; NULL: its request is in flight */
	struct loop_timer timer;
};

struct late_count *late_create(struct faults *f)
{
	struct late_count *late = calloc(1, sizeof(*late));

	if (!late)
		return NULL;
	late->faults = f;
	list_add_tail(&f->late, &late->node);
	return late;
}

void late_destroy(struct faults *f, struct late_count *late)
{
	loop_timer_stop(f->d->loop, &late->timer);
	list_del(&late->node);
	file_put(late->file);
	free(late);
}

static void count_now(void *arg)
{
	struct late_count *late = arg;

	complete_count(late->file);
	late_destroy(late->faults, late);
}

bool faults_count_late(struct faults *f, struct request *r)
{
	struct fault_fate *fate = r->fate;
	struct late_count *late = fate->late;

	if (!fate_does(fate, FAULT_EVENTFD))
		return false;
	if (!late)
		return fate->counted || fate->rule->eventfd == FAULT_EVENTFD_LOST;
	fate->late = NULL;
	late->timer.fn = count_now;
	late->timer.arg = late;
	file_get(r->resfd);
	late->file = r->resfd;
	if (!loop_timer_start(f->d->loop, &late->timer, now_ns() + fate->rule->eventfd_late_ns))
		return true;
	late_destroy(f, late);
	return false;
}

/* Whoever waits for that context to be empty, or for nothing any more, does not wait for others. */
static bool may_wait(const struct request *r)
{
	const struct mm *mm = r->ctx->mm;

	return r->fate->behind && !r->fate->let_go && !r->ctx->dead && !mm->dead && !mm->closing &&
	       mm->exec == MM_EXEC_NONE;
}

static void withhold(struct faults *f, struct request *r)
{
	r->withheld = WITHHELD_EVENT;
	list_add_tail(&f->withheld, &r->fate->node);
	if (!r->caller)
		return;
	r->caller->waits_for = NULL;	/* io_submit: it is done */
	dispatch_wake_call(f->d, r->caller);
	r->caller = NULL;
}

/* Those that were to come behind this one and have no other to wait for come next. */
static void count_for_others(struct faults *f, const struct request *r, struct list *next)
{
	list_for_each_reverse(node, tmp, &f->withheld) {
		struct fault_fate *fate = list_entry(node, struct fault_fate, node);
		struct request *other = fate->request;

		if (other->withheld != WITHHELD_EVENT || other->ctx != r->ctx || --fate->behind)
			continue;
		list_del(&fate->node);
		other->withheld = WITHHELD_NOT;
		fate->let_go = true;
		list_add(next, &other->io.node);
	}
}

static void act(struct faults *f, struct request *r)
{
	const struct fault_rule *rule = r->fate->rule;

	if (rule->actions & FAULT_RESULT) {
		r->io.result = rule->result;
		r->made_up = true;
	}
	if (rule->actions & FAULT_KILL && rule->kill_after)
		faults_kill(r, rule->signal);
	if (rule->actions & FAULT_RELEASE)
		faults_release(f, rule->release);
	if (r->resfd && rule->actions & FAULT_EVENTFD && rule->eventfd == FAULT_EVENTFD_EARLY) {
		complete_count(r->resfd);
		r->fate->counted = true;
	}
}

/* What was known when it was accepted has not been through SEAM_IO. */
static void act_unbegun(struct request *r)
{
	if (r->fate->begun)
		return;
	r->fate->begun = true;
	if (!fate_does(r->fate, FAULT_ERROR) || fate_does(r->fate, FAULT_TORN))
		return;
	r->io.result = -r->fate->rule->error;
	r->made_up = true;
}

void faults_publish(struct faults *f, struct list *ios)
{
	struct list out;

	list_init(&out);
	for (struct list *node; (node = list_pop(ios));) {
		struct request *r = request_of(node);

		if (r->fate)
			act_unbegun(r);
		if (r->fate && may_wait(r)) {
			withhold(f, r);
			continue;
		}
		if (r->fate)
			act(f, r);
		list_add_tail(&out, node);
		count_for_others(f, r, ios);
	}
	list_splice_tail(ios, &out);
}
