/* SPDX-License-Identifier: MIT */
/*
 * A loop that has not turned for a second is stuck if it sleeps, or if it computes. If it can run
 * and gets no CPU, the machine is overloaded and nothing here is to blame: measured, 6 s without
 * one at nice 10 among 20 busy processes.
 */
#include <string.h>
#include <sys/uio.h>

#include "guardian_impl.h"
#include "log.h"
#include "pulse.h"
#include "tracee.h"
#include "trap.h"

#define COMPUTES_NS (NSEC_PER_SEC / 4)

/* The text comes from a process that may have gone wrong: read as a stranger's, then cleaned. */
static void read_step(const char *step, char out[32])
{
	struct iovec to = { .iov_base = out, .iov_len = 31 };
	struct iovec from = { .iov_base = (void *)(uintptr_t)step, .iov_len = 31 };

	memset(out, 0, 32);
	if (!step || process_vm_readv(getpid(), &to, 1, &from, 1, 0) <= 0)
		strcpy(out, "something");
	for (char *c = out; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

static void say_stuck(const struct pulse *p)
{
	char step[32];
	char number[16];
	unsigned pid = atomic_load(&p->pid);
	unsigned nr = atomic_load(&p->call);
	const char *name = trap_call_name(nr);

	read_step(atomic_load(&p->step), step);
	snprintf(number, sizeof(number), "%u", nr);
	if (pid)
		log_warn("the supervisor is stuck in %s for a call %s of %u (descriptor %d)", step,
			 name ? name : number, pid, atomic_load(&p->fd));
	else
		log_warn("the supervisor is stuck in %s", step);
}

bool pulse_stuck(struct pulse_watch *w, uint64_t turn, char state, uint64_t cpu_ns)
{
	if (state != 'R')
		return true;
	if (turn == w->running_turn)
		return cpu_ns - w->running_cpu_ns >= COMPUTES_NS;
	w->running_turn = turn;
	w->running_cpu_ns = cpu_ns;
	return false;
}

/* Of all its threads: the others hardly compute. */
static uint64_t cpu_time_ns(pid_t pid)
{
	struct timespec used = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		return 0;
	return (uint64_t)used.tv_sec * NSEC_PER_SEC + (uint64_t)used.tv_nsec;
}

void pulse_watch_init(struct pulse_watch *w, const struct pulse *pulse, pid_t supervisor)
{
	*w = (struct pulse_watch){
		.pulse = pulse,
		.supervisor = supervisor,
		.stat_fd = tracee_open_stat(supervisor, supervisor),
		.named_turn = UINT64_MAX,
		.running_turn = UINT64_MAX,
	};
}

void pulse_check(struct pulse_watch *w)
{
	uint64_t since_ns = atomic_load(&w->pulse->busy_since_ns);
	uint64_t turn = atomic_load(&w->pulse->turns);

	if (!since_ns || now_ns() < since_ns + NSEC_PER_SEC || turn == w->named_turn)
		return;
	if (!pulse_stuck(w, turn, tracee_state(w->stat_fd), cpu_time_ns(w->supervisor)))
		return;
	w->named_turn = turn;
	say_stuck(w->pulse);
}
