/* SPDX-License-Identifier: MIT */
/*
 * Pipes, sockets, ttys and polls. If this breaks, a program hangs, reads of one pipe swap, a full pipe
 * shortens a write, or a poll reports what the kernel would not.
 */
#include "engine_peer.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

#include "hostaio.h"
#include "loop.h"
#include "unit.h"
#include "util.h"
#include "workers.h"

enum { PIPE_BYTES = 4096, LONG_BYTES = 10000 };

static struct loop *loop;
static struct workers *workers;
static struct engine *engine;
static struct engine below;
static unsigned passed_on;
static unsigned turns;
static unsigned done_count;
static unsigned stop_at;

/* One request, its file and its bytes; done_as: 1 = came back first. */
struct job {
	struct io io;
	struct io_file file;
	struct iovec iov;
	char data[LONG_BYTES];
	unsigned done_as;
};

static void on_done(void *arg, struct list *ios)
{
	struct list *node;

	ck_assert(!list_empty(ios));
	while ((node = list_pop(ios))) {
		struct job *j = container_of(list_entry(node, struct io, node), struct job, io);

		ck_assert_uint_eq(j->done_as, 0);
		j->done_as = ++done_count;
	}
	if (done_count >= stop_at)
		loop_stop(loop);
}

static enum engine_answer below_submit(struct engine *e, struct io *io)
{
	passed_on++;
	io->result = 0;
	return ENGINE_DONE;
}

static void below_close(struct engine *e)
{
}

static const struct engine_ops below_ops = {
	.name = "below",
	.submit = below_submit,
	.close = below_close,
};

static void count_turn(void *arg)
{
	turns++;
}

static void open_without(unsigned without)
{
	signal(SIGPIPE, SIG_IGN);
	loop = loop_create();
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(loop_each_turn(loop, count_turn, NULL), 0);
	workers = workers_create(loop, 4);
	ck_assert_ptr_nonnull(workers);
	below.ops = &below_ops;
	engine = engine_peer_open_without(loop, workers, &below, on_done, NULL, without);
	ck_assert_ptr_nonnull(engine);
}

static void open_all(void)
{
	open_without(0);
}

static void close_all(void)
{
	engine_close(engine);
	workers_destroy(workers);
	loop_destroy(loop);
}

/* Runs the loop until n ios have come back since the start of the test. */
static void wait_done(unsigned n)
{
	stop_at = n;
	if (done_count < n)
		loop_run(loop);
	ck_assert_uint_eq(done_count, n);
}

static void wait_job(const struct job *j)
{
	while (!j->done_as) {
		stop_at = done_count + 1;
		loop_run(loop);
	}
}

static int dup_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	ck_assert_int_ge(copy, 0);
	return copy;
}

/* Takes a duplicate of fd, as each io_submit call does. */
static void set_job(struct job *j, enum io_op op, int fd, size_t bytes)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	memset(j, 0, sizeof(*j));
	j->file = (struct io_file){
		.fd = dup_fd(fd),
		.class = FILE_PEER,
		.nonblock = fcntl(fd, F_GETFL) & O_NONBLOCK,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.lane = workers_lane(workers, "test"),
	};
	j->iov = (struct iovec){ .iov_base = j->data, .iov_len = bytes };
	j->io = (struct io){
		.op = op, .file = &j->file, .iov = &j->iov, .iov_count = 1, .length_bytes = bytes,
	};
	list_init(&j->io.node);
}

static void set_poll(struct job *j, int fd, unsigned events)
{
	set_job(j, IO_POLL, fd, 0);
	j->io.iov_count = 0;
	j->io.poll_events = (uint16_t)(events | POLLERR | POLLHUP);
}

static void end_job(struct job *j)
{
	close_fd(&j->file.fd);
}

static void fill(char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)('a' + i % 23);
}

static void submit(struct job *j, enum engine_answer expected)
{
	ck_assert_int_eq(engine_submit(engine, &j->io), expected);
}

/* Submits what is finished at once. */
static int64_t result_now(struct job *j)
{
	submit(j, ENGINE_DONE);
	end_job(j);
	return j->io.result;
}

static int64_t result_of(struct job *j)
{
	ck_assert_uint_ne(j->done_as, 0);
	end_job(j);
	return j->io.result;
}

static void cancel(struct job *j)
{
	unsigned before = done_count;

	ck_assert_int_eq(engine_cancel(engine, &j->io), 0);
	ck_assert_uint_eq(done_count, before);
}

static void put(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void open_pipe(int fds[2])
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
}

static void open_sockets(int type, int fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
}

static void close_two(int fds[2])
{
	close_fd(&fds[0]);
	close_fd(&fds[1]);
}

/* A FIFO in a directory that is gone when this returns. */
static void make_fifo(const int flags[], int fds[], unsigned count)
{
	char dir[] = "/tmp/engine_peer_t.XXXXXX", path[64];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	for (unsigned i = 0; i < count; i++) {
		fds[i] = open(path, flags[i] | O_CLOEXEC | O_NONBLOCK);
		ck_assert_int_ge(fds[i], 0);
		ck_assert_int_eq(fcntl(fds[i], F_SETFL, 0), 0);
	}
	unlink(path);
	rmdir(dir);
}

static int open_fifo(void)
{
	int fd;

	make_fifo((int[]){ O_RDWR }, &fd, 1);
	ck_assert_int_eq(fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
	return fd;
}

/* fds[0]: the terminal's side for the user, fds[1]: the program's. */
static void open_tty(int fds[2], bool raw, unsigned min)
{
	struct termios t;

	fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(fds[0], 0);
	ck_assert_int_eq(grantpt(fds[0]) | unlockpt(fds[0]), 0);
	fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(fds[1], 0);
	ck_assert_int_eq(tcgetattr(fds[1], &t), 0);
	if (raw)
		cfmakeraw(&t);
	t.c_lflag &= ~(tcflag_t)ECHO;
	if (raw)
		t.c_cc[VMIN] = (cc_t)min;
	ck_assert_int_eq(tcsetattr(fds[1], TCSANOW, &t), 0);
}

static void set_nonblock(int fd)
{
	ck_assert_int_eq(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

/* From now on the host refuses the call. */
static void deny(unsigned nr, unsigned err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void interrupt_workers(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *d;

	ck_assert_ptr_nonnull(dir);
	while ((d = readdir(dir))) {
		pid_t tid = atoi(d->d_name);

		if (tid > 0 && tid != getpid())
			syscall(SYS_tgkill, getpid(), tid, SIGRTMIN);	/* worker.h */
	}
	closedir(dir);
}

static void ck_text(const struct job *j, const char *text)
{
	ck_assert_int_eq(j->io.result, (int64_t)strlen(text));
	ck_assert_int_eq(memcmp(j->data, text, strlen(text)), 0);
}

START_TEST(a_read_that_needs_no_waiting_is_done_at_once)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	put(p[1], "now");
	set_job(&j, IO_READ, p[0], 100);
	ck_assert_int_eq(result_now(&j), 3);
	ck_text(&j, "now");
	close_fd(&p[1]);
	set_job(&j, IO_READ, p[0], 100);
	ck_assert_int_eq(result_now(&j), 0);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_read_of_an_empty_pipe_waits_and_returns_what_there_is)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&j, IO_READ, p[0], 100);
	submit(&j, ENGINE_QUEUED);
	put(p[1], "late");
	ck_assert_uint_eq(j.done_as, 0);
	wait_done(1);
	result_of(&j);
	ck_text(&j, "late");
	close_two(p);
	close_all();
}
END_TEST

START_TEST(what_must_not_wait_says_again)
{
	struct job waits, j;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&j, IO_READ, p[0], 8);
	j.io.rw_flags = RWF_NOWAIT;
	ck_assert_int_eq(result_now(&j), -EAGAIN);
	set_job(&waits, IO_READ, p[0], 8);
	submit(&waits, ENGINE_QUEUED);
	put(p[1], "for the first");
	set_job(&j, IO_READ, p[0], 8);
	j.io.rw_flags = RWF_NOWAIT;
	ck_assert_int_eq(result_now(&j), -EAGAIN);
	wait_done(1);
	ck_assert_int_eq(result_of(&waits), 8);
	set_nonblock(p[0]);
	set_job(&j, IO_READ, p[0], 8);
	ck_assert_int_eq(result_now(&j), 5);
	set_job(&j, IO_READ, p[0], 8);
	ck_assert_int_eq(result_now(&j), -EAGAIN);
	close_two(p);
	close_all();
}
END_TEST

/* Reads through the engine too, so that nothing blocks this thread. */
static void drain(int fd, char *to, size_t bytes)
{
	static struct job j;
	size_t got = 0;

	while (got < bytes) {
		set_job(&j, IO_READ, fd, min_u64(1500, bytes - got));
		if (engine_submit(engine, &j.io) == ENGINE_QUEUED)
			wait_job(&j);
		ck_assert_int_gt(j.io.result, 0);
		memcpy(to + got, j.data, (size_t)j.io.result);
		got += (size_t)j.io.result;
		end_job(&j);
	}
}

static void check_long_write(int from, int to)
{
	static struct job j;
	static char got[LONG_BYTES + 1];
	struct iovec parts[40];

	set_job(&j, IO_WRITE, to, LONG_BYTES);
	fill(j.data, LONG_BYTES);
	for (unsigned i = 0; i < 40; i++)
		parts[i] = (struct iovec){ j.data + 250 * i, 250 };
	j.io.iov = parts;
	j.io.iov_count = 40;
	put(to, "x");
	submit(&j, ENGINE_QUEUED);
	drain(from, got, LONG_BYTES + 1);
	wait_job(&j);
	ck_assert_int_eq(result_of(&j), LONG_BYTES);
	ck_assert_int_eq(got[0], 'x');
	ck_assert_int_eq(memcmp(got + 1, j.data, LONG_BYTES), 0);
}

START_TEST(a_blocking_write_goes_on_until_all_is_written)
{
	int p[2], fifo, size = 2000;

	open_all();
	open_pipe(p);
	check_long_write(p[0], p[1]);
	close_two(p);
	fifo = open_fifo();
	check_long_write(fifo, fifo);
	close_fd(&fifo);
	open_sockets(SOCK_STREAM, p);
	setsockopt(p[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	check_long_write(p[0], p[1]);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_write_without_a_reader_gets_epipe)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	close_fd(&p[0]);
	set_job(&j, IO_WRITE, p[1], 10);
	ck_assert_int_eq(result_now(&j), -EPIPE);
	close_two(p);
	make_fifo((int[]){ O_RDONLY, O_WRONLY }, p, 2);
	close_fd(&p[0]);
	set_job(&j, IO_WRITE, p[1], 10);
	ck_assert_int_eq(result_now(&j), -EPIPE);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(an_error_after_some_bytes_is_a_short_count)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&j, IO_WRITE, p[1], LONG_BYTES);
	submit(&j, ENGINE_QUEUED);
	close_fd(&p[0]);
	wait_done(1);
	ck_assert_int_eq(result_of(&j), PIPE_BYTES);
	close_two(p);
	open_pipe(p);
	set_nonblock(p[1]);
	set_job(&j, IO_WRITE, p[1], LONG_BYTES);
	ck_assert_int_eq(result_now(&j), PIPE_BYTES);
	close_two(p);
	close_all();
}
END_TEST

static void check_order(int from, int to)
{
	struct job a, b, c;
	unsigned n = done_count;

	set_job(&a, IO_READ, from, 2);
	set_job(&b, IO_READ, from, 2);
	set_job(&c, IO_READ, from, 100);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	put(to, "aabbcc");
	submit(&c, ENGINE_QUEUED);	/* not the first: the data are not for it */
	wait_done(n + 3);
	ck_assert_uint_eq(a.done_as, n + 1);
	ck_assert_uint_eq(b.done_as, n + 2);
	ck_text(&a, "aa");
	ck_text(&b, "bb");
	ck_text(&c, "cc");
	end_job(&a);
	end_job(&b);
	end_job(&c);
}

START_TEST(reads_of_one_open_file_keep_their_order)
{
	int p[2];

	open_without(_i ? PEER_NO_KCMP : 0);
	open_pipe(p);
	check_order(p[0], p[1]);
	close_two(p);
	p[0] = open_fifo();
	check_order(p[0], p[0]);
	close_fd(&p[0]);
	open_sockets(SOCK_STREAM, p);
	check_order(p[0], p[1]);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(the_second_waits_on_when_the_first_is_served)
{
	struct job a, b;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&a, IO_READ, p[0], 8);
	set_job(&b, IO_READ, p[0], 8);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	put(p[1], "one");
	wait_done(1);
	end_job(&a);
	ck_text(&a, "one");
	put(p[1], "two");
	wait_done(2);
	end_job(&b);
	ck_text(&b, "two");
	close_two(p);
	close_all();
}
END_TEST

START_TEST(files_that_share_an_inode_do_not_wait_for_each_other)
{
	enum { FILES = 8 };
	struct job j[FILES], again;
	int e[FILES];

	if (_i == 2)
		deny(SYS_kcmp, EPERM);
	open_without(_i == 1 ? PEER_NO_KCMP : 0);
	for (unsigned i = 0; i < FILES; i++) {
		e[i] = eventfd(0, EFD_CLOEXEC);
		set_job(&j[i], IO_READ, e[i], 8);
		submit(&j[i], ENGINE_QUEUED);
	}
	for (unsigned i = FILES; i-- > 0;) {
		ck_assert_int_eq(eventfd_write(e[i], 7), 0);
		wait_done(FILES - i);
		ck_assert_int_eq(result_of(&j[i]), 8);
		ck_assert_int_eq(eventfd_write(e[i], 7), 0);
		set_job(&again, IO_READ, e[i], 8);
		ck_assert_int_eq(result_now(&again), 8);
		close_fd(&e[i]);
	}
	close_all();
}
END_TEST

START_TEST(ios_of_one_descriptor_share_it)
{
	struct job in, out, watch;
	int s[2], size = 2000;

	open_without(_i ? PEER_NO_HOST_AIO : 0);
	open_sockets(SOCK_STREAM, s);
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	set_job(&in, IO_READ, s[0], 4);
	set_job(&out, IO_WRITE, s[0], LONG_BYTES);
	set_poll(&watch, s[0], POLLIN);
	out.io.file = &in.file;
	watch.io.file = &in.file;
	submit(&in, ENGINE_QUEUED);
	submit(&out, ENGINE_QUEUED);
	submit(&watch, ENGINE_QUEUED);
	put(s[1], "four");
	wait_done(2);
	ck_text(&in, "four");
	ck_assert_int_eq(watch.io.result & POLLIN, POLLIN);
	cancel(&out);
	wait_done(3);
	ck_assert_int_gt(out.io.result, 0);
	end_job(&in);
	end_job(&out);
	end_job(&watch);
	close_two(s);
	close_all();
}
END_TEST

START_TEST(the_end_of_a_stream_is_a_read_of_nothing)
{
	struct job j;
	int s[2];

	open_all();
	open_sockets(SOCK_STREAM, s);
	set_job(&j, IO_READ, s[0], 4);
	submit(&j, ENGINE_QUEUED);
	close_fd(&s[1]);
	wait_done(1);
	ck_assert_int_eq(result_of(&j), 0);
	close_two(s);
	close_all();
}
END_TEST

START_TEST(nothing_is_asked_of_the_file_too)
{
	struct job j;
	int s[2], e = eventfd(0, EFD_CLOEXEC);
	char c;

	open_all();
	open_sockets(SOCK_DGRAM, s);
	set_job(&j, IO_WRITE, s[0], 0);
	ck_assert_int_eq(result_now(&j), 0);
	ck_assert_int_eq(recv(s[1], &c, 1, MSG_DONTWAIT), 0);
	set_job(&j, IO_READ, s[0], 0);
	ck_assert_int_eq(result_now(&j), 0);
	close_two(s);
	set_job(&j, IO_READ, e, 0);
	ck_assert_int_eq(result_now(&j), -EINVAL);
	close_fd(&e);
	open_pipe(s);
	set_job(&j, IO_READ, s[0], 0);
	ck_assert_int_eq(result_now(&j), 0);
	close_two(s);
	close_all();
}
END_TEST

START_TEST(a_receive_timeout_ends_a_read)
{
	const struct timeval after = { .tv_usec = 20000 };
	struct job j;
	int s[2];

	open_all();
	open_sockets(SOCK_STREAM, s);
	ck_assert_int_eq(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &after, sizeof(after)), 0);
	set_job(&j, IO_READ, s[0], 4);
	submit(&j, ENGINE_QUEUED);
	wait_done(1);
	ck_assert_int_eq(result_of(&j), -EAGAIN);
	close_two(s);
	close_all();
}
END_TEST

/* Data that come after the cancel are for the program, not for a cancelled read. */
START_TEST(a_cancelled_read_takes_nothing)
{
	struct job a, b, c;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&a, IO_READ, p[0], 4);
	set_job(&b, IO_READ, p[0], 4);
	set_job(&c, IO_READ, p[0], 4);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	submit(&c, ENGINE_QUEUED);
	put(p[1], "data");
	cancel(&b);
	cancel(&a);
	cancel(&a);	/* finished, not yet told */
	wait_done(3);
	ck_assert_int_eq(result_of(&a), -ECANCELED);
	ck_assert_int_eq(result_of(&b), -ECANCELED);
	ck_text(&c, "data");
	end_job(&c);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_cancelled_line_leaves_its_data_in_the_pipe)
{
	struct job j[3];
	int p[2];
	char got[8];

	open_all();
	open_pipe(p);
	for (unsigned i = 0; i < 3; i++) {
		set_job(&j[i], IO_READ, p[0], 4);
		submit(&j[i], ENGINE_QUEUED);
	}
	put(p[1], "data");
	for (unsigned i = 0; i < 3; i++)
		cancel(&j[i]);
	wait_done(3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(result_of(&j[i]), -ECANCELED);
	ck_assert_int_eq(read(p[0], got, sizeof(got)), 4);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_cancelled_write_reports_what_it_wrote)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&j, IO_WRITE, p[1], LONG_BYTES);
	submit(&j, ENGINE_QUEUED);
	cancel(&j);
	wait_done(1);
	ck_assert_int_eq(result_of(&j), PIPE_BYTES);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_tty_gives_a_line)
{
	struct job j;
	int t[2];

	open_all();
	open_tty(t, false, 0);
	set_job(&j, IO_READ, t[1], 100);
	submit(&j, ENGINE_QUEUED);
	put(t[0], "a line");
	put(t[0], "\n");
	wait_done(1);
	end_job(&j);
	ck_text(&j, "a line\n");
	set_job(&j, IO_READ, t[1], 100);
	submit(&j, ENGINE_QUEUED);
	cancel(&j);
	wait_done(2);
	ck_assert_int_eq(result_of(&j), -ECANCELED);
	set_job(&j, IO_WRITE, t[1], 5);
	fill(j.data, 5);
	submit(&j, ENGINE_QUEUED);
	wait_done(3);
	ck_assert_int_eq(result_of(&j), 5);
	close_two(t);
	close_all();
}
END_TEST

/* VMIN 5: poll(2) is silent while a read of 2 bytes, or one with O_NONBLOCK, takes fewer than 5. */
START_TEST(a_raw_tty_is_read_by_its_own_rules)
{
	struct job j, again;
	int t[2];

	open_all();
	open_tty(t, true, 5);
	set_job(&j, IO_READ, t[1], 2);
	submit(&j, ENGINE_QUEUED);
	put(t[0], "12345");
	wait_done(1);
	end_job(&j);
	ck_text(&j, "12");
	set_nonblock(t[1]);
	set_job(&j, IO_READ, t[1], 100);
	submit(&j, ENGINE_QUEUED);
	wait_done(2);
	end_job(&j);
	ck_text(&j, "345");
	set_job(&again, IO_READ, t[1], 100);
	ck_assert_int_eq(result_now(&again), -EAGAIN);
	close_two(t);
	close_all();
}
END_TEST

START_TEST(reads_on_workers_keep_their_order_too)
{
	struct job a, b;
	int t[2];

	open_all();
	open_tty(t, true, 5);
	set_job(&a, IO_READ, t[1], 2);
	set_job(&b, IO_READ, t[1], 2);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	put(t[0], "1234");
	wait_done(2);
	end_job(&a);
	end_job(&b);
	ck_text(&a, "12");
	ck_text(&b, "34");
	close_two(t);
	close_all();
}
END_TEST

/* Being stopped or traced interrupts system calls: that is the supervisor's affair, not the program's. */
START_TEST(a_stray_interrupt_is_not_seen)
{
	enum { BYTES = 300000, PART = 3000 };
	static char out[BYTES], in[BYTES];
	struct job r, w;
	int t[2];

	open_all();
	open_tty(t, true, 5);
	set_job(&r, IO_READ, t[1], 10);
	set_job(&w, IO_WRITE, t[1], 0);
	fill(out, BYTES);
	w.iov = (struct iovec){ out, BYTES };
	w.io.length_bytes = BYTES;
	submit(&r, ENGINE_QUEUED);
	submit(&w, ENGINE_QUEUED);
	for (size_t got = 0; got < BYTES; got += PART) {
		drain(t[0], in + got, PART);
		interrupt_workers();
	}
	wait_job(&w);
	ck_assert_int_eq(result_of(&w), BYTES);
	ck_assert_int_eq(memcmp(in, out, BYTES), 0);
	put(t[0], "12345");
	wait_job(&r);
	end_job(&r);
	ck_text(&r, "12345");
	close_two(t);
	close_all();
}
END_TEST

START_TEST(a_read_on_a_worker_is_cancelled_in_each_state)
{
	enum { READS = 6 };	/* of 4 threads */
	struct job j[READS];
	int t[READS][2];

	open_all();
	for (unsigned i = 0; i < READS; i++) {
		open_tty(t[i], true, 5);
		set_job(&j[i], IO_READ, t[i][1], 100);
		submit(&j[i], ENGINE_QUEUED);
	}
	for (unsigned i = 0; i < READS; i++)
		cancel(&j[READS - 1 - i]);
	wait_done(READS);
	for (unsigned i = 0; i < READS; i++) {
		ck_assert_int_eq(result_of(&j[i]), -ECANCELED);
		close_two(t[i]);
	}
	close_all();
}
END_TEST

START_TEST(reads_that_never_end_do_not_hold_up_writes)
{
	enum { READS = 6 };
	struct job j[READS], w;
	int t[READS][2];

	open_all();
	for (unsigned i = 0; i < READS; i++) {
		open_tty(t[i], true, 5);
		set_job(&j[i], IO_READ, t[i][1], 100);
		submit(&j[i], ENGINE_QUEUED);
	}
	set_job(&w, IO_WRITE, t[READS - 1][1], 5);
	fill(w.data, 5);
	submit(&w, ENGINE_QUEUED);
	wait_done(1);
	ck_assert_int_eq(result_of(&w), 5);
	for (unsigned i = 0; i < READS; i++)
		cancel(&j[i]);
	wait_done(1 + READS);
	for (unsigned i = 0; i < READS; i++) {
		end_job(&j[i]);
		close_two(t[i]);
	}
	close_all();
}
END_TEST

START_TEST(a_fifo_waits_like_a_pipe)
{
	struct job j;
	int p[2], fifo;

	open_all();
	fifo = open_fifo();
	set_job(&j, IO_READ, fifo, 100);
	submit(&j, ENGINE_QUEUED);
	put(fifo, "fifo");
	wait_done(1);
	end_job(&j);
	ck_text(&j, "fifo");
	put(fifo, "more");
	set_job(&j, IO_READ, fifo, 100);
	ck_assert_int_eq(result_now(&j), 4);
	set_job(&j, IO_READ, fifo, 8);
	j.io.rw_flags = RWF_NOWAIT;
	ck_assert_int_eq(result_now(&j), -EOPNOTSUPP);
	ck_assert(j.io.refused);
	set_job(&j, IO_READ, fifo, 8);
	submit(&j, ENGINE_QUEUED);
	cancel(&j);
	wait_done(2);
	ck_assert_int_eq(result_of(&j), -ECANCELED);
	set_nonblock(fifo);
	set_job(&j, IO_READ, fifo, 8);
	ck_assert_int_eq(result_now(&j), -EAGAIN);
	close_fd(&fifo);
	make_fifo((int[]){ O_RDONLY, O_WRONLY }, p, 2);
	set_job(&j, IO_READ, p[0], 8);
	submit(&j, ENGINE_QUEUED);
	close_fd(&p[1]);
	wait_done(3);
	ck_assert_int_eq(result_of(&j), 0);
	close_two(p);
	close_all();
}
END_TEST

/* No descriptor is left for a description of our own: a worker does it. */
START_TEST(a_fifo_that_cannot_be_opened_again_still_works)
{
	struct job r, w, c;
	struct rlimit none = { .rlim_cur = 0, .rlim_max = RLIM_INFINITY }, normal;
	int fifo;

	open_all();
	fifo = open_fifo();
	set_job(&r, IO_READ, fifo, LONG_BYTES);
	set_job(&w, IO_WRITE, fifo, LONG_BYTES);
	set_job(&c, IO_READ, fifo, 8);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &normal), 0);
	none.rlim_max = normal.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	submit(&r, ENGINE_QUEUED);
	submit(&w, ENGINE_QUEUED);
	wait_done(1);
	ck_assert_int_gt(r.io.result, 0);
	cancel(&w);
	wait_done(2);
	ck_assert_int_gt(w.io.result, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &normal), 0);
	end_job(&r);
	end_job(&w);
	end_job(&c);
	close_fd(&fifo);
	close_all();
}
END_TEST

START_TEST(a_file_without_readiness_is_read_by_a_worker)
{
	struct job j;
	int m = memfd_create("device", MFD_CLOEXEC);

	open_all();
	put(m, "0123456789");
	set_job(&j, IO_READ, m, 4);
	j.file.seekable = true;
	j.io.offset = 3;
	submit(&j, ENGINE_QUEUED);
	wait_done(1);
	end_job(&j);
	ck_text(&j, "3456");
	close_fd(&m);
	close_all();
}
END_TEST

START_TEST(where_readiness_cannot_be_watched_a_worker_waits)
{
	struct job r, c;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&r, IO_READ, p[0], 100);
	submit(&r, ENGINE_QUEUED);
	cancel(&r);
	wait_done(1);		/* the loop has its own descriptors watched now */
	end_job(&r);
	deny(SYS_epoll_ctl, ENOSPC);
	set_job(&r, IO_READ, p[0], 100);
	set_job(&c, IO_READ, p[0], 100);
	submit(&r, ENGINE_QUEUED);
	submit(&c, ENGINE_QUEUED);
	put(p[1], "worker");
	wait_done(2);
	end_job(&r);
	ck_text(&r, "worker");
	cancel(&c);
	wait_done(3);
	ck_assert_int_eq(result_of(&c), -ECANCELED);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(an_engine_that_cannot_be_opened_leaves_nothing)
{
	loop = loop_create();
	workers = workers_create(loop, 1);
	deny(SYS_epoll_create1, EMFILE);
	ck_assert_ptr_null(engine_peer_open(loop, workers, &below, on_done, NULL));
	ck_assert_int_eq(errno, EMFILE);
	workers_destroy(workers);
	loop_destroy(loop);
}
END_TEST

/* Sanitizers allocate beside malloc and give up where we go on. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

struct hoard {
	struct hoard *next;
};

/* Until give_back() nothing can be allocated, by Check's assertions neither. */
static struct hoard *take_all_memory(struct rlimit *normal)
{
	struct hoard *all = NULL, *h;
	struct rlimit none;

	getrlimit(RLIMIT_AS, normal);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = normal->rlim_max };
	setrlimit(RLIMIT_AS, &none);
	for (size_t bytes = 1 << 16; bytes >= sizeof(*h); bytes /= 2) {
		while ((h = malloc(bytes))) {
			h->next = all;
			all = h;
		}
	}
	return all;
}

static void give_back(struct hoard *all, const struct rlimit *normal)
{
	setrlimit(RLIMIT_AS, normal);
	while (all) {
		struct hoard *next = all->next;

		free(all);
		all = next;
	}
}

START_TEST(without_memory_the_caller_keeps_the_io)
{
	struct job in, behind, p1, p2;
	enum engine_answer answers[4];
	struct rlimit normal;
	struct hoard *all;
	int p[2], e = eventfd(0, EFD_CLOEXEC);

	if (SANITIZED)
		return;
	open_without(_i ? PEER_NO_HOST_AIO : 0);
	open_pipe(p);
	set_job(&in, IO_READ, p[0], 4);
	set_job(&behind, IO_READ, p[0], 4);
	set_poll(&p1, p[0], POLLIN);
	set_poll(&p2, e, POLLIN);
	p2.file.class = FILE_FOREIGN;
	submit(&in, ENGINE_QUEUED);
	all = take_all_memory(&normal);
	answers[0] = engine_submit(engine, &behind.io);
	answers[1] = engine_submit(engine, &p1.io);
	answers[2] = engine_submit(engine, &p2.io);
	p1.io.op = IO_READ;
	p1.io.file = &p2.file;
	p2.file.class = FILE_PEER;
	p1.io.length_bytes = 8;
	p1.io.iov_count = 1;
	p1.iov.iov_len = 8;
	answers[3] = engine_submit(engine, &p1.io);
	give_back(all, &normal);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(answers[i], ENGINE_BUSY);
	submit(&behind, ENGINE_QUEUED);
	put(p[1], "12345678");
	wait_done(2);
	end_job(&in);
	end_job(&behind);
	ck_text(&in, "1234");
	ck_text(&behind, "5678");
	end_job(&p1);
	end_job(&p2);
	close_two(p);
	close_fd(&e);
	close_all();
}
END_TEST

static bool host_is_missing(void)
{
	struct hostaio *h = hostaio_create(loop, NULL, NULL, NULL);

	hostaio_destroy(h);
	return !h;
}

static int64_t poll_now(int fd, unsigned events)
{
	struct job j;

	set_poll(&j, fd, events);
	return result_now(&j);
}

/* docs/aio-abi.md, 10 */
START_TEST(a_ready_poll_is_done_at_once)
{
	int p[2], m = memfd_create("regular", MFD_CLOEXEC);
	struct job j;

	open_without(_i ? PEER_NO_HOST_AIO : 0);
	open_pipe(p);
	put(p[1], "x");
	ck_assert_int_eq(poll_now(p[0], POLLIN), POLLIN);
	ck_assert_int_eq(poll_now(p[0], POLLIN | POLLRDNORM), POLLIN | POLLRDNORM);
	ck_assert_int_eq(poll_now(p[0], 0xffff), POLLIN | POLLRDNORM);
	close_fd(&p[1]);
	ck_assert_int_eq(poll_now(p[0], 0), POLLHUP);
	ck_assert_int_eq(poll_now(m, POLLIN), POLLIN);
	ck_assert_int_eq(poll_now(m, 0xffff), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	set_poll(&j, m, POLLPRI);
	ck_assert_int_eq(result_now(&j), -EINVAL);
	ck_assert(j.io.refused);
	close_two(p);
	close_fd(&m);
	close_all();
}
END_TEST

START_TEST(a_poll_by_the_host_has_the_raw_key)
{
	struct job in, out, sock;
	int p[2], s[2], t[2];

	open_all();
	if (host_is_missing())
		return;
	ck_assert_uint_eq(engine_peer_host_polls(engine), 0);
	open_pipe(p);
	open_sockets(SOCK_STREAM, s);
	open_tty(t, false, 0);
	set_poll(&in, p[0], POLLIN);
	set_poll(&sock, s[0], POLLPRI);
	submit(&in, ENGINE_QUEUED);
	submit(&sock, ENGINE_QUEUED);
	ck_assert_uint_gt(engine_peer_host_polls(engine), 0);
	put(p[1], "x");
	put(s[1], "x");
	wait_done(2);
	ck_assert_int_eq(result_of(&in), POLLIN | POLLRDNORM);
	ck_assert_int_eq(result_of(&sock), 0xc3);
	set_nonblock(p[1]);
	while (write(p[1], "x", 1) == 1)
		;
	set_poll(&out, p[1], POLLOUT);
	submit(&out, ENGINE_QUEUED);
	ck_assert_int_gt(read(p[0], in.data, LONG_BYTES), 0);
	wait_done(3);
	ck_assert_int_eq(result_of(&out), POLLOUT | POLLWRNORM);
	ck_assert_int_eq(poll_now(t[1], POLLIN), -EINVAL);
	ck_assert_int_eq(poll_now(t[1], POLLOUT), POLLOUT);
	close_two(p);
	close_two(s);
	close_two(t);
	close_all();
}
END_TEST

START_TEST(a_poll_without_the_host_is_masked)
{
	struct job in, hup;
	int p[2];

	if (_i)
		deny(SYS_io_setup, ENOSYS);
	open_without(_i ? 0 : PEER_NO_HOST_AIO);
	open_pipe(p);
	set_poll(&in, p[0], POLLIN);
	set_poll(&hup, p[0], 0);
	submit(&in, ENGINE_QUEUED);
	submit(&hup, ENGINE_QUEUED);
	put(p[1], "x");
	wait_done(1);
	ck_assert_int_eq(result_of(&in), POLLIN);
	close_fd(&p[1]);
	wait_done(2);
	ck_assert_int_eq(result_of(&hup), POLLHUP);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(two_polls_of_one_file_are_told_newest_first)
{
	struct job a, b;
	int p[2];

	open_without(_i & 1 ? PEER_NO_HOST_AIO : 0);
	open_pipe(p);
	set_poll(&a, p[0], POLLIN);
	set_poll(&b, p[0], POLLIN);
	if (_i & 2)
		b.io.file = &a.file;
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	put(p[1], "x");
	wait_done(2);
	ck_assert_uint_eq(b.done_as, 1);
	ck_assert_uint_eq(a.done_as, 2);
	end_job(&a);
	end_job(&b);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_cancelled_poll_has_no_events)
{
	struct job a, b;
	int p[2];

	open_without(_i ? PEER_NO_HOST_AIO : 0);
	open_pipe(p);
	set_poll(&a, p[0], POLLIN);
	set_poll(&b, p[0], POLLIN);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	cancel(&a);
	wait_done(1);
	ck_assert_int_eq(result_of(&a), 0);
	put(p[1], "x");
	wait_done(2);
	ck_assert_int_eq(result_of(&b) & POLLIN, POLLIN);
	close_two(p);
	close_all();
}
END_TEST

/* What a harvest finds beside the poll just submitted is told from the loop. */
START_TEST(a_poll_finished_meanwhile_is_not_told_inside_submit)
{
	struct job a, b;
	int p[2];

	open_all();
	open_pipe(p);
	set_poll(&a, p[0], POLLIN);
	submit(&a, ENGINE_QUEUED);
	put(p[1], "x");
	set_poll(&b, p[0], POLLIN);
	ck_assert_int_eq(result_now(&b), POLLIN);
	ck_assert_uint_eq(done_count, 0);
	cancel(&a);
	wait_done(1);
	ck_assert_int_eq(result_of(&a) & POLLIN, POLLIN);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(more_polls_than_the_host_takes_are_taken)
{
	enum { POLLS = HOSTAIO_POLLS + 3 };
	static struct job j[POLLS];
	int e = eventfd(0, EFD_CLOEXEC);

	open_all();
	for (unsigned i = 0; i < POLLS; i++) {
		set_poll(&j[i], e, POLLIN);
		end_job(&j[i]);
		j[i].file.fd = e;
		submit(&j[i], ENGINE_QUEUED);
	}
	ck_assert_int_eq(eventfd_write(e, 1), 0);
	wait_done(POLLS);
	for (unsigned i = 0; i < POLLS; i++)
		ck_assert_int_eq(j[i].io.result, POLLIN);
	close_fd(&e);
	close_all();
}
END_TEST

/* Ordinary data wake epoll for the urgent kind too; the loop must sleep on all the same. */
START_TEST(what_a_wait_cannot_use_does_not_spin)
{
	enum { ROUNDS = 10 };
	struct job watch, in;
	int s[2];

	open_without(PEER_NO_HOST_AIO);
	open_sockets(SOCK_STREAM, s);
	set_poll(&watch, s[0], POLLPRI);
	submit(&watch, ENGINE_QUEUED);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		put(s[1], "ordinary");
		set_job(&in, IO_READ, s[1], 1);
		submit(&in, ENGINE_QUEUED);
		put(s[0], "y");
		wait_done(i);
		ck_assert_int_eq(result_of(&in), 1);
	}
	ck_assert_uint_lt(turns, 4 * ROUNDS);
	cancel(&watch);
	wait_done(ROUNDS + 1);
	ck_assert_int_eq(result_of(&watch), 0);
	close_two(s);
	close_all();
}
END_TEST

START_TEST(a_poll_of_a_foreign_file_is_asked_by_a_worker)
{
	struct job a, b;
	int p[2];

	open_all();
	open_pipe(p);
	put(p[1], "x");
	set_poll(&a, p[0], POLLIN);
	a.file.class = FILE_FOREIGN;
	submit(&a, ENGINE_QUEUED);
	wait_done(1);
	ck_assert_int_eq(result_of(&a), POLLIN);
	ck_assert_int_eq(read(p[0], a.data, 1), 1);
	set_poll(&b, p[0], POLLIN);
	b.file.class = FILE_FOREIGN;
	submit(&b, ENGINE_QUEUED);
	cancel(&b);
	wait_done(2);
	ck_assert_int_eq(result_of(&b), 0);
	set_poll(&b, p[0], POLLPRI);
	b.file.class = FILE_FOREIGN;
	ck_assert_int_eq(result_now(&b), -EINVAL);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(the_rest_is_passed_on)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&j, IO_READ, p[0], 4);
	j.file.class = FILE_LOCAL;
	ck_assert_int_eq(engine_cancel(engine, &j.io), -ENOENT);
	ck_assert_int_eq(result_now(&j), 0);
	set_job(&j, IO_FSYNC, p[0], 0);
	ck_assert_int_eq(engine_cancel(engine, &j.io), -ENOENT);
	ck_assert_int_eq(result_now(&j), 0);
	ck_assert_uint_eq(passed_on, 2);
	close_two(p);
	close_all();
}
END_TEST

/* The owner closes the file as soon as it is told; its number is taken again at once. */
START_TEST(a_descriptor_number_can_be_used_again)
{
	struct job j;
	int p[2], q[2];

	open_without(_i ? PEER_NO_HOST_AIO : 0);
	for (unsigned i = 0; i < 20; i++) {
		open_pipe(p);
		open_pipe(q);
		set_job(&j, IO_READ, p[0], 4);
		submit(&j, ENGINE_QUEUED);
		put(p[1], "x");
		wait_done(2 * i + 1);
		result_of(&j);
		put(p[1], "y");
		set_poll(&j, q[0], POLLIN);
		submit(&j, ENGINE_QUEUED);
		put(q[1], "x");
		wait_done(2 * i + 2);
		result_of(&j);
		close_two(p);
		close_two(q);
	}
	close_all();
}
END_TEST

START_TEST(stamps_are_taken_when_asked_for)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	put(p[1], "x");
	set_job(&j, IO_READ, p[0], 1);
	result_now(&j);
	ck_assert_uint_eq(j.io.started_ns, 0);
	engine->stamps = true;
	put(p[1], "x");
	set_job(&j, IO_READ, p[0], 1);
	result_now(&j);
	ck_assert_uint_gt(j.io.done_ns, 0);
	set_job(&j, IO_READ, p[0], 1);
	submit(&j, ENGINE_QUEUED);
	put(p[1], "x");
	wait_done(1);
	result_of(&j);
	ck_assert_uint_gt(j.io.started_ns, 0);
	ck_assert_uint_le(j.io.started_ns, j.io.done_ns);
	close_two(p);
	close_all();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("engine_peer");
	TCase *transfers = tcase_create("transfers"), *polls = tcase_create("polls");

	tcase_set_timeout(transfers, 20);
	tcase_set_timeout(polls, 20);
	tcase_add_test(transfers, a_read_that_needs_no_waiting_is_done_at_once);
	tcase_add_test(transfers, a_read_of_an_empty_pipe_waits_and_returns_what_there_is);
	tcase_add_test(transfers, what_must_not_wait_says_again);
	tcase_add_test(transfers, a_blocking_write_goes_on_until_all_is_written);
	tcase_add_test(transfers, a_write_without_a_reader_gets_epipe);
	tcase_add_test(transfers, an_error_after_some_bytes_is_a_short_count);
	tcase_add_loop_test(transfers, reads_of_one_open_file_keep_their_order, 0, 2);
	tcase_add_test(transfers, the_second_waits_on_when_the_first_is_served);
	tcase_add_loop_test(transfers, files_that_share_an_inode_do_not_wait_for_each_other, 0, 3);
	tcase_add_loop_test(transfers, ios_of_one_descriptor_share_it, 0, 2);
	tcase_add_test(transfers, the_end_of_a_stream_is_a_read_of_nothing);
	tcase_add_test(transfers, nothing_is_asked_of_the_file_too);
	tcase_add_test(transfers, a_receive_timeout_ends_a_read);
	tcase_add_test(transfers, a_cancelled_read_takes_nothing);
	tcase_add_test(transfers, a_cancelled_line_leaves_its_data_in_the_pipe);
	tcase_add_test(transfers, a_cancelled_write_reports_what_it_wrote);
	tcase_add_test(transfers, a_tty_gives_a_line);
	tcase_add_test(transfers, a_raw_tty_is_read_by_its_own_rules);
	tcase_add_test(transfers, reads_on_workers_keep_their_order_too);
	tcase_add_test(transfers, a_stray_interrupt_is_not_seen);
	tcase_add_test(transfers, a_read_on_a_worker_is_cancelled_in_each_state);
	tcase_add_test(transfers, reads_that_never_end_do_not_hold_up_writes);
	tcase_add_test(transfers, a_fifo_waits_like_a_pipe);
	tcase_add_test(transfers, a_fifo_that_cannot_be_opened_again_still_works);
	tcase_add_test(transfers, a_file_without_readiness_is_read_by_a_worker);
	tcase_add_test(transfers, where_readiness_cannot_be_watched_a_worker_waits);
	tcase_add_test(transfers, an_engine_that_cannot_be_opened_leaves_nothing);
	tcase_add_loop_test(transfers, without_memory_the_caller_keeps_the_io, 0, 2);
	tcase_add_test(transfers, the_rest_is_passed_on);
	tcase_add_test(transfers, stamps_are_taken_when_asked_for);
	tcase_add_loop_test(polls, a_ready_poll_is_done_at_once, 0, 2);
	tcase_add_test(polls, a_poll_by_the_host_has_the_raw_key);
	tcase_add_loop_test(polls, a_poll_without_the_host_is_masked, 0, 2);
	tcase_add_loop_test(polls, two_polls_of_one_file_are_told_newest_first, 0, 4);
	tcase_add_loop_test(polls, a_cancelled_poll_has_no_events, 0, 2);
	tcase_add_test(polls, a_poll_finished_meanwhile_is_not_told_inside_submit);
	tcase_add_test(polls, more_polls_than_the_host_takes_are_taken);
	tcase_add_test(polls, what_a_wait_cannot_use_does_not_spin);
	tcase_add_test(polls, a_poll_of_a_foreign_file_is_asked_by_a_worker);
	tcase_add_loop_test(polls, a_descriptor_number_can_be_used_again, 0, 2);
	suite_add_tcase(s, transfers);
	suite_add_tcase(s, polls);
	return unit_run(s);
}
