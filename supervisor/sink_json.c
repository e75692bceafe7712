/* SPDX-License-Identifier: MIT */
/*
 * JSON Lines, as man/aio-sandbox-trace.5 and docs/trace.schema.json have them. Fields are only ever
 * added; FORMAT grows when one changes its meaning. A line's length is bounded by that of the
 * strings in it, so that it is made at a cursor without looking at the room each time.
 */
#include <linux/aio_abi.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>

#include "format.h"
#include "sink.h"

#define FORMAT 1

/* all but the strings */
#define LINE_BYTES 1024u
#define FLAGS_BYTES 256u

static size_t label_bytes(const struct label *l)
{
	return l ? l->length_bytes * FORMAT_JSON_GROWTH : 0;
}

static char *put_ns(char *at, uint64_t ns)
{
	return ns ? format_u64(at, ns) : format_literal(at, "null");
}

static char *put_bool(char *at, bool value)
{
	return value ? format_literal(at, "true") : format_literal(at, "false");
}

static char *put_name(char *at, const char *name)
{
	return format_literal(format_text(format_literal(at, "\""), name), "\"");
}

static void end_line(struct sink *s, char *at)
{
	out_advance(s->out, format_literal(at, "}\n"));
	out_end_line(s->out);
}

/* --- start --- */

static char *put_command(char *at, char *const *command)
{
	*at++ = '[';
	for (unsigned i = 0; command[i]; i++) {
		if (i)
			*at++ = ',';
		at = format_json(at, command[i], strlen(command[i]));
	}
	*at++ = ']';
	return at;
}

static void json_start(struct sink *s)
{
	const struct sink_run *run = s->run;
	size_t bytes = LINE_BYTES;
	char *at;

	for (unsigned i = 0; run->command[i]; i++)
		bytes += strlen(run->command[i]) * FORMAT_JSON_GROWTH + 3;
	at = out_reserve(s->out, bytes);
	if (!at)
		return;
	at = format_literal(at, "{\"type\":\"start\",\"format\":");
	at = format_u64(at, FORMAT);
	at = format_literal(at, ",\"version\":\"" PACKAGE_VERSION "\",\"command\":");
	at = put_command(at, run->command);
	at = put_name(format_literal(at, ",\"engine\":"), run->engine);
	at = format_literal(at, ",\"seed\":");
	at = run->has_seed ? format_u64(at, run->seed) : format_literal(at, "null");
	at = format_u64(format_literal(at, ",\"started_ns\":"), run->started_ns);
	at = format_literal(at, ",\"realtime_offset_ns\":");
	end_line(s, format_i64(at, run->realtime_offset_ns));
}

/* --- requests --- */

struct words {
	char text[FLAGS_BYTES];
	size_t used;
};

static void add_word(struct words *w, const char *prefix, const char *word)
{
	const int n = snprintf(w->text + w->used, sizeof(w->text) - w->used, "%s%s%s",
			       w->used ? "|" : "", prefix, word);

	if (n > 0 && (size_t)n < sizeof(w->text) - w->used)
		w->used += (size_t)n;
}

static void add_rw_flag(void *arg, const char *name)
{
	add_word(arg, *name == '0' ? "" : "RWF_", name);
}

static void add_poll_event(void *arg, const char *name)
{
	add_word(arg, *name == '0' ? "" : "POLL", name);
}

static char *put_flags(char *at, const struct record_request *r)
{
	struct words w = { .used = 0 };

	if (r->opcode == IOCB_CMD_POLL)
		sink_poll_events(r->poll_events, add_poll_event, &w);
	else
		sink_rw_flags(r->rw_flags, add_rw_flag, &w);
	return put_name(at, w.text);
}

static char *put_key(char *at, const struct key *key)
{
	char text[KEY_TEXT_BYTES];

	if (!key->process)
		return format_literal(at, "null");
	key_text(key, text, sizeof(text));
	return format_json(at, text, strlen(text));
}

static char *put_asked(char *at, const struct record_request *r)
{
	at = format_i64(format_literal(at, ",\"pid\":"), r->pid);
	at = format_i64(format_literal(at, ",\"tid\":"), r->tid);
	at = format_json_label(format_literal(at, ",\"comm\":"), r->comm);
	at = format_u64(format_literal(at, ",\"ctx\":"), r->ctx);
	at = put_name(format_literal(at, ",\"op\":"), sink_op_name(r->opcode));
	at = format_i64(format_literal(at, ",\"fd\":"), r->fd);
	at = format_json_label(format_literal(at, ",\"path\":"), r->path);
	at = format_i64(format_literal(at, ",\"offset\":"), r->offset);
	at = format_u64(format_literal(at, ",\"length\":"), r->length_bytes);
	at = put_flags(format_literal(at, ",\"flags\":"), r);
	return put_bool(format_literal(at, ",\"direct\":"), r->direct);
}

static char *put_reaped(char *at, const struct record_request *r)
{
	at = put_ns(format_literal(at, ",\"reaped_ns\":"), r->reaped_ns);
	switch ((enum record_reaper)r->reaped_by) {
	case REAPED_NOT:
		break;
	case REAPED_BY_CALL:
		return format_literal(at, ",\"reaped_by\":\"getevents\",\"reaped_exact\":true");
	case REAPED_BY_SHIM:
		return format_literal(at, ",\"reaped_by\":\"shim\",\"reaped_exact\":true");
	case REAPED_BY_SELF:
		return format_literal(at, ",\"reaped_by\":\"self\",\"reaped_exact\":false");
	}
	return format_literal(at, ",\"reaped_by\":null,\"reaped_exact\":null");
}

static char *put_done(char *at, const struct record_request *r)
{
	at = format_literal(at, ",\"result\":");
	at = r->done_ns ? format_i64(at, r->result) : format_literal(at, "null");
	at = format_u64(format_literal(at, ",\"submitted_ns\":"), r->submitted_ns);
	at = put_ns(format_literal(at, ",\"started_ns\":"), r->started_ns);
	at = put_ns(format_literal(at, ",\"done_ns\":"), r->done_ns);
	at = put_ns(format_literal(at, ",\"published_ns\":"), r->published_ns);
	return put_reaped(at, r);
}

static void json_request(struct sink *s, const struct record_request *r)
{
	const size_t fault_bytes = r->fault ? strlen(r->fault) : 0;
	char *at = out_reserve(s->out, LINE_BYTES + FLAGS_BYTES + label_bytes(r->path) +
					       label_bytes(r->comm) +
					       (KEY_TEXT_BYTES + fault_bytes) * FORMAT_JSON_GROWTH);

	if (!at)
		return;
	at = format_literal(at, "{\"type\":\"request\",\"id\":");
	at = put_key(format_literal(format_u64(at, r->id), ",\"key\":"), &r->key);
	at = put_done(put_asked(at, r), r);
	at = format_literal(at, ",\"fault\":");
	end_line(s, r->fault ? format_json(at, r->fault, fault_bytes) : format_literal(at, "null"));
}

/* --- calls --- */

static bool takes_events(const struct record_call *c)
{
	return c->nr == SYS_io_getevents || c->nr == SYS_io_pgetevents;
}

/* Those of the arguments that say how many; null for a call that has none. */
static char *put_counts(char *at, const struct record_call *c)
{
	at = format_literal(at, ",\"nr\":");
	if (c->nr == SYS_io_setup)
		at = format_u64(at, (uint32_t)c->args[0]);
	else if (c->nr == SYS_io_submit || takes_events(c))
		at = format_i64(at, (int64_t)c->args[c->nr == SYS_io_submit ? 1 : 2]);
	else
		at = format_literal(at, "null");
	at = format_literal(at, ",\"min_nr\":");
	return takes_events(c) ? format_i64(at, (int64_t)c->args[1]) : format_literal(at, "null");
}

static char *put_timeout(char *at, const struct record_call *c)
{
	at = format_literal(at, ",\"timeout_ns\":");
	if (takes_events(c) && c->timeout_ns >= 0)
		return format_i64(at, c->timeout_ns);
	return format_literal(at, "null");
}

static char *put_requests(char *at, const struct sink_call *c)
{
	const unsigned count = c->count - c->last_refused;

	at = format_literal(at, ",\"requests\":[");
	for (unsigned i = 0; i < count; i++) {
		if (i)
			*at++ = ',';
		at = format_u64(at, sink_call_id(c, i));
	}
	return format_literal(at, "]");
}

static void json_call(struct sink *s, const struct sink_call *sc)
{
	const struct record_call *c = sc->call;
	char *at = out_reserve(s->out, LINE_BYTES + sc->count * (FORMAT_NUMBER_BYTES + 1));

	if (!at)
		return;
	at = format_i64(format_literal(at, "{\"type\":\"call\",\"pid\":"), c->pid);
	at = format_i64(format_literal(at, ",\"tid\":"), c->tid);
	at = put_name(format_literal(at, ",\"call\":"), sink_call_name(c->nr));
	at = put_ns(format_literal(at, ",\"ctx\":"), c->ctx);
	at = put_timeout(put_counts(at, c), c);
	at = format_literal(at, ",\"result\":");
	at = c->left_ns ? format_i64(at, c->result) : format_literal(at, "null");
	at = format_u64(format_literal(at, ",\"entered_ns\":"), c->entered_ns);
	at = put_ns(format_literal(at, ",\"left_ns\":"), c->left_ns);
	at = put_name(format_literal(at, ",\"door\":"), c->by_shim ? "shim" : "trap");
	end_line(s, put_requests(at, sc));
}

/* --- end --- */

static void json_end(struct sink *s, const struct sink_counts *c)
{
	char *at = out_reserve(s->out, LINE_BYTES);

	if (!at)
		return;
	at = format_u64(format_literal(at, "{\"type\":\"end\",\"ended_ns\":"), c->ended_ns);
	at = format_u64(format_literal(at, ",\"counts\":{\"calls\":"), c->calls);
	at = format_u64(format_literal(at, ",\"requests\":"), c->requests);
	at = format_u64(format_literal(at, ",\"reaped\":"), c->reaped);
	at = format_u64(format_literal(at, ",\"unreaped\":"), c->unreaped);
	at = format_u64(format_literal(at, ",\"unfinished\":"), c->unfinished);
	at = format_u64(format_literal(at, ",\"unknown\":"), c->unknown);
	end_line(s, format_literal(at, "}"));
}

static const struct sink_ops json_ops = {
	.name = "json",
	.wants = RECORD_ENTRIES | 1u << RECORD_REQUEST | 1u << RECORD_CALL,
	.ids_only = true,
	.start = json_start,
	.call = json_call,
	.request = json_request,
	.end = json_end,
};

struct sink *sink_json_create(void)
{
	return sink_create(sizeof(struct sink), &json_ops);
}
