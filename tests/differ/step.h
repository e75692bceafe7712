/* SPDX-License-Identifier: MIT */
/*
 * A program of the differential generator is a list of steps; a step is a kind and its arguments,
 * all of them 64-bit numbers. text.c has the one table of kinds, argument names, symbols and
 * defaults, so that everything can be printed, read back and made simpler without knowing what a
 * step does. What it does is in the files step_*.c.
 */
#ifndef DIFFER_STEP_H
#define DIFFER_STEP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ARGS_MAX 24
#define STEPS_MAX 256

enum kind {
	K_SETUP, K_DESTROY, K_CB, K_SUBMIT, K_GETEV, K_PGETEV, K_CANCEL,
	K_REAP, K_POKE, K_RINGMEM,
	K_OPEN, K_CLOSE, K_DUP, K_TRUNC, K_PUT, K_GET, K_ARM, K_FLAG, K_SHUT,
	K_FSIZE, K_MEM, K_ACTION, K_RAISE, K_USER,
	K_FORK, K_THREAD, K_VFORK, K_END, K_BG, K_JOIN, K_KICK, K_SPIN, K_EXIT,
	K_EXEC, K_CAPS, K_CHMOD, K_COLD,
	KINDS
};

/* The arguments of each kind, by name. */
enum { SETUP_C, SETUP_NR, SETUP_AT };
enum { DESTROY_C };
enum {
	CB_ID, CB_OP, CB_FD, CB_BUF, CB_LEN, CB_OFF, CB_RWF, CB_FLAGS, CB_RESFD, CB_PRIO, CB_RSV,
	CB_AT, CB_REP, CB_VAT, CB_S0, CB_L0, CB_S1, CB_L1, CB_S2, CB_L2, CB_S3, CB_L3,
	CB_VREP
};
enum { SUBMIT_C, SUBMIT_NR, SUBMIT_AT, SUBMIT_ALARM, SUBMIT_LATE };
enum {
	GETEV_C, GETEV_MIN, GETEV_NR, GETEV_AT, GETEV_ROOM, GETEV_T, GETEV_ALARM,
	GETEV_MASK, GETEV_MAT, GETEV_MSIZE
};
enum { CANCEL_C, CANCEL_ID, CANCEL_AT };
enum { REAP_C, REAP_N };
enum { POKE_C, POKE_FIELD, POKE_ADD, POKE_V };
enum { RINGMEM_C, RINGMEM_DO };
enum { OPEN_F, OPEN_WHAT, OPEN_NAME, OPEN_MODE };
enum { CLOSE_F };
enum { DUP_F, DUP_TO };
enum { TRUNC_F, TRUNC_SIZE };
enum { PUT_F, PUT_N };
enum { ARM_F, ARM_US };
enum { FLAG_F, FLAG_SET };
enum { SHUT_F, SHUT_HOW };
enum { FSIZE_V };
enum { MEM_PAGE, MEM_DO };
enum { ACTION_SIG, ACTION_DO };
enum { RAISE_SIG };
enum { KICK_SIG };
enum { SPIN_C, SPIN_F, SPIN_N };
enum { EXIT_HOW };
enum { EXEC_HOW };
enum { CAPS_KEEP };
enum { CHMOD_F, CHMOD_MODE };
enum { COLD_F };

/* Symbols; the numbers are never printed where there is a name. */
enum { C_NULL = -1, C_ONE = -2, C_MINUS1 = -3, C_KERNEL = -4, C_OFF4 = -5, C_STALE = -6 };
enum { F_MINUS1 = -1, F_NONE = -2, F_HUGE = -3 };
enum { NR_AUTO = -1000 };
enum { AT_OK, AT_NULL, AT_KERNEL, AT_RO, AT_EDGE, AT_HOLE, AT_COPY, AT_NONZERO };
enum { T_NONE, T_ZERO, T_SHORT, T_LONG, T_NEG, T_NEGNS, T_BIGNS, T_BAD, T_WRAP };
enum { MASK_NONE, MASK_EMPTY, MASK_USR1, MASK_ALL };
enum { FIELD_ID, FIELD_NR, FIELD_HEAD, FIELD_TAIL, FIELD_MAGIC };
enum { MEM_RW, MEM_RO, MEM_NOACCESS, MEM_UNMAP, MEM_MOVE, MEM_SHRINK, MEM_DONTNEED };
enum { DO_HANDLE, DO_RESTART, DO_IGNORE, DO_DEFAULT, DO_BLOCK, DO_UNBLOCK };
enum what {
	W_FILE, W_MEMFD, W_SHM, W_PIPE, W_SOCK, W_DGRAM, W_EVENTFD, W_SEMAPHORE, W_TIMERFD, W_NULL,
	W_ZERO, W_FULL, W_DIR, W_STATUS, W_VERSION, W_EPOLL, W_INOTIFY, W_PIDFD, W_FIFO, W_OSTYPE,
	W_TCP, W_UDP, W_PTY, W_PATH, WHATS
};
enum mode { M_RDWR, M_RDONLY, M_WRONLY, M_APPEND, M_DIRECT, M_DIRECT_RDONLY, M_DSYNC, MODES };

/* A place in memory: a base in the arena (arena.h) and an offset. */
enum base { B_RW, B_EDGE, B_RO, B_ROEDGE, B_HOLE, B_NULL, B_KERNEL, B_TOP, B_WO, BASES };
#define BUF(base, off) ((int64_t)((uint64_t)(base) << 48 | ((uint64_t)(off) & 0xffffffffffffull)))
#define BUF_BASE(v) ((unsigned)((uint64_t)(v) >> 48))
#define BUF_OFF(v) ((int64_t)((uint64_t)(v) << 16) >> 16)

struct step {
	uint8_t kind;
	int64_t v[ARGS_MAX];
};

struct program {
	unsigned count;
	struct step step[STEPS_MAX];
};

/* --- text.c ------------------------------------------------------------------------------------ */

struct step step_new(enum kind kind);		/* all arguments at their defaults */
unsigned step_args(enum kind kind);
int64_t step_default(enum kind kind, unsigned arg);
const char *step_name(enum kind kind);
const char *symbol_of(enum kind kind, unsigned arg, int64_t value);	/* NULL: has none */

void step_print(FILE *out, const struct step *s);
void program_print(FILE *out, const struct program *p);
/* 0, or the number of the first line that makes no sense. */
unsigned program_parse(FILE *in, struct program *p);

/* Index after the end of the block that starts at i (fork, thread, vfork, bg). */
unsigned program_block_end(const struct program *p, unsigned i);
bool step_opens_block(const struct step *s);

/* --- generate.c -------------------------------------------------------------------------------- */

struct options {
	bool kernel;		/* --submit=kernel: what blocks may be submitted */
	unsigned lanes;		/* programs at a time, at most 32 */
};

void program_generate(struct program *p, uint64_t seed, const struct options *opt);

#endif
