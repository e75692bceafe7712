/* SPDX-License-Identifier: MIT */
/* What a record says is found here: from the call, the request and its iocb. Loop thread only. */
#ifndef TRACE_FILL_H
#define TRACE_FILL_H

#include "dispatch.h"
#include "record.h"

struct channel_note;
struct iocb;

void trace_fill_call(struct record_call *rec, const struct call *call, bool answered, bool named);
/* pid: if the thread is not known. */
void trace_fill_noted(struct record_call *rec, const struct context *ctx,
		      const struct channel_note *note, pid_t pid, bool named);
/* All but the path. */
void trace_fill_accepted(struct record_request *rec, const struct call *call,
			 const struct request *r, const struct iocb *cb);
/* cb NULL: it cannot be read. */
void trace_fill_refused(struct record_request *rec, const struct call *call, uaddr obj,
			const struct iocb *cb, int err);
/* Takes the request's key. */
void trace_fill_done(struct record_request *rec, struct request *r, bool dropped);
/* The first bytes, at most so many, of what is to be written or has been read, in bounce memory. */
void trace_fill_sample(struct record_request *rec, const struct request *r, size_t bytes_max);

#endif
