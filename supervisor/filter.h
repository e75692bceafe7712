/* SPDX-License-Identifier: MIT */
/* What of a trace is shown: -e trace=SET, -P PATH, --duration=MS. Pure. */
#ifndef FILTER_H
#define FILTER_H

#include "sink.h"

/* Its duration is not known yet. */
bool filter_accepted(const struct trace_config *cfg, const struct record_request *r);
bool filter_request(const struct trace_config *cfg, const struct record_request *r);
/*
 * A call of the set; with -P one that a request on such a path belongs to; with --duration one that
 * took as long itself.
 */
bool filter_call(const struct trace_config *cfg, const struct sink_call *c);

#endif
