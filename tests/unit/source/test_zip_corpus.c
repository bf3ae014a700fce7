/* libzip's regression archives, good, odd and inconsistent. */
#include "source/discover.h"
#include "drain.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What else may be found: a line that begins with `or`, below the one that says what libzip 1.7 leads to. */
static bool is_alternative(FILE *pins, const char *found) {
    char line[512];
    long at = ftell(pins);
    if (at < 0 || !fgets(line, sizeof line, pins) || strncmp(line, "or ", 3) != 0) return fseek(pins, at, SEEK_SET) != 0;
    line[strcspn(line, "#\n")] = 0;
    for (size_t end = strlen(line); end > 0 && line[end - 1] == ' ';) line[--end] = 0;
    return strcmp(line + 3, found) == 0;
}

/* libzip's archives: the listing's verdict, then each member's. Reasons stand in the file. */
static void regression_archives_are_pinned(void **state) {
    (void)state;
    const char *dir = corpora("zip");
    assert_non_null(dir);
    FILE *pins = fopen(EC_TEST_DATA "/source/zip_corpus.txt", "r");
    assert_non_null(pins);
    char line[512];
    size_t count = 0, wrong = 0;
    while (fgets(line, sizeof line, pins)) {
        line[strcspn(line, "#\n")] = 0;
        size_t end = strlen(line);
        while (end > 0 && line[end - 1] == ' ') line[--end] = 0;
        if (end == 0) continue;
        char found[512], file[700];
        size_t name_n = strcspn(line, " "), n = 0;
        struct ec_arena arena;
        struct ec_zip_member *m;
        snprintf(file, sizeof file, "%s/%.*s", dir, (int)name_n, line);
        ec_arena_init(&arena, 64 * EC_MIB);
        enum ec_status status = ec_zip_list(file, &arena, &m, &n, NULL);
        int at = snprintf(found, sizeof found, "%.*s %s", (int)name_n, line, ec_status_text(status)->slug);
        for (size_t i = 0; i < n; i++) {
            struct drained d = drain_file(file, m[i].name, 1000);
            if (d.status == EC_OK && (d.crc != m[i].crc || d.bytes != m[i].bytes_decoded))
                fail_msg("%s: other bytes", line);
            at += snprintf(found + at, sizeof found - (size_t)at, " %s", ec_status_text(d.status)->slug);
        }
        ec_arena_deinit(&arena);
        bool other = is_alternative(pins, found);
        if (strcmp(found, line) != 0 && !other) wrong++, print_error("expected %s\nfound    %s\n", line, found);
        count++;
    }
    fclose(pins);
    assert_int_equal(wrong, 0);
    assert_int_equal(count, 165);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(regression_archives_are_pinned)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
