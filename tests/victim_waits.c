/* SPDX-License-Identifier: MIT */
/*
 * victim_waits FILE: reads 4096 bytes of FILE at 8192 by AIO and waits for it. Prints "read N", or "signal"
 * for each SIGUSR1.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void told(int signo)
{
	(void)!write(STDOUT_FILENO, "signal\n", 7);
}

int main(int argc, char **argv)
{
	static char data[4096];
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1, got;
	struct iocb cb, *list = &cb;
	io_context_t ctx = NULL;
	struct io_event event;

	signal(SIGUSR1, told);
	if (fd < 0)
		err(2, "%s", argv[1]);
	if (io_setup(1, &ctx))
		return 2;
	io_prep_pread(&cb, fd, data, sizeof(data), 8192);
	if (io_submit(ctx, 1, &list) != 1)
		return 2;
	do {
		got = io_getevents(ctx, 1, 1, &event, NULL);
	} while (got == -EINTR);
	printf("read %ld\n", got == 1 ? (long)event.res : (long)got);
	return 0;
}
