/* SPDX-License-Identifier: MIT */
/* Running the steps: one after the other, in children, in threads; and signals. */
#include "world.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

struct siglog siglog[SELVES];
static _Thread_local timer_t alarm_timer;

/* --- signals ------------------------------------------------------------------------------------ */

void on_any(int sig, siginfo_t *info, void *context)
{
	struct siglog *log = &siglog[self];
	const unsigned n = log->count;

	(void)context;
	if (n == ARRAY_SIZE(log->entry))
		return;
	log->entry[n].sig = (uint8_t)sig;
	log->entry[n].code = (int8_t)info->si_code;
	log->entry[n].self = info->si_pid == getpid();
	log->count = n + 1;
}

void on_alarm(int sig)
{
	(void)sig;
}

void tell_signals(unsigned who)
{
	struct siglog *log = &siglog[who];

	for (unsigned i = 0; i < log->count; i++)
		say("  signal %s code %d %s in %u\n", sigabbrev_np(log->entry[i].sig),
		    log->entry[i].code, log->entry[i].self ? "from self" : "from another", who);
	log->count = 0;
}

/*
 * A signal to this thread after 20 ms and then each 5 ms, so that nothing waits for ever. AIO calls
 * are never restarted; a call that the supervisor has not received yet is (aio-abi.md, 19).
 */
void alarm_start(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	struct itimerspec each = { .it_interval.tv_nsec = 5000000, .it_value.tv_nsec = 20000000 };

	ev._sigev_un._tid = gettid();
	need(!timer_create(CLOCK_MONOTONIC, &ev, &alarm_timer));
	need(!timer_settime(alarm_timer, 0, &each, NULL));
}

void alarm_stop(void)
{
	need(!timer_delete(alarm_timer));
}

/* --- steps ------------------------------------------------------------------------------------- */

static step_fn *const run_of[KINDS] = {
	[K_SETUP] = run_setup, [K_DESTROY] = run_destroy, [K_CB] = run_cb,
	[K_SUBMIT] = run_submit, [K_GETEV] = run_getev, [K_PGETEV] = run_getev,
	[K_CANCEL] = run_cancel, [K_REAP] = run_reap, [K_POKE] = run_poke,
	[K_RINGMEM] = run_ringmem, [K_OPEN] = run_open, [K_CLOSE] = run_close,
	[K_DUP] = run_dup, [K_TRUNC] = run_trunc, [K_PUT] = run_put, [K_GET] = run_get,
	[K_ARM] = run_arm, [K_FLAG] = run_flag, [K_SHUT] = run_shut, [K_FSIZE] = run_fsize,
	[K_MEM] = run_mem, [K_ACTION] = run_action, [K_RAISE] = run_raise, [K_USER] = run_user,
	[K_SPIN] = run_spin, [K_EXIT] = run_exit, [K_EXEC] = run_exec, [K_CAPS] = run_caps,
	[K_CHMOD] = run_chmod, [K_COLD] = run_cold,
};

static void tell_memory(struct world *w)
{
	const uint64_t now = arena_hash();

	if (now != w->memory_told)
		say("  memory %08x\n", (unsigned)now);
	w->memory_told = now;
}

static void tell_all(struct world *w)
{
	w->late = false;
	settle(w);
	tell_events(w);
	if (!w->bg)		/* it takes events when it likes */
		tell_rings(w);
	tell_memory(w);
	tell_objects(w);
	if (!w->bg)
		tell_eventfds(w);
	tell_descriptors(w);
	tell_signals(self);
}

static bool tells(const struct step *s)
{
	return s->kind != K_CB && !(s->kind == K_SUBMIT && s->v[SUBMIT_LATE]);
}

/* What may follow a late io_submit whose requests are still in flight. */
static bool may_follow(const struct world *w, const struct step *s)
{
	return s->kind == K_CLOSE || s->kind == K_DESTROY || s->kind == K_EXIT ||
	       (s->kind == K_EXEC && !w->vforked);
}

static void run_step(struct world *w, const struct step *s)
{
	if (s->kind == K_JOIN)
		bg_join(w);
	else if (s->kind == K_KICK)
		bg_kick(w, (int)s->v[KICK_SIG]);
	else if (run_of[s->kind])
		run_of[s->kind](w, s);
}

void run_steps(struct world *w, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to;) {
		const struct step *s = &w->program->step[i];

		if (w->late && self != SELF_BG && !may_follow(w, s))
			tell_all(w);
		say("%u %s", i + 1, step_name(s->kind));
		if (step_opens_block(s)) {
			i = run_block(w, i);
		} else {
			run_step(w, s);
			say("\n");
			i++;
		}
		if (s->kind == K_SUBMIT && self != SELF_BG)
			note_sync(w);
		if (self != SELF_BG && tells(s))
			tell_all(w);
		else if (s->kind == K_SUBMIT)
			w->late = true;
	}
}

/* --- blocks ------------------------------------------------------------------------------------- */

struct block {
	struct world *w;
	unsigned from, to;
	struct out *out;
};

struct background {
	struct block block;
	pthread_t thread;
	_Atomic pid_t tid;
	sem_t begun, done;
	struct out out;
};

static void say_status(int status)
{
	if (WIFEXITED(status))
		say("  ended %d\n", WEXITSTATUS(status));
	else
		say("  killed by %s\n", sigabbrev_np(WTERMSIG(status)));
}

/* Of one that was killed: no program that is begun later finds them undone (D6). */
static void await_writes(void)
{
	pid_t pid = fork();

	need(pid >= 0);
	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	need(waitpid(pid, NULL, 0) == pid);
}

static void run_fork(struct world *w, unsigned from, unsigned to)
{
	int status;
	pid_t pid = fork();

	need(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned i = 0; i < CONTEXTS; i++)
			w->ctx[i].foreign = w->ctx[i].live;
		w->flying_count = 0;
		w->bg = NULL;
		w->pid = getpid();
		w->end = to;
		run_steps(w, from, to);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid);
	say_status(status);
	if (WIFSIGNALED(status))
		await_writes();
}

static int vfork_main(void *arg)
{
	struct block *b = arg;

	run_steps(b->w, b->from, b->to);
	_exit(0);
}

static void run_vfork(struct world *w, unsigned from, unsigned to)
{
	static char stack[256 * 1024] __attribute__((aligned(16)));
	struct block b = { .w = w, .from = from, .to = to };
	const pid_t parent = w->pid;
	const unsigned end = w->end;
	struct fdslot fd[SLOTS];		/* descriptors are its own */
	bool live[OBJECTS];
	int status = 0;
	pid_t pid;

	w->end = to;
	memcpy(fd, w->fd, sizeof(fd));
	memcpy(live, w->object_live, sizeof(live));
	w->vforked = true;
	pid = clone(vfork_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &b);
	need(pid > 0 && waitpid(pid, &status, 0) == pid);
	w->vforked = false;
	w->released = true;		/* with its descriptors it has closed */
	w->pid = parent;
	w->end = end;
	memcpy(w->fd, fd, sizeof(fd));
	memcpy(w->object_live, live, sizeof(live));
	say_status(status);
}

static void *thread_main(void *arg)
{
	struct block *b = arg;

	self = SELF_THREAD;
	out = b->out;
	run_steps(b->w, b->from, b->to);
	return NULL;
}

static void run_thread(struct world *w, unsigned from, unsigned to)
{
	struct block b = { .w = w, .from = from, .to = to, .out = out };
	pthread_t thread;

	need(!pthread_create(&thread, NULL, thread_main, &b) && !pthread_join(thread, NULL));
}

/* --- the background thread ---------------------------------------------------------------------- */

static void *bg_main(void *arg)
{
	struct background *bg = arg;

	self = SELF_BG;
	out = &bg->out;
	bg->tid = gettid();
	run_steps(bg->block.w, bg->block.from, bg->block.to);
	need(!sem_post(&bg->done));
	return NULL;
}

static bool bg_done(struct background *bg, unsigned within_us)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += within_us * 1000l;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;

	while (sem_clockwait(&bg->done, CLOCK_MONOTONIC, &at)) {
		if (errno != EINTR)
			return false;
	}
	return !sem_post(&bg->done);	/* it stays so */
}

/* Does it wait in io_getevents, or is it done? When it begins to wait gives no event. */
static bool bg_waits(struct background *bg, unsigned within_us)
{
	char path[64], text[64] = "";
	int fd;
	long nr;

	if (bg_done(bg, within_us))
		return true;
	if (!bg->tid)
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", bg->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	nr = text[0] >= '0' && text[0] <= '9' ? strtol(text, NULL, 10) : -1;
	return nr == SYS_io_getevents || nr == SYS_io_pgetevents;
}

static void run_bg(struct world *w, unsigned from, unsigned to)
{
	struct background *bg;
	const bool spins = from < to && w->program->step[from].kind == K_SPIN;

	if (w->bg || self != SELF_MAIN)
		return;
	bg = calloc(1, sizeof(*bg));
	need(bg && !sem_init(&bg->begun, 0, 0) && !sem_init(&bg->done, 0, 0));
	bg->block = (struct block){ .w = w, .from = from, .to = to };
	w->bg = bg;
	need(!pthread_create(&bg->thread, NULL, bg_main, bg));
	while (spins && sem_wait(&bg->begun))
		need(errno == EINTR);
	while (!spins && !bg_waits(bg, 50))
		;	/* at most PROGRAM_SECONDS, as all of a program */
	barrier();
}

void bg_begun(struct world *w)
{
	if (self == SELF_BG)
		need(!sem_post(&w->bg->begun));
}

void bg_kick(struct world *w, int sig)
{
	struct background *bg = w->bg;

	/* what has all it waits for is on its way out */
	if (bg && self == SELF_MAIN && !bg_done(bg, 5000))
		syscall(SYS_tgkill, w->pid, bg->tid, sig);
}

/* It may wait for ever: then it is interrupted. */
void bg_join(struct world *w)
{
	struct background *bg = w->bg;

	if (!bg || self != SELF_MAIN)
		return;
	for (bool done = bg_done(bg, 250000); !done; done = bg_done(bg, 0))
		bg_kick(w, SIGALRM);
	need(!pthread_join(bg->thread, NULL));
	say("\n%.*s", (int)bg->out.used, bg->out.text);
	tell_signals(SELF_BG);
	free(bg);
	w->bg = NULL;
}

unsigned run_block(struct world *w, unsigned i)
{
	const unsigned end = program_block_end(w->program, i);
	const unsigned to = w->program->step[end - 1].kind == K_END ? end - 1 : end;
	const enum kind kind = w->program->step[i].kind;

	say("\n");
	if (kind == K_FORK)
		run_fork(w, i + 1, to);
	else if (kind == K_VFORK)
		run_vfork(w, i + 1, to);
	else if (kind == K_THREAD)
		run_thread(w, i + 1, to);
	else
		run_bg(w, i + 1, to);
	return end;
}
