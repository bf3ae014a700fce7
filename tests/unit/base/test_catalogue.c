/* The reader of .mo files: what is there is found, and nothing is read outside of a damaged one. */
#include "base/catalogue.h"
#include "base/catalogues.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Three texts, sorted; written by hand after the manual's picture. */
static const char *const originals[] = {"", "cat", "row\0rows"};
static const size_t original_bytes[] = {0, 3, 8};
static const char *const translations[] = {"Language: xx\n", "chat", "ligne\0lignes"};
static const size_t translation_bytes[] = {13, 4, 12};

static void put(char *mo, size_t at, size_t value) {
    uint32_t n = (uint32_t)value;
    memcpy(mo + at, &n, sizeof n);
}

static size_t put_text(char *mo, size_t table, size_t i, size_t at, const char *text, size_t n) {
    put(mo, table + 8 * i, n);
    put(mo, table + 8 * i + 4, at);
    memcpy(mo + at, text, n);
    mo[at + n] = '\0';
    return at + n + 1;
}

static struct ec_str make(void) {
    char *mo = calloc(1, 256);
    assert_non_null(mo);
    put(mo, 0, 0x950412deu);
    put(mo, 8, 3);
    put(mo, 12, 28);
    put(mo, 16, 52);
    size_t at = 76;
    for (size_t i = 0; i < 3; i++) at = put_text(mo, 28, i, at, originals[i], original_bytes[i]);
    for (size_t i = 0; i < 3; i++) at = put_text(mo, 52, i, at, translations[i], translation_bytes[i]);
    return (struct ec_str){mo, at};
}

static void test_find(void **state) {
    (void)state;
    struct ec_str mo = make();
    assert_string_equal(ec_catalogue_find(mo, "cat").p, "chat");
    assert_null(ec_catalogue_find(mo, "ca").p);
    assert_null(ec_catalogue_find(mo, "cats").p);
    assert_null(ec_catalogue_find(mo, "zebra").p);
    struct ec_str both = ec_catalogue_find(mo, "row"); /* by its singular */
    assert_int_equal(both.n, 12);
    assert_string_equal(ec_catalogue_form(both, 0), "ligne");
    assert_string_equal(ec_catalogue_form(both, 1), "lignes");
    assert_string_equal(ec_catalogue_form(both, 7), "lignes");
    free((void *)(uintptr_t)mo.p);
}

static void test_damaged(void **state) {
    (void)state;
    struct ec_str mo = make();
    /* Every truncation in memory of its own, so that the sanitizer sees a byte too many. */
    for (size_t n = 0; n < mo.n; n++) {
        char *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, mo.p, n);
        (void)ec_catalogue_find((struct ec_str){cut, n}, "row");
        free(cut);
    }
    /* Every byte another: a miss or a hit, never a read outside. */
    for (size_t i = 0; i < mo.n; i++) {
        char *bent = malloc(mo.n);
        assert_non_null(bent);
        memcpy(bent, mo.p, mo.n);
        bent[i] = (char)(bent[i] ^ 0xFF);
        struct ec_str found = ec_catalogue_find((struct ec_str){bent, mo.n}, "cat");
        if (found.p) assert_true(found.p >= bent && found.p + found.n < bent + mo.n);
        free(bent);
    }
    free((void *)(uintptr_t)mo.p);
}

/* The French catalogue as msgfmt wrote it: its header, and what it says of plurals is what language.c does. */
static void test_own(void **state) {
    (void)state;
    struct ec_str header = ec_catalogue_find(ec_catalogues[0], "");
    assert_non_null(header.p);
    assert_non_null(strstr(header.p, "Language: fr\n"));
    assert_non_null(strstr(header.p, "Plural-Forms: nplurals=2; plural=(n > 1);\n"));
    assert_non_null(strstr(header.p, "charset=UTF-8\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_damaged), cmocka_unit_test(test_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
