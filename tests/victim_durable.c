/* SPDX-License-Identifier: MIT */
/*
 * Writers that die, and a driver that knows what was accepted from them.
 *
 *	victim_durable drive FILE HOW DEATH ROUNDS	in the sandbox: a child for each round
 *	victim_durable whole FILE HOW DEATH ROUNDS COMMAND...
 *							outside: COMMAND runs the writer of each round
 *
 * HOW: direct, buffered, append (O_DIRECT, each write at the end), sync (O_DIRECT|O_DSYNC with fsyncs in
 * between). DEATH: kill (by the driver), segv, exit, exec, pthread (the last thread's pthread_exit), thread
 * (the last thread's exit(2)).
 *
 * A writer tells of each accepted block with a write(2) after its io_submit has returned; what was told must
 * be in the file: at once where death waits (exit, exec), when an execve has gone by where it does not (D6),
 * when COMMAND has ended in any case. Blocks are told apart by their words: round, then number.
 */
#include "parity/victim_env.h"

#include <libaio.h>
#include <pthread.h>
#include <sys/resource.h>

#define BLOCK 4096u
#define BLOCKS_MAX 4096u		/* of one round */
#define DEPTH 64
#define BATCH_MAX 8u

struct told {
	uint32_t round;
	uint32_t first;
	uint32_t count;
};

struct writer {
	const char *file, *how, *death;
	uint32_t round;
	int tell_fd, fd;
	uint32_t next;			/* block */
	unsigned in_flight, spare_count;
	io_context_t ctx;
	struct iocb cb[DEPTH], *spare[DEPTH];
	char *memory;			/* DEPTH blocks */
};

static uint32_t random_below(uint32_t limit)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % limit;
}

static void fill(char *block, uint32_t round, uint32_t number)
{
	uint32_t *word = (uint32_t *)block;

	for (unsigned i = 0; i < BLOCK / sizeof(*word); i += 2) {
		word[i] = round + 1;
		word[i + 1] = number;
	}
}

static int holds(const char *block, uint32_t round, uint32_t number)
{
	char wanted[BLOCK];

	fill(wanted, round, number);
	return memcmp(block, wanted, BLOCK) == 0;
}

static int is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static int file_open(const char *file, const char *how, int flags)
{
	int fd;

	flags |= O_CREAT | O_CLOEXEC;
	flags |= is(how, "buffered") ? 0 : O_DIRECT;
	flags |= is(how, "append") ? O_APPEND : 0;
	flags |= is(how, "sync") ? O_DSYNC : 0;
	fd = open(file, flags, 0600);
	need(fd >= 0);
	return fd;
}

/* --- the writer ------------------------------------------------------------------------------- */

static void writer_start(struct writer *w)
{
	w->fd = file_open(w->file, w->how, O_WRONLY);
	w->memory = mmap(NULL, DEPTH * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(w->memory != MAP_FAILED);
	need(io_setup(DEPTH, &w->ctx) == 0);
	for (unsigned i = 0; i < DEPTH; i++)
		w->spare[w->spare_count++] = &w->cb[i];
}

static void writer_reap(struct writer *w, long least)
{
	struct io_event ev[DEPTH];
	int n = io_getevents(w->ctx, least, DEPTH, ev, NULL);

	need(n >= least);
	for (int i = 0; i < n; i++) {
		need(ev[i].obj->aio_lio_opcode == IO_CMD_FSYNC ? ev[i].res == 0 : ev[i].res == BLOCK);
		w->spare[w->spare_count++] = ev[i].obj;
		w->in_flight--;
	}
}

static uint32_t writer_prepare(struct writer *w, struct iocb *list[], uint32_t count)
{
	uint32_t n = 0;

	for (; n < count && w->next + n < BLOCKS_MAX; n++) {
		struct iocb *cb = w->spare[--w->spare_count];
		char *block = w->memory + (size_t)(cb - w->cb) * BLOCK;

		fill(block, w->round, w->next + n);
		io_prep_pwrite(cb, w->fd, block, BLOCK, (long long)(w->next + n) * BLOCK);
		list[n] = cb;
	}
	return n;
}

/* Accepts some more, and tells; what was prepared but not accepted is prepared again. */
static void writer_step(struct writer *w)
{
	struct iocb *list[BATCH_MAX + 1];
	struct told told = { w->round, w->next, 0 };
	uint32_t writes = 1 + random_below(BATCH_MAX), count;
	int n;

	while (w->spare_count <= BATCH_MAX)
		writer_reap(w, 1 + random_below(w->in_flight));
	writes = count = writer_prepare(w, list, writes);
	if (is(w->how, "sync")) {
		io_prep_fsync(w->spare[--w->spare_count], w->fd);
		list[count++] = w->spare[w->spare_count];
	}
	n = io_submit(w->ctx, (long)count, list);
	need(n > 0 || n == -EAGAIN);
	for (uint32_t i = n > 0 ? (uint32_t)n : 0; i < count; i++)
		w->spare[w->spare_count++] = list[i];
	if (n <= 0)
		return;
	w->in_flight += (unsigned)n;
	told.count = (uint32_t)n < writes ? (uint32_t)n : writes;
	w->next += told.count;
	need(write(w->tell_fd, &told, sizeof(told)) == sizeof(told));
}

static void *last_thread(void *arg)
{
	struct writer *w = arg;

	for (int n = 0; n < 4; n++)
		writer_step(w);
	if (is(w->death, "thread"))
		syscall(SYS_exit, 0);
	return NULL;
}

static void writer_die(struct writer *w)
{
	pthread_t thread;

	if (is(w->death, "segv")) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	} else if (is(w->death, "exit")) {
		syscall(SYS_exit_group, 0);
	} else if (is(w->death, "exec")) {
		execl("/proc/self/exe", "victim_durable", "nothing", (char *)NULL);
	} else {
		need(!pthread_create(&thread, NULL, last_thread, w));
		if (is(w->death, "thread"))
			syscall(SYS_exit, 0);
		pthread_exit(NULL);
	}
	_exit(99);
}

/* A writer that is to be killed goes on until it is. */
static void writer_run(struct writer *w)
{
	uint32_t steps = is(w->death, "kill") ? UINT32_MAX : 1 + random_below(40);

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	writer_start(w);
	for (uint32_t i = 0; i < steps; i++) {
		while (w->next + BATCH_MAX > BLOCKS_MAX)
			pause();		/* the driver's turn */
		writer_step(w);
	}
	writer_die(w);
}

/* --- the driver ------------------------------------------------------------------------------- */

struct driver {
	const char *file, *how, *death;
	char **command;			/* whole: aio-sandbox and its options */
	uint32_t rounds, round, accepted, lost;
	unsigned char told[BLOCKS_MAX];
};

static void driver_judge(struct driver *d)
{
	char *block = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static unsigned char seen[BLOCKS_MAX];
	int fd = open(d->file, O_RDONLY | O_CLOEXEC);
	uint32_t here;

	need(fd >= 0 && block != MAP_FAILED);
	memset(seen, 0, sizeof(seen));
	for (uint32_t at = 0; pread(fd, block, BLOCK, (off_t)at * BLOCK) == BLOCK; at++) {
		here = ((uint32_t *)block)[1];
		if (here < BLOCKS_MAX && holds(block, d->round, here) && (is(d->how, "append") || here == at))
			seen[here]++;
	}
	for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
		d->accepted += d->told[i];
		if (d->told[i] && seen[i] != 1 && !d->lost++)
			printf("round %u: block %u was accepted, and is %u times in the file\n", d->round, i,
			       seen[i]);
	}
	close(fd);
	munmap(block, BLOCK);
}

/* In a process of its own behind an execve: the writes of the dead are done when that returns. */
static void driver_judge_elsewhere(struct driver *d)
{
	char round[16];
	int in[2];
	uint32_t sums[2] = { 0, 0 };
	int out[2];
	pid_t pid;

	need(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC));
	pid = victim_fork();
	if (!pid) {
		snprintf(round, sizeof(round), "%u", d->round);
		dup2(in[0], 0);
		dup2(out[1], 3);
		execl("/proc/self/exe", "victim_durable", "judge", d->file, d->how, round, (char *)NULL);
		_exit(99);
	}
	close(in[0]);
	close(out[1]);
	need(write(in[1], d->told, sizeof(d->told)) == sizeof(d->told));
	need(read(out[0], sums, sizeof(sums)) == sizeof(sums));
	need(wait_child(pid) == 0);
	close(in[1]);
	close(out[0]);
	d->accepted += sums[0];
	d->lost += sums[1];
}

static int judge(char **argv)
{
	static struct driver d;
	size_t got = 0;

	d = (struct driver){ .file = argv[2], .how = argv[3], .round = (uint32_t)atoi(argv[4]) };
	while (got < sizeof(d.told)) {
		ssize_t n = read(0, d.told + got, sizeof(d.told) - got);

		need(n > 0);
		got += (size_t)n;
	}
	driver_judge(&d);
	need(write(3, (uint32_t[]){ d.accepted, d.lost }, 8) == 8);
	return 0;
}

static pid_t driver_start(struct driver *d, int tell_fd)
{
	static struct writer w;
	char round[16], seed[16];
	pid_t pid = victim_fork();

	if (pid)
		return pid;
	for (uint32_t n = d->round % 97; n; n--)
		random_below(2);		/* another life for each */
	w = (struct writer){ .file = d->file, .how = d->how, .death = d->death, .round = d->round,
			     .tell_fd = tell_fd };
	if (!d->command)
		writer_run(&w);
	dup2(tell_fd, 3);
	snprintf(round, sizeof(round), "%u", d->round);
	snprintf(seed, sizeof(seed), "%u", d->round % 97);
	setenv("VICTIM_SEED", seed, 1);
	setenv("VICTIM_ROUND", round, 1);
	execv(d->command[0], d->command);
	_exit(99);
}

/* In the image that COMMAND has started. */
static int written_by_command(char **argv)
{
	static struct writer w;

	for (int n = atoi(getenv("VICTIM_SEED")); n; n--)
		random_below(2);
	w = (struct writer){ .file = argv[2], .how = argv[3], .death = argv[4],
			     .round = (uint32_t)atoi(getenv("VICTIM_ROUND")), .tell_fd = 3 };
	if (is(w.death, "kill")) {	/* nobody outside knows our number: by ourselves, in mid-flight */
		w.death = "kill-self";
		writer_start(&w);
		for (uint32_t i = 0, steps = 1 + random_below(40); i < steps; i++)
			writer_step(&w);
		kill(getpid(), SIGKILL);
	}
	writer_run(&w);
	return 99;
}

static void driver_listen(struct driver *d, int fd, pid_t pid)
{
	uint32_t left = 1 + random_below(60);
	struct told told;

	while (read(fd, &told, sizeof(told)) == sizeof(told)) {
		need(told.round == d->round && told.first + told.count <= BLOCKS_MAX);
		for (uint32_t i = 0; i < told.count; i++)
			d->told[told.first + i] = 1;
		if (is(d->death, "kill") && !d->command && !left--) {
			for (volatile uint32_t spin = random_below(20000); spin; spin--)
				;
			kill(pid, SIGKILL);
		}
	}
}

static int driver_expects(const struct driver *d)
{
	if (is(d->death, "kill"))
		return 128 + SIGKILL;
	return is(d->death, "segv") ? 128 + SIGSEGV : 0;
}

static void driver_round(struct driver *d)
{
	const int in_sandbox = !d->command, killed = is(d->death, "kill") || is(d->death, "segv");
	const int at_exec = in_sandbox && is(d->death, "exec");
	int fds[2], status;
	pid_t pid;

	memset(d->told, 0, sizeof(d->told));
	need(!pipe2(fds, O_CLOEXEC));
	close(file_open(d->file, d->how, O_WRONLY | O_TRUNC));
	pid = driver_start(d, fds[1]);
	close(fds[1]);
	driver_listen(d, fds[0], pid);
	close(fds[0]);
	if (at_exec)
		driver_judge(d);		/* the pipe was closed by the execve, which has waited */
	status = wait_child(pid);
	if (status != driver_expects(d))
		printf("round %u: the writer ended with %d\n", d->round, status);
	if (in_sandbox && killed)
		driver_judge_elsewhere(d);
	else if (!at_exec)
		driver_judge(d);
}

static int drive(char **argv)
{
	static struct driver d;

	d = (struct driver){ .file = argv[2], .how = argv[3], .death = argv[4],
			     .rounds = (uint32_t)atoi(argv[5]), .command = argv[6] ? argv + 6 : NULL };
	for (; d.round < d.rounds; d.round++) {
		driver_round(&d);
		fflush(stdout);			/* children must not write it again */
	}
	printf("%s: %u lost\n", d.accepted > d.rounds ? "many accepted" : "too few accepted", d.lost);
	return 0;
}

int main(int argc, char **argv)
{
	need(argc > 1);
	if (is(argv[1], "nothing"))
		return 0;
	if (is(argv[1], "judge"))
		return judge(argv);
	if (is(argv[1], "drive") || is(argv[1], "whole"))
		return drive(argv);
	return written_by_command(argv);
}
