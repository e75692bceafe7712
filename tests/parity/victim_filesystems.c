/* SPDX-License-Identifier: MIT */
/*
 * Sections 8.3 to 8.5 on every file system that mounts.sh could make, and on a block device:
 * VICTIM_PLACES is "ext4=/directory ... block=/dev/loopN"; what is not in it is not seen.
 */
#include "victim.h"
#include "rwf.h"

#define SIZE 65536

enum { PREAD = IOCB_CMD_PREAD, PWRITE = IOCB_CMD_PWRITE };

static const char *const places[] = { "ext4", "xfs", "btrfs", "tmpfs", "overlay", "block" };

static aio_context_t ctx;
static char *buf;
static const char *place;
static int buffered = -1, direct = -1;

/* An observation of this place: RULE/ext4-name */
__attribute__((format(printf, 3, 4)))
static void seen(const char *rule, const char *name, const char *format, ...)
{
	char tag[96], value[256];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	snprintf(tag, sizeof(tag), "%s/%s%s%s", rule, place, *name ? "-" : "", name);
	obs(tag, "%s", buffered < 0 ? "unseen (not to be had here)" : value);
}

static const char *rw(int op, int fd, unsigned at, unsigned len, long long offset, unsigned flags)
{
	struct iocb cb;

	if (fd < 0)
		return "";
	prep(&cb, op, fd, buf + at, len, offset);
	cb.aio_rw_flags = flags;
	return outcome(ctx, &cb);
}

static const char *plain(int op, int fd, unsigned events)
{
	struct iocb cb;

	if (fd < 0)
		return "";
	if (op == IOCB_CMD_POLL)
		return outcome(ctx, prep_poll(&cb, fd, events));
	return outcome(ctx, prep(&cb, op, fd, NULL, 0, 0));
}

/* Its pages are not in the cache any more. */
static void uncached(void)
{
	if (buffered >= 0)
		drop_cache(buffered);
}

static void cached(void)
{
	if (buffered >= 0)
		need(pread(buffered, buf, SIZE, 0) == SIZE);
}

static void dirty(void)
{
	if (buffered >= 0)
		need(pwrite(buffered, buf, 4096, 0) == 4096);
}

static void kinds(void)
{
	const char *rule = strcmp(place, "block") ? "8.3.regular" : "8.3.block";

	seen(rule, "rw", "%s %s %s %s", rw(PREAD, buffered, 0, 8, 0, 0),
	     rw(PWRITE, buffered, 0, 8, 0, 0), rw(PREAD, direct, 0, 4096, 0, 0),
	     rw(PWRITE, direct, 0, 4096, 0, 0));
	seen(rule, "sync", "%s %s", plain(IOCB_CMD_FSYNC, buffered, 0),
	     plain(IOCB_CMD_FDSYNC, direct, 0));
	seen(rule, "poll", "%s %s %s", plain(IOCB_CMD_POLL, buffered, 0xffff),
	     plain(IOCB_CMD_POLL, buffered, POLLIN), plain(IOCB_CMD_POLL, buffered, POLLPRI));
}

static void alignment(void)
{
	struct iocb cb;
	const char *null;

	seen("8.4.misaligned", "length-100", "%s %s", rw(PREAD, direct, 0, 100, 0, 0),
	     rw(PWRITE, direct, 0, 100, 0, 0));
	seen("8.4.misaligned", "buffer-1", "%s %s", rw(PREAD, direct, 1, 4096, 0, 0),
	     rw(PWRITE, direct, 1, 4096, 0, 0));
	seen("8.4.misaligned", "buffer-4", "%s %s", rw(PREAD, direct, 4, 4096, 0, 0),
	     rw(PWRITE, direct, 4, 4096, 0, 0));
	seen("8.4.misaligned", "offset-1", "%s %s", rw(PREAD, direct, 0, 4096, 1, 0),
	     rw(PWRITE, direct, 0, 4096, 1, 0));
	seen("8.4.sector", "buffer-512", "%s %s", rw(PREAD, direct, 512, 512, 0, 0),
	     rw(PWRITE, direct, 512, 512, 0, 0));
	seen("8.4.sector", "offset-512", "%s %s", rw(PREAD, direct, 0, 512, 512, 0),
	     rw(PWRITE, direct, 0, 512, 512, 0));
	if (strcmp(place, "block")) {
		seen("8.4.at-eof", "misaligned", "%s %s", rw(PREAD, direct, 1, 100, SIZE, 0),
		     rw(PREAD, direct, 1, 100, SIZE + 1, 0));
		seen("8.4.across-eof", "", "%s", rw(PREAD, direct, 0, 8192, SIZE - 4096, 0));
	}
	prep(&cb, PREAD, direct, NULL, 4096, 0);
	null = direct < 0 ? "" : outcome(ctx, &cb);
	prep(&cb, PWRITE, direct, NULL, 4096, 0);
	seen("8.4.null", "", "%s %s", null, direct < 0 ? "" : outcome(ctx, &cb));
}

/* xfs says EAGAIN when the time stamps have to be changed too: not just after another write. */
static const char *write_nowait(int fd)
{
	const char *last = "";

	for (int i = 0; fd >= 0 && i < 100; i++) {
		rw(PWRITE, fd, 0, 4096, 0, 0);
		last = rw(PWRITE, fd, 0, 4096, 0, RWF_NOWAIT);
		if (strcmp(last, "ev:EAGAIN"))
			break;
	}
	return last;
}

static void nowait(void)
{
	cached();
	seen("8.5.nowait-read", "cached", "%s", rw(PREAD, buffered, 0, 4096, 0, RWF_NOWAIT));
	seen("8.5.nowait-write", "", "%s", write_nowait(buffered));
	seen("8.5.nowait-write", "of-nothing", "%s", rw(PWRITE, buffered, 0, 0, 0, RWF_NOWAIT));
	need(!fcntl(buffered, F_SETFL, O_APPEND));
	seen("8.5.nowait-write", "of-nothing-append", "%s", rw(PWRITE, buffered, 0, 0, 0, RWF_NOWAIT));
	need(!fcntl(buffered, F_SETFL, 0));
	uncached();
	seen("8.5.nowait-read", "uncached", "%s", rw(PREAD, buffered, 0, 4096, 8192, RWF_NOWAIT));
	uncached();
	seen("8.5.nowait-read", "direct", "%s", rw(PREAD, direct, 0, 4096, 0, RWF_NOWAIT));
	seen("8.5.nowait-write-direct", "", "%s", write_nowait(direct));
	dirty();
	seen("8.5.nowait-dirty", "", "%s", rw(PREAD, direct, 0, 4096, 0, RWF_NOWAIT));
}

static void flags(void)
{
	static const struct { const char *rule, *name; unsigned flag; } rows[] = {
		{ "8.5.everywhere", "hipri", RWF_HIPRI }, { "8.5.everywhere", "dsync", RWF_DSYNC },
		{ "8.5.everywhere", "sync", RWF_SYNC },
		{ "8.5.everywhere", "noappend", RWF_NOAPPEND },
		{ "8.5.everywhere", "nosignal", RWF_NOSIGNAL },
		{ "8.5.dontcache", "", RWF_DONTCACHE }, { "8.5.unknown", "0x200", 0x200 },
		{ "8.5.unknown", "1-31", 1u << 31 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		seen(rows[i].rule, rows[i].name, "%s %s direct %s %s",
		     rw(PREAD, buffered, 0, 4096, 0, rows[i].flag),
		     rw(PWRITE, buffered, 0, 4096, 0, rows[i].flag),
		     rw(PREAD, direct, 0, 4096, 0, rows[i].flag),
		     rw(PWRITE, direct, 0, 4096, 0, rows[i].flag));
	seen("8.5.atomic-read", "", "%s direct %s", rw(PREAD, buffered, 0, 4096, 0, RWF_ATOMIC),
	     rw(PREAD, direct, 0, 4096, 0, RWF_ATOMIC));
	seen("8.5.atomic-write", "", "%s direct %s", rw(PWRITE, buffered, 0, 4096, 0, RWF_ATOMIC),
	     rw(PWRITE, direct, 0, 4096, 0, RWF_ATOMIC));
	if (strcmp(place, "block"))
		seen("8.5.everywhere", "append", "%s %s", rw(PREAD, buffered, 0, 8, 0, RWF_APPEND),
		     rw(PWRITE, buffered, 0, 8, 0, RWF_APPEND));
	else
		seen("8.5.everywhere", "append", "%s %s", rw(PREAD, buffered, 0, 8, 0, RWF_APPEND),
		     rw(PWRITE, buffered, 0, 512, 0, RWF_APPEND));
}

/* A buffer of which only the first half is there, as one piece and as two. */
static void half_buffers(void)
{
	char *half = pages(1);
	struct iovec iov[] = { { buf, PAGE }, { half + PAGE, PAGE } };
	const char *got[8];
	struct iocb cb;

	for (int i = 0; i < 8; i++) {
		int op = i & 1 ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD, fd = i & 2 ? direct : buffered;

		if (i & 4)
			prep(&cb, op + IOCB_CMD_PREADV, fd, iov, 2, 0);
		else
			prep(&cb, op, fd, half, 2 * PAGE, 0);
		got[i] = fd < 0 ? "" : outcome(ctx, &cb);
	}
	munmap(half, 2 * PAGE);
	seen("8.fault", "half", "%s %s direct %s %s", got[0], got[1], got[2], got[3]);
	seen("8.fault", "half-vector", "%s %s direct %s %s", got[4], got[5], got[6], got[7]);
	half = pages(1);
	need(!mprotect(half, PAGE, PROT_READ));
	prep(&cb, IOCB_CMD_PREAD, direct, half, PAGE, 0);
	seen("8.fault", "direct-read-only", "%s", direct < 0 ? "" : outcome(ctx, &cb));
}

/* The end of a file and of its file system. */
static void ends(void)
{
	seen("8.far", "write", "%s", rw(PWRITE, buffered, 0, 8, 1ll << 50, 0));
	seen("8.far", "read", "%s", rw(PREAD, buffered, 0, 8, 1ll << 50, 0));
	seen("8.eof-null", "", "%s", rw(PREAD, buffered, 0, 8, 1ll << 40, 0));
}

static void directory(const char *path)
{
	int dir = path && strcmp(place, "block") ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (!strcmp(place, "block"))
		return;
	seen("8.3.directory", "", "%s %s %s %s %s", rw(PREAD, dir, 0, 8, 0, 0),
	     rw(PWRITE, dir, 0, 8, 0, 0), plain(IOCB_CMD_FSYNC, dir, 0),
	     plain(IOCB_CMD_POLL, dir, POLLIN | POLLOUT), rw(PREAD, dir, 0, 8, 0, RWF_NOWAIT));
	if (dir >= 0)
		close(dir);
}

static void open_place(const char *path)
{
	char name[128];

	snprintf(name, sizeof(name), strcmp(place, "block") ? "%s/victim" : "%s", path);
	if (strcmp(place, "block"))
		unlink(name);
	buffered = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	direct = open(name, O_RDWR | O_DIRECT | O_CLOEXEC);
	need(buffered >= 0 && direct >= 0);
	memset(buf, 'i', SIZE);
	need(pwrite(buffered, buf, SIZE, 0) == SIZE && !fsync(buffered));
}

static void close_place(void)
{
	close(buffered);
	close(direct);
	buffered = direct = -1;
}

static char *path_of(const char *name)
{
	const char *list = getenv("VICTIM_PLACES");
	char text[512], *word;

	snprintf(text, sizeof(text), "%s", list ? list : "");
	for (word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		size_t n = strlen(name);

		if (!strncmp(word, name, n) && word[n] == '=')
			return strdup(word + n + 1);
	}
	return NULL;
}

int main(void)
{
	victim_start();
	signal(SIGXFSZ, SIG_IGN);
	ctx = aio_context(8);
	buf = mmap(NULL, SIZE + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(buf != MAP_FAILED);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		char *path;

		place = places[i];
		path = path_of(place);
		if (path)
			open_place(path);
		kinds();
		alignment();
		nowait();
		flags();
		half_buffers();
		ends();
		directory(path);
		close_place();
		free(path);
	}
	return victim_end();
}
