/* SPDX-License-Identifier: MIT */
/* io_getevents, io_pgetevents, and what programs do to their rings themselves. */
#include "world.h"

static const struct timespec timeouts[] = {
	[T_ZERO] = { 0, 0 },
	[T_SHORT] = { 0, 2000000 },
	[T_LONG] = { 1, 0 },
	[T_NEG] = { -1, 0 },
	[T_NEGNS] = { 0, -1 },
	[T_BIGNS] = { 0, 1200000000 },
	[T_WRAP] = { LONG_MIN, 0 },
};

static struct timespec *timeout_of(const struct step *s)
{
	const int t = (int)s->v[GETEV_T];

	if (t == T_NONE)
		return NULL;
	if (t == T_BAD)
		return (void *)arena_put(AREA_TIME, AT_EDGE, &timeouts[T_ZERO],
					 sizeof(timeouts[0]), 8);
	return (void *)arena_put(AREA_TIME, AT_RO, &timeouts[t % ARRAY_SIZE(timeouts)],
				 sizeof(timeouts[0]), 0);
}

static bool waits_long(const struct step *s)
{
	return s->v[GETEV_T] != T_ZERO && s->v[GETEV_T] != T_SHORT && s->v[GETEV_T] != T_BAD &&
	       s->v[GETEV_T] != T_WRAP;
}

struct usig {
	const void *mask;
	size_t bytes;
};

static void *usig_of(const struct step *s)
{
	static const uint64_t masks[] = { 0, 0, 1ull << (SIGUSR1 - 1), ~(1ull << (SIGALRM - 1)) };
	static struct usig u;
	uint64_t mask = masks[s->v[GETEV_MASK] & 3];

	u.mask = s->v[GETEV_MASK] == MASK_NONE ? NULL : (void *)
		 arena_put(AREA_MASK, (int)s->v[GETEV_MAT] == AT_EDGE ? AT_EDGE : AT_OK, &mask,
			   sizeof(mask), 4);
	u.bytes = (size_t)s->v[GETEV_MSIZE];
	if (s->v[GETEV_MAT] == AT_HOLE || s->v[GETEV_MAT] == AT_KERNEL)
		return (void *)arena_put(AREA_MASK, (int)s->v[GETEV_MAT], &u, sizeof(u), 0);
	return s->v[GETEV_MAT] == AT_NULL ? NULL : &u;
}

/* Not by a guess that costs something when it is wrong: signals in other calls are another story. */
static bool will_wait(struct world *w, const struct step *s)
{
	const struct context *c = context_of(w, s->v[GETEV_C]);
	const struct ring *r = c ? ring_of(c) : NULL;
	const int64_t min = s->v[GETEV_MIN];
	unsigned present;

	if (!r || min < 0 || min > s->v[GETEV_NR] || (!s->v[GETEV_ALARM] && !waits_long(s)))
		return false;
	present = (r->tail % c->nr + c->nr - r->head % c->nr) % c->nr;
	return present < min && (!present || s->v[GETEV_AT] == AT_OK || s->v[GETEV_AT] == AT_EDGE);
}

static uint64_t now_us(void)
{
	struct timespec t;

	need(!clock_gettime(CLOCK_MONOTONIC, &t));
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Of T_SHORT; the machine may be busy. */
static void say_waited(uint64_t us)
{
	if (us < 2000)
		say(" early");
	if (us > 1500000)
		say(" late");
}

static long get(struct world *w, const struct step *s, struct io_event *ev)
{
	const bool rescue = will_wait(w, s) && self != SELF_BG;
	const aio_context_t handle = handle_of(w, s->v[GETEV_C]);
	struct timespec *t = timeout_of(s);
	const uint64_t begin = now_us();
	long ret;

	if (rescue)
		alarm_start();
	if (s->kind == K_GETEV)
		ret = syscall(SYS_io_getevents, handle, s->v[GETEV_MIN], s->v[GETEV_NR], ev, t);
	else
		ret = syscall(SYS_io_pgetevents, handle, s->v[GETEV_MIN], s->v[GETEV_NR], ev, t,
			      usig_of(s));
	if (ret < 0)
		ret = -errno;
	if (rescue)
		alarm_stop();
	if (s->v[GETEV_T] == T_SHORT && ret >= 0 && ret < s->v[GETEV_MIN])
		say_waited(now_us() - begin);
	return ret;
}

/* The bytes that a copy which did not succeed has left behind count too. */
void run_getev(struct world *w, const struct step *s)
{
	static _Thread_local struct io_event poison[EVENTS_MAX];
	const int at = (int)s->v[GETEV_AT];
	const size_t room = (size_t)(s->v[GETEV_ROOM] & 127) * sizeof(poison[0]);
	struct io_event *ev = poison;
	uint64_t before;
	long ret;

	memset(poison, 0x77, sizeof(poison));
	if (at != AT_OK)
		ev = (void *)arena_put(AREA_EVENTS, at, poison, sizeof(poison), room);
	before = at == AT_EDGE ? hash(ev, room, 0) : 0;
	ret = get(w, s, ev);
	say(" %s", num(ret));
	if (ret > 0 && (at == AT_OK || (at == AT_EDGE && ret * sizeof(*ev) <= room)))
		say_events(w, ev, ret);
	if (at == AT_EDGE && ret <= 0 && hash(ev, room, 0) != before)
		say(" left %08x", (unsigned)hash(ev, room, 0));
	if (at == AT_OK && ret >= 0 && ret < EVENTS_MAX && ev[ret].data != poison[EVENTS_MAX - 1].data)
		say(" too much");
}

void run_reap(struct world *w, const struct step *s)
{
	struct context *c = context_of(w, s->v[REAP_C]);
	struct ring *r = c ? ring_of(c) : NULL;
	long n;

	if (!r || c->readonly || c->tail_poked)
		return;
	for (n = 0; n < s->v[REAP_N] && r->head % c->nr != r->tail % c->nr; n++) {
		say_event(w, &r->event[r->head % c->nr]);
		atomic_store_explicit(&r->head, (r->head + 1) % c->nr, memory_order_release);
	}
}

void run_poke(struct world *w, const struct step *s)
{
	struct context *c = context_of(w, s->v[POKE_C]);
	struct ring *r = c ? ring_of(c) : NULL;
	uint32_t *field, value;

	if (!r || c->readonly)
		return;
	field = (uint32_t *)r + (s->v[POKE_FIELD] % 5);
	value = (uint32_t)s->v[POKE_V] + (s->v[POKE_ADD] ? *field : 0);
	*field = value;
	c->poked = true;
	if (s->v[POKE_FIELD] == FIELD_TAIL) {
		c->tail_poked = value != c->seen;
		c->poked_tail = value;
	}
}

static int move(struct world *w, struct context *c)
{
	void *to = arena_moved_ring(w->moves++ % 16);

	if (mremap((void *)c->handle, c->bytes, c->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to) {
		c->stale = c->handle;
		c->handle = (aio_context_t)to;
		return 0;
	}
	return -errno;
}

static int change_ring(struct world *w, struct context *c, int what)
{
	static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };
	void *at = (void *)c->handle;

	switch (what) {
	case MEM_RW: case MEM_RO: case MEM_NOACCESS:
		if (mprotect(at, c->bytes, prots[what]))
			return -errno;
		c->hidden = what == MEM_NOACCESS;
		c->readonly = what != MEM_RW;
		return 0;
	case MEM_UNMAP:
		c->hidden = true;
		return munmap(at, c->bytes) ? -errno : 0;
	case MEM_MOVE:
		return move(w, c);
	case MEM_DONTNEED:
		return madvise(at, c->bytes, MADV_DONTNEED) ? -errno : 0;
	}
	return 0;
}

/* Unmapped rings stay so: nothing can be mapped where they were. */
void run_ringmem(struct world *w, const struct step *s)
{
	struct context *c = context_of(w, s->v[RINGMEM_C]);
	int err;

	if (!c || c->foreign || c->unmapped)
		return;
	err = change_ring(w, c, (int)s->v[RINGMEM_DO]);
	say(" %s", num(err));
	c->unmapped = s->v[RINGMEM_DO] == MEM_UNMAP && !err;
}

/*
 * Another thread's view: who sees the eventfd count must find the events in the ring. Submits
 * nothing itself; a background thread does that meanwhile.
 */
void run_spin(struct world *w, const struct step *s)
{
	const struct context *c = context_of(w, s->v[SPIN_C]);
	const struct ring *r = c ? ring_of(c) : NULL;
	const int fd = fd_of(s->v[SPIN_F]);
	const uint64_t begin = now_ms();
	uint64_t seen = 0, got;
	unsigned first = r ? r->tail : 0, there;

	bg_begun(w);
	if (!r || !slot_of(w, s->v[SPIN_F]))
		return;
	while (seen < (uint64_t)s->v[SPIN_N] && now_ms() - begin < 5000) {
		if (read(fd, &got, sizeof(got)) != sizeof(got))
			continue;
		there = (r->tail + c->nr - first) % c->nr;
		seen += got;
		if (there < seen)
			say(" event %llu is announced but not there", (unsigned long long)seen);
	}
	say(" %llu", (unsigned long long)seen);
}
