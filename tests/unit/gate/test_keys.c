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
    const size_t all[] = {a, b, n, d}, first[] = {a}, swapped[] = {b, a};
    struct ec_hash128 hash[6], one[6], other;
    for (size_t i = 0; i < 6; i++) assert_int_equal(ec_key_hash(&k.batch, all, 4, i, &hash[i]), i != 4);
    assert_true(same(hash[0], hash[2]));
    assert_false(same(hash[0], hash[1])); /* ("ab","c") is not ("a","bc") */
    assert_false(same(hash[0], hash[3]));
    assert_false(same(hash[0], hash[5])); /* the empty text is a value */
    for (size_t i = 0; i < 6; i++) assert_true(ec_key_hash(&k.batch, first, 1, i, &one[i]));
    assert_true(same(one[0], one[3]));
    assert_false(same(one[0], one[1]));
    assert_true(ec_key_hash(&k.batch, swapped, 2, 0, &other));
    assert_false(same(other, hash[0]));
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
    struct ec_hash128 a, b;
    assert_true(ec_key_hash(&batch, columns, EC_KEY_COLUMNS_MAX, 0, &a));
    assert_true(ec_key_hash(&batch, columns, EC_KEY_COLUMNS_MAX, 1, &b));
    assert_true(same(a, b));
    ec_column_int(&batch.column[columns[EC_KEY_COLUMNS_MAX - 1]])[1]++;
    assert_true(ec_key_hash(&batch, columns, EC_KEY_COLUMNS_MAX, 1, &b));
    assert_false(same(a, b));
    ec_batch_deinit(&batch);
}

/* ---- the set ---- */

static struct ec_key key_of(uint64_t value, uint64_t line) {
    return (struct ec_key){.hash = ec_hash128(&value, sizeof value), .offset = 10 * line, .line = line};
}

static void a_set_grows_and_finds_the_first(void **state) {
    (void)state;
    struct ec_key_set *set;
    struct ec_key first;
    assert_int_equal(ec_key_set_create(16 * EC_MIB, &set, NULL), EC_OK);
    for (uint64_t i = 1; i <= 100000; i++) {
        struct ec_key key = key_of(i, i);
        assert_false(ec_key_set_meet(set, &key, &first));
    }
    for (uint64_t i = 1; i <= 100000; i += 7) {
        struct ec_key key = key_of(i, 1000000 + i);
        assert_true(ec_key_set_meet(set, &key, &first));
        assert_int_equal(first.line, i);
        assert_int_equal(first.offset, 10 * i);
    }
    ec_key_set_destroy(set);
    ec_key_set_destroy(NULL);
}

/* Past its maximum it forgets what comes, never what it has. */
static void a_full_set_keeps_what_it_has(void **state) {
    (void)state;
    struct ec_key_set *set;
    struct ec_key first;
    assert_int_equal(ec_key_set_create(1, &set, NULL), EC_OK); /* less than its smallest table */
    uint64_t kept = 0;
    for (uint64_t i = 1; i <= 10000; i++) {
        struct ec_key key = key_of(i, i);
        assert_false(ec_key_set_meet(set, &key, &first));
    }
    for (uint64_t i = 1; i <= 10000; i++) {
        struct ec_key key = key_of(i, i);
        if (!ec_key_set_meet(set, &key, &first)) continue;
        assert_int_equal(first.line, i);
        kept++;
    }
    assert_int_equal(kept, 2048); /* half of the 4,096 slots that it begins with */
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
    assert_int_equal(ec_key_writer_create(path, &w, NULL), EC_OK);
    for (size_t i = 0; i < n; i++) assert_int_equal(ec_key_writer_add(w, &record[i].key, NULL), EC_OK);
    assert_int_equal(ec_key_writer_finish(w, &count, NULL), EC_OK);
    ec_key_writer_destroy(w);
    return count;
}

static void merge_as_the_oracle(size_t files, const size_t *size, uint64_t distinct) {
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
            all[at++] = (struct record){key_of(kit_random(&seed) % distinct, i + 1), (uint32_t)(files - f)};
        input[f] = (struct ec_key_input){ec_strdup(path_of(name)), (uint32_t)(files - f)};
        assert_int_equal(write_file(input[f].path, all + from, size[f]), size[f]);
    }
    qsort(all, total, sizeof *all, compare_records);
    struct ec_key_merge *m;
    struct ec_err err = {0};
    if (ec_key_merge_open(input, files, &m, &err) != EC_OK) fail_msg("%s", err.message);
    bool end;
    struct ec_key key;
    uint32_t rank;
    for (size_t i = 0; i < total; i++) {
        assert_int_equal(ec_key_merge_next(m, &key, &rank, &end, NULL), EC_OK);
        assert_false(end);
        if (!same(key.hash, all[i].key.hash) || rank != all[i].rank || key.offset != all[i].key.offset ||
            key.line != all[i].key.line)
            fail_msg("record %zu of %zu differs", i, total);
    }
    assert_int_equal(ec_key_merge_next(m, &key, &rank, &end, NULL), EC_OK);
    assert_true(end);
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
    merge_as_the_oracle(1, (const size_t[]){0}, 1);
    merge_as_the_oracle(3, (const size_t[]){1, 0, 2}, 2);
    merge_as_the_oracle(5, (const size_t[]){3000, 5000, 17, 4097, 1}, 4000);
}

/* A file of several runs, the last one short. */
static void runs_are_sorted_and_merged(void **state) {
    (void)state;
    merge_as_the_oracle(2, (const size_t[]){EC_KEY_RUN + 5, 100}, 200000);
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
    merge_as_the_oracle(200, size, 50);
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

static void an_unfinished_file_is_removed(void **state) {
    (void)state;
    const char *path = path_of("unfinished");
    struct ec_key_writer *w, *again = NULL;
    assert_int_equal(ec_key_writer_create(path, &w, NULL), EC_OK);
    assert_int_equal(ec_key_writer_create(path, &again, NULL), EC_IO); /* it is there */
    assert_null(again);
    ec_key_writer_destroy(w);
    assert_false(ec_path_exists(path));
    ec_key_writer_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_values_have_equal_hashes),  cmocka_unit_test(a_key_of_many_columns),
        cmocka_unit_test(a_set_grows_and_finds_the_first), cmocka_unit_test(a_full_set_keeps_what_it_has),
        cmocka_unit_test(files_are_merged_in_order),       cmocka_unit_test(runs_are_sorted_and_merged),
        cmocka_unit_test(more_files_than_may_be_open),     cmocka_unit_test(a_damaged_file_is_said),
        cmocka_unit_test(an_unfinished_file_is_removed),
    };
    return cmocka_run_group_tests(tests, kit_make_dir, kit_remove_dir);
}
