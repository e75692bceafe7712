/* SPDX-License-Identifier: MIT */
/* Options of the fault plan; its grammar is fault_parse.c's. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fault.h"
#include "log.h"
#include "opts_impl.h"
#include "opts_value.h"
#include "util.h"

static int add(struct config *cfg, const char *where, const char *text, bool fault)
{
	struct fault_complaint complaint = { 0 };
	int err = -ENOMEM;

	if (!cfg->plan)
		cfg->plan = fault_plan_create(0);
	if (cfg->plan)
		err = fault_plan_add(cfg->plan, text, fault, NULL, &complaint);
	if (err == -ENOMEM)
		log_error("no memory for the fault plan");
	else if (err)
		log_error("%s: %s: at character %zu: %s", where, text, complaint.at + 1,
			  complaint.what);
	return err ? -EPERM : 0;	/* it has been said */
}

int opts_inject(struct config *cfg, const char *expression)
{
	if (!strncmp(expression, "inject=", 7))
		return add(cfg, "option '-e inject'", expression + 7, false);
	if (!strncmp(expression, "fault=", 6))
		return add(cfg, "option '-e fault'", expression + 6, true);
	return -EINVAL;
}

static int add_line(struct config *cfg, const char *name, unsigned number, char *line)
{
	size_t length = strlen(line);
	char where[128];

	while (length && strchr(" \t\r\n", line[length - 1]))
		line[--length] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	snprintf(where, sizeof(where), "%.100s:%u", name, number);
	return add(cfg, where, line, false);
}

static int set_plan(struct config *cfg, const char *value)
{
	auto_file f = fopen(value, "re");
	auto_free char *line = NULL;
	size_t room = 0;
	int err = 0;

	if (!f) {
		log_error("option '--plan': %s: %s", value, strerror(errno));
		return -EPERM;
	}
	for (unsigned n = 1; !err && getline(&line, &room, f) >= 0; n++)
		err = add_line(cfg, value, n, line);
	if (!err && !feof(f)) {
		log_error("option '--plan': %s cannot be read", value);
		return -EPERM;
	}
	return err;
}

static int set_seed(struct config *cfg, const char *value)
{
	cfg->has_seed = true;
	return opts_value_number(value, 0, UINT32_MAX, &cfg->seed) ? -EINVAL : 0;
}

void opts_inject_check(struct config *cfg)
{
	if (!cfg->plan) {
		if (cfg->has_seed)
			log_warn("--seed does nothing: there is no fault rule");
		return;
	}
	if (!cfg->has_seed)
		cfg->seed = hash_u64(now_ns() ^ (uint64_t)getpid()) & UINT32_MAX;
	fault_plan_set_seed(cfg->plan, cfg->seed);
}

void opts_inject_release(struct config *cfg)
{
	fault_plan_destroy(cfg->plan);
	cfg->plan = NULL;
}

const struct opt opts_inject_table[] = {
	{ 0, "plan", "FILE", "a file of rules", set_plan,
	  "inject faults: a rule each line of FILE, as\n"
	  "behind -e inject= (aio-sandbox-inject(7))" },
	{ 0, "seed", "N", "a number from 0 to 4294967295", set_seed,
	  "what the dice of faults are thrown with" },
	{ 0, NULL, NULL, NULL, NULL, NULL },
};
