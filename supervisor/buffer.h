/* SPDX-License-Identifier: MIT */
/*
 * Bounce memory: page-aligned blocks in powers of two, with one limit for all (--buffer-memory). A
 * block that is put back is kept for the next request of its size, warm in the cache.
 */
#ifndef BUFFER_H
#define BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffers;

struct buffers *buffers_create(uint64_t limit_bytes);	/* NULL with errno */
void buffers_destroy(struct buffers *b);	/* everything has been put back; accepts NULL */

/*
 * NULL: the limit is reached (something is in use and will come back), or the host has no memory.
 */
void *buffer_get(struct buffers *b, size_t size_bytes);
void buffer_put(struct buffers *b, void *block,
		size_t size_bytes); /* the size of the get; accepts NULL */

uint64_t buffers_used_bytes(const struct buffers *b);
size_t buffers_largest_bytes(const struct buffers *b);	/* the most that one request may have */

#endif
