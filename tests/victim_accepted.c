/* SPDX-License-Identifier: MIT */
/*
 * A program that believes nothing: for the runs of self_fault.sh, in which one call of the supervisor
 * fails. Any call may be refused as the kernel could refuse it; but what is said to be done is done, and
 * each accepted request has exactly one event.
 *
 *	victim_accepted STEP DIRECTORY		in the sandbox: STEP is short, io, large, peers or life
 *	victim_accepted judge DIRECTORY ANY	afterwards: is what was accepted by those that died in the
 *						file? ANY=1: an unseen event may have told of an error
 *
 * DIRECTORY/started exists once this program runs; DIRECTORY/told is the memory of what was accepted.
 */
#include "parity/victim_env.h"

#include <libaio.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/time.h>

#define BLOCK 4096u
#define DEPTH 16u
#define TOLD_MAX 256u
#define PATIENCE_SECONDS 3

enum told_state { TOLD_NOT, TOLD_ACCEPTED, TOLD_DONE, TOLD_FAILED };

struct told {
	_Atomic uint32_t count;
	struct {
		_Atomic uint32_t state;
		uint32_t number;	/* of the block, and what it is filled with */
	} block[TOLD_MAX];
};

static const char *directory;
static struct told *told;
static int wrong;

#define wrong_if(cond, ...) do { if (cond) { printf(__VA_ARGS__); puts(""); wrong = 1; } } while (0)

static char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int file_open(const char *name, int flags)
{
	int fd = open(path_of(name), flags | O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	need(fd >= 0);
	return fd;
}

static void told_map(void)
{
	int fd = file_open("told", 0);

	need(ftruncate(fd, sizeof(*told)) == 0);
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(told != MAP_FAILED);
	close(fd);
}

static void *memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	return p;
}

static void fill(char *at, size_t bytes, uint32_t number)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (char)(number * 31 + i / 512 + i % 251 + 1);
}

static int holds(const char *at, size_t bytes, size_t from, uint32_t number)
{
	for (size_t i = 0; i < bytes; i++) {
		if (at[i] != (char)(number * 31 + (from + i) / 512 + (from + i) % 251 + 1))
			return 0;
	}
	return 1;
}

/* --- calls that may be refused ---------------------------------------------------------------- */

static int may_refuse(long rc)
{
	return rc == -EAGAIN || rc == -ENOMEM;
}

static int setup(unsigned nr, io_context_t *ctx)
{
	int rc = -EAGAIN;

	for (int i = 0; i < 3 && rc; i++) {
		*ctx = NULL;
		rc = io_setup((int)nr, ctx);
		wrong_if(rc && !may_refuse(rc), "io_setup: %d", rc);
	}
	return rc;
}

/* How many were accepted. */
static unsigned submit(io_context_t ctx, unsigned count, struct iocb **list)
{
	unsigned done = 0;
	long rc;

	for (int refusals = 0; done < count && refusals < 3;) {
		rc = io_submit(ctx, count - done, list + done);
		wrong_if(rc == 0 || (rc < 0 && !may_refuse(rc)), "io_submit: %ld", rc);
		if (rc > 0)
			done += (unsigned)rc;
		else
			refusals++;
	}
	return done;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Exactly one event for each of the iocbs, whose aio_data count them. */
static void reap(io_context_t ctx, struct iocb *cb, unsigned count, struct io_event *events)
{
	const double begin = now();
	struct io_event ev[DEPTH];
	unsigned char seen[DEPTH] = { 0 };
	unsigned got = 0;

	while (got < count && now() - begin < PATIENCE_SECONDS) {
		struct timespec limit = { .tv_nsec = 200000000 };
		int n = io_getevents(ctx, 1, DEPTH, ev, &limit);

		wrong_if(n < 0 && n != -EINTR && !may_refuse(n), "io_getevents: %d", n);
		for (int i = 0; i < n; i++, got++) {
			size_t index = (size_t)(ev[i].obj - cb);

			wrong_if(index >= count || seen[index % DEPTH]++, "event %zu unexpected", index);
			if (index < count)
				events[index] = ev[i];
		}
	}
	wrong_if(got != count, "%u events for %u requests", got, count);
	wrong |= got != count;
}

static void destroy(io_context_t ctx)
{
	int rc = -EAGAIN;

	for (int i = 0; i < 3 && may_refuse(rc); i++)
		rc = io_destroy(ctx);
	wrong_if(rc, "io_destroy: %d", rc);
}

static int is_plausible(long res)
{
	switch (-res) {
	case EIO:
	case ENOMEM:
	case EAGAIN:
	case EINTR:
	case ENOSPC:
		return 1;
	default:
		return 0;
	}
}

/* --- files ------------------------------------------------------------------------------------ */

static void check_written(int fd, const char *what, const struct io_event *ev, long long at, size_t bytes,
			  uint32_t number)
{
	long res = (long)ev->res;
	char *back = memory(bytes);

	wrong_if(res < 0 && !is_plausible(res), "%s: a write gave %ld", what, res);
	wrong_if(res > (long)bytes, "%s: a write gave %ld of %zu", what, res, bytes);
	if (res > 0) {
		need(pread(fd, back, bytes, at) >= 0);
		wrong_if(!holds(back, (size_t)res, 0, number), "%s: %ld bytes were written, and are not there",
			 what, res);
	}
	munmap(back, bytes);
}

static void check_read(const char *what, const struct io_event *ev, const char *data, size_t bytes,
		       size_t first_offset, uint32_t number)
{
	long res = (long)ev->res;

	wrong_if(res < 0 && !is_plausible(res), "%s: a read gave %ld", what, res);
	wrong_if(res > (long)bytes, "%s: a read gave %ld of %zu", what, res, bytes);
	wrong_if(res > 0 && !holds(data, (size_t)res, first_offset, number), "%s: %ld bytes read are wrong",
		 what, res);
}

static void write_some(io_context_t ctx, int fd, const char *what, int append)
{
	struct iocb cb[8], *list[8];
	struct io_event ev[8];
	char *data = memory(8 * BLOCK);
	unsigned n;

	for (unsigned i = 0; i < 8; i++) {
		fill(data + i * BLOCK, BLOCK, i);
		io_prep_pwrite(&cb[i], fd, data + i * BLOCK, BLOCK, (long long)i * BLOCK);
		list[i] = &cb[i];
	}
	n = submit(ctx, 8, list);
	reap(ctx, cb, n, ev);
	for (unsigned i = 0; i < n && !wrong && !append; i++)
		check_written(fd, what, &ev[i], (long long)i * BLOCK, BLOCK, i);
	munmap(data, 8 * BLOCK);
}

/* The file holds blocks 0 to 7 by plain writes. */
static void read_some(io_context_t ctx, int fd, const char *what)
{
	struct iocb cb[8], *list[8];
	struct iovec iov[8][2];
	struct io_event ev[8];
	char *data = memory(16 * BLOCK);
	unsigned n;

	for (unsigned i = 0; i < 8; i++) {
		fill(data, BLOCK, i);
		need(pwrite(fd, data, BLOCK, (off_t)i * BLOCK) == BLOCK);
	}
	memset(data, 0, 16 * BLOCK);
	for (unsigned i = 0; i < 8; i++) {
		char *at = data + 2 * i * BLOCK;

		iov[i][0] = (struct iovec){ at, BLOCK / 2 };
		iov[i][1] = (struct iovec){ at + BLOCK / 2, BLOCK / 2 };
		if (i % 2)
			io_prep_preadv(&cb[i], fd, iov[i], 2, (long long)i * BLOCK);
		else
			io_prep_pread(&cb[i], fd, at, BLOCK, (long long)i * BLOCK);
		list[i] = &cb[i];
	}
	n = submit(ctx, 8, list);
	reap(ctx, cb, n, ev);
	for (unsigned i = 0; i < n && !wrong; i++)
		check_read(what, &ev[i], data + 2 * i * BLOCK, BLOCK, 0, i);
	munmap(data, 16 * BLOCK);
}

static void sync_some(io_context_t ctx, int fd)
{
	struct iocb cb[2], *list[2] = { &cb[0], &cb[1] };
	struct io_event ev[2];
	unsigned n;

	io_prep_fsync(&cb[0], fd);
	io_prep_fdsync(&cb[1], fd);
	n = submit(ctx, 2, list);
	reap(ctx, cb, n, ev);
	for (unsigned i = 0; i < n && !wrong; i++)
		wrong_if(ev[i].res && !is_plausible((long)ev[i].res), "a sync gave %ld", (long)ev[i].res);
}

/* The ring moves: it is looked for at its new place. */
static void move_ring(io_context_t *ctx)
{
	void *at;

	if (mremap(*ctx, 0, BLOCK, MREMAP_MAYMOVE) == MAP_FAILED)	/* its size is not known here */
		return;
	at = memory(64 * BLOCK);
	at = mremap(*ctx, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, at);
	if (at != MAP_FAILED)
		*ctx = at;
}

static void step_short(void)
{
	int fd = file_open("short", O_DIRECT);
	io_context_t ctx;

	if (setup(DEPTH, &ctx))
		return;
	write_some(ctx, fd, "short", 0);
	destroy(ctx);
	close(fd);
}

static void step_io(void)
{
	static const struct { const char *name; int flags; } files[] = {
		{ "buffered", 0 }, { "direct", O_DIRECT }, { "append", O_APPEND },
		{ "sync", O_DIRECT | O_DSYNC },
	};
	io_context_t ctx;
	int fd;

	for (unsigned i = 0; i < ARRAY_SIZE(files) + 1 && !wrong; i++) {
		const char *name = i < ARRAY_SIZE(files) ? files[i].name : "memory";

		fd = i < ARRAY_SIZE(files) ? file_open(name, files[i].flags)
					   : memfd_create(name, MFD_CLOEXEC);
		need(fd >= 0);
		if (setup(DEPTH, &ctx))
			return;
		write_some(ctx, fd, name, i < ARRAY_SIZE(files) && files[i].flags & O_APPEND);
		if (i >= ARRAY_SIZE(files) || !(files[i].flags & O_APPEND))
			read_some(ctx, fd, name);
		sync_some(ctx, fd);
		destroy(ctx);
		close(fd);
	}
}

/* Requests of many pieces (--buffer-memory=1M), and memory that is used up. */
static void step_large(void)
{
	enum { BYTES = 1 << 20, COUNT = 4 };
	struct iocb cb[COUNT], *list[COUNT];
	struct io_event ev[COUNT];
	char *data = memory(COUNT * BYTES);
	io_context_t ctx;
	unsigned n;

	for (int direct = 0; direct < 2 && !wrong; direct++) {
		int fd = file_open(direct ? "large-direct" : "large", direct ? O_DIRECT : 0);

		if (setup(DEPTH, &ctx))
			return;
		for (unsigned i = 0; i < COUNT; i++) {
			fill(data + i * BYTES, BYTES, i);
			io_prep_pwrite(&cb[i], fd, data + i * BYTES, BYTES, (long long)i * BYTES);
			list[i] = &cb[i];
		}
		n = submit(ctx, COUNT, list);
		reap(ctx, cb, n, ev);
		for (unsigned i = 0; i < n && !wrong; i++)
			check_written(fd, "large", &ev[i], (long long)i * BYTES, BYTES, i);
		for (unsigned i = 0; i < COUNT; i++) {
			need(pwrite(fd, data + i * BYTES, BYTES, (off_t)i * BYTES) == BYTES);
			io_prep_pread(&cb[i], fd, data + i * BYTES, BYTES, (long long)i * BYTES);
		}
		memset(data, 0, COUNT * BYTES);
		n = submit(ctx, COUNT, list);
		reap(ctx, cb, n, ev);
		for (unsigned i = 0; i < n && !wrong; i++)
			check_read("large", &ev[i], data + i * BYTES, BYTES, 0, i);
		destroy(ctx);
		close(fd);
	}
}

/* --- peers ------------------------------------------------------------------------------------ */

static void nothing(int signo)
{
}

static void pipes(io_context_t ctx)
{
	struct iocb cb[3], *list[3] = { &cb[0], &cb[1], &cb[2] };
	struct io_event ev[3] = { { 0 } };
	char in[8] = "", out[8] = "abcdefg", back[8] = "";
	int to[2], from[2];
	unsigned n;

	need(!pipe2(from, O_CLOEXEC) && !pipe2(to, O_CLOEXEC));
	io_prep_pread(&cb[0], from[0], in, sizeof(in), 0);
	io_prep_poll(&cb[1], from[0], POLLIN);
	io_prep_pwrite(&cb[2], to[1], out, sizeof(out), 0);
	n = submit(ctx, 3, list);
	for (int i = 0; i < 2; i++)	/* one may be taken before the poll has seen it */
		need(write(from[1], out, sizeof(out)) == sizeof(out));
	reap(ctx, cb, n, ev);
	wrong_if(n > 0 && (long)ev[0].res > 0 && memcmp(in, out, ev[0].res), "a pipe gave other data");
	wrong_if(n > 1 && !((long)ev[1].res > 0 && ev[1].res & POLLIN) && !is_plausible((long)ev[1].res), "a poll gave %ld",
		 (long)ev[1].res);
	if (n > 2 && (long)ev[2].res > 0)
		wrong_if(read(to[0], back, sizeof(back)) != (long)ev[2].res ||
			 memcmp(back, out, ev[2].res), "what a pipe was given is not in it");
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
}

/* A request that waits for ever is cancelled by io_cancel (a poll) or io_destroy (a read). */
static void cancelled(io_context_t ctx)
{
	struct iocb cb[2], *list[2] = { &cb[0], &cb[1] };
	struct io_event ev[2] = { { 0 } };
	static char in[8];
	int fds[2], rc;
	unsigned n;

	need(!pipe2(fds, O_CLOEXEC));
	io_prep_poll(&cb[0], fds[0], POLLIN);
	io_prep_pread(&cb[1], fds[0], in, sizeof(in), 0);
	n = submit(ctx, 2, list);
	rc = n > 0 ? io_cancel(ctx, &cb[0], ev) : -EAGAIN;
	if (n > 0 && rc == -EINPROGRESS)
		reap(ctx, cb, 1, ev);
	else
		wrong_if(n > 0 && rc != -EINVAL && !may_refuse(rc), "io_cancel: %d", rc);
	close(fds[1]);
	close(fds[0]);
}

static void counted(io_context_t ctx)
{
	const double begin = now();
	struct iocb cb[4], *list[4];
	struct io_event ev[4];
	int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), fd = file_open("counted", O_DIRECT);
	char *data = memory(4 * BLOCK);
	uint64_t sum = 0, got;
	unsigned n;

	need(efd >= 0);
	for (unsigned i = 0; i < 4; i++) {
		fill(data + i * BLOCK, BLOCK, i);
		io_prep_pwrite(&cb[i], fd, data + i * BLOCK, BLOCK, (long long)i * BLOCK);
		io_set_eventfd(&cb[i], efd);
		list[i] = &cb[i];
	}
	n = submit(ctx, 4, list);
	while (sum < n && now() - begin < PATIENCE_SECONDS) {
		struct pollfd p = { .fd = efd, .events = POLLIN };

		if (poll(&p, 1, 200) > 0 && read(efd, &got, sizeof(got)) == sizeof(got))
			sum += got;
	}
	wrong_if(sum != n, "the eventfd has counted %u of %u", (unsigned)sum, n);
	reap(ctx, cb, n, ev);
	for (unsigned i = 0; i < n && !wrong; i++)
		check_written(fd, "counted", &ev[i], (long long)i * BLOCK, BLOCK, i);
	close(fd);
	close(efd);
}

/* A signal ends the wait. */
static void interrupted(io_context_t ctx)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval soon = { .it_value.tv_usec = 20000, .it_interval.tv_usec = 20000 }, never = { 0 };
	struct timespec limit = { PATIENCE_SECONDS, 0 };
	struct io_event ev;
	int rc;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	rc = io_getevents(ctx, 1, 1, &ev, &limit);
	setitimer(ITIMER_REAL, &never, NULL);
	wrong_if(rc != -EINTR && !may_refuse(rc), "an interrupted io_getevents gave %d", rc);
}

/* SIGPIPE and SIGXFSZ are raised behind io_submit. */
static void signals(io_context_t ctx)
{
	struct rlimit old, limit;
	struct iocb cb, *list = &cb;
	struct io_event ev = { 0 };
	static char data[BLOCK];
	int fds[2], fd = file_open("limited", 0);

	signal(SIGPIPE, nothing);
	signal(SIGXFSZ, nothing);
	need(!pipe2(fds, O_CLOEXEC));
	close(fds[0]);
	io_prep_pwrite(&cb, fds[1], data, sizeof(data), 0);
	if (submit(ctx, 1, &list) == 1) {
		reap(ctx, &cb, 1, &ev);
		wrong_if((long)ev.res != -EPIPE && !is_plausible((long)ev.res),
			 "a pipe without reader gave %ld", (long)ev.res);
	}
	close(fds[1]);
	need(getrlimit(RLIMIT_FSIZE, &old) == 0);
	limit = old;
	limit.rlim_cur = BLOCK;
	need(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	io_prep_pwrite(&cb, fd, data, sizeof(data), BLOCK);
	if (submit(ctx, 1, &list) == 1) {
		reap(ctx, &cb, 1, &ev);
		wrong_if((long)ev.res != -EFBIG && !is_plausible((long)ev.res),
			 "a write beyond the limit gave %ld", (long)ev.res);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	close(fd);
}

static void step_peers(void)
{
	void (*const parts[])(io_context_t) = { pipes, cancelled, counted, interrupted, signals };
	io_context_t ctx;

	for (unsigned i = 0; i < ARRAY_SIZE(parts) && !wrong; i++) {
		if (setup(DEPTH, &ctx))
			return;
		if (i == 2)
			move_ring(&ctx);
		parts[i](ctx);
		destroy(ctx);
	}
}

/* --- lives ------------------------------------------------------------------------------------ */

static void write_and_tell(const char *name, uint32_t first)
{
	struct iocb cb[8], *list[8];
	char *data = memory(8 * BLOCK);
	int fd = file_open(name, O_DIRECT);
	io_context_t ctx;
	unsigned n;

	if (setup(DEPTH, &ctx))
		return;
	for (unsigned i = 0; i < 8; i++) {
		fill(data + i * BLOCK, BLOCK, first + i);
		io_prep_pwrite(&cb[i], fd, data + i * BLOCK, BLOCK, (long long)(first + i) * BLOCK);
		list[i] = &cb[i];
	}
	n = submit(ctx, 8, list);
	for (unsigned i = 0; i < n; i++)
		told->block[first + i].state = TOLD_ACCEPTED;
}

static void *thread_main(void *arg)
{
	write_and_tell("lives", (uint32_t)(uintptr_t)arg);
	return NULL;
}

enum death { BY_EXIT, BY_EXEC, BY_FAILED_EXEC, BY_KILL, BY_THREADS, BY_CHILD, DEATHS };

static void die_by(enum death death, uint32_t first)
{
	pthread_t thread;

	write_and_tell("lives", first);
	switch (death) {
	case BY_EXIT:
		break;
	case BY_FAILED_EXEC:
		execl("/nowhere", "nowhere", (char *)NULL);
		write_and_tell("lives", first + 8);
		break;
	case BY_EXEC:
		execl("/proc/self/exe", "victim_accepted", "nothing", directory, (char *)NULL);
		break;
	case BY_KILL:
		kill(getpid(), SIGKILL);
		break;
	case BY_THREADS:
		if (!pthread_create(&thread, NULL, thread_main, (void *)(uintptr_t)(first + 8)))
			pthread_exit(NULL);
		break;
	case BY_CHILD:
		if (vfork() == 0) {
			execl("/proc/self/exe", "victim_accepted", "nothing", directory, (char *)NULL);
			_exit(99);
		}
		break;
	case DEATHS:
		break;
	}
	_exit(0);
}

static void step_life(void)
{
	for (unsigned death = 0; death < DEATHS; death++) {
		pid_t pid = fork();

		need(pid >= 0);
		if (!pid)
			die_by(death, death * 16);
		need(waitpid(pid, NULL, 0) == pid);
	}
}

static int judge(int any)
{
	char *block = memory(BLOCK);
	int fd = file_open("lives", 0);

	for (uint32_t i = 0; i < TOLD_MAX; i++) {
		if (told->block[i].state != TOLD_ACCEPTED || any)
			continue;
		wrong_if(pread(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK || !holds(block, BLOCK, 0, i),
			 "block %u was accepted, and is not in the file", i);
	}
	return wrong;
}

int main(int argc, char **argv)
{
	need(argc >= 3);
	directory = argv[2];
	if (!strcmp(argv[1], "nothing"))
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	told_map();
	if (!strcmp(argv[1], "judge"))
		return judge(argc > 3 && argv[3][0] == '1');
	close(file_open("started", 0));
	if (!strcmp(argv[1], "io"))
		step_io();
	else if (!strcmp(argv[1], "short"))
		step_short();
	else if (!strcmp(argv[1], "large"))
		step_large();
	else if (!strcmp(argv[1], "peers"))
		step_peers();
	else if (!strcmp(argv[1], "life"))
		step_life();
	return wrong ? 3 : 0;
}
