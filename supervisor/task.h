/* SPDX-License-Identifier: MIT */
/*
 * Threads, processes and address spaces of the tree, as far as calls have shown them. A context
 *belongs to an address space (vfork and CLONE_VM children share it), a descriptor table to a
 *thread, an end to a process.
 *
 *	mm 1 --- n process 1 --- n thread
 *
 * Entries are made at the first call of a thread, and leave when it is seen to end: thread by exit
 *or exec of its process, process by its pidfd, mm when its /proc/PID/mem descriptor reads 0.
 */
#ifndef TASK_H
#define TASK_H

#include <stdbool.h>
#include <sys/types.h>

#include "creds.h"
#include "file.h"
#include "list.h"
#include "loop.h"
#include "notify.h"
#include "tracee.h"
#include "util.h"

struct call;
struct channel;
struct context;
struct dispatch;
struct key_process;

enum mm_exec {
	MM_EXEC_NONE,
	MM_EXEC_DRAINING, /* an execve waits for storage requests; io_submit of others parks */
	MM_EXEC_RUNNING, /* it has been let in; nothing is copied until its outcome is known */
};

struct mm {
	struct list node;		/* tasks->mms */
	struct list contexts;		/* struct context.node */
	struct list processes;		/* struct process.mm_node */
	struct channel *channel;	/* NULL: no shim has said hello here */
	int mem_fd;			/* /proc/PID/mem, bound to this address space */
	int maps_fd;			/* /proc/PID/maps, bound in the same way; -1 until needed */
	uint64_t *slots;		/* bit set: a living context has this index */
	struct context **by_slot;	/* those; NULL: free */
	unsigned slot_words;
	uaddr least_handle;		/* of all contexts that it has had */
	uaddr most_handle;
	unsigned contexts_made;		/* ever */
	unsigned requests;		/* outstanding of all kinds */
	unsigned storage_requests;	/* of those: what exit and exec wait for */
	bool closing;			/* its last user is in exit_group */
	bool dead;			/* no user left; freed with its last request */
	enum mm_exec exec;
	pid_t exec_tid;			/* life.c's, while exec != NONE: who executes */
	pid_t exec_tgid;
	unsigned exec_turns;
	unsigned exec_looks;
	struct loop_timer exec_timer;
	struct dispatch *exec_owner;
	struct list drain;		/* parked exit and exec calls: struct call.node */
	struct list held; /* calls parked because of closing or exec: struct call.node */
	struct list held_done; /* requests finished while exec == RUNNING: struct request.node */
};

enum { PROCESS_CALLS = 6 };		/* kinds of AIO calls */

struct process {
	struct list node;		/* hash chain */
	struct list mm_node;
	struct list threads;		/* struct thread.process_node */
	struct mm *mm;
	pid_t tgid;
	unsigned number;		/* n-th process seen, from 1 */
	const struct key_process *named; /* for keys; NULL: not yet, or another program since */
	int pidfd;
	struct loop_watch *watch;
	uint64_t calls[PROCESS_CALLS];	/* faults_call.c's: how many of each kind */
	bool may_have_execed;		/* an execve was let in: mm must be checked before use */
	struct tasks *tasks;
};

/* An answer that nobody took: the call was broken off after it had been executed. */
struct kept_answer {
	bool valid;
	struct notice notice;
	int64_t value;
	uint64_t digest;		/* io_submit: of the entries */
};

struct thread {
	struct list node;		/* hash chain */
	struct list process_node;
	struct process *process;
	struct file_source source;	/* pidfd of this thread, tid, tgid */
	int stat_fd;			/* /proc/.../stat; -1 until needed */
	int user_ns_fd;			/* the link /proc/.../ns/user; -1 until needed */
	bool exiting;			/* let into exit by us */
	bool in_exec;			/* let into an execve, and not seen since */
	struct call *call;		/* its parked call */
	uint64_t expected;		/* its mark in the channel (channel.h) */
	struct context *entering;	/* its shim is about to map the ring; NULL: none */
	struct kept_answer kept;
	struct creds_seen seen;
	struct label *comm;		/* as it was called at its first traced request; NULL: unknown */
};

struct tasks;

/*
 * Upwards, from the loop: the process is gone, its entry is still there and is freed after the
 * return.
 */
typedef void tasks_death_fn(void *arg, struct process *p);

struct tasks *tasks_create(struct loop *loop, tasks_death_fn *death, void *arg);
void tasks_destroy(struct tasks *t);		/* accepts NULL */

struct thread *tasks_find(struct tasks *t, pid_t tid);	/* NULL: unknown */
bool tasks_knows_process_of(struct tasks *t, pid_t tid);	/* by another thread, perhaps */
/*
 * Finds or makes; the process's address space is checked if an exec may have changed it. NULL with
 * *err.
 */
struct thread *tasks_thread(struct tasks *t, pid_t tid, int *err);
/* It shares an address space and has made no call yet: known from now on. 0 or -errno. */
int tasks_meet(struct tasks *t, pid_t tgid);
void thread_forget(struct thread *th);		/* no parked call; its process stays */
int thread_refresh(struct thread *th);		/* opens its pidfd anew; 0 or -ESRCH, ... */
char thread_state(struct thread *th);		/* as in /proc; 'X' when gone */
int thread_count(struct thread *th);		/* of its process; or -errno */

/*
 * A user of mm beside this process, of which tid is alive (the leader may be a zombie); 0: none;
 * -errno: who knows.
 * Asks kcmp for every process below us, known or not.
 */
pid_t mm_other_user(const struct mm *mm, const struct process *p, pid_t tid);
bool mm_alive(const struct mm *mm);
void mm_release(struct mm *mm);			/* frees it when nothing refers to it any more */
void mm_note_handle(struct mm *mm, uaddr handle);	/* of a ring that has just been mapped */
/*
 * The living one with this header id; NULL: none. A ring that was moved and not used since still has
 * its old handle.
 */
struct context *mm_context(const struct mm *mm, uint32_t slot);
unsigned mm_free_slot(const struct mm *mm);
int mm_take_slot(struct mm *mm, unsigned slot, struct context *ctx);	/* 0 or -ENOMEM */
void mm_put_slot(struct mm *mm, unsigned slot);

/* Calls fn for every address space until it returns non-zero; returns that or 0. */
int tasks_for_mms(struct tasks *t, int (*fn)(struct mm *mm, void *arg), void *arg);

/*
 * Copies into the address space through any of its threads, `tid` first. As tracee_writev(); -ESRCH
 * when the address space is gone.
 */
ssize_t mm_writev(struct mm *mm, pid_t tid, const struct uvec *to, unsigned to_count,
		  const struct iovec *from, unsigned from_count);
ssize_t mm_readv(struct mm *mm, pid_t tid, const struct uvec *from, unsigned from_count,
		 const struct iovec *to, unsigned to_count);
/*
 * How many of these bytes lie, from the first on, in memory that the program may write; all of them
 * where policy forbids to look. `tid`: a thread that has the address space. -ENOMEM: out of
 * descriptors or memory.
 */
int64_t mm_writable_bytes(struct mm *mm, pid_t tid, uaddr at, uint64_t bytes);

#endif
