/* The CSV reader over whole files: the limits of limits.h, scarce memory, a stream's errors, the
 * csv-spectrum files, and splitting. */
#include "read/csv_reader.h"

#include "base/io.h"
#include "read/csv_split.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct ec_source bare = {.name = "bare"};

/* With the real limits: a field of 1 MiB passes, one byte more costs its row. */
static void lengths_have_limits(void **state) {
    (void)state;
    size_t cap = 12 * EC_MIB, n = 0;
    char *text = malloc(cap);
    struct ec_err err = {0};
    n += (size_t)sprintf(text, "a\n");
    memset(text + n, 'x', EC_FIELD_MAX);
    n += EC_FIELD_MAX;
    n += (size_t)sprintf(text + n, "\ngood\n");
    memset(text + n, 'y', EC_FIELD_MAX + 1);
    n += EC_FIELD_MAX + 1;
    n += (size_t)sprintf(text + n, "\r\ngood\n");
    memset(text + n, 'z', EC_RECORD_MAX + 1);
    n += EC_RECORD_MAX + 1;
    n += (size_t)sprintf(text + n, "\n\"good\n");
    memset(text + n, 'w', EC_FIELD_MAX);
    n += EC_FIELD_MAX;
    n += (size_t)sprintf(text + n, "\ngood\n");

    struct ec_batch batch;
    struct ec_stream *stream;
    struct ec_reader *reader;
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    assert_int_equal(ec_stream_memory(text, n, 100000, &stream, NULL), EC_OK);
    struct ec_reader_args args = {.source = &bare, .stream = stream, .path = "x.csv"};
    assert_int_equal(ec_reader_open(&ec_reader_csv, &args, &batch, &reader, NULL), EC_OK);
    static const struct {
        uint32_t length;
        bool rejected, raw;
    } expected[] = {
        {EC_FIELD_MAX, false, true},      {4, false, true}, {EC_FIELD_MAX + 1, true, true}, {4, false, true},
        {EC_RECORD_MAX + 1, true, false}, {5, true, true},  {EC_FIELD_MAX, false, true},    {4, false, true}};
    size_t row = 0;
    do {
        if (ec_reader_next(reader, &batch, &err) != EC_OK) fail_msg("%s", err.message);
        for (size_t i = 0; i < batch.rows; i++, row++) {
            assert_true(row < 8);
            assert_int_equal(batch.place[i].length, expected[row].length);
            assert_int_equal(batch.place[i].line, row + 2);
            assert_int_equal(ec_bit(batch.rejected, i), expected[row].rejected);
            assert_int_equal(batch.place[i].raw != NULL, expected[row].raw);
        }
        for (size_t f = 0; f < batch.faults; f++) assert_int_equal(batch.fault[f].reason, EC_REASON_TOO_LONG);
    } while (batch.rows > 0);
    assert_int_equal(row, 8);
    ec_reader_close(reader);
    ec_stream_close(stream);
    ec_batch_deinit(&batch);
    free(text);
}

/* Memory ends at the k-th allocation: an error, never a crash, a leak or a row less. */
static size_t allocations_left;
static void *(*real_malloc)(size_t n);
static void *(*real_realloc)(void *p, size_t n);
static void *scarce_malloc(size_t n) {
    return allocations_left && allocations_left-- ? real_malloc(n) : NULL;
}
static void *scarce_realloc(void *p, size_t n) {
    return allocations_left && allocations_left-- ? real_realloc(p, n) : NULL;
}

static enum ec_status read_with_scarce_memory(struct ec_batch *batch, struct ec_stream *stream, struct ec_err *err) {
    struct ec_source encoded = {.name = "encoded", .encoding = "latin-1"};
    struct ec_reader_args args = {.source = &encoded, .stream = stream, .path = "x.csv"};
    struct ec_csv_limits limits = {.window = 64};
    struct ec_reader *reader;
    size_t rows_read = 0;
    EC_TRY(ec_csv_reader_open(&args, &limits, batch, &reader, err));
    enum ec_status status;
    do {
        status = ec_reader_next(reader, batch, err);
        rows_read += batch->rows;
    } while (status == EC_OK && batch->rows > 0);
    ec_reader_close(reader);
    if (status == EC_OK) assert_int_equal(rows_read, 3);
    return status;
}

static void memory_that_ends_is_an_error(void **state) {
    (void)state;
    static const char text[] =
        "a,b\n1,\"say \"\"hi\"\"\"\n2,st\"ray\n3,\"a field that is longer than half of the window of "
        "the reader, so that it must grow\"\n";
    enum ec_status status = EC_NO_MEMORY;
    real_malloc = ec_io.malloc;
    real_realloc = ec_io.realloc;
    for (size_t k = 0; status != EC_OK; k++) {
        struct ec_batch batch;
        struct ec_stream *stream;
        struct ec_err err = {0};
        assert_true(k < 200);
        assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
        assert_int_equal(ec_stream_memory(text, sizeof text - 1, 0, &stream, NULL), EC_OK);
        allocations_left = k;
        ec_io.malloc = scarce_malloc;
        ec_io.realloc = scarce_realloc;
        status = read_with_scarce_memory(&batch, stream, &err);
        ec_io.malloc = real_malloc;
        ec_io.realloc = real_realloc;
        assert_true(status == EC_OK ? k > 4 : status == EC_NO_MEMORY && err.message[0] != '\0');
        ec_stream_close(stream);
        ec_batch_deinit(&batch);
    }
}

/* What a stream finds wrong, however late, is the reader's error too. */
static void errors_of_the_stream_come_through(void **state) {
    (void)state;
    char path[] = "/tmp/ecluse-csv-XXXXXX";
    struct ec_batch batch;
    struct ec_stream *stream;
    struct ec_reader *reader;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a,b\n1,2\n", 8), 8);
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    assert_int_equal(ec_stream_open(&(struct ec_stream_args){.path = path}, &stream, NULL), EC_OK);
    assert_int_equal(write(fd, "3,4\n", 4), 4);
    close(fd);
    struct ec_reader_args args = {.source = &bare, .stream = stream, .path = path};
    struct ec_err err = {0};
    assert_int_equal(ec_reader_open(&ec_reader_csv, &args, &batch, &reader, &err), EC_FILE_CHANGED);
    assert_null(reader);
    ec_reader_close(reader);
    ec_stream_close(stream);
    ec_batch_deinit(&batch);
    unlink(path);
}

static const char *corpora(void) {
    const char *path = getenv("EC_CORPORA");
    return path ? path : EC_TEST_DATA "/corpora";
}

static void compare_with_json(const char *name, struct ec_batch *batch, const json_t *expected) {
    if (batch->rows != json_array_size(expected)) fail_msg("%s: %zu rows", name, batch->rows);
    for (size_t row = 0; row < batch->rows; row++) {
        const json_t *object = json_array_get(expected, row);
        assert_int_equal(batch->columns, json_object_size(object));
        assert_false(ec_bit(batch->rejected, row));
        for (size_t c = 0; c < batch->columns; c++) {
            const json_t *value = json_object_get(object, batch->column[c].name);
            struct ec_str text = ec_text_str(&ec_column_text(&batch->column[c])[row]);
            assert_non_null(value);
            struct ec_str wanted = {json_string_value(value), json_string_length(value)};
            if (!ec_str_eq(text, wanted))
                fail_msg("%s: row %zu, %s is %.*s", name, row, batch->column[c].name, (int)text.n, text.p);
        }
    }
}

static void csv_spectrum(void **state) {
    (void)state;
    static const char *const names[] = {"comma_in_quotes",
                                        "empty",
                                        "empty_crlf",
                                        "escaped_quotes",
                                        "json",
                                        "newlines",
                                        "newlines_crlf",
                                        "quotes_and_newlines",
                                        "simple",
                                        "simple_crlf",
                                        "utf8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        struct ec_stream *stream;
        struct ec_reader *reader;
        struct ec_batch batch;
        snprintf(path, sizeof path, "%s/csv/spectrum-json/%s.json", corpora(), names[i]);
        json_t *expected = json_load_file(path, 0, NULL);
        assert_non_null(expected);
        snprintf(path, sizeof path, "%s/csv/spectrum/%s.csv", corpora(), names[i]);
        assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
        assert_int_equal(ec_stream_open(&(struct ec_stream_args){.path = path}, &stream, NULL), EC_OK);
        struct ec_reader_args args = {.source = &bare, .stream = stream, .path = path};
        assert_int_equal(ec_reader_open(&ec_reader_csv, &args, &batch, &reader, NULL), EC_OK);
        assert_int_equal(ec_reader_next(reader, &batch, NULL), EC_OK);
        compare_with_json(names[i], &batch, expected);
        assert_int_equal(ec_reader_next(reader, &batch, NULL), EC_OK);
        assert_int_equal(batch.rows, 0);
        ec_reader_close(reader);
        ec_stream_close(stream);
        ec_batch_deinit(&batch);
        json_decref(expected);
    }
}

static void files_are_split_at_records(void **state) {
    (void)state;
    char path[] = "/tmp/ecluse-split-XXXXXX";
    static const char text[] = "\xef\xbb\xbf"
                               "a, b\n1,\"x\ny\"\n3,z\n4,\"w\n5,v\n";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    struct ec_arena arena;
    const struct ec_range *range;
    const struct ec_str *name;
    size_t count;
    ec_arena_init(&arena, EC_MIB);
    assert_int_equal(ec_csv_split(path, &bare, 1, &arena, &range, &count, NULL), EC_OK);
    /* Line 5 opens a quote that nothing closes: its verdict needs the rest of the file. */
    static const struct ec_range wanted[] = {{0, 8, 1}, {8, 16, 2}, {16, 20, 4}, {20, 29, 5}};
    assert_int_equal(count, 4);
    assert_memory_equal(range, wanted, sizeof wanted);
    assert_int_equal(ec_csv_split(path, &bare, 10, &arena, &range, &count, NULL), EC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(range[1].start, 16);
    assert_int_equal(ec_csv_header(path, &bare, &arena, &name, &count, NULL), EC_OK);
    assert_int_equal(count, 2);
    assert_true(ec_str_is(name[0], "a") && ec_str_is(name[1], "b"));
    struct ec_source encoded = {.name = "encoded", .encoding = "latin-1"};
    assert_int_equal(ec_csv_split(path, &encoded, 1, &arena, &range, &count, NULL), EC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(range[0].end, 0);
    ec_arena_deinit(&arena);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_have_limits),
        cmocka_unit_test(memory_that_ends_is_an_error),
        cmocka_unit_test(errors_of_the_stream_come_through),
        cmocka_unit_test(csv_spectrum),
        cmocka_unit_test(files_are_split_at_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
