/* SPDX-License-Identifier: MIT */
/*
 * Theory. Ended lines gather in a buffer and are written when it is full or somebody flushes; a
 * line that is longer makes the buffer grow. Of a write that fails in the middle (disk full) the
 * part of a line that got through is cut off again, where the output is a file.
 */
#include "out.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "format.h"
#include "log.h"

#define GATHER_BYTES (64u << 10)

struct out {
	const char *name;
	char *own_name;			/* ... if it is ours to free */
	int fd;				/* -1: closed between writes */
	pid_t command;			/* 0: none */
	bool reopens;			/* open only while something is written */
	bool begun;			/* it has been opened: what is there now is ours */
	bool shared_fd;			/* stderr: not ours to close */
	bool own_file;			/* a regular file that nobody else writes through this fd */
	char *buffer;
	size_t room;
	size_t used;
	size_t ended;			/* of `used`: whole lines */
	uint64_t lost_lines;
	int error;			/* errno; 0: none yet */
};

/* Where the caller has closed some of the first three, what is opened would take their places. */
static int above_std(int fd)
{
	int higher, err;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	err = errno;
	close(fd);
	errno = err;
	return higher;
}

static void run_command(const char *command, int in)
{
	if (dup2(in, STDIN_FILENO) >= 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		log_error("cannot run /bin/sh for '|%s': %s", command, strerror(errno));
	}
	_exit(EXIT_NOT_FOUND);
}

static int open_command(struct out *o, const char *command)
{
	auto_fd in = -1;
	auto_fd out = -1;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	in = above_std(fds[0]);
	out = above_std(fds[1]);
	if (in < 0 || out < 0)
		return -1;
	o->command = fork();
	if (o->command == 0)
		run_command(command, in);
	return o->command > 0 ? steal_fd(&out) : -1;
}

static bool is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static int open_named(struct out *o, const char *name)
{
	if (!name) {
		o->shared_fd = true;
		return STDERR_FILENO;
	}
	if (name[0] == '|')
		return open_command(o, name + 1);
	return above_std(open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666));
}

struct out *out_open(const char *name)
{
	struct out *o = calloc(1, sizeof(*o));

	if (!o) {
		log_error("no memory for the output '%s'", name ? name : "stderr");
		return NULL;
	}
	o->name = name ? name : "stderr";
	o->fd = open_named(o, name);
	if (o->fd < 0) {
		log_error("cannot open '%s' for the trace: %s", o->name, strerror(errno));
		free(o);
		return NULL;
	}
	o->own_file = !o->shared_fd && is_regular(o->fd);
	return o;
}

struct out *out_open_part(const char *name, pid_t pid)
{
	struct out *o = calloc(1, sizeof(*o));
	const size_t size = strlen(name) + 16;

	if (!o)
		return NULL;
	o->fd = -1;
	o->reopens = true;
	o->own_name = malloc(size);
	if (!o->own_name) {
		free(o);
		return NULL;
	}
	snprintf(o->own_name, size, "%s.%d", name, (int)pid);
	o->name = o->own_name;
	return o;
}

static void reopen(struct out *o)
{
	o->fd = above_std(open(o->name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY |
						(o->begun ? O_APPEND : O_TRUNC), 0666));
	if (o->fd < 0)
		o->error = errno;
	else
		o->own_file = is_regular(o->fd);
	o->begun = true;
}

bool out_same_file(const struct out *a, const struct out *b)
{
	struct stat sa, sb;

	return a->own_file && b->own_file && fstat(a->fd, &sa) == 0 && fstat(b->fd, &sb) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

void out_part(struct out *o)
{
	if (o && !o->shared_fd)
		close_fd(&o->fd);
}

void out_wait(struct out *o)
{
	while (o && o->command > 0 && waitpid(o->command, NULL, 0) < 0 && errno == EINTR)
		;
	free(o);
}

size_t out_column(const struct out *o)
{
	return o->used - o->ended;
}

bool out_to_stderr(const struct out *o)
{
	return o->shared_fd;
}

bool out_to_terminal(const struct out *o)
{
	return isatty(o->fd);
}

/* How much got through; short with o->error. */
static size_t write_all(struct out *o, const char *bytes, size_t count)
{
	size_t done = 0;

	while (done < count) {
		struct pollfd p = { .fd = o->fd, .events = POLLOUT };
		const ssize_t n = write(o->fd, bytes + done, count - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			(void)poll(&p, 1, -1);	/* somebody has made it non-blocking */
		else if (errno != EINTR) {
			o->error = errno;
			break;
		}
	}
	return done;
}

static uint64_t count_lines(const char *bytes, size_t count)
{
	uint64_t lines = 0;

	for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(bytes + count - at))); at++)
		lines++;
	return lines;
}

/* A part of a line at the end of the file would make it unreadable. */
static void cut_part(struct out *o, const char *bytes, size_t done)
{
	size_t whole = done;
	off_t end;

	while (whole && bytes[whole - 1] != '\n')
		whole--;
	end = lseek(o->fd, 0, SEEK_CUR);
	if (end < 0 || ftruncate(o->fd, end - (off_t)(done - whole)))
		log_warn("'%s' ends with a part of a line", o->name);
}

void out_flush(struct out *o)
{
	size_t done;

	if (!o || !o->ended)
		return;
	if (o->reopens && !o->error)
		reopen(o);
	if (!o->error) {
		done = write_all(o, o->buffer, o->ended);
		if (o->error) {
			o->lost_lines += count_lines(o->buffer, o->ended) -
					 count_lines(o->buffer, done);
			if (o->own_file)
				cut_part(o, o->buffer, done);
		}
	} else {
		o->lost_lines += count_lines(o->buffer, o->ended);
	}
	if (o->reopens)
		close_fd(&o->fd);
	memmove(o->buffer, o->buffer + o->ended, o->used - o->ended);
	o->used -= o->ended;
	o->ended = 0;
}

static bool make_room(struct out *o, size_t count)
{
	size_t room = o->room ? o->room : GATHER_BYTES;
	char *more;

	while (room - o->used < count)
		room *= 2;
	if (room == o->room)
		return true;
	more = realloc(o->buffer, room);
	if (!more) {
		o->error = o->error ? o->error : ENOMEM;
		return false;
	}
	o->buffer = more;
	o->room = room;
	return true;
}

void out_bytes(struct out *o, const void *bytes, size_t count)
{
	if (!make_room(o, count))
		return;
	memcpy(o->buffer + o->used, bytes, count);
	o->used += count;
}

void out_text(struct out *o, const char *text)
{
	out_bytes(o, text, strlen(text));
}

void out_u64(struct out *o, uint64_t value)
{
	if (make_room(o, FORMAT_NUMBER_BYTES))
		o->used = (size_t)(format_u64(o->buffer + o->used, value) - o->buffer);
}

void out_i64(struct out *o, int64_t value)
{
	if (make_room(o, FORMAT_NUMBER_BYTES))
		o->used = (size_t)(format_i64(o->buffer + o->used, value) - o->buffer);
}

void out_hex(struct out *o, uint64_t value)
{
	const int digits = value ? (67 - __builtin_clzll(value)) / 4 : 1;

	out_text(o, "0x");
	for (int i = digits - 1; i >= 0; i--)
		out_bytes(o, &"0123456789abcdef"[value >> (4 * i) & 15], 1);
}

void out_printf(struct out *o, const char *fmt, ...)
{
	va_list args;
	int n;

	if (!make_room(o, 256))
		return;
	va_start(args, fmt);
	n = vsnprintf(o->buffer + o->used, o->room - o->used, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= o->room - o->used) {
		if (!make_room(o, (size_t)n + 1))
			return;
		va_start(args, fmt);
		(void)vsnprintf(o->buffer + o->used, o->room - o->used, fmt, args);
		va_end(args);
	}
	o->used += (size_t)n;
}

char *out_reserve(struct out *o, size_t count)
{
	return make_room(o, count) ? o->buffer + o->used : NULL;
}

void out_advance(struct out *o, const char *end)
{
	o->used = (size_t)(end - o->buffer);
}

void out_end_line(struct out *o)
{
	o->ended = o->used;
	if (o->ended >= GATHER_BYTES)
		out_flush(o);
}

void out_close(struct out *o)
{
	if (!o)
		return;
	out_flush(o);
	if (!o->shared_fd && !o->reopens && close(o->fd) && !o->error)
		o->error = errno;	/* NFS and the like tell it now */
	if (o->error)
		log_warn("the trace in '%s' is not complete: %s; %llu lines were not written",
			 o->name, strerror(o->error), (unsigned long long)o->lost_lines);
	free(o->buffer);
	free(o->own_name);
	free(o);
}
