/* SPDX-License-Identifier: MIT */
/* All who watch, told in one line. */
#ifndef OBSERVE_H
#define OBSERVE_H

#include "inflight.h"
#include "lint.h"
#include "trace.h"

/* cb: its iocb, as it was read. */
static inline void observe_accepted(struct dispatch *d, struct call *call, struct request *r,
				    const struct iocb *cb)
{
	inflight_watch(d);
	trace_accepted(d->trace, call, r, cb);
	lint_accepted(d->lint, call, r);
}

static inline void observe_published(struct dispatch *d, struct request *r)
{
	const bool dropped = r->dropped || r->ctx->mm->dead;

	if (!dropped)
		lint_published(d->lint, r);
	trace_published(d->trace, r, dropped);
}

#endif
