/* SPDX-License-Identifier: MIT */
/*
 * Theory. A plan is its rules in order. Each subject is shown to all of them: every rule that matches
 * counts it, and the first whose `when` holds fires. Counts belong to processes unless the rule says
 * otherwise, as in strace. What is left to chance is a hash of seed, rule and key, so nothing that
 * was asked before changes it.
 */
#include "fault.h"

#include <fnmatch.h>
#include <stdlib.h>

#include "util.h"

struct fault_plan {
	uint64_t seed;
	unsigned last_number;
	struct list rules;
	struct list counts;		/* struct fault_count.node */
};

struct fault_count {
	struct list node;
	const struct fault_rule *rule;
	uint64_t process;
	uint64_t seen;
	uint64_t fired;
};

struct fault_plan *fault_plan_create(uint64_t seed)
{
	struct fault_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return NULL;
	plan->seed = seed;
	list_init(&plan->rules);
	list_init(&plan->counts);
	return plan;
}

void fault_rule_free(struct fault_rule *rule)
{
	if (!rule)
		return;
	free(rule->text);
	free(rule->hold);
	free(rule->release);
	free(rule->path);
	free(rule->comm);
	free(rule);
}

void fault_plan_destroy(struct fault_plan *plan)
{
	if (!plan)
		return;
	for (struct list *node; (node = list_pop(&plan->rules));)
		fault_rule_free(list_entry(node, struct fault_rule, node));
	for (struct list *node; (node = list_pop(&plan->counts));)
		free(list_entry(node, struct fault_count, node));
	free(plan);
}

uint64_t fault_plan_seed(const struct fault_plan *plan)
{
	return plan->seed;
}

void fault_plan_set_seed(struct fault_plan *plan, uint64_t seed)
{
	plan->seed = seed;
}

static const struct fault_rule *rule_at(const struct list *node)
{
	return (const struct fault_rule *)(const void *)
		((const char *)node - offsetof(struct fault_rule, node));
}

uint32_t fault_plan_ops(const struct fault_plan *plan)
{
	uint32_t ops = 0;

	for (const struct list *at = plan->rules.next; at != &plan->rules; at = at->next)
		ops |= rule_at(at)->ops;
	return ops;
}

uint32_t fault_plan_calls(const struct fault_plan *plan)
{
	uint32_t calls = 0;

	for (const struct list *at = plan->rules.next; at != &plan->rules; at = at->next)
		calls |= rule_at(at)->calls;
	return calls;
}

const struct fault_rule *fault_plan_next(const struct fault_plan *plan,
					 const struct fault_rule *after)
{
	const struct list *next = after ? after->node.next : plan->rules.next;

	return next == &plan->rules ? NULL : rule_at(next);
}

int fault_plan_add(struct fault_plan *plan, const char *text, bool fault, struct fault_rule **rule,
		   struct fault_complaint *complaint)
{
	struct fault_rule *made = calloc(1, sizeof(*made));
	int err = made ? fault_parse(made, text, fault, complaint) : -ENOMEM;

	if (err) {
		fault_rule_free(made);
		return err;
	}
	made->number = ++plan->last_number;
	list_add_tail(&plan->rules, &made->node);
	if (rule)
		*rule = made;
	return 0;
}

/* --- deciding --- */

static bool in_range(const struct fault_range *range, uint64_t n)
{
	return n >= range->first && n <= range->last;
}

static bool touches(const struct fault_range *range, const struct fault_subject *s)
{
	const uint64_t last = s->offset + (s->length_bytes ? s->length_bytes - 1 : 0);

	return s->has_offset && s->offset <= range->last && last >= range->first;
}

static bool is_like(const char *pattern, const char *text)
{
	return text && !fnmatch(pattern, text, 0);
}

static bool matches(const struct fault_rule *r, const struct fault_subject *s)
{
	const uint32_t m = r->matches;

	if (r->disabled || !((r->ops & s->op) | (r->calls & s->call)))
		return false;
	return (!(m & FAULT_MATCH_PATH) || is_like(r->path, s->path)) &&
	       (!(m & FAULT_MATCH_FD) || r->fd == s->fd) &&
	       (!(m & FAULT_MATCH_OFFSET) || touches(&r->offset, s)) &&
	       (!(m & FAULT_MATCH_LENGTH) || in_range(&r->length, s->length_bytes)) &&
	       (!(m & FAULT_MATCH_PID) || r->pid == s->pid) &&
	       (!(m & FAULT_MATCH_COMM) || is_like(r->comm, s->comm)) &&
	       (!(m & FAULT_MATCH_CTX) || r->ctx == s->ctx) &&
	       (!(m & FAULT_MATCH_DIRECT) || r->direct == s->direct) &&
	       (!(m & FAULT_MATCH_DATA) || r->data == s->data);
}

/* NULL: no memory. */
static struct fault_count *count_of(struct fault_plan *plan, const struct fault_rule *rule,
				    uint64_t process)
{
	struct fault_count *c;

	list_for_each(node, tmp, &plan->counts) {
		c = list_entry(node, struct fault_count, node);
		if (c->rule == rule && c->process == process)
			return c;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->rule = rule;
	c->process = process;
	list_add_tail(&plan->counts, &c->node);
	return c;
}

static bool counted_in(const struct fault_rule *r, uint64_t count)
{
	return count >= r->first && count <= r->last &&
	       (!r->step || (count - r->first) % r->step == 0);
}

static bool rolled(double probability, uint64_t dice)
{
	return (double)(hash_u64(dice) >> 11) / (double)(1ull << 53) < probability;
}

static bool holds(const struct fault_rule *r, const struct fault_subject *s,
		  const struct fault_count *c, uint64_t dice)
{
	const uint32_t w = r->when;

	return (!(w & FAULT_WHEN_COUNT) || counted_in(r, c->seen)) &&
	       (!(w & FAULT_WHEN_PROB) || rolled(r->probability, dice)) &&
	       (!(w & FAULT_WHEN_AFTER) || s->now_ns >= r->after_ns) &&
	       (!(w & FAULT_WHEN_UNTIL) || s->now_ns < r->until_ns) &&
	       (!(w & FAULT_WHEN_TIMES) || c->fired < r->times);
}

struct fault_verdict fault_plan_ask(struct fault_plan *plan, const struct fault_subject *s)
{
	struct fault_verdict v = { 0 };

	list_for_each(node, tmp, &plan->rules) {
		struct fault_rule *r = list_entry(node, struct fault_rule, node);
		struct fault_count *c;
		uint64_t dice;

		if (!matches(r, s))
			continue;
		c = count_of(plan, r, r->scope_all ? 0 : s->process);
		if (!c)
			continue;
		c->seen++;
		r->matched++;
		dice = hash_u64(hash_u64(plan->seed ^ r->number * 0x9e3779b97f4a7c15u) ^
				s->key_hash);
		if (v.rule || !holds(r, s, c, dice))
			continue;
		c->fired++;
		r->fired++;
		v = (struct fault_verdict){ r, c->seen, dice };
	}
	return v;
}
