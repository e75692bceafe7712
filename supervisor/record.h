/* SPDX-License-Identifier: MIT */
/*
 * What a trace is made of: fixed-size records, filled on the loop thread and read on the trace's.
 * Times are CLOCK_MONOTONIC in nanoseconds, 0 where not reached.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "key.h"
#include "label.h"
#include "util.h"

enum record_reaper {
	REAPED_NOT,
	REAPED_BY_CALL,		/* io_getevents, io_pgetevents */
	REAPED_BY_SHIM,		/* io_getevents too, without a trap */
	REAPED_BY_SELF,		/* the program has moved the ring's head: reaped_ns is when we saw */
};

/* A request, or an entry that io_submit has refused. References belong to the record. */
struct record_request {
	uint64_t id;			/* order of arrival, from 1; 0: was never accepted */
	uint64_t call;			/* the io_submit: record_call.id */
	uint64_t reap_call;		/* the io_getevents; 0: none */
	struct label *path;		/* as /proc/PID/fd tells; NULL: none */
	struct label *comm;		/* of the submitting thread; NULL: unknown */
	struct key key;			/* of a request's last record, if somebody wants it */
	const char *fault;		/* the rule that has fired, as it was given; NULL: none. The plan's */
	struct label *sample;		/* the first bytes that were moved; NULL: nobody wants them */
	uint64_t data;			/* aio_data */
	uaddr obj;			/* the iocb's address */
	uaddr buffer;			/* of the first segment */
	int64_t offset;
	uint64_t length_bytes;		/* asked for; POLL: 0 */
	int64_t result;			/* valid when done_ns is set, and of a refused entry */
	uint64_t submitted_ns;
	uint64_t started_ns;
	uint64_t done_ns;
	uint64_t published_ns;
	uint64_t reaped_ns;
	pid_t pid;
	pid_t tid;
	int fd;				/* in the program */
	unsigned ctx;			/* n-th context of the run, from 1 */
	unsigned in_flight;		/* in the whole run when it was accepted, itself included */
	unsigned in_flight_left;	/* ... and behind its completion, without it */
	uint32_t rw_flags;		/* RWF_* */
	uint32_t poll_events;		/* POLL: as asked */
	unsigned segments;		/* of a vector; else 0 */
	int resfd;			/* the eventfd that counts it; -1: none */
	uint16_t ioprio;		/* valid when has_ioprio */
	uint16_t opcode;		/* IOCB_CMD_* */
	uint8_t reaped_by;		/* enum record_reaper */
	bool has_ioprio;
	bool direct;			/* bypasses the page cache */
	bool would_block;		/* the kernel's io_submit would have waited for it */
};

struct record_call {
	uint64_t id;			/* order of arrival, unique in a run */
	uint64_t entered_ns;		/* when we heard of it */
	uint64_t left_ns;		/* 0: the thread died in it, or was broken off (kept.h) */
	uint64_t args[5];
	int64_t result;
	int64_t timeout_ns;		/* -1: none; io_getevents, io_pgetevents */
	union {
		uint64_t sigmask;	/* io_pgetevents, when has_sigmask */
		uint64_t sigmask_at;	/* ... else its sixth argument */
		uint64_t handle;	/* io_setup: of the new context */
	};
	struct label *comm;		/* NULL: unknown, or nobody wants it */
	pid_t pid;
	pid_t tid;
	unsigned ctx;			/* 0: none was found */
	unsigned nr;			/* of its system call */
	bool has_sigmask;
	bool by_shim;			/* it came by a slot, at first at least, or was not even that */
};

enum record_kind {
	RECORD_ACCEPTED,	/* a request; submitted_ns is the last time that is known */
	RECORD_TAKEN_BACK,	/* ... but it was not: nothing more comes of it */
	RECORD_REFUSED,		/* an entry that ended io_submit; result says why */
	RECORD_ADDRESSED,	/* a request that an io_cancel names: `call` is that call */
	RECORD_PUBLISHED,	/* a request; published_ns is the last time */
	RECORD_REQUEST,		/* a request that nothing more will happen to; once for each */
	RECORD_CALL,		/* answered; after all records of its entries and events */
};

/* Which request it is, for who wants to know no more. */
struct record_id {
	uint64_t id;
	uint64_t call;
};

/* As long as what is in it. */
struct record {
	uint16_t units;			/* the feed's */
	uint8_t kind;			/* enum record_kind */
	bool id_only;			/* of a request */
	union {
		struct record_request request;
		struct record_call call;
		struct record_id id;
	};
};

/* Bits: the kinds that tell what the entries of a call are. */
enum {
	RECORD_ENTRIES = 1 << RECORD_ACCEPTED | 1 << RECORD_TAKEN_BACK | 1 << RECORD_REFUSED |
			 1 << RECORD_ADDRESSED,
};

#define RECORD_BYTES(member) \
	(offsetof(struct record, member) + sizeof(((struct record *)NULL)->member))

/* Two cache lines: there are two calls for a request at depth 1. */
_Static_assert(RECORD_BYTES(call) <= 128, "a call's record has grown");

enum { RECORD_NO_OPCODE = 0xffff };	/* the entry could not be read */

/* Takes references of its own (but for the key, which stays with the original). */
void record_request_copy(struct record_request *to, const struct record_request *from);
void record_request_put(struct record_request *r);	/* lets references go, the key too */

#endif
