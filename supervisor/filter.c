/* SPDX-License-Identifier: MIT */
#include "filter.h"

#include <fnmatch.h>
#include <string.h>

#include "trace_set.h"

static bool matches(const char *wanted, const struct label *path)
{
	return wanted && (!strcmp(wanted, path->text) || fnmatch(wanted, path->text, 0) == 0);
}

static bool path_wanted(const struct trace_config *cfg, const struct label *path)
{
	for (unsigned i = 0; path && i < cfg->path_count; i++) {
		if (matches(cfg->paths[i], path) || matches(cfg->whole_paths[i], path))
			return true;
	}
	return !cfg->path_count;
}

static uint64_t took_ns(const struct record_request *r)
{
	return r->done_ns ? r->done_ns - r->submitted_ns : UINT64_MAX;
}

bool filter_accepted(const struct trace_config *cfg, const struct record_request *r)
{
	return cfg->set & trace_set_op(r->opcode) && path_wanted(cfg, r->path);
}

bool filter_request(const struct trace_config *cfg, const struct record_request *r)
{
	return filter_accepted(cfg, r) && took_ns(r) >= cfg->duration_ns;
}

bool filter_call(const struct trace_config *cfg, const struct sink_call *c)
{
	bool wanted = !cfg->path_count;

	if (!(cfg->set & trace_set_call(c->call->nr)) ||
	    (c->call->left_ns && c->call->left_ns - c->call->entered_ns < cfg->duration_ns))
		return false;
	for (unsigned i = 0; !wanted && i < c->count; i++)
		wanted = path_wanted(cfg, c->entries[i].path);
	return wanted;
}
