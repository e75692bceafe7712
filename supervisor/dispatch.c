/* SPDX-License-Identifier: MIT */
/*
 * Theory. Calls come by one of two doors (door_trap.c, door_channel.c) and are handled one after the
 * other. Each gets a verdict from its handler: an answer goes out at once, by the door it came by; a
 * parked call stands on one list of the thing it waits for, and is asked again when that changes. A
 * call is executed once: while it is parked it has consumed nothing that it would have to give back.
 */
#include "dispatch.h"

#include <string.h>

#include "channel.h"
#include "complete.h"
#include "door.h"
#include "episode.h"
#include "errand.h"
#include "kept.h"
#include "log.h"
#include "notify.h"
#include "observe.h"
#include "passed.h"
#include "preload_guard.h"

#define LONG_WORK_NS (2 * NSEC_PER_MSEC)

typedef struct verdict handler_fn(struct dispatch *d, struct call *call);

static handler_fn *const handlers[CALL_KINDS] = {
	[CALL_SETUP] = handle_setup,
	[CALL_DESTROY] = handle_destroy,
	[CALL_GETEVENTS] = handle_getevents,
	[CALL_SUBMIT] = handle_submit,
	[CALL_CANCEL] = handle_cancel,
	[CALL_PGETEVENTS] = handle_getevents,
	[CALL_EXEC] = life_exec,
	[CALL_EXIT] = life_exit,
	[CALL_EXIT_GROUP] = life_exit,
	[CALL_SHIM] = handle_shim,
	[CALL_FOREIGN] = handle_foreign,
};

static void call_free(struct dispatch *d, struct call *call)
{
	if (call->thread && call->thread->call == call)
		call->thread->call = NULL;
	if (call->thread && call->kind == CALL_SUBMIT)
		call->thread->source.passed = passed_over(call->thread->source.passed);
	if (call->waits_for)
		call->waits_for->caller = NULL;
	errand_end(d, call);
	context_leave(d, call);
	loop_timer_stop(d->loop, &call->wait.deadline);
	list_del(&call->node);
	list_del(&call->parked);
	free(call);
}

void dispatch_forget(struct dispatch *d, struct call *call)
{
	trace_left(d->trace, call, false);
	if (call->kind == CALL_DESTROY && call->ctx) {
		call->ctx->destroying = false;
		list_del(&call->node);
		context_settle(d, call->ctx);
	}
	if (call->episode)
		episode_abandon(call);
	life_forget(d, call);
	call_free(d, call);
}

static void park(struct dispatch *d, struct call *call, struct list *on)
{
	if (on && list_empty(&call->node))
		list_add_tail(on, &call->node);
	if (list_empty(&call->parked))
		list_add_tail(&d->parked, &call->parked);
	if (call->thread)
		call->thread->call = call;
	watch_call(d, call);
	door_channel_parked(call);
}

static int reply(struct dispatch *d, struct call *call, const struct verdict *v)
{
	if (call->standing) {
		errand_answer(call, v);
		return 0;
	}
	if (call->door == DOOR_CHANNEL) {
		channel_answer(call->channel, call->slot, v->value, call->raise_signals);
		return 0;
	}
	if (v->kind == VERDICT_CONTINUE)
		return notify_continue(d->notify, call->notice.cookie);
	if (v->kind == VERDICT_FD)
		return notify_give_fd(d->notify, call->notice.cookie, v->fd);
	if (!kept_caller_sleeps(d, call))
		return -ENOENT;
	return notify_reply(d->notify, call->notice.cookie, v->value);
}

void dispatch_conclude(struct dispatch *d, struct call *call)
{
	if (call->lost)
		kept_put(d, call, call->answer);
	trace_left(d->trace, call, !call->lost);
	call_free(d, call);
}

static void answer(struct dispatch *d, struct call *call, const struct verdict *v)
{
	int err;

	lint_answers(d, call, v->value);
	door_channel_expect(d, call);
	err = reply(d, call, v);
	if (err && err != -ENOENT)
		log_warn("a reply to process %d was refused: %s", (int)call->notice.tid,
			 strerror(-err));
	call->after = v->after;
	call->answer = v->value;
	if (!v->after)
		call->lost = v->kind == VERDICT_RETURN && err == -ENOENT;
	if (!v->after || episode_run(d, call))
		dispatch_conclude(d, call);
}

static bool give_kept_answer(struct dispatch *d, struct call *call)
{
	struct verdict v = verdict_return(0);

	if (!kept_get(d, call, &v.value))
		return false;
	answer(d, call, &v);
	return true;
}

bool dispatch_caller_waits(struct dispatch *d, const struct call *call)
{
	if (!call->standing)
		return notify_valid(d->notify, call->notice.cookie);
	return !strchr("XZ", thread_state(call->thread));
}

/* Only a call that somebody waits for is executed or asked again. */
static bool caller_gone(struct dispatch *d, struct call *call)
{
	return (call->again || call->delayed || d->breakable) && call_is_aio(call->kind) &&
	       !dispatch_caller_waits(d, call);
}

static void leave(struct dispatch *d, struct call *call)
{
	if (!call->again)
		d->counts.calls -= call_counts(call->kind); /* broken off before it was executed */
	call->away = call->again && kept_waits(d, call);
	if (!call->away)
		dispatch_forget(d, call);
}

static void park_or_send(struct dispatch *d, struct call *call, struct list *on)
{
	if (errand_wanted(call) && call->door == DOOR_TRAP) {
		errand_run(d, call);
		return;
	}
	if (call->standing && call->kind != CALL_SUBMIT)
		errand_back(call);
	park(d, call, on);
}

void dispatch_run(struct dispatch *d, struct call *call)
{
	struct verdict v;

	if (caller_gone(d, call)) {
		leave(d, call);
		return;
	}
	atomic_store_explicit(&d->pulse->pid, call->notice.tid, memory_order_relaxed);
	atomic_store_explicit(&d->pulse->call, (uint32_t)call->notice.nr, memory_order_relaxed);
	list_del(&call->parked);	/* what would wake it finds it running */
	if (call_is_aio(call->kind) && call->mm && call->mm->closing)
		v = verdict_park(&call->mm->held);
	else if (seam(d->plan, SEAM_CALL, call))
		v = call->delayed ? verdict_park(NULL) : verdict_return(call->answer);
	else
		v = handlers[call->kind](d, call);
	call->again = !call->delayed;
	if (v.kind == VERDICT_PARK)
		park_or_send(d, call, v.on);
	else
		answer(d, call, &v);
	atomic_store_explicit(&d->pulse->pid, 0, memory_order_relaxed);
}

void dispatch_wake_call(struct dispatch *d, struct call *call)
{
	if (list_empty(&call->parked))
		return;			/* it is running just now, and will see */
	list_del(&call->node);
	list_add_tail(&d->ready, &call->node);
}

void dispatch_ask_again(struct dispatch *d, struct call *call)
{
	park(d, call, NULL);
	dispatch_wake_call(d, call);
}

void dispatch_wake(struct dispatch *d, struct list *parked)
{
	list_splice_tail(&d->ready, parked);
}

void dispatch_run_ready(struct dispatch *d)
{
	for (struct list *node; (node = list_pop(&d->ready));)
		dispatch_run(d, list_entry(node, struct call, node));
}

/*
 * A new call from a thread that has one parked: that one was broken off (no WAIT_KILLABLE_RECV). If
 * it is the same call, restarted, the parked one goes on in its place: it may have accepted
 * requests already.
 */
static bool goes_on_parked(struct dispatch *d, struct call *call)
{
	if (!kept_goes_on(d, call))
		return false;
	call_free(d, call);
	return true;
}

static int bind_thread(struct dispatch *d, struct call *call)
{
	int err = 0;
	struct thread *th = tasks_thread(d->tasks, (pid_t)call->notice.tid, &err);

	if (!th)
		return err;
	if (th->call && !notice_same_call(&th->call->notice, &call->notice) &&
	    !kept_other_half(th->call, call))
		dispatch_forget(d, th->call);
	if (th->exiting && !th->call) {	/* its number was given to a new thread */
		thread_forget(th);
		th = tasks_thread(d->tasks, (pid_t)call->notice.tid, &err);
		if (!th)
			return err;
	}
	call->thread = th;
	call->mm = th->process->mm;
	trace_look_told(d->trace, call->mm);
	life_exec_thread_back(d, call->mm, th->source.tid);
	return 0;
}

/*
 * exec and exit of programs that use no AIO, while nobody else's writes matter: let them go. What is
 * known of a process ends with its exec, whichever thread makes it.
 */
static bool of_no_interest(const struct dispatch *d, const struct call *call)
{
	const pid_t tid = (pid_t)call->notice.tid;

	return !call_is_aio(call->kind) && !d->contexts && !d->outstanding &&
	       !tasks_find(d->tasks, tid) &&
	       (call->kind != CALL_EXEC || !tasks_knows_process_of(d->tasks, tid));
}

void dispatch_begin(struct dispatch *d, struct call *call)
{
	if (call->kind != CALL_EXEC || !preload_guard_takes(d->guard, call))
		dispatch_admit(d, call);
}

void dispatch_admit(struct dispatch *d, struct call *call)
{
	struct verdict v = verdict_continue();
	int err;

	d->counts.calls += call_counts(call->kind);
	if (call->kind == CALL_EXIT_GROUP && !d->counts.used_uring && !d->counts.calls)
		d->counts.used_uring = tracee_has_uring((pid_t)call->notice.tid);
	if (call->kind == CALL_FOREIGN) {
		dispatch_run(d, call);
		return;
	}
	if (of_no_interest(d, call)) {
		answer(d, call, &v);
		return;
	}
	err = bind_thread(d, call);
	if (!err) {
		if (!goes_on_parked(d, call) && !give_kept_answer(d, call))
			dispatch_run(d, call);
		return;
	}
	if (call_is_aio(call->kind)) {
		if (err != -ESRCH)
			log_warn_once(
				"process %d cannot be looked into (%s): its AIO calls get EAGAIN",
				(int)call->notice.tid, strerror(-err));
		v = verdict_return(-EAGAIN);
	}
	answer(d, call, &v);
}

static void try_again(void *arg)
{
	complete_stalled(arg);
}

bool dispatch_too_long(struct dispatch *d, uint64_t begin_ns, uint64_t now)
{
	return now - begin_ns > LONG_WORK_NS && loop_timer_start(d->loop, &d->again, now) == 0;
}

static void each_turn(void *arg)
{
	struct dispatch *d = arg;

	dispatch_wake(d, &d->later);
	complete_finished(d);
	door_trap_handle(d); /* what a timer's work has received is readable no more */
}

int dispatch_start(struct dispatch *d)
{
	struct list *lists[] = { &d->arrived, &d->ready,       &d->parked,  &d->later,
				 &d->room,    &d->orphan_wait, &d->stalled, &d->finished };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		list_init(lists[i]);
	d->again = (struct loop_timer){ .fn = try_again, .arg = d };
	watch_init(d);
	inflight_init(d);
	door_channel_open(d);
	if (episode_init(d) || door_trap_open(d))
		return -ENOMEM;
	return loop_each_turn(d->loop, each_turn, d);
}

static int end_of_mm(struct mm *mm, void *arg)
{
	life_mm_dead(arg, mm);
	return 0;
}

void dispatch_stop(struct dispatch *d)
{
	list_for_each(node, tmp, &d->parked)
		dispatch_forget(d, list_entry(node, struct call, parked));
	list_for_each(node, tmp, &d->late)
		dispatch_forget(d, list_entry(node, struct call, node));
	tasks_for_mms(d->tasks, end_of_mm, d);
}

bool dispatch_over(const struct dispatch *d)
{
	return d->no_waits && !d->outstanding;
}
