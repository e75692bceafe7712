/* SPDX-License-Identifier: MIT */
/*
 * What stands around the dispatch in its tests: a trap that is fed and records answers, a ptrace that "maps"
 * rings, an engine that answers by script. The archive's notify.o and remote.o are not linked: every function of
 * theirs is defined here.
 */
#ifndef DISPATCH_FAKES_H
#define DISPATCH_FAKES_H

#include "dispatch.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "complete.h"
#include "notify.h"
#include "remote.h"
#include "unit.h"

enum { THREADS = 4, KIDS = 2, CALLS = 64, IOS = 256, RINGS = 8, DATA_BYTES = 2 << 20 };

/* At the same address in the test and in the program. */
struct area {
	volatile pid_t tid[KIDS][THREADS];
	volatile pid_t vfork_tid;
	uint32_t header[RINGS];		/* what stands at a handle: the ring's id */
	uint64_t ctxp;
	uint64_t list[IOS];
	struct iocb cb[IOS];
	struct ring_event events[IOS];
	struct timespec timeout;
	struct iovec vec[8];
	char data[DATA_BYTES] __attribute__((aligned(4096)));
	char hole[4096] __attribute__((aligned(4096)));	/* not mapped in the program */
};

struct answer {
	unsigned count;
	bool continued;
	int64_t value;
	unsigned tail;			/* of ring 0 when it was given */
};

static struct area *area;
static struct dispatch d;

/* --- the trap --- */

static struct notice queue[CALLS];
static unsigned queued, received;
static struct answer answers[CALLS];	/* by cookie */
static bool gone[CALLS];		/* the caller was killed */
static int trap_fd = -1;
static uint32_t *rings[RINGS];		/* as the program sees them */
static unsigned ring_count_made;
static void (*on_answer)(uint64_t cookie);

struct notify *notify_open(int listener_fd)
{
	return NULL;
}

void notify_close(struct notify *n)
{
}

int notify_fd(const struct notify *n)
{
	return trap_fd;
}

int notify_waits(const struct notify *n)
{
	return received < queued;
}

int notify_receive(struct notify *n, struct notice *out)
{
	uint64_t count;

	ck_assert_uint_lt(received, queued);
	*out = queue[received++];
	if (received == queued)
		ck_assert_int_eq(read(trap_fd, &count, sizeof(count)), sizeof(count));
	return gone[out->cookie] ? -ENOENT : 1;
}

static int note_answer(uint64_t cookie, int64_t value, bool continued)
{
	struct answer *a = &answers[cookie];

	ck_assert_msg(a->count == 0, "call %u is answered twice", (unsigned)cookie);
	*a = (struct answer){ a->count + 1, continued, value, rings[0] ? rings[0][3] : 0 };
	if (on_answer)
		on_answer(cookie);
	return gone[cookie] ? -ENOENT : 0;
}

int notify_reply(struct notify *n, uint64_t cookie, int64_t value)
{
	return note_answer(cookie, value, false);
}

int notify_continue(struct notify *n, uint64_t cookie)
{
	return note_answer(cookie, 0, true);
}

bool notify_valid(struct notify *n, uint64_t cookie)
{
	return !gone[cookie] && !answers[cookie].count;
}

void notify_together(struct notify *n, bool together)
{
}

int notify_addfd(struct notify *n, uint64_t cookie, int fd)
{
	rings[ring_count_made] = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(rings[ring_count_made], MAP_FAILED);
	return 1000;
}

int notify_give_fd(struct notify *n, uint64_t cookie, int fd)
{
	return notify_reply(n, cookie, fd);
}

/* --- ptrace --- */

static int64_t remote_value;		/* what the call returned in the end */
static unsigned remote_unmaps;

int remote_seize(struct remote *r, pid_t tid, uint64_t ip)
{
	return 0;
}

int remote_interrupt(struct remote *r)
{
	return 0;
}

static unsigned remote_late;		/* how often the thread is not there yet */

int remote_stop(struct remote *r)
{
	r->late = remote_late > 0;
	remote_late -= r->late;
	return r->late ? -EAGAIN : 0;
}

int64_t remote_syscall(struct remote *r, long nr, const uint64_t args[6])
{
	if (nr == SYS_munmap)
		remote_unmaps++;
	if (nr != SYS_mmap)
		return 0;
	area->header[ring_count_made] = rings[ring_count_made][0];
	return (int64_t)(uintptr_t)&area->header[ring_count_made++];
}

void remote_result(struct remote *r, int64_t value)
{
	remote_value = value;
}

void remote_repeat(struct remote *r, long nr)
{
}

void remote_restartable(struct remote *r, long nr)
{
}

int remote_sigsuspend(struct remote *r, uint64_t mask_at)
{
	return 0;
}

void remote_release(struct remote *r)
{
}

/* --- the engine --- */

static const char *script = "";		/* one letter for each io offered; after the last: Q */
static struct io *held[IOS];		/* by order of arrival; NULL: given back */
static char taken[IOS + 1];		/* a character for each io that was not answered with BUSY: '0' + offset / 4096 */
static unsigned held_count, taken_count;
static struct list given_back = { &given_back, &given_back };
static bool cancels_late;		/* what is cancelled has a result already, which is on its way */

static inline void fill(const struct io *io, size_t bytes)
{
	for (unsigned i = 0; i < io->iov_count && io->op == IO_READ; i++) {
		memset(io->iov[i].iov_base, 'a' + (int)(io->offset / 4096 % 26),
		       (size_t)min_u64(io->iov[i].iov_len, bytes));
		bytes -= min_u64(io->iov[i].iov_len, bytes);
	}
}

/* D done in full, R refused, Q queued, B busy, b busy until there is another script. */
static inline enum engine_answer scripted_submit(struct engine *e, struct io *io)
{
	const char what = *script ? *script : 'Q';

	script += *script && what != 'b';
	if (what == 'B' || what == 'b')
		return ENGINE_BUSY;
	ck_assert_uint_lt(taken_count, IOS);
	taken[taken_count++] = (char)('0' + io->offset / 4096 % 64);
	if (what == 'Q') {
		held[held_count++] = io;
		return ENGINE_QUEUED;
	}
	io->refused = what == 'R';
	io->result = what == 'R' ? -EINVAL : (int64_t)io->length_bytes;
	fill(io, io->length_bytes);
	return ENGINE_DONE;
}

static inline void give_back(unsigned i, int64_t result)
{
	ck_assert_ptr_nonnull(held[i]);
	held[i]->result = result;
	if (result > 0)
		fill(held[i], (size_t)result);
	list_add_tail(&given_back, &held[i]->node);
	held[i] = NULL;
}

static inline int scripted_cancel(struct engine *e, struct io *io)
{
	for (unsigned i = 0; i < held_count; i++) {
		if (held[i] != io)
			continue;
		if (io->file->class != FILE_PEER && io->op != IO_POLL)
			return -ENOENT;
		if (!cancels_late)
			give_back(i, io->op == IO_POLL ? 0 : -ECANCELED);
		return 0;
	}
	return -ENOENT;
}

static inline void scripted_close(struct engine *e)
{
}

/* All that is held comes back done, when it is looked for the n-th time; 0: it does not. */
static unsigned done_at_look;

static inline void scripted_harvest(struct engine *e, struct list *ios)
{
	if (!done_at_look || --done_at_look)
		return;
	for (unsigned i = 0; i < held_count; i++)
		if (held[i])
			give_back(i, (int64_t)held[i]->length_bytes);
	list_splice_tail(ios, &given_back);
}

static const struct engine_ops scripted_ops = {
	.name = "scripted",
	.submit = scripted_submit,
	.harvest = scripted_harvest,
	.cancel = scripted_cancel,
	.close = scripted_close,
};

static struct engine scripted = { .ops = &scripted_ops };

/* What was given back comes to dispatch as one list. */
static inline void deliver(void)
{
	struct list ios;

	list_init(&ios);
	list_splice_tail(&ios, &given_back);
	complete(&d, &ios);
}

static inline void done(unsigned i, int64_t result)
{
	give_back(i, result);
	deliver();
}

#endif
