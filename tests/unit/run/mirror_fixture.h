/* A store that lives in the test program, and a project whose tables follow there. Each call of the store can fail, do its
 * work and say that it failed, or find what another writer has put there meanwhile. */
#ifndef TEST_MIRROR_FIXTURE_H
#define TEST_MIRROR_FIXTURE_H

#include "remote/put.h"
#include "run/mirror_private.h"
#include "run/paths.h"
#include "store/delta.h"

#include <stdlib.h>

#define ADDRESS "s3://lake/shop"
#define SALES   "enriched/sales"
#define OBJECTS 64u

static char dir[] = "/tmp/ec-mirror-XXXXXX";

static void ok(enum ec_status status, const struct ec_err *err) {
    if (status != EC_OK) fail_msg("%s: %s", err->file, err->message);
}

/* ---- the store */

struct object {
    char address[256];
    char *p;
    size_t n;
    int64_t mtime_us;
};

static struct {
    struct object object[OBJECTS]; /* in the order in which they came */
    size_t count;
    unsigned calls, fails_at; /* 0: none does */
    bool works;               /* the call that fails has done its work */
    const char *refused;      /* a put of a part of that name is that file's own fault, */
    enum ec_status fault;     /* of this kind */
    const char *stolen;       /* another writer has this name by the time that it is put */
} store;

static struct object *find(const char *address) {
    for (size_t i = 0; i < store.count; i++)
        if (strcmp(store.object[i].address, address) == 0) return &store.object[i];
    return NULL;
}

static void put_bytes(const char *address, const char *p, size_t n) {
    struct object *o = find(address);
    assert_true(o || store.count < OBJECTS);
    if (!o) o = &store.object[store.count++];
    free(o->p);
    (void)snprintf(o->address, sizeof o->address, "%s", address);
    o->p = malloc(n + 1);
    assert_non_null(o->p);
    memcpy(o->p, p, n);
    o->n = n;
    o->mtime_us = 1000;
}

static void drop(const char *address) {
    struct object *o = find(address);
    if (!o) return;
    free(o->p);
    memmove(o, o + 1, (size_t)(&store.object[store.count] - (o + 1)) * sizeof *o);
    memset(&store.object[--store.count], 0, sizeof *o);
}

static void empty_store(void) {
    while (store.count > 0) drop(store.object[0].address);
    memset(&store, 0, sizeof store);
}

static bool fails(void) { return ++store.calls == store.fails_at; }

static enum ec_status down(struct ec_err *err) { return ec_fail(err, EC_REMOTE, "the store does not answer"); }

/* A call that fails does `work` before it where store.works. */
#define CALL(work)                          \
    do {                                    \
        bool failing = fails();             \
        if (!failing || store.works) work;  \
        if (failing) return down(err);      \
    } while (0)

enum ec_status __wrap_ec_remote_settings_load(struct ec_remote_settings *settings, struct ec_err *err);
enum ec_status __wrap_ec_store_open(const struct ec_remote_settings *settings, struct ec_store **out, struct ec_err *err);
void __wrap_ec_store_close(struct ec_store *s);
enum ec_status __wrap_ec_store_make_folder(struct ec_store *s, const char *address, struct ec_err *err);
enum ec_status __wrap_ec_store_list(struct ec_store *s, const struct ec_address *prefix, bool deep,
                                    enum ec_status (*visit)(void *user, const struct ec_object *object, struct ec_err *err), void *user,
                                    struct ec_err *err);
enum ec_status __wrap_ec_store_read(struct ec_store *s, const struct ec_object *object, uint64_t offset, uint64_t n,
                                    enum ec_status (*sink)(void *user, const char *p, size_t n, struct ec_err *err), void *user,
                                    struct ec_err *err);
enum ec_status __wrap_ec_store_find(struct ec_store *s, const char *address, struct ec_object *object, char tag[EC_TAG_MAX], bool *there,
                                    struct ec_err *err);
enum ec_status __wrap_ec_store_remove(struct ec_store *s, const char *address, struct ec_err *err);
enum ec_status __wrap_ec_store_put_new(struct ec_store *s, const char *address, struct ec_str text, bool *there, struct ec_err *err);
enum ec_status __wrap_ec_store_put_file(struct ec_store *s, const char *address, const char *path, struct ec_err *err);
enum ec_status __wrap_ec_remote_put_many(const struct ec_remote_settings *settings, struct ec_remote_put *put, size_t count, struct ec_err *err);

enum ec_status __wrap_ec_remote_settings_load(struct ec_remote_settings *settings, struct ec_err *err) {
    (void)err;
    memset(settings, 0, sizeof *settings);
    return EC_OK;
}

enum ec_status __wrap_ec_store_open(const struct ec_remote_settings *settings, struct ec_store **out, struct ec_err *err) {
    (void)settings;
    CALL((void)0);
    *out = NULL;
    return EC_OK;
}

void __wrap_ec_store_close(struct ec_store *s) { (void)s; }

enum ec_status __wrap_ec_store_make_folder(struct ec_store *s, const char *address, struct ec_err *err) {
    (void)s;
    (void)address;
    CALL((void)0);
    return EC_OK;
}

enum ec_status __wrap_ec_store_list(struct ec_store *s, const struct ec_address *prefix, bool deep,
                                    enum ec_status (*visit)(void *user, const struct ec_object *object, struct ec_err *err), void *user,
                                    struct ec_err *err) {
    char begin[EC_PATH_MAX];
    (void)s;
    CALL((void)0);
    (void)snprintf(begin, sizeof begin, "s3://lake/%s", prefix->key);
    for (size_t i = store.count; i-- > 0;) { /* in any order */
        const struct object *o = &store.object[i];
        if (strncmp(o->address, begin, strlen(begin)) != 0 || (!deep && strchr(o->address + strlen(begin), '/'))) continue;
        struct ec_object object = {.address = o->address, .bytes = o->n, .mtime_us = o->mtime_us, .tag = "t"};
        EC_TRY(visit(user, &object, err));
    }
    return EC_OK;
}

enum ec_status __wrap_ec_store_read(struct ec_store *s, const struct ec_object *object, uint64_t offset, uint64_t n,
                                    enum ec_status (*sink)(void *user, const char *p, size_t n, struct ec_err *err), void *user,
                                    struct ec_err *err) {
    (void)s;
    CALL((void)0);
    const struct object *o = find(object->address);
    assert_non_null(o);
    return sink(user, o->p + offset, n, err);
}

enum ec_status __wrap_ec_store_find(struct ec_store *s, const char *address, struct ec_object *object, char tag[EC_TAG_MAX], bool *there,
                                    struct ec_err *err) {
    (void)s;
    CALL((void)0);
    const struct object *o = find(address);
    *there = o != NULL;
    (void)snprintf(tag, EC_TAG_MAX, "t");
    if (o) *object = (struct ec_object){.address = address, .bytes = o->n, .mtime_us = o->mtime_us, .tag = tag};
    return EC_OK;
}

enum ec_status __wrap_ec_store_remove(struct ec_store *s, const char *address, struct ec_err *err) {
    (void)s;
    CALL(drop(address));
    return EC_OK;
}

enum ec_status __wrap_ec_store_put_new(struct ec_store *s, const char *address, struct ec_str text, bool *there, struct ec_err *err) {
    (void)s;
    if (store.stolen && strstr(address, store.stolen)) put_bytes(address, "of another", 10);
    *there = find(address) != NULL;
    CALL(if (!*there) put_bytes(address, text.p, text.n));
    return EC_OK;
}

/* Past the calls that fail: the store is another machine. */
static void put_file_bytes(const char *address, const char *path) {
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    put_bytes(address, bytes, fread(bytes, 1, sizeof bytes, file));
    (void)fclose(file);
}

enum ec_status __wrap_ec_store_put_file(struct ec_store *s, const char *address, const char *path, struct ec_err *err) {
    (void)s;
    CALL(put_file_bytes(address, path));
    return EC_OK;
}

enum ec_status __wrap_ec_remote_put_many(const struct ec_remote_settings *settings, struct ec_remote_put *put, size_t count, struct ec_err *err) {
    (void)settings;
    for (size_t i = 0; i < count; i++) {
        put[i].there = find(put[i].address) != NULL;
        put[i].status = EC_OK;
        if (store.refused && strstr(put[i].address, store.refused)) {
            put[i].status = store.fault;
            (void)snprintf(put[i].message, sizeof put[i].message, "it cannot be put");
            continue;
        }
        CALL(if (!put[i].there) put_file_bytes(put[i].address, put[i].path));
    }
    return EC_OK;
}

/* ---- the project */

static const char *path_of(const char *name) {
    static char paths[4][512];
    static unsigned last;
    char *path = paths[++last % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const char *text) {
    struct ec_err err = {0};
    char folder[512];
    (void)snprintf(folder, sizeof folder, "%s", path_of(name));
    *strrchr(folder, '/') = '\0';
    ok(ec_dir_make(folder, &err), &err);
    ok(ec_file_replace(path_of(name), text, strlen(text), &err), &err);
}

/* A version of a table's log, which adds or removes parts: "a -b". Those that are added are there. */
static void commit(const char *table, int version, const char *parts) {
    struct ec_buf log = ec_buf_make(EC_MIB);
    char name[256], words[128], *rest = words;
    (void)snprintf(words, sizeof words, "%s", parts);
    ec_buf_printf(&log, "{\"commitInfo\":{\"version\":%d}}\n", version);
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        bool gone = word[0] == '-';
        ec_buf_printf(&log, "{\"%s\":{\"path\":\"day=1/%s.parquet\",\"size\":%zu}}\n", gone ? "remove" : "add", word + gone, strlen(word) + 6);
        if (gone) continue;
        char bytes[64];
        (void)snprintf(name, sizeof name, "data/processed/%s/day=1/%s.parquet", table, word);
        (void)snprintf(bytes, sizeof bytes, "rows: %s", word);
        write_file(name, bytes);
    }
    (void)snprintf(name, sizeof name, "data/processed/%s/_delta_log/%020d.json", table, version);
    write_file(name, log.p);
    ec_buf_free(&log);
}

static const char *version_of(const char *table, int version) {
    static char address[256];
    (void)snprintf(address, sizeof address, ADDRESS "/%s/_delta_log/%020d.json", table, version);
    return address;
}

static const char *part_of(const char *table, const char *part) {
    static char address[256];
    (void)snprintf(address, sizeof address, ADDRESS "/%s/day=1/%s.parquet", table, part);
    return address;
}

static size_t place(const char *address) {
    const struct object *o = find(address);
    if (!o) fail_msg("%s is not there", address);
    return (size_t)(o - store.object);
}

static int new_project(void **state) {
    (void)state;
    empty_store();
    if (ec_dir_remove(dir, false, NULL) != EC_OK) return -1;
    write_file("data/runs/here", "");
    commit(SALES, 0, "a b");
    commit(SALES, 1, "c -a");
    commit(SALES, 2, "d");
    return 0;
}

static int open_folder(void **state) {
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    empty_store();
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

static struct ec_mirror_options options_of(void) {
    return (struct ec_mirror_options){.project = dir, .address = ADDRESS, .remember = true};
}

static struct ec_mirror mirror;

static enum ec_status deliver(struct ec_err *err) {
    struct ec_mirror_options options = options_of();
    ec_mirror_free(&mirror);
    return ec_mirror_tables(&options, &mirror, err);
}

static const struct ec_mirror_table *delivered(const char *name) {
    struct ec_err err = {0};
    ok(deliver(&err), &err);
    for (size_t i = 0; i < mirror.count; i++)
        if (strcmp(mirror.table[i].name, name) == 0) return &mirror.table[i];
    fail_msg("%s is no table", name);
    return NULL;
}

/* Every version there is ours, from 0 on, and behind the parts that it adds. */
static void check_store(const char *table, int newest) {
    static const char *const adds[] = {"a b", "c", "d"};
    for (int version = 0; version <= newest; version++) {
        struct ec_err err = {0};
        struct ec_buf ours = ec_buf_make(EC_MIB);
        char name[256], words[16], *rest = words;
        size_t at = place(version_of(table, version));
        (void)snprintf(name, sizeof name, "data/processed/%s/_delta_log/%020d.json", table, version);
        ok(ec_file_load(path_of(name), &ours, &err), &err);
        assert_int_equal(store.object[at].n, ours.n);
        assert_memory_equal(store.object[at].p, ours.p, ours.n);
        ec_buf_free(&ours);
        if (version > 0) assert_true(place(version_of(table, version - 1)) < at);
        (void)snprintf(words, sizeof words, "%s", adds[version]);
        for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) assert_true(place(part_of(table, word)) < at);
    }
}

static int newest_there(const char *table) {
    int version = -1;
    while (find(version_of(table, version + 1))) version++;
    return version;
}

#endif
