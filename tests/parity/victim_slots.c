/* SPDX-License-Identifier: MIT */
/*
 * Section 6: how many requests a context takes before EAGAIN, and what gives slots back. Runs on
 * one CPU, as the limit is exact only there (D7).
 */
#include "victim.h"

#include <sched.h>

#define MANY 1000

static struct iocb cbs[MANY], *list[MANY];
static struct io_event events[MANY];
static int file;
static char byte = 'x';

static void one_cpu(void)
{
	cpu_set_t set;
	unsigned cpu = 0;

	need(!sched_getaffinity(0, sizeof(set), &set));
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	need(!sched_setaffinity(0, sizeof(set), &set));
}

static void prepare(void)
{
	for (unsigned i = 0; i < MANY; i++)
		list[i] = prep(&cbs[i], IOCB_CMD_PWRITE, file, &byte, 1, i);
}

/* Submits until EAGAIN, at most MANY at a time; the sum. */
static long fill(aio_context_t ctx)
{
	long sum = 0, ret;

	while ((ret = aio_submit(ctx, MANY, list)) > 0)
		sum += ret;
	return ret == -EAGAIN ? sum : ret;
}

static void thresholds(void)
{
	static const unsigned nr[] = { 1, 63, 127, 256, 512, 1024, 4096 };

	for (unsigned i = 0; i < ARRAY_SIZE(nr); i++) {
		aio_context_t ctx = aio_context(nr[i]);
		char tag[64];

		snprintf(tag, sizeof(tag), "6.limit/limit-of-%u", nr[i]);
		obs_formula(tag, fill(ctx), slot_limit(ring_of(ctx)->nr));
		aio_destroy(ctx);
	}
}

static void one_call(void)
{
	aio_context_t ctx = aio_context(1);
	struct ring *ring = ring_of(ctx);
	unsigned limit = slot_limit(ring->nr);

	obs_formula("6.one-call/of-1000", aio_submit(ctx, MANY, list), limit);
	obs_formula("6.one-call/tail", ring->tail, limit);
	obs_num("6.one-call/full", aio_submit1(ctx, list[0]));
	aio_destroy(ctx);
}

static void credit(void)
{
	aio_context_t ctx = aio_context(1);
	struct ring *ring = ring_of(ctx);
	unsigned limit = slot_limit(ring->nr);

	fill(ctx);
	obs_num("6.credit/getevents-one", reap_now(ctx, 1, events));
	obs_num("6.credit/accepted-after-getevents-one", fill(ctx));
	ring->head = (ring->head + 1) % ring->nr;
	obs_num("6.credit/accepted-after-head-plus-1", fill(ctx));
	ring->head = (ring->head + 10) % ring->nr;
	obs_num("6.credit/accepted-after-head-plus-10", fill(ctx));
	ring->head = ring->tail;
	obs_formula("6.credit/accepted-after-head-to-tail", fill(ctx), limit);
	ring->head = (ring->tail + 5) % ring->nr;
	obs_num("6.nonsense/accepted-after-head-beyond-tail", fill(ctx));
	ring->head = ring->tail;
	obs_formula("6.nonsense/accepted-again", fill(ctx), limit);
	obs_formula("6.credit/getevents-all", reap_now(ctx, MANY, events), limit);
	obs_formula("6.credit/accepted-after-getevents-all", fill(ctx), limit);
	aio_destroy(ctx);
}

static void full_errors(void)
{
	aio_context_t ctx = aio_context(1);
	struct iocb cb;

	fill(ctx);
	obs_num("6.order/full-bad-pointer", aio_submit1(ctx, NULL));
	prep(&cb, IOCB_CMD_PWRITE, -1, &byte, 1, 0);
	obs_num("7.d/full-bad-fd", aio_submit1(ctx, &cb));
	cb.aio_reserved2 = 1;
	obs_num("6.order/full-reserved", aio_submit1(ctx, &cb));
	prep(&cb, IOCB_CMD_PWRITE, file, &byte, -1, 0);
	obs_num("6.order/full-too-long", aio_submit1(ctx, &cb));
	prep(&cb, 9, file, &byte, 1, 0);
	cb.aio_key = 7;
	obs_num("7.d/full-bad-opcode", aio_submit1(ctx, &cb));
	obs_num("7.d/full-key-kept", cb.aio_key);
	obs_num("7.4/full-nr-0", aio_submit(ctx, 0, NULL));
	aio_destroy(ctx);
}

/* Requests that io_submit refuses give their slot back at once. */
static void refused(void)
{
	aio_context_t ctx = aio_context(1);
	struct iocb bad;
	unsigned limit = slot_limit(ring_of(ctx)->nr), n = 0;

	prep(&bad, IOCB_CMD_PWRITE, -1, &byte, 1, 0);
	for (unsigned i = 0; i < 2 * limit; i++)
		n += aio_submit1(ctx, &bad) == -EBADF;
	obs_formula("6.refused/refused-twice-the-limit", n, 2 * limit);
	obs_formula("6.refused/accepted-after", fill(ctx), limit);
	aio_destroy(ctx);
}

/* In flight and completed count alike. */
static void in_flight(void)
{
	aio_context_t ctx = aio_context(1);
	unsigned limit = slot_limit(ring_of(ctx)->nr);
	struct iocb polls[4], *poll_list[4];
	struct io_event ev;
	int fds[2];

	need(!pipe(fds));
	for (unsigned i = 0; i < 4; i++)
		poll_list[i] = prep_poll(&polls[i], fds[0], POLLIN);
	obs_num("6.in-flight/polls-in-flight", aio_submit(ctx, 4, poll_list));
	obs_formula("6.in-flight/accepted-beside-polls", fill(ctx), limit - 4);
	obs_formula("6.in-flight/reaped-beside-polls", reap_now(ctx, MANY, events), limit - 4);
	obs_formula("6.in-flight/accepted-beside-polls-again", fill(ctx), limit - 4);
	obs_num("6.in-flight/cancel-when-full", aio_cancel(ctx, &polls[0], &ev));
	obs_num("6.in-flight/accepted-after-cancel", fill(ctx));
	aio_destroy(ctx);
}

/* nr beyond ring.nr is cut to it, not refused: section 7, row 3. */
static void cut(void)
{
	aio_context_t ctx = aio_context(1);
	unsigned limit = slot_limit(ring_of(ctx)->nr);

	obs_formula("7.3/nr-long-max", aio_submit(ctx, LONG_MAX, list), limit);
	aio_destroy(ctx);
}

int main(void)
{
	victim_start();
	one_cpu();
	file = tmp_open(O_RDWR);
	prepare();
	need(slot_limit(ring_size(1)) < MANY);
	thresholds();
	one_call();
	credit();
	full_errors();
	refused();
	in_flight();
	cut();
	obs_num("6.limit/file-size", file_size(file));
	return victim_end();
}
