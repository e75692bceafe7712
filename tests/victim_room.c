/* SPDX-License-Identifier: MIT */
/*
 * victim_room SCENE FILE: where room is short. Prints what is not as it should be; nothing when all is well.
 *
 *	large		requests larger than the supervisor's buffers, all kinds, many at once
 *	flood		many descriptors and requests in flight
 *	files		io_setup with no descriptor free
 *	full		the same at the hard limit: prints what it says; works when one is free
 *	space		io_setup with no address space free
 *	max-nr		--max-nr=100 is used up
 */
#include "parity/victim_env.h"
#include "expect.h"

#include <dirent.h>
#include <libaio.h>
#include <sys/resource.h>

#define MIB (1u << 20)
#define LARGE (4 * MIB)
#define SMALL (256u * 1024)
#define MANY 24u		/* requests at once; every third is large */
#define REGION (uint64_t)LARGE
#define SEGMENTS 7u

static const char *file;
static io_context_t setup(int depth)
{
	io_context_t ctx = NULL;
	int ret = io_setup(depth, &ctx);

	errno = -ret;
	need(ret == 0);
	return ctx;
}

/* --- large ------------------------------------------------------------------------------------ */

static char *memory(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	return p;
}

/* Each word tells its place in the file and the turn. */
static void fill(char *p, uint64_t at, size_t bytes, unsigned turn)
{
	for (size_t i = 0; i < bytes; i += sizeof(uint64_t))
		*(uint64_t *)(p + i) = (at + i) * 31 + turn;
}

static int holds(const char *p, uint64_t at, size_t bytes, unsigned turn)
{
	for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
		if (*(const uint64_t *)(p + i) != (at + i) * 31 + turn)
			return 0;
	}
	return 1;
}

static size_t size_of_request(unsigned i)
{
	return i % 3 ? SMALL : LARGE;
}

/* Segments of different lengths, in blocks of 4 KiB; a scalar is one. */
static unsigned cut(struct iovec *iov, char *p, size_t bytes, int vector)
{
	unsigned n = 0;

	for (; vector && n < SEGMENTS - 1; n++) {
		iov[n] = (struct iovec){ p, bytes / SEGMENTS / PAGE * PAGE + (n & 1) * PAGE };
		p += iov[n].iov_len;
		bytes -= iov[n].iov_len;
	}
	iov[n] = (struct iovec){ p, bytes };
	return n + 1;
}

static void all_at_once(int fd, char *data, int write, int vector)
{
	static struct iovec iov[MANY][SEGMENTS];
	static struct iocb cb[MANY];
	struct io_event ev[MANY];
	io_context_t ctx = setup(MANY);

	for (unsigned i = 0; i < MANY; i++) {
		unsigned n = cut(iov[i], data + i * REGION, size_of_request(i), vector);
		struct iocb *list = &cb[i];

		if (write)
			io_prep_pwritev(&cb[i], fd, iov[i], (int)n, (long long)(i * REGION));
		else
			io_prep_preadv(&cb[i], fd, iov[i], (int)n, (long long)(i * REGION));
		if (!vector) {
			cb[i].aio_lio_opcode = write ? IO_CMD_PWRITE : IO_CMD_PREAD;
			cb[i].u.c.buf = iov[i][0].iov_base;
			cb[i].u.c.nbytes = iov[i][0].iov_len;
		}
		need(io_submit(ctx, 1, &list) == 1);
	}
	need(io_getevents(ctx, MANY, MANY, ev, NULL) == MANY);
	for (unsigned i = 0; i < MANY; i++)
		expect(ev[i].res == size_of_request((unsigned)(ev[i].obj - cb)));
	io_destroy(ctx);
}

static void one_kind(int flags, int vector, unsigned turn)
{
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
	char *data = memory(MANY * REGION);

	need(fd >= 0);
	for (unsigned i = 0; i < MANY; i++)
		fill(data + i * REGION, i * REGION, size_of_request(i), turn);
	all_at_once(fd, data, 1, vector);
	memset(data, 0, MANY * REGION);
	all_at_once(fd, data, 0, vector);
	for (unsigned i = 0; i < MANY; i++)
		expect(holds(data + i * REGION, i * REGION, size_of_request(i), turn));
	munmap(data, MANY * REGION);
	close(fd);
}

/* The end of the file within a later piece; a buffer that ends there. */
static void cut_short(int flags)
{
	const size_t rest = LARGE - 3 * PAGE, hole = 2 * MIB;
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
	char *data = memory(LARGE + PAGE);
	struct iocb cb, *list = &cb;
	io_context_t ctx = setup(1);
	struct io_event ev;

	need(fd >= 0 && !ftruncate(fd, rest));
	io_prep_pread(&cb, fd, data, LARGE, 0);
	need(io_submit(ctx, 1, &list) == 1 && io_getevents(ctx, 1, 1, &ev, NULL) == 1);
	expect(ev.res == rest);
	need(!munmap(data + hole, PAGE));
	io_prep_pread(&cb, fd, data, LARGE, 0);
	need(io_submit(ctx, 1, &list) == 1 && io_getevents(ctx, 1, 1, &ev, NULL) == 1);
	expect(ev.res == hole || (flags && (long)ev.res == -EFAULT));
	io_destroy(ctx);
	close(fd);
}

static void large(void)
{
	for (int vector = 0; vector < 2; vector++) {
		one_kind(O_DIRECT, vector, 1 + (unsigned)vector);
		one_kind(0, vector, 3 + (unsigned)vector);
	}
	cut_short(0);
	cut_short(O_DIRECT);
}

/* --- flood ------------------------------------------------------------------------------------ */

#define FILES 24u
#define ROUNDS 40u
#define DEPTH 256u

static unsigned open_files(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	need(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

/* Reads that wait until the end of the scene, each by a descriptor of the supervisor, which is our parent. */
static unsigned crowd(io_context_t ctx, int fd, unsigned leave)
{
	static char byte;
	struct rlimit lim;
	unsigned n = 0;

	need(!prlimit(getppid(), RLIMIT_NOFILE, NULL, &lim));
	while (lim.rlim_cur < 1000 && n < DEPTH && open_files(getppid()) + leave < lim.rlim_cur) {
		struct iocb *cb = calloc(1, sizeof(*cb));

		need(cb);
		io_prep_pread(cb, fd, &byte, 1, 0);
		need(io_submit(ctx, 1, &cb) == 1);
		n++;
	}
	return n;
}

/* Others may be refused, but go on. */
static void others(void)
{
	io_context_t own = NULL;
	pid_t pid = victim_fork();
	int ret;

	if (!pid) {
		ret = io_setup(1, &own);
		_exit(ret != 0 && ret != -EAGAIN && ret != -ENOMEM);
	}
	expect(wait_child(pid) == 0);
	pid = victim_fork();
	if (!pid) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(99);
	}
	expect(wait_child(pid) == 0);
}

static void flood(void)
{
	static struct iocb cb[DEPTH];
	struct io_event ev[DEPTH];
	io_context_t ctx = setup(DEPTH);
	char *block = memory(PAGE);
	io_context_t waiting = setup(DEPTH);
	unsigned in_flight = 0, waits;
	int fds[FILES], pipe_fds[2];

	need(!pipe2(pipe_fds, O_CLOEXEC));
	waits = crowd(waiting, pipe_fds[0], 2);
	memset(block, 'f', PAGE);
	for (unsigned i = 0; i < FILES; i++) {
		fds[i] = open(file, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
		need(fds[i] >= 0);
	}
	for (unsigned round = 0; round < ROUNDS && !failures; round++) {
		for (unsigned i = 0; i < DEPTH / 2; i++) {
			struct iocb *list = &cb[i];
			int ret;

			io_prep_pwrite(list, fds[i % FILES], block, PAGE, (long long)i * PAGE);
			ret = io_submit(ctx, 1, &list);
			expect(ret == 1 || ret == -EAGAIN);
			in_flight += ret == 1;
		}
		expect(in_flight > 0);
		while (in_flight) {
			int n = io_getevents(ctx, 1, DEPTH, ev, NULL);

			need(n > 0);
			for (int i = 0; i < n; i++)
				expect(ev[i].res == PAGE);
			in_flight -= (unsigned)n;
		}
	}
	others();
	for (unsigned i = 0; i < waits; i++)
		need(write(pipe_fds[1], "x", 1) == 1);
	expect(!waits || io_getevents(waiting, waits, DEPTH, ev, NULL) == (int)waits);
	printf("%s", waits ? "crowded" : "");
}

/* --- io_setup --------------------------------------------------------------------------------- */

static void files(void)
{
	int last = -1, fd;
	io_context_t ctx;

	/* at the hard limit io_setup is ENOMEM where nobody may raise it */
	need(!setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 20, 21 }));
	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0)
		last = fd;
	need(errno == EMFILE && last >= 0);
	for (int i = 0; i < 20; i++) {
		struct rlimit now;

		ctx = setup(1);
		expect(io_destroy(ctx) == 0);
		expect(dup(last) == -1 && errno == EMFILE);
		need(!getrlimit(RLIMIT_NOFILE, &now));
		expect(now.rlim_cur == 20 && now.rlim_max == 21);
	}
	close(last);
	expect(dup(0) == last && dup(0) == -1);
}

static void full(void)
{
	io_context_t ctx = NULL;
	int last = -1, fd;

	need(!setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 20, 20 }));
	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0)
		last = fd;
	need(errno == EMFILE && last >= 0);
	printf("%s", strerrorname_np(-io_setup(1, &ctx)));
	if (ctx)
		expect(io_destroy(ctx) == 0);
	close(last);
	expect(io_destroy(setup(1)) == 0);
	expect(dup(0) == last && dup(0) == -1);
}

static void space(void)
{
	io_context_t ctx = NULL;
	struct rlimit old;

	need(!getrlimit(RLIMIT_AS, &old));
	need(!setrlimit(RLIMIT_AS, &(struct rlimit){ PAGE, old.rlim_max }));
	expect(io_setup(1000, &ctx) == -ENOMEM && !ctx);
	need(!setrlimit(RLIMIT_AS, &old));
	expect(io_setup(1000, &ctx) == 0 && io_destroy(ctx) == 0);
}

static void max_nr(void)
{
	io_context_t all = setup(100), more = NULL;

	expect(io_setup(1, &more) == -EAGAIN && !more);
	expect(io_destroy(all) == 0);
	expect(io_setup(101, &more) == -EAGAIN && !more);
	all = setup(60);
	more = setup(40);
	expect(io_destroy(more) == 0 && io_destroy(all) == 0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} scenes[] = {
		{ "large", large },
		{ "flood", flood },
		{ "files", files },
		{ "full", full },
		{ "space", space },
		{ "max-nr", max_nr },
	};

	need(argc == 3);
	alarm(2 * VICTIM_SECONDS);
	file = argv[2];
	for (unsigned i = 0; i < ARRAY_SIZE(scenes); i++) {
		if (strcmp(argv[1], scenes[i].name) == 0)
			scenes[i].run();
	}
	return failures != 0;
}
