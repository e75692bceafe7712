/* SPDX-License-Identifier: MIT */
/*
 * Theory. The kernel raises SIGPIPE and SIGXFSZ in the middle of a list, and a wait that a signal
 * has ended leaves it pending until io_submit returns; what comes later in the list is done with a
 * signal pending. Here signals are raised behind the reply (episode.c), so what they do to the rest
 * of the list is imitated: whatever would wait ends with EINTR (watch.c), and what follows here.
 * Where it cannot be known whether one waits, the list ends: its rest is for the next call.
 */
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>

#include "submit.h"

#define TTY_PIECE_BYTES 2048	/* iterate_tty_write() */

void submit_raise(struct call *call, int signo)
{
	const uint32_t bit = 1u << signo;

	if (call->raise_signals & bit)
		return;
	call->raise_signals |= bit;
	switch (tracee_signal_effect(call->thread->source.tid, signo,
				     call->has_own_mask ? &call->own_mask : NULL)) {
	case SIGNAL_NONE:
		break;
	case SIGNAL_KILLS:
		/* what dumps core does that on its way out: complete_signal() of kernel/signal.c */
		call->dying |= signo != SIGXFSZ;
		call->interrupted = true;
		break;
	case SIGNAL_HANDLED:
		call->interrupted = true;
		break;
	case SIGNAL_UNKNOWN:
		call->unsure = true;
		break;
	}
}

/* /dev/zero, full, random: read_iter_zero(), get_random_bytes_user() of drivers/char, 6.18. */
static bool looks_at_each_page(const struct request *r)
{
	return r->io.op == IO_READ && r->file->io.class == FILE_INSTANT && !r->file->fs;
}

/* generic_perform_write() of mm/filemap.c, 6.18. */
static bool looks_for_death(const struct request *r)
{
	return r->io.op == IO_WRITE && !r->io.direct &&
	       (r->file->can & FILE_REGULAR || r->file->io.class == FILE_LOCAL);
}

/*
 * n_tty_write() of drivers/tty, 6.18, looks before it writes anything, whether it may wait or not; by
 * then it has the first piece of the data. One that has
 * EIO to say here has the same to say to a write: it was hung up.
 */
int64_t submit_look_at_signals(const struct call *call, const struct request *r, ssize_t copied)
{
	struct termios t;
	struct stat st;

	if (!call->interrupted || r->file->io.class != FILE_PEER ||
	    copied < (ssize_t)min_u64(r->io.length_bytes, TTY_PIECE_BYTES) ||
	    fstat(r->io.file->fd, &st) || !S_ISCHR(st.st_mode))
		return 0;
	if (tcgetattr(r->io.file->fd, &t))
		return errno == EIO ? -EIO : 0;
	return -EINTR;
}

int64_t submit_apply_signals(const struct call *call, struct request *r)
{
	if (call->interrupted && looks_at_each_page(r))
		r->total_bytes = min_u64(r->total_bytes, PAGE_BYTES);
	return call->dying && looks_for_death(r) && r->total_bytes ? -EINTR : 0;
}

/*
 * signalfd_poll() of fs/signalfd.c, 6.18, looks at the signals of whoever asks, in io_submit and never
 * again: a wake-up makes the kernel's own worker ask.
 */
int64_t submit_poll_signals(const struct call *call, struct request *r)
{
	uint64_t told_of;
	int pending;

	if (!(r->file->can & FILE_SIGNALS))
		return 0;
	if (r->io.poll_events & POLLIN) {
		pending = file_signals(r->file, &told_of);
		if (!pending)
			pending = tracee_signal_pending(call->thread->source.tid, ~told_of);
		if (pending)
			return pending == 1 ? POLLIN : -ENOMEM;
	}
	r->io.poll_events = POLLERR | POLLHUP;
	return 0;
}
