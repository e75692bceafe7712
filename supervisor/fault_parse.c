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


/* Up to the next colon, without backslashes; *at goes behind it. */
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
	*at = from + (*from == ':');
	return part;
}

static int parse_set(struct parse *p, const char *set)
{
	struct fault_rule *r = p->rule;
	const char *wrong;
	uint32_t bits;

	wrong = trace_set_parse(set, &bits);
	if (wrong) {
		p->at += (size_t)(wrong - set);
		return complain(p, "'%.*s' is neither a request (pread) nor a class (read, write, sync, "
				"all) nor a call (io_submit)", (int)strcspn(wrong, ","), wrong);
	}
	r->ops = bits & TRACE_SET_OPS;
	r->calls = bits & TRACE_SET_CALLS;
	if (r->calls == TRACE_SET_CALLS && r->ops)
		r->calls = 0;		/* all, requests, and what an inverted set of requests leaves */
	if (r->ops && r->calls)
		return complain(p, "a rule is about requests or about calls, not both");
	return r->ops || r->calls ? 0 : complain(p, "there is nothing in this set");
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
	unsigned classes = r->calls ? FOR_CALLS : 0;

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		classes |= r->ops & trace_set_op(ops[i].op) ? ops[i].class : 0;
	return classes;
}

static int parse_word(struct parse *p, const char *part)
{
	const size_t length = strcspn(part, "=");
	const struct fault_word *w = fault_word(part, length);
	const char *value = part[length] ? part + length + 1 : NULL;
	struct fault_rule *r = p->rule;

	if (!w)
		return complain(p, "'%.*s' is no action and no condition", (int)length, part);
	if (w->action && classes_of(r) & ~w->of)
		return complain(p, "'%s' cannot be done to all of that set", w->name);
	if ((r->actions & w->action) || (r->matches & w->match) || (r->when & w->when))
		return complain(p, "a second '%s'", w->name);
	if (w->needs == VALUE && !value)
		return complain(p, "'%s' needs a value", w->name);
	if (w->needs == BARE && value)
		return complain(p, "'%s' takes no value", w->name);
	r->actions |= w->action;
	r->matches |= w->match;
	r->when |= w->when;
	p->at += value ? length + 1 : 0;
	return w->set ? w->set(p, value) : 0;
}

static int check_calls(struct parse *p)
{
	const struct fault_rule *r = p->rule;
	const uint32_t submit = trace_set_call(SYS_io_submit);
	const uint32_t get = trace_set_call(SYS_io_getevents) | trace_set_call(SYS_io_pgetevents);

	if (r->actions & FAULT_PARTIAL && r->calls & ~submit)
		return complain(p, "'partial' is for io_submit");
	if (r->actions & FAULT_EARLY && r->calls & ~get)
		return complain(p, "'early' is for io_getevents");
	if (r->actions & FAULT_CAP && r->calls & ~(submit | get))
		return complain(p, "'cap' is for io_submit and io_getevents");
	if (r->calls && r->matches & ~(uint32_t)(FAULT_MATCH_PID | FAULT_MATCH_COMM | FAULT_MATCH_CTX))
		return complain(p, "of calls only pid, comm and ctx are known");
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

	if (!r->actions)
		return complain(p, "an action is missing (error=EIO, delay=10ms, ...)");
	if (several(r->actions & instead) &&
	    (r->actions & instead) != (FAULT_TORN | FAULT_ERROR))
		return complain(p, "two of these actions contradict each other");
	if (several(r->actions & (FAULT_ERROR | FAULT_RESULT)) ||
	    (r->actions & FAULT_ERROR && r->torn_end != FAULT_TORN_ERROR))
		return complain(p, "'error' and another result contradict each other");
	if (r->actions & FAULT_ERROR && !(r->actions & FAULT_TORN) &&
	    r->actions & (FAULT_MISDIRECT | FAULT_CORRUPT))
		return complain(p, "with 'error' nothing is transferred");
	if (r->actions & FAULT_LOST && r->actions & (FAULT_MISDIRECT | FAULT_CORRUPT))
		return complain(p, "with 'lost' nothing is written");
	if (r->actions & FAULT_HANG && several(r->actions))
		return complain(p, "what hangs cannot do anything else");
	if (r->actions & FAULT_KILL && r->torn_end == FAULT_TORN_KILL)
		return complain(p, "two signals");
	if (r->delay_exponential && !(r->actions & FAULT_DELAY))
		return complain(p, "'dist' belongs to 'delay'");
	return check_calls(p);
}

/* The part at `at`; *next is behind it. */
static int parse_part(struct parse *p, const char **next, bool is_set)
{
	char *part;
	int err;

	p->at = (size_t)(*next - p->text);
	part = next_part(next);
	if (!part)
		return -ENOMEM;
	err = is_set ? parse_set(p, part) : parse_word(p, part);
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
	while (!err && *next)
		err = parse_part(&p, &next, false);
	if (err)
		return err;
	p.at = strlen(text);
	if (fault && !(rule->actions & FAULT_ERROR)) {
		rule->actions |= FAULT_ERROR;
		rule->error = EIO;
	}
	return check(&p);
}
