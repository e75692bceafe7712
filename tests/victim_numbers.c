/* SPDX-License-Identifier: MIT */
/*
 * victim_numbers SCENE: what io_setup counts in the sandbox. Prints what went wrong; nothing when
 * all is well. The scenes:
 *
 *	huge	--max-nr=3000000000, where nr wraps
 *	none	--max-nr=0
 *	cpus	slots are taken from two CPUs in turn
 *	idle	io_destroy of contexts that have nothing to do
 *	crowd	two processes with 33,000 contexts each, more than vm.max_map_count together
 */
#include "parity/victim_env.h"
#include "expect.h"

#include <libaio.h>
#include <sched.h>

static uint32_t ring_nr_of(io_context_t ctx)
{
	return ((uint32_t *)ctx)[1];
}

/* The ring.nr of a context of nr, or -errno. */
static long ring_nr(unsigned nr)
{
	io_context_t ctx = NULL;
	long ret = io_setup((int)nr, &ctx);

	if (ret < 0)
		return ret;
	ret = ring_nr_of(ctx);
	need(!io_destroy(ctx));
	return ret;
}

static void huge(void)
{
	expect(ring_nr(4194304) == ring_size(4194304));
	expect(ring_nr(0x80000001) == ring_size(1));
	expect(ring_nr(0x80400001) == -EINVAL);
}

static void none(void)
{
	expect(ring_nr(1) == -EAGAIN);
	expect(ring_nr(4194304) == -EAGAIN);
	expect(ring_nr(4194305) == -EINVAL);
	expect(ring_nr(0) == -EINVAL);
}

static void bind_to(const cpu_set_t *allowed, unsigned which)
{
	cpu_set_t one;
	unsigned cpu = 0;

	which %= CPU_COUNT(allowed);
	while (!CPU_ISSET(cpu, allowed) || which--)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	need(!sched_setaffinity(0, sizeof(one), &one));
}

static void cpus(void)
{
	io_context_t ctx = NULL;
	struct iocb cb, *list[] = { &cb };
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	unsigned accepted = 0;
	cpu_set_t allowed;
	char byte;

	need(fd >= 0 && !sched_getaffinity(0, sizeof(allowed), &allowed) && !io_setup(1, &ctx));
	io_prep_pread(&cb, fd, &byte, 1, 0);
	do {
		bind_to(&allowed, accepted);
	} while (io_submit(ctx, 1, list) == 1 && ++accepted < 10000);
	expect(accepted == slot_limit(ring_nr_of(ctx)));
	need(!io_destroy(ctx));
}

static void idle(void)
{
	io_context_t all[40] = { NULL };
	uint64_t begin_ms;

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		need(!io_setup(1, &all[i]));
	begin_ms = now_ms();
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		need(!io_destroy(all[i]));
	expect(now_ms() - begin_ms < 15 * ARRAY_SIZE(all));
}

/* Contexts until io_setup refuses; its error, or 0. */
static long fill(unsigned count)
{
	io_context_t ctx;
	long ret = 0;

	while (count-- && !ret) {
		ctx = NULL;
		ret = io_setup(1, &ctx);
	}
	return ret;
}

/* Natively each process has mappings of its own; here all rings are mapped in the supervisor (D16). */
static void crowd(void)
{
	enum { MANY = 33000 };
	int full[2];
	pid_t pid;
	long ret;

	need(!pipe(full));
	pid = fork();
	need(pid >= 0);
	if (!pid) {
		ret = fill(MANY);
		need(write(full[1], &ret, sizeof(ret)) == sizeof(ret));
		pause();
	}
	need(read(full[0], &ret, sizeof(ret)) == sizeof(ret));
	expect(ret == 0);
	expect(fill(MANY) == -ENOMEM);
	need(!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid);
	do {
		ret = fill(1);		/* its rings go one after the other */
	} while (ret == -ENOMEM);
	expect(ret == 0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} scenes[] = { { "huge", huge }, { "none", none }, { "cpus", cpus }, { "idle", idle },
		     { "crowd", crowd } };
	int known = 0;

	need(argc >= 2);
	alarm(strcmp(argv[1], "crowd") ? VICTIM_SECONDS : 600);
	for (unsigned i = 0; i < ARRAY_SIZE(scenes); i++) {
		if (strcmp(argv[1], scenes[i].name) == 0) {
			scenes[i].run();
			known = 1;
		}
	}
	need(known);
	return failures != 0;
}
