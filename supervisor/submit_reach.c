/* SPDX-License-Identifier: MIT */
/*
 * Theory. How far a request's memory is there decides what the kernel answers, and has to be known
 * before its engine starts where a failed copy would tell too late. Memory may also be there for the
 * program alone (errand.h): what the kernel's io_submit itself transfers then, the caller does.
 */
#include "copy_out.h"
#include "submit.h"

static bool is_buffered(const struct request *r, enum io_op op)
{
	return r->io.op == op && !r->io.direct;
}

bool submit_must_reach(const struct request *r)
{
	return r->io.op == IO_READ && (r->io.direct || r->file->io.class == FILE_PEER ||
				       r->file->io.class == FILE_INSTANT);
}

bool submit_takes_signals(const struct request *r)
{
	return r->file->can & FILE_SIGNALS && r->io.op == IO_READ;
}

/* Is the rest of its memory, behind so many bytes, there for the program? */
static bool is_hidden_from(const struct request *r, uint64_t reach)
{
	return reach < r->total_bytes &&
	       tracee_hides_from(r->tid, r->user, r->user_count, (ssize_t)reach, true);
}

void submit_note_copied(struct request *r, ssize_t copied)
{
	r->unreached = is_buffered(r, IO_WRITE) && copied != (ssize_t)r->io.length_bytes &&
		       tracee_hides_from(r->tid, r->remote, r->remote_count, copied, false);
}

bool submit_by_caller(struct submission *s, struct request *r)
{
	bool hidden = r->unreached;

	r->unreached = false;
	if (is_buffered(r, IO_READ) && submit_must_reach(r))
		hidden = is_hidden_from(r, submit_reach(s, r));
	return submit_takes_signals(r) || (hidden && s->d->cfg->engine != CONFIG_ENGINE_NULL);
}

struct request *submit_ahead(const struct submission *s, const struct request *r)
{
	list_for_each(node, tmp, &s->ctx->requests) {
		struct request *q = list_entry(node, struct request, node);

		if (q->tid == r->tid && q->io.op == r->io.op &&
		    q->file->tracee_fd == r->file->tracee_fd &&
		    q->io.file->class == FILE_PEER && q->io.file->dev == r->io.file->dev &&
		    q->io.file->ino == r->io.file->ino)
			return q;
	}
	return NULL;
}

bool submit_behind_is_hidden(struct submission *s, struct request *r)
{
	return is_buffered(r, IO_READ) && !submit_must_reach(r) &&
	       is_hidden_from(r, submit_reach(s, r));
}

int64_t submit_writable_reach(struct submission *s, struct request *r)
{
	/* of all but O_DIRECT it is known by now */
	const uint64_t reach = r->io.direct ? submit_reach(s, r) : copy_out_reach(r);

	/* the kernel looks there before it judges alignment */
	if (r->io.direct && !submit_misaligned(&r->io))
		return (int64_t)reach;
	return copy_out_writable(r, reach);
}
