/* SPDX-License-Identifier: MIT */
#include "preload.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define VARIABLE "LD_PRELOAD"

/* In the build tree, seen from the directory of the program. */
static int shim_beside_us(char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return neg_errno();
	self[n] = 0;
	slash = strrchr(self, '/');
	if (!slash)
		return -ENOENT;
	*slash = 0;
	if ((size_t)snprintf(path, size, "%s/shim/aio-sandbox-shim.so", self) >= size)
		return -ENAMETOOLONG;
	return access(path, R_OK) ? neg_errno() : 0;
}

static int shim_find(char *path, size_t size)
{
	if (!shim_beside_us(path, size))
		return 0;
	snprintf(path, size, "%s", SHIM_INSTALLED);
	return access(path, R_OK) ? neg_errno() : 0;
}

int preload_shim(void)
{
	const char *old = getenv(VARIABLE);
	char path[PATH_MAX + 32];
	int err = shim_find(path, sizeof(path));
	size_t size;
	char *value;	/* the environment's, when it is in there */

	if (err)
		return err;
	if (strpbrk(path, " :"))
		return -EINVAL;
	size = sizeof(VARIABLE) + strlen(path) + (old ? strlen(old) : 0) + 2;
	value = calloc(1, size);
	if (!value)
		return -ENOMEM;
	snprintf(value, size, VARIABLE "=%s%s%s", old ? old : "", old && *old ? ":" : "", path);
	return putenv(value) ? neg_errno() : 0;
}
