/* SPDX-License-Identifier: MIT */
/*
 * Theory. What is taken out wrongly does no harm: such a program makes its calls by the trap. So a
 * caller with another root or mount namespace than ours loses the object without a further look, and
 * what a hostile program changes while we look harms nobody but itself. The string is shortened in
 * its place; what else it holds stays, in order. Where that is all, `LD_PRELOAD=` is left, which
 * every loader takes for nothing. The caller of an execve that fails, and the parent of a vfork
 * child, are without it from then on.
 *
 * Nothing here may hold the loop up. It asks for names that the kernel has in its cache
 * (RESOLVE_CACHED), and for files that a worker has looked at before and that have not changed since;
 * everything else is done by a worker, while the caller waits in its execve as it would for a slow
 * file system.
 */
#include "preload_guard.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "dispatch.h"
#include "environment.h"
#include "image.h"
#include "preload.h"
#include "workers.h"

/* linux/openat2.h may be older than the kernel */
#define OPENAT2_NR 437
#define OPENAT2_CACHED 0x20
struct openat2_how {
	uint64_t flags, mode, resolve;
};

enum {
	KNOWN = 128,		/* files that are remembered */
	VALUE_BYTES = 8192,
	STRINGS_AT_ONCE = 1024,	/* in the loop; a worker looks at all that an execve can have */
	STRINGS_MAX = 1 << 20,
	AGED_SEC = 2,		/* a younger file may change and keep its ctime */
};

struct known {
	bool valid;
	uint64_t dev, ino, size_bytes, ctime_ns;
	struct image image;
};

struct preload_guard {
	struct dispatch *d;
	struct workers *workers;
	struct lane *lane;
	struct preload_paths paths;
	bool for_everyone[PRELOAD_PATHS];
	struct known known[KNOWN];
};

enum outcome {
	LEAVE,		/* the environment as it is */
	TAKE_OUT,
	WAITS,		/* it may wait: not here */
};

struct look {
	struct work work;
	struct preload_guard *g;
	struct call *call;
	pid_t tid;
	bool may_wait;			/* on a worker */
	enum outcome outcome;
	unsigned entry;			/* of g->paths: what is in the variable */
	uaddr value_at;
	char value[VALUE_BYTES];
	char path[PATH_MAX];
	unsigned learnt_count;		/* by the worker */
	struct known learnt[IMAGE_HOPS + 1];
};

/* --- the caller's memory --- */

/* Does it name our object? */
static bool has_ours(struct look *l)
{
	if (environment_read(l->tid, l->value_at, l->value, sizeof(l->value)) < 0)
		return false;
	for (l->entry = 0; l->entry < PRELOAD_PATHS; l->entry++) {
		if (preload_remove(l->value, l->g->paths.at[l->entry]))
			return true;
	}
	return false;
}

/* --- files --- */

/* O_PATH; -EAGAIN: it may wait. */
static int open_path(const struct look *l, int dirfd, const char *path)
{
	const struct openat2_how how = { O_PATH | O_CLOEXEC, 0, OPENAT2_CACHED };
	int fd;

	if (l->may_wait)
		fd = openat(dirfd, path, O_PATH | O_CLOEXEC);
	else
		fd = (int)syscall(OPENAT2_NR, dirfd, path, &how, sizeof(how));
	if (fd >= 0)
		return fd;
	return !l->may_wait && (errno == ENOSYS || errno == EINVAL || errno == EPERM) ?
		       -EAGAIN : neg_errno();
}

/* What the caller calls /proc/self is not ours. */
static void rename_self(struct look *l, char *path, size_t size)
{
	static const char *const selves[] = { "/proc/self/", "/proc/thread-self/", "/dev/fd/" };
	char begin[64];

	for (size_t i = 0; i < ARRAY_SIZE(selves); i++) {
		const size_t old = strlen(selves[i]), rest = strlen(path) + 1 - min_u64(old, strlen(path));
		const size_t bytes = (size_t)snprintf(begin, sizeof(begin), "/proc/%d/%s", l->tid,
						      i == 2 ? "fd/" : "");

		if (strncmp(path, selves[i], old) || bytes + rest > size)
			continue;
		memmove(path + bytes, path + old, rest);
		memcpy(path, begin, bytes);
		return;
	}
}

/* For a path that does not begin with `/`: of execveat, or of the working directory. */
static int open_base(const struct look *l, int dirfd)
{
	char name[64];

	if (dirfd == AT_FDCWD)
		snprintf(name, sizeof(name), "/proc/%d/cwd", l->tid);
	else
		snprintf(name, sizeof(name), "/proc/%d/fd/%d", l->tid, dirfd);
	return open_path(l, AT_FDCWD, name);
}

static int open_file(struct look *l, int dirfd, char *path, size_t size)
{
	auto_fd base = -1;

	rename_self(l, path, size);
	if (*path == '/')
		return open_path(l, AT_FDCWD, path);
	if (!l->may_wait)
		return -EAGAIN;
	base = open_base(l, dirfd);
	if (base < 0 || !*path)		/* AT_EMPTY_PATH */
		return *path ? base : steal_fd(&base);
	return open_path(l, base, path);
}

static int identify(int fd, struct known *k)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &sx))
		return neg_errno();
	k->dev = (uint64_t)sx.stx_dev_major << 32 | sx.stx_dev_minor;
	k->ino = sx.stx_ino;
	k->size_bytes = sx.stx_size;
	k->ctime_ns = (uint64_t)sx.stx_ctime.tv_sec * NSEC_PER_SEC + sx.stx_ctime.tv_nsec;
	return 0;
}

static struct known *known_place(struct preload_guard *g, const struct known *k)
{
	return &g->known[hash_u64(k->ino ^ k->dev << 20) % KNOWN];
}

static bool recall(const struct look *l, struct known *k)
{
	const struct known *have = known_place(l->g, k);

	if (!have->valid || have->dev != k->dev || have->ino != k->ino ||
	    have->size_bytes != k->size_bytes || have->ctime_ns != k->ctime_ns)
		return false;
	*k = *have;
	return true;
}

static bool has_aged(const struct known *k)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return k->ctime_ns / NSEC_PER_SEC + AGED_SEC < (uint64_t)now.tv_sec;
}

/* 0, or -EAGAIN. */
static int look_at_file(struct look *l, int fd, struct image *image)
{
	struct known k = { .valid = true };
	const int err = identify(fd, &k);

	if (!l->may_wait) {
		if (err || !recall(l, &k))
			return -EAGAIN;
		*image = k.image;
		return 0;
	}
	image_look(fd, image);
	k.image = *image;
	if (!err && image->kind != IMAGE_UNKNOWN && has_aged(&k))
		l->learnt[l->learnt_count++] = k;
	return 0;
}

/* Follows `#!`, as execve does. */
static enum outcome look_at_image(struct look *l, int dirfd)
{
	struct image image = { .kind = IMAGE_SCRIPT };

	l->learnt_count = 0;
	for (unsigned hop = 0; hop <= IMAGE_HOPS && image.kind == IMAGE_SCRIPT; hop++) {
		auto_fd fd = open_file(l, dirfd, l->path, sizeof(l->path));

		if (fd == -EAGAIN)
			return WAITS;
		if (fd < 0)
			return LEAVE;		/* nor will execve find it */
		if (look_at_file(l, fd, &image))
			return WAITS;
		snprintf(l->path, sizeof(l->path), "%s", image.interpreter);
		dirfd = AT_FDCWD;
	}
	return image.kind == IMAGE_REFUSES ? TAKE_OUT : LEAVE;
}

/* --- the look --- */

/* May it be read there? */
static enum outcome look_at_object(const struct look *l)
{
	const char *path = l->g->paths.at[l->entry];
	auto_fd fd = open_path(l, AT_FDCWD, path);
	struct stat st;
	char self[64];

	if (fd == -EAGAIN)
		return WAITS;
	if (fd < 0)
		return TAKE_OUT;
	if (l->g->for_everyone[l->entry])
		return LEAVE;
	snprintf(self, sizeof(self), "/proc/%d", l->tid);
	return stat(self, &st) || st.st_uid != geteuid() ? TAKE_OUT : LEAVE;
}

static enum outcome look(struct look *l)
{
	const struct notice *n = &l->call->notice;
	const bool at = n->nr == SYS_execveat;
	const uint64_t *args = n->args + at;
	const unsigned most = l->may_wait ? STRINGS_MAX : STRINGS_AT_ONCE;
	const int err = environment_find(l->tid, args[2], PRELOAD_VARIABLE "=", most, &l->value_at);
	enum outcome o;

	if (err)
		return err == -EAGAIN && !l->may_wait ? WAITS : LEAVE;
	if (!has_ours(l))
		return LEAVE;
	if (!tracee_sees_our_files(l->tid))
		return TAKE_OUT;
	o = look_at_object(l);
	if (o != LEAVE)
		return o;
	if (environment_read(l->tid, args[0], l->path, sizeof(l->path)) < 0)
		return LEAVE;
	return look_at_image(l, at ? (int)n->args[0] : AT_FDCWD);
}

static void take_out(struct look *l)
{
	(void)tracee_write_all(l->tid, l->value_at, l->value, strlen(l->value) + 1);
}

static void run(struct work *w)
{
	struct look *l = container_of(w, struct look, work);

	l->outcome = look(l);
}

static void done(struct work *w)
{
	struct look *l = container_of(w, struct look, work);
	struct dispatch *d = l->g->d;

	for (unsigned i = 0; i < l->learnt_count; i++)
		*known_place(l->g, &l->learnt[i]) = l->learnt[i];
	if (!notify_valid(d->notify, l->call->notice.cookie)) {
		free(l->call);
		free(l);
		return;
	}
	if (l->outcome == TAKE_OUT)
		take_out(l);
	dispatch_admit(d, l->call);
	free(l);
	dispatch_run_ready(d);
}

static bool is_native(const struct notice *n)
{
#if defined(__x86_64__)
	return n->arch == AUDIT_ARCH_X86_64 && (n->nr == SYS_execve || n->nr == SYS_execveat);
#else
	return false;			/* there is no shim */
#endif
}

bool preload_guard_takes(struct preload_guard *g, struct call *call)
{
	struct look *l;

	if (!g || !g->d->cfg->shim || !is_native(&call->notice))
		return false;
	l = malloc(sizeof(*l));
	if (!l)
		return false;
	l->g = g;
	l->call = call;
	l->tid = (pid_t)call->notice.tid;
	l->may_wait = false;
	l->learnt_count = 0;
	l->outcome = look(l);
	if (l->outcome == WAITS) {
		l->may_wait = true;
		l->work = (struct work){ .run = run, .done = done };
		workers_queue(g->workers, g->lane, &l->work);
		return true;
	}
	if (l->outcome == TAKE_OUT)
		take_out(l);
	free(l);
	return false;
}

struct preload_guard *preload_guard_create(struct dispatch *d, struct workers *workers)
{
	struct preload_guard *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->d = d;
	g->workers = workers;
	g->lane = workers_lane(workers, "exec");
	if (!g->lane) {
		free(g);
		errno = ENOMEM;
		return NULL;
	}
	preload_paths(&g->paths);
	for (unsigned i = 0; i < PRELOAD_PATHS; i++)
		g->for_everyone[i] = preload_for_everyone(g->paths.at[i]);
	return g;
}

void preload_guard_destroy(struct preload_guard *g)
{
	free(g);
}
