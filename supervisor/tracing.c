/* SPDX-License-Identifier: MIT */
#include "tracing.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"
#include "writer.h"

struct tracing {
	const struct config *cfg;
	struct out *outs[TRACE_OUTPUTS_MAX];
	struct sink *sinks[TRACE_OUTPUTS_MAX];
	struct sink_run run;
};

static struct sink *(*const makers[])(void) = {
	[TRACE_TEXT] = sink_text_create,
	[TRACE_JSON] = sink_json_create,
	[TRACE_CHROME] = sink_chrome_create,
	[TRACE_FIO_IOLOG] = sink_iolog_create,
};

static struct sink *make(const struct trace_output *o)
{
	if (o->split)
		return sink_split_create(o->name, makers[o->format]);
	return o->summary ? sink_summary_create(o->format == TRACE_JSON) : makers[o->format]();
}

/* 0 or -errno after a message. */
static int open_output(struct tracing *t, unsigned i)
{
	const struct trace_output *outputs = t->cfg->trace.outputs;

	t->outs[i] = out_open(outputs[i].name);
	if (!t->outs[i])
		return -EINVAL;
	for (unsigned k = 0; k < i; k++) {
		if (!t->outs[k] || !out_same_file(t->outs[k], t->outs[i]))
			continue;
		log_error("'%s' and '%s' are one file: two outputs cannot share it",
			  outputs[k].name, outputs[i].name);
		return -EINVAL;
	}
	return 0;
}

int tracing_open(const struct config *cfg, struct tracing **out)
{
	const struct trace_config *tc = &cfg->trace;
	struct tracing *t;

	*out = NULL;
	if (!tc->on)
		return 0;
	t = calloc(1, sizeof(*t));
	if (!t) {
		log_error("no memory for the trace");
		return -ENOMEM;
	}
	t->cfg = cfg;
	for (unsigned i = 0; i < tc->output_count; i++) {
		if (tc->outputs[i].split)
			continue;
		if (open_output(t, i)) {
			tracing_close(t);
			return -EINVAL;
		}
	}
	*out = t;
	return 0;
}

bool tracing_wants_keys(const struct tracing *t)
{
	for (unsigned i = 0; t && i < t->cfg->trace.output_count; i++) {
		const struct trace_output *o = &t->cfg->trace.outputs[i];

		if (o->format == TRACE_JSON && !o->summary)
			return true;
	}
	return false;
}

void tracing_part(struct tracing *t)
{
	for (unsigned i = 0; t && i < t->cfg->trace.output_count; i++)
		out_part(t->outs[i]);
}

void tracing_wait(struct tracing *t)
{
	for (unsigned i = 0; t && i < t->cfg->trace.output_count; i++)
		out_wait(t->outs[i]);
	free(t);
}

static int64_t realtime_offset_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * (int64_t)NSEC_PER_SEC + ts.tv_nsec - (int64_t)now_ns();
}

struct writer *tracing_start(struct tracing *t, const char *engine)
{
	const struct trace_config *tc = &t->cfg->trace;

	t->run = (struct sink_run){
		.cfg = tc,
		.command = t->cfg->program,
		.engine = engine,
		.started_ns = now_ns(),
		.realtime_offset_ns = realtime_offset_ns(),
		.seed = t->cfg->seed,
		.has_seed = t->cfg->plan,
	};
	for (unsigned i = 0; i < tc->output_count; i++) {
		t->sinks[i] = make(&tc->outputs[i]);
		if (!t->sinks[i]) {
			while (i--)
				sink_destroy(t->sinks[i]);
			errno = ENOMEM;
			return NULL;
		}
		t->sinks[i]->out = t->outs[i];
	}
	return writer_create(&t->run, t->sinks, tc->output_count);
}

void tracing_close(struct tracing *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < TRACE_OUTPUTS_MAX; i++)
		out_close(t->outs[i]);
	free(t);
}
