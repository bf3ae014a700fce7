/* The quarantine put in place: what is there before, what cannot be read or written, and any call that fails. */
#include "../faulty_io.h"
#include "../odd_io.h"
#include "../scratch.h"
#include "run/paths.h"
#include "run/place.h"

#define EARLIER "20250717_120000-00000001"
#define RUN     "20250718_120000-00000002"
#define Q       "data/quality/quarantine/sales/"
#define STAGED  "data/staging/" RUN "/"

static struct ec_io real;

static int no_fsync(int fd) {
    (void)fd;
    return 0;
}

static int set_up(void **state) {
    (void)state;
    real = ec_io;
    ec_io.fsync = no_fsync;
    return scratch_make("place");
}

static int tear_down(void **state) {
    (void)state;
    ec_io = real;
    return scratch_remove();
}

/* Three files: one range, two ranges, and one of which nothing was rejected; a fourth was not read. */
static struct ec_manifest_move moves[] = {{STAGED "t1/q", Q "one.csv.jsonl"}, {STAGED "t2/q", Q "two.csv.jsonl"}, {STAGED "t3/q", Q "two.csv.jsonl"}};
static struct ec_unit units[4];

static struct ec_manifest manifest(void) {
    return (struct ec_manifest){.seq = 2, .run = RUN, .quarantine = moves, .quarantine_count = 3};
}

static struct ec_run_facts facts(void) {
    static const char *const names[] = {"one.csv", "two.csv", "none.csv", "unread.csv"}, *const paths[] = {"data/raw/one.csv", "data/raw/two.csv", "none.csv", "unread.csv"};
    for (size_t i = 0; i < 4; i++) {
        units[i] = (struct ec_unit){.source_name = "sales", .label = names[i], .path = paths[i]};
        memset(units[i].sha256, 'a', EC_SHA256_HEX - 1);
    }
    units[3].status = EC_UNREADABLE;
    return (struct ec_run_facts){.unit = units, .unit_count = 4};
}

static void stage(void) {
    write_text(STAGED "t1/q", "{\"run\":\"" RUN "\"}\n");
    write_text(STAGED "t2/q", "{\"run\":\"" RUN "\",\"line\":2}\n");
    write_text(STAGED "t3/q", "{\"run\":\"" RUN "\",\"line\":9}\n");
}

static enum ec_status place_in(const char *project, struct ec_err *err) {
    struct ec_manifest m = manifest();
    struct ec_run_facts f = facts();
    struct ec_durable *d;
    EC_TRY(ec_durable_create(&d, err));
    enum ec_status status = ec_place_quarantine(project, &m, &f, d, err);
    if (status == EC_OK) status = ec_durable_commit(d, err);
    ec_durable_destroy(d);
    return status;
}

static void expect_placed(void) {
    expect_text(Q "one.csv.jsonl", "{\"run\":\"" RUN "\"}\n");
    expect_text(Q "two.csv.jsonl", "{\"run\":\"" RUN "\",\"line\":2}\n{\"run\":\"" RUN "\",\"line\":9}\n");
    assert_false(ec_path_exists(below(Q "none.csv.jsonl")));
    assert_false(ec_path_exists(below(Q "unread.csv.jsonl")));
}

static void ranges_become_one_file(void **state) {
    (void)state;
    stage();
    for (int again = 0; again < 2; again++) { /* as after a crash */
        assert_int_equal(place_in(root, NULL), EC_OK);
        expect_placed();
    }
}

/* ---- what an earlier run left ---- */

static void keep_earlier(const char *text) {
    assert_int_equal(ec_dir_remove(root, false, NULL), EC_OK);
    stage();
    write_text(Q "none.csv.jsonl", "{\"run\":\"" EARLIER "\"}\n");
    write_text(Q "one.csv.jsonl", text);
}

static struct ec_manifest_input input_of(const char *source, const char *path, const char *member, const char *sha256) {
    return (struct ec_manifest_input){.source = source, .path = path, .member = member, .sha256 = sha256, .rules = "r", .drop = 1};
}

static void publish_earlier(const struct ec_manifest_input *input) {
    struct ec_manifest m = {.seq = 1, .run = EARLIER, .program = "0", .config = "c", .input = (struct ec_manifest_input *)(uintptr_t)input, .input_count = 1};
    assert_int_equal(ec_dir_make(below(EC_DIR_RUNS), NULL), EC_OK);
    assert_int_equal(ec_manifest_publish(root, &m, NULL), EC_OK);
}

/* Only what the same bytes of the same file gave is judged anew; all else is kept under its run's name. */
static void the_same_bytes_replace_and_others_are_kept(void **state) {
    (void)state;
    static const char same[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const struct ec_manifest_input earlier[] = {input_of("sales", "one.csv", NULL, same),      input_of("logs", "one.csv", NULL, same),
                                                input_of("sales", "other.csv", NULL, same),    input_of("sales", "one.csv", "member", same),
                                                input_of("sales", "one.csv", NULL, "another"), input_of("sales", "one.csv", NULL, NULL)};
    for (size_t i = 0; i < sizeof earlier / sizeof *earlier; i++) {
        keep_earlier("{\"run\":\"" EARLIER "\"}\n");
        publish_earlier(&earlier[i]);
        assert_int_equal(place_in(root, NULL), EC_OK);
        expect_placed();
        assert_int_equal(ec_path_exists(below(Q "one.csv." EARLIER ".jsonl")), i != 0);
    }
    keep_earlier("{\"run\":\"" EARLIER "\"}\n"); /* among others */
    struct ec_manifest m = {.seq = 1, .run = EARLIER, .program = "0", .config = "c", .input = (struct ec_manifest_input *)(uintptr_t)earlier, .input_count = 6};
    assert_int_equal(ec_dir_make(below(EC_DIR_RUNS), NULL), EC_OK);
    assert_int_equal(ec_manifest_publish(root, &m, NULL), EC_OK);
    assert_int_equal(place_in(root, NULL), EC_OK);
    assert_false(ec_path_exists(below(Q "one.csv." EARLIER ".jsonl")));
}

static void a_member_of_an_archive(void **state) {
    (void)state;
    static const char same[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static const char *const members[] = {"m", "other"};
    for (size_t i = 0; i < 2; i++) {
        const struct ec_manifest_input earlier = input_of("sales", "one.csv", members[i], same);
        keep_earlier("{\"run\":\"" EARLIER "\"}\n");
        publish_earlier(&earlier);
        struct ec_manifest m = manifest();
        struct ec_run_facts f = facts();
        struct ec_durable *d;
        f.unit[0].member = "m";
        f.unit_count = 1;
        assert_int_equal(ec_durable_create(&d, NULL), EC_OK);
        assert_int_equal(ec_place_quarantine(root, &m, &f, d, NULL), EC_OK);
        ec_durable_destroy(d);
        assert_int_equal(ec_path_exists(below(Q "one.csv." EARLIER ".jsonl")), i == 1);
        f.unit[0].sha256[0] = '\0'; /* not known: nothing is known to be the same */
        keep_earlier("{\"run\":\"" EARLIER "\"}\n");
        publish_earlier(&earlier);
        assert_int_equal(ec_durable_create(&d, NULL), EC_OK);
        assert_int_equal(ec_place_quarantine(root, &m, &f, d, NULL), EC_OK);
        ec_durable_destroy(d);
        assert_true(ec_path_exists(below(Q "one.csv." EARLIER ".jsonl")));
    }
}

static void what_says_no_run_of_ours(void **state) {
    (void)state;
    static const char *const texts[] = {"", "notes", "{\"run\":\"20250718", "{\"run\":\"\"}", "{\"run\":\"../x\"}", "{\"run\":\"0-0\"}",
                                        "{\"run\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
                                        "{\"run\":\"01234567890123456789012345678901234567890123456789012345678901234\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        bool known = strstr(texts[i], "0-0") != NULL;
        keep_earlier(texts[i]);
        assert_int_equal(place_in(root, NULL), EC_OK);
        expect_placed();
        expect_text(known ? Q "one.csv.0-0.jsonl" : Q "one.csv.earlier.jsonl", texts[i]);
    }
}

static void an_earlier_manifest_that_is_damaged(void **state) {
    (void)state;
    struct ec_err err = {0};
    keep_earlier("{\"run\":\"" EARLIER "\"}\n");
    write_text("data/runs/00000001.json", "{");
    assert_int_equal(place_in(root, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "is damaged"));
    expect_text(Q "one.csv.jsonl", "{\"run\":\"" EARLIER "\"}\n"); /* nothing was moved */
}

/* Set aside before, by a run that ended between link() and unlink(). */
static void set_aside_already(void **state) {
    (void)state;
    keep_earlier("{\"run\":\"" EARLIER "\"}\n");
    assert_int_equal(link(below(Q "one.csv.jsonl"), below(Q "one.csv." EARLIER ".jsonl")), 0);
    assert_int_equal(place_in(root, NULL), EC_OK);
    expect_placed();
    expect_text(Q "one.csv." EARLIER ".jsonl", "{\"run\":\"" EARLIER "\"}\n");
}

static void what_cannot_be_moved_is_named(void **state) {
    (void)state;
    static const struct {
        enum odd_call call;
        const char *path;
        int cause;
        enum ec_status status;
        const char *message;
    } cases[] = {{ODD_LINK, "one.csv." EARLIER, EIO, EC_DELIVERY, "cannot set "},
                 {ODD_UNLINK, Q "one.csv.jsonl", EIO, EC_DELIVERY, "cannot set "},
                 {ODD_FSYNC, "quarantine/sales", EIO, EC_IO, "cannot sync the folder"},
                 {ODD_READ, Q "one.csv.jsonl", EIO, EC_UNREADABLE, "cannot read"},
                 {ODD_OPEN, Q "one.csv.jsonl", EACCES, EC_UNREADABLE, "cannot open"},
                 {ODD_LINK, "t1/q", ENOSPC, EC_DISK_FULL, "cannot place "},
                 {ODD_OPEN, "t3/q", EIO, EC_UNREADABLE, "cannot open"},
                 {ODD_READ, "t3/q", EIO, EC_UNREADABLE, "cannot read"},
                 {ODD_WRITE, ".two.csv", ENOSPC, EC_DISK_FULL, "cannot write"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_err err = {0};
        keep_earlier("{\"run\":\"" EARLIER "\"}\n");
        odd_begin(cases[i].call, cases[i].path, cases[i].cause);
        enum ec_status status = place_in(root, &err);
        assert_true(odd_end());
        assert_int_equal(status, cases[i].status);
        if (!strstr(err.message, cases[i].message)) fail_msg("'%s' is not in '%s'", cases[i].message, err.message);
        assert_int_equal(place_in(root, NULL), EC_OK);
        expect_placed();
        expect_text(Q "one.csv." EARLIER ".jsonl", "{\"run\":\"" EARLIER "\"}\n");
    }
}

static void a_folder_in_the_way(void **state) {
    (void)state;
    struct ec_err err = {0};
    stage();
    assert_int_equal(ec_dir_make(below(Q "one.csv.jsonl"), NULL), EC_OK);
    assert_int_equal(place_in(root, &err), EC_UNREADABLE);
    assert_non_null(strstr(err.message, "is not a regular file"));
}

/* Each call, and in builds whose arenas are plain memory each allocation, fails in turn; the next try puts all in place. */
static void any_call_may_fail(void **state) {
    (void)state;
    const struct ec_manifest_input earlier = input_of("sales", "one.csv", NULL, "another");
    for (unsigned mode = 0; mode <= FAULTY_AFTER; mode++) {
        bool hit = true;
        for (unsigned at = 1; hit; at++) {
            struct ec_err err = {0};
            keep_earlier("{\"run\":\"" EARLIER "\"}\n");
            publish_earlier(&earlier);
            faulty_begin(mode, at);
            enum ec_status status = place_in(root, &err);
            hit = faulty_end();
            assert_true(hit || status == EC_OK);
            assert_true(status == EC_OK || err.message[0] != '\0');
            if (status == EC_OK) expect_placed();
            assert_int_equal(place_in(root, NULL), EC_OK);
            expect_placed();
            expect_text(Q "one.csv." EARLIER ".jsonl", "{\"run\":\"" EARLIER "\"}\n");
            assert_true(at < 400);
        }
    }
}

/* The project's own path leaves less and less room for the names below it. */
static void paths_that_are_too_long(void **state) {
    (void)state;
    char project[EC_PATH_MAX];
    bool placed = false;
    for (size_t room = 0; room < 96; room++) {
        struct ec_err err = {0};
        keep_earlier("{\"run\":\"" EARLIER "\"}\n");
        memset(project, '/', sizeof project);
        memcpy(project, root, strlen(root));
        project[sizeof project - 1 - room] = '\0';
        enum ec_status status = place_in(project, &err);
        assert_true(status == EC_OK || status == EC_IO || status == EC_DELIVERY);
        assert_true(status == EC_OK || strstr(err.message, root)); /* it names the path; the end is cut */
        assert_true(status == EC_OK || !placed); /* with more room than enough it goes well */
        placed = status == EC_OK;
        assert_int_equal(place_in(root, NULL), EC_OK);
        expect_placed();
        expect_text(Q "one.csv." EARLIER ".jsonl", "{\"run\":\"" EARLIER "\"}\n");
    }
    assert_true(placed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ranges_become_one_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_bytes_replace_and_others_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_member_of_an_archive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_says_no_run_of_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_earlier_manifest_that_is_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(set_aside_already, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_moved_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_in_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_call_may_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(paths_that_are_too_long, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
