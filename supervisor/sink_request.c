/* SPDX-License-Identifier: MIT */
/*
 * Theory. The order of arguments is that of pread64(), pwrite64(), preadv2(), ..., so that who
 * reads strace reads this. What has no place there (aio_resfd) stands behind with its name.
 */
#include "sink_request.h"

#include <linux/aio_abi.h>
#include <string.h>

/* --- quoting --- */

static void put_octal(struct out *o, unsigned char c, bool digit_follows)
{
	out_printf(o, digit_follows ? "\\%03o" : "\\%o", c);
}

/* string_quote() of strace: what it does, so does this. `never` may not stand there as it is. */
static void put_escaped(struct out *o, const char *bytes, size_t count, const char *never)
{
	static const char special[] = "\a\b\t\n\v\f\r", name[] = "abtnvfr";

	for (size_t i = 0; i < count; i++) {
		const unsigned char c = (unsigned char)bytes[i];
		const bool digit = i + 1 < count && bytes[i + 1] >= '0' && bytes[i + 1] <= '7';
		const char *letter = c > '\b' ? memchr(special, c, sizeof(special) - 1) : NULL;

		if (letter)
			out_printf(o, "\\%c", name[letter - special]);
		else if (c == '"' || c == '\\')
			out_printf(o, "\\%c", c);
		else if (c < ' ' || c > '~' || strchr(never, c))
			put_octal(o, c, digit);
		else
			out_bytes(o, &bytes[i], 1);
	}
}

/* "bytes" in C's manner, "..." behind them if there are more; strace's own escapes. */
static void put_quoted(struct out *o, const char *bytes, size_t count, bool more)
{
	out_text(o, "\"");
	put_escaped(o, bytes, count, "");
	out_text(o, more ? "\"..." : "\"");
}

void sink_put_path(struct out *o, const struct label *path)
{
	out_text(o, "<");
	put_escaped(o, path->text, path->length_bytes, "<>");
	out_text(o, ">");
}

/* --- names --- */

struct flags {
	struct out *out;
	const char *before;
	const char *prefix;
	bool some;
};

static void put_flag(void *arg, const char *name)
{
	struct flags *f = arg;

	out_printf(f->out, "%s%s%s", f->some ? "|" : f->before, *name == '0' ? "" : f->prefix, name);
	f->some = true;
}

static void put_poll(struct out *o, uint32_t events)
{
	struct flags flags = { .out = o, .before = "", .prefix = "POLL" };

	sink_poll_events(events, put_flag, &flags);
	if (!flags.some)
		out_text(o, "0");
}

static void put_ioprio(struct out *o, unsigned ioprio)
{
	static const char *const classes[] = { "NONE", "RT", "BE", "IDLE" };
	const unsigned class = ioprio >> 13;

	if (class < ARRAY_SIZE(classes))
		out_printf(o, ", aio_reqprio=IOPRIO_PRIO_VALUE(IOPRIO_CLASS_%s, %u)",
			   classes[class], ioprio & 0x1fff);
	else
		out_printf(o, ", aio_reqprio=0x%x", ioprio);
}

/* --- the request --- */

static bool is_write(const struct record_request *r)
{
	return r->opcode == IOCB_CMD_PWRITE || r->opcode == IOCB_CMD_PWRITEV;
}

static void put_data(struct out *o, const struct record_request *r, enum sink_put how)
{
	const uint64_t bytes = is_write(r) ? r->length_bytes : (uint64_t)r->result;

	if (r->sample && (is_write(r) || (how == SINK_PUT_DONE && r->result >= 0)))
		put_quoted(o, r->sample->text, r->sample->length_bytes,
			   r->sample->length_bytes < bytes);
	else
		out_hex(o, r->buffer);
}

static void put_length(struct out *o, const struct record_request *r)
{
	out_text(o, ", ");
	out_u64(o, r->length_bytes);
}

static void put_transfer(struct out *o, const struct record_request *r, enum sink_put how)
{
	out_text(o, ", ");
	put_data(o, r, how);
	if (r->opcode == IOCB_CMD_PREADV || r->opcode == IOCB_CMD_PWRITEV) {
		if (r->id)
			put_length(o, r);
		out_printf(o, r->id ? " /* %u segments */" : ", %u", r->segments);
	} else {
		put_length(o, r);
	}
	out_text(o, ", ");
	out_i64(o, r->offset);
}

static void put_file(struct sink *s, const struct record_request *r)
{
	out_i64(s->out, r->fd);
	if (r->path && s->run->cfg->with_paths)
		sink_put_path(s->out, r->path);
}

static void put_rest(struct out *o, const struct record_request *r)
{
	struct flags flags = { .out = o, .before = ", ", .prefix = "RWF_" };

	sink_rw_flags(r->rw_flags, put_flag, &flags);
	if (r->has_ioprio)
		put_ioprio(o, r->ioprio);
	if (r->resfd >= 0)
		out_printf(o, ", aio_resfd=%d", r->resfd);
}

void sink_put_request(struct sink *s, const struct record_request *r, enum sink_put how)
{
	struct out *o = s->out;

	if (r->opcode == RECORD_NO_OPCODE) {
		out_hex(o, r->obj);
		return;
	}
	if (*sink_op_name(r->opcode) == '?')
		out_printf(o, "0x%x /* IOCB_CMD_??? */", r->opcode);
	else
		out_text(o, sink_op_name(r->opcode));
	out_text(o, "(");
	put_file(s, r);
	if (r->opcode == IOCB_CMD_POLL) {
		out_text(o, ", ");
		put_poll(o, r->poll_events);
	} else if (r->opcode != IOCB_CMD_FSYNC && r->opcode != IOCB_CMD_FDSYNC) {
		put_transfer(o, r, how);
	}
	put_rest(o, r);
	out_text(o, how == SINK_PUT_UNFINISHED ? " <unfinished ...>" : ")");
}

void sink_put_returned(struct out *o, int64_t result)
{
	if (result == -ERESTARTNOHAND) {
		out_text(o, "= ? ERESTARTNOHAND (To be restarted if no handler)");
	} else if (result < 0 && result >= -4095) {
		out_printf(o, "= -1 %s (%s)", sink_errno_name((int)-result),
			   strerror((int)-result));
	} else {
		out_text(o, "= ");
		out_i64(o, result);
	}
}

void sink_put_result(struct out *o, const struct record_request *r)
{
	if (r->opcode != IOCB_CMD_POLL || r->result <= 0) {
		sink_put_returned(o, r->result);
		return;
	}
	out_printf(o, "= 0x%llx (", (unsigned long long)r->result);
	put_poll(o, (uint32_t)r->result);
	out_text(o, ")");
}
