/* SPDX-License-Identifier: MIT */
/* Options of the shim. */
#include "opts_impl.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "opts_value.h"
#include "spin.h"
#include "util.h"

#define SPIN_MAX_USEC 1000000u
#define RANDOM_NS NSEC_PER_MSEC

static int set_shim(struct config *cfg, const char *value)
{
	cfg->shim = true;
	return 0;
}

static int set_no_shim(struct config *cfg, const char *value)
{
	cfg->shim = false;
	return 0;
}

static int set_spin(struct config *cfg, const char *value)
{
	uint64_t usec;

	cfg->random_doors = !strcmp(value, "random");
	if (cfg->random_doors || !strcmp(value, "auto")) {
		cfg->spin_ns = cfg->random_doors ? RANDOM_NS : SPIN_AUTO;
		return 0;
	}
	if (opts_value_number(value, 0, SPIN_MAX_USEC, &usec))
		return -EINVAL;
	cfg->spin_ns = usec * NSEC_PER_USEC;
	return 0;
}

const struct opt opts_shim_table[] = {
	{ 0, "shim", NULL, NULL, set_shim,
	  "preload the shim into dynamic programs" },
	{ 0, "no-shim", NULL, NULL, set_no_shim,
	  "leave LD_PRELOAD alone (default)" },
	{ 0, "spin", "auto|USEC", "auto, or microseconds up to 1000000", set_spin,
	  "look for the shim's calls so long before sleep" },
	{ 0, NULL, NULL, NULL, NULL, NULL },
};
