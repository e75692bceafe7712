/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdarg.h>
#include <string.h>

static unsigned log_verbose;
static bool log_quiet;

void log_setup(unsigned verbose, bool quiet)
{
	log_verbose = verbose;
	log_quiet = quiet;
}

bool log_wants(unsigned level)
{
	return log_verbose >= level;
}

/* One line, one write: lines of several processes never mix within a line. */
static printf_like(1, 0) void log_line(const char *fmt, va_list ap)
{
	char line[1024] = "aio-sandbox: ";
	size_t used = strlen(line);
	int n = vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);

	if (n > 0)
		used += min_u64((uint64_t)n, sizeof(line) - used - 2);
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return;		/* nobody listens: nothing more can be done */
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

void log_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	if (log_quiet)
		return;
	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

void log_info(unsigned level, const char *fmt, ...)
{
	va_list ap;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
	exit(EXIT_SANDBOX);
}
