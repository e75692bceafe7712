/* SPDX-License-Identifier: MIT */
/*
 * Others may have our CPU for a moment, as long as it is one. A reply puts the caller on our CPU
 * (SYNC_WAKE_UP). If we went to sleep in epoll before its next call, that call would wake us on
 * another CPU, idle until then, and the next reply would drag the caller there: 30 us instead of 4.
 * So we yield to it, and often find the next call when we are back.
 *
 * But who yields on a busy machine comes back when all others have had their turn, and since Linux
 * 6.18 gives up what it had left of its own: measured, 34 ms for 70 us of work at a load of 17. Then
 * sleeping is better: whoever sleeps is woken in time. So a long yield forbids the next ones for a
 * hundred times as long.
 */
#ifndef COURTESY_H
#define COURTESY_H

#include <stdbool.h>
#include <stdint.h>

struct courtesy {
	uint64_t not_before_ns;
};

/* Yields; the time afterwards, or 0: not now. */
uint64_t courtesy_yield(struct courtesy *c);

/* Its two halves. */
bool courtesy_allowed(const struct courtesy *c, uint64_t now);
void courtesy_took(struct courtesy *c, uint64_t begin_ns, uint64_t end_ns);

#endif
