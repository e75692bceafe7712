/* SPDX-License-Identifier: MIT */
/*
 * Theory. PTRACE_INTERRUPT of a thread that sleeps in a notification takes effect when the reply
 * has arrived: the thread runs to the border of user mode and stops there (PTRACE_EVENT_STOP) with
 * the reply in its result register and the instruction pointer just behind `syscall`. Pointing it
 * back at that instruction with other registers makes it do a system call of ours; two syscall
 * stops later the result is there. Signals are blocked meanwhile, or a pending one would stop the
 * injection half-way; SIGSTOP cannot be blocked, is swallowed, and sent again before the end.
 * Without WAIT_KILLABLE_RECV the interrupt breaks the wait off instead, and the kernel wants to
 * restart the call: orig_rax = -1 says that there is none to restart. There a signal may also have
 * come before the interrupt: the thread then stops at the start of its handler, the call is over or
 * will be made again, and its result can no more be set; system calls can still be run, from the
 * known place of the trapped one.
 *
 * A thread in a frozen cgroup may not come to its next stop for as long as it pleases. Nobody waits
 * for that: the step says -EAGAIN, and when the episode is gone through once more, from its start,
 * the system calls that were made already give their values again, and the unfinished one goes on.
 *
 * Death is possible at every step: each ptrace(2) may say ESRCH, and each wait may report the end.
 * The supervisor is then not the one who reaps, unless the thread is a process of ours (children.c
 * does that), so waits look with WNOWAIT first.
 */
#include "remote.h"

#include <assert.h>
#include <elf.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tracee.h"
#include "util.h"

#define PATIENCE_NS (20 * NSEC_PER_MSEC)	/* for each stop; then the thread is late */
#define SHORT_PATIENCE_NS NSEC_PER_MSEC	/* with what may wait for a peer */
#define TURNS_TO_LOOK 52		/* after the quick ones, then every 100 ms */
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define SYSCALL_BYTES 2
#define SYSCALL_OPCODE 0x050f

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

static int remote_died(struct remote *r)
{
	r->gone = true;
	r->stopped = false;
	r->late = false;
	return -ESRCH;
}

/* Blocks until SIGCHLD (blocked in this thread) or a short while has passed. */
static void remote_pause(struct remote *r)
{
	const struct timespec limit = { .tv_nsec = 2 * 1000 * 1000 };
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	if (sigtimedwait(&chld, NULL, &limit) == SIGCHLD)
		r->owes_chld = true;	/* it may have been meant for the reaper too */
}

/*
 * 0: it stands, *status as waitpid(2) gives it; -EAGAIN: it runs. A death is left for the reaper.
 */
static int remote_look(struct remote *r, int *status)
{
	siginfo_t info = { 0 };
	pid_t got;

	if (r->told) {
		r->told = false;
		*status = r->told_status;
		return 0;
	}
	if (waitid(P_PID, (id_t)r->tid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL))
		return errno == EINTR ? -EAGAIN : remote_died(r);
	if (!info.si_pid)
		return -EAGAIN;
	if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)
		return remote_died(r);
	do
		got = waitpid(r->tid, status, WNOHANG | __WALL);
	while (got < 0 && errno == EINTR);
	return got == r->tid && WIFSTOPPED(*status) ? 0 : remote_died(r);
}

static void remote_pay_chld(struct remote *r)
{
	if (r->owes_chld)
		raise(SIGCHLD);
	r->owes_chld = false;
}

/* After an execve of another thread, which took its number, it is not even traced. */
static bool remote_was_replaced(struct remote *r, unsigned turn)
{
	return (r->was_late || turn % TURNS_TO_LOOK == TURNS_TO_LOOK - 1) &&
	       !tracee_is_traced_by_us(r->tid);
}

/* Waits for the next stop; -EAGAIN: it is late. */
static int remote_wait(struct remote *r, int *status)
{
	const uint64_t patience_ns = r->mask ? SHORT_PATIENCE_NS : PATIENCE_NS,
		       deadline = now_ns() + (r->was_late ? 0 : patience_ns);

	for (unsigned turn = 0;; turn++) {
		const int err = remote_look(r, status);

		if (err != -EAGAIN) {
			r->was_late = false;
			return err;
		}
		if (remote_was_replaced(r, turn))
			return remote_died(r);
		if (r->was_late || now_ns() > deadline) {
			r->late = true;
			remote_pay_chld(r);
			return -EAGAIN;
		}
		if (turn > 50)
			remote_pause(r);
		else
			sched_yield();
	}
}

int remote_seize(struct remote *r, pid_t tid, uint64_t ip)
{
	*r = (struct remote){ .tid = tid, .ip = ip, .mask_kept = true };
	return ptrace(PTRACE_SEIZE, tid, NULL, (void *)PTRACE_O_TRACESYSGOOD) ? neg_errno() : 0;
}

int remote_interrupt(struct remote *r)
{
	return ptrace(PTRACE_INTERRUPT, r->tid, NULL, NULL) ? remote_died(r) : 0;
}

static int remote_get_regs(struct remote *r, struct user_regs_struct *regs)
{
	struct iovec iov = { regs, sizeof(*regs) };

	return ptrace(PTRACE_GETREGSET, r->tid, (void *)NT_PRSTATUS, &iov) ? remote_died(r) : 0;
}

static int remote_set_regs(struct remote *r, struct user_regs_struct *regs)
{
	struct iovec iov = { regs, sizeof(*regs) };

	return ptrace(PTRACE_SETREGSET, r->tid, (void *)NT_PRSTATUS, &iov) ? remote_died(r) : 0;
}

static const uint64_t all_signals = ~0ull;

static int remote_set_mask(struct remote *r, const uint64_t *mask)
{
	return ptrace(PTRACE_SETSIGMASK, r->tid, (void *)sizeof(*mask), mask) ? remote_died(r) : 0;
}

static int remote_block_signals(struct remote *r)
{
	if (ptrace(PTRACE_GETSIGMASK, r->tid, (void *)sizeof(r->old_mask), &r->old_mask))
		return remote_died(r);
	r->mask_kept = false;
	return remote_set_mask(r, &all_signals);
}

static int remote_check_instruction(struct remote *r)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, r->tid, (void *)(r->ip - SYSCALL_BYTES), NULL);
	if (errno)
		return errno == ESRCH ? remote_died(r) : -EINVAL;
	return (word & 0xffff) == SYSCALL_OPCODE ? 0 : -EINVAL;
}

/*
 * A signal came first: it is delivered, except SIGSTOP, which would stop us too. Its stop has used
 * the interrupt up (ptrace_stop() of kernel/signal.c, 6.18, clears JOBCTL_TRAP_STOP).
 */
static int remote_pass_signal(struct remote *r, int signo)
{
	if (signo == SIGSTOP) {
		r->stop_again = true;
		signo = 0;
	}
	if (remote_interrupt(r))
		return -ESRCH;
	return ptrace(PTRACE_CONT, r->tid, NULL, (void *)(long)signo) ? remote_died(r) : 0;
}

int remote_stop(struct remote *r)
{
	int status, err;

	r->was_late = r->late;
	r->late = false;
	r->replayed = 0;
	if (r->arrived)
		return r->arrived_err;
	do {
		err = remote_wait(r, &status);
		if (err)
			return err;
		r->stopped = status >> 16 == PTRACE_EVENT_STOP;
		if (!r->stopped && remote_pass_signal(r, WSTOPSIG(status)))
			return -ESRCH;
	} while (!r->stopped);
	err = remote_get_regs(r, &r->regs);
	r->regs_known = !err;
	if (!err)
		err = remote_check_instruction(r);
	if (!err)
		err = remote_block_signals(r);
	if (!err && r->regs.rip != r->ip)
		err = -EINTR;
	r->arrived = true;
	r->arrived_err = err;
	return err;
}

/* Lets it run to its next stop of any kind. */
static int remote_go_on(struct remote *r, int *status)
{
	int err;

	if (r->stopped && ptrace(PTRACE_SYSCALL, r->tid, NULL, NULL))
		return remote_died(r);
	r->stopped = false;
	err = remote_wait(r, status);
	r->stopped = !err;
	return err;
}

/* Lets it run to its next syscall stop; anything else on the way is not ours, except SIGSTOP. */
static int remote_to_syscall_stop(struct remote *r)
{
	int status, err;

	do {
		err = remote_go_on(r, &status);
		if (err)
			return err;
		if (WSTOPSIG(status) == SIGSTOP && status >> 16 == 0)
			r->stop_again = true;
	} while (WSTOPSIG(status) != SYSCALL_STOP);
	return 0;
}

static int remote_prepare(struct remote *r, long nr, const uint64_t args[6])
{
	struct user_regs_struct regs = r->regs;

	regs.rip = r->ip - SYSCALL_BYTES;
	regs.rax = (unsigned long)nr;
	regs.orig_rax = (unsigned long)-1;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	return remote_set_regs(r, &regs);
}

/* Goes on where it was when the thread was late. */
static int remote_run(struct remote *r, long nr, const uint64_t args[6], int64_t *value)
{
	struct user_regs_struct regs;
	int err = r->in_call ? 0 : remote_prepare(r, nr, args);

	r->in_call = true;
	for (; r->stops < 2 && !err; r->stops += !err) {
		err = remote_to_syscall_stop(r);
		/* no signal is delivered between the two: what it does is end the call's wait */
		if (!err && r->mask)
			err = remote_set_mask(r, r->stops ? &all_signals : r->mask);
	}
	if (!err)
		err = remote_get_regs(r, &regs);
	*value = err ? err : (int64_t)regs.rax;
	return err;
}

int64_t remote_syscall(struct remote *r, long nr, const uint64_t args[6])
{
	int64_t value;

	if (r->late || r->gone)
		return r->late ? -EAGAIN : -ESRCH;
	if (r->replayed < r->made)
		return r->values[r->replayed++];
	if (remote_run(r, nr, args, &value) == -EAGAIN)
		return -EAGAIN;
	r->in_call = false;
	r->stops = 0;
	assert(r->made < ARRAY_SIZE(r->values));
	r->values[r->made++] = value;
	r->replayed = r->made;
	return value;
}

void remote_result(struct remote *r, int64_t value)
{
	r->regs.rax = (unsigned long)value;
	r->regs.orig_rax = (unsigned long)-1;
}

void remote_repeat(struct remote *r, long nr)
{
	remote_result(r, nr);
	r->regs.rip = r->ip - SYSCALL_BYTES;
}

void remote_restartable(struct remote *r, long nr)
{
	r->regs.rax = (unsigned long)-ERESTARTNOHAND;
	r->regs.orig_rax = (unsigned long)nr;
}

/* As remote_to_syscall_stop(), but a signal that comes first ends it, and is kept. */
static int remote_to_first_stop(struct remote *r)
{
	int status, err;

	do {
		err = remote_go_on(r, &status);
		if (err)
			return err;
	} while (status >> 16 == PTRACE_EVENT_STOP);
	if (WSTOPSIG(status) == SYSCALL_STOP)
		return 0;
	r->deliver = WSTOPSIG(status);
	return -EINTR;
}

static int remote_enter_sigsuspend(struct remote *r, uint64_t mask_at)
{
	const uint64_t args[6] = { mask_at, sizeof(r->old_mask), 0, 0, 0, 0 };

	if (remote_set_mask(r, &r->old_mask))
		return -ESRCH;
	r->mask_kept = true;
	return remote_prepare(r, SYS_rt_sigsuspend, args);
}

int remote_sigsuspend(struct remote *r, uint64_t mask_at)
{
	int err = 0;

	if (!r->in_call)
		err = remote_enter_sigsuspend(r, mask_at);
	r->in_call = true;
	/*
	 * A signal that the old mask lets through too may be delivered on the way in: then that is
	 * all.
	 */
	if (!err && r->stops == 0)
		err = remote_to_first_stop(r);
	if (err)
		return err;
	/*
	 * The interrupt makes it return at once, also when another thread has taken the signal
	 * meanwhile.
	 */
	if (r->stops++ == 0)
		err = remote_interrupt(r);
	return err ? err : remote_to_first_stop(r);
}

void remote_release(struct remote *r)
{
	remote_pay_chld(r);
	/*
	 * Also if it seems to be gone: nobody else would let it run again, and of one that is, or
	 * does not stand still, the kernel refuses all this.
	 */
	if (r->regs_known)
		(void)remote_set_regs(r, &r->regs);
	if (!r->mask_kept)
		(void)ptrace(PTRACE_SETSIGMASK, r->tid, (void *)sizeof(r->old_mask), &r->old_mask);
	/* SIGSTOP as the signal of the detach: the owed stop takes place as it leaves. */
	if (r->stop_again)
		r->deliver = SIGSTOP;
	(void)ptrace(PTRACE_DETACH, r->tid, NULL, (void *)(long)r->deliver);
}
