/* SPDX-License-Identifier: MIT */
/*
 * Two ways lead from the child back to us. The handover socket carries one message: the listener,
 * or why there is none. From then on the child's exec and exit wait for the supervisor's loop; what
 * still goes wrong is told through a pipe that a successful exec closes.
 *
 * The filter comes before the switch of the user: while the child has CAP_SYS_ADMIN it needs no
 * no_new_privs, and set-user-id programs keep working below PROGRAM.
 */
#include "launch.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "doctor.h"
#include "inherited.h"
#include "log.h"
#include "opts.h"
#include "preload.h"
#include "trap.h"

struct handover {
	int error;		/* errno; 0: the listener comes with it */
	bool wait_killable;
};

/* Everything that the child needs, made before the fork. */
struct launch_plan {
	const struct config *cfg;
	const struct trap *trap;
	const struct signal_state *caller;
	const struct passwd *user;	/* NULL: as we are */
	int handover_fd;		/* the child's end */
	int exec_fd;			/* the child's end */
};

static const char step_exec[] = "execve";
static const char more_files[] = "raise the limit of open files (ulimit -n)";

/* --- the child --- */

static int handover_send(int sock, const struct handover *h, int listener)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { .buf = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)h, .iov_len = sizeof(*h) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (listener >= 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);

		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &listener, sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? neg_errno() : 0;
}

static void child_edit_environment(const struct config *cfg)
{
	for (unsigned i = 0; i < cfg->env_edit_count; i++) {
		const char *edit = cfg->env_edits[i];

		if (strchr(edit, '='))
			putenv((char *)(uintptr_t)edit);
		else
			unsetenv(edit);
	}
}

static void child_enter_trap(const struct launch_plan *p)
{
	struct handover h = { .error = 0 };
	int listener = trap_install(p->trap, &h.wait_killable);

	if (listener < 0) {
		h.error = -listener;
		handover_send(p->handover_fd, &h, -1);
		_exit(EXIT_SANDBOX);
	}

	int rc = handover_send(p->handover_fd, &h, listener);

	if (rc < 0) {
		log_error("cannot hand the seccomp listener over: %s", strerror(-rc));
		/* _exit() is trapped by now, and nobody will ever answer */
		kill(getpid(), SIGKILL);
	}
	close(listener);
	close(p->handover_fd);
}

/* The step that failed, with errno; NULL: none. */
static const char *child_switch_user(const struct passwd *user)
{
	if (!user)
		return NULL;
	if (initgroups(user->pw_name, user->pw_gid) < 0)
		return "initgroups";
	if (setgid(user->pw_gid) < 0)
		return "setgid";
	if (setuid(user->pw_uid) < 0)
		return "setuid";
	return NULL;
}

static bool is_in_path(const char *name)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		char file[PATH_MAX];
		size_t dir_bytes = strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/%s", (int)dir_bytes, dir_bytes ? path : ".",
			 name);
		if (access(file, F_OK) == 0)
			return true;
		path += dir_bytes;
		path += *path == ':';
	}
	return false;
}

/* As the user that PROGRAM is: the dynamic linker must be able to read it too. */
static void child_preload(const struct config *cfg)
{
	const int err = cfg->shim ? preload_shim(cfg->program[0]) : 0;

	if (err == -ENOEXEC)
		log_info(1, "without the shim: PROGRAM would not load it, or not start with it");
	else if (err == -EINVAL)
		log_warn("--shim: the path of the shim has a space or a colon, which LD_PRELOAD cannot "
			 "hold: install it elsewhere");
	else if (err)
		log_warn("--shim: the shim cannot be preloaded: %s", strerror(-err));
}

/* Returns errno of the failure. */
static int child_exec(char **program)
{
	execvp(program[0], program);

	int error = errno;

	/* execvp() says EACCES for a directory of PATH that may not be searched: shells do not */
	if (error == EACCES && !strchr(program[0], '/') && !is_in_path(program[0]))
		return ENOENT;
	return error;
}

static void child_run(const struct launch_plan *p) __attribute__((noreturn));

static void child_run(const struct launch_plan *p)
{
	child_edit_environment(p->cfg);
	child_enter_trap(p);

	struct launch_error e = { .step = child_switch_user(p->user) };

	if (e.step) {
		e.error = errno;
	} else {
		child_preload(p->cfg);
		signals_restore(p->caller);
		e.step = step_exec;
		e.error = child_exec(p->cfg->program);
	}
	if (write(p->exec_fd, &e, sizeof(e)) < 0)
		_exit(EXIT_SANDBOX);
	_exit(EXIT_CANNOT_EXEC);
}

/* --- the parent --- */

/* 0, or -errno after a message. */
static int handover_receive(int sock, struct launch *out)
{
	struct handover h = { .error = 0 };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = &h, .iov_len = sizeof(h) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);

	if (got != sizeof(h)) {
		log_error(
			"PROGRAM's process died before it could start: see `aio-sandbox --doctor`");
		return -ECHILD;
	}
	if (h.error) {
		doctor_explain(stderr, PROBE_NOTIFY, h.error);
		return -h.error;
	}

	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (!c) {
		log_error("the seccomp listener did not arrive: %s", more_files);
		return -EMFILE;
	}
	memcpy(&out->listener_fd, CMSG_DATA(c), sizeof(int));
	out->wait_killable = h.wait_killable;
	return 0;
}

static int launch_fork(const struct launch_plan *p, struct launch *out)
{
	out->pid = fork();
	if (out->pid == 0)
		child_run(p);
	if (out->pid < 0) {
		int rc = neg_errno();

		log_error("cannot fork: %s; raise the limit of processes (ulimit -u)",
			  strerror(-rc));
		return rc;
	}
	/* PROGRAM has these now; what the terminal sends to its group shall not reach us */
	inherited_drop();
	setpgid(0, 0);
	return 0;
}

static int find_user(const char *name, const struct passwd **user)
{
	*user = NULL;
	if (!name)
		return 0;
	*user = getpwnam(name);
	if (*user)
		return 0;
	log_error("-u %s: no such user; `getent passwd` lists them", name);
	return -ENOENT;
}

/* No listener, no PROGRAM: the child must not run on without one. */
static int launch_undo(struct launch *out, int rc)
{
	close_fd(&out->exec_fd);
	if (out->pid > 0) {
		kill(out->pid, SIGKILL);
		waitpid(out->pid, NULL, 0);
	}
	return rc;
}

int launch_program(const struct config *cfg, const struct trap *trap,
		   const struct signal_state *caller, struct launch *out)
{
	struct launch_plan plan = { .cfg = cfg, .trap = trap, .caller = caller };
	int sock[2];
	int pipe_fds[2];

	*out = (struct launch){ .listener_fd = -1, .exec_fd = -1 };

	int rc = find_user(cfg->user, &plan.user);

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0) {
		rc = neg_errno();
		log_error("cannot make a socket: %s; %s", strerror(-rc), more_files);
		return rc;
	}

	auto_fd ours = sock[0];
	auto_fd theirs = sock[1];

	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		rc = neg_errno();
		log_error("cannot make a pipe: %s; %s", strerror(-rc), more_files);
		return rc;
	}

	auto_fd exec_write = pipe_fds[1];

	out->exec_fd = pipe_fds[0];
	plan.handover_fd = theirs;
	plan.exec_fd = exec_write;
	rc = launch_fork(&plan, out);
	close_fd(&theirs);
	if (rc == 0)
		rc = handover_receive(ours, out);
	return rc < 0 ? launch_undo(out, rc) : 0;
}

static int say_exec_failed(const char *name, int error)
{
	if (error != ENOENT) {
		log_error("cannot run '%s': %s%s", name, strerror(error),
			  error == EACCES ? "; is it a program, and executable (chmod +x)?" : "");
		return EXIT_CANNOT_EXEC;
	}
	if (!strchr(name, '/'))
		log_error("cannot run '%s': not found in PATH; give its path if it lies elsewhere",
			  name);
	else if (access(name, F_OK) == 0)
		log_error("cannot run '%s': the interpreter that it names is missing; install it",
			  name);
	else
		log_error("cannot run '%s': no such file; check the path", name);
	return EXIT_NOT_FOUND;
}

int launch_outcome(const struct config *cfg, int exec_fd)
{
	struct launch_error e;
	ssize_t got = read(exec_fd, &e, sizeof(e));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (got != sizeof(e))
		return 0;
	if (e.step == step_exec)
		return say_exec_failed(cfg->program[0], e.error);
	log_error("cannot become user %s: %s: %s%s", cfg->user, e.step, strerror(e.error),
		  e.error == EPERM ? "; -u needs root" : "");
	return EXIT_SANDBOX;
}
