/* SPDX-License-Identifier: MIT */
/*
 * An engine does io. Engines are stacked once at start: inline -> peer -> uring | threads |
 * libaio -> threads, or null -> peer; a layer either finishes an io, keeps it, or passes it to
 * `next`. Nothing here knows contexts, requests or tracees.
 *
 * Contract; flush, harvest, look and cancel may be missing:
 *  - submit() never blocks without limit, and answers
 *	ENGINE_DONE	finished; io->result is valid; the io is the caller's again,
 *	ENGINE_QUEUED	the engine holds it and gives it back through done(), never from inside
 *			submit(),
 *	ENGINE_BUSY	no room: the caller keeps it and tries again after the next done().
 *  - flush() starts everything that submit() took; called once at the end of each call.
 *  - harvest() appends what has finished already, without waiting and instead of done(): what was
 *    complete as soon as it was started need not wait for the loop.
 *  - look() does the same for what peers have made ready, above all polls.
 *  - cancel(): 0 = the io will come back through done() soon, with -ECANCELED or with the result
 *    that it already had; -ENOENT = this io cannot be cancelled, it comes back when it is finished.
 *    What waits for storage only (uring, libaio) has none.
 *  - done(arg, list) is called on the loop thread from a loop callback, with one or more finished
 *    ios.
 *  - close() is called once with no io outstanding, and frees the engine.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "io.h"

enum engine_answer {
	ENGINE_DONE,
	ENGINE_QUEUED,
	ENGINE_BUSY,
};

struct engine;
struct loop;
struct workers;

typedef void engine_done_fn(void *arg, struct list *ios);

struct engine_ops {
	const char *name;
	enum engine_answer (*submit)(struct engine *e, struct io *io);
	void (*flush)(struct engine *e);
	void (*harvest)(struct engine *e, struct list *ios);
	void (*look)(struct engine *e, struct list *ios);
	int (*cancel)(struct engine *e, struct io *io);
	void (*close)(struct engine *e);
};

struct engine {
	const struct engine_ops *ops;
	struct engine *next;		/* below in the chain; NULL at the bottom; not owned */
	engine_done_fn *done;
	void *done_arg;
	bool stamps;			/* fill started_ns and done_ns; false after open */
};

/* Asserts the contract around the method. */
enum engine_answer engine_submit(struct engine *e, struct io *io);
void engine_flush(struct engine *e);	/* the whole chain, from e down */
void engine_look(struct engine *e, struct list *ios);	/* what peers have made ready: polls */
void engine_harvest(struct engine *e, struct list *ios);	/* the whole chain, from e down */
int engine_cancel(struct engine *e, struct io *io);	/* asks the layers from e down */
void engine_close(struct engine *e);	/* the whole chain; accepts NULL */

/*
 * Each returns NULL with errno when the host refuses; nothing is printed.
 * uring: io_uring; ENOSYS or EPERM where it is not allowed. `depth` = submission queue entries.
 * threads: a view on the shared worker pool.
 */
struct engine *engine_uring_open(struct loop *loop, unsigned depth, engine_done_fn *done,
				 void *arg);
struct engine *engine_threads_open(struct loop *loop, struct workers *workers, engine_done_fn *done,
				   void *arg);
enum { ENGINE_LIBAIO_DEPTH = 1024 };

/* libaio: the host's own AIO; EAGAIN where `depth` is more than fs.aio-max-nr leaves. */
struct engine *engine_libaio_open(struct loop *loop, struct workers *workers, unsigned depth,
				  struct engine *next, engine_done_fn *done, void *arg);
struct engine *engine_peer_open(struct loop *loop, struct workers *workers, struct engine *next,
				engine_done_fn *done, void *arg);
/* For measurements: nothing is read or written, all is complete at once but polls: `next`. */
struct engine *engine_null_open(struct engine *next);
/* `foreign`: the engine that takes files which may block without limit (threads). */
struct engine *engine_inline_open(struct engine *next, struct engine *foreign);

#endif
