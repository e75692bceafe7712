/* SPDX-License-Identifier: MIT */
/*
 * Credentials: whose a piece of I/O is, where the supervisor is privileged and the submitter is
 * not, or is somebody else. A record is what the kernel asks for when it judges an access to an
 * open file: effective and file system ids, groups, capabilities. Equal ones are one record, kept
 * as long as somebody refers to it; its number is never used again.
 *
 * A thread of ours takes a record by creds_be(). Real and saved ids stay its own, so that nobody
 * else may signal or trace it meanwhile, and so that it can come back. Records are the loop
 * thread's; a worker reads the one of its io.
 */
#ifndef CREDS_H
#define CREDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "list.h"

struct creds_ids {
	uid_t ruid, euid, suid, fsuid;
	gid_t rgid, egid, sgid, fsgid;
};

struct creds {
	struct list node;		/* of the table */
	const struct creds *own;	/* the supervisor's; lives as long as the table */
	unsigned refs;
	uint64_t number;		/* unique in a run, from 1; 0: the supervisor's own */
	struct creds_ids ids;
	uint64_t effective;		/* capability n is bit n */
	uint64_t permitted;		/* these two: of own only */
	uint64_t inheritable;
	unsigned group_count;
	gid_t groups[];			/* ascending, as the kernel keeps them */
};

/* What was seen of a thread last. */
struct creds_seen {
	bool known;
	uint64_t effective;
	uint64_t permitted;
	struct creds_ids ids;
	uint64_t user_ns;		/* inode of its user namespace; 0: not asked, or unknown */
	struct creds *who;		/* a reference; NULL: it is like us */
};

struct creds_table;

struct creds_table *creds_table_create(void);		/* NULL with errno */
void creds_table_destroy(struct creds_table *t);	/* no references are left; accepts NULL */
/* NULL where we have no privileges: nothing sets us apart from those that we may trace. 0 or -errno. */
int creds_table_open(struct creds_table **out);
const struct creds *creds_own(const struct creds_table *t);

/* The record with this content, with a reference of the caller's. NULL: ENOMEM. */
struct creds *creds_get(struct creds_table *t, const struct creds_ids *ids, uint64_t effective,
			const gid_t *groups, unsigned group_count);
void creds_ref(struct creds *c);	/* accepts NULL */
void creds_unref(struct creds *c);	/* accepts NULL */

/*
 * The calling thread acts as c from now on; NULL: as ourselves. 0 or -errno, and then it is
 * ourselves. Costs nothing when it is that already.
 */
int creds_be(const struct creds *c);

#endif
