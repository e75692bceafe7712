/* SPDX-License-Identifier: MIT */
#include "task.h"

#include <assert.h>
#include <string.h>

#include "context.h"
#include "label.h"
#include "mm.h"
#include "passed.h"

#define TASK_BUCKETS 1024

struct tasks {
	struct loop *loop;
	tasks_death_fn *death;
	void *death_arg;
	struct list threads[TASK_BUCKETS];
	struct list processes[TASK_BUCKETS];
	struct list mms;
	unsigned process_count;
};

struct tasks *tasks_create(struct loop *loop, tasks_death_fn *death, void *arg)
{
	struct tasks *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->loop = loop;
	t->death = death;
	t->death_arg = arg;
	list_init(&t->mms);
	for (unsigned i = 0; i < TASK_BUCKETS; i++) {
		list_init(&t->threads[i]);
		list_init(&t->processes[i]);
	}
	return t;
}

static struct list *bucket(struct list *table, pid_t id)
{
	return &table[hash_u64((uint64_t)id) % TASK_BUCKETS];
}

struct thread *tasks_find(struct tasks *t, pid_t tid)
{
	struct list *head = bucket(t->threads, tid);

	list_for_each(node, tmp, head) {
		struct thread *th = list_entry(node, struct thread, node);

		if (th->source.tid == tid)
			return th;
	}
	return NULL;
}

static struct process *process_find(struct tasks *t, pid_t tgid)
{
	struct list *head = bucket(t->processes, tgid);

	list_for_each(node, tmp, head) {
		struct process *p = list_entry(node, struct process, node);

		if (p->tgid == tgid)
			return p;
	}
	return NULL;
}

static int process_join_mm(struct tasks *t, struct process *p, pid_t tid)
{
	struct mm *mm = mm_find(&t->mms, tid, p);

	if (!mm)
		mm = mm_create(&t->mms, tid);
	if (!mm)
		return neg_errno();
	p->mm = mm;
	p->may_have_execed = false;
	p->named = NULL;
	list_add_tail(&mm->processes, &p->mm_node);
	return 0;
}

/* Frees the mm if it is dead or unused and empty. */
static void leave_mm(struct process *p)
{
	struct mm *mm = p->mm;

	if (!mm)
		return;
	p->mm = NULL;
	list_del(&p->mm_node);
	mm_release(mm);
}

void thread_forget(struct thread *th)
{
	assert(!th->call);
	list_del(&th->node);
	list_del(&th->process_node);
	close_fd(&th->source.pidfd);
	passed_destroy(th->source.passed);
	close_fd(&th->stat_fd);
	close_fd(&th->user_ns_fd);
	creds_unref(th->seen.who);
	context_destroy(th->entering);
	label_put(th->comm);
	free(th);
}

static void process_free(struct process *p)
{
	list_for_each(node, tmp, &p->threads)
		thread_forget(list_entry(node, struct thread, process_node));
	leave_mm(p);
	list_del(&p->node);
	loop_unwatch(p->watch);
	close_fd(&p->pidfd);
	free(p);
}

static void process_ended(void *arg, unsigned events)
{
	struct process *p = arg;

	p->tasks->death(p->tasks->death_arg, p);
	process_free(p);
}

static struct process *process_create(struct tasks *t, pid_t tgid, pid_t tid, int *err)
{
	struct process *p = calloc(1, sizeof(*p));

	*err = -ENOMEM;
	if (!p)
		return NULL;
	list_init(&p->node);
	list_init(&p->mm_node);
	list_init(&p->threads);
	p->tgid = tgid;
	p->tasks = t;
	p->pidfd = tracee_open_process(tgid);
	*err = p->pidfd < 0 ? p->pidfd : process_join_mm(t, p, tid);
	if (!*err) {
		p->watch = loop_watch(t->loop, p->pidfd, LOOP_READ, process_ended, p);
		*err = p->watch ? 0 : -ENOMEM;
	}
	if (*err) {
		process_free(p);
		return NULL;
	}
	p->number = ++t->process_count;
	list_add_tail(bucket(t->processes, tgid), &p->node);
	return p;
}

static bool process_in_exec(const struct process *p)
{
	list_for_each(node, tmp, &p->threads) {
		if (list_entry(node, struct thread, process_node)->in_exec)
			return true;
	}
	return false;
}

/*
 * After an execve was let in: the old address space lives on elsewhere, is dead, or the exec has
 * failed, which only the thread itself can tell by being back: others may call until the very
 * moment that it succeeds.
 */
static int process_revalidate(struct tasks *t, struct thread *th)
{
	struct process *p = th->process;

	if (!p->may_have_execed)
		return 0;
	if (p->mm && !p->mm->dead && mm_has_process(p->mm, p)) {
		th->in_exec = false;
		p->may_have_execed = process_in_exec(p);
		return 0;
	}
	t->death(t->death_arg, p);	/* as far as the old address space goes */
	leave_mm(p);
	th->in_exec = false;
	list_for_each (node, tmp, &p->threads) { /* ended by the exec: their numbers are free */
		struct thread *other = list_entry(node, struct thread, process_node);

		if (other != th && !other->call)
			thread_forget(other);
	}
	return process_join_mm(t, p, th->source.tid);
}

static struct process *tasks_process(struct tasks *t, pid_t tid, int *err)
{
	const pid_t tgid = tracee_tgid(tid);
	struct process *p;

	if (tgid <= 0) {
		*err = tgid ? tgid : -ESRCH;
		return NULL;
	}
	p = process_find(t, tgid);
	return p ? p : process_create(t, tgid, tid, err);
}

bool tasks_knows_process_of(struct tasks *t, pid_t tid)
{
	return t->process_count && process_find(t, tracee_tgid(tid));
}

int tasks_meet(struct tasks *t, pid_t tgid)
{
	int err = 0;

	if (!process_find(t, tgid))
		(void)process_create(t, tgid, tgid, &err);
	return err;
}

int thread_refresh(struct thread *th)
{
	int fd = tracee_open_thread(th->source.tid, th->source.tgid);

	if (fd < 0)
		return fd;
	close_fd(&th->source.pidfd);
	th->source.pidfd = fd;
	return 0;
}

static struct thread *thread_create(struct tasks *t, pid_t tid, int *err)
{
	struct process *p = tasks_process(t, tid, err);
	struct thread *th = p ? calloc(1, sizeof(*th)) : NULL;

	if (!p)
		return NULL;
	*err = -ENOMEM;
	if (!th)
		return NULL;
	list_init(&th->node);
	list_init(&th->process_node);
	th->process = p;
	th->stat_fd = -1;
	th->user_ns_fd = -1;
	th->source = (struct file_source){ .pidfd = -1, .tid = tid, .tgid = p->tgid };
	*err = thread_refresh(th);
	if (*err && *err != -EMFILE &&
	    *err != -ENFILE) { /* io_submit tries again; exec and exit need none */
		free(th);
		return NULL;
	}
	list_add_tail(bucket(t->threads, tid), &th->node);
	list_add_tail(&p->threads, &th->process_node);
	return th;
}

struct thread *tasks_thread(struct tasks *t, pid_t tid, int *err)
{
	struct thread *th = tasks_find(t, tid);

	if (!th)
		th = thread_create(t, tid, err);
	if (!th)
		return NULL;
	*err = process_revalidate(t, th);
	return *err ? NULL : th;
}

static int stat_fd(struct thread *th)
{
	if (th->stat_fd < 0)
		th->stat_fd = tracee_open_stat(th->source.tgid, th->source.tid);
	return th->stat_fd;
}

char thread_state(struct thread *th)
{
	const int fd = stat_fd(th);

	return fd < 0 ? 'X' : tracee_state(fd);
}

int thread_count(struct thread *th)
{
	const int fd = stat_fd(th);

	return fd < 0 ? fd : tracee_thread_count(fd);
}

int tasks_for_mms(struct tasks *t, int (*fn)(struct mm *mm, void *arg), void *arg)
{
	struct list *node = t->mms.next;
	int stop = 0;

	while (node != &t->mms && !stop) {
		struct mm *mm = list_entry(node, struct mm, node);

		mm->requests++;		/* keeps it and its place: fn may end others too */
		stop = fn(mm, arg);
		mm->requests--;
		node = node->next;
		mm_release(mm);
	}
	return stop;
}

void tasks_destroy(struct tasks *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < TASK_BUCKETS; i++) {
		list_for_each(node, tmp, &t->processes[i])
			process_free(list_entry(node, struct process, node));
	}
	free(t);
}
