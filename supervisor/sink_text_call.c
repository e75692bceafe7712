/* SPDX-License-Identifier: MIT */
/* The arguments of the six calls, as strace shows them, with requests in the place of iocbs. */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "sink_request.h"

static void put_number(struct out *o, uint64_t address)
{
	if (address)
		out_hex(o, address);
	else
		out_text(o, "NULL");
}

static void put_count(struct out *o, uint64_t count)
{
	out_text(o, ", ");
	out_i64(o, (int64_t)count);
}

static void put_id(struct out *o, const struct record_request *r)
{
	if (!r->id)
		return;
	out_text(o, "#");
	out_u64(o, r->id);
	out_text(o, " ");
}

/* The entries that came to be looked at; "..." for the rest. */
static void put_submitted(struct sink *s, const struct sink_call *c)
{
	const bool all = c->count >= c->call->args[1];

	out_text(s->out, "[");
	for (unsigned i = 0; i < c->count; i++) {
		const struct record_request *r = &c->entries[i];

		out_text(s->out, i ? ", " : "");
		put_id(s->out, r);
		sink_put_request(s, r, SINK_PUT_SUBMITTED);
		if (c->last_refused && i + 1 == c->count)
			out_printf(s->out, " %s", sink_errno_name((int)-r->result));
	}
	if (!all)
		out_text(s->out, c->count ? ", ..." : "...");
	out_text(s->out, "]");
}

static void put_reaped(struct out *o, const struct sink_call *c)
{
	out_text(o, "[");
	for (unsigned i = 0; i < c->count; i++) {
		const struct record_request *r = &c->entries[i];

		out_text(o, i ? ", " : "");
		put_id(o, r);
		if (r->result < 0 && r->result >= -4095) {
			out_text(o, "res=-");
			out_text(o, sink_errno_name((int)-r->result));
		} else {
			out_text(o, "res=");
			out_i64(o, r->result);
		}
	}
	out_text(o, "], ");
}

static void put_timeout(struct out *o, int64_t ns)
{
	if (ns < 0)
		out_text(o, "NULL");
	else
		out_printf(o, "{tv_sec=%lld, tv_nsec=%lld}",
			   (long long)(ns / (int64_t)NSEC_PER_SEC),
			   (long long)(ns % (int64_t)NSEC_PER_SEC));
}

static void put_signal(struct out *o, int signo)
{
	const char *name = sigabbrev_np(signo);

	if (name)
		out_text(o, name);
	else
		out_printf(o, "RT_%d", signo - 32);
}

/* {sigmask=[INT TERM], sigsetsize=8}; of most signals ~[those that are not in it] */
static void put_sigmask(struct out *o, const struct record_call *call)
{
	const bool most = __builtin_popcountll(call->sigmask) > 32;
	const uint64_t shown = most ? ~call->sigmask : call->sigmask;
	const char *between = "";

	out_text(o, most ? "{sigmask=~[" : "{sigmask=[");
	for (int signo = 1; signo <= 64; signo++) {
		if (!(shown & 1ull << (signo - 1)))
			continue;
		out_text(o, between);
		put_signal(o, signo);
		between = " ";
	}
	out_text(o, "], sigsetsize=8}");
}

static void put_getevents(struct sink *s, const struct sink_call *c)
{
	const struct record_call *call = c->call;

	put_count(s->out, call->args[1]);
	put_count(s->out, call->args[2]);
	out_text(s->out, ", ");
	if (!call->left_ns)
		return;
	put_reaped(s->out, c);
	put_timeout(s->out, call->args[4] ? call->timeout_ns : -1);
	if (call->nr != SYS_io_pgetevents)
		return;
	out_text(s->out, ", ");
	if (call->has_sigmask)
		put_sigmask(s->out, call);
	else
		put_number(s->out, call->sigmask_at);
}

static void put_cancelled(struct sink *s, const struct sink_call *c)
{
	const struct record_request *r = c->count ? &c->entries[c->count - 1] : NULL;

	out_text(s->out, ", ");
	if (r) {
		put_id(s->out, r);
		sink_put_request(s, r, SINK_PUT_SUBMITTED);
	} else {
		put_number(s->out, c->call->args[1]);
	}
	out_text(s->out, ", ");
	put_number(s->out, c->call->args[2]);
}

void sink_text_arguments(struct sink *s, const struct sink_call *c)
{
	const struct record_call *call = c->call;
	struct out *o = s->out;

	if (call->nr == SYS_io_setup) {
		out_printf(o, call->result ? "%u, 0x%llx" : "%u, [0x%llx]", (unsigned)call->args[0],
			   (unsigned long long)(call->result ? call->args[1] : call->handle));
		return;
	}
	put_number(o, call->args[0]);
	if (call->nr == SYS_io_submit) {
		put_count(o, call->args[1]);
		out_text(o, ", ");
		put_submitted(s, c);
	} else if (call->nr == SYS_io_getevents || call->nr == SYS_io_pgetevents) {
		put_getevents(s, c);
	} else if (call->nr == SYS_io_cancel) {
		put_cancelled(s, c);
	}
}
