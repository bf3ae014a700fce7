#include "delta_fixture.h"
#include "../faulty_io.h"

#include <math.h>
#include <sys/wait.h>

static void load(const char *dir, int version, struct ec_buf *text) {
    char name[64];
    (void)snprintf(name, sizeof name, "_delta_log/%020d.json", version);
    struct ec_err err = {0};
    ec_buf_clear(text);
    if (ec_file_load(below(dir, name), text, &err) != EC_OK) fail_msg("%s", err.message);
}

static void the_text_of_a_commit_is_this(void **state) {
    (void)state;
    const char *dir = begun_table("text");
    struct ec_buf actions = ec_buf_make(1 << 16), text = ec_buf_make(1 << 20);
    int64_t version;
    load(dir, 0, &text);
    assert_string_equal(
        text.p,
        "{\"commitInfo\":{\"timestamp\":1000,\"operation\":\"WRITE\",\"operationParameters\":{\"mode\":\"Append\"},"
        "\"isBlindAppend\":true,\"engineInfo\":\"Ecluse/" EC_VERSION "\",\"txnId\":\"app:1\",\"run\":\"r1\"}}\n"
        "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
        "{\"metaData\":{\"id\":\"table-1\",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":"
        "\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":["
        "{\\\"name\\\":\\\"id\\\",\\\"type\\\":\\\"long\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}},"
        "{\\\"name\\\":\\\"price\\\",\\\"type\\\":\\\"decimal(12,2)\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}},"
        "{\\\"name\\\":\\\"date\\\",\\\"type\\\":\\\"date\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}}]}\","
        "\"partitionColumns\":[\"date\"],\"configuration\":{},\"createdTime\":5}}\n"
        "{\"txn\":{\"appId\":\"app\",\"version\":1,\"lastUpdated\":1000}}\n"
        "{\"add\":{\"path\":\"date=2025-07-18/a.parquet\",\"partitionValues\":{\"date\":\"2025-07-18\"},\"size\":10,"
        "\"modificationTime\":7,\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":3}\"}}\n");
    remove_file(&actions, "date=2025-07-18/a.parquet", "2025-07-18");
    add_file(&actions, "date=__HIVE_DEFAULT_PARTITION__/b.parquet", NULL);
    assert_int_equal(commit_as(dir, "app", 2, 0, &actions, &version, NULL), EC_OK);
    assert_int_equal(version, 1);
    load(dir, 1, &text);
    assert_string_equal(
        text.p,
        "{\"commitInfo\":{\"timestamp\":1000,\"operation\":\"WRITE\",\"operationParameters\":{\"mode\":\"Overwrite\"},"
        "\"readVersion\":0,\"isBlindAppend\":false,\"engineInfo\":\"Ecluse/" EC_VERSION
        "\",\"txnId\":\"app:2\",\"run\":\"r1\"}}\n"
        "{\"txn\":{\"appId\":\"app\",\"version\":2,\"lastUpdated\":1000}}\n"
        "{\"remove\":{\"path\":\"date=2025-07-18/a.parquet\",\"deletionTimestamp\":8,\"dataChange\":true,"
        "\"extendedFileMetadata\":true,\"partitionValues\":{\"date\":\"2025-07-18\"},\"size\":10}}\n"
        "{\"add\":{\"path\":\"date=__HIVE_DEFAULT_PARTITION__/"
        "b.parquet\",\"partitionValues\":{\"date\":null},\"size\":10,"
        "\"modificationTime\":7,\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":3}\"}}\n");
    ec_buf_free(&actions);
    ec_buf_free(&text);
}

static void statistics_stay_bounds(void **state) {
    (void)state;
    struct ec_part_column column[] = {
        {.name = (char[]){"i"},
         .type = {.type = EC_TYPE_INTEGER},
         .nulls = 2,
         .bounded = true,
         .min.i = INT64_MIN,
         .max.i = INT64_MAX},
        {.name = (char[]){"f"},
         .type = {.type = EC_TYPE_FLOAT},
         .bounded = true,
         .min.d = -0.1,
         .max.d = (double)INFINITY},
        {.name = (char[]){"t"},
         .type = {.type = EC_TYPE_DATETIME},
         .bounded = true,
         .min.i = -1,
         .max.i = 1752832800123456},
        {.name = (char[]){"w"},
         .type = {.type = EC_TYPE_DATETIME},
         .bounded = true,
         .min.i = INT64_MIN,
         .max.i = INT64_MAX},
        {.name = (char[]){"d"}, .type = {.type = EC_TYPE_DATE}, .bounded = true, .min.i = -1, .max.i = 20287},
        {.name = (char[]){"p"}, .type = {EC_TYPE_DECIMAL, 18, 2}, .bounded = true, .min.i = -5, .max.i = 123456},
        {.name = (char[]){"b"}, .type = {.type = EC_TYPE_BOOLEAN}, .bounded = true, .max.i = 1},
        {.name = (char[]){"s"}, .type = {.type = EC_TYPE_STRING}, .nulls = 9},
        {.name = (char[]){"n"}, .type = {.type = EC_TYPE_INTEGER}, .nulls = 9},
    };
    struct ec_part_stats stats = {.rows = 9, .bytes = 1, .column = column, .column_count = 9};
    struct ec_buf text = ec_buf_make(4096);
    ec_delta_stats_json(&text, &stats);
    assert_string_equal(text.p,
                        "{\"numRecords\":9,"
                        "\"minValues\":{\"i\":-9223372036854775808,\"f\":-0.1,\"t\":\"1969-12-31T23:59:59.999Z\","
                        "\"d\":\"1969-12-31\",\"p\":-0.05},"
                        "\"maxValues\":{\"i\":9223372036854775807,\"t\":\"2025-07-18T10:00:00.124Z\","
                        "\"d\":\"2025-07-18\",\"p\":1234.56},"
                        "\"nullCount\":{\"i\":2,\"f\":0,\"t\":0,\"w\":0,\"d\":0,\"p\":0,\"b\":0,\"s\":9,\"n\":9}}");
    ec_buf_free(&text);
}

/* C8: the same (application, seq) is applied once, whatever came after it. */
static void a_commit_is_applied_once(void **state) {
    (void)state;
    const char *dir = begun_table("once");
    struct ec_buf actions = ec_buf_make(1 << 16), first = ec_buf_make(1 << 16);
    int64_t version = -1;
    add_file(&actions, "date=2025-07-18/b.parquet", "2025-07-18");
    assert_int_equal(commit_as(dir, "app", 2, 0, &actions, &version, NULL), EC_OK);
    assert_int_equal(version, 1);
    assert_int_equal(commit_as(dir, "other", 9, 1, &actions, &version, NULL), EC_OK);
    assert_int_equal(version, 2);
    assert_int_equal(commit_as(dir, "app", 2, 0, &actions, &version, NULL), EC_OK);
    assert_int_equal(version, 1);
    begin_actions(&first); /* the roll-forward of a commit that made the table, long after */
    assert_int_equal(commit_as(dir, "app", 1, -1, &first, &version, NULL), EC_OK);
    assert_int_equal(version, 0);
    int64_t seq = 0;
    assert_int_equal(ec_delta_txn(dir, "app", &seq, NULL), EC_OK);
    assert_int_equal(seq, 2);
    assert_int_equal(ec_delta_txn(dir, "other", &seq, NULL), EC_OK);
    assert_int_equal(seq, 9);
    struct ec_delta *table = opened(dir);
    assert_int_equal(table->version, 2);
    ec_delta_close(table);
    ec_buf_free(&actions);
    ec_buf_free(&first);
}

static enum ec_status commit_from(const char *dir, int64_t seq, int64_t base, const char *base_metadata, const struct ec_buf *actions,
                                  int64_t *version, struct ec_err *err) {
    struct ec_delta_commit commit = {.app_id = "late", .txn_version = seq, .operation = "WRITE", .timestamp_ms = 1000,
                                     .base_version = base, .base_metadata = base_metadata, .actions = ec_buf_str(actions)};
    return ec_delta_write(dir, &commit, version, err);
}

/* C9 */
static void what_fits_goes_behind_other_writers(void **state) {
    (void)state;
    const char *dir = begun_table("behind");
    struct ec_buf add = ec_buf_make(1 << 16), replace = ec_buf_make(1 << 16), again = ec_buf_make(1 << 16), begin = ec_buf_make(1 << 16);
    int64_t version;
    add_file(&add, "date=2025-07-19/x.parquet", "2025-07-19");
    assert_int_equal(commit_as(dir, "other", 1, 0, &add, &version, NULL), EC_OK);
    ec_buf_clear(&add);
    add_file(&add, "date=2025-07-19/y.parquet", "2025-07-19");
    assert_int_equal(commit_as(dir, "late", 1, 0, &add, &version, NULL), EC_OK);
    assert_int_equal(version, 2);

    remove_file(&replace, "date=2025-07-18/a.parquet", "2025-07-18");
    add_file(&replace, "date=2025-07-18/a2.parquet", "2025-07-18");
    assert_int_equal(commit_as(dir, "late", 2, 0, &replace, &version, NULL), EC_OK); /* what it removes is there yet */
    assert_int_equal(version, 3);
    remove_file(&again, "date=2025-07-18/a.parquet", "2025-07-18");
    add_file(&again, "date=2025-07-18/a3.parquet", "2025-07-18");
    struct ec_err err = {0};
    assert_int_equal(commit_as(dir, "late", 3, 0, &again, &version, &err), EC_COMMIT_CONFLICT);
    assert_non_null(strstr(err.message, "to version 3, and this commit, made from version 0, replaces files that it removed"));
    assert_non_null(strstr(err.message, "restore the table to version 0"));

    ec_delta_protocol_action(&begin);
    ec_delta_metadata_action(&begin, "table-2", columns, 3, "date", 5);
    add_file(&begin, "date=2025-07-18/b.parquet", "2025-07-18");
    err = (struct ec_err){0};
    assert_int_equal(commit_as(dir, "late", 3, -1, &begin, &version, &err), EC_COMMIT_CONFLICT);
    assert_non_null(strstr(err.message, "another writer made the table"));
    err = (struct ec_err){0};
    assert_int_equal(commit_as(dir, "late", 3, 5, &add, &version, &err), EC_COMMIT_CONFLICT);
    assert_non_null(strstr(err.message, "ends at version 3, and this commit was made from version 5"));
    ec_buf_free(&add);
    ec_buf_free(&replace);
    ec_buf_free(&again);
    ec_buf_free(&begin);
}

/* C9: the schema is compared where the snapshot's is known, and its changes are counted where it is not. */
static void a_changed_schema_is_a_conflict(void **state) {
    (void)state;
    const char *dir = begun_table("changed");
    struct ec_buf add = ec_buf_make(1 << 16), grow = ec_buf_make(1 << 16), back = ec_buf_make(1 << 16);
    struct ec_delta *table = opened(dir);
    char base[EC_SHA256_HEX];
    int64_t version;
    assert_int_equal(ec_delta_fingerprint(table->metadata, base, NULL), EC_OK);
    ec_delta_close(table);
    ec_delta_metadata_action(&grow, "table-1", columns, 2, NULL, 5);
    ec_delta_metadata_action(&back, "table-1", columns, 3, "date", 5);
    add_file(&add, "date=2025-07-19/y.parquet", "2025-07-19");
    assert_int_equal(commit_as(dir, "other", 1, 0, &grow, &version, NULL), EC_OK);
    for (int known = 0; known < 2; known++) {
        struct ec_err err = {0};
        assert_int_equal(commit_from(dir, 2, 0, known ? base : NULL, &add, &version, &err), EC_COMMIT_CONFLICT);
        assert_non_null(strstr(err.message, "does not fit the schema or the properties that it changed"));
    }
    assert_int_equal(commit_as(dir, "other", 2, 1, &back, &version, NULL), EC_OK);
    assert_int_equal(commit_from(dir, 2, 0, NULL, &add, &version, NULL), EC_COMMIT_CONFLICT);
    assert_int_equal(commit_from(dir, 2, 0, base, &add, &version, NULL), EC_OK); /* the table was restored */
    assert_int_equal(version, 3);
    ec_buf_free(&add);
    ec_buf_free(&grow);
    ec_buf_free(&back);
}

/* C8: Spark drops an application's txn after a time that a table may set; the parts' names are proof enough. */
static void a_commit_whose_txn_is_gone_is_known_by_its_files(void **state) {
    (void)state;
    const char *dir = begun_table("dropped");
    struct ec_buf add = ec_buf_make(1 << 16);
    int64_t version;
    add_file(&add, "date=2025-07-19/y.parquet", "2025-07-19");
    assert_int_equal(commit_as(dir, "somebody", 1, 0, &add, &version, NULL), EC_OK);
    assert_int_equal(commit_from(dir, 2, 0, NULL, &add, &version, NULL), EC_OK);
    assert_int_equal(version, 1);
    struct ec_delta *table = opened(dir);
    assert_int_equal(table->version, 1);
    ec_delta_close(table);
    ec_buf_free(&add);
}

static void check_bad_actions(const char *text, const char *message) {
    struct ec_buf actions = ec_buf_make(4096);
    struct ec_err err = {0};
    int64_t version;
    const char *dir = new_table("refused");
    ec_buf_addz(&actions, text);
    assert_int_equal(commit_as(dir, "app", 1, -1, &actions, &version, &err), EC_TABLE_FORMAT);
    if (!strstr(err.message, message)) fail_msg("'%s' is not in '%s'", message, err.message);
    assert_false(ec_path_exists(below(dir, "_delta_log")));
    ec_buf_free(&actions);
}

/* C13 */
static void damaged_actions_never_reach_the_log(void **state) {
    (void)state;
    check_bad_actions("{\"add\":{\"path\":\"a\"}}", "line 1 of the commit to the table");
    check_bad_actions("{\"add\":{\"path\":\"a\"}}\n{\"add\"\n", "line 2");
    check_bad_actions("{\"add\":{\"path\":\"a\"},\"remove\":{}}\n", "is not one action");
    check_bad_actions("{\"txn\":{}}\n", "is none of protocol, metaData, add and remove");
    check_bad_actions("{\"add\":{}}\n", "has no path");
    check_bad_actions("{\"add\":{\"path\":\"../a\"}}\n", "outside the table");
    check_bad_actions("{\"protocol\":{}}\n{\"protocol\":{}}\n", "is a second protocol or metaData");
    check_bad_actions("{\"add\":{\"path\":\"a\"}}\n{\"metaData\":{}}\n", "behind files");
    check_bad_actions("{\"add\":{\"path\":\"a\"}}\n", "lacks its protocol or metaData action");
}

static void an_append_only_table_keeps_its_files(void **state) {
    (void)state;
    const char *dir = new_table("append-only");
    put_version(
        dir, 0,
        "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
        "{\"metaData\":{\"id\":\"t\",\"format\":{\"provider\":\"parquet\"},\"schemaString\":\"{\\\"fields\\\":[]}\","
        "\"partitionColumns\":[],\"configuration\":{\"delta.appendOnly\":\"true\"}}}\n");
    struct ec_buf actions = ec_buf_make(4096);
    struct ec_err err = {0};
    int64_t version;
    struct ec_delta_file file = {.path = "a.parquet", .rows = 1};
    ec_delta_add_action(&actions, &file, NULL);
    assert_int_equal(commit_as(dir, "app", 1, 0, &actions, &version, &err), EC_OK);
    ec_delta_remove_action(&actions, &file, NULL, 1);
    assert_int_equal(commit_as(dir, "app", 2, 1, &actions, &version, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "append-only (delta.appendOnly), and this commit removes 1 files"));
    ec_buf_free(&actions);
}

#define RACE_COMMITS 50

static int race(const char *dir, const char *app) {
    struct ec_buf actions = ec_buf_make(4096);
    struct ec_err err = {0};
    int failures = 0;
    for (int i = 1; i <= RACE_COMMITS; i++) {
        char path[64];
        int64_t version;
        ec_buf_clear(&actions);
        (void)snprintf(path, sizeof path, "date=2025-07-18/%s-%d.parquet", app, i);
        add_file(&actions, path, "2025-07-18");
        failures += commit_as(dir, app, i, 0, &actions, &version, &err) != EC_OK;
    }
    if (failures) (void)fprintf(stderr, "%s: %s\n", app, err.message);
    ec_buf_free(&actions);
    return failures ? 1 : 0;
}

/* C3, C4 */
static void two_writers_lose_no_commit(void **state) {
    (void)state;
    const char *dir = begun_table("race");
    pid_t child[2];
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (child[i] == 0) _exit(race(dir, i ? "writer-b" : "writer-a"));
    }
    for (int i = 0; i < 2; i++) {
        int code;
        assert_int_equal(waitpid(child[i], &code, 0), child[i]);
        assert_int_equal(code, 0);
    }
    struct ec_delta *table = opened(dir);
    assert_int_equal(table->version, 2 * RACE_COMMITS);
    assert_int_equal(table->file_count, 1 + 2 * RACE_COMMITS);
    ec_delta_close(table);
    for (int i = 0; i < 2; i++) {
        int64_t seq = 0;
        assert_int_equal(ec_delta_txn(dir, i ? "writer-b" : "writer-a", &seq, NULL), EC_OK);
        assert_int_equal(seq, RACE_COMMITS);
    }
    size_t removed = 1;
    assert_int_equal(ec_delta_sweep(dir, &removed, NULL), EC_OK); /* no temporary file is left */
    assert_int_equal(removed, 0);
}

/* After whatever happened to the commit ("app", 2): the log is whole, the commit stands in it or
 * not, and trying again puts it there exactly once. */
static void check_recovery(const char *dir, bool must_stand, const struct ec_buf *actions) {
    size_t removed;
    int64_t version = -1;
    struct ec_err err = {0};
    struct ec_delta *table = opened(dir);
    assert_true(table->version == 1 || (table->version == 0 && !must_stand));
    ec_delta_close(table);
    if (commit_as(dir, "app", 2, 0, actions, &version, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(version, 1);
    if (ec_delta_sweep(dir, &removed, &err) != EC_OK) fail_msg("%s", err.message);
    table = opened(dir);
    assert_int_equal(table->version, 1);
    assert_int_equal(table->file_count, 2);
    ec_delta_close(table);
    if (ec_delta_sweep(dir, &removed, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(removed, 0);
}

/* C3 to C8: every call fails in turn, before or after its effect, once or from then on. */
static void every_call_fails_in_turn(void **state) {
    (void)state;
    struct ec_buf actions = ec_buf_make(4096);
    add_file(&actions, "date=2025-07-18/b.parquet", "2025-07-18");
    for (unsigned mode = 0; mode < FAULTY_MODES; mode++) {
        bool hit = true;
        unsigned refused = 0;
        for (unsigned at = 1; hit; at++) {
            const char *dir = begun_table("faulty");
            struct ec_err err = {0};
            int64_t version = -1;
            faulty_begin(mode, at);
            enum ec_status status = commit_as(dir, "app", 2, 0, &actions, &version, &err);
            hit = faulty_end();
            assert_true(hit || status == EC_OK);
            if (status != EC_OK) {
                refused++;
                assert_true(status == EC_IO || status == EC_UNREADABLE || status == EC_NO_MEMORY);
                assert_true(err.message[0] != '\0');
            } else {
                assert_int_equal(version, 1);
            }
            check_recovery(dir, status == EC_OK, &actions);
            assert_true(at < 500);
        }
        assert_true(refused > 0);
    }
    ec_buf_free(&actions);
}

/* C3, C6 to C8: the process ends before or after each call: what a kill leaves behind. */
static void a_killed_writer_leaves_all_or_nothing(void **state) {
    (void)state;
    struct ec_buf actions = ec_buf_make(4096);
    add_file(&actions, "date=2025-07-18/b.parquet", "2025-07-18");
    for (unsigned after = 0; after < 2; after++) {
        bool died = true;
        for (unsigned at = 1; died; at++) {
            const char *dir = begun_table("killed");
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                int64_t version;
                faulty_begin(after ? FAULTY_DIE_AFTER : FAULTY_DIE_BEFORE, at);
                _exit(commit_as(dir, "app", 2, 0, &actions, &version, NULL) == EC_OK ? 0 : 1);
            }
            int code;
            assert_int_equal(waitpid(child, &code, 0), child);
            died = WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL;
            assert_true(died || code == 0);
            check_recovery(dir, !died, &actions);
            assert_true(at < 500);
        }
    }
    ec_buf_free(&actions);
}

static unsigned links, syncs;

static int link_and_say_failed(const char *from, const char *to) {
    links++;
    (void)faulty_real.link(from, to);
    errno = EIO;
    return -1;
}

static int link_as_a_repeated_request(const char *from, const char *to) {
    links++;
    (void)faulty_real.link(from, to);
    errno = EEXIST; /* a network file system whose first answer was lost */
    return -1;
}

static int count_sync(int fd) {
    syncs++;
    return faulty_real.fsync(fd);
}

static int no_sync(int fd) {
    (void)fd;
    errno = EIO;
    return -1;
}

static enum ec_status commit_with(struct ec_io io, const char *dir, const struct ec_buf *actions, int64_t *version,
                                  struct ec_err *err) {
    struct ec_io before = ec_io;
    ec_io = io;
    enum ec_status status = commit_as(dir, "app", 2, 0, actions, version, err);
    ec_io = before;
    return status;
}

/* C8: a link that happened is a commit, whatever was said of it. */
static void an_unknown_outcome_is_read_from_the_log(void **state) {
    (void)state;
    struct ec_buf actions = ec_buf_make(4096);
    add_file(&actions, "date=2025-07-18/b.parquet", "2025-07-18");
    int (*const lies[])(const char *, const char *) = {link_and_say_failed, link_as_a_repeated_request};
    for (size_t i = 0; i < 2; i++) {
        const char *dir = begun_table("unknown");
        struct ec_err err = {0};
        struct ec_io io = faulty_real = ec_io;
        int64_t version = -1;
        links = 0;
        io.link = lies[i];
        if (commit_with(io, dir, &actions, &version, &err) != EC_OK) fail_msg("%s", err.message);
        assert_int_equal(err.status, EC_OK);
        assert_int_equal(version, 1);
        assert_int_equal(links, 1);
        check_recovery(dir, true, &actions);
    }
    ec_buf_free(&actions);
}

/* C7: the next process syncs what it finds, and does not report what it cannot sync. */
static void a_commit_that_is_found_is_synced(void **state) {
    (void)state;
    const char *dir = begun_table("found");
    struct ec_buf actions = ec_buf_make(4096);
    struct ec_err err = {0};
    struct ec_io io = faulty_real = ec_io;
    int64_t version = -1;
    add_file(&actions, "date=2025-07-18/b.parquet", "2025-07-18");
    assert_int_equal(commit_as(dir, "app", 2, 0, &actions, &version, &err), EC_OK);
    syncs = 0;
    io.fsync = count_sync;
    assert_int_equal(commit_with(io, dir, &actions, &version, &err), EC_OK);
    assert_int_equal(syncs, 1);
    io.fsync = no_sync;
    assert_int_equal(commit_with(io, dir, &actions, &version, &err), EC_IO);
    assert_non_null(strstr(err.message, "cannot sync the folder"));
    ec_buf_free(&actions);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_of_a_commit_is_this),
        cmocka_unit_test(statistics_stay_bounds),
        cmocka_unit_test(a_commit_is_applied_once),
        cmocka_unit_test(what_fits_goes_behind_other_writers),
        cmocka_unit_test(a_changed_schema_is_a_conflict),
        cmocka_unit_test(a_commit_whose_txn_is_gone_is_known_by_its_files),
        cmocka_unit_test(damaged_actions_never_reach_the_log),
        cmocka_unit_test(an_append_only_table_keeps_its_files),
        cmocka_unit_test(two_writers_lose_no_commit),
        cmocka_unit_test(every_call_fails_in_turn),
        cmocka_unit_test(an_unknown_outcome_is_read_from_the_log),
        cmocka_unit_test(a_commit_that_is_found_is_synced),
        cmocka_unit_test(a_killed_writer_leaves_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
