/* SPDX-License-Identifier: MIT */
/*
 * Theory. Read data of finished requests go out in list order, by one process_vm_writev for
 * neighbours of one address space. A copy that ends early tells nothing about whose fault it was,
 * so each is then done again for itself, which is harmless; one that still ends early gives the
 * count that the kernel would give: bytes until the fault, or -EFAULT.
 */
#include "copy_out.h"

#include <errno.h>

#include "context.h"
#include "log.h"
#include "task.h"

#define COPY_SEGMENTS 256
#define PROBE_SEGMENTS 64
#define SECTOR_BYTES 512
#define PROBE_BYTES_MAX (4u << 20)	/* 0.05 to 0.2 us for each page */

struct copy_batch {
	struct list requests;		/* struct request.io.node, all of one address space */
	struct mm *mm;
	pid_t tid;
	unsigned local_count;
	unsigned remote_count;
	size_t bytes;
	struct iovec local[COPY_SEGMENTS];
	struct uvec remote[COPY_SEGMENTS];
};

/* Bytes of this piece's result that go to the user. */
static size_t read_bytes(const struct request *r)
{
	if (r->io.op != IO_READ || r->dropped || r->by_caller || r->ctx->mm->dead)
		return 0;
	if (request_tail_cleared(r))
		return r->io.length_bytes;
	return r->io.result > 0 ? max_u64(r->kept_bytes, (uint64_t)r->io.result) : r->kept_bytes;
}

static unsigned clip_local(const struct request *r, size_t bytes, struct iovec *out)
{
	unsigned n = 0;

	for (; n < r->local_count && bytes; n++) {
		out[n] = r->local[n];
		out[n].iov_len = min_u64(out[n].iov_len, bytes);
		bytes -= out[n].iov_len;
	}
	return n;
}

static unsigned clip_remote(const struct request *r, size_t bytes, struct uvec *out)
{
	unsigned n = 0;

	for (; n < r->remote_count && bytes; n++) {
		out[n] = r->remote[n];
		out[n].length_bytes = min_u64(out[n].length_bytes, bytes);
		bytes -= out[n].length_bytes;
	}
	return n;
}

struct probe {
	unsigned count;
	struct uvec at[PROBE_SEGMENTS];
	uint64_t before[PROBE_SEGMENTS];	/* bytes of the request that lie before it */
};

/* True: all is there; else *reach is where it ends. */
static bool probe_all(pid_t tid, struct probe *p, uint64_t *reach)
{
	char bytes[PROBE_SEGMENTS];
	const struct iovec to = { bytes, sizeof(bytes) };
	const unsigned n = p->count;
	ssize_t got;

	p->count = 0;
	if (!n)
		return true;
	got = tracee_readv(tid, p->at, n, &to, 1);
	if (got == (ssize_t)n)
		return true;
	*reach = p->before[got > 0 ? got : 0];
	return false;
}

/*
 * How far the user's memory reaches: a byte of each page, 0.5 us for one page or two. Large
 * requests are not looked at to their end.
 */
static uint64_t reach_bytes(const struct request *r)
{
	struct probe probe = { .count = 0 };
	uint64_t reach, before = 0;

	for (unsigned i = 0; i < r->user_count && before < r->total_bytes; i++) {
		const uaddr base = r->user[i].base, end = base + r->user[i].length_bytes;

		for (uaddr p = base; p < end && before + (p - base) < PROBE_BYTES_MAX;
		     p = (p | (PAGE_BYTES - 1)) + 1) {
			probe.at[probe.count] = (struct uvec){ p, 1 };
			probe.before[probe.count++] = before + (p - base);
			if (probe.count == PROBE_SEGMENTS && !probe_all(r->tid, &probe, &reach))
				return reach;
		}
		before += end - base;
	}
	return probe_all(r->tid, &probe, &reach) ? r->total_bytes : reach;
}

uint64_t copy_out_reach(struct request *r)
{
	const uint64_t reach = r->was_mapped ? r->total_bytes : reach_bytes(r);

	r->was_mapped = r->total_bytes <= PROBE_BYTES_MAX && reach >= r->total_bytes;
	return reach;
}

int64_t copy_out_writable(struct request *r, uint64_t reach)
{
	uint64_t before = 0, bytes;
	int64_t there;

	for (unsigned i = 0; i < r->user_count && before < reach; i++) {
		bytes = min_u64(r->user[i].length_bytes, reach - before);
		there = mm_writable_bytes(r->ctx->mm, r->tid, r->user[i].base, bytes);
		if (there < 0)
			return there;
		before += (uint64_t)there;
		if ((uint64_t)there < bytes)
			return (int64_t)before;
	}
	return (int64_t)reach;
}

/* A failed read may have written a part: what is there before is copied back with it. */
static void keep_old_data(struct request *r, uint64_t bytes)
{
	struct iovec local[REQUEST_SEGMENTS_MAX];
	struct uvec remote[REQUEST_SEGMENTS_MAX];

	if (!bytes || tracee_readv(r->tid, remote, clip_remote(r, bytes, remote), local,
				   clip_local(r, bytes, local)) != (ssize_t)bytes)
		return;
	r->kept_bytes = bytes;
}

/*
 * iomap_dio_bio_iter() of fs/iomap/direct-io.c, 6.18, judges the length of each extent in turn: a
 * read that ends within a sector behind the last one has been done to there when it says EINVAL.
 */
void copy_out_keep_torn(struct request *r)
{
	if (r->all_or_none && r->io.length_bytes % SECTOR_BYTES)
		keep_old_data(r, r->io.length_bytes);
}

void copy_out_prepare(struct request *r, uint64_t reach)
{
	keep_old_data(r, reach);
	request_reaches(r, reach);
}

/* The kernel has pinned the pages, and does not notice. Read-only memory always was that. */
static bool unmapped_since(const struct request *r, size_t copied)
{
	char byte;
	const struct iovec to = { &byte, 1 };

	for (unsigned i = 0; r->was_mapped && i < r->remote_count; i++) {
		const struct uvec at = { r->remote[i].base + copied, 1 };

		if (copied < r->remote[i].length_bytes)
			return mm_readv(r->ctx->mm, r->tid, &at, 1, &to, 1) != 1;
		copied -= r->remote[i].length_bytes;
	}
	return false;
}

static void copy_failed(struct request *r, ssize_t copied)
{
	if (copied == -ESRCH || copied == -EPERM || r->io.result <= 0)
		return;			/* nobody is left to read it, or it has failed anyway */
	if (copied >= r->io.result && !request_tail_cleared(r))
		return;			/* only old data did not go back to where they are */
	if (unmapped_since(r, copied > 0 ? (size_t)copied : 0)) {
		log_warn_once("process %d has unmapped the buffer of a read in flight: what was "
			      "read is dropped",
			      r->tgid);
		return;
	}
	r->faulted = true;
	/* what a read has taken from a peer it cannot take again */
	r->unreached = !r->io.direct &&
		       (r->file->io.class == FILE_LOCAL || r->file->io.class == FILE_FOREIGN) &&
		       tracee_hides_from(r->tid, r->remote, r->remote_count, copied, true);
	if (copied > 0 && !r->all_or_none)
		r->io.result = copied;
	else
		r->io.result = -EFAULT;
}

static void copy_alone(struct request *r)
{
	const size_t bytes = read_bytes(r);
	struct iovec local[REQUEST_SEGMENTS_MAX];
	struct uvec remote[REQUEST_SEGMENTS_MAX];
	ssize_t copied;

	if (!bytes)
		return;
	copied = mm_writev(r->ctx->mm, r->tid, remote, clip_remote(r, bytes, remote),
			   local, clip_local(r, bytes, local));
	if (copied != (ssize_t)bytes)
		copy_failed(r, copied);
}

/* One system call for all; a fault somewhere: each again for itself, which is harmless. */
static void copy_flush(struct copy_batch *b)
{
	ssize_t copied;

	if (!b->bytes)
		return;
	copied = mm_writev(b->mm, b->tid, b->remote, b->remote_count, b->local, b->local_count);
	if (copied != (ssize_t)b->bytes) {
		list_for_each(node, tmp, &b->requests)
			copy_alone(request_of(node));
	}
	b->bytes = 0;
	b->local_count = 0;
	b->remote_count = 0;
}

/* What is cleared behind this piece, to the end of the request; false: not all can be written. */
static bool clear_rest(struct request *r)
{
	static const char zeros[16 * PAGE_BYTES];
	uint64_t at = r->moved_bytes + r->io.length_bytes, before = 0;

	for (unsigned i = 0; i < r->user_count; i++) {
		const uint64_t end = min_u64(before + r->user[i].length_bytes, r->total_bytes);

		while (at < end) {
			const uint64_t n = min_u64(end - at, sizeof(zeros));
			const struct uvec to = { r->user[i].base + (at - before), n };
			const struct iovec from = { (void *)(uintptr_t)zeros, n };

			if (mm_writev(r->ctx->mm, r->tid, &to, 1, &from, 1) != (ssize_t)n)
				return false;
			at += n;
		}
		before += r->user[i].length_bytes;
	}
	return true;
}

static bool copy_fits(const struct copy_batch *b, const struct request *r)
{
	return b->bytes == 0 ||
	       (b->mm == r->ctx->mm && b->local_count + r->local_count <= COPY_SEGMENTS &&
		b->remote_count + r->remote_count <= COPY_SEGMENTS);
}

void copy_out(struct list *ios)
{
	struct copy_batch b;		/* large: only what counts is initialised */
	struct list done;

	b.bytes = 0;
	b.local_count = 0;
	b.remote_count = 0;
	list_init(&b.requests);
	list_init(&done);
	for (struct list *node; (node = list_pop(ios));) {
		struct request *r = request_of(node);
		size_t bytes = read_bytes(r);

		if (bytes && request_tail_cleared(r) && !clear_rest(r)) {
			r->faulted = true;
			r->io.result = -EFAULT;
			bytes = 0;
		}
		if (!copy_fits(&b, r)) {
			copy_flush(&b);
			list_splice_tail(&done, &b.requests);
		}
		list_add_tail(&b.requests, node);
		if (r->local_count > COPY_SEGMENTS || r->remote_count > COPY_SEGMENTS) {
			copy_alone(r);
			continue;
		}
		if (!bytes)
			continue;
		b.mm = r->ctx->mm;
		b.tid = r->tid;
		b.local_count += clip_local(r, bytes, &b.local[b.local_count]);
		b.remote_count += clip_remote(r, bytes, &b.remote[b.remote_count]);
		b.bytes += bytes;
	}
	copy_flush(&b);
	list_splice_tail(&done, &b.requests);
	list_splice_tail(ios, &done);
}
