/* SPDX-License-Identifier: MIT */
/*
 * Theory. A request's fate is decided once, when it is accepted and has its key; a call's when it
 * arrives. From then on the seams do what the rule says, in the order: what withholds it
 * (faults_hold.c), its I/O (faults_io.c, faults_torn.c), event and eventfd (faults_publish.c).
 * Results and data change before anybody sees them, so that io_getevents, readers of the ring,
 * users of eventfds and the trace are told the same.
 */
#include "faults.h"

#include "copy_out.h"
#include "faults_impl.h"
#include "label.h"
#include "log.h"
#include "naming.h"
#include "record.h"
#include "trace_set.h"

static struct faults *of_seams(const struct plan *plan)
{
	return (struct faults *)(uintptr_t)plan;
}

struct fault_subject faults_subject(const struct faults *f, const struct process *p)
{
	return (struct fault_subject){
		.process = p->number,
		.pid = p->tgid,
		.fd = -1,
		.now_ns = now_ns() - f->began_ns,
	};
}

void faults_kill(const struct request *r, int signo)
{
	list_for_each(node, tmp, &r->ctx->mm->processes) {
		const struct process *p = list_entry(node, struct process, mm_node);

		if (p->tgid == r->tgid)
			tracee_signal_process(p->pidfd, signo);
	}
}

static void tell(const struct request *r, const char *key)
{
	const struct fault_fate *fate = r->fate;

	log_info(1, "fault: rule %u, count %llu: request %llu of %d: %s", fate->rule->number,
		 (unsigned long long)fate->count, (unsigned long long)r->id, r->tgid, key);
}

static struct fault_fate *fate_create(struct faults *f, struct request *r,
				      const struct fault_verdict *v)
{
	struct fault_fate *fate = calloc(1, sizeof(*fate) + (r->local_count + 1) *
						    sizeof(fate->iov[0]));

	if (!fate)
		return NULL;
	list_init(&fate->node);
	fate->faults = f;
	fate->request = r;
	fate->rule = v->rule;
	fate->count = v->count;
	fate->dice = v->dice;
	fate->pending = v->rule->actions & (FAULT_HANG | FAULT_HOLD | FAULT_DELAY);
	fate->behind = v->rule->actions & FAULT_REORDER ? v->rule->reorder : 0;
	if (r->resfd && v->rule->actions & FAULT_EVENTFD && v->rule->eventfd == FAULT_EVENTFD_LATE)
		fate->late = late_create(f);
	return fate;
}

static void accepted(struct faults *f, struct request *r)
{
	struct thread *th = f->d->submitting->thread;
	const uint32_t op = trace_set_op(r->opcode);
	const struct label *path = file_path(r->file);
	char comm[TRACEE_COMM_BYTES] = "", key[KEY_TEXT_BYTES] = "";
	struct fault_subject s = faults_subject(f, th->process);
	struct fault_verdict v;

	(void)tracee_comm(r->tid, comm, sizeof(comm));
	if (r->key.process)
		(void)key_text(&r->key, key, sizeof(key));
	s.op = op;
	s.comm = comm;
	s.path = path ? path->text : NULL;
	s.fd = r->file->tracee_fd;
	s.has_offset = r->io.op == IO_READ || r->io.op == IO_WRITE;
	s.offset = (uint64_t)r->io.offset;
	s.length_bytes = request_asked_bytes(r);
	s.ctx = r->ctx->nth;
	s.direct = r->io.direct;
	s.data = r->data;
	s.key_hash = hash_text(key, strlen(key));
	v = fault_plan_ask(f->plan, &s);
	if (!v.rule)
		return;
	r->fate = fate_create(f, r, &v);
	if (r->fate && r->trace)
		r->trace->fault = v.rule->text;
	if (r->fate)
		tell(r, key);
	else
		log_warn("out of memory: fault rule %u does not act", v.rule->number);
}

/* Also before large ones are cut into pieces: those go through here as often. */
static void done(struct faults *f, struct list *ios)
{
	bool again = false;

	list_for_each(node, tmp, ios) {
		struct request *r = request_of(node);

		if (r->fate && !r->fate->ended && faults_piece_done(f, r))
			again = true;
	}
	if (again)
		engine_flush(f->d->engine);
}

static bool at_request(struct faults *f, enum seam at, struct request *r)
{
	if (at == SEAM_ACCEPTED && fault_plan_ops(f->plan) & trace_set_op(r->opcode))
		accepted(f, r);
	if (!r->fate)
		return false;
	if (at == SEAM_CANCEL)
		return faults_cancel(f, r);
	if (at == SEAM_EVENTFD)
		return faults_count_late(f, r);
	if (at != SEAM_IO || r->fate->begun)
		return false;
	return faults_withhold(f, r) || faults_begin(f, r);
}

static bool at_seam(const struct plan *plan, enum seam at, void *subject)
{
	struct faults *f = of_seams(plan);

	switch (at) {
	case SEAM_CALL:
		return faults_call(f, subject);
	case SEAM_ACCEPTED:
	case SEAM_IO:
	case SEAM_EVENTFD:
	case SEAM_CANCEL:
		return at_request(f, at, subject);
	case SEAM_DONE:
		done(f, subject);
		break;
	case SEAM_PUBLISH:
		faults_publish(f, subject);
		break;
	case SEAM_DESTROYED:
		faults_let_go(f, subject, NULL);
		break;
	case SEAM_LEAVING:
		faults_let_go(f, NULL, subject);
		break;
	case SEAM_DEAD:
		faults_bury(f, subject);
		break;
	}
	return false;
}

struct faults *faults_create(struct dispatch *d, struct fault_plan *plan)
{
	struct faults *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->seams.at = at_seam;
	f->d = d;
	f->plan = plan;
	f->began_ns = now_ns();
	list_init(&f->withheld);
	list_init(&f->late);
	list_init(&f->opened);
	log_warn("fault plan: --seed=%llu", (unsigned long long)fault_plan_seed(plan));
	return f;
}

void faults_destroy(struct faults *f)
{
	if (!f)
		return;
	list_for_each(node, tmp, &f->late)
		late_destroy(f, (struct late_count *)(void *)node);
	faults_gates_free(f);
	free(f);
}

void faults_tell(const struct faults *f)
{
	const struct fault_rule *r = NULL;

	while (f && (r = fault_plan_next(f->plan, r))) {
		log_info(1, "fault rule %u: %llu matched, %llu fired: %s", r->number,
			 (unsigned long long)r->matched, (unsigned long long)r->fired, r->text);
		if (!r->fired)
			log_warn("fault rule %u has never fired, of %llu that matched: %s",
				 r->number, (unsigned long long)r->matched, r->text);
	}
}

const struct plan *faults_seams(const struct faults *f)
{
	return &f->seams;
}
