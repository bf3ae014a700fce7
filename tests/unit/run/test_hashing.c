/* Hashes by several threads are those of one, and each job has its own outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "run/hashing.h"

#include <stdlib.h>

#define FILES 12u

static char dir[] = "/tmp/ec-hashing-XXXXXX";
static char path[FILES][64];
static size_t size_of[FILES];

static int make_files(void **state) {
    (void)state;
    if (!mkdtemp(dir)) return -1;
    for (size_t i = 0; i < FILES; i++) {
        size_of[i] = i * i * 330001;
        char *p = calloc(size_of[i] + 1, 1);
        for (size_t k = 0; k < size_of[i]; k++) p[k] = (char)(k * 31 + i);
        (void)snprintf(path[i], sizeof path[i], "%s/%zu", dir, i);
        if (ec_file_replace(path[i], p, size_of[i], NULL) != EC_OK) return -1;
        free(p);
    }
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

static void every_job_has_its_outcome(void **state) {
    (void)state;
    static struct ec_hash_job job[2 * FILES + 2];
    static const unsigned threads[] = {1, 3, 64};
    for (size_t t = 0; t < 3; t++) {
        memset(job, 0, sizeof job);
        for (size_t i = 0; i < FILES; i++) {
            job[2 * i] = (struct ec_hash_job){.path = path[i], .bytes = EC_HASH_WHOLE};
            job[2 * i + 1] = (struct ec_hash_job){.path = path[i], .offset = size_of[i] / 3, .bytes = size_of[i] / 2};
        }
        job[2 * FILES] = (struct ec_hash_job){.path = "/nowhere/at/all", .bytes = EC_HASH_WHOLE};
        job[2 * FILES + 1] = (struct ec_hash_job){.path = path[3], .offset = 5, .bytes = size_of[3]};
        ec_hash_all(job, 2 * FILES + 2, threads[t]);
        for (size_t i = 0; i < FILES; i++) {
            char whole[EC_SHA256_HEX], range[EC_SHA256_HEX];
            uint64_t bytes;
            assert_int_equal(ec_sha256_file(path[i], whole, &bytes, NULL), EC_OK);
            assert_int_equal(ec_sha256_range(path[i], size_of[i] / 3, size_of[i] / 2, range, NULL), EC_OK);
            assert_int_equal(job[2 * i].status, EC_OK);
            assert_string_equal(job[2 * i].hex, whole);
            assert_int_equal(job[2 * i].bytes, size_of[i]);
            assert_int_equal(job[2 * i + 1].status, EC_OK);
            assert_string_equal(job[2 * i + 1].hex, range);
        }
        assert_int_not_equal(job[2 * FILES].status, EC_OK);
        assert_non_null(strstr(job[2 * FILES].message, "/nowhere/at/all"));
        assert_int_equal(job[2 * FILES + 1].status, EC_UNREADABLE);
        assert_non_null(strstr(job[2 * FILES + 1].message, "shorter"));
    }
    ec_hash_all(job, 0, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_job_has_its_outcome)};
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
