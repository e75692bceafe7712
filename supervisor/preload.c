/* SPDX-License-Identifier: MIT */
#include "preload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image.h"
#include "util.h"

/* In the build tree, seen from the directory of the program. */
static int path_beside_us(char *path, size_t size)
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
	return 0;
}

void preload_paths(struct preload_paths *out)
{
	if (path_beside_us(out->at[0], sizeof(out->at[0])))
		out->at[0][0] = '\0';
	snprintf(out->at[1], sizeof(out->at[1]), "%s", SHIM_INSTALLED);
}

/* The first that can be read, or -errno of the last. */
static int find(const struct preload_paths *paths, const char **found)
{
	int err = -ENOENT;

	for (unsigned i = 0; i < PRELOAD_PATHS; i++) {
		*found = paths->at[i];
		if (!access(*found, R_OK))
			return 0;
		err = neg_errno();
	}
	return err;
}

bool preload_for_everyone(const char *path)
{
	char above[PATH_MAX + 32];
	struct stat st;
	mode_t wanted = S_IROTH;

	snprintf(above, sizeof(above), "%s", path);
	for (char *slash; *above; *slash = '\0') {
		if (stat(above, &st) || (st.st_mode & wanted) != wanted)
			return false;
		wanted = S_IXOTH;
		slash = strrchr(above, '/');
		if (!slash)
			return false;
	}
	return true;
}

bool preload_remove(char *value, const char *entry)
{
	const size_t bytes = strlen(entry);
	char *at = value, *end;

	while (bytes && (at = strstr(at, entry))) {
		end = at + bytes;
		if ((at == value || strchr(": ", at[-1])) && strchr(": ", *end)) {
			end += at == value && *end;	/* one separator goes too */
			at -= at > value;
			memmove(at, end, strlen(end) + 1);
			return true;
		}
		at = end;
	}
	return false;
}

/* Where execvp(3) will find it. */
static enum image_kind image_of(const char *program)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	if (strchr(program, '/'))
		return image_of_path(program);
	for (path = path ? path : "/bin:/usr/bin"; *path; path += *path == ':') {
		const size_t bytes = strcspn(path, ":");
		struct stat st;

		snprintf(file, sizeof(file), "%.*s/%s", (int)bytes, bytes ? path : ".", program);
		path += bytes;
		if (!access(file, X_OK) && !stat(file, &st) && S_ISREG(st.st_mode))
			return image_of_path(file);
	}
	return IMAGE_OTHER;
}

/* A file that cannot be read is most likely like all others. */
static bool loads(const char *program)
{
	enum image_kind kind = image_of(program);

	if (kind == IMAGE_OTHER)	/* execvp(3) lets a shell have it */
		kind = image_of_path("/bin/sh");
	return kind == IMAGE_LOADS || kind == IMAGE_UNKNOWN;
}

int preload_shim(const char *program)
{
	const char *old = getenv(PRELOAD_VARIABLE), *path;
	struct preload_paths paths;
	size_t size;
	char *value;	/* the environment's, when it is in there */
	int err;

	preload_paths(&paths);
	err = find(&paths, &path);
	if (err)
		return err;
	if (strpbrk(path, " :"))
		return -EINVAL;
	if (!loads(program))
		return -ENOEXEC;
	size = sizeof(PRELOAD_VARIABLE) + strlen(path) + (old ? strlen(old) : 0) + 2;
	value = calloc(1, size);
	if (!value)
		return -ENOMEM;
	snprintf(value, size, PRELOAD_VARIABLE "=%s%s%s", old ? old : "", old && *old ? ":" : "",
		 path);
	return putenv(value) ? neg_errno() : 0;
}
