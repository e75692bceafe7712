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

/* opts_shim.c, opts_trace.c, opts_watch.c; each ends with a row without a name. */
extern const struct opt opts_shim_table[];
extern const struct opt opts_trace_table[];
extern const struct opt opts_watch_table[];
/* 0, or -EINVAL after a message: what the options say together. */
int opts_trace_check(struct config *cfg);

#endif
