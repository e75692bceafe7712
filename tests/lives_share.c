/* SPDX-License-Identifier: MIT */
/* Who shares the address space: what it has submitted lives on there, however it ends. */
#include "lives.h"

static io_context_t ctx;

static int sharer_submits(void *arg)
{
	return write_blocks(ctx, 0, DEPTH / 2, *(char *)arg) == DEPTH / 2 ? 7 : 8;
}

static int sharer_execs(void *arg)
{
	sharer_submits(arg);
	execl("/bin/true", "true", (char *)NULL);
	return 9;
}

static int sharer_waits(void *arg)
{
	sharer_submits(arg);
	while (getppid())
		pause();
	return 9;
}

/* However the child ends, what it has submitted belongs to the address space, which lives on. */
static void share(int (*child)(void *), int flags, int status, char c)
{
	pid_t pid = clone(child, stack_top(), CLONE_VM | CLONE_FILES | SIGCHLD | flags, &c);

	need(pid > 0);
	if (child == sharer_waits) {
		expect(reap(ctx, 1));
		kill(pid, SIGKILL);
	}
	expect(wait_child(pid) == status);
	expect(reap(ctx, DEPTH / 2 - (child == sharer_waits)));
	expect(file_is(0, DEPTH / 2, c));
	expect(round_trip(ctx, DEPTH, DEPTH / 2, c));
}

/* What a sharer has asked for belongs to the address space that it leaves, not to its new image. */
#define PLACE ((char *)0x100000000000)

static int pipe_to_read[2], image_ready[2], image_end[2];

static char *place(char c)
{
	char *at = mmap(PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	need(at == PLACE);
	memset(at, c, PAGE);
	return at;
}

static int sharer_reads_and_execs(void *arg)
{
	static struct iocb cb, *list = &cb;
	char ready[16], end[16];

	io_prep_pread(&cb, pipe_to_read[0], PLACE, 64, 0);
	if (io_submit(ctx, 1, &list) != 1)
		return 8;
	snprintf(ready, sizeof(ready), "%d", image_ready[1]);
	snprintf(end, sizeof(end), "%d", image_end[0]);
	execl("/proc/self/exe", "victim_lives", "image", file, ready, end, (char *)NULL);
	return 9;
}

int scene_image(char **argv)
{
	char *at = place('i'), c;

	need(write(atoi(argv[3]), "x", 1) == 1 && read(atoi(argv[4]), &c, 1) == 1);
	for (unsigned i = 0; i < PAGE; i++)
		expect(at[i] == 'i');
	return done();
}

static void share_and_leave(int flags)
{
	char data[64], c, *at = place('p');
	struct io_event ev;
	pid_t pid;

	memset(data, 'd', sizeof(data));
	need(!pipe2(pipe_to_read, O_CLOEXEC) && !pipe(image_ready) && !pipe(image_end));
	pid = clone(sharer_reads_and_execs, stack_top(), CLONE_VM | SIGCHLD | flags, NULL);
	need(pid > 0 && read(image_ready[0], &c, 1) == 1);
	need(write(pipe_to_read[1], data, sizeof(data)) == sizeof(data));
	expect(io_getevents(ctx, 1, 1, &ev, NULL) == 1 && ev.res == sizeof(data));
	expect(memcmp(at, data, sizeof(data)) == 0);
	need(write(image_end[1], "x", 1) == 1);
	expect(wait_child(pid) == 0);
	for (int i = 0; i < 2; i++) {
		close(pipe_to_read[i]);
		close(image_ready[i]);
		close(image_end[i]);
	}
}

int scene_share(char **argv)
{
	ctx = setup(DEPTH);
	share_and_leave(0);
	share_and_leave(CLONE_VFORK);
	for (int i = 0; i < 10; i++) {
		share(sharer_submits, CLONE_VFORK, 7, 'a');
		share(sharer_execs, CLONE_VFORK, 0, 'b');
		share(sharer_submits, 0, 7, 'c');
		share(sharer_execs, 0, 0, 'd');
		share(sharer_waits, 0, 128 + SIGKILL, 'e');
	}
	return done();
}
