/* SPDX-License-Identifier: MIT */
/* What errand.c and errand_copy.c share. */
#ifndef ERRAND_IMPL_H
#define ERRAND_IMPL_H

#include <linux/aio_abi.h>

#include "errand.h"
#include "remote.h"

enum { PIECES = 6 };		/* of one entry: its place in the list, itself, its key, its vector */

struct errand_piece {
	uaddr at;
	size_t length_bytes;
	bool write;
	bool tried;
	bool copied;
	void *bytes;
};

struct errand {
	bool in_vain;			/* the thread cannot be made to do anything */
	unsigned piece_count;
	struct errand_piece piece[PIECES];
	struct request *request;	/* not accepted yet ... */
	struct iocb cb;			/* ... of this entry */
	struct list held;		/* accepted and done, but for the copy to the program */
	bool transferred;		/* the first of those, or else the request, with this result */
	int64_t result;
};

struct errand *errand_of(struct call *call);	/* NULL: no memory, or in vain */
struct errand_piece *errand_to_copy(struct errand *e);	/* NULL: none that has not been tried */
void errand_copy_piece(struct remote *r, struct errand_piece *p);	/* or the thread is late */

/* A system call of the thread with these arguments. */
int64_t errand_do(struct remote *r, long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		  uint64_t e, uint64_t f);

#endif
