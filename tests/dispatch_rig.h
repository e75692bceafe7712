/* SPDX-License-Identifier: MIT */
/*
 * The room behind the doors with everything around it under the test's control: a forked process stands in for
 * the program (its memory, threads and descriptors are real; shared with the test so that both can look at it),
 * a fake trap feeds calls and records answers, a fake ptrace "maps" rings, and an engine answers by script.
 *
 * The archive's notify.o and remote.o are not linked: every function of theirs is defined here.
 */
#ifndef DISPATCH_RIG_H
#define DISPATCH_RIG_H

#include "dispatch.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "complete.h"
#include "log.h"
#include "notify.h"
#include "remote.h"
#include "unit.h"
#include "workers.h"

enum { THREADS = 4, KIDS = 2, CALLS = 64, IOS = 256, RINGS = 8, DATA_BYTES = 2 << 20 };

/* At the same address in the test and in the program. */
struct area {
	volatile pid_t tid[KIDS][THREADS];
	volatile pid_t vfork_tid;
	uint32_t header[RINGS];		/* what stands at a handle: the ring's id */
	uint64_t ctxp;
	uint64_t list[IOS];
	struct iocb cb[IOS];
	struct ring_event events[IOS];
	struct timespec timeout;
	struct iovec vec[8];
	char data[DATA_BYTES] __attribute__((aligned(4096)));
	char hole[4096] __attribute__((aligned(4096)));	/* not mapped in the program */
};

struct answer {
	unsigned count;
	bool continued;
	int64_t value;
	unsigned tail;			/* of ring 0 when it was given */
};

static struct area *area;
static struct dispatch d;
static struct config cfg;
static struct pulse pulse;
static pid_t kid[KIDS];
static int command[KIDS];		/* what is written here, the program does */
static struct workers *workers;

/* --- the program --- */

static inline void *sleeper(void *tid)
{
	*(volatile pid_t *)tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

/* v: be in state D as long as the test likes (a parent waits so for its vfork child). e: exec. x: exit. */
static inline void obey(int fd)
{
	char what = 'x', *const argv[] = { (char *)(uintptr_t)"sleep", (char *)(uintptr_t)"1000", NULL };

	while (read(fd, &what, 1) == 1 && what != 'x') {
		if (what == 'v' && syscall(SYS_vfork) == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			sleeper((void *)(uintptr_t)&area->vfork_tid);
		}
		if (what == 'e')
			execv("/bin/sleep", argv);
	}
	_exit(0);
}

static inline void live(unsigned k, int fd, int ready_fd)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	munmap(area->hole, sizeof(area->hole));
	for (unsigned i = 1; i < THREADS; i++) {
		if (pthread_create(&thread, NULL, sleeper, (void *)(uintptr_t)&area->tid[k][i]))
			_exit(1);
		while (!area->tid[k][i])
			sched_yield();
	}
	area->tid[k][0] = getpid();
	if (write(ready_fd, "", 1) != 1)
		_exit(1);
	obey(fd);
}

static inline void kid_start(unsigned k)
{
	int in[2], ready[2];
	char byte;

	ck_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(ready, O_CLOEXEC) == 0);
	kid[k] = fork();
	if (kid[k] == 0)
		live(k, in[0], ready[1]);
	close(in[0]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	command[k] = in[1];
}

static inline void tell(unsigned k, char what)
{
	ck_assert_int_eq(write(command[k], &what, 1), 1);
}

static inline void kid_end(unsigned k)
{
	if (!kid[k])
		return;
	kill(kid[k], SIGKILL);
	waitpid(kid[k], NULL, 0);
	kid[k] = 0;
}

/* --- the trap --- */

static struct notice queue[CALLS];
static unsigned queued, received;
static struct answer answers[CALLS];	/* by cookie */
static bool gone[CALLS];		/* the caller was killed */
static int trap_fd = -1;
static uint32_t *rings[RINGS];		/* as the program sees them */
static unsigned ring_count_made;
static void (*on_answer)(uint64_t cookie);

bool notice_same_call(const struct notice *a, const struct notice *b)
{
	return a->nr == b->nr && a->ip == b->ip && memcmp(a->args, b->args, sizeof(a->args)) == 0;
}

struct notify *notify_open(int listener_fd)
{
	return NULL;
}

void notify_close(struct notify *n)
{
}

int notify_fd(const struct notify *n)
{
	return trap_fd;
}

int notify_waits(const struct notify *n)
{
	return received < queued;
}

int notify_receive(struct notify *n, struct notice *out)
{
	uint64_t count;

	ck_assert_uint_lt(received, queued);
	*out = queue[received++];
	if (received == queued)
		ck_assert_int_eq(read(trap_fd, &count, sizeof(count)), sizeof(count));
	return gone[out->cookie] ? -ENOENT : 1;
}

static int note_answer(uint64_t cookie, int64_t value, bool continued)
{
	struct answer *a = &answers[cookie];

	ck_assert_msg(a->count == 0, "call %u is answered twice", (unsigned)cookie);
	*a = (struct answer){ a->count + 1, continued, value, rings[0] ? rings[0][3] : 0 };
	if (on_answer)
		on_answer(cookie);
	return gone[cookie] ? -ENOENT : 0;
}

int notify_reply(struct notify *n, uint64_t cookie, int64_t value)
{
	return note_answer(cookie, value, false);
}

int notify_continue(struct notify *n, uint64_t cookie)
{
	return note_answer(cookie, 0, true);
}

bool notify_valid(struct notify *n, uint64_t cookie)
{
	return !gone[cookie] && !answers[cookie].count;
}

int notify_addfd(struct notify *n, uint64_t cookie, int fd)
{
	rings[ring_count_made] = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(rings[ring_count_made], MAP_FAILED);
	return 1000;
}

/* --- ptrace --- */

static int64_t remote_value;		/* what the call returned in the end */
static unsigned remote_unmaps;

int remote_seize(struct remote *r, pid_t tid)
{
	return 0;
}

int remote_stop(struct remote *r)
{
	return 0;
}

int64_t remote_syscall(struct remote *r, long nr, const uint64_t args[6])
{
	if (nr == SYS_munmap)
		remote_unmaps++;
	if (nr != SYS_mmap)
		return 0;
	area->header[ring_count_made] = rings[ring_count_made][0];
	return (int64_t)(uintptr_t)&area->header[ring_count_made++];
}

void remote_result(struct remote *r, int64_t value)
{
	remote_value = value;
}

void remote_restartable(struct remote *r, long nr)
{
}

void remote_sigsuspend(struct remote *r, uint64_t mask_at)
{
}

void remote_release(struct remote *r)
{
}

/* --- the engine --- */

static const char *script = "";		/* one letter for each io offered; after the last: Q */
static struct io *held[IOS];		/* by order of arrival; NULL: given back */
static char offered[IOS + 1];		/* first byte of each io's data, or the opcode's letter */
static unsigned held_count, offered_count;
static struct list given_back = { &given_back, &given_back };

static inline void fill(const struct io *io, size_t bytes)
{
	for (unsigned i = 0; i < io->iov_count && io->op == IO_READ; i++) {
		memset(io->iov[i].iov_base, 'a' + (int)(io->offset / 4096 % 26),
		       (size_t)min_u64(io->iov[i].iov_len, bytes));
		bytes -= min_u64(io->iov[i].iov_len, bytes);
	}
}

/* D done in full, S done by half, R refused, B busy, Q queued. */
static inline enum engine_answer scripted_submit(struct engine *e, struct io *io)
{
	const char what = *script ? *script++ : 'Q';

	ck_assert_uint_lt(offered_count, IOS);
	offered[offered_count++] = (char)('0' + io->offset / 4096 % 64);
	if (what == 'B')
		return ENGINE_BUSY;
	if (what == 'Q') {
		held[held_count++] = io;
		return ENGINE_QUEUED;
	}
	io->refused = what == 'R';
	io->result = what == 'R' ? -EINVAL : (int64_t)(what == 'S' ? io->length_bytes / 2 : io->length_bytes);
	fill(io, io->length_bytes);
	return ENGINE_DONE;
}

static inline void give_back(unsigned i, int64_t result)
{
	ck_assert_ptr_nonnull(held[i]);
	held[i]->result = result;
	if (result > 0)
		fill(held[i], (size_t)result);
	list_add_tail(&given_back, &held[i]->node);
	held[i] = NULL;
}

static inline int scripted_cancel(struct engine *e, struct io *io)
{
	for (unsigned i = 0; i < held_count; i++) {
		if (held[i] != io)
			continue;
		if (io->file->class != FILE_PEER && io->op != IO_POLL)
			return -ENOENT;
		give_back(i, io->op == IO_POLL ? 0 : -ECANCELED);
		return 0;
	}
	return -ENOENT;
}

static inline void scripted_close(struct engine *e)
{
}

static const struct engine_ops scripted_ops = {
	.name = "scripted",
	.submit = scripted_submit,
	.cancel = scripted_cancel,
	.close = scripted_close,
};

static struct engine scripted = { .ops = &scripted_ops };

/* What was given back comes to dispatch as one list. */
static inline void deliver(void)
{
	struct list ios;

	list_init(&ios);
	list_splice_tail(&ios, &given_back);
	complete(&d, &ios);
}

static inline void done(unsigned i, int64_t result)
{
	give_back(i, result);
	deliver();
}

/* --- calls --- */

static bool (*until)(void);

static inline bool nothing_waits(void)
{
	return received == queued;
}

static inline void turn_over(void *arg)
{
	if (until())
		loop_stop(d.loop);
}

static inline void run_until(bool (*condition)(void))
{
	until = condition;
	if (!condition())
		loop_run(d.loop);
}

/* Queues a call; it arrives with the next run of the loop. */
static inline uint64_t arrive(pid_t tid, int nr, uint64_t a, uint64_t b, uint64_t c, const void *e, const void *f)
{
	const uint64_t one = 1, cookie = queued + 1;

	ck_assert_uint_lt(cookie, CALLS);
	queue[queued++] = (struct notice){ .cookie = cookie, .tid = (uint32_t)tid, .arch = AUDIT_ARCH_X86_64,
					   .nr = nr, .args = { a, b, c, (uintptr_t)e, (uintptr_t)f, 0 } };
	ck_assert_int_eq(write(trap_fd, &one, sizeof(one)), sizeof(one));
	return cookie;
}

static inline uint64_t handle(unsigned ring)
{
	return (uintptr_t)&area->header[ring];
}

static inline uint64_t call(unsigned thread, int nr, uint64_t a, uint64_t b, uint64_t c, const void *e, const void *f)
{
	const uint64_t cookie = arrive(area->tid[0][thread], nr, a, b, c, e, f);

	run_until(nothing_waits);
	return cookie;
}

static inline struct answer answered(uint64_t cookie)
{
	ck_assert_msg(answers[cookie].count == 1, "call %u is not answered", (unsigned)cookie);
	return answers[cookie];
}

static inline bool waits(uint64_t cookie)
{
	return answers[cookie].count == 0;
}

/* list[i] = an iocb for `bytes` of data at data + 4096 * i, file offset 4096 * i. */
static inline struct iocb *prepare(unsigned i, unsigned opcode, int fd, uint64_t bytes)
{
	struct iocb *cb = &area->cb[i];

	*cb = (struct iocb){ .aio_data = i, .aio_lio_opcode = (uint16_t)opcode, .aio_fildes = (uint32_t)fd,
			     .aio_buf = opcode == IOCB_CMD_POLL ? 1 : (uintptr_t)&area->data[4096 * i],
			     .aio_nbytes = opcode == IOCB_CMD_POLL ? 0 : bytes,
			     .aio_offset = opcode == IOCB_CMD_POLL ? 0 : 4096 * (int64_t)i };
	area->list[i] = (uintptr_t)cb;
	return cb;
}

static inline uint64_t submit_on(unsigned thread, unsigned first, unsigned n)
{
	return call(thread, SYS_io_submit, handle(0), n, (uintptr_t)&area->list[first], NULL, NULL);
}

static inline uint64_t submit(unsigned first, unsigned n)
{
	return submit_on(0, first, n);
}

static inline uint64_t getevents(unsigned thread, unsigned min, unsigned nr, const struct timespec *timeout)
{
	return call(thread, SYS_io_getevents, handle(0), min, nr, area->events, timeout);
}

static inline unsigned tail(unsigned ring)
{
	return rings[ring][3];
}

static inline const struct ring_event *event(unsigned i)
{
	return (const struct ring_event *)(const void *)(rings[0] + 8) + i;
}

static inline void setup(uint32_t nr)
{
	area->ctxp = 0;
	answered(call(0, SYS_io_setup, nr, (uintptr_t)&area->ctxp, 0, NULL, NULL));
	ck_assert_int_eq(remote_value, 0);
	ck_assert_uint_eq(area->ctxp, handle(ring_count_made - 1));
}

/* --- from start to end --- */

static int file_fd, other_fd, pipe_fds[2], event_fd;	/* the program's; two memfds */

static inline void rig_files(void)
{
	file_fd = memfd_create("file", 0);
	other_fd = memfd_create("other", 0);
	ck_assert(file_fd >= 0 && other_fd >= 0 && pipe(pipe_fds) == 0);
	event_fd = eventfd(0, EFD_NONBLOCK);
	trap_fd = eventfd(0, EFD_CLOEXEC);
	ck_assert(event_fd >= 0 && trap_fd >= 0);
}

static inline void rig_open(enum config_submit mode, uint64_t buffer_bytes)
{
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(area, MAP_FAILED);
	rig_files();
	log_setup(0, true);
	kid_start(0);
	cfg = config_default();
	cfg.submit = mode;
	d = (struct dispatch){ .cfg = &cfg, .pulse = &pulse, .possible_cpus = 2, .engine = &scripted };
	d.loop = loop_create();
	workers = workers_create(d.loop, 1);
	d.buffers = buffers_create(buffer_bytes);
	d.files = file_table_create(workers);
	d.tasks = tasks_create(d.loop, life_process_left, &d);
	ck_assert_int_eq(dispatch_start(&d), 0);
	until = nothing_waits;
	ck_assert_int_eq(loop_each_turn(d.loop, turn_over, NULL), 0);
	setup(1);
}

static inline bool all_over(void)
{
	return d.outstanding == 0 && d.contexts == 0 && list_empty(&d.parked);
}

/* The program dies, what it left is finished; then nothing of it may be left. */
static inline void rig_close(void)
{
	for (unsigned i = 0; i < KIDS; i++)
		kid_end(i);
	for (unsigned i = 1; i <= queued; i++)
		gone[i] = true;
	for (unsigned i = 0; i < held_count; i++) {
		if (held[i])
			give_back(i, held[i]->op == IO_READ || held[i]->op == IO_WRITE
				     ? (int64_t)held[i]->length_bytes : 0);
	}
	deliver();
	run_until(all_over);
	ck_assert_uint_eq(buffers_used_bytes(d.buffers), 0);
	ck_assert_uint_eq(file_count(d.files), 0);
	ck_assert_uint_eq(d.aio_nr, 0);
	ck_assert_uint_eq(d.orphans, 0);
	tasks_destroy(d.tasks);
	file_table_destroy(d.files);
	buffers_destroy(d.buffers);
	workers_destroy(workers);
	loop_unwatch(d.listener);
	loop_timer_stop(d.loop, &d.watch);
	loop_destroy(d.loop);
}

#endif
