/* SPDX-License-Identifier: MIT */
/*
 * The grammar of fault rules (man/aio-sandbox-inject.7): SET:WORD[=VALUE][:...]. A backslash takes
 * what a colon or a backslash means away. What contradicts itself is refused when all is read.
 */
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "fault_impl.h"
#include "trace_set.h"

/* Up to the next colon, without backslashes; *at goes to it, or to the end. */
static char *next_part(const char **at)
{
	char *part = malloc(strlen(*at) + 1), *to = part;
	const char *from = *at;

	if (!part)
		return NULL;
	for (; *from && *from != ':'; from++) {
		if (*from == '\\' && (from[1] == ':' || from[1] == '\\'))
			from++;
		*to++ = *from;
	}
	*to = '\0';
	*at = from;
	return part;
}

static int parse_set(struct parse *p)
{
	struct fault_rule *r = p->rule;
	const char *wrong;
	uint32_t bits;

	wrong = trace_set_parse(p->part, &bits);
	if (wrong)
		return complain(p, wrong,
				"'%.*s' is neither a request (pread) nor a class (read, write, sync, "
				"all) nor a call (io_submit)", (int)strcspn(wrong, ","), wrong);
	r->ops = bits & TRACE_SET_OPS;
	r->calls = bits & TRACE_SET_CALLS;
	if (r->calls == TRACE_SET_CALLS && r->ops)
		r->calls = 0;		/* all, requests, and what an inverted set of requests leaves */
	if (r->ops && r->calls)
		return complain(p, p->part, "a rule is about requests or about calls, not both");
	return r->ops || r->calls ? 0 : complain(p, p->part, "there is nothing in this set");
}

/* FOR_READS | ... */
static unsigned classes_of(const struct fault_rule *r)
{
	static const struct { unsigned op, class; } ops[] = {
		{ IOCB_CMD_PREAD, FOR_READS },	{ IOCB_CMD_PREADV, FOR_READS },
		{ IOCB_CMD_PWRITE, FOR_WRITES }, { IOCB_CMD_PWRITEV, FOR_WRITES },
		{ IOCB_CMD_FSYNC, FOR_SYNCS },	{ IOCB_CMD_FDSYNC, FOR_SYNCS },
		{ IOCB_CMD_POLL, FOR_POLLS },
	};
	static const struct { unsigned nr, class; } calls[] = {
		{ SYS_io_setup, FOR_SETUP },	{ SYS_io_destroy, FOR_DESTROY },
		{ SYS_io_submit, FOR_SUBMIT },	{ SYS_io_cancel, FOR_CANCEL },
		{ SYS_io_getevents, FOR_GET },	{ SYS_io_pgetevents, FOR_GET },
	};
	unsigned classes = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		classes |= r->ops & trace_set_op(ops[i].op) ? ops[i].class : 0;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		classes |= r->calls & trace_set_call(calls[i].nr) ? calls[i].class : 0;
	return classes;
}

/* Of a word that stands in no set of bits. */
static bool was_said(const struct fault_rule *r, const struct fault_word *w)
{
	return (!strcmp(w->name, "dist") && r->delay_exponential) ||
	       (!strcmp(w->name, "scope") && r->scope_all) || (!strcmp(w->name, "force") && r->force);
}

static int parse_word(struct parse *p)
{
	const size_t length = strcspn(p->part, "=");
	const struct fault_word *w = fault_word(p->part, length);
	const char *value = p->part[length] ? p->part + length + 1 : NULL;
	struct fault_rule *r = p->rule;
	int err;

	if (!w)
		return complain(p, p->part, "'%.*s' is no action and no condition", (int)length,
				p->part);
	if (w->action && classes_of(r) & ~w->of)
		return complain(p, p->part, "'%s' cannot be done to all of that set", w->name);
	if ((r->actions & w->action) || (r->matches & w->match) || (r->when & w->when) ||
	    was_said(r, w))
		return complain(p, p->part, "a second '%s'", w->name);
	if (w->needs == VALUE && !value)
		return complain(p, p->part, "'%s' needs a value", w->name);
	if (w->needs == BARE && value)
		return complain(p, p->part, "'%s' takes no value", w->name);
	r->actions |= w->action;
	r->matches |= w->match;
	r->when |= w->when;
	err = w->set ? w->set(p, &value) : 0;
	return err || !value || !*value ? err : complain(p, value, "'%s' is too much", value);
}

static int check_calls(struct parse *p)
{
	const struct fault_rule *r = p->rule;
	const unsigned of = classes_of(r);

	if (r->actions & FAULT_PARTIAL && of & ~(unsigned)FOR_SUBMIT)
		return complain(p, NULL, "'partial' is for io_submit");
	if (r->actions & FAULT_EARLY && of & ~(unsigned)FOR_GET)
		return complain(p, NULL, "'early' is for io_getevents");
	if (r->actions & FAULT_CAP && of & ~(unsigned)(FOR_SUBMIT | FOR_GET))
		return complain(p, NULL, "'cap' is for io_submit and io_getevents");
	if (r->calls && r->matches & ~(uint32_t)(FAULT_MATCH_PID | FAULT_MATCH_COMM | FAULT_MATCH_CTX))
		return complain(p, NULL, "of calls only pid, comm and ctx are known");
	return 0;
}

/* Polls give no error at all: among others they are not asked. */
static int check_error(struct parse *p)
{
	const struct fault_rule *r = p->rule;
	const unsigned all = classes_of(r);
	const unsigned others = all & ~(unsigned)FOR_POLLS;
	const char *who;

	if (!(r->actions & FAULT_ERROR)) {
		return r->force ? complain(p, NULL, "'force' belongs to 'error'") : 0;
	}
	who = r->force ? NULL : fault_error_unknown(others ? others : all, r->error);
	if (!who)
		return 0;
	complain(p, NULL, "%s cannot give that error; with ':force' it is done all the same", who);
	if (p->error_at)
		p->complaint->at = p->error_at;
	return -EINVAL;
}

static int check_when(struct parse *p)
{
	const struct fault_rule *r = p->rule;

	if (r->when & FAULT_WHEN_AFTER && r->when & FAULT_WHEN_UNTIL && r->until_ns <= r->after_ns)
		return complain(p, NULL, "'until' is not after 'after'");
	if (r->scope_all && !(r->when & (FAULT_WHEN_COUNT | FAULT_WHEN_TIMES)))
		return complain(p, NULL, "'scope' belongs to 'when' or 'times'");
	return 0;
}

static bool several(uint32_t bits)
{
	return bits & (bits - 1);
}

static int check(struct parse *p)
{
	const struct fault_rule *r = p->rule;
	const uint32_t instead = FAULT_LOST | FAULT_LIE | FAULT_SHORT | FAULT_TORN |
				 FAULT_ERROR | FAULT_PARTIAL | FAULT_CAP;
	int err;

	if (!r->actions)
		return complain(p, NULL, "an action is missing (error=EIO, delay=10ms, ...)");
	if (several(r->actions & instead) &&
	    (r->actions & instead) != (FAULT_TORN | FAULT_ERROR))
		return complain(p, NULL, "two of these actions contradict each other");
	if (several(r->actions & (FAULT_ERROR | FAULT_RESULT)) ||
	    (r->actions & FAULT_ERROR && r->torn_end != FAULT_TORN_ERROR))
		return complain(p, NULL, "'error' and another result contradict each other");
	if (r->actions & FAULT_ERROR && !(r->actions & FAULT_TORN) &&
	    r->actions & (FAULT_MISDIRECT | FAULT_CORRUPT))
		return complain(p, NULL, "with 'error' nothing is transferred");
	if (r->actions & FAULT_LOST && r->actions & (FAULT_MISDIRECT | FAULT_CORRUPT))
		return complain(p, NULL, "with 'lost' nothing is written");
	if (r->actions & FAULT_HANG && several(r->actions))
		return complain(p, NULL, "what hangs cannot do anything else");
	if (r->actions & FAULT_KILL && r->torn_end == FAULT_TORN_KILL)
		return complain(p, NULL, "two signals");
	if (r->delay_exponential && !(r->actions & FAULT_DELAY))
		return complain(p, NULL, "'dist' belongs to 'delay'");
	if (several(r->actions & (FAULT_ERROR | FAULT_EARLY)))
		return complain(p, NULL, "'error' and 'early' contradict each other");
	err = check_calls(p);
	if (!err)
		err = check_error(p);
	return err ? err : check_when(p);
}

/* The part at *next, which goes to what is behind it; NULL: it was the last one. */
static int parse_part(struct parse *p, const char **next, bool is_set)
{
	const char *at = *next;
	char *part = next_part(&at);
	int err;

	if (!part)
		return -ENOMEM;
	p->part_at = (size_t)(*next - p->text);
	p->part = part;
	*next = *at ? at + 1 : NULL;
	err = is_set ? parse_set(p) : parse_word(p);
	p->part = NULL;
	free(part);
	return err;
}

int fault_parse(struct fault_rule *rule, const char *text, bool fault,
		struct fault_complaint *complaint)
{
	struct parse p = { .text = text, .rule = rule, .complaint = complaint };
	const char *next = text;
	int err;

	list_init(&rule->node);
	rule->text = strdup(text);
	if (!rule->text)
		return -ENOMEM;
	err = parse_part(&p, &next, true);
	while (!err && next)
		err = parse_part(&p, &next, false);
	if (err)
		return err;
	if (fault && !(rule->actions & FAULT_ERROR)) {
		rule->actions |= FAULT_ERROR;
		rule->error = EIO;
	}
	return check(&p);
}
