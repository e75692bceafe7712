/* SPDX-License-Identifier: MIT */
/*
 * Section 15: what another process sees of the requests of one that ends: the eventfd that both of
 * them have, the pipe that a request held, the data.
 */
#include "victim.h"

#include <sys/eventfd.h>

#define BLOCKS 8
#define BLOCK 65536ul

static int polled[2], event_fd, file;
static char *data;
static const char *self;

static struct iocb *with_eventfd(struct iocb *cb)
{
	cb->aio_flags = IOCB_FLAG_RESFD;
	cb->aio_resfd = event_fd;
	return cb;
}

/* A POLL that waits and writes that are in flight where O_DIRECT makes them so. */
static void submit(char fill)
{
	static struct iocb cb[BLOCKS + 1];
	struct iocb *list[BLOCKS + 1];
	aio_context_t ctx = aio_context(32);

	memset(data, fill, BLOCKS * BLOCK);
	list[0] = with_eventfd(prep_poll(&cb[0], polled[0], POLLIN));
	for (unsigned i = 0; i < BLOCKS; i++)
		list[i + 1] = with_eventfd(prep(&cb[i + 1], IOCB_CMD_PWRITE, file, data + i * BLOCK,
						BLOCK, i * BLOCK));
	need(aio_submit(ctx, BLOCKS + 1, list) == BLOCKS + 1);
}

static void exits(void)
{
	_exit(3);
}

static void is_killed(void)
{
	raise(SIGKILL);
}

static void executes(void)
{
	execl(self, self, "ends", (char *)NULL);
}

static void destroys(void)
{
	aio_context_t ctx = aio_context(1);

	aio_destroy(ctx);
	_exit(4);
}

static unsigned blocks_with(char fill)
{
	char *back = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned good = 0;

	for (unsigned i = 0; i < BLOCKS; i++) {
		need(pread(file, back, BLOCK, i * BLOCK) == (ssize_t)BLOCK);
		good += back[0] == fill && !memcmp(back, back + 1, BLOCK - 1);
	}
	munmap(back, BLOCK);
	return good;
}

static void ending(const char *name, void (*end)(void), char fill)
{
	pid_t pid = victim_fork();
	struct pollfd hangup = { .events = POLLIN };
	uint64_t count = 0;
	char tag[64];
	int status;

	if (!pid) {
		close(polled[1]);
		submit(fill);
		end();
		_exit(99);
	}
	status = wait_child(pid);
	snprintf(tag, sizeof(tag), "15.heirs/%s-status", name);
	obs_num(tag, status);
	hangup.fd = event_fd;
	poll(&hangup, 1, 2000);
	for (unsigned tries = 0; tries < 100 && count < BLOCKS + 1; tries++) {
		uint64_t n = 0;

		if (read(event_fd, &n, sizeof(n)) < 0)
			poll(&hangup, 1, 10);
		count += n;
	}
	snprintf(tag, sizeof(tag), "15.heirs/%s-eventfd", name);
	obs_num(tag, count);
	snprintf(tag, sizeof(tag), "15.heirs/%s-written", name);
	obs_num(tag, blocks_with(fill));
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return 5;
	self = argv[0];
	victim_start();
	need(!pipe(polled));
	event_fd = eventfd(0, EFD_NONBLOCK);
	data = mmap(NULL, BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	file = tmp_open(O_RDWR);
	need(!ftruncate(file, BLOCKS * BLOCK) && data != MAP_FAILED);
	need(write(file, data, BLOCKS * BLOCK) == (ssize_t)(BLOCKS * BLOCK) && !fsync(file));
	fcntl(file, F_SETFL, O_DIRECT);
	ending("exit", exits, 'e');
	ending("kill", is_killed, 'k');
	ending("exec", executes, 'x');
	ending("exit-with-two-contexts", destroys, 'd');
	aio_destroy(aio_context(1));
	return victim_end();
}
