/* SPDX-License-Identifier: MIT */
/* The guarded entries to engines. If this breaks, a layer's mistake shows up later, in somebody's file. */
#include "engine.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "unit.h"
#include "util.h"

static enum engine_answer keeps_to_the_contract(struct engine *e, struct io *io)
{
	io->result = 0;
	return ENGINE_DONE;
}

static enum engine_answer done_without_result(struct engine *e, struct io *io)
{
	return ENGINE_DONE;
}

static enum engine_answer done_with_too_much(struct engine *e, struct io *io)
{
	io->result = (int64_t)io->length_bytes + 1;
	return ENGINE_DONE;
}

static enum engine_answer busy_but_kept(struct engine *e, struct io *io)
{
	static struct list head = { &head, &head };

	list_add_tail(&head, &io->node);
	return ENGINE_BUSY;
}

/* true: the assertion has ended the child. */
static bool guard_stops(enum engine_answer (*wrong)(struct engine *e, struct io *io), bool on_list)
{
	struct engine_ops ops = { .submit = wrong };
	struct engine broken = { .ops = &ops };
	struct io_file file = { .lane = (struct lane *)&ops };
	struct io io = { .op = IO_READ, .file = &file, .result = INT64_MIN };
	struct list head = { &head, &head };
	int status;
	pid_t child = fork();

	if (child == 0) {
		close(STDERR_FILENO);
		list_init(&io.node);
		if (on_list)
			list_add(&head, &io.node);
		engine_submit(&broken, &io);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

START_TEST(a_broken_contract_ends_the_run)
{
	ck_assert(!guard_stops(keeps_to_the_contract, false));
	ck_assert(guard_stops(keeps_to_the_contract, true));
	ck_assert(guard_stops(done_without_result, false));
	ck_assert(guard_stops(done_with_too_much, false));
	ck_assert(guard_stops(busy_but_kept, false));
}
END_TEST

static char called[16];

static void note(char what)
{
	size_t n = strlen(called);

	if (n + 1 < sizeof(called))
		called[n] = what;
}

static void upper_flush(struct engine *e)
{
	note('F');
}

static void lower_flush(struct engine *e)
{
	note('f');
}

static int upper_cancel(struct engine *e, struct io *io)
{
	note('C');
	return -ENOENT;
}

static int lower_cancel(struct engine *e, struct io *io)
{
	note('c');
	return 0;
}

static void upper_close(struct engine *e)
{
	note('X');
}

static void lower_close(struct engine *e)
{
	note('x');
}

START_TEST(the_whole_chain_is_called_from_the_top)
{
	struct engine_ops up = { .flush = upper_flush, .cancel = upper_cancel, .close = upper_close };
	struct engine_ops low = { .flush = lower_flush, .cancel = lower_cancel, .close = lower_close };
	struct engine lower = { .ops = &low }, upper = { .ops = &up, .next = &lower };
	struct io io = { .op = IO_READ };

	engine_flush(&upper);
	ck_assert_int_eq(engine_cancel(&upper, &io), 0);
	engine_close(&upper);
	ck_assert_str_eq(called, "FfCcXx");
	engine_close(NULL);
}
END_TEST

UNIT_MAIN("engine", a_broken_contract_ends_the_run, the_whole_chain_is_called_from_the_top)
