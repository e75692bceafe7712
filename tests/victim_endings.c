/* SPDX-License-Identifier: MIT */
/*
 * victim_endings SCENE FILE: 8 reads of FILE of which 3 are reaped by io_getevents and 2 from the
 * ring, 4 polls of a pipe that nobody writes to; then it ends. Prints how many were accepted.
 *
 *	exit crash kill		itself
 *	wait			in io_getevents, until somebody kills it
 *	destroy exec		the contexts are destroyed, another program follows
 *	child			a child does all this and is killed, then the parent does
 */
#include "parity/victim.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

enum { READS = 8, POLLS = 4, REAPED = 3, TAKEN = 2 };

static aio_context_t ctx;
static int read_done;		/* an eventfd: counts the reads */

static void submit_all(const char *path)
{
	static char data[READS][512];
	struct iocb cb[READS + POLLS], *list[READS + POLLS];
	const int fd = open(path, O_RDWR);
	int pipes[2];

	read_done = eventfd(0, 0);
	need(fd >= 0 && !pipe(pipes) && read_done >= 0);
	for (int i = 0; i < READS + POLLS; i++) {
		cb[i] = (struct iocb){ .aio_fildes = (uint32_t)(i < READS ? fd : pipes[0]),
				       .aio_lio_opcode = i < READS ? IOCB_CMD_PREAD : IOCB_CMD_POLL,
				       .aio_buf = i < READS ? (uintptr_t)data[i] : POLLIN,
				       .aio_nbytes = i < READS ? sizeof(data[i]) : 0,
				       .aio_flags = i < READS ? IOCB_FLAG_RESFD : 0,
				       .aio_resfd = (uint32_t)read_done };
		list[i] = &cb[i];
	}
	need(!syscall(SYS_io_setup, READS + POLLS, &ctx));
	dprintf(1, "accepted: %ld\n", syscall(SYS_io_submit, ctx, READS + POLLS, list));
}

static void reap_some(void)
{
	struct ring *ring = (struct ring *)ctx;
	struct io_event ev[REAPED];

	need(syscall(SYS_io_getevents, ctx, REAPED, REAPED, ev, NULL) == REAPED);
	for (uint64_t done = 0, n; done < REAPED + TAKEN; done += n)
		need(read(read_done, &n, sizeof(n)) == sizeof(n));
	ring->head += TAKEN;
}

static void end(const char *scene, const char *path)
{
	struct io_event ev[READS + POLLS];

	if (!strcmp(scene, "crash"))
		abort();
	if (!strcmp(scene, "kill"))
		raise(SIGKILL);
	if (!strcmp(scene, "wait")) {
		signal(SIGINT, SIG_DFL);	/* a shell ignores it for what runs in the background */
		dprintf(1, "waits\n");
		syscall(SYS_io_getevents, ctx, READS + POLLS, READS + POLLS, ev, NULL);
	}
	if (!strcmp(scene, "destroy"))
		need(!syscall(SYS_io_destroy, ctx));
	if (!strcmp(scene, "exec"))
		execl("/proc/self/exe", "victim_endings", "exit", path, (char *)NULL);
}

int main(int argc, char **argv)
{
	const char *scene = argv[1];

	need(argc == 3);
	if (!strcmp(scene, "child")) {
		const pid_t child = fork();

		need(child >= 0);
		if (child)
			waitpid(child, NULL, 0);
		scene = child ? "exit" : "kill";
	}
	submit_all(argv[2]);
	reap_some();
	end(scene, argv[2]);
	return 0;
}
