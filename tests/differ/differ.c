/* SPDX-License-Identifier: MIT */
/*
 * The differential generator: seeded random AIO programs, run natively and in the sandbox, and
 * everything compared that a program can see. The kernel is the oracle; nothing is known here about
 * what would be right.
 *
 *	differ [OPTIONS] --seeds=FIRST-LAST SANDBOX...	run and compare; SANDBOX is a command
 *	differ [OPTIONS] --file=PROGRAM SANDBOX...	one program, from a file
 *	differ show SEED				print a program
 *	differ freedom					print what may differ
 *	differ exec [--submit=MODE] [--lanes=N] DIR FIRST LAST		the inner half
 *	differ exec [--submit=MODE] [--lanes=N] DIR PROGRAM
 *	differ after					the same, in the image of an execve
 *
 *	--submit=kernel		generate what blocks too; SANDBOX must have been given the same
 *	--stop-at-first		stop at the first difference
 *	--no-minimise		do not make it smaller
 *	--seconds=N		begin no batch after that time
 *	--out=DIR		keep minimal programs that differ there, and what batches saw of them
 *
 * Status: 0 everything is equal, 1 something differs, 2 could not be run. The last line tells how
 * many programs were compared.
 */
#include "differ.h"

#include <getopt.h>

#define BATCH 200

struct driver {
	struct setup setup;
	struct source src;
	bool stop_at_first, no_minimise;
	unsigned seconds;
	const char *out;
	unsigned long compared, different, unstable, not_again;
};

static void show(const struct driver *d, uint64_t seed)
{
	struct program p;

	program_generate(&p, seed, &d->setup.opt);
	program_print(stdout, &p);
}

static void print_indented(const char *title, const struct seen *seen)
{
	printf("--- %s\n%s", title, seen->text ? seen->text : "");
}

static void keep(const struct driver *d, uint64_t seed, const struct program *p)
{
	char path[PATH_MAX];
	FILE *f;

	if (!d->out)
		return;
	snprintf(path, sizeof(path), "%s/seed-%llu", d->out, (unsigned long long)seed);
	f = fopen(path, "w");
	need(f);
	program_print(f, p);
	need(!fclose(f));
}

/* What both saw in their batches: of one that does not differ alone nothing else is known. */
static void keep_seen(const struct driver *d, uint64_t seed, const char *by, const char *text,
		      size_t bytes)
{
	char path[PATH_MAX];
	FILE *f;

	if (!d->out)
		return;
	snprintf(path, sizeof(path), "%s/batch-%llu.%s", d->out, (unsigned long long)seed, by);
	f = fopen(path, "w");
	need(f);
	need(fwrite(text, 1, bytes, f) == bytes && !fclose(f));
}

static void report(struct driver *d, uint64_t seed, struct program *p)
{
	struct seen native, sandboxed;

	if (!d->no_minimise)
		minimise(&d->setup, p, 60);
	judge(&d->setup, p, 1, &native, &sandboxed);
	printf("### seed %llu differs%s\n", (unsigned long long)seed,
	       d->no_minimise ? "" : "; minimal program");
	program_print(stdout, p);
	print_indented("native", &native);
	print_indented("sandboxed", &sandboxed);
	fflush(stdout);
	seen_free(&native);
	seen_free(&sandboxed);
	keep(d, seed, p);
}

/* It has differed in a batch: once more, alone. True: go on. */
static bool look_again(struct driver *d, uint64_t seed, struct program *p)
{
	switch (judge(&d->setup, p, 3, NULL, NULL)) {
	case EQUAL:
		d->not_again++;
		printf("### seed %llu differed in a batch, not alone\n", (unsigned long long)seed);
		return true;
	case UNSTABLE:
		d->unstable++;
		printf("### seed %llu differs between two native runs\n",
		       (unsigned long long)seed);
		return true;
	case DIFFERENT:
		break;
	}
	d->different++;
	report(d, seed, p);
	return !d->stop_at_first;
}

static bool compare_batch(struct driver *d, const struct source *src)
{
	struct seen native = run_batch(&d->setup, src, false);
	struct seen sandboxed = run_batch(&d->setup, src, true);
	bool go_on = true;

	for (uint64_t seed = src->first; seed <= src->last && go_on; seed++) {
		size_t n = 0, m = 0;
		const char *a = seen_of(&native, seed, &n), *b = seen_of(&sandboxed, seed, &m);
		struct program p;

		d->compared++;
		if (a && b && n == m && !memcmp(a, b, n))
			continue;
		keep_seen(d, seed, "native", a ? a : "", n);
		keep_seen(d, seed, "sandboxed", b ? b : "", m);
		program_generate(&p, seed, &d->setup.opt);
		go_on = look_again(d, seed, &p);
	}
	seen_free(&native);
	seen_free(&sandboxed);
	return go_on;
}

static int compare_seeds(struct driver *d)
{
	const uint64_t begin = now_ms();

	for (uint64_t seed = d->src.first; seed <= d->src.last; seed += BATCH) {
		struct source src = { .first = seed, .last = seed + BATCH - 1 };

		if (src.last > d->src.last)
			src.last = d->src.last;
		if (d->seconds && now_ms() - begin > d->seconds * 1000ul)
			break;
		if (!compare_batch(d, &src))
			break;
	}
	printf("%lu programs compared, %lu different, %lu unstable natively, %lu not again, "
	       "%llu s\n", d->compared, d->different, d->unstable, d->not_again,
	       (unsigned long long)(now_ms() - begin) / 1000);
	return d->different ? 1 : 0;
}

static int compare_file(struct driver *d)
{
	FILE *f = fopen(d->src.path, "r");
	struct program p;
	unsigned bad;

	need(f);
	bad = program_parse(f, &p);
	fclose(f);
	if (bad) {
		fprintf(stderr, "differ: %s:%u: not a step\n", d->src.path, bad);
		return 2;
	}
	d->compared = 1;
	switch (judge(&d->setup, &p, 1, NULL, NULL)) {
	case EQUAL:
		break;
	case UNSTABLE:
	case DIFFERENT:
		d->different = 1;
		report(d, 0, &p);
	}
	return d->different ? 1 : 0;
}

/* --- command line ------------------------------------------------------------------------------- */

static const struct option options[] = {
	{ "seeds", required_argument, NULL, 's' },
	{ "file", required_argument, NULL, 'f' },
	{ "submit", required_argument, NULL, 'm' },
	{ "stop-at-first", no_argument, NULL, '1' },
	{ "no-minimise", no_argument, NULL, 'n' },
	{ "lanes", required_argument, NULL, 'l' },
	{ "seconds", required_argument, NULL, 't' },
	{ "out", required_argument, NULL, 'o' },
	{ 0 }
};

static bool parse_seeds(struct source *src, const char *text)
{
	char *end;

	src->first = src->last = strtoull(text, &end, 10);
	if (*end == '-')
		src->last = strtoull(end + 1, &end, 10);
	return !*end && src->first && src->last >= src->first;
}

static bool parse_option(struct driver *d, int option, const char *value)
{
	switch (option) {
	case 's':
		return parse_seeds(&d->src, value);
	case 'f':
		d->src.path = value;
		return true;
	case 'm':
		d->setup.opt.kernel = !strcmp(value, "kernel");
		return true;
	case 'l':
		d->setup.opt.lanes = (unsigned)atoi(value);
		return d->setup.opt.lanes && d->setup.opt.lanes <= 32;
	case '1':
		d->stop_at_first = true;
		return true;
	case 'n':
		d->no_minimise = true;
		return true;
	case 't':
		d->seconds = (unsigned)atoi(value);
		return true;
	case 'o':
		d->out = value;
		return true;
	}
	return false;
}

static int inner(struct driver *d, int argc, char **argv)
{
	if (argc == 2) {
		d->src.path = argv[1];
	} else {
		d->src.first = strtoull(argv[1], NULL, 10);
		d->src.last = strtoull(argv[2], NULL, 10);
	}
	return batch_run(&d->src, &d->setup.opt, argv[0]);
}

static int outer(struct driver *d, char **argv)
{
	char dir[] = "differ.XXXXXX", absolute[PATH_MAX], self[PATH_MAX];
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	need(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	need(mkdtemp(dir) && !chmod(dir, 0755) && realpath(dir, absolute));
	d->setup.self = self;
	d->setup.dir = absolute;
	d->setup.sandbox = argv;
	status = d->src.path ? compare_file(d) : compare_seeds(d);
	need(!chdir(absolute));
	unlink("program");
	need(!rmdir(absolute));
	return status;
}

int main(int argc, char **argv)
{
	static struct driver d = { .setup.opt.lanes = 32 };
	const char *verb = argc > 1 ? argv[1] : "";
	int option;

	if (!strcmp(verb, "freedom")) {
		freedom_print();
		return 0;
	}
	if (!strcmp(verb, "after"))
		return program_continue();
	if (!strcmp(verb, "exec") || !strcmp(verb, "show")) {
		argc--;
		argv++;
	}
	while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
		if (!parse_option(&d, option, optarg))
			return 2;
	}
	if (!strcmp(verb, "show") && optind < argc)
		show(&d, strtoull(argv[optind], NULL, 10));
	else if (!strcmp(verb, "exec") && optind + 1 < argc)
		return inner(&d, argc - optind, argv + optind);
	else if (optind < argc && (d.src.path || d.src.first))
		return outer(&d, argv + optind);
	else
		return 2;
	return 0;
}
