/* A run that was, by its manifest and facts: for the commands that publish it again. */
#ifndef EC_CLI_LAST_RUN_H
#define EC_CLI_LAST_RUN_H

#include "cli/cli.h"
#include "quality/run_facts.h"
#include "run/manifest.h"

struct ec_last_run {
    struct ec_manifest manifest;
    struct ec_run_facts facts;
    int lock; /* of the project, held until the close */
};

/* Takes the lock and reads the run that --run names by number or id, by default the newest.
 * EC_USAGE where there is none. The caller calls ec_last_run_close in every case. */
enum ec_status ec_last_run_open(const struct ec_cli *cli, const struct ec_config *config, struct ec_last_run *run,
                                struct ec_err *err) EC_MUST_USE;
void ec_last_run_close(struct ec_last_run *run);

/* The folder that --out names (made if need be), or data/quality; out[EC_PATH_MAX]. */
enum ec_status ec_cli_out_dir(const struct ec_cli *cli, char *out, struct ec_err *err) EC_MUST_USE;

#endif
