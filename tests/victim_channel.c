/* SPDX-License-Identifier: MIT */
/*
 * Plays the shim by hand, at its worst: tests/shim_slots.sh. Every io_submit appends one byte per
 * accepted entry to a file: what was made twice, or not at all, is seen by its size.
 */
#include "victim_channel.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>

#define STACK_BYTES 65536

/* --- one caller --- */

static void posted(unsigned rounds)
{
	struct iocb cb = append(), *list[] = { &cb };
	unsigned answered = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct channel_slot *slot = next_slot();
		uint32_t state;

		reap();
		post(slot, gettid(), 1, list);
		state = settle(slot);
		answered += state == SLOT_DONE;
		expected += finish(slot, state, list);
	}
	printf("by slots: %s\n", answered ? "some" : "none");
	say("posted");
}

/* Nothing, some microseconds, or as long as others want the CPU. */
static void linger(unsigned i)
{
	for (unsigned n = i % 512; n; n--)
		__builtin_ia32_pause();
	if (i % 3 == 0)
		(void)raw3(SYS_sched_yield, 0, 0, 0);
}

/* Who wins the exchange decides. */
static void taken_back(unsigned rounds)
{
	struct iocb cb = append(), *list[] = { &cb };
	unsigned back = 0, made = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct channel_slot *slot = next_slot();

		reap();
		post(slot, gettid(), 1, list);
		linger(i);
		if (change(slot, SLOT_POSTED, SLOT_CLAIMED)) {
			back++;
		} else {
			made++;
			expected += finish(slot, settle(slot), list);
		}
		slot->state = SLOT_FREE;
	}
	printf("both happen: %s\n", back && made ? "yes" : "no");
	say("taken back");
}

/* What it sleeps for takes a while: a list of many entries. */
static void sleeping(unsigned rounds)
{
	struct iocb cb[12], *list[12];
	unsigned slept = 0;

	for (unsigned i = 0; i < 12; i++) {
		cb[i] = append();
		list[i] = &cb[i];
	}
	for (unsigned i = 0; i < rounds; i++) {
		struct channel_slot *slot = next_slot();
		long result;

		reap();
		post(slot, gettid(), 12, list);
		while (state_of(slot) == SLOT_POSTED &&
		       __atomic_load_n(&channel->awake, __ATOMIC_SEQ_CST))
			__builtin_ia32_pause();
		if (change(slot, SLOT_TAKEN, SLOT_SLEEPS)) {
			slept++;
			while (state_of(slot) == SLOT_SLEEPS)
				(void)raw4(SYS_futex, (long)&slot->state, FUTEX_WAIT, SLOT_SLEEPS,
					   0);
		}
		result = settle(slot);
		if (result == SLOT_DONE)
			expected += slot->result;
		else
			expected += raw4(SYS_io_submit, ctx, 12, (long)list,
					 result == SLOT_TRAP ? (long)CHANNEL_MAGIC : 0);
		slot->state = SLOT_FREE;
	}
	printf("somebody slept: %s\n", slept ? "yes" : "no");
	say("asleep");
}

/* Of what is half done the trap makes the rest, once; another call instead leaves it as it is. */
static void handed_over(unsigned rounds)
{
	struct iocb cb[2] = { append(), append() }, *list[] = { &cb[0] }, *other[] = { &cb[1] };
	unsigned halves = 0;

	cb[0].aio_rw_flags = RWF_DSYNC;	/* what the caller of a buffered write waits for */
	for (unsigned i = 0; i < rounds; i++) {
		struct channel_slot *slot = next_slot();
		uint32_t state;

		reap();
		post(slot, gettid(), 1, list);
		state = settle(slot);
		halves += state == SLOT_TRAP;
		if (state == SLOT_TRAP && i % 2) {
			slot->state = SLOT_FREE;
			expected++;	/* it was accepted, but nobody asks for the answer */
			expected += by_trap(other, CHANNEL_MAGIC);
		} else {
			expected += finish(slot, state, list);
		}
	}
	need(!raw3(SYS_io_destroy, ctx, 0, 0));	/* waits for what nobody has asked for */
	printf("half done: %s\n", halves ? "some" : "none");
	say("handed over");
}

/* --- others --- */

struct other {
	struct iocb cb, *list[1];
	struct channel_slot *slot;
	char stack[STACK_BYTES] __attribute__((aligned(16)));
};

static int posts_and_dies(void *arg)
{
	struct other *o = arg;

	post(o->slot, raw3(SYS_gettid, 0, 0, 0), 1, o->list);
	linger((unsigned)expected++);
	(void)raw3(SYS_kill, raw3(SYS_getpid, 0, 0, 0), SIGKILL, 0);
	return 0;
}

static int makes_itself_known(void *arg)
{
	reap();
	return posts_and_dies(arg);
}

/* A child with this address space is killed behind its post: made, or not, and nobody waits. */
static void killed(unsigned rounds)
{
	struct other *o = calloc(1, sizeof(*o));
	unsigned made = 0;

	need(o);
	o->cb = append();
	o->list[0] = &o->cb;
	for (unsigned i = 0; i < rounds; i++) {
		const off_t before = size();
		pid_t child;
		int status;

		o->slot = next_slot();
		reap();
		child = clone(i % 2 ? makes_itself_known : posts_and_dies, o->stack + STACK_BYTES,
			      CLONE_VM | CLONE_FILES | SIGCHLD, o);
		need(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
		reap();		/* whoever looks has been past the slot */
		if (state_of(o->slot) == SLOT_POSTED)
			(void)change(o->slot, SLOT_POSTED, SLOT_CLAIMED);
		while (state_of(o->slot) == SLOT_TAKEN)
			sched_yield();
		need(size() - before <= 1);
		made += size() > before;
		o->slot->state = SLOT_FREE;
	}
	printf("made for the dead: %s\n", made && made < rounds ? "some" : "all or none");
	expected = size();
	free(o);
	say("killed");
}

static void stop_and_continue(pid_t who, const atomic_bool *end)
{
	struct timespec ts = { 0 };

	for (unsigned i = 0; !*end && getppid() == who; i++) {
		need(!kill(who, SIGSTOP));
		ts.tv_nsec = 20000 + i % 7 * 30000;	/* any moment is to be met */
		nanosleep(&ts, NULL);
		need(!kill(who, SIGCONT));
		nanosleep(&ts, NULL);
	}
	_exit(0);
}

/* Somebody stops and continues us all the time, wherever we are. */
static void stopped(unsigned rounds)
{
	const pid_t self = getpid();
	atomic_bool *end = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	need(end != MAP_FAILED);
	child = fork();
	need(child >= 0);
	if (!child)
		stop_and_continue(self, end);
	posted(rounds);
	*end = true;
	need(waitpid(child, NULL, 0) == child);
}

/* --- nonsense --- */

static atomic_bool over;

static void *scribbles(void *arg)
{
	uint64_t x = 88172645463325252ull;

	while (!over) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		/* the last eight; the others are in honest use */
		channel->slots[56 + x % 8] = (struct channel_slot){
			.state = x >> 8 & 7, .tid = (uint32_t)(x >> 16), .args = { x, x >> 3, x },
			.mask = x, .carried = x >> 5 & 31,
		};
		__atomic_fetch_or(&channel->posted, x & 0xffull << 56, __ATOMIC_SEQ_CST);
		channel->reaped = x;
	}
	return arg;
}

/* As a slot whose first entry is carried: what stands in our memory is not looked at. */
static long carrying(struct iocb *cb, uint32_t count, void *header)
{
	const uint64_t at = (uintptr_t)cb;

	for (unsigned i = 0; i < CHANNEL_SLOTS; i++) {
		struct channel_carried *c = &channel->carried[i];

		memcpy(c->ring, header, sizeof(c->ring));
		memcpy(c->at, &at, sizeof(at));
		memcpy(c->iocbs, cb, sizeof(*cb));
		channel->slots[i].carried = count;
	}
	return answered(gettid(), 1, NULL);
}

static void carried(unsigned rounds)
{
	struct iocb cb = append(), bad = append();
	uint64_t none[4] = { 99 };
	long done = 0;

	bad.aio_fildes = UINT32_MAX;
	for (unsigned i = 0; i < rounds; i++)
		done += carrying(&cb, i % 3 ? 1 : UINT32_MAX, (void *)ctx);
	expected += done;
	printf("all: %s, no such file: %ld, no ring: %ld, nothing: %ld\n",
	       done == (long)rounds ? "yes" : "no", carrying(&bad, 1, (void *)ctx),
	       carrying(&cb, 1, none), carrying(&cb, 0, (void *)ctx));
	say("carried");
}

static void nonsense(unsigned rounds)
{
	struct iocb cb = append(), *list[] = { &cb };
	const long strangers[] = { 0, -1, 1, getppid(), INT_MAX };
	pthread_t thread;

	printf("list nowhere: %ld, a negative number: %ld, none: %ld\n",
	       answered(gettid(), 1, NULL), answered(gettid(), -1, list),
	       answered(gettid(), 0, list));
	for (unsigned i = 0; i < 5; i++)
		printf("stranger %u: %ld\n", i, answered(strangers[i], 1, list));
	say("strangers");
	need(!pthread_create(&thread, NULL, scribbles, NULL));
	for (unsigned i = 0; i < rounds; i++) {
		struct channel_slot *slot = &channel->slots[i % 56];

		reap();
		post(slot, gettid(), 1, list);
		expected += finish(slot, settle(slot), list);
	}
	over = true;
	need(!pthread_join(thread, NULL));
	say("beside nonsense");
}

/* Bits without a call behind them, for as long as others want to be served. */
static void *floods(void *arg)
{
	while (!over)
		__atomic_fetch_or(&channel->posted, ~0ull, __ATOMIC_SEQ_CST);
	return arg;
}

static void flooded(unsigned rounds)
{
	struct iocb cb = append(), *list[] = { &cb };
	pthread_t threads[2];

	for (unsigned i = 0; i < 2; i++)
		need(!pthread_create(&threads[i], NULL, floods, NULL));
	for (unsigned i = 0; i < rounds; i++) {
		reap();
		expected += by_trap(list, 0);
	}
	over = true;
	for (unsigned i = 0; i < 2; i++)
		need(!pthread_join(threads[i], NULL));
	say("flooded");
}

/* --- execve --- */

#define ARGS 4000

static void *executes(void *arg)
{
	static char text[] = "an argument that takes its time to be copied, as one of many";
	static char name[] = "victim_channel", kind[] = "executed";
	static char *args[ARGS + 4] = { name, kind };

	args[2] = arg;
	for (unsigned i = 0; i < ARGS; i++)
		args[3 + i] = text;
	need(!execv("/proc/self/exe", args) && "not reached");
	return NULL;
}

/* The other thread's execve ends the address space at any moment of ours; the number stays. */
static void executed(unsigned rounds)
{
	struct iocb cb = append(), *list[] = { &cb };
	pthread_t thread;
	char left[16];

	if (rounds % 2)		/* nothing to be done before the execve, or a context */
		need(!raw3(SYS_io_destroy, ctx, 0, 0));
	if (!rounds) {
		printf("executed\n");
		return;
	}
	snprintf(left, sizeof(left), "%u", rounds - 1);
	need(!pthread_create(&thread, NULL, executes, left));
	for (;;) {
		struct timespec none = { 0 };
		struct channel_slot *slot = next_slot();

		(void)raw6(SYS_io_getevents, ctx, 0, 0, 0, (long)&none, 0);
		post(slot, getpid(), 1, list);
	}
}

int main(int argc, char **argv)
{
	const struct {
		const char *name;
		void (*run)(unsigned rounds);
	} kinds[] = { { "posted", posted },	{ "taken_back", taken_back },
		      { "sleeping", sleeping }, { "handed_over", handed_over },
		      { "killed", killed },	{ "stopped", stopped },
		      { "carried", carried },
		      { "nonsense", nonsense }, { "flooded", flooded },
		      { "executed", executed } };

	need(argc >= 3);
	alarm(VICTIM_SECONDS);
	begin();
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(argv[1], kinds[i].name)) {
			kinds[i].run((unsigned)atoi(argv[2]));
			return 0;
		}
	}
	return 1;
}
