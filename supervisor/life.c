/* SPDX-License-Identifier: MIT */
/*
 * Theory (design.md, Life and death). What waits for storage is always finished, and whoever leaves
 * by exec or exit waits for it, as in the kernel; what waits for a peer is cancelled. A task leaves
 * its address space alone if somebody else lives in it. Whether an execve that was let in has
 * succeeded is seen from outside: the old address space has no user any more, or the thread is
 * elsewhere. Until then nothing is copied into it. Death by a signal cannot be held: its writes go on
 * as orphans; later execves wait for them: a restarted database meets no write of its predecessor.
 */
#include <errno.h>
#include <sys/syscall.h>

#include "complete.h"
#include "label.h"
#include "lint.h"
#include "log.h"

#define ORPHAN_WAIT_NS (30 * NSEC_PER_SEC)
#define LOOK_FIRST_NS NSEC_PER_MSEC
#define LOOK_LAST_NS (100 * NSEC_PER_MSEC)
#define BURY_LAST_NS (250 * NSEC_PER_MSEC)
#define LOOKS_RUNNING 12 /* about 300 ms on a CPU, not in a system call that sleeps: user mode */
#define LOOKS_ELSEWHERE 6 /* twice: a reader of /proc may keep the old address space */

static void forget_all(struct dispatch *d, struct list *parked)
{
	for (struct call *call; (call = list_first(parked, struct call, node));)
		dispatch_forget(d, call);
}

static void kill_contexts(struct dispatch *d, struct mm *mm)
{
	list_for_each(node, tmp, &mm->contexts) {
		struct context *ctx = list_entry(node, struct context, node);

		context_desert(d, ctx);
		context_kill(d, ctx);
		forget_all(d, &ctx->waiters);
		if (list_empty(&ctx->drain))
			context_settle(d, ctx);
		else
			forget_all(d, &ctx->drain);
	}
}

void life_mm_dead(struct dispatch *d, struct mm *mm)
{
	if (mm->dead)
		return;
	mm->dead = true;
	mm->exec = MM_EXEC_NONE;
	loop_timer_stop(d->loop, &mm->exec_timer);
	d->orphans += mm->storage_requests;
	mm->requests++;			/* keeps it while its contexts go */
	(void)seam(d->plan, SEAM_DEAD, mm);
	forget_all(d, &mm->held);
	forget_all(d, &mm->drain);
	list_splice_tail(&d->finished, &mm->held_done);
	kill_contexts(d, mm);
	complete_finished(d);
	lint_mm_over(d->lint, mm);
	mm->requests--;
	mm_release(mm);
}

static int bury_if_dead(struct mm *mm, void *arg)
{
	if (!mm->dead && !mm_alive(mm))
		life_mm_dead(arg, mm);
	return 0;
}

/* A parent may know of a death before our loop does, and the successor must not be started then. */
static int bury_writers(struct mm *mm, void *arg)
{
	return mm->storage_requests ? bury_if_dead(mm, arg) : 0;
}

static void forget_threads(struct dispatch *d, struct process *p)
{
	list_for_each(node, tmp, &p->threads) {
		struct thread *th = list_entry(node, struct thread, process_node);

		if (th->call)
			dispatch_forget(d, th->call);
	}
}

static int is_unwatched(struct mm *mm, void *arg)
{
	return !mm->dead && list_empty(&mm->processes);
}

static void bury_later(struct dispatch *d);

static void bury_again(void *arg)
{
	struct dispatch *d = arg;

	tasks_for_mms(d->tasks, bury_if_dead, d);
	if (tasks_for_mms(d->tasks, is_unwatched, NULL))
		bury_later(d);
	dispatch_run_ready(d);
}

static void bury_later(struct dispatch *d)
{
	d->bury_timer.fn = bury_again;
	d->bury_timer.arg = d;
	(void)loop_timer_start(d->loop, &d->bury_timer, now_ns() + d->bury_wait_ns);
	d->bury_wait_ns = min_u64(2 * d->bury_wait_ns, BURY_LAST_NS);
}

/*
 * A vfork or CLONE_VM child that made no calls may outlive the last process that we know: nothing
 * tells its end.
 */
static bool outlives(const struct mm *mm, const struct process *p)
{
	return mm && !mm->dead && p->mm_node.next == &mm->processes &&
	       p->mm_node.prev == &mm->processes;
}

void life_process_left(void *arg, struct process *p)
{
	struct dispatch *d = arg;

	forget_threads(d, p);
	tasks_for_mms(d->tasks, bury_if_dead, d);
	if (outlives(p->mm, p)) {
		d->bury_wait_ns = NSEC_PER_MSEC;
		bury_later(d);
	}
	dispatch_run_ready(d);
}

void life_mm_idle(struct dispatch *d, struct mm *mm)
{
	if (!mm->storage_requests)
		dispatch_wake(d, &mm->drain);
	if (!d->orphans) {
		d->orphans_stuck = false;
		loop_timer_stop(d->loop, &d->orphan_timer);
		dispatch_wake(d, &d->orphan_wait);
	}
}

/* --- exec --- */

/*
 * Runs no ready calls: one of them may be an execve, which forgets threads, and our caller may hold
 * one.
 */
static void exec_failed(struct dispatch *d, struct mm *mm)
{
	mm->exec = MM_EXEC_NONE;
	loop_timer_stop(d->loop, &mm->exec_timer);
	dispatch_wake(d, &mm->held);
	if (list_empty(&mm->held_done))
		return;
	list_splice_tail(&d->finished, &mm->held_done);
	complete_finished(d);
}

static bool exec_over(struct mm *mm)
{
	const int nr = tracee_blocked_in(mm->exec_tgid, mm->exec_tid);

	if (nr == SYS_execve || nr == SYS_execveat)
		return false;
	if (nr == -EAGAIN)
		mm->exec_looks++;
	else if (nr >= -1)		/* elsewhere; -1: stopped in user mode */
		mm->exec_looks += LOOKS_ELSEWHERE;
	return mm->exec_looks >= LOOKS_RUNNING;
}

static void exec_look(void *arg)
{
	struct mm *mm = arg;
	struct dispatch *d = mm->exec_owner;
	const uint64_t next_ns = LOOK_FIRST_NS << min_u64(mm->exec_turns++, 6);

	const bool over = exec_over(mm);	/* first: it may succeed in between */

	if (!mm_alive(mm)) {
		life_mm_dead(d, mm);
	} else if (over) {
		exec_failed(d, mm);
	} else if (loop_timer_start(d->loop, &mm->exec_timer,
				    now_ns() + min_u64(next_ns, LOOK_LAST_NS))) {
		exec_failed(d, mm);	/* no memory to wait with: what was held back goes on */
	}
	dispatch_run_ready(d);
}

void life_exec_thread_back(struct dispatch *d, struct mm *mm, pid_t tid)
{
	if (mm->exec == MM_EXEC_RUNNING && mm->exec_tid == tid)
		exec_failed(d, mm);
}

void life_forget(struct dispatch *d, struct call *call)
{
	/* broken off by a signal (kept.h): it comes again */
	if (d->breakable && (call->kind == CALL_EXIT || call->kind == CALL_EXIT_GROUP) && call->mm)
		call->mm->closing = false;
	if (call->kind == CALL_EXEC && call->mm && call->mm->exec == MM_EXEC_DRAINING &&
	    call->mm->exec_tid == (pid_t)call->notice.tid)
		exec_failed(d, call->mm);
}

static void orphans_waited(void *arg)
{
	struct dispatch *d = arg;

	log_warn("%u writes of a process that was killed are not done after 30 s: programs are "
		 "started all the same",
		 d->orphans);
	d->orphans_stuck = true;
	dispatch_wake(d, &d->orphan_wait);
	dispatch_run_ready(d);
}

static struct verdict wait_for_orphans(struct dispatch *d)
{
	d->orphan_timer.fn = orphans_waited;
	d->orphan_timer.arg = d;
	if (!loop_timer_armed(&d->orphan_timer) &&
	    loop_timer_start(d->loop, &d->orphan_timer, now_ns() + ORPHAN_WAIT_NS))
		return verdict_continue();
	return verdict_park(&d->orphan_wait);
}

/* They end with a successful exec; after a failed one they are met again. */
static void drop_idle_threads(struct process *p, const struct thread *but)
{
	list_for_each(node, tmp, &p->threads) {
		struct thread *th = list_entry(node, struct thread, process_node);

		if (th != but && !th->call && !th->in_exec)
			thread_forget(th);
	}
}

static struct verdict exec_go(struct dispatch *d, struct call *call)
{
	struct mm *mm = call->mm;

	call->thread->in_exec = true;
	label_put(call->thread->comm);
	call->thread->comm = NULL;
	call->thread->process->may_have_execed = true;
	drop_idle_threads(call->thread->process, call->thread);
	if (mm->exec == MM_EXEC_NONE)
		return verdict_continue();
	mm->exec = MM_EXEC_RUNNING;
	mm->exec_turns = 0;
	mm->exec_looks = 0;
	mm->exec_timer.fn = exec_look;
	mm->exec_timer.arg = mm;
	mm->exec_owner = d;
	if (loop_timer_start(d->loop, &mm->exec_timer, now_ns() + LOOK_FIRST_NS))
		exec_failed(d, mm);
	return verdict_continue();
}

/*
 * The caller's address space, without its process: 0, 1 or -errno: nobody could look. Then nothing is
 * destroyed, but what was accepted is waited for. Who has it is remembered: it may not have called.
 */
static int lives_on(struct dispatch *d, const struct call *call)
{
	const pid_t other = mm_other_user(call->mm, call->thread->process, (pid_t)call->notice.tid);
	const int err = other > 0 ? tasks_meet(d->tasks, other) : other ? other : -ESRCH;

	return err == -ESRCH ? 0 : err ? err : 1;
}

static bool has_work(const struct mm *mm)
{
	return !list_empty(&mm->contexts) || mm->requests;
}

struct verdict life_exec(struct dispatch *d, struct call *call)
{
	struct mm *mm = call->mm;
	const pid_t tid = (pid_t)call->notice.tid;
	int lives = 1;

	if (mm->closing || mm->dead) {	/* it may still win against the exit */
		call->thread->in_exec = true;
		call->thread->process->may_have_execed = true;
		return verdict_continue();
	}
	if (mm->exec != MM_EXEC_NONE && mm->exec_tid != tid)
		return verdict_park(&mm->held);
	if (mm->exec == MM_EXEC_NONE && has_work(mm))
		lives = lives_on(d, call);
	if (!lives) {
		mm->exec = MM_EXEC_DRAINING;
		mm->exec_tid = tid;
		mm->exec_tgid = call->thread->source.tgid;
		(void)seam(d->plan, SEAM_LEAVING, mm);
	}
	if ((mm->exec == MM_EXEC_DRAINING || lives < 0) && mm->storage_requests)
		return verdict_park(&mm->drain);
	tasks_for_mms(d->tasks, bury_writers, d);
	if (d->orphans && !d->orphans_stuck) {
		const struct verdict v = wait_for_orphans(d);

		if (v.kind == VERDICT_PARK)
			return v;
	}
	return exec_go(d, call);
}

/* --- exit --- */

struct living {
	struct dispatch *d;
	pid_t but;
	int seen;
};

static int is_living(pid_t tid, char state, void *arg)
{
	struct living *l = arg;
	const struct thread *th = tasks_find(l->d->tasks, tid);

	l->seen++;
	return tid != l->but && state != 'Z' && state != 'X' && !(th && th->exiting);
}

/* Zombies are counted as well. Threads of which none could be seen, or not all, may live. */
static bool last_thread(struct dispatch *d, const struct call *call)
{
	struct living l = { d, (pid_t)call->notice.tid, 0 };

	if (thread_count(call->thread) == 1)
		return true;
	return !tracee_for_threads(call->thread->source.tgid, is_living, &l) && l.seen > 0 &&
	       l.seen >= thread_count(call->thread);
}

static void cancel_peers(struct dispatch *d, struct mm *mm)
{
	list_for_each(node, tmp, &mm->contexts) {
		struct context *ctx = list_entry(node, struct context, node);

		list_for_each(entry, next, &ctx->requests) {
			struct request *r = list_entry(entry, struct request, node);

			if (!r->storage && !r->cancelled)
				request_cancel(d, r);
		}
	}
}

/*
 * A thread that made AIO calls and ends is kept until it is gone: it must count as ended meanwhile.
 */
static void thread_exits(struct thread *th)
{
	struct process *p = th->process;

	th->exiting = true;
	list_for_each(node, tmp, &p->threads) {
		struct thread *other = list_entry(node, struct thread, process_node);

		if (other != th && other->exiting && !other->call && thread_state(other) == 'X')
			thread_forget(other);
	}
}

struct verdict life_exit(struct dispatch *d, struct call *call)
{
	struct mm *mm = call->mm;
	int lives;

	if (!call->again) {
		thread_exits(call->thread);
		if (d->lint && !mm->closing && (call->kind == CALL_EXIT_GROUP ||
						last_thread(d, call)) && !lives_on(d, call))
			lint_exit(d->lint, call);
		if (!has_work(mm) || mm->closing ||
		    (call->kind == CALL_EXIT && !last_thread(d, call)))
			return verdict_continue();
		lives = lives_on(d, call);
		if (lives > 0)
			return verdict_continue();
		if (!lives) {
			mm->closing = true;
			cancel_peers(d, mm);
			(void)seam(d->plan, SEAM_LEAVING, mm);
			complete_finished(d);
		}
	}
	return mm->storage_requests ? verdict_park(&mm->drain) : verdict_continue();
}
