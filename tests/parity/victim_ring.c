/* SPDX-License-Identifier: MIT */
/* Sections 3 and 4: the ring in the program's memory, read and moved by the program itself. */
#include "victim.h"

static int zero_fd;

static void produce(aio_context_t ctx, unsigned n)
{
	static struct iocb cbs[64], *list[64];
	static char byte;

	for (unsigned i = 0; i < n; i++) {
		list[i] = prep(&cbs[i], IOCB_CMD_PREAD, zero_fd, &byte, 1, 0);
		cbs[i].aio_data = i;
	}
	need(aio_submit(ctx, n, list) == n);
}

static unsigned in_ring(const struct ring *ring)
{
	return (ring->tail + ring->nr - ring->head) % ring->nr;
}

static void header(void)
{
	aio_context_t ctx = aio_context(8);
	const struct ring *ring = ring_of(ctx);
	unsigned dirty = 0;

	obs("3.head/fresh-header", "id %u head %u tail %u", ring->id, ring->head, ring->tail);
	obs_formula("3.nr/value", ring->nr, ring_size(8));
	obs("3.magic/value", "%#x", ring->magic);
	obs_num("3.compat/value", ring->compat);
	obs_num("3.incompat/value", ring->incompat);
	obs_num("3.header-length/value", ring->header_length);
	for (unsigned i = 0; i < ring->nr * sizeof(ring->event[0]); i++)
		dirty += ((const char *)ring->event)[i] != 0;
	obs_num("3.fresh/fresh-events-zero", dirty);
	aio_destroy(ctx);
}

static void slots(void)
{
	aio_context_t ctx = aio_context(8);
	struct ring *ring = ring_of(ctx);
	struct iocb cb;
	struct io_event ev;
	int fd = tmp_open(O_RDWR);

	prep(&cb, IOCB_CMD_PWRITE, fd, "abc", 3, 0);
	cb.aio_data = 0x1122334455667788;
	need(aio_submit1(ctx, &cb) == 1);
	obs("3.tail/after-one", "head %u tail %u", ring->head, ring->tail);
	obs_yes("3.slots/obj", ring->event[0].obj == (uintptr_t)&cb);
	obs("3.slots/data", "%#llx", (unsigned long long)ring->event[0].data);
	obs("3.slots/res", "%s %s", num(ring->event[0].res), num(ring->event[0].res2));
	need(reap(ctx, 1, &ev) == 1);
	obs("3.tail/after-reap", "head %u tail %u", ring->head, ring->tail);
	obs_yes("3.fresh/slot-kept-after-reap", !memcmp(&ev, &ring->event[0], sizeof(ev)));
	aio_destroy(ctx);
	close(fd);
}

/* Three times around, reaped by the system call and by the program in turn. */
static void around(void)
{
	aio_context_t ctx = aio_context(8);
	struct ring *ring = ring_of(ctx);
	struct io_event ev[64];
	unsigned good = 0, sum = 0, wraps = 0;

	while (wraps < 6) {
		uint32_t head = ring->head;

		produce(ctx, 50);
		if (wraps % 2) {
			need(reap(ctx, 50, ev) == 50);
		} else {
			for (unsigned i = 0; i < 50; i++) {
				ev[i] = ring->event[(head + i) % ring->nr];
				victim_tell("event", ev[i].res);
			}
			ring->head = (head + 50) % ring->nr;
		}
		for (unsigned i = 0; i < 50; i++, sum++)
			good += ev[i].data == i && ev[i].res == 1;
		wraps += ring->head < head;
		need(ring->head == ring->tail);
	}
	obs_formula("3.wrap/all-events-right", good, sum);
	obs_yes("3.wrap/tail-below-nr", ring->tail < ring->nr);
	aio_destroy(ctx);
}

/* A head that the program set is always taken modulo nr; slots are handed out as they stand. */
static void head_stored(void)
{
	aio_context_t ctx = aio_context(8);
	struct ring *ring = ring_of(ctx);
	struct io_event ev[64];
	uint32_t head;

	produce(ctx, 20);
	ring->head = 3;
	obs_num("3.head-stored/skipped-three", reap_now(ctx, 4, ev));
	obs_num("3.head-stored/starts-there", ev[0].data);
	obs_num("3.head-stored/now", ring->head);
	ring->head = 2;
	obs_num("3.head-stored/back", reap_now(ctx, 64, ev));
	obs_num("3.head-stored/back-data", ev[0].data);
	ring->head = ring->nr + 5;
	obs_num("3.head-stored/beyond-nr", reap_now(ctx, 2, ev));
	obs_num("3.head-stored/beyond-nr-data", ev[0].data);
	obs_num("3.head-stored/beyond-nr-now", ring->head);
	head = 0xfffffff0u % ring->nr;
	ring->head = 0xfffffff0;
	obs_yes("3.head-stored/huge", reap_now(ctx, 64, ev) > 0);
	obs_yes("3.head-stored/huge-inside", ring->head < ring->nr && ring->head != head);
	ring->head = ring->tail;
	obs_num("3.head-kept/empty", reap_now(ctx, 4, ev));
	ring->head = ring->tail + ring->nr;
	obs_num("3.head-kept/empty-beyond-nr", reap_now(ctx, 4, ev));
	ring->head = ring->tail;
	produce(ctx, 1);
	obs_num("3.head-stored/works-on", reap(ctx, 1, ev));
	aio_destroy(ctx);
}

/* What the kernel keeps a copy of. */
static void fields_stored(void)
{
	aio_context_t ctx = aio_context(8);
	struct ring *ring = ring_of(ctx);
	uint32_t nr = ring->nr;
	struct io_event ev[8];

	ring->nr = 3;
	ring->magic = 0;
	ring->compat = 77;
	ring->incompat = 77;
	ring->header_length = 0;
	produce(ctx, 5);
	obs_num("3.nr/stored-harmless", reap(ctx, 5, ev));
	obs_num("3.nr/stored-data", ev[4].data);
	obs("3.magic/kept-as-stored", "%u %u %u", ring->nr, ring->magic, ring->header_length);
	ring->nr = nr;
	ring->tail = 2;
	produce(ctx, 1);
	obs_num("3.tail/overwritten", ring->tail);
	aio_destroy(ctx);
}

/* A program that never calls io_getevents. */
static void user_reaping(void)
{
	aio_context_t ctx = aio_context(8);
	struct ring *ring = ring_of(ctx);
	unsigned got = 0, good = 0, limit = slot_limit(ring->nr);

	for (unsigned round = 0; round < 100; round++) {
		produce(ctx, limit < 40 ? limit : 40);
		while (ring->head != ring->tail) {
			const struct io_event *ev = &ring->event[ring->head];

			victim_tell("event", ev->res);
			good += ev->res == 1 && ev->obj && ev->data < 40;
			got++;
			ring->head = (ring->head + 1) % ring->nr;
		}
	}
	obs_num("3.user/reaped", got);
	obs_num("3.user/reaped-right", good);
	obs_num("3.user/reaped-left", in_ring(ring));
	aio_destroy(ctx);
}

/* The mapping: completions reach it whatever the program may do to its own view. */
static void mapping(void)
{
	aio_context_t ctx = aio_context(8), large = aio_context(1000);
	struct ring *ring = ring_of(ctx);
	struct io_event ev[4];

	need(!mprotect(ring, PAGE, PROT_READ));
	produce(ctx, 2);
	obs_num("4.mprotect-read/getevents", reap(ctx, 1, ev));
	obs("4.mprotect-read/header", "head %u tail %u", ring->head, ring->tail);
	need(!mprotect(ring, PAGE, PROT_READ | PROT_WRITE));
	obs_num("4.madvise/dontneed", madvise(ring, PAGE, MADV_DONTNEED) ? -errno : 0);
	obs("4.madvise/dontneed-contents", "head %u tail %u", ring->head, ring->tail);
	obs_num("4.madvise-refused/free", madvise(ring, PAGE, MADV_FREE) ? -errno : 0);
	obs_num("4.madvise/mlock", mlock(ring, PAGE) ? -errno : 0);
	obs_num("4.madvise-refused/wipeonfork", madvise(ring, PAGE, MADV_WIPEONFORK) ? -errno : 0);
	obs_num("4.madvise/afterwards", reap(ctx, 1, ev));
	obs_num("4.mremap-shrink/shrink", mremap((void *)large, 16 * PAGE, PAGE, 0) == (void *)large);
	produce(large, 3);
	obs_num("4.mremap-shrink/shrunk-getevents", reap(large, 3, ev));
	obs_num("4.mremap-shrink/shrunk-destroy", aio_destroy(large));
	aio_destroy(ctx);
}

int main(void)
{
	victim_start();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	header();
	slots();
	around();
	head_stored();
	fields_stored();
	user_reaping();
	mapping();
	return victim_end();
}
