/* Who does a run's work: workers of this machine, or Spark. docs/spark.md. */
#ifndef EC_CLI_ENGINE_H
#define EC_CLI_ENGINE_H

#include "cli/cli.h"
#include "run/run.h"

/* This binary again as a worker, for the same project and settings; `workers` ("data_workers=3") decides its memory.
 * NULL without memory; the caller frees the array. */
const char **ec_cli_worker_argv(const struct ec_cli *cli, const char *workers);

/* --engine spark: becomes the program of spark/, which starts this one again as the driver with --engine fd:IN,OUT.
 * Returns where another engine is asked for, with cli->dir made absolute for one on other machines, or where that
 * program cannot be started. EC_USAGE names the engines. */
enum ec_status ec_cli_engine_start(struct ec_cli *cli, struct ec_err *err) EC_MUST_USE;

/* --engine fd:IN,OUT into the options. */
enum ec_status ec_cli_engine(const struct ec_cli *cli, struct ec_run_options *options, struct ec_err *err) EC_MUST_USE;

#endif
