/* Stages and parts: what is within what, sums that fit, and what does not fit at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ec_timing timing;

/* Some time that both clocks see. */
static void work(void) {
    int64_t until = ec_process_cpu_nanos() + 200000;
    while (ec_process_cpu_nanos() < until) {
    }
}

static void stage(const char *name) {
    ec_timing_begin(&timing, name);
    work();
    ec_timing_end(&timing);
}

static void stages_within_stages(void **state) {
    (void)state;
    ec_timing_init(&timing);
    stage("plan");
    ec_timing_begin(&timing, "models");
    stage("a");
    stage("b");
    stage("a");
    ec_timing_count(&timing, 7, 70);
    ec_timing_end(&timing);
    stage("a"); /* of the same name, and another: it is not within models */
    static const struct {
        const char *name;
        unsigned depth, times;
        size_t parent;
    } want[] = {{"plan", 0, 1, SIZE_MAX}, {"models", 0, 1, SIZE_MAX}, {"a", 1, 2, 1}, {"b", 1, 1, 1}, {"a", 0, 1, SIZE_MAX}};
    assert_int_equal(timing.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(timing.stage[i].name, want[i].name);
        assert_int_equal(timing.stage[i].depth, want[i].depth);
        assert_int_equal(timing.stage[i].times, want[i].times);
        assert_int_equal(timing.stage[i].parent, want[i].parent);
    }
    assert_int_equal(timing.stage[1].rows, 7);
    assert_int_equal(timing.stage[1].bytes, 70);
}

/* The parts of a whole are never more than the whole. */
static void sums_fit(void **state) {
    (void)state;
    ec_timing_init(&timing);
    stage("plan");
    ec_timing_begin(&timing, "models");
    for (int i = 0; i < 3; i++) {
        stage("a");
        stage("b");
    }
    ec_timing_end(&timing);
    work(); /* in no stage */
    struct ec_time_spent whole = ec_timing_whole(&timing), rest = ec_timing_rest(&timing, &whole);
    const struct ec_time_spent *models = &timing.stage[1].spent, *a = &timing.stage[2].spent, *b = &timing.stage[3].spent;
    assert_true(a->cpu_ns >= 3 * 200000 && b->cpu_ns >= 3 * 200000);
    assert_true(a->wall_ns + b->wall_ns <= models->wall_ns);
    assert_true(a->cpu_ns + b->cpu_ns <= models->cpu_ns);
    assert_true(rest.wall_ns > 0 && rest.cpu_ns >= 200000 && rest.child_cpu_ns == 0);
    assert_true(timing.stage[0].spent.wall_ns + models->wall_ns + rest.wall_ns == whole.wall_ns);
    assert_true(timing.stage[0].spent.cpu_ns + models->cpu_ns + rest.cpu_ns == whole.cpu_ns);
}

static void waiting_for_the_disk(void **state) {
    (void)state;
    char path[] = "/tmp/ecluse-timing-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    ec_timing_init(&timing);
    ec_timing_begin(&timing, "commits");
    assert_int_equal(ec_sync(fd), 0);
    assert_int_equal(ec_sync(fd), 0);
    ec_timing_end(&timing);
    stage("alert");
    assert_int_equal(timing.stage[0].spent.syncs, 2);
    assert_true(timing.stage[0].spent.sync_ns > 0 && timing.stage[0].spent.sync_ns <= timing.stage[0].spent.wall_ns);
    assert_int_equal(timing.stage[1].spent.syncs, 0);
    assert_int_equal(ec_io.close(fd), 0);
    assert_int_equal(ec_io.unlink(path), 0);
}

/* More stages than there is room for, deeper than they may be, longer names: nothing is lost but detail. */
static void what_has_no_room(void **state) {
    (void)state;
    char name[200];
    ec_timing_init(&timing);
    ec_timing_begin(&timing, "models");
    for (int i = 0; i < 2 * (int)EC_TIMING_STAGES_MAX; i++) {
        (void)snprintf(name, sizeof name, "model-%d", i);
        stage(name);
    }
    ec_timing_begin(&timing, "one too many");
    ec_timing_count(&timing, 5, 0); /* of the stage around it */
    ec_timing_end(&timing);
    ec_timing_end(&timing);
    assert_int_equal(timing.count, EC_TIMING_STAGES_MAX);
    assert_int_equal(timing.stage[0].rows, 5);
    assert_int_equal(timing.stage[0].times, 1);

    ec_timing_init(&timing);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "depth-%d", i);
        ec_timing_begin(&timing, name);
    }
    ec_timing_end(&timing);
    ec_timing_close(&timing); /* as after an error */
    assert_int_equal(timing.count, EC_TIMING_DEPTH_MAX);
    assert_int_equal(timing.depth, 0);
    for (size_t i = 0; i < timing.count; i++) assert_int_equal(timing.stage[i].times, 1);
    ec_timing_end(&timing); /* once too often */

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    stage(name);
    stage(name);
    assert_int_equal(timing.count, EC_TIMING_DEPTH_MAX + 1);
    assert_int_equal(strlen(timing.stage[EC_TIMING_DEPTH_MAX].name), EC_TIMING_NAME_MAX);
}

static void nothing_is_measured_without_one(void **state) {
    (void)state;
    struct ec_time_spent spent = {0};
    ec_timing_begin(NULL, "a");
    ec_timing_count(NULL, 1, 1);
    ec_timing_add(NULL, "b", &spent);
    ec_timing_end(NULL);
    ec_timing_close(NULL);
}

/* Laps leave nothing out: the parts together are the time between the first and the last. */
static void laps_leave_nothing_out(void **state) {
    (void)state;
    struct ec_work_time time = {0};
    struct ec_laps laps;
    ec_laps_start(&laps, &time);
    int64_t start = laps.at_ns;
    for (int i = 0; i < 3; i++) {
        work();
        ec_lap(&laps, EC_WORK_READ);
        work();
        ec_timing_note_sync(50000, 1); /* as if the disk had been waited for */
        ec_lap(&laps, EC_WORK_ENCODE);
    }
    int64_t elapsed = ec_laps_stop(&laps), sum = 0;
    for (int i = 0; i < EC_WORK_PARTS; i++) sum += time.part_ns[i];
    assert_true(sum == elapsed && elapsed == laps.at_ns - start);
    assert_int_equal(time.part_ns[EC_WORK_SYNC], 3 * 50000);
    assert_true(time.part_ns[EC_WORK_READ] >= 3 * 200000 && time.part_ns[EC_WORK_ENCODE] >= 3 * 150000);
    assert_true(time.cpu_ns >= 6 * 200000);

    int64_t cpu = time.cpu_ns;
    ec_work_time_set_aside(&time);
    assert_true(time.again_ns == sum && time.again_cpu_ns == cpu && time.cpu_ns == 0);
    struct ec_work_time other = {.cpu_ns = 1, .part_ns = {1, 2, 3}, .again_ns = 4, .again_cpu_ns = 5};
    ec_work_time_add(&time, &other);
    assert_true(time.cpu_ns == 1 && time.part_ns[2] == 3 && time.again_ns == sum + 4 && time.again_cpu_ns == cpu + 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_within_stages),
        cmocka_unit_test(sums_fit),
        cmocka_unit_test(waiting_for_the_disk),
        cmocka_unit_test(what_has_no_room),
        cmocka_unit_test(nothing_is_measured_without_one),
        cmocka_unit_test(laps_leave_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
