/* SPDX-License-Identifier: MIT */
/* What opts.c and the tables of options share. */
#ifndef OPTS_IMPL_H
#define OPTS_IMPL_H

#include "opts.h"

struct opt {
	char brief;			/* 0: none */
	const char *name;		/* without the dashes */
	const char *arg;		/* NULL: takes none */
	const char *expects;		/* completes "... must be" */
	int (*set)(struct config *cfg, const char *value);
	const char *help;		/* NULL: hidden */
};

/* opts_inject.c, opts_shim.c, opts_trace.c, opts_watch.c; each ends with a row without a name. */
extern const struct opt opts_inject_table[];
extern const struct opt opts_shim_table[];
extern const struct opt opts_trace_table[];
extern const struct opt opts_watch_table[];
/* -e EXPRESSION that is no trace=; as opt.set. */
int opts_inject(struct config *cfg, const char *expression);
void opts_inject_check(struct config *cfg);	/* when all options are read: the seed */
void opts_inject_release(struct config *cfg);
/* 0, or -EINVAL after a message: what the options say together. */
int opts_trace_check(struct config *cfg);

#endif
