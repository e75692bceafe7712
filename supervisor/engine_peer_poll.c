/* SPDX-License-Identifier: MIT */
/*
 * Polls. The host's own AIO does them where it is allowed: the refusals, the raw wake keys and the
 * order are the kernel's then. Its context is made at the first poll, because its end costs a run
 * 30 ms.
 *
 * Where the host has no AIO, or all its room is taken: poll(2) for what is ready, else the poller,
 * and results are masked by what was asked. aio_poll() can wait in one queue only: what has two is
 * refused unless it is ready, terminals (n_tty_poll) and FIFOs open both ways (pipe_poll). A file
 * without a poll operation is always readable and writable (DEFAULT_POLLMASK); asked for neither,
 * it is refused (aio_poll in fs/aio.c, 6.18: no wait queue).
 *
 * On a foreign file system even asking may wait: FUSE sends the question to its server. A worker
 * does.
 */
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <termios.h>

#include "engine_peer_impl.h"
#include "util.h"

enum { ALWAYS_READY = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM };

int64_t peer_poll_masked(const struct io *io, uint32_t revents)
{
	return (int64_t)(revents & io->poll_events);
}

static enum engine_answer answer(struct io *io, int64_t result)
{
	io->refused = result < 0;
	io->result = result;
	return ENGINE_DONE;
}

static bool has_two_queues(int fd)
{
	struct termios t;
	struct stat st;

	if (fstat(fd, &st))
		return false;
	if (S_ISFIFO(st.st_mode))
		return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
	return S_ISCHR(st.st_mode) && tcgetattr(fd, &t) == 0;
}

static enum engine_answer poll_by_poller(struct peer *peer, struct io *io)
{
	struct pollfd now = { .fd = io->file->fd, .events = (short)io->poll_events };
	struct peer_io *p;
	int64_t mask;
	int err;

	if (poll(&now, 1, 0) < 0)
		return answer(io, neg_errno());
	mask = peer_poll_masked(io, (uint16_t)now.revents);
	if (mask)
		return answer(io, mask);
	if (has_two_queues(io->file->fd))
		return answer(io, -EINVAL);
	p = peer_hold(peer, io);
	if (!p)
		return ENGINE_BUSY;
	p->state = PEER_WAITING;
	err = poller_add(peer->poller, &p->wait, io->file->fd, io->poll_events, POLLER_FIRST);
	if (!err)
		return ENGINE_QUEUED;
	peer_release(p);
	return answer(io, err == -EPERM ? -EINVAL : err);
}

static void host_told(void *arg, void *cookie, int64_t result)
{
	struct peer_io *p = cookie;

	peer_finish(p, result);
}

struct hostaio *peer_host(struct peer *peer)
{
	if (peer->try_host)
		peer->host =
			hostaio_create(peer->loop, HOSTAIO_POLLS, host_told, peer_settle, peer);
	peer->try_host = false;
	return peer->host;
}

/*
 * From the first poll of an eventfd on, all new ones go to another context, where nothing that has
 * happened is late: in one context they are in the order in which they were completed.
 */
static struct hostaio *host_for(struct peer *peer, const struct io *io)
{
	if (io->file->counter && !peer->tried_counters) {
		peer->counters = hostaio_create_awaited(peer->loop, HOSTAIO_POLLS, host_told,
							peer_settle, peer);
		peer->tried_counters = true;
	}
	return peer->counters ? peer->counters : peer->host;
}

/*
 * Ready at once: it is among the finished now, and so may be others, which are told from the loop.
 */
static enum engine_answer host_answer(struct peer *peer, struct io *io)
{
	if (!io->engine_data)
		list_del(&io->node);
	if (!list_empty(&peer->finished))
		loop_kick_now(peer->kick);
	return io->engine_data ? ENGINE_QUEUED : ENGINE_DONE;
}

static enum engine_answer poll_by_host(struct peer *peer, struct hostaio *host, struct io *io)
{
	struct peer_io *p = peer_hold(peer, io);
	int err;

	if (!p)
		return ENGINE_BUSY;
	p->state = PEER_HOST;
	p->host = host;
	err = hostaio_poll(host, io->file->fd, io->poll_events, p, &p->host_poll);
	if (err) {
		peer_release(p);
		return err == -EAGAIN ? poll_by_poller(peer, io) : answer(io, err);
	}
	hostaio_harvest(host);
	return host_answer(peer, io);
}

static void run_poll(struct work *w)
{
	struct peer_io *p = container_of(w, struct peer_io, work);
	struct pollfd ask = { .fd = p->io->file->fd, .events = (short)p->io->poll_events };
	int n;

	do {
		n = poll(&ask, 1, -1);
	} while (n < 0 && errno == EINTR && !workers_cancelled(w));
	p->worked = n > 0 ? peer_poll_masked(p->io, (uint16_t)ask.revents) : 0;
}

static enum engine_answer poll_by_worker(struct peer *peer, struct io *io)
{
	struct peer_io *p;

	if (!(io->poll_events & ALWAYS_READY))
		return answer(io, -EINVAL);
	p = peer_hold(peer, io);
	if (!p)
		return ENGINE_BUSY;
	peer_work(p, io->file->lane, run_poll);
	return ENGINE_QUEUED;
}

enum engine_answer peer_poll_submit(struct peer *peer, struct io *io)
{
	if (io->file->class == FILE_FOREIGN)
		return poll_by_worker(peer, io);
	return peer_host(peer) ? poll_by_host(peer, host_for(peer, io), io)
			       : poll_by_poller(peer, io);
}
