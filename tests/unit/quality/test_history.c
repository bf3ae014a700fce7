/* The history: a line per run and file, once, whatever is repeated or damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "quality/history.h"
#include "sample.h"

#include <errno.h>
#include <stdlib.h>

static char dir[64], path[128];

static int setup(void **state) {
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/ec-history-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/history.jsonl", dir);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

static void make_run(struct ec_run_facts *run, const char *id, size_t units) {
    static const char *const members[] = {"a.json.gz", "b.json.gz", "c.json.gz"};
    ec_run_facts_init(run);
    run->run = id;
    run->seq = 3;
    run->started_us = 1755524045000000;
    run->finished_us = 1755524046400000;
    run->unit = ec_arena_calloc(&run->arena, units, sizeof *run->unit);
    run->unit_count = units;
    for (size_t i = 0; i < units; i++) {
        sample_unit(&run->unit[i], "data/raw/api.zip", members[i]);
        sample_facts(&run->unit[i].facts);
    }
    run->unit[units - 1].status = EC_ZIP_DAMAGED;
}

static void load(struct ec_buf *out) {
    ec_buf_clear(out);
    assert_int_equal(ec_file_load(path, out, NULL), EC_OK);
}

static void publishing_twice_adds_nothing(void **state) {
    (void)state;
    struct ec_run_facts run, second;
    struct ec_buf once = ec_buf_make(EC_MIB), twice = ec_buf_make(EC_MIB);
    make_run(&run, "r1", 3);
    run.unit_count = 1; /* a crash after the first file's line */
    assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
    run.unit_count = 3;
    assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
    load(&once);
    assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
    load(&twice);
    assert_string_equal(once.p, twice.p);
    make_run(&second, "r12", 2); /* its id holds the first's */
    assert_int_equal(ec_history_append(path, &second, NULL, NULL, NULL), EC_OK);
    assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
    load(&twice);
    size_t lines = 0;
    for (size_t i = 0; i < twice.n; i++) lines += twice.p[i] == '\n';
    assert_int_equal(lines, 5);
    assert_memory_equal(once.p, twice.p, once.n);

    struct ec_history history;
    assert_int_equal(ec_history_read(path, EC_HISTORY_WHOLE, &history, NULL), EC_OK);
    assert_int_equal(history.run_count, 2);
    assert_int_equal(history.damaged, 0);
    assert_string_equal(history.run[0].run, "r1");
    assert_string_equal(history.run[0].started, "2025-08-18T13:34:05Z");
    assert_true(history.run[0].seconds == 1.4);
    assert_int_equal(history.run[0].files, 3);
    assert_int_equal(history.run[0].read, 400);
    assert_int_equal(history.run[0].accepted, 372);
    assert_int_equal(history.run[0].quarantined, 24);
    assert_int_equal(history.run[0].duplicate, 4);
    assert_int_equal(history.run[0].status, EC_VERDICT_ERRORED);
    assert_true(history.run[0].score == 96.5);
    assert_int_equal(history.run[1].read, 200);
    ec_history_deinit(&history);
    ec_run_facts_deinit(&run);
    ec_run_facts_deinit(&second);
    ec_buf_free(&once);
    ec_buf_free(&twice);
}

static void a_damaged_line_is_counted_and_kept(void **state) {
    (void)state;
    static const char torn[] = "not json\n{\"run\":\"r0\"}\n{\"run\":\"r0\",\"sta";
    assert_int_equal(ec_file_replace(path, torn, sizeof torn - 1, NULL), EC_OK);
    struct ec_run_facts run;
    make_run(&run, "r1", 2);
    assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
    struct ec_history history;
    assert_int_equal(ec_history_read(path, EC_HISTORY_WHOLE, &history, NULL), EC_OK);
    assert_int_equal(history.damaged, 3);
    assert_int_equal(history.run_count, 1);
    assert_int_equal(history.run[0].files, 2);
    struct ec_buf text = ec_buf_make(EC_MIB);
    load(&text);
    assert_memory_equal(text.p, torn, sizeof torn - 1);
    ec_buf_free(&text);
    ec_history_deinit(&history);
    ec_run_facts_deinit(&run);
}

static void no_file_is_an_empty_history(void **state) {
    (void)state;
    struct ec_history history;
    assert_int_equal(ec_history_read(path, EC_HISTORY_WHOLE, &history, NULL), EC_OK);
    assert_int_equal(history.run_count, 0);
    ec_history_deinit(&history);
}

static int refuse(int fd) {
    (void)fd;
    errno = ENOSPC;
    return -1;
}

static void a_full_disk_leaves_the_history_whole(void **state) {
    (void)state;
    struct ec_run_facts run;
    struct ec_buf before = ec_buf_make(EC_MIB), after = ec_buf_make(EC_MIB);
    make_run(&run, "r1", 2);
    assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
    load(&before);
    run.run = "r2";
    struct ec_io saved = ec_io;
    ec_io.fsync = refuse;
    enum ec_status status = ec_history_append(path, &run, NULL, NULL, NULL);
    ec_io = saved;
    assert_int_equal(status, EC_DISK_FULL);
    load(&after);
    assert_string_equal(before.p, after.p);
    ec_run_facts_deinit(&run);
    ec_buf_free(&before);
    ec_buf_free(&after);
}

/* Sixty runs of three files: the old ones are added up to a line each, the sums stay, the newest keep their lines. */
static void old_runs_are_added_up(void **state) {
    (void)state;
    enum { RUNS = 60 };
    for (unsigned i = 1; i <= RUNS; i++) {
        struct ec_run_facts run;
        char id[32];
        (void)snprintf(id, sizeof id, "run-%04u", i);
        make_run(&run, id, 3);
        run.seq = i;
        run.unit[0].facts.money_known = true;
        run.unit[0].facts.money_e4 = 125000 + i;
        run.resources = (struct ec_resource_facts){.known = true, .cpu_seconds = 1.5, .peak_memory_bytes = 1000 + i};
        assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
        if (i == 1) assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
        ec_run_facts_deinit(&run);
    }
    struct ec_buf text = ec_buf_make(EC_MIB);
    load(&text);
    size_t lines = 0, compacted = 0;
    for (size_t i = 0; i < text.n; i++) {
        lines += text.p[i] == '\n';
        compacted += (i == 0 || text.p[i - 1] == '\n') && strncmp(text.p + i, "{\"files\":3,", 11) == 0;
    }
    assert_in_range(compacted, RUNS - EC_HISTORY_RUNS_DETAILED - EC_HISTORY_SLACK, RUNS - EC_HISTORY_RUNS_DETAILED);
    assert_int_equal(lines, compacted + 3 * (RUNS - compacted));

    struct ec_history history;
    assert_int_equal(ec_history_read(path, EC_HISTORY_WHOLE, &history, NULL), EC_OK);
    assert_int_equal(history.damaged, 0);
    assert_int_equal(history.run_count, RUNS);
    assert_int_equal(history.point_count, RUNS);
    for (size_t i = 0; i < RUNS; i++) {
        const struct ec_history_run *r = &history.run[i];
        assert_true(r->seq == i + 1 && r->files == 3 && r->read == 400 && r->accepted == 372 && r->quarantined == 24);
        assert_true(r->status == EC_VERDICT_ERRORED && r->score == 96.5);
        assert_true(r->money_known && r->money_e4 == 125001 + (int64_t)i);
        assert_true(r->resources.known && r->resources.cpu_seconds == 1.5 && r->resources.peak_memory_bytes == 1001 + i);
        const struct ec_history_point *p = &history.point[i];
        assert_int_equal(p->detailed, i >= compacted);
        if (!p->detailed) continue;
        const struct ec_history_count *c = ec_history_find(&p->check, "age.min_value");
        assert_true(c && c->part == 2 && c->rest == 368);
        c = ec_history_find(&p->column, "age");
        assert_true(c && c->part == 32 && c->rest == 368);
    }
    ec_history_deinit(&history);

    /* The file that was read once is added to as if it were read again, and its history is of before. */
    struct ec_history_file file;
    struct ec_buf twice = ec_buf_make(EC_MIB);
    struct ec_run_facts last;
    make_run(&last, "run-0061", 3);
    last.seq = RUNS + 1;
    assert_int_equal(ec_history_open(path, &file, NULL), EC_OK);
    assert_int_equal(ec_history_append(path, &last, &file, NULL, NULL), EC_OK);
    assert_int_equal(file.history.run_count, RUNS);
    ec_history_close(&file);
    load(&twice);
    assert_true(twice.n > text.n);
    assert_memory_equal(twice.p, text.p, text.n);
    assert_int_equal(ec_history_append(path, &last, NULL, NULL, NULL), EC_OK);
    ec_buf_clear(&text);
    load(&text);
    assert_string_equal(twice.p, text.p);
    ec_buf_free(&twice);
    ec_run_facts_deinit(&last);

    /* A run whose lines were added up is published again: nothing is added. */
    struct ec_buf again = ec_buf_make(EC_MIB);
    struct ec_run_facts run;
    make_run(&run, "run-0001", 3);
    assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
    load(&again);
    assert_string_equal(text.p, again.p);
    ec_run_facts_deinit(&run);
    ec_buf_free(&again);
    ec_buf_free(&text);
}

/* Past the most that there may be, and some slack, the oldest go. */
static void the_oldest_runs_go(void **state) {
    (void)state;
    for (unsigned n = EC_HISTORY_RUNS_MAX + EC_HISTORY_SLACK - 1; n <= EC_HISTORY_RUNS_MAX + EC_HISTORY_SLACK; n++) {
        struct ec_buf text = ec_buf_make(64 * EC_MIB);
        for (unsigned i = 1; i <= n; i++) /* as they are once they were added up */
            ec_buf_printf(&text, "{\"files\":1,\"passed\":1,\"run\":\"run-%05u\",\"seq\":%u,\"started\":\"2025-08-18T13:34:05Z\",\"source\":\"users\",\"status\":\"passed\"}\n", i, i);
        assert_int_equal(ec_file_replace(path, text.p, text.n, NULL), EC_OK);
        struct ec_run_facts run;
        struct ec_history history;
        make_run(&run, "run-99999", 2);
        run.seq = n + 1;
        assert_int_equal(ec_history_append(path, &run, NULL, NULL, NULL), EC_OK);
        ec_run_facts_deinit(&run);
        assert_int_equal(ec_history_read(path, EC_HISTORY_FIGURES, &history, NULL), EC_OK);
        bool cut = n + 1 > EC_HISTORY_RUNS_MAX + EC_HISTORY_SLACK;
        assert_int_equal(history.run_count, cut ? EC_HISTORY_RUNS_MAX : n + 1);
        assert_string_equal(history.run[0].run, cut ? "run-00012" : "run-00001");
        assert_string_equal(history.run[history.run_count - 1].run, "run-99999");
        ec_history_deinit(&history);
        ec_buf_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(publishing_twice_adds_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_line_is_counted_and_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(old_runs_are_added_up, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_runs_go, setup, teardown),
        cmocka_unit_test_setup_teardown(no_file_is_an_empty_history, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_the_history_whole, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
