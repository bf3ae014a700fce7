/* The Delta log where what another writer left, or the system, is odd: actions and lines of other shapes, checkpoints that
 * cannot be read, folders that cannot be opened, calls and memory that fail. */
#include "delta_fixture.h"
#include "../faulty_io.h"
#include "store/delta_log.h"

#include <dlfcn.h>

/* ---- calls that ec_io has not ---- */

static struct {
    const char *folder; /* what the path ends with of a folder that cannot be opened */
    unsigned spared;    /* so many times it can */
    const char *gone;   /* what the path ends with of an entry that lstat() does not find */
    int cause;
} odd;

static bool ends(const char *path, const char *end) {
    size_t n = strlen(path), k = end ? strlen(end) : 0;
    return end && n >= k && strcmp(path + n - k, end) == 0;
}

DIR *opendir(const char *path) {
    static DIR *(*next)(const char *);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "opendir");
    if (ends(path, odd.folder) && (odd.spared == 0 || odd.spared-- == 0)) {
        errno = odd.cause;
        return NULL;
    }
    return next(path);
}

int lstat(const char *path, struct stat *st) {
    if (ends(path, odd.gone)) {
        errno = odd.cause;
        return -1;
    }
    return fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

/* ---- reading ---- */

#define BEGIN                                                                                                                            \
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"                                                                   \
    "{\"metaData\":{\"id\":\"t\",\"format\":{\"provider\":\"parquet\"},\"schemaString\":\"{\\\"fields\\\":[]}\",\"partitionColumns\":[]," \
    "\"configuration\":{}}}\n"
#define ADD(stats) "{\"add\":{\"path\":\"a.parquet\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"stats\":\"" stats "\"}}\n"

/* Other line ends, blanks, and lines too short for any action. */
static void lines_of_other_shapes(void **state) {
    (void)state;
    const char *dir = new_table("lines");
    int64_t txn = 0;
    put_version(dir, 0, BEGIN "{}\r\n   \n{\"txn\":{\"appId\":\"app\",\"version\":4}} \r\n" ADD("{\\\"numRecords\\\":3}"));
    assert_int_equal(ec_delta_txn(dir, "app", &txn, NULL), EC_OK);
    assert_int_equal(txn, 4);
    struct ec_delta *table = opened(dir);
    assert_int_equal(table->file_count, 1);
    assert_int_equal(table->file[0].rows, 3);
    ec_delta_close(table);
}

static void row_counts_that_are_none(void **state) {
    (void)state;
    static const char *const stats[] = {ADD("{\\\"numRecords\\\":1e16}"), ADD("{\\\"numRecords\\\":-1}"), ADD("{\\\"numRecords\\\":\\\"3\\\"}"), ADD("{}"), ADD("{")};
    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++) {
        char text[1024];
        const char *dir = new_table("counts");
        (void)snprintf(text, sizeof text, "%s%s", BEGIN, stats[i]);
        put_version(dir, 0, text);
        struct ec_delta *table = opened(dir);
        assert_true(table->file[0].rows == UINT64_MAX); /* not known */
        ec_delta_close(table);
    }
}

static void actions_that_are_damaged(void **state) {
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {{"{\"add\":{\"path\":\"a\",\"partitionValues\":{},\"size\":-1,\"modificationTime\":1}}\n", "has no size or modificationTime"},
                 {"{\"add\":{\"path\":\"a\",\"partitionValues\":{},\"size\":1,\"modificationTime\":\"1\"}}\n", "has no size or modificationTime"},
                 {"{\"txn\":{\"version\":1}}\n", "a txn action has no appId or version"},
                 {"{\"txn\":{\"appId\":\"a\",\"version\":\"1\"}}\n", "a txn action has no appId or version"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        const char *dir = new_table("damaged");
        struct ec_delta *table = NULL;
        struct ec_err err = {0}, other = {.status = EC_IO, .message = "the first cause"};
        (void)snprintf(text, sizeof text, "%s%s", BEGIN, cases[i].line);
        put_version(dir, 0, text);
        assert_int_equal(ec_delta_open(dir, &table, &err), EC_TABLE_FORMAT);
        assert_non_null(strstr(err.message, cases[i].message));
        assert_int_equal(err.line, 3);
        assert_int_equal(ec_delta_open(dir, &table, NULL), EC_TABLE_FORMAT);
        assert_int_equal(ec_delta_open(dir, &table, &other), EC_TABLE_FORMAT);
        assert_string_equal(other.message, "the first cause");
    }
}

/* A table that asks for what is not known: the caller may have no error to write to, or one that was there before. */
static void what_is_not_known_is_told_once(void **state) {
    (void)state;
    const char *dir = new_table("unknown");
    struct ec_delta *table = NULL;
    struct ec_err err = {0}, other = {.status = EC_IO, .message = "the first cause"};
    put_version(dir, 0, "{\"protocol\":{\"minReaderVersion\":9,\"minWriterVersion\":9}}\n" BEGIN);
    put_version(dir, 1, "{\"protocol\":{\"minReaderVersion\":9,\"minWriterVersion\":9}}\n");
    assert_int_equal(ec_delta_open(dir, &table, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "reader version 9"));
    assert_int_equal(ec_delta_open(dir, &table, NULL), EC_TABLE_FORMAT);
    assert_int_equal(ec_delta_open(dir, &table, &other), EC_TABLE_FORMAT);
    assert_string_equal(other.message, "the first cause");
}

/* ---- checkpoints ---- */

static enum ec_status reader_says;

static enum ec_status reader(const char *dir, const char *const *part, size_t part_count,
                             ec_delta_line_fn line, void *context, struct ec_err *err) {
    (void)dir;
    (void)part;
    (void)part_count;
    (void)line;
    (void)context;
    return ec_fail(err, reader_says, "as the test wants it");
}

/* A checkpoint that cannot be read is passed over where the log is whole, but not for want of memory or for a signal. */
static void a_checkpoint_that_cannot_be_read(void **state) {
    (void)state;
    static const struct {
        enum ec_status says, expected;
        bool whole;
    } cases[] = {{EC_TABLE_FORMAT, EC_OK, true}, {EC_NO_MEMORY, EC_NO_MEMORY, true}, {EC_INTERRUPTED, EC_INTERRUPTED, true}, {EC_TABLE_FORMAT, EC_TABLE_FORMAT, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *dir = new_table("checkpoint");
        struct ec_delta *table = NULL;
        struct ec_err err = {0}, other = {.status = EC_IO, .message = "the first cause"};
        if (cases[i].whole) put_version(dir, 0, BEGIN);
        put_version(dir, 1, ADD("{}"));
        put_file(below(dir, "_delta_log/00000000000000000000.checkpoint.parquet"), "x");
        reader_says = cases[i].says;
        ec_delta_read_checkpoints(reader);
        enum ec_status status = ec_delta_open(dir, &table, &err);
        enum ec_status quiet = cases[i].expected != EC_OK ? ec_delta_open(dir, &table, NULL) : EC_OK;
        enum ec_status told = cases[i].expected != EC_OK ? ec_delta_open(dir, &table, &other) : EC_OK;
        ec_delta_read_checkpoints(NULL);
        assert_int_equal(status, cases[i].expected);
        assert_int_equal(quiet, cases[i].expected);
        assert_int_equal(told, cases[i].expected);
        assert_string_equal(other.message, "the first cause");
        if (status == EC_OK) ec_delta_close(table);
        else assert_string_equal(err.message, "as the test wants it");
    }
}

/* All that a checkpoint keeps, with a file removed whose add was before, while calls and memory fail in turn. */
static void any_call_may_fail_while_a_log_is_replayed(void **state) {
    (void)state;
    const char *dir = new_table("replayed");
    put_version(dir, 0, BEGIN ADD("{\\\"numRecords\\\":3}") "{\"remove\":{\"path\":\"before.parquet\",\"deletionTimestamp\":5}}\n"
                        "{\"txn\":{\"appId\":\"one\",\"version\":1,\"lastUpdated\":7}}\n{\"txn\":{\"appId\":\"two\",\"version\":1}}\n"
                        "{\"txn\":{\"appId\":\"one\",\"version\":2}}\n");
    bool hit = true;
    for (unsigned at = 1; hit; at++) {
        struct ec_buf lines = ec_buf_make(1 << 16);
        struct ec_err err = {0};
        int64_t version = -1;
        size_t actions = 0;
        faulty_begin(FAULTY_BEFORE, at);
        enum ec_status status = ec_delta_checkpoint_lines(dir, &version, &lines, &actions, &err);
        hit = faulty_end();
        assert_true(hit ? true : status == EC_OK);
        assert_true(status == EC_OK || err.message[0] != '\0');
        if (status == EC_OK) {
            assert_int_equal(actions, 6); /* protocol, metaData, two applications, a file and one that went */
            assert_non_null(strstr(lines.p, "{\"txn\":{\"appId\":\"one\",\"version\":2}}"));
            assert_non_null(strstr(lines.p, "before.parquet"));
        }
        ec_buf_free(&lines);
        assert_true(at < 200);
    }
}

/* ---- writing ---- */

static void a_first_commit_with_half_its_actions(void **state) {
    (void)state;
    const char *dir = new_table("half");
    struct ec_buf actions = ec_buf_make(1 << 16);
    struct ec_err err = {0};
    int64_t version;
    ec_delta_protocol_action(&actions);
    assert_int_equal(commit_as(dir, "app", 1, -1, &actions, &version, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "lacks its protocol or metaData action"));
    assert_false(ec_path_exists(below(dir, "_delta_log")));
    ec_buf_free(&actions);
}

/* The commit that makes the table: each call fails in turn, and the next try makes it. */
static void any_call_of_the_first_commit_may_fail(void **state) {
    (void)state;
    struct ec_buf actions = ec_buf_make(1 << 16);
    begin_actions(&actions);
    for (unsigned mode = 0; mode <= FAULTY_FROM_BEFORE; mode++) {
        bool hit = true;
        for (unsigned at = 1; hit; at++) {
            const char *dir = new_table("first");
            struct ec_err err = {0};
            int64_t version = -1;
            faulty_begin(mode, at);
            enum ec_status status = commit_as(dir, "app", 1, -1, &actions, &version, &err);
            hit = faulty_end();
            assert_true(hit || status == EC_OK);
            assert_true(status == EC_OK ? version == 0 : err.message[0] != '\0');
            assert_int_equal(commit_as(dir, "app", 1, -1, &actions, &version, NULL), EC_OK);
            assert_int_equal(version, 0);
            struct ec_delta *table = opened(dir);
            assert_true(table->version == 0 && table->file_count == 1);
            ec_delta_close(table);
            assert_true(at < 200);
        }
    }
    ec_buf_free(&actions);
}

static int refused_link(const char *from, const char *to) {
    (void)from;
    (void)to;
    errno = EIO;
    return -1;
}

/* The caller's first error is kept. */
static void a_commit_that_fails_after_another_error(void **state) {
    (void)state;
    const char *dir = begun_table("second");
    struct ec_buf actions = ec_buf_make(1 << 16);
    struct ec_err err = {.status = EC_CONFIG, .message = "the first cause"};
    int64_t version;
    add_file(&actions, "date=2025-07-18/b.parquet", "2025-07-18");
    faulty_real = ec_io;
    ec_io.link = refused_link;
    enum ec_status status = commit_as(dir, "app", 2, 0, &actions, &version, &err), quiet = commit_as(dir, "app", 2, 0, &actions, &version, NULL);
    ec_io = faulty_real;
    assert_int_equal(status, EC_IO);
    assert_int_equal(quiet, EC_IO);
    assert_non_null(strstr(err.message, "the first cause"));
    ec_buf_free(&actions);
}

/* jansson's memory: behind so many of the buffers with which it begins to parse there is none for one. (Where such a buffer
 * cannot grow, jansson 2.14 itself reads beyond it, so that is not asked of it here.) */
#define JANSSON_BUFFER 16
static unsigned jansson_left;
static bool jansson_hit;

static void *scarce(size_t n) {
    if (n != JANSSON_BUFFER || jansson_hit || jansson_left-- > 0) return malloc(n);
    jansson_hit = true;
    return NULL;
}

/* A commit that does not fit behind another writer's: where memory is short the conflict may not be seen, but then nothing is
 * written. Of two files that it removes one is gone, and one was never there. */
static void a_conflict_is_never_passed_over(void **state) {
    (void)state;
    const char *dir = begun_table("scarce");
    struct ec_buf first = ec_buf_make(1 << 16), late = ec_buf_make(1 << 16);
    struct ec_delta *table = opened(dir);
    char base[EC_SHA256_HEX];
    int64_t version;
    assert_int_equal(ec_delta_fingerprint(table->metadata, base, NULL), EC_OK);
    ec_delta_close(table);
    remove_file(&first, "date=2025-07-18/a.parquet", "2025-07-18");
    add_file(&first, "date=2025-07-18/b.parquet", "2025-07-18");
    assert_int_equal(commit_as(dir, "other", 1, 0, &first, &version, NULL), EC_OK);
    for (int gone = 0; gone < 2; gone++) {
        bool hit = true, told = false;
        ec_buf_clear(&late);
        remove_file(&late, gone ? "date=2025-07-18/a.parquet" : "date=2025-07-18/nobody.parquet", "2025-07-18");
        add_file(&late, "date=2025-07-18/c.parquet", "2025-07-18");
        struct ec_delta_commit commit = {.app_id = "late", .txn_version = 1, .operation = "MERGE", .timestamp_ms = 1000,
                                         .base_version = 0, .base_metadata = base, .actions = ec_buf_str(&late)};
        for (unsigned left = 0; hit; left++) {
            struct ec_err err = {0};
            jansson_left = left;
            jansson_hit = false;
            json_set_alloc_funcs(scarce, free);
            enum ec_status status = ec_delta_write(dir, &commit, &version, &err);
            json_set_alloc_funcs(malloc, free);
            hit = jansson_hit;
            assert_true(hit ? status != EC_OK : status == EC_COMMIT_CONFLICT);
            assert_true(err.message[0] != '\0');
            told = told || status == EC_NO_MEMORY;
        }
        assert_true(told);
        bool any = true;
        for (unsigned at = 1; any; at++) {
            faulty_begin(FAULTY_BEFORE, at);
            enum ec_status status = ec_delta_write(dir, &commit, &version, NULL);
            any = faulty_end();
            assert_true(any ? status != EC_OK : status == EC_COMMIT_CONFLICT);
        }
    }
    table = opened(dir);
    assert_int_equal(table->version, 1);
    ec_delta_close(table);
    ec_buf_free(&first);
    ec_buf_free(&late);
}

/* The fingerprint of a schema is the same whatever the order of its keys, and there is none where there is no memory for it. */
static void a_fingerprint_needs_memory(void **state) {
    (void)state;
    char one[EC_SHA256_HEX], two[EC_SHA256_HEX];
    assert_int_equal(ec_delta_fingerprint("{\"a\":1,\"b\":{\"c\":2},\"d\":null}", one, NULL), EC_OK);
    assert_int_equal(ec_delta_fingerprint("{\"b\":{\"c\":2},\"a\":1}", two, NULL), EC_OK);
    assert_string_equal(one, two);
    bool hit = true;
    for (unsigned left = 0; hit; left++) {
        struct ec_err err = {0};
        jansson_left = left;
        jansson_hit = false;
        json_set_alloc_funcs(scarce, free);
        enum ec_status status = ec_delta_fingerprint("{\"b\":{\"c\":2},\"a\":1}", two, &err);
        json_set_alloc_funcs(malloc, free);
        hit = jansson_hit;
        assert_int_equal(status, hit ? EC_NO_MEMORY : EC_OK);
        assert_true(!hit || strstr(err.message, "no memory for the schema of a table"));
    }
    hit = true;
    for (unsigned at = 1; hit; at++) {
        faulty_begin(FAULTY_BEFORE, at);
        enum ec_status status = ec_delta_fingerprint("{\"b\":{\"c\":2},\"a\":1}", two, NULL);
        hit = faulty_end();
        assert_int_equal(status, hit ? EC_NO_MEMORY : EC_OK);
    }
    assert_string_equal(one, two);
}

static void paths_that_are_too_long(void **state) {
    (void)state;
    struct ec_buf actions = ec_buf_make(1 << 16);
    begin_actions(&actions);
    unsigned refused = 0;
    bool good = false;
    for (size_t room = 0; room < 80; room++) {
        const char *dir = new_table("far");
        char path[EC_DELTA_PATH_MAX];
        struct ec_err err = {0};
        int64_t version;
        memset(path, '/', sizeof path);
        memcpy(path, dir, strlen(dir));
        path[sizeof path - 1 - room] = '\0';
        enum ec_status status = commit_as(path, "app", 1, -1, &actions, &version, &err);
        assert_true(status == EC_OK || (!good && status == EC_IO && strstr(err.message, dir)));
        good = status == EC_OK;
        refused += !good;
        assert_int_equal(commit_as(dir, "app", 1, -1, &actions, &version, NULL), EC_OK);
        assert_int_equal(version, 0);
    }
    assert_true(good && refused > 40);
    ec_buf_free(&actions);
}

/* ---- sweeping ---- */

static enum ec_status sweep(const char *dir, size_t expected, struct ec_err *err) {
    size_t removed = 99;
    enum ec_status status = ec_delta_sweep(dir, &removed, err);
    assert_int_equal(removed, expected);
    return status;
}

static void folders_that_cannot_be_opened(void **state) {
    (void)state;
    static const struct {
        const char *folder;
        unsigned spared;
        int cause;
        bool refused;
    } cases[] = {{"/_delta_log", 1, EMFILE, true}, {"/_delta_log", 1, ENOENT, false}, {"/date=1", 0, EMFILE, true}, {"/date=1", 0, ENOENT, false}, {"/closed", 0, EMFILE, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *dir = begun_table("closed");
        struct ec_err err = {0};
        put_file(below(dir, "date=1/orphan.parquet"), "x");
        odd.folder = cases[i].folder;
        odd.spared = cases[i].spared;
        odd.cause = cases[i].cause;
        /* Where only the log is not seen a second time, the parts still go. */
        enum ec_status status = sweep(dir, i == 1 ? 1 : 0, &err);
        odd.folder = NULL;
        assert_int_equal(status, cases[i].refused ? EC_IO : EC_OK);
        assert_true(!cases[i].refused || strstr(err.message, "cannot open the folder "));
        assert_int_equal(sweep(dir, i == 1 ? 0 : 1, NULL), EC_OK);
    }
}

static void entries_that_cannot_be_looked_at(void **state) {
    (void)state;
    const char *dir = begun_table("unseen");
    struct ec_err err = {0};
    put_file(below(dir, "date=1/orphan.parquet"), "x");
    odd.gone = "/orphan.parquet";
    odd.cause = EIO;
    enum ec_status refused = sweep(dir, 0, &err);
    odd.cause = ENOENT; /* it went meanwhile: its folder is tried, and is not empty */
    enum ec_status gone = sweep(dir, 0, NULL);
    odd.gone = NULL;
    assert_int_equal(refused, EC_IO);
    assert_non_null(strstr(err.message, "cannot look at "));
    assert_int_equal(gone, EC_OK);
    assert_true(ec_path_exists(below(dir, "date=1/orphan.parquet")));
    assert_int_equal(sweep(dir, 1, NULL), EC_OK);
}

/* A part of a table without a log, by paths that leave less and less room for its name. */
static void parts_that_are_too_far_away(void **state) {
    (void)state;
    static const char part[] = "a-part-with-a-name.parquet";
    const char *dir = new_table("far parts");
    for (size_t room = 0; room < 2 * sizeof part; room++) {
        char path[EC_DELTA_PATH_MAX];
        struct ec_err err = {0};
        bool fits = room >= sizeof part - 1;
        put_file(below(dir, part), "x");
        memset(path, '/', sizeof path);
        memcpy(path, dir, strlen(dir));
        path[sizeof path - 1 - room] = '\0';
        assert_int_equal(sweep(path, fits, &err), fits ? EC_OK : EC_IO);
        assert_true(fits || strstr(err.message, dir));
        assert_int_equal(ec_path_exists(below(dir, part)), !fits);
    }
}

static int rmdir_says;

static int odd_rmdir(const char *path) {
    (void)path;
    errno = rmdir_says;
    return -1;
}

/* A folder that is no longer empty, or gone, is no failure; names that look like ours are left. */
static void folders_and_names_of_others(void **state) {
    (void)state;
    static const int causes[] = {ENOTEMPTY, EEXIST, ENOENT};
    static const char *const kept[] = {"x", "_delta_log/._last_checkpoint.7.0.crc", "_delta_log/.00000000000000000001.json.x"};
    const char *dir = begun_table("others");
    for (size_t i = 0; i < 3; i++) put_file(below(dir, kept[i]), "x");
    faulty_real = ec_io;
    for (size_t i = 0; i < 3; i++) {
        put_file(below(dir, "date=1/orphan.parquet"), "x");
        rmdir_says = causes[i];
        ec_io.rmdir = odd_rmdir;
        enum ec_status status = sweep(dir, 1, NULL);
        ec_io = faulty_real;
        assert_int_equal(status, EC_OK);
    }
    for (size_t i = 0; i < 3; i++) assert_true(ec_path_exists(below(dir, kept[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_other_shapes),
        cmocka_unit_test(row_counts_that_are_none),
        cmocka_unit_test(actions_that_are_damaged),
        cmocka_unit_test(what_is_not_known_is_told_once),
        cmocka_unit_test(a_checkpoint_that_cannot_be_read),
        cmocka_unit_test(any_call_may_fail_while_a_log_is_replayed),
        cmocka_unit_test(a_first_commit_with_half_its_actions),
        cmocka_unit_test(any_call_of_the_first_commit_may_fail),
        cmocka_unit_test(a_commit_that_fails_after_another_error),
        cmocka_unit_test(a_conflict_is_never_passed_over),
        cmocka_unit_test(a_fingerprint_needs_memory),
        cmocka_unit_test(paths_that_are_too_long),
        cmocka_unit_test(folders_that_cannot_be_opened),
        cmocka_unit_test(entries_that_cannot_be_looked_at),
        cmocka_unit_test(parts_that_are_too_far_away),
        cmocka_unit_test(folders_and_names_of_others),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
