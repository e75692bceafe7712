/* SPDX-License-Identifier: MIT */
/*
 * Memory with all that can be wrong with it. It lies low, away from where the kernel puts new
 * mappings, so that nothing else appears in its holes.
 *
 *	pages 0..15	buffers; then a hole: "edge" is where it begins
 *	17, 18		buffers; 19, 20 read-only ("roedge" is where they begin); hole
 *	22		write-only; hole
 *	24..		AREAS of four pages: read-write, hole, read-only, hole
 */
#include "world.h"

#define ARENA ((char *)0x20000000ul)
#define MOVED ((char *)0x30000000ul)
#define POOL ((struct iocb *)0x28000000ul)
#define POOL_IOCBS 16384
#define RW_PAGES 16
#define RO_PAGE 19
#define WO_PAGE 22
#define FIRST_AREA 24
#define PAGES (FIRST_AREA + 4 * AREAS)

static int prots[PAGES];	/* -1: not mapped */

static void *map(char *at, size_t bytes, int prot)
{
	void *p = mmap(at, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	need(p != MAP_FAILED);
	return p;
}

static void protect(unsigned page, unsigned n, int prot)
{
	need(!mprotect(ARENA + page * PAGE, n * PAGE, prot));
	for (unsigned i = 0; i < n; i++)
		prots[page + i] = prot;
}

static void fill(unsigned page, unsigned n)
{
	uint32_t *word = (uint32_t *)(ARENA + page * PAGE);

	for (unsigned i = 0; i < n * PAGE / sizeof(*word); i++)
		word[i] = (page * PAGE + i * 4) * 2654435761u;
}

void arena_create(void)
{
	map(ARENA, PAGES * PAGE, PROT_READ | PROT_WRITE);
	map((char *)POOL, POOL_IOCBS * sizeof(struct iocb), PROT_READ | PROT_WRITE);
	for (unsigned i = 0; i < PAGES; i++)
		prots[i] = PROT_READ | PROT_WRITE;
	fill(0, FIRST_AREA);
	protect(RW_PAGES, 1, PROT_NONE);
	protect(RO_PAGE, 2, PROT_READ);
	protect(RO_PAGE + 2, 1, PROT_NONE);
	protect(WO_PAGE, 1, PROT_WRITE);
	protect(WO_PAGE + 1, 1, PROT_NONE);
	for (unsigned a = 0; a < AREAS; a++) {
		protect(FIRST_AREA + 4 * a + 1, 1, PROT_NONE);
		protect(FIRST_AREA + 4 * a + 2, 1, PROT_READ);
		protect(FIRST_AREA + 4 * a + 3, 1, PROT_NONE);
	}
}

uint64_t arena_place(int64_t buf)
{
	const uint64_t off = (uint64_t)BUF_OFF(buf);

	switch ((enum base)BUF_BASE(buf)) {
	case B_RW:
		return (uint64_t)ARENA + off;
	case B_EDGE:
	case B_HOLE:
		return (uint64_t)ARENA + RW_PAGES * PAGE + off;
	case B_RO:
	case B_ROEDGE:
		return (uint64_t)ARENA + RO_PAGE * PAGE + off;
	case B_WO:
		return (uint64_t)ARENA + WO_PAGE * PAGE + off;
	case B_KERNEL:
		return KERNEL_ADDRESS + off;
	case B_TOP:
		return 0x7ffffffff000ull + off;
	case B_NULL:
	case BASES:
		break;
	}
	return off;
}

static uint64_t put_readonly(char *page, const void *data, size_t bytes)
{
	need(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	memcpy(page, data, bytes);
	need(!mprotect(page, PAGE, PROT_READ));
	return (uint64_t)page;
}

uint64_t arena_put(enum area area, int at, const void *data, size_t bytes, size_t good)
{
	char *base = ARENA + (FIRST_AREA + 4 * area) * PAGE;

	switch (at) {
	case AT_NULL:
		return 0;
	case AT_KERNEL:
		return KERNEL_ADDRESS;
	case AT_HOLE:
		return (uint64_t)base + PAGE;
	case AT_RO:
		return put_readonly(base + 2 * PAGE, data, bytes < PAGE ? bytes : PAGE);
	case AT_EDGE:
		good = good < PAGE ? good : PAGE;
		memcpy(base + PAGE - good, data, good < bytes ? good : bytes);
		return (uint64_t)base + PAGE - good;
	}
	bytes = bytes < PAGE ? bytes : PAGE;
	memcpy(base, data, bytes);
	return (uint64_t)base;
}

struct iocb *arena_iocbs(struct world *w, unsigned n)
{
	if (w->pool_used + n > POOL_IOCBS)
		w->pool_used = 0;
	w->pool_used += n;
	return POOL + w->pool_used - n;
}

bool arena_protect(unsigned page, int what)
{
	static const int wanted[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };

	if (page >= RW_PAGES)
		return false;
	if (what == MEM_UNMAP) {
		need(!munmap(ARENA + page * PAGE, PAGE));
		prots[page] = -1;
		return true;
	}
	if (what > MEM_NOACCESS)
		return false;
	if (prots[page] < 0) {
		map(ARENA + page * PAGE, PAGE, PROT_READ | PROT_WRITE);
		fill(page, 1);
	}
	protect(page, 1, wanted[what]);
	return true;
}

uint64_t arena_hash(void)
{
	uint64_t h = 1;

	for (unsigned i = 0; i < FIRST_AREA; i++) {
		if (prots[i] > 0)
			h = hash(ARENA + i * PAGE, PAGE, h);
	}
	return h;
}

/* A place for a ring to be moved to, far from everything. */
void *arena_moved_ring(unsigned n)
{
	return MOVED + (size_t)n * 0x100000;
}
