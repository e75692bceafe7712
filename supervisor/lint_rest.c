/* SPDX-License-Identifier: MIT */
/*
 * What a partial io_submit has left over: the program has to submit it again, if only to be told
 * why it is refused.
 */
#include "lint_impl.h"
#include "log.h"

void lint_rest_taken(struct lint *l, const struct mm *mm, uaddr obj)
{
	list_for_each(node, tmp, &l->rests) {
		struct lint_rest *rest = list_entry(node, struct lint_rest, node);

		if (rest->mm == mm && rest->obj == obj)
			lint_let_go(l, &rest->node, rest);
	}
}

static void keep(struct lint *l, const struct call *call, uaddr obj, uint64_t taken)
{
	struct lint_rest *rest = lint_keep(l, sizeof(*rest));

	if (!rest)
		return;
	*rest = (struct lint_rest){ .mm = call->mm, .obj = obj, .nr = call->notice.args[1],
				    .taken = taken, .tid = call->thread->source.tid,
				    .ip = call->notice.ip };
	list_init(&rest->node);
	list_add_tail(&l->rests, &rest->node);
}

void lint_submitted(struct lint *l, const struct call *call, int64_t value)
{
	const uint64_t taken = value > 0 ? (uint64_t)value : 0;
	uaddr obj;

	if (taken >= call->notice.args[1] ||
	    tracee_read_all(call->thread->source.tid,
			    call->notice.args[2] + taken * sizeof(obj), &obj, sizeof(obj)))
		return;
	lint_rest_taken(l, call->mm, obj);	/* tried once more */
	if (taken)
		keep(l, call, obj, taken);
}

void lint_rests_end(struct lint *l, const struct mm *mm)
{
	list_for_each(node, tmp, &l->rests) {
		struct lint_rest *rest = list_entry(node, struct lint_rest, node);

		if (rest->mm == mm && lint_is_new(l, LINT_REST, rest->ip, 0))
			log_say("lint: io_submit of %d took %llu of %llu requests, and the next one "
				"(iocb 0x%llx) was never submitted again", rest->tid,
				(unsigned long long)rest->taken, (unsigned long long)rest->nr,
				(unsigned long long)rest->obj);
	}
	lint_rests_forget(l, mm);
}

void lint_rests_forget(struct lint *l, const struct mm *mm)
{
	list_for_each(node, tmp, &l->rests) {
		struct lint_rest *rest = list_entry(node, struct lint_rest, node);

		if (rest->mm == mm)
			lint_let_go(l, &rest->node, rest);
	}
}
