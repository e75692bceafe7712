/* SPDX-License-Identifier: MIT */
/*
 * Our end of a channel, with the shim's end played here. If this breaks, the shim takes events of
 * the wrong context, or a call is made twice, by nobody, or answered to somebody else.
 */
#include "channel.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit.h"

enum { TID = 4711 };

static struct channel *ch;
static struct channel_page *shim;	/* another mapping of it */
static struct list awake;

static void create_with(uint32_t flags)
{
	list_init(&awake);
	ch = channel_create(NULL, flags);
	ck_assert_ptr_nonnull(ch);
	shim = mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, channel_fd(ch), 0);
	ck_assert_ptr_ne(shim, MAP_FAILED);
	channel_given(ch);
	ck_assert_int_eq(channel_fd(ch), -1);
}

static void create(void)
{
	create_with(CHANNEL_REAP | CHANNEL_SUBMIT);
}

static void destroy(void)
{
	channel_destroy(ch);
	ck_assert_int_eq(munmap(shim, CHANNEL_BYTES), 0);
}

static void post(unsigned n)
{
	shim->slots[n].tid = TID + n;
	shim->slots[n].mask = 1000 + n;
	for (unsigned i = 0; i < 3; i++)
		shim->slots[n].args[i] = 10 * n + i;
	shim->slots[n].state = SLOT_POSTED;
	shim->posted |= 1ull << n;
}

static void carry(unsigned n, uint32_t said)
{
	struct channel_carried *c = &shim->carried[n];

	for (unsigned i = 0; i < 4; i++)
		c->ring[i] = 40 + i;
	for (unsigned i = 0; i < CHANNEL_CARRIED; i++) {
		c->at[i] = 100 + i;
		for (unsigned k = 0; k < 8; k++)
			c->iocbs[i][k] = 1000 * i + k;
	}
	shim->slots[n].carried = said;
}

static void expect_taken(int n)
{
	struct channel_call call;

	ck_assert(channel_posted(ch));
	ck_assert_int_eq(channel_take(ch, &call), n);
	ck_assert_int_eq(call.tid, TID + n);
	ck_assert_uint_eq(call.mask, 1000u + (unsigned)n);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(call.args[i], 10u * (unsigned)n + i);
	ck_assert_uint_eq(shim->slots[n].state, SLOT_TAKEN);
}

static void expect_none(void)
{
	struct channel_call call;

	ck_assert_int_eq(channel_take(ch, &call), -1);
	ck_assert(!channel_posted(ch));
}

START_TEST(the_page_says_what_the_shim_may)
{
	create();
	ck_assert_uint_eq(shim->version, CHANNEL_VERSION);
	ck_assert_uint_eq(shim->flags, CHANNEL_REAP | CHANNEL_SUBMIT);
	ck_assert_uint_eq(shim->awake, 0);
	destroy();
}
END_TEST

START_TEST(contexts_have_lines_as_far_as_there_is_room)
{
	struct context *ctx[CHANNEL_RINGS + 1];
	uint64_t number;
	int err = 0;

	create();
	for (unsigned i = 0; i <= CHANNEL_RINGS; i++) {
		ctx[i] = context_create(NULL, i, 1, 1, &err);
		ck_assert_ptr_nonnull(ctx[i]);
		ctx[i]->handle = 0x1000 * (i + 1);
		ctx[i]->number = i + 1;
		channel_enter(ch, ctx[i]);
	}
	ck_assert_ptr_null(ctx[CHANNEL_RINGS]->line);
	ck_assert_uint_eq(shim->rings[5].handle, 0x6000);
	ck_assert_uint_eq(shim->rings[5].id, 5);
	number = shim->rings[5].number;
	ctx[5]->handle = 0x77000;
	channel_moved(ctx[5]);
	ck_assert_uint_eq(shim->rings[5].handle, 0x77000);
	channel_leave(ch, ctx[5]);
	ck_assert_uint_eq(shim->rings[5].handle, 0);
	channel_enter(ch, ctx[CHANNEL_RINGS]);
	ck_assert_uint_eq(shim->rings[5].handle, 0x1000 * (CHANNEL_RINGS + 1));
	ck_assert_uint_ne(shim->rings[5].number, number);
	for (unsigned i = 0; i <= CHANNEL_RINGS; i++) {
		if (ctx[i]->line)
			channel_leave(ch, ctx[i]);
		context_destroy(ctx[i]);
	}
	destroy();
}
END_TEST

START_TEST(what_a_slot_carries_is_copied_as_far_as_there_is_room)
{
	struct channel_carried got = { .ring = { 0 } };

	create();
	post(5);
	expect_taken(5);
	ck_assert_uint_eq(channel_carried(ch, 5, &got), 0);
	carry(5, 2);
	ck_assert_uint_eq(channel_carried(ch, 5, &got), 2);
	ck_assert_mem_eq(got.ring, shim->carried[5].ring, sizeof(got.ring));
	ck_assert_uint_eq(got.at[1], 101);
	ck_assert_uint_eq(got.iocbs[1][7], 1007);
	carry(5, UINT32_MAX);
	ck_assert_uint_eq(channel_carried(ch, 5, &got), CHANNEL_CARRIED);
	ck_assert_uint_eq(got.iocbs[CHANNEL_CARRIED - 1][7], 1000u * (CHANNEL_CARRIED - 1) + 7);
	destroy();
}
END_TEST

START_TEST(each_post_is_taken_once)
{
	create();
	expect_none();
	post(3);
	post(63);
	post(0);
	expect_taken(0);
	expect_taken(3);
	post(1);		/* behind those that were seen before */
	expect_taken(63);
	expect_taken(1);
	expect_none();
	destroy();
}
END_TEST

START_TEST(what_was_taken_back_is_not_taken)
{
	create();
	post(7);
	shim->slots[7].state = SLOT_CLAIMED;
	expect_none();
	shim->posted = UINT64_MAX;	/* a word without a meaning */
	expect_none();
	destroy();
}
END_TEST

START_TEST(an_answer_is_told)
{
	create();
	post(7);
	expect_taken(7);
	channel_answer(ch, 7, -14, 1u << 13);
	ck_assert_uint_eq(shim->slots[7].state, SLOT_DONE);
	ck_assert_int_eq(shim->slots[7].result, -14);
	ck_assert_uint_eq(shim->slots[7].raise, 1u << 13);
	post(7);
	expect_taken(7);
	channel_to_the_trap(ch, 7);
	ck_assert_uint_eq(shim->slots[7].state, SLOT_TRAP);
	destroy();
}
END_TEST

static void *sleeper(void *arg)
{
	struct channel_slot *slot = arg;

	while (__atomic_load_n(&slot->state, __ATOMIC_SEQ_CST) == SLOT_SLEEPS)
		(void)syscall(SYS_futex, &slot->state, FUTEX_WAIT, SLOT_SLEEPS, NULL, NULL, 0);
	return arg;
}

START_TEST(who_sleeps_is_woken)
{
	pthread_t thread;

	create();
	for (unsigned i = 0; i < 200; i++) {
		post(9);
		expect_taken(9);
		shim->slots[9].state = SLOT_SLEEPS;
		ck_assert_int_eq(pthread_create(&thread, NULL, sleeper, &shim->slots[9]), 0);
		channel_answer(ch, 9, i, 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		ck_assert_int_eq(shim->slots[9].result, i);
	}
	destroy();
}
END_TEST

START_TEST(awake_is_said_and_taken_back)
{
	create();
	channel_wake(ch, &awake);
	channel_wake(ch, &awake);
	ck_assert_uint_eq(shim->awake, 1);
	ck_assert_ptr_eq(channel_of(awake.next), ch);
	post(2);
	channel_rest(ch);
	ck_assert_uint_eq(shim->awake, 0);
	ck_assert(list_empty(&awake));
	expect_taken(2);		/* posted before */
	channel_wake(ch, &awake);
	destroy();
	ck_assert(list_empty(&awake));
}
END_TEST

START_TEST(whom_to_expect)
{
	uint64_t one = 0, other = 0;

	create();
	channel_wake(ch, &awake);
	ck_assert(!channel_expects(ch));
	channel_expect_not(ch, &one);
	ck_assert(!channel_expects(ch));
	channel_expect(ch, &one);
	channel_expect(ch, &one);
	channel_expect(ch, &other);
	channel_expect_not(ch, &one);
	ck_assert(channel_expects(ch));
	channel_expect_not(ch, &other);
	ck_assert(!channel_expects(ch));
	channel_expect(ch, &one);
	channel_rest(ch);
	ck_assert(!channel_expects(ch));
	channel_expect_not(ch, &one);	/* of a time that is over */
	channel_expect(ch, &other);
	ck_assert(channel_expects(ch));
	destroy();
}
END_TEST

static void tell(unsigned n, uint64_t number, uint32_t head, uint32_t state)
{
	shim->notes[n] = (struct channel_note){ .number = number, .head = head, .count = 1 };
	shim->notes[n].state = state;
	shim->told++;
}

START_TEST(notes_are_read_once_if_they_are_asked_for)
{
	struct channel_note note;
	unsigned from = 0;

	create();
	tell(1, 5, 0, NOTE_TOLD);
	ck_assert(!channel_told(ch));
	ck_assert(!channel_note_next(ch, 5, &from, &note));
	destroy();
	create_with(CHANNEL_REAP | CHANNEL_TELL);
	tell(0, 5, 0, NOTE_CLAIMED);
	tell(1, 6, 0, NOTE_TOLD);
	tell(2, 5, 7, NOTE_TRYING);
	tell(31, 5, 8, NOTE_TOLD);
	ck_assert(channel_told(ch));
	ck_assert(!channel_told(ch));
	ck_assert(channel_note_next(ch, 5, &from, &note));
	ck_assert_uint_eq(note.head, 7);
	ck_assert(!channel_note_settle(ch, from, &note));
	shim->notes[2].state = NOTE_TOLD;
	note.state = NOTE_TRYING;
	ck_assert(channel_note_settle(ch, from, &note));
	channel_note_free(ch, from);
	ck_assert_uint_eq(shim->notes[2].state, NOTE_FREE);
	ck_assert(channel_note_next(ch, 5, &from, &note));
	ck_assert_uint_eq(note.head, 8);
	ck_assert(!channel_note_next(ch, 5, &from, &note));
	destroy();
}
END_TEST

UNIT_MAIN("channel", the_page_says_what_the_shim_may, contexts_have_lines_as_far_as_there_is_room,
	  what_a_slot_carries_is_copied_as_far_as_there_is_room,
	  each_post_is_taken_once, what_was_taken_back_is_not_taken, an_answer_is_told,
	  who_sleeps_is_woken, awake_is_said_and_taken_back, whom_to_expect,
	  notes_are_read_once_if_they_are_asked_for)
