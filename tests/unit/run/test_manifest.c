/* Manifests: what was published is read back, whatever is damaged is refused and named, and any call may fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../faulty_io.h"
#include "base/limits.h"
#include "run/manifest.h"
#include "run/paths.h"

#include <jansson.h>
#include <stdlib.h>

#include <dlfcn.h>

static char root[64];
static bool folder_breaks; /* reading it fails behind its entries */

struct dirent *readdir(DIR *folder) {
    static struct dirent *(*next)(DIR *);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "readdir");
    struct dirent *entry = next(folder);
    if (!entry && folder_breaks) errno = EIO;
    return entry;
}

static int set_up(void **state) {
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/ec-manifest-XXXXXX");
    if (!mkdtemp(root)) return -1;
    char path[EC_PATH_MAX];
    return ec_project_path(path, root, EC_DIR_RUNS, NULL, NULL) == EC_OK && ec_dir_make(path, NULL) == EC_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return ec_dir_remove(root, true, NULL) == EC_OK ? 0 : -1;
}

/* With something in every list, and null wherever it may stand. */
static struct ec_manifest full(void) {
    static const char *parts[] = {"date=2025-07-18/part-1.parquet", "date=2025-07-19/part-2.parquet"};
    static const char *partitions[] = {"2025-07-18", NULL};
    static const char *archived[] = {"data/raw/a.csv"};
    static struct ec_manifest_input input[] = {
        {.source = "sales", .path = "a.csv", .bytes = 7, .mtime_us = -1, .inode = UINT64_MAX, .sha256 = "ab", .rules = "cd", .drop = 3,
         .state = EC_INPUT_APPLIED, .rows = 5, .part = parts, .part_count = 2},
        {.source = "logs", .path = "b.zip", .member = "c.json", .drop = 7, .state = EC_INPUT_REJECTED},
        {.source = "logs", .path = "d.zip", .drop = 7, .state = EC_INPUT_ERRORED},
    };
    static struct ec_manifest_commit commit[] = {{"data/processed/enriched/sales", "WRITE", -1, "gh", 12, {"{\"add\":{}}\n", 11}}};
    static struct ec_manifest_model model[] = {{"kpi", "ef"}};
    static struct ec_manifest_export export[] = {{"kpi", "data/processed/kpi/kpi", "kpi/{date}.csv", partitions, 2, true}};
    static struct ec_manifest_move move[] = {{"data/staging/r/q", "data/quality/quarantine/sales/a.csv.jsonl"}};
    static struct ec_manifest_mark mark[] = {{"a.csv", "ab", 5, 6, 7, 0}, {"b.zip", NULL, 0, 0, 0, 2}};
    return (struct ec_manifest){.seq = 7, .run = "r-7", .program = "0", .config = "x", .started_us = 9, .as_of = 20000,
                                .input = input, .input_count = 3, .commit = commit, .commit_count = 1, .model = model,
                                .model_count = 1, .export = export, .export_count = 1, .quarantine = move,
                                .quarantine_count = 1, .mark = mark, .mark_count = 2, .archive = "data/archive/a.tar.gz",
                                .archived = archived, .archived_count = 1};
}

static void comes_back_as_it_was(void **state) {
    (void)state;
    struct ec_manifest m = full(), got;
    assert_int_equal(ec_manifest_publish(root, &m, NULL), EC_OK);
    assert_int_equal(ec_manifest_read(root, 7, &got, NULL), EC_OK);
    assert_int_equal(got.input_count, 3);
    assert_string_equal(got.input[0].part[1], "date=2025-07-19/part-2.parquet");
    assert_true(got.input[0].inode == UINT64_MAX && got.input[0].mtime_us == -1 && got.input[0].member == NULL);
    assert_int_equal(got.input[1].state, EC_INPUT_REJECTED);
    assert_int_equal(got.input[2].state, EC_INPUT_ERRORED);
    assert_null(got.input[2].sha256);
    assert_int_equal(got.commit[0].base_version, -1);
    assert_int_equal(got.commit[0].actions.n, 11);
    assert_null(got.export[0].partition[1]);
    assert_true(got.export[0].all);
    assert_string_equal(got.mark[0].path, "a.csv");
    assert_int_equal(got.mark[1].members, 2);
    assert_string_equal(got.archived[0], "data/raw/a.csv");
    ec_manifest_deinit(&got);
}

static void a_number_is_taken_once(void **state) {
    (void)state;
    struct ec_manifest m = full();
    struct ec_err err = {0};
    assert_int_equal(ec_manifest_publish(root, &m, NULL), EC_OK);
    assert_int_equal(ec_manifest_publish(root, &m, &err), EC_IO);
    assert_non_null(strstr(err.message, "00000007.json exists already"));
}

static void replace(const char *name, const char *text, size_t n) {
    char path[EC_PATH_MAX];
    assert_int_equal(ec_project_path(path, root, EC_DIR_RUNS, name, NULL), EC_OK);
    assert_int_equal(ec_file_replace(path, text, n, NULL), EC_OK);
}

static void refused(const char *what) {
    struct ec_manifest got;
    struct ec_err err = {0};
    if (ec_manifest_read(root, 7, &got, &err) != EC_TABLE_FORMAT) fail_msg("taken without %s", what);
    assert_non_null(strstr(err.message, "00000007.json is damaged"));
    ec_manifest_deinit(&got);
}

static void replace_by(json_t *object) {
    char *text = json_dumps(object, 0);
    assert_non_null(text);
    replace("00000007.json", text, strlen(text));
    free(text);
}

/* Every text that recovery goes by, where it is missing or no text; optional ones that are no text. */
static void what_is_damaged_is_refused(void **state) {
    (void)state;
    static const char *const needed[] = {"run", "program", "config", "inputs/source", "inputs/path", "commits/table", "commits/operation",
                                         "commits/actions", "models/name", "models/fingerprint", "exports/model", "exports/table",
                                         "exports/pattern", "quarantine/from", "quarantine/to", "marks/path"};
    static const char *const texts[] = {"archive", "inputs/member", "inputs/sha256", "inputs/rules", "marks/sha256"};
    struct ec_manifest m = full();
    char path[EC_PATH_MAX];
    assert_int_equal(ec_manifest_publish(root, &m, NULL), EC_OK);
    assert_int_equal(ec_manifest_path(path, root, 7, ".json", NULL), EC_OK);
    json_t *good = json_load_file(path, 0, NULL);
    assert_non_null(good);
    for (size_t i = 0; i < sizeof needed / sizeof *needed + sizeof texts / sizeof *texts; i++) {
        bool optional = i >= sizeof needed / sizeof *needed;
        const char *name = optional ? texts[i - sizeof needed / sizeof *needed] : needed[i], *slash = strchr(name, '/');
        char list[32] = "";
        if (slash) (void)snprintf(list, sizeof list, "%.*s", (int)(slash - name), name);
        for (int missing = 0; missing < 2 - optional; missing++) {
            json_t *bad = json_deep_copy(good), *in = slash ? json_array_get(json_object_get(bad, list), 0) : bad;
            if (missing)
                (void)json_object_del(in, slash ? slash + 1 : name);
            else
                (void)json_object_set_new(in, slash ? slash + 1 : name, json_integer(1));
            replace_by(bad);
            refused(name);
            json_decref(bad);
        }
    }
    static const char *const lists[] = {"inputs/parts", "/archived"}; /* in which null means nothing */
    for (size_t i = 0; i < 2; i++) {
        json_t *bad = json_deep_copy(good), *in = i == 0 ? json_array_get(json_object_get(bad, "inputs"), 0) : bad;
        (void)json_array_set_new(json_object_get(in, strchr(lists[i], '/') + 1), 0, json_null());
        replace_by(bad);
        refused(lists[i]);
        json_decref(bad);
    }
    json_t *other = json_deep_copy(good);
    (void)json_object_set_new(other, "v", json_integer(2));
    replace_by(other);
    refused("its version");
    (void)json_object_set_new(other, "v", json_integer(1));
    (void)json_object_set_new(other, "seq", json_integer(8));
    replace_by(other);
    refused("its own number");
    json_decref(other);
    json_decref(good);
    replace("00000007.json", "", 0);
    refused("a byte");
    replace("00000007.json", "{\"v\":1,", 7);
    refused("its end");
}

/* As older programs wrote it: without the number of its drop. A state that is none counts as an error: it is read again. */
static void what_older_programs_left_out(void **state) {
    (void)state;
    struct ec_manifest m = full(), got;
    char path[EC_PATH_MAX];
    assert_int_equal(ec_manifest_publish(root, &m, NULL), EC_OK);
    assert_int_equal(ec_manifest_path(path, root, 7, ".json", NULL), EC_OK);
    json_t *old = json_load_file(path, 0, NULL);
    for (size_t i = 0; i < 3; i++) {
        json_t *input = json_array_get(json_object_get(old, "inputs"), i);
        (void)json_object_del(input, "drop");
        if (i == 0) (void)json_object_del(input, "state");
        if (i == 1) (void)json_object_set_new(input, "state", json_string("unheard of"));
    }
    replace_by(old);
    json_decref(old);
    assert_int_equal(ec_manifest_read(root, 7, &got, NULL), EC_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(got.input[i].drop, 7);
        assert_int_equal(got.input[i].state, EC_INPUT_ERRORED);
    }
    ec_manifest_deinit(&got);
}

/* A list that ends early would have files read again that were applied. */
static void a_list_that_breaks_off(void **state) {
    (void)state;
    struct ec_manifest_list list;
    struct ec_err err = {0};
    replace("00000001.json", "", 0);
    folder_breaks = true;
    enum ec_status status = ec_manifest_list(root, &list, &err);
    folder_breaks = false;
    ec_manifest_list_deinit(&list);
    assert_int_equal(status, EC_IO);
    assert_non_null(strstr(err.message, "cannot read the folder of the runs"));
}

static void one_that_is_not_there(void **state) {
    (void)state;
    struct ec_manifest got;
    struct ec_err err = {0};
    assert_int_equal(ec_manifest_read(root, 7, &got, &err), EC_UNREADABLE);
    ec_manifest_deinit(&got);
    assert_false(ec_manifest_exists(root, 7));
    replace("00000007.json", "", 0);
    assert_true(ec_manifest_exists(root, 7));
}

static void the_list_has_manifests_alone(void **state) {
    (void)state;
    static const char *const other[] = {"00000003.facts.json", "00000003.finished", "0000000x.json", "1.json", "00000001.jso", ".00000009.json.tmp"};
    struct ec_manifest_list list;
    char name[32];
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) replace(other[i], "", 0);
    for (unsigned seq = 70; seq > 3; seq--) { /* more than the list begins with */
        (void)snprintf(name, sizeof name, "%08u.json", seq);
        replace(name, "", 0);
    }
    replace("00000003.json", "", 0);
    assert_int_equal(ec_manifest_finish(root, 70, NULL), EC_OK);
    assert_int_equal(ec_manifest_finish(root, 70, NULL), EC_OK); /* done is done */
    assert_int_equal(ec_manifest_list(root, &list, NULL), EC_OK);
    assert_int_equal(list.count, 68);
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(list.seq[i], 3 + i);
        assert_int_equal(list.finished[i], i == 0 || i == 67);
    }
    ec_manifest_list_deinit(&list);
    assert_int_equal(ec_manifest_list("/nowhere", &list, NULL), EC_OK); /* a project before its first run */
    assert_int_equal(list.count, 0);
    ec_manifest_list_deinit(&list);
    char path[EC_PATH_MAX];
    assert_int_equal(ec_project_path(path, root, EC_DIR_RUNS, NULL, NULL), EC_OK);
    assert_int_equal(ec_dir_remove(path, true, NULL), EC_OK);
    assert_int_equal(ec_file_replace(path, "", 0, NULL), EC_OK);
    struct ec_err err = {0};
    assert_int_equal(ec_manifest_list(root, &list, &err), EC_IO);
    assert_non_null(strstr(err.message, "cannot open the folder "));
    ec_manifest_list_deinit(&list);
}

/* A folder whose name leaves room for `room` bytes below it. */
static void long_folder(char out[EC_PATH_MAX], size_t room) {
    memset(out, '/', EC_PATH_MAX);
    out[EC_PATH_MAX - 1 - room] = '\0';
    memcpy(out, root, strlen(root));
}

static void a_path_that_is_too_long_is_refused(void **state) {
    (void)state;
    char dir[EC_PATH_MAX];
    struct ec_manifest m = full(), got;
    struct ec_manifest_list list;
    replace("00000001.json", "", 0);
    for (size_t room = 0; room < sizeof "data/runs/00000007.finished" - 1; room++) {
        long_folder(dir, room);
        assert_int_equal(ec_manifest_finish(dir, 7, NULL), EC_IO);
        assert_int_equal(ec_manifest_list(dir, &list, NULL), EC_IO);
        ec_manifest_list_deinit(&list);
        if (room >= sizeof "data/runs/00000007.json" - 1) continue;
        assert_false(ec_manifest_exists(dir, 1));
        assert_int_equal(ec_manifest_publish(dir, &m, NULL), EC_IO);
        assert_int_equal(ec_manifest_read(dir, 7, &got, NULL), EC_IO);
        ec_manifest_deinit(&got);
    }
}

/* Each call, and in builds whose arenas are plain memory each allocation, fails in turn. */
static void any_call_may_fail(void **state) {
    (void)state;
    struct ec_manifest m = full(), got;
    struct ec_manifest_list list;
    char path[EC_PATH_MAX];
    for (unsigned mode = 0; mode < FAULTY_MODES; mode++) {
        bool hit = true;
        for (unsigned at = 1; hit; at++) {
            assert_int_equal(ec_manifest_path(path, root, 7, ".json", NULL), EC_OK);
            (void)unlink(path);
            faulty_begin(mode, at);
            enum ec_status published = ec_manifest_publish(root, &m, NULL);
            hit = faulty_end();
            if (!hit) assert_int_equal(published, EC_OK);
            if (published == EC_OK) assert_true(ec_path_exists(path));
        }
        for (hit = true; hit;) {
            static unsigned at;
            faulty_begin(mode, ++at);
            enum ec_status read = ec_manifest_read(root, 7, &got, NULL);
            hit = faulty_end();
            if (!hit) assert_int_equal(read, EC_OK);
            if (read == EC_OK) assert_int_equal(got.input_count, 3);
            ec_manifest_deinit(&got);
            if (!hit) at = 0;
        }
        for (unsigned at = 1; at < 8; at++) {
            faulty_begin(mode, at);
            enum ec_status listed = ec_manifest_list(root, &list, NULL);
            (void)faulty_end();
            if (listed == EC_OK) assert_int_equal(list.count, 1);
            ec_manifest_list_deinit(&list);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_number_is_taken_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_older_programs_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_that_breaks_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_list_has_manifests_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_path_that_is_too_long_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_call_may_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
