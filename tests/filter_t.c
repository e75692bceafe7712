/* SPDX-License-Identifier: MIT */
/* What of a trace is shown. If this breaks, lines are missing or there are too many. */
#include "filter.h"

#include <linux/aio_abi.h>
#include <string.h>
#include <sys/syscall.h>

#include "trace_set.h"
#include "unit.h"

static struct trace_config cfg(const char *set, const char *path, uint64_t duration_ns)
{
	struct trace_config c = { .duration_ns = duration_ns, .path_count = path != NULL };

	ck_assert_ptr_null(trace_set_parse(set, &c.set));
	c.paths[0] = path;
	return c;
}

static const struct {
	const char *set, *path;
	uint64_t duration_ns;
	uint16_t opcode;
	const char *file;
	uint64_t done_ns;		/* submitted at 1000 */
	bool accepted, shown;
} requests[] = {
	{ "all", NULL, 0, IOCB_CMD_PREAD, "/f", 1000, true, true },
	{ "none", NULL, 0, IOCB_CMD_PREAD, "/f", 1000, false, false },
	{ "read", NULL, 0, IOCB_CMD_PREADV, "/f", 1000, true, true },
	{ "read", NULL, 0, IOCB_CMD_PWRITE, "/f", 1000, false, false },
	{ "!read", NULL, 0, IOCB_CMD_PWRITE, "/f", 1000, true, true },
	{ "sync,poll", NULL, 0, IOCB_CMD_FDSYNC, "/f", 1000, true, true },
	{ "calls", NULL, 0, IOCB_CMD_PREAD, "/f", 1000, false, false },
	{ "all", "/f", 0, IOCB_CMD_PREAD, "/f", 1000, true, true },
	{ "all", "/f", 0, IOCB_CMD_PREAD, "/ff", 1000, false, false },
	{ "all", "/d/*", 0, IOCB_CMD_PREAD, "/d/f", 1000, true, true },
	{ "all", "/[x]", 0, IOCB_CMD_PREAD, "/[x]", 1000, true, true },
	{ "all", "/f", 0, IOCB_CMD_PREAD, NULL, 1000, false, false },
	/* the duration is known when it is done; what never is took longest */
	{ "all", NULL, 50, IOCB_CMD_PREAD, "/f", 1049, true, false },
	{ "all", NULL, 50, IOCB_CMD_PREAD, "/f", 1050, true, true },
	{ "all", NULL, 50, IOCB_CMD_PREAD, "/f", 0, true, true },
};

START_TEST(requests_by_set_path_and_duration)
{
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		const struct trace_config c =
			cfg(requests[i].set, requests[i].path, requests[i].duration_ns);
		struct record_request r = { .opcode = requests[i].opcode,
					    .submitted_ns = 1000,
					    .done_ns = requests[i].done_ns };

		if (requests[i].file)
			r.path = label_create(requests[i].file, strlen(requests[i].file));
		ck_assert_msg(filter_accepted(&c, &r) == requests[i].accepted, "row %zu", i);
		ck_assert_msg(filter_request(&c, &r) == requests[i].shown, "row %zu", i);
		label_put(r.path);
	}
}
END_TEST

static bool shows(const struct trace_config *c, unsigned nr, uint64_t left_ns, const char *file)
{
	struct record_call call = { .nr = nr, .entered_ns = 1000, .left_ns = left_ns };
	struct record_request r = { .path = file ? label_create(file, strlen(file)) : NULL };
	const struct sink_call sc = { .call = &call, .entries = &r, .count = file != NULL };
	const bool shown = filter_call(c, &sc);

	label_put(r.path);
	return shown;
}

START_TEST(calls_by_set_path_and_duration)
{
	struct trace_config c = cfg("io_submit,read", NULL, 0);

	ck_assert(shows(&c, SYS_io_submit, 2000, NULL));
	ck_assert(!shows(&c, SYS_io_setup, 2000, NULL));
	ck_assert(!shows(&c, SYS_io_pgetevents, 2000, NULL));
	c = cfg("all", "/f", 0);
	ck_assert(shows(&c, SYS_io_submit, 2000, "/f"));
	ck_assert(!shows(&c, SYS_io_submit, 2000, "/g"));
	ck_assert(!shows(&c, SYS_io_setup, 2000, NULL));
	c = cfg("io_pgetevents", NULL, 500);
	ck_assert(shows(&c, SYS_io_pgetevents, 1500, NULL));
	ck_assert(!shows(&c, SYS_io_pgetevents, 1499, NULL));
	ck_assert(shows(&c, SYS_io_pgetevents, 0, NULL));
}
END_TEST

UNIT_MAIN("filter", requests_by_set_path_and_duration, calls_by_set_path_and_duration)
