#include "delta_fixture.h"

#define META_HEAD      "{\"metaData\":{\"id\":\"t\",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":"
#define SCHEMA(fields) "\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[" fields "]}\""
#define FIELD(name, type)                                                                                              \
    "{\\\"name\\\":\\\"" name "\\\",\\\"type\\\":\\\"" type "\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}}"
#define META_TAIL(partition, config)                                                                                   \
    ",\"partitionColumns\":[" partition "],\"configuration\":{" config "},\"createdTime\":1}}\n"
#define META(partition, config)                                                                                        \
    META_HEAD SCHEMA(FIELD("id", "long") "," FIELD("d", "date")) META_TAIL(partition, config)
#define PROTOCOL(r, w) "{\"protocol\":{\"minReaderVersion\":" #r ",\"minWriterVersion\":" #w "}}\n"
#define ADD(path)                                                                                                      \
    "{\"add\":{\"path\":\"" path "\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"dataChange\":true}}\n"

static void a_folder_without_a_log_is_version_minus_one(void **state) {
    (void)state;
    struct ec_delta *table = opened(new_table("none"));
    assert_int_equal(table->version, -1);
    assert_int_equal(table->column_count + table->file_count, 0);
    ec_delta_close(table);
    table = opened(below(root, "does/not/exist"));
    assert_int_equal(table->version, -1);
    ec_delta_close(table);
    ec_delta_close(NULL);
}

static void check_column(const struct ec_delta *table, size_t i, const char *name, enum ec_type type) {
    assert_string_equal(table->column[i].name, name);
    assert_int_equal(table->column[i].type.type, type);
}

static void a_log_that_spark_wrote_is_read(void **state) {
    (void)state;
    struct ec_delta *table = opened(EC_TEST_DATA "/delta/spark_overwrite");
    assert_int_equal(table->version, 2);
    assert_string_equal(table->id, "5d1a3f8e-3d63-4a51-9a10-d6f70be0a001");
    assert_string_equal(table->partition_by, "at");
    assert_int_equal(table->column_count, 4);
    check_column(table, 0, "id", EC_TYPE_INTEGER);
    check_column(table, 1, "name", EC_TYPE_STRING);
    check_column(table, 2, "at", EC_TYPE_DATETIME);
    check_column(table, 3, "net", EC_TYPE_DECIMAL);
    assert_int_equal(table->column[3].type.precision, 12);
    assert_int_equal(table->column[3].type.scale, 2);
    assert_null(table->unwritable);
    /* Two of four files are active: one removed under another spelling of its path. */
    assert_int_equal(table->file_count, 2);
    assert_string_equal(table->file[0].path,
                        "at=2021-09-09%2000%253A00%253A00/part-00000-79fa68ed.c000.snappy.parquet");
    assert_string_equal(table->file[0].partition, "2021-09-09 00:00:00");
    assert_int_equal(table->file[0].bytes, 1496);
    assert_int_equal(table->file[0].rows, 250);
    assert_int_equal(table->file[0].modified_ms, 1697588679000);
    assert_non_null(strstr(table->file[0].stats, "\"maxValues\":{\"id\":749}"));
    assert_null(table->file[1].partition);
    assert_int_equal(table->file[1].rows, 2);
    ec_delta_close(table);

    int64_t version = 0;
    assert_int_equal(ec_delta_txn(EC_TEST_DATA "/delta/spark_overwrite", "stream-1", &version, NULL), EC_OK);
    assert_int_equal(version, 4);
    assert_int_equal(ec_delta_txn(EC_TEST_DATA "/delta/spark_overwrite", "stream-2", &version, NULL), EC_OK);
    assert_int_equal(version, -1);
}

static void a_log_that_delta_rs_wrote_is_read(void **state) {
    (void)state;
    struct ec_delta *table = opened(EC_TEST_DATA "/delta/delta_rs");
    assert_int_equal(table->version, 2);
    assert_string_equal(table->partition_by, "date");
    assert_int_equal(table->file_count, 3);
    uint64_t rows = 0;
    size_t nulls = 0;
    for (size_t i = 0; i < table->file_count; i++) {
        rows += table->file[i].rows;
        nulls += table->file[i].partition == NULL;
    }
    assert_int_equal(rows, 4);
    assert_int_equal(nulls, 2);
    ec_delta_close(table);
}

struct bad_log {
    const char *first;  /* version 0 */
    const char *second; /* version 1, or NULL */
    uint32_t line;
    const char *message;
};

static void damage_is_named_with_file_and_line(void **state) {
    (void)state;
    static const struct bad_log logs[] = {
        {"", NULL, 0, "the commit is empty"},
        {PROTOCOL(1, 2) "{\"metaData\":", NULL, 2, "the line is not a JSON object: "},
        {PROTOCOL(1, 2) "[1]\n", NULL, 2, "the line is not a JSON object"},
        {PROTOCOL(1, 2) "{\"add\":{},\"add\":{}}\n", NULL, 2, "duplicate object key"},
        {PROTOCOL(1, 2), NULL, 1, "the first commit has no metaData action"},
        {META("", ""), NULL, 1, "the first commit has no protocol action"},
        {PROTOCOL(1, 2) META("", ""), PROTOCOL(2, 5), 1, "reader version 2 and writer version 5 (columnMapping)"},
        {PROTOCOL(1, 3) META("", ""), NULL, 1, "writer version 3 (checkConstraints)"},
        {PROTOCOL(1, 4) META("", ""), NULL, 1, "(changeDataFeed, generatedColumns)"},
        {PROTOCOL(1, 6) META("", ""), NULL, 1, "(identityColumns)"},
        {"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"deletionVectors\"],"
         "\"writerFeatures\":[\"deletionVectors\",\"rowTracking\"]}}\n",
         NULL, 1, "(deletionVectors, rowTracking)"},
        {"{\"protocol\":{\"minReaderVersion\":1}}\n", NULL, 1, "no minReaderVersion or minWriterVersion"},
        {PROTOCOL(1, 2) META("\"id\",\"d\"", ""), NULL, 2, "partitioned by 2 columns"},
        {PROTOCOL(1, 2) META("\"x\"", ""), NULL, 2, "the partition column x is not in the schema"},
        {PROTOCOL(1, 2) META("", "\"delta.columnMapping.mode\":\"name\""), NULL, 2, "columnMapping"},
        {PROTOCOL(1, 2) META_HEAD SCHEMA(FIELD("id", "binary")) META_TAIL("", ""), NULL, 2,
         "the column id is of type binary"},
        {PROTOCOL(1, 2) META_HEAD SCHEMA(FIELD("id", "decimal(38,10)")) META_TAIL("", ""), NULL, 2,
         "of type decimal(38,10)"},
        {PROTOCOL(1, 2) META_HEAD SCHEMA("{\\\"name\\\":\\\"m\\\",\\\"type\\\":{\\\"type\\\":\\\"map\\\"}}")
             META_TAIL("", ""),
         NULL, 2, "the column m is of type map"},
        {PROTOCOL(1, 2) META_HEAD SCHEMA(
             "{\\\"name\\\":\\\"v\\\",\\\"type\\\":\\\"long\\\",\\\"metadata\\\":{\\\"delta.invariants\\\":\\\"x\\\"}}")
             META_TAIL("", ""),
         NULL, 2, "the column v has invariants"},
        {PROTOCOL(1, 2) META_HEAD "\"{\"" META_TAIL("", ""), NULL, 2, "schemaString is not JSON"},
        {PROTOCOL(1, 2) META_HEAD "\"{}\"" META_TAIL("", ""), NULL, 2, "schemaString is not a struct"},
        {PROTOCOL(1, 2) "{\"metaData\":{\"id\":\"t\",\"format\":{\"provider\":\"orc\"}}}\n", NULL, 2,
         "the table's format is orc"},
        {PROTOCOL(1, 2) META("", ""), ADD("a.parquet") "{\"add\":{\"path\":\"b\"}}\n", 2,
         "no size or modificationTime"},
        {PROTOCOL(1, 2) META("", ""), "\n" ADD("../a.parquet"), 2, "outside the table: ../a.parquet"},
        {PROTOCOL(1, 2) META("", ""), ADD("s3://b/a.parquet"), 1, "outside the table: s3://b/a.parquet"},
        {PROTOCOL(1, 2) META("\"d\"", ""), ADD("a.parquet"), 1, "no value for the partition column d"},
        {PROTOCOL(1, 2) META("", ""), "{\"remove\":{}}\n", 1, "has no path"},
        {PROTOCOL(1, 2) META("", ""), "{\"txn\":{\"appId\":\"a\"}}\n", 1, "a txn action has no appId or version"},
        {PROTOCOL(1, 2) META("", ""), ADD("a.parquet") META("\"d\"", ""), 2, "a metaData action follows an add"},
        {PROTOCOL(1, 2) META("", ""),
         "{\"add\":{\"path\":\"a\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"dataChange\":true,"
         "\"deletionVector\":{\"storageType\":\"u\"}}}\n",
         1, "deletionVectors"},
    };
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
        const char *dir = new_table("bad");
        put_version(dir, 0, logs[i].first);
        if (logs[i].second) put_version(dir, 1, logs[i].second);
        struct ec_delta *table = NULL;
        struct ec_err err = {0};
        enum ec_status status = ec_delta_open(dir, &table, &err);
        if (status != EC_TABLE_FORMAT || !strstr(err.message, logs[i].message))
            fail_msg("case %zu: expected '%s', got %d '%s'", i, logs[i].message, status, err.message);
        assert_null(table);
        assert_int_equal(err.line, logs[i].line);
        assert_non_null(strstr(err.file, logs[i].second ? "00000000000000000001.json" : "00000000000000000000.json"));
    }
}

static void check_refused(const char *dir, const char *message) {
    struct ec_delta *table = NULL;
    struct ec_err err = {0};
    assert_int_equal(ec_delta_open(dir, &table, &err), EC_TABLE_FORMAT);
    if (!strstr(err.message, message)) fail_msg("'%s' is not in '%s'", message, err.message);
    assert_null(table);
}

#define FEATURES(list) "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[" list "]}}\n"
#define FEATURES_3(list)                                                                                                                       \
    "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[" list "],\"writerFeatures\":[" list "]}}\n"
#define VECTOR_ADD(path)                                                                                                                       \
    "{\"add\":{\"path\":\"" path "\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"dataChange\":true,"                  \
    "\"deletionVector\":{\"storageType\":\"u\"}}}\n"
#define REMOVE(path)        "{\"remove\":{\"path\":\"" path "\",\"dataChange\":true}}\n"
#define VECTOR_REMOVE(path) "{\"remove\":{\"path\":\"" path "\",\"dataChange\":true,\"deletionVector\":{\"storageType\":\"u\"}}}\n"

/* What a version asked for does not count when a later one has taken it back. */
static void the_newest_version_is_what_counts(void **state) {
    (void)state;
    static const char *const mapped = META("", "\"delta.columnMapping.mode\":\"name\"");
    static const struct {
        const char *second, *third;
        const char *refused; /* or NULL */
        size_t files;
    } logs[] = {
        {FEATURES("\"typeWidening\",\"appendOnly\""), NULL, "(typeWidening); Ecluse knows 1 and 2", 0},
        {FEATURES("\"typeWidening\""), PROTOCOL(1, 2), NULL, 1},
        {FEATURES("\"v2Checkpoint\""), FEATURES("\"appendOnly\",\"checkpointProtection\",\"invariants\""), NULL, 1},
        {FEATURES_3(""), NULL, NULL, 1},
        {FEATURES_3("\"checkpointProtection\",\"vacuumProtocolCheck\""), NULL, "(vacuumProtocolCheck)", 0},
        {PROTOCOL(1, 7), NULL, "writer version 7", 0},
        {PROTOCOL(2, 2), NULL, "reader version 2", 0},
        {META("\"id\",\"d\"", ""), META("", ""), NULL, 1},
        {META("\"id\",\"d\"", ""), NULL, "partitioned by 2 columns", 0},
        {META_HEAD SCHEMA(FIELD("id", "binary")) META_TAIL("", ""), META("", "") ADD("b.parquet"), NULL, 2},
        {VECTOR_ADD("a.parquet") REMOVE("a.parquet"), NULL, "deletionVectors", 0},
        {REMOVE("a.parquet") VECTOR_ADD("a.parquet"), VECTOR_REMOVE("a.parquet") ADD("b.parquet"), NULL, 1},
        {REMOVE("a.parquet") VECTOR_ADD("a.parquet"), ADD("a.parquet") VECTOR_REMOVE("a.parquet"), NULL, 1},
        {REMOVE("a.parquet") VECTOR_ADD("a.parquet"), VECTOR_REMOVE("a.parquet") ADD("a.parquet"), NULL, 1},
    };
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
        const char *dir = new_table("newest");
        put_version(dir, 0, PROTOCOL(1, 2) META("", "") ADD("a.parquet"));
        put_version(dir, 1, logs[i].second);
        if (logs[i].third) put_version(dir, 2, logs[i].third);
        if (logs[i].refused) {
            check_refused(dir, logs[i].refused);
            continue;
        }
        struct ec_delta *table = opened(dir);
        if (table->file_count != logs[i].files) fail_msg("case %zu: %zu files", i, table->file_count);
        assert_int_equal(table->column_count, 2);
        ec_delta_close(table);
    }
    const char *dir = new_table("mapped");
    put_version(dir, 0, PROTOCOL(1, 2) META("", ""));
    put_version(dir, 1, mapped);
    check_refused(dir, "columnMapping");
    put_version(dir, 2, META("", ""));
    ec_delta_close(opened(dir));
}

static void gaps_and_cleaned_logs_are_refused(void **state) {
    (void)state;
    const char *dir = new_table("gap");
    put_version(dir, 0, PROTOCOL(1, 2) META("", ""));
    put_version(dir, 1, ADD("a.parquet"));
    put_version(dir, 3, ADD("c.parquet"));
    check_refused(dir, "has a gap: version 2 is missing, version 3 is there");

    dir = new_table("late");
    put_version(dir, 2, PROTOCOL(1, 2) META("", ""));
    check_refused(dir, "has a gap: version 0 is missing, version 2 is there");
    put_file(below(dir, "_delta_log/00000000000000000002.checkpoint.parquet"), "PAR1");
    check_refused(dir, "begins with version 2: its first commits were cleaned up");

    dir = new_table("only-checkpoint");
    put_file(below(dir, "_delta_log/00000000000000000002.checkpoint.0000000001.0000000001.parquet"), "PAR1");
    check_refused(dir, "begins with version 3: its first commits were cleaned up");

    dir = new_table("no-checkpoint"); /* of more parts than there may be, of none, of one too many */
    put_file(below(dir, "_delta_log/00000000000000000002.checkpoint.0000000001.0000001001.parquet"), "PAR1");
    put_file(below(dir, "_delta_log/00000000000000000002.checkpoint.0000000000.0000000001.parquet"), "PAR1");
    put_file(below(dir, "_delta_log/00000000000000000002.checkpoint.0000000002.0000000001.parquet"), "PAR1");
    put_version(dir, 2, PROTOCOL(1, 2) META("", ""));
    check_refused(dir, "has a gap: version 0 is missing, version 2 is there");
}

static void what_keeps_us_from_writing_is_said_and_reading_goes_on(void **state) {
    (void)state;
    static const struct {
        const char *log;
        const char *why;
    } logs[] = {
        {PROTOCOL(1, 2) META_HEAD SCHEMA(FIELD("id", "integer")) META_TAIL("", ""),
         "its column id is of a narrower type"},
        {PROTOCOL(1, 2) META_HEAD SCHEMA(
             "{\\\"name\\\":\\\"v\\\",\\\"type\\\":\\\"long\\\",\\\"nullable\\\":false,\\\"metadata\\\":{}}")
             META_TAIL("", ""),
         "its column v is declared not null"},
        {PROTOCOL(1, 2) META("", "\"delta.enableChangeDataFeed\":\"true\""), "it sets delta.enableChangeDataFeed"},
        {PROTOCOL(1, 2) META("", "\"delta.constraints.positive\":\"id > 0\""), "it has the constraint positive"},
        {PROTOCOL(1, 2) META("", "\"delta.feature.rowTracking\":\"supported\""), "it asks for the feature rowTracking"},
    };
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
        const char *dir = new_table("bound");
        put_version(dir, 0, logs[i].log);
        struct ec_delta *table = opened(dir);
        assert_non_null(table->unwritable);
        if (!strstr(table->unwritable, logs[i].why)) fail_msg("'%s' is not in '%s'", logs[i].why, table->unwritable);
        ec_delta_close(table);

        struct ec_buf actions = ec_buf_make(4096);
        struct ec_err err = {0};
        struct ec_delta_file file = {.path = "a.parquet", .rows = 1};
        int64_t version;
        ec_delta_add_action(&actions, &file, NULL);
        assert_int_equal(commit_as(dir, "app", 1, 0, &actions, &version, &err), EC_TABLE_FORMAT);
        assert_non_null(strstr(err.message, logs[i].why));
        ec_buf_free(&actions);
    }
}

static void many_files_are_followed_in_order_of_path(void **state) {
    (void)state;
    const char *dir = new_table("many");
    struct ec_buf text = ec_buf_make(1 << 20);
    ec_buf_addz(&text, PROTOCOL(1, 2) META("", ""));
    for (int i = 0; i < 2000; i++) ec_buf_printf(&text, ADD("p%04d.parquet"), (i * 7) % 2000);
    put_version(dir, 0, text.p);
    ec_buf_clear(&text);
    for (int i = 0; i < 2000; i++)
        if (i % 3 == 0) ec_buf_printf(&text, "{\"remove\":{\"path\":\"p%04d.parquet\",\"dataChange\":true}}\n", i);
    put_version(dir, 1, text.p);
    ec_buf_free(&text);
    struct ec_delta *table = opened(dir);
    assert_int_equal(table->file_count, 2000 - 667);
    for (size_t i = 0, k = 0; i < 2000; i++) {
        if (i % 3 == 0) continue;
        char name[32];
        (void)snprintf(name, sizeof name, "p%04zu.parquet", i);
        assert_string_equal(table->file[k].path, name);
        assert_true(table->file[k++].rows == UINT64_MAX);
    }
    ec_delta_close(table);
}

static void schemas_grow_behind_and_conflicts_are_named(void **state) {
    (void)state;
    struct ec_delta *table = opened(EC_TEST_DATA "/delta/spark_overwrite");
    struct ec_arena arena;
    struct ec_delta_column *merged;
    size_t count;
    bool changed;
    struct ec_err err = {0};
    ec_arena_init(&arena, 1 << 20);
    const struct ec_delta_column same[] = {{"net", {EC_TYPE_DECIMAL, 12, 2}}, {"id", {.type = EC_TYPE_INTEGER}}};
    assert_int_equal(ec_delta_schema_merge(table, same, 2, &arena, &merged, &count, &changed, &err), EC_OK);
    assert_false(changed);
    assert_int_equal(count, 4);
    const struct ec_delta_column more[] = {{"new \"x\"<", {.type = EC_TYPE_BOOLEAN}}, {"n", {.type = EC_TYPE_FLOAT}}};
    assert_int_equal(ec_delta_schema_merge(table, more + 1, 1, &arena, &merged, &count, &changed, &err), EC_OK);
    assert_true(changed);
    assert_int_equal(count, 5);
    assert_string_equal(merged[4].name, "n");

    const struct {
        struct ec_delta_column column;
        const char *message;
    } bad[] = {
        {{"id", {.type = EC_TYPE_STRING}},
         "the column id of the table " EC_TEST_DATA "/delta/spark_overwrite is long there and string"},
        {{"net", {EC_TYPE_DECIMAL, 12, 3}}, "is decimal(12,2) there and decimal(12,3)"},
        {{"ID", {.type = EC_TYPE_INTEGER}}, "has a column id, and ID differs from it in case alone"},
        {more[0], "cannot have a column named 'new \"x\"<'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ec_err cause = {0};
        assert_int_equal(ec_delta_schema_merge(table, &bad[i].column, 1, &arena, &merged, &count, &changed, &cause),
                         EC_CONFIG);
        if (!strstr(cause.message, bad[i].message)) fail_msg("'%s' is not in '%s'", bad[i].message, cause.message);
    }

    /* What the table holds besides its columns survives in the new metaData. */
    assert_int_equal(ec_delta_schema_merge(table, more + 1, 1, &arena, &merged, &count, &changed, &err), EC_OK);
    struct ec_buf action = ec_buf_make(1 << 16);
    assert_int_equal(ec_delta_evolve_action(&action, table, merged, count, &err), EC_OK);
    assert_non_null(strstr(action.p, "\"delta.logRetentionDuration\":\"interval 3650 days\""));
    assert_non_null(strstr(action.p, "\\\"comment\\\":\\\"as \\\\\\\"shown\\\\\\\"\\\""));
    assert_non_null(strstr(action.p, "\"createdTime\":1697587476380"));
    const char *dir = new_table("grown");
    struct ec_buf first = ec_buf_make(1 << 16);
    ec_delta_protocol_action(&first);
    ec_buf_add(&first, action.p, action.n);
    put_version(dir, 0, first.p);
    struct ec_delta *grown = opened(dir);
    assert_int_equal(grown->column_count, 5);
    assert_string_equal(grown->column[4].name, "n");
    assert_int_equal(grown->column[4].type.type, EC_TYPE_FLOAT);
    assert_string_equal(grown->id, table->id);
    ec_delta_close(grown);
    ec_delta_close(table);
    ec_buf_free(&action);
    ec_buf_free(&first);
    ec_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_without_a_log_is_version_minus_one),
        cmocka_unit_test(a_log_that_spark_wrote_is_read),
        cmocka_unit_test(a_log_that_delta_rs_wrote_is_read),
        cmocka_unit_test(damage_is_named_with_file_and_line),
        cmocka_unit_test(the_newest_version_is_what_counts),
        cmocka_unit_test(gaps_and_cleaned_logs_are_refused),
        cmocka_unit_test(what_keeps_us_from_writing_is_said_and_reading_goes_on),
        cmocka_unit_test(many_files_are_followed_in_order_of_path),
        cmocka_unit_test(schemas_grow_behind_and_conflicts_are_named),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
