/* SPDX-License-Identifier: MIT */
/*
 * Slots. Theory: who has just been answered calls again soon. So the loop does not sleep then but
 * looks for a while, and says so in the channels (channel_wake()); a turn that does not sleep comes
 * now and then, for everything else: the trap, completions, timers. Before it sleeps it takes that
 * back, and looks for the last time: what is posted later comes by the trap.
 *
 * A call by a slot is answered at once. One that would have to wait is parked as usual, and its
 * caller told to make it by the trap, as only there a caller can wait without a CPU; kept.c joins
 * the two. Who calls is what the slot says: believed if that thread is known to have this address
 * space, so that nobody gets more than he could do by writing into that thread's memory.
 */
#include "door.h"

#include <sched.h>

#include "channel.h"
#include "complete.h"
#include "kept.h"
#include "notify.h"
#include "observe.h"

#define SERVED_MAX 16			/* in a row, before everything else has its turn */
#define MISSED_MAX 2			/* of bits without a call, that a program may set for ever */
#define LOOKS 40			/* in vain, for each turn that does not sleep: 1 to 2 us */

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/*
 * After an execve the number may be that of another program, and to find out may end this channel's
 * address space: by the trap only.
 */
static bool is_believed(struct dispatch *d, const struct channel *ch, pid_t tid)
{
	const struct thread *th = tasks_find(d->tasks, tid);

	return th && !th->process->may_have_execed && th->process->mm == channel_mm(ch) &&
	       !th->call && !th->exiting;
}

static void serve(struct dispatch *d, struct channel *ch, int slot, const struct channel_call *its)
{
	struct call *call = is_believed(d, ch, its->tid) ? call_create() : NULL;

	if (!call) {
		channel_to_the_trap(ch, slot);
		return;
	}
	call->door = DOOR_CHANNEL;
	call->channel = ch;
	call->slot = slot;
	call->notice = notice_of_submit(its->tid, its->args);
	call->own_mask = its->mask;
	call->has_own_mask = true;
	call->id = ++d->last_call_id;
	call->kind = CALL_SUBMIT;
	d->counts.by_slots++;
	trace_arrived(d->trace, call);
	dispatch_begin(d, call);
}

static struct channel *posted(struct dispatch *d)
{
	list_for_each(node, tmp, &d->awake) {
		if (channel_posted(channel_of(node)))
			return channel_of(node);
	}
	return NULL;
}

/* How many; each may end address spaces, and their channels with them. */
static unsigned serve_posted(struct dispatch *d)
{
	struct channel_call call;
	unsigned served = 0, missed = 0;
	struct channel *ch;
	int slot;

	if (!posted(d))
		return 0;
	complete_polls(d);	/* before anything is taken: it may end address spaces */
	while (served < SERVED_MAX && missed < MISSED_MAX && (ch = posted(d))) {
		slot = channel_take(ch, &call);
		if (slot < 0) {
			missed++;
			continue;
		}
		served++;
		serve(d, ch, slot, &call);
		door_trap_handle(d);
	}
	return served;
}

static bool anybody_expected(struct dispatch *d)
{
	list_for_each(node, tmp, &d->awake) {
		if (channel_expects(channel_of(node)))
			return true;
	}
	return false;
}

/*
 * True: something was posted before, and is done now. What cannot be found at once is no call, or its
 * caller takes it back when he sees that nobody looks.
 */
static bool rest(struct dispatch *d)
{
	bool looked = false;

	while (!list_empty(&d->awake)) {
		struct channel *ch = channel_of(d->awake.next);

		channel_rest(ch);
		if (looked || !channel_posted(ch))
			continue;
		channel_wake(ch, &d->awake);
		looked = true;
		if (serve_posted(d))
			return true;
	}
	return false;
}

static void tell_cpu(struct dispatch *d)
{
	const unsigned cpu = (unsigned)sched_getcpu();

	list_for_each(node, tmp, &d->awake)
		channel_on_cpu(channel_of(node), cpu);
}

/* True: calls have been served, until none came for a moment or others must have their turn. */
static bool look_around(struct dispatch *d)
{
	unsigned served = 0, n;

	for (unsigned i = 0; i < LOOKS && served < SERVED_MAX; i++) {
		n = serve_posted(d);
		served += n;
		i = n ? 0 : i;
		relax();
	}
	return served > 0;
}

static bool look(void *arg)
{
	struct dispatch *d = arg;

	if (list_empty(&d->awake))
		return false;
	if (!posted(d)) {
		tell_cpu(d);
		courtesy_yield(&d->courtesy);
	}
	if (look_around(d)) {
		spin_found(&d->spin);
		return true;
	}
	if (anybody_expected(d) && spin_goes_on(&d->spin, now_ns()))
		return true;
	return rest(d);
}

void door_channel_open(struct dispatch *d)
{
	list_init(&d->awake);
	spin_init(&d->spin, d->cfg->spin_ns);
	if (door_channel_wanted(d))
		loop_on_idle(d->loop, look, d);
}

bool door_channel_wanted(const struct dispatch *d)
{
	return d->cfg->shim && d->cfg->submit != CONFIG_SUBMIT_KERNEL && !spin_is_off(&d->spin);
}

/* Who looks needs another CPU than those who call, and they must not be drawn to it by a reply. */
static void stay_apart(struct dispatch *d, bool apart)
{
	if (apart == d->apart)
		return;
	d->apart = apart;
	notify_together(d->notify, !apart);
}

void door_channel_expect(struct dispatch *d, struct call *call)
{
	struct channel *ch = call->mm ? call->mm->channel : NULL;

	if (!ch || !call_is_aio(call->kind))
		return;
	stay_apart(d, spin_called(&d->spin, now_ns()));
	if (!d->apart)
		return;
	if (d->cfg->random_doors && hash_u64(call->id) & 1) {
		channel_rest(ch);
		if (!channel_posted(ch))
			return;
	}
	channel_expect(ch, &call->thread->expected);
	channel_wake(ch, &d->awake);
}

static void hand_over(struct call *call)
{
	channel_to_the_trap(call->channel, call->slot);
	call->door = DOOR_TRAP;
	call->notice.cookie = 0;
	call->handed_over = call->away = true;
}

void door_channel_parked(struct call *call)
{
	if (call->mm && call->mm->channel && call->thread)
		channel_expect_not(call->mm->channel, &call->thread->expected);
	if (call->door == DOOR_CHANNEL)
		hand_over(call);
}
