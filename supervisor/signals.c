/* SPDX-License-Identifier: MIT */
/*
 * Masks go through rt_sigprocmask(2) itself, since libc leaves out its own two signals, 32 and 33.
 */
#include "signals.h"

#include <string.h>
#include <sys/syscall.h>

#include "util.h"

#define SIGNAL_COUNT 64

static uint64_t signal_bit(int signo)
{
	return 1ull << (signo - 1);
}

static void signals_set_mask(int how, uint64_t mask, uint64_t *old)
{
	syscall(SYS_rt_sigprocmask, how, &mask, old, sizeof(mask));
}

void signals_save(struct signal_state *out)
{
	signals_set_mask(SIG_BLOCK, 0, &out->mask);
	out->ignored = 0;
	for (int signo = 1; signo <= SIGNAL_COUNT; signo++) {
		struct sigaction act;

		if (sigaction(signo, NULL, &act) == 0 && act.sa_handler == SIG_IGN)
			out->ignored |= signal_bit(signo);
	}
}

void signals_restore(const struct signal_state *s)
{
	for (int signo = 1; signo <= SIGNAL_COUNT; signo++)
		signal(signo, s->ignored & signal_bit(signo) ? SIG_IGN : SIG_DFL);
	signals_set_mask(SIG_SETMASK, s->mask, NULL);
}

sigset_t signals_block_all(void)
{
	sigset_t all;

	memset(&all, 0xff, sizeof(all));
	signals_set_mask(SIG_SETMASK, UINT64_MAX, NULL);
	return all;
}

void signals_take_default(int signo)
{
	struct sigaction before;
	struct sigaction by_default = { .sa_handler = SIG_DFL };

	sigaction(signo, &by_default, &before);
	kill(getpid(), signo);
	signals_set_mask(SIG_UNBLOCK, signal_bit(signo), NULL);
	signals_set_mask(SIG_BLOCK, signal_bit(signo), NULL);
	sigaction(signo, &before, NULL);
}
