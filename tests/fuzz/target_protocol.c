/* The worker protocol: a line that is accepted, written again and read again is the same; no path of a result
 * leaves its folder. */
#include "kit.h"

#include "base/limits.h"
#include "run/task.h"

#include <stdlib.h>

static void check_below(const char *path) {
    if (!path) return;
    FUZZ_CHECK(*path && *path != '/' && !strstr(path, "//"), "the path %s", path);
    for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL) {
        size_t n = strcspn(p, "/");
        FUZZ_CHECK(!(n == 2 && p[0] == '.' && p[1] == '.'), "the path %s goes up", path);
    }
}

static void task(const char *p, size_t n) {
    struct ec_arena arena;
    struct ec_task one, two;
    struct ec_err err = {0};
    struct ec_buf first = ec_buf_make(16 * EC_MIB), second = ec_buf_make(16 * EC_MIB);
    ec_arena_init(&arena, 16 * EC_MIB);
    if (ec_task_read(p, n, &arena, &one, &err) == EC_OK) {
        ec_task_write(&first, &one);
        FUZZ_CHECK(!first.failed && !memchr(first.p, '\n', first.n), "a task is more than a line");
        fuzz_need(ec_task_read(first.p, first.n, &arena, &two, &err), &err);
        ec_task_write(&second, &two);
        fuzz_same(&first, &second, "a task and what is read of it");
    } else {
        FUZZ_CHECK(err.status == EC_PROTOCOL && *err.message, "refused as %s", ec_status_text(err.status)->slug);
    }
    ec_buf_free(&first);
    ec_buf_free(&second);
    ec_arena_deinit(&arena);
}

static void result(const char *p, size_t n) {
    struct ec_task_result one, two;
    struct ec_err err = {0};
    struct ec_buf first = ec_buf_make(64 * EC_MIB), second = ec_buf_make(64 * EC_MIB);
    if (ec_task_result_read(p, n, &one, &err) == EC_OK) {
        check_below(one.quarantine);
        check_below(one.keys);
        for (size_t i = 0; i < one.part_count; i++) check_below(one.part[i].path);
        ec_task_result_write(&first, &one);
        FUZZ_CHECK(!first.failed && !memchr(first.p, '\n', first.n), "a result is more than a line");
        fuzz_need(ec_task_result_read(first.p, first.n, &two, &err), &err);
        ec_task_result_write(&second, &two);
        fuzz_same(&first, &second, "a result and what is read of it");
        ec_task_result_deinit(&two);
    } else {
        FUZZ_CHECK(err.status == EC_PROTOCOL && *err.message, "refused as %s", ec_status_text(err.status)->slug);
    }
    ec_task_result_deinit(&one);
    ec_buf_free(&first);
    ec_buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    char *copy = fuzz_copy(p, n);
    task(copy, n);
    result(copy, n);
    free(copy);
    return 0;
}
