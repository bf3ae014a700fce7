/* A table folder under /tmp and a few actions, for the tests of the Delta log. */
#ifndef TEST_DELTA_FIXTURE_H
#define TEST_DELTA_FIXTURE_H

#include "base/io.h"
#include "store/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];         /* made by group_setup */
static struct ec_arena names; /* of the paths below it */

static inline int group_setup(void **state) {
    (void)state;
    ec_arena_init(&names, 64 * EC_MIB);
    memcpy(root, "/tmp/ec-delta-XXXXXX", 21);
    return mkdtemp(root) ? 0 : -1;
}

static inline int group_teardown(void **state) {
    (void)state;
    ec_arena_deinit(&names);
    return ec_dir_remove(root, true, NULL) == EC_OK ? 0 : -1;
}

/* A path below the folder; the text lives until group_teardown. */
static inline const char *below(const char *dir, const char *name) {
    const char *path = ec_arena_printf(&names, "%s/%s", dir, name);
    assert_non_null(path);
    return path;
}

static inline const char *new_table(const char *name) {
    const char *dir = below(root, name);
    assert_int_equal(ec_dir_remove(dir, true, NULL), EC_OK);
    assert_int_equal(ec_dir_make(dir, NULL), EC_OK);
    return dir;
}

static inline void put_file(const char *path, const char *text) {
    struct ec_err err = {0};
    char dir[512];
    (void)snprintf(dir, sizeof dir, "%s", path);
    *strrchr(dir, '/') = '\0';
    assert_int_equal(ec_dir_make(dir, &err), EC_OK);
    if (ec_file_replace(path, text, strlen(text), &err) != EC_OK) fail_msg("%s", err.message);
}

static inline void put_version(const char *dir, int version, const char *text) {
    char name[64];
    (void)snprintf(name, sizeof name, "_delta_log/%020d.json", version);
    put_file(below(dir, name), text);
}

static const struct ec_delta_column columns[] = {
    {"id", {.type = EC_TYPE_INTEGER}},
    {"price", {EC_TYPE_DECIMAL, 12, 2}},
    {"date", {.type = EC_TYPE_DATE}},
};

static inline void add_file(struct ec_buf *out, const char *path, const char *date) {
    struct ec_delta_file file = {.path = path, .partition = date, .bytes = 10, .rows = 3, .modified_ms = 7};
    ec_delta_add_action(out, &file, "date");
}

static inline void remove_file(struct ec_buf *out, const char *path, const char *date) {
    struct ec_delta_file file = {.path = path, .partition = date, .bytes = 10, .rows = 3, .modified_ms = 7};
    ec_delta_remove_action(out, &file, "date", 8);
}

/* Protocol, metaData and one file. */
static inline void begin_actions(struct ec_buf *out) {
    ec_delta_protocol_action(out);
    ec_delta_metadata_action(out, "table-1", columns, 3, "date", 5);
    add_file(out, "date=2025-07-18/a.parquet", "2025-07-18");
}

static inline enum ec_status commit_as(const char *dir, const char *app, int64_t seq, int64_t base,
                                       const struct ec_buf *actions, int64_t *version, struct ec_err *err) {
    struct ec_delta_commit commit = {.app_id = app,
                                     .txn_version = seq,
                                     .operation = "WRITE",
                                     .run = "r1",
                                     .timestamp_ms = 1000,
                                     .base_version = base,
                                     .actions = ec_buf_str(actions)};
    return ec_delta_write(dir, &commit, version, err);
}

/* A table with version 0, committed as ("app", 1). */
static inline const char *begun_table(const char *name) {
    const char *dir = new_table(name);
    struct ec_buf actions = ec_buf_make(1 << 16);
    struct ec_err err = {0};
    int64_t version = -1;
    begin_actions(&actions);
    if (commit_as(dir, "app", 1, -1, &actions, &version, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(version, 0);
    ec_buf_free(&actions);
    return dir;
}

static inline struct ec_delta *opened(const char *dir) {
    struct ec_delta *table = NULL;
    struct ec_err err = {0};
    if (ec_delta_open(dir, &table, &err) != EC_OK) fail_msg("%s:%u: %s", err.file, err.line, err.message);
    return table;
}

#endif
