/* SPDX-License-Identifier: MIT */
/* What programs do to descriptors, memory, limits, signals and themselves between AIO calls. */
#include "world.h"

#include <linux/capability.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#endif

static void say_result(long ret)
{
	say(" %s", num(ret < 0 ? -errno : ret));
}

void run_close(struct world *w, const struct step *s)
{
	struct fdslot *slot = slot_of(w, s->v[CLOSE_F]);

	say_result(close(fd_of(s->v[CLOSE_F])));
	if (slot)
		slot->open = false;
}

void run_dup(struct world *w, const struct step *s)
{
	const int64_t to = s->v[DUP_TO] & (SLOTS - 1);
	struct fdslot *slot = slot_of(w, s->v[DUP_F]);

	if (!slot || to == s->v[DUP_F])
		return;
	say_result(dup3(fd_of(s->v[DUP_F]), fd_of(to), O_CLOEXEC) - fd_of(to));
	w->fd[to] = *slot;
	w->fd[to].generation = ++w->generation;
}

void run_trunc(struct world *w, const struct step *s)
{
	const struct fdslot *slot = slot_of(w, s->v[TRUNC_F]);

	if (slot && slot->object >= 0)
		say_result(ftruncate(fd_of(s->v[TRUNC_F]), s->v[TRUNC_SIZE]));
}

/* Moves bytes without ever waiting. */
static long now(int fd, void *data, size_t bytes, bool put)
{
	const int flags = fcntl(fd, F_GETFL);
	long ret;

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	ret = put ? write(fd, data, bytes) : read(fd, data, bytes);
	if (ret < 0)
		ret = -errno;
	fcntl(fd, F_SETFL, flags);
	return ret;
}

void run_put(struct world *w, const struct step *s)
{
	static uint32_t data[65536 / 4];
	const struct fdslot *slot = slot_of(w, s->v[PUT_F]);
	const uint64_t count = (uint64_t)s->v[PUT_N];
	size_t bytes = count < sizeof(data) ? count : sizeof(data);

	if (!slot)
		return;
	if (slot->what == W_PTY && bytes > 100)
		bytes = 100;		/* beyond that it depends on when a worker of the kernel runs */
	for (unsigned i = 0; i < bytes / 4; i++)
		data[i] = i * 40503u;
	if (slot->what == W_EVENTFD || slot->what == W_SEMAPHORE)
		say(" %s", num(now(fd_of(s->v[PUT_F]), (void *)&count, sizeof(count), true)));
	else if (is_peer(slot))
		say(" %s", num(now(fd_of(s->v[PUT_F]), data, bytes, true)));
}

void run_get(struct world *w, const struct step *s)
{
	static char data[65536];
	const struct fdslot *slot = slot_of(w, s->v[PUT_F]);
	const uint64_t wanted = (uint64_t)s->v[PUT_N];
	const size_t n = wanted < sizeof(data) ? wanted : sizeof(data);
	long ret;

	if (!slot || !is_peer(slot) || slot->what == W_TCP || slot->what == W_UDP)
		return;
	ret = now(fd_of(s->v[PUT_F]), data, n, false);
	say(" %s", num(ret));
	if (ret > 0)
		say(" contents %08x", (unsigned)hash(data, (size_t)ret, 0));
}

/* Returns when it has expired: only then can what follows be compared. */
void run_arm(struct world *w, const struct step *s)
{
	const struct fdslot *slot = slot_of(w, s->v[ARM_F]);
	struct itimerspec t = { .it_value.tv_nsec = 1000 * (s->v[ARM_US] % 10000 + 1) };
	struct pollfd p = { .fd = fd_of(s->v[ARM_F]), .events = POLLIN };

	if (!slot || slot->what != W_TIMERFD)
		return;
	need(!timerfd_settime(p.fd, 0, &t, NULL));
	need(poll(&p, 1, 5000) == 1);
}

void run_flag(struct world *w, const struct step *s)
{
	const int allowed = O_NONBLOCK | O_APPEND | O_DIRECT;
	const struct fdslot *slot = slot_of(w, s->v[FLAG_F]);

	if (!slot)
		return;
	if (slot->what == W_PIPE)	/* packets: another thing altogether */
		say_result(fcntl(fd_of(s->v[FLAG_F]), F_SETFL, s->v[FLAG_SET] & O_NONBLOCK));
	else
		say_result(fcntl(fd_of(s->v[FLAG_F]), F_SETFL, s->v[FLAG_SET] & allowed));
}

void run_shut(struct world *w, const struct step *s)
{
	const struct fdslot *slot = slot_of(w, s->v[SHUT_F]);

	if (!slot)
		return;
	if (slot->what == W_MEMFD)	/* F_SEAL_SHRINK, GROW, WRITE */
		say_result(fcntl(fd_of(s->v[SHUT_F]), F_ADD_SEALS, 2 << s->v[SHUT_HOW] % 3));
	else
		say_result(shutdown(fd_of(s->v[SHUT_F]), (int)s->v[SHUT_HOW] % 3));
}

void run_fsize(struct world *w, const struct step *s)
{
	struct rlimit limit;

	(void)w;
	need(!getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = s->v[FSIZE_V] < 0 ? limit.rlim_max : (rlim_t)s->v[FSIZE_V];
	say_result(setrlimit(RLIMIT_FSIZE, &limit));
}

void run_mem(struct world *w, const struct step *s)
{
	(void)w;
	if (!arena_protect((unsigned)s->v[MEM_PAGE], (int)s->v[MEM_DO]))
		say(" no");
}

void run_action(struct world *w, const struct step *s)
{
	const int sig = (int)s->v[ACTION_SIG];
	struct sigaction sa = { .sa_sigaction = on_any, .sa_flags = SA_SIGINFO };
	sigset_t set;

	(void)w;
	sigemptyset(&set);
	sigaddset(&set, sig);
	switch (s->v[ACTION_DO]) {
	case DO_BLOCK:
		say_result(pthread_sigmask(SIG_BLOCK, &set, NULL));
		return;
	case DO_UNBLOCK:
		say_result(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
		return;
	case DO_RESTART:
		sa.sa_flags |= SA_RESTART;
		break;
	case DO_IGNORE:
	case DO_DEFAULT:
		sa.sa_flags = 0;
		sa.sa_handler = s->v[ACTION_DO] == DO_IGNORE ? SIG_IGN : SIG_DFL;
		break;
	}
	say_result(sigaction(sig, &sa, NULL));
}

void run_raise(struct world *w, const struct step *s)
{
	say_result(syscall(SYS_tgkill, w->pid, gettid(), (int)s->v[RAISE_SIG]));
}

/* Nobody in particular, for good: this thread. */
void run_user(struct world *w, const struct step *s)
{
	const long nobody = 65534;

	(void)w;
	(void)s;
	say_result(syscall(SYS_setresgid, nobody, nobody, nobody) ||
		   syscall(SYS_setresuid, nobody, nobody, nobody) ? -1 : 0);
	need(!prctl(PR_SET_DUMPABLE, 1));	/* /proc/self is still its own */
}

/* Also of this thread. */
void run_caps(struct world *w, const struct step *s)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];
	const uint64_t keep = (uint64_t)s->v[CAPS_KEEP];

	(void)w;
	need(!syscall(SYS_capget, &header, d));
	for (unsigned i = 0; i < 2; i++)
		d[i].effective &= (uint32_t)(keep >> 32 * i);
	say_result(syscall(SYS_capset, &header, d));
}

void run_chmod(struct world *w, const struct step *s)
{
	const struct fdslot *slot = slot_of(w, s->v[CHMOD_F]);

	if (slot && slot->object >= 0)
		say_result(fchmod(fd_of(s->v[CHMOD_F]), (mode_t)s->v[CHMOD_MODE] & 07777));
}

/* Pages in the page cache; 0 where the kernel does not tell (before 6.5). */
static uint64_t pages_cached(int fd)
{
	const uint64_t all[2] = { 0, 0 };	/* struct cachestat_range */
	uint64_t counts[5] = { 0 };		/* struct cachestat */

	return syscall(451, fd, all, counts, 0) ? 0 : counts[0];
}

/*
 * Not looked at, which would warm it, until the next io_submit. A page that write-back holds for a
 * moment stays at the first try.
 */
void run_cold(struct world *w, const struct step *s)
{
	const struct fdslot *slot = slot_of(w, s->v[COLD_F]);

	if (!slot || slot->object < 0)
		return;
	for (int i = 0; i < 50; i++) {
		fdatasync(OBSERVE_BASE + slot->object);
		need(!posix_fadvise(OBSERVE_BASE + slot->object, 0, 0, POSIX_FADV_DONTNEED));
		if (!pages_cached(OBSERVE_BASE + slot->object))
			break;
		poll(NULL, 0, 1);	/* a page that leaves the cache gives no event */
	}
	w->object_cold[slot->object] = true;
}

void run_exit(struct world *w, const struct step *s)
{
	say("\n");
	if (s->v[EXIT_HOW] == 1)
		syscall(SYS_tgkill, w->pid, gettid(), SIGKILL);
	_exit(7);
}
