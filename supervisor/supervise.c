/* SPDX-License-Identifier: MIT */
/*
 * Theory. PROGRAM is forked first, while there is one thread and nothing of ours is open; its
 * execve waits in the trap until the loop runs, so that everything else (limits, engines, host
 * contexts) stands before PROGRAM begins. The loop ends when the last tracee is gone and what it
 * left in flight is done.
 */
#include "supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "chain.h"
#include "children.h"
#include "complete.h"
#include "control.h"
#include "creds.h"
#include "dispatch.h"
#include "episode.h"
#include "faults.h"
#include "inflight.h"
#include "key.h"
#include "launch.h"
#include "lint.h"
#include "log.h"
#include "naming.h"
#include "notify.h"
#include "preload_guard.h"
#include "self.h"
#include "trace.h"
#include "tracing.h"
#include "trap.h"
#include "workers.h"

#define FOLLOW_NS (250 * NSEC_PER_MSEC)
#define TELL_AGAIN_MSEC 10

struct supervisor {
	const struct config *cfg;
	const struct guardian_link *link;
	struct dispatch d;
	struct launch launch;
	struct loop_watch *exec_watch;
	struct loop_watch *guardian_watch;
	struct children *children;
	struct workers *workers;
	struct chain chain;
	struct tracing *tracing;
	struct control *control;	/* NULL: none */
	struct faults *faults;		/* NULL: none */
	struct guardian_follow follow;
	struct loop_timer follow_timer;
	int end_status;			/* as waitid(2) gives it; 125..127 when it never started */
	int end_untold;			/* -errno of the last try to tell the guardian */
	bool ended;			/* PROGRAM */
	bool failed;			/* it never started */
};

static void asleep(void *arg)
{
	struct supervisor *s = arg;

	atomic_store_explicit(&s->link->pulse->busy_since_ns, 0, memory_order_relaxed);
}

static void awake(void *arg)
{
	struct supervisor *s = arg;

	atomic_fetch_add_explicit(&s->link->pulse->turns, 1, memory_order_relaxed);
	atomic_store_explicit(&s->link->pulse->busy_since_ns, now_ns(), memory_order_relaxed);
}

static void tell_end(struct supervisor *s)
{
	s->end_untold = s->failed ? guardian_tell_failed(s->link, s->end_status)
				  : guardian_tell_status(s->link, s->end_status);
}

/* No room or no memory for the message: without it the end would look like our own. */
static void tell_end_at_last(struct supervisor *s)
{
	while (s->end_untold == -EAGAIN || s->end_untold == -ENOBUFS || s->end_untold == -ENOMEM) {
		poll(NULL, 0, TELL_AGAIN_MSEC);
		tell_end(s);
	}
}

static void program_changed(void *arg, int wait_status)
{
	struct supervisor *s = arg;

	if (!WIFEXITED(wait_status) && !WIFSIGNALED(wait_status)) {
		(void)guardian_tell_status(s->link, wait_status);	/* dead: its pidfd tells */
		return;
	}
	s->ended = true;
	if (s->failed)
		return;
	s->end_status = wait_status;
	tell_end(s);
}

static void none_left(void *arg)
{
	struct supervisor *s = arg;

	s->d.no_waits = true;		/* the listener says so too, or will soon */
}

static void exec_told(void *arg, unsigned events)
{
	struct supervisor *s = arg;
	const int status = launch_outcome(s->cfg, s->launch.exec_fd);

	if (status == -EAGAIN)
		return;
	loop_unwatch(s->exec_watch);
	s->exec_watch = NULL;
	close_fd(&s->launch.exec_fd);
	if (status) {
		s->failed = true;
		s->end_status = status;
		tell_end(s);
	}
}

static void guardian_gone(void *arg, unsigned events)
{
	log_error("the guardian process was killed: the program and all its descendants are killed "
		  "too");
	guardian_kill_tree();
	_exit(EXIT_SANDBOX);
}

/* The loop may wait for a reader of the trace that never reads: then this thread does not. */
static void *guardian_awaited(void *arg)
{
	struct supervisor *s = arg;
	struct pollfd p = { .fd = s->link->guardian_pidfd, .events = POLLIN };

	while (poll(&p, 1, -1) <= 0)
		;
	guardian_gone(s, 0);
	return NULL;
}

static int watch_guardian(struct supervisor *s)
{
	pthread_t thread;

	if (s->tracing)
		return -pthread_create(&thread, NULL, guardian_awaited, s);
	s->guardian_watch =
		loop_watch(s->d.loop, s->link->guardian_pidfd, LOOP_READ, guardian_gone, s);
	return s->guardian_watch ? 0 : -ENOMEM;
}

static void follow_stops(void *arg)
{
	struct supervisor *s = arg;

	guardian_follow_stop(s->link, &s->follow);
	(void)loop_timer_start(s->d.loop, &s->follow_timer, now_ns() + FOLLOW_NS);
}

static void end_of_turn(void *arg)
{
	struct supervisor *s = arg;

	if (s->ended && dispatch_over(&s->d))
		loop_stop(s->d.loop);
}

/* --- building and taking down --- */

static int begin_watching(struct supervisor *s)
{
	struct writer *w;

	s->d.lint = s->cfg->lint ? lint_create() : NULL;
	if (s->cfg->lint && !s->d.lint)
		return -ENOMEM;
	if (!s->tracing)
		return 0;
	w = tracing_start(s->tracing, chain_name(&s->chain, s->cfg));
	if (!w)
		return neg_errno();
	chain_stamp(&s->chain);
	s->d.trace = trace_create(w, s->d.pulse, &s->d.last_call_id, s->d.breakable);
	return s->d.trace ? 0 : -ENOMEM;
}

/* For those who ask what is in flight. */
static int open_doors(struct supervisor *s)
{
	if (s->cfg->list_signal && inflight_on_signal(&s->d, s->cfg->list_signal))
		return -ENOMEM;
	if (!s->cfg->control)
		return 0;
	s->control = control_open(&s->d, s->cfg->control);
	return s->control ? 0 : -ECANCELED;
}

static int build(struct supervisor *s)
{
	struct dispatch *d = &s->d;
	int err = creds_table_open(&d->creds);

	if (err)
		return err;
	if (s->cfg->plan || log_wants(2) || tracing_wants_keys(s->tracing))
		d->keys = naming_begin();
	s->faults = s->cfg->plan ? faults_create(d, s->cfg->plan) : NULL;
	if (s->cfg->plan && (!d->keys || !s->faults))
		return -ENOMEM;		/* without keys faults are others in the next run */
	d->plan = s->faults ? faults_seams(s->faults) : NULL;
	d->filters = tracee_filters(getpid());
	d->breakable = !s->launch.wait_killable;
	d->notify = notify_open(steal_fd(&s->launch.listener_fd));
	if (!d->notify)
		return neg_errno();
	s->workers = workers_create(d->loop, s->cfg->threads);
	if (!s->workers)
		return neg_errno();
	err = chain_open(&s->chain, s->cfg,
			 &(struct chain_parts){ d->loop, s->workers, complete, d });
	err = err ? err : begin_watching(s);
	if (err)
		return err;
	d->engine = s->chain.top;
	d->buffers = buffers_create(s->cfg->buffer_bytes);
	d->files = file_table_create(s->workers);
	d->tasks = tasks_create(d->loop, life_process_left, d);
	d->guard = preload_guard_create(d, s->workers);
	if (!d->buffers || !d->files || !d->tasks || !d->guard)
		return -ENOMEM;
	err = dispatch_start(d);
	return err ? err : open_doors(s);
}

static bool stopped(void *arg, pid_t tid, int wait_status)
{
	struct supervisor *s = arg;

	return episode_stopped(&s->d, tid, wait_status);
}

static int watch(struct supervisor *s)
{
	const struct children_events events = { .program = program_changed,
						.stopped = stopped,
						.none_left = none_left,
						.arg = s };

	s->follow = (struct guardian_follow){
		.program_pidfd = tracee_open_process(s->launch.pid),
		.program_stat_fd = tracee_open_stat(s->launch.pid, s->launch.pid),
	};
	s->follow_timer = (struct loop_timer){ .fn = follow_stops, .arg = s };
	s->exec_watch = loop_watch(s->d.loop, s->launch.exec_fd, LOOP_READ, exec_told, s);
	s->children = children_watch(s->d.loop, s->launch.pid, &events);
	if (!s->exec_watch || !s->children || watch_guardian(s))
		return -ENOMEM;
	if (loop_timer_start(s->d.loop, &s->follow_timer, now_ns() + FOLLOW_NS))
		return -ENOMEM;
	loop_on_sleep(s->d.loop, asleep, awake, s);
	return loop_each_turn(s->d.loop, end_of_turn, s);
}

static void take_down(struct supervisor *s)
{
	struct dispatch *d = &s->d;

	control_close(s->control);
	inflight_end(d);
	dispatch_stop(d);
	faults_destroy(s->faults);
	trace_destroy(d->trace);
	lint_destroy(d->lint);
	tracing_close(s->tracing);
	tasks_destroy(d->tasks);
	chain_close(&s->chain);
	file_table_destroy(d->files);
	buffers_destroy(d->buffers);
	keys_destroy(d->keys);
	workers_destroy(s->workers);
	preload_guard_destroy(d->guard);
	creds_table_destroy(d->creds);
	loop_unwatch(d->listener);
	notify_close(d->notify);
	children_destroy(s->children);
	loop_unwatch(s->exec_watch);
	loop_unwatch(s->guardian_watch);
	loop_timer_stop(d->loop, &s->follow_timer);
	close_fd(&s->follow.program_pidfd);
	close_fd(&s->follow.program_stat_fd);
	close_fd(&s->launch.exec_fd);
	loop_destroy(d->loop);
}

static void summarise(const struct supervisor *s)
{
	const struct dispatch_counts *c = &s->d.counts;

	log_info(1, "AIO calls: %llu, requests: %llu", (unsigned long long)c->calls,
		 (unsigned long long)c->requests);
	if (c->by_slots)
		log_info(1, "calls through shared memory: %llu", (unsigned long long)c->by_slots);
	if (!s->failed)
		faults_tell(s->faults);
	if (!c->calls && !s->failed)
		log_warn("0 AIO calls: this program does not use native AIO%s",
			 c->used_uring ? " (it uses io_uring, which goes to the kernel as always)"
				       : "");
}

static int start(struct supervisor *s)
{
	struct trap *trap = trap_build();
	int err;

	if (!trap) {
		log_error("the seccomp filter cannot be built: %s", strerror(errno));
		return -EINVAL;
	}
	err = launch_program(s->cfg, trap, &s->link->caller, &s->launch);
	trap_destroy(trap);
	return err;
}

static int serve(struct supervisor *s)
{
	int err;

	self_raise_limits();
	self_leave_terminal();
	err = build(s);
	if (!err)
		err = watch(s);
	if (!err)
		err = guardian_tell_started(s->link, s->launch.pid, notify_fd(s->d.notify));
	if (err) {
		if (err != -ECANCELED)		/* that has been said */
			log_error("cannot start: %s", strerror(-err));
		control_close(s->control);
		/* PROGRAM has not begun; to look for others takes two descriptors */
		kill(s->launch.pid, SIGKILL);
		close_fd(&s->launch.exec_fd);
		notify_close(s->d.notify);
		guardian_kill_tree();
		return EXIT_SANDBOX;
	}
	chain_tell(&s->chain, s->cfg);
	loop_run(s->d.loop);
	tell_end_at_last(s);
	summarise(s);
	return 0;
}

int supervise(const struct guardian_link *link, void *arg)
{
	const struct supervise_run *run = arg;
	struct supervisor s = {
		.cfg = run->cfg,
		.link = link,
		.tracing = run->tracing,
		.d = { .cfg = run->cfg, .pulse = link->pulse, .possible_cpus = self_possible_cpus(),
		       .space_end = tracee_space_end() },
		.launch = { .listener_fd = -1, .exec_fd = -1 },
		.follow = { .program_pidfd = -1, .program_stat_fd = -1 },
	};
	int status;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		log_warn("not a child subreaper (%s): daemons of the program may escape",
			 strerror(errno));
	self_unblock_faults();
	s.d.loop = loop_create();
	if (!s.d.loop)
		log_error("cannot start: %s", strerror(errno));
	if (!s.d.loop || start(&s)) {
		loop_destroy(s.d.loop);
		return EXIT_SANDBOX;
	}
	status = serve(&s);
	if (status == 0)
		take_down(&s);
	return status;
}
