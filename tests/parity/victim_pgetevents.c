/* SPDX-License-Identifier: MIT */
/* Section 12: io_pgetevents, the signal mask that it installs for the wait. */
#include "victim.h"

#include <pthread.h>

struct usig {
	const sigset_t *set;
	size_t size;
};

static aio_context_t ctx;
static int zero_fd;
static volatile sig_atomic_t handled;
static sigset_t none, usr1;

static void handler(int sig)
{
	handled++;
}

static void produce(void)
{
	static struct iocb cb;
	static char byte;

	need(aio_submit1(ctx, prep(&cb, IOCB_CMD_PREAD, zero_fd, &byte, 1, 0)) == 1);
}

static void arguments(void)
{
	struct timespec now = { 0 };
	struct io_event ev;
	struct usig null_set = { NULL, 77 }, size4 = { &none, 4 }, size0 = { &none, 0 };
	struct usig bad_set = { (void *)KERNEL_ADDRESS, 8 };
	struct usig bad_both = { (void *)KERNEL_ADDRESS, 4 };
	struct usig good = { &none, 8 };
	void *bad = (void *)KERNEL_ADDRESS;

	obs_num("12.null-set/usig-null", aio_pgetevents(ctx, 0, 1, &ev, &now, NULL));
	obs_num("12.null-set/sigset-null-size-ignored", aio_pgetevents(ctx, 0, 1, &ev, &now, &null_set));
	obs_num("12.order/good", aio_pgetevents(ctx, 0, 1, &ev, &now, &good));
	obs_num("12.order/bad-timeout", aio_pgetevents(ctx, 0, 1, &ev, bad, &good));
	obs_num("12.order/bad-timeout-bad-size", aio_pgetevents(ctx, 0, 1, &ev, bad, &size4));
	obs_num("12.order/bad-usig", aio_pgetevents(ctx, 0, 1, &ev, &now, bad));
	obs_num("12.order/bad-usig-bad-ctx", aio_pgetevents(0, 0, 1, &ev, &now, bad));
	obs_num("12.order/size-4", aio_pgetevents(ctx, 0, 1, &ev, &now, &size4));
	obs_num("12.order/size-0", aio_pgetevents(ctx, 0, 1, &ev, &now, &size0));
	obs_num("12.order/size-4-bad-ctx", aio_pgetevents(0, 0, 1, &ev, &now, &size4));
	obs_num("12.order/bad-set", aio_pgetevents(ctx, 0, 1, &ev, &now, &bad_set));
	obs_num("12.order/bad-set-bad-size", aio_pgetevents(ctx, 0, 1, &ev, &now, &bad_both));
	obs_num("12.order/bad-ctx", aio_pgetevents(0, 0, 1, &ev, &now, &good));
	obs_num("12.order/min-above-nr", aio_pgetevents(ctx, 2, 1, &ev, &now, &good));
	obs_num("12.order/min-minus-1", aio_pgetevents(ctx, -1, 1, &ev, &now, &good));
	obs_num("12.order/nr-minus-1", aio_pgetevents(ctx, 0, -1, &ev, &now, &good));
	produce();
	obs_num("12.order/events-null", aio_pgetevents(ctx, 1, 1, NULL, &now, &good));
	obs_num("12.order/one", aio_pgetevents(ctx, 1, 1, &ev, NULL, &good));
}

/* SIGUSR1 is blocked and pending; the call's mask lets it in. */
static void pending(const char *tag, aio_context_t in, long min, struct timespec *timeout)
{
	struct usig open = { &none, 8 };
	struct io_event ev;
	sigset_t now;
	int before = handled;
	long ret;

	raise(SIGUSR1);
	ret = aio_pgetevents(in, min, 1, &ev, timeout, &open);
	sigprocmask(SIG_SETMASK, NULL, &now);
	obs(tag, "%s, handled %d, then %s", num(ret), handled - before,
	    sigismember(&now, SIGUSR1) ? "blocked" : "open");
}

static void pending_signals(void)
{
	struct timespec now = { 0 }, limit = { .tv_sec = 20 };

	on_signal(SIGUSR1, handler, 0);
	pending("12.nothing/waiting", ctx, 1, NULL);
	pending("12.nothing/zero-timeout", ctx, 1, &now);
	pending("12.nothing/min-0", ctx, 0, &now);
	produce();
	pending("12.one-event/pending", ctx, 1, &limit);
	pending("12.error/bad-ctx", 0, 1, &now);
	pending("12.error/min-above-nr", ctx, 2, &now);
	on_signal(SIGUSR1, handler, SA_RESTART);
	pending("12.nothing/waiting-sa-restart", ctx, 1, NULL);
}

/* Without a mask the blocked signal stays out. */
static void still_blocked(void)
{
	struct timespec soon = { .tv_nsec = 20000000 };
	struct usig closed = { &usr1, 8 };
	struct io_event ev;
	int before = handled;

	raise(SIGUSR1);
	obs_num("12.blocked/no-mask", aio_pgetevents(ctx, 1, 1, &ev, &soon, NULL));
	obs_num("12.blocked/same-mask", aio_pgetevents(ctx, 1, 1, &ev, &soon, &closed));
	obs_num("12.blocked/getevents", aio_getevents(ctx, 1, 1, &ev, &soon));
	obs_num("12.blocked/handled", handled - before);
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	obs_num("12.blocked/handled-when-unblocked", handled - before);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
}

/* --- signals that come while the call waits -------------------------------------------------- */

static void *sender(void *arg)
{
	pid_t waiter = *(pid_t *)arg;

	wait_blocked(getpid(), waiter, SYS_io_pgetevents);
	syscall(SYS_tgkill, getpid(), waiter, SIGUSR1);
	return NULL;
}

static void arriving(const char *tag, const sigset_t *own, const sigset_t *in_call,
		     struct timespec *timeout)
{
	struct usig usig = { in_call, 8 };
	pid_t self = gettid();
	struct io_event ev;
	pthread_t thread;
	sigset_t all;
	int before = handled;
	long ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	need(!pthread_create(&thread, NULL, sender, &self));
	pthread_sigmask(SIG_SETMASK, own, NULL);
	ret = aio_pgetevents(ctx, 1, 1, &ev, timeout, &usig);
	pthread_join(thread, NULL);
	obs(tag, "%s, handled %d", num(ret), handled - before);
	pthread_sigmask(SIG_SETMASK, &usr1, NULL);
}

static void arriving_signals(void)
{
	struct timespec limit = { .tv_sec = 20 }, soon = { .tv_nsec = 300000000 };

	on_signal(SIGUSR1, handler, SA_RESTART);
	arriving("12.arriving/opened-by-mask", &usr1, &none, &limit);
	arriving("12.arriving/open-before-and-in", &none, &none, &limit);
	arriving("12.arriving/closed-by-mask", &none, &usr1, &soon);
}

int main(void)
{
	victim_start();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ctx = aio_context(8);
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_SETMASK, &usr1, NULL);
	arguments();
	pending_signals();
	still_blocked();
	arriving_signals();
	return victim_end();
}
