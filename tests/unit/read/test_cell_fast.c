/* What the fast ways take they take as the careful ones do: on random texts of every kind, on all short
 * ones, and in whole CSV files, column by column. */
#include "csv_rows.h"
#include "read/cell_fast.h"

#include "base/calendar.h"
#include "read/cell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t seed = 88172645463325252u;
static size_t pick(size_t n) { /* xorshift64 */
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 11) % n;
}

/* In a buffer of just the bytes that may be read, so that a sanitizer sees one too many. */
static struct room { char text[64]; } room;

static size_t taken[6];

static void check(size_t n) {
    char *p = malloc(n + EC_CELL_READABLE);
    assert_non_null(p);
    memcpy(p, room.text, n + EC_CELL_READABLE);
    int64_t fast = 0, careful = 1;
    double fast_d = 0, careful_d = 1;
    uint8_t fast_b = 0, careful_b = 2;
    int32_t fast_day = 0, careful_day = 1;
    static struct ec_day day, other;
    if (ec_fast_integer(p, n, &fast)) {
        taken[0]++;
        if (!ec_integer_parse(p, n, &careful) || fast != careful) fail_msg("integer %.*s", (int)n, p);
    }
    if (ec_fast_double(p, n, &fast_d)) {
        taken[1]++;
        if (!ec_double_parse(p, n, &careful_d) || memcmp(&fast_d, &careful_d, 8) != 0)
            fail_msg("double %.*s", (int)n, p);
    }
    if (ec_fast_boolean(p, n, &fast_b)) {
        taken[2]++;
        if (!ec_boolean_parse(p, n, &careful_b) || fast_b != careful_b) fail_msg("boolean %.*s", (int)n, p);
    }
    if (ec_fast_datetime(p, n, &day, &fast)) {
        taken[3]++;
        if (!ec_datetime_parse(p, n, &careful) || fast != careful) fail_msg("datetime %.*s", (int)n, p);
    }
    if (ec_fast_date(p, n, &other, &fast_day)) {
        taken[4]++;
        if (!ec_date_parse(p, n, &careful_day) || fast_day != careful_day) fail_msg("date %.*s", (int)n, p);
    }
    struct ec_text a = ec_fast_text(p, n), b = ec_text_of(p, n);
    assert_memory_equal(&a, &b, sizeof a);
    free(p);
}

static void random_words(void **state) {
    (void)state;
    static const char letters[] = "0123456789012345678901234567890.....--+e tTrRuUeEfFaAlLsSeE:/;x";
    for (size_t round = 0; round < 400000; round++) {
        for (size_t i = 0; i < sizeof room.text; i++)
            room.text[i] = round % 3 ? letters[pick(round % 5 ? 35 : sizeof letters - 1)] : (char)pick(256);
        check(pick(14));
    }
    for (size_t i = 0; i < 2; i++) assert_true(taken[i] > 1000);
}

static void random_times(void **state) {
    (void)state;
    for (size_t round = 0; round < 400000; round++) {
        static const char *const formats[] = {"%04d-%02d-%02d",
                                              "%04d-%02d-%02dT%02d:%02d:%02d",
                                              "%04d-%02d-%02d %02d:%02d:%02dZ",
                                              "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                                              "%04d-%02d-%02d %02d:%02d:%02d.%03d",
                                              "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                                              "%04d-%02d-%02dT%02d:%02d:%02d.%03d+02:00"};
        int year = round % 4 ? 2025 : (int)pick(10100), month = (int)pick(14),
            day = round % 4 ? 1 + (int)pick(3) : (int)pick(33);
        memset(room.text, pick(2) ? '0' : ' ', sizeof room.text);
        int n = snprintf(room.text, sizeof room.text, formats[pick(7)], year, month, day, (int)pick(25), (int)pick(61),
                         (int)pick(61), (int)pick(1000));
        assert_true(n >= 10);
        room.text[n] = pick(2) ? '7' : ',';
        if (pick(3) == 0) room.text[pick((size_t)n)] = pick(2) ? (char)pick(256) : "0123456789:-TZ. "[pick(16)];
        size_t cut = pick(6) ? 0 : pick(5);
        check(cut < (size_t)n ? (size_t)n - cut : (size_t)n);
    }
    assert_true(taken[3] > 10000 && taken[4] > 1000);
}

static void words_of_truth(void **state) {
    (void)state;
    static const char *const words[] = {"true",    "false", "TRUE",  "False",    "tRuE",     "FALSe",
                                        "\x14rue", "tru",   "truee", "fals",     "t",        "f",
                                        "yes",     "1",     "0",     "fa\x4cse", "fa\xccse", "Tru\x05"};
    taken[2] = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        memset(room.text, ',', sizeof room.text);
        memcpy(room.text, words[i], strlen(words[i]));
        check(strlen(words[i]));
    }
    assert_int_equal(taken[2], 7);
}

static struct ec_str nulls[] = {EC_STR("n/a")};
static struct ec_schema_column columns[] = {
    {.name = "s", .type = {.type = EC_TYPE_STRING}},   {.name = "i", .type = {.type = EC_TYPE_INTEGER}},
    {.name = "f", .type = {.type = EC_TYPE_FLOAT}},    {.name = "b", .type = {.type = EC_TYPE_BOOLEAN}},
    {.name = "t", .type = {.type = EC_TYPE_DATETIME}}, {.name = "d", .type = {.type = EC_TYPE_DATE}},
    {.name = "m", .type = {EC_TYPE_DECIMAL, 9, 2}},    {.name = "n", .type = {.type = EC_TYPE_INTEGER}},
};
#define COLUMNS (sizeof columns / sizeof *columns)

static const char *random_cell(size_t column) {
    static const char *const texts[] = {
        "",    "x", "twelve bytes", "more than twelve", "\xc3\xa9t\xc3\xa9", "a \"quote\"", "a,b", "two\nlines", " ",
        "n/a", "1", "true"};
    static const char *const numbers[] = {
        "0",   "12",    "-7", "+3",  "12345678", "123456789", " 42 ",     "12.0",
        "0.5", "-0.25", ".5", "5.",  "1e3",      "1234567.8", "99999999", "9999999999999999999",
        "-",   ".",     "",   "n/a", "1 2"};
    static const char *const flags[] = {"true", "false", "True", "0", "1", "yes", "no", "t", " true", "maybe", ""};
    static const char *const times[] = {"2025-07-18 10:00:00",
                                        "2025-07-18T10:00:00Z",
                                        "2025-07-18T10:00:00.125Z",
                                        "2025-07-19",
                                        "2025-02-29 10:00:00",
                                        "2025-07-18T10:00:00+02:00",
                                        "2025-07-18 25:00:00",
                                        "2024-02-29",
                                        "2024-02-29 23:59:59",
                                        "",
                                        "18/07/2025"};
    switch (columns[column].type.type) {
    case EC_TYPE_STRING: return texts[pick(sizeof texts / sizeof *texts)];
    case EC_TYPE_BOOLEAN: return flags[pick(sizeof flags / sizeof *flags)];
    case EC_TYPE_DATETIME:
    case EC_TYPE_DATE: return times[pick(sizeof times / sizeof *times)];
    default: return numbers[pick(sizeof numbers / sizeof *numbers)];
    }
}

/* Appends the cell as CSV, in quotes where it must or may be; returns whether it is. */
static bool write_cell(struct ec_buf *out, const char *text) {
    bool quoted = strpbrk(text, ",\"\n") || pick(10) == 0;
    if (quoted) ec_buf_addc(out, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"') ec_buf_addc(out, '"');
        ec_buf_addc(out, *p);
    }
    if (quoted) ec_buf_addc(out, '"');
    return quoted;
}

#define ROWS 700

static const struct ec_source source = {.name = "test", .column = columns, .column_count = COLUMNS};
static const char *cell[ROWS][COLUMNS];
static bool quoted[ROWS][COLUMNS];

static void make_file(struct ec_buf *text, size_t rows) {
    ec_buf_addz(text, "s,i,f,b,t,d,m,n\n");
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < COLUMNS; c++) {
            cell[row][c] = random_cell(c);
            quoted[row][c] = write_cell(text, cell[row][c]);
            ec_buf_addc(text, c + 1 < COLUMNS ? ',' : '\n');
        }
}

/* The batch's rows are those from `first` on, each cell as ec_cell_parse() has it. */
static void check_cells(const struct ec_batch *batch, struct ec_batch *expected, size_t first) {
    size_t bad = 0;
    ec_batch_reset(expected);
    expected->rows = batch->rows; /* to be forgotten by the next reset */
    for (size_t row = 0; row < batch->rows; row++)
        for (size_t c = 0; c < COLUMNS; c++) {
            const struct ec_column *is = &batch->column[c], *should = &expected->column[c];
            const char *z = cell[first + row][c];
            size_t width = ec_type_width(columns[c].type.type), at = row * width;
            enum ec_cell found =
                ec_cell_parse(&columns[c], &expected->column[c], row, z, strlen(z), quoted[first + row][c]);
            bad += found == EC_CELL_BAD;
            assert_int_equal(ec_bit(is->valid, row), found == EC_CELL_VALUE);
            if (c == 0)
                assert_true(
                    ec_str_eq(ec_text_str(&ec_column_text(is)[row]), ec_text_str(&ec_column_text(should)[row])));
            else if (memcmp((char *)is->values + at, (char *)should->values + at, width) != 0)
                fail_msg("column %zu: %s", c, z);
        }
    assert_int_equal(batch->faults, bad);
}

/* Each with its text, and those of a row in the order of its columns. */
static void check_faults(const struct ec_batch *batch, size_t first) {
    for (size_t i = 0; i < batch->faults; i++) {
        const struct ec_fault *fault = &batch->fault[i];
        assert_int_equal(fault->reason, EC_REASON_TYPE);
        assert_true(ec_str_is(fault->value, cell[first + fault->row][fault->column]));
        for (size_t k = 0; k < i; k++)
            if (batch->fault[k].row == fault->row) assert_true(batch->fault[k].column < fault->column);
    }
}

/* A small window ends batches, and so blocks of rows, anywhere. */
static void read_file(const struct ec_buf *text, size_t rows, size_t window) {
    struct ec_stream *stream;
    struct ec_reader *reader;
    struct ec_batch batch, expected;
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    assert_int_equal(ec_batch_init(&expected, NULL), EC_OK);
    assert_int_equal(ec_reader_columns(&source, &batch, NULL), EC_OK);
    assert_int_equal(ec_reader_columns(&source, &expected, NULL), EC_OK);
    assert_int_equal(ec_stream_memory(text->p, text->n, 0, &stream, NULL), EC_OK);
    struct ec_reader_args args = {.source = &source, .stream = stream, .path = "test"};
    struct ec_csv_limits limits = {.window = window, .record = 1000};
    assert_int_equal(ec_csv_reader_open(&args, &limits, &batch, &reader, NULL), EC_OK);
    size_t first = 0;
    do {
        assert_int_equal(ec_reader_next(reader, &batch, NULL), EC_OK);
        check_cells(&batch, &expected, first);
        check_faults(&batch, first);
        first += batch.rows;
    } while (batch.rows > 0);
    assert_int_equal(first, rows);
    ec_reader_close(reader);
    ec_stream_close(stream);
    ec_batch_deinit(&batch);
    ec_batch_deinit(&expected);
}

static void whole_files(void **state) {
    (void)state;
    columns[7].null_values = nulls;
    columns[7].null_value_count = 1;
    for (size_t round = 0; round < 60; round++) {
        struct ec_buf text = ec_buf_make(EC_MIB);
        size_t rows = pick(ROWS) + 1;
        make_file(&text, rows);
        read_file(&text, rows, round % 2 ? 0 : 300 + pick(4000));
        ec_buf_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_words),
        cmocka_unit_test(random_times),
        cmocka_unit_test(words_of_truth),
        cmocka_unit_test(whole_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
