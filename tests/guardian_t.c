/* SPDX-License-Identifier: MIT */
/*
 * The guardian with supervisors that only play theirs. Each scene runs in a process of its own,
 * whose stderr we read; `go` tells the supervisor that the line it waits for has come.
 */
#include "guardian.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guardian_impl.h"
#include "log.h"
#include "unit.h"

struct scene {
	FILE *err;		/* ours: what guardian and supervisor say */
	int go;			/* ours: write end */
	int wait_go;		/* the supervisor's */
	pid_t pid;
};

static void scene_start(struct scene *s, supervise_fn *supervise)
{
	int err[2], go[2];

	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
	s->wait_go = go[0];
	s->pid = fork();
	if (s->pid == 0) {
		dup2(err[1], STDERR_FILENO);
		close(go[1]);
		_exit(guardian_run(supervise, s, &(struct guardian_beside){ .arg = s }));
	}
	close(err[1]);
	close(go[0]);
	s->err = fdopen(err[0], "r");
	s->go = go[1];
}

static void scene_line(struct scene *s, const char *wanted)
{
	char line[256];

	ck_assert_ptr_nonnull(fgets(line, sizeof(line), s->err));
	line[strcspn(line, "\n")] = '\0';
	ck_assert_str_eq(line, wanted);
}

static void scene_go(struct scene *s)
{
	ck_assert_int_eq(write(s->go, "", 1), 1);
}

static int scene_end(struct scene *s)
{
	int wait_status;
	char rest[2];

	ck_assert_ptr_null(fgets(rest, sizeof(rest), s->err));	/* nothing more is said */
	ck_assert_int_eq(waitpid(s->pid, &wait_status, 0), s->pid);
	fclose(s->err);
	close(s->go);
	return wait_status;
}

static void until_go(const struct scene *s)
{
	char byte;

	if (read(s->wait_go, &byte, 1) != 1)
		_exit(99);
}

/* A child that waits to be killed, told to the guardian as PROGRAM. */
static pid_t play_program(const struct guardian_link *link)
{
	pid_t pid = fork();

	if (pid == 0) {
		signals_restore(&link->caller);
		for (;;)
			pause();
	}
	if (guardian_tell_started(link, pid, STDERR_FILENO) < 0)
		_exit(98);
	return pid;
}

static int gets_stuck(const struct guardian_link *link, void *arg)
{
	struct pulse *p = link->pulse;

	atomic_store(&p->pid, 42);
	atomic_store(&p->call, SYS_io_submit);
	pulse_step(p, "pwrite", 7);
	atomic_store(&p->busy_since_ns, now_ns() - 2 * NSEC_PER_SEC);
	until_go(arg);
	atomic_store(&p->pid, 0);
	pulse_step(p, "sync\033[m", -1);
	atomic_fetch_add(&p->turns, 1);
	until_go(arg);
	return 0;
}

START_TEST(a_stuck_supervisor_is_named_once_per_turn)
{
	struct scene s;

	scene_start(&s, gets_stuck);
	scene_line(&s, "aio-sandbox: the supervisor is stuck in pwrite for a call io_submit of 42 "
		       "(descriptor 7)");
	scene_go(&s);
	scene_line(&s, "aio-sandbox: the supervisor is stuck in sync?[m");
	scene_go(&s);
	ck_assert_int_eq(WEXITSTATUS(scene_end(&s)), 0);
}
END_TEST

static int loses_its_mind(const struct guardian_link *link, void *arg)
{
	pulse_step(link->pulse, (const char *)8, -1);
	atomic_store(&link->pulse->busy_since_ns, 1);
	until_go(arg);
	return 0;
}

START_TEST(a_wild_step_does_not_kill_the_guardian)
{
	struct scene s;

	scene_start(&s, loses_its_mind);
	scene_line(&s, "aio-sandbox: the supervisor is stuck in something");
	scene_go(&s);
	ck_assert_int_eq(WEXITSTATUS(scene_end(&s)), 0);
}
END_TEST

/* A busy machine is not our mistake; a turn that computes without end is. */
START_TEST(a_loop_that_gets_no_cpu_is_not_stuck)
{
	struct pulse_watch w = { .running_turn = UINT64_MAX };
	const struct {
		uint64_t turn;
		char state;
		uint64_t cpu_msec;
		bool stuck;
	} looks[] = {
		{ 1, 'R', 1000, false },
		{ 1, 'R', 1100, false },
		{ 1, 'R', 1249, false },
		{ 1, 'R', 1250, true },
		{ 2, 'R', 3000, false },
		{ 2, 'S', 3000, true },
		{ 3, 'D', 3000, true },
		{ 4, 'X', 3000, true },		/* its state cannot be read */
		{ 5, 'R', 9000, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		ck_assert_int_eq(pulse_stuck(&w, looks[i].turn, looks[i].state,
					     looks[i].cpu_msec * NSEC_PER_MSEC), looks[i].stuck);
}
END_TEST

/* We play both: who asks runs. */
START_TEST(a_loop_that_computes_without_end_is_stuck)
{
	struct pulse pulse = { .busy_since_ns = 1 };
	struct timespec used = { 0 };
	struct pulse_watch w;

	pulse_step(&pulse, "circles", -1);
	pulse_watch_init(&w, &pulse, getpid());
	pulse_check(&w);
	ck_assert_uint_eq(w.named_turn, UINT64_MAX);
	while (!used.tv_sec && used.tv_nsec < 400 * (long)NSEC_PER_MSEC)
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	pulse_check(&w);
	ck_assert_uint_eq(w.named_turn, 0);
	close_fd(&w.stat_fd);
}
END_TEST

static int fails_early(const struct guardian_link *link, void *arg)
{
	return 77;
}

START_TEST(before_program_the_status_is_the_supervisors)
{
	struct scene s;

	scene_start(&s, fails_early);
	ck_assert_int_eq(WEXITSTATUS(scene_end(&s)), 77);
}
END_TEST

static int cannot_exec(const struct guardian_link *link, void *arg)
{
	int wait_status;
	pid_t pid = play_program(link);

	kill(pid, SIGKILL);
	waitpid(pid, &wait_status, 0);
	guardian_tell_status(link, wait_status);
	guardian_tell_failed(link, EXIT_NOT_FOUND);
	return 0;
}

START_TEST(a_failed_exec_has_its_own_status)
{
	struct scene s;

	scene_start(&s, cannot_exec);
	ck_assert_int_eq(WEXITSTATUS(scene_end(&s)), EXIT_NOT_FOUND);
}
END_TEST

static int program_is_killed(const struct guardian_link *link, void *arg)
{
	int wait_status;
	pid_t pid = play_program(link);

	kill(pid, SIGTERM);
	waitpid(pid, &wait_status, 0);
	guardian_tell_status(link, wait_status);
	return 0;
}

START_TEST(the_signal_of_program_is_ours)
{
	struct scene s;

	scene_start(&s, program_is_killed);
	ck_assert_int_eq(scene_end(&s), SIGTERM);
}
END_TEST

static int gives_up(const struct guardian_link *link, void *arg)
{
	play_program(link);
	return 9;
}

static int is_killed(const struct guardian_link *link, void *arg)
{
	play_program(link);
	kill(getpid(), SIGKILL);
	return 0;
}

/* The scene's stderr ends only when PROGRAM, which holds it too, is gone. */
START_TEST(without_a_supervisor_program_is_killed)
{
	struct scene s;

	scene_start(&s, gives_up);
	scene_line(&s, "aio-sandbox: the supervisor gave up (status 9): all processes of the "
		       "program are killed");
	ck_assert_int_eq(WEXITSTATUS(scene_end(&s)), EXIT_SANDBOX);

	scene_start(&s, is_killed);
	scene_line(&s, "aio-sandbox: the supervisor was killed by signal 9 (Killed): all "
		       "processes of the program are killed");
	ck_assert_int_eq(WEXITSTATUS(scene_end(&s)), EXIT_SANDBOX);
}
END_TEST

UNIT_MAIN("guardian", a_stuck_supervisor_is_named_once_per_turn,
	  a_wild_step_does_not_kill_the_guardian, a_loop_that_gets_no_cpu_is_not_stuck,
	  a_loop_that_computes_without_end_is_stuck,
	  before_program_the_status_is_the_supervisors, a_failed_exec_has_its_own_status,
	  the_signal_of_program_is_ours, without_a_supervisor_program_is_killed)
