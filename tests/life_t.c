/* SPDX-License-Identifier: MIT */
/*
 * Exit, exec and death with requests in flight. If this breaks, accepted writes are lost, a new image is written
 * into, or a program hangs for good.
 */
#include "dispatch_rig.h"

enum { PLENTY = 16 << 20 };

static bool it_is_dead(void)
{
	return !d.contexts;
}

static void kill_program(unsigned k)
{
	kid_end(k);
	for (unsigned i = 1; i <= queued; i++)
		gone[i] = true;
	run_until(it_is_dead);
}

START_TEST(accepted_writes_outlive_the_program)
{
	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	memset(area->data, 'x', sizeof(area->data));
	for (unsigned i = 0; i < 5; i++)
		prepare(i, IOCB_CMD_PWRITE, file_fd, 512);
	script = "QQb";
	ck_assert_int_eq(answered(submit(0, 5)).value, 5);
	getevents(1, 1, 1, NULL);
	kid_end(0);
	gone[queued] = true;
	run_until(it_is_dead);
	ck_assert_uint_eq(d.orphans, 5);
	memset(area->data, 0, sizeof(area->data));
	script = "QQQ";
	give_back(0, 512);
	give_back(1, 512);
	deliver();
	ck_assert_str_eq(taken, "01234");
	ck_assert_int_eq(((char *)held[4]->iov[0].iov_base)[511], 'x');
	ck_assert(!dispatch_over(&d));
	for (unsigned i = 2; i < 5; i++)
		give_back(i, 512);
	deliver();
	ck_assert_uint_eq(tail(0), 0);		/* nobody is told */
	ck_assert_uint_eq(d.outstanding, 0);
	rig_close();
}
END_TEST

START_TEST(reads_of_the_dead_are_dropped)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 3; i++)
		prepare(i, IOCB_CMD_PREAD, i == 2 ? pipe_fds[0] : file_fd, 512);
	submit(0, 3);
	kill_program(0);
	ck_assert(!list_empty(&given_back));	/* the pipe's is asked back */
	deliver();
	give_back(0, 512);
	give_back(1, 512);
	deliver();
	ck_assert_uint_eq(tail(0), 0);
	ck_assert_int_eq(area->data[0], 0);
	rig_close();
}
END_TEST

START_TEST(a_write_is_finished_when_its_caller_was_killed)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	c = submit(0, 1);
	ck_assert(waits(c));
	gone[c] = true;
	run_until(nobody_is_parked);
	done(0, 512);
	ck_assert_uint_eq(tail(0), 1);		/* other threads live on */
	ck_assert(waits(c));
	rig_close();
}
END_TEST

static bool parent_is_known_dead(void)
{
	return !tasks_find(d.tasks, area->tid[0][0]);
}

/* It has the address space, but no call has ever told of it. */
START_TEST(a_vfork_child_that_outlives_its_parent_keeps_the_contexts)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, pipe_fds[0], 512);
	submit(0, 1);
	tell(0, 'v');
	while (!area->vfork_tid)
		sched_yield();
	kill(kid[0], SIGKILL);
	run_until(parent_is_known_dead);
	ck_assert_uint_eq(d.contexts, 1);
	ck_assert(list_empty(&given_back));
	kill_program(0);
	ck_assert(!list_empty(&given_back));
	rig_close();
}
END_TEST

static uint64_t execve_on(unsigned thread)
{
	return call(thread, SYS_execve, 0, 0, 0, NULL, NULL);
}

START_TEST(an_exec_waits_for_storage_and_holds_the_rest)
{
	uint64_t exec, held_call;

	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	prepare(1, IOCB_CMD_PREAD, pipe_fds[0], 512);
	prepare(2, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 2);
	exec = execve_on(0);
	ck_assert(waits(exec));
	held_call = submit_on(1, 2, 1);
	ck_assert(waits(held_call));
	done(0, 512);
	ck_assert(answered(exec).continued);
	ck_assert_uint_eq(tail(0), 1);
	done(1, 512);				/* nothing is copied into who knows what */
	ck_assert_uint_eq(tail(0), 1);
	ck_assert_int_eq(area->data[4096], 0);
	ck_assert(waits(held_call));
	ck_assert_int_eq(answered(getevents(0, 0, 1, NULL)).value, 1);	/* it is back: the exec has failed */
	ck_assert_uint_eq(tail(0), 2);
	ck_assert_int_eq(area->data[4096], 'b');
	ck_assert_int_eq(answered(held_call).value, 1);
	rig_close();
}
END_TEST

START_TEST(an_exec_that_succeeds_drops_what_is_late)
{
	uint64_t exec;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, pipe_fds[0], 512);
	submit(0, 1);
	exec = execve_on(0);
	ck_assert(answered(exec).continued);
	done(0, 512);
	ck_assert_uint_eq(d.outstanding, 1);
	tell(0, 'e');
	wait_for_exec(0);
	run_until(it_is_dead);
	ck_assert_uint_eq(d.outstanding, 0);
	ck_assert_uint_eq(tail(0), 0);
	ck_assert_int_eq(area->data[0], 0);
	rig_close();
}
END_TEST

START_TEST(an_exit_waits_for_storage_and_takes_back_the_rest)
{
	uint64_t leave, other;

	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	prepare(1, IOCB_CMD_PREAD, pipe_fds[0], 512);
	submit(0, 2);
	leave = call(0, SYS_exit_group, 0, 0, 0, NULL, NULL);
	ck_assert(waits(leave));
	ck_assert(!list_empty(&given_back));
	deliver();
	ck_assert(waits(leave));
	other = getevents(1, 0, 1, NULL);	/* of a thread that is about to be ended */
	ck_assert(waits(other));
	done(0, 512);
	ck_assert(answered(leave).continued);
	ck_assert(waits(other));
	rig_close();
}
END_TEST

START_TEST(the_exit_of_one_of_many_threads_waits_for_nothing)
{
	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	prepare(0, IOCB_CMD_PWRITE, file_fd, 512);
	submit(0, 1);
	ck_assert(answered(call(0, SYS_exit, 0, 0, 0, NULL, NULL)).continued);
	done(0, 512);
	ck_assert_uint_eq(tail(0), 1);
	rig_close();
}
END_TEST

/* docs/aio-abi.md, D6: a successor must not be overtaken by a write of its predecessor. */
START_TEST(later_programs_wait_for_the_writes_of_the_dead)
{
	uint64_t exec;

	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	kid_start(1);
	for (unsigned i = 0; i < 2; i++)
		prepare(i, IOCB_CMD_PWRITE, file_fd, 512);
	submit(0, 2);
	kill_program(0);
	exec = arrive(area->tid[1][0], SYS_execve, 0, 0, 0, NULL, NULL);
	run_until(nothing_waits);
	ck_assert(waits(exec));
	done(0, 512);
	ck_assert(waits(exec));
	done(1, 512);
	ck_assert(answered(exec).continued);
	rig_close();
}
END_TEST

UNIT_MAIN("life", accepted_writes_outlive_the_program, reads_of_the_dead_are_dropped,
	  a_write_is_finished_when_its_caller_was_killed,
	  a_vfork_child_that_outlives_its_parent_keeps_the_contexts,
	  an_exec_waits_for_storage_and_holds_the_rest, an_exec_that_succeeds_drops_what_is_late,
	  an_exit_waits_for_storage_and_takes_back_the_rest,
	  the_exit_of_one_of_many_threads_waits_for_nothing, later_programs_wait_for_the_writes_of_the_dead)
