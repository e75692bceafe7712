/* SPDX-License-Identifier: MIT */
/*
 * One row of opts_table is one option: the parser, --help and --list-options (bash completion)
 * are made from it, and tests/docs.sh compares it with the man page. The parser is our own since
 * getopt_long() accepts abbreviations, which turn into errors when a later version adds an option.
 */
#include "opts_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "opts_value.h"
#include "spin.h"
#include "trace_set.h"
#include "util.h"

#define HELP_COLUMN 28

struct config config_default(void)
{
	return (struct config){
		.engine = CONFIG_ENGINE_AUTO,
		.submit = CONFIG_SUBMIT_AUTO,
		.threads = 16,
		.max_nr = 1048576,
		.buffer_bytes = 256ull << 20,
		.spin_ns = SPIN_AUTO,
		.stall_ns = 10 * NSEC_PER_SEC,
		.trace = { .set = TRACE_SET_ALL, .string_bytes = 32, .column = 40 },
	};
}

void config_release(struct config *cfg)
{
	opts_inject_release(cfg);
	free(cfg->env_edits);
	cfg->env_edits = NULL;
	cfg->env_edit_count = 0;
	while (cfg->trace.path_count)
		free(cfg->trace.whole_paths[--cfg->trace.path_count]);
}

static int set_quiet(struct config *cfg, const char *value)
{
	cfg->quiet = true;
	return 0;
}

static int set_verbose(struct config *cfg, const char *value)
{
	cfg->verbose++;
	return 0;
}

static int set_env(struct config *cfg, const char *value)
{
	if (!*value || *value == '=')
		return -EINVAL;
	cfg->env_edits[cfg->env_edit_count++] = value;
	return 0;
}

static int set_user(struct config *cfg, const char *value)
{
	if (!*value)
		return -EINVAL;
	cfg->user = value;
	return 0;
}

static int set_engine(struct config *cfg, const char *value)
{
	static const struct opts_choice engines[] = {
		{ "auto", CONFIG_ENGINE_AUTO },
		{ "uring", CONFIG_ENGINE_URING },
		{ "threads", CONFIG_ENGINE_THREADS },
		{ "libaio", CONFIG_ENGINE_LIBAIO },
		{ "null", CONFIG_ENGINE_NULL },
	};
	int found = opts_value_choice(value, engines, ARRAY_SIZE(engines));

	if (found < 0)
		return found;
	cfg->engine = (enum config_engine)found;
	return 0;
}

static int set_submit(struct config *cfg, const char *value)
{
	static const struct opts_choice modes[] = {
		{ "auto", CONFIG_SUBMIT_AUTO },
		{ "async", CONFIG_SUBMIT_ASYNC },
		{ "kernel", CONFIG_SUBMIT_KERNEL },
	};
	int found = opts_value_choice(value, modes, ARRAY_SIZE(modes));

	if (found < 0)
		return found;
	cfg->submit = (enum config_submit)found;
	return 0;
}

static int set_threads(struct config *cfg, const char *value)
{
	uint64_t n;

	if (opts_value_number(value, 1, CONFIG_THREADS_MAX, &n))
		return -EINVAL;
	cfg->threads = (unsigned)n;
	return 0;
}

static int set_max_nr(struct config *cfg, const char *value)
{
	return opts_value_number(value, 0, UINT32_MAX, &cfg->max_nr);
}

static int set_buffer(struct config *cfg, const char *value)
{
	return opts_value_size(value, CONFIG_BUFFER_MIN_BYTES, 1ull << 40, &cfg->buffer_bytes);
}

static int set_doctor(struct config *cfg, const char *value)
{
	cfg->doctor = true;
	return 0;
}

static int refuse_attach(struct config *cfg, const char *value)
{
	log_error(
		"cannot attach to a running process: a seccomp filter can be installed only by the "
		"program itself, before it starts; start it as 'aio-sandbox PROGRAM [ARGS]'");
	return -EPERM;
}

static int show_help(struct config *cfg, const char *value);
static int show_list(struct config *cfg, const char *value);

static int show_version(struct config *cfg, const char *value)
{
	puts("aio-sandbox " PACKAGE_VERSION);
	return OPTS_DONE;
}

static const struct opt opts_table[] = {
	{ 'E', "env", "VAR[=VAL]", "VAR=VAL or VAR", set_env,
	  "set VAR to VAL for PROGRAM, or unset it; repeatable" },
	{ 'u', "user", "USER", "the name of a user", set_user,
	  "run PROGRAM as USER (root only)" },
	{ 0, "engine", "NAME", "auto, uring, threads, libaio or null", set_engine,
	  "what does the I/O: auto (default), uring, threads,\n"
	  "libaio (the host's own AIO);\n"
	  "null does none: nothing is read or written" },
	{ 0, "threads", "N", "a number from 1 to 256", set_threads,
	  "workers of the threads engine (16)" },
	{ 0, "submit", "MODE", "auto, async or kernel", set_submit,
	  "when io_submit returns: auto (default) waits for\n"
	  "nothing, async not even for buffered writes,\n"
	  "kernel exactly as long as the kernel does" },
	{ 0, "max-nr", "N", "a number from 0 to 4294967295", set_max_nr,
	  "requests that all contexts may hold (1048576)" },
	{ 0, "buffer-memory", "SIZE", "a size from 1M to 1024G, such as 256M", set_buffer,
	  "memory for data in flight (256M)" },
	{ 0, "doctor", NULL, NULL, set_doctor,
	  "tell what this host allows; runs no PROGRAM" },
	{ 'q', "quiet", NULL, NULL, set_quiet,
	  "no warnings" },
	{ 'v', "verbose", NULL, NULL, set_verbose,
	  "tell at the end what was seen; -vv: every\n"
	  "request when it is done" },
	{ 'p', "attach", "PID", NULL, refuse_attach,
	  "refused, with the reason" },
	{ 'h', "help", NULL, NULL, show_help,
	  "this text" },
	{ 'V', "version", NULL, NULL, show_version,
	  "the version" },
	{ 0, "list-options", NULL, NULL, show_list, NULL },
};

/* The n-th of all tables; NULL: there are no more. */
static const struct opt *opt_at(unsigned n)
{
	const struct opt *const more[] = { opts_inject_table, opts_shim_table, opts_trace_table,
					   opts_watch_table };

	if (n < ARRAY_SIZE(opts_table))
		return &opts_table[n];
	n -= ARRAY_SIZE(opts_table);
	for (unsigned i = 0; i < ARRAY_SIZE(more); i++) {
		for (const struct opt *o = more[i]; o->name; o++) {
			if (!n--)
				return o;
		}
	}
	return NULL;
}

static void help_line(const struct opt *o)
{
	char brief[4] = "   ";
	const char *line = o->help;

	if (o->brief)
		snprintf(brief, sizeof(brief), "-%c,", o->brief);

	int used = printf("  %s --%s%s%s", brief, o->name, o->arg ? "=" : "", o->arg ? o->arg : "");

	for (;;) {
		size_t len = strcspn(line, "\n");

		printf("%*s%.*s\n", used < HELP_COLUMN ? HELP_COLUMN - used : 1, "",
		       (int)len, line);
		if (!line[len])
			return;
		line += len + 1;
		used = 0;
	}
}

static int show_help(struct config *cfg, const char *value)
{
	puts("Usage: aio-sandbox [OPTIONS] [--] PROGRAM [ARGS]\n"
	     "Run PROGRAM with its Linux native AIO calls answered in user space.\n");
	for (unsigned i = 0; opt_at(i); i++)
		if (opt_at(i)->help)
			help_line(opt_at(i));
	puts("\nExit status: that of PROGRAM; 125 aio-sandbox failed, 126 PROGRAM cannot be\n"
	     "executed, 127 PROGRAM not found. See aio-sandbox(1).");
	return OPTS_DONE;
}

static int show_list(struct config *cfg, const char *value)
{
	const struct opt *o;

	for (unsigned i = 0; (o = opt_at(i)); i++) {
		if (!o->help)
			continue;
		if (o->brief)
			printf("-%c\n", o->brief);
		printf("--%s%s\n", o->name, o->arg ? "=" : "");
	}
	return OPTS_DONE;
}

/* `shown` is the option as the user wrote it. */
static int opt_apply(const struct opt *o, const char *shown, int shown_len, const char *value,
		     struct config *cfg)
{
	int result = o->set(cfg, value);

	if (result == -EINVAL)
		log_error("option '%.*s': '%s' is not valid; it must be %s", shown_len, shown,
			  value, o->expects);
	return result < 0 ? -EINVAL : result;
}

static const struct opt *opt_named(const char *name, size_t len)
{
	const struct opt *o;

	for (unsigned i = 0; (o = opt_at(i)); i++)
		if (strlen(o->name) == len && !memcmp(o->name, name, len))
			return o;
	return NULL;
}

static const struct opt *opt_lettered(char brief)
{
	const struct opt *o;

	for (unsigned i = 0; (o = opt_at(i)); i++)
		if (o->brief == brief)
			return o;
	return NULL;
}

/* An abbreviation is not accepted, but answered with the whole name. */
static int unknown_long(const char *word, size_t len)
{
	const struct opt *o;

	for (unsigned i = 0; len > 2 && (o = opt_at(i)); i++) {
		if (!strncmp(o->name, word + 2, len - 2)) {
			log_error("unknown option '%.*s'; did you mean '--%s'?", (int)len, word,
				  o->name);
			return -EINVAL;
		}
	}
	log_error("unknown option '%.*s'; 'aio-sandbox --help' lists the options", (int)len, word);
	return -EINVAL;
}

static int missing_value(const struct opt *o, const char *shown)
{
	log_error("option '%s' needs a value: %s", shown, o->expects ? o->expects : o->arg);
	return -EINVAL;
}

/* --name, --name=value or --name value; *next is the word after it. */
static int parse_long(char *word, char ***next, struct config *cfg)
{
	size_t len = strcspn(word, "=");
	const struct opt *o = opt_named(word + 2, len - 2);
	const char *value = word[len] ? word + len + 1 : NULL;

	if (!o)
		return unknown_long(word, len);
	if (value && !o->arg) {
		log_error("option '%.*s' takes no value; remove '%s'", (int)len, word, word + len);
		return -EINVAL;
	}
	if (o->arg && !value) {
		if (!**next)
			return missing_value(o, word);
		value = *(*next)++;
	}
	return opt_apply(o, word, (int)len, value, cfg);
}

/* -abc, -aVALUE or -a VALUE */
static int parse_brief(char *word, char ***next, struct config *cfg)
{
	for (char *c = word + 1; *c; c++) {
		const char shown[] = { '-', *c, 0 };
		const struct opt *o = opt_lettered(*c);
		const char *value = NULL;

		if (!o) {
			log_error("unknown option '%s'; 'aio-sandbox --help' lists the options",
				  shown);
			return -EINVAL;
		}
		if (o->arg) {
			value = c[1] ? c + 1 : *(*next)++;
			if (!value)
				return missing_value(o, shown);
		}

		int result = opt_apply(o, shown, 2, value, cfg);

		if (result || o->arg)
			return result;
	}
	return 0;
}

static int check_program(const struct config *cfg)
{
	if (cfg->doctor && *cfg->program) {
		log_error("--doctor runs no program; remove '%s'", *cfg->program);
		return -EINVAL;
	}
	if (!cfg->doctor && !*cfg->program) {
		log_error("no program given; use 'aio-sandbox [OPTIONS] PROGRAM [ARGS]', "
			  "or --help for the options");
		return -EINVAL;
	}
	return OPTS_RUN;
}

static int parse_words(char **next, struct config *cfg)
{
	while (*next && (*next)[0] == '-' && (*next)[1]) {
		char *word = *next++;
		int result;

		if (!strcmp(word, "--"))
			break;
		if (word[1] == '-')
			result = parse_long(word, &next, cfg);
		else
			result = parse_brief(word, &next, cfg);
		if (result)
			return result;
	}
	cfg->program = next;
	opts_inject_check(cfg);
	return opts_trace_check(cfg) ? -EINVAL : check_program(cfg);
}

int opts_parse(int argc, char **argv, struct config *cfg)
{
	int result;

	/* no word gives more than one edit */
	cfg->env_edits = calloc((size_t)argc + 1, sizeof(*cfg->env_edits));
	if (!cfg->env_edits) {
		log_error("no memory for the options");
		return -ENOMEM;
	}
	result = parse_words(argv + (argc > 0), cfg);
	if (result != OPTS_RUN)
		config_release(cfg);
	return result;
}
