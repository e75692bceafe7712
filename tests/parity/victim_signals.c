/* SPDX-License-Identifier: MIT */
/*
 * A timer interrupts the program all the time: each request is done exactly once, whatever happens
 * to the call. Without SA_RESTART a trapped call may end with EINTR before it is received (section
 * 19); then nothing of it has been done, and the program does it again.
 */
#include "victim.h"

#define WRITES 20000

static volatile sig_atomic_t handled;

static void handler(int sig)
{
	handled++;
}

static timer_t start_timer(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec every = { { 0, 500000 }, { 0, 500000 } };
	timer_t timer;

	need(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	need(!timer_settime(timer, 0, &every, NULL));
	return timer;
}

static unsigned take_all(struct ring *ring, unsigned *good)
{
	unsigned taken = 0;

	for (; ring->head != ring->tail; taken++) {
		if (ring->event[ring->head].res != 4)
			victim_tell("event", ring->event[ring->head].res);
		*good += ring->event[ring->head].res == 4;
		ring->head = (ring->head + 1) % ring->nr;
	}
	return taken;
}

static void interrupted(const char *name, int flags, unsigned batch)
{
	static uint32_t numbers[WRITES], back[WRITES];
	aio_context_t ctx = aio_context(64);
	struct ring *ring = ring_of(ctx);
	struct iocb cb[8], *list[8];
	int fd = tmp_open(O_RDWR | O_APPEND);
	unsigned accepted = 0, broken = 0, refused = 0, events = 0, good = 0;
	timer_t timer;
	char tag[64];

	on_signal(SIGUSR1, handler, flags);
	timer = start_timer();
	while (accepted < WRITES) {
		/* a list may have been accepted in part */
		const unsigned n = WRITES - accepted < batch ? WRITES - accepted : batch;
		long ret;

		for (unsigned i = 0; i < n; i++) {
			numbers[accepted + i] = accepted + i;
			list[i] = prep(&cb[i], IOCB_CMD_PWRITE, fd, &numbers[accepted + i], 4, 0);
		}
		ret = aio_submit(ctx, n, list);
		accepted += ret > 0 ? ret : 0;
		broken += ret == -EINTR;
		refused += ret <= 0 && ret != -EINTR;
		events += take_all(ring, &good);
	}
	timer_delete(timer);
	while (events < accepted)	/* --submit=async */
		events += take_all(ring, &good);
	snprintf(tag, sizeof(tag), "19.%ssize-minus-sum", name);
	obs_num(tag, file_size(fd) - 4l * accepted);
	snprintf(tag, sizeof(tag), "19.%seach-once-in-order", name);
	obs_yes(tag, pread(fd, back, sizeof(back), 0) == sizeof(back) &&
		!memcmp(numbers, back, sizeof(back)));
	snprintf(tag, sizeof(tag), "19.%sevents", name);
	obs(tag, "%u good %u", events, good);
	snprintf(tag, sizeof(tag), "19.%srefused", name);
	obs_num(tag, refused);
	if (flags & SA_RESTART) {
		snprintf(tag, sizeof(tag), "19.killable/eintr-%u-each", batch);
		obs_num(tag, broken);
	}
	aio_destroy(ctx);
	close(fd);
}

int main(void)
{
	victim_start();
	interrupted("restart/", SA_RESTART, 1);
	interrupted("no-restart/", 0, 1);
	interrupted("restart/lists-", SA_RESTART, 8);
	interrupted("no-restart/lists-", 0, 8);
	obs_yes("19.restart/signals-came", handled > 0);
	return victim_end();
}
