/* SPDX-License-Identifier: MIT */
/*
 * The fault plan: rules that say which requests and calls shall fail, and how. Grammar, meaning and
 * an example of each action: man/aio-sandbox-inject.7. This half is pure: it reads text, and decides
 * which rule fires for a subject; it knows no clock, descriptor, request or thread. What is done
 * then is faults.h's.
 *
 * A fate is decided once, when a request is accepted, or when a call arrives. Dice have no state:
 * hash(seed, rule, key of the request) decides, so threads may come in any order.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "list.h"

/* What a rule does: bits, in the order in which they act. One rule's act together. */
enum fault_action {
	/* requests, before any I/O */
	FAULT_DELAY = 1 << 0,		/* delay_min_ns to delay_max_ns, or exponential */
	FAULT_HOLD = 1 << 1,		/* until a request that releases `hold` is published */
	FAULT_HANG = 1 << 2,		/* never completes */
	/* requests, the I/O itself */
	FAULT_ERROR = 1 << 3,		/* instead of it, or after it (torn); calls: instead of it */
	FAULT_SHORT = 1 << 4,		/* the first bytes only */
	FAULT_TORN = 1 << 5,		/* so many bytes, or some sectors, are written */
	FAULT_LOST = 1 << 6,		/* nothing is written, success */
	FAULT_LIE = 1 << 7,		/* a sync that does nothing */
	FAULT_MISDIRECT = 1 << 8,	/* at another offset */
	FAULT_CORRUPT = 1 << 9,		/* other data */
	FAULT_KILL = 1 << 11,		/* a signal, before or after the I/O */
	/* requests, the event */
	FAULT_REORDER = 1 << 12,	/* published after N later ones */
	FAULT_RESULT = 1 << 13,		/* res */
	FAULT_RELEASE = 1 << 14,	/* lets those go that are held by `release` */
	/* requests, the eventfd */
	FAULT_EVENTFD = 1 << 15,
	/* calls */
	FAULT_PARTIAL = 1 << 16,	/* io_submit accepts at most K entries */
	FAULT_EARLY = 1 << 17,		/* io_getevents returns fewer than min_nr */
	FAULT_CAP = 1 << 18,		/* at most K entries of a list, or events, at a time */
};

enum fault_match {
	FAULT_MATCH_PATH = 1 << 0,	/* a pattern, fnmatch(3) without flags */
	FAULT_MATCH_FD = 1 << 1,
	FAULT_MATCH_OFFSET = 1 << 2,	/* the request touches a byte of the range */
	FAULT_MATCH_LENGTH = 1 << 3,
	FAULT_MATCH_PID = 1 << 4,
	FAULT_MATCH_COMM = 1 << 5,
	FAULT_MATCH_CTX = 1 << 6,	/* the n-th context of its process, from 1 */
	FAULT_MATCH_DIRECT = 1 << 7,
	FAULT_MATCH_DATA = 1 << 8,	/* aio_data */
};

enum fault_when {			/* all that are set must hold */
	FAULT_WHEN_COUNT = 1 << 0,	/* first[..last][+step] */
	FAULT_WHEN_PROB = 1 << 1,
	FAULT_WHEN_AFTER = 1 << 2,
	FAULT_WHEN_UNTIL = 1 << 3,
	FAULT_WHEN_TIMES = 1 << 4,	/* at most so often */
};

enum fault_eventfd {
	FAULT_EVENTFD_LATE,		/* after eventfd_late_ns */
	FAULT_EVENTFD_LOST,
	FAULT_EVENTFD_EARLY,		/* before the tail is stored */
};

enum fault_torn_end {			/* what a torn write tells */
	FAULT_TORN_ERROR,		/* `error`, EIO if there is none */
	FAULT_TORN_SUCCESS,		/* all bytes */
	FAULT_TORN_KILL,		/* `signal` */
};

struct fault_range {			/* both belong to it */
	uint64_t first;
	uint64_t last;
};

struct fault_rule {
	struct list node;		/* plan->rules */
	char *text;			/* as it was given */
	unsigned number;		/* from 1, in the order in which they were given */
	bool disabled;			/* fires and counts nothing (yet) */
	uint32_t ops;			/* trace_set.h; of ops and calls one is 0 */
	uint32_t calls;

	uint32_t actions;		/* enum fault_action */
	int error;			/* positive errno */
	bool force;			/* also one that the kernel would not give */
	uint64_t short_bytes;		/* FAULT_SHORT */
	unsigned short_percent;		/* 0: short_bytes counts */
	uint64_t torn_bytes;		/* FAULT_TORN, torn_sector_bytes 0 */
	unsigned torn_sector_bytes;	/* 512, 4096: a seeded subset of such sectors */
	enum fault_torn_end torn_end;
	int64_t misdirect_bytes;
	unsigned corrupt_bits;		/* so many, anywhere; 0: one sector of corrupt_sector_bytes */
	unsigned corrupt_sector_bytes;
	uint64_t delay_min_ns;
	uint64_t delay_max_ns;
	bool delay_exponential;		/* mean delay_min_ns, at most delay_max_ns if that is more */
	bool hang_destroy;		/* io_destroy and exit do not wait for it */
	unsigned reorder;
	char *hold;			/* names */
	char *release;
	int64_t result;
	int signal;
	bool kill_after;		/* the I/O */
	enum fault_eventfd eventfd;
	uint64_t eventfd_late_ns;
	unsigned entries;		/* FAULT_PARTIAL, FAULT_EARLY (events), FAULT_CAP */

	uint32_t matches;		/* enum fault_match */
	char *path;
	int fd;
	struct fault_range offset;
	struct fault_range length;
	pid_t pid;
	char *comm;
	unsigned ctx;
	bool direct;
	uint64_t data;

	uint32_t when;			/* enum fault_when */
	uint64_t first;			/* from 1 */
	uint64_t last;			/* UINT64_MAX: no end */
	uint64_t step;			/* 0: `first` to `last` all */
	bool scope_all;			/* counted over the tree; else for each process */
	double probability;
	uint64_t after_ns;		/* since the start of the run */
	uint64_t until_ns;
	uint64_t times;

	uint64_t matched;		/* statistics, over the tree */
	uint64_t fired;
};

/* A request or a call as rules see it. Strings need not outlive the question; NULL: not known. */
struct fault_subject {
	uint32_t op;			/* trace_set_op()'s bit, or 0 */
	uint32_t call;			/* trace_set_call()'s bit, or 0 */
	uint64_t process;		/* names a process of the run, never used again */
	pid_t pid;
	const char *comm;
	const char *path;
	int fd;				/* -1: none */
	bool has_offset;
	uint64_t offset;
	uint64_t length_bytes;
	unsigned ctx;
	bool direct;
	uint64_t data;
	uint64_t key_hash;		/* of the key's text; of a call: pid-independent, see the man page */
	uint64_t now_ns;		/* since the start of the run */
};

struct fault_verdict {
	struct fault_rule *rule;	/* NULL: none fires */
	uint64_t count;			/* it was the count-th that matched (per its scope) */
	uint64_t dice;			/* hash(seed, rule, key): what the actions roll with */
};

struct fault_plan;

struct fault_plan *fault_plan_create(uint64_t seed);	/* NULL: ENOMEM */
void fault_plan_destroy(struct fault_plan *plan);	/* accepts NULL */
uint64_t fault_plan_seed(const struct fault_plan *plan);
void fault_plan_set_seed(struct fault_plan *plan, uint64_t seed);
/* Whether any rule, disabled ones too, is about such subjects: bits of trace_set.h. */
uint32_t fault_plan_ops(const struct fault_plan *plan);
uint32_t fault_plan_calls(const struct fault_plan *plan);

/* In order; of NULL the first. NULL: there is no further one. */
const struct fault_rule *fault_plan_next(const struct fault_plan *plan,
					 const struct fault_rule *after);

struct fault_complaint {
	size_t at;			/* the byte of `text` that it is about */
	char what[160];			/* one clause, without a full stop */
};

/*
 * Adds the rule SET:ACTION[:...]; `fault`: strace's short form, SET[:error=...]. 0 with *rule (NULL:
 * not wanted), -EINVAL with *complaint, -ENOMEM.
 */
int fault_plan_add(struct fault_plan *plan, const char *text, bool fault, struct fault_rule **rule,
		   struct fault_complaint *complaint);
/* Each rule that matches counts, the first in order fires. */
struct fault_verdict fault_plan_ask(struct fault_plan *plan, const struct fault_subject *subject);

/* fault_parse.c: fills a zeroed rule, which fault_rule_free() frees in any case; as fault_plan_add(). */
int fault_parse(struct fault_rule *rule, const char *text, bool fault,
		struct fault_complaint *complaint);
void fault_rule_free(struct fault_rule *rule);	/* accepts NULL */

#endif
