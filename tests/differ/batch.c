/* SPDX-License-Identifier: MIT */
/*
 * The inner half: runs many programs at a time, each in a process and a directory of its own, and
 * tells what they have seen. Many at a time, since each io_destroy waits for some 30 ms in the
 * kernel. Each program stays on one CPU: slots are counted per CPU (docs/aio-abi.md, 6).
 */
#include "differ.h"
#include "world.h"

#include <sched.h>

#define LANES 32

struct lane {
	pid_t pid;
	uint64_t seed, begin_ms;
	bool overdue;
	int out_fd;
	struct out *out;
	struct program program;
};

struct batch {
	const struct source *src;
	const struct options *opt;
	const char *dir;
	struct lane lane[LANES];
	char **texts;
};

static void lane_path(const struct batch *b, const struct lane *l, char *path, size_t bytes)
{
	snprintf(path, bytes, "%s/%u", b->dir, (unsigned)(l - b->lane));
}

static void load(const struct batch *b, struct program *p, uint64_t seed)
{
	FILE *f;
	unsigned bad;

	if (!b->src->path) {
		program_generate(p, seed, b->opt);
		return;
	}
	f = fopen(b->src->path, "r");
	need(f);
	bad = program_parse(f, p);
	fclose(f);
	if (bad)
		fprintf(stderr, "%s:%u: not a step\n", b->src->path, bad);
	need(!bad);
}

static void child(const struct batch *b, struct lane *l)
{
	char path[PATH_MAX];
	sigset_t none;
	cpu_set_t cpu;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	need(!sigprocmask(SIG_SETMASK, &none, NULL));
	CPU_ZERO(&cpu);
	CPU_SET((unsigned)(l - b->lane) % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);	/* refused: slots may come out otherwise */
	lane_path(b, l, path, sizeof(path));
	need(!mkdir(path, 0777) && !chmod(path, 0777) && !chdir(path));
	out = l->out;
	need(dup2(l->out_fd, OUT_FD) == OUT_FD);
	program_run(&l->program, b->opt);
	_exit(0);
}

static void start(struct batch *b, struct lane *l, uint64_t seed)
{
	l->seed = seed;
	l->begin_ms = now_ms();
	l->overdue = false;
	l->out->used = 0;
	load(b, &l->program, seed);
	l->pid = fork();
	need(l->pid >= 0);
	if (!l->pid)
		child(b, l);
}

/* What has reached the files, and away with them. */
static void tell_files(const struct batch *b, const struct lane *l)
{
	static char data[WARM_BYTES];
	char dir[PATH_MAX - 32], path[PATH_MAX];

	lane_path(b, l, dir, sizeof(dir));
	for (unsigned i = 0; i < NAMES; i++) {
		struct stat st;
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "%s/f%u", dir, i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st))
			continue;
		n = pread(fd, data, sizeof(data), 0);
		say("file %u: size %lld contents %08x\n", i, (long long)st.st_size,
		    (unsigned)(n > 0 ? hash(data, (size_t)n, 0) : 0));
		close(fd);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/fifo", dir);
	unlink(path);
	need(!rmdir(dir));
}

static void ended(struct batch *b, struct lane *l, int status)
{
	out = l->out;
	if (l->overdue)
		say("\nnot ended in %u s\n", PROGRAM_SECONDS);
	else if (WIFEXITED(status))
		say("ended %d\n", WEXITSTATUS(status));
	else
		say("\nkilled by %s\n", sigabbrev_np(WTERMSIG(status)));
	tell_files(b, l);
	need(asprintf(&b->texts[l->seed - b->src->first], "== %llu\n%.*s",
		      (unsigned long long)l->seed, (int)out->used, out->text) > 0);
	l->pid = 0;
}

static struct lane *lane_of(struct batch *b, pid_t pid)
{
	for (unsigned i = 0; i < LANES; i++) {
		if (b->lane[i].pid == pid)
			return &b->lane[i];
	}
	return NULL;
}

static void reap(struct batch *b)
{
	const struct timespec limit = { .tv_sec = 1 };
	sigset_t chld;
	int status;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigtimedwait(&chld, NULL, &limit);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct lane *l = lane_of(b, pid);

		if (l)
			ended(b, l, status);
	}
	for (unsigned i = 0; i < LANES; i++) {
		struct lane *l = &b->lane[i];

		if (!l->pid || now_ms() - l->begin_ms < PROGRAM_SECONDS * 1000)
			continue;
		l->overdue = true;
		kill(l->pid, SIGKILL);
	}
}

static void run_all(struct batch *b, uint64_t count)
{
	uint64_t begun = 0;
	bool busy;

	do {
		busy = false;
		for (unsigned i = 0; i < b->opt->lanes; i++) {
			struct lane *l = &b->lane[i];

			if (!l->pid && begun < count)
				start(b, l, b->src->first + begun++);
			busy |= l->pid != 0;
		}
		if (busy)
			reap(b);
	} while (busy);
}

int batch_run(const struct source *src, const struct options *opt, const char *dir)
{
	static struct batch b;
	const uint64_t count = src->last - src->first + 1;
	sigset_t chld;

	b.src = src;
	b.opt = opt;
	b.dir = dir;
	b.texts = calloc(count, sizeof(*b.texts));
	need(b.texts);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	need(!sigprocmask(SIG_BLOCK, &chld, NULL));
	for (unsigned i = 0; i < LANES; i++) {
		b.lane[i].out_fd = memfd_create("out", MFD_CLOEXEC);
		need(!ftruncate(b.lane[i].out_fd, sizeof(struct out)));
		out_map(b.lane[i].out_fd);
		b.lane[i].out = out;
	}
	run_all(&b, count);
	for (uint64_t i = 0; i < count; i++) {
		need(fputs(b.texts[i], stdout) >= 0);
		free(b.texts[i]);
	}
	free(b.texts);
	return fflush(stdout) ? 1 : 0;
}
