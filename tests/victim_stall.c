/* SPDX-License-Identifier: MIT */
/*
 * victim_stall FUSE-FILE CONTROL LOG DISK-FILE: while children of ours hang on everything that can hang, are the
 * requests of another process quick? Tells the file system (victim_fuse) to hold by CONTROL, and reads in LOG
 * that it does. Prints "quick" or the slowest requests, then "exec waits" or not; whoever hangs is killed then.
 */
#include "stall.h"

#include <dirent.h>
#define LIMIT_NS 20000000
#define WINDOW_MS 100
#define WINDOWS 200
#define QUICK_WANTED 20		/* windows without a slow request */

const char *disk_file;
static const char *fuse_file, *log_file;
static int control_fd, ready[2], held[2];
static pid_t children[HANGS];

void tell_ready(void)
{
	need(write(ready[1], "x", 1) == 1);
}

/* --- who tells the file system ----------------------------------------------------------------- */

static int fuse_open(int flags)
{
	int fd = open(fuse_file, flags | O_CLOEXEC);

	need(fd >= 0);
	return fd;
}

static int logged(const char *line)
{
	static char text[1 << 20];
	int fd = open(log_file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	need(n >= 0);
	close(fd);
	text[n] = 0;
	return strstr(text, line) != NULL;
}

static void hold(void)
{
	need(write(control_fd, "hold\n", 5) == 5);
	while (!logged("held\n"))
		poll(NULL, 0, 1);	/* who writes it does not tell us */
}

static void hang_child(unsigned i)
{
	int fd = fuse_open(hangs[i].flags);
	char c;

	tell_ready();
	need(read(held[0], &c, 1) == 1);
	hangs[i].hang(fd);
	for (;;)
		pause();
}

/* Each opens the file for itself: who has inherited it could not even die. */
static void start_hanging(void)
{
	char told[HANGS];

	need(!pipe2(ready, O_CLOEXEC) && !pipe2(held, O_CLOEXEC));
	for (unsigned i = 0; i < HANGS; i++) {
		children[i] = victim_fork();
		if (!children[i])
			hang_child(i);
		need(read(ready[0], told, 1) == 1);
	}
	hold();
	need(write(held[1], told, sizeof(told)) == sizeof(told));
	for (unsigned i = 0; i < HANGS; i++)
		need(read(ready[0], told, 1) == 1);
}

static void wait_hanging(int itself)
{
	for (unsigned i = 0; i < HANGS; i++) {
		if (hangs[i].itself == itself)
			wait_child(children[i]);
	}
}

static void end_hanging(void)
{
	for (unsigned i = 0; i < HANGS; i++)
		kill(children[i], SIGKILL);
	wait_hanging(0);
}

/* --- who must be quick ------------------------------------------------------------------------- */

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* How long one thread has waited for a CPU so far; 0: it is gone, or the kernel does not tell. */
static long long thread_waited_ns(const char *directory, const char *tid)
{
	unsigned long long ran_ns, waited_ns = 0;
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/schedstat", directory, tid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%llu %llu", &ran_ns, &waited_ns) != 2)
		waited_ns = 0;
	if (f)
		fclose(f);
	return (long long)waited_ns;
}

/*
 * The same of all who work on a request: us, and the threads of our parent, which is the supervisor. On a busy machine
 * each waits for its turn, and who has computed more (for a sanitizer) waits longer than others.
 */
static long long waited_ns(void)
{
	long long sum_ns = thread_waited_ns("/proc", "self");
	struct dirent *entry;
	char directory[32];
	DIR *tasks;

	snprintf(directory, sizeof(directory), "/proc/%d/task", (int)getppid());
	tasks = opendir(directory);
	need(tasks);
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] != '.')
			sum_ns += thread_waited_ns(directory, entry->d_name);
	}
	closedir(tasks);
	return sum_ns;
}

/* By the number of the request: two of four are direct, two write. */
static int direct, buffered;

static int fd_of(unsigned n)
{
	return n & 1 ? direct : buffered;
}

static int writes(unsigned n)
{
	return n & 2;
}

static long long one_request(io_context_t ctx, unsigned n, char *block)
{
	struct iocb cb, *list = &cb;
	struct io_event ev;
	long long begin_ns;

	if (writes(n))
		io_prep_pwrite(&cb, fd_of(n), block, BLOCK, 0);
	else
		io_prep_pread(&cb, fd_of(n), block, BLOCK, 0);
	begin_ns = now_ns();
	need(io_submit(ctx, 1, &list) == 1 && io_getevents(ctx, 1, 1, &ev, NULL) == 1);
	need(ev.res == BLOCK);
	return now_ns() - begin_ns;
}

/*
 * Others have the machine too: how late is a process that is woken by another and does the same to the disk, without
 * us? A child plays the supervisor.
 */
static int to_echo[2], from_echo[2];

static void echo(void)
{
	char *block = blocks(1);
	long long end_ns;
	unsigned n;

	while (read(to_echo[0], &n, sizeof(n)) == sizeof(n)) {
		if (writes(n))
			need(pwrite(fd_of(n), block, BLOCK, 0) == BLOCK);
		else
			need(pread(fd_of(n), block, BLOCK, 0) == BLOCK);
		end_ns = now_ns();
		need(write(from_echo[1], &end_ns, sizeof(end_ns)) == sizeof(end_ns));
	}
	syscall(SYS_kill, getpid(), SIGKILL);	/* an exit would be the supervisor's to answer */
}

static pid_t start_echo(void)
{
	pid_t pid;

	need(!pipe2(to_echo, O_CLOEXEC) && !pipe2(from_echo, O_CLOEXEC));
	pid = victim_fork();
	if (!pid) {
		close(to_echo[1]);
		echo();
	}
	return pid;
}

static void end_echo(pid_t pid)
{
	close(to_echo[1]);
	wait_child(pid);
	close(to_echo[0]);
	close(from_echo[0]);
	close(from_echo[1]);
}

static long long echo_begin(unsigned n)
{
	const long long begin_ns = now_ns();

	need(write(to_echo[1], &n, sizeof(n)) == sizeof(n));
	return begin_ns;
}

static long long echo_took(long long begin_ns)
{
	long long end_ns;

	need(read(from_echo[0], &end_ns, sizeof(end_ns)) == sizeof(end_ns));
	return end_ns - begin_ns;
}

struct window {
	long long request_ns;		/* slowest */
	long long noise_ns;		/* slowest echo, or longest wait for a CPU in a slow request */
};

static long long longer(long long a, long long b)
{
	return a > b ? a : b;
}

static struct window window_measure(io_context_t ctx, char *block)
{
	long long end_ns = now_ns() + WINDOW_MS * 1000000ll, ns, before_ns, echo_ns;
	struct window w = { 0, 0 };

	for (unsigned n = 0; now_ns() < end_ns; n++) {
		before_ns = waited_ns();
		echo_ns = echo_begin(n);	/* beside it: a busy journal keeps both of them waiting */
		ns = one_request(ctx, n, block);
		if (ns >= LIMIT_NS)
			w.noise_ns = longer(w.noise_ns, waited_ns() - before_ns);
		w.request_ns = longer(w.request_ns, ns);
		w.noise_ns = longer(w.noise_ns, echo_took(echo_ns));
		w.noise_ns = longer(w.noise_ns, echo_took(echo_begin(n)));
	}
	return w;
}

/*
 * A slow window counts only where the machine itself was quick, which is not the whole truth: a disk may answer the
 * echo and not us, and who is stopped with its request under way was not waiting for a CPU. What a hanging request can
 * do to others is in every window, because it hangs on through all of them.
 */
static void measure(const char *what)
{
	unsigned quick = 0, slow = 0, noisy = 0;
	io_context_t ctx = setup(4);
	char *block = blocks(1);
	pid_t pid = start_echo();

	for (unsigned n = 0; n < WINDOWS && quick < QUICK_WANTED; n++) {
		struct window w = window_measure(ctx, block);

		if (w.request_ns < LIMIT_NS)
			quick++;
		else if (w.noise_ns < LIMIT_NS / 4)
			slow++;
		else
			noisy++;
	}
	end_echo(pid);
	if (slow <= quick && (quick == QUICK_WANTED || noisy > quick))
		printf("%s: quick\n", what);
	else
		printf("%s: %u windows quick, %u slow, %u too noisy to tell\n", what, quick, slow, noisy);
	fflush(stdout);
	io_destroy(ctx);
}

/* Writes of the dead are on their way (D6). */
static pid_t start_exec(void)
{
	pid_t pid = victim_fork();
	struct pollfd p = { .events = POLLIN };

	if (!pid) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(99);
	}
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	need(p.fd >= 0);
	printf("%s\n", poll(&p, 1, 500) ? "exec does not wait" : "exec waits");
	close(p.fd);
	fflush(stdout);
	return pid;
}

static int stall(void)
{
	pid_t pid;

	start_hanging();
	measure("others hang");
	end_hanging();
	pid = start_exec();
	measure("others are dead");
	printf("measured\n");
	fflush(stdout);
	need(wait_child(pid) == 0);	/* when somebody has told the file system */
	wait_hanging(1);
	return 0;
}

int main(int argc, char **argv)
{
	need(argc == 5);
	alarm(2 * VICTIM_SECONDS);
	fuse_file = argv[1];
	control_fd = open(argv[2], O_RDWR | O_CLOEXEC);
	log_file = argv[3];
	disk_file = argv[4];
	direct = open(disk_file, O_RDWR | O_DIRECT | O_CLOEXEC);
	buffered = open(disk_file, O_RDWR | O_CLOEXEC);
	need(control_fd >= 0 && direct >= 0 && buffered >= 0);
	return stall();
}
