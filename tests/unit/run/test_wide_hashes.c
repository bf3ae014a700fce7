/* Hashes of keys that are kept in a file: what was kept is read back, and nothing else; a file that fails loses no more
 * than the help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../faulty_io.h"
#include "base/threads.h"
#include "run/wide_hashes.h"

#include <stdlib.h>

#define ROWS 10000u

static char dir[] = "/tmp/ec-hashes-XXXXXX";
static char path[64];
static uint64_t hash[2][ROWS];

static int begin(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        hash[0][i] = i * UINT64_C(0x9E3779B97F4A7C15);
        hash[1][i] = ~hash[0][i];
    }
    if (!mkdtemp(dir)) return -1;
    (void)snprintf(path, sizeof path, "%s/hashes", dir);
    return 0;
}

static int end(void **state) {
    (void)state;
    return rmdir(dir); /* the file has no name */
}

static struct ec_wide_hashes *create(void) {
    struct ec_err err = {0};
    struct ec_wide_hashes *h;
    assert_int_equal(ec_wide_hashes_create(path, &h, &err), EC_OK);
    return h;
}

static void same(struct ec_wide_hashes *h, const struct ec_wide_group *group, const uint64_t *expected) {
    uint64_t got[777];
    size_t n, first = 0;
    assert_true(ec_wide_hashes_have(h, group));
    for (; (n = ec_wide_hashes_read(h, group, first, got, 777)) > 0; first += n) {
        assert_int_not_equal(n, SIZE_MAX);
        assert_memory_equal(got, expected + first, n * sizeof *got);
    }
    assert_int_equal(first, group->rows);
}

static void absent(struct ec_wide_hashes *h, const struct ec_wide_group *group) {
    uint64_t got[1];
    assert_false(ec_wide_hashes_have(h, group));
    assert_int_equal(ec_wide_hashes_read(h, group, 0, got, 1), SIZE_MAX);
}

static void groups_come_back(void **state) {
    (void)state;
    struct ec_wide_hashes *h = create();
    struct ec_wide_group a = {1, "day/a.parquet", 0, ROWS}, b = {1, "day/a.parquet", 1, 1}, c = {2, "day/a.parquet", 0, 5};
    ec_wide_hashes_keep(h, &a, hash[0]);
    ec_wide_hashes_keep(h, &b, hash[1]);
    ec_wide_hashes_keep(h, &c, hash[1]);
    ec_wide_hashes_keep(h, &a, hash[1]); /* is there */
    same(h, &a, hash[0]);
    same(h, &b, hash[1]);
    same(h, &c, hash[1]);
    ec_wide_hashes_destroy(h);
}

static void what_was_not_kept_is_not_there(void **state) {
    (void)state;
    struct ec_wide_hashes *h = create();
    struct ec_wide_group a = {1, "a", 0, 10}, others[] = {{2, "a", 0, 10}, {1, "b", 0, 10}, {1, "a", 1, 10}, {1, "a", 0, 11}};
    absent(h, &a);
    ec_wide_hashes_keep(h, &a, hash[0]);
    for (size_t i = 0; i < 4; i++) absent(h, &others[i]);
    ec_wide_hashes_destroy(h);
    ec_wide_hashes_destroy(NULL);
}

/* Many parts share a list. */
static void parts_are_told_apart(void **state) {
    (void)state;
    struct ec_wide_hashes *h = create();
    char name[3000][16];
    for (size_t i = 0; i < 3000; i++) {
        (void)snprintf(name[i], sizeof name[i], "part-%zu", i);
        ec_wide_hashes_keep(h, &(struct ec_wide_group){1, name[i], 0, 3}, hash[0] + i);
    }
    for (size_t i = 0; i < 3000; i++) same(h, &(struct ec_wide_group){1, name[i], 0, 3}, hash[0] + i);
    ec_wide_hashes_destroy(h);
}

static void a_folder_that_is_not_there_keeps_nothing(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_wide_hashes *h;
    struct ec_wide_group a = {1, "a", 0, 10};
    assert_int_equal(ec_wide_hashes_create("/nowhere/at/all", &h, &err), EC_OK);
    ec_wide_hashes_keep(h, &a, hash[0]);
    absent(h, &a);
    ec_wide_hashes_destroy(h);
}

struct sharing {
    struct ec_wide_hashes *hashes;
    _Atomic size_t next, wrong;
};

/* Every thread keeps each group, or finds that another has. */
static void *keep_and_read(void *context) {
    struct sharing *s = context;
    uint64_t got[100];
    char name[16];
    for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < 4000;) {
        (void)snprintf(name, sizeof name, "part-%zu", i % 50);
        struct ec_wide_group group = {1, name, 0, 100};
        ec_wide_hashes_keep(s->hashes, &group, hash[0] + i % 50);
        size_t n = ec_wide_hashes_read(s->hashes, &group, 0, got, 100);
        s->wrong += n != 100 || memcmp(got, hash[0] + i % 50, sizeof got) != 0;
    }
    return NULL;
}

static void threads_share_it(void **state) {
    (void)state;
    struct sharing s = {.hashes = create()};
    ec_side_by_side(keep_and_read, &s, 4);
    assert_int_equal(s.wrong, 0);
    ec_wide_hashes_destroy(s.hashes);
}

/* Each call fails in turn, once and for ever: what is said to be kept is what was given. */
static void a_call_that_fails_loses_the_help_alone(void **state) {
    (void)state;
    struct ec_wide_group a = {1, "a", 0, ROWS}, b = {1, "b", 0, 7};
    for (unsigned mode = 0; mode < FAULTY_MODES; mode++) {
        bool hit = true;
        for (unsigned at = 1; hit; at++) {
            struct ec_err err = {0};
            struct ec_wide_hashes *h = NULL;
            faulty_begin(mode, at);
            if (ec_wide_hashes_create(path, &h, &err) == EC_OK) {
                ec_wide_hashes_keep(h, &a, hash[0]);
                ec_wide_hashes_keep(h, &b, hash[1]);
            }
            hit = faulty_end();
            if (h && ec_wide_hashes_have(h, &a)) same(h, &a, hash[0]);
            if (h && ec_wide_hashes_have(h, &b)) same(h, &b, hash[1]);
            if (h && !hit) assert_true(ec_wide_hashes_have(h, &a) && ec_wide_hashes_have(h, &b));
            ec_wide_hashes_destroy(h);
            (void)unlink(path); /* a failed unlink() leaves it; in a run it goes with its staging */
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_come_back),
        cmocka_unit_test(what_was_not_kept_is_not_there),
        cmocka_unit_test(parts_are_told_apart),
        cmocka_unit_test(a_folder_that_is_not_there_keeps_nothing),
        cmocka_unit_test(threads_share_it),
        cmocka_unit_test(a_call_that_fails_loses_the_help_alone),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
