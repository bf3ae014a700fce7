/* The commit of a run that was read: what its manifest says of each kind of file, and what is left where a call fails.
 *
 * The linker has the driver call __wrap_ec_driver_commit() (tests/CMakeLists.txt): there the test has the state of a real
 * run, commits it as often as it likes, each time changed in one thing, and takes back what each did. */
#include "project.h"

#include "../faulty_io.h"
#include "../odd_io.h"
#include "base/hashing.h"
#include "run/driver.h"
#include "run/finish.h"

static struct project project, *p = &project;

enum ec_status __real_ec_driver_commit(struct ec_driver *d, struct ec_err *err);
enum ec_status __wrap_ec_driver_commit(struct ec_driver *d, struct ec_err *err);

static void (*look)(struct ec_driver *d);

enum ec_status __wrap_ec_driver_commit(struct ec_driver *d, struct ec_err *err) {
    if (look) look(d);
    look = NULL;
    return __real_ec_driver_commit(d, err);
}

#define TABLE "data/processed/enriched/sales"
#define MANIFEST "data/runs/00000002.json"

/* What the test changes: copies, so that the run itself goes on with what it had. */
static struct ec_run_options options;
static struct ec_config config;

static void take_back(struct ec_driver *d, const struct ec_manifest *manifest) {
    char part[EC_PATH_MAX];
    d->manifest = *manifest;
    d->facts.table_count = d->facts.anomaly_count = 0;
    ec_anomalies_assign(&d->facts);
    if (d->history_known) ec_history_close(&d->history);
    d->history_known = false;
    for (size_t i = 0; i < d->table_count; i++)
        for (size_t k = 0; k < d->table[i].added_count; k++) {
            (void)snprintf(part, sizeof part, "%s/%s/%s", p->dir, d->table[i].dir, d->table[i].added[k].path);
            (void)unlink(part);
        }
    (void)unlink(project_path(p, MANIFEST));
    (void)unlink(project_path(p, "data/runs/00000002.facts.json"));
}

/* One commit of the state as it is; what it published, where it did, is in `got`. */
static enum ec_status commit(struct ec_driver *d, struct ec_manifest *got, struct ec_err *err) {
    const struct ec_run_options *own_options = d->options;
    const struct ec_config *own_config = d->config;
    struct ec_manifest before = d->manifest;
    d->options = &options;
    d->config = &config;
    enum ec_status status = __real_ec_driver_commit(d, err);
    d->options = own_options;
    d->config = own_config;
    if (got) {
        ec_manifest_init(got);
        if (status == EC_OK) {
            ec_manifest_deinit(got);
            assert_int_equal(ec_manifest_read(p->dir, 2, got, NULL), EC_OK);
        }
    }
    take_back(d, &before);
    return status;
}

static void copies(struct ec_driver *d) {
    options = *d->options;
    config = *d->config;
}

static int begin(void **state) {
    (void)state;
    project_make(p);
    project_config(p,
                   "data_workers: 1\n"
                   "archive: {enabled: true, include: [processed, raw]}\n"
                   "sources:\n"
                   "  sales:\n"
                   "    files: [\"sales*\"]\n"
                   "    format: csv\n"
                   "    key: [id]\n",
                   "{\"sales\": {\"required_columns\": {\"id\": \"string\", \"n\": \"integer\"}}}\n", "sales: {n: {min_value: 0}}\n");
    project_drop(p, "sales_1.csv", "id,n\na,1\n");
    project_run(p);
    project_drop(p, "sales_2.csv", "id,n\nb,2\nbad,-2\n");
    project_drop(p, "sales_3.csv", "id,n\nc,3\n");
    return 0;
}

static int end(void **state) {
    (void)state;
    project_remove(p);
    return 0;
}

/* The second run, which is looked at; it ends as if nobody had. */
static void run_and(void (*what)(struct ec_driver *d)) {
    look = what;
    project_run(p);
    assert_null(look);
    expect_rows(p, TABLE, "id, n", "ORDER BY id", "a|1 b|2 c|3");
    assert_int_equal(project_rejects(p, "sales/sales_2.csv", "min_value"), 1);
}

/* The unit of that raw file. */
static size_t unit_of(const struct ec_driver *d, const char *path) {
    for (size_t u = 0; u < d->plan.unit_count; u++)
        if (strcmp(d->plan.unit[u].input->path, path) == 0) return u;
    fail_msg("%s was not planned", path);
    return 0;
}

/* ---- what it says ---- */

static void look_at_manifest(struct ec_driver *d) {
    struct ec_manifest m;
    copies(d);
    options.no_archive = false;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(m.input_count, 2); /* not the one that was applied before */
    assert_string_equal(m.input[0].path, "sales_2.csv");
    assert_int_equal(m.input[0].rows, 1);
    assert_int_equal(m.commit_count, 1);
    assert_int_equal(m.commit[0].base_version, 0);
    assert_int_equal(m.quarantine_count, 1);
    assert_int_equal(m.mark_count, 2);
    assert_non_null(strstr(m.archive, "data/archive/archive_20250718_1200.tar.gz"));
    assert_int_equal(m.archived_count, 2 + d->table[0].added_count);
    assert_string_equal(m.archived[0], "data/raw/sales_2.csv");
    ec_manifest_deinit(&m);
    config.archive_include = 0;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(m.archived_count, 0);
    ec_manifest_deinit(&m);
    config.archive_enabled = false;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_null(m.archive);
    ec_manifest_deinit(&m);
}

static void the_manifest_of_a_run(void **state) {
    (void)state;
    run_and(look_at_manifest);
}

/* A file that the gate rejected, or that could not be read, has no parts and gets no mark. */
static void look_at_states(struct ec_driver *d) {
    struct ec_manifest m;
    size_t two = unit_of(d, "sales_2.csv"), three = unit_of(d, "sales_3.csv");
    char hash = d->plan.unit[three].sha256[0];
    copies(d);
    options.no_archive = false;
    d->state[two].rejected = true;
    d->state[three].unit->status = EC_UNREADABLE;
    d->plan.unit[three].sha256[0] = '\0';
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(m.input[0].state, EC_INPUT_REJECTED);
    assert_int_equal(m.input[1].state, EC_INPUT_ERRORED);
    assert_null(m.input[1].sha256);
    assert_int_equal(m.input[0].part_count + m.input[1].part_count, 0);
    assert_int_equal(m.quarantine_count, 1);
    assert_int_equal(m.mark_count, 0);
    assert_string_equal(m.archived[0], "data/raw/sales_2.csv"); /* what could not be read is not archived */
    assert_int_equal(m.archived_count, 1 + d->table[0].added_count);
    ec_manifest_deinit(&m);
    d->state[two].rejected = false;
    d->state[three].unit->status = EC_OK;
    d->plan.unit[three].sha256[0] = hash;
}

static void files_that_are_not_loaded(void **state) {
    (void)state;
    run_and(look_at_states);
}

/* Members of an archive: of one that was hashed now, of one whose members were all known, and of an object. */
static void look_at_members(struct ec_driver *d) {
    struct ec_manifest m;
    struct ec_manifest_input before = {.rows = 40};
    struct ec_plan_archive archive[] = {{"other.zip", "o"}, {"sales_2.csv", "hash of the archive"}};
    size_t one = unit_of(d, "sales_1.csv"), two = unit_of(d, "sales_2.csv"), three = unit_of(d, "sales_3.csv");
    struct ec_input *in2 = (struct ec_input *)(uintptr_t)d->plan.unit[two].input, *in3 = (struct ec_input *)(uintptr_t)d->plan.unit[three].input;
    struct ec_input *in1 = (struct ec_input *)(uintptr_t)d->plan.unit[one].input;
    struct ec_input own1 = *in1, own2 = *in2, own3 = *in3;
    char hex[EC_SHA256_HEX];
    uint64_t bytes;
    copies(d);
    options.no_archive = false;
    /* Two members of one file: of the first, which was applied, this one replaces what it had. */
    in1->path = in2->path;
    in1->member = "m1";
    in2->member = "m2";
    in3->tag = "version 7";
    d->plan.unit[one].replaces = &before;
    d->plan.archive = archive;
    d->plan.archive_count = 2;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(m.mark_count, 1);
    assert_string_equal(m.mark[0].sha256, "hash of the archive");
    assert_int_equal(m.mark[0].members, 2);
    assert_int_equal(m.mark[0].rows, 41);
    assert_string_equal(m.input[1].tag, "version 7"); /* it has neither a mark nor a place in the archive */
    assert_int_equal(m.archived_count, 1 + d->table[0].added_count);
    ec_manifest_deinit(&m);
    d->plan.unit[one].replaces = NULL;
    d->plan.archive_count = 1;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(ec_sha256_file(project_path(p, "data/raw/sales_2.csv"), hex, &bytes, NULL), EC_OK);
    assert_string_equal(m.mark[0].sha256, hex);
    assert_int_equal(m.mark[0].rows, 1);
    ec_manifest_deinit(&m);
    /* Two members that were read: one mark, and one place in the archive. */
    *in1 = own1;
    in2->path = in3->path;
    in3->tag = NULL;
    in3->member = "m3";
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(m.mark_count, 1);
    assert_int_equal(m.mark[0].rows, 2);
    assert_int_equal(m.archived_count, 1 + d->table[0].added_count);
    ec_manifest_deinit(&m);
    *in3 = own3;
    in1->member = "m1";
    struct ec_err err = {0};
    in1->path = in2->path = "gone.zip";
    assert_int_equal(commit(d, NULL, &err), EC_UNREADABLE);
    assert_non_null(strstr(err.message, "gone.zip"));
    char root[EC_PATH_MAX] = "/"; /* too long with any name behind it */
    memset(root, '/', sizeof root - 1);
    in1->root = in2->root = root;
    err = (struct ec_err){0};
    assert_int_equal(commit(d, NULL, &err), EC_IO);
    assert_non_null(strstr(err.message, "the path //"));
    *in1 = own1;
    *in2 = own2;
    *in3 = own3;
    d->plan.archive_count = 0;
}

static void members_and_objects(void **state) {
    (void)state;
    run_and(look_at_members);
}

/* A table of which nothing is added, removed or changed has no commit, and none is looked for behind it. */
static void look_at_tables(struct ec_driver *d) {
    struct ec_manifest m;
    struct ec_table *t = &d->table[0];
    size_t added = t->added_count;
    copies(d);
    t->added_count = 0;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(m.commit_count, 0);
    ec_manifest_deinit(&m);
    t->schema_changed = true;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(m.commit_count, 1);
    assert_non_null(strstr(m.commit[0].actions.p, "\"metaData\""));
    ec_manifest_deinit(&m);
    t->schema_changed = false;
    t->delta->version = -1; /* new, and nothing was accepted: it is made with its columns, if it has any */
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(m.commit_count, 1);
    assert_int_equal(m.commit[0].base_version, -1);
    ec_manifest_deinit(&m);
    size_t columns = t->column_count;
    t->column_count = 0;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(m.commit_count, 0);
    ec_manifest_deinit(&m);
    t->column_count = columns;
    t->delta->version = 0;
    t->added_count = added;
    /* Of two tables the second is not placed where the first cannot be. */
    struct ec_table two[] = {*t, *t};
    struct ec_err err = {0};
    d->table = two;
    d->table_count = 2;
    odd_begin(ODD_LINK, TABLE, EIO);
    enum ec_status status = commit(d, NULL, &err);
    assert_true(odd_end());
    d->table = t;
    d->table_count = 1;
    assert_int_equal(status, EC_IO);
    assert_non_null(strstr(err.message, "cannot link "));
}

/* An append-only table takes rows, and gives none away: the run that would take them is refused before it has a manifest. */
static void look_at_append_only(struct ec_driver *d) {
    struct ec_manifest m;
    struct ec_err err = {0};
    struct ec_table *t = &d->table[0];
    copies(d);
    t->delta->append_only = true;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_string_equal(m.commit[0].operation, "WRITE");
    ec_manifest_deinit(&m);
    t->removed[0] = true;
    assert_int_equal(commit(d, NULL, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, TABLE " is append-only (delta.appendOnly), and this run would take rows away from it"));
    assert_false(ec_path_exists(project_path(p, MANIFEST)));
    t->delta->append_only = false;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_string_equal(m.commit[0].operation, "MERGE");
    ec_manifest_deinit(&m);
    t->removed[0] = false;
}

static void an_append_only_table(void **state) {
    (void)state;
    run_and(look_at_append_only);
}

static void tables_that_did_not_change(void **state) {
    (void)state;
    run_and(look_at_tables);
}

/* More parts than the list for the archive has room for at first. */
static void look_at_many_parts(struct ec_driver *d) {
    enum { MANY = 150 };
    struct ec_manifest m;
    struct ec_table *t = &d->table[0];
    struct ec_new_part own[8], many[MANY];
    static char name[MANY][32];
    size_t count = t->added_count;
    assert_true(count <= 8);
    memcpy(own, t->added, count * sizeof *own);
    struct ec_new_part *list = t->added;
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(name[i], sizeof name[i], "many-%03zu.parquet", i);
        many[i] = own[0];
        many[i].path = name[i];
    }
    copies(d);
    options.no_archive = false;
    t->added = many;
    t->added_count = MANY;
    assert_int_equal(commit(d, &m, NULL), EC_OK);
    assert_int_equal(m.archived_count, 2 + MANY);
    assert_string_equal(m.archived[2], TABLE "/many-000.parquet");
    assert_string_equal(m.archived[1 + MANY], TABLE "/many-149.parquet");
    ec_manifest_deinit(&m);
    t->added = list;
    t->added_count = count;
}

static void a_long_list_for_the_archive(void **state) {
    (void)state;
    run_and(look_at_many_parts);
}

/* ---- what fails ---- */

static bool cancel_now(void) { return true; }
static bool go_on(void) { return false; }

static void look_at_signals(struct ec_driver *d) {
    struct ec_err err = {0};
    copies(d);
    options.cancelled = cancel_now;
    assert_int_equal(commit(d, NULL, &err), EC_INTERRUPTED);
    options.cancelled = go_on;
    assert_int_equal(commit(d, NULL, NULL), EC_OK);
    project_write(p, TABLE "/_delta_log/00000000000000000001.json", "{}\n");
    err = (struct ec_err){0};
    assert_int_equal(commit(d, NULL, &err), EC_COMMIT_CONFLICT);
    assert_non_null(strstr(err.message, "another program wrote to " TABLE));
    assert_int_equal(unlink(project_path(p, TABLE "/_delta_log/00000000000000000001.json")), 0);
}

static void a_signal_or_another_writer(void **state) {
    (void)state;
    run_and(look_at_signals);
}

/* Each call, and in builds whose arenas are plain memory each allocation, fails in turn: there is a manifest, whole, or the
 * run did not happen. */
static void look_at_faults(struct ec_driver *d) {
    struct ec_manifest m;
    struct ec_plan_archive none = {"other.zip", "o"};
    struct ec_input *in2 = (struct ec_input *)(uintptr_t)d->plan.unit[unit_of(d, "sales_2.csv")].input;
    unsigned refused = 0;
    copies(d);
    options.no_archive = false;
    in2->member = "m"; /* so that its file is hashed */
    d->plan.archive = &none;
    d->plan.archive_count = 1;
    for (unsigned mode = 0; mode <= FAULTY_AFTER; mode++) {
        bool hit = true;
        for (unsigned at = 1; hit; at++) {
            struct ec_err err = {0};
            const struct ec_run_options *own = d->options;
            const struct ec_config *own_config = d->config;
            struct ec_manifest before = d->manifest;
            d->options = &options;
            d->config = &config;
            faulty_begin(mode, at);
            enum ec_status status = __real_ec_driver_commit(d, &err);
            hit = faulty_end();
            d->options = own;
            d->config = own_config;
            assert_true(hit || status == EC_OK);
            assert_true(status == EC_OK || err.message[0] != '\0');
            bool there = ec_path_exists(project_path(p, MANIFEST));
            assert_true(there || status != EC_OK);
            if (there) {
                assert_int_equal(ec_manifest_read(p->dir, 2, &m, NULL), EC_OK);
                assert_true(m.input_count == 2 && m.commit_count == 1 && m.quarantine_count == 1 && m.mark_count == 2);
                ec_manifest_deinit(&m);
            }
            refused += !there;
            take_back(d, &before);
            assert_true(at < 3000);
        }
    }
    assert_true(refused > 10);
    in2->member = NULL;
    d->plan.archive_count = 0;
}

static void any_call_may_fail(void **state) {
    (void)state;
    run_and(look_at_faults);
}

/* The project's own path leaves less and less room for the names below it; so does a name that is long itself. */
static void look_at_paths(struct ec_driver *d) {
    char dir[EC_PATH_MAX], full[EC_PATH_MAX], staging[EC_PATH_MAX], name[EC_PATH_MAX];
    struct ec_table *t = &d->table[0];
    const char *own_full = t->full, *own_staging = d->staging;
    bool good = false;
    copies(d);
    for (size_t room = 0; room < 160; room++) {
        struct ec_err err = {0};
        memset(dir, '/', sizeof dir);
        memcpy(dir, p->dir, strlen(p->dir));
        dir[sizeof dir - 1 - room] = '\0';
        config.dir = dir;
        memcpy(full, dir, sizeof full);
        memcpy(staging, dir, sizeof staging);
        bool long_full = strlen(dir) + 1 + strlen(t->dir) >= sizeof full, long_staging = strlen(dir) + strlen("/data/staging/") + strlen(d->plan.run) >= sizeof staging;
        if (!long_full) (void)snprintf(full + strlen(dir), sizeof full - strlen(dir), "/%s", t->dir);
        if (!long_staging) (void)snprintf(staging + strlen(dir), sizeof staging - strlen(dir), "/data/staging/%s", d->plan.run);
        t->full = long_full ? own_full : full;
        d->staging = long_staging ? own_staging : staging;
        enum ec_status status = commit(d, NULL, &err);
        assert_true(status == EC_OK || status == EC_IO);
        assert_true(status == EC_OK || strstr(err.message, p->dir)); /* it names the path; the end is cut */
        assert_true(status == EC_OK || !good);
        good = status == EC_OK;
    }
    assert_true(good);
    config.dir = p->dir;
    t->full = own_full;
    d->staging = own_staging;
    struct ec_err err = {0};
    struct ec_input *in2 = (struct ec_input *)(uintptr_t)d->plan.unit[unit_of(d, "sales_2.csv")].input;
    const char *own_path = in2->path;
    options.no_archive = false;
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    in2->path = name;
    assert_int_equal(commit(d, NULL, &err), EC_IO);
    assert_non_null(strstr(err.message, "the path data/raw/aaa"));
    in2->path = own_path;
    const char *own_dir = t->dir;
    t->dir = name;
    err = (struct ec_err){0};
    assert_int_equal(commit(d, NULL, &err), EC_IO);
    assert_non_null(strstr(err.message, "the path aaa"));
    t->dir = own_dir;
}

static void paths_that_are_too_long(void **state) {
    (void)state;
    run_and(look_at_paths);
}

/* Where the table is far away, the log's folder or the name of a version in it has no room. */
static void look_at_the_log(struct ec_driver *d) {
    char full[EC_PATH_MAX];
    struct ec_table *t = &d->table[0];
    const char *own_full = t->full;
    size_t added = t->added_count;
    copies(d);
    t->added_count = 0; /* no part, whose name would be longer */
    t->delta->file_count = 1;
    t->removed[0] = true;
    for (size_t room = 0; room < 48; room++) {
        struct ec_err err = {0};
        memset(full, '/', sizeof full);
        memcpy(full, own_full, strlen(own_full));
        full[sizeof full - 1 - room] = '\0';
        t->full = full;
        enum ec_status status = commit(d, NULL, &err);
        bool fits = room >= sizeof "_delta_log/00000000000000000001.json" - 1; /* `full` ends with a slash */
        assert_int_equal(status, fits ? EC_OK : EC_IO);
        assert_true(fits || strstr(err.message, "the path "));
    }
    t->removed[0] = false;
    t->full = own_full;
    t->added_count = added;
}

static void a_log_that_is_too_far_away(void **state) {
    (void)state;
    run_and(look_at_the_log);
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "worker") == 0) return project_worker(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_manifest_of_a_run, begin, end),
        cmocka_unit_test_setup_teardown(files_that_are_not_loaded, begin, end),
        cmocka_unit_test_setup_teardown(members_and_objects, begin, end),
        cmocka_unit_test_setup_teardown(tables_that_did_not_change, begin, end),
        cmocka_unit_test_setup_teardown(an_append_only_table, begin, end),
        cmocka_unit_test_setup_teardown(a_long_list_for_the_archive, begin, end),
        cmocka_unit_test_setup_teardown(a_signal_or_another_writer, begin, end),
        cmocka_unit_test_setup_teardown(any_call_may_fail, begin, end),
        cmocka_unit_test_setup_teardown(paths_that_are_too_long, begin, end),
        cmocka_unit_test_setup_teardown(a_log_that_is_too_far_away, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
