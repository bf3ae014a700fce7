#include "delta_fixture.h"
#include "../faulty_io.h"

#include "store/csv_out.h"

#include <math.h>

static void check_text(const char *path, const char *expected) {
    struct ec_buf text = ec_buf_make(4 << 20);
    struct ec_err err = {0};
    if (ec_file_load(path, &text, &err) != EC_OK) fail_msg("%s", err.message);
    assert_string_equal(text.p, expected);
    ec_buf_free(&text);
}

/* Begins a file alone. */
static struct ec_durable *durable;
static struct ec_csv_out *open_out(const char *path, const char *const *header, size_t count) {
    struct ec_csv_out *out = NULL;
    assert_int_equal(ec_durable_create(&durable, NULL), EC_OK);
    assert_int_equal(ec_csv_out_create(header, count, durable, &out, NULL), EC_OK);
    assert_int_equal(ec_csv_out_begin(out, path, NULL), EC_OK);
    return out;
}

static uint64_t finish_out(struct ec_csv_out *out) {
    uint64_t bytes = 0;
    assert_int_equal(ec_csv_out_end(out, &bytes, NULL), EC_OK);
    ec_csv_out_destroy(out);
    assert_int_equal(ec_durable_commit(durable, NULL), EC_OK);
    ec_durable_destroy(durable);
    return bytes;
}

static size_t add_column(struct ec_batch *batch, const char *name, struct ec_column_type type) {
    size_t index = 0;
    assert_int_equal(ec_batch_add_column(batch, name, type, &index, NULL), EC_OK);
    return index;
}

static void put_text(struct ec_batch *batch, size_t column, size_t row, const char *z) {
    ec_column_text(&batch->column[column])[row] = ec_text_of(z, strlen(z));
    ec_bit_set(batch->column[column].valid, row);
}

/* One text column, one value a row. */
static void check_texts(const char *const *in, size_t n, const char *expected) {
    const char *path = below(root, "texts.csv");
    struct ec_batch batch;
    struct ec_err err = {0};
    assert_int_equal(ec_batch_init(&batch, &err), EC_OK);
    size_t c = add_column(&batch, "c", (struct ec_column_type){.type = EC_TYPE_STRING});
    for (size_t i = 0; i < n; i++)
        if (in[i]) put_text(&batch, c, i, in[i]);
    batch.rows = n;
    const char *header[] = {"c", "k"};
    const size_t map[] = {c, c};
    struct ec_csv_out *out = open_out(path, header, 2);
    assert_int_equal(ec_csv_out_append(out, &batch, map, NULL, n, &err), EC_OK);
    finish_out(out);
    check_text(path, expected);
    ec_batch_deinit(&batch);
}

static void texts_are_quoted_and_defused(void **state) {
    (void)state;
    const char *plain[] = {"a", "a b", " ", "Göteborg, \"Å\"", "x\ny", "x\ry", "\"", NULL, ""};
    check_texts(plain, 9,
                "c,k\na,a\na b,a b\n , \n\"Göteborg, \"\"Å\"\"\",\"Göteborg, "
                "\"\"Å\"\"\"\n\"x\ny\",\"x\ny\"\n\"x\ry\",\"x\ry\"\n"
                "\"\"\"\",\"\"\"\"\n,\n\"\",\"\"\n");
    const char *formulas[] = {"=1+2", "+1", "-1", "@a", "\ta", "\ra", "=\"x\",1", "'=1", "1=1", "-"};
    check_texts(formulas, 10,
                "c,k\n'=1+2,'=1+2\n'+1,'+1\n'-1,'-1\n'@a,'@a\n'\ta,'\ta\n\"'\ra\",\"'\ra\"\n\"'=\"\"x\"\",1\",\"'="
                "\"\"x\"\",1\"\n"
                "'=1,'=1\n1=1,1=1\n'-,'-\n");
}

static void every_type_has_its_text(void **state) {
    (void)state;
    const char *path = below(root, "types.csv");
    struct ec_batch batch;
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    size_t i = add_column(&batch, "i", (struct ec_column_type){.type = EC_TYPE_INTEGER});
    size_t f = add_column(&batch, "f", (struct ec_column_type){.type = EC_TYPE_FLOAT});
    size_t b = add_column(&batch, "b", (struct ec_column_type){.type = EC_TYPE_BOOLEAN});
    size_t t = add_column(&batch, "t", (struct ec_column_type){.type = EC_TYPE_DATETIME});
    size_t d = add_column(&batch, "d", (struct ec_column_type){.type = EC_TYPE_DATE});
    size_t p = add_column(&batch, "p", (struct ec_column_type){EC_TYPE_DECIMAL, 18, 2});
    static const int64_t ints[] = {-7, INT64_MAX, INT64_MIN, 0};
    static const double doubles[] = {-0.1, (double)INFINITY, (double)NAN, -(double)INFINITY};
    static const int64_t times[] = {0, 1752832800123456, -1, -62135596800000000};
    static const int32_t days[] = {0, 20287, -1, -719162};
    static const int64_t cents[] = {-5, 100, 123456, INT64_MIN};
    for (size_t r = 0; r < 4; r++) {
        ec_column_int(&batch.column[i])[r] = ints[r];
        ec_column_double(&batch.column[f])[r] = doubles[r];
        ec_column_bool(&batch.column[b])[r] = r & 1;
        ec_column_int(&batch.column[t])[r] = times[r];
        ec_column_days(&batch.column[d])[r] = days[r];
        ec_column_int(&batch.column[p])[r] = cents[r];
        for (size_t c = 0; c < 6; c++) ec_bit_set(batch.column[c].valid, r);
    }
    batch.rows = 5; /* the last row is null throughout */
    const char *header[] = {"i", "f", "b", "t", "d", "p", "=none"};
    const size_t map[] = {i, f, b, t, d, p, SIZE_MAX};
    const uint32_t rows[] = {4, 2, 0, 1, 3};
    struct ec_csv_out *out = open_out(path, header, 7);
    assert_int_equal(ec_csv_out_append(out, &batch, map, rows, 5, NULL), EC_OK);
    uint64_t bytes = finish_out(out);
    const char *expected = "i,f,b,t,d,p,'=none\n"
                           ",,,,,,\n"
                           "-9223372036854775808,nan,false,1969-12-31T23:59:59.999999Z,1969-12-31,1234.56,\n"
                           "-7,-0.1,false,1970-01-01T00:00:00Z,1970-01-01,-0.05,\n"
                           "9223372036854775807,inf,true,2025-07-18T10:00:00.123456Z,2025-07-18,1.00,\n"
                           "0,-inf,true,0001-01-01T00:00:00Z,0001-01-01,-92233720368547758.08,\n";
    check_text(path, expected);
    assert_int_equal(bytes, strlen(expected));
    ec_batch_deinit(&batch);
}

static void a_null_alone_in_its_row_is_still_a_row(void **state) {
    (void)state;
    const char *path = below(root, "one.csv");
    struct ec_batch batch;
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    add_column(&batch, "n", (struct ec_column_type){.type = EC_TYPE_INTEGER});
    batch.rows = 2;
    ec_bit_set(batch.column[0].valid, 1);
    const char *header[] = {"n"};
    struct ec_csv_out *out = open_out(path, header, 1);
    assert_int_equal(ec_csv_out_append(out, &batch, NULL, NULL, 2, NULL), EC_OK);
    finish_out(out);
    check_text(path, "n\n\"\"\n0\n");
    ec_batch_deinit(&batch);
}

/* Texts longer than the buffer, quotes at its edges, and many rows. */
static void long_texts_pass_the_buffer(void **state) {
    (void)state;
    enum { N = 200000, ROWS = 3 };
    const char *path = below(root, "long.csv");
    struct ec_batch batch;
    struct ec_buf expected = ec_buf_make(8 << 20), text = ec_buf_make(4 << 20);
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    size_t c = add_column(&batch, "c", (struct ec_column_type){.type = EC_TYPE_STRING});
    char *from = ec_malloc(ROWS * (size_t)N);
    assert_non_null(from);
    ec_buf_addz(&expected, "c\n");
    for (size_t r = 0; r < ROWS; r++) {
        char *p = from + r * N;
        for (size_t k = 0; k < N; k++) p[k] = k % (r + 2) == 0 ? '"' : 'a';
        ec_column_text(&batch.column[c])[r] = ec_text_of(p, N);
        ec_bit_set(batch.column[c].valid, r);
        ec_buf_addc(&expected, '"');
        for (size_t k = 0; k < N; k++) ec_buf_add(&expected, p[k] == '"' ? "\"\"" : "a", p[k] == '"' ? 2 : 1);
        ec_buf_addz(&expected, "\"\n");
    }
    batch.rows = ROWS;
    const char *header[] = {"c"};
    struct ec_csv_out *out = open_out(path, header, 1);
    assert_int_equal(ec_csv_out_append(out, &batch, NULL, NULL, ROWS, NULL), EC_OK);
    finish_out(out);
    assert_int_equal(ec_file_load(path, &text, NULL), EC_OK);
    assert_int_equal(text.n, expected.n);
    assert_memory_equal(text.p, expected.p, text.n);
    ec_buf_free(&text);
    ec_buf_free(&expected);
    ec_free(from);
    ec_batch_deinit(&batch);
}

static enum ec_status export(const char *path, const struct ec_batch *batch, struct ec_err *err) {
    const char *header[] = {"n", "m"};
    const size_t map[] = {0, 0};
    struct ec_csv_out *out = NULL;
    struct ec_durable *d = NULL;
    enum ec_status status = ec_durable_create(&d, err);
    if (status == EC_OK) status = ec_csv_out_create(header, 2, d, &out, err);
    if (status == EC_OK) status = ec_csv_out_begin(out, path, err);
    if (status == EC_OK) status = ec_csv_out_append(out, batch, map, NULL, batch->rows, err);
    if (status == EC_OK) status = ec_csv_out_end(out, NULL, err);
    ec_csv_out_destroy(out);
    if (status == EC_OK) status = ec_durable_commit(d, err);
    ec_durable_destroy(d);
    return status;
}

/* Files of one writer, a large one that does not stay in memory between small ones. */
static void one_writer_many_files(void **state) {
    (void)state;
    enum { ROWS = 2000, TEXT = 9000 }; /* 18 MB */
    const char *dir = new_table("many"), *header[] = {"t", "n"};
    struct ec_batch batch;
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    size_t t = add_column(&batch, "t", (struct ec_column_type){.type = EC_TYPE_STRING});
    size_t n = add_column(&batch, "n", (struct ec_column_type){.type = EC_TYPE_INTEGER});
    char *text = ec_malloc(TEXT);
    assert_non_null(text);
    memset(text, 'a', TEXT);
    struct ec_buf expected = ec_buf_make(64 << 20), got = ec_buf_make(64 << 20);
    ec_buf_addz(&expected, "t,n\n");
    for (size_t r = 0; r < ROWS; r++) {
        ec_column_text(&batch.column[t])[r] = ec_text_of(text, TEXT);
        ec_column_int(&batch.column[n])[r] = (int64_t)r;
        ec_bit_set(batch.column[t].valid, r);
        ec_bit_set(batch.column[n].valid, r);
        ec_buf_add(&expected, text, TEXT);
        ec_buf_printf(&expected, ",%zu\n", r);
    }
    batch.rows = ROWS;
    const uint32_t third[] = {3};
    struct ec_csv_out *out = open_out(below(dir, "a.csv"), header, 2);
    const size_t none_and_n[] = {SIZE_MAX, n};
    assert_int_equal(ec_csv_out_append(out, &batch, none_and_n, third, 1, NULL), EC_OK);
    assert_int_equal(ec_csv_out_end(out, NULL, NULL), EC_OK);
    assert_int_equal(ec_csv_out_begin(out, below(dir, "b.csv"), NULL), EC_OK);
    assert_int_equal(ec_csv_out_append(out, &batch, NULL, NULL, ROWS, NULL), EC_OK);
    uint64_t bytes;
    assert_int_equal(ec_csv_out_end(out, &bytes, NULL), EC_OK);
    assert_int_equal(bytes, expected.n);
    assert_int_equal(ec_csv_out_begin(out, below(dir, "c.csv"), NULL), EC_OK);
    assert_false(ec_path_exists(below(dir, "b.csv"))); /* only the commit puts it there */
    assert_int_equal(finish_out(out), 4);
    check_text(below(dir, "a.csv"), "t,n\n,3\n");
    check_text(below(dir, "c.csv"), "t,n\n");
    assert_int_equal(ec_file_load(below(dir, "b.csv"), &got, NULL), EC_OK);
    assert_int_equal(got.n, expected.n);
    assert_memory_equal(got.p, expected.p, got.n);
    ec_buf_free(&got);
    ec_buf_free(&expected);
    ec_free(text);
    ec_batch_deinit(&batch);
}

static void a_reader_sees_the_old_file_or_the_new_one(void **state) {
    (void)state;
    const char *old = "old\n", *new = "n,m\n1,1\n";
    const char *dir = new_table("exports"), *path = below(dir, "a.csv");
    struct ec_batch batch;
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    add_column(&batch, "n", (struct ec_column_type){.type = EC_TYPE_INTEGER});
    ec_column_int(&batch.column[0])[0] = 1;
    ec_bit_set(batch.column[0].valid, 0);
    batch.rows = 1;
    for (unsigned mode = 0; mode < FAULTY_MODES; mode++) {
        bool hit = true;
        for (unsigned at = 1; hit; at++) {
            struct ec_err err = {0};
            put_file(path, old);
            faulty_begin(mode, at);
            enum ec_status status = export(path, &batch, &err);
            hit = faulty_end();
            struct ec_buf text = ec_buf_make(1 << 20);
            assert_int_equal(ec_file_load(path, &text, NULL), EC_OK);
            assert_true(strcmp(text.p, new) == 0 || (status != EC_OK && strcmp(text.p, old) == 0));
            ec_buf_free(&text);
            assert_true(status == EC_OK || err.message[0] != '\0');
            if (status != EC_OK) { /* what a failed run left behind does not stop the next */
                assert_int_equal(export(path, &batch, NULL), EC_OK);
                check_text(path, new);
            }
            assert_true(at < 100);
        }
    }
    assert_false(ec_path_exists(below(dir, ".a.csv.tmp")));
    ec_batch_deinit(&batch);
}

static struct ec_io real_io;

static void *small_realloc(void *p, size_t n) { return n > 16384 ? NULL : real_io.realloc(p, n); }

/* Memory ends at each byte of rows of every kind: the header of some tables is that long, too. */
static void memory_ends_anywhere(void **state) {
    (void)state;
    enum { FIRST = 16384, MOST = 80 };
    char *text = ec_calloc(FIRST, 1), *name = ec_calloc(FIRST + 1, 1);
    struct ec_batch batch;
    assert_non_null(text);
    assert_non_null(name);
    memset(text, 'a', FIRST);
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    size_t c = add_column(&batch, "c", (struct ec_column_type){.type = EC_TYPE_STRING});
    size_t n = add_column(&batch, "n", (struct ec_column_type){.type = EC_TYPE_INTEGER});
    put_text(&batch, c, 1, "=1,\"2\"");
    put_text(&batch, c, 2, "-1");
    for (size_t r = 0; r < 3; r++) ec_bit_set(batch.column[n].valid, r);
    batch.rows = 4;
    const char *header[] = {"c", "n"};
    const size_t map[] = {c, n};
    unsigned refused = 0;
    for (size_t pad = 0; pad < MOST; pad++) {
        ec_column_text(&batch.column[c])[0] = ec_text_of(text, FIRST - pad);
        ec_bit_set(batch.column[c].valid, 0);
        struct ec_csv_out *out = open_out(below(root, "ends.csv"), header, 2);
        real_io = ec_io;
        ec_io.realloc = small_realloc;
        enum ec_status status = ec_csv_out_append(out, &batch, map, NULL, 4, NULL);
        ec_io = real_io;
        assert_true(status == EC_OK || status == EC_NO_MEMORY);
        refused += status != EC_OK;
        ec_csv_out_destroy(out);
        ec_durable_destroy(durable);

        struct ec_durable *d;
        memset(name, 'b', FIRST - pad);
        name[FIRST - pad] = '\0';
        for (int shape = 0; shape < 3; shape++) {
            const char *both[] = {name, shape == 0 ? "=x\"y" : shape == 1 ? "@z" : "w"};
            assert_int_equal(ec_durable_create(&d, NULL), EC_OK);
            ec_io.realloc = small_realloc;
            status = ec_csv_out_create(both, 2, d, &out, NULL);
            ec_io = real_io;
            assert_true(status == EC_OK ? out != NULL : out == NULL);
            ec_csv_out_destroy(out);
            ec_durable_destroy(d);
        }
    }
    assert_true(refused > 20 && refused < MOST);
    assert_false(ec_path_exists(below(root, "ends.csv")));
    ec_free(text);
    ec_free(name);
    ec_batch_deinit(&batch);
}

/* Its line end is what the first row has no room for. */
static void memory_ends_at_a_line_end(void **state) {
    (void)state;
    enum { FIRST = 16384 };
    char *text = ec_malloc(FIRST);
    struct ec_batch batch;
    assert_non_null(text);
    memset(text, 'a', FIRST);
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    size_t c = add_column(&batch, "c", (struct ec_column_type){.type = EC_TYPE_STRING});
    ec_column_text(&batch.column[c])[0] = ec_text_of(text, FIRST - 2); /* behind "c\n" */
    ec_bit_set(batch.column[c].valid, 0);
    batch.rows = 1;
    const char *header[] = {"c"};
    struct ec_err err = {0};
    struct ec_csv_out *out = open_out(below(root, "line.csv"), header, 1);
    real_io = ec_io;
    ec_io.realloc = small_realloc;
    enum ec_status status = ec_csv_out_append(out, &batch, NULL, NULL, 1, &err);
    ec_io = real_io;
    assert_int_equal(status, EC_NO_MEMORY);
    assert_non_null(strstr(err.message, "no memory to write "));
    ec_csv_out_destroy(out);
    ec_durable_destroy(durable);
    ec_free(text);
    ec_batch_deinit(&batch);
}

static int refused_open(const char *path, int flags, mode_t mode) {
    if (!strstr(path, ".csv.tmp")) return real_io.open(path, flags, mode);
    errno = EACCES;
    return -1;
}

/* A file that outgrew memory lies under a temporary name: where a call fails, nothing stays of it. */
static void a_large_file_at_each_failure(void **state) {
    (void)state;
    enum { ROWS = 1000, TEXT = 9000 };
    const char *dir = new_table("large"), *path = below(dir, "a.csv");
    struct ec_batch batch;
    char *text = ec_malloc(TEXT);
    assert_non_null(text);
    memset(text, 'a', TEXT);
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    size_t c = add_column(&batch, "c", (struct ec_column_type){.type = EC_TYPE_STRING});
    for (size_t r = 0; r < ROWS; r++) {
        ec_column_text(&batch.column[c])[r] = ec_text_of(text, TEXT);
        ec_bit_set(batch.column[c].valid, r);
    }
    batch.rows = ROWS;
    struct ec_err refused = {0};
    real_io = ec_io;
    ec_io.open = refused_open;
    assert_int_equal(export(path, &batch, &refused), EC_IO);
    ec_io = real_io;
    assert_non_null(strstr(refused.message, "cannot create "));
    bool hit = true;
    for (unsigned at = 1; hit; at++) {
        struct ec_err err = {0};
        faulty_begin(FAULTY_BEFORE, at);
        enum ec_status status = export(path, &batch, &err);
        hit = faulty_end();
        if (!hit) assert_int_equal(status, EC_OK);
        assert_true(status == EC_OK ? ec_path_exists(path) : err.message[0] != '\0');
        (void)unlink(path);
        (void)unlink(below(dir, ".a.csv.tmp")); /* where it could not be removed */
        assert_true(at < 100);
    }
    ec_free(text);
    ec_batch_deinit(&batch);
}

static void a_path_that_is_too_long(void **state) {
    (void)state;
    char path[4200];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    const char *header[] = {"c"};
    struct ec_csv_out *out = open_out(below(root, "x.csv"), header, 1);
    assert_int_equal(ec_csv_out_begin(out, path, NULL), EC_IO);
    ec_csv_out_destroy(out);
    ec_csv_out_destroy(NULL);
    ec_durable_destroy(durable);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_quoted_and_defused),
        cmocka_unit_test(every_type_has_its_text),
        cmocka_unit_test(a_null_alone_in_its_row_is_still_a_row),
        cmocka_unit_test(long_texts_pass_the_buffer),
        cmocka_unit_test(one_writer_many_files),
        cmocka_unit_test(a_reader_sees_the_old_file_or_the_new_one),
        cmocka_unit_test(memory_ends_anywhere),
        cmocka_unit_test(memory_ends_at_a_line_end),
        cmocka_unit_test(a_large_file_at_each_failure),
        cmocka_unit_test(a_path_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
