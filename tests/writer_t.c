/* SPDX-License-Identifier: MIT */
/* The trace's thread. If this breaks, calls show other requests than theirs, or memory is lost. */
#include "writer.h"

#include <linux/aio_abi.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

#include "trace_set.h"
#include "unit.h"

static char told[4096];		/* by the sink, on the writer's thread; read when that has ended */
static struct label *path;
static struct trace_config cfg;
static struct sink_run run;
static struct writer *writer;

static printf_like(1, 2) void tell(const char *fmt, ...)
{
	const size_t used = strlen(told);
	va_list args;

	va_start(args, fmt);
	vsnprintf(told + used, sizeof(told) - used, fmt, args);
	va_end(args);
}

static void on_call(struct sink *s, const struct sink_call *c)
{
	tell("call %llu:", (unsigned long long)c->call->id);
	for (unsigned i = 0; i < c->count; i++)
		tell(" %llu", (unsigned long long)sink_call_id(c, i));
	tell("%s\n", c->last_refused ? " refused" : "");
}

static void on_accepted(struct sink *s, const struct record_request *r)
{
	tell("accepted %llu\n", (unsigned long long)r->id);
}

static void on_published(struct sink *s, const struct record_request *r)
{
	tell("published %llu\n", (unsigned long long)r->id);
}

static void on_request(struct sink *s, const struct record_request *r)
{
	ck_assert_ptr_eq(r->path, path);
	tell("request %llu\n", (unsigned long long)r->id);
}

static void on_end(struct sink *s, const struct sink_counts *c)
{
	tell("end %llu: %llu = %llu + %llu + %llu, %llu", (unsigned long long)c->calls,
	     (unsigned long long)c->requests, (unsigned long long)c->reaped,
	     (unsigned long long)c->unreaped, (unsigned long long)c->unfinished,
	     (unsigned long long)c->unknown);
}

static void on_release(struct sink *s)
{
	tell(".");
}

static const struct sink_ops all_ops = {
	.wants = RECORD_ENTRIES | 1u << RECORD_PUBLISHED | 1u << RECORD_REQUEST | 1u << RECORD_CALL,
	.call = on_call,
	.accepted = on_accepted,
	.published = on_published,
	.request = on_request,
	.end = on_end,
	.release = on_release,
};

static const struct sink_ops id_ops = {
	.wants = RECORD_ENTRIES | 1u << RECORD_REQUEST | 1u << RECORD_CALL,
	.ids_only = true,
	.call = on_call,
	.request = on_request,
	.release = on_release,
};

static const struct sink_ops request_ops = {
	.wants = 1u << RECORD_REQUEST,
	.request = on_request,
	.release = on_release,
};

static void begin(const struct sink_ops *ops, const char *set)
{
	static struct sink *sinks[1];

	*told = '\0';
	path = label_create("/f", 2);
	cfg = (struct trace_config){ 0 };
	ck_assert_ptr_null(trace_set_parse(set, &cfg.set));
	run = (struct sink_run){ .cfg = &cfg };
	sinks[0] = sink_create(sizeof(*sinks[0]), ops);
	ck_assert_ptr_nonnull(sinks[0]);
	writer = writer_create(&run, sinks, 1);
	ck_assert_ptr_nonnull(writer);
	ck_assert_uint_eq(writer_wants(writer), ops->wants);
}

static void end(const char *wanted)
{
	writer_finish(writer, 7);
	ck_assert_str_eq(told, wanted);
	ck_assert_uint_eq(path->refs, 1);
	label_put(path);
}

/* of a request: its id; done: published and reaped by this call */
static void request(enum record_kind kind, uint64_t id, uint64_t call, uint64_t reap_call)
{
	struct record *r = feed_slot(writer_feed(writer), RECORD_BYTES(request));

	r->kind = (uint8_t)kind;
	r->id_only = false;
	r->request = (struct record_request){ .id = id,
					      .call = call,
					      .reap_call = reap_call,
					      .path = label_get(path),
					      .opcode = IOCB_CMD_PREAD,
					      .submitted_ns = 1000,
					      .done_ns = 2000,
					      .published_ns = kind == RECORD_REQUEST && call ? 2000 : 0,
					      .reaped_ns = reap_call ? 3000 : 0 };
	feed_push(writer_feed(writer), r);
}

static void call(uint64_t id, unsigned nr)
{
	struct record *r = feed_slot(writer_feed(writer), RECORD_BYTES(call));

	r->kind = RECORD_CALL;
	r->call = (struct record_call){ .id = id, .nr = nr, .entered_ns = 1000, .left_ns = 2000,
					.comm = label_get(path) };
	feed_push(writer_feed(writer), r);
}

static void entry(enum record_kind kind, uint64_t id, uint64_t call)
{
	struct record *r = feed_slot(writer_feed(writer), RECORD_BYTES(id));

	r->kind = (uint8_t)kind;
	r->id_only = true;
	r->id = (struct record_id){ id, call };
	feed_push(writer_feed(writer), r);
}

START_TEST(calls_that_overlap_have_their_own_entries)
{
	begin(&all_ops, "all");
	request(RECORD_ACCEPTED, 1, 10, 0);
	request(RECORD_ACCEPTED, 2, 74, 0);	/* the same bucket */
	request(RECORD_ACCEPTED, 3, 10, 0);
	request(RECORD_PUBLISHED, 3, 10, 0);
	call(74, SYS_io_submit);
	call(10, SYS_io_submit);
	request(RECORD_REQUEST, 3, 10, 11);
	request(RECORD_REQUEST, 2, 74, 11);
	call(11, SYS_io_getevents);
	request(RECORD_REQUEST, 1, 10, 0);
	end("published 3\n"
	    "accepted 2\ncall 74: 2\n"
	    "accepted 1\naccepted 3\ncall 10: 1 3\n"
	    "request 3\nrequest 2\ncall 11: 3 2\n"
	    "request 1\n"
	    "end 3: 3 = 2 + 1 + 0, 7.");
}
END_TEST

START_TEST(what_is_taken_back_is_not_shown)
{
	begin(&all_ops, "all");
	request(RECORD_ACCEPTED, 1, 10, 0);
	request(RECORD_ACCEPTED, 2, 10, 0);
	request(RECORD_TAKEN_BACK, 2, 10, 0);
	request(RECORD_REFUSED, 0, 10, 0);
	call(10, SYS_io_submit);
	request(RECORD_TAKEN_BACK, 9, 12, 0);	/* its acceptance was not recorded */
	call(12, SYS_io_submit);
	request(RECORD_REQUEST, 1, 0, 0);
	end("accepted 1\ncall 10: 1 0 refused\ncall 12:\nrequest 1\nend 2: 1 = 0 + 0 + 1, 7.");
}
END_TEST

START_TEST(an_io_cancel_has_the_request_that_it_names)
{
	begin(&all_ops, "all");
	request(RECORD_ADDRESSED, 5, 20, 0);
	call(20, SYS_io_cancel);
	end("call 20: 5\nend 1: 0 = 0 + 0 + 0, 7.");
}
END_TEST

START_TEST(filters_leave_out_but_counts_are_of_all)
{
	begin(&all_ops, "io_getevents");
	request(RECORD_ACCEPTED, 1, 10, 0);
	call(10, SYS_io_submit);
	request(RECORD_PUBLISHED, 1, 10, 0);
	request(RECORD_REQUEST, 1, 10, 11);
	call(11, SYS_io_getevents);
	end("call 11: 1\nend 2: 1 = 1 + 0 + 0, 7.");
}
END_TEST

START_TEST(who_wants_ids_gets_ids)
{
	begin(&id_ops, "all");
	entry(RECORD_ACCEPTED, 1, 10);
	entry(RECORD_ACCEPTED, 2, 74);
	entry(RECORD_ACCEPTED, 3, 10);
	entry(RECORD_TAKEN_BACK, 3, 10);
	entry(RECORD_TAKEN_BACK, 9, 12);	/* its acceptance was not recorded */
	entry(RECORD_REFUSED, 0, 10);
	call(10, SYS_io_submit);
	call(74, SYS_io_submit);
	request(RECORD_REQUEST, 2, 10, 11);
	call(11, SYS_io_getevents);
	entry(RECORD_ADDRESSED, 1, 20);
	call(20, SYS_io_cancel);
	end("call 10: 1 0 refused\ncall 74: 2\nrequest 2\ncall 11: 2\ncall 20: 1\n.");
}
END_TEST

START_TEST(without_calls_there_are_no_batches)
{
	begin(&request_ops, "all");
	request(RECORD_REQUEST, 1, 10, 11);
	end("request 1\n.");
}
END_TEST

START_TEST(calls_that_never_come_leave_nothing)
{
	begin(&all_ops, "all");
	for (uint64_t n = 1; n <= 1000; n++)
		request(RECORD_ACCEPTED, n, n, 0);
	end("end 0: 0 = 0 + 0 + 0, 7.");
}
END_TEST

START_TEST(a_copy_has_references_of_its_own)
{
	struct record_request to, from = { .path = label_create("p", 1),
					   .comm = label_create("c", 1) };

	record_request_copy(&to, &from);
	ck_assert_uint_eq(from.path->refs, 2);
	ck_assert_uint_eq(from.comm->refs, 2);
	record_request_put(&to);
	ck_assert_uint_eq(from.path->refs, 1);
	ck_assert_uint_eq(from.comm->refs, 1);
	record_request_put(&from);
}
END_TEST

UNIT_MAIN("writer", calls_that_overlap_have_their_own_entries, what_is_taken_back_is_not_shown,
	  an_io_cancel_has_the_request_that_it_names, filters_leave_out_but_counts_are_of_all,
	  who_wants_ids_gets_ids, without_calls_there_are_no_batches, calls_that_never_come_leave_nothing,
	  a_copy_has_references_of_its_own)
