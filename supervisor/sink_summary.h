/* SPDX-License-Identifier: MIT */
/* What a summary has collected, for those that print it. On the trace's thread. */
#ifndef SINK_SUMMARY_H
#define SINK_SUMMARY_H

#include "histogram.h"
#include "sink.h"

enum {
	SUMMARY_OPS = 16,		/* by opcode; those that are too large share the last */
	SUMMARY_CALLS = 6,		/* in the order of summary_call_nr() */
	SUMMARY_SUBMIT = 3,
	SUMMARY_GROUPS_MAX = 1024,	/* files times operations; the rest is one file more */
	SUMMARY_ERRORS_MAX = 16,	/* different ones in a group; the rest is counted as errno 0 */
	SUMMARY_LISTED_MAX = 20,	/* requests that were not finished or not reaped */
};

struct summary_error {
	int err;			/* errno */
	uint64_t count;
};

/* The requests of one operation on one file, or of several of those. */
struct summary_group {
	struct summary_group *next;	/* of the same hash */
	struct label *path;		/* NULL: has none, or there are several */
	unsigned opcode;
	unsigned files;			/* how many groups it is the sum of */
	uint64_t requests;
	uint64_t errors;
	uint64_t bytes;			/* moved */
	uint64_t unreaped;
	uint64_t unfinished;
	uint64_t would_block;
	unsigned depth_max;
	uint64_t first_ns;		/* submission */
	uint64_t last_ns;		/* result */
	struct summary_error by_errno[SUMMARY_ERRORS_MAX];
	struct histogram done;		/* from submission until the result was known */
	struct histogram reaped;	/* ... until the program had it */
};

struct summary_call {
	uint64_t calls;
	uint64_t errors;
	uint64_t total_ns;
	uint64_t min_ns;
	uint64_t max_ns;
};

struct summary {
	struct sink sink;
	bool json;
	struct summary_call calls[SUMMARY_CALLS];
	struct summary_group total;
	struct summary_group ops[SUMMARY_OPS];
	struct summary_group *files[SUMMARY_GROUPS_MAX / 4];	/* by hash */
	struct summary_group other;	/* what no group was left for */
	unsigned file_count;
	struct record_request listed[SUMMARY_LISTED_MAX];	/* not finished, or not reaped */
	unsigned listed_count;
	uint64_t ended_ns;
};

unsigned summary_call_nr(unsigned index);		/* the system call's number */
double summary_seconds(const struct summary_group *g);	/* from the first to the last; > 0 */
double summary_mean_depth(const struct summary_group *g);	/* by time: Little's law */

struct summary_row {
	const struct summary_group *group;
	uint64_t value;			/* sorted by this, the largest first */
};

struct summary_rows {
	struct summary_row rows[SUMMARY_GROUPS_MAX + 1];
	unsigned count;
};

/* By operation, or by operation and file, in the order of -S. */
void summary_sort(const struct summary *s, bool by_file, struct summary_rows *t);
void summary_sort_calls(const struct summary *s, unsigned order[SUMMARY_CALLS]);

void summary_print(struct summary *s);			/* as text */
void summary_print_json(struct summary *s);

#endif
