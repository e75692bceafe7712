/* SPDX-License-Identifier: MIT */
/*
 * io_destroy with requests in flight. If this breaks, a context is gone before its writes are done, or what waits
 * for a peer is waited for.
 */
#include "dispatch_rig.h"

enum { PLENTY = 16 << 20 };

static uint64_t destroy_on(unsigned thread)
{
	return call(thread, SYS_io_destroy, handle(0), 0, 0, NULL, NULL);
}

START_TEST(destroy_waits_for_storage)
{
	uint64_t first, second, waiter;

	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	for (unsigned i = 0; i < 3; i++)
		prepare(i, IOCB_CMD_PWRITE, file_fd, 512);
	submit(0, 3);
	waiter = getevents(1, 1, 1, NULL);
	first = destroy_on(0);
	ck_assert_int_eq(answered(waiter).value, -EINVAL);
	ck_assert(waits(first));
	second = destroy_on(2);
	ck_assert_int_eq(answered(second).value, -EINVAL);	/* and does not wait */
	ck_assert_int_eq(answered(submit_on(2, 0, 1)).value, -EINVAL);
	ck_assert_uint_eq(d.aio_nr, 0);
	give_back(1, 512);
	give_back(0, 512);
	deliver();
	ck_assert(waits(first));
	done(2, 512);
	ck_assert_int_eq(answered(first).value, 0);
	ck_assert_uint_eq(remote_unmaps, 1);
	rig_close();
}
END_TEST

START_TEST(destroy_takes_back_what_waits_for_a_peer)
{
	struct iocb *cb;
	uint64_t c, count;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 2; i++) {
		cb = prepare(i, i ? IOCB_CMD_POLL : IOCB_CMD_PREAD, pipe_fds[0], 512);
		cb->aio_flags = IOCB_FLAG_RESFD;
		cb->aio_resfd = (uint32_t)event_fd;
	}
	submit(0, 2);
	c = destroy_on(0);
	ck_assert(waits(c));
	deliver();
	ck_assert_int_eq(answered(c).value, 0);
	ck_assert_int_eq(area->data[0], 0);
	ck_assert_int_eq(read(event_fd, &count, sizeof(count)), sizeof(count));
	ck_assert_uint_eq(count, 2);		/* one for each request: docs/aio-abi.md, 16 */
	rig_close();
}
END_TEST

START_TEST(what_comes_after_all_is_not_delivered_to_a_destroyed_context)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, pipe_fds[0], 512);
	submit(0, 1);
	cancels_late = true;
	c = destroy_on(0);
	ck_assert(waits(c));
	done(0, 512);
	ck_assert_int_eq(answered(c).value, 0);
	ck_assert_int_eq(area->data[0], 0);
	ck_assert_uint_eq(tail(0), 0);
	rig_close();
}
END_TEST

START_TEST(a_stalled_request_is_taken_back_too)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, file_fd, 512);
	prepare(1, IOCB_CMD_PREAD, pipe_fds[0], 512);
	script = "Qb";
	submit(0, 2);
	c = destroy_on(0);
	ck_assert(waits(c));
	done(0, 512);
	ck_assert_int_eq(answered(c).value, 0);
	ck_assert_str_eq(taken, "0");
	rig_close();
}
END_TEST

/* The context dies in the very turn in which a waiter's time is up. */
START_TEST(a_timeout_and_a_destroy_can_meet)
{
	uint64_t waiter, destroy, until_ns;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 8; i++) {
		area->timeout = (struct timespec){ 0, 300000 };
		waiter = arrive(area->tid[0][1], SYS_io_getevents, handle(i), 1, 1, area->events, &area->timeout);
		run_until(nothing_waits);
		until_ns = now_ns() + 400000;
		while (now_ns() < until_ns)
			;
		destroy = arrive(area->tid[0][0], SYS_io_destroy, handle(i), 0, 0, NULL, NULL);
		run_until(nothing_waits);
		ck_assert_int_eq(answered(destroy).value, 0);
		while (waits(waiter))
			run_until(nothing_waits);
		if (i < 7)
			setup(1);
	}
	rig_close();
}
END_TEST

UNIT_MAIN("destroy", destroy_waits_for_storage, destroy_takes_back_what_waits_for_a_peer,
	  what_comes_after_all_is_not_delivered_to_a_destroyed_context,
	  a_stalled_request_is_taken_back_too, a_timeout_and_a_destroy_can_meet)
