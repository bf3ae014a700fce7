/* The verdicts on files for programs that read them: JUnit XML for CI servers, Markdown for a summary,
 * annotations for GitHub (docs/outputs.md).
 *
 *     struct ec_results_options o = {.format = EC_RESULT_JUNIT, .root = "shop/", .name = "ecluse validate"};
 *     EC_TRY(ec_results_create(&o, &results, err));
 *     for each file: status = ec_results_add(results, &unit, err);      // a unit may go after that
 *     status = ec_results_write(results, &out, err);
 *     ec_results_destroy(results);
 *
 * Files are added one by one and turned into text at once, so memory does not hold their facts.
 * These documents are passed on: samples of personal data are masked (publish/mask.h), what is
 * invisible is made visible (publish/visible.h), and each format has its own escaping. A document says
 * "failure" exactly where the command's exit code is 1 for it.
 */
#ifndef EC_PUBLISH_RESULTS_H
#define EC_PUBLISH_RESULTS_H

#include "quality/score.h"

enum ec_result_format { EC_RESULT_TEXT, EC_RESULT_JSON, EC_RESULT_JUNIT, EC_RESULT_MARKDOWN, EC_RESULT_GITHUB, EC_RESULT_COUNT };

struct ec_results_options {
    enum ec_result_format format; /* JUNIT, MARKDOWN or GITHUB */
    const char *root;             /* put before a unit's path: "" or "shop/"; borrowed */
    const char *name;             /* of the whole: "ecluse run 20250718T…"; borrowed */
    bool warned_fails;            /* --fail-on warn */
    double seconds;               /* of the whole; NAN: the sum of the files' */
};

struct ec_results;

enum ec_status ec_results_create(const struct ec_results_options *options, struct ec_results **results,
                                 struct ec_err *err) EC_MUST_USE;
enum ec_status ec_results_add(struct ec_results *results, const struct ec_unit *unit, struct ec_err *err) EC_MUST_USE;
/* A line about something that is not a file: what could not be delivered. */
void ec_results_problem(struct ec_results *results, struct ec_str text);
/* The document, appended. */
enum ec_status ec_results_write(struct ec_results *results, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
/* The Markdown of the same files, for $GITHUB_STEP_SUMMARY; of MARKDOWN and GITHUB. */
enum ec_status ec_results_markdown(struct ec_results *results, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
void ec_results_destroy(struct ec_results *results); /* NULL allowed */

/* "text", "json", "junit", "markdown", "github". */
const char *ec_result_format_name(enum ec_result_format format);

#endif
