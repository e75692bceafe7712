/* SPDX-License-Identifier: MIT */
/*
 * The completion ring with the kernel's ABI (docs/aio-abi.md, 3): a memfd, mapped here and in the
 * tracee. The tracee owns every byte of it, so of all fields only `head` and, for io_getevents,
 * `tail` are ever read back, and clamped.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util.h"

struct ring_event {		/* struct io_event */
	uint64_t data;
	uint64_t obj;
	int64_t res;
	int64_t res2;
};

struct ring_words {		/* the header, as read from a program's memory */
	uint32_t id, nr, head, tail, magic, compat_features, incompat_features, header_length;
};

struct ring {
	int memfd;		/* sealed against growing and shrinking; -1 once both mapped */
	dev_t dev;		/* of the memfd, by which /proc/PID/maps names it */
	ino_t ino;
	uaddr second;		/* where the program's shim has mapped it for itself; 0: nowhere */
	void *map;
	size_t map_bytes;
	unsigned nr;		/* slots; at most nr - 1 are in use */
	unsigned tail;		/* ours; a store to the shared one does not change it */
};

/*
 * Slots and bytes of a ring for io_setup(nr) on a host with so many possible CPUs; 0 or -EINVAL,
 * -EAGAIN.
 */
int ring_size(uint32_t nr, unsigned possible_cpus, unsigned *slots, size_t *bytes);

void ring_set_id(struct ring *r, uint32_t id);	/* before a program sees it */
/* Are they this ring's, but for head and tail? */
bool ring_has_words(const struct ring *r, const struct ring_words *words);
int ring_create(struct ring *r, unsigned slots, size_t bytes, uint32_t id);	/* 0 or -errno */
/*
 * When both have mapped it: no other writable mapping, and MADV_REMOVE cannot empty it. The memfd
 * is closed, as 65,000 contexts are more than many a limit on open files. 0 or -errno.
 */
int ring_seal(struct ring *r);
void ring_destroy(struct ring *r);

unsigned ring_head(const struct ring *r);		/* always < nr */
unsigned ring_count(const struct ring *r, unsigned head);	/* from head to our own tail */
void ring_publish(struct ring *r, const struct ring_event *ev);
/* What io_getevents finds, head < nr; false: head is tail, and is left as it is stored. */
bool ring_view(const struct ring *r, unsigned *head, unsigned *present);
uint32_t ring_available(const struct ring *r);	/* what a completion tells those who wait */
/* The longest piece of slots in memory from head on, at most max; *events points into the ring. */
unsigned ring_peek(const struct ring *r, unsigned head, unsigned max,
		   const struct ring_event **events);
/* Stores the new head; false: somebody else has moved it meanwhile. */
bool ring_consume(struct ring *r, unsigned head, unsigned taken);
/* Puts the head back, unless the program has moved it since; nothing was published meanwhile. */
void ring_unconsume(struct ring *r, unsigned head, unsigned taken);

#endif
