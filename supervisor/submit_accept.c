/* SPDX-License-Identifier: MIT */
/* A prepared request becomes one in flight, with all that counts it, or is none after all. */
#include "naming.h"
#include "observe.h"
#include "rwf.h"
#include "submit.h"

void submit_accept(struct submission *s, struct request *r)
{
	struct dispatch *d = s->d;

	if (d->keys)
		naming_name(d, r, s->call->thread->process);
	r->id = ++d->last_request_id;
	r->storage = r->io.op != IO_POLL && r->file->io.class != FILE_PEER;
	list_add_tail(&s->ctx->requests, &r->node);
	d->outstanding++;
	d->counts.requests++;
	s->ctx->mm->requests++;
	s->ctx->mm->storage_requests += r->storage;
	if (!r->storage)
		context_peers(s->ctx, 1);
	r->submitted_ns = s->begin_ns;
	observe_accepted(d, s->call, r, s->entry);
	naming_count(d, r);
	(void)seam(d->plan, SEAM_ACCEPTED, r);
}

void submit_take_back(struct submission *s, struct request *r)
{
	list_del(&r->io.node);
	list_del(&r->node);
	s->d->outstanding--;
	s->d->counts.requests--;
	s->ctx->mm->requests--;
	s->ctx->mm->storage_requests -= r->storage;
	if (!r->storage)
		context_peers(s->ctx, -1);
	context_refuse(s->ctx);
	if (r->key.process)
		key_take_back(s->d->keys, &r->key);
	trace_taken_back(s->d->trace, r);
	request_destroy(r);
}

void submit_unreserve(struct submission *s, struct request *r)
{
	context_refuse(s->ctx);
	request_destroy(r);
}

/*
 * The engine had no room for it, and only its try would have told whether the kernel refuses it:
 * it cannot be accepted yet.
 */
bool submit_may_be_refused(const struct request *r)
{
	return r->stalled && (r->io.op == IO_POLL || (r->file->io.class == FILE_PEER &&
						      r->io.rw_flags & RWF_NOWAIT));
}
