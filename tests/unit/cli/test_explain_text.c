/* Every code that users can meet is explained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cli/explain_text.h"
#include "config/config.h"

#include <string.h>

static void assert_text(const char *slug, const char *text) {
    if (!text || !*text) fail_msg("%s is not explained: add it to src/cli/explain_text.c", slug);
}

static void every_error_has_an_example(void **state) {
    (void)state;
    for (int i = 0; i < EC_STATUS_COUNT; i++) {
        const char *slug = ec_status_text((enum ec_status)i)->slug;
        assert_text(slug, ec_explain_status((enum ec_status)i)->example);
        assert_text(slug, ec_status_text((enum ec_status)i)->remedy);
    }
}

static void every_reason_has_an_example_and_a_remedy(void **state) {
    (void)state;
    for (int i = 0; i < EC_REASON_COUNT; i++) {
        const char *slug = ec_reason_text((enum ec_reason)i)->slug;
        assert_text(slug, ec_explain_reason((enum ec_reason)i)->example);
        assert_text(slug, ec_explain_reason((enum ec_reason)i)->remedy);
    }
}

/* What business_rules.yaml takes, and the checks that a gate makes by itself. */
static void every_kind_of_rule_is_explained(void **state) {
    (void)state;
    static const char *const own[] = {"parse", "type", "unique", "not_null"};
    bool met[EC_RULE_EXPRESSION + 1] = {false};
    size_t keys = 0;
    for (; ec_rule_key(keys); keys++) {
        if (!ec_explain_rule_kind_of(ec_rule_key(keys))) fail_msg("%s is not explained: add it to src/cli/explain_text.c", ec_rule_key(keys));
        met[ec_rule_key_kind(keys)] = true;
    }
    for (size_t i = 0; i < sizeof met / sizeof *met; i++) assert_true(met[i]);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) assert_non_null(ec_explain_rule_kind_of(own[i]));
    size_t kinds = 0;
    for (; ec_explain_rule_kind(kinds); kinds++) {
        const struct ec_rule_explanation *kind = ec_explain_rule_kind(kinds);
        assert_text(kind->key, kind->meaning);
        assert_text(kind->key, kind->example);
        assert_text(kind->key, kind->remedy);
        assert_ptr_equal(ec_explain_rule_kind_of(kind->key), kind);
    }
    assert_int_equal(kinds, keys + 3); /* not_null is both a rule and a check of the schema */
}

static void every_code_has_a_meaning(void **state) {
    (void)state;
    for (int i = 0; i < EC_STATUS_COUNT; i++) assert_text("a status", ec_status_text((enum ec_status)i)->meaning);
    for (int i = 0; i < EC_REASON_COUNT; i++) assert_text("a reason", ec_reason_text((enum ec_reason)i)->meaning);
}

/* `ecluse explain CODE` could not tell them apart. */
static void no_code_means_two_things(void **state) {
    (void)state;
    for (int i = 0; i < EC_STATUS_COUNT; i++)
        for (int k = 0; k < EC_REASON_COUNT; k++)
            assert_string_not_equal(ec_status_text((enum ec_status)i)->slug, ec_reason_text((enum ec_reason)k)->slug);
    for (size_t i = 0; ec_explain_rule_kind(i); i++) {
        assert_int_equal(ec_status_by_slug(ec_explain_rule_kind(i)->key), EC_STATUS_COUNT);
        assert_int_equal(ec_reason_by_slug(ec_explain_rule_kind(i)->key), EC_REASON_COUNT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_an_example),
        cmocka_unit_test(every_reason_has_an_example_and_a_remedy),
        cmocka_unit_test(no_code_means_two_things),
        cmocka_unit_test(every_kind_of_rule_is_explained),
        cmocka_unit_test(every_code_has_a_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
