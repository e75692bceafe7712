/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the peer engine share: an engine on a loop of its own, and jobs: one io each, with
 * its file and its bytes.
 */
#ifndef PEER_RIG_H
#define PEER_RIG_H

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

#include "engine_peer.h"
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

static inline void on_done(void *arg, struct list *ios)
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

static inline enum engine_answer below_submit(struct engine *e, struct io *io)
{
	passed_on++;
	io->result = 0;
	return ENGINE_DONE;
}

static inline void below_close(struct engine *e)
{
}

static const struct engine_ops below_ops = {
	.name = "below",
	.submit = below_submit,
	.close = below_close,
};

static inline void count_turn(void *arg)
{
	turns++;
}

static inline void open_without(unsigned without)
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

static inline void open_all(void)
{
	open_without(0);
}

static inline void close_all(void)
{
	engine_close(engine);
	workers_destroy(workers);
	loop_destroy(loop);
}

/* Runs the loop until n ios have come back since the start of the test. */
static inline void wait_done(unsigned n)
{
	stop_at = n;
	if (done_count < n)
		loop_run(loop);
	ck_assert_uint_eq(done_count, n);
}

static inline void wait_job(const struct job *j)
{
	while (!j->done_as) {
		stop_at = done_count + 1;
		loop_run(loop);
	}
}

static inline int dup_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	ck_assert_int_ge(copy, 0);
	return copy;
}

/* Takes a duplicate of fd, as each io_submit call does. */
static inline void set_job(struct job *j, enum io_op op, int fd, size_t bytes)
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

static inline void set_poll(struct job *j, int fd, unsigned events)
{
	set_job(j, IO_POLL, fd, 0);
	j->io.iov_count = 0;
	j->io.poll_events = (uint16_t)(events | POLLERR | POLLHUP);
}

static inline void end_job(struct job *j)
{
	close_fd(&j->file.fd);
}

static inline void fill(char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)('a' + i % 23);
}

static inline void submit(struct job *j, enum engine_answer expected)
{
	ck_assert_int_eq(engine_submit(engine, &j->io), expected);
}

/* Submits what is finished at once. */
static inline int64_t result_now(struct job *j)
{
	submit(j, ENGINE_DONE);
	end_job(j);
	return j->io.result;
}

static inline int64_t result_of(struct job *j)
{
	ck_assert_uint_ne(j->done_as, 0);
	end_job(j);
	return j->io.result;
}

static inline void cancel(struct job *j)
{
	unsigned before = done_count;

	ck_assert_int_eq(engine_cancel(engine, &j->io), 0);
	ck_assert_uint_eq(done_count, before);
}

static inline void put(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static inline void open_pipe(int fds[2])
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
}

static inline void open_sockets(int type, int fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
}

static inline void close_two(int fds[2])
{
	close_fd(&fds[0]);
	close_fd(&fds[1]);
}

/* A FIFO in a directory that is gone when this returns. */
static inline void make_fifo(const int flags[], int fds[], unsigned count)
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

static inline int open_fifo(void)
{
	int fd;

	make_fifo((int[]){ O_RDWR }, &fd, 1);
	ck_assert_int_eq(fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
	return fd;
}

/* fds[0]: the terminal's side for the user, fds[1]: the program's. */
static inline void open_tty(int fds[2], bool raw, unsigned min)
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

static inline void set_nonblock(int fd)
{
	ck_assert_int_eq(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

/* From now on the host refuses the call. */
static inline void deny(unsigned nr, unsigned err)
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

static inline void ck_text(const struct job *j, const char *text)
{
	ck_assert_int_eq(j->io.result, (int64_t)strlen(text));
	ck_assert_int_eq(memcmp(j->data, text, strlen(text)), 0);
}

/* Reads through the engine too, so that nothing blocks this thread. */
static inline void drain(int fd, char *to, size_t bytes)
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

#endif
