/* What follows from a manifest, where one of its steps fails: the others are done, the step is named, and the next try
 * ends as if nothing had happened. */
#include "project.h"

#include "../faulty_io.h"
#include "../odd_io.h"
#include "base/timing.h"
#include "run/facts.h"
#include "run/finish.h"

#include <dlfcn.h>

static struct project project, *p = &project;
static struct ec_sql *sql; /* of all tests: to open one for each would take most of the time */

#define TABLE "data/processed/enriched/sales"

/* ---- a folder that cannot be opened ---- */

static const char *closed_folder; /* what its path ends with */
static unsigned opened;           /* so many times it can be */

DIR *opendir(const char *path) {
    static DIR *(*real)(const char *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "opendir");
    size_t n = strlen(path), k = closed_folder ? strlen(closed_folder) : 0;
    if (closed_folder && n >= k && strcmp(path + n - k, closed_folder) == 0 && (opened == 0 || opened-- == 0)) {
        errno = EMFILE;
        return NULL;
    }
    return real(path);
}

/* ---- a run whose end is tried again ---- */

static struct {
    struct ec_config *config;
    struct ec_manifest manifest;
    struct ec_run_facts facts;
    size_t units; /* that they have: a test may take them away */
    struct ec_buf problems;
    struct ec_finish_options options;
} run;

static int begin(void **state) {
    (void)state;
    project_make(p);
    project_config(p,
                   "data_workers: 1\n"
                   "archive: {enabled: true, include: [raw, processed, quality], cleanup: [raw]}\n"
                   "metrics: {textfile: out/ecluse.prom}\n"
                   "lineage: {file: out/lineage.ndjson}\n"
                   "sources:\n"
                   "  sales:\n"
                   "    files: [\"sales*\"]\n"
                   "    format: csv\n"
                   "    key: [id]\n",
                   "{\"sales\": {\"required_columns\": {\"id\": \"string\", \"n\": \"integer\"}}}\n", "sales: {n: {min_value: 0}}\n");
    project_write(p, "transformations/per_n.sql", "-- Rows per number.\n-- csv: per_n/{n}.csv\nSELECT n, count(*) AS n_rows FROM sales GROUP BY n\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,-2\nc,3\n");
    project_run(p);
    struct ec_log_options quiet = {.level = EC_LOG_ERROR + 1};
    ec_log_init(&quiet);
    return 0;
}

static int end(void **state) {
    (void)state;
    closed_folder = NULL;
    ec_sql_close(sql);
    sql = NULL;
    project_remove(p);
    return 0;
}

static void load(void) {
    struct ec_err err = {0};
    memset(&run, 0, sizeof run);
    run.problems = ec_buf_make(EC_MIB);
    if (ec_config_load(p->dir, NULL, 0, &run.config, &err) != EC_OK || ec_manifest_read(p->dir, 1, &run.manifest, &err) != EC_OK ||
        ec_facts_load(run.config, 1, &run.facts, &err) != EC_OK)
        fail_msg("%s", err.message);
    run.units = run.facts.unit_count;
    if (!sql) {
        struct ec_sql_options options = {.threads = 1, .memory_bytes = EC_GIB / 4, .files_dir = p->dir};
        assert_int_equal(ec_sql_open(&options, &sql, &err), EC_OK);
    }
    run.options = (struct ec_finish_options){.config = run.config, .manifest = &run.manifest, .facts = &run.facts, .problems = &run.problems, .sql = sql, .again = true};
    (void)unlink(project_path(p, "data/runs/00000001.finished"));
}

static void unload(void) {
    run.facts.unit_count = run.units;
    ec_run_facts_deinit(&run.facts);
    ec_manifest_deinit(&run.manifest);
    ec_config_destroy(run.config);
    ec_buf_free(&run.problems);
}

static bool is_finished(void) { return ec_path_exists(project_path(p, "data/runs/00000001.finished")); }

/* It ended, but for what the text says. */
static void expect_problem(enum ec_status status, const char *what) {
    assert_int_equal(status, EC_OK);
    if (!strstr(ec_buf_str(&run.problems).p, what)) fail_msg("'%s' is not in '%s'", what, ec_buf_str(&run.problems).p);
    assert_false(is_finished());
    ec_buf_clear(&run.problems);
}

static void expect_finished(void) {
    struct ec_err err = {0};
    if (ec_finish(&run.options, &err) != EC_OK || run.problems.n) fail_msg("%s%s", err.message, ec_buf_str(&run.problems).p);
    assert_true(is_finished());
    assert_int_equal(unlink(project_path(p, "data/runs/00000001.finished")), 0);
}

static void with_archive(void) {
    static const char *archived[] = {"data/raw/sales_1.csv"};
    run.manifest.archive = "data/archive/archive_20250718_1200.tar.gz";
    run.manifest.archived = archived;
    run.manifest.archived_count = 1;
}

/* Everything that was delivered is gone but the raw file, the tables and the staged quarantine. */
static void start_over(void) {
    static const char *const gone[] = {"data/quality", "data/archive", "data/processed/per_n", "out"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) assert_int_equal(ec_dir_remove(project_path(p, gone[i]), true, NULL), EC_OK);
    (void)unlink(project_path(p, "data/runs/00000001.archived"));
    (void)unlink(project_path(p, "data/raw/sales_1.csv.done"));
    project_drop(p, "sales_1.csv", "id,n\na,1\nb,-2\nc,3\n");
    struct stat st;
    assert_int_equal(stat(project_path(p, "data/raw/sales_1.csv"), &st), 0);
    run.manifest.mark[0].mtime_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
    run.manifest.mark[0].inode = st.st_ino;
    char line[128];
    (void)snprintf(line, sizeof line, "{\"run\":\"%s\"}\n", run.manifest.run);
    project_write(p, run.manifest.quarantine[0].from, line);
}

/* ---- one step fails ---- */

static void what_cannot_be_delivered_is_named(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum odd_call call;
        const char *path;
        unsigned spared;
    } cases[] = {{"quarantine: cannot place ", ODD_LINK, "sales_1.csv.jsonl", 0},
                 {"reports: cannot create the folder ", ODD_MKDIR, "data/quality", 2},
                 {"reports: cannot create ", ODD_OPEN, ".validation_report", 0},
                 {"reports: cannot create ", ODD_OPEN, ".history.jsonl", 0},
                 {"exports: the CSV export of per_n: cannot create ", ODD_OPEN, "per_n/.1.csv.tmp", 0},
                 {"alert: cannot remove the alert of an earlier run", ODD_UNLINK, "quality_alert", 0},
                 {"marks: cannot create ", ODD_OPEN, ".sales_1.csv.done", 0},
                 {"sync: cannot sync ", ODD_FSYNC, ".sales_1.csv.done", 0},
                 {"dashboard: cannot create ", ODD_OPEN, ".dashboard.html", 0},
                 {"sync: cannot sync ", ODD_FSYNC, ".dashboard.html", 0},
                 {"archive: ", ODD_OPEN, "data/archive/", 0},
                 {"dashboard: cannot create ", ODD_OPEN, ".dashboard.html", 1},
                 {"clean-up: cannot remove ", ODD_UNLINK, "raw/sales_1.csv", 0},
                 {"clean-up: cannot remove ", ODD_UNLINK, "raw/sales_1.csv.done", 0},
                 {"sync: cannot sync the folder ", ODD_FSYNC, "data/raw", 1},
                 {"clean-up: cannot sync the folder ", ODD_FSYNC, "data/raw", 2},
                 {"clean-up: cannot remove ", ODD_UNLINK, "staging/", 0},
                 {"metrics: ", ODD_OPEN, "out/", 0},
                 {"lineage: ", ODD_OPEN, "lineage.ndjson", 0}};
    load();
    with_archive();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_err err = {0};
        start_over();
        odd_begin(cases[i].call, cases[i].path, EIO);
        odd.spared = cases[i].spared;
        enum ec_status status = ec_finish(&run.options, &err);
        if (!odd_end()) fail_msg("case %zu: no such call", i);
        expect_problem(status, cases[i].what);
        run.facts.archive_count = 0;
        expect_finished();
        run.facts.archive_count = 0;
        assert_true(ec_path_exists(project_path(p, "data/quality/dashboard.html")));
        assert_true(ec_path_exists(project_path(p, "data/processed/per_n/1.csv")));
        assert_false(ec_path_exists(project_path(p, "data/raw/sales_1.csv")));
    }
    unload();
}

/* Without files there are no reports; without what is configured nobody else is told. */
static void a_run_that_computed_models_alone(void **state) {
    (void)state;
    load();
    assert_int_equal(ec_dir_remove(project_path(p, "data/quality"), true, NULL), EC_OK);
    assert_int_equal(ec_dir_remove(project_path(p, "out"), true, NULL), EC_OK);
    run.facts.unit_count = 0;
    run.config->metrics_textfile = NULL;
    run.config->lineage.file = NULL;
    expect_finished();
    assert_false(ec_path_exists(project_path(p, "data/quality/dashboard.html")));
    assert_false(ec_path_exists(project_path(p, "out")));
    struct ec_err err = {0};
    run.config->lineage.url = "http://127.0.0.1:1/"; /* where nobody listens */
    run.config->lineage.job_namespace = "n";
    run.config->lineage.timeout_s = 1;
    expect_problem(ec_finish(&run.options, &err), "lineage: ");
    run.config->lineage.url = NULL;
    unload();
}

/* The session that reads the tables for the exports: none, and one that cannot be had. */
static void a_session_of_its_own(void **state) {
    (void)state;
    struct ec_err err = {0};
    load();
    start_over();
    run.facts.unit_count = 0;
    run.options.sql = NULL;
    expect_finished();
    assert_true(ec_path_exists(project_path(p, "data/processed/per_n/3.csv")));
    /* There is no memory for it: the export is named. */
    bool named = false;
    run.manifest.commit_count = 0;
    for (unsigned at = 1; at < 12; at++) {
        faulty_begin(FAULTY_BEFORE, at);
        enum ec_status status = ec_finish(&run.options, &err);
        (void)faulty_end();
        named = named || (status == EC_OK && run.problems.n && strstr(run.problems.p, "exports: no memory"));
        assert_int_equal(is_finished(), status == EC_OK && run.problems.n == 0);
        (void)unlink(project_path(p, "data/runs/00000001.finished"));
        ec_buf_clear(&run.problems);
    }
    assert_true(named);
    expect_finished();
    unload();
}

/* ---- the commits ---- */

static void commits_that_fail(void **state) {
    (void)state;
    struct ec_err err = {0};
    load();
    struct ec_manifest_commit three[] = {run.manifest.commit[0], {"data/processed/kpi/x", "WRITE", -1, NULL, 1, {"{\n", 2}}, {"data/processed/kpi/y", "WRITE", -1, NULL, 1, {"[]\n", 3}}};
    run.manifest.commit = three;
    run.manifest.commit_count = 3;
    assert_int_equal(ec_finish(&run.options, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "kpi/x")); /* the first that failed */
    assert_int_equal(ec_finish(&run.options, NULL), EC_TABLE_FORMAT);
    assert_false(is_finished());
    assert_int_equal(run.problems.n, 0); /* nothing was delivered of it */
    unload();
}

/* A checkpoint that is due and cannot be written, or of which it cannot be known whether it is due, is no failure. */
static void checkpoints_that_fail(void **state) {
    (void)state;
    load();
    run.facts.unit_count = 0;
    run.manifest.commit_count = 1;
    struct ec_manifest_commit *c = &run.manifest.commit[0];
    char log[512];
    (void)snprintf(log, sizeof log, "%s/_delta_log", c->table);
    closed_folder = log;
    opened = 1; /* by the commit */
    expect_finished();
    assert_int_equal(opened, 0);
    closed_folder = NULL;
    for (int version = 1; version <= 2 * (int)EC_DELTA_CHECKPOINT_EVERY; version++) {
        char name[600];
        (void)snprintf(name, sizeof name, "%s/%020d.json", log, version);
        project_write(p, name, "{\"commitInfo\":{}}\n");
    }
    odd_begin(ODD_OPEN, ".checkpoint.lines", EIO);
    struct ec_err err = {0};
    assert_int_equal(ec_finish(&run.options, &err), EC_OK);
    assert_true(odd_end());
    assert_int_equal(run.problems.n, 0);
    assert_true(is_finished());
    unload();
}

/* ---- marks and the clean-up ---- */

static void marks_that_cannot_be_written(void **state) {
    (void)state;
    static char path[EC_PATH_MAX + 8], id[9000];
    struct ec_err err = {0};
    load();
    run.facts.unit_count = 0;
    const char *own_path = run.manifest.mark[0].path, *own_run = run.manifest.run;
    memset(path, 'a', sizeof path - 1);
    run.manifest.mark[0].path = path;
    path[EC_PATH_MAX - 4] = '\0'; /* with its end it is too long */
    expect_problem(ec_finish(&run.options, &err), "marks: aaa");
    path[EC_PATH_MAX - 8] = '\0'; /* with its folder */
    expect_problem(ec_finish(&run.options, &err), "marks: the path ");
    run.manifest.mark[0].path = own_path;
    memset(id, 'r', sizeof id - 1);
    run.manifest.run = id;
    run.manifest.commit_count = 0;
    run.manifest.quarantine_count = 0;
    expect_problem(ec_finish(&run.options, &err), "a text would exceed its limit");
    id[5000] = '\0'; /* a mark has room for it, a folder of staging has not */
    expect_problem(ec_finish(&run.options, &err), "clean-up: the path ");
    run.manifest.run = own_run;
    run.manifest.mark[0].members = 7;
    expect_finished();
    struct ec_buf text = ec_buf_make(EC_MIB);
    assert_int_equal(ec_file_load(project_path(p, "data/raw/sales_1.csv.done"), &text, NULL), EC_OK);
    assert_non_null(strstr(text.p, "\"members\":7"));
    ec_buf_free(&text);
    unload();
}

/* The raw file goes where the archive holds it and it is the one that was read; its mark goes with it. */
static void which_raw_files_go(void **state) {
    (void)state;
    static const struct {
        unsigned cleanup, include;
        bool archive;
        int64_t later;
        uint64_t other;
        bool goes;
    } cases[] = {{EC_AREA_RAW, EC_AREA_RAW, true, 0, 0, true},  {EC_AREA_STAGING, EC_AREA_RAW, true, 0, 0, false}, {EC_AREA_RAW, EC_AREA_PROCESSED, true, 0, 0, false},
                 {EC_AREA_RAW, EC_AREA_RAW, false, 0, 0, false}, {EC_AREA_RAW, EC_AREA_RAW, true, 1, 0, false},     {EC_AREA_RAW, EC_AREA_RAW, true, 0, 1, false}};
    load();
    run.facts.unit_count = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start_over();
        with_archive();
        if (!cases[i].archive) run.manifest.archive = NULL;
        run.config->archive_cleanup = cases[i].cleanup;
        run.config->archive_include = cases[i].include;
        run.manifest.mark[0].mtime_us += cases[i].later;
        run.manifest.mark[0].inode += cases[i].other;
        expect_finished();
        run.facts.archive_count = 0;
        assert_int_equal(ec_path_exists(project_path(p, "data/raw/sales_1.csv")), !cases[i].goes);
        assert_int_equal(ec_path_exists(project_path(p, "data/raw/sales_1.csv.done")), !cases[i].goes);
    }
    /* One that is gone already, and one of which nothing can be known. */
    start_over();
    with_archive();
    assert_int_equal(unlink(project_path(p, "data/raw/sales_1.csv")), 0);
    (void)unlink(project_path(p, "data/runs/00000001.archived"));
    run.config->archive_cleanup = run.config->archive_include = EC_AREA_RAW;
    expect_finished();
    assert_false(ec_path_exists(project_path(p, "data/raw/sales_1.csv.done")));
    assert_int_equal(symlink("loop", project_path(p, "data/raw/loop")), 0);
    run.manifest.mark[0].path = "loop";
    expect_finished();
    assert_true(ec_path_exists(project_path(p, "data/raw/loop")));
    run.facts.archive_count = 0;
    unload();
}

/* ---- memory, and paths ---- */

static void no_memory_for_what_a_run_cost(void **state) {
    (void)state;
    struct ec_err err = {0};
    static struct ec_timing timing;
    load();
    ec_timing_init(&timing);
    ec_timing_begin(&timing, "a stage");
    ec_timing_end(&timing);
    run.options.timing = &timing;
    size_t most = run.facts.arena.bytes_max;
    run.facts.arena.bytes_max = run.facts.arena.used;
    expect_problem(ec_finish(&run.options, &err), "reports: no memory for the stages");
    run.facts.arena.bytes_max = most;
    expect_finished();
    unload();
}

/* Each call, and in builds whose arenas are plain memory each allocation, fails in turn: what is not finished says so. */
static void any_call_may_fail(void **state) {
    (void)state;
    load();
    run.facts.unit_count = 0;
    run.manifest.export_count = 0;
    run.manifest.commit_count = 1;
    run.config->metrics_textfile = NULL;
    run.config->lineage.file = NULL;
    with_archive();
    bool hit = true;
    for (unsigned at = 1; hit; at++) {
        struct ec_err err = {0};
        start_over();
        faulty_begin(FAULTY_BEFORE, at);
        enum ec_status status = ec_finish(&run.options, &err);
        hit = faulty_end();
        assert_true(status == EC_OK || err.message[0] != '\0');
        bool all = status == EC_OK && run.problems.n == 0;
        if (!hit) assert_true(all);
        if (all) assert_true(is_finished());
        if (run.problems.n) assert_false(is_finished());
        ec_buf_clear(&run.problems);
        run.facts.archive_count = 0;
        if (all) assert_false(ec_path_exists(project_path(p, "data/raw/sales_1.csv")));
        expect_finished();
        run.facts.archive_count = 0;
        assert_true(at < 1000);
    }
    unload();
}

/* The project's own path leaves less and less room for the names below it. */
static void paths_that_are_too_long(void **state) {
    (void)state;
    char dir[EC_PATH_MAX];
    unsigned refused = 0, partly = 0, finished = 0;
    load();
    char *own = run.config->dir;
    run.config->metrics_textfile = NULL;
    run.config->lineage.file = NULL;
    for (unsigned commits = 0; commits < 2; commits++)
        for (size_t room = 0; room < 130; room += room < 64 ? 1 : 11) {
            struct ec_err err = {0};
            memset(dir, '/', sizeof dir);
            memcpy(dir, own, strlen(own));
            dir[sizeof dir - 1 - room] = '\0';
            run.config->dir = dir;
            run.manifest.commit_count = commits;
            run.manifest.export_count = commits;
            start_over();
            enum ec_status status = ec_finish(&run.options, &err);
            run.config->dir = own;
            assert_true(status == EC_OK || status == EC_IO);
            assert_true(status == EC_OK || strstr(err.message, own)); /* it names the path; the end is cut */
            assert_int_equal(is_finished(), status == EC_OK && run.problems.n == 0);
            if (status != EC_OK) refused++;
            else if (run.problems.n) partly++;
            else finished++;
            ec_buf_clear(&run.problems);
            (void)unlink(project_path(p, "data/runs/00000001.finished"));
        }
    assert_true(refused > 0 && partly > 0 && finished > 0);
    unload();
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "worker") == 0) return project_worker(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_cannot_be_delivered_is_named, begin, end),
        cmocka_unit_test_setup_teardown(a_run_that_computed_models_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_session_of_its_own, begin, end),
        cmocka_unit_test_setup_teardown(commits_that_fail, begin, end),
        cmocka_unit_test_setup_teardown(checkpoints_that_fail, begin, end),
        cmocka_unit_test_setup_teardown(marks_that_cannot_be_written, begin, end),
        cmocka_unit_test_setup_teardown(which_raw_files_go, begin, end),
        cmocka_unit_test_setup_teardown(no_memory_for_what_a_run_cost, begin, end),
        cmocka_unit_test_setup_teardown(any_call_may_fail, begin, end),
        cmocka_unit_test_setup_teardown(paths_that_are_too_long, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
