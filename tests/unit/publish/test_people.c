/* Escaper, alert and summary: what they say, and that no text of others does anything but be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../quality/sample.h"
#include "base/io.h"
#include "publish/alert.h"
#include "publish/html.h"
#include "publish/mask.h"
#include "publish/summary.h"
#include "quality/report.h"

#include <stdlib.h>

/* Holds every character that matters in HTML, a bidirectional override, a NUL's neighbours. */
#define HOSTILE "</td><script>alert(1)</script>&\"'\xE2\x80\xAE" "fdp.exe\x01\n\xFF<img src=x onerror=y>"

static void make_run(struct ec_run_facts *run, bool bad) {
    static struct ec_table_facts tables[] = {{"users", 186, 4}, {"kpi/" HOSTILE, 3, 0}};
    ec_run_facts_init(run);
    run->run = "20250818T133405Z-0001";
    run->seq = 1;
    run->started_us = 1755524045000000;
    run->finished_us = 1755524046400000;
    run->as_of_us = 1755475200000000;
    run->workers = 1;
    run->cpus = 2;
    run->sources = 1;
    run->table = tables;
    run->table_count = 2;
    run->unit = ec_arena_calloc(&run->arena, 5, sizeof *run->unit);
    run->unit_count = bad ? 5 : 2;
    static const char *const paths[] = {"data/raw/users_1.csv", "data/raw/users_2.csv", "data/raw/" HOSTILE,
                                        "data/raw/api_logs.zip", "data/raw/api_logs.zip"};
    for (size_t i = 0; i < run->unit_count; i++) {
        struct ec_unit *unit = &run->unit[i];
        sample_unit(unit, paths[i], i < 3 ? NULL : i == 3 ? "m1.json.gz" : HOSTILE);
        sample_facts(&unit->facts);
        unit->bytes = 77000000 / 5;
    }
    if (bad) {
        run->unit[2].terms.threshold = 99;
        run->unit[2].facts.check[2].sample[0].value = HOSTILE;
        run->unit[2].facts.check[2].id = HOSTILE;
        static const char *drift[] = {HOSTILE};
        run->unit[2].undeclared = drift;
        run->unit[2].undeclared_count = 1;
        run->unit[4].status = EC_GZIP_TRUNCATED;
        run->unit[4].message = "the member " HOSTILE " ends too early";
    }
    assert_int_equal(ec_run_label_units(run, NULL), EC_OK);
    assert_int_equal(ec_run_totals(run, NULL), EC_OK);
}

static size_t count(const char *text, const char *what) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) n++;
    return n;
}

static void the_escaper_leaves_no_markup(void **state) {
    (void)state;
    struct ec_buf b = ec_buf_make(EC_MIB);
    ec_html_value(&b, HOSTILE);
    assert_string_equal(b.p, "<bdi>&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;[U+202E]fdp.exe"
                             "\xE2\x90\x81\xE2\x90\x8A\xEF\xBF\xBD&lt;img src=x onerror=y&gt;</bdi>");
    ec_buf_clear(&b);
    ec_html_text(&b, (struct ec_str){"a\0b\x7F\xC2\x85\xE2\x80\x8B\xEF\xBB\xBF\xF3\xA0\x81\x81\xC3\xA9\xE6\xBC\xA2", 21});
    assert_string_equal(b.p, "a\xE2\x90\x80" "b\xE2\x90\xA1[U+0085][U+200B][U+FEFF][U+E0041]\xC3\xA9\xE6\xBC\xA2");
    ec_buf_clear(&b);
    for (int c = 1; c < 256; c++) { /* every single byte */
        char one = (char)c;
        ec_html_text(&b, (struct ec_str){&one, 1});
    }
    assert_null(strpbrk(b.p, "<>\"'\r\n\t"));
    ec_buf_clear(&b);
    ec_html_value(&b, NULL);
    assert_string_equal(b.p, "<bdi>\xE2\x80\x93</bdi>");
    ec_buf_free(&b);
}

/* The policy lets in one style sheet: the hash is that of the text between its tags. */
static void samples_of_persons_are_masked(void **state) {
    (void)state;
    struct ec_unit unit;
    sample_unit(&unit, "a.csv", NULL);
    sample_facts(&unit.facts);
    assert_true(ec_mask_is_personal("Email"));
    assert_false(ec_mask_is_personal("email_count"));
    assert_true(ec_mask_check(&unit, &unit.facts.check[3]));
    assert_false(ec_mask_check(&unit, &unit.facts.check[2]));
    assert_true(ec_mask_check(&unit, &unit.facts.check[0])); /* a whole record holds the address */
    assert_false(ec_mask_check(&unit, &unit.facts.check[1]));
    static const char *keys[] = {"email"};
    struct ec_source by_email = {.name = "users", .key = keys, .key_count = 1};
    unit.source = &by_email;
    assert_true(ec_mask_check(&unit, &unit.facts.check[1]));
    unit.source = NULL;
    assert_true(ec_mask_check(&unit, &unit.facts.check[1]));
    ec_unit_deinit(&unit);
}

static void an_alert_only_where_something_failed(void **state) {
    (void)state;
    char dir[] = "/tmp/ec-alert-XXXXXX", path[128];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/quality_alert.txt", dir);
    struct ec_run_facts bad, good;
    struct ec_alert_result result;
    struct ec_buf text = ec_buf_make(EC_MIB);
    make_run(&bad, true);
    make_run(&good, false);
    assert_int_equal(ec_alert_publish(dir, &good, NULL, &result, NULL), EC_OK);
    assert_false(result.written);
    assert_false(ec_path_exists(path));
    assert_int_equal(ec_alert_publish(dir, &bad, NULL, &result, NULL), EC_OK);
    assert_true(result.written);
    assert_int_equal(result.files, 2);
    assert_int_equal(ec_file_load(path, &text, NULL), EC_OK);
    const char *first = strstr(text.p, "\n1. data/raw/api_logs.zip, member "), *second = strstr(text.p, "\n2. data/raw/");
    assert_true(first && second && first < second);
    assert_null(strstr(text.p, "\n3. "));
    assert_non_null(strstr(text.p, "Of 5 files, 1 could not be read and 1 failed the quality gate."));
    assert_non_null(strstr(text.p, "What to do: Ask for the file again."));
    assert_non_null(strstr(text.p, "- the score 96.50 is under the threshold 99\n"));
    assert_non_null(strstr(text.p, "validation_report_"));
    assert_null(strstr(text.p, "admin@example.com"));
    for (size_t i = 0; i < text.n; i++) assert_true((unsigned char)text.p[i] >= 0x20 || text.p[i] == '\n');
    assert_int_equal(count(text.p, "<img"), count(text.p, "[U+202E]fdp.exe")); /* no line was forged */
    assert_int_equal(ec_alert_publish(dir, &good, NULL, &result, NULL), EC_OK);
    assert_false(ec_path_exists(path));
    assert_int_equal(ec_dir_remove(dir, true, NULL), EC_OK);
    ec_buf_free(&text);
    ec_run_facts_deinit(&bad);
    ec_run_facts_deinit(&good);
}

static void the_summary_for_people(void **state) {
    (void)state;
    struct ec_run_facts run;
    struct ec_buf text = ec_buf_make(EC_MIB);
    struct ec_archive_facts archive = {"data/archive/archive_20250818_1334.tar.gz", 9, 100, 50, true};
    make_run(&run, false);
    run.archive = &archive;
    run.archive_count = 1;
    assert_int_equal(ec_summary_write(&run, NULL, false, &text, NULL), EC_OK);
    assert_string_equal(text.p, "🧮 1 worker (2 CPUs)   🔎 2 files, 1 source\n"
                                "✅ users: 2 files, 400 rows, 372 accepted, 24 quarantined, 4 duplicates, marked .done\n"
                                "📝 2 validation reports   ⚠ 2 warned, 0 failed, 0 errored\n"
                                "📊 data/quality/dashboard.html\n"
                                "🗜 data/archive/archive_20250818_1334.tar.gz (verified)\n"
                                "✔ done in 1.4 s: 31 MB read, 22 MB/s\n");
    ec_run_facts_deinit(&run);
    make_run(&run, true);
    ec_buf_clear(&text);
    assert_int_equal(ec_summary_write(&run, NULL, false, &text, NULL), EC_OK);
    assert_non_null(strstr(text.p, "❌ users: 3 files, 600 rows"));
    assert_non_null(strstr(text.p, "❌ api_logs.zip: 2 members, 200 rows, 186 accepted, 12 quarantined, 2 duplicates, 1 could not be read\n"));
    assert_non_null(strstr(text.p, "📩 data/quality/quality_alert.txt"));
    run.unit[0].facts.rejected = true; /* what was not loaded is not marked */
    ec_buf_clear(&text);
    assert_int_equal(ec_summary_write(&run, NULL, false, &text, NULL), EC_OK);
    assert_non_null(strstr(text.p, " 1 rejected as a whole\n"));
    assert_null(strstr(text.p, ".done"));
    ec_run_facts_deinit(&run);
    ec_buf_free(&text);
}

static void the_summary_for_programs(void **state) {
    (void)state;
    struct ec_run_facts run;
    struct ec_buf text = ec_buf_make(EC_MIB);
    make_run(&run, true);
    assert_int_equal(ec_summary_write(&run, NULL, true, &text, NULL), EC_OK);
    json_t *doc = json_loads(text.p, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(doc);
    assert_string_equal(json_string_value(json_object_get(doc, "status")), "errored");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(doc, "rows"), "read")), 800);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(doc, "files"), "warned")), 3);
    json_t *unit = json_array_get(json_object_get(doc, "units"), 4);
    assert_true(json_is_null(json_object_get(unit, "read")));
    json_decref(doc);
    ec_run_facts_deinit(&run);
    ec_buf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_escaper_leaves_no_markup),
        cmocka_unit_test(samples_of_persons_are_masked),
        cmocka_unit_test(an_alert_only_where_something_failed),
        cmocka_unit_test(the_summary_for_people),
        cmocka_unit_test(the_summary_for_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
