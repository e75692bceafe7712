/* SPDX-License-Identifier: MIT */
/*
 * The freedom that a sandboxed program is given, all of it: what may differ is not compared, and
 * what would make everything after it differ is not done. Decided by the program itself, from what
 * it sees natively too, so that both runs do the same. docs/design.md, 9, has the reasons.
 */
#include "differ.h"
#include "world.h"

#include <linux/kcmp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static const struct {
	const char *name, *what;
} freedoms[] = {
	{ "order", "completions of FSYNC, O_DIRECT, terminals, waiting POLLs and reads behind a new hole "
		   "are compared as a set, and sorted in the ring" },
	{ "block", "without --submit=kernel requests that may block are left out of their list (D1)" },
	{ "slots", "a context that has had asynchronous requests takes 40 at a time (D7)" },
	{ "fork", "a forked child does not look at its parent's rings (D9)" },
	{ "ring", "rings are not grown and not made executable (D4)" },
	{ "buffer", "buffers, and files under O_DIRECT, are left alone while a request is in flight "
		    "(D5, D12)" },
	{ "torn", "O_DIRECT transfers of more than a sector that do not end with one are left out" },
	{ "cold", "RWF_NOWAIT reads of files that have just left the page cache are left out" },
	{ "terminal", "writes to terminals that may block are left out; without --submit=kernel, so is "
		      "what of a list does not wait for a terminal behind a transfer" },
	{ "exec", "a vfork child does not execve while requests are in flight, which go on" },
	{ "death", "after a program was killed another one is begun before anybody looks (D6)" },
	{ "limit", "numbers of requests near fs.aio-max-nr are not asked for (D11)" },
};

void freedom_print(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(freedoms); i++)
		printf("%s: %s\n", freedoms[i].name, freedoms[i].what);
}

static bool is_write(const struct iocb *cb)
{
	return cb->aio_lio_opcode == IOCB_CMD_PWRITE || cb->aio_lio_opcode == IOCB_CMD_PWRITEV;
}

static bool is_read(const struct iocb *cb)
{
	return cb->aio_lio_opcode == IOCB_CMD_PREAD || cb->aio_lio_opcode == IOCB_CMD_PREADV;
}

static int64_t slot_number(const struct iocb *cb)
{
	const int64_t f = (int64_t)cb->aio_fildes - FD_BASE;

	return f >= 0 && f < SLOTS ? f : -1;
}

/* What a transfer may move at most; segments are limited by what the generator makes. */
static uint64_t most(const struct iocb *cb)
{
	const bool vector = cb->aio_lio_opcode == IOCB_CMD_PREADV ||
			    cb->aio_lio_opcode == IOCB_CMD_PWRITEV;

	return vector ? WARM_BYTES * 4 : cb->aio_nbytes;
}

struct estimate {
	int64_t available[SLOTS];	/* at least that much can be read */
	int64_t room[SLOTS];		/* and written */
	bool known[SLOTS];
	struct stat st[SLOTS];
};

/* Eventfds and timerfds all have the one inode; two descriptors of one are duplicates. */
static bool same_end(const struct estimate *e, int64_t f, const struct stat *st, int64_t g)
{
	if (e->st[g].st_ino != st->st_ino || e->st[g].st_dev != st->st_dev)
		return false;
	if (!(st->st_mode & S_IFMT))
		return !syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, fd_of(f), fd_of(g));
	return (fcntl(fd_of(f), F_GETFL) & O_ACCMODE) == (fcntl(fd_of(g), F_GETFL) & O_ACCMODE);
}

/* The first slot that was looked at and is the same end of the same pipe or socket; else this one. */
static int64_t first_of(const struct estimate *e, int64_t f)
{
	struct stat st;

	if (fstat(fd_of(f), &st))
		return f;
	for (int64_t g = 0; g < SLOTS; g++) {
		if (e->known[g] && same_end(e, f, &st, g))
			return g;
	}
	return f;
}

static void estimate(struct world *w, int64_t f, struct estimate *e)
{
	struct pollfd p = { .fd = fd_of(f), .events = POLLIN | POLLOUT };
	const int what = w->fd[f].what;
	int bytes = 0;

	if (e->known[f])
		return;
	e->known[f] = true;
	fstat(p.fd, &e->st[f]);
	poll(&p, 1, 0);
	if (p.revents & (POLLIN | POLLHUP | POLLERR))
		e->available[f] = 1;
	if (e->available[f] && !ioctl(p.fd, FIONREAD, &bytes) && bytes > 0)
		e->available[f] = bytes;
	if (p.revents & POLLHUP)
		e->available[f] = INT_MAX;
	if (p.revents & POLLERR)
		e->room[f] = INT_MAX;
	else if (p.revents & POLLOUT)
		e->room[f] = what == W_PIPE || what == W_FIFO ? 4096 : 16384;
}

static bool waits_not(const struct iocb *cb)
{
	return cb->aio_lio_opcode == IOCB_CMD_POLL || cb->aio_rw_flags & RWF_NOWAIT ||
	       fcntl((int)cb->aio_fildes, F_GETFL) & O_NONBLOCK;
}

static bool blocks(struct world *w, const struct iocb *cb, struct estimate *e)
{
	int64_t f = slot_number(cb), *left;
	const struct fdslot *s = slot_of(w, f);

	if (!s || !is_peer(s) || !(is_read(cb) ? s->reader : is_write(cb) && s->writer))
		return false;
	f = first_of(e, f);
	estimate(w, f, e);
	left = is_read(cb) ? &e->available[f] : &e->room[f];
	if (waits_not(cb)) {
		*left = 0;
		return false;
	}
	if (s->what == W_DGRAM && is_write(cb))
		return true;
	if (is_read(cb) && *left <= 0)
		return true;
	if (is_write(cb) && (int64_t)most(cb) > *left)
		return true;
	*left -= most(cb) < INT_MAX ? (int64_t)most(cb) : INT_MAX;
	return false;
}

static bool is_direct(struct world *w, const struct iocb *cb)
{
	const struct fdslot *s = slot_of(w, slot_number(cb));

	return s && s->object >= 0 && (is_read(cb) || is_write(cb)) &&
	       fcntl((int)cb->aio_fildes, F_GETFL) & O_DIRECT;
}

/* It ends with EINVAL, and what of it lies in the first of two extents has been moved. */
static bool is_torn(struct world *w, const struct iocb *cb)
{
	return is_direct(w, cb) && cb->aio_lio_opcode <= IOCB_CMD_PWRITE && cb->aio_nbytes % 512 &&
	       cb->aio_nbytes > 512;
}

static bool overlap(const struct iocb *a, const struct iocb *b)
{
	if (a->aio_lio_opcode > IOCB_CMD_PWRITE || b->aio_lio_opcode > IOCB_CMD_PWRITE)
		return true;		/* vectors: perhaps */
	return a->aio_buf < b->aio_buf + (b->aio_nbytes & INT_MAX) &&
	       b->aio_buf < a->aio_buf + (a->aio_nbytes & INT_MAX);
}

/* The same bytes of a file, one of the two writing: an O_DIRECT one makes them race. */
static bool shares_file(struct world *w, const struct iocb *a, const struct iocb *b)
{
	const struct fdslot *s = slot_of(w, slot_number(a)), *t = slot_of(w, slot_number(b));

	if (!s || !t || s->object < 0 || s->object != t->object || !(is_write(a) || is_write(b)))
		return false;
	return a->aio_offset < b->aio_offset + (int64_t)(most(b) & INT_MAX) &&
	       b->aio_offset < a->aio_offset + (int64_t)(most(a) & INT_MAX);
}

/* With a transfer before it in the list, one of the two being in flight (D5). */
static bool races(struct world *w, unsigned i)
{
	const struct iocb *cb = w->pending[i];

	for (unsigned k = 0; k < i; k++) {
		const struct iocb *a = w->pending[k];

		if (!w->flight[w->pending_flight[k]].readable || a == cb)
			continue;
		if (!(is_direct(w, cb) || is_direct(w, a)) || !(is_read(cb) || is_write(cb)))
			continue;
		if (shares_file(w, a, cb))
			return true;
		if ((is_read(a) || (is_write(a) && is_read(cb))) && overlap(a, cb))
			return true;
	}
	return false;
}

/* page_cache_sync_ra() begins to read for it, too, and may be done before the page is looked at. */
static bool is_cold(struct world *w, const struct iocb *cb)
{
	const struct fdslot *s = slot_of(w, slot_number(cb));

	return s && s->object >= 0 && w->object_cold[s->object] && is_read(cb) &&
	       cb->aio_rw_flags & RWF_NOWAIT;
}

static bool is_terminal(struct world *w, const struct iocb *cb)
{
	const struct fdslot *s = slot_of(w, slot_number(cb));

	return s && s->what == W_PTY;
}

/* Without --submit=kernel a worker does what may wait: what does not wait comes before it. */
static bool terminal_differs(struct world *w, unsigned i)
{
	bool before = false;

	if (w->opt->kernel || !is_terminal(w, w->pending[i]))
		return false;
	for (unsigned k = 0; k < i && !before; k++)
		before = w->flight[w->pending_flight[k]].readable && is_terminal(w, w->pending[k]);
	return before && waits_not(w->pending[i]);
}

unsigned drop_blocking(struct world *w, bool drop)
{
	struct estimate e = { 0 };
	unsigned n = 0, kept = 0;

	for (unsigned i = 0; i < w->pending_count; i++) {
		const bool readable = w->flight[w->pending_flight[i]].readable;

		if (readable && (races(w, i) || is_torn(w, w->pending[i]) || is_cold(w, w->pending[i])))
			continue;
		if (readable && terminal_differs(w, i))
			continue;
		if (readable && blocks(w, w->pending[i], &e)) {
			n++;
			if (drop || (is_terminal(w, w->pending[i]) && is_write(w->pending[i])))
				continue;
		}
		w->pending[kept] = w->pending[i];
		w->pending_flight[kept++] = w->pending_flight[i];
	}
	w->pending_count = kept;
	return n;
}

/* --- classes ------------------------------------------------------------------------------------ */

static bool ready(const struct iocb *cb)
{
	struct pollfd p = { .fd = (int)cb->aio_fildes, .events = (short)cb->aio_buf };

	return poll(&p, 1, 0) != 0;
}

/* A list so far: files of which a hole may have been made, and whether peers were touched. */
struct so_far {
	bool touched, hole[OBJECTS];
};

static enum class class_of(struct world *w, const struct iocb *cb, struct so_far *before)
{
	const struct fdslot *s = slot_of(w, slot_number(cb));

	switch (cb->aio_lio_opcode) {
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		return ASYNC;
	case IOCB_CMD_POLL:
		return before->touched || !ready(cb) ? ASYNC : SYNC;
	}
	if (s && s->what == W_PTY)	/* whether it would wait cannot be asked */
		return ASYNC;
	if (!s || s->object < 0)
		return SYNC;
	if (fcntl((int)cb->aio_fildes, F_GETFL) & O_DIRECT)
		return ASYNC;
	if (is_write(cb)) {
		before->hole[s->object] |= cb->aio_offset > w->object_told[s->object];
		return SYNC;
	}
	if (w->object_cold[s->object])
		return ASYNC;
	return before->hole[s->object] || cb->aio_offset + (int64_t)most(cb) > WARM_BYTES ? ASYNC
											  : SYNC;
}

static bool touches(struct world *w, const struct iocb *cb)
{
	const struct fdslot *s = slot_of(w, slot_number(cb));

	return cb->aio_flags & IOCB_FLAG_RESFD || (s && is_peer(s));
}

void classify(struct world *w)
{
	struct so_far before = { 0 };

	for (unsigned i = 0; i < w->pending_count; i++) {
		struct flight *f = &w->flight[w->pending_flight[i]];

		if (!f->readable)
			continue;
		f->class = (uint8_t)class_of(w, w->pending[i], &before);
		before.touched |= touches(w, w->pending[i]);
	}
}

/* Which slots are free depends on where asynchronous requests were completed. */
bool too_many(struct world *w, const struct context *c)
{
	const struct ring *r = c ? ring_of(c) : NULL;
	unsigned used;

	if (!r || !c->tainted)
		return false;
	used = (c->seen + c->nr - r->head % c->nr) % c->nr;
	return used + w->flying_count + w->pending_count > 40;
}
