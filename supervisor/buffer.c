/* SPDX-License-Identifier: MIT */
/*
 * Theory. Blocks are powers of two. Small ones are cut from slabs: aligned pieces of memory whose
 * first block holds the slab's own data, so that a block's address tells its slab. Slabs without a
 * block in use are kept up to a number, then unmapped. Large blocks are mapped one by one, and
 * unmapped when what is kept of them would go over the limit. A free block's first bytes link the
 * list that it is on.
 */
#include "buffer.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "list.h"
#include "util.h"

#define CLASS_COUNT 24			/* 4 KiB << 23 = 32 GiB */
#define SLAB_BYTES ((size_t)1 << 20)
#define SLAB_CLASS_MAX 4		/* up to 64 KiB from slabs */
#define IDLE_SLABS 16

struct block {
	struct block *next;
};

struct slab {
	struct list node;		/* buffers->slabs[class] while a block is free */
	struct block *free;
	unsigned class, used;
};

struct buffers {
	uint64_t limit_bytes;
	uint64_t used_bytes;
	uint64_t kept_bytes;		/* large blocks on free lists */
	unsigned idle_slabs;
	struct list slabs[SLAB_CLASS_MAX + 1];
	struct block *free[CLASS_COUNT];	/* large ones */
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

	if (!b)
		return NULL;
	b->limit_bytes = limit_bytes;
	for (unsigned class = 0; class <= SLAB_CLASS_MAX; class++)
		list_init(&b->slabs[class]);
	return b;
}

static void push(struct block **list, void *block)
{
	struct block *free_block = block;

	free_block->next = *list;
	*list = free_block;
}

static void *pop(struct block **list)
{
	struct block *block = *list;

	if (block)
		*list = block->next;
	return block;
}

static void trim(struct buffers *b, uint64_t keep_bytes)
{
	for (unsigned class = SLAB_CLASS_MAX + 1; class < CLASS_COUNT; class++) {
		while (b->kept_bytes > keep_bytes && b->free[class]) {
			munmap(pop(&b->free[class]), class_bytes(class));
			b->kept_bytes -= class_bytes(class);
		}
	}
}

void buffers_destroy(struct buffers *b)
{
	if (!b)
		return;
	trim(b, 0);
	for (unsigned class = 0; class <= SLAB_CLASS_MAX; class++) {
		for (struct list *node; (node = list_pop(&b->slabs[class]));)
			munmap(list_entry(node, struct slab, node), SLAB_BYTES);
	}
	free(b);
}

/* Aligned to its size. */
static struct slab *slab_map(void)
{
	char *twice = map_memory(2 * SLAB_BYTES);
	size_t before = twice ? -(uintptr_t)twice % SLAB_BYTES : 0;

	if (!twice)
		return NULL;
	if (before)
		munmap(twice, before);
	munmap(twice + before + SLAB_BYTES, SLAB_BYTES - before);
	return (struct slab *)(void *)(twice + before);
}

static struct slab *slab_of(void *block)
{
	return (struct slab *)((uintptr_t)block & ~(uintptr_t)(SLAB_BYTES - 1));
}

static struct slab *slab_add(struct buffers *b, unsigned class)
{
	struct slab *s = slab_map();

	if (!s)
		return NULL;
	*s = (struct slab){ .class = class };
	for (size_t at = SLAB_BYTES; at > class_bytes(class); at -= class_bytes(class))
		push(&s->free, (char *)s + at - class_bytes(class));
	list_add(&b->slabs[class], &s->node);
	b->idle_slabs++;
	return s;
}

static void *get_large(struct buffers *b, unsigned class)
{
	void *block = pop(&b->free[class]);

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
	struct slab *s = list_first(&b->slabs[class], struct slab, node);
	void *block;

	if (!s)
		s = slab_add(b, class);
	if (!s)
		return NULL;
	b->idle_slabs -= s->used++ == 0;
	block = pop(&s->free);
	if (!s->free)
		list_del(&s->node);
	return block;
}

/* The slab goes to the front: its blocks are the warm ones. */
static void put_small(struct buffers *b, void *block)
{
	struct slab *s = slab_of(block);

	push(&s->free, block);
	list_del(&s->node);
	list_add(&b->slabs[s->class], &s->node);
	if (--s->used)
		return;
	if (b->idle_slabs < IDLE_SLABS) {
		b->idle_slabs++;
		return;
	}
	list_del(&s->node);
	munmap(s, SLAB_BYTES);
}

static void put_large(struct buffers *b, void *block, unsigned class)
{
	push(&b->free[class], block);
	b->kept_bytes += class_bytes(class);
	if (b->used_bytes + b->kept_bytes > b->limit_bytes)
		trim(b, b->limit_bytes > b->used_bytes ? b->limit_bytes - b->used_bytes : 0);
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
	if (class <= SLAB_CLASS_MAX)
		put_small(b, block);
	else
		put_large(b, block, class);
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
