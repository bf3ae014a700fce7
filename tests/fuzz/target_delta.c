/* Delta logs: an input is the versions of a log, each behind a line "@@" (or "@@name", a file of that name). A log
 * that is read has the files that a plain replay by jansson leaves, none of them outside of the table; one that may be
 * written takes a commit, once, and another column. */
#include "kit.h"

#include "base/io.h"
#include "store/delta.h"

#include <jansson.h>
#include <stdlib.h>

#define PARTS_MAX 24
#define FILES_MAX 4096

/* ---- the plain replay ---- */

struct plain {
    char *name[FILES_MAX];  /* decoded; those that are there */
    bool vector[FILES_MAX]; /* with a deletion vector: another file, for who takes it away */
    size_t count;
};

static int hex(char c) {
    const char *digits = "0123456789abcdef", *at = strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    return c && at ? (int)(at - digits) : -1;
}

static char *decode(const char *uri) {
    char *out = fuzz_copy(uri, strlen(uri) + 1), *to = out;
    for (const char *p = uri; *p; p++) {
        if (*p == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
            *to++ = (char)(hex(p[1]) << 4 | hex(p[2]));
            p += 2;
        } else {
            *to++ = *p;
        }
    }
    *to = '\0';
    return out;
}

static void plain_action(struct plain *t, const json_t *line, const char *kind) {
    const json_t *action = json_object_get(line, kind);
    const char *path = json_string_value(json_object_get(action, "path"));
    if (!path) return;
    char *name = decode(path);
    bool add = strcmp(kind, "add") == 0, vector = json_is_object(json_object_get(action, "deletionVector"));
    size_t i = 0;
    while (i < t->count && strcmp(t->name[i], name) != 0) i++;
    if (i < t->count && (add || t->vector[i] == vector)) {
        free(t->name[i]);
        t->name[i] = t->name[--t->count];
        t->vector[i] = t->vector[t->count];
    }
    if (add && t->count < FILES_MAX) {
        t->vector[t->count] = vector;
        t->name[t->count++] = name;
    } else {
        free(name);
    }
}

static void plain_version(struct plain *t, const char *p, size_t n) {
    while (n > 0) {
        const char *end = memchr(p, '\n', n);
        size_t length = end ? (size_t)(end - p) : n;
        json_t *line = json_loadb(p, length, 0, NULL);
        plain_action(t, line, "remove");
        plain_action(t, line, "add");
        json_decref(line);
        p += length + (end != NULL);
        n -= length + (end != NULL);
    }
}

static void plain_free(struct plain *t) {
    for (size_t i = 0; i < t->count; i++) free(t->name[i]);
}

/* ---- the folder ---- */

static const char *table_dir(void) {
    return fuzz_path(0, "table");
}

static void put(const char *name, struct ec_str bytes) {
    char path[512];
    struct ec_err err = {0};
    int fd;
    (void)snprintf(path, sizeof path, "%s/_delta_log/%s", table_dir(), name);
    (void)ec_io.unlink(path);
    fuzz_need(ec_file_create(path, &fd, &err), &err);
    fuzz_need(ec_file_write(fd, bytes.p, bytes.n, path, &err), &err);
    (void)ec_io.close(fd);
}

static bool is_file_name(struct ec_str name) {
    for (size_t i = 0; i < name.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_.-", name.p[i]) || !name.p[i]) return false;
    return name.n > 0 && name.n < 64 && !(name.p[0] == '.' && (name.n == 1 || (name.n == 2 && name.p[1] == '.')));
}

/* False where the log is not made of versions alone. */
static bool put_log(struct ec_str rest, struct plain *plain) {
    char name[72];
    int version = 0, parts = 0;
    bool simple = true;
    struct ec_err err = {0};
    fuzz_need(ec_dir_remove(table_dir(), true, &err), &err);
    fuzz_need(ec_dir_make(fuzz_path(1, "table/_delta_log"), &err), &err);
    for (struct ec_str given, part; parts < PARTS_MAX && fuzz_next_part(&rest, "@@", &given, &part); parts++) {
        (void)snprintf(name, sizeof name, "%020d.json", version++);
        if (is_file_name(given)) {
            (void)snprintf(name, sizeof name, "%.*s", (int)given.n, given.p);
            simple = false;
        }
        put(name, part);
        plain_version(plain, part.p, part.n);
    }
    return simple;
}

/* ---- what holds ---- */

static void check_path(const char *uri) {
    char path[4200];
    struct ec_err err = {0};
    fuzz_need(ec_delta_path_decode(uri, path, sizeof path, &err), &err);
    FUZZ_CHECK(*path && *path != '/', "the path %s", path);
    for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL) {
        size_t n = strcspn(p, "/");
        FUZZ_CHECK(!(n == 2 && p[0] == '.' && p[1] == '.'), "the path %s goes up", path);
    }
}

static void check_files(const struct ec_delta *table, const struct plain *plain) {
    for (size_t i = 0; i < table->file_count; i++) {
        check_path(table->file[i].path);
        char *name = decode(table->file[i].path);
        size_t at = 0;
        while (at < plain->count && strcmp(plain->name[at], name) != 0) at++;
        FUZZ_CHECK(at < plain->count, "%s is no file of the log", name);
        free(name);
    }
    FUZZ_CHECK(table->file_count == plain->count, "%zu files, not %zu", table->file_count, plain->count);
}

static struct ec_delta *opened(void) {
    struct ec_delta *table = NULL;
    struct ec_err err = {0};
    fuzz_need(ec_delta_open(table_dir(), &table, &err), &err);
    return table;
}

/* A file more; a second time nothing more; an older snapshot is no hindrance. */
static void commit(const struct ec_delta *table) {
    struct ec_buf actions = ec_buf_make(EC_MIB);
    struct ec_delta_file file = {.path = "fuzz-%C3%A9-0001.parquet", .bytes = 5, .rows = 1, .modified_ms = 1};
    struct ec_err err = {0};
    int64_t version = -1, again = -1, txn = -1;
    size_t known = 0;
    for (size_t i = 0; i < table->file_count; i++) known += strstr(table->file[i].path, "-0001.parquet") != NULL;
    ec_delta_add_action(&actions, &file, table->partition_by);
    struct ec_delta_commit commit = {.app_id = "fuzz-application",
                                     .txn_version = 1,
                                     .operation = "WRITE",
                                     .run = "r",
                                     .base_version = table->version,
                                     .actions = ec_buf_str(&actions)};
    fuzz_need(ec_delta_txn(table_dir(), commit.app_id, &txn, &err), &err);
    enum ec_status status = ec_delta_write(table_dir(), &commit, &version, &err);
    if (txn < 0) {
        fuzz_need(status, &err);
        FUZZ_CHECK(version == table->version + 1, "committed as %lld", (long long)version);
        fuzz_need(ec_delta_write(table_dir(), &commit, &again, &err), &err);
        FUZZ_CHECK(again == version, "committed twice: %lld and %lld", (long long)version, (long long)again);
        struct ec_delta *after = opened();
        FUZZ_CHECK(after->version == version, "read as version %lld", (long long)after->version);
        if (known == 0) FUZZ_CHECK(after->file_count == table->file_count + 1, "%zu files", after->file_count);
        ec_delta_close(after);
    }
    ec_buf_free(&actions);
}

static void evolve(const struct ec_delta *table) {
    static const struct ec_delta_column want[] = {{"a_new_column", {.type = EC_TYPE_DATE}}};
    struct ec_arena arena;
    struct ec_err err = {0};
    struct ec_delta_column *merged = NULL;
    size_t count = 0;
    bool changed = false;
    struct ec_buf out = ec_buf_make(16 * EC_MIB);
    ec_arena_init(&arena, 16 * EC_MIB);
    if (ec_delta_schema_merge(table, want, 1, &arena, &merged, &count, &changed, &err) == EC_OK && changed) {
        FUZZ_CHECK(count == table->column_count + 1, "%zu columns of %zu", count, table->column_count);
        if (ec_delta_evolve_action(&out, table, merged, count, &err) == EC_OK) {
            json_t *action = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
            FUZZ_CHECK(action && out.p[out.n - 1] == '\n' && memchr(out.p, '\n', out.n) == out.p + out.n - 1,
                       "a metaData action is no line of JSON");
            json_decref(action);
        }
    }
    ec_buf_free(&out);
    ec_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    struct plain *plain = calloc(1, sizeof *plain);
    struct ec_delta *table = NULL;
    struct ec_err err = {0};
    if (!plain) fuzz_fail("no memory");
    bool simple = put_log((struct ec_str){(const char *)p, n}, plain);
    if (ec_delta_open(table_dir(), &table, &err) == EC_OK) {
        if (simple) check_files(table, plain);
        if (table->version >= 0) evolve(table);
        if (table->version >= 0 && !table->unwritable) commit(table);
    } else {
        FUZZ_CHECK(err.status == EC_TABLE_FORMAT && *err.message, "refused as %s: %s", ec_status_text(err.status)->slug,
                   err.message);
    }
    ec_delta_close(table);
    size_t removed;
    (void)!ec_delta_sweep(table_dir(), &removed, NULL);
    plain_free(plain);
    free(plain);
    return 0;
}
