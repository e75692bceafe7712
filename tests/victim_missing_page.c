/* SPDX-License-Identifier: MIT */
/*
 * victim_missing_page FIFO: hands io_submit a buffer whose page is missing (userfaultfd) until FIFO tells, so that
 * the supervisor's copy waits. Prints what io_submit gave.
 */
#include "parity/victim_env.h"

#include <libaio.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

/* Has the descriptor, which is all that it needs. */
static void bring_page(int uffd, struct uffdio_range page, const char *fifo)
{
	struct uffdio_zeropage zero = { .range = page };
	int told = open(fifo, O_RDONLY | O_CLOEXEC);
	char c;

	need(told >= 0 && read(told, &c, 1) == 1);
	need(!ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
	syscall(SYS_kill, getpid(), SIGKILL);	/* an exit would wait for the loop */
}

int main(int argc, char **argv)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iocb cb, *list = &cb;
	io_context_t ctx = NULL;

	need(argc == 2);
	alarm(2 * VICTIM_SECONDS);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api)) {
		printf("no userfaultfd\n");
		return 0;
	}
	reg.range = (struct uffdio_range){ (uintptr_t)page, PAGE };
	need(fd >= 0 && page != MAP_FAILED && !ioctl(uffd, UFFDIO_REGISTER, &reg));
	need(io_setup(1, &ctx) == 0);
	if (!victim_fork())
		bring_page(uffd, reg.range, argv[1]);
	io_prep_pwrite(&cb, fd, page, PAGE, 0);
	printf("io_submit: %d\n", io_submit(ctx, 1, &list));
	return 0;
}
