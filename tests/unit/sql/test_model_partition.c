/* What a change reaches and what a partition needs: pure rules, on hand-made models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sql/model.h"

static const struct ec_model_table logs = {.name = "logs", .partition_by = "date"};
static const struct ec_model_table sessions = {.name = "sessions", .partition_by = "Date"};
static const struct ec_model_table regions = {.name = "regions", .partition_by = "country"};
static const struct ec_model_table users = {.name = "users"};
static const struct ec_model_table products = {.name = "products"};

static struct ec_model_input inputs[] = {
    {.table = &logs, .reach = EC_REACH_DAYS, .days = 1},
    {.table = &products, .reach = EC_REACH_CURRENT},
    {.table = &regions, .reach = EC_REACH_SAME},
    {.table = &sessions, .reach = EC_REACH_SAME},
    {.table = &users, .reach = EC_REACH_SAME},
};
enum { LOGS, PRODUCTS, REGIONS, SESSIONS, USERS };
static const struct ec_model daily = {.table = {.name = "daily", .partition_by = "date"}, .input = inputs, .input_count = 5};
static const struct ec_model whole = {.table = {.name = "whole"}, .input = inputs, .input_count = 5};

static struct ec_arena arena;

static int open_arena(void **state) {
    (void)state;
    ec_arena_init(&arena, EC_MIB);
    return 0;
}
static int close_arena(void **state) {
    (void)state;
    ec_arena_deinit(&arena);
    return 0;
}

#define CHANGE(name, ...)                                                                      \
    {name, {.value = (const char *[]){__VA_ARGS__}, .count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)}}

static const char *words(const struct ec_partitions *p) {
    if (p->all) return "all";
    const char *text = "";
    for (size_t i = 0; i < p->count; i++)
        text = ec_arena_printf(&arena, "%s%s%s", text, i ? " " : "", p->value[i] ? p->value[i] : "null");
    return text;
}

static void touches(const struct ec_model *model, const struct ec_model_change *change, size_t count, const char *expected) {
    struct ec_partitions touched;
    struct ec_err err = {0};
    if (ec_model_partitions(model, change, count, &arena, &touched, &err) != EC_OK) fail_msg("%s", err.message);
    assert_string_equal(words(&touched), expected);
}

static void changes_reach_their_partitions(void **state) {
    (void)state;
    const struct ec_model_change same[] = {CHANGE("sessions", "2025-07-18", "2025-07-17", "2025-07-18")};
    touches(&daily, same, 1, "2025-07-17 2025-07-18");
    const struct ec_model_change around[] = {CHANGE("logs", "2025-03-01")};
    touches(&daily, around, 1, "2025-02-28 2025-03-01 2025-03-02");
    const struct ec_model_change both[] = {CHANGE("LOGS", "2025-01-01"), CHANGE("sessions", "2025-01-02", "2025-02-01")};
    touches(&daily, both, 2, "2024-12-31 2025-01-01 2025-01-02 2025-02-01");
    const struct ec_model_change nothing[] = {{"sessions", {0}}, CHANGE("unrelated", "2025-01-01")};
    touches(&daily, nothing, 2, "");
}

static void lookups_reach_nothing_and_others_everything(void **state) {
    (void)state;
    const struct ec_model_change lookup[] = {{"products", {.all = true}}};
    touches(&daily, lookup, 1, "");
    const struct ec_model_change unpartitioned[] = {CHANGE("sessions", "2025-01-02"), {"users", {.all = true}}};
    touches(&daily, unpartitioned, 2, "all");
    const struct ec_model_change another_column[] = {CHANGE("regions", "FR")};
    touches(&daily, another_column, 1, "all");
    const struct ec_model_change any[] = {CHANGE("sessions", "2025-01-02")};
    touches(&whole, any, 1, "all");
    touches(&whole, lookup, 1, "");
}

static void the_null_partition_reaches_itself(void **state) {
    (void)state;
    const struct ec_model_change same[] = {CHANGE("sessions", "2025-01-02", NULL)};
    touches(&daily, same, 1, "null 2025-01-02");
    const struct ec_model_change around[] = {CHANGE("logs", NULL)};
    touches(&daily, around, 1, "");
}

static void needs(size_t input, const struct ec_partitions *touched, const char *expected) {
    struct ec_partitions needed;
    struct ec_err err = {0};
    if (ec_model_needs(&daily, input, touched, &arena, &needed, &err) != EC_OK) fail_msg("%s", err.message);
    assert_string_equal(words(&needed), expected);
}

static void partitions_need_their_inputs(void **state) {
    (void)state;
    const struct ec_partitions touched = {.value = (const char *[]){NULL, "2025-01-01", "2025-01-03"}, .count = 3};
    needs(LOGS, &touched, "2024-12-31 2025-01-01 2025-01-02 2025-01-03 2025-01-04");
    needs(PRODUCTS, &touched, "all");
    needs(REGIONS, &touched, "all");
    needs(SESSIONS, &touched, "null 2025-01-01 2025-01-03");
    needs(USERS, &touched, "all");
    const struct ec_partitions all = {.all = true};
    needs(LOGS, &all, "all");
    needs(SESSIONS, &all, "all");
}

static void sets_are_searched(void **state) {
    (void)state;
    const struct ec_partitions some = {.value = (const char *[]){NULL, "a", "c"}, .count = 3};
    assert_true(ec_partitions_have(&some, NULL));
    assert_true(ec_partitions_have(&some, "a"));
    assert_true(ec_partitions_have(&some, "c"));
    assert_false(ec_partitions_have(&some, "b"));
    assert_false(ec_partitions_have(&some, "d"));
    const struct ec_partitions none = {0}, all = {.all = true};
    assert_false(ec_partitions_have(&none, NULL));
    assert_true(ec_partitions_have(&all, "x"));
}

static void a_partition_that_is_no_date_is_an_error(void **state) {
    (void)state;
    const struct ec_model_change change[] = {CHANGE("logs", "yesterday")};
    struct ec_partitions touched;
    struct ec_err err = {0};
    assert_int_equal(ec_model_partitions(&daily, change, 1, &arena, &touched, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "yesterday"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_reach_their_partitions), cmocka_unit_test(lookups_reach_nothing_and_others_everything),
        cmocka_unit_test(the_null_partition_reaches_itself), cmocka_unit_test(partitions_need_their_inputs),
        cmocka_unit_test(sets_are_searched), cmocka_unit_test(a_partition_that_is_no_date_is_an_error),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
