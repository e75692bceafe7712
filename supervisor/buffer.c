/* SPDX-License-Identifier: MIT */
/*
 * Theory. Free lists by size class. Small classes are cut from slabs, which are never given back;
 * large blocks are mapped one by one, and unmapped when what is kept would go over the limit. The
 * free block's first bytes link the list.
 */
#include "buffer.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "util.h"

#define CLASS_COUNT 24			/* 4 KiB << 23 = 32 GiB */
#define SLAB_BYTES ((size_t)1 << 20)
#define SLAB_CLASS_MAX 4		/* up to 64 KiB from slabs */

struct block {
	struct block *next;
};

struct slab {
	struct slab *next;
	void *map;
};

struct buffers {
	uint64_t limit_bytes;
	uint64_t used_bytes;
	uint64_t kept_bytes;		/* large blocks on free lists */
	struct block *free[CLASS_COUNT];
	struct slab *slabs;
};

static unsigned class_of(size_t size_bytes)
{
	unsigned class = 0;

	while (((size_t)PAGE_BYTES << class) < size_bytes)
		class++;
	return class;
}

static size_t class_bytes(unsigned class)
{
	return (size_t)PAGE_BYTES << class;
}

static void *map_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct buffers *buffers_create(uint64_t limit_bytes)
{
	struct buffers *b = calloc(1, sizeof(*b));

	if (b)
		b->limit_bytes = limit_bytes;
	return b;
}

static void push(struct buffers *b, unsigned class, void *block)
{
	struct block *free_block = block;

	free_block->next = b->free[class];
	b->free[class] = free_block;
}

static void *pop(struct buffers *b, unsigned class)
{
	struct block *block = b->free[class];

	if (block)
		b->free[class] = block->next;
	return block;
}

static void trim(struct buffers *b, uint64_t keep_bytes)
{
	for (unsigned class = SLAB_CLASS_MAX + 1; class < CLASS_COUNT; class++) {
		while (b->kept_bytes > keep_bytes && b->free[class]) {
			munmap(pop(b, class), class_bytes(class));
			b->kept_bytes -= class_bytes(class);
		}
	}
}

void buffers_destroy(struct buffers *b)
{
	if (!b)
		return;
	trim(b, 0);
	while (b->slabs) {
		struct slab *s = b->slabs;

		b->slabs = s->next;
		munmap(s->map, SLAB_BYTES);
		free(s);
	}
	free(b);
}

static bool slab_add(struct buffers *b, unsigned class)
{
	struct slab *s = malloc(sizeof(*s));
	char *map = s ? map_memory(SLAB_BYTES) : NULL;

	if (!map) {
		free(s);
		return false;
	}
	*s = (struct slab){ b->slabs, map };
	b->slabs = s;
	for (size_t at = SLAB_BYTES; at > 0; at -= class_bytes(class))
		push(b, class, map + at - class_bytes(class));
	return true;
}

static void *get_large(struct buffers *b, unsigned class)
{
	void *block = pop(b, class);

	if (block) {
		b->kept_bytes -= class_bytes(class);
		return block;
	}
	if (b->used_bytes + b->kept_bytes + class_bytes(class) > b->limit_bytes)
		trim(b, 0);
	return map_memory(class_bytes(class));
}

static void *get_small(struct buffers *b, unsigned class)
{
	if (!b->free[class] && !slab_add(b, class))
		return NULL;
	return pop(b, class);
}

void *buffer_get(struct buffers *b, size_t size_bytes)
{
	const unsigned class = class_of(size_bytes);
	void *block;

	if (class >= CLASS_COUNT || b->used_bytes + class_bytes(class) > b->limit_bytes)
		return NULL;
	block = class > SLAB_CLASS_MAX ? get_large(b, class) : get_small(b, class);
	if (block)
		b->used_bytes += class_bytes(class);
	return block;
}

void buffer_put(struct buffers *b, void *block, size_t size_bytes)
{
	const unsigned class = class_of(size_bytes);

	if (!block)
		return;
	b->used_bytes -= class_bytes(class);
	push(b, class, block);
	if (class <= SLAB_CLASS_MAX)
		return;
	b->kept_bytes += class_bytes(class);
	if (b->used_bytes + b->kept_bytes > b->limit_bytes)
		trim(b, b->limit_bytes > b->used_bytes ? b->limit_bytes - b->used_bytes : 0);
}

uint64_t buffers_used_bytes(const struct buffers *b)
{
	return b->used_bytes;
}

size_t buffers_largest_bytes(const struct buffers *b)
{
	size_t largest = PAGE_BYTES;

	while (largest * 2 <= b->limit_bytes / 4)
		largest *= 2;
	return largest;
}
