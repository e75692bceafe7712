/* SPDX-License-Identifier: MIT */
/* The outer half: runs the inner one natively and in the sandbox and compares what they tell. */
#include "differ.h"

#include <sys/file.h>

#define WORDS 64
#define NATIVE_TRIES 5

/* All who look at fs.aio-nr on this machine take turns (tests/parity/parity.sh). */
static int take_turn(void)
{
	int fd = open("/proc/sys/fs/aio-nr", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)flock(fd, LOCK_EX);
	return fd;
}

static void child(const struct setup *s, const struct source *src, bool sandboxed,
		  const char *dir, int to)
{
	const char *words[WORDS];
	char first[24], last[24];
	unsigned n = 0;

	for (unsigned i = 0; sandboxed && s->sandbox[i] && n < WORDS - 10; i++)
		words[n++] = s->sandbox[i];
	words[n++] = s->self;
	words[n++] = "exec";
	words[n++] = s->opt.kernel ? "--submit=kernel" : "--submit=auto";
	words[n++] = sandboxed ? "--lanes=6" : "--lanes=32";
	words[n++] = dir;
	snprintf(first, sizeof(first), "%llu", (unsigned long long)src->first);
	snprintf(last, sizeof(last), "%llu", (unsigned long long)src->last);
	words[n++] = src->path ? src->path : first;
	if (!src->path)
		words[n++] = last;
	words[n] = NULL;
	need(dup2(to, STDOUT_FILENO) == STDOUT_FILENO);
	execvp(words[0], (char *const *)words);
	fprintf(stderr, "differ: %s: %s\n", words[0], strerror(errno));
	_exit(127);
}

static struct seen read_all(int fd)
{
	struct seen seen = { .text = malloc(1 << 16) };
	size_t room = 1 << 16;
	ssize_t n;

	need(seen.text);
	while ((n = read(fd, seen.text + seen.bytes, room - seen.bytes - 1)) > 0) {
		seen.bytes += (size_t)n;
		if (room - seen.bytes < 4096) {
			room *= 2;
			seen.text = realloc(seen.text, room);
			need(seen.text);
		}
	}
	need(n == 0);
	seen.text[seen.bytes] = 0;
	return seen;
}

struct seen run_batch(const struct setup *s, const struct source *src, bool sandboxed)
{
	const int turn = sandboxed ? -1 : take_turn();
	char dir[PATH_MAX];
	struct seen seen;
	int ends[2];
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/%s", s->dir, sandboxed ? "sandboxed" : "native");
	need(!mkdir(dir, 0777) && !chmod(dir, 0777));
	need(!pipe2(ends, O_CLOEXEC));
	pid = fork();
	need(pid >= 0);
	if (!pid)
		child(s, src, sandboxed, dir, ends[1]);
	close(ends[1]);
	seen = read_all(ends[0]);
	close(ends[0]);
	wait_child(pid);	/* its status is seen in what is missing */
	if (turn >= 0)
		close(turn);
	if (rmdir(dir)) {
		char command[PATH_MAX + 16];

		snprintf(command, sizeof(command), "rm -rf '%s'", dir);
		need(!system(command));
	}
	return seen;
}

void seen_free(struct seen *seen)
{
	free(seen->text);
	*seen = (struct seen){ 0 };
}

const char *seen_of(const struct seen *seen, uint64_t seed, size_t *bytes)
{
	char title[40];
	const char *at, *end;
	int n = snprintf(title, sizeof(title), "== %llu\n", (unsigned long long)seed);

	at = seen->text;
	while ((at = strstr(at, title)) && at != seen->text && at[-1] != '\n')
		at++;
	if (!at)
		return NULL;
	at += n;
	end = strstr(at, "\n== ");
	*bytes = end ? (size_t)(end + 1 - at) : (size_t)(seen->text + seen->bytes - at);
	return at;
}

static bool same(const struct seen *a, const struct seen *b)
{
	return a->bytes == b->bytes && !memcmp(a->text, b->text, a->bytes);
}

static void write_program(const struct setup *s, const struct program *p, char *path, size_t bytes)
{
	FILE *f;

	snprintf(path, bytes, "%s/program", s->dir);
	f = fopen(path, "w");
	need(f);
	program_print(f, p);
	need(!fclose(f));
}

/* Natively `times`, to see whether it is stable, then in the sandbox until it differs. */
enum verdict judge(const struct setup *s, const struct program *p, unsigned times,
		   struct seen *native, struct seen *sandboxed)
{
	char path[PATH_MAX];
	const struct source src = { .path = path };
	struct seen first, other = { 0 };
	enum verdict v = EQUAL;

	write_program(s, p, path, sizeof(path));
	first = run_batch(s, &src, false);
	for (unsigned i = 1; i < times && v == EQUAL; i++) {
		other = run_batch(s, &src, false);
		v = same(&first, &other) ? EQUAL : UNSTABLE;
		seen_free(&other);
	}
	for (unsigned i = 0; i < times && v == EQUAL; i++) {
		seen_free(&other);
		other = run_batch(s, &src, true);
		v = same(&first, &other) ? EQUAL : DIFFERENT;
	}
	/* what the sandbox has seen may be seen natively too, now and then */
	for (unsigned i = 0; i < NATIVE_TRIES * times && v == DIFFERENT; i++) {
		struct seen again = run_batch(s, &src, false);

		v = same(&again, &other) ? UNSTABLE : DIFFERENT;
		seen_free(&again);
	}
	if (native)
		*native = first;
	else
		seen_free(&first);
	if (sandboxed)
		*sandboxed = other;
	else
		seen_free(&other);
	return v;
}
