#include "cli/results_out.h"

#include "base/io.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdlib.h>

#define SUMMARY_MAX ((size_t)1 << 20) /* GitHub takes a MiB of a step */

enum ec_status ec_cli_results(const struct ec_cli *cli, const char *root, const char *name, double seconds,
                              struct ec_results **results, struct ec_err *err) {
    struct ec_results_options options = {.format = cli->format,
                                         .root = root,
                                         .name = name,
                                         .warned_fails = strcmp(cli->fail_on, "warn") == 0,
                                         .seconds = seconds};
    return ec_results_create(&options, results, err);
}

static enum ec_status append(const char *path, const struct ec_buf *text, struct ec_err *err) {
    int fd = ec_io.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) return ec_fail_errno(err, EC_DELIVERY, "cannot open %s", path);
    enum ec_status status = ec_file_write(fd, text->p, text->n, path, err);
    if (ec_io.close(fd) != 0 && status == EC_OK) status = ec_fail_errno(err, EC_DELIVERY, "cannot write %s", path);
    return status;
}

static bool append_summary(struct ec_results *results) {
    const char *path = getenv("GITHUB_STEP_SUMMARY");
    if (!path || !*path) return true;
    struct ec_err err = {0};
    struct ec_buf text = ec_buf_make(SUMMARY_MAX);
    enum ec_status status = ec_results_markdown(results, &text, &err);
    if (status == EC_OK) status = append(path, &text, &err);
    ec_buf_free(&text);
    if (status != EC_OK) ec_log(EC_LOG_ERROR, "the summary for GITHUB_STEP_SUMMARY was not written: %s", err.message);
    return status == EC_OK;
}

enum ec_status ec_cli_results_print(const struct ec_cli *cli, struct ec_results *results, bool *delivered, struct ec_err *err) {
    struct ec_buf text = ec_buf_make((size_t)512 * EC_MIB);
    enum ec_status status = ec_results_write(results, &text, err);
    *delivered = true;
    if (status == EC_OK) (void)fwrite(text.p, 1, text.n, stdout);
    if (status == EC_OK && cli->format == EC_RESULT_GITHUB) *delivered = append_summary(results);
    ec_buf_free(&text);
    return status;
}
