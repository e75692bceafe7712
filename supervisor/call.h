/* SPDX-License-Identifier: MIT */
/*
 * One AIO call (or exec or exit) of a tracee, whatever door it came by. A handler answers with a
 * verdict: return a value, let the kernel do it, or park until something holds; then it is called
 * again with the same call. Only dispatch calls handlers and sends replies.
 */
#ifndef CALL_H
#define CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "list.h"
#include "loop.h"
#include "notify.h"
#include "util.h"

enum call_kind {
	CALL_SETUP,
	CALL_DESTROY,
	CALL_GETEVENTS,
	CALL_SUBMIT,
	CALL_CANCEL,
	CALL_PGETEVENTS,
	CALL_EXEC,
	CALL_EXIT,		/* of a thread */
	CALL_EXIT_GROUP,
	CALL_SHIM,		/* what only a shim calls: no AIO call of the program */
	CALL_FOREIGN,		/* an AIO call of i386 or x32: ENOSYS (docs/aio-abi.md, D8) */
	CALL_KINDS,
};

enum call_kind call_kind_of(const struct notice *n);
/* The same call once more: number, arguments, place in the program. Never true for foreign ones. */
bool notice_same_call(const struct notice *a, const struct notice *b);
bool call_is_aio(enum call_kind kind);		/* not exec, not exit */
/* An io_submit that came by a slot: its number and three arguments. */
struct notice notice_of_submit(pid_t tid, const uint64_t args[3]);
bool call_counts(enum call_kind kind);		/* an AIO call that the program has made */

enum door {
	DOOR_TRAP,
	DOOR_CHANNEL,			/* io_submit by a slot; never parked */
};

struct channel;
struct context;
struct dispatch;
struct errand;
struct remote;
struct request;
struct thread;
struct mm;

struct call {
	struct list node;		/* the list it is parked on, or the list of ready ones */
	struct list parked;		/* all parked calls */
	enum door door;
	struct channel *channel;	/* DOOR_CHANNEL: that one, and its slot */
	int slot;
	enum call_kind kind;
	uint64_t id;			/* order of arrival, unique in a run */
	struct notice notice;
	struct thread *thread;
	struct mm *mm;
	uint64_t arrived_ns;		/* when it was received; for a trace only */
	uint64_t entered_ns;		/* when it was parked first; 0: never */
	uint64_t check_ns;		/* when to look at the thread's state again */
	uint64_t cursor; /* io_submit: entries accepted; io_getevents: events taken */
	bool again;			/* the handler has seen it before */
	bool away; /* broken off while parked; was asked in vain, and waits for its caller */
	/* by a slot: the caller's signal mask, for as long as the call lasts all are blocked */
	bool has_own_mask;
	uint64_t own_mask;
	bool handed_over; /* it came by a slot, has begun, and goes on when it comes by the trap */
	bool lost; /* the answer was given behind a handler: it has not reached the caller */
	uint64_t digest;		/* io_submit: of the accepted entries (kept.h) */
	bool broken; /* a signal waits for the thread: answer -EINTR if nothing was done */

	struct {			/* io_getevents, io_pgetevents */
		uint64_t min_nr;
		uint64_t nr;
		int64_t timeout_ns;	/* -1: none */
		bool expired;
		bool has_mask;
		uint64_t sigmask;
		uaddr sigmask_at;
		unsigned last_head;	/* what the last pass has taken */
		unsigned last_count;
		struct loop_timer deadline;
		struct dispatch *deadline_owner;
	} wait;
	/* io_setup between reply and mapping; io_destroy while draining; io_submit while parked */
	struct context *ctx;
	struct remote *episode;		/* the thread is seized */
	bool standing;	/* behind the call: what it returns is still to be set (errand.h) */
	struct errand *errand;		/* errand.c's; NULL: none yet */
	void (*after)(struct dispatch *d, struct call *call);	/* the verdict's */
	int64_t answer;		/* RETURN: the value that was sent; io_setup: that it gets */
	bool decided;			/* io_setup: the answer is final */
	uint32_t raise_signals; /* io_submit: bit n: the thread raises signal n behind the reply */
	unsigned ctx_number;		/* of the context that it is about; 0: none was found */
	uint64_t ctx_handle;		/* io_setup: of the new context */
	bool interrupted; /* io_submit: a signal waits for the thread, as long as the call lasts */
	bool dying;			/* and kills it */
	/* faults_call.c's */
	bool judged;			/* a fault plan has been asked */
	bool delayed;			/* it has not been handled yet; wait.deadline ends that */
	bool refused;			/* ... with `answer`, when that has ended */
	bool early;			/* io_getevents: takes what is there, and ends */
	uint64_t limit;			/* entries or events at a time; 0: none */
	bool unsure; /* io_submit: whether one waits is unknown: the next call does the rest */
	struct request *waits_for;	/* io_submit: this accepted request must finish first */
	uint64_t first_behind; /* io_submit: its first buffered read that goes on behind it */
};

/* For a notice that is still to be received; NULL: no memory. */
struct call *call_create(void);

enum verdict_kind {
	VERDICT_RETURN,
	VERDICT_FD,
	VERDICT_CONTINUE,
	VERDICT_PARK,
};

struct verdict {
	enum verdict_kind kind;
	int64_t value;			/* RETURN */
	struct list *on;		/* PARK: which list */
	int fd;				/* FD: the caller gets a duplicate; its number is returned */
	/* RETURN, FD: what is left to do in the thread behind the reply; NULL: nothing. */
	void (*after)(struct dispatch *d, struct call *call);
};

static inline struct verdict verdict_return(int64_t value)
{
	return (struct verdict){ .kind = VERDICT_RETURN, .value = value };
}

static inline struct verdict verdict_fd(int fd)
{
	return (struct verdict){ .kind = VERDICT_FD, .fd = fd };
}

static inline struct verdict verdict_continue(void)
{
	return (struct verdict){ .kind = VERDICT_CONTINUE };
}

static inline struct verdict verdict_park(struct list *on)
{
	return (struct verdict){ .kind = VERDICT_PARK, .on = on };
}

#endif
