/* SPDX-License-Identifier: MIT */
/*
 * Section 7: a list is worked off entry by entry, so what a read has put somewhere is what a later
 * entry of the same list finds there: as its data, its vector, its iocb, or its place in the list.
 */
#include "victim.h"

#define MANY 100

static aio_context_t ctx;
static int file, other, zero_fd;
static struct io_event ev[MANY];

/* What the next read of the file at this offset gives. */
static void put(const void *data, size_t bytes, off_t offset)
{
	need(pwrite(file, data, bytes, offset) == (ssize_t)bytes);
}

static long submit_and_reap(long n, struct iocb **list, long *events)
{
	long ret = aio_submit(ctx, n, list);

	memset(ev, 0, sizeof(ev));
	*events = ret > 0 ? reap(ctx, ret, ev) : 0;
	return ret;
}

static void data(void)
{
	struct iocb cb[4], *list[4] = { &cb[0], &cb[1], &cb[2], &cb[3] };
	char buf[16] = "stale", vec[16] = "stale", back[32] = "";
	struct iovec iov = { vec, 5 };
	long events;

	put("freshFRESH", 10, 0);
	prep(&cb[0], IOCB_CMD_PREAD, file, buf, 5, 0);
	prep(&cb[1], IOCB_CMD_PWRITE, other, buf, 5, 0);
	prep(&cb[2], IOCB_CMD_PREAD, file, vec, 5, 5);
	prep(&cb[3], IOCB_CMD_PWRITEV, other, &iov, 1, 5);
	obs_num("7.list-order/read-write", submit_and_reap(4, list, &events));
	obs_num("7.list-order/read-write-events", events);
	obs("7.list-order/read-write-content", "%s", pread(other, back, 10, 0) == 10 ? back : "none");
}

static void vector(void)
{
	static char here[8], there[8];
	struct iovec iov = { here, 4 }, fresh = { there, 5 };
	struct iocb cb[2], *list[2] = { &cb[0], &cb[1] };
	long events;

	put(&fresh, sizeof(fresh), 100);
	put("vector", 6, 200);
	prep(&cb[0], IOCB_CMD_PREAD, file, &iov, sizeof(iov), 100);
	prep(&cb[1], IOCB_CMD_PREADV, file, &iov, 1, 200);
	obs_num("7.list-order/vector", submit_and_reap(2, list, &events));
	obs("7.list-order/vector-res", "%s %s", num(ev[0].res), num(ev[1].res));
	obs("7.list-order/vector-content", "'%s' '%s'", here, there);
}

/* The read replaces the iocb that comes next, or after it, beyond what one look fetches. */
static void iocb(unsigned victim)
{
	static struct iocb cb[MANY], *list[MANY];
	struct iocb fresh;
	char tag[64], byte[64];
	long events, ret;

	for (unsigned i = 0; i < MANY; i++) {
		list[i] = prep(&cb[i], IOCB_CMD_PREAD, zero_fd, byte, 1, 0);
		cb[i].aio_data = i;
	}
	prep(&fresh, IOCB_CMD_PREAD, zero_fd, byte, 7, 0);
	fresh.aio_data = 1234;
	put(&fresh, sizeof(fresh), 0);
	prep(&cb[0], IOCB_CMD_PREAD, file, &cb[victim], sizeof(fresh), 0);
	ret = submit_and_reap(MANY, list, &events);
	snprintf(tag, sizeof(tag), "7.copied/iocb-%u", victim);
	obs(tag, "%s, data %llu res %s", num(ret), ev[victim].data, num(ev[victim].res));
	fresh.aio_reserved2 = 1;
	put(&fresh, sizeof(fresh), 0);
	prep(&cb[0], IOCB_CMD_PREAD, file, &cb[victim], sizeof(fresh), 0);
	snprintf(tag, sizeof(tag), "7.copied/iocb-%u-refused", victim);
	obs_num(tag, submit_and_reap(MANY, list, &events));
}

/* It replaces itself: what was copied counts. */
static void itself(void)
{
	struct iocb cb, fresh, *list[] = { &cb };
	long events;

	memset(&fresh, 0xee, sizeof(fresh));
	put(&fresh, sizeof(fresh), 0);
	prep(&cb, IOCB_CMD_PREAD, file, &cb, sizeof(cb), 0);
	cb.aio_data = 77;
	obs_num("7.copied/itself", submit_and_reap(1, list, &events));
	obs("7.copied/itself-event", "%llu %d %s", ev[0].data, ev[0].obj == (uintptr_t)&cb,
	    num(ev[0].res));
	obs_yes("7.copied/itself-overwritten", !memcmp(&cb, &fresh, sizeof(cb)));
}

/* It replaces an entry of the list. */
static void pointer(void)
{
	struct iocb cb[3], *list[] = { &cb[0], &cb[1], &cb[1] }, *null = NULL, *fresh = &cb[2];
	char byte[8];
	long events;

	prep(&cb[0], IOCB_CMD_PREAD, file, &list[2], sizeof(fresh), 0);
	prep(&cb[1], IOCB_CMD_PREAD, zero_fd, byte, 1, 0);
	prep(&cb[2], IOCB_CMD_PREAD, zero_fd, byte, 2, 0);
	put(&fresh, sizeof(fresh), 0);
	obs_num("7.lazy/list", submit_and_reap(3, list, &events));
	obs("7.lazy/list-res", "%s %s %s", num(ev[0].res), num(ev[1].res), num(ev[2].res));
	list[2] = &cb[1];
	put(&null, sizeof(null), 0);
	obs_num("7.lazy/list-null", submit_and_reap(3, list, &events));
}

/* What has to come from the disk first, which --submit=auto does not wait for. */
static void cold(void)
{
	static char buf[4 * PAGE], back[4 * PAGE];
	struct iocb cb[5], *list[5];
	struct iovec iov = { buf, PAGE };
	long events;

	for (int i = 0; i < 5; i++)
		list[i] = &cb[i];
	memset(buf, 'c', sizeof(buf));
	put(buf, sizeof(buf), 0);
	memset(buf, '-', sizeof(buf));
	drop_cache(file);
	prep(&cb[0], IOCB_CMD_PREAD, file, buf, PAGE, 0);
	prep(&cb[1], IOCB_CMD_PREAD, file, buf + PAGE, PAGE, 2 * PAGE);
	prep(&cb[2], IOCB_CMD_PWRITE, other, buf + PAGE, PAGE, PAGE);
	prep(&cb[3], IOCB_CMD_PWRITEV, other, &iov, 1, 0);
	prep(&cb[4], IOCB_CMD_PREAD, other, back, 2 * PAGE, 0);
	obs_num("7.list-order/cold", submit_and_reap(5, list, &events));
	obs("7.list-order/cold-events", "%s", num(events));
	obs("7.list-order/cold-content", "%c %c %c %c", buf[0], buf[2 * PAGE - 1], back[0],
	    back[2 * PAGE - 1]);
}

/* Were the write of a chain refused, its read would wait for ever. */
static pid_t rescuer(int pipe_fd)
{
	pid_t pid = fork();

	need(pid >= 0);
	if (!pid) {
		poll(NULL, 0, VICTIM_SECONDS * 1000 / 2);	/* a limit, not a wait */
		_exit(write(pipe_fd, "rescued", 7) != 7);
	}
	return pid;
}

/* Through one pipe, and through one file, a list is a chain. */
static void chains(void)
{
	struct iocb cb[6], *list[6];
	char a[16] = "", b[16] = "", back[16] = "";
	long events;
	pid_t pid;
	int p[2];

	need(!pipe(p));
	pid = rescuer(p[1]);
	put("through", 7, 0);
	prep(&cb[0], IOCB_CMD_PREAD, file, a, 7, 0);
	prep(&cb[1], IOCB_CMD_PWRITE, p[1], a, 7, 0);
	prep(&cb[2], IOCB_CMD_PREAD, p[0], b, 7, 0);
	prep(&cb[3], IOCB_CMD_PWRITE, other, b, 7, 0);
	prep(&cb[4], IOCB_CMD_PREAD, other, back, 7, 0);
	prep(&cb[5], IOCB_CMD_PWRITE, p[1], back, 7, 0);
	for (int i = 0; i < 6; i++)
		list[i] = &cb[i];
	obs_num("7.list-order/chain", submit_and_reap(6, list, &events));
	need(!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid);
	obs("7.list-order/chain-content", "%s %s %s", a, b, back);
	memset(a, 0, sizeof(a));
	need(!fcntl(p[0], F_SETFL, O_NONBLOCK));
	obs("7.list-order/chain-end", "%s", read(p[0], a, 16) == 7 ? a : "none");
}

int main(void)
{
	victim_start();
	ctx = aio_context(MANY);
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	file = tmp_open(O_RDWR);
	other = tmp_open(O_RDWR);
	data();
	vector();
	iocb(1);
	iocb(20);
	iocb(40);
	iocb(90);
	itself();
	pointer();
	cold();
	chains();
	return victim_end();
}
