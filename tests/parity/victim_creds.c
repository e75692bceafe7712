/* SPDX-License-Identifier: MIT */
/*
 * Section 8 and trap 11: what a file asks of the writer it asks of the thread that submits, as it
 * is at that moment: set-ID bits, sysctls, the credentials that a socket tells its receiver, the
 * permission for real-time priority. Run as root; who else is wanted is made from that.
 */
#include "victim.h"
#include "identity.h"

#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

static aio_context_t ctx;
static char data[PAGE] __attribute__((aligned(PAGE)));

static const char *tag_of(const char *rule, const char *who, const char *what)
{
	static _Thread_local char tag[128];

	snprintf(tag, sizeof(tag), "%s/%s%s%s", rule, who, *what ? "-" : "", what);
	return tag;
}

/* --- what is observed -------------------------------------------------------------------------- */

struct world {
	int files[5];
	int sysctl, secret;
	int stream[2], dgram[2], packet[2];
};

static const struct {
	const char *name;
	mode_t mode;
	int flags;
	int rw_flags;
} writes[5] = {
	{ "suid", 06777, 0, 0 },
	{ "direct", 06777, O_DIRECT, 0 },
	{ "append", 06777, 0, RWF_APPEND },
	{ "sgid-no-exec", 02666, 0, 0 },
	{ "plain", 0666, 0, 0 },
};

static void pass_creds(int s[2], int type)
{
	int on = 1;

	need(!socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, s));
	need(!setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
}

/* All is opened while we are root. */
static void world_open(struct world *w)
{
	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++) {
		w->files[i] = set_id_file(writes[i].mode);
		if (writes[i].flags)
			need(!fcntl(w->files[i], F_SETFL, writes[i].flags));
	}
	w->sysctl = open("/proc/sys/fs/lease-break-time", O_RDWR | O_CLOEXEC);
	w->secret = open("/proc/sys/kernel/cad_pid", O_RDWR | O_CLOEXEC);
	need(w->sysctl >= 0 && w->secret >= 0);
	pass_creds(w->stream, SOCK_STREAM);
	pass_creds(w->dgram, SOCK_DGRAM);
	pass_creds(w->packet, SOCK_SEQPACKET);
}

static void show_sender(const char *tag, int s[2], int op)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec into = { data, 8 }, vec[2] = { { data, 2 }, { data + 2, 2 } };
	struct msghdr msg = { .msg_iov = &into, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct ucred from = { 0 };
	struct iocb cb;
	const char *result;
	ssize_t n;

	if (op == IOCB_CMD_PWRITEV)
		prep(&cb, op, s[1], vec, 2, 0);
	else
		prep(&cb, op, s[1], "abcd", 4, 0);
	result = outcome(ctx, &cb);
	n = recvmsg(s[0], &msg, MSG_DONTWAIT);
	if (n >= 0 && CMSG_FIRSTHDR(&msg))
		memcpy(&from, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(from));
	obs(tag, "%s, received %zd, %s %u %u", result, n,
	    from.pid == getpid() ? "this process" : from.pid ? "another process" : "nobody",
	    from.uid, from.gid);
}

static void try_sysctls(const char *who, struct world *w)
{
	char text[32];
	struct iocb cb;
	ssize_t n = pread(w->sysctl, text, sizeof(text), 0);

	obs(tag_of("8.judged", who, "sysctl-read"), "%s",
	    outcome(ctx, prep(&cb, IOCB_CMD_PREAD, w->sysctl, text, sizeof(text), 0)));
	obs(tag_of("8.judged", who, "sysctl-write"), "%s",
	    outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, w->sysctl, text, n > 0 ? n : 1, 0)));
	obs(tag_of("8.judged", who, "secret-read"), "%s",
	    outcome(ctx, prep(&cb, IOCB_CMD_PREAD, w->secret, text, sizeof(text), 0)));
}

static void try_realtime(const char *who, int fd)
{
	struct iocb cb;

	prep(&cb, IOCB_CMD_PREAD, fd, data, 512, 0);
	cb.aio_flags = IOCB_FLAG_IOPRIO;
	cb.aio_reqprio = 1 << 13 | 4;
	obs(tag_of("8.ioprio-rt", who, ""), "%s", outcome(ctx, &cb));
}

static void try_all(const char *who, struct world *w)
{
	struct iocb cb;

	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++) {
		prep(&cb, IOCB_CMD_PWRITE, w->files[i], data, sizeof(data), 0);
		cb.aio_rw_flags = writes[i].rw_flags;
		show_mode(tag_of("8.suid", who, writes[i].name), outcome(ctx, &cb), w->files[i]);
	}
	try_sysctls(who, w);
	try_realtime(who, w->files[4]);
	show_sender(tag_of("8.passcred", who, "stream"), w->stream, IOCB_CMD_PWRITE);
	show_sender(tag_of("8.passcred", who, "vector"), w->stream, IOCB_CMD_PWRITEV);
	show_sender(tag_of("8.passcred", who, "dgram"), w->dgram, IOCB_CMD_PWRITE);
	show_sender(tag_of("8.passcred", who, "packet"), w->packet, IOCB_CMD_PWRITE);
}

/* --- scenes ------------------------------------------------------------------------------------ */

static void nobody_keeps_fsetid(void)
{
	be_nobody_with(CAP(CAP_FSETID));
}

static void root_without_fsetid(void)
{
	keep_caps(CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_NICE));
}

static void root_in_name_only(void)
{
	keep_caps(0);
}

static void effective_only(void)
{
	need(!syscall(SYS_setresuid, -1, NOBODY, -1));
}

static void file_system_only(void)
{
	syscall(SYS_setfsuid, NOBODY);
}

static void nobody_may_realtime(void)
{
	be_nobody_with(CAP(CAP_SYS_NICE));
}

static void other_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER))
		be_nobody();		/* forbidden here: both runs do the same */
}

static void stay(void)
{
}

/* The record of the child is made by its first request: after it has become what it is. */
static void child_as(const char *who, void (*become)(void))
{
	pid_t pid = victim_fork();
	struct world w;

	if (!pid) {
		world_open(&w);
		become();
		ctx = aio_context(8);
		try_all(who, &w);
		_exit(0);
	}
	obs_num(tag_of("T11", who, "child"), wait_child(pid));
}

/* The same thread, changing between two requests; groups alone, too, which only CAP_SETGID may. */
static void change_in_between(void)
{
	const gid_t team = TEAM;
	struct world w[3];
	int shared[3];

	for (unsigned i = 0; i < ARRAY_SIZE(w); i++) {
		world_open(&w[i]);
		shared[i] = set_id_file(02666);
	}
	ctx = aio_context(8);
	try_all("turn-root-before", &w[0]);
	effective_only();
	try_all("turn-nobody", &w[1]);
	need(!syscall(SYS_setresuid, -1, 0, -1));
	try_all("turn-root-again", &w[2]);
	be_nobody_with(CAP(CAP_SETGID));
	for (unsigned i = 0; i < ARRAY_SIZE(w); i++) {
		struct iocb cb;

		need(!syscall(SYS_setgroups, i == 1 ? 1 : 0, &team));
		prep(&cb, IOCB_CMD_PWRITE, shared[i], data, 8, 0);
		show_mode(tag_of("8.suid", "groups", i == 1 ? "member" : i ? "after" : "before"),
			  outcome(ctx, &cb), shared[i]);
	}
}

/* Still the same user, with a capability less. */
static void one_capability(void)
{
	ctx = aio_context(8);
	for (unsigned i = 0; i < 2; i++) {
		int fd = set_id_file(06777);
		struct iocb cb;

		prep(&cb, IOCB_CMD_PWRITE, fd, data, 8, 0);
		show_mode(tag_of("8.suid", "fsetid", i ? "given-up" : "had"), outcome(ctx, &cb), fd);
		keep_caps(CAP(CAP_SYS_ADMIN) | CAP(CAP_CHOWN) | CAP(CAP_FOWNER));
	}
}

/* With the capabilities that it had, but they are those of another user namespace. */
static void same_capabilities_elsewhere(void)
{
	const int fd[2] = { set_id_file(06777), set_id_file(06777) };
	struct iocb cb;

	ctx = aio_context(8);
	for (unsigned i = 0; i < 2; i++) {
		keep_caps(CAP(CAP_FSETID) | CAP(CAP_SYS_ADMIN));
		prep(&cb, IOCB_CMD_PWRITE, fd[i], data, 8, 0);
		show_mode(tag_of("8.suid", "namespace", i ? "entered" : "before"),
			  outcome(ctx, &cb), fd[i]);
		if (!i && unshare(CLONE_NEWUSER))
			break;			/* forbidden here: both runs do the same */
	}
}

struct other {
	struct world *w;
	pthread_barrier_t *meet;
};

static void *thread_nobody(void *arg)
{
	struct other *o = arg;

	be_nobody();
	pthread_barrier_wait(o->meet);
	try_all("thread-nobody", o->w);
	pthread_barrier_wait(o->meet);
	pthread_barrier_wait(o->meet);
	return NULL;
}

/* Two threads of one process and context, who are different people. */
static void two_threads(void)
{
	pthread_barrier_t meet;
	struct world w[3];
	struct other other = { &w[1], &meet };
	pthread_t thread;

	for (unsigned i = 0; i < ARRAY_SIZE(w); i++)
		world_open(&w[i]);
	ctx = aio_context(8);
	try_all("thread-root-before", &w[0]);
	need(!pthread_barrier_init(&meet, NULL, 2));
	need(!pthread_create(&thread, NULL, thread_nobody, &other));
	pthread_barrier_wait(&meet);
	pthread_barrier_wait(&meet);
	try_all("thread-root-meanwhile", &w[2]);
	pthread_barrier_wait(&meet);
	pthread_join(thread, NULL);
}

static void in_child(const char *tag, void (*scene)(void))
{
	pid_t pid = victim_fork();

	if (!pid) {
		scene();
		_exit(0);
	}
	obs_num(tag, wait_child(pid));
}

static volatile sig_atomic_t handled, handler_tid, handler_code, handler_pid, handler_uid;

static void handler(int sig, siginfo_t *info, void *uc)
{
	handled++;
	handler_tid = gettid();
	handler_code = info->si_code;
	handler_pid = info->si_pid;
	handler_uid = (int)info->si_uid;
}

/* A limit that is not the supervisor's to read, unless it has CAP_SYS_RESOURCE. */
static void limit_of_nobody(void)
{
	const struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	const char *across, *at;
	int fd = tmp_open(O_RDWR);
	struct rlimit old, limit;
	struct iocb cb;

	be_nobody();
	ctx = aio_context(1);
	need(!sigaction(SIGXFSZ, &action, NULL));
	need(!getrlimit(RLIMIT_FSIZE, &old));
	limit = old;
	limit.rlim_cur = 8192;
	need(!setrlimit(RLIMIT_FSIZE, &limit));
	across = outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, data, PAGE, 6000));
	at = outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, data, PAGE, 8192));
	need(!setrlimit(RLIMIT_FSIZE, &old));
	obs("8.fsize/nobody-across", "%s", across);
	obs("8.fsize/nobody-at", "%s", at);
	obs("8.signals/nobody", "%d, %s, %s, from %s %d", handled,
	    handler_tid == gettid() ? "this thread" : "another thread",
	    handler_code == SI_USER ? "SI_USER" : "another code",
	    handler_pid == getpid() ? "itself" : "another process", handler_uid);
}

/* A file whose write function asks the writer has no write_iter. */
static void maps_of_ids(void)
{
	int fd = open("/proc/self/uid_map", O_RDWR | O_CLOEXEC);
	struct iocb cb;

	need(fd >= 0);
	ctx = aio_context(1);
	obs("8.judged/uid-map", "%s", outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, "0 0 1", 5, 0)));
	fd = open("/proc/self/comm", O_RDWR | O_CLOEXEC);
	need(fd >= 0);
	obs("8.judged/comm", "%s", outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, "victim", 6, 0)));
}

int main(void)
{
	victim_start();
	umask(0);
	child_as("root", stay);
	child_as("nobody", be_nobody);
	child_as("member", be_member);
	child_as("nobody-fsetid", nobody_keeps_fsetid);
	child_as("root-without-fsetid", root_without_fsetid);
	child_as("root-without-any", root_in_name_only);
	child_as("effective-only", effective_only);
	child_as("fsuid-only", file_system_only);
	child_as("nobody-nice", nobody_may_realtime);
	child_as("user-namespace", other_user_namespace);
	in_child("T11/turn-child", change_in_between);
	in_child("T11/capability-child", one_capability);
	in_child("T11/namespace-child", same_capabilities_elsewhere);
	in_child("T11/thread-child", two_threads);
	in_child("T11/maps-child", maps_of_ids);
	in_child("T11/limit-child", limit_of_nobody);
	return victim_end();
}
