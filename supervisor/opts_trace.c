/* SPDX-License-Identifier: MIT */
/* The options of traces: strace's letters and names, where it has some. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "opts_impl.h"
#include "opts_value.h"
#include "trace_set.h"
#include "util.h"

#define DURATION_MAX_MSEC 86400000u
#define STRING_MAX_BYTES 65536u
#define COLUMN_MAX 1000u

static const struct opts_choice formats[] = {
	{ "text", TRACE_TEXT },
	{ "json", TRACE_JSON },
	{ "chrome", TRACE_CHROME },
	{ "fio-iolog", TRACE_FIO_IOLOG },
};

static int set_format(struct config *cfg, const char *value)
{
	const int found = opts_value_choice(value, formats, ARRAY_SIZE(formats));

	if (found < 0)
		return found;
	cfg->trace.on = true;
	cfg->trace.format = (enum trace_format)found;
	return 0;
}

/* FORMAT:FILE; any other beginning belongs to the name. */
static bool split_format(const char **value, enum trace_format *format)
{
	const size_t length = strcspn(*value, ":");

	for (size_t i = 0; (*value)[length] && i < ARRAY_SIZE(formats); i++) {
		if (strlen(formats[i].name) != length || memcmp(formats[i].name, *value, length))
			continue;
		*format = (enum trace_format)formats[i].value;
		*value += length + 1;
		return true;
	}
	return false;
}

static int set_output(struct config *cfg, const char *value)
{
	struct trace_config *t = &cfg->trace;
	struct trace_output *o = &t->outputs[t->output_count];

	if (t->output_count == TRACE_OUTPUTS_MAX) {
		log_error("option '-o': more than %d outputs", TRACE_OUTPUTS_MAX);
		return -E2BIG;
	}
	o->has_format = split_format(&value, &o->format);
	if (!*value || !strcmp(value, "|"))
		return -EINVAL;
	o->name = value;
	t->output_count++;
	t->on = true;
	return 0;
}

static int set_trace(struct config *cfg, const char *value)
{
	const char *wrong = trace_set_parse(value, &cfg->trace.set);

	if (wrong) {
		log_error("option '-e trace=%s': '%.*s' is neither a call (io_submit), a request "
			  "(pread) nor a class (read, write, sync, calls, requests, all, none)",
			  value, (int)strcspn(wrong, ","), wrong);
		return -ENOENT;
	}
	cfg->trace.on = true;
	return 0;
}

static int set_expression(struct config *cfg, const char *value)
{
	if (!strncmp(value, "trace=", 6))
		return set_trace(cfg, value + 6);
	return opts_inject(cfg, value);
}

/*
 * As /proc/PID/fd will have it. The last part may be a pattern, or not exist yet; NULL: the rest
 * does not either.
 */
static char *whole_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char dir[PATH_MAX], full[PATH_MAX];
	char *found = realpath(path, NULL);

	if (found || (size_t)(name - path) >= sizeof(dir))
		return found;
	memcpy(dir, path, (size_t)(name - path));
	dir[name - path] = '\0';
	if (!realpath(slash ? dir : ".", full))
		return NULL;
	found = malloc(strlen(full) + strlen(name) + 2);
	if (found)
		sprintf(found, "%s/%s", full[1] ? full : "", name);
	return found;
}

static int set_path(struct config *cfg, const char *value)
{
	struct trace_config *t = &cfg->trace;

	if (!*value)
		return -EINVAL;
	if (t->path_count == TRACE_PATHS_MAX) {
		log_error("option '-P': more than %d paths", TRACE_PATHS_MAX);
		return -E2BIG;
	}
	t->whole_paths[t->path_count] = whole_path(value);
	t->paths[t->path_count++] = value;
	t->on = true;
	return 0;
}

static int set_duration(struct config *cfg, const char *value)
{
	uint64_t msec;

	if (opts_value_number(value, 0, DURATION_MAX_MSEC, &msec))
		return -EINVAL;
	cfg->trace.duration_ns = msec * NSEC_PER_MSEC;
	cfg->trace.on = true;
	return 0;
}

static int set_clock(struct config *cfg, const char *value)
{
	if (cfg->trace.clock < TRACE_CLOCK_UNIX)
		cfg->trace.clock++;
	return 0;
}

static int set_relative(struct config *cfg, const char *value)
{
	cfg->trace.relative = true;
	return 0;
}

static int set_spent(struct config *cfg, const char *value)
{
	cfg->trace.spent = true;
	return 0;
}

static int set_with_paths(struct config *cfg, const char *value)
{
	cfg->trace.with_paths = true;
	return 0;
}

static int set_string_limit(struct config *cfg, const char *value)
{
	uint64_t bytes;

	if (opts_value_number(value, 0, STRING_MAX_BYTES, &bytes))
		return -EINVAL;
	cfg->trace.string_bytes = (unsigned)bytes;
	return 0;
}

static int set_column(struct config *cfg, const char *value)
{
	uint64_t column;

	if (opts_value_number(value, 0, COLUMN_MAX, &column))
		return -EINVAL;
	cfg->trace.column = (unsigned)column;
	return 0;
}

static int set_summary_only(struct config *cfg, const char *value)
{
	cfg->trace.summary = TRACE_SUMMARY_ONLY;
	return 0;
}

static int set_summary_too(struct config *cfg, const char *value)
{
	cfg->trace.summary = TRACE_SUMMARY_TOO;
	return 0;
}

static int set_sort(struct config *cfg, const char *value)
{
	static const struct opts_choice columns[] = {
		{ "time", TRACE_SORT_TIME },	 { "calls", TRACE_SORT_COUNT },
		{ "count", TRACE_SORT_COUNT },	 { "errors", TRACE_SORT_ERRORS },
		{ "bytes", TRACE_SORT_BYTES },	 { "min-time", TRACE_SORT_MIN },
		{ "min", TRACE_SORT_MIN },	 { "avg-time", TRACE_SORT_MEAN },
		{ "mean", TRACE_SORT_MEAN },	 { "p50", TRACE_SORT_P50 },
		{ "p90", TRACE_SORT_P90 },	 { "p99", TRACE_SORT_P99 },
		{ "max-time", TRACE_SORT_MAX },	 { "max", TRACE_SORT_MAX },
		{ "name", TRACE_SORT_NAME },	 { "syscall", TRACE_SORT_NAME },
		{ "nothing", TRACE_SORT_NOTHING }, { "none", TRACE_SORT_NOTHING },
	};
	const int found = opts_value_choice(value, columns, ARRAY_SIZE(columns));

	if (found < 0)
		return found;
	cfg->trace.sort = (enum trace_sort)found;
	return 0;
}

static int set_follow(struct config *cfg, const char *value)
{
	cfg->trace.follows++;
	return 0;
}

static int set_wall_clock(struct config *cfg, const char *value)
{
	return 0;
}

const struct opt opts_trace_table[] = {
	{ 'o', "output", "[FORMAT:]FILE", "a file or '|COMMAND', after 'FORMAT:' if you like",
	  set_output,
	  "trace to FILE or '|COMMAND', in FORMAT;\n"
	  "repeatable" },
	{ 0, "format", "FORMAT", "text, json, chrome or fio-iolog", set_format,
	  "text, json, chrome or fio-iolog: of outputs\n"
	  "that name none, and of stderr" },
	{ 'e', "expr", "EXPR", "trace=SET, inject=RULE or fault=SET", set_expression,
	  "trace=SET: trace these calls (io_submit) and\n"
	  "requests (pread; read, write, sync, all), with\n"
	  "commas; inject=RULE, fault=SET: inject faults\n"
	  "(aio-sandbox-inject(7))" },
	{ 0, "trace", "SET", "a set of calls and requests", set_trace,
	  "the same" },
	{ 'P', "trace-path", "PATH", "a path", set_path,
	  "trace requests on PATH only; repeatable" },
	{ 0, "duration", "MS", "milliseconds, at most a day", set_duration,
	  "trace only what took MS milliseconds or more" },
	{ 't', "absolute-timestamps", NULL, NULL, set_clock,
	  "text: time of day; -tt microseconds,\n"
	  "-ttt since 1970" },
	{ 'r', "relative-timestamps", NULL, NULL, set_relative,
	  "text: time since the line before" },
	{ 'T', "syscall-times", NULL, NULL, set_spent,
	  "text: how long it took" },
	{ 'y', "decode-fds", NULL, NULL, set_with_paths,
	  "text: paths of descriptors" },
	{ 's', "string-limit", "N", "a number from 0 to 65536", set_string_limit,
	  "text: at most N bytes of data (32)" },
	{ 'a', "columns", "COLUMN", "a number from 0 to 1000", set_column,
	  "text: results from this column on (40)" },
	{ 'c', "summary-only", NULL, NULL, set_summary_only,
	  "a summary of calls and requests, no trace" },
	{ 'C', "summary", NULL, NULL, set_summary_too,
	  "a summary on stderr, and the trace" },
	{ 'S', "summary-sort-by", "COLUMN",
	  "time, count, errors, bytes, min, mean, p50, p90, p99, max, name or nothing", set_sort,
	  "order of the summary's rows (time)" },
	{ 'w', "summary-wall-clock", NULL, NULL, set_wall_clock,
	  "accepted for habit: times always are" },
	{ 'f', "follow-forks", NULL, NULL, set_follow,
	  "accepted for habit: children are always\n"
	  "followed; -ff: a file for each, FILE.PID" },
	{ 0, NULL, NULL, NULL, NULL, NULL },
};

/* -c makes a summary of each output; -C adds one on stderr. */
static int add_summary(struct trace_config *t)
{
	t->on = t->on || t->summary != TRACE_SUMMARY_NONE;
	if (t->on && !t->output_count)
		t->output_count = 1;		/* stderr */
	for (unsigned i = 0; i < t->output_count; i++)
		t->outputs[i].summary = t->summary == TRACE_SUMMARY_ONLY;
	if (t->summary != TRACE_SUMMARY_TOO)
		return 0;
	if (t->output_count == TRACE_OUTPUTS_MAX) {
		log_error("option '-C': more than %d outputs", TRACE_OUTPUTS_MAX - 1);
		return -EINVAL;
	}
	t->outputs[t->output_count++] = (struct trace_output){
		.summary = true,
		.has_format = true,
		.format = t->format == TRACE_JSON ? TRACE_JSON : TRACE_TEXT,
	};
	return 0;
}

/* NULL, or why it cannot be. */
static const char *split(struct trace_output *o)
{
	if (o->summary)
		return o->name ? "a summary has no parts" : NULL;	/* -C's stays whole */
	if (!o->name)
		return "it needs '-o FILE'";
	if (o->name[0] == '|')
		return "a command gets one trace";
	if (o->format == TRACE_JSON || o->format == TRACE_CHROME)
		return "json and chrome are one file, whose records name the process";
	o->split = true;
	return NULL;
}

static int split_all(struct trace_config *t)
{
	const char *why = NULL;

	for (unsigned i = 0; t->follows > 1 && i < t->output_count && !why; i++)
		why = split(&t->outputs[i]);
	if (why)
		log_error("option '-ff': %s", why);
	return why ? -EINVAL : 0;
}

int opts_trace_check(struct config *cfg)
{
	struct trace_config *t = &cfg->trace;

	if (add_summary(t))
		return -EINVAL;
	for (unsigned i = 0; i < t->output_count; i++) {
		struct trace_output *o = &t->outputs[i];

		if (!o->has_format)
			o->format = t->format;
		if (o->summary && o->format != TRACE_TEXT && o->format != TRACE_JSON) {
			log_error("a summary is text or json: give '-c' an output of one of these");
			return -EINVAL;
		}
	}
	return split_all(t);
}
