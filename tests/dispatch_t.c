/* SPDX-License-Identifier: MIT */
/*
 * Calls in, answers out. If this breaks, a program hangs in a call, is answered twice, or sees completions in an
 * order that the kernel would not have made.
 */
#include "dispatch_rig.h"

enum { PLENTY = 16 << 20 };

START_TEST(what_is_done_at_once_is_there_before_the_answer)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 5; i++)
		prepare(i, i % 2 ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE, file_fd, 100 + i);
	script = "DDDDD";
	c = submit(0, 5);
	ck_assert_int_eq(answered(c).value, 5);
	ck_assert_uint_eq(answered(c).tail, 5);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_uint_eq(event(i)->data, i);
		ck_assert_uint_eq(event(i)->obj, (uintptr_t)&area->cb[i]);
		ck_assert_int_eq(event(i)->res, 100 + i);
		ck_assert_int_eq(event(i)->res2, 0);
	}
	ck_assert_int_eq(area->data[4096], 'b');
	ck_assert_int_eq(area->data[4096 + 101], 0);
	rig_close();
}
END_TEST

START_TEST(what_is_queued_comes_as_the_engine_gives_it_back)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 4; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, 512);
	c = submit(0, 4);
	ck_assert_int_eq(answered(c).value, 4);
	ck_assert_uint_eq(tail(0), 0);
	for (unsigned i = 4; i-- > 1;)
		give_back(i, 512);
	deliver();
	done(0, -EIO);
	ck_assert_uint_eq(tail(0), 4);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(event(i)->data, 3 - i);
	ck_assert_int_eq(event(3)->res, -EIO);
	ck_assert_int_eq(area->data[3 * 4096 + 511], 'd');
	ck_assert_int_eq(area->data[0], 0);
	rig_close();
}
END_TEST

static void none_has_overtaken(void)
{
	ck_assert_int_ge((int)strlen(taken), 2);
	ck_assert_int_lt((int)strlen(taken), 6);
	ck_assert(strncmp(taken, "012345", strlen(taken)) == 0);
}

START_TEST(a_busy_engine_is_asked_again_in_order)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	for (unsigned i = 0; i < 6; i++)
		prepare(i, IOCB_CMD_PWRITE, file_fd, 512);
	script = "QQBQb";
	c = submit(0, 6);
	ck_assert_int_eq(answered(c).value, 6);
	none_has_overtaken();
	script = "QBQb";
	done(0, 512);
	none_has_overtaken();
	script = "";
	done(1, 512);
	ck_assert_str_eq(taken, "012345");
	for (unsigned i = 2; i < 6; i++)
		done(i, 512);
	ck_assert_uint_eq(tail(0), 6);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_int_eq(event(i)->res, 512);
	rig_close();
}
END_TEST

START_TEST(a_refusal_ends_the_call_and_leaves_nothing)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 3; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, 512);
	script = "R";
	ck_assert_int_eq(answered(submit(0, 3)).value, -EINVAL);
	ck_assert_uint_eq(d.outstanding, 0);
	ck_assert_uint_eq(file_count(d.files), 0);
	script = "DR";
	c = submit(0, 3);
	ck_assert_int_eq(answered(c).value, 1);
	ck_assert_uint_eq(tail(0), 1);
	ck_assert_str_eq(taken, "001");
	ck_assert_uint_eq(d.counts.requests, 1);
	rig_close();
}
END_TEST

START_TEST(errors_of_the_call_itself)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, 999, 512);
	prepare(1, IOCB_CMD_PREAD, file_fd, 512)->aio_reserved2 = 1;
	area->list[2] = (uintptr_t)area->hole;
	ck_assert_int_eq(answered(submit(0, 0)).value, 0);
	ck_assert_int_eq(answered(submit(0, 1)).value, -EBADF);
	ck_assert_int_eq(answered(submit(1, 1)).value, -EINVAL);
	ck_assert_int_eq(answered(submit(2, 1)).value, -EFAULT);
	ck_assert_int_eq(answered(call(0, SYS_io_submit, handle(0), UINT64_MAX, 0, NULL, NULL)).value, -EINVAL);
	ck_assert_int_eq(answered(call(0, SYS_io_submit, handle(0) + 4, 0, 0, NULL, NULL)).value, -EINVAL);
	ck_assert_int_eq(answered(call(0, SYS_io_submit, handle(0), 1, (uintptr_t)area->hole, NULL, NULL)).value,
			 -EFAULT);
	ck_assert_int_eq(answered(call(0, SYS_io_destroy, 0, 0, 0, NULL, NULL)).value, -EINVAL);
	ck_assert_uint_eq(d.outstanding, 0);
	rig_close();
}
END_TEST

START_TEST(a_full_ring_takes_no_more)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 127; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, 0);
	script = "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD"
		 "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD";
	c = submit(0, 127);
	ck_assert_int_eq(answered(c).value, 120);
	ck_assert_uint_eq(tail(0), 120);
	ck_assert_int_eq(answered(submit(0, 1)).value, -EAGAIN);
	rings[0][2] = 1;		/* the program takes one by itself */
	script = "DD";
	ck_assert_int_eq(answered(submit(0, 2)).value, 1);
	rig_close();
}
END_TEST

START_TEST(getevents_takes_what_is_there)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 3; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, 512);
	script = "DDD";
	submit(0, 3);
	ck_assert_int_eq(answered(getevents(0, 0, 2, NULL)).value, 2);
	ck_assert_uint_eq(area->events[1].data, 1);
	ck_assert_uint_eq(rings[0][2], 2);
	area->timeout = (struct timespec){ 0, 0 };
	ck_assert_int_eq(answered(getevents(0, 5, 5, &area->timeout)).value, 1);
	ck_assert_uint_eq(area->events[0].data, 2);
	ck_assert_int_eq(answered(getevents(0, 1, 1, &area->timeout)).value, 0);
	ck_assert_int_eq(answered(getevents(0, 2, 1, NULL)).value, -EINVAL);
	ck_assert_int_eq(answered(call(0, SYS_io_getevents, handle(0), 0, 1, NULL, area->hole)).value, -EFAULT);
	rig_close();
}
END_TEST

START_TEST(getevents_that_cannot_deliver_takes_nothing)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 4; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, 512);
	script = "DDDD";
	submit(0, 4);
	ck_assert_int_eq(answered(call(0, SYS_io_getevents, handle(0), 4, 4, area->hole - 64, NULL)).value, -EFAULT);
	ck_assert_uint_eq(rings[0][2], 0);
	ck_assert_int_eq(answered(call(0, SYS_io_getevents, handle(0), 2, 2, area->hole - 64, NULL)).value, 2);
	ck_assert_uint_eq(rings[0][2], 2);
	rig_close();
}
END_TEST

/* docs/aio-abi.md, 11: the one that wants less is served first although it came second. */
START_TEST(each_waiter_is_woken_by_what_it_misses)
{
	uint64_t many, one;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 5; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 5);
	many = call(1, SYS_io_getevents, handle(0), 3, 5, &area->events[10], NULL);
	one = call(2, SYS_io_getevents, handle(0), 1, 1, &area->events[0], NULL);
	ck_assert(waits(many) && waits(one));
	done(3, 512);
	ck_assert_int_eq(answered(one).value, 1);
	ck_assert_uint_eq(area->events[0].data, 3);
	ck_assert(waits(many));
	done(0, 512);
	done(1, 512);
	ck_assert(waits(many));
	ck_assert_uint_eq(rings[0][2], 1);		/* nothing was taken for it while it waits */
	done(4, 512);
	ck_assert_int_eq(answered(many).value, 3);
	ck_assert_uint_eq(area->events[10].data, 0);
	ck_assert_uint_eq(area->events[12].data, 4);
	rig_close();
}
END_TEST

/* Its head says that events are present, and that there is none to take: the walk must end. */
START_TEST(a_wild_head_wakes_each_waiter_once)
{
	uint64_t first, second;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 3; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 3);
	first = call(1, SYS_io_getevents, handle(0), 1, 1, &area->events[0], NULL);
	second = call(2, SYS_io_getevents, handle(0), 1, 1, &area->events[1], NULL);
	rings[0][2] = 0x80000000u - 0x80000000u % rings[0][1] + 1;
	done(0, 512);
	ck_assert(waits(first) && waits(second));
	ck_assert_uint_eq(rings[0][2], 1);
	done(1, 512);
	done(2, 512);
	ck_assert_int_eq(answered(first).value, 1);
	ck_assert_int_eq(answered(second).value, 1);
	rig_close();
}
END_TEST

START_TEST(one_list_wakes_the_waiters_of_all_contexts)
{
	uint64_t first, second;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	setup(1);
	for (unsigned i = 0; i < 3; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 1);
	call(0, SYS_io_submit, handle(1), 2, (uintptr_t)&area->list[1], NULL, NULL);
	first = getevents(1, 1, 1, NULL);
	second = call(2, SYS_io_getevents, handle(1), 2, 2, &area->events[10], NULL);
	give_back(1, 512);
	give_back(0, 512);
	give_back(2, 512);
	deliver();
	ck_assert_int_eq(answered(first).value, 1);
	ck_assert_int_eq(answered(second).value, 2);
	ck_assert_uint_eq(tail(1), 2);
	rig_close();
}
END_TEST

START_TEST(what_was_taken_before_the_wait_counts)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 3; i++)
		prepare(i, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 3);
	done(0, 512);
	c = getevents(1, 3, 5, NULL);
	ck_assert(waits(c));
	ck_assert_uint_eq(rings[0][2], 1);
	done(1, 512);
	ck_assert(waits(c));
	done(2, 512);
	ck_assert_int_eq(answered(c).value, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(area->events[i].data, i);
	rig_close();
}
END_TEST

START_TEST(a_timeout_gives_what_is_there)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 1);
	area->timeout = (struct timespec){ 0, 500000 };
	getevents(1, 1, 2, &area->timeout);
	run_until(last_is_answered);
	ck_assert_int_eq(answered(queued).value, 0);
	done(0, 512);
	getevents(1, 2, 2, &area->timeout);
	run_until(last_is_answered);
	ck_assert_int_eq(answered(queued).value, 1);
	rig_close();
}
END_TEST

/* A killed caller has gone from its wait: what completes later stays for the others. */
START_TEST(nothing_is_taken_for_a_caller_that_is_gone)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 1);
	c = getevents(1, 1, 1, NULL);
	gone[c] = true;
	done(0, 512);
	ck_assert(waits(c));
	ck_assert_uint_eq(rings[0][2], 0);
	ck_assert_int_eq(answered(getevents(2, 1, 1, NULL)).value, 1);
	rig_close();
}
END_TEST

/* In state D, as a thread is whose parked call a signal would have interrupted. */
START_TEST(a_signal_ends_a_wait)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 1);
	getevents(0, 1, 1, NULL);
	tell(0, 'v');
	run_until(last_is_answered);
	ck_assert_int_eq(answered(queued).value, -EINTR);
	rig_close();
}
END_TEST

static bool context_is_there(void)
{
	return area->ctxp != 0;
}

START_TEST(a_frozen_thread_holds_nobody_up)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	area->ctxp = 0;
	remote_late = 3;
	answered(call(0, SYS_io_setup, 1, (uintptr_t)&area->ctxp, 0, NULL, NULL));
	ck_assert_uint_eq(area->ctxp, 0);
	ck_assert_uint_eq(remote_late, 2);
	ck_assert_int_eq(answered(call(1, SYS_io_destroy, 1, 0, 0, NULL, NULL)).value, -EINVAL);
	ck_assert_uint_eq(area->ctxp, 0);
	run_until(context_is_there);
	ck_assert_uint_eq(remote_late, 0);
	ck_assert_int_eq(remote_value, 0);
	ck_assert_uint_eq(area->ctxp, handle(ring_count_made - 1));
	rig_close();
}
END_TEST

START_TEST(a_frozen_thread_that_dies_leaves_nothing)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	area->ctxp = 0;
	remote_late = 1000000;
	answered(call(0, SYS_io_setup, 1, (uintptr_t)&area->ctxp, 0, NULL, NULL));
	rig_close();
	ck_assert_uint_eq(area->ctxp, 0);
	remote_late = 0;
}
END_TEST

START_TEST(a_foreign_call_is_enosys)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	c = arrive(area->tid[0][0], 245, 1, 0, 0, NULL, NULL);
	queue[queued - 1].arch = AUDIT_ARCH_I386;
	run_until(nothing_waits);
	ck_assert_int_eq(answered(c).value, -ENOSYS);
	rig_close();
}
END_TEST

UNIT_MAIN("dispatch", what_is_done_at_once_is_there_before_the_answer,
	  what_is_queued_comes_as_the_engine_gives_it_back, a_busy_engine_is_asked_again_in_order,
	  a_refusal_ends_the_call_and_leaves_nothing, errors_of_the_call_itself, a_full_ring_takes_no_more,
	  getevents_takes_what_is_there, getevents_that_cannot_deliver_takes_nothing,
	  each_waiter_is_woken_by_what_it_misses, a_wild_head_wakes_each_waiter_once,
	  one_list_wakes_the_waiters_of_all_contexts, what_was_taken_before_the_wait_counts,
	  a_timeout_gives_what_is_there, nothing_is_taken_for_a_caller_that_is_gone, a_signal_ends_a_wait,
	  a_frozen_thread_holds_nobody_up, a_frozen_thread_that_dies_leaves_nothing, a_foreign_call_is_enosys)
