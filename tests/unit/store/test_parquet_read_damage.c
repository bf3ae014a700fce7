/* Files that are damaged, or not ours: an error that names the file, never a crash, no memory out of proportion. */
#include "parquet_read_table.h"

#include "store/parquet_read_internal.h"

#include <fcntl.h>
#include <errno.h>

static const struct batching WHOLE = {.rows = EC_BATCH_ROWS};

static size_t largest; /* allocation so far */
static void *(*real_malloc)(size_t n);
static void *watched_malloc(size_t n) {
    if (n > largest) largest = n;
    return real_malloc(n);
}

static void write_bytes(const char *path, const void *p, size_t n) {
    /* Not O_TRUNC: some file systems sync a file that replaces itself, thousands of times here. */
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)n), 0);
    assert_int_equal(write(fd, p, n), n);
    assert_int_equal(close(fd), 0);
}

/* Everything of every chunk. Whether all of it could be read; damage must say EC_TABLE_FORMAT. */
static bool read_everything(const char *path, bool trust) {
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    struct ec_parquet_chunk chunk = {0};
    enum ec_status status = ec_parquet_open(path, &file, &err);
    bool good = status == EC_OK;
    if (!good) {
        assert_null(file);
        assert_int_equal(status, EC_TABLE_FORMAT);
        assert_non_null(strstr(err.message, path));
        return false;
    }
    file->trust = trust;
    for (size_t g = 0; g < ec_parquet_groups(file); g++) {
        for (size_t c = 0; c < ec_parquet_columns(file); c++) {
            err = (struct ec_err){0};
            status = ec_parquet_chunk_open(&chunk, file, g, c, &err);
            if (status == EC_OK) status = ec_parquet_chunk_all(&chunk, &err);
            uint64_t sum = 0; /* what is given can be touched */
            for (uint32_t r = 0; status == EC_OK && r < chunk.rows; r++) {
                if (r < chunk.coded_rows) assert_true(chunk.code[r] < chunk.dictionary_count);
                if (chunk.type.type != EC_TYPE_STRING) continue;
                const struct ec_text *t = r < chunk.coded_rows
                                              ? (const struct ec_text *)chunk.dictionary + chunk.code[r]
                                              : (const struct ec_text *)chunk.plain + (r - chunk.coded_rows);
                for (size_t k = 0; k < t->n; k++) sum += (uint8_t)ec_text_bytes(t)[k];
            }
            if (status == EC_OK && chunk.rows > 0) {
                struct ec_arena arena;
                ec_arena_init(&arena, 256 * EC_MIB);
                uint32_t rows[] = {0, chunk.rows / 3, chunk.rows - 1};
                uint64_t valid;
                struct ec_text values[3];
                struct ec_parquet_rows out = {.valid = &valid, .values = values, .arena = &arena};
                status = ec_parquet_chunk_rows(&chunk, rows, 3, &out, &err);
                if (chunk.type.type == EC_TYPE_STRING && status == EC_OK)
                    for (size_t k = 0; k < values[2].n; k++) sum += (uint8_t)ec_text_bytes(&values[2])[k];
                ec_arena_deinit(&arena);
            }
            if (sum == UINT64_MAX) print_message("impossible\n");
            if (status != EC_OK) {
                good = false;
                assert_int_equal(status, EC_TABLE_FORMAT);
                if (!strstr(err.message, path)) fail_msg("%s", err.message);
            }
        }
    }
    ec_parquet_chunk_deinit(&chunk);
    ec_parquet_close(file);
    return good;
}

static void init_table(struct table *t) {
    uint64_t seed = 5;
    table_init(t, 1500, ALL_TYPES);
    memcpy(t->column, table_all_types, sizeof table_all_types);
    for (size_t c = 0; c < t->columns; c++) table_fill(t, c, c + 1 == t->columns ? 0 : 20, 10, &seed);
}

static void load_good(enum ec_codec codec, struct ec_buf *bytes) {
    struct table t;
    struct ec_err err = {0};
    init_table(&t);
    const char *path = table_path("good.parquet");
    table_write(&t, path, 700, codec, WHOLE, NULL);
    assert_true(read_everything(path, false));
    *bytes = ec_buf_make(64 * EC_MIB);
    assert_int_equal(ec_file_load(path, bytes, &err), EC_OK);
    table_deinit(&t);
}

/* A byte, a few, or a stretch of bytes anywhere, with the checksums looked at and without. */
static void test_changed_bytes(void **state) {
    (void)state;
    uint64_t seed = 77;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", table_dir, "bad.parquet");
    for (int codec = EC_CODEC_ZSTD; codec <= EC_CODEC_NONE; codec++) {
        struct ec_buf good;
        load_good((enum ec_codec)codec, &good);
        uint32_t footer;
        memcpy(&footer, good.p + good.n - 8, 4);
        char *bad = malloc(good.n);
        assert_non_null(bad);
        size_t refused = 0;
        for (int round = 0; round < 1500; round++) {
            memcpy(bad, good.p, good.n);
            size_t from = round % 2 ? good.n - 8 - footer : 0, changes = 1 + table_random(&seed) % 3;
            for (size_t k = 0; k < changes; k++)
                bad[from + table_random(&seed) % (good.n - from)] = (char)table_random(&seed);
            write_bytes(path, bad, good.n);
            refused += !read_everything(path, round % 4 < 2);
        }
        assert_true(refused > 500);
        free(bad);
        ec_buf_free(&good);
    }
}

/* No changed byte between the magics and the footer goes unnoticed, but for a few of headers that say
 * nothing (an encoding of levels that do not exist). */
static void test_checksums_see_every_byte(void **state) {
    (void)state;
    struct ec_buf good;
    load_good(EC_CODEC_NONE, &good);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", table_dir, "bad.parquet");
    uint32_t footer;
    memcpy(&footer, good.p + good.n - 8, 4);
    size_t unseen = 0, end = good.n - 8 - footer;
    for (size_t i = 4; i < end; i += 37) {
        good.p[i] ^= 0x10;
        write_bytes(path, good.p, good.n);
        unseen += read_everything(path, false);
        good.p[i] ^= 0x10;
    }
    assert_true(unseen * 37 * 50 < end);
    ec_buf_free(&good);
}

static void test_truncated(void **state) {
    (void)state;
    struct ec_buf good;
    load_good(EC_CODEC_SNAPPY, &good);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", table_dir, "short.parquet");
    for (size_t n = 0; n < good.n; n += 1 + n / 50) {
        write_bytes(path, good.p, n);
        assert_false(read_everything(path, false));
    }
    /* The pages cut short, the footer whole. */
    uint32_t footer;
    memcpy(&footer, good.p + good.n - 8, 4);
    size_t tail = footer + 8;
    for (size_t n = 4; n < good.n - tail; n += 1 + n / 30) {
        char *bad = malloc(n + tail);
        assert_non_null(bad);
        memcpy(bad, good.p, n);
        memcpy(bad + n, good.p + good.n - tail, tail);
        write_bytes(path, bad, n + tail);
        assert_false(read_everything(path, true));
        free(bad);
    }
    ec_buf_free(&good);
}

static void test_a_file_that_shrinks_while_open(void **state) {
    (void)state;
    struct ec_buf good;
    load_good(EC_CODEC_ZSTD, &good);
    const char *path = table_path("good.parquet");
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    struct ec_parquet_chunk chunk = {0};
    assert_int_equal(ec_parquet_open(path, &file, &err), EC_OK);
    file->window_n = 0;
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(ec_parquet_chunk_open(&chunk, file, 1, 0, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "good.parquet ends too early"));
    assert_int_equal(chunk.rows, 0);
    struct ec_parquet_rows out = {0};
    assert_int_equal(ec_parquet_chunk_all(&chunk, &err), EC_OK); /* as a chunk of no rows */
    assert_int_equal(ec_parquet_chunk_range(&chunk, 0, 1, &out, &err), EC_TABLE_FORMAT);
    ec_parquet_chunk_deinit(&chunk);
    ec_parquet_close(file);
    ec_buf_free(&good);
}

/* What a header claims is not allocated before it has shown itself possible. */
static void test_claims_cost_no_memory(void **state) {
    (void)state;
    struct ec_buf good;
    uint64_t seed = 99;
    load_good(EC_CODEC_NONE, &good);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", table_dir, "claims.parquet");
    largest = 0;
    real_malloc = ec_io.malloc;
    ec_io.malloc = watched_malloc;
    for (int round = 0; round < 300; round++) {
        size_t at = table_random(&seed) % (good.n - 8);
        char saved[5];
        memcpy(saved, good.p + at, 5);
        memcpy(good.p + at, "\xff\xff\xff\xff\x0f", 5); /* the largest number of 32 bits */
        write_bytes(path, good.p, good.n);
        (void)read_everything(path, true);
        memcpy(good.p + at, saved, 5);
    }
    ec_io.malloc = real_malloc;
    assert_true(largest <= 600 * EC_MIB); /* the limits of parquet_read_internal.h, which nothing of it touches */
    ec_buf_free(&good);
}

static void expect_refused(const char *sql, const char *part) {
    char path[256], statement[1024];
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    (void)snprintf(path, sizeof path, "%s/%s", table_dir, "foreign.parquet");
    (void)snprintf(statement, sizeof statement, "COPY (%s) TO '%%s' (FORMAT parquet)", sql);
    duckdb_result result;
    table_query(statement, path, &result);
    duckdb_destroy_result(&result);
    assert_int_equal(ec_parquet_open(path, &file, &err), EC_TABLE_FORMAT);
    assert_null(file);
    if (!strstr(err.message, part) || !strstr(err.message, path)) fail_msg("%s", err.message);
}

static void test_files_of_other_programs(void **state) {
    (void)state;
    expect_refused("SELECT 1.5::DOUBLE AS x, 'text' AS s, 1 AS n", "another program wrote it");
    expect_refused("SELECT 1::UTINYINT AS x", "another program wrote it");
    expect_refused("SELECT TIMESTAMP '2020-01-01' AS x", "another program wrote it");
    expect_refused("SELECT [1, 2] AS x", "another program wrote it");
    expect_refused("SELECT {'a': 1} AS x", "another program wrote it");
}

/* The bytes of our encoder under another name: it may mean them otherwise. */
static void test_another_writer(void **state) {
    (void)state;
    struct ec_buf good;
    load_good(EC_CODEC_ZSTD, &good);
    char *name = memmem(good.p, good.n, "ecluse version", 14);
    assert_non_null(name);
    name[0] = 'E';
    const char *path = table_path("other.parquet");
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    write_bytes(path, good.p, good.n);
    assert_int_equal(ec_parquet_open(path, &file, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "other.parquet is not of our encoder"));
    ec_buf_free(&good);
}

static void expect_open(const void *p, size_t n, const char *part) {
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    const char *path = table_path("bytes.parquet");
    write_bytes(path, p, n);
    assert_int_equal(ec_parquet_open(path, &file, &err), EC_TABLE_FORMAT);
    if (!strstr(err.message, part)) fail_msg("%s", err.message);
}

static void test_no_parquet(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    expect_open("", 0, "bytes.parquet is too short for a Parquet file; it is damaged, or another program wrote it");
    expect_open("PAR1PAR1", 8, "is too short");
    expect_open("PK\3\4PAR1PAR1", 12, "does not begin as Parquet");
    expect_open("PAR1\0\0\0\0PARE", 12, "does not end as Parquet");
    expect_open("PAR1\1\0\0\0PAR1", 12, "has a footer of impossible length");
    expect_open("PAR1\0\0\0\0PAR1", 12, "has a damaged footer");
    assert_int_equal(ec_parquet_open(table_path("nowhere.parquet"), &file, &err), EC_UNREADABLE);
    assert_null(file);
}

/* A decimal of more digits than 64 bits hold, in both places that say it. */
static void test_too_many_digits(void **state) {
    (void)state;
    static const char amount[] = {0x15, 8, 0x15, 36}; /* decimal(18,4): scale and precision, zigzag */
    struct ec_buf good;
    unsigned found = 0;
    load_good(EC_CODEC_NONE, &good);
    uint32_t footer;
    memcpy(&footer, good.p + good.n - 8, 4);
    for (char *p = good.p + good.n - 8 - footer; (p = memmem(p, (size_t)(good.p + good.n - p), amount, 4)) != NULL; p += 4) {
        p[3] = 38;
        found++;
    }
    assert_int_equal(found, 2);
    expect_open(good.p, good.n, "has a column of a kind that is not ours");
    ec_buf_free(&good);
}

/* The skipping of unknown fields is bounded in depth, and ends where the bytes end. */
static void test_skipped_fields(void **state) {
    (void)state;
    uint8_t deep[64];
    memset(deep, 0x1c, sizeof deep); /* field 1, a struct, in a struct, ... */
    struct pq_in in = {.p = deep, .end = deep + sizeof deep};
    pq_in_skip(&in, PQ_THRIFT_STRUCT);
    assert_true(in.bad);
    /* A list of two structs, of which the first has a list of three booleans and a text. */
    const uint8_t nested[] = {0x2c, 0x19, 0x31, 1, 2, 1, 0x18, 3, 'a', 'b', 'c',  0, 0x15, 0x80,
                              1,    0x17, 1,    2, 3, 4, 5,    6, 7,   8,   0x11, 0, 9};
    in = (struct pq_in){.p = nested, .end = nested + sizeof nested};
    pq_in_skip(&in, PQ_THRIFT_LIST);
    assert_false(in.bad);
    assert_ptr_equal(in.p, nested + sizeof nested - 1);
    for (size_t n = 0; n + 1 < sizeof nested; n++) {
        in = (struct pq_in){.p = nested, .end = nested + n};
        pq_in_skip(&in, PQ_THRIFT_LIST);
        assert_true(in.bad);
    }
}

/* Codes of random bytes: only what is below the count comes out. */
static void test_random_codes(void **state) {
    (void)state;
    uint64_t seed = 12;
    size_t accepted = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t *bytes = malloc(200 + PQ_SLACK);
        uint32_t *to = malloc((500 + 8) * sizeof *to);
        assert_true(bytes && to);
        size_t n = 1 + table_random(&seed) % 200, values = 1 + table_random(&seed) % 500;
        for (size_t i = 0; i < 200 + PQ_SLACK; i++) bytes[i] = (uint8_t)table_random(&seed);
        bytes[0] = (uint8_t)(table_random(&seed) % 26);
        if (round % 2) { /* a packed run of the right length */
            size_t groups = (values + 7) / 8;
            bytes[1] = (uint8_t)(groups << 1 | 1);
            n = 2 + groups * bytes[0];
            if (groups > 63 || n > 200) n = 100;
        }
        uint32_t count = 1 + (uint32_t)(table_random(&seed) % 300);
        if (pq_codes_read(bytes, n, to, values, count)) {
            for (size_t i = 0; i < values; i++) assert_true(to[i] < count);
            accepted++;
        }
        free(bytes);
        free(to);
    }
    assert_true(accepted > 1000);
}

/* Levels in runs of any length and kind, which our encoder writes on words only. */
static void test_levels_in_any_runs(void **state) {
    (void)state;
    uint64_t seed = 13;
    struct pq_reader r = {.name = "x", .file = &(struct ec_parquet_file){.path = (char[]){"file"}}};
    for (int round = 0; round < 3000; round++) {
        uint8_t expected[700] = {0};
        struct ec_buf page = ec_buf_make(EC_MIB);
        size_t rows = 0, values = 0;
        ec_buf_add(&page, "\0\0\0\0", 4);
        for (size_t runs = 1 + table_random(&seed) % 6; runs > 0; runs--) {
            if (table_random(&seed) % 2) {
                size_t n = 1 + table_random(&seed) % 100;
                uint8_t level = table_random(&seed) & 1;
                pq_thrift_varint(&page, n << 1);
                ec_buf_addc(&page, (char)level);
                memset(expected + rows, level, n);
                rows += n;
            } else {
                size_t groups = 1 + table_random(&seed) % 12,
                       n = runs == 1 ? groups * 8 - table_random(&seed) % 8 : groups * 8;
                pq_thrift_varint(&page, groups << 1 | 1);
                for (size_t k = 0; k < groups * 8; k += 8) {
                    uint8_t eight = (uint8_t)table_random(&seed);
                    ec_buf_addc(&page, (char)eight);
                    for (size_t b = 0; b < 8 && k + b < n; b++) expected[rows + k + b] = eight >> b & 1;
                }
                rows += n;
            }
        }
        uint32_t length = (uint32_t)page.n - 4, raw = (uint32_t)page.n;
        memcpy(page.p, &length, 4);
        ec_buf_add(&page, (char[PQ_SLACK]){0}, PQ_SLACK);
        assert_int_equal(ec_buf_check(&page, NULL), EC_OK);
        for (size_t i = 0; i < rows; i++) values += expected[i];
        struct pq_read_page header = {.rows = (uint32_t)rows, .raw = raw};
        struct pq_body body;
        struct ec_err err = {0};
        if (pq_page_open(&r, &header, (const uint8_t *)page.p, &body, &err) != EC_OK) fail_msg("%s", err.message);
        assert_int_equal(body.values, values);
        assert_int_equal(body.n, 0);
        for (size_t i = 0; i < rows && !body.full; i++) assert_int_equal(ec_bit(r.bits, i), expected[i]);
        header.rows += 8; /* more than the runs have, whatever their last one is padded with */
        assert_int_equal(pq_page_open(&r, &header, (const uint8_t *)page.p, &body, &err), EC_TABLE_FORMAT);
        ec_buf_free(&page);
    }
    ec_free(r.bits);
}

static size_t calls, fail_at;
static void *failing_malloc(size_t n) {
    return ++calls >= fail_at ? NULL : real_malloc(n);
}
static void *(*real_realloc)(void *p, size_t n);
static void *failing_realloc(void *p, size_t n) {
    return ++calls >= fail_at ? NULL : real_realloc(p, n);
}
static ssize_t (*real_pread)(int fd, void *p, size_t n, off_t offset);
static ssize_t failing_pread(int fd, void *p, size_t n, off_t offset) {
    if (++calls < fail_at) return real_pread(fd, p, n, offset);
    errno = EIO;
    return -1;
}

/* The first status that is not EC_OK of opening a file and reading its chunks. */
static enum ec_status read_until_failure(const char *path) {
    struct ec_err err = {0};
    struct ec_parquet_file *file;
    struct ec_parquet_chunk chunk = {0};
    enum ec_status status = ec_parquet_open(path, &file, &err);
    for (size_t c = 0; status == EC_OK && c < ec_parquet_columns(file); c++) {
        status = ec_parquet_chunk_open(&chunk, file, 0, c, &err);
        if (status == EC_OK) status = ec_parquet_chunk_all(&chunk, &err);
    }
    ec_parquet_chunk_deinit(&chunk);
    ec_parquet_close(file);
    return status;
}

static void test_calls_that_fail(void **state) {
    (void)state;
    struct ec_buf good;
    load_good(EC_CODEC_ZSTD, &good);
    ec_buf_free(&good);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", table_dir, "good.parquet");
    struct ec_io real = ec_io;
    real_malloc = real.malloc;
    real_realloc = real.realloc;
    real_pread = real.pread;
    for (int what = 0; what < 2; what++) {
        enum ec_status status = EC_IO;
        for (fail_at = 1; status != EC_OK; fail_at++) {
            assert_true(fail_at < 1000);
            calls = 0;
            if (what == 0) {
                ec_io.malloc = failing_malloc;
                ec_io.realloc = failing_realloc;
            } else {
                ec_io.pread = failing_pread;
            }
            status = read_until_failure(path);
            ec_io = real;
            if (status != EC_OK) assert_int_equal(status, what == 0 ? EC_NO_MEMORY : EC_UNREADABLE);
        }
        assert_true(fail_at > 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_checksums_see_every_byte),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_a_file_that_shrinks_while_open),
        cmocka_unit_test(test_claims_cost_no_memory),
        cmocka_unit_test(test_files_of_other_programs),
        cmocka_unit_test(test_another_writer),
        cmocka_unit_test(test_no_parquet),
        cmocka_unit_test(test_too_many_digits),
        cmocka_unit_test(test_skipped_fields),
        cmocka_unit_test(test_random_codes),
        cmocka_unit_test(test_levels_in_any_runs),
        cmocka_unit_test(test_calls_that_fail),
    };
    return cmocka_run_group_tests(tests, table_open, table_close);
}
