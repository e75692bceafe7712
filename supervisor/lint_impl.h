/* SPDX-License-Identifier: MIT */
/* What the parts of the linter share. */
#ifndef LINT_IMPL_H
#define LINT_IMPL_H

#include "lint.h"

enum lint_kind {
	LINT_REUSED = 1,
	LINT_CHANGED,
	LINT_MISALIGNED,
	LINT_HANGS,
	LINT_REST,
	LINT_RESULT,
	LINT_NOT_ZERO,
	LINT_LEAKED,
	LINT_COUNTER,
	LINT_FORKED,
};

/* An iocb that a partial io_submit has left over, until it is submitted. */
struct lint_rest {
	struct list node;
	const struct mm *mm;
	uaddr obj;
	uint64_t nr;
	uint64_t taken;
	pid_t tid;
	uaddr ip;			/* of the io_submit */
};

/* An error or a short result, until it is reaped. */
struct lint_result {
	struct list node;
	const struct context *ctx;
	uint64_t published;		/* the how many-th event of its context it is */
	uint64_t id;
	int64_t result;
	uint64_t asked_bytes;
};

/* An eventfd that completions have been counted in. */
struct lint_counter {
	struct list node;
	const struct mm *mm;
	uint64_t eventfd_id;
	int fd;				/* in the program */
	uint64_t told;			/* completions */
	uint64_t last_request;
	bool read;			/* it has been lower than that */
};

struct lint {
	struct list rests;
	struct list results;
	struct list counters;
	unsigned kept;			/* of all three */
	uint64_t *said;			/* what has been told: hashes */
	unsigned said_count;
	uint64_t unsaid;		/* for want of room or memory */
	struct list *in_flight;		/* struct request.lint_node, by hash of mm and iocb */
};

enum { LINT_KEPT_MAX = 4096 };

/* A new one of these for the list, or NULL (counted). */
void *lint_keep(struct lint *l, size_t bytes);
void lint_let_go(struct lint *l, struct list *node, void *thing);

/* False: it has been told already. `place` and `file` are anything that tells them apart. */
bool lint_is_new(struct lint *l, enum lint_kind kind, uint64_t place, uint64_t file);

/* lint_rest.c: partial io_submit */
void lint_submitted(struct lint *l, const struct call *call, int64_t value);	/* its answer */
void lint_rest_taken(struct lint *l, const struct mm *mm, uaddr obj);
void lint_rests_end(struct lint *l, const struct mm *mm);	/* tells what is left of them */
void lint_rests_forget(struct lint *l, const struct mm *mm);

/* lint_counter.c: RESFD */
void lint_counted(struct lint *l, const struct request *r);
void lint_counters_end(struct lint *l, struct call *call);
void lint_counters_forget(struct lint *l, const struct mm *mm);

#endif
