/* SPDX-License-Identifier: MIT */
/* What handlers make of the arguments of a call. If this breaks, limits and requests are not what was asked for. */
#include "dispatch_rig.h"

enum { PLENTY = 16 << 20 };

/* Whoever polls is told of errors and hang-ups, asked for or not. */
START_TEST(a_poll_asks_for_errors_too)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_POLL, pipe_fds[0], 0);
	submit(0, 1);
	ck_assert_uint_eq(held[0]->poll_events, POLLIN | POLLERR | POLLHUP);
	rig_close();
}
END_TEST

START_TEST(the_last_request_of_the_limit_can_be_had)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);		/* which has taken one */
	cfg.max_nr = 100;
	setup(99);
	area->ctxp = 0;
	call(0, SYS_io_setup, 1, (uintptr_t)&area->ctxp, 0, NULL, NULL);
	ck_assert_int_eq(remote_value, -EAGAIN);
	ck_assert_uint_eq(area->ctxp, 0);
	rig_close();
}
END_TEST

UNIT_MAIN("handlers", a_poll_asks_for_errors_too, the_last_request_of_the_limit_can_be_had)
