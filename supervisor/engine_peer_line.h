/* SPDX-License-Identifier: MIT */
/*
 * Lines: ios that wait for one open file in one direction stand in a line, in list order, and only
 * the first one tries. Two reads of one pipe cannot swap, though each call takes its own duplicate
 * of the descriptor.
 */
#ifndef ENGINE_PEER_LINE_H
#define ENGINE_PEER_LINE_H

#include <stdbool.h>

#include "io.h"
#include "list.h"

struct line;

/* Zero-initialised is empty. */
struct lines {
	void *root;
	bool kcmp;	/* the host can compare open files; see lines_probe() */
};

/* Embed it; list_init(&place.node). */
struct line_place {
	struct list node;
	struct line *line;	/* NULL: in no line */
	const struct io *io;
};

bool lines_probe(void);		/* is kcmp(2) allowed here? */

struct line *lines_find(struct lines *lines, const struct io *io);	/* NULL: nobody waits */
struct line *lines_start(struct lines *lines, const struct io *io); /* a new one; NULL: ENOMEM */

void line_join(struct line *line, struct line_place *place, const struct io *io);

/*
 * Call it while the file of the io is open; harmless when in no line. Returns who has become first
 * by this; NULL when nobody has. The line ends with its last place.
 */
struct line_place *line_leave(struct lines *lines, struct line_place *place);

#endif
