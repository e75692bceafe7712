/* SPDX-License-Identifier: MIT */
/*
 * The calls that the shim makes in its own way. Theory: the trap needs ptrace for io_setup, since
 * only the program itself can map a ring; here is somebody in the program who can. At its first
 * io_setup a process says hello; who answers with a descriptor is a supervisor, and everybody else
 * refuses, which is remembered. What the supervisor gave is noted in a page that a forked child
 * finds wiped by the kernel (MADV_WIPEONFORK), whatever way it was forked: it says hello for
 * itself. A vfork or CLONE_VM child shares the page as it shares the contexts.
 *
 * All signals are blocked meanwhile, as io_setup and io_destroy are no calls that a handler could
 * interrupt. A descriptor is there for the moment of the mapping; another thread's fork in that
 * moment inherits it, as it does when the supervisor maps by ptrace.
 */
#include "calls.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "own.h"
#include "raw.h"

#define EBUSY_ 16
#define TRY_THE_TRAP (-4096l)	/* no result of any call */

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

static struct own_page *own_page;	/* never freed */
static int refused;			/* nobody is there; a forked child need not ask again */

static void *map(long hint, long bytes, int flags, long fd)
{
	const long at = raw6(SYS_mmap, hint, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	return is_error(at) ? NULL : (void *)at;
}

static void *map_shared(long hint, long bytes, long fd)
{
	void *at = map(hint, bytes, MAP_SHARED, fd);

	if (at) {
		(void)raw3(SYS_madvise, (long)at, bytes, MADV_DONTFORK);
		(void)raw3(SYS_madvise, (long)at, bytes, MADV_DONTDUMP);
	}
	return at;
}

static void unmap(void *at, long bytes)
{
	if (at)
		(void)raw3(SYS_munmap, (long)at, bytes, 0);
}

/*
 * Where our own mappings are wanted, n bytes behind the first: where neither kernels nor sanitizers
 * put anything, so that the program's mappings stand where they would stand without us. The place
 * is as random as our own.
 */
static long hint(uint64_t n)
{
	return (long)(0x3a1000000000ull + ((uintptr_t)&own_page & 0x3fffff000ull) + n);
}

/* --- hello --- */

static struct own_page *own_page_make(void)
{
	struct own_page *page = __atomic_load_n(&own_page, __ATOMIC_ACQUIRE), *none = NULL;

	if (page)
		return page;
	page = map(hint(0), sizeof(*page), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (!page)
		return NULL;
	if (is_error(raw3(SYS_madvise, (long)page, sizeof(*page), MADV_WIPEONFORK))) {
		unmap(page, sizeof(*page));
		return NULL;
	}
	if (__atomic_compare_exchange_n(&own_page, &none, page, 0, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return page;
	unmap(page, sizeof(*page));
	return none;
}

/* The supervisor gives one channel to an address space: of two threads one gets it. */
static struct own_page *hello(void)
{
	const long fd = raw4(SYS_io_setup, CHANNEL_VERSION, (long)CHANNEL_HELLO_AT,
			     (long)CHANNEL_MAGIC, CHANNEL_STEP_HELLO);
	struct channel_page *channel;
	struct own_page *page;

	if (is_error(fd)) {
		if (fd != -EBUSY_)
			refused = 1;
		return NULL;
	}
	page = own_page_make();
	channel = page ? map_shared(hint(OWN_BYTES), CHANNEL_BYTES, fd) : NULL;
	(void)raw3(SYS_close, fd, 0, 0);
	if (!channel)
		return NULL;
	__atomic_store_n(&page->channel, channel, __ATOMIC_RELEASE);
	return page;
}

static int is_restricted(void)
{
	struct own_page *page = __atomic_load_n(&own_page, __ATOMIC_ACQUIRE);

	return page && __atomic_load_n(&page->restricted, __ATOMIC_ACQUIRE);
}

struct own_page *own_page_find(void)
{
	struct own_page *page = __atomic_load_n(&own_page, __ATOMIC_ACQUIRE);

	if (!page || !__atomic_load_n(&page->channel, __ATOMIC_ACQUIRE))
		return NULL;
	return is_restricted() ? NULL : page;
}

/* Without a channel there is nothing to forbid: the supervisor counts filters when it hears hello. */
void own_restrict(void)
{
	struct own_page *page = __atomic_load_n(&own_page, __ATOMIC_ACQUIRE);

	if (page)
		__atomic_store_n(&page->restricted, 1, __ATOMIC_RELEASE);
}

/* --- second mappings --- */

/*
 * A place is given to a new context as soon as the old one is gone, while the thread that has
 * destroyed that is still here: who changes the place has number from the other to BUSY, and nobody
 * waits for him, as he may be killed. Without its second mapping a ring is reached by the trap.
 */
static int own_ring_take(struct own_ring *own, uint64_t number)
{
	return number != OWN_BUSY &&
	       __atomic_compare_exchange_n(&own->number, &number, OWN_BUSY, 0, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static void own_ring_put(struct own_ring *own, uint64_t number)
{
	__atomic_store_n(&own->number, number, __ATOMIC_SEQ_CST);
}

/* It is ours. False: somebody still uses it, or was killed while he did. */
static int own_ring_clear(struct own_ring *own)
{
	if (__atomic_load_n(&own->users, __ATOMIC_SEQ_CST))
		return 0;
	unmap(own->at, (long)own->bytes);
	own->at = NULL;
	return 1;
}

static void own_ring_end(struct own_ring *own, uint64_t number)
{
	if (!number || !own_ring_take(own, number))
		return;
	(void)own_ring_clear(own);	/* else the next one here does it */
	own_ring_put(own, 0);
}

/* Takes the mapping over. The context stands already, and nobody else has its place. */
static void own_ring_begin(struct own_page *page, long handle, void *at, long bytes)
{
	const int place = at ? channel_place(page->channel, (uint64_t)handle) : -1;
	struct own_ring *own = place < 0 ? NULL : &page->rings[place];

	if (!own || !own_ring_take(own, __atomic_load_n(&own->number, __ATOMIC_SEQ_CST))) {
		unmap(at, bytes);
		return;
	}
	if (!own_ring_clear(own)) {
		own_ring_put(own, 0);
		unmap(at, bytes);
		return;
	}
	own->at = at;
	own->bytes = (uint64_t)bytes;
	own_ring_put(own, page->channel->rings[place].number);
}

static long second_hint(struct own_page *page, long bytes)
{
	return hint(OWN_BYTES + CHANNEL_BYTES + __atomic_fetch_add(&page->hinted_bytes, (uint64_t)bytes,
							   __ATOMIC_RELAXED));
}

/* --- io_setup, io_destroy --- */

static long setup_here(struct own_page *page, long nr, long ctxp)
{
	const long fd = raw4(SYS_io_setup, nr, ctxp, (long)CHANNEL_MAGIC, CHANNEL_STEP_RING);
	void *ring = NULL, *second = NULL;
	long bytes, result;

	if (is_error(fd))
		return TRY_THE_TRAP;
	bytes = raw3(SYS_lseek, fd, 0, SEEK_END);
	if (!is_error(bytes))
		ring = map_shared(0, bytes, fd);
	if (ring && page->channel->flags & CHANNEL_REAP)
		second = map_shared(second_hint(page, bytes), bytes, fd);
	(void)raw3(SYS_close, fd, 0, 0);
	result = raw6(SYS_io_setup, nr, ctxp, (long)CHANNEL_MAGIC, CHANNEL_STEP_ENTER, (long)ring,
		      (long)second);
	if (!result) {
		own_ring_begin(page, (long)ring, second, bytes);
		return result;
	}
	unmap(ring, bytes);
	unmap(second, bytes);
	return result;
}

long aio_setup(long nr, long ctxp, long c, long d, long e, long f)
{
	long result = TRY_THE_TRAP;
	struct own_page *page;
	uint64_t mask;

	if (!refused && !is_restricted()) {
		signals_block(&mask);
		page = own_page_find();
		if (!page)
			page = hello();
		if (page)
			result = setup_here(page, nr, ctxp);
		signals_restore(&mask);
	}
	return result == TRY_THE_TRAP ? raw6(SYS_io_setup, nr, ctxp, c, d, e, f) : result;
}

static long destroy_here(struct own_page *page, long ctx)
{
	const int place = channel_place(page->channel, (uint64_t)ctx);
	const uint64_t number = place < 0 ? 0 : page->channel->rings[place].number;
	uint64_t bytes = 0;
	const long result = raw3(SYS_io_destroy, ctx, (long)CHANNEL_MAGIC, (long)&bytes);

	if (result)
		return result;
	if (place >= 0)
		own_ring_end(&page->rings[place], number);
	if (bytes)
		unmap((void *)ctx, (long)bytes);
	return result;
}

long aio_destroy(long ctx, long b, long c, long d, long e, long f)
{
	struct own_page *page;
	uint64_t mask;
	long result;

	if (!own_page_find())
		return raw6(SYS_io_destroy, ctx, b, c, d, e, f);
	signals_block(&mask);
	page = own_page_find();
	result = page ? destroy_here(page, ctx) : raw6(SYS_io_destroy, ctx, b, c, d, e, f);
	signals_restore(&mask);
	return result;
}
