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

#include "channel_abi.h"
#include "raw.h"

#define EBUSY_ 16
#define TRY_THE_TRAP (-4096l)	/* no result of any call */

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

struct own_page {		/* all zero in a forked child */
	struct channel_page *channel;	/* NULL: not said hello */
};

static struct own_page *own_page;	/* never freed */
static int refused;			/* nobody is there; a forked child need not ask again */

static int is_error(long result)
{
	return (unsigned long)result > -4096ul;
}

static void signals_block(uint64_t *old)
{
	const uint64_t all = ~0ull;

	(void)raw4(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&all, (long)old, sizeof(all));
}

static void signals_restore(const uint64_t *old)
{
	(void)raw4(SYS_rt_sigprocmask, 2, (long)old, 0, sizeof(*old));
}

static void *map(long bytes, int flags, long fd)
{
	const long at = raw6(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	return is_error(at) ? NULL : (void *)at;
}

static void *map_shared(long bytes, long fd)
{
	void *at = map(bytes, MAP_SHARED, fd);

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

/* --- hello --- */

static struct own_page *own_page_make(void)
{
	struct own_page *page = __atomic_load_n(&own_page, __ATOMIC_ACQUIRE), *none = NULL;

	if (page)
		return page;
	page = map(sizeof(*page), MAP_PRIVATE | MAP_ANONYMOUS, -1);
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
static struct channel_page *hello(void)
{
	const long fd = raw3(SYS_io_cancel, (long)CHANNEL_HELLO_CTX, (long)CHANNEL_HELLO_IOCB,
			     CHANNEL_VERSION);
	struct channel_page *channel;
	struct own_page *page;

	if (is_error(fd)) {
		if (fd != -EBUSY_)
			refused = 1;
		return NULL;
	}
	page = own_page_make();
	channel = page ? map_shared(CHANNEL_BYTES, fd) : NULL;
	(void)raw3(SYS_close, fd, 0, 0);
	if (channel)
		__atomic_store_n(&page->channel, channel, __ATOMIC_RELEASE);
	return channel;
}

static struct channel_page *channel_find(void)
{
	struct own_page *page = __atomic_load_n(&own_page, __ATOMIC_ACQUIRE);

	return page ? __atomic_load_n(&page->channel, __ATOMIC_ACQUIRE) : NULL;
}

/* --- io_setup, io_destroy --- */

static long setup_here(long nr, long ctxp)
{
	const long fd = raw4(SYS_io_setup, nr, ctxp, (long)CHANNEL_MAGIC, CHANNEL_STEP_RING);
	void *ring = NULL;
	long bytes, result;

	if (is_error(fd))
		return TRY_THE_TRAP;
	bytes = raw3(SYS_lseek, fd, 0, SEEK_END);
	if (!is_error(bytes))
		ring = map_shared(bytes, fd);
	(void)raw3(SYS_close, fd, 0, 0);
	result = raw6(SYS_io_setup, nr, ctxp, (long)CHANNEL_MAGIC, CHANNEL_STEP_ENTER, (long)ring,
		      0);
	if (result)
		unmap(ring, bytes);
	return result;
}

long aio_setup(long nr, long ctxp, long c, long d, long e, long f)
{
	long result = TRY_THE_TRAP;
	uint64_t mask;

	if (!refused) {
		signals_block(&mask);
		if (channel_find() || hello())
			result = setup_here(nr, ctxp);
		signals_restore(&mask);
	}
	return result == TRY_THE_TRAP ? raw6(SYS_io_setup, nr, ctxp, c, d, e, f) : result;
}

long aio_destroy(long ctx, long b, long c, long d, long e, long f)
{
	uint64_t mask, bytes = 0;
	long result;

	if (!channel_find())
		return raw6(SYS_io_destroy, ctx, b, c, d, e, f);
	signals_block(&mask);
	result = raw3(SYS_io_destroy, ctx, (long)CHANNEL_MAGIC, (long)&bytes);
	if (bytes)
		unmap((void *)ctx, (long)bytes);
	signals_restore(&mask);
	return result;
}

long aio_getevents(long nr, const long args[6])
{
	return raw6(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
}
