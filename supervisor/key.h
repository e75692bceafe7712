/* SPDX-License-Identifier: MIT */
/*
 * Keys: names of requests that are the same in every run of the same program (docs/design.md, 5). A
 * key is made of what the program does (process, op, file, offset, length) and k: how many requests
 * with the same first five came before. Which thread or process comes first does not matter.
 *
 * Pure: no clock, no descriptor; what a key is made of is found out by naming.c. Owned by the
 * dispatch, and made only if somebody wants keys.
 */
#ifndef KEY_H
#define KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	KEY_PROGRAM_BYTES = 64,
	KEY_FILE_BYTES = 4096,
	KEY_TEXT_BYTES = KEY_PROGRAM_BYTES + KEY_FILE_BYTES + 128,
	KEY_PROCESSES_MAX = 4096,	/* later ones have the number 0, "?" */
	KEY_COUNTS_MAX = 1 << 20,	/* names beyond have no k, "?" */
};

#define KEY_UNCOUNTED UINT64_MAX

struct keys;
struct label;

/* A process as keys name it. Lives as long as the keys. */
struct key_process {
	char program[KEY_PROGRAM_BYTES];	/* escaped */
	unsigned number; /* by start among those of this program, from 1; 0: too many */
	pid_t pid;
	uint64_t start_ticks;
	uint64_t hash;			/* of program and number; key.c's */
};

/* Part of whom it names; with a reference to the file's name. */
struct key {
	const struct key_process *process;	/* NULL: it has no key */
	uint16_t opcode;		/* IOCB_CMD_* */
	int64_t offset;
	uint64_t length_bytes;
	uint64_t k;			/* key_count()'s; KEY_UNCOUNTED: the table is full */
	struct label *file;		/* escaped */
};

/* start_dir: paths below it are told relative to it; NULL: none. NULL: ENOMEM. */
struct keys *keys_create(const char *start_dir);
void keys_destroy(struct keys *keys);	/* all keys have been destroyed; accepts NULL */

/* The process if it has a number already, else NULL. */
const struct key_process *keys_find(const struct keys *keys, const char *program, pid_t pid,
				    uint64_t start_ticks);

/*
 * Gives numbers to those of `found` (processes of this program that are alive; pid and start_ticks
 * count) that have none, in the order in which they started, up to the one with this pid, and
 * returns that. One that calls later but started earlier is alive by now, so that the order of the
 * calls does not matter.
 */
const struct key_process *keys_number(struct keys *keys, const char *program,
				      struct key_process *found, unsigned count, pid_t pid);

/*
 * Path (NULL: it has none) as keys tell it: escaped, relative to start_dir if it is below; else
 * device:inode.
 */
void keys_file(const struct keys *keys, const char *path, uint64_t dev, uint64_t ino, char *out,
	       size_t size);
/* What that has made of this very label: shared. NULL: not known (any more). */
struct label *keys_known_file(struct keys *keys, const struct label *path);
void keys_know_file(struct keys *keys, struct label *path, struct label *name);

/*
 * Its k is still to be counted: soon, but not at once, so that the memory of its count is there by
 * then. `file` as keys_file() says, shared.
 */
struct key key_make(struct keys *keys, const struct key_process *process, uint16_t opcode,
		    struct label *file, int64_t offset, uint64_t length_bytes);
void key_count(struct keys *keys, struct key *key);	/* once for each */
void key_put(struct key *key);		/* accepts one that names nothing, and makes it one */
void key_take_back(struct keys *keys,
		   const struct key *key); /* it is not to be counted; the last of its name */

/* "PROGRAM:NUMBER OP FILE @OFFSET+LENGTH #K"; at least KEY_TEXT_BYTES. Returns out. */
const char *key_text(const struct key *key, char *out, size_t size);

#endif
