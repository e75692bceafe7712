/* SPDX-License-Identifier: MIT */
#include "trace_fill.h"

#include <linux/aio_abi.h>
#include <string.h>
#include <sys/syscall.h>

#include "channel.h"
#include "iocb.h"

static struct label *comm_of(struct thread *th)
{
	char name[TRACEE_COMM_BYTES];

	if (!th->comm && tracee_comm(th->source.tid, name, sizeof(name)) == 0)
		th->comm = label_create(name, strlen(name));
	return label_get(th->comm);
}

void trace_fill_call(struct record_call *rec, const struct call *call, bool answered, bool named)
{
	const struct notice *n = &call->notice;
	struct thread *th = call->thread;

	*rec = (struct record_call){
		.id = call->id,
		.entered_ns = call->arrived_ns,
		.left_ns = answered ? now_ns() : 0,
		.result = call->answer,
		.timeout_ns = call->wait.timeout_ns,
		.comm = th && named ? comm_of(th) : NULL,
		.pid = th ? th->source.tgid : (pid_t)n->tid,
		.tid = (pid_t)n->tid,
		.ctx = call->ctx_number,
		.nr = (unsigned)n->nr,
		.has_sigmask = call->wait.has_mask,
		.by_shim = call->has_own_mask,
	};
	memcpy(rec->args, n->args, sizeof(rec->args));
	if (call->kind == CALL_SETUP)
		rec->handle = call->ctx_handle;
	else
		rec->sigmask = call->wait.has_mask ? call->wait.sigmask : n->args[5];
}

static struct thread *thread_of(const struct mm *mm, pid_t tid)
{
	list_for_each(node, tmp, &mm->processes) {
		struct process *p = list_entry(node, struct process, mm_node);

		list_for_each(inner, inner_tmp, &p->threads) {
			struct thread *th = list_entry(inner, struct thread, process_node);

			if (th->source.tid == tid)
				return th;
		}
	}
	return NULL;
}

static int64_t noted_timeout_ns(const struct channel_note *note)
{
	const int64_t *at = note->timeout;

	if (!note->args[4] || at[0] < 0 || at[0] >= INT64_MAX / (int64_t)NSEC_PER_SEC ||
	    at[1] < 0 || at[1] >= (int64_t)NSEC_PER_SEC)
		return -1;
	return at[0] * (int64_t)NSEC_PER_SEC + at[1];
}

void trace_fill_noted(struct record_call *rec, const struct context *ctx,
		      const struct channel_note *note, pid_t pid, bool named)
{
	struct thread *th = thread_of(ctx->mm, (pid_t)note->tid);
	const uint64_t left_ns = min_u64(note->reaped_ns, now_ns());

	*rec = (struct record_call){
		.entered_ns = min_u64(note->entered_ns, left_ns),
		.left_ns = left_ns,
		.result = note->count,
		.timeout_ns = noted_timeout_ns(note),
		.comm = th && named ? comm_of(th) : NULL,
		.pid = th ? th->source.tgid : pid,
		.tid = (pid_t)note->tid,
		.ctx = ctx->number,
		.nr = note->nr == SYS_io_pgetevents ? SYS_io_pgetevents : SYS_io_getevents,
		.by_shim = true,
	};
	memcpy(rec->args, note->args, sizeof(rec->args));
}

/* What the iocb alone says. */
static void fill_asked(struct record_request *rec, const struct iocb *cb)
{
	rec->data = cb->aio_data;
	rec->buffer = cb->aio_buf;
	rec->fd = (int)cb->aio_fildes;
	rec->offset = cb->aio_offset;
	rec->rw_flags = (uint32_t)cb->aio_rw_flags;
	rec->opcode = cb->aio_lio_opcode;
	rec->has_ioprio = cb->aio_flags & IOCB_FLAG_IOPRIO;
	rec->ioprio = (uint16_t)cb->aio_reqprio;
	rec->resfd = cb->aio_flags & IOCB_FLAG_RESFD ? (int)cb->aio_resfd : -1;
	if (cb->aio_lio_opcode == IOCB_CMD_POLL)
		rec->poll_events = (uint16_t)cb->aio_buf;
	else if (iocb_is_vector(cb))
		rec->segments = (unsigned)cb->aio_nbytes;
	else
		rec->length_bytes = cb->aio_nbytes;
}

void trace_fill_accepted(struct record_request *rec, const struct call *call,
			 const struct request *r, const struct iocb *cb)
{
	*rec = (struct record_request){
		.id = r->id,
		.call = call->id,
		.comm = comm_of(call->thread),
		.obj = r->obj,
		.submitted_ns = now_ns(),
		.pid = r->tgid,
		.tid = r->tid,
		.ctx = r->ctx->number,
		.direct = r->io.direct,
	};
	fill_asked(rec, cb);
	if (rec->segments) {
		rec->buffer = r->user[0].base;
		rec->length_bytes = request_asked_bytes(r);
	}
}

void trace_fill_refused(struct record_request *rec, const struct call *call, uaddr obj,
			const struct iocb *cb, int err)
{
	*rec = (struct record_request){
		.call = call->id,
		.obj = obj,
		.result = err,
		.pid = call->thread->source.tgid,
		.tid = call->thread->source.tid,
		.fd = -1,
		.resfd = -1,
		.opcode = RECORD_NO_OPCODE,
	};
	if (cb)
		fill_asked(rec, cb);
}

void trace_fill_done(struct record_request *rec, struct request *r, bool dropped)
{
	const uint64_t now = now_ns();

	rec->result = r->io.result;
	if (!rec->started_ns)
		rec->started_ns = r->io.started_ns;
	/* an engine may stamp the whole batch with the time when it began it */
	if (rec->started_ns)
		rec->started_ns = max_u64(rec->started_ns, rec->submitted_ns);
	rec->done_ns = r->io.done_ns ? r->io.done_ns : now;
	rec->published_ns = dropped ? 0 : now;
	rec->key = r->key;
	r->key = (struct key){ 0 };
}

void trace_fill_sample(struct record_request *rec, const struct request *r, size_t bytes_max)
{
	uint64_t left = r->io.op == IO_WRITE ? r->io.length_bytes : (uint64_t)r->io.result;
	struct label *l;
	size_t n;

	/* of memory that ends early it is not known here where */
	if (rec->sample || r->faulted || (r->io.op == IO_READ && r->io.result < 0))
		return;
	left = min_u64(left, bytes_max);
	l = rec->sample = label_create(NULL, left);
	for (unsigned i = 0; l && left && i < r->local_count; i++) {
		n = min_u64(r->local[i].iov_len, left);
		memcpy(l->text + l->length_bytes - left, r->local[i].iov_base, n);
		left -= n;
	}
	if (l)
		l->length_bytes -= left;
}
