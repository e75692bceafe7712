/* SPDX-License-Identifier: MIT */
/*
 * victim_inject FILE COMMAND...: AIO by the word, for inject_*.sh. It prints what it sees: results, and memory
 * and file as runs of equal bytes ("a512 .512").
 *
 *	direct, buffered, append	how FILE is open from here on
 *	counted				further requests count in an eventfd
 *	wOFF,LEN,C  rOFF,LEN  s  d	prepares a write of so many C, a read, fsync, fdsync; numbered from 1
 *	vOFF,LEN,C  xOFF,LEN		the same by vectors of 512 bytes
 *	qC  pLEN			a write of one C to a pipe, a read of it
 *	submit  submit-each		io_submit of all prepared ones, in one list or one by one
 *	getMIN,NR[,MS]			io_getevents; events are "number=result"
 *	peek				what is in the ring, by its reader in user space
 *	mN				memory of request N, and 64 bytes behind it
 *	bN,C				how many bits of its memory are not as in C
 *	file  bits,C			FILE; bits of it that are not as in C
 *	efd  efd-wait			reads the eventfd: now, when it counts something
 *	cancelN  destroy  setup		io_cancel, io_destroy, another io_setup
 *	time  aboveMS  belowMS		sets a clock to 0; is it so late?
 *	say				flushes what it has printed (for a look from outside)
 *	exit  kill			the latter by SIGKILL
 */
#include "parity/victim_env.h"

#include <libaio.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>

enum { REQUESTS = 64, BEHIND = 64, ROOM = 2 << 20, PART = 512 };

struct ring {
	unsigned id, nr, head, tail, magic, compat, incompat, header_length;
	struct io_event events[];
};

static const char *path;
static int fd = -1, event_fd = -1, pipe_fds[2];
static io_context_t ctx;
static struct iocb cb[REQUESTS + 1], *list[REQUESTS];
static struct iovec *vectors[REQUESTS + 1];
static char *memory[REQUESTS + 1];
static unsigned long length[REQUESTS + 1];
static unsigned made, prepared;
static struct timespec began;

static const char *result_text(long res)
{
	static char text[32];

	if (res < 0 && res > -4096 && strerrorname_np((int)-res))
		snprintf(text, sizeof(text), "-%s", strerrorname_np((int)-res));
	else
		snprintf(text, sizeof(text), "%ld", res);
	return text;
}

static void runs(const char *what, const char *bytes, size_t count)
{
	printf("%s:", what);
	for (size_t i = 0, n; i < count; i += n) {
		for (n = 1; i + n < count && bytes[i + n] == bytes[i]; n++)
			;
		if (bytes[i] > ' ' && bytes[i] <= '~')
			printf(" %c%zu", bytes[i], n);
		else
			printf(" \\%02x%zu", (unsigned char)bytes[i], n);
	}
	printf("\n");
}

static unsigned bits(const char *bytes, size_t count, char as)
{
	unsigned n = 0;

	for (size_t i = 0; i < count; i++)
		n += (unsigned)__builtin_popcount((unsigned char)(bytes[i] ^ as));
	return n;
}

static char *file_bytes(size_t *count)
{
	static char *all;
	int f = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (!all)
		all = malloc(ROOM);
	need(f >= 0 && all);
	n = read(f, all, ROOM);
	need(n >= 0);
	close(f);
	*count = (size_t)n;
	return all;
}

static void reopen(int flags)
{
	if (fd >= 0)
		close(fd);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0644);
	need(fd >= 0);
}

static struct iocb *prepare(unsigned long bytes, char fill)
{
	const unsigned i = ++made;

	need(i <= REQUESTS && bytes + BEHIND <= ROOM);
	length[i] = bytes;
	need(!posix_memalign((void **)&memory[i], 4096, bytes + BEHIND));
	memset(memory[i], fill, bytes);
	memset(memory[i] + bytes, '.', BEHIND);
	list[prepared++] = &cb[i];
	return &cb[i];
}

static unsigned vector_of(unsigned i)
{
	const unsigned parts = (unsigned)((length[i] + PART - 1) / PART);

	vectors[i] = calloc(parts, sizeof(*vectors[i]));
	need(vectors[i]);
	for (unsigned p = 0; p < parts; p++) {
		const size_t left = length[i] - p * PART;

		vectors[i][p] = (struct iovec){ memory[i] + p * PART, left < PART ? left : PART };
	}
	return parts;
}

static void finish_prepare(struct iocb *c)
{
	c->data = (void *)(c - cb);
	if (event_fd >= 0)
		io_set_eventfd(c, event_fd);
}

static void transfer(char op, const char *arguments)
{
	unsigned long long offset = 0;
	unsigned long bytes = 0;
	const bool write = op == 'w' || op == 'v';
	char fill = '.';
	struct iocb *c;

	need(sscanf(arguments, "%llu,%lu,%c", &offset, &bytes, &fill) == (write ? 3 : 2));
	c = prepare(bytes, fill);
	switch (op) {
	case 'w':
		io_prep_pwrite(c, fd, memory[made], bytes, (long long)offset);
		break;
	case 'r':
		io_prep_pread(c, fd, memory[made], bytes, (long long)offset);
		break;
	case 'v':
		io_prep_pwritev(c, fd, NULL, (int)vector_of(made), (long long)offset);
		c->u.c.buf = vectors[made];
		break;
	default:
		io_prep_preadv(c, fd, NULL, (int)vector_of(made), (long long)offset);
		c->u.c.buf = vectors[made];
	}
	finish_prepare(c);
}

static void through_pipe(char op, const char *argument)
{
	const unsigned long bytes = op == 'q' ? 1 : strtoul(argument, NULL, 10);
	struct iocb *c = prepare(bytes, op == 'q' ? *argument : '.');

	if (op == 'q')
		io_prep_pwrite(c, pipe_fds[1], memory[made], bytes, 0);
	else
		io_prep_pread(c, pipe_fds[0], memory[made], bytes, 0);
	finish_prepare(c);
}

static void sync_file(char op)
{
	struct iocb *c = prepare(0, '.');

	if (op == 's')
		io_prep_fsync(c, fd);
	else
		io_prep_fdsync(c, fd);
	finish_prepare(c);
}

static void poll_pipe(void)
{
	struct iocb *c = prepare(0, '.');

	io_prep_poll(c, pipe_fds[0], POLLIN);
	finish_prepare(c);
}

static void submit(bool each)
{
	const unsigned step = each ? 1 : prepared;

	for (unsigned i = 0; i < prepared; i += step)
		printf("submit %s\n", result_text(io_submit(ctx, step, list + i)));
	prepared = 0;
}

static void get(const char *arguments)
{
	struct io_event events[REQUESTS];
	struct timespec timeout = { 0, 0 };
	long min, nr, msec = -1;
	int n;

	need(sscanf(arguments, "%ld,%ld,%ld", &min, &nr, &msec) >= 2);
	timeout.tv_sec = msec / 1000;
	timeout.tv_nsec = msec % 1000 * 1000000;
	n = io_getevents(ctx, min, nr, events, msec < 0 ? NULL : &timeout);
	printf("get %s:", result_text(n));
	for (int i = 0; i < n; i++)
		printf(" %lu=%s", (unsigned long)events[i].data, result_text((long)events[i].res));
	printf("\n");
}

static void peek(void)
{
	const struct ring *ring = (const struct ring *)ctx;
	const unsigned tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);

	printf("ring:");
	for (unsigned i = ring->head; i != tail; i = (i + 1) % ring->nr)
		printf(" %lu=%s", (unsigned long)ring->events[i].data,
		       result_text((long)ring->events[i].res));
	printf("\n");
}

static void read_eventfd(bool wait)
{
	struct pollfd p = { .fd = event_fd, .events = POLLIN };
	uint64_t n = 0;

	need(!wait || poll(&p, 1, -1) == 1);
	if (read(event_fd, &n, sizeof(n)) != sizeof(n))
		n = 0;
	printf("efd %llu\n", (unsigned long long)n);
}

static long elapsed_msec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000;
}

static void clock_word(const char *word)
{
	if (!strcmp(word, "time"))
		clock_gettime(CLOCK_MONOTONIC, &began);
	else if (!strncmp(word, "above", 5))
		printf("%s\n", elapsed_msec() >= atol(word + 5) ? word : "too early");
	else
		printf("%s\n", elapsed_msec() < atol(word + 5) ? word : "too late");
}

static void look(const char *word)
{
	char name[16], *bytes;
	size_t count;
	const unsigned i = (unsigned)atoi(word + 1);

	if (!strcmp(word, "file")) {
		bytes = file_bytes(&count);
		runs("file", bytes, count);
	} else if (!strncmp(word, "bits,", 5)) {
		bytes = file_bytes(&count);
		printf("bits %u\n", bits(bytes, count, word[5]));
	} else if (*word == 'b') {
		printf("bits%u %u\n", i, bits(memory[i], length[i], strchr(word, ',')[1]));
	} else {
		snprintf(name, sizeof(name), "m%u", i);
		runs(name, memory[i], length[i] + BEHIND);
	}
}

static bool control(const char *word)
{
	struct io_event ev;

	if (!strcmp(word, "setup")) {
		ctx = NULL;
		printf("setup %s\n", result_text(io_setup(REQUESTS, &ctx)));
	} else if (!strcmp(word, "destroy")) {
		printf("destroy %s\n", result_text(io_destroy(ctx)));
	} else if (!strncmp(word, "cancel", 6)) {
		printf("cancel %s\n", result_text(io_cancel(ctx, &cb[atoi(word + 6)], &ev)));
	} else if (!strcmp(word, "counted")) {
		event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		need(event_fd >= 0);
	} else if (!strncmp(word, "efd", 3)) {
		read_eventfd(word[3]);
	} else if (!strcmp(word, "direct")) {
		reopen(O_DIRECT);
	} else if (!strcmp(word, "buffered")) {
		reopen(0);
	} else if (!strcmp(word, "append")) {
		reopen(O_APPEND);
	} else {
		return false;
	}
	return true;
}

static void obey(const char *word)
{

	if (control(word))
		return;
	if (!strncmp(word, "submit", 6))
		submit(word[6]);
	else if (!strncmp(word, "get", 3))
		get(word + 3);
	else if (!strcmp(word, "peek"))
		peek();
	else if (!strcmp(word, "poll"))
		poll_pipe();
	else if (!strcmp(word, "exit"))
		exit(0);
	else if (!strcmp(word, "kill"))
		kill(getpid(), SIGKILL);
	else if (!strcmp(word, "say"))
		fflush(stdout);
	else if (!strcmp(word, "time") || !strncmp(word, "above", 5) || !strncmp(word, "below", 5))
		clock_word(word);
	else if (!strcmp(word, "s") || !strcmp(word, "d"))
		sync_file(*word);
	else if (strchr("wrvx", *word))
		transfer(*word, word + 1);
	else if (strchr("qp", *word))
		through_pipe(*word, word + 1);
	else
		look(word);
}

int main(int argc, char **argv)
{
	need(argc > 2 && !pipe(pipe_fds));
	path = argv[1];
	reopen(0);
	(void)io_setup(REQUESTS, &ctx);
	for (int i = 2; i < argc; i++)
		obey(argv[i]);
}
