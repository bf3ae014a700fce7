/* What recovery does before a run: what it finishes, what it removes, and what it refuses to go on from. */
#include "../odd_io.h"
#include "../scratch.h"
#include "base/log.h"
#include "run/manifest.h"
#include "run/paths.h"
#include "run/run.h"

static struct ec_config config;
static struct ec_buf problems;

static int set_up(void **state) {
    (void)state;
    config = (struct ec_config){.dir = root, .workers = 1, .memory_bytes = EC_GIB};
    problems = ec_buf_make(EC_MIB);
    struct ec_log_options quiet = {.level = EC_LOG_ERROR + 1};
    ec_log_init(&quiet);
    return scratch_make("recover");
}

static int tear_down(void **state) {
    (void)state;
    ec_buf_free(&problems);
    return scratch_remove();
}

static enum ec_status recover(size_t *finished, struct ec_err *err) {
    ec_buf_clear(&problems);
    return ec_recover(&config, finished, &problems, err);
}

static void expect_recovered(size_t expected) {
    size_t finished = 99;
    struct ec_err err = {0};
    if (recover(&finished, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(finished, expected);
}

static void expect_refused(enum ec_status expected, const char *message) {
    size_t finished = 99;
    struct ec_err err = {0};
    assert_int_equal(recover(&finished, &err), expected);
    assert_int_equal(finished, 0);
    if (!strstr(err.message, message)) fail_msg("'%s' is not in '%s'", message, err.message);
}

/* A run of no file, whose one commit has these actions. */
static void publish(uint32_t seq, const char *actions) {
    char name[64];
    struct ec_manifest_commit commit = {"data/processed/enriched/sales", "WRITE", -1, NULL, 1, {actions, strlen(actions)}};
    struct ec_manifest m = {.seq = seq, .run = "20250718_120000-00000001", .program = "0", .config = "c", .commit = &commit, .commit_count = actions[0] != '\0'};
    assert_int_equal(ec_dir_make(below(EC_DIR_RUNS), NULL), EC_OK);
    assert_int_equal(ec_manifest_publish(root, &m, NULL), EC_OK);
    (void)snprintf(name, sizeof name, "data/runs/%08u.facts.json", seq);
    struct ec_run_facts facts;
    struct ec_buf text = ec_buf_make(EC_MIB);
    struct ec_json_writer w;
    ec_run_facts_init(&facts);
    facts.run = m.run;
    facts.seq = seq;
    ec_json_init(&w, &text);
    ec_run_facts_write(&w, NULL, &facts);
    write_text(name, text.p);
    ec_buf_free(&text);
    ec_run_facts_deinit(&facts);
}

static void a_project_before_its_first_run(void **state) {
    (void)state;
    expect_recovered(0);
    write_text("data", ""); /* and one whose folder is a file: its first call that writes will say so */
    size_t finished;
    struct ec_err err = {0};
    assert_int_equal(recover(&finished, &err), EC_IO);
    assert_non_null(strstr(err.message, "cannot open the folder "));
}

static void runs_that_were_interrupted(void **state) {
    (void)state;
    publish(1, "");
    publish(2, "");
    publish(3, "");
    write_text("data/runs/00000002.finished", "");
    write_text("data/staging/r/t1/part.parquet", "x");
    write_text("data/processed/enriched/sales/date=1/part.parquet", "x");
    expect_recovered(2);
    assert_true(ec_path_exists(below("data/runs/00000001.finished")) && ec_path_exists(below("data/runs/00000003.finished")));
    assert_false(ec_path_exists(below("data/staging/r")));
    assert_false(ec_path_exists(below("data/processed/enriched/sales/date=1"))); /* no commit names it */
    expect_recovered(0);
}

/* What follows is not built on a run that cannot be finished: the next waits, and nothing is removed. */
static void a_run_that_cannot_be_finished(void **state) {
    (void)state;
    publish(1, "{}\n");
    publish(2, "");
    write_text("data/staging/r/t1/part.parquet", "x");
    expect_refused(EC_TABLE_FORMAT, "is not one action");
    assert_false(ec_path_exists(below("data/runs/00000001.finished")) || ec_path_exists(below("data/runs/00000002.finished")));
    assert_true(ec_path_exists(below("data/staging/r/t1/part.parquet")));
    write_text("data/runs/00000001.json", "{");
    expect_refused(EC_TABLE_FORMAT, "damaged");
    assert_int_equal(unlink(below("data/runs/00000001.json")), 0);
    publish(1, "");
    assert_int_equal(unlink(below("data/runs/00000001.facts.json")), 0);
    expect_refused(EC_UNREADABLE, "00000001.facts.json");
    assert_true(ec_path_exists(below("data/staging/r/t1/part.parquet")));
}

/* Of a run that is finished, so that no other removes it. */
static void a_page_that_was_half_written(void **state) {
    (void)state;
    const char *page = "data/quality/.dashboard.html.tmp";
    write_text(page, "<!doc");
    odd_begin(ODD_UNLINK, ".dashboard.html.tmp", EIO);
    expect_refused(EC_IO, "cannot remove ");
    assert_true(odd_end());
    assert_true(ec_path_exists(below(page)));
    expect_recovered(0);
    assert_false(ec_path_exists(below(page)));
}

/* What could not be delivered may lie in staging alone. */
static void staging_stays_while_something_waits(void **state) {
    (void)state;
    size_t finished;
    publish(1, "");
    write_text("data/staging/r/t1/q", "x");
    odd_begin(ODD_RMDIR, "data/staging", EIO);
    write_text("data/staging/20250718_120000-00000001/q", "x");
    assert_int_equal(recover(&finished, NULL), EC_OK);
    assert_true(odd_end());
    assert_int_equal(finished, 1);
    assert_non_null(strstr(problems.p, "clean-up"));
    assert_true(ec_path_exists(below("data/staging/r/t1/q")));
    expect_recovered(1);
    assert_false(ec_path_exists(below("data/staging/r")));
    write_text("data/staging/r/t1/q", "x");
    odd_begin(ODD_UNLINK, "t1/q", EIO);
    struct ec_err err = {0};
    enum ec_status status = recover(&finished, &err);
    assert_true(odd_end());
    assert_int_equal(status, EC_IO);
    assert_non_null(strstr(err.message, "cannot remove "));
}

static void temporary_files(void **state) {
    (void)state;
    static const char *const gone[] = {"data/runs/.00000001.json.7.5af3.tmp", "data/archive/.a.tmp"};
    static const char *const kept[] = {"data/runs/a.tmp", "data/runs/.tmp", "data/runs/.a.txt", "data/archive/a.tar.gz"};
    for (size_t i = 0; i < 4; i++) write_text(kept[i], "");
    for (size_t i = 0; i < 2; i++) {
        write_text(gone[i], "");
        odd_begin(ODD_UNLINK, gone[i], EACCES);
        expect_refused(EC_IO, "cannot remove ");
        assert_true(odd_end());
        odd_begin(ODD_UNLINK, gone[i], ENOENT); /* somebody was quicker */
        expect_recovered(0);
        assert_true(odd_end());
    }
    expect_recovered(0);
    for (size_t i = 0; i < 2; i++) assert_false(ec_path_exists(below(gone[i])));
    for (size_t i = 0; i < 4; i++) assert_true(ec_path_exists(below(kept[i])));
}

/* A manifest that was found may stand in memory alone (C7). */
static void the_folder_of_the_runs_is_synced_first(void **state) {
    (void)state;
    publish(1, "");
    odd_begin(ODD_FSYNC, "data/runs", EIO);
    expect_refused(EC_IO, "cannot sync the folder ");
    assert_true(odd_end());
    assert_false(ec_path_exists(below("data/runs/00000001.finished")));
}

static void folders_that_are_none(void **state) {
    (void)state;
    assert_int_equal(ec_dir_make(below("data"), NULL), EC_OK);
    assert_int_equal(symlink("archive", below("data/archive")), 0); /* a loop */
    expect_refused(EC_IO, "cannot open the folder ");
    assert_int_equal(unlink(below("data/archive")), 0);
    assert_int_equal(symlink("runs", below("data/runs")), 0);
    expect_refused(EC_IO, "cannot open the folder ");
    assert_int_equal(unlink(below("data/runs")), 0);
    write_text("data/runs", "");
    expect_refused(EC_IO, "data/runs");
}

static void paths_that_are_too_long(void **state) {
    (void)state;
    char dir[EC_PATH_MAX];
    bool good = false;
    size_t finished;
    for (size_t room = 0; room < 64; room++) {
        struct ec_err err = {0};
        write_text("data/runs/.a-temporary-file-with-a-name.tmp", "");
        memset(dir, '/', sizeof dir);
        memcpy(dir, root, strlen(root));
        dir[sizeof dir - 1 - room] = '\0';
        config.dir = dir;
        enum ec_status status = recover(&finished, &err);
        config.dir = root;
        assert_true(status == EC_OK || (!good && status == EC_IO && strstr(err.message, root)));
        good = status == EC_OK;
        assert_int_equal(ec_path_exists(below("data/runs/.a-temporary-file-with-a-name.tmp")), !good);
    }
    assert_true(good);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_project_before_its_first_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(runs_that_were_interrupted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_that_cannot_be_finished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(staging_stays_while_something_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_that_was_half_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(temporary_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_folder_of_the_runs_is_synced_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(paths_that_are_too_long, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
