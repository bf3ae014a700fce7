/* The documents for programs (publish/results.h) as `run` and `validate` print them. */
#ifndef EC_CLI_RESULTS_OUT_H
#define EC_CLI_RESULTS_OUT_H

#include "cli/cli.h"

/* Whether --format asks for one of them. */
static inline bool ec_cli_wants_results(const struct ec_cli *cli) { return cli->format > EC_RESULT_JSON; }

/* `root` stands before the units' paths; both texts are borrowed until the results are destroyed. */
enum ec_status ec_cli_results(const struct ec_cli *cli, const char *root, const char *name, double seconds,
                              struct ec_results **results, struct ec_err *err) EC_MUST_USE;

/* Prints the document; for GitHub also appends the Markdown to $GITHUB_STEP_SUMMARY, where that is set:
 * *delivered is false, and it is said on stderr, where that file cannot be written. */
enum ec_status ec_cli_results_print(const struct ec_cli *cli, struct ec_results *results, bool *delivered,
                                    struct ec_err *err) EC_MUST_USE;

#endif
