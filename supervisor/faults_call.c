/* SPDX-License-Identifier: MIT */
/*
 * What a fault does to a call, before its handler sees it: an error instead of it, a delay (the call
 * is parked), fewer entries or events. A call has a name too, for dice and replays: its process, what
 * it is, and how many such calls that process has made before.
 */
#include "faults_impl.h"
#include "log.h"
#include "naming.h"
#include "trace_set.h"

static const char *const names[PROCESS_CALLS] = {
	[CALL_SETUP] = "io_setup",   [CALL_DESTROY] = "io_destroy", [CALL_GETEVENTS] = "io_getevents",
	[CALL_SUBMIT] = "io_submit", [CALL_CANCEL] = "io_cancel",   [CALL_PGETEVENTS] = "io_pgetevents",
};

static unsigned context_of(const struct call *call)
{
	list_for_each(node, tmp, &call->mm->contexts) {
		const struct context *ctx = list_entry(node, struct context, node);

		if (ctx->handle == call->notice.args[0] && call->kind != CALL_SETUP && !ctx->dead)
			return ctx->nth;
	}
	return 0;
}

static void delay_over(void *arg)
{
	struct call *call = arg;

	dispatch_wake_call(call->wait.deadline_owner, call);
}

static void delay(struct faults *f, struct call *call, const struct fault_verdict *v)
{
	call->wait.deadline_owner = f->d;
	call->wait.deadline.fn = delay_over;
	call->wait.deadline.arg = call;
	call->delayed = !loop_timer_start(f->d->loop, &call->wait.deadline,
					  now_ns() + faults_delay_ns(v->rule, v->dice));
}

static bool act(struct faults *f, struct call *call, const struct fault_verdict *v, const char *key)
{
	const struct fault_rule *rule = v->rule;

	log_info(1, "fault: rule %u, count %llu: call %llu of %d: %s", rule->number,
		 (unsigned long long)v->count, (unsigned long long)call->id,
		 (int)call->notice.tid, key);
	if (rule->actions & (FAULT_PARTIAL | FAULT_CAP | FAULT_EARLY))
		call->limit = rule->entries;
	call->early = rule->actions & FAULT_EARLY;
	call->refused = rule->actions & FAULT_ERROR;
	call->answer = call->refused ? -rule->error : 0;
	if (rule->actions & FAULT_DELAY)
		delay(f, call, v);
	return call->delayed || call->refused;
}

static bool judge(struct faults *f, struct call *call)
{
	struct process *p = call->thread->process;
	struct fault_subject s = faults_subject(f, p);
	char key[KEY_PROGRAM_BYTES + 64], comm[TRACEE_COMM_BYTES] = "";
	const struct key_process *named = naming_process(f->d, p);
	struct fault_verdict v;

	snprintf(key, sizeof(key), "%s:%u %s #%llu", named ? named->program : "?",
		 named ? named->number : 0, names[call->kind],
		 (unsigned long long)p->calls[call->kind]++);
	(void)tracee_comm(call->thread->source.tid, comm, sizeof(comm));
	s.call = trace_set_call((unsigned)call->notice.nr);
	s.comm = comm;
	s.ctx = context_of(call);
	s.key_hash = hash_text(key, strlen(key));
	v = fault_plan_ask(f->plan, &s);
	return v.rule && act(f, call, &v, key);
}

bool faults_call(struct faults *f, struct call *call)
{
	if (call->delayed) {
		if (loop_timer_armed(&call->wait.deadline) && !call->broken)
			return true;
		loop_timer_stop(f->d->loop, &call->wait.deadline);
		call->delayed = false;
		return call->refused;
	}
	if (call->judged || call->again || (unsigned)call->kind >= PROCESS_CALLS || !call->thread ||
	    !(fault_plan_calls(f->plan) & trace_set_call((unsigned)call->notice.nr)))
		return false;
	call->judged = true;
	return judge(f, call);
}
