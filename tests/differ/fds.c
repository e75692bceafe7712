/* SPDX-License-Identifier: MIT */
/* Descriptors of all kinds, at fixed numbers, and what can be seen of the files behind them. */
#include "world.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <termios.h>

int fd_of(int64_t f)
{
	if (f >= 0 && f < SLOTS)
		return FD_BASE + (int)f;
	return f == F_NONE ? 999 : f == F_HUGE ? INT_MAX : -1;
}

struct fdslot *slot_of(struct world *w, int64_t f)
{
	return f >= 0 && f < SLOTS && w->fd[f].open ? &w->fd[f] : NULL;
}

bool is_peer(const struct fdslot *s)
{
	switch (s->what) {
	case W_PIPE: case W_SOCK: case W_DGRAM: case W_EVENTFD: case W_SEMAPHORE: case W_TIMERFD:
	case W_FIFO: case W_TCP: case W_UDP: case W_PTY:
		return true;
	}
	return false;
}

static const int mode_flags[MODES] = {
	[M_RDWR] = O_RDWR, [M_RDONLY] = O_RDONLY, [M_WRONLY] = O_WRONLY,
	[M_APPEND] = O_RDWR | O_APPEND, [M_DIRECT] = O_RDWR | O_DIRECT,
	[M_DIRECT_RDONLY] = O_RDONLY | O_DIRECT, [M_DSYNC] = O_RDWR | O_DSYNC,
};

static int move_to(int fd, int to)
{
	if (fd < 0)
		return -1;
	need(dup3(fd, to, O_CLOEXEC) == to && !close(fd));
	return to;
}

/* All names have some pages of contents, the last but one only a few bytes, the last none. */
static void create_named(struct world *w, unsigned name)
{
	static uint32_t text[6000];
	char path[8];
	size_t bytes = name == NAMES - 1 ? 0 : name == NAMES - 2 ? 100 : 16384 + name * 2500;

	struct rlimit limit, none;

	if (w->object_live[name])
		return;
	need(!getrlimit(RLIMIT_FSIZE, &limit));
	none = (struct rlimit){ limit.rlim_max, limit.rlim_max };
	need(!setrlimit(RLIMIT_FSIZE, &none));
	for (unsigned i = 0; i < ARRAY_SIZE(text); i++)
		text[i] = (i + name * 10000) * 2246822519u;
	snprintf(path, sizeof(path), "f%u", name);
	move_to(open(path, O_RDWR | O_CREAT | O_TRUNC, 0644), OBSERVE_BASE + (int)name);
	need(pwrite(OBSERVE_BASE + (int)name, text, bytes, 0) == (ssize_t)bytes);
	need(!setrlimit(RLIMIT_FSIZE, &limit));
	w->object_live[name] = true;
	w->object_told[name] = -1;
}

static void set(struct world *w, int64_t f, const struct step *s)
{
	const int mode = fcntl(fd_of(f), F_GETFL) & O_ACCMODE;

	w->fd[f] = (struct fdslot){
		.open = true, .reader = mode != O_WRONLY, .writer = mode != O_RDONLY,
		.what = (uint8_t)s->v[OPEN_WHAT], .mode = (uint8_t)s->v[OPEN_MODE], .object = -1,
		.peer = -1,
		.generation = ++w->generation,
	};
	w->eventfd_told[f] = -1;
}

static int open_terminal(int master)
{
	struct termios raw;
	int slave;

	if (master < 0 || unlockpt(master))
		return -1;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &raw))
		return -1;
	cfmakeraw(&raw);
	return tcsetattr(slave, TCSANOW, &raw) ? -1 : slave;
}

static void open_pair(struct world *w, const struct step *s, int64_t f)
{
	const int64_t g = (f + 1) % SLOTS;
	int pair[2], err;

	switch (s->v[OPEN_WHAT]) {
	case W_PIPE:
		err = pipe2(pair, O_CLOEXEC);
		break;
	case W_SOCK:
		err = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
		break;
	case W_DGRAM:
		err = socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair);
		break;
	default:
		pair[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		pair[1] = open_terminal(pair[0]);
		err = 0;
	}
	need(!err && pair[1] >= 0);
	move_to(pair[0], fd_of(f));
	move_to(pair[1], fd_of(g));
	set(w, f, s);
	set(w, g, s);
	w->fd[f].peer = (int8_t)g;
	w->fd[g].peer = (int8_t)f;
}

static int open_fifo(void)
{
	if (mkfifo("fifo", 0600) && errno != EEXIST)
		return -1;
	return open("fifo", O_RDWR | O_CLOEXEC);
}

static int open_shm(void)
{
	return open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int open_one(const struct step *s)
{
	const int mode = mode_flags[s->v[OPEN_MODE] % MODES] | O_CLOEXEC;
	char path[8];

	snprintf(path, sizeof(path), "f%u", (unsigned)(s->v[OPEN_NAME] % NAMES));
	switch (s->v[OPEN_WHAT]) {
	case W_FILE: return open(path, mode);
	case W_PATH: return open(path, O_PATH | O_CLOEXEC);
	case W_MEMFD: return memfd_create("differ", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	case W_SHM: return open_shm();
	case W_EVENTFD: return eventfd(0, EFD_CLOEXEC);
	case W_SEMAPHORE: return eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
	case W_TIMERFD: return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	case W_NULL: return open("/dev/null", mode & (O_ACCMODE | O_CLOEXEC));
	case W_ZERO: return open("/dev/zero", mode & (O_ACCMODE | O_CLOEXEC));
	case W_FULL: return open("/dev/full", mode & (O_ACCMODE | O_CLOEXEC));
	case W_DIR: return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case W_STATUS: return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	case W_VERSION: return open("/proc/version", O_RDONLY | O_CLOEXEC);
	case W_OSTYPE: return open("/proc/sys/kernel/ostype", O_RDONLY | O_CLOEXEC);
	case W_EPOLL: return epoll_create1(EPOLL_CLOEXEC);
	case W_INOTIFY: return inotify_init1(IN_CLOEXEC);
	case W_PIDFD: return (int)syscall(SYS_pidfd_open, getpid(), 0);
	case W_FIFO: return open_fifo();
	case W_TCP: return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	case W_UDP: return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	}
	return -1;
}

static int object_of(struct world *w, const struct step *s, int64_t f)
{
	const int object = NAMES + (int)f;

	if (s->v[OPEN_WHAT] == W_FILE || s->v[OPEN_WHAT] == W_PATH)
		return (int)(s->v[OPEN_NAME] % NAMES);
	if (s->v[OPEN_WHAT] != W_MEMFD && s->v[OPEN_WHAT] != W_SHM)
		return -1;
	need(dup3(fd_of(f), OBSERVE_BASE + object, O_CLOEXEC) >= 0);
	w->object_live[object] = true;
	w->object_told[object] = 0;
	w->object_hash[object] = 0;
	return object;
}

void run_open(struct world *w, const struct step *s)
{
	const int64_t f = s->v[OPEN_F] % SLOTS;
	const int what = (int)s->v[OPEN_WHAT];

	if (what == W_PIPE || what == W_SOCK || what == W_DGRAM || what == W_PTY) {
		open_pair(w, s, f);
		return;
	}
	if (what == W_FILE || what == W_PATH)
		create_named(w, s->v[OPEN_NAME] % NAMES);
	if (move_to(open_one(s), fd_of(f)) < 0) {
		say(" %s", num(-errno));
		return;
	}
	set(w, f, s);
	w->fd[f].object = (int8_t)object_of(w, s, f);
}

/* --- what can be seen -------------------------------------------------------------------------- */

/* Set-ID bits go when somebody writes who may not keep them. */
static void tell_mode(struct world *w, int o, unsigned mode)
{
	if (w->object_mode[o] && w->object_mode[o] != mode)
		say("  file %d mode %o\n", o, mode);
	w->object_mode[o] = mode;
}

static void tell_object(struct world *w, int o)
{
	static char data[WARM_BYTES];
	struct stat st;
	ssize_t n;
	int64_t h;

	if (w->object_cold[o] || fstat(OBSERVE_BASE + o, &st))
		return;
	n = pread(OBSERVE_BASE + o, data, sizeof(data), 0);
	h = n > 0 ? (int64_t)(uint32_t)hash(data, (size_t)n, 0) : 0;
	tell_mode(w, o, st.st_mode & 07777);
	if (st.st_size == w->object_told[o] && h == w->object_hash[o])
		return;
	if (w->object_told[o] >= 0)
		say("  file %d size %lld contents %08x\n", o, (long long)st.st_size, (unsigned)h);
	w->object_told[o] = st.st_size;
	w->object_hash[o] = h;
}

void tell_objects(struct world *w)
{
	for (int o = 0; o < OBJECTS; o++) {
		if (w->object_live[o])
			tell_object(w, o);
	}
}

void objects_again(struct world *w)
{
	for (unsigned name = 0; name < NAMES; name++) {
		char path[8];

		snprintf(path, sizeof(path), "f%u", name);
		if (w->object_live[name])
			need(move_to(open(path, O_RDONLY), OBSERVE_BASE + (int)name) >= 0);
	}
}

void tell_descriptors(struct world *w)
{
	const int lowest = open("/", O_PATH | O_CLOEXEC);

	need(lowest >= 0 && !close(lowest));
	if (w->lowest_told && lowest != w->lowest_told)
		say("  descriptor %d is free\n", lowest);
	w->lowest_told = lowest;
}

/* The counter is looked at without reading it, which would change it. */
static long eventfd_count(int fd)
{
	char path[64], text[256] = "";
	const char *at;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -1;
	need(read(info, text, sizeof(text) - 1) > 0 && !close(info));
	at = strstr(text, "eventfd-count:");
	return at ? strtol(at + strlen("eventfd-count:"), NULL, 16) : -1;
}

void tell_eventfds(struct world *w)
{
	for (int f = 0; f < SLOTS; f++) {
		const struct fdslot *s = &w->fd[f];
		long now;

		if (!s->open || (s->what != W_EVENTFD && s->what != W_SEMAPHORE))
			continue;
		now = eventfd_count(fd_of(f));
		if (now != w->eventfd_told[f] && (now || w->eventfd_told[f] >= 0))
			say("  eventfd %d counts %ld\n", f, now);
		w->eventfd_told[f] = now;
	}
}
