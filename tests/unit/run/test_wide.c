/* A wide model's rows by row number are those that DuckDB makes whole: random tables with nulls and unmatched rows,
 * several parts and row groups, parts that lack a column, lookups from all over, more rows than one run holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "run/wide.h"
#include "run/wide_join.h"

#include <stdlib.h>

#define C(n, kind) {.name = n, .type = {.type = kind}}

static const struct ec_delta_column left_columns[] = {
    C("id", EC_TYPE_STRING), C("who", EC_TYPE_INTEGER), C("price", EC_TYPE_FLOAT),    C("paid", EC_TYPE_BOOLEAN),
    C("at", EC_TYPE_DATETIME), C("kind", EC_TYPE_STRING), C("born", EC_TYPE_DATE), {"net", {EC_TYPE_DECIMAL, 12, 3}}, C("day", EC_TYPE_DATE)};
static const struct ec_delta_column right_columns[] = {C("id", EC_TYPE_STRING), C("n", EC_TYPE_INTEGER), C("note", EC_TYPE_STRING),
                                                       C("late", EC_TYPE_STRING), C("day", EC_TYPE_DATE)};
static const struct ec_delta_column look_columns[] = {C("who", EC_TYPE_INTEGER), C("name", EC_TYPE_STRING), C("score", EC_TYPE_FLOAT)};
static const struct ec_model_table tables[] = {
    {"lefts", left_columns, 9, "day"}, {"looks", look_columns, 3, NULL}, {"rights", right_columns, 5, "day"}};

#define TABLES 3u
#define FILES_MAX 64u

static struct ec_sql *sql;
static char dir[] = "/tmp/ec-wide-XXXXXX";
static struct ec_model_file file[TABLES][FILES_MAX];
static size_t files[TABLES];
static char memory[TABLES][FILES_MAX][2][256];
static struct ec_wide_hashes *hashes; /* that compare() shares; or NULL */

static int open_session(void **state) {
    (void)state;
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 512 * EC_MIB, .files_dir = dir, .temp_dir = dir};
    return mkdtemp(dir) && ec_sql_open(&options, &sql, NULL) == EC_OK ? 0 : -1;
}

static int close_session(void **state) {
    (void)state;
    ec_sql_close(sql);
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

static int new_tables(void **state) {
    (void)state;
    memset(files, 0, sizeof files);
    memset(memory, 0, sizeof memory);
    return ec_dir_remove(dir, false, NULL) == EC_OK ? 0 : -1;
}

static void ok(enum ec_status status, const struct ec_err *err) {
    if (status != EC_OK) fail_msg("%s: %s", err->file, err->message);
}

static struct ec_table_writer *writer_of(const char *name, const char *by, size_t group_rows) {
    static char paths[4][256]; /* two writers are open at most */
    static unsigned last;
    struct ec_err err = {0};
    struct ec_table_writer *writer;
    char *path = paths[++last % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    ok(ec_dir_make(path, &err), &err);
    struct ec_table_writer_options options = {.dir = path, .name = name, .partition_by = by, .rows_per_group = group_rows};
    ok(ec_table_writer_create(&options, &writer, &err), &err);
    return writer;
}

/* The statement's rows as parts of the table. */
static void fill(size_t table, const char *name, size_t group_rows, const char *text) {
    struct ec_err err = {0};
    struct ec_sql_rows *rows;
    struct ec_batch *batch;
    struct ec_table_writer *writer = writer_of(name, tables[table].partition_by, group_rows);
    ok(ec_sql_query(sql, text, &rows, &err), &err);
    for (;;) {
        ok(ec_sql_next(rows, &batch, &err), &err);
        if (batch->rows == 0) break;
        ok(ec_table_writer_append(writer, batch, NULL, batch->rows, &err), &err);
    }
    ec_sql_rows_close(rows);
    ok(ec_table_writer_finish(writer, &err), &err);
    for (size_t i = 0; i < ec_table_writer_parts(writer); i++) {
        const struct ec_part *part = ec_table_writer_part(writer, i);
        size_t at = files[table]++;
        assert_true(at < FILES_MAX);
        (void)snprintf(memory[table][at][0], 256, "%s/%s/%s", dir, name, part->path);
        if (part->partition) (void)snprintf(memory[table][at][1], 256, "%s", part->partition);
        file[table][at] = (struct ec_model_file){memory[table][at][0], part->partition ? memory[table][at][1] : NULL};
    }
    ec_table_writer_destroy(writer);
}

static struct ec_models *load(const char *text) {
    char path[256];
    struct ec_err err = {0};
    struct ec_models *models;
    (void)snprintf(path, sizeof path, "%s/models", dir);
    ok(ec_dir_make(path, &err), &err);
    (void)snprintf(path, sizeof path, "%s/models/m.sql", dir);
    ok(ec_file_replace(path, text, strlen(text), &err), &err);
    (void)snprintf(path, sizeof path, "%s/models", dir);
    ok(ec_models_load(sql, path, tables, TABLES, &models, &err), &err);
    ok(ec_models_check(sql, models, &err), &err);
    return models;
}

static void inputs_of(const struct ec_model *model, struct ec_model_files *out) {
    for (size_t i = 0; i < model->input_count; i++) {
        size_t t = (size_t)(model->input[i].table - tables);
        out[i] = (struct ec_model_files){file[t], files[t]};
    }
}

static void whole_rows(const struct ec_model *model, const struct ec_partitions *touched, struct ec_table_writer *writer) {
    struct ec_err err = {0};
    struct ec_model_files inputs[TABLES];
    struct ec_sql_rows *rows;
    struct ec_batch *batch;
    inputs_of(model, inputs);
    ok(ec_model_bind(sql, model, touched, inputs, &err), &err);
    ok(ec_model_query(sql, model, touched, &rows, &err), &err);
    for (;;) {
        ok(ec_sql_next(rows, &batch, &err), &err);
        if (batch->rows == 0) break;
        ok(ec_table_writer_append(writer, batch, NULL, batch->rows, &err), &err);
    }
    ec_sql_rows_close(rows);
}

static void list_parts(struct ec_buf *out, struct ec_table_writer *writer, const char *name) {
    struct ec_err err = {0};
    ok(ec_table_writer_finish(writer, &err), &err);
    ec_buf_addz(out, "read_parquet([");
    for (size_t i = 0; i < ec_table_writer_parts(writer); i++)
        ec_buf_printf(out, "%s'%s/%s/%s'", i ? ", " : "", dir, name, ec_table_writer_part(writer, i)->path);
    ec_buf_addz(out, "], hive_partitioning = true)");
}

static int64_t number(const char *text) {
    struct ec_err err = {0};
    struct ec_sql_rows *rows;
    struct ec_batch *batch;
    ok(ec_sql_query(sql, text, &rows, &err), &err);
    ok(ec_sql_next(rows, &batch, &err), &err);
    int64_t value = ec_column_int(&batch->column[0])[0];
    ec_sql_rows_close(rows);
    return value;
}

/* Computes the model both ways and compares all rows, as DuckDB reads them; returns how many. */
static int64_t compare(const char *text, const struct ec_partitions *touched) {
    struct ec_err err = {0};
    struct ec_models *models = load(text);
    const struct ec_model *model = &models->model[0];
    struct ec_model_files inputs[TABLES];
    assert_non_null(model->wide);
    struct ec_table_writer *slow = writer_of("slow", model->table.partition_by, 700);
    struct ec_table_writer *fast = writer_of("fast", model->table.partition_by, 700);
    whole_rows(model, touched, slow);
    inputs_of(model, inputs);
    struct ec_wide_job job = {.model = model, .touched = touched, .files = inputs, .writer = fast, .hashes = hashes};
    ok(ec_wide_write(sql, &job, &err), &err);
    struct ec_buf a = ec_buf_make(EC_MIB), b = ec_buf_make(EC_MIB), query = ec_buf_make(EC_MIB);
    list_parts(&a, slow, "slow");
    list_parts(&b, fast, "fast");
    bool empty = ec_table_writer_parts(slow) == 0;
    assert_int_equal(ec_table_writer_parts(fast) == 0, empty);
    if (empty) ec_buf_addz(&query, "SELECT 0::BIGINT");
    else ec_buf_printf(&query, "SELECT count(*) FROM ((FROM %s EXCEPT ALL FROM %s) UNION ALL (FROM %s EXCEPT ALL FROM %s))", a.p, b.p, b.p, a.p);
    assert_int_equal(number(query.p), 0);
    ec_buf_clear(&query);
    if (empty) ec_buf_addz(&query, "SELECT 0::BIGINT");
    else ec_buf_printf(&query, "SELECT count(*) FROM %s", b.p);
    int64_t rows = number(query.p);
    ec_table_writer_destroy(slow);
    ec_table_writer_destroy(fast);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/slow", dir);
    ok(ec_dir_remove(path, true, &err), &err);
    (void)snprintf(path, sizeof path, "%s/fast", dir);
    ok(ec_dir_remove(path, true, &err), &err);
    ec_buf_free(&a);
    ec_buf_free(&b);
    ec_buf_free(&query);
    ec_models_destroy(models);
    return rows;
}

/* Texts that repeat and texts that do not, short and long; a null here and there. */
#define LEFT(day, rows, spread)                                                                                        \
    "SELECT CASE WHEN i % 17 = 3 THEN NULL ELSE 'a rather long identifier ' || (hash(i) % " #spread ") END AS id,"     \
    " CAST(hash(i * 7) % 900 AS BIGINT) AS who, CAST(hash(i) % 100000 AS DOUBLE) / 8 AS price,"                        \
    " CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN true ELSE false END AS paid,"                                            \
    " TIMESTAMP '2025-07-01 00:00:00' + to_seconds(i) AS at, ['web', 'shop', 'a kind with a long name', NULL][1 + i % 4] AS kind," \
    " DATE '2000-01-01' + CAST(hash(i) % 9000 AS INTEGER) AS born, CAST(CAST(hash(i) % 1000000 AS DOUBLE) / 8 AS DECIMAL(12,3)) AS net," \
    " DATE '" day "' AS day FROM range(" #rows ") t(i)"
#define RIGHT(day, rows, spread, more)                                                                                 \
    "SELECT CASE WHEN i % 11 = 4 THEN NULL ELSE 'a rather long identifier ' || (hash(i + 5) % " #spread ") END AS id," \
    " CAST(i % 40 AS BIGINT) AS n, ['', 'x', 'twelve bytes', 'thirteen byte', 'unique ' || i][1 + i % 5] AS note,"     \
    more " DATE '" day "' AS day FROM range(" #rows ") t(i)"
#define LOOK                                                                                                           \
    "SELECT CAST(i AS BIGINT) AS who, 'the name of number ' || (i % 300) AS name, CAST(hash(i) AS DOUBLE) AS score "   \
    "FROM range(800) t(i)"

#define MODEL                                                                                                          \
    "-- partition_by: day\n-- order_by: none\n-- input: rights within 1 day\n-- input: looks current\n"                \
    "SELECT l.*, k.name, k.score, r.* EXCLUDE (id) RENAME (day AS day_right), l.price + r.n AS sum, l.kind || r.note AS both\n" \
    "FROM lefts l LEFT JOIN looks k ON k.who = l.who\n"                                                                \
    "LEFT JOIN rights r ON r.id = l.id AND r.day BETWEEN l.day - 1 AND l.day + 1"

static void fill_days(void) {
    fill(0, "l1", 500, LEFT("2025-07-01", 3000, 2000));
    fill(0, "l2", 1000, LEFT("2025-07-02", 2500, 1500));
    fill(0, "l3", 100000, LEFT("2025-07-02", 700, 90));
    fill(0, "l5", 100000, LEFT("2025-07-05", 10, 5));
    fill(1, "k1", 300, LOOK);
    fill(2, "r1", 400, RIGHT("2025-07-01", 4000, 3000, " 'late ' || (i % 7) AS late,"));
    fill(2, "r2", 100000, RIGHT("2025-07-02", 1000, 1500, ""));
    fill(2, "r3", 333, RIGHT("2025-07-03", 1000, 100, " CASE WHEN i % 2 = 0 THEN NULL ELSE 'late' END AS late,"));
}

static void rows_are_those_of_duckdb(void **state) {
    (void)state;
    fill_days();
    const char *days[] = {"2025-07-01", "2025-07-02", "2025-07-05"};
    struct ec_partitions all = {.all = true}, two = {.value = days + 1, .count = 2}, first = {.value = days, .count = 1};
    struct ec_partitions none = {.value = days, .count = 0};
    int64_t rows = compare(MODEL, &all);
    assert_true(rows > 6210);
    assert_int_equal(compare(MODEL, &two) + compare(MODEL, &first), rows);
    assert_int_equal(compare(MODEL, &none), 0);
}

static void inner_joins_and_tables_without_rows(void **state) {
    (void)state;
    struct ec_partitions all = {.all = true};
    fill(0, "l1", 500, LEFT("2025-07-01", 3000, 2000));
    fill(2, "r1", 400, RIGHT("2025-07-01", 4000, 3000, ""));
    assert_int_equal(compare(MODEL, &all) > 3000, true);
    assert_int_equal(compare("-- order_by: none\nSELECT l.id, k.name FROM lefts l JOIN looks k ON k.who = l.who", &all), 0);
    fill(1, "k1", 300, LOOK);
    assert_true(compare("-- order_by: none\nSELECT l.*, a.name, b.name AS other FROM lefts l JOIN looks a ON a.who = l.who "
                        "JOIN looks b ON b.who = a.who + 1 WHERE l.price > 100", &all) > 1000);
}

/* More rows than a run holds, in no order, each from anywhere. */
static void runs_follow_each_other(void **state) {
    (void)state;
    struct ec_partitions all = {.all = true};
    fill(0, "l1", 1000, LEFT("2025-07-01", 3000, 2000));
    fill(1, "k1", 300, LOOK);
    int64_t rows = compare("-- order_by: none\nSELECT k.name, l.kind, l.price, l.id FROM looks k JOIN lefts l ON l.who % 4 = k.who % 4", &all);
    assert_true((size_t)rows > WIDE_RUN_ROWS);
    assert_true((size_t)rows % WIDE_SLICE_ROWS != 0);
}

/* What another program wrote is DuckDB's to read. */
static void foreign_parts_are_refused(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_buf copy = ec_buf_make(EC_MIB);
    struct ec_partitions all = {.all = true};
    fill(1, "k1", 300, LOOK);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/foreign.parquet", dir);
    ec_buf_printf(&copy, "COPY (SELECT CAST(i AS BIGINT) AS who, 'x' AS name, 1.5::DOUBLE AS score FROM range(10) t(i)) TO '%s' (COMPRESSION gzip)", path);
    ok(ec_sql_run(sql, copy.p, &err), &err);
    ec_buf_free(&copy);
    file[1][files[1]++] = (struct ec_model_file){path, NULL};
    struct ec_models *models = load("-- order_by: none\nSELECT k.name, k.score FROM looks k");
    struct ec_model_files inputs[TABLES];
    inputs_of(&models->model[0], inputs);
    struct ec_table_writer *writer = writer_of("fast", NULL, 1000);
    struct ec_wide_job job = {.model = &models->model[0], .touched = &all, .files = inputs, .writer = writer};
    assert_int_equal(ec_wide_write(sql, &job, &err), EC_TABLE_FORMAT);
    ec_table_writer_destroy(writer);
    ec_models_destroy(models);
}

/* ---- without DuckDB's join ---- */

static bool is_ours(const char *text) {
    struct ec_models *models = load(text);
    assert_non_null(models->model[0].wide);
    bool ours = models->model[0].wide->join != NULL;
    ec_models_destroy(models);
    return ours;
}

#define HEAD "-- partition_by: day\n-- order_by: none\n-- input: rights within 2 days\n-- input: looks current\n"
#define KEYED "l.id AS one, l.kind, l.net, l.day, k.name, r.note, r.late, r.day AS day_right FROM lefts l "

static const char *const ours[] = {
    HEAD "SELECT " KEYED "LEFT JOIN looks k ON l.who = k.who LEFT JOIN rights r ON r.id = l.id AND r.day BETWEEN l.day - 1 AND l.day + 1",
    HEAD "SELECT " KEYED "JOIN looks k ON l.who = k.who LEFT JOIN rights r ON l.id = r.id AND r.day = l.day",
    HEAD "SELECT " KEYED "LEFT JOIN looks k ON k.who = l.who JOIN rights r ON r.id = l.id AND r.n = l.who AND r.day BETWEEN l.day AND l.day + 2",
    HEAD "SELECT " KEYED "JOIN looks k ON k.who = l.who JOIN rights r ON r.id = l.id",
    HEAD "SELECT " KEYED "LEFT JOIN looks k ON k.who = l.who LEFT JOIN rights r ON r.id = l.id AND r.day BETWEEN l.day - 2 AND l.day - 1 AND r.day BETWEEN l.day - 1 AND l.day",
    "-- order_by: none\n-- input: looks current\nSELECT a.name, a.score, b.name AS other FROM looks a LEFT JOIN looks b ON b.name = a.name",
};
static const char *const not_ours[] = {
    HEAD "SELECT " KEYED "LEFT JOIN looks k ON l.who = k.who LEFT JOIN rights r ON r.id = l.id WHERE l.price > 100",
    HEAD "SELECT " KEYED "LEFT JOIN looks k ON l.who = k.who + 0 LEFT JOIN rights r ON r.id = l.id",
    HEAD "SELECT " KEYED "LEFT JOIN looks k ON l.who = k.who OR l.who = 5 LEFT JOIN rights r ON r.id = l.id",
    HEAD "SELECT " KEYED "LEFT JOIN looks k ON l.who = k.who LEFT JOIN rights r ON r.id = l.id AND r.n = k.who",
    HEAD "SELECT " KEYED "LEFT JOIN looks k ON l.price = k.score LEFT JOIN rights r ON r.id = l.id",
    HEAD "SELECT " KEYED "LEFT JOIN looks k ON l.who = k.who LEFT JOIN rights r ON r.day = l.day",
    HEAD "SELECT " KEYED "LEFT JOIN looks k ON l.who = k.who LEFT JOIN rights r ON r.id = l.id AND r.day BETWEEN l.day - 1 AND l.born",
    HEAD "SELECT l.price + 1 AS more, " KEYED "LEFT JOIN looks k ON l.who = k.who LEFT JOIN rights r ON r.id = l.id",
};

static void our_join_gives_the_rows_of_duckdb(void **state) {
    (void)state;
    const char *days[] = {"2025-07-01", "2025-07-02", "2025-07-05"};
    struct ec_partitions all = {.all = true}, two = {.value = days + 1, .count = 2}, first = {.value = days, .count = 1};
    fill_days();
    fill(1, "k2", 100, "SELECT CAST(i * 3 AS BIGINT) AS who, 'again ' || i AS name, NULL::DOUBLE AS score FROM range(200) t(i)");
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        assert_true(is_ours(ours[i]));
        int64_t rows = compare(ours[i], &all);
        assert_true(rows > 0);
        if (strstr(ours[i], "partition_by")) assert_int_equal(compare(ours[i], &two) + compare(ours[i], &first), rows);
    }
}

static struct ec_wide_hashes *new_hashes(void) {
    struct ec_err err = {0};
    struct ec_wide_hashes *made;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/hashes", dir);
    ok(ec_wide_hashes_create(path, &made, &err), &err);
    return made;
}

/* A job takes the hashes of others, whichever came first, for the same rows. */
static void jobs_share_hashes(void **state) {
    (void)state;
    const char *days[] = {"2025-07-01", "2025-07-02", "2025-07-05"};
    struct ec_partitions all = {.all = true}, two = {.value = days + 1, .count = 2}, first = {.value = days, .count = 1};
    fill_days();
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        hashes = new_hashes();
        int64_t rows = compare(ours[i], &two) + compare(ours[i], &first), whole = compare(ours[i], &all);
        if (strstr(ours[i], "partition_by")) assert_int_equal(rows, whole);
        assert_int_equal(compare(ours[i], &all), whole);
        ec_wide_hashes_destroy(hashes);
        hashes = NULL;
    }
}

/* Everything of the part but its footer, by which a reader finds that it is of our encoder. */
static void spoil(const char *path) {
    struct ec_err err = {0};
    struct ec_buf bytes = ec_buf_make(EC_MIB);
    uint32_t footer;
    ok(ec_file_load(path, &bytes, &err), &err);
    memcpy(&footer, bytes.p + bytes.n - 8, sizeof footer);
    memset(bytes.p + 4, 0xAB, bytes.n - 12 - footer);
    ok(ec_file_replace(path, bytes.p, bytes.n, &err), &err);
    ec_buf_free(&bytes);
}

static enum ec_status join_day(const char *day, struct ec_err *err) {
    struct ec_models *models = load(ours[0]);
    struct ec_model_files inputs[TABLES];
    struct ec_partitions one = {.value = &day, .count = 1};
    struct ec_table_writer *writer = writer_of("fast", "day", 700);
    inputs_of(&models->model[0], inputs);
    struct ec_wide_job job = {.model = &models->model[0], .touched = &one, .files = inputs, .writer = writer, .hashes = hashes};
    enum ec_status status = ec_wide_write(sql, &job, err);
    ec_table_writer_destroy(writer);
    ec_models_destroy(models);
    return status;
}

/* The point of the hashes: keys of a day next to another, of which no row is met there, are not read again. */
static void what_is_ruled_out_is_not_read(void **state) {
    (void)state;
    struct ec_err err = {0};
    fill_days();
    fill(2, "r9", 400, "SELECT 'nobody has it ' || i AS id, CAST(i AS BIGINT) AS n, 'x' AS note, DATE '2025-07-02' AS day FROM range(900) t(i)");
    hashes = new_hashes();
    ok(join_day("2025-07-02", &err), &err);
    spoil(file[2][files[2] - 1].path);
    ok(join_day("2025-07-01", &err), &err);
    ok(join_day("2025-07-02", &err), &err);
    ec_wide_hashes_destroy(hashes);
    hashes = new_hashes(); /* that know nothing */
    assert_int_not_equal(join_day("2025-07-01", &err), EC_OK);
    ec_wide_hashes_destroy(hashes);
    hashes = NULL;
}

#define NARROW(day, rows)                                                                                              \
    "SELECT 'a rather long identifier ' || (hash(i) % 900000) AS id, CAST(i % 2000 AS BIGINT) AS who, DATE '" day      \
    "' AS day FROM range(" #rows ") t(i)"

/* More rows of the first table than a window holds: one ends within a day, and the one before it in the middle of a part. */
static void windows_follow_each_other(void **state) {
    (void)state;
    struct ec_partitions all = {.all = true};
    fill(0, "l1", 50000, NARROW("2025-07-01", 200000));
    fill(0, "l2", 70000, NARROW("2025-07-02", 150000));
    fill(0, "l3", 500, NARROW("2025-07-02", 0));
    fill(0, "l4", 90000, NARROW("2025-07-05", 220000));
    fill(1, "k1", 300, LOOK);
    fill(2, "r1", 60000, RIGHT("2025-07-01", 30000, 900000, ""));
    fill(2, "r2", 60000, RIGHT("2025-07-05", 30000, 900000, ""));
    int64_t rows = compare(ours[0], &all);
    assert_true((size_t)rows > WIDE_WINDOW_ROWS);
    hashes = new_hashes();
    assert_int_equal(compare(ours[0], &all), rows);
    ec_wide_hashes_destroy(hashes);
    hashes = NULL;
}

/* What reaches a partition may lie behind its first window; nothing reaches one without rows. */
static void any_looks_into_every_window(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_partitions all = {.all = true};
    struct ec_model_files inputs[TABLES];
    bool any = true;
    struct ec_models *models = load(ours[0]);
    struct wide_join_input input = {.model = &models->model[0], .touched = &all, .files = inputs};
    fill(2, "r1", 400, "SELECT 'the last' AS id, 5::BIGINT AS n, 'none' AS note, DATE '2025-07-01' AS day FROM range(1) t(i)");
    inputs_of(&models->model[0], inputs);
    ok(wide_join_any(&input, 2, &any, &err), &err);
    assert_false(any);
    fill(0, "l1", 90000, NARROW("2025-07-01", 600000));
    inputs_of(&models->model[0], inputs);
    ok(wide_join_any(&input, 2, &any, &err), &err);
    assert_false(any);
    fill(0, "l2", 400, "SELECT 'the last' AS id, 5::BIGINT AS who, 'none' AS kind, DATE '2025-07-01' AS day FROM range(1) t(i)");
    inputs_of(&models->model[0], inputs);
    ok(wide_join_any(&input, 2, &any, &err), &err);
    assert_true(any);
    ec_models_destroy(models);
}

static void what_says_more_is_left_to_duckdb(void **state) {
    (void)state;
    struct ec_partitions all = {.all = true};
    fill(0, "l1", 500, LEFT("2025-07-01", 300, 200));
    fill(1, "k1", 300, LOOK);
    fill(2, "r1", 400, RIGHT("2025-07-01", 400, 300, ""));
    for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++) {
        assert_false(is_ours(not_ours[i]));
        assert_true(compare(not_ours[i], &all) > 0);
    }
}

/* A part that was written before the key's column was there, one of nulls alone, and one without a row. */
static void keys_may_be_missing(void **state) {
    (void)state;
    struct ec_partitions all = {.all = true};
    fill_days();
    fill(2, "r4", 400, "SELECT CAST(i AS BIGINT) AS n, 'no key' AS note, DATE '2025-07-02' AS day FROM range(50) t(i)");
    fill(2, "r5", 400, "SELECT NULL::VARCHAR AS id, CAST(i AS BIGINT) AS n, DATE '2025-07-02' AS day FROM range(50) t(i)");
    fill(0, "l6", 400, "SELECT NULL::VARCHAR AS id, NULL::BIGINT AS who, 'null' AS kind, DATE '2025-07-02' AS day FROM range(50) t(i)");
    fill(0, "l7", 400, "SELECT 'x' AS id, 5::BIGINT AS who, 'none' AS kind, NULL::DATE AS day FROM range(5) t(i)");
    fill(2, "r7", 400, "SELECT 'x' AS id, 5::BIGINT AS n, 'none' AS note, NULL::DATE AS day FROM range(5) t(i)");
    for (size_t i = 0; i < 5; i++) assert_true(compare(ours[i], &all) > 0);
}

/* Every row with every row: DuckDB can put on disk what does not fit, we cannot. */
static void too_many_matches_are_refused(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_partitions all = {.all = true};
    fill(1, "k1", 100000, "SELECT 1::BIGINT AS who, 'a' AS name, 0::DOUBLE AS score FROM range(3000) t(i)");
    struct ec_models *models = load("-- order_by: none\n-- input: looks current\nSELECT a.name, b.name AS other FROM looks a JOIN looks b ON b.who = a.who");
    struct ec_model_files inputs[TABLES];
    struct wide_join *join;
    inputs_of(&models->model[0], inputs);
    struct wide_join_input input = {.model = &models->model[0], .touched = &all, .files = inputs};
    assert_int_equal(wide_join_open(&input, &join, &err), EC_TABLE_FORMAT);
    assert_null(join);
    assert_non_null(strstr(err.message, "match"));
    ec_models_destroy(models);
}

static bool at_once(void *context) {
    ++*(int *)context;
    return true;
}

static void it_can_be_stopped(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_partitions all = {.all = true};
    int asked = 0;
    fill(1, "k1", 300, LOOK);
    struct ec_models *models = load("-- order_by: none\nSELECT k.name FROM looks k");
    struct ec_model_files inputs[TABLES];
    inputs_of(&models->model[0], inputs);
    struct ec_table_writer *writer = writer_of("fast", NULL, 1000);
    struct ec_wide_job job = {
        .model = &models->model[0], .touched = &all, .files = inputs, .writer = writer, .stopped = at_once, .context = &asked};
    assert_int_equal(ec_wide_write(sql, &job, &err), EC_INTERRUPTED);
    assert_int_equal(asked, 1);
    ec_table_writer_destroy(writer);
    ec_models_destroy(models);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rows_are_those_of_duckdb, new_tables),
        cmocka_unit_test_setup(inner_joins_and_tables_without_rows, new_tables),
        cmocka_unit_test_setup(runs_follow_each_other, new_tables),
        cmocka_unit_test_setup(our_join_gives_the_rows_of_duckdb, new_tables),
        cmocka_unit_test_setup(jobs_share_hashes, new_tables),
        cmocka_unit_test_setup(what_is_ruled_out_is_not_read, new_tables),
        cmocka_unit_test_setup(windows_follow_each_other, new_tables),
        cmocka_unit_test_setup(any_looks_into_every_window, new_tables),
        cmocka_unit_test_setup(what_says_more_is_left_to_duckdb, new_tables),
        cmocka_unit_test_setup(keys_may_be_missing, new_tables),
        cmocka_unit_test_setup(too_many_matches_are_refused, new_tables),
        cmocka_unit_test_setup(foreign_parts_are_refused, new_tables),
        cmocka_unit_test_setup(it_can_be_stopped, new_tables),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
