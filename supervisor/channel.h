/* SPDX-License-Identifier: MIT */
/*
 * Our end of a channel: pages that an address space's shim shares with us (shim/channel_abi.h).
 * It belongs to the address space. What we must know is kept on our side; of what the shim writes, a
 * call is copied once, then used.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>

#include "channel_abi.h"
#include "context.h"

struct channel;
struct mm;

/* flags: enum channel_flag, what the shim may do. NULL with errno. */
struct channel *channel_create(struct mm *mm, uint32_t flags);
void channel_destroy(struct channel *ch);	/* accepts NULL */
int channel_fd(const struct channel *ch);	/* of its memfd, to be given to the program; -1: closed */
void channel_given(struct channel *ch);		/* closes it: both have mapped it, or will never */

/* The shim has mapped this context's ring. If there is no room it is reached by the trap only. */
void channel_enter(struct channel *ch, struct context *ctx);
void channel_leave(struct channel *ch, struct context *ctx);	/* it had entered, and is dead */
void channel_moved(struct context *ctx);	/* it has another handle */

/* --- slots --- */

/* The shim posts only where somebody looks: `on` is the list of those channels. */
void channel_wake(struct channel *ch, struct list *on);
void channel_rest(struct channel *ch);	/* what was posted before can still be taken */
struct channel *channel_of(struct list *node);	/* an entry of that list */
struct mm *channel_mm(const struct channel *ch);

/*
 * Threads that may call soon: those that were answered last, as far as they have not parked since.
 * `mark` is the thread's; channel_rest() forgets them all.
 */
void channel_expect(struct channel *ch, uint64_t *mark);
void channel_expect_not(struct channel *ch, uint64_t *mark);
bool channel_expects(const struct channel *ch);

void channel_on_cpu(struct channel *ch, unsigned cpu);	/* we are on this one */

/* An io_submit, as its slot has it. */
struct channel_call {
	pid_t tid;
	uint64_t args[3];
	uint64_t mask;			/* of signals */
};

/* Has anything been posted? Then a slot of it, taken, with the call; -1: none is. */
bool channel_posted(const struct channel *ch);
int channel_take(struct channel *ch, struct channel_call *out);
/* What a taken slot carries, into *out; so many entries, 0: nothing. */
unsigned channel_carried(const struct channel *ch, int slot, struct channel_carried *out);
void channel_answer(struct channel *ch, int slot, int64_t result, uint32_t raise);
void channel_to_the_trap(struct channel *ch, int slot);

/* How many calls the shim says it has answered since this was asked last: any number. */
uint64_t channel_reaped(struct channel *ch);

/* --- notes of what was reaped, for a trace --- */

bool channel_told(struct channel *ch);		/* any, since this was asked last? */
/*
 * The next one, TOLD or TRYING, from the *from-th on, that is about the context of this number; what
 * it says may be anything. The other two mean it by the *from of then.
 */
bool channel_note_next(struct channel *ch, uint64_t number, unsigned *from,
		       struct channel_note *out);
/*
 * False: it is not told, though it was looked at for as long as it takes if its thread has a CPU
 * (the reading of a clock).
 */
bool channel_note_settle(struct channel *ch, unsigned from, struct channel_note *out);
void channel_note_free(struct channel *ch, unsigned from);

#endif
