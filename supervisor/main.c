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

int main(int argc, char **argv)
{
	struct config cfg = config_default();
	int status = opts_parse(argc, argv, &cfg);

	if (status == OPTS_RUN) {
		log_setup(cfg.verbose, cfg.quiet);
		status = cfg.doctor ? doctor_run(stdout) : guardian_run(supervise, &cfg);
	} else {
		status = status < 0 ? EXIT_SANDBOX : 0;
	}
	config_release(&cfg);
	return status;
}
