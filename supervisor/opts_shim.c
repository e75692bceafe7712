/* SPDX-License-Identifier: MIT */
/* Options of the shim. */
#include "opts_impl.h"

#include <stddef.h>

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

const struct opt opts_shim_table[] = {
	{ 0, "shim", NULL, NULL, set_shim,
	  "preload the shim into dynamic programs" },
	{ 0, "no-shim", NULL, NULL, set_no_shim,
	  "leave LD_PRELOAD alone (default)" },
	{ 0, NULL, NULL, NULL, NULL, NULL },
};
