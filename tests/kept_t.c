/* SPDX-License-Identifier: MIT */
/* Calls that a signal breaks off after they were received: nothing runs twice and nothing is lost by it. */
#include "kept.h"

#include "dispatch_rig.h"

enum { PLENTY = 64 << 20 };

static void open_breakable(void)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	d.breakable = true;
}

static void lose(uint64_t cookie)
{
	gone[cookie] = true;
}

/* The caller is broken off just before the answer. */
static uint64_t losing(uint64_t (*make)(void))
{
	uint64_t c;

	on_answer = lose;
	c = make();
	on_answer = NULL;
	return c;
}

static uint64_t submit_first(void)
{
	return submit(0, 1);
}

static uint64_t take_one(void)
{
	return getevents(0, 1, 1, NULL);
}

START_TEST(a_restart_gets_the_lost_answer)
{
	const uint64_t calls = (open_breakable(), d.counts.calls);

	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	script = "DD";
	losing(submit_first);
	ck_assert_int_eq(answered(submit(0, 1)).value, 1);
	ck_assert_str_eq(taken, "0");
	ck_assert_uint_eq(tail(0), 1);
	ck_assert_uint_eq(d.counts.calls, calls + 1);
	ck_assert_int_eq(answered(submit(0, 1)).value, 1);	/* now it is a new one */
	ck_assert_str_eq(taken, "00");
	rig_close();
}
END_TEST

START_TEST(a_restart_may_be_broken_off_too)
{
	open_breakable();
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	script = "DD";
	for (unsigned i = 0; i < 3; i++)
		losing(submit_first);
	ck_assert_int_eq(answered(submit(0, 1)).value, 1);
	ck_assert_str_eq(taken, "0");
	rig_close();
}
END_TEST

/* A program that takes EINTR for a failure goes on with other requests, by the same call. */
START_TEST(other_entries_are_no_restart)
{
	open_breakable();
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	script = "DD";
	losing(submit_first);
	area->cb[0].aio_offset = 5 * 4096;
	ck_assert_int_eq(answered(submit(0, 1)).value, 1);
	ck_assert_str_eq(taken, "05");
	rig_close();
}
END_TEST

START_TEST(nothing_is_kept_beyond_the_next_call)
{
	open_breakable();
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	script = "DD";
	losing(submit_first);
	area->timeout = (struct timespec){ 0, 0 };
	ck_assert_int_eq(answered(getevents(0, 0, 1, &area->timeout)).value, 1);
	ck_assert_int_eq(answered(submit(0, 1)).value, 1);
	ck_assert_str_eq(taken, "00");
	rig_close();
}
END_TEST

START_TEST(nobody_is_served_who_is_gone_already)
{
	uint64_t c;

	open_breakable();
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	c = queued + 1;
	queued++;
	queue[c - 1] = (struct notice){ .cookie = c, .tid = (uint32_t)area->tid[0][0], .arch = AUDIT_ARCH_X86_64,
					.nr = SYS_io_submit, .args = { handle(0), 1, (uintptr_t)&area->list[0] } };
	ck_assert_int_eq(write(trap_fd, &(uint64_t){ 1 }, 8), 8);
	answers[c].count = 1;		/* received, but not valid any more */
	run_until(nothing_waits);
	answers[c].count = 0;
	ck_assert_str_eq(taken, "");
	rig_close();
}
END_TEST

START_TEST(a_restart_goes_on_where_it_was)
{
	uint64_t first, again;

	open_breakable();
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	first = submit(0, 1);
	gone[first] = true;
	again = submit(0, 1);
	ck_assert_str_eq(taken, "0");
	done(0, 512);
	ck_assert_int_eq(answered(again).value, 1);
	ck_assert(waits(first));
	rig_close();
}
END_TEST

/* Its write is done while the handler runs, which takes long. */
START_TEST(a_call_half_way_waits_for_its_caller)
{
	uint64_t first, again;

	open_breakable();
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	prepare(1, IOCB_CMD_PWRITE, file_fd, 512);
	first = submit(0, 2);
	gone[first] = true;
	done(0, 512);
	ck_assert_str_eq(taken, "0");
	script = "D";
	again = submit(0, 2);
	run_until(nothing_waits);
	ck_assert_int_eq(answered(again).value, 2);
	ck_assert_str_eq(taken, "01");
	rig_close();
}
END_TEST

START_TEST(events_that_were_taken_come_back)
{
	open_breakable();
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	script = "D";
	submit(0, 1);
	losing(take_one);
	ck_assert_uint_eq(rings[0][2], 0);
	ck_assert_int_eq(answered(getevents(1, 1, 1, NULL)).value, 1);
	rig_close();
}
END_TEST

START_TEST(a_wait_takes_nothing_before_it_can_answer)
{
	uint64_t c;

	open_breakable();
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	prepare(1, IOCB_CMD_PWRITE, other_fd, 512);
	script = "D";
	submit(0, 1);
	c = getevents(1, 2, 2, NULL);
	ck_assert_uint_eq(rings[0][2], 0);
	script = "D";
	submit(1, 1);
	ck_assert_int_eq(answered(c).value, 2);
	rig_close();
}
END_TEST

static uint64_t asked;

static bool is_answered(void)
{
	return answers[asked].count;
}

START_TEST(a_wait_ends_with_eintr_although_it_is_restarted)
{
	open_breakable();
	gone[getevents(1, 1, 1, NULL)] = true;
	asked = getevents(1, 1, 1, NULL);
	run_until(is_answered);
	ck_assert_int_eq(answered(asked).value, -EINTR);
	rig_close();
}
END_TEST

UNIT_MAIN("kept", a_restart_gets_the_lost_answer, a_restart_may_be_broken_off_too, other_entries_are_no_restart,
	  nothing_is_kept_beyond_the_next_call, nobody_is_served_who_is_gone_already, a_restart_goes_on_where_it_was,
	  a_call_half_way_waits_for_its_caller, events_that_were_taken_come_back,
	  a_wait_takes_nothing_before_it_can_answer, a_wait_ends_with_eintr_although_it_is_restarted)
