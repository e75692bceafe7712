/* SPDX-License-Identifier: MIT */
/*
 * A request: one iocb in flight. It reserves all that its completion needs before it starts (slot,
 * files, bounce memory), so that completing cannot fail. Large ones run in pieces through one block
 * of memory.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <linux/aio_abi.h>

#include "buffer.h"
#include "file.h"
#include "io.h"
#include "key.h"
#include "tracee.h"

struct call;
struct context;
struct creds;
struct fault_fate;
struct record_request;

struct request {
	struct io io;			/* the engines' part */
	struct list node;		/* context->requests */
	struct context *ctx;
	struct file *file;
	struct file *resfd;		/* NULL: none */
	struct creds *who;		/* the reference behind io.who */
	uint64_t id;			/* order of arrival, unique in a run */
	struct key key;			/* its name in every run, if somebody wants it */
	uaddr lint_ip;			/* lint.c's: of its io_submit */
	struct list lint_node;		/* lint.c's: those in flight, by obj */
	uint64_t submitted_ns;		/* when the io_submit was taken up */
	struct record_request *trace;	/* trace.c's; NULL: nobody wants it */
	uaddr obj;			/* the iocb's address, for the event */
	uint64_t data;			/* aio_data */
	uint16_t opcode;		/* IOCB_CMD_* */
	pid_t tid;			/* who submitted */
	pid_t tgid;
	bool storage;			/* exit, exec and io_destroy wait for it */
	bool dropped;			/* its completion is not to be seen */
	bool shaped;			/* bounce memory has the user's alignment and segments */
	bool faulted;			/* the user's memory ended early: no further piece */
	bool all_or_none;		/* an error is the whole's: iomap_dio_complete(), 6.18 */
	bool was_mapped;		/* a read's memory was all there at submission */
	bool unreached;			/* a read that is done: only its caller reaches that memory */
	bool by_caller;			/* the caller has moved the data itself (errand.h) */
	bool whole;			/* not in small pieces: a fault plan means all of it */
	bool made_up;			/* the result is a fault plan's */
	enum {
		WITHHELD_NOT,
		WITHHELD_IO,		/* by a fault plan: no engine has seen it */
		WITHHELD_EVENT,		/* ... all is done, but it is not published */
	} withheld;
	struct fault_fate *fate;	/* faults.h; NULL: nothing shall happen to it */
	bool stalled; /* on dispatch's list of those that the engine had no room for */
	bool cancelled; /* io_cancel, io_destroy or the end of the process has asked for it back */
	bool interrupted;		/* --submit=kernel: a signal broke it off, -EINTR */
	struct call *caller;		/* io_submit that is parked until this is finished */

	struct buffers *buffers;
	void *block;
	size_t block_bytes;
	uaddr iov_at;			/* where the user has them as a vector ... */
	unsigned iov_count;		/* ... of so many */
	struct uvec *user;		/* the user's segments */
	unsigned user_count;
	uint64_t total_bytes;		/* of the user's segments, capped */
	uint64_t moved_bytes;		/* by finished pieces */
	uint64_t kept_bytes;		/* a read that will fault: old data, copied back */
	struct iovec *local;		/* this piece here ... */
	struct uvec *remote;		/* ... and there */
	unsigned local_count;
	unsigned remote_count;
	struct uvec user_one;		/* storage for the common single segment */
	struct uvec remote_one;
	struct iovec local_two[2];	/* one more than segments: for the rest behind a fault */
};

enum {
	REQUEST_SEGMENTS_MAX = 1024,	/* UIO_MAXIOV */
	REQUEST_BYTES_MAX = 0x7ffff000,	/* MAX_RW_COUNT */
	REQUEST_INLINE_PIECE_BYTES = 256 * 1024,	/* buffered I/O: stays in cache */
};

struct request *request_create(struct buffers *buffers);	/* NULL: ENOMEM */
void request_destroy(struct request *r);	/* puts files and memory back; accepts NULL */

/* Room for n segments in user, local, remote: 0 or -ENOMEM. */
int request_segments(struct request *r, unsigned n);
bool request_appends(const struct request *r);	/* a write, to the end of the file */
/* What the user's segments hold: unlike total_bytes before any limit but that of a transfer. */
uint64_t request_asked_bytes(const struct request *r);

/*
 * Lays out the next piece in bounce memory (allocating the block at the first): 0; -ENOMEM: none
 * left now. io->iov, length and offset are set. A request without data needs no call.
 */
int request_next_piece(struct request *r);
bool request_has_more(const struct request *r);	/* after a full piece */
/*
 * A read that came to the end of the file, and whose buffer the file system has cleared behind that,
 * to its end: iomap_dio_hole_iter() of fs/iomap/direct-io.c, 6.18, for holes behind the end. Seen by
 * the piece's last byte.
 */
bool request_tail_cleared(const struct request *r);

/*
 * Takes a finished piece into account; true: the request is finished and io.result is the whole's.
 */
bool request_piece_done(struct request *r);

/*
 * Write data of this piece, from the tracee: 0, or -EFAULT when nobody is left to copy from. When
 * the tracee's memory ends early, io->iov goes on at an address where nothing is: what the kernel
 * makes of that (a short count, -EFAULT, -EPIPE before it looks, nothing at all for /dev/null) is
 * the result.
 */
void request_reaches(struct request *r, uint64_t bytes);	/* a read's piece: the same */
int request_copied_in(struct request *r, ssize_t copied);

#endif
