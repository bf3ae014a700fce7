/* Every code that users can meet is explained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cli/explain_text.h"

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

/* `ecluse explain CODE` could not tell them apart. */
static void no_code_means_two_things(void **state) {
    (void)state;
    for (int i = 0; i < EC_STATUS_COUNT; i++)
        for (int k = 0; k < EC_REASON_COUNT; k++)
            assert_string_not_equal(ec_status_text((enum ec_status)i)->slug, ec_reason_text((enum ec_reason)k)->slug);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_an_example),
        cmocka_unit_test(every_reason_has_an_example_and_a_remedy),
        cmocka_unit_test(no_code_means_two_things),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
