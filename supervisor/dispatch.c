/* SPDX-License-Identifier: MIT */
/*
 * Theory. Notifications are received as early as possible (until then a handler without SA_RESTART
 * can break a call off) and handled one after the other. Each gets a verdict from its handler: an
 * answer goes out at once; a parked call stands on one list of the thing it waits for, and is asked
 * again when that changes. A call is executed once: while it is parked it has consumed nothing that
 * it would have to give back.
 */
#include "dispatch.h"

#include <string.h>

#include "complete.h"
#include "episode.h"
#include "kept.h"
#include "log.h"
#include "notify.h"
#include "observe.h"

#define PUMP_NS (100 * NSEC_PER_USEC)
#define RECEIVE_MAX 64
#define LONG_WORK_NS (2 * NSEC_PER_MSEC)
#define CROWD_TURNS 16
#define TURN_NS (50 * NSEC_PER_USEC)

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
	if (call->waits_for)
		call->waits_for->caller = NULL;
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
}

static int reply(struct dispatch *d, struct call *call, const struct verdict *v)
{
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

/* Only a call that somebody waits for is executed or asked again. */
static bool caller_gone(struct dispatch *d, struct call *call)
{
	return (call->again || d->breakable) && call_is_aio(call->kind) &&
	       !notify_valid(d->notify, call->notice.cookie);
}

static void leave(struct dispatch *d, struct call *call)
{
	if (!call->again)
		d->counts.calls -= call_counts(call->kind); /* broken off before it was executed */
	call->away = call->again && kept_waits(d, call);
	if (!call->away)
		dispatch_forget(d, call);
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
	seam(d->plan, SEAM_CALL, call);
	list_del(&call->parked);	/* what would wake it finds it running */
	if (call_is_aio(call->kind) && call->mm && call->mm->closing)
		v = verdict_park(&call->mm->held);
	else
		v = handlers[call->kind](d, call);
	call->again = true;
	if (v.kind == VERDICT_PARK)
		park(d, call, v.on);
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
	if (th->call && !notice_same_call(&th->call->notice, &call->notice))
		dispatch_forget(d, th->call);
	if (th->exiting && !th->call) {	/* its number was given to a new thread */
		thread_forget(th);
		th = tasks_thread(d->tasks, (pid_t)call->notice.tid, &err);
		if (!th)
			return err;
	}
	call->thread = th;
	call->mm = th->process->mm;
	life_exec_thread_back(d, call->mm, th->source.tid);
	return 0;
}

/* exec and exit of programs that use no AIO, while nobody else's writes matter: let them go. */
static bool of_no_interest(const struct dispatch *d, const struct call *call)
{
	return !call_is_aio(call->kind) && !d->contexts && !d->outstanding &&
	       !tasks_find(d->tasks, (pid_t)call->notice.tid);
}

static void begin(struct dispatch *d, struct call *call)
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

/*
 * Memory first: what has been received must be handled, an exit or execve in particular. Without
 * memory it stays with the kernel, and is readable in the next turn.
 */
static void receive_one(struct dispatch *d)
{
	struct call *call = call_create();
	int got = call ? notify_receive(d->notify, &call->notice) : -ENOMEM;

	if (got <= 0) {
		if (got != -ENOENT)
			log_warn_once("notifications cannot be received: %s; trying again",
				      strerror(-got));
		free(call);
		return;
	}
	call->id = ++d->last_call_id;
	call->kind = call_kind_of(&call->notice);
	trace_arrived(d->trace, call);
	list_add_tail(&d->arrived, &call->node);
}

/* Receives up to `most` of those that wait; they are handled later. */
static void receive(struct dispatch *d, unsigned most)
{
	int waits = 0;

	for (unsigned n = 0; n < most; n++) {
		waits = notify_waits(d->notify);
		if (waits <= 0)
			break;
		receive_one(d);
		if (n)
			d->crowd = CROWD_TURNS;
	}
	if (waits == -EPIPE)
		d->no_waits = true;
}

void dispatch_pump(struct dispatch *d)
{
	const uint64_t now = now_ns();

	if (now - d->pumped_ns < PUMP_NS)
		return;
	d->pumped_ns = now;
	receive(d, RECEIVE_MAX);
}

static void try_again(void *arg)
{
	complete_stalled(arg);
}

bool dispatch_too_long(struct dispatch *d, uint64_t begin_ns)
{
	const uint64_t now = now_ns();

	return now - begin_ns > LONG_WORK_NS && loop_timer_start(d->loop, &d->again, now) == 0;
}

static void handle_arrived(struct dispatch *d)
{
	complete_polls(d);
	for (struct list *node; (node = list_pop(&d->arrived));)
		begin(d, list_entry(node, struct call, node));
	dispatch_run_ready(d);
}

/*
 * The usual single caller is spared a system call: whether more wait is asked only if there were
 * some not long ago, and now and then; the descriptor stays readable.
 */
static void listener_readable(void *arg, unsigned events)
{
	struct dispatch *d = arg;
	const uint64_t begin_ns = now_ns();
	uint64_t yielded_ns;
	const bool all = d->crowd || ++d->lonely % CROWD_TURNS == 0;

	d->pumped_ns = begin_ns;
	d->crowd -= d->crowd > 0;
	do {
		receive(d, all ? RECEIVE_MAX : 1);
		if (list_empty(&d->arrived))
			break;
		handle_arrived(d);
		yielded_ns = courtesy_yield(&d->courtesy);
	} while (yielded_ns && yielded_ns - begin_ns < TURN_NS);
	if (d->no_waits) {
		loop_unwatch(d->listener);
		d->listener = NULL;
	}
}

static void each_turn(void *arg)
{
	struct dispatch *d = arg;

	dispatch_wake(d, &d->later);
	complete_finished(d);
	dispatch_run_ready(d);
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
	if (episode_init(d))
		return -ENOMEM;
	d->listener = loop_watch(d->loop, notify_fd(d->notify), LOOP_READ, listener_readable, d);
	if (!d->listener)
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
