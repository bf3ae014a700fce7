/* Which language the environment asks for; what is looked up, and what is not found. */
#include "base/err.h"
#include "base/language.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void asks(const char *locale, const char *list, enum ec_language expected) {
    assert_int_equal(ec_language_of(locale, list), expected);
}

static void test_locale(void **state) {
    (void)state;
    asks("fr_FR.UTF-8", NULL, EC_LANGUAGE_FR);
    asks("fr", NULL, EC_LANGUAGE_FR);
    asks("fr_CA", NULL, EC_LANGUAGE_FR);
    asks("fr_BE@euro", NULL, EC_LANGUAGE_FR);
    asks("fr.UTF-8", "", EC_LANGUAGE_FR);
    asks("en_GB.UTF-8", NULL, EC_LANGUAGE_EN);
    asks("de_DE.UTF-8", NULL, EC_LANGUAGE_EN); /* one that we do not have */
    asks("frr_DE.UTF-8", NULL, EC_LANGUAGE_EN); /* North Frisian is not French */
    asks("C", NULL, EC_LANGUAGE_EN);
    asks("POSIX", NULL, EC_LANGUAGE_EN);
    asks("C.UTF-8", NULL, EC_LANGUAGE_EN);
    asks("", NULL, EC_LANGUAGE_EN);
    asks(NULL, NULL, EC_LANGUAGE_EN);
}

static void test_list(void **state) {
    (void)state;
    asks("en_US.UTF-8", "fr", EC_LANGUAGE_FR);
    asks("fr_FR.UTF-8", "en:fr", EC_LANGUAGE_EN);
    asks("en_US.UTF-8", "de:it:fr_CA:en", EC_LANGUAGE_FR);
    asks("fr_FR.UTF-8", "de:it", EC_LANGUAGE_FR); /* none of the list: the locale's own */
    asks("C.UTF-8", "fr", EC_LANGUAGE_FR);
    asks("en_US.UTF-8", ":::fr", EC_LANGUAGE_FR);
    asks("C", "fr", EC_LANGUAGE_EN); /* gettext's rule: C has no language */
    asks("POSIX", "fr", EC_LANGUAGE_EN);
    asks(NULL, "fr", EC_LANGUAGE_EN);
}

static void test_hostile(void **state) {
    (void)state;
    char *long_one = malloc(100001);
    assert_non_null(long_one);
    memset(long_one, 'f', 100000);
    long_one[100000] = '\0';
    asks("../../etc", NULL, EC_LANGUAGE_EN);
    asks("fr/../../etc/passwd", NULL, EC_LANGUAGE_EN);
    asks("/etc/passwd", "/etc/passwd:../fr", EC_LANGUAGE_EN);
    asks("%s%n%s", "%n:%s", EC_LANGUAGE_EN);
    asks("\xFF\xFE", "\xFF:\x80", EC_LANGUAGE_EN);
    asks(long_one, long_one, EC_LANGUAGE_EN);
    free(long_one);
}

static void set(const char *name, const char *value) {
    if (value) (void)setenv(name, value, 1);
    else (void)unsetenv(name);
}

static enum ec_language with(const char *all, const char *messages, const char *lang, const char *list) {
    set("LC_ALL", all);
    set("LC_MESSAGES", messages);
    set("LANG", lang);
    set("LANGUAGE", list);
    ec_language_init();
    return ec_language();
}

static void test_precedence(void **state) {
    (void)state;
    assert_int_equal(with(NULL, NULL, "fr_FR.UTF-8", NULL), EC_LANGUAGE_FR);
    assert_int_equal(with("en_US.UTF-8", "fr_FR.UTF-8", "fr_FR.UTF-8", NULL), EC_LANGUAGE_EN);
    assert_int_equal(with(NULL, "fr_FR.UTF-8", "en_US.UTF-8", NULL), EC_LANGUAGE_FR);
    assert_int_equal(with("", "", "fr_FR.UTF-8", ""), EC_LANGUAGE_FR); /* empty is not set */
    assert_int_equal(with("C", "fr_FR.UTF-8", "fr_FR.UTF-8", "fr"), EC_LANGUAGE_EN);
    assert_int_equal(with(NULL, NULL, NULL, NULL), EC_LANGUAGE_EN);
}

static void test_lookup(void **state) {
    (void)state;
    ec_language_set(EC_LANGUAGE_FR);
    assert_string_equal(_("Run again."), "Relancez.");
    const char *missing = "a sentence that no catalogue has";
    assert_ptr_equal(ec_tr(missing), missing);
    assert_string_equal(ec_tr(""), ""); /* the key of the catalogue's header */
    ec_language_set(EC_LANGUAGE_EN);
    const char *english = "Run again.";
    assert_ptr_equal(ec_tr(english), english);
}

static void test_plural(void **state) {
    (void)state;
    ec_language_set(EC_LANGUAGE_FR);
    assert_string_equal(P_("row", "rows", 0), "ligne");
    assert_string_equal(P_("row", "rows", 1), "ligne");
    assert_string_equal(P_("row", "rows", 2), "lignes");
    assert_string_equal(P_("goose", "geese", 0), "geese"); /* nobody translated it: English, by English rules */
    ec_language_set(EC_LANGUAGE_EN);
    assert_string_equal(P_("row", "rows", 0), "rows");
    assert_string_equal(P_("row", "rows", 1), "row");
    assert_string_equal(P_("row", "rows", 1000000), "rows");
}

static void test_figure(void **state) {
    (void)state;
    char out[64], small[8];
    ec_language_set(EC_LANGUAGE_FR);
    assert_string_equal(ec_language_figure("1,234,567.5", out, sizeof out), "1\u202F234\u202F567,5");
    (void)ec_language_figure("1,234,567,890.5", small, sizeof small);
    assert_true(strlen(small) < sizeof small);
    ec_language_set(EC_LANGUAGE_EN);
    assert_string_equal(ec_language_figure("1,234,567.5", out, sizeof out), "1,234,567.5");
}

static void *ask(void *answer) {
    *(enum ec_language *)answer = ec_language();
    return NULL;
}

static void test_swap(void **state) {
    (void)state;
    ec_language_set(EC_LANGUAGE_FR);
    assert_int_equal(ec_language_swap(EC_LANGUAGE_EN), EC_LANGUAGE_FR);
    assert_string_equal(_("Run again."), "Run again.");
    enum ec_language others = EC_LANGUAGE_COUNT;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask, &others), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(others, EC_LANGUAGE_FR); /* another thread's errors stay in the run's language */
    assert_int_equal(ec_language_swap(EC_LANGUAGE_FR), EC_LANGUAGE_EN);
    assert_string_equal(_("Run again."), "Relancez.");
    ec_language_set(EC_LANGUAGE_EN);
    assert_int_equal(ec_language(), EC_LANGUAGE_EN);
}

/* The formats of errors are translated, and the system's words with them, whatever locales the machine has. */
static void test_error(void **state) {
    (void)state;
    struct ec_err err = {0};
    ec_language_set(EC_LANGUAGE_FR);
    errno = ENOENT;
    assert_int_equal(ec_fail_errno(&err, EC_IO, "cannot open %s", "data/raw"), EC_IO);
    assert_string_equal(err.message, "impossible d’ouvrir data/raw\u00A0: Aucun fichier ou dossier de ce nom");
    ec_err_context(&err, "the model %s", "sales_kpi");
    assert_string_equal(err.message, "le modèle sales_kpi\u00A0: impossible d’ouvrir data/raw\u00A0: Aucun fichier ou dossier de ce nom");
    ec_language_set(EC_LANGUAGE_EN);
    ec_err_clear(&err);
    errno = ENOENT;
    assert_int_equal(ec_fail_errno(&err, EC_IO, "cannot open %s", "data/raw"), EC_IO);
    assert_string_equal(err.message, "cannot open data/raw: No such file or directory");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locale),     cmocka_unit_test(test_list),   cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_precedence), cmocka_unit_test(test_lookup), cmocka_unit_test(test_plural),
        cmocka_unit_test(test_figure),     cmocka_unit_test(test_error),  cmocka_unit_test(test_swap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
