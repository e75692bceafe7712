/* SPDX-License-Identifier: MIT */
/* aio-sandbox-ctl: asks a running aio-sandbox, through the socket of its --control option. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EXIT_USAGE = 125 };

static const char usage[] = "Usage: aio-sandbox-ctl SOCKET list\n"
			    "Ask the aio-sandbox that was started with --control=SOCKET.\n\n"
			    "  list    what is in flight, one request a line\n\n"
			    "See aio-sandbox-ctl(1).\n";

static int fail(const char *path)
{
	fprintf(stderr, "aio-sandbox-ctl: %s: %s\n", path, strerror(errno));
	return EXIT_FAILURE;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return -1;
	return fd;
}

/* Lines until the empty one. */
static int print_answer(FILE *in, const char *path)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int status = EXIT_SUCCESS;

	while ((length = getline(&line, &room, in)) > 1) {
		if (!strncmp(line, "error: ", 7)) {
			fprintf(stderr, "aio-sandbox-ctl: %s", line + 7);
			status = EXIT_FAILURE;
		} else {
			fwrite(line, 1, (size_t)length, stdout);
		}
	}
	free(line);
	if (length == 1)
		return status;
	fprintf(stderr, "aio-sandbox-ctl: %s: the answer ends early: the run is over, or has too many "
		"clients\n", path);
	return EXIT_FAILURE;
}

/* If the other side has gone already its answer, or that there is none, is still to be read. */
static int ask(int fd, const char *request)
{
	char line[256];
	const int bytes = snprintf(line, sizeof(line), "%s\n", request);

	if (bytes >= (int)sizeof(line)) {
		errno = E2BIG;
		return -1;
	}
	return send(fd, line, (size_t)bytes, MSG_NOSIGNAL) < 0 && errno != EPIPE ? -1 : 0;
}

int main(int argc, char **argv)
{
	FILE *stream;
	int fd, status;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		puts("aio-sandbox-ctl " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc != 3 || argv[1][0] == '-') {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	fd = connect_to(argv[1]);
	if (fd < 0)
		return fail(argv[1]);
	stream = fdopen(fd, "r");
	if (!stream || ask(fd, argv[2]))
		return fail(argv[1]);
	status = print_answer(stream, argv[1]);
	fclose(stream);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "aio-sandbox-ctl: cannot write: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	return status;
}
