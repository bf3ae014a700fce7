#include "sql/checkpoint.h"

#include "../store/delta_fixture.h"

#define VERSIONS 45

/* A table of 46 versions: each adds a file, every third takes the one before it away; the 30th has a third partition: null. */
static const char *long_table(const char *name) {
    const char *dir = begun_table(name);
    for (int64_t v = 1; v <= VERSIONS; v++) {
        struct ec_buf actions = ec_buf_make(1 << 16);
        struct ec_err err = {0};
        char path[64], before[64];
        int64_t version;
        const char *date = v == 30 ? NULL : v % 2 ? "2025-07-18" : "2025-07-19", *date_before = v == 31 ? NULL : v % 2 ? "2025-07-19" : "2025-07-18";
        (void)snprintf(path, sizeof path, "date=%s/%d%%20%%27.parquet", date ? date : "__HIVE_DEFAULT_PARTITION__", (int)v);
        (void)snprintf(before, sizeof before, "date=%s/%d%%20%%27.parquet", date_before ? date_before : "__HIVE_DEFAULT_PARTITION__", (int)v - 1);
        if (v % 3 == 0) remove_file(&actions, before, date_before);
        add_file(&actions, path, date);
        if (commit_as(dir, v % 5 ? "app" : "other", v + 1, v - 1, &actions, &version, &err) != EC_OK) fail_msg("%s", err.message);
        assert_int_equal(version, v);
        ec_buf_free(&actions);
    }
    return dir;
}

static const char *log_file(const char *dir, int64_t version, const char *end) {
    const char *path = ec_arena_printf(&names, "%s/_delta_log/%020d%s", dir, (int)version, end);
    assert_non_null(path);
    return path;
}

static void clean_up(const char *dir, int64_t before) {
    for (int64_t v = 0; v < before; v++) assert_int_equal(unlink(log_file(dir, v, ".json")), 0);
}

static void write_one(const char *dir, int64_t wanted) {
    struct ec_err err = {0};
    int64_t version = -1;
    if (ec_checkpoint_write(dir, &version, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(version, wanted);
}

static bool same(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void assert_same_tables(const struct ec_delta *a, const struct ec_delta *b) {
    assert_int_equal(a->version, b->version);
    assert_string_equal(a->id, b->id);
    assert_int_equal(a->column_count, b->column_count);
    assert_true(same(a->partition_by, b->partition_by));
    assert_int_equal(a->file_count, b->file_count);
    for (size_t i = 0; i < a->file_count; i++) {
        assert_string_equal(a->file[i].path, b->file[i].path);
        assert_true(same(a->file[i].partition, b->file[i].partition));
        assert_true(same(a->file[i].stats, b->file[i].stats));
        assert_true(a->file[i].bytes == b->file[i].bytes && a->file[i].rows == b->file[i].rows && a->file[i].modified_ms == b->file[i].modified_ms);
    }
}

static void a_checkpoint_is_the_replay_of_the_log(void **state) {
    (void)state;
    const char *dir = long_table("equal");
    bool due = false;
    assert_int_equal(ec_delta_checkpoint_due(dir, &due, NULL), EC_OK);
    assert_true(due);
    ec_delta_read_checkpoints(NULL);
    struct ec_delta *replayed = opened(dir);
    ec_delta_read_checkpoints(ec_checkpoint_read);
    write_one(dir, VERSIONS);
    assert_int_equal(ec_delta_checkpoint_due(dir, &due, NULL), EC_OK);
    assert_false(due);
    struct ec_delta *both = opened(dir);
    assert_same_tables(replayed, both);
    ec_delta_close(both);
    clean_up(dir, VERSIONS + 1); /* nothing but the checkpoint is left */
    struct ec_delta *alone = opened(dir);
    assert_same_tables(replayed, alone);
    ec_delta_close(alone);
    ec_delta_close(replayed);
    int64_t txn = 0;
    assert_int_equal(ec_delta_txn(dir, "app", &txn, NULL), EC_OK);
    assert_int_equal(txn, 45);
    assert_int_equal(ec_delta_txn(dir, "other", &txn, NULL), EC_OK);
    assert_int_equal(txn, 46);
}

static void commits_go_on_behind_a_checkpoint(void **state) {
    (void)state;
    const char *dir = long_table("behind");
    write_one(dir, VERSIONS);
    clean_up(dir, VERSIONS);
    struct ec_buf actions = ec_buf_make(1 << 16);
    int64_t version;
    add_file(&actions, "date=2025-07-18/new.parquet", "2025-07-18");
    assert_int_equal(commit_as(dir, "app", 50, VERSIONS, &actions, &version, NULL), EC_OK);
    assert_int_equal(version, VERSIONS + 1);
    /* Once more, as after a crash: it is known by its transaction. */
    assert_int_equal(commit_as(dir, "app", 50, VERSIONS, &actions, &version, NULL), EC_OK);
    assert_int_equal(version, VERSIONS + 1);
    struct ec_delta *table = opened(dir);
    assert_int_equal(table->version, VERSIONS + 1);
    ec_delta_close(table);
    ec_buf_free(&actions);
}

static void a_damaged_checkpoint_costs_nothing_while_the_log_is_whole(void **state) {
    (void)state;
    const char *dir = long_table("damaged");
    write_one(dir, VERSIONS);
    struct ec_delta *before = opened(dir);
    put_file(log_file(dir, VERSIONS, ".checkpoint.parquet"), "PAR1 no more");
    struct ec_delta *after = opened(dir);
    assert_same_tables(before, after);
    ec_delta_close(after);
    ec_delta_close(before);
    clean_up(dir, VERSIONS);
    struct ec_delta *table = NULL;
    struct ec_err err = {0};
    assert_int_not_equal(ec_delta_open(dir, &table, &err), EC_OK);
    assert_non_null(strstr(err.message, "checkpoint"));
    assert_null(table);
}

/* What lacks a part is not used; a gap behind a checkpoint is one. */
static void parts_and_gaps(void **state) {
    (void)state;
    const char *dir = long_table("parts");
    write_one(dir, VERSIONS);
    assert_int_equal(rename(log_file(dir, VERSIONS, ".checkpoint.parquet"), log_file(dir, VERSIONS, ".checkpoint.0000000001.0000000002.parquet")), 0);
    clean_up(dir, VERSIONS);
    struct ec_delta *table = NULL;
    struct ec_err err = {0};
    assert_int_equal(ec_delta_open(dir, &table, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "its first commits were cleaned up"));
    dir = long_table("gap");
    write_one(dir, VERSIONS);
    struct ec_buf actions = ec_buf_make(1 << 16);
    int64_t version;
    add_file(&actions, "date=2025-07-18/new.parquet", "2025-07-18");
    for (int64_t seq = 60; seq < 63; seq++) assert_int_equal(commit_as(dir, "app", seq, VERSIONS + seq - 60, &actions, &version, NULL), EC_OK);
    clean_up(dir, VERSIONS);
    assert_int_equal(unlink(log_file(dir, VERSIONS + 2, ".json")), 0);
    err = (struct ec_err){0};
    assert_int_equal(ec_delta_open(dir, &table, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "has a gap"));
    ec_buf_free(&actions);
}

/* Parts that only old versions name stay for those who look at these, and what a killed writer left goes. */
/* C9, C16: a run that was interrupted between its manifest and its commits, and finished after another engine had gone far
 * beyond its snapshot and cleaned the log up. */
static void a_commit_from_before_a_cleaned_log(void **state) {
    (void)state;
    const char *dir = long_table("late");
    struct ec_delta *table = opened(dir);
    char base[EC_SHA256_HEX];
    struct ec_err err = {0};
    assert_int_equal(ec_delta_fingerprint(table->metadata, base, NULL), EC_OK);
    ec_delta_close(table);
    ec_delta_read_checkpoints(ec_checkpoint_read);
    write_one(dir, VERSIONS);
    clean_up(dir, VERSIONS + 1);
    struct ec_buf add = ec_buf_make(1 << 16), stale = ec_buf_make(1 << 16);
    add_file(&add, "date=2025-07-18/late.parquet", "2025-07-18");
    remove_file(&stale, "date=2025-07-19/2%20%27.parquet", "2025-07-19"); /* version 3 took it away */
    struct ec_delta_commit commit = {.app_id = "late", .txn_version = 1, .operation = "WRITE", .timestamp_ms = 9, .base_version = 2,
                                     .base_metadata = base, .actions = ec_buf_str(&stale)};
    int64_t version = -1;
    assert_int_equal(ec_delta_write(dir, &commit, &version, &err), EC_COMMIT_CONFLICT);
    assert_non_null(strstr(err.message, "replaces files that it removed"));
    commit.actions = ec_buf_str(&add);
    assert_int_equal(ec_delta_write(dir, &commit, &version, NULL), EC_OK);
    assert_int_equal(version, VERSIONS + 1);
    assert_int_equal(ec_delta_write(dir, &commit, &version, NULL), EC_OK); /* once */
    assert_int_equal(version, VERSIONS + 1);
    commit.app_id = "app"; /* its txn of version 44 is in the checkpoint alone */
    commit.txn_version = 45;
    assert_int_equal(ec_delta_write(dir, &commit, &version, NULL), EC_OK);
    commit.txn_version = 46;
    commit.base_metadata = "another schema";
    ec_buf_clear(&add);
    add_file(&add, "date=2025-07-18/later.parquet", "2025-07-18");
    commit.actions = ec_buf_str(&add);
    assert_int_equal(ec_delta_write(dir, &commit, &version, NULL), EC_COMMIT_CONFLICT);
    table = opened(dir);
    assert_int_equal(table->version, VERSIONS + 1);
    ec_delta_close(table);
    ec_buf_free(&add);
    ec_buf_free(&stale);
}

/* Spark's other kind, whose name is all that is looked at. */
static void a_v2_checkpoint_is_refused_by_name(void **state) {
    (void)state;
    static const char *const ends[] = {".checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json", ".checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet"};
    for (size_t i = 0; i < 2; i++) {
        const char *dir = long_table(i ? "v2-parquet" : "v2-json");
        struct ec_delta *table = NULL;
        struct ec_err err = {0};
        put_file(log_file(dir, 44, ends[i]), "{}");
        ec_delta_close(opened(dir)); /* while the log is whole */
        clean_up(dir, 44);
        assert_int_equal(ec_delta_open(dir, &table, &err), EC_TABLE_FORMAT);
        assert_non_null(strstr(err.message, "behind a checkpoint of the kind v2Checkpoint, which Ecluse does not know"));
    }
}

/* A protocol of features by name is kept as it is. */
static void features_stand_in_a_checkpoint(void **state) {
    (void)state;
    const char *dir = long_table("features");
    struct ec_delta *table = NULL;
    struct ec_err err = {0};
    put_version(dir, VERSIONS + 1, "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[\"invariants\",\"checkpointProtection\"]}}\n");
    write_one(dir, VERSIONS + 1);
    clean_up(dir, VERSIONS + 2);
    table = opened(dir);
    assert_int_equal(table->version, VERSIONS + 1);
    ec_delta_close(table);
    put_version(dir, VERSIONS + 2, "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[\"rowTracking\"]}}\n");
    assert_int_equal(ec_delta_open(dir, &table, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "(rowTracking)"));
}

static void a_sweep_looks_at_every_version(void **state) {
    (void)state;
    const char *dir = long_table("sweep");
    const char *old = below(dir, "date=2025-07-19/2 '.parquet"), *stray = below(dir, "date=2025-07-19/stray.parquet");
    put_file(old, "x");
    put_file(stray, "x");
    write_one(dir, VERSIONS);
    put_file(log_file(dir, VERSIONS, ".checkpoint.parquet.tmp"), "x");
    put_file(below(dir, "_delta_log/.00000000000000000045.checkpoint.parquet.tmp"), "x");
    put_file(below(dir, "_delta_log/._last_checkpoint.12.ab12.tmp"), "x");
    size_t removed = 0;
    assert_int_equal(ec_delta_sweep(dir, &removed, NULL), EC_OK);
    assert_int_equal(removed, 3);
    assert_true(ec_path_exists(old));
    assert_false(ec_path_exists(stray));
    clean_up(dir, VERSIONS + 1);
    put_file(stray, "x");
    assert_int_equal(ec_delta_sweep(dir, &removed, NULL), EC_OK);
    assert_true(ec_path_exists(old)); /* the checkpoint names it */
    assert_false(ec_path_exists(stray));
}

int main(void) {
    ec_delta_read_checkpoints(ec_checkpoint_read);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_is_the_replay_of_the_log),
        cmocka_unit_test(commits_go_on_behind_a_checkpoint),
        cmocka_unit_test(a_damaged_checkpoint_costs_nothing_while_the_log_is_whole),
        cmocka_unit_test(parts_and_gaps),
        cmocka_unit_test(a_commit_from_before_a_cleaned_log),
        cmocka_unit_test(a_v2_checkpoint_is_refused_by_name),
        cmocka_unit_test(features_stand_in_a_checkpoint),
        cmocka_unit_test(a_sweep_looks_at_every_version),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
