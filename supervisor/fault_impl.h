/* SPDX-License-Identifier: MIT */
/* Between the parts of the parser of rules. Each answers 0, -EINVAL with the complaint, or -ENOMEM. */
#ifndef FAULT_IMPL_H
#define FAULT_IMPL_H

#include "fault.h"
#include "util.h"

struct parse {
	const char *text;
	size_t at;			/* of the word, or of its value */
	struct fault_rule *rule;
	struct fault_complaint *complaint;
};

int complain(struct parse *p, const char *what, ...) printf_like(2, 3);	/* -EINVAL */

/* From *at on, which goes to what is behind it. */
int take_u64(struct parse *p, const char **at, uint64_t *out);
int take_size(struct parse *p, const char **at, uint64_t *out);		/* K, M, G */
int take_time(struct parse *p, const char **at, uint64_t *ns);		/* with its unit */
int end_of(struct parse *p, const char *at);				/* nothing is behind it */

/* The whole value. */
int take_range(struct parse *p, const char *value, struct fault_range *range);
int take_small(struct parse *p, const char *value, uint64_t least, uint64_t most, unsigned *out);
int take_signed(struct parse *p, const char *value, int64_t *out);
int take_text(struct parse *p, const char *value, char **out);
int take_signal(struct parse *p, const char *value);
int take_error(struct parse *p, const char *value);

/* fault_words.c */
enum fault_word_needs { BARE, VALUE, EITHER };

enum { FOR_READS = 1, FOR_WRITES = 2, FOR_SYNCS = 4, FOR_POLLS = 8, FOR_CALLS = 16 };

#define FOR_TRANSFERS (FOR_READS | FOR_WRITES)
#define FOR_REQUESTS (FOR_TRANSFERS | FOR_SYNCS | FOR_POLLS)

struct fault_word {
	const char *name;
	int (*set)(struct parse *p, const char *value);	/* NULL: nothing but the bit */
	enum fault_word_needs needs;
	uint32_t action;		/* one of these three */
	uint32_t match;
	uint32_t when;
	unsigned of;			/* an action: FOR_READS | ... */
};

const struct fault_word *fault_word(const char *name, size_t length);	/* NULL: there is none */

#endif
