/* SPDX-License-Identifier: MIT */
/* Between the parts of the parser of rules. Each answers 0, -EINVAL with the complaint, or -ENOMEM. */
#ifndef FAULT_IMPL_H
#define FAULT_IMPL_H

#include "fault.h"
#include "util.h"

struct parse {
	const char *text;		/* the rule, as given */
	size_t part_at;			/* where in it ... */
	const char *part;		/* ... this begins: up to a colon, without backslashes; NULL: its end */
	size_t error_at;		/* of what the last error= was */
	struct fault_rule *rule;
	struct fault_complaint *complaint;
};

/* Where in p->text that character of p->part is; NULL: behind all. */
size_t place_of(const struct parse *p, const char *here);
/* -EINVAL; `here` as for place_of(). */
int complain(struct parse *p, const char *here, const char *what, ...) printf_like(3, 4);

/* From *at on, which goes to what is behind it; nothing is said of what that is. */
int take_number(struct parse *p, const char **at, uint64_t least, uint64_t most, uint64_t *out);
int take_small(struct parse *p, const char **at, unsigned least, unsigned most, unsigned *out);
int take_size(struct parse *p, const char **at, uint64_t *out);		/* K, M, G */
int take_signed(struct parse *p, const char **at, int64_t *out);	/* a size with + or - */
int take_time(struct parse *p, const char **at, uint64_t *ns);		/* with its unit */
int take_range(struct parse *p, const char **at, struct fault_range *range);
int take_text(struct parse *p, const char **at, char **out);		/* all of it, not nothing */
int take_signal(struct parse *p, const char **at);
int take_error(struct parse *p, const char **at);
bool take_word(const char **at, const char *word);	/* that one, up to a comma or the end */
bool take_dots(const char **at);			/* .. */

/* fault_words.c */
enum fault_word_needs { BARE, VALUE, EITHER };

enum {
	FOR_READS = 1, FOR_WRITES = 2, FOR_SYNCS = 4, FOR_POLLS = 8,
	FOR_SETUP = 16, FOR_DESTROY = 32, FOR_SUBMIT = 64, FOR_CANCEL = 128, FOR_GET = 256,
	FOR_TRANSFERS = FOR_READS | FOR_WRITES,
	FOR_REQUESTS = FOR_TRANSFERS | FOR_SYNCS | FOR_POLLS,
	FOR_CALLS = FOR_SETUP | FOR_DESTROY | FOR_SUBMIT | FOR_CANCEL | FOR_GET,
};

struct fault_word {
	const char *name;
	int (*set)(struct parse *p, const char **at);	/* NULL: nothing but the bit */
	enum fault_word_needs needs;
	uint32_t action;		/* one of these three */
	uint32_t match;
	uint32_t when;
	unsigned of;			/* an action: FOR_READS | ... */
};

const struct fault_word *fault_word(const char *name, size_t length);	/* NULL: there is none */

/*
 * fault_errors.c: what the kernel gives as the result of a request, or of a call. Other errors than
 * these need `force`. The last one has the number 0.
 */
struct fault_error {
	int error;
	unsigned of;			/* FOR_READS | ... */
};

extern const struct fault_error fault_errors[];

/* NULL: each of them can give it; else one that cannot, for messages. */
const char *fault_error_unknown(unsigned of, int error);

#endif
