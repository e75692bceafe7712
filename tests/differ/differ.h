/* SPDX-License-Identifier: MIT */
/* What the generator's driver is made of; the programs themselves are in world.h. */
#ifndef DIFFER_H
#define DIFFER_H

#include "parity/victim_env.h"
#include "step.h"

#define PROGRAM_SECONDS 20	/* then it is killed, and that is what is observed */

/* --- batch.c: in the sandbox or not --------------------------------------------------------------- */

/* Where programs come from: seeds, or a file if there is a path. */
struct source {
	uint64_t first, last;
	const char *path;
};

/* Runs them side by side in directories under dir; what each has seen goes to stdout, in order. */
int batch_run(const struct source *src, const struct options *opt, const char *dir);

/* --- image.c ------------------------------------------------------------------------------------- */

int program_continue(void);	/* in the image of an execve: what is left of its program */

/* --- compare.c: the same, from outside ------------------------------------------------------------ */

struct setup {
	struct options opt;
	const char *self;	/* path of this program */
	char *const *sandbox;	/* command, NULL at its end */
	const char *dir;	/* temporary */
};

/* What the programs of one batch have seen, in order of seed. */
struct seen {
	char *text;
	size_t bytes;
};

/* Runs a batch natively (sandbox: false) or sandboxed; the text is the caller's. */
struct seen run_batch(const struct setup *s, const struct source *src, bool sandboxed);
void seen_free(struct seen *seen);
/* Start of what the program of that seed has seen, or NULL; *bytes is how much. */
const char *seen_of(const struct seen *seen, uint64_t seed, size_t *bytes);

enum verdict { EQUAL, DIFFERENT, UNSTABLE };

/* One program alone. native and sandboxed may be NULL, else they are the caller's. */
enum verdict judge(const struct setup *s, const struct program *p, unsigned times,
		   struct seen *native, struct seen *sandboxed);

/* --- freedom.c: the table of what may differ */
void freedom_print(void);

/* --- minimise.c ----------------------------------------------------------------------------------- */

/* Makes p as small and plain as it gets while it still differs. */
void minimise(const struct setup *s, struct program *p, unsigned seconds);

#endif
