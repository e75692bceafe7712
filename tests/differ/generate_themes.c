/* SPDX-License-Identifier: MIT */
/* What programs are about; each theme makes one kind of observation dense. */
#include "generate.h"

static void open_some(struct gen *g, unsigned n)
{
	static const int whats[] = {
		W_FILE, W_FILE, W_FILE, W_MEMFD, W_SHM, W_PIPE, W_PIPE, W_SOCK, W_DGRAM, W_EVENTFD,
		W_SEMAPHORE, W_TIMERFD, W_NULL, W_ZERO, W_FULL, W_DIR, W_STATUS, W_VERSION, W_EPOLL,
		W_INOTIFY, W_PIDFD, W_FIFO, W_OSTYPE, W_TCP, W_UDP, W_PTY, W_PATH
	};
	static const int modes[] = {
		M_RDWR, M_RDWR, M_RDWR, M_RDONLY, M_WRONLY, M_APPEND, M_DSYNC
	};

	while (n--)
		add_open(g, pick(g, whats), pick(g, modes));
}

static void maybe_events(struct gen *g, int c)
{
	if (one_in(g, 3))
		add_getev(g, c, 0, 1 + (int64_t)below(g, 8), T_ZERO);
}

/* Which error comes first, and how many were accepted before it. */
static void theme_errors(struct gen *g)
{
	const unsigned rounds = 3 + (unsigned)below(g, 6);

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	open_some(g, 3 + (unsigned)below(g, 4));
	for (unsigned i = 0; i < rounds; i++) {
		const unsigned n = 1 + (unsigned)below(g, 4), bad = (unsigned)below(g, n);
		int c = any_context(g);

		for (unsigned k = 0; k < n; k++) {
			struct step *cb = add_valid(g, any_open(g));

			if (k == bad)
				corrupt(g, cb, 1 + (unsigned)below(g, 2));
		}
		add_submit(g, c);
		maybe_events(g, c);
		if (one_in(g, 4))
			add_noise(g);
	}
}

/* What is read and written where. */
static void theme_data(struct gen *g)
{
	static const int whats[] = { W_FILE, W_FILE, W_FILE, W_MEMFD, W_SHM, W_PIPE, W_SOCK };
	static const int modes[] = { M_RDWR, M_RDWR, M_APPEND, M_RDWR, M_DSYNC };
	const unsigned rounds = 3 + (unsigned)below(g, 6);

	add_setup(g, 0, 1 + (int64_t)below(g, 62));
	for (unsigned i = 0; i < 3; i++)
		add_open(g, pick(g, whats), pick(g, modes));
	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned n = 1 + (unsigned)below(g, 4); n; n--) {
			struct step *cb = add_valid(g, any_open(g));

			if (one_in(g, 6))
				corrupt(g, cb, 1);
		}
		add_submit(g, 0);
		maybe_events(g, 0);
		if (one_in(g, 3))
			add_noise(g);
	}
}

/* Themes that came later have a quarter of the seeds, so that the others mean what they did. */
static void generate_late(struct gen *g)
{
	static void (*const themes[])(struct gen *g) = {
		theme_faults, theme_faults, theme_faults, theme_arguments, theme_arguments,
		theme_ids, theme_in_flight, theme_in_flight, theme_drain, theme_drain, theme_exec,
		theme_exec, theme_creds, theme_creds, theme_cold,
	};

	memset(g->what, -1, sizeof(g->what));
	if (one_in(g, 30))
		theme_counts(g);
	else if (one_in(g, 30))
		theme_crowd(g);
	else
		pick(g, themes)(g);
}

void generate_theme(struct gen *g)
{
	static void (*const themes[])(struct gen *g) = {
		theme_errors, theme_errors, theme_errors, theme_data, theme_data, theme_data,
		theme_slots, theme_slots, theme_reap, theme_reap, theme_poll, theme_poll,
		theme_direct, theme_life, theme_life, theme_signals, theme_waiters,
	};

	if (g->seed % 4 == 0) {
		generate_late(g);
		return;
	}
	if (one_in(g, 60)) {
		memset(g->what, -1, sizeof(g->what));
		theme_announce(g);
		return;
	}

	memset(g->what, -1, sizeof(g->what));
	pick(g, themes)(g);
}
