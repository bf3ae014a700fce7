/* Hashes by several threads, and of two files at a time, are those of one by libcrypto, and each job has
 * its own outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/hashing.h"

#include <stdlib.h>

#define FILES 12u

static char dir[] = "/tmp/ec-hashing-XXXXXX";
static char path[FILES][64];
static size_t size_of[FILES];

static int make_files(void **state) {
    (void)state;
    if (!mkdtemp(dir)) return -1;
    for (size_t i = 0; i < FILES; i++) {
        size_of[i] = i * i * 110001;
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

static struct ec_hash128 quick_of(const char *of) {
    struct ec_buf text = ec_buf_make((size_t)64 << 20);
    assert_int_equal(ec_file_load(of, &text, NULL), EC_OK);
    struct ec_hash128 quick = ec_hash128(ec_buf_str(&text).p, text.n);
    ec_buf_free(&text);
    return quick;
}

static void every_job_has_its_outcome(void **state) {
    if (*state) assert_int_equal(setenv("ECLUSE_CPU", *state, 1), 0);
    static struct ec_hash_job job[2 * FILES + 2];
    static const unsigned threads[] = {1, 3, 64};
    for (size_t t = 0; t < 3; t++) {
        memset(job, 0, sizeof job);
        for (size_t i = 0; i < FILES; i++) {
            job[2 * i] = (struct ec_hash_job){.path = path[i], .bytes = EC_HASH_WHOLE, .with_quick = true};
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
            struct ec_hash128 quick = quick_of(path[i]);
            assert_memory_equal(&job[2 * i].quick, &quick, sizeof quick);
            assert_int_equal(job[2 * i + 1].status, EC_OK);
            assert_string_equal(job[2 * i + 1].hex, range);
        }
        assert_int_not_equal(job[2 * FILES].status, EC_OK);
        assert_non_null(strstr(job[2 * FILES].message, "/nowhere/at/all"));
        assert_int_equal(job[2 * FILES + 1].status, EC_UNREADABLE);
        assert_non_null(strstr(job[2 * FILES + 1].message, "shorter"));
    }
    ec_hash_all(job, 0, 4);
    assert_int_equal(unsetenv("ECLUSE_CPU"), 0);
}

/* Every length about the ends of blocks and of pieces, beside one of another length. */
static void every_length_is_hashed_to_its_end(void **state) {
    (void)state;
    static const size_t around[] = {0, 64, 128, 192, (size_t)128 << 10, ((size_t)128 << 10) + 64, (size_t)256 << 10};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++)
        for (size_t n = around[i] > 10 ? around[i] - 10 : 0; n <= around[i] + 10; n++) {
            struct ec_hash_job job[2] = {{.path = path[FILES - 1], .offset = n % 7, .bytes = n, .with_quick = true},
                                         {.path = path[FILES - 1], .offset = 3, .bytes = n * 7 % 1000}};
            ec_hash_all(job, 2, 1);
            for (size_t k = 0; k < 2; k++) {
                char hex[EC_SHA256_HEX];
                assert_int_equal(ec_sha256_range(job[k].path, job[k].offset, job[k].bytes, hex, NULL), EC_OK);
                assert_int_equal(job[k].status, EC_OK);
                assert_string_equal(job[k].hex, hex);
            }
        }
}

static bool no_memory;
static size_t allocations;

static void *few(size_t n) { return no_memory && allocations++ > 1 ? NULL : malloc(n); }

/* A job that nobody had the memory for failed; it has no empty hash. */
static void without_memory_no_job_is_done(void **state) {
    (void)state;
    struct ec_hash_job job[2] = {{.path = path[1], .bytes = EC_HASH_WHOLE}, {.path = path[2], .bytes = EC_HASH_WHOLE}};
    struct ec_io before = ec_io;
    ec_io.malloc = few;
    no_memory = true;
    ec_hash_all(job, 2, 1);
    ec_io = before;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(job[i].status, EC_NO_MEMORY);
        assert_non_null(strstr(job[i].message, path[i + 1]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        {.name = "as the processor can", .test_func = every_job_has_its_outcome, .initial_state = NULL},
        {.name = "by libcrypto", .test_func = every_job_has_its_outcome, .initial_state = "scalar"},
        cmocka_unit_test(every_length_is_hashed_to_its_end),
        cmocka_unit_test(without_memory_no_job_is_done),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
