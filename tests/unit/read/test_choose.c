/* Which reader a file gets: declarations are believed unless the bytes contradict them. */
#include "read/reader.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEAD(literal) literal, sizeof(literal) - 1

static const struct {
    enum ec_format declared;
    const char *name, *head;
    size_t n;
    enum ec_format chosen; /* EC_FORMAT_AUTO: EC_UNKNOWN_FORMAT */
} cases[] = {
    {EC_FORMAT_CSV, "a.csv", HEAD("a,b\n1,2\n"), EC_FORMAT_CSV},
    {EC_FORMAT_CSV, "a.csv", HEAD("PK_ID,b\n1,2\n"), EC_FORMAT_CSV},
    {EC_FORMAT_CSV, "a.csv", HEAD("{id},b\n1,2\n"), EC_FORMAT_CSV},
    {EC_FORMAT_CSV, "a.csv", HEAD(""), EC_FORMAT_CSV},
    {EC_FORMAT_CSV, "a.csv",
     HEAD("\xff\xfe"
          "a\0,\0"),
     EC_FORMAT_CSV}, /* its reader names the encoding */
    {EC_FORMAT_CSV, "a.csv", HEAD("PK\x03\x04rest"), EC_FORMAT_AUTO},
    {EC_FORMAT_CSV, "a.csv", HEAD("\x1f\x8b\x08\x00"), EC_FORMAT_AUTO},
    {EC_FORMAT_CSV, "a.csv",
     HEAD("\x7f"
          "ELF\0\0"),
     EC_FORMAT_AUTO},
    {EC_FORMAT_CSV, "a.csv", HEAD("\xd0\xcf\x11\xe0rest"), EC_FORMAT_AUTO},
    {EC_FORMAT_AUTO, "a.csv", HEAD("a,b\n"), EC_FORMAT_CSV},
    {EC_FORMAT_AUTO, "A.TXT", HEAD("a\n"), EC_FORMAT_CSV},
    {EC_FORMAT_AUTO, "a.csv.gz", HEAD("a\n"), EC_FORMAT_CSV},
    {EC_FORMAT_AUTO, "drop.dat", HEAD("a,b\n1,2\n"), EC_FORMAT_CSV},
    {EC_FORMAT_AUTO, "drop.dat", HEAD("a b\n1,2\n"), EC_FORMAT_AUTO},
    {EC_FORMAT_AUTO, "drop.dat", HEAD("  \n"), EC_FORMAT_AUTO},
    {EC_FORMAT_AUTO, "a.csv", HEAD("a\0b"), EC_FORMAT_AUTO},
    {EC_FORMAT_JSON, "a.json", HEAD(" \n[{\"a\":1}]"), EC_FORMAT_JSON},
    {EC_FORMAT_JSON, "a.json", HEAD("\xef\xbb\xbf{\"a\":1}\n"), EC_FORMAT_JSON},
    {EC_FORMAT_JSON, "a.json", HEAD("damaged\n {\"a\":1}\n"), EC_FORMAT_JSON},
    {EC_FORMAT_JSON, "a.json", HEAD("\xff\xfe{\0"), EC_FORMAT_JSON},
    {EC_FORMAT_JSON, "a.json", HEAD("\n \n"), EC_FORMAT_JSON},
    {EC_FORMAT_JSON, "a.json", HEAD("a,b\n1,2\n"), EC_FORMAT_AUTO},
    {EC_FORMAT_JSON, "a.json", HEAD("\"text\"\n"), EC_FORMAT_AUTO},
    {EC_FORMAT_JSON, "a.json", HEAD("PK\x03\x04"), EC_FORMAT_AUTO},
    {EC_FORMAT_XLSX, "a.xlsx", HEAD("PK\x03\x04rest"), EC_FORMAT_XLSX},
    {EC_FORMAT_XLSX, "a.xlsx", HEAD("\xd0\xcf\x11\xe0rest"), EC_FORMAT_XLSX}, /* its reader says: protected */
    {EC_FORMAT_XLSX, "a.xlsx", HEAD("a,b\n"), EC_FORMAT_AUTO},
    {EC_FORMAT_XLSX, "a.xlsx", HEAD("{}"), EC_FORMAT_AUTO},
    {EC_FORMAT_AUTO, "products_catalog.xlsx", HEAD("PK\x03\x04rest"), EC_FORMAT_XLSX},
    {EC_FORMAT_AUTO, "a.csv", HEAD("PK\x03\x04rest"), EC_FORMAT_XLSX},
    {EC_FORMAT_AUTO, "a.xlsx", HEAD("\xd0\xcf\x11\xe0rest"), EC_FORMAT_XLSX},
    {EC_FORMAT_AUTO, "drop.dat", HEAD("{\"a\":1}\n"), EC_FORMAT_JSON},
    {EC_FORMAT_AUTO, "a.csv", HEAD("[1]\n"), EC_FORMAT_JSON},
    {EC_FORMAT_AUTO, "a.jsonl.gz", HEAD("damaged\n{\"a\":1}\n"), EC_FORMAT_JSON},
    {EC_FORMAT_AUTO, "drop.dat", HEAD("damaged\n{\"a\":1}\n"), EC_FORMAT_JSON},
    {EC_FORMAT_AUTO, "a.xlsx", HEAD("a,b\n"), EC_FORMAT_AUTO},
    {EC_FORMAT_AUTO, "a.json", HEAD("a,b\n"), EC_FORMAT_AUTO},
};

static void the_format_is_found_by_looking(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_source source = {.name = "s", .format = cases[i].declared};
        const struct ec_reader_type *type = NULL;
        struct ec_err err = {0};
        enum ec_status status = ec_reader_choose(&source, cases[i].name, cases[i].head, cases[i].n, &type, &err);
        enum ec_format chosen = status == EC_OK ? type->format : EC_FORMAT_AUTO;
        if (chosen != cases[i].chosen)
            fail_msg("case %zu (%s): format %d %s", i, cases[i].name, (int)chosen, err.message);
        if (status != EC_OK) {
            assert_int_equal(status, EC_UNKNOWN_FORMAT);
            assert_non_null(strstr(err.message, cases[i].name));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_format_is_found_by_looking)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
