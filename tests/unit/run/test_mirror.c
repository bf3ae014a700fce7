/* Tables that follow those of a project, in a store that lives in this program: each of its calls can fail, do its work and
 * say that it failed, or find what another writer has put there meanwhile. Whatever happened, no version lies there before
 * its parts, none is another's bytes, and the next run brings what is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../faulty_io.h"
#include "mirror_fixture.h"

/* ---- what is put */

static void a_table_is_brought_there(void **state) {
    (void)state;
    const struct ec_mirror_table *t = delivered(SALES);
    assert_int_equal(t->status, EC_OK);
    assert_int_equal(t->found, -1);
    assert_int_equal(t->there, 2);
    assert_int_equal(t->parts, 4);
    assert_int_equal(t->parts_put, 4);
    check_store(SALES, 2);
    assert_int_equal(store.count, 7);
}

static void what_is_there_is_not_put_again(void **state) {
    (void)state;
    (void)delivered(SALES);
    commit(SALES, 3, "e");
    for (size_t i = 0; i < store.count; i++) store.object[i].mtime_us = 5;
    const struct ec_mirror_table *t = delivered(SALES);
    assert_int_equal(t->found, 2);
    assert_int_equal(t->there, 3);
    assert_int_equal(t->parts_put, 1);
    assert_int_equal(store.count, 9);
    for (size_t i = 0; i < 7; i++) assert_int_equal(store.object[i].mtime_us, 5);
}

static void a_store_that_has_all_is_not_asked(void **state) {
    (void)state;
    (void)delivered(SALES);
    store.calls = 0;
    const struct ec_mirror_table *t = delivered(SALES);
    assert_int_equal(store.calls, 0);
    assert_true(t->believed);
    assert_int_equal(t->there, 2);
    assert_int_equal(ec_mirror_believed(dir, ADDRESS, SALES), 2);
    assert_int_equal(ec_mirror_believed(dir, ADDRESS, "kpi/none"), -1);
    assert_int_equal(ec_mirror_believed(dir, "s3://lake/other", SALES), -1);
}

/* A part that was vacuumed here is not missed where a version before removes it. */
static void parts_that_are_gone(void **state) {
    (void)state;
    assert_int_equal(unlink(path_of("data/processed/" SALES "/day=1/a.parquet")), 0);
    const struct ec_mirror_table *t = delivered(SALES);
    assert_int_equal(t->status, EC_OK);
    assert_int_equal(t->there, 2);
    assert_null(find(part_of(SALES, "a")));
    empty_store();
    assert_int_equal(unlink(path_of("data/runs/store.json")), 0);
    assert_int_equal(unlink(path_of("data/processed/" SALES "/day=1/d.parquet")), 0);
    t = delivered(SALES);
    assert_int_equal(t->status, EC_TABLE_FORMAT);
    assert_non_null(strstr(t->message, "d.parquet"));
    assert_int_equal(store.count, 0);
}

/* A part whose name another file has, or which cannot be read here: no version that names it, or follows. The other tables
 * are followed all the same. */
static void no_version_without_its_parts(void **state) {
    static const enum ec_status faults[] = {EC_COMMIT_CONFLICT, EC_FILE_CHANGED, EC_UNREADABLE, EC_IO};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        assert_int_equal(new_project(state), 0);
        store.refused = "c.parquet";
        store.fault = faults[i];
        commit("kpi/daily", 0, "x");
        assert_int_equal(delivered(SALES)->status, faults[i]);
        assert_int_equal(newest_there(SALES), -1);
        assert_int_equal(newest_there("kpi/daily"), 0);
        store.refused = NULL;
        assert_int_equal(delivered(SALES)->status, EC_OK);
        check_store(SALES, 2);
    }
}

/* ---- other writers */

static void refused(int there, const char *words) {
    size_t before = store.count;
    const struct ec_mirror_table *t = delivered(SALES);
    assert_int_equal(t->status, EC_COMMIT_CONFLICT);
    assert_non_null(strstr(t->message, words));
    assert_int_equal(newest_there(SALES), there);
    assert_int_equal(store.count, before);
    assert_int_equal(ec_mirror_believed(dir, ADDRESS, SALES), -1);
}

static void another_log_is_left_as_it_is(void **state) {
    (void)state;
    put_bytes(version_of(SALES, 0), "another's", 9);
    refused(0, "version 0");
    commit("kpi/daily", 0, "x");
    (void)delivered(SALES);
    assert_int_equal(newest_there("kpi/daily"), 0); /* the others are followed all the same */
}

static void same_length_is_not_the_same(void **state) {
    (void)state;
    (void)delivered(SALES);
    find(version_of(SALES, 2))->p[3] ^= 1;
    assert_int_equal(unlink(path_of("data/runs/store.json")), 0);
    refused(2, "version 2");
    find(version_of(SALES, 2))->p[3] ^= 1;
    find(version_of(SALES, 0))->p[3] ^= 1;
    refused(2, "version 0");
}

static void a_longer_log_is_another(void **state) {
    (void)state;
    (void)delivered(SALES);
    assert_int_equal(unlink(path_of("data/runs/store.json")), 0);
    put_bytes(version_of(SALES, 3), "{}\n", 3);
    refused(3, "version 3");
}

static void a_gap_is_told(void **state) {
    (void)state;
    (void)delivered(SALES);
    assert_int_equal(unlink(path_of("data/runs/store.json")), 0);
    drop(version_of(SALES, 1));
    refused(0, "somebody removed it");
}

/* Between the look and the put. */
static void a_name_that_is_taken_meanwhile(void **state) {
    (void)state;
    store.stolen = "00000001.json";
    const struct ec_mirror_table *t = delivered(SALES);
    assert_int_equal(t->status, EC_COMMIT_CONFLICT);
    assert_int_equal(t->there, 0);
    assert_null(find(version_of(SALES, 2)));
    assert_memory_equal(find(version_of(SALES, 1))->p, "of another", 10);
}

/* A table that was made anew here has the same versions, and other bytes. */
static void what_was_believed_of_another_table_is_asked(void **state) {
    (void)state;
    (void)delivered(SALES);
    commit(SALES, 2, "e");
    assert_int_equal(delivered(SALES)->status, EC_COMMIT_CONFLICT);
    assert_null(find(part_of(SALES, "e")));
}

/* ---- data/runs/store.json */

static void a_state_that_cannot_be_read_saves_nothing(void **state) {
    (void)state;
    static const char *const texts[] = {"", "{", "null", "[]", "{\"store\":\"" ADDRESS "\"}", "{\"store\":1,\"tables\":[]}",
        "{\"store\":\"" ADDRESS "\",\"tables\":[1]}", "{\"store\":\"" ADDRESS "\",\"tables\":[{\"table\":\"" SALES "\",\"version\":2}]}",
        "{\"store\":\"" ADDRESS "\",\"tables\":[{\"table\":\"" SALES "\",\"version\":\"2\",\"sha256\":\"\"}]}",
        "{\"store\":\"" ADDRESS "\",\"store\":\"" ADDRESS "\",\"tables\":[]}",
        "{\"store\":\"" ADDRESS "\",\"tables\":[{\"table\":\"" SALES "\",\"version\":2,\"sha256\":\"0000\"}]}",
        "{\"store\":\"" ADDRESS "\",\"tables\":[{\"table\":\"" SALES "\",\"version\":-9223372036854775808,\"sha256\":\"0000\"}]}"};
    (void)delivered(SALES);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file("data/runs/store.json", texts[i]);
        store.calls = 0;
        const struct ec_mirror_table *t = delivered(SALES);
        assert_int_equal(t->status, EC_OK);
        assert_false(t->believed);
        assert_true(store.calls > 0);
        assert_int_equal(t->parts_put, 0);
        assert_int_equal(ec_mirror_believed(dir, ADDRESS, SALES), 2); /* and it is written anew */
    }
    check_store(SALES, 2);
}

/* A table that was not reached keeps what is known of it. */
static void a_store_that_is_down_takes_nothing_away(void **state) {
    (void)state;
    struct ec_err err = {0};
    commit("kpi/daily", 0, "x");
    (void)delivered(SALES);
    commit(SALES, 3, "e");
    store.calls = 0;
    store.fails_at = 1;
    assert_int_equal(deliver(&err), EC_REMOTE);
    assert_int_equal(ec_mirror_believed(dir, ADDRESS, "kpi/daily"), 0);
    assert_int_equal(ec_mirror_believed(dir, ADDRESS, SALES), 2);
    store.fails_at = 0;
    assert_int_equal(delivered(SALES)->there, 3);
}

/* ---- checkpoints */

static void put_checkpoint(int version, const char *last) {
    char name[256];
    (void)snprintf(name, sizeof name, "data/processed/" SALES "/_delta_log/%020d.checkpoint.parquet", version);
    write_file(name, "a checkpoint");
    write_file("data/processed/" SALES "/_delta_log/_last_checkpoint", last);
}

#define LAST ADDRESS "/" SALES "/_delta_log/_last_checkpoint"

static void a_checkpoint_follows_its_version(void **state) {
    (void)state;
    put_checkpoint(2, "{\"version\":2,\"size\":4}");
    (void)delivered(SALES);
    assert_int_equal(store.count, 9);
    assert_int_equal(place(LAST), 8); /* behind what it names */
    assert_true(place(version_of(SALES, 2)) < 7);
}

static void checkpoints_that_are_not_put(void **state) {
    (void)state;
    static const char *const last[] = {"", "{", "{\"version\":-1}", "{\"version\":\"2\"}", "{\"version\":2,\"parts\":3}", "{\"version\":7}"};
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        assert_int_equal(new_project(state), 0);
        put_checkpoint(2, last[i]);
        assert_int_equal(delivered(SALES)->status, EC_OK);
        assert_null(find(LAST));
        check_store(SALES, 2);
    }
}

/* ---- orphans */

static void orphans_are_what_no_version_names(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_orphans orphans = {0};
    struct ec_mirror_options options = options_of();
    (void)delivered(SALES);
    commit(SALES, 3, "later"); /* is named here, and on its way */
    put_bytes(part_of(SALES, "later"), "x", 1);
    put_bytes(part_of(SALES, "foreign"), "x", 1);
    put_bytes(part_of(SALES, "young"), "x", 1);
    find(part_of(SALES, "young"))->mtime_us = 5000;
    put_bytes(ADDRESS "/" SALES "/day=1/.b.parquet._COPYING_", "x", 1);
    put_bytes(ADDRESS "/" SALES "/notes.txt", "x", 1);
    put_bytes(ADDRESS "/" SALES "/_delta_log/00000000000000000002.checkpoint.parquet", "x", 1);
    options.look_only = true;
    options.orphans = &orphans;
    options.remove_before_us = 4000;
    ec_mirror_free(&mirror);
    ok(ec_mirror_tables(&options, &mirror, &err), &err);
    assert_int_equal(orphans.count, 3);
    for (size_t i = 0; i < orphans.count; i++) {
        bool young = strcmp(orphans.orphan[i].address, part_of(SALES, "young")) == 0;
        assert_int_equal(orphans.orphan[i].removed, !young);
        assert_int_equal(find(orphans.orphan[i].address) != NULL, young);
    }
    assert_non_null(find(part_of(SALES, "later")));
    assert_non_null(find(ADDRESS "/" SALES "/notes.txt"));
    check_store(SALES, 2);
    ec_orphans_free(&orphans);
}

/* A table that is not there yet has none: what lies there may be on its way. */
static void a_table_on_its_way_has_no_orphans(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_orphans orphans = {0};
    struct ec_mirror_options options = options_of();
    put_bytes(part_of(SALES, "foreign"), "x", 1);
    options.look_only = true;
    options.orphans = &orphans;
    options.remove_before_us = INT64_MAX;
    ec_mirror_free(&mirror);
    ok(ec_mirror_tables(&options, &mirror, &err), &err);
    assert_int_equal(orphans.count, 0);
    assert_int_equal(store.count, 1);
    ec_orphans_free(&orphans);
}

/* ---- whatever fails */

/* Each call of the store fails in turn, before and after its work: what is there is whole, and the next run ends it. */
static void each_call_of_the_store_fails_in_turn(void **state) {
    unsigned failed = 0;
    for (int works = 0; works < 2; works++) {
        bool hit = true;
        for (unsigned at = 1; hit; at++) {
            struct ec_err err = {0};
            assert_int_equal(new_project(state), 0);
            put_checkpoint(2, "{\"version\":2}");
            store.fails_at = at;
            store.works = works;
            enum ec_status status = deliver(&err);
            hit = store.calls >= at;
            failed += status == EC_REMOTE;
            assert_true(status == EC_REMOTE || status == EC_OK);
            check_store(SALES, newest_there(SALES));
            if (status == EC_OK) assert_int_equal(newest_there(SALES), 2); /* a checkpoint that failed is no failure */
            assert_true(ec_mirror_believed(dir, ADDRESS, SALES) <= newest_there(SALES));
            store.fails_at = 0;
            assert_int_equal(delivered(SALES)->status, EC_OK);
            check_store(SALES, 2);
            assert_int_equal(ec_mirror_believed(dir, ADDRESS, SALES), 2);
        }
    }
    assert_true(failed > 15);
}

/* The same for the calls of this machine, and its memory. */
static void each_call_of_this_machine_fails_in_turn(void **state) {
    for (unsigned mode = 0; mode < FAULTY_MODES; mode++) {
        bool hit = true;
        for (unsigned at = 1; hit; at++) {
            struct ec_err err = {0};
            assert_int_equal(new_project(state), 0);
            struct ec_mirror_options options = options_of();
            ec_mirror_free(&mirror);
            mirror = (struct ec_mirror){0};
            faulty_begin(mode, at);
            enum ec_status status = ec_mirror_tables(&options, &mirror, &err);
            hit = faulty_end();
            (void)status;
            check_store(SALES, newest_there(SALES));
            assert_true(ec_mirror_believed(dir, ADDRESS, SALES) <= newest_there(SALES));
            assert_int_equal(delivered(SALES)->status, EC_OK);
            check_store(SALES, 2);
        }
    }
}

static bool at_once(void) { return true; }

static void it_can_be_interrupted(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_mirror_options options = options_of();
    options.cancelled = at_once;
    ec_mirror_free(&mirror);
    assert_int_equal(ec_mirror_tables(&options, &mirror, &err), EC_INTERRUPTED);
    assert_int_equal(store.count, 0);
}

static void addresses(void **state) {
    (void)state;
    struct ec_err err = {0};
    assert_int_equal(ec_mirror_check_address("s3://lake/shop", &err), EC_OK);
    assert_int_equal(ec_mirror_check_address("s3://lake/shop/", &err), EC_USAGE);
    assert_int_not_equal(ec_mirror_check_address("ftp://lake/shop", &err), EC_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_table_is_brought_there, new_project),
        cmocka_unit_test_setup(what_is_there_is_not_put_again, new_project),
        cmocka_unit_test_setup(a_store_that_has_all_is_not_asked, new_project),
        cmocka_unit_test_setup(parts_that_are_gone, new_project),
        cmocka_unit_test_setup(no_version_without_its_parts, new_project),
        cmocka_unit_test_setup(another_log_is_left_as_it_is, new_project),
        cmocka_unit_test_setup(same_length_is_not_the_same, new_project),
        cmocka_unit_test_setup(a_longer_log_is_another, new_project),
        cmocka_unit_test_setup(a_gap_is_told, new_project),
        cmocka_unit_test_setup(a_name_that_is_taken_meanwhile, new_project),
        cmocka_unit_test_setup(what_was_believed_of_another_table_is_asked, new_project),
        cmocka_unit_test_setup(a_state_that_cannot_be_read_saves_nothing, new_project),
        cmocka_unit_test_setup(a_store_that_is_down_takes_nothing_away, new_project),
        cmocka_unit_test_setup(a_checkpoint_follows_its_version, new_project),
        cmocka_unit_test_setup(checkpoints_that_are_not_put, new_project),
        cmocka_unit_test_setup(orphans_are_what_no_version_names, new_project),
        cmocka_unit_test_setup(a_table_on_its_way_has_no_orphans, new_project),
        cmocka_unit_test_setup(each_call_of_the_store_fails_in_turn, new_project),
        cmocka_unit_test_setup(each_call_of_this_machine_fails_in_turn, new_project),
        cmocka_unit_test_setup(it_can_be_interrupted, new_project),
        cmocka_unit_test(addresses),
    };
    int failed = cmocka_run_group_tests(tests, open_folder, remove_folder);
    ec_mirror_free(&mirror);
    return failed;
}
