/* SPDX-License-Identifier: MIT */
/*
 * Options, then either the doctor or the guardian, which forks the supervisor, which starts
 * PROGRAM.
 */
#include "doctor.h"
#include "guardian.h"
#include "log.h"
#include "opts.h"
#include "supervise.h"
#include "tracing.h"

static void parted(void *arg)
{
	const struct supervise_run *run = arg;

	tracing_part(run->tracing);
}

static void ending(void *arg)
{
	const struct supervise_run *run = arg;

	tracing_wait(run->tracing);
}

static int run(const struct config *cfg)
{
	struct supervise_run run = { .cfg = cfg };
	struct guardian_beside beside = { .arg = &run, .own_signal = cfg->list_signal };

	if (tracing_open(cfg, &run.tracing))
		return EXIT_SANDBOX;
	if (run.tracing) {
		beside.parted = parted;
		beside.ending = ending;
	}
	return guardian_run(supervise, &run, &beside);
}

int main(int argc, char **argv)
{
	struct config cfg = config_default();
	int status = opts_parse(argc, argv, &cfg);

	if (status == OPTS_RUN) {
		log_setup(cfg.verbose, cfg.quiet);
		status = cfg.doctor ? doctor_run(stdout) : run(&cfg);
	} else {
		status = status < 0 ? EXIT_SANDBOX : 0;
	}
	config_release(&cfg);
	return status;
}
