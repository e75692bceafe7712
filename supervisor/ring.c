/* SPDX-License-Identifier: MIT */
/*
 * Theory. Single producer (us), any number of consumers in the tracee and io_getevents here. An
 * event is visible when `tail` is: the slot is written before tail (release), which pairs with the
 * reader's load of tail (acquire). A consumer frees slots by storing `head`; the acquire load of
 * head here pairs with its release, so that a slot is not overwritten while it is still being read.
 * A reader that moves head at will harms only itself: credit (context.c) bounds what is published.
 * Nor does a tail that the program has stored harm anybody: io_getevents believes it, as the
 * kernel's does, until the next completion stores ours again; what it hands out then is the
 * program's own.
 */
#include "ring.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "util.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define RING_MAGIC 0xa10a10a1u
#define RING_HEADER_BYTES 32u
#define RING_LIMIT_EVENTS (0x10000000u / sizeof(struct ring_event))

struct ring_header {		/* struct aio_ring of fs/aio.c */
	uint32_t id;
	uint32_t nr;
	_Atomic uint32_t head;
	_Atomic uint32_t tail;
	uint32_t magic;
	uint32_t compat_features;
	uint32_t incompat_features;
	uint32_t header_length;
	struct ring_event events[];
};

_Static_assert(offsetof(struct ring_header, events) == RING_HEADER_BYTES, "kernel ABI");
_Static_assert(sizeof(struct ring_event) == 32, "kernel ABI");

/* ioctx_alloc() and aio_setup_ring() of fs/aio.c, 6.18: 32-bit arithmetic that may wrap. */
int ring_size(uint32_t nr, unsigned possible_cpus, unsigned *slots, size_t *bytes)
{
	uint32_t events = 2 * (uint32_t)max_u64(nr, 4 * (uint64_t)possible_cpus);
	uint64_t pages;

	if (events > RING_LIMIT_EVENTS)
		return -EINVAL;
	if (events == 0)
		return -EAGAIN;
	pages = (RING_HEADER_BYTES + sizeof(struct ring_event) * ((uint64_t)events + 2) +
		 PAGE_BYTES - 1) /
		PAGE_BYTES;
	*bytes = pages * PAGE_BYTES;
	*slots = (unsigned)((*bytes - RING_HEADER_BYTES) / sizeof(struct ring_event));
	return 0;
}

static struct ring_header *header(const struct ring *r)
{
	return r->map;
}

static void ring_format(struct ring *r, uint32_t id)
{
	struct ring_header *h = header(r);

	h->id = id;
	h->nr = r->nr;
	h->magic = RING_MAGIC;
	h->compat_features = 1;
	h->header_length = RING_HEADER_BYTES;
}

/*
 * All pages now: a completion that finds no memory for its slot would be a SIGBUS. RLIMIT_FSIZE
 * counts for a memfd; its last page is mapped whole all the same when it has one byte of it.
 */
static int allocate(int memfd, size_t bytes)
{
	int err = ftruncate(memfd, (off_t)bytes);

	if (err && errno == EFBIG) {
		bytes -= PAGE_BYTES - 1;
		err = ftruncate(memfd, (off_t)bytes);
	}
	return err ? err : fallocate(memfd, 0, 0, (off_t)bytes);
}

int ring_create(struct ring *r, unsigned slots, size_t bytes, uint32_t id)
{
	*r = (struct ring){ .memfd = -1, .map_bytes = bytes, .nr = slots };
	r->memfd = memfd_create("[aio]", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (r->memfd < 0)
		return neg_errno();
	if (fchmod(r->memfd, 0600) || allocate(r->memfd, bytes) ||
	    fcntl(r->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		goto fail;
	r->map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->memfd, 0);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		goto fail;
	}
	ring_format(r, id);
	return 0;
fail:
	bytes = (size_t)errno;
	ring_destroy(r);
	return bytes ? -(int)bytes : -EIO;
}

int ring_seal(struct ring *r)
{
	struct stat st;

	if (fstat(r->memfd, &st) || fcntl(r->memfd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL))
		return neg_errno();
	r->dev = st.st_dev;
	r->ino = st.st_ino;
	close_fd(&r->memfd);
	return 0;
}

void ring_set_id(struct ring *r, uint32_t id)
{
	header(r)->id = id;
}

bool ring_has_words(const struct ring *r, const struct ring_words *words)
{
	const struct ring_header *h = header(r);

	return words->id == h->id && words->nr == h->nr && words->magic == h->magic &&
	       words->compat_features == h->compat_features &&
	       words->incompat_features == h->incompat_features &&
	       words->header_length == h->header_length;
}

void ring_destroy(struct ring *r)
{
	if (r->map)
		munmap(r->map, r->map_bytes);
	r->map = NULL;
	close_fd(&r->memfd);
}

unsigned ring_head(const struct ring *r)
{
	return atomic_load_explicit(&header(r)->head, memory_order_acquire) % r->nr;
}

unsigned ring_count(const struct ring *r, unsigned head)
{
	return head <= r->tail ? r->tail - head : r->nr - head + r->tail;
}

void ring_publish(struct ring *r, const struct ring_event *ev)
{
	struct ring_header *h = header(r);

	h->events[r->tail] = *ev;
	r->tail = (r->tail + 1) % r->nr;
	atomic_store_explicit(&h->tail, r->tail, memory_order_release);
}

/* aio_read_events_ring() of fs/aio.c, 6.18 */
bool ring_view(const struct ring *r, unsigned *head, unsigned *present)
{
	const struct ring_header *h = header(r);
	const uint32_t stored = atomic_load_explicit(&h->head, memory_order_acquire);
	const uint32_t tail = atomic_load_explicit(&h->tail, memory_order_acquire);

	*head = stored % r->nr;
	*present = (tail % r->nr + r->nr - *head) % r->nr;
	return stored != tail;
}

/* aio_complete() of fs/aio.c, 6.18: 32 bits, which a head beyond the ring makes wrap. */
uint32_t ring_available(const struct ring *r)
{
	const uint32_t head = atomic_load_explicit(&header(r)->head, memory_order_acquire);

	return r->tail > head ? r->tail - head : r->tail + r->nr - head;
}

unsigned ring_peek(const struct ring *r, unsigned head, unsigned max,
		   const struct ring_event **events)
{
	*events = &header(r)->events[head];
	return (unsigned)min_u64(r->nr - head, max);
}

bool ring_consume(struct ring *r, unsigned head, unsigned taken)
{
	uint32_t stored = atomic_load_explicit(&header(r)->head, memory_order_relaxed);

	return stored % r->nr == head &&
	       atomic_compare_exchange_strong_explicit(&header(r)->head, &stored,
						       (head + taken) % r->nr,
						       memory_order_release, memory_order_relaxed);
}

void ring_unconsume(struct ring *r, unsigned head, unsigned taken)
{
	uint32_t now = (head + taken) % r->nr;

	(void)atomic_compare_exchange_strong(&header(r)->head, &now, head);
}
