/* SPDX-License-Identifier: MIT */
/*
 * Theory. Which tasks share an address space is asked of kcmp(2); where that is refused, or whom we
 * know is gone, by a ring of ours, which a fork does not inherit. Whether an address space still
 * has a user is told by a descriptor of its /proc/PID/mem, which stays bound to it whatever its
 * process executes later. Copies go through any thread that is alive, since the one that submitted
 * may be gone.
 */
#include "mm.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>

#include "channel.h"
#include "context.h"
#include "mapping.h"

struct mm *mm_create(struct list *mms, pid_t tid)
{
	struct mm *mm = calloc(1, sizeof(*mm));

	if (!mm)
		return NULL;
	mm->mem_fd = tracee_open(tid, "mem", O_RDONLY);
	/*
	 * Without it an exec cannot be seen; where policy forbids it, we can do no more for the
	 * program anyway.
	 */
	if (mm->mem_fd < 0 && mm->mem_fd != -EACCES && mm->mem_fd != -EPERM) {
		errno = mm->mem_fd == -ENOENT
				? ESRCH
				: -mm->mem_fd; /* killed, perhaps by the execve of another thread */
		free(mm);
		return NULL;
	}
	mm->maps_fd = -1;
	list_init(&mm->contexts);
	list_init(&mm->processes);
	list_init(&mm->drain);
	list_init(&mm->held);
	list_init(&mm->held_done);
	list_init(&mm->node);
	list_add_tail(mms, &mm->node);
	return mm;
}

void mm_release(struct mm *mm)
{
	if (!list_empty(&mm->processes) || !list_empty(&mm->contexts) || mm->requests ||
	    loop_timer_armed(&mm->exec_timer))
		return;
	assert(list_empty(&mm->drain) && list_empty(&mm->held) && list_empty(&mm->held_done));
	list_del(&mm->node);
	close_fd(&mm->mem_fd);
	close_fd(&mm->maps_fd);
	channel_destroy(mm->channel);
	free(mm->slots);
	free(mm->by_slot);
	free(mm);
}

bool mm_alive(const struct mm *mm)
{
	const struct context *ctx = list_first(&mm->contexts, struct context, node);

	if (mm->mem_fd < 0)		/* /proc could not be read: as long as a process is known */
		return !list_empty(&mm->processes);
	return tracee_mem_alive(mm->mem_fd, ctx ? ctx->handle : 0);
}

static bool shared_by(const struct mm *mm, const struct process *user, pid_t tid)
{
	const struct context *ctx = list_first(&mm->contexts, struct context, node);
	int same = user ? tracee_same_mm(user->tgid, tid) : -ESRCH;

	if (same >= 0 || !ctx)
		return same > 0;
	/* any ring will not do: unrelated children of one parent may have theirs at one address */
	return tracee_has_mapped(tid, ctx->handle, ctx->ring.dev, ctx->ring.ino);
}

/* A known process that surely has it; NULL: none. */
static struct process *known_user(const struct mm *mm, const struct process *but)
{
	list_for_each(node, tmp, &mm->processes) {
		struct process *p = list_entry(node, struct process, mm_node);

		if (p != but && !p->may_have_execed)
			return p;
	}
	return NULL;
}

/*
 * All who had it may have executed something: it is alive, but in whom? Those who still share one
 * share the old one; where the others have left, its ring tells.
 */
static bool shared_with_another(const struct mm *mm, const struct process *p)
{
	list_for_each(node, tmp, &mm->processes) {
		const struct process *other = list_entry(node, struct process, mm_node);

		if (other != p && tracee_same_mm(other->tgid, p->tgid) > 0)
			return true;
	}
	return shared_by(mm, NULL, p->tgid);
}

bool mm_has_process(const struct mm *mm, const struct process *p)
{
	const struct process *user;
	const bool alone = p->mm_node.next == p->mm_node.prev;

	if (!p->may_have_execed)
		return true;
	user = known_user(mm, p);
	if (user)
		return shared_by(mm, user, p->tgid);
	return mm_alive(mm) && (alone || shared_with_another(mm, p));
}

struct mm *mm_find(struct list *mms, pid_t tid, const struct process *but)
{
	list_for_each(node, tmp, mms) {
		struct mm *mm = list_entry(node, struct mm, node);

		/* it may live on in one that has not called yet, or whose execve has failed */
		if (!mm->dead && shared_by(mm, known_user(mm, but), tid))
			return mm;
	}
	return NULL;
}

int64_t mm_writable_bytes(struct mm *mm, pid_t tid, uaddr at, uint64_t bytes)
{
	uint64_t done = 0;
	struct mapping m;
	int err = 0;

	if (mm->maps_fd < 0)
		mm->maps_fd = tracee_open(tid, "maps", O_RDONLY);
	if (mm->maps_fd < 0)
		err = mm->maps_fd;
	while (!err && done < bytes) {
		err = mapping_at(mm->maps_fd, at + done, &m);
		if (err == -ENOENT || (!err && !m.writable))
			return (int64_t)done;
		done = m.end - at;
	}
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM ? -ENOMEM : (int64_t)bytes;
}

struct mm_search {
	const struct mm *mm;
	pid_t user;		/* a task that has the mm */
	pid_t but;
	pid_t found;
};

static int is_other_user(pid_t tgid, void *arg)
{
	struct mm_search *s = arg;
	const int same = tgid == s->but ? 0 : tracee_same_mm(s->user, tgid);

	if (same != 1)
		return same == -ENOMEM ? same : 0;
	s->found = tgid;
	return 1;
}

pid_t mm_other_user(const struct mm *mm, const struct process *p, pid_t tid)
{
	struct mm_search search = { mm, tid, p->tgid, 0 };
	const struct process *user = known_user(mm, p);
	int err;

	if (user && (mm->closing || shared_by(mm, user, tid)))
		return user->tgid;
	err = tracee_for_descendants(is_other_user, &search);
	return err < 0 ? err : search.found;
}

struct context *mm_context(const struct mm *mm, uint32_t slot)
{
	return slot / 64 < mm->slot_words ? mm->by_slot[slot] : NULL;
}

/* Without a walk where rings come one below the other, 65,000 of them as well. */
void mm_note_handle(struct mm *mm, uaddr handle)
{
	const bool known = handle >= mm->least_handle && handle <= mm->most_handle;

	list_for_each(node, tmp, &mm->contexts) {
		struct context *ctx = list_entry(node, struct context, node);

		if (!known)
			break;
		ctx->succeeded |= ctx->handle == handle;
	}
	mm->least_handle = mm->most_handle ? min_u64(mm->least_handle, handle) : handle;
	mm->most_handle = max_u64(mm->most_handle, handle);
}

/* Lowest free index, as the kernel's table gives it out. */
unsigned mm_free_slot(const struct mm *mm)
{
	for (unsigned i = 0; i < mm->slot_words; i++) {
		if (~mm->slots[i])
			return i * 64 + (unsigned)__builtin_ctzll(~mm->slots[i]);
	}
	return mm->slot_words * 64;
}

/* By half, so that to fill a table takes no longer than it must. */
static int grow_slots(struct mm *mm, unsigned words)
{
	const unsigned room = words + mm->slot_words / 2;
	struct context **by_slot = realloc(mm->by_slot, room * 64 * sizeof(struct context *));
	uint64_t *slots;

	if (!by_slot)
		return -ENOMEM;
	mm->by_slot = by_slot;
	slots = realloc(mm->slots, room * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	mm->slots = slots;
	memset(slots + mm->slot_words, 0, (room - mm->slot_words) * sizeof(*slots));
	for (unsigned i = mm->slot_words * 64; i < room * 64; i++)
		by_slot[i] = NULL;
	mm->slot_words = room;
	return 0;
}

int mm_take_slot(struct mm *mm, unsigned slot, struct context *ctx)
{
	if (slot / 64 >= mm->slot_words && grow_slots(mm, slot / 64 + 1))
		return -ENOMEM;
	mm->slots[slot / 64] |= 1ull << slot % 64;
	mm->by_slot[slot] = ctx;
	return 0;
}

void mm_put_slot(struct mm *mm, unsigned slot)
{
	if (slot / 64 >= mm->slot_words)
		return;
	mm->slots[slot / 64] &= ~(1ull << slot % 64);
	mm->by_slot[slot] = NULL;
}

/* Copying: the submitting thread may be gone while its address space lives on. */
struct mm_copy {
	const struct uvec *remote;
	const struct iovec *local;
	unsigned remote_count;
	unsigned local_count;
	bool write;
	ssize_t result;
};

static int copy_through(pid_t tid, char state, void *arg)
{
	struct mm_copy *c = arg;

	if (state == 'Z' || state == 'X')
		return 0;
	c->result =
		c->write ? tracee_writev(tid, c->remote, c->remote_count, c->local, c->local_count)
			 : tracee_readv(tid, c->remote, c->remote_count, c->local, c->local_count);
	return c->result != -ESRCH;
}

/*
 * Where the submitter is still what it was: neither ended, its number given to another, nor in a
 * new image.
 */
static bool mm_has_thread(const struct mm *mm, pid_t tid)
{
	const struct process *any = list_first(&mm->processes, struct process, mm_node);
	const struct thread *th = any ? tasks_find(any->tasks, tid) : NULL;

	return th && !th->exiting && th->process->mm == mm && mm_has_process(mm, th->process);
}

static ssize_t mm_copy(struct mm *mm, pid_t tid, struct mm_copy *c)
{
	c->result = -ESRCH;
	if (mm_has_thread(mm, tid) && copy_through(tid, 'S', c))
		return c->result;
	list_for_each(node, tmp, &mm->processes) {
		const struct process *p = list_entry(node, struct process, mm_node);

		if (mm_has_process(mm, p) && tracee_for_threads(p->tgid, copy_through, c) > 0)
			break;
	}
	return c->result;
}

ssize_t mm_writev(struct mm *mm, pid_t tid, const struct uvec *to, unsigned to_count,
		  const struct iovec *from, unsigned from_count)
{
	struct mm_copy c = { to, from, to_count, from_count, true, 0 };

	return mm_copy(mm, tid, &c);
}

ssize_t mm_readv(struct mm *mm, pid_t tid, const struct uvec *from, unsigned from_count,
		 const struct iovec *to, unsigned to_count)
{
	struct mm_copy c = { from, to, from_count, to_count, false, 0 };

	return mm_copy(mm, tid, &c);
}
