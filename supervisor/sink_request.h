/* SPDX-License-Identifier: MIT */
/* A request as text, the way strace would show the system call that does the same. */
#ifndef SINK_REQUEST_H
#define SINK_REQUEST_H

#include "sink.h"

/* <path>, also with bytes that would end it. */
void sink_put_path(struct out *o, const struct label *path);

enum sink_put {
	SINK_PUT_SUBMITTED,	/* reads show where their buffer is */
	SINK_PUT_DONE,		/* ... and here what is in it */
	SINK_PUT_UNFINISHED,	/* the closing bracket is missing */
};

/* pread(3</path>, "data"..., 4096, 0) */
void sink_put_request(struct sink *s, const struct record_request *r, enum sink_put how);
/* " = 4096", " = -1 EIO (Input/output error)" without the first space; POLL: with names */
void sink_put_result(struct out *o, const struct record_request *r);
/* The same of a call: ERESTARTNOHAND has no errno's name. */
void sink_put_returned(struct out *o, int64_t result);

#endif
