/* SPDX-License-Identifier: MIT */
/*
 * A short text that is made once and referred to often, by both threads of a trace: the path of a
 * file, the name of a thread, the first bytes of what a request has moved.
 */
#ifndef LABEL_H
#define LABEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct label {
	_Atomic unsigned refs;
	size_t length_bytes;		/* without the 0 at the end */
	uint64_t hash;			/* label_hash()'s; 0: nobody has asked */
	char text[];			/* a path, a name: any bytes but 0 */
};

/* text NULL: it is filled in by the caller. NULL: ENOMEM. */
struct label *label_create(const char *text, size_t length_bytes);
struct label *label_get(struct label *l);	/* accepts NULL */
void label_put(struct label *l);		/* accepts NULL */
/* Of the text; worked out once. All who ask for that of one label are one thread. */
uint64_t label_hash(struct label *l);

#endif
