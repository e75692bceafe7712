/* SPDX-License-Identifier: MIT */
/* What the command line says about traces. Strings belong to argv. */
#ifndef TRACE_CONFIG_H
#define TRACE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

enum trace_format {
	TRACE_TEXT,
	TRACE_JSON,
	TRACE_CHROME,
	TRACE_FIO_IOLOG,
};

enum trace_clock {		/* what stands before a line of text */
	TRACE_CLOCK_NONE,
	TRACE_CLOCK_SECONDS,	/* -t: 12:34:56 */
	TRACE_CLOCK_MICROS,	/* -tt */
	TRACE_CLOCK_UNIX,	/* -ttt: seconds since 1970 with microseconds */
};

enum trace_sort {		/* -S: rows of a summary, the largest first */
	TRACE_SORT_TIME,	/* sum of latencies */
	TRACE_SORT_COUNT,
	TRACE_SORT_ERRORS,
	TRACE_SORT_BYTES,
	TRACE_SORT_MIN,
	TRACE_SORT_MEAN,
	TRACE_SORT_P50,
	TRACE_SORT_P90,
	TRACE_SORT_P99,
	TRACE_SORT_MAX,
	TRACE_SORT_NAME,
	TRACE_SORT_NOTHING,
};

enum trace_summary {
	TRACE_SUMMARY_NONE,
	TRACE_SUMMARY_ONLY,	/* -c */
	TRACE_SUMMARY_TOO,	/* -C: beside the trace */
};

enum {
	TRACE_OUTPUTS_MAX = 16,
	TRACE_PATHS_MAX = 64,
};

struct trace_output {
	enum trace_format format;
	bool has_format;		/* it was named */
	bool split;			/* -ff: a file for each process, NAME.PID */
	bool summary;			/* instead of a trace */
	const char *name;		/* a file, "|COMMAND", or NULL: stderr */
};

struct trace_config {
	unsigned follows;		/* how often -f was given */
	bool on;			/* somebody wants lines: -o, -e trace=, --format, ... */
	enum trace_format format;	/* of outputs that name none */
	struct trace_output outputs[TRACE_OUTPUTS_MAX];
	unsigned output_count;
	enum trace_summary summary;
	enum trace_sort sort;
	uint32_t set;			/* -e trace=SET; trace_set.h */
	const char *paths[TRACE_PATHS_MAX];
	char *whole_paths[TRACE_PATHS_MAX];	/* the same from the root, ours; NULL: unknown */
	unsigned path_count;		/* 0: all */
	uint64_t duration_ns;		/* only what took at least as long */
	enum trace_clock clock;
	bool relative;			/* -r: time since the line before */
	bool spent;			/* -T */
	bool with_paths;		/* -y */
	unsigned string_bytes;		/* -s: of data, in text */
	unsigned column;		/* -a: where results stand */
};

#endif
