/* SPDX-License-Identifier: MIT */
/*
 * io_submit through a slot, while the supervisor looks (shim/channel_abi.h). Nothing is lost or made
 * twice: a posted call belongs to whoever wins the exchange of its state, and what the supervisor
 * has taken is waited for, however long it takes. What would have to wait on its side, it gives back
 * half done: the trap goes on with it.
 *
 * The caller spins for a moment only. Who is not taken by then (the supervisor has no CPU, or works
 * on another call) takes the call back: the trap wakes the supervisor, or waits without a CPU.
 *
 * Signals are blocked: io_submit cannot be interrupted where slots are used, and a handler might
 * submit itself or fork. A thread that is killed here leaves its slot for good; without a free one
 * there is the trap.
 */
#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>

#include "calls.h"
#include "carry.h"
#include "own.h"
#include "raw.h"

#define TRIES_POSTED 400		/* some 20 us, until it is taken back */
#define SPINS_TAKEN 10000		/* some 250 us, until it sleeps: a list of many reads takes 50 */
#define GO_ON (-4096l)			/* no result: make it by the trap, which goes on with it */
#define NOT_MADE (-4097l)		/* no result: nobody has seen it */

struct info {				/* siginfo_t, as the kernel sends SIGPIPE and SIGXFSZ */
	int32_t signo, error, code, padding;
	int32_t pid;
	uint32_t uid;
	uint64_t rest[13];
};

_Static_assert(sizeof(struct info) == 128, "siginfo_t");

struct caller {
	uint32_t tid;
	uint64_t mask;
	const long *args;		/* of io_submit */
};

static void relax(void)
{
	__builtin_ia32_pause();
}

/* As the vDSO's getcpu() asks: in the limit of a segment that each CPU has for this. */
static uint32_t cpu_now(void)
{
	uint32_t limit = 0;

	__asm__("lsl %1, %0" : "+r"(limit) : "r"(0x7b));
	return limit & 0xfff;
}

static int on_its_cpu(const struct channel_page *channel)
{
	return cpu_now() == __atomic_load_n(&channel->cpu, __ATOMIC_RELAXED);
}

static uint32_t state_of(const struct channel_slot *slot)
{
	return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
}

static int change(struct channel_slot *slot, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&slot->state, &from, to, 0, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static void slot_free(struct channel_slot *slot)
{
	__atomic_store_n(&slot->state, SLOT_FREE, __ATOMIC_RELEASE);
}

/* The same one each time, if it is free: its line is in our cache. -1: none. */
static int slot_claim(struct channel_page *channel, uint32_t tid)
{
	for (uint32_t i = 0; i < CHANNEL_SLOTS; i++) {
		const uint32_t n = (tid + i) % CHANNEL_SLOTS;

		if (state_of(&channel->slots[n]) == SLOT_FREE &&
		    change(&channel->slots[n], SLOT_FREE, SLOT_CLAIMED))
			return (int)n;
	}
	return -1;
}

static int is_awake(const struct channel_page *channel)
{
	return (int)__atomic_load_n(&channel->awake, __ATOMIC_SEQ_CST);
}

static void slot_post(struct channel_page *channel, int n, const struct caller *c)
{
	struct channel_slot *slot = &channel->slots[n];

	slot->tid = c->tid;
	slot->mask = c->mask;
	for (int i = 0; i < 3; i++)
		slot->args[i] = (uint64_t)c->args[i];
	slot->carried = 0;
	if (channel->flags & CHANNEL_TRANSACTIONS)
		slot->carried = carry(&channel->carried[n], c->args);
	__atomic_store_n(&slot->state, SLOT_POSTED, __ATOMIC_RELEASE);
	__atomic_fetch_or(&channel->posted, 1ull << n, __ATOMIC_SEQ_CST);
}

/* False: it has been taken back. */
static int await_taken(struct channel_page *channel, struct channel_slot *slot)
{
	for (int i = 0; i < TRIES_POSTED && is_awake(channel); i++) {
		if (state_of(slot) != SLOT_POSTED)
			return 1;
		if (on_its_cpu(channel))
			(void)raw3(SYS_sched_yield, 0, 0, 0);
		else
			relax();
	}
	return !change(slot, SLOT_POSTED, SLOT_CLAIMED);
}

/* Not where the supervisor waits for our CPU. */
static uint32_t await_end(const struct channel_page *channel, struct channel_slot *slot)
{
	uint32_t state = state_of(slot);

	for (int i = 0; i < SPINS_TAKEN && state == SLOT_TAKEN && !on_its_cpu(channel); i++) {
		relax();
		state = state_of(slot);
	}
	while (state == SLOT_TAKEN || state == SLOT_SLEEPS) {
		if (state == SLOT_SLEEPS || change(slot, SLOT_TAKEN, SLOT_SLEEPS))
			(void)raw4(SYS_futex, (long)&slot->state, FUTEX_WAIT, SLOT_SLEEPS, 0);
		state = state_of(slot);
	}
	return state;
}

/* As the kernel would have raised them in this thread; they come when the mask is restored. */
static void raise_in_self(uint32_t tid, uint32_t signals)
{
	const long pid = raw3(SYS_getpid, 0, 0, 0);
	struct info info = { .code = SI_USER, .pid = (int32_t)pid };

	info.uid = (uint32_t)raw3(SYS_getuid, 0, 0, 0);
	for (int signo = 1; signo < 32; signo++) {
		if (!(signals & 1u << signo))
			continue;
		info.signo = signo;
		(void)raw4(SYS_rt_tgsigqueueinfo, pid, tid, signo, (long)&info);
	}
}

static long submit_by(struct channel_page *channel, int n, const struct caller *c)
{
	struct channel_slot *slot = &channel->slots[n];
	long result = NOT_MADE;
	uint32_t signals;

	slot_post(channel, n, c);
	if (!await_taken(channel, slot)) {
		slot_free(slot);
		return NOT_MADE;
	}
	result = await_end(channel, slot) == SLOT_DONE ? (long)slot->result : GO_ON;
	signals = result == GO_ON ? 0 : slot->raise;
	slot_free(slot);
	if (signals)
		raise_in_self(c->tid, signals);
	return result;
}

/*
 * Whatever has become of the descriptors, the call is made, under the program's own mask. A handler
 * that submits before that passes its own (supervisor/passed.h).
 */
static long submit_with_descriptors(const long args[6])
{
	uint64_t mask;

	signals_block(&mask);
	pass_descriptors(args);
	signals_restore(&mask);
	return raw6(SYS_io_submit, args[0], args[1], args[2], args[3], args[4], args[5]);
}

static long submit_here(struct caller *c)
{
	struct own_page *page = own_page_find();
	long result;
	int n;

	if (!page)
		return NOT_MADE;
	c->tid = (uint32_t)raw3(SYS_gettid, 0, 0, 0);
	n = slot_claim(page->channel, c->tid);
	if (n < 0)
		return NOT_MADE;
	result = submit_by(page->channel, n, c);
	if (result == GO_ON)
		result = raw4(SYS_io_submit, c->args[0], c->args[1], c->args[2],
			      (long)CHANNEL_MAGIC);
	return result;
}

long aio_submit(const long args[6])
{
	struct own_page *page = own_page_find();
	struct caller caller = { .args = args };
	long result = NOT_MADE;

	if (page && page->channel->flags & CHANNEL_PASS)
		return submit_with_descriptors(args);
	if (page && page->channel->flags & CHANNEL_SUBMIT && is_awake(page->channel)) {
		signals_block(&caller.mask);
		result = submit_here(&caller);
		signals_restore(&caller.mask);
	}
	if (result == NOT_MADE)
		result = raw6(SYS_io_submit, args[0], args[1], args[2], args[3], args[4], args[5]);
	return result;
}
