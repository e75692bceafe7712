/* SPDX-License-Identifier: MIT */
/* What happens when room runs out. If this breaks, a program hangs for good or is refused what can be done. */
#include "dispatch_rig.h"

enum { PLENTY = 16 << 20, SMALL = 1 << 20, QUARTER = SMALL / 4 };

/* Whether the kernel's io_submit refuses a poll is known only when the engine has room to try. */
START_TEST(a_poll_that_finds_no_room_is_not_accepted_yet)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, file_fd, 512);
	prepare(1, IOCB_CMD_POLL, pipe_fds[0], 0);
	script = "Qb";
	c = submit(0, 2);
	ck_assert(waits(c));
	script = "R";
	done(0, 512);
	ck_assert_int_eq(answered(c).value, 1);
	ck_assert_uint_eq(tail(0), 1);
	script = "b";
	c = submit(1, 1);
	ck_assert_int_eq(answered(c).value, -EAGAIN);
	rig_close();
}
END_TEST

START_TEST(no_room_parks_and_goes_on)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, SMALL);
	for (unsigned i = 0; i < 6; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, QUARTER);
	c = submit(0, 6);
	ck_assert(waits(c));
	ck_assert_uint_eq(held_count, 4);
	done(2, QUARTER);
	ck_assert(waits(c));
	ck_assert_uint_eq(held_count, 5);
	done(0, QUARTER);
	ck_assert_int_eq(answered(c).value, 6);
	ck_assert_str_eq(taken, "012345");
	rig_close();
}
END_TEST

/* What the call itself has done holds memory until it is completed: that is no reason to wait for a peer. */
START_TEST(own_completions_make_room)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, SMALL);
	prepare(0, IOCB_CMD_POLL, pipe_fds[0], 0);
	submit(0, 1);
	for (unsigned i = 1; i < 12; i++)
		prepare(i, IOCB_CMD_PWRITE, file_fd, QUARTER);
	script = "DDDDDDDDDDD";
	c = submit(1, 11);
	ck_assert_int_eq(answered(c).value, 11);
	ck_assert_uint_eq(tail(0), 11);
	rig_close();
}
END_TEST

/* Storage can be as fast as that. */
START_TEST(what_is_done_as_soon_as_started_makes_room)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, SMALL);
	for (unsigned i = 0; i < 5; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, QUARTER);
	done_at_look = 1;
	c = submit(0, 5);
	ck_assert_int_eq(answered(c).value, 5);
	ck_assert_uint_eq(tail(0), 4);
	rig_close();
}
END_TEST

/* If it is done between the look behind its start and the parking, the rest of the list follows all the same. */
START_TEST(what_the_caller_waits_for_does_not_end_the_call)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_KERNEL, PLENTY);
	for (unsigned i = 0; i < 3; i++)
		prepare(i, IOCB_CMD_PWRITE, file_fd, 512);
	script = "QDD";
	done_at_look = 2;
	c = submit(0, 3);
	if (waits(c))
		done(0, 512);
	ck_assert_int_eq(answered(c).value, 3);
	ck_assert_str_eq(taken, "012");
	ck_assert_uint_eq(tail(0), 3);
	rig_close();
}
END_TEST

UNIT_MAIN("room", a_poll_that_finds_no_room_is_not_accepted_yet, no_room_parks_and_goes_on,
	  own_completions_make_room, what_is_done_as_soon_as_started_makes_room,
	  what_the_caller_waits_for_does_not_end_the_call)
