/* The escaping of each format for programs, against text that means something in it; the marked cell; how much a
 * summary says on which screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../quality/sample.h"
#include "base/width.h"
#include "publish/caret.h"
#include "publish/openlineage.h"
#include "publish/prometheus.h"
#include "publish/results_private.h"
#include "publish/summary.h"

static void expect(void (*escape)(struct ec_buf *, struct ec_str), const char *text, const char *expected) {
    struct ec_buf out = ec_buf_make(4096);
    escape(&out, ec_str_of(text));
    ec_buf_addc(&out, '\0');
    assert_string_equal(out.p, expected);
    ec_buf_free(&out);
}

static void github(void **state) {
    (void)state;
    expect(ec_github_data, "100 %, a:b", "100 %25, a:b");
    expect(ec_github_data, "a\r\nb", "a␍␊b"); /* shown, so that no line of others begins */
    expect(ec_github_data, "%0A::error::x", "%250A::error::x");
    expect(ec_github_property, "a:b,c=d%", "a%3Ab%2Cc=d%25");
    expect(ec_github_property, "\n::set-env name=X::y", "␊%3A%3Aset-env name=X%3A%3Ay");
}

static void xml(void **state) {
    (void)state;
    expect(ec_xml_text, "<a b=\"c\" d='e'>&amp;]]>", "&lt;a b=&quot;c&quot; d=&apos;e&apos;&gt;&amp;amp;]]&gt;");
    expect(ec_xml_text, "\x01\t\n\x7F", "␁␉␊␡");
    expect(ec_xml_text, "\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xBF\xBD\xFF", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); /* U+FFFE, U+FFFF */
    expect(ec_xml_text, "\xE2\x80\xAE", "[U+202E]");
}

static void markdown(void **state) {
    (void)state;
    expect(ec_markdown_text, "a|b", "a\\|b");
    expect(ec_markdown_text, "<img src=x> & [a](b)", "&#60;img src=x&#62; &#38; \\[a\\](b)");
    expect(ec_markdown_text, "`*_~#!", "\\`\\*\\_\\~\\#\\!");
    expect(ec_markdown_text, "https://x www.x @team", "https&#58;//x www&#46;x &#64;team");
    expect(ec_markdown_text, "- a-b", "\\- a-b");
    expect(ec_markdown_text, "a\n\n# b", "a␊␊\\# b");
}

static void prometheus_labels(void **state) {
    (void)state;
    struct ec_buf out = ec_buf_make(4096);
    ec_prometheus_label(&out, "a \"q\" \\ \n b\xFF");
    assert_string_equal(out.p, "a \\\"q\\\" \\\\ \\n b\xEF\xBF\xBD");
    ec_buf_free(&out);
}

static void run_ids(void **state) {
    (void)state;
    char a[EC_UUID_TEXT], b[EC_UUID_TEXT];
    assert_int_equal(ec_lineage_run_id("/x", "run-1", a, NULL), EC_OK);
    assert_int_equal(ec_lineage_run_id("/x", "run-1", b, NULL), EC_OK);
    assert_string_equal(a, b);
    assert_int_equal(ec_lineage_run_id("/x", "run-2", b, NULL), EC_OK);
    assert_string_not_equal(a, b);
    assert_int_equal(ec_lineage_run_id("/xr", "un-1", b, NULL), EC_OK);
    assert_string_not_equal(a, b);
    assert_int_equal(a[14], '8');
}

static void expect_caret(const char *text, struct ec_span cell, size_t width, const char *expected) {
    struct ec_buf out = ec_buf_make(4096);
    struct ec_excerpt e = {.text = text, .cell = cell, .cell_known = true};
    struct ec_caret_style style = {.indent = 2, .width = width};
    ec_caret_add(&out, &e, &style);
    assert_string_equal(out.p, expected);
    ec_buf_free(&out);
}

static void carets(void **state) {
    (void)state;
    expect_caret("a,two,c", (struct ec_span){2, 3}, 80, "  a,two,c\n    ^^^\n");
    expect_caret("a,,c", (struct ec_span){2, 0}, 80, "  a,,c\n    ^\n");
    expect_caret("\xE6\x97\xA5,x", (struct ec_span){4, 1}, 80, "  \xE6\x97\xA5,x\n     ^\n");
    expect_caret("a\t,b", (struct ec_span){3, 1}, 80, "  a\\t,b\n      ^\n");
    expect_caret("\x1B[2J", (struct ec_span){0, 4}, 80, "  \\x1B[2J\n  ^^^^^^^\n");
    expect_caret("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,X,bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", (struct ec_span){31, 1}, 22,
                 "  …aaaaaaa,X,bbbbbbbb…\n           ^\n");
}

/* Whatever the record and the screen: no line is wider, none ends in a control character, the marks stand below the cell. */
static void carets_fit(void **state) {
    (void)state;
    static const char text[] = "ab\xE6\x97\xA5" "e\xCC\x81,\xD7\xA9\xD7\x9C,\x01\t,\xF0\x9F\x98\x80\xF0\x9F\x98\x80,0123456789012345678901234567890123456789";
    for (size_t at = 0; at < sizeof text - 1; at++) {
        if (((unsigned char)text[at] & 0xC0) == 0x80) continue;
        for (size_t width = 22; width < 90; width += 3) {
            struct ec_buf out = ec_buf_make(4096);
            struct ec_excerpt e = {.text = text, .cell = {at, sizeof text - 1 - at}, .cell_known = true, .cut_before = true, .cut_after = true};
            struct ec_caret_style style = {.indent = 2, .width = width};
            ec_caret_add(&out, &e, &style);
            char *eol = strchr(out.p, '\n');
            assert_true(ec_width(out.p, (size_t)(eol - out.p)) <= width);
            assert_true(strlen(eol + 1) <= width + 1);
            ec_buf_free(&out);
        }
    }
}

/* 300 sources, 40 unreadable files: a screen of 24 lines holds it, and says how much it left out. */
static void a_summary_fits_the_screen(void **state) {
    (void)state;
    struct ec_run_facts run;
    ec_run_facts_init(&run);
    run.run = "r";
    run.workers = run.cpus = 1;
    run.unit = ec_arena_calloc(&run.arena, 340, sizeof *run.unit);
    run.unit_count = 340;
    for (size_t i = 0; i < 340; i++) {
        sample_unit(&run.unit[i], ec_arena_printf(&run.arena, "data/raw/a_rather_long_name_of_a_file_as_people_give_them_%zu.csv", i), NULL);
        sample_facts(&run.unit[i].facts);
        run.unit[i].source_name = ec_arena_printf(&run.arena, "source_%zu", i % 300);
        if (i < 300) continue;
        run.unit[i].status = EC_EMPTY_FILE;
        run.unit[i].message = "it holds no bytes";
    }
    assert_int_equal(ec_run_label_units(&run, NULL), EC_OK);
    assert_int_equal(ec_run_totals(&run, NULL), EC_OK);
    static const struct ec_summary_style styles[] = {{80, 24, false}, {40, 10, false}, {200, 60, false}};
    for (size_t k = 0; k < 3; k++) {
        struct ec_buf out = ec_buf_make(1 << 20);
        assert_int_equal(ec_summary_print(&run, NULL, &styles[k], &out, NULL), EC_OK);
        size_t lines = 0;
        for (char *p = out.p, *eol; (eol = strchr(p, '\n')); p = eol + 1, lines++)
            assert_true(ec_width(p, (size_t)(eol - p)) <= styles[k].columns);
        assert_true(lines < (styles[k].lines > 24 ? styles[k].lines : 24));
        assert_non_null(strstr(out.p, "more sources and archives"));
        assert_non_null(strstr(out.p, "❌ not read: data/raw/"));
        assert_non_null(strstr(out.p, " more: data/quality/"));
        ec_buf_free(&out);
    }
    ec_run_facts_deinit(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(github), cmocka_unit_test(xml),    cmocka_unit_test(markdown),   cmocka_unit_test(prometheus_labels),
        cmocka_unit_test(run_ids), cmocka_unit_test(carets), cmocka_unit_test(carets_fit), cmocka_unit_test(a_summary_fits_the_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
