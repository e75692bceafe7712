/* SPDX-License-Identifier: MIT */
/*
 * The way from io to ring. If this breaks, a program sees an event before its data, or a count that is not what
 * was moved.
 */
#include "copy_out.h"
#include "dispatch_rig.h"

enum { PLENTY = 16 << 20, PIECE = REQUEST_INLINE_PIECE_BYTES };

static uint64_t waiter;
static char effects[16];

static void effect(char what)
{
	effects[strlen(effects)] = what;
}

static uint64_t event_count(void)
{
	uint64_t n = 0;

	return read(event_fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static bool look(const struct plan *plan, enum seam at, void *subject)
{
	const struct request *r;

	switch (at) {
	case SEAM_PUBLISH:
		r = request_of(((struct list *)subject)->next);
		ck_assert_int_eq(area->data[0], 'a');		/* the data are there ... */
		ck_assert_int_eq(area->data[511], 'a');
		ck_assert_uint_eq(tail(0), 0);			/* ... the event is not */
		ck_assert_int_eq(r->io.result, 512);
		effect('p');
		break;
	case SEAM_EVENTFD:
		ck_assert_uint_eq(tail(0), 1);
		ck_assert_uint_eq(event(0)->data, 0);
		ck_assert_uint_eq(event_count(), 0);
		ck_assert(waits(waiter));
		effect('e');
		break;
	case SEAM_CALL:
	case SEAM_ACCEPTED:
	case SEAM_IO:
	case SEAM_DONE:
	case SEAM_CANCEL:
	case SEAM_DESTROYED:
	case SEAM_LEAVING:
	case SEAM_DEAD:
		break;
	}
	return false;
}

static void look_at_answer(uint64_t cookie)
{
	if (cookie != waiter)
		return;
	ck_assert_uint_eq(event_count(), 1);
	ck_assert_uint_eq(file_count(d.files), 2);
	effect('a');
}

START_TEST(effects_come_in_the_kernel_s_order)
{
	static const struct plan plan = { .at = look };
	struct iocb *cb;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	cb = prepare(0, IOCB_CMD_PREAD, file_fd, 512);
	cb->aio_flags = IOCB_FLAG_RESFD;
	cb->aio_resfd = (uint32_t)event_fd;
	submit(0, 1);
	waiter = getevents(1, 1, 1, NULL);
	on_answer = look_at_answer;
	d.plan = &plan;
	done(0, 512);
	d.plan = NULL;
	ck_assert_str_eq(effects, "pea");
	ck_assert_uint_eq(file_count(d.files), 0);
	rig_close();
}
END_TEST

static bool change_result(const struct plan *plan, enum seam at, void *subject)
{
	if (at == SEAM_PUBLISH)
		request_of(((struct list *)subject)->next)->io.result = -EIO;
	return false;
}

START_TEST(a_plan_can_change_what_is_published)
{
	static const struct plan plan = { .at = change_result };

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 1);
	d.plan = &plan;
	done(0, 512);
	d.plan = NULL;
	ck_assert_int_eq(event(0)->res, -EIO);
	rig_close();
}
END_TEST

START_TEST(each_completion_counts_in_the_eventfd)
{
	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	for (unsigned i = 0; i < 3; i++) {
		struct iocb *cb = prepare(i, IOCB_CMD_PREAD, file_fd, 512);

		cb->aio_flags = IOCB_FLAG_RESFD;
		cb->aio_resfd = (uint32_t)event_fd;
	}
	script = "DQQ";
	submit(0, 3);
	ck_assert_uint_eq(event_count(), 1);
	give_back(0, 0);
	give_back(1, -EIO);
	deliver();
	ck_assert_uint_eq(event_count(), 2);
	rig_close();
}
END_TEST

START_TEST(a_full_eventfd_blocks_nobody)
{
	const uint64_t full = UINT64_MAX - 1;
	struct iocb *cb;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	ck_assert_int_eq(fcntl(event_fd, F_SETFL, 0), 0);	/* a write would block */
	ck_assert_int_eq(write(event_fd, &full, sizeof(full)), sizeof(full));
	cb = prepare(0, IOCB_CMD_PREAD, file_fd, 512);
	cb->aio_flags = IOCB_FLAG_RESFD;
	cb->aio_resfd = (uint32_t)event_fd;
	submit(0, 1);
	done(0, 512);
	ck_assert_uint_eq(tail(0), 1);
	rig_close();
}
END_TEST

/* data + 4096 * i, but so that `good` bytes lie before the hole. */
static struct iocb *at_hole(unsigned i, unsigned opcode, uint64_t bytes, uint64_t good)
{
	struct iocb *cb = prepare(i, opcode, file_fd, bytes);

	cb->aio_buf = (uintptr_t)area->hole - good;
	return cb;
}

START_TEST(a_fault_in_copy_out_gives_the_count_before_it)
{
	static const int64_t expected[] = { 512, 100, -EFAULT, 512 };
	struct iocb *cut;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, file_fd, 512);
	cut = at_hole(1, IOCB_CMD_PREAD, 200, 100);
	at_hole(2, IOCB_CMD_PREAD, 200, 0);
	prepare(3, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 4);
	give_back(0, 512);
	give_back(1, 200);
	give_back(2, 200);
	give_back(3, 512);
	deliver();
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(event(i)->res, expected[i]);
	ck_assert_int_eq(*(char *)(uintptr_t)(cut->aio_buf + 99), 'b');
	ck_assert_int_eq(area->data[3 * 4096 + 511], 'd');
	rig_close();
}
END_TEST

START_TEST(a_short_read_copies_no_more_than_was_read)
{
	struct iocb *cb;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	cb = prepare(0, IOCB_CMD_PREADV, file_fd, 3);
	area->vec[0] = (struct iovec){ area->data, 10 };
	area->vec[1] = (struct iovec){ area->data + 100, 10 };
	area->vec[2] = (struct iovec){ area->hole, 10 };
	cb->aio_buf = (uintptr_t)area->vec;
	prepare(1, IOCB_CMD_PREAD, file_fd, 512);
	submit(0, 2);
	give_back(0, 15);
	give_back(1, 512);
	deliver();
	ck_assert_int_eq(event(0)->res, 15);		/* the hole was not reached */
	ck_assert_int_eq(area->data[4096], 'b');	/* and the neighbour is where it belongs */
	ck_assert_int_eq(area->data[4096 + 511], 'b');
	ck_assert_mem_eq(area->data, "aaaaaaaaaa", 11);
	ck_assert_mem_eq(area->data + 100, "aaaaa", 6);
	rig_close();
}
END_TEST

/* What becomes of the part that is not there is the kernel's to say. */
START_TEST(a_fault_in_copy_in_leaves_the_judgement_to_the_engine)
{
	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	at_hole(0, IOCB_CMD_PWRITE, 200, 100);
	at_hole(1, IOCB_CMD_PWRITE, 200, 0);
	ck_assert_int_eq(answered(submit(0, 2)).value, 2);
	ck_assert_uint_eq(held_count, 2);
	ck_assert_uint_eq(held[0]->length_bytes, 200);
	ck_assert_uint_eq(held[0]->iov_count, 2);
	ck_assert_uint_eq(held[1]->iov_count, 1);
	ck_assert_ptr_null(held[1]->iov[0].iov_base);
	done(1, -EFAULT);
	ck_assert_uint_eq(event(0)->data, 1);
	ck_assert_int_eq(event(0)->res, -EFAULT);
	done(0, 100);
	ck_assert_int_eq(event(1)->res, 100);
	rig_close();
}
END_TEST

/* The engine must have got the program's bytes from `at` on. */
static void check_data(const struct io *io, uint64_t at)
{
	for (unsigned i = 0; i < io->iov_count; at += io->iov[i++].iov_len)
		ck_assert_mem_eq(io->iov[i].iov_base, &area->data[at], io->iov[i].iov_len);
}

static void pattern(void)
{
	for (unsigned i = 0; i < DATA_BYTES; i++)
		area->data[i] = (char)(i * 7 + i / 4096);
}

START_TEST(a_write_in_pieces_holds_its_caller_until_all_is_copied_in)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	pattern();
	prepare(0, IOCB_CMD_PWRITE, file_fd, 3 * PIECE + 10);
	prepare(1, IOCB_CMD_PWRITE, file_fd, 512);
	c = submit(0, 2);
	for (unsigned piece = 0; piece < 4; piece++) {
		ck_assert(waits(c));
		ck_assert_uint_eq(held_count, piece + 1);
		ck_assert_uint_eq(tail(0), 0);
		ck_assert_int_eq(held[piece]->offset, piece * (int64_t)PIECE);
		ck_assert_uint_eq(held[piece]->length_bytes, piece < 3 ? PIECE : 10);
		check_data(held[piece], piece * (uint64_t)PIECE);
		done(piece, (int64_t)held[piece]->length_bytes);
	}
	ck_assert_int_eq(event(0)->res, 3 * PIECE + 10);
	ck_assert_int_eq(answered(c).value, 2);		/* and the call went on with its second entry */
	ck_assert_uint_eq(held_count, 5);
	ck_assert_uint_eq(d.outstanding, 1);
	rig_close();
}
END_TEST

START_TEST(a_write_whose_first_piece_is_done_at_once_still_holds_its_caller)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	prepare(0, IOCB_CMD_PWRITE, file_fd, 2 * PIECE);
	script = "DQ";
	c = submit(0, 1);
	ck_assert(waits(c));
	done(0, PIECE);
	ck_assert_int_eq(answered(c).value, 1);
	ck_assert_int_eq(event(0)->res, 2 * PIECE);
	rig_close();
}
END_TEST

START_TEST(a_short_piece_is_the_last)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	prepare(0, IOCB_CMD_PWRITE, file_fd, 4 * PIECE);
	c = submit(0, 1);
	done(0, PIECE);
	done(1, 7);
	ck_assert_int_eq(answered(c).value, 1);
	ck_assert_uint_eq(held_count, 2);
	ck_assert_int_eq(event(0)->res, PIECE + 7);
	rig_close();
}
END_TEST

START_TEST(a_fault_in_a_later_piece_gives_the_sum_before)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_ASYNC, PLENTY);
	at_hole(0, IOCB_CMD_PWRITE, 4 * PIECE, 2 * PIECE);
	c = submit(0, 1);
	done(0, PIECE);
	done(1, PIECE);
	done(2, -EFAULT);
	ck_assert_int_eq(answered(c).value, 1);
	ck_assert_int_eq(event(0)->res, 2 * PIECE);
	at_hole(0, IOCB_CMD_PREAD, 4 * PIECE, PIECE + 100);
	script = "DDDD";
	ck_assert_int_eq(answered(submit(0, 1)).value, 1);
	ck_assert_int_eq(event(1)->res, PIECE + 100);
	rig_close();
}
END_TEST

START_TEST(a_read_in_pieces_holds_nobody)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, file_fd, 2 * PIECE + 4096);
	script = "DQD";
	c = submit(0, 1);
	ck_assert_int_eq(answered(c).value, 1);
	ck_assert_uint_eq(tail(0), 0);
	done(0, PIECE);
	ck_assert_uint_eq(tail(0), 1);
	ck_assert_int_eq(event(0)->res, 2 * PIECE + 4096);
	ck_assert_int_eq(area->data[PIECE - 1], 'a');
	ck_assert_int_eq(area->data[PIECE], 'a' + PIECE / 4096 % 26);
	ck_assert_int_eq(area->data[2 * PIECE + 4095], 'a' + 2 * PIECE / 4096 % 26);
	ck_assert_int_eq(area->data[2 * PIECE + 4096], 0);
	rig_close();
}
END_TEST

/* D1: a buffered write that had to be queued keeps its caller, as in the kernel; a read does not. */
START_TEST(a_slow_buffered_write_is_waited_for)
{
	uint64_t c;

	rig_open(CONFIG_SUBMIT_AUTO, PLENTY);
	prepare(0, IOCB_CMD_PREAD, file_fd, 512);
	prepare(1, IOCB_CMD_PWRITE, file_fd, 512);
	prepare(2, IOCB_CMD_PWRITE, file_fd, 512);
	c = submit(0, 3);
	ck_assert(waits(c));
	ck_assert_str_eq(taken, "01");
	done(1, 512);
	ck_assert(waits(c));
	ck_assert_str_eq(taken, "012");
	done(2, 512);
	ck_assert_int_eq(answered(c).value, 3);
	ck_assert_uint_eq(tail(0), 2);
	rig_close();
}
END_TEST

static bool engine_gives_back(void)
{
	return !list_empty(&given_back);
}

/* --submit=kernel, docs/aio-abi.md, 8.2: the read is broken off, not the call. */
START_TEST(a_signal_breaks_off_what_the_caller_waits_for)
{
	rig_open(CONFIG_SUBMIT_KERNEL, PLENTY);
	prepare(0, IOCB_CMD_PREAD, pipe_fds[0], 8);
	prepare(1, IOCB_CMD_PREAD, file_fd, 8);
	script = "QD";
	submit(0, 2);
	ck_assert(waits(queued));
	tell(0, 'v');
	run_until(engine_gives_back);
	deliver();
	run_until(last_is_answered);
	ck_assert_int_eq(answered(queued).value, 2);
	ck_assert_int_eq(event(0)->res, -EINTR);
	ck_assert_int_eq(event(1)->res, 8);
	rig_close();
}
END_TEST

UNIT_MAIN("complete", effects_come_in_the_kernel_s_order, a_plan_can_change_what_is_published,
	  each_completion_counts_in_the_eventfd, a_full_eventfd_blocks_nobody,
	  a_fault_in_copy_out_gives_the_count_before_it, a_short_read_copies_no_more_than_was_read,
	  a_fault_in_copy_in_leaves_the_judgement_to_the_engine,
	  a_write_in_pieces_holds_its_caller_until_all_is_copied_in,
	  a_write_whose_first_piece_is_done_at_once_still_holds_its_caller, a_short_piece_is_the_last,
	  a_fault_in_a_later_piece_gives_the_sum_before, a_read_in_pieces_holds_nobody,
	  a_slow_buffered_write_is_waited_for, a_signal_breaks_off_what_the_caller_waits_for)
