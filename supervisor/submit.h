/* SPDX-License-Identifier: MIT */
/*
 * One io_submit from here until it is parked or answered: entries fetched ahead (submit_batch.c),
 * requests made and validated (submit_prepare.c), started and counted (handle_submit.c).
 */
#ifndef SUBMIT_H
#define SUBMIT_H

#include <linux/aio_abi.h>

#include "dispatch.h"

enum {
	SUBMIT_BATCH = 32,
	SUBMIT_FILES = 8,
};

/* Entries fetched ahead, from list index `first` on. */
struct submit_batch {
	uint64_t first;
	unsigned pointers;		/* readable list slots */
	unsigned valid;			/* readable iocbs */
	unsigned keys;			/* iocbs whose aio_key is 0 and known to be writable */
	bool probed;			/* there[] is filled */
	bool there[SUBMIT_BATCH];	/* a PREAD whose whole buffer was mapped then */
	uint64_t at[SUBMIT_BATCH];
	struct iocb cb[SUBMIT_BATCH];
};

struct submission {
	struct dispatch *d;
	struct call *call;
	struct context *ctx;
	uint64_t nr;
	uint64_t begin_ns;		/* of this turn of it */
	uaddr entry_at;			/* the entry in hand; 0: the list ends early */
	const struct iocb *entry;	/* NULL: it cannot be read */
	unsigned finished;		/* done inside this call and not yet completed */
	uaddr fresh_from, fresh_to;	/* what reads among those will be copied to lies in here */
	struct submit_batch batch;
	struct file *files[SUBMIT_FILES];	/* taken in this call, one per descriptor */
	unsigned file_count;
	enum { WHO_UNKNOWN, WHO_BY_CAPS, WHO_BY_IDS } who; /* submitter.c's: what thread->seen is */
};

/*
 * Looks the context up and fetches the first entries from the call's cursor on, by one remote copy;
 * s->nr is what the caller asked for, and is cut to the ring. 0 or -EINVAL.
 */
int submit_open(struct submission *s);

/* The entry at index, or NULL: it cannot be read. */
const struct iocb *submit_entry(struct submission *s, uint64_t index, uint64_t *at,
				bool *key_known);
/* copy_out_reach() of a read, the entry at the call's cursor; for several by one remote copy. */
uint64_t submit_reach(struct submission *s, struct request *r);

/*
 * The kernel reads an entry, its vector and its data when it is their turn: what an earlier read of
 * the same list has put there by then counts. submit_note_read() says where a read that is done
 * will be copied to; submit_depends() whether that entry takes something from there (then
 * everything done must be completed first); submit_settled() that it has been: entries fetched
 * ahead that it may have changed are fetched anew.
 */
void submit_note_read(struct submission *s, const struct request *r);
bool submit_depends(struct submission *s, uint64_t index);
void submit_settled(struct submission *s);
/* The read of this call, gone on behind it, that the entry must wait for; NULL: none. */
struct request *submit_pending(struct submission *s, uint64_t index);

/*
 * Tests e to i of docs/aio-abi.md, 7, in that order, filling r; the slot is reserved. 0, the error
 * of io_submit, or -EMFILE, -ENFILE: no descriptor of ours is free.
 */
int submit_prepare(struct submission *s, struct request *r, const struct iocb *cb, bool key_known);
/*
 * Limits and the first piece of data. 0; a result that is an event, not 0; -ENOMEM: no bounce memory
 * now.
 */
int64_t submit_prepare_data(struct submission *s, struct request *r);
void submit_put_files(struct submission *s);

/* submit_accept.c: of s->entry; undone before anybody could see it; one that was only reserved. */
void submit_accept(struct submission *s, struct request *r);
void submit_take_back(struct submission *s, struct request *r);
void submit_unreserve(struct submission *s, struct request *r);
bool submit_may_be_refused(const struct request *r);	/* of an accepted one, by its engine */

/* submit_signals.c: what the call's signals make of it. 0, or a result < 0 that is an event. */
int64_t submit_apply_signals(const struct call *call, struct request *r);
/* The same of a write of whose data so many bytes have been copied, or -errno. */
int64_t submit_look_at_signals(const struct call *call, const struct request *r, ssize_t copied);
/* Of a POLL: POLLIN is the result, 0: an engine does it. */
int64_t submit_poll_signals(const struct call *call, struct request *r);

/*
 * submit_member.c: who is written into a control group, if this is done by the file. 0: not so; else
 * the result, of a write that has been done.
 */
int64_t submit_member(const struct submission *s, const struct request *r);

/*
 * Where the thread itself must fetch it (after submit_entry() has said NULL): 0 when submit_entry()
 * will have it, -EFAULT, or -EINPROGRESS as errand_read().
 */
int submit_entry_by_caller(struct submission *s, uint64_t index);

/* submit_reach.c: a prepared request that the caller is to do itself (errand.h). */
bool submit_by_caller(struct submission *s, struct request *r);
/* One in flight that the kernel's io_submit would have waited for before it; NULL: none. */
struct request *submit_ahead(const struct submission *s, const struct request *r);
bool submit_takes_signals(const struct request *r);	/* for nobody else can: a signalfd's read */
void submit_note_copied(struct request *r, ssize_t copied);	/* of a write's data, or -errno */
/* Must it be known before a read starts how far its memory reaches, and may be written? So far. */
bool submit_must_reach(const struct request *r);
int64_t submit_writable_reach(struct submission *s, struct request *r);
/* A read that goes on: it is then the caller who finishes it. */
bool submit_behind_is_hidden(struct submission *s, struct request *r);

/* submit_waits.c: an accepted request that is not done; must the call wait for it? */
bool submit_caller_waits(const struct submission *s, const struct request *r);
bool submit_waits_withheld(const struct submission *s, const struct request *r);	/* by a plan */
bool submit_misaligned(const struct io *io);	/* O_DIRECT of what is no multiple of a sector */

#endif
