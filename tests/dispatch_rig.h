/* SPDX-License-Identifier: MIT */
/*
 * The room behind the doors with everything around it under the test's control: a forked process stands in for
 * the program. Its memory, threads and descriptors are real; one area is shared with the test, so that both can
 * look at it.
 */
#ifndef DISPATCH_RIG_H
#define DISPATCH_RIG_H

#include "dispatch_fakes.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "log.h"
#include "workers.h"

static struct config cfg;
static struct pulse pulse;
static pid_t kid[KIDS];
static int command[KIDS];		/* what is written here, the program does */
static struct workers *workers;

/* --- the program --- */

static inline void *sleeper(void *tid)
{
	__atomic_store_n((pid_t *)tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return NULL;
}

/* v: be in state D as long as the test likes (a parent waits so for its vfork child). e: exec. x: exit. */
static inline void obey(int fd)
{
	char what = 'x', *const argv[] = { (char *)(uintptr_t)"sleep", (char *)(uintptr_t)"1000", NULL };

	while (read(fd, &what, 1) == 1 && what != 'x') {
		if (what == 'v' && syscall(SYS_vfork) == 0)
			sleeper((void *)(uintptr_t)&area->vfork_tid);
		if (what == 'e')
			execv("/bin/sleep", argv);
	}
	_exit(0);
}

static inline void live(unsigned k, int fd, int ready_fd)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);			/* so that a vfork child can be killed too */
	munmap(area->hole, sizeof(area->hole));
	for (unsigned i = 1; i < THREADS; i++) {
		if (pthread_create(&thread, NULL, sleeper, (void *)(uintptr_t)&area->tid[k][i]))
			_exit(1);
		while (!__atomic_load_n(&area->tid[k][i], __ATOMIC_SEQ_CST))
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

/* The other end of its commands is closed by an exec. */
static inline void wait_for_exec(unsigned k)
{
	struct pollfd p = { .fd = command[k] };

	ck_assert_int_eq(poll(&p, 1, -1), 1);
	ck_assert_int_ne(p.revents & POLLERR, 0);
}

static inline void kid_end(unsigned k)
{
	if (!kid[k])
		return;
	kill(-kid[k], SIGKILL);
	waitpid(kid[k], NULL, 0);
	kid[k] = 0;
}

/* --- calls --- */

static bool (*until)(void);

static inline bool nothing_waits(void)
{
	return received == queued && list_empty(&d.later);	/* long work is continued */
}

static inline bool nobody_is_parked(void)
{
	return list_empty(&d.parked);
}

static inline bool last_is_answered(void)
{
	return answers[queued].count;
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
	d = (struct dispatch){ .cfg = &cfg, .pulse = &pulse, .possible_cpus = 2,
				.space_end = 0x7ffffffff000, .engine = &scripted };
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

static inline int is_there(struct mm *mm, void *arg)
{
	return 1;
}

static inline bool all_over(void)
{
	return !d.outstanding && !d.contexts && list_empty(&d.parked) && !tasks_for_mms(d.tasks, is_there, NULL);
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
	loop_timer_stop(d.loop, &d.late_timer);
	loop_destroy(d.loop);
}

#endif
