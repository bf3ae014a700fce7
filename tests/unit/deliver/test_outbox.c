/* What waits and what is known of it: kept whole, through torn lines; told once, repeated when it is time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/calendar.h"
#include "base/io.h"
#include "deliver/deliver.h"
#include "deliver/journal.h"
#include "deliver/outbox.h"

#include <errno.h>
#include <stdlib.h>

#define HOUR_US INT64_C(3600000000)

static char dir[64];

static void put_file(const char *name) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(ec_file_replace(path, "x", 1, NULL), EC_OK);
}

static bool is_there(const char *name) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return ec_path_exists(path);
}

static int make_dir(void **state) {
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/ec-outbox-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

static void waiting_doubles_up_to_six_hours(void **state) {
    (void)state;
    static const int64_t expected[] = {60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 21600, 21600};
    for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) assert_int_equal(ec_backoff_s(i + 1), expected[i]);
    assert_int_equal(ec_backoff_s(0), 60);
    assert_int_equal(ec_backoff_s(4000000000u), 21600);
}

static void a_message_comes_back_as_it_was_put(void **state) {
    (void)state;
    static const char payload[] = "Subject: x\r\n\r\n\"=\xC3\xA9\\ </script>\r\n.\r\n";
    struct ec_message m = {.id = "r1.smtp", .run = "r1", .name = "smtp", .type = "smtp", .target = "smtp://a:1 to b@c", .kind = "problem",
                           .severity = "error", .created_us = 7, .attempts = 2, .next_us = 9, .error = "no", .payload = EC_STR(payload)};
    struct ec_message got, other = m;
    struct ec_arena arena;
    struct ec_outbox outbox;
    struct ec_err err = {0};
    ec_arena_init(&arena, EC_MESSAGE_MAX * 4);
    assert_int_equal(ec_outbox_list(dir, &outbox, NULL), EC_OK); /* no folder: nothing waits */
    assert_int_equal(outbox.count, 0);
    ec_outbox_deinit(&outbox);
    assert_int_equal(ec_outbox_put(dir, &m, &err), EC_OK);
    other.payload = EC_STR("another");
    assert_int_equal(ec_outbox_put(dir, &other, &err), EC_OK); /* one of that id is there: it stays */
    assert_int_equal(ec_outbox_load(dir, "r1.smtp", &arena, &got, &err), EC_OK);
    assert_int_equal(got.payload.n, sizeof payload - 1);
    assert_memory_equal(got.payload.p, payload, sizeof payload - 1);
    assert_int_equal(got.attempts, 2);
    assert_int_equal(got.next_us, 9);
    assert_string_equal(got.error, "no");
    got.attempts = 3;
    assert_int_equal(ec_outbox_update(dir, &got, &err), EC_OK);
    assert_int_equal(ec_outbox_load(dir, "r1.smtp", &arena, &got, &err), EC_OK);
    assert_int_equal(got.attempts, 3);
    assert_int_equal(ec_outbox_list(dir, &outbox, NULL), EC_OK);
    assert_int_equal(outbox.count, 1);
    assert_string_equal(outbox.id[0], "r1.smtp");
    ec_outbox_deinit(&outbox);
    assert_int_equal(ec_outbox_remove(dir, "r1.smtp", &err), EC_OK);
    assert_int_equal(ec_outbox_remove(dir, "r1.smtp", &err), EC_OK); /* gone is gone */
    assert_int_equal(ec_outbox_load(dir, "r1.smtp", &arena, &got, &err), EC_DELIVERY);
    ec_err_clear(&err);
    assert_int_equal(ec_outbox_remove(dir, "../evil", &err), EC_DELIVERY);
    int first, second;
    assert_int_equal(ec_outbox_lock(dir, &first, NULL), EC_OK);
    assert_int_equal(ec_outbox_lock(dir, &second, NULL), EC_LOCKED);
    ec_outbox_unlock(first);
    ec_arena_deinit(&arena);
}

static struct ec_journal_line line(int64_t hour, const char *id, const char *status, const char *kind, const char *problem) {
    static const char *list[8];
    static size_t at;
    size_t k = at++ % 8;
    list[k] = problem;
    return (struct ec_journal_line){.at_us = hour * HOUR_US, .id = id, .run = "r", .type = "smtp", .name = "a", .target = "t", .status = status,
                                    .kind = kind, .severity = "error", .problem = &list[k], .problem_count = problem ? 1 : 0};
}

static void put(const struct ec_journal_line *l) {
    struct ec_err err = {0};
    assert_int_equal(ec_journal_append(dir, l, &err), EC_OK);
}

static struct ec_alert_state state_now(struct ec_journal *j, const char *id) {
    struct ec_alert_state s;
    assert_int_equal(ec_journal_read(dir, j, NULL), EC_OK);
    ec_journal_state(j, "a", id, &s);
    return s;
}

static void the_state_is_that_of_the_lines(void **state) {
    (void)state;
    struct ec_journal j;
    struct ec_journal_line l = line(1, "1.a", "pending", "problem", "users/score");
    assert_false(state_now(&j, "1.a").known);
    ec_journal_deinit(&j);
    put(&l);
    l = line(1, "1.a", "pending", "attempt", NULL);
    put(&l);
    l = line(2, "t.a", "pending", "test", NULL);
    put(&l);
    struct ec_alert_state s = state_now(&j, "1.a");
    assert_true(s.known && !s.sent);
    assert_int_equal(s.told_us, HOUR_US);
    assert_int_equal(s.problem_count, 1);
    assert_string_equal(s.problem[0], "users/score");
    ec_journal_deinit(&j);
    l = line(3, "1.a", "sent", "problem", NULL);
    put(&l);
    s = state_now(&j, "1.a");
    assert_true(s.sent && s.told_us == HOUR_US && s.problem_count == 1);
    ec_journal_deinit(&j);
    l = line(4, "1.a", "failed", "problem", NULL); /* nobody was told */
    put(&l);
    assert_int_equal(state_now(&j, NULL).told_us, 0);
    ec_journal_deinit(&j);
}

static void a_torn_line_costs_that_line(void **state) {
    (void)state;
    struct ec_journal j;
    struct ec_err err = {0};
    char path[128];
    struct ec_journal_line l = line(1, "1.a", "pending", "problem", "users/score");
    put(&l);
    (void)snprintf(path, sizeof path, "%s/data/quality/alerts.jsonl", dir);
    struct ec_buf text = ec_buf_make(65536);
    assert_int_equal(ec_file_load(path, &text, &err), EC_OK);
    size_t whole = text.n;
    for (size_t cut = 0; cut < whole; cut++) {
        ec_buf_clear(&text);
        assert_int_equal(ec_dir_remove(dir, false, NULL), EC_OK);
        put(&l);
        assert_int_equal(ec_file_load(path, &text, &err), EC_OK);
        assert_int_equal(ec_file_replace(path, text.p, text.n - 1 - cut, &err), EC_OK);
        struct ec_journal_line next = line(2, "2.a", "pending", "problem", "sales/score");
        put(&next);
        struct ec_alert_state s = state_now(&j, "2.a");
        assert_true(s.known);
        assert_string_equal(s.problem[0], "sales/score");
        ec_journal_deinit(&j);
    }
    ec_buf_free(&text);
}

static enum ec_alert_decision decide(const char *problem, const char *source, int64_t hour, const struct ec_alert_state *before, size_t *open) {
    const char *out[EC_PROBLEMS_MAX];
    struct ec_alert_question q = {.problem = &problem, .problem_count = problem ? 1 : 0, .source = &source, .source_count = 1,
                                  .now_us = hour * HOUR_US, .repeat_us = 4 * HOUR_US, .recovery = true};
    return ec_alert_decide(&q, before, out, open);
}

static void decisions(void **state) {
    (void)state;
    struct ec_alert_state none = {0}, told = {.problem = {"users/score"}, .problem_count = 1, .told_us = 10 * HOUR_US};
    size_t open;
    assert_int_equal(decide(NULL, "users", 11, &none, &open), EC_TELL_NOTHING);
    assert_int_equal(decide("users/score", "users", 11, &none, &open), EC_TELL_PROBLEM);
    assert_int_equal(open, 1);
    assert_int_equal(decide("users/score", "users", 11, &told, &open), EC_TELL_SUPPRESS);
    assert_int_equal(decide("users/score", "users", 14, &told, &open), EC_TELL_PROBLEM); /* it is time */
    assert_int_equal(decide("users/score", "users", 9, &told, &open), EC_TELL_PROBLEM);  /* the clock was set back */
    assert_int_equal(decide("users/key", "users", 11, &told, &open), EC_TELL_PROBLEM);   /* another one */
    assert_int_equal(open, 1);
    assert_int_equal(decide("sales/score", "sales", 11, &told, &open), EC_TELL_PROBLEM);
    assert_int_equal(open, 2); /* nothing was read of users */
    assert_int_equal(decide(NULL, "sales", 11, &told, &open), EC_TELL_NOTHING);
    assert_int_equal(decide(NULL, "users", 11, &told, &open), EC_TELL_RECOVERY);
    assert_int_equal(open, 0);
    told.told_us = 0; /* given up */
    assert_int_equal(decide("users/score", "users", 11, &told, &open), EC_TELL_PROBLEM);
    const char *out[EC_PROBLEMS_MAX], *many[200];
    char text[200][16];
    for (size_t i = 0; i < 200; i++) {
        (void)snprintf(text[i], sizeof text[i], "users/%zu", i);
        many[i] = text[i];
    }
    struct ec_alert_question q = {.problem = many, .problem_count = 200, .repeat_us = HOUR_US};
    assert_int_equal(ec_alert_decide(&q, &none, out, &open), EC_TELL_PROBLEM);
    assert_int_equal(open, EC_PROBLEMS_MAX);
    assert_string_equal(out[EC_PROBLEMS_MAX - 1], "more");
}

static void what_a_crash_left_is_removed(void **state) {
    (void)state;
    int lock;
    ec_outbox_sweep(dir); /* no folder: it is not made */
    assert_false(is_there("data"));
    assert_int_equal(ec_outbox_lock(dir, &lock, NULL), EC_OK);
    put_file("data/alerts/r1.smtp.json");
    put_file("data/alerts/.r2.smtp.json.17.5af3.tmp");
    ec_outbox_sweep(dir); /* another process sends: what it writes is its own */
    assert_true(is_there("data/alerts/.r2.smtp.json.17.5af3.tmp"));
    ec_outbox_unlock(lock);
    ec_outbox_sweep(dir);
    assert_false(is_there("data/alerts/.r2.smtp.json.17.5af3.tmp"));
    assert_true(is_there("data/alerts/r1.smtp.json"));
    assert_true(is_there("data/alerts/.lock"));
    assert_int_equal(ec_outbox_lock(dir, &lock, NULL), EC_OK); /* and let go of the lock */
    ec_outbox_unlock(lock);
}

/* ---- names that a failed run left unsynced */

static struct ec_io real;

/* Of a folder; files are as durable as they say. */
static int no_folder_is_synced(int fd) {
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode)) return real.fsync(fd);
    errno = EIO;
    return -1;
}

static enum ec_status pending(void) {
    struct ec_config config = {0}; /* which has no such alert: the message waits */
    struct ec_deliver_options options = {.project = dir, .config = &config};
    struct ec_deliver_outcome outcome;
    struct ec_buf problems = ec_buf_make(EC_MIB);
    enum ec_status status = ec_deliver_pending(&options, &outcome, &problems, NULL);
    ec_buf_free(&problems);
    return status;
}

/* A run whose sync of data/alerts failed left a message there; the next one may not say that all is well before it is on
 * the disk. */
static void a_message_that_waits_is_confirmed(void **state) {
    (void)state;
    struct ec_message m = {.id = "r1.a", .run = "r1", .name = "a", .type = "webhook", .target = "t", .kind = "problem", .severity = "error",
                           .created_us = ec_now_micros(), .payload = EC_STR("x")};
    assert_int_equal(ec_outbox_put(dir, &m, NULL), EC_OK);
    real = ec_io;
    ec_io.fsync = no_folder_is_synced;
    enum ec_status status = pending();
    ec_io = real;
    assert_int_equal(status, EC_IO);
    assert_int_equal(pending(), EC_OK);
}

static void a_line_in_an_old_journal_is_confirmed(void **state) {
    (void)state;
    struct ec_journal_line l = line(1, "r1.a", "sent", "problem", "sales/failed");
    put(&l);
    real = ec_io;
    ec_io.fsync = no_folder_is_synced;
    enum ec_status status = ec_journal_append(dir, &l, NULL);
    ec_io = real;
    assert_int_equal(status, EC_IO);
    put(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_doubles_up_to_six_hours),
        cmocka_unit_test_setup_teardown(a_message_comes_back_as_it_was_put, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(the_state_is_that_of_the_lines, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_torn_line_costs_that_line, make_dir, remove_dir),
        cmocka_unit_test(decisions),
        cmocka_unit_test_setup_teardown(a_message_that_waits_is_confirmed, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_line_in_an_old_journal_is_confirmed, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(what_a_crash_left_is_removed, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
