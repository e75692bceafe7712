/* SPDX-License-Identifier: MIT */
#include "doctor.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "util.h"

static const char *const doctor_headings[] = {
	[PROBE_NEEDED] = "needed",
	[PROBE_USEFUL] = "useful",
	[PROBE_INFORMATIVE] = "informative",
};

static const char *const doctor_marks[] = {
	[PROBE_YES] = "yes  ",
	[PROBE_NO] = "no   ",
	[PROBE_UNKNOWN] = "?    ",
};

/* How many of the probes of each need said no. */
struct doctor_count {
	unsigned int no[ARRAY_SIZE(doctor_headings)];
};

/* "EPERM: ", "SIGSYS: " or nothing: only a no has a reason of its own. */
static const char *doctor_reason(const struct probe_result *r, char *to, size_t size)
{
	const char *name = r->signal ? sigabbrev_np(r->signal) : strerrorname_np(r->error);

	to[0] = '\0';
	if (r->state == PROBE_NO && (r->signal || r->error))
		snprintf(to, size, "%s%s: ", r->signal ? "SIG" : "", name ? name : "unknown error");
	return to;
}

static void doctor_print(FILE *out, enum probe_id id, const struct probe_result *r)
{
	char reason[32];

	fprintf(out, "%s%s: %s%s\n", doctor_marks[r->state], probe_name(id),
		doctor_reason(r, reason, sizeof(reason)), probe_advice(id, r));
}

/* 0, or -errno when not even a child can be started. */
static int doctor_examine(FILE *out, enum probe_id id, struct doctor_count *count)
{
	struct probe_result r;
	int err = probe_run(id, &r);

	if (err)
		return err;
	if (r.state == PROBE_NO)
		count->no[probe_need(id)]++;
	doctor_print(out, id, &r);
	fflush(out);
	return 0;
}

static int doctor_examine_group(FILE *out, enum probe_need need, struct doctor_count *count)
{
	int err = 0;

	fprintf(out, "%s\n", doctor_headings[need]);
	for (enum probe_id id = 0; id < PROBE_COUNT && !err; id++)
		if (probe_need(id) == need)
			err = doctor_examine(out, id, count);
	return err;
}

static int doctor_conclude(FILE *out, const struct doctor_count *count)
{
	bool starts = !count->no[PROBE_NEEDED];

	if (!starts)
		fprintf(out, "aio-sandbox cannot run programs here: see \"no\" under \"needed\"\n");
	else if (count->no[PROBE_USEFUL])
		fprintf(out, "aio-sandbox can run programs here, with the limits named under "
			     "\"useful\"\n");
	else
		fprintf(out, "aio-sandbox can run programs here\n");
	fflush(out);
	return starts ? 0 : 1;
}

int doctor_run(FILE *out)
{
	struct doctor_count count = { .no = { 0 } };
	int err = 0;

	for (enum probe_need need = PROBE_NEEDED; need <= PROBE_INFORMATIVE && !err; need++)
		err = doctor_examine_group(out, need, &count);
	if (err) {
		count.no[PROBE_NEEDED]++;
		fprintf(out,
			"%sfork: %s: no child can be started, a program neither: raise the limits "
			"on "
			"processes and descriptors\n",
			doctor_marks[PROBE_NO], strerrorname_np(-err));
	}
	return doctor_conclude(out, &count);
}

void doctor_explain(FILE *err, enum probe_id id, int error)
{
	struct probe_result r = { .state = PROBE_NO, .error = error };
	char reason[32];

	if (id == PROBE_NOTIFY && error == EBUSY)
		id = PROBE_LISTENER;	/* one seccomp(2) says both */
	probe_add_reasons(id, &r);
	fprintf(err, "aio-sandbox: cannot start: %s: %s%s\n", probe_name(id),
		doctor_reason(&r, reason, sizeof(reason)), probe_advice(id, &r));
}
