/* SPDX-License-Identifier: MIT */
/*
 * Theory. Most rules need nothing but what is there when something happens (an iocb that is in
 * flight already, a wait for more than there is). Three need a memory: what a partial io_submit has
 * left over, results that ought to be looked at, eventfds. These are lists, searched from one end,
 * bounded: a tool for finding mistakes may cost something, but what is in flight may be much.
 *
 * "Never looked at" is told of results that were never reaped: what a program does with an event
 * that it has, nobody can see.
 */
#include "lint.h"

#include <string.h>
#include <sys/stat.h>

#include "lint_impl.h"
#include "log.h"

#define SAID_SLOTS 8192u
#define SECTOR_BYTES 512u
#define IN_FLIGHT_BUCKETS 4096u
#define COMPARE_BYTES (64u << 10)

struct lint *lint_create(void)
{
	struct lint *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	list_init(&l->rests);
	list_init(&l->results);
	list_init(&l->counters);
	l->said = calloc(SAID_SLOTS, sizeof(*l->said));
	l->in_flight = calloc(IN_FLIGHT_BUCKETS, sizeof(*l->in_flight));
	if (!l->said || !l->in_flight) {
		lint_destroy(l);
		return NULL;
	}
	for (unsigned i = 0; i < IN_FLIGHT_BUCKETS; i++)
		list_init(&l->in_flight[i]);
	return l;
}

void *lint_keep(struct lint *l, size_t bytes)
{
	void *thing = l->kept < LINT_KEPT_MAX ? calloc(1, bytes) : NULL;

	if (thing)
		l->kept++;
	else
		l->unsaid++;
	return thing;
}

void lint_let_go(struct lint *l, struct list *node, void *thing)
{
	list_del(node);
	l->kept--;
	free(thing);
}

bool lint_is_new(struct lint *l, enum lint_kind kind, uint64_t place, uint64_t file)
{
	const uint64_t hash = hash_u64(hash_u64(place + kind) ^ file) | 1;
	uint64_t at = hash;

	for (; l->said[at % SAID_SLOTS]; at++) {
		if (l->said[at % SAID_SLOTS] == hash)
			return false;
	}
	if (l->said_count >= SAID_SLOTS / 2) {
		l->unsaid++;
		return false;
	}
	l->said[at % SAID_SLOTS] = hash;
	l->said_count++;
	return true;
}

static uint64_t file_of(const struct request *r)
{
	return hash_u64(r->file->io.dev) ^ r->file->io.ino;
}

/* --- io_setup, handles --- */

static void check_setup(struct lint *l, struct call *call)
{
	uaddr old;

	if (tracee_read_all((pid_t)call->notice.tid, call->notice.args[1], &old, sizeof(old)) ||
	    !old || !lint_is_new(l, LINT_NOT_ZERO, call->notice.ip, 0))
		return;
	log_say("lint: io_setup of %d: the context is 0x%llx, not 0: it must be set to 0 before",
		(int)call->notice.tid, (unsigned long long)old);
}

struct forked {
	const struct mm *mm;
	uaddr handle;
};

static int has_handle(struct mm *mm, void *arg)
{
	const struct forked *f = arg;

	if (mm == f->mm || mm->dead)
		return 0;
	list_for_each(node, tmp, &mm->contexts) {
		if (list_entry(node, struct context, node)->handle == f->handle)
			return 1;
	}
	return 0;
}

static void check_handle(struct dispatch *d, struct call *call)
{
	struct forked f = { call->mm, call->notice.args[0] };

	if (!tasks_for_mms(d->tasks, has_handle, &f) ||
	    !lint_is_new(d->lint, LINT_FORKED, call->notice.ip, 0))
		return;
	log_say("lint: process %d uses the context 0x%llx of another process: contexts are not "
		"inherited by fork(2)", call->thread->source.tgid, (unsigned long long)f.handle);
}

/* --- requests --- */

/* The oldest with this iocb; r is one of those in flight from now on. */
static const struct request *in_flight(struct lint *l, struct request *r)
{
	const struct mm *mm = r->ctx->mm;
	const uint64_t hash = hash_u64((uintptr_t)mm ^ hash_u64(r->obj));
	struct list *bucket = &l->in_flight[hash % IN_FLIGHT_BUCKETS];
	const struct request *found = NULL;

	list_for_each(node, tmp, bucket) {
		const struct request *other = list_entry(node, struct request, lint_node);

		if (other->ctx->mm == mm && other->obj == r->obj) {
			found = other;
			break;
		}
	}
	list_add_tail(bucket, &r->lint_node);
	return found;
}

static void check_alignment(struct lint *l, const struct call *call, const struct request *r)
{
	uint64_t all = (uint64_t)r->io.offset;

	if (!r->io.direct || (r->io.op != IO_READ && r->io.op != IO_WRITE))
		return;
	for (unsigned i = 0; i < r->user_count; i++)
		all |= r->user[i].base | r->user[i].length_bytes;
	if (all % SECTOR_BYTES && lint_is_new(l, LINT_MISALIGNED, call->notice.ip, file_of(r)))
		log_say("lint: request #%llu of %d on descriptor %d: O_DIRECT with offset, length "
			"or memory that is no multiple of %u", (unsigned long long)r->id, r->tid,
			r->file->tracee_fd, SECTOR_BYTES);
}

void lint_accepted(struct lint *l, struct call *call, struct request *r)
{
	const struct request *other;

	if (!l)
		return;
	r->lint_ip = call->notice.ip;
	lint_rest_taken(l, r->ctx->mm, r->obj);
	check_alignment(l, call, r);
	other = in_flight(l, r);
	if (other && lint_is_new(l, LINT_REUSED, call->notice.ip, 0))
		log_say("lint: request #%llu of %d: its iocb 0x%llx is that of #%llu, which is still "
			"in flight", (unsigned long long)r->id, r->tid, (unsigned long long)r->obj,
			(unsigned long long)other->id);
}

void lint_answers(struct dispatch *d, struct call *call, int64_t value)
{
	if (!d->lint || !call->thread || !call_counts(call->kind))
		return;
	if (call->kind == CALL_SETUP && value == -EINVAL)
		check_setup(d->lint, call);
	else if (call->kind == CALL_SUBMIT && call->ctx_number)
		lint_submitted(d->lint, call, value);
	else if (call->kind != CALL_SETUP && value == -EINVAL && !call->ctx_number)
		check_handle(d, call);
}

/* --- io_getevents --- */

/* Somebody else could still submit. */
static bool has_other_threads(const struct call *call)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/task", call->thread->source.tgid);
	return stat(path, &st) || st.st_nlink != 3;
}

void lint_waits(struct lint *l, struct call *call, struct context *ctx)
{
	const uint64_t missing = call->wait.min_nr - call->cursor;

	if (!l || missing <= ctx->outstanding || has_other_threads(call))
		return;
	if (lint_is_new(l, LINT_HANGS, call->notice.ip, 0))
		log_say("lint: io_getevents of %d waits for %llu more events, but %u requests are in "
			"flight and it has no other thread: it will never return",
			(int)call->notice.tid, (unsigned long long)missing, ctx->outstanding);
}

/* --- completions --- */

/* What was written is in the block; is it still what the program has there? */
static bool changed(const struct request *r)
{
	char now[COMPARE_BYTES];
	uint64_t done = 0;

	while (done < r->io.length_bytes && r->local_count == 1) {
		const uint64_t bytes = min_u64(sizeof(now), r->io.length_bytes - done);
		const struct iovec to = { now, bytes };
		struct uvec from[2];
		unsigned count = 0;
		uint64_t skip = done, left = bytes;

		for (unsigned i = 0; i < r->remote_count && left && count < 2; i++) {
			const struct uvec *u = &r->remote[i];

			if (skip >= u->length_bytes) {
				skip -= u->length_bytes;
				continue;
			}
			from[count].base = u->base + skip;
			from[count].length_bytes = min_u64(u->length_bytes - skip, left);
			left -= from[count++].length_bytes;
			skip = 0;
		}
		if (tracee_readv(r->tid, from, count, &to, 1) != (ssize_t)(bytes - left))
			return false;	/* gone, or unmapped */
		if (memcmp(now, (const char *)r->local[0].iov_base + done, bytes - left))
			return true;
		done += bytes - left;
	}
	return false;
}

static void check_result(struct lint *l, const struct request *r)
{
	const uint64_t asked = request_asked_bytes(r);
	struct lint_result *kept;

	if (r->io.result >= 0 && (r->io.op == IO_POLL || (uint64_t)r->io.result >= asked))
		return;
	kept = lint_keep(l, sizeof(*kept));
	if (!kept)
		return;
	*kept = (struct lint_result){ .ctx = r->ctx, .published = r->ctx->lint_published,
				      .id = r->id, .result = r->io.result, .asked_bytes = asked };
	list_init(&kept->node);
	list_add_tail(&l->results, &kept->node);
}

/* Those that have left the ring were reaped. */
static void forget_reaped(struct lint *l, const struct context *ctx)
{
	const unsigned in_ring = ring_count(&ctx->ring, ring_head(&ctx->ring));

	list_for_each(node, tmp, &l->results) {
		struct lint_result *kept = list_entry(node, struct lint_result, node);

		if (kept->ctx == ctx && kept->published + in_ring <= ctx->lint_published)
			lint_let_go(l, &kept->node, kept);
	}
}

void lint_published(struct lint *l, struct request *r)
{
	if (!l)
		return;
	if (r->io.op == IO_WRITE && !r->faulted && r->io.result > 0 && changed(r) &&
	    lint_is_new(l, LINT_CHANGED, r->lint_ip, file_of(r)))
		log_say("lint: request #%llu of %d on descriptor %d: the data were changed while it "
			"was in flight", (unsigned long long)r->id, r->tid, r->file->tracee_fd);
	r->ctx->lint_published++;
	forget_reaped(l, r->ctx);
	check_result(l, r);
	if (r->resfd)
		lint_counted(l, r);
}

static void tell_results(struct lint *l, const struct context *ctx, pid_t tid, uaddr ip)
{
	forget_reaped(l, ctx);
	list_for_each(node, tmp, &l->results) {
		struct lint_result *kept = list_entry(node, struct lint_result, node);

		if (kept->ctx != ctx)
			continue;
		if (lint_is_new(l, LINT_RESULT, ip, 0))
			log_say("lint: request #%llu of %d gave %lld of %llu, and nobody has looked "
				"at it", (unsigned long long)kept->id, tid,
				(long long)kept->result, (unsigned long long)kept->asked_bytes);
		lint_let_go(l, &kept->node, kept);
	}
}

/* --- the end --- */

void lint_context_over(struct lint *l, const struct context *ctx)
{
	if (!l)
		return;
	list_for_each(node, tmp, &l->results) {
		struct lint_result *kept = list_entry(node, struct lint_result, node);

		if (kept->ctx == ctx)
			lint_let_go(l, &kept->node, kept);
	}
}

void lint_mm_over(struct lint *l, const struct mm *mm)
{
	if (!l)
		return;
	lint_rests_forget(l, mm);
	lint_counters_forget(l, mm);
}

void lint_destroyed(struct lint *l, struct call *call, struct context *ctx)
{
	if (l)
		tell_results(l, ctx, (pid_t)call->notice.tid, call->notice.ip);
}

void lint_exit(struct lint *l, struct call *call)
{
	if (!l)
		return;
	list_for_each(node, tmp, &call->mm->contexts) {
		struct context *ctx = list_entry(node, struct context, node);

		tell_results(l, ctx, (pid_t)call->notice.tid, call->notice.ip);
		if (lint_is_new(l, LINT_LEAKED, ctx->lint_ip, 0))
			log_say("lint: process %d exits without io_destroy of its context %u",
				call->thread->source.tgid, ctx->number);
	}
	lint_rests_end(l, call->mm);
	lint_counters_end(l, call);
}

static void free_all(struct list *things, size_t node_offset)
{
	for (struct list *node; (node = list_pop(things));)
		free((char *)node - node_offset);
}

void lint_destroy(struct lint *l)
{
	if (!l)
		return;
	if (l->unsaid)
		log_say("lint: %llu things could not be kept in mind: some findings may be missing",
			(unsigned long long)l->unsaid);
	free_all(&l->rests, offsetof(struct lint_rest, node));
	free_all(&l->results, offsetof(struct lint_result, node));
	free_all(&l->counters, offsetof(struct lint_counter, node));
	free(l->said);
	free(l->in_flight);
	free(l);
}
