/* SPDX-License-Identifier: MIT */
/*
 * The program may write anything into the page. The order of our stores is what the shim relies on:
 * a handle is stored when all of its line is there; events are counted before they are published
 * (context.c); awake is cleared before posted is looked at for the last time, a result is stored
 * before the slot's state. A wrong state costs nobody but the program: it waits for ever, or not.
 */
#include "channel.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "util.h"

#define NOTE_LOOKS 400			/* some 10 us */

struct channel {
	struct list awake;		/* on the list of those that are looked at */
	struct mm *mm;
	int memfd;
	struct channel_page *page;
	uint64_t used;			/* bit n: rings[n] */
	uint64_t reaped;		/* when it was asked last */
	uint32_t told;			/* when it was asked last */
	bool tells;
	uint64_t posted;		/* bit n: slots[n] is to be looked at */
	uint64_t round;			/* of the marks that count */
	unsigned expected;		/* so many have it */
};

_Static_assert(CHANNEL_RINGS < 64, "a bit each");
_Static_assert(CHANNEL_SLOTS == 64, "a bit each");

/* Sealed, so that the program cannot take the page away under us. */
static int channel_map(struct channel *ch)
{
	const off_t bytes = ch->tells ? CHANNEL_BYTES : CHANNEL_BASE_BYTES;
	void *map;

	ch->memfd = memfd_create("aio-sandbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ch->memfd < 0)
		return neg_errno();
	if (ftruncate(ch->memfd, CHANNEL_BYTES) || fallocate(ch->memfd, 0, 0, bytes) ||
	    fcntl(ch->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return neg_errno();
	map = mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ch->memfd, 0);
	if (map == MAP_FAILED)
		return neg_errno();
	ch->page = map;
	return 0;
}

struct channel *channel_create(struct mm *mm, uint32_t flags)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	int err;

	if (!ch)
		return NULL;
	list_init(&ch->awake);
	ch->mm = mm;
	ch->memfd = -1;
	ch->round = 1;
	ch->tells = flags & CHANNEL_TELL;
	err = channel_map(ch);
	if (err) {
		channel_destroy(ch);
		errno = -err;
		return NULL;
	}
	ch->page->version = CHANNEL_VERSION;
	ch->page->flags = flags;
	return ch;
}

void channel_destroy(struct channel *ch)
{
	if (!ch)
		return;
	list_del(&ch->awake);
	if (ch->page)
		munmap(ch->page, CHANNEL_BYTES);
	close_fd(&ch->memfd);
	free(ch);
}

int channel_fd(const struct channel *ch)
{
	return ch->memfd;
}

void channel_given(struct channel *ch)
{
	close_fd(&ch->memfd);
}

static void handle_store(struct channel_ring *line, uint64_t handle)
{
	__atomic_store_n(&line->handle, handle, __ATOMIC_RELEASE);
}

void channel_enter(struct channel *ch, struct context *ctx)
{
	const unsigned place = (unsigned)__builtin_ctzll(~ch->used);
	struct channel_ring *line;

	if (place >= CHANNEL_RINGS)
		return;
	ch->used |= 1ull << place;
	line = &ch->page->rings[place];
	*line = (struct channel_ring){
		.number = ctx->number, .id = ctx->slot, .nr = ctx->ring.nr,
	};
	handle_store(line, ctx->handle);
	ctx->line = line;
}

void channel_leave(struct channel *ch, struct context *ctx)
{
	handle_store(ctx->line, 0);
	ch->used &= ~(1ull << (ctx->line - ch->page->rings));
	ctx->line = NULL;
}

void channel_moved(struct context *ctx)
{
	if (ctx->line)
		handle_store(ctx->line, ctx->handle);
}

/* --- slots --- */

void channel_wake(struct channel *ch, struct list *on)
{
	if (!list_empty(&ch->awake))
		return;
	list_add_tail(on, &ch->awake);
	__atomic_store_n(&ch->page->awake, 1, __ATOMIC_RELAXED);
}

void channel_rest(struct channel *ch)
{
	list_del(&ch->awake);
	ch->round++;
	ch->expected = 0;
	__atomic_store_n(&ch->page->awake, 0, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

struct channel *channel_of(struct list *node)
{
	return list_entry(node, struct channel, awake);
}

struct mm *channel_mm(const struct channel *ch)
{
	return ch->mm;
}

void channel_expect(struct channel *ch, uint64_t *mark)
{
	ch->expected += *mark != ch->round;
	*mark = ch->round;
}

void channel_expect_not(struct channel *ch, uint64_t *mark)
{
	ch->expected -= *mark == ch->round;
	*mark = 0;
}

bool channel_expects(const struct channel *ch)
{
	return ch->expected > 0;
}

void channel_on_cpu(struct channel *ch, unsigned cpu)
{
	if (ch->page->cpu != cpu)
		__atomic_store_n(&ch->page->cpu, cpu, __ATOMIC_RELAXED);
}

bool channel_posted(const struct channel *ch)
{
	return ch->posted || __atomic_load_n(&ch->page->posted, __ATOMIC_SEQ_CST);
}

static bool change(struct channel_slot *slot, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&slot->state, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

int channel_take(struct channel *ch, struct channel_call *out)
{
	if (!ch->posted)
		ch->posted = __atomic_exchange_n(&ch->page->posted, 0, __ATOMIC_SEQ_CST);
	while (ch->posted) {
		const int n = __builtin_ctzll(ch->posted);
		struct channel_slot *slot = &ch->page->slots[n];

		ch->posted &= ch->posted - 1;
		if (!change(slot, SLOT_POSTED, SLOT_TAKEN))
			continue;	/* taken back, or a word that means nothing */
		out->tid = (pid_t)__atomic_load_n(&slot->tid, __ATOMIC_RELAXED);
		out->mask = __atomic_load_n(&slot->mask, __ATOMIC_RELAXED);
		for (int i = 0; i < 3; i++)
			out->args[i] = __atomic_load_n(&slot->args[i], __ATOMIC_RELAXED);
		return n;
	}
	return -1;
}

unsigned channel_carried(const struct channel *ch, int slot, struct channel_carried *out)
{
	const struct channel_carried *from = &ch->page->carried[slot];
	const uint32_t said = __atomic_load_n(&ch->page->slots[slot].carried, __ATOMIC_RELAXED);
	const unsigned count = (unsigned)min_u64(said, CHANNEL_CARRIED);

	if (!count)
		return 0;
	memcpy(out->ring, from->ring, sizeof(out->ring));
	memcpy(out->at, from->at, count * sizeof(out->at[0]));
	memcpy(out->iocbs, from->iocbs, count * sizeof(out->iocbs[0]));
	return count;
}

static void end(struct channel_slot *slot, uint32_t state)
{
	if (__atomic_exchange_n(&slot->state, state, __ATOMIC_SEQ_CST) == SLOT_SLEEPS)
		(void)syscall(SYS_futex, &slot->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void channel_answer(struct channel *ch, int slot, int64_t result, uint32_t raise)
{
	struct channel_slot *at = &ch->page->slots[slot];

	at->result = result;
	at->raise = raise;
	end(at, SLOT_DONE);
}

void channel_to_the_trap(struct channel *ch, int slot)
{
	end(&ch->page->slots[slot], SLOT_TRAP);
}

uint64_t channel_reaped(struct channel *ch)
{
	const uint64_t before = ch->reaped;

	ch->reaped = __atomic_load_n(&ch->page->reaped, __ATOMIC_RELAXED);
	return ch->reaped - before;
}

/* --- notes --- */

bool channel_told(struct channel *ch)
{
	const uint32_t before = ch->told;

	if (ch->tells)
		ch->told = __atomic_load_n(&ch->page->told, __ATOMIC_SEQ_CST);
	return ch->told != before;
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static void note_copy(const struct channel_note *note, uint32_t state, struct channel_note *out)
{
	memcpy(out, note, sizeof(*out));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);	/* checked in the copy, and not again */
	out->state = state;
}

bool channel_note_next(struct channel *ch, uint64_t number, unsigned *from,
		       struct channel_note *out)
{
	while (ch->tells && *from < CHANNEL_NOTES) {
		struct channel_note *note = &ch->page->notes[(*from)++];
		const uint32_t state = __atomic_load_n(&note->state, __ATOMIC_ACQUIRE);

		if (state != NOTE_TRYING && state != NOTE_TOLD)
			continue;
		note_copy(note, state, out);
		if (out->number == number)
			return true;
	}
	return false;
}

bool channel_note_settle(struct channel *ch, unsigned from, struct channel_note *out)
{
	struct channel_note *note = &ch->page->notes[from - 1];

	for (unsigned i = 0; i < NOTE_LOOKS && out->state == NOTE_TRYING; i++) {
		relax();
		out->state = __atomic_load_n(&note->state, __ATOMIC_ACQUIRE);
	}
	if (out->state != NOTE_TOLD)
		return false;
	note_copy(note, NOTE_TOLD, out);
	return true;
}

void channel_note_free(struct channel *ch, unsigned from)
{
	uint32_t told = NOTE_TOLD;

	(void)__atomic_compare_exchange_n(&ch->page->notes[from - 1].state, &told, NOTE_FREE, false,
					  __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}
