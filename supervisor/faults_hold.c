/* SPDX-License-Identifier: MIT */
/*
 * Requests that stand still: before their I/O (delay, hold, hang), or with their event (reorder,
 * faults_publish.c). Each is in faults->withheld and nowhere else. Who leaves waits for them as for
 * a slow or dead disk, except for what nobody else would bring on; who is dead waits for nothing:
 * what was only delayed is done at once, since an accepted write is to reach the file.
 */
#include "complete.h"
#include "faults_impl.h"
#include "log.h"

enum { ROLL_DELAY = 7, LOG_TERMS = 24 };

/* A name that was released once: nobody waits for it any more. */
struct fault_gate {
	struct list node;
	char name[];
};

static bool is_open(const struct faults *f, const char *name)
{
	list_for_each(node, tmp, &((struct faults *)(uintptr_t)f)->opened) {
		if (strcmp(list_entry(node, struct fault_gate, node)->name, name) == 0)
			return true;
	}
	return false;
}

static void open_gate(struct faults *f, const char *name)
{
	struct fault_gate *gate = malloc(sizeof(*gate) + strlen(name) + 1);

	if (!gate) {
		log_warn("out of memory: requests that are held for '%s' later wait on", name);
		return;
	}
	strcpy(gate->name, name);
	list_add_tail(&f->opened, &gate->node);
}

void faults_gates_free(struct faults *f)
{
	for (struct list *node; (node = list_pop(&f->opened));)
		free(list_entry(node, struct fault_gate, node));
}

/* -ln(u) of 0 < u <= 1, by the series of the inverse hyperbolic tangent. */
static double minus_ln(double u)
{
	double y, term, sum = 0, halvings = 0;

	for (; u < 0.5; u *= 2)
		halvings++;
	y = (u - 1) / (u + 1);
	term = y;
	for (int i = 0; i < LOG_TERMS; i++, term *= y * y)
		sum += term / (2 * i + 1);
	return halvings * 0.69314718055994530942 - 2 * sum;
}

uint64_t faults_delay_ns(const struct fault_rule *rule, uint64_t dice)
{
	const uint64_t roll = hash_u64(dice + ROLL_DELAY), low = rule->delay_min_ns;
	const uint64_t high = max_u64(rule->delay_max_ns, low);
	double ns;

	if (!rule->delay_exponential)
		return low + roll % (high - low + 1);
	ns = minus_ln((double)((roll >> 11) + 1) / (double)(1ull << 53)) * (double)low;
	return high > low ? min_u64((uint64_t)ns, high) : (uint64_t)ns;
}

static void go_on(struct faults *f, struct request *r)
{
	list_del(&r->fate->node);
	loop_timer_stop(f->d->loop, &r->fate->timer);
	r->withheld = WITHHELD_NOT;
	request_start(f->d, r);
}

static void delay_over(void *arg)
{
	struct fault_fate *fate = arg;
	struct dispatch *d = fate->faults->d;

	go_on(fate->faults, fate->request);
	engine_flush(d->engine);
	complete_finished(d);
	dispatch_run_ready(d);
}

static bool delay(struct faults *f, struct request *r)
{
	struct fault_fate *fate = r->fate;

	fate->pending &= ~(uint32_t)FAULT_DELAY;
	fate->timer.fn = delay_over;
	fate->timer.arg = fate;
	if (!loop_timer_start(f->d->loop, &fate->timer,
			      now_ns() + faults_delay_ns(fate->rule, fate->dice)))
		return true;
	log_warn_once("out of memory for a timer: a delayed request is not");
	return false;
}

static bool waits(struct faults *f, struct request *r)
{
	struct fault_fate *fate = r->fate;

	if (fate->pending & FAULT_HANG)
		return true;
	if (fate->pending & FAULT_HOLD && !is_open(f, fate->rule->hold))
		return true;
	fate->pending &= ~(uint32_t)FAULT_HOLD;
	return fate->pending & FAULT_DELAY && delay(f, r);
}

bool faults_withhold(struct faults *f, struct request *r)
{
	if (r->fate->let_go || !waits(f, r))
		return false;
	r->withheld = WITHHELD_IO;
	list_add_tail(&f->withheld, &r->fate->node);
	return true;
}

void faults_release(struct faults *f, const char *name)
{
	if (is_open(f, name))
		return;
	open_gate(f, name);
	list_for_each(node, tmp, &f->withheld) {
		struct fault_fate *fate = list_entry(node, struct fault_fate, node);

		if (fate->request->withheld != WITHHELD_IO || fate->pending & FAULT_HANG ||
		    !(fate->pending & FAULT_HOLD) || strcmp(fate->rule->hold, name) != 0)
			continue;
		fate->pending &= ~(uint32_t)FAULT_HOLD;
		go_on(f, fate->request);
	}
	engine_flush(f->d->engine);
}

/* It is finished without having begun. */
static void drop(struct faults *f, struct request *r)
{
	list_del(&r->fate->node);
	loop_timer_stop(f->d->loop, &r->fate->timer);
	r->withheld = WITHHELD_NOT;
	r->fate->begun = r->fate->ended = r->fate->let_go = true;
	r->faulted = r->made_up = true;
	r->io.result = r->io.op == IO_POLL ? 0 : -ECANCELED;
	list_add_tail(&f->d->finished, &r->io.node);
}

static void let_event_go(struct request *r, struct list *to)
{
	list_del(&r->fate->node);
	r->withheld = WITHHELD_NOT;
	r->fate->let_go = true;
	list_add_tail(to, &r->io.node);
}

/* They have been through SEAM_PUBLISH, but for what comes behind the waiting. */
static void publish(struct faults *f, struct list *ios)
{
	faults_publish(f, ios);
	if (!list_empty(ios))
		complete_publish(f->d, ios);
}

bool faults_cancel(struct faults *f, struct request *r)
{
	struct list ios;

	list_init(&ios);
	switch (r->withheld) {
	case WITHHELD_NOT:
		return false;
	case WITHHELD_IO:
		drop(f, r);
		break;
	case WITHHELD_EVENT:
		let_event_go(r, &ios);
		publish(f, &ios);
		break;
	}
	return true;
}

static bool is_of(const struct request *r, const struct context *ctx, const struct mm *mm)
{
	return ctx ? r->ctx == ctx : r->ctx->mm == mm;
}

static void leave_behind(struct faults *f, struct request *r, struct list *ios)
{
	const struct fault_fate *fate = r->fate;

	if (r->withheld == WITHHELD_EVENT) {
		let_event_go(r, ios);
	} else if (fate->pending & FAULT_HANG) {
		if (!fate->rule->hang_destroy)
			return;
		r->cancelled = r->dropped = true;
		drop(f, r);
	} else if (fate->pending & FAULT_HOLD) {
		r->fate->pending &= ~(uint32_t)FAULT_HOLD;
		go_on(f, r);
	}
}

void faults_let_go(struct faults *f, const struct context *ctx, const struct mm *mm)
{
	struct list ios;

	list_init(&ios);
	list_for_each(node, tmp, &f->withheld) {
		struct request *r = list_entry(node, struct fault_fate, node)->request;

		if (is_of(r, ctx, mm))
			leave_behind(f, r, &ios);
	}
	engine_flush(f->d->engine);
	publish(f, &ios);
}

void faults_bury(struct faults *f, const struct mm *mm)
{
	struct list ios;
	unsigned hung = 0;
	pid_t tgid = 0;

	list_init(&ios);
	list_for_each(node, tmp, &f->withheld) {
		struct request *r = list_entry(node, struct fault_fate, node)->request;

		if (r->ctx->mm != mm)
			continue;
		if (r->withheld == WITHHELD_EVENT) {
			let_event_go(r, &ios);
		} else if (r->fate->pending & FAULT_HANG) {
			drop(f, r);
			tgid = r->tgid;
			hung++;
		} else {
			r->fate->let_go = true;
			go_on(f, r);
		}
	}
	engine_flush(f->d->engine);
	publish(f, &ios);
	if (hung)
		log_warn("process %d is gone: %u of its requests that a fault plan made hang are "
			 "dropped", tgid, hung);
}
