/* A project in a folder of its own, run in this process with this very program as the worker:
 *
 *     int main(int argc, char **argv) {
 *         if (argc > 2 && strcmp(argv[1], "worker") == 0) return project_worker(argv[2]);
 *         …
 *     }
 */
#ifndef TEST_RUN_PROJECT_H
#define TEST_RUN_PROJECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"
#include "run/paths.h"
#include "run/run.h"
#include "run/table.h"
#include "run/task.h"
#include "sql/session.h"
#include "sql/text.h"
#include "store/delta.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct project {
    char dir[64];
    int64_t now_us; /* of the next run: a second later each time */
};

/* A path below the project; good for a few calls. */
static inline const char *project_path(const struct project *p, const char *name) {
    static char path[8][1024];
    static unsigned at;
    char *out = path[at++ % 8];
    (void)snprintf(out, sizeof path[0], "%s/%s", p->dir, name);
    return out;
}

static inline void project_write(const struct project *p, const char *name, const char *text) {
    struct ec_err err = {0};
    char dir[512];
    (void)snprintf(dir, sizeof dir, "%s", project_path(p, name));
    *strrchr(dir, '/') = '\0';
    if (ec_dir_make(dir, &err) != EC_OK || ec_file_replace(project_path(p, name), text, strlen(text), &err) != EC_OK)
        fail_msg("%s", err.message);
}

/* A raw file. Its time of change follows from its content, so that a new content is seen. */
static inline void project_drop(const struct project *p, const char *name, const char *text) {
    char below[512];
    (void)snprintf(below, sizeof below, "data/raw/%s", name);
    project_write(p, below, text);
}

static inline void project_config(const struct project *p, const char *pipeline, const char *schemas,
                                  const char *rules) {
    project_write(p, "config/pipeline_config.yaml", pipeline);
    project_write(p, "config/data_schemas.json", schemas);
    project_write(p, "config/business_rules.yaml", rules);
    project_write(p, "config/quality_thresholds.yaml", "global_threshold: 0\n");
}

/* These tests are not about durability: what they run in parallel should not wait for a disk. */
static int project_no_fsync(int fd) {
    (void)fd;
    return 0;
}

static inline void project_make(struct project *p) {
    ec_io.fsync = project_no_fsync;
    *p = (struct project){.now_us = INT64_C(1752840000000000)}; /* 2025-07-18T12:00:00Z */
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/ecluse-run-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    assert_int_equal(ec_dir_make(project_path(p, "data/raw"), NULL), EC_OK);
    assert_int_equal(ec_dir_make(project_path(p, "transformations"), NULL), EC_OK);
    struct ec_log_options quiet = {.level = EC_LOG_ERROR};
    ec_log_init(&quiet);
}

static inline void project_remove(const struct project *p) {
    struct ec_err err = {0};
    if (ec_dir_remove(p->dir, true, &err) != EC_OK) fail_msg("%s", err.message);
}

static inline int project_worker(const char *dir) {
    ec_io.fsync = project_no_fsync;
    struct ec_config *config = NULL;
    struct ec_err err = {0};
    enum ec_status status = ec_config_load(dir, NULL, 0, &config, &err);
    if (status == EC_OK) status = ec_worker_run(config, true, STDIN_FILENO, STDOUT_FILENO, &err);
    ec_config_destroy(config);
    if (status != EC_OK) ec_err_print(&err, stderr);
    return ec_status_text(status)->exit_code;
}

struct project_options {
    bool force;
    bool (*cancelled)(void);
};

/* One run; its outcome is the caller's to deinit. */
static inline enum ec_status project_try(struct project *p, struct project_options o, struct ec_run_outcome *outcome,
                                         struct ec_err *err) {
    struct ec_config *config = NULL;
    const char *const argv[] = {"/proc/self/exe", "worker", p->dir, NULL};
    *outcome = (struct ec_run_outcome){0};
    enum ec_status status = ec_config_load(p->dir, NULL, 0, &config, err);
    if (status != EC_OK) return status;
    struct ec_run_options options = {.config = config,
                                     .worker_argv = argv,
                                     .force = o.force,
                                     .no_archive = true,
                                     .as_of = ec_days_from_micros(p->now_us),
                                     .now_us = p->now_us,
                                     .cancelled = o.cancelled};
    p->now_us += EC_MICROS_PER_SECOND;
    status = ec_run(&options, outcome, err);
    /* What is shown after the run must not point into what ended with it. */
    for (size_t i = 0; status == EC_OK && i < outcome->facts.unit_count; i++) {
        const struct ec_unit *unit = &outcome->facts.unit[i];
        size_t n = unit->message ? strlen(unit->message) : 0;
        for (size_t k = 0; k < unit->undeclared_count; k++) n += strlen(unit->undeclared[k]);
        for (size_t k = 0; k < unit->missing_count; k++) n += strlen(unit->missing[k]);
        assert_true(n < 100000);
    }
    ec_config_destroy(config);
    return status;
}

/* One run that must do. Its totals are kept in project_last. */
__attribute__((unused)) static struct ec_totals project_last;
__attribute__((unused)) static char project_message[1024]; /* of the last file that could not be read */

static inline void project_run_with(struct project *p, struct project_options o) {
    struct ec_run_outcome outcome;
    struct ec_err err = {0};
    if (project_try(p, o, &outcome, &err) != EC_OK) fail_msg("%s %s", err.message, err.file);
    if (outcome.problems.n) fail_msg("not delivered: %s", outcome.problems.p);
    project_last = outcome.facts.totals;
    project_message[0] = '\0';
    for (size_t i = 0; i < outcome.facts.unit_count; i++)
        if (outcome.facts.unit[i].message)
            (void)snprintf(project_message, sizeof project_message, "%s", outcome.facts.unit[i].message);
    ec_run_outcome_deinit(&outcome);
}

static inline void project_run(struct project *p) {
    project_run_with(p, (struct project_options){0});
}

/* A scan of a table's newest version, with its partition values as the log has them. */
static inline void project_scan(const struct project *p, const char *table, struct ec_buf *sql) {
    struct ec_delta *delta;
    struct ec_err err = {0};
    if (ec_delta_open(project_path(p, table), &delta, &err) != EC_OK) fail_msg("%s", err.message);
    ec_buf_addz(sql, "(SELECT NULL AS \"#\" WHERE false");
    for (size_t i = 0; i < delta->file_count; i++) {
        const struct ec_delta_file *file = &delta->file[i];
        char path[1024], full[2048];
        assert_int_equal(ec_delta_path_decode(file->path, path, sizeof path, NULL), EC_OK);
        (void)snprintf(full, sizeof full, "%s/%s", project_path(p, table), path);
        ec_buf_addz(sql, " UNION ALL BY NAME SELECT *");
        if (delta->partition_by) {
            ec_buf_addz(sql, ", ");
            if (file->partition)
                ec_sql_quote_text(sql, file->partition);
            else
                ec_buf_addz(sql, "NULL::VARCHAR");
            ec_buf_addz(sql, " AS ");
            ec_sql_quote_name(sql, delta->partition_by);
        }
        ec_buf_addz(sql, " FROM read_parquet(");
        ec_sql_quote_text(sql, full);
        ec_buf_addz(sql, ", hive_partitioning = false)");
    }
    ec_buf_addz(sql, ")");
    ec_delta_close(delta);
}

/* "SELECT <what> FROM <table> <rest>" as text: cells joined by '|', rows by ' '; null is "-". */
static inline const char *project_query(const struct project *p, const char *table, const char *what,
                                        const char *rest) {
    static char text[8192];
    struct ec_err err = {0};
    struct ec_sql_options options = {.threads = 1, .memory_bytes = EC_GIB, .files_dir = p->dir};
    struct ec_sql *session;
    struct ec_sql_rows *rows = NULL;
    struct ec_batch *batch;
    struct ec_buf sql = ec_buf_make(EC_MIB);
    size_t n = 0;
    ec_buf_printf(&sql, "SELECT %s FROM ", what);
    project_scan(p, table, &sql);
    ec_buf_printf(&sql, " %s", rest);
    if (ec_sql_open(&options, &session, &err) != EC_OK || ec_sql_query(session, sql.p, &rows, &err) != EC_OK)
        fail_msg("%s", err.message);
    text[0] = '\0';
    for (;;) {
        if (ec_sql_next(rows, &batch, &err) != EC_OK) fail_msg("%s", err.message);
        if (batch->rows == 0) break;
        for (size_t row = 0; row < batch->rows; row++)
            for (size_t c = 0; c < batch->columns; c++) {
                bool null = !ec_bit(batch->column[c].valid, row);
                struct ec_str cell = ec_batch_cell_text(batch, c, row);
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s",
                                      c   ? "|"
                                      : n ? " "
                                          : "",
                                      null ? 1 : (int)cell.n, null ? "-" : cell.p);
                assert_true(n < sizeof text);
            }
    }
    ec_sql_rows_close(rows);
    ec_sql_close(session);
    ec_buf_free(&sql);
    return text;
}

#define expect_rows(p, table, what, rest, expected) assert_string_equal(project_query(p, table, what, rest), expected)

/* The lines of all quarantine files that hold `needle`. */
static inline size_t project_rejects(const struct project *p, const char *name, const char *needle) {
    struct ec_buf text = ec_buf_make(16 * EC_MIB);
    char below[512];
    (void)snprintf(below, sizeof below, "data/quality/quarantine/%s.jsonl", name);
    size_t n = 0;
    if (ec_path_exists(project_path(p, below))) {
        assert_int_equal(ec_file_load(project_path(p, below), &text, NULL), EC_OK);
        for (size_t at = 0; at < text.n;) {
            const char *end = memchr(text.p + at, '\n', text.n - at);
            assert_non_null(end);
            size_t line = (size_t)(end - text.p) - at;
            n += memmem(text.p + at, line, needle, strlen(needle)) != NULL;
            at += line + 1;
        }
    }
    ec_buf_free(&text);
    return n;
}

#endif
