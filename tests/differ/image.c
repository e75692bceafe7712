/* SPDX-License-Identifier: MIT */
/*
 * Images: the one that a program begins in, and those of its execves. A new image goes on with the
 * steps that follow; of the old one it knows where its contexts were. What is left of it are files,
 * limits, credentials and what has been said.
 */
#include "differ.h"
#include "world.h"

#include <sys/resource.h>

#define HANDOVER_FD 241

struct handover {
	unsigned from, to;
	struct options opt;
	aio_context_t stale[CONTEXTS];
	bool object_live[NAMES];
	struct program program;
};

void out_map(int fd)
{
	out = mmap(NULL, sizeof(struct out), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(out != MAP_FAILED);
}

static void write_handover(const struct world *w, unsigned from)
{
	static struct handover h;
	struct rlimit limit, none;
	int fd = memfd_create("handover", 0);

	h = (struct handover){ .from = from, .to = w->end, .opt = *w->opt,
			       .program = *w->program };
	for (unsigned i = 0; i < CONTEXTS; i++)
		h.stale[i] = w->ctx[i].live ? w->ctx[i].handle : w->ctx[i].stale;
	memcpy(h.object_live, w->object_live, sizeof(h.object_live));
	need(!getrlimit(RLIMIT_FSIZE, &limit));
	none = (struct rlimit){ limit.rlim_max, limit.rlim_max };
	need(!setrlimit(RLIMIT_FSIZE, &none));
	need(fd >= 0 && write(fd, &h, sizeof(h)) == (ssize_t)sizeof(h));
	need(!setrlimit(RLIMIT_FSIZE, &limit));
	need(dup2(fd, HANDOVER_FD) == HANDOVER_FD && !close(fd));
}

/* Returns only if there is no such program. */
void run_exec(struct world *w, const struct step *s)
{
	static const char *const paths[] = { "/proc/self/exe", "missing", "." };

	write_handover(w, (unsigned)(s - w->program->step) + 1);
	say("\n");
	execl(paths[s->v[EXEC_HOW] % 3], "differ", "after", NULL);
	say("  %s", num(-errno));
	close(HANDOVER_FD);
}

static struct world *begin(const struct program *p, const struct options *opt)
{
	static const int handled[] = { SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ };
	static struct world w;
	const size_t used = out->used;

	w.program = p;
	w.opt = opt;
	w.pid = getpid();
	w.end = p->count;
	arena_create();
	w.memory_told = arena_hash();
	for (unsigned i = 0; i < ARRAY_SIZE(handled); i++)
		run_action(&w, &(struct step){ K_ACTION, { handled[i], DO_HANDLE } });
	on_signal(SIGALRM, on_alarm, SA_RESTART);
	out->used = used;
	return &w;
}

void program_run(const struct program *p, const struct options *opt)
{
	struct world *w = begin(p, opt);

	run_steps(w, 0, p->count);
	bg_join(w);
}

int program_continue(void)
{
	static struct handover h;
	struct world *w;

	need(pread(HANDOVER_FD, &h, sizeof(h), 0) == (ssize_t)sizeof(h) && !close(HANDOVER_FD));
	out_map(OUT_FD);
	w = begin(&h.program, &h.opt);
	w->end = h.to;
	for (unsigned i = 0; i < CONTEXTS; i++)
		w->ctx[i].stale = h.stale[i];
	memcpy(w->object_live, h.object_live, sizeof(h.object_live));
	objects_again(w);
	run_steps(w, h.from, h.to);
	bg_join(w);
	return 0;
}
