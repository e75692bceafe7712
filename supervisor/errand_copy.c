/* SPDX-License-Identifier: MIT */
/*
 * Theory. process_vm_readv(2) and process_vm_writev(2) find the other's pages by themselves, but copy
 * to and from their own caller's memory as every system call does. So with both sides in the thread
 * they bring bytes from where we cannot look into a page that we can look into, and back. No
 * descriptor is needed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "errand_impl.h"
#include "task.h"

void errand_forget_copies(struct call *call)
{
	struct errand *e = call->errand;

	while (e && e->piece_count)
		free(e->piece[--e->piece_count].bytes);
}

struct errand_piece *errand_to_copy(struct errand *e)
{
	for (unsigned i = 0; i < e->piece_count; i++) {
		if (!e->piece[i].tried)
			return &e->piece[i];
	}
	return NULL;
}

static struct errand_piece *find(struct errand *e, uaddr at, size_t length_bytes, bool write)
{
	for (unsigned i = 0; i < e->piece_count; i++) {
		struct errand_piece *p = &e->piece[i];

		if (p->at == at && p->length_bytes == length_bytes && p->write == write)
			return p;
	}
	return NULL;
}

static struct errand_piece *note(struct call *call, uaddr at, size_t length_bytes, bool write)
{
	struct errand *e;
	struct errand_piece *p;
	void *bytes;

	if (!tracee_hides(call->thread->source.tid, at, write))
		return NULL;
	e = errand_of(call);
	if (!e || e->piece_count == PIECES)
		return NULL;
	bytes = malloc(length_bytes);
	if (!bytes)
		return NULL;
	p = &e->piece[e->piece_count++];
	*p = (struct errand_piece){ at, length_bytes, write, false, false, bytes };
	return p;
}

int errand_read(struct call *call, uaddr at, void *to, size_t length_bytes)
{
	const struct errand_piece *p =
		call->errand ? find(call->errand, at, length_bytes, false) : NULL;

	if (!p)
		return note(call, at, length_bytes, false) ? -EINPROGRESS : -EFAULT;
	if (p->copied)
		memcpy(to, p->bytes, length_bytes);
	return p->copied ? 0 : -EFAULT;
}

int errand_read_argument(struct call *call, uaddr at, void *to, size_t length_bytes)
{
	if (!tracee_read_all(call->thread->source.tid, at, to, length_bytes))
		return 0;
	return errand_read(call, at, to, length_bytes);
}

static bool same_bytes(const struct errand_piece *p, const struct iovec *from, unsigned count)
{
	size_t at = 0;

	for (unsigned i = 0; i < count; at += from[i++].iov_len) {
		if (memcmp((char *)p->bytes + at, from[i].iov_base, from[i].iov_len))
			return false;
	}
	return true;
}

static size_t total(const struct iovec *v, unsigned count)
{
	size_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += v[i].iov_len;
	return sum;
}

/* What was written there before counts only if it is the same: it may have been an event since gone. */
int errand_write(struct call *call, uaddr at, const struct iovec *from, unsigned count)
{
	const size_t length_bytes = total(from, count);
	struct errand_piece *p =
		call->errand ? find(call->errand, at, length_bytes, true) : NULL;

	if (p && (call->errand->in_vain || (p->tried && same_bytes(p, from, count))))
		return p->copied ? 0 : -EFAULT;
	if (p)
		p->tried = p->copied = false;
	else
		p = note(call, at, length_bytes, true);
	if (!p)
		return -EFAULT;
	for (size_t i = 0, done = 0; i < count; done += from[i++].iov_len)
		memcpy((char *)p->bytes + done, from[i].iov_base, from[i].iov_len);
	return -EINPROGRESS;
}

uint64_t errand_written(const struct call *call, uaddr at)
{
	const struct errand *e = call->errand;

	for (unsigned i = 0; e && i < e->piece_count; i++) {
		if (e->piece[i].write && e->piece[i].at == at && e->piece[i].copied)
			return e->piece[i].length_bytes;
	}
	return UINT64_MAX;
}

/*
 * When the thread is late this is gone through again: what is written into the page then is too late
 * for a copy that was made, which therefore is taken from there at once.
 */
void errand_copy_piece(struct remote *r, struct errand_piece *p)
{
	const int64_t self = errand_do(r, SYS_gettid, 0, 0, 0, 0, 0, 0);
	const int64_t page = errand_do(r, SYS_mmap, 0, 2 * sizeof(struct uvec) + p->length_bytes,
				       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				       (uint64_t)-1, 0);
	const uaddr at = (uaddr)page, data = at + 2 * sizeof(struct uvec);
	const struct uvec sides[2] = { { p->at, p->length_bytes }, { data, p->length_bytes } };
	int64_t n;

	if (page < 0 && page > -(int64_t)PAGE_BYTES)
		return;
	if (!p->copied) {
		(void)tracee_write_all(r->tid, at, sides, sizeof(sides));
		if (p->write)
			(void)tracee_write_all(r->tid, data, p->bytes, p->length_bytes);
	}
	n = errand_do(r, p->write ? SYS_process_vm_readv : SYS_process_vm_writev, (uint64_t)self,
		      at, 1, at + sizeof(struct uvec), 1, 0);
	if (n == (int64_t)p->length_bytes && !p->copied)
		p->copied = p->write || !tracee_read_all(r->tid, data, p->bytes, p->length_bytes);
	(void)errand_do(r, SYS_munmap, at, 2 * sizeof(struct uvec) + p->length_bytes, 0, 0, 0, 0);
}
