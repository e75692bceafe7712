/* SPDX-License-Identifier: MIT */
/*
 * The room behind the doors: receives calls, asks their handlers, does what the verdict says. Joins
 * models (tasks, contexts, requests) and engines, which do not know each other.
 */
#ifndef DISPATCH_H
#define DISPATCH_H

#include "buffer.h"
#include "call.h"
#include "context.h"
#include "courtesy.h"
#include "engine.h"
#include "file.h"
#include "opts.h"
#include "plan.h"
#include "pulse.h"
#include "request.h"
#include "spin.h"
#include "task.h"

struct keys;
struct lint;
struct preload_guard;
struct trace;

struct dispatch_counts {
	uint64_t calls;		/* AIO calls seen, failed ones too */
	uint64_t requests;	/* accepted by io_submit */
	uint64_t by_slots;	/* calls that were taken from slots */
	bool used_uring;	/* a process that ended had an io_uring open */
};

/* inflight.c's */
struct stall {
	struct loop_timer timer;
	uint64_t completed;		/* at the last look */
	unsigned looks;			/* since when that is the same */
};

struct dispatch {
	const struct config *cfg;
	const struct plan *plan;	/* NULL: none */
	struct loop *loop;
	struct notify *notify;
	struct tasks *tasks;
	struct file_table *files;
	struct buffers *buffers;
	struct engine *engine;		/* top of the chain */
	struct pulse *pulse;
	struct keys *keys;		/* NULL: nobody wants keys */
	struct lint *lint;		/* NULL: nobody wants it */
	struct trace *trace;		/* NULL: nobody watches */
	struct creds_table *creds;	/* NULL: we are not privileged */
	struct preload_guard *guard;	/* NULL: in unit tests */
	unsigned possible_cpus;
	uaddr space_end;		/* tracee_space_end() */
	struct loop_watch *listener;
	bool no_waits;			/* the last tracee is gone */
	unsigned filters;		/* seccomp filters that we have ourselves */
	bool breakable; /* no WAIT_KILLABLE_RECV: signals break off calls that were received */
	struct dispatch_counts counts;
	struct call *submitting;	/* the io_submit that is being handled just now */
	uint64_t last_call_id;
	uint64_t last_request_id;
	uint64_t aio_nr;		/* sum of max_nr of living contexts */
	unsigned context_count;		/* made in this run */
	unsigned contexts;		/* living */
	unsigned outstanding;		/* requests in flight */
	unsigned orphans;		/* storage requests of dead address spaces */
	bool orphans_stuck;		/* they have been waited for long enough */

	struct list arrived;		/* received, not yet handled: struct call.node */
	struct list ready;		/* parked before, to be asked again: struct call.node */
	struct list parked;		/* all parked calls: struct call.parked */
	struct list later;		/* io_submit that goes on in the next turn */
	struct loop_timer again;	/* a turn without a sleep before it */
	struct list late;		/* episode.c's: answered, the thread cannot be met yet */
	struct loop_timer late_timer;
	struct list room;		/* io_submit waiting for memory or descriptors */
	struct list orphan_wait;	/* execs waiting for writes of the dead */
	struct list stalled; /* requests that the engine had no room for: struct io.node */
	struct list finished; /* ios done inside submit, to be completed: struct io.node */
	unsigned crowd;			/* > 0: several callers waited at once not long ago */
	unsigned lonely;		/* turns since the start with one receive only */
	struct courtesy courtesy;	/* to callers that have just been answered */
	struct list awake;		/* channels whose slots are looked at (channel.h) */
	struct spin spin;
	bool apart;			/* callers are not put on our CPU (notify_together()) */
	uint64_t pumped_ns;		/* when waiting notifications were last received */
	uint64_t completed;		/* requests, in this run */
	struct stall stall;
	int list_signal_fd;		/* -1: none */
	struct loop_watch *list_signal_watch;
	struct loop_timer watch;	/* looks at the state of parked threads */
	struct loop_timer orphan_timer;
	struct loop_timer
		bury_timer; /* life.c's: looks at address spaces that no known process has */
	uint64_t bury_wait_ns;
};

/* Everything but plan must be set; the lists are initialised here. 0 or -errno. */
int dispatch_start(struct dispatch *d);
/* No tracee is left, and nothing of theirs waits for storage any more. */
bool dispatch_over(const struct dispatch *d);

/*
 * Everybody is gone, also where that has not been told yet: no call is parked, no context lives
 * afterwards.
 */
void dispatch_stop(struct dispatch *d);

/* A call that has come by a door: it is handled, answered or parked. */
void dispatch_begin(struct dispatch *d, struct call *call);
/* The same of an execve behind preload_guard_takes(). */
void dispatch_admit(struct dispatch *d, struct call *call);

/*
 * Moves all calls of a park list to the ready ones; they are asked in this order before the loop
 * sleeps.
 */
void dispatch_wake(struct dispatch *d, struct list *parked);
void dispatch_wake_call(struct dispatch *d, struct call *call);
/* Asks the handler again at once. The call may be gone afterwards. */
void dispatch_run(struct dispatch *d, struct call *call);
void dispatch_run_ready(struct dispatch *d);
/* The same of one that is on no list, soon. */
void dispatch_ask_again(struct dispatch *d, struct call *call);
/* Somebody waits for its answer. */
bool dispatch_caller_waits(struct dispatch *d, const struct call *call);
/* The caller is gone: nobody is answered. */
void dispatch_forget(struct dispatch *d, struct call *call);
/* Long work that can go on later: true means leave it, the next turn comes without a sleep. */
bool dispatch_too_long(struct dispatch *d, uint64_t begin_ns, uint64_t now);
/* It is answered, and nothing is left to do. */
void dispatch_conclude(struct dispatch *d, struct call *call);
/* Receives what waits if the last time is over 100 us ago; in the middle of long work. The time. */
uint64_t dispatch_pump(struct dispatch *d);

/* handle_*.c, life.c: a handler each; the table in dispatch.c is their only user. */
struct verdict handle_setup(struct dispatch *d, struct call *call);
struct verdict handle_destroy(struct dispatch *d, struct call *call);
struct verdict handle_getevents(struct dispatch *d, struct call *call);
struct verdict handle_submit(struct dispatch *d, struct call *call);
struct verdict handle_cancel(struct dispatch *d, struct call *call);
struct verdict handle_shim(struct dispatch *d, struct call *call);
void shim_context_over(struct dispatch *d, struct context *ctx);
struct verdict handle_foreign(struct dispatch *d, struct call *call);
struct verdict life_exec(struct dispatch *d, struct call *call);
struct verdict life_exit(struct dispatch *d, struct call *call);

/* life.c */
void life_process_left(void *arg, struct process *p);	/* tasks_death_fn; arg: the dispatch */
void life_mm_idle(struct dispatch *d, struct mm *mm);	/* a storage request of it has finished */
void life_mm_dead(struct dispatch *d, struct mm *mm);
void life_exec_thread_back(struct dispatch *d, struct mm *mm,
			   pid_t tid); /* it calls: its exec has failed */
void life_forget(struct dispatch *d, struct call *call);	/* a parked exec was killed */

/* handle_getevents.c: after completions were published, or the context has died. */
void waiters_wake(struct dispatch *d, struct context *ctx);
void getevents_undo(struct dispatch *d, struct call *call);	/* what its last pass took goes back into the ring */
bool waiter_must_break(struct call *call, char state);	/* a signal waits for this parked call */

/* watch.c: looks at the threads of parked calls for signals and death. */
void watch_init(struct dispatch *d);
void watch_call(struct dispatch *d, struct call *call);
void watch_break_off(struct dispatch *d,
		     struct call *call); /* a signal waits for, or has broken off, this one */

/* handle_setup.c */
/* Dead for all calls from now on; waiters are answered; what waits for a peer is cancelled. */
void context_kill(struct dispatch *d, struct context *ctx);
void context_settle(struct dispatch *d, struct context *ctx);	/* dead and idle: answer and free */
/* A parked io_submit keeps its context: io_destroy waits for it, and it goes on with its list. */
void context_enter(struct call *call, struct context *ctx);
void context_leave(struct dispatch *d, struct call *call);	/* if it has one */
void context_desert(struct dispatch *d, struct context *ctx);	/* those calls are never answered */

/* lookup.c: the living context of this handle in the caller's address space, or NULL (EINVAL). */
struct context *context_lookup(struct call *call, uaddr handle, int *err);
/* The same for a header that has been read from that address already. */
struct context *context_confirm(struct call *call, uaddr handle, const struct ring_words *words,
				int *err);

/* submit_signals.c: the thread raises it in itself behind the reply. */
void submit_raise(struct call *call, int signo);

/* complete.c: asks the engine to give it back early; its completion comes as any other. */
void request_cancel(struct dispatch *d, struct request *r);

#endif
