/* SPDX-License-Identifier: MIT */
/*
 * A sink makes lines of records for one output. It lives on the trace's thread and is given what
 * the filters (-e trace=, -P, --duration) have let through: const, and gone after the return.
 */
#ifndef SINK_H
#define SINK_H

#include <stddef.h>

#include "out.h"
#include "record.h"
#include "trace_config.h"

/* Constant for the run. */
struct sink_run {
	const struct trace_config *cfg;
	char *const *command;		/* PROGRAM and its arguments */
	const char *engine;
	uint64_t started_ns;
	uint64_t seed;			/* of injected faults ... */
	bool has_seed;			/* ... if there are any */
	int64_t realtime_offset_ns;	/* CLOCK_REALTIME - CLOCK_MONOTONIC at the start */
};

/*
 * An io_submit's entries, or the requests that an io_getevents has reaped, in order; of io_cancel
 * the request that it names, if there is one.
 */
struct sink_call {
	const struct record_call *call;
	const struct record_request *entries;	/* NULL: all sinks are content with ids */
	const uint64_t *ids;		/* of the same; NULL where there are entries */
	unsigned count;
	bool last_refused;		/* the last entry is the one that ended io_submit */
};

/* The whole run's, filters or not. */
struct sink_counts {
	uint64_t calls;
	uint64_t requests;		/* accepted */
	uint64_t reaped;
	uint64_t unreaped;		/* complete, but nobody has reaped them */
	uint64_t unfinished;
	uint64_t unknown;		/* not recorded, for want of memory */
	uint64_t ended_ns;
};

struct sink;

/* Methods that a sink does not need are NULL. */
struct sink_ops {
	const char *name;
	unsigned wants;			/* bits: enum record_kind */
	bool wants_data;		/* the first bytes of each request's (-s) */
	bool ids_only;			/* of a call's entries nothing but the id is looked at */
	bool any_path;			/* one that the file had earlier will do */
	bool names_callers;		/* looks at the comm of calls */
	void (*start)(struct sink *s);
	void (*call)(struct sink *s, const struct sink_call *c);
	/* in the order of acceptance, when the io_submit has returned; --duration is not asked */
	void (*accepted)(struct sink *s, const struct record_request *r);
	void (*published)(struct sink *s, const struct record_request *r);
	void (*request)(struct sink *s, const struct record_request *r);	/* RECORD_REQUEST */
	void (*idle)(struct sink *s);	/* nothing more has come for the moment */
	void (*end)(struct sink *s, const struct sink_counts *counts);
	void (*release)(struct sink *s);	/* what it has made itself, not the output */
};

struct sink {
	const struct sink_ops *ops;
	const struct sink_run *run;
	struct out *out;		/* NULL: has several of its own */
};

/* Zeroed: a struct of size_bytes that begins with its struct sink. NULL: ENOMEM. */
struct sink *sink_create(size_t size_bytes, const struct sink_ops *ops);
void sink_destroy(struct sink *s);	/* accepts NULL; the output stays */

/* NULL: ENOMEM. */
struct sink *sink_text_create(void);
struct sink *sink_json_create(void);
struct sink *sink_chrome_create(void);
struct sink *sink_iolog_create(void);
/* Of many: for each process one that `make` makes, which writes NAME.PID. Has no output itself. */
struct sink *sink_split_create(const char *name, struct sink *(*make)(void));
struct sink *sink_summary_create(bool json);

/* Text: what stands between the brackets of a call (sink_text_call.c). */
void sink_text_arguments(struct sink *s, const struct sink_call *c);

static inline uint64_t sink_call_id(const struct sink_call *c, unsigned i)
{
	return c->ids ? c->ids[i] : c->entries[i].id;
}

/* Names that several formats use. Never NULL. */
const char *sink_call_name(unsigned nr);
const char *sink_op_name(unsigned opcode);	/* "pread", ...; "?" */
/* Calls fn for each RWF_ flag that is set, by name ("HIPRI"), last for what has none (hex). */
void sink_rw_flags(uint32_t flags, void (*fn)(void *arg, const char *name), void *arg);
/* The same for POLL bits ("IN"). */
void sink_poll_events(uint32_t events, void (*fn)(void *arg, const char *name), void *arg);
const char *sink_errno_name(int err);		/* "EIO"; "?" */

#endif
