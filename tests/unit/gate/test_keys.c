#include "kit.h"

#include "gate/keys.h"

#include <sys/resource.h>
#include <unistd.h>

static const char *path_of(const char *name) {
    static char path[4][160];
    static unsigned at;
    char *out = path[at++ % 4];
    (void)snprintf(out, sizeof path[0], "%s/%s", kit_dir, name);
    return out;
}

static bool same(struct ec_hash128 a, struct ec_hash128 b) {
    return a.hi == b.hi && a.lo == b.lo;
}

/* ---- hashes ---- */

static void equal_values_have_equal_hashes(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t a = kit_column(&k, "a", KIT_TYPE(STRING)), b = kit_column(&k, "b", KIT_TYPE(STRING));
    size_t n = kit_column(&k, "n", KIT_TYPE(INTEGER)), d = kit_column(&k, "d", KIT_TYPE(DATE));
    static const char *const rows[][4] = {
        {"ab", "c", "1", "2025-07-18"}, {"a", "bc", "1", "2025-07-18"},  {"ab", "c", "1", "2025-07-18"},
        {"ab", "c", "2", "2025-07-18"}, {"ab", NULL, "1", "2025-07-18"}, {"ab", "", "1", "2025-07-18"},
    };
    for (size_t i = 0; i < 6; i++) {
        size_t row = kit_row(&k);
        kit_set(&k, a, row, rows[i][0]);
        kit_set(&k, b, row, rows[i][1]);
        kit_set(&k, n, row, rows[i][2]);
        kit_set(&k, d, row, rows[i][3]);
    }
    /* "" in quotes is the empty string of a string column. */
    ec_bit_set(k.batch.column[b].valid, 5);
    const size_t all[] = {a, b, n, d}, first[] = {a}, number[] = {n}, swapped[] = {b, a};
    struct ec_key key[EC_BATCH_ROWS], one[EC_BATCH_ROWS], other[EC_BATCH_ROWS];
    uint32_t row[EC_BATCH_ROWS];
    assert_int_equal(ec_key_hash(&k.batch, all, 4, key, row), 5); /* row 4 has a null */
    for (uint32_t i = 0; i < 5; i++) assert_int_equal(row[i], i < 4 ? i : 5);
    assert_true(same(key[0].hash, key[2].hash));
    assert_false(same(key[0].hash, key[1].hash)); /* ("ab","c") is not ("a","bc") */
    assert_false(same(key[0].hash, key[3].hash));
    assert_false(same(key[0].hash, key[4].hash)); /* the empty text is a value */
    assert_int_equal(ec_key_hash(&k.batch, first, 1, one, row), 6);
    assert_true(same(one[0].hash, one[3].hash));
    assert_false(same(one[0].hash, one[1].hash));
    assert_true(same(one[0].hash, ec_hash128("ab", 2)));
    assert_int_equal(ec_key_hash(&k.batch, number, 1, one, row), 6);
    assert_true(same(one[0].hash, ec_hash128(&(int64_t){1}, 8)));
    assert_int_equal(ec_key_hash(&k.batch, swapped, 2, other, row), 5);
    assert_false(same(other[0].hash, key[0].hash));
    kit_deinit(&k);
}

/* Whatever is rejected or null around a row, and wherever the batch ends. */
static void keys_are_of_the_rows_that_have_one(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t a = kit_column(&k, "a", KIT_TYPE(STRING)), n = kit_column(&k, "n", KIT_TYPE(INTEGER));
    const size_t column[] = {a, n};
    struct ec_key key[EC_BATCH_ROWS];
    uint32_t row[EC_BATCH_ROWS];
    uint64_t seed = 5;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 128, 1000, EC_BATCH_ROWS};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        ec_batch_reset(&k.batch);
        uint32_t expected[EC_BATCH_ROWS];
        size_t count = 0;
        for (size_t i = 0; i < sizes[s]; i++) {
            size_t at = kit_row(&k);
            uint64_t dice = kit_random(&seed) % 8;
            if (dice != 0) kit_set(&k, a, at, "text");
            if (dice != 1) kit_set(&k, n, at, "7");
            if (dice == 2) ec_bit_set(k.batch.rejected, at);
            if (dice > 2) expected[count++] = (uint32_t)at;
        }
        assert_int_equal(ec_key_hash(&k.batch, column, 2, key, row), count);
        assert_memory_equal(row, expected, count * sizeof *row);
        for (size_t i = 0; i < count; i++) assert_true(same(key[i].hash, key[0].hash));
    }
    kit_deinit(&k);
}

static void a_key_of_many_columns(void **state) {
    (void)state;
    struct ec_batch batch;
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    size_t columns[EC_KEY_COLUMNS_MAX];
    for (size_t i = 0; i < EC_KEY_COLUMNS_MAX; i++) {
        assert_int_equal(ec_batch_add_column(&batch, "c", KIT_TYPE(INTEGER), &columns[i], NULL), EC_OK);
        for (size_t row = 0; row < 2; row++) {
            ec_bit_set(batch.column[columns[i]].valid, row);
            ec_column_int(&batch.column[columns[i]])[row] = (int64_t)i;
        }
    }
    batch.rows = 2;
    struct ec_key key[EC_BATCH_ROWS];
    uint32_t row[EC_BATCH_ROWS];
    assert_int_equal(ec_key_hash(&batch, columns, EC_KEY_COLUMNS_MAX, key, row), 2);
    assert_true(same(key[0].hash, key[1].hash));
    ec_column_int(&batch.column[columns[EC_KEY_COLUMNS_MAX - 1]])[1]++;
    assert_int_equal(ec_key_hash(&batch, columns, EC_KEY_COLUMNS_MAX, key, row), 2);
    assert_false(same(key[0].hash, key[1].hash));
    ec_batch_deinit(&batch);
}

/* ---- the set ---- */

static struct ec_key key_of(uint64_t value, uint64_t line) {
    return (struct ec_key){
        .hash = ec_hash128(&value, sizeof value), .offset = 10 * line, .line = line & EC_KEY_LINE_MAX};
}

static const struct ec_key *meet_one(struct ec_key_set *set, uint64_t value, uint64_t line) {
    const struct ec_key *first, key = key_of(value, line);
    ec_key_set_meet(set, &key, 1, &first);
    return first;
}

static void a_set_grows_and_finds_the_first(void **state) {
    (void)state;
    struct ec_key_set *set;
    assert_int_equal(ec_key_set_create(16 * EC_MIB, &set, NULL), EC_OK);
    for (uint64_t i = 1; i <= 100000; i++) assert_null(meet_one(set, i, i));
    for (uint64_t i = 1; i <= 100000; i += 7) {
        const struct ec_key *first = meet_one(set, i, 1000000 + i);
        assert_non_null(first);
        assert_int_equal(first->line, i);
        assert_int_equal(first->offset, 10 * i);
    }
    ec_key_set_destroy(set);
    ec_key_set_destroy(NULL);
}

/* Keys by the batch, with repetitions within one and over many, against a table of all values. */
static void a_set_answers_as_a_table_does(void **state) {
    (void)state;
    enum { VALUES = 30000 };
    struct ec_key_set *set;
    struct ec_key key[EC_BATCH_ROWS];
    const struct ec_key *first[EC_BATCH_ROWS];
    uint64_t seed = 17, line = 1, *met = ec_calloc(VALUES, sizeof *met);
    assert_non_null(met);
    assert_int_equal(ec_key_set_create(16 * EC_MIB, &set, NULL), EC_OK);
    for (size_t round = 0; round < 200; round++) {
        if (round % 50 == 0 || round > 190) { /* the next task, of its own size */
            ec_key_set_clear(set);
            memset(met, 0, VALUES * sizeof *met);
        }
        size_t n = kit_random(&seed) % (EC_BATCH_ROWS + 1);
        uint64_t value[EC_BATCH_ROWS];
        for (size_t i = 0; i < n; i++) {
            value[i] = kit_random(&seed) % VALUES;
            key[i] = key_of(value[i], line + i);
        }
        ec_key_set_meet(set, key, n, first);
        for (size_t i = 0; i < n; i++, line++) {
            assert_int_equal(first[i] ? first[i]->line : 0, met[value[i]]);
            if (!met[value[i]]) met[value[i]] = line;
        }
    }
    ec_key_set_destroy(set);
    ec_free(met);
}

/* Hashes that agree in the half that says where they stand, or in all of one half, are other keys. */
static void half_a_hash_is_no_key(void **state) {
    (void)state;
    struct ec_key_set *set;
    struct ec_key key[600];
    const struct ec_key *first[600];
    assert_int_equal(ec_key_set_create(EC_MIB, &set, NULL), EC_OK);
    for (uint64_t i = 0; i < 200; i++) {
        key[i] = (struct ec_key){.hash = {.hi = i, .lo = 77}, .line = (i + 1) & EC_KEY_LINE_MAX};
        key[200 + i] = (struct ec_key){.hash = {.hi = 7, .lo = i << 32 | 77}, .line = (201 + i) & EC_KEY_LINE_MAX};
    }
    for (size_t i = 0; i < 200; i++) key[400 + i] = key[2 * i];
    ec_key_set_meet(set, key, 600, first);
    for (uint64_t i = 0; i < 200; i++) {
        assert_null(first[i]);
        assert_int_equal(first[200 + i] ? first[200 + i]->line : 0, i == 0 ? 8 : 0); /* hi 7, lo 77 */
        assert_non_null(first[400 + i]);
        assert_int_equal(first[400 + i]->line, i == 100 ? 8 : 2 * i + 1);
    }
    ec_key_set_destroy(set);
}

/* Past its maximum it forgets what comes, never what it has. */
static void a_full_set_keeps_what_it_has(void **state) {
    (void)state;
    struct ec_key_set *set;
    assert_int_equal(ec_key_set_create(1, &set, NULL), EC_OK); /* less than its smallest table */
    uint64_t kept = 0;
    for (uint64_t i = 1; i <= 10000; i++) assert_null(meet_one(set, i, i));
    for (uint64_t i = 1; i <= 10000; i++) {
        const struct ec_key *first = meet_one(set, i, i);
        if (!first) continue;
        assert_int_equal(first->line, i);
        kept++;
    }
    assert_int_equal(kept, 2560); /* five eighths of the 4,096 slots that it begins with */
    ec_key_set_destroy(set);
}

/* ---- files and their merge, against a brute-force oracle ---- */

struct record {
    struct ec_key key;
    uint32_t rank;
};

static int compare_records(const void *a, const void *b) {
    const struct record *x = a, *y = b;
    if (x->key.hash.hi != y->key.hash.hi) return x->key.hash.hi < y->key.hash.hi ? -1 : 1;
    if (x->key.hash.lo != y->key.hash.lo) return x->key.hash.lo < y->key.hash.lo ? -1 : 1;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return (x->key.offset > y->key.offset) - (x->key.offset < y->key.offset);
}

static uint64_t write_file(const char *path, const struct record *record, size_t n) {
    struct ec_key_writer *w;
    uint64_t count;
    assert_int_equal(ec_key_writer_create(&w, NULL), EC_OK);
    assert_int_equal(ec_key_writer_open(w, path, NULL), EC_OK);
    struct ec_key part[1000];
    for (size_t at = 0; at < n;) {
        size_t k = 0; /* in parts of all sizes */
        for (; k < at % 1000 + 1 && at < n; k++) part[k] = record[at++].key;
        assert_int_equal(ec_key_writer_add(w, part, k, NULL), EC_OK);
    }
    assert_int_equal(ec_key_writer_finish(w, &count, NULL), EC_OK);
    ec_key_writer_destroy(w);
    return count;
}

static struct ec_key any_key(uint64_t value, uint64_t line) {
    return key_of(value, line);
}

/* Hashes as somebody makes them who knows how they are sorted: alike in most of their bits. */
static struct ec_key alike_key(uint64_t value, uint64_t line) {
    struct ec_hash128 hash = {.hi = value % 3 == 0 ? 5 : UINT64_C(5) << 60 | value % 50, .lo = value % 5000};
    if (value % 97 == 0) hash.hi = UINT64_MAX;
    return (struct ec_key){.hash = hash, .offset = 10 * line, .line = line & EC_KEY_LINE_MAX};
}

/* Hashes that agree in the half of their bits that a table takes for their place. */
static struct ec_key low_alike_key(uint64_t value, uint64_t line) {
    struct ec_key key = key_of(value, line);
    key.hash.hi &= UINT64_MAX << 32;
    return key;
}

static bool is_record(const struct record *r, const struct ec_key *key, uint32_t rank) {
    return same(key->hash, r->key.hash) && rank == r->rank && key->offset == r->key.offset && key->line == r->key.line;
}

static bool is_repeated(const struct record *sorted, size_t n, size_t i) {
    if (i > 0 && same(sorted[i - 1].key.hash, sorted[i].key.hash)) return true;
    return i + 1 < n && same(sorted[i + 1].key.hash, sorted[i].key.hash);
}

static void merge_as_the_oracle(size_t files, const size_t *size, uint64_t distinct,
                                struct ec_key (*make)(uint64_t value, uint64_t line)) {
    uint64_t seed = 99 + files;
    size_t total = 0, at = 0;
    for (size_t f = 0; f < files; f++) total += size[f];
    struct record *all = ec_calloc(total, sizeof *all);
    struct ec_key_input *input = ec_calloc(files, sizeof *input);
    assert_true(all && input);
    for (size_t f = 0; f < files; f++) {
        char name[32];
        (void)snprintf(name, sizeof name, "keys-%zu", f);
        size_t from = at;
        for (size_t i = 0; i < size[f]; i++)
            all[at++] = (struct record){make(kit_random(&seed) % distinct, i + 1), (uint32_t)(files - f)};
        input[f] = (struct ec_key_input){ec_strdup(path_of(name)), (uint32_t)(files - f)};
        assert_int_equal(write_file(input[f].path, all + from, size[f]), size[f]);
    }
    qsort(all, total, sizeof *all, compare_records);
    struct ec_key_merge *m;
    struct ec_err err = {0};
    if (ec_key_merge_open(input, files, &m, &err) != EC_OK) fail_msg("%s", err.message);
    bool end = false;
    struct ec_key key;
    uint32_t rank;
    size_t given = 0;
    for (size_t i = 0; i < total; given++) {
        assert_int_equal(ec_key_merge_next(m, &key, &rank, &end, NULL), EC_OK);
        if (end) break;
        while (i < total && !is_record(&all[i], &key, rank)) assert_false(is_repeated(all, total, i++));
        if (i++ == total) fail_msg("a key that is not there, or out of order");
    }
    while (!end && ec_key_merge_next(m, &key, &rank, &end, NULL) == EC_OK) assert_true(end);
    assert_true(end);
    /* What has no equal is left out, but for the last ones of a round. */
    size_t repeated = 0;
    for (size_t i = 0; i < total; i++) repeated += is_repeated(all, total, i);
    assert_true(given >= repeated);
    if (make == any_key) assert_in_range(given - repeated, 0, 64 + total / 100);
    ec_key_merge_close(m);
    for (size_t f = 0; f < files; f++) {
        assert_int_equal(ec_io.unlink(input[f].path), 0);
        ec_free((char *)(uintptr_t)input[f].path);
    }
    ec_free(input);
    ec_free(all);
}

static void files_are_merged_in_order(void **state) {
    (void)state;
    merge_as_the_oracle(1, (const size_t[]){0}, 1, any_key);
    merge_as_the_oracle(3, (const size_t[]){1, 0, 2}, 2, any_key);
    merge_as_the_oracle(5, (const size_t[]){3000, 5000, 17, 4097, 1}, 4000, any_key);
    merge_as_the_oracle(5, (const size_t[]){30000, 5000, 17, 4097, 1}, UINT64_MAX, any_key); /* hardly any repeats */
    merge_as_the_oracle(3, (const size_t[]){30000, 50000, 4097}, 3000000, any_key);
    merge_as_the_oracle(4, (const size_t[]){20000, 9000, 1, 12000}, 10, any_key);
}

/* A file of several runs, the last one short. */
static void runs_are_sorted_and_merged(void **state) {
    (void)state;
    merge_as_the_oracle(2, (const size_t[]){2 * EC_KEY_RUN + 5, 100}, 200000, any_key);
    merge_as_the_oracle(2, (const size_t[]){EC_KEY_RUN, EC_KEY_RUN + 1}, 100, any_key);
}

static void hashes_that_are_alike_are_sorted_too(void **state) {
    (void)state;
    merge_as_the_oracle(3, (const size_t[]){EC_KEY_RUN + 700, 30000, 20}, 100000, alike_key);
    merge_as_the_oracle(2, (const size_t[]){20000, 20000}, 1, alike_key); /* one key, over many blocks */
    merge_as_the_oracle(3, (const size_t[]){20000, 20000, 7}, 1000000, low_alike_key);
}

/* Thousands of members have a key file each: no process may hold that many open. */
static void more_files_than_may_be_open(void **state) {
    (void)state;
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 32;
    size_t size[200];
    for (size_t i = 0; i < 200; i++) size[i] = i % 5;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    merge_as_the_oracle(200, size, 50, any_key);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void a_damaged_file_is_said(void **state) {
    (void)state;
    const char *path = path_of("short");
    struct record one = {.key = key_of(1, 1)};
    (void)write_file(path, &one, 1);
    assert_int_equal(truncate(path, 31), 0);
    struct ec_key_input input = {path, 1};
    struct ec_key_merge *m = NULL;
    struct ec_err err = {0};
    assert_int_equal(ec_key_merge_open(&input, 1, &m, &err), EC_IO);
    assert_non_null(strstr(err.message, "ends within a record"));
    assert_int_equal(ec_io.unlink(path), 0);
    err = (struct ec_err){0};
    assert_int_equal(ec_key_merge_open(&input, 1, &m, &err), EC_UNREADABLE);
    assert_null(m);
}

/* A writer that was left in the middle of a file writes the next one as a new one does. */
static void a_writer_writes_again(void **state) {
    (void)state;
    struct ec_key_writer *w;
    const struct ec_key key[] = {key_of(1, 1), key_of(2, 2)};
    uint64_t count = 0;
    struct stat st;
    assert_int_equal(ec_key_writer_create(&w, NULL), EC_OK);
    assert_int_equal(ec_key_writer_open(w, path_of("left"), NULL), EC_OK);
    assert_int_equal(ec_key_writer_add(w, key, 2, NULL), EC_OK);
    for (size_t i = 1; i <= 2; i++) {
        const char *path = path_of(i == 1 ? "one" : "two");
        assert_int_equal(ec_key_writer_open(w, path, NULL), EC_OK);
        assert_int_equal(ec_key_writer_add(w, key, i, NULL), EC_OK);
        assert_int_equal(ec_key_writer_finish(w, &count, NULL), EC_OK);
        assert_int_equal(count, i);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, i * sizeof *key);
    }
    ec_key_writer_destroy(w);
    assert_false(ec_path_exists(path_of("left")));
    assert_true(ec_path_exists(path_of("one")) && ec_path_exists(path_of("two")));
}

static void an_unfinished_file_is_removed(void **state) {
    (void)state;
    const char *path = path_of("unfinished"), *other = path_of("other");
    struct ec_key_writer *w, *again;
    assert_int_equal(ec_key_writer_create(&w, NULL), EC_OK);
    assert_int_equal(ec_key_writer_create(&again, NULL), EC_OK);
    assert_int_equal(ec_key_writer_open(w, path, NULL), EC_OK);
    assert_int_equal(ec_key_writer_open(again, path, NULL), EC_IO); /* it is there */
    ec_key_writer_destroy(again);
    assert_true(ec_path_exists(path)); /* that one is not its own */
    assert_int_equal(ec_key_writer_open(w, other, NULL), EC_OK);
    assert_false(ec_path_exists(path));
    assert_true(ec_path_exists(other));
    ec_key_writer_destroy(w);
    assert_false(ec_path_exists(other));
    ec_key_writer_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_values_have_equal_hashes), cmocka_unit_test(keys_are_of_the_rows_that_have_one),
        cmocka_unit_test(a_key_of_many_columns),          cmocka_unit_test(a_set_grows_and_finds_the_first),
        cmocka_unit_test(a_set_answers_as_a_table_does),  cmocka_unit_test(half_a_hash_is_no_key),
        cmocka_unit_test(a_full_set_keeps_what_it_has),   cmocka_unit_test(files_are_merged_in_order),
        cmocka_unit_test(runs_are_sorted_and_merged),     cmocka_unit_test(hashes_that_are_alike_are_sorted_too),
        cmocka_unit_test(more_files_than_may_be_open),    cmocka_unit_test(a_damaged_file_is_said),
        cmocka_unit_test(a_writer_writes_again),          cmocka_unit_test(an_unfinished_file_is_removed),
    };
    return cmocka_run_group_tests(tests, kit_make_dir, kit_remove_dir);
}
