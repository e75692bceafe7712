/* SPDX-License-Identifier: MIT */
/*
 * One worker of victim_oracle: it keeps requests of one to four blocks in flight and checks what
 * comes back. Included once, by victim_oracle.c.
 */
#ifndef ORACLE_WORKER_H
#define ORACLE_WORKER_H

#include <errno.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "oracle_blocks.h"

#define VICTIM	 1
#define CONTEXT	 4096
#define BATCH	 32  /* requests per io_submit */
#define INFLIGHT 256 /* requests per worker */
#define VECTOR	 4   /* blocks per request at most */

struct request {
	struct iocb iocb;
	struct iovec iov[VECTOR];
	unsigned int blocks[VECTOR], buffers[VECTOR], count;
	bool write, busy;
};

struct worker {
	unsigned int id;
	uint64_t random;
	aio_context_t ctx;
	unsigned int inflight_count;
	struct request requests[INFLIGHT];
};

static uint64_t worker_random(struct worker *w, uint64_t below)
{
	w->random += 0x9e3779b97f4a7c15ull;
	return mix(w->random) % below;
}

static bool entry_latch(struct worker *w, unsigned int index)
{
	uint32_t none = 0;

	return atomic_compare_exchange_strong(&control->entries[index].latch, &none, w->id + 1);
}

static unsigned int buffer_take(struct worker *w)
{
	for (;;) {
		unsigned int i = worker_random(w, BUFFERS);
		uint32_t none = 0;

		if (atomic_compare_exchange_strong(&control->buffer_owner[i], &none, w->id + 1))
			return i;
	}
}

static void request_add(struct worker *w, struct request *r, unsigned int index)
{
	struct entry *e = &control->entries[index];
	unsigned int buffer = buffer_take(w);

	if (r->write) {
		e->pending = e->version + 1;
		e->state = INTENT;
		block_make(&cache[buffer], index, e->pending, w->id);
	} else {
		e->state = READING;
		memset(&cache[buffer], 0x5a, BLOCK_BYTES);
	}
	r->iov[r->count] = (struct iovec){&cache[buffer], BLOCK_BYTES};
	r->blocks[r->count] = index;
	r->buffers[r->count] = buffer;
	r->count++;
}

/* A run of blocks that nobody has latched; a vector where it is longer than one. */
static bool request_prepare(struct worker *w, struct request *r)
{
	unsigned int first = worker_random(w, BLOCKS), want = 1;
	struct iocb *io = &r->iocb;

	if (worker_random(w, 4) == 0)
		want += worker_random(w, VECTOR);
	r->count = 0;
	r->write = worker_random(w, 10) < (w->id < WRITERS ? 7 : 2);
	for (unsigned int i = first; i < first + want && i / FILE_BLOCKS == first / FILE_BLOCKS;
	     i++) {
		if (!entry_latch(w, i))
			break;
		request_add(w, r, i);
	}
	if (!r->count)
		return false;
	memset(io, 0, sizeof(*io));
	io->aio_data = mix((uintptr_t)r);
	io->aio_fildes = files[first / FILE_BLOCKS];
	io->aio_offset = (int64_t)(first % FILE_BLOCKS) * BLOCK_BYTES;
	if (r->count == 1) {
		io->aio_lio_opcode = r->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
		io->aio_buf = (uintptr_t)r->iov[0].iov_base;
		io->aio_nbytes = BLOCK_BYTES;
	} else {
		io->aio_lio_opcode = r->write ? IOCB_CMD_PWRITEV : IOCB_CMD_PREADV;
		io->aio_buf = (uintptr_t)r->iov;
		io->aio_nbytes = r->count;
	}
	r->busy = true;
	return true;
}

static void request_accepted(struct request *r)
{
	for (unsigned int i = 0; r->write && i < r->count; i++)
		control->entries[r->blocks[i]].state = ACCEPTED;
}

static void request_finish(struct request *r, const struct io_event *event)
{
	if (!r->busy || event->data != mix((uintptr_t)r))
		fail("an event nobody waits for: obj %llx data %llx", event->obj, event->data);
	if (event->res != (int64_t)r->count * BLOCK_BYTES || event->res2)
		fail("%s of %u: res %lld res2 %lld", r->write ? "write" : "read", r->count,
		     event->res, event->res2);
	for (unsigned int i = 0; i < r->count; i++) {
		struct entry *e = &control->entries[r->blocks[i]];

		if (r->write)
			e->version = e->pending;
		else
			block_check(&cache[r->buffers[i]], r->blocks[i], e->version, e->version,
				    "read");
		e->state = IDLE;
		e->latch = 0;
		control->buffer_owner[r->buffers[i]] = 0;
	}
	r->busy = false;
}

static void worker_submit(struct worker *w, struct iocb **list, unsigned int count)
{
	while (count) {
		long n;

		control->attempt[w->id] = count;
		n = syscall(SYS_io_submit, w->ctx, (long)count, list);
		if (n <= 0)
			fail("io_submit of %u: %ld %s", count, n, strerror(errno));
		for (long i = 0; i < n; i++)
			request_accepted((struct request *)list[i]);
		control->accepted += n;
		control->attempt[w->id] = 0;
		w->inflight_count += n;
		control->inflight[w->id] = w->inflight_count;
		list += n;
		count -= n;
	}
}

static void worker_fill(struct worker *w)
{
	struct iocb *list[BATCH];
	unsigned int count = 0;

	for (unsigned int i = 0; i < INFLIGHT && count < BATCH; i++)
		if (!w->requests[i].busy && request_prepare(w, &w->requests[i]))
			list[count++] = &w->requests[i].iocb;
	worker_submit(w, list, count);
}

static void worker_reap(struct worker *w, unsigned int min)
{
	struct timespec timeout = {.tv_sec = 600};
	struct io_event events[INFLIGHT];
	long n = syscall(SYS_io_getevents, w->ctx, (long)min, (long)INFLIGHT, events, &timeout);

	if (n < (long)min || n > (long)w->inflight_count)
		fail("io_getevents(%u of %u): %ld %s", min, w->inflight_count, n, strerror(errno));
	w->inflight_count -= n;
	for (long i = 0; i < n; i++) {
		struct request *r = (struct request *)(uintptr_t)events[i].obj;

		if (r < w->requests || r >= w->requests + INFLIGHT ||
		    events[i].obj != (uintptr_t)&r->iocb)
			fail("an event for an unknown iocb %llx", events[i].obj);
		request_finish(r, &events[i]);
	}
	control->inflight[w->id] = w->inflight_count;
}

/* Settle what a killed predecessor left. Runs after exec: nothing of the dead may be on its way any
 * more. */
static void worker_recover(struct worker *w)
{
	void *memory;

	if (posix_memalign(&memory, 4096, BLOCK_BYTES))
		fail("no memory");
	for (unsigned int i = 0; i < BLOCKS; i++) {
		struct entry *e = &control->entries[i];
		struct block *b = memory;
		uint64_t must, may;

		if (e->latch != w->id + 1)
			continue;
		entry_promise(e, &must, &may);
		read_block(b, i);
		block_check(b, i, must, may, "recovery");
		if (e->state == ACCEPTED)
			control->settled_new++;
		else if (e->state == INTENT)
			control->settled_old++;
		e->version = b->version;
		e->state = IDLE;
		e->latch = 0;
	}
	for (unsigned int i = 0; i < BUFFERS; i++)
		if (control->buffer_owner[i] == w->id + 1)
			control->buffer_owner[i] = 0;
	free(memory);
}

static void __attribute__((noreturn)) worker_run(unsigned int id, unsigned int life)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		fail("no memory");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	w->id = id;
	w->random = mix(id * 1000 + life + 7);
	if (life)
		worker_recover(w);
	if (syscall(SYS_io_setup, CONTEXT, &w->ctx))
		fail("io_setup(%d): %s", CONTEXT, strerror(errno));
	while (!control->stop) {
		worker_fill(w);
		if (id == VICTIM && control->die) {
			control->die = 0;
			raise(SIGKILL); /* with a whole batch just accepted */
		}
		if (w->inflight_count)
			worker_reap(w, 1 + worker_random(w, w->inflight_count) / 2);
	}
	while (w->inflight_count)
		worker_reap(w, w->inflight_count);
	if (syscall(SYS_io_destroy, w->ctx))
		fail("io_destroy: %s", strerror(errno));
	_exit(0);
}

#endif
