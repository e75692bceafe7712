/* SPDX-License-Identifier: MIT */
/*
 * What a program of the generator runs in: memory, descriptors, contexts and requests, as known to
 * the program itself (never asked from the supervisor). One world per program, in a process of its
 * own; forked children get a copy, threads and vfork children share it, one of them running at a
 * time, but for the background thread, which only waits for events.
 */
#ifndef DIFFER_WORLD_H
#define DIFFER_WORLD_H

#include "parity/victim_env.h"
#include <linux/aio_abi.h>
#include "step.h"

#define CONTEXTS 4
#define SLOTS 16		/* descriptors; slot i is descriptor FD_BASE + i */
#define FD_BASE 100
#define OBSERVE_BASE 200	/* descriptors by which contents are looked at */
#define NAMES 6
#define OBJECTS (NAMES + SLOTS)
#define CB_IDS 32
#define LIST_MAX 2048
#define FLIGHTS 8192
#define EVENTS_MAX 1024
#define WARM_BYTES 65536	/* of each file, read after each step: not cold */

struct ring {
	uint32_t id, nr;
	_Atomic uint32_t head, tail;
	uint32_t magic, compat, incompat, header_length;
	struct io_event event[];
};

/* How a request completes natively; see freedom.c. */
enum class { SYNC, ASYNC };
enum state { BUILT, FLYING, DONE };

struct flight {			/* one iocb of one io_submit; aio_data is TAG + its number */
	uint64_t obj;
	uint8_t op, class, state;
	bool cancelled, abandoned, readable;	/* the iocb: its key can be looked at */
	int8_t c, f;
	uint16_t events;	/* of a POLL */
	unsigned generation;	/* of f */
};

#define TAG 0xa5a5000000000000ull

struct context {
	aio_context_t handle, stale;
	unsigned nr;		/* of the ring, as it was after io_setup */
	size_t bytes;
	unsigned seen, told_tail;	/* tail up to which events are known, are told */
	bool live, foreign, hidden, readonly, unmapped;
	bool tainted;		/* slots may be parked on another CPU (D7) */
	bool tail_poked, poked;
	uint32_t poked_tail;
	uint32_t header[4];	/* id, nr, head, tail when last told */
};

struct fdslot {
	bool open, reader, writer;
	uint8_t what, mode;
	int8_t object;		/* whose contents it can change, or -1 */
	int8_t peer;		/* slot that a pipe or socket was created with */
	unsigned generation;
};

struct siglog {
	_Atomic unsigned count;
	struct { uint8_t sig; int8_t code; bool self; } entry[64];
};

struct world {
	struct context ctx[CONTEXTS];
	struct fdslot fd[SLOTS];
	unsigned generation;
	int64_t object_told[OBJECTS], object_hash[OBJECTS];	/* size, contents */
	bool object_live[OBJECTS], object_cold[OBJECTS];
	unsigned object_mode[OBJECTS];
	int lowest_told;	/* descriptor that is free */
	struct flight flight[FLIGHTS];
	unsigned flights;
	uint16_t flying[FLIGHTS];		/* accepted, not in a ring yet */
	unsigned flying_count;
	struct iocb *cb[CB_IDS];
	struct iocb *pending[LIST_MAX];		/* list of the next io_submit */
	uint16_t pending_flight[LIST_MAX];
	unsigned pending_count;
	unsigned pool_used;
	uint64_t memory_told;
	int64_t eventfd_told[SLOTS];
	pid_t pid;
	const struct options *opt;
	const struct program *program;
	unsigned end;		/* of the steps of this process */
	struct background *bg;
	unsigned moves;
	bool released;		/* a POLL of a file that was closed before is complete */
	bool late;		/* there has been an io_submit that was not waited for */
	bool vforked;		/* a child has this memory: what is in flight goes on after its execve */
};

enum { SELF_MAIN, SELF_THREAD, SELF_BG, SELVES };

extern struct siglog siglog[SELVES];
extern _Thread_local unsigned self;	/* which of them runs */

/* --- out.c: observations ------------------------------------------------------------------------ */

struct out {
	size_t used;
	char text[65536 - sizeof(size_t)];
};

extern _Thread_local struct out *out;

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *num(int64_t v);		/* an error by its name */
uint64_t hash(const void *data, size_t bytes, uint64_t seed);

/* --- arena.c: memory ---------------------------------------------------------------------------- */

enum area { AREA_IOCB, AREA_LIST, AREA_VECTOR, AREA_EVENTS, AREA_CTX, AREA_TIME, AREA_MASK, AREAS };

void arena_create(void);
uint64_t arena_place(int64_t buf);
/* Where an object of that size is put: for AT_EDGE `good` bytes of it are accessible. */
uint64_t arena_put(enum area area, int at, const void *data, size_t bytes, size_t good);
struct iocb *arena_iocbs(struct world *w, unsigned n);
bool arena_protect(unsigned page, int what);
uint64_t arena_hash(void);
void *arena_moved_ring(unsigned n);

/* --- rings.c: what is in the rings ------------------------------------------------------------- */

struct context *context_of(struct world *w, int64_t c);	/* NULL: not one of ours */
aio_context_t handle_of(struct world *w, int64_t c);
struct ring *ring_of(const struct context *c);		/* NULL: cannot be looked at */
void barrier(void);
void settle(struct world *w);
/* Tells the new events of all rings, those that must be there first; puts the rest in order. */
void tell_events(struct world *w);
void note_sync(struct world *w);
void say_event(struct world *w, const struct io_event *ev);
void say_events(struct world *w, const struct io_event *ev, long n);
void tell_rings(struct world *w);

/* --- fds.c ------------------------------------------------------------------------------------ */

int fd_of(int64_t f);
struct fdslot *slot_of(struct world *w, int64_t f);	/* NULL: none, or closed */
bool is_peer(const struct fdslot *s);
void tell_objects(struct world *w);
void tell_eventfds(struct world *w);
void tell_descriptors(struct world *w);
void objects_again(struct world *w);	/* after an execve */

/* --- freedom.c: of the pending list ------------------------------------------------------------ */

/* How many requests may block; drop: they are left out. */
unsigned drop_blocking(struct world *w, bool drop);
void classify(struct world *w);
bool too_many(struct world *w, const struct context *c);

/* --- run.c ------------------------------------------------------------------------------------- */

typedef void step_fn(struct world *w, const struct step *s);
step_fn run_setup, run_destroy, run_cb, run_submit, run_getev, run_cancel, run_reap, run_poke,
	run_ringmem, run_open, run_close, run_dup, run_trunc, run_put, run_get, run_arm, run_flag,
	run_shut, run_fsize, run_mem, run_action, run_raise, run_user, run_spin, run_exit,
	run_exec, run_caps, run_chmod, run_cold;

void run_steps(struct world *w, unsigned from, unsigned to);
unsigned run_block(struct world *w, unsigned i);	/* fork, thread, vfork, bg: index after it */
void bg_join(struct world *w);
void bg_begun(struct world *w);		/* from here on it sees what others do */
void bg_kick(struct world *w, int sig);
void alarm_start(void);
void alarm_stop(void);
void tell_signals(unsigned who);
void on_any(int sig, siginfo_t *info, void *context);
void on_alarm(int sig);

/* --- image.c ---------------------------------------------------------------------------------- */

#define OUT_FD 240		/* of struct out, also in the image of an execve */

void out_map(int fd);		/* what is said goes there */
/* Runs it here, in the current directory, until its end. */
void program_run(const struct program *p, const struct options *opt);

#endif
