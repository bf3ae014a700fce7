/* What is gathered for the page, where there is more of it than the page holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/io.h"
#include "run/business.h"
#include "run/page_gather.h"
#include "run/paths.h"

#include <stdlib.h>

static char root[64];
static struct ec_config config;
static struct ec_arena arena;

static int begin(void **state) {
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/ec-gather-XXXXXX");
    config = (struct ec_config){.dir = root};
    ec_arena_init(&arena, 256 * EC_MIB);
    return mkdtemp(root) ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    ec_arena_deinit(&arena);
    return ec_dir_remove(root, true, NULL) == EC_OK ? 0 : -1;
}

static void write_text(const char *name, const char *text) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(ec_folder_make_of(path, NULL), EC_OK);
    assert_int_equal(ec_file_replace(path, text, strlen(text), NULL), EC_OK);
}

static void rows_of_a_figure(void **state) {
    (void)state;
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB};
    struct ec_sql *sql;
    struct ec_figures *f;
    assert_int_equal(ec_sql_open(&options, &sql, NULL), EC_OK);
    assert_int_equal(ec_business_query(sql, "SELECT range AS n FROM range(10)", &arena, &f, NULL), EC_OK);
    assert_int_equal(f->rows, 10);
    assert_int_equal(ec_business_query(sql, "SELECT range AS n FROM range(1500) ORDER BY n", &arena, &f, NULL), EC_OK);
    assert_int_equal(f->rows, EC_BUSINESS_ROWS_MAX);
    assert_int_equal(f->column[0].count[EC_BUSINESS_ROWS_MAX - 1], EC_BUSINESS_ROWS_MAX - 1);
    ec_sql_close(sql);
}

/* Tables first: then files have no node, and nothing has an edge to what is not there. */
static void nodes_of_the_lineage(void **state) {
    (void)state;
    static struct ec_source source[EC_PAGE_LINEAGE_MAX + 1];
    static struct ec_unit unit[2];
    struct ec_page_lineage g;
    for (size_t i = 0; i <= EC_PAGE_LINEAGE_MAX; i++) source[i] = (struct ec_source){.name = ec_arena_printf(&arena, "s%zu", i)};
    config.source = source;
    for (size_t n = EC_PAGE_LINEAGE_MAX - 1; n <= EC_PAGE_LINEAGE_MAX + 1; n++) {
        for (size_t i = 0; i < 2; i++) unit[i] = (struct ec_unit){.source_name = "s0", .label = i ? "b.csv" : "a.csv"};
        struct ec_run_facts facts = {.unit = unit, .unit_count = 2};
        struct ec_page_facts_options o = {.config = &config, .facts = &facts};
        config.source_count = n;
        assert_int_equal(ec_gather_lineage(&o, NULL, &arena, &g, NULL), EC_OK);
        assert_int_equal(g.node_count, EC_PAGE_LINEAGE_MAX);
        assert_int_equal(g.edge_count, n < EC_PAGE_LINEAGE_MAX ? 1 : 0);
    }
}

/* A row of each file, as long as there is room. */
static void rejected_rows(void **state) {
    (void)state;
    enum { FILES = EC_PAGE_REJECTS_MAX + 5 };
    static struct ec_unit unit[FILES];
    for (size_t i = 0; i < FILES; i++) {
        const char *label = ec_arena_printf(&arena, "f%zu.csv", i);
        unit[i] = (struct ec_unit){.source_name = "sales", .label = label, .path = label};
        unit[i].facts.quarantined = 2;
        write_text(ec_arena_printf(&arena, "data/quality/quarantine/sales/%s.jsonl", label),
                   "{\"run\":\"r\",\"line\":2,\"reasons\":[{\"code\":\"type-error\"}],\"raw\":\"x\"}\n{\"run\":\"r\",\"line\":3,\"reasons\":[{\"code\":\"type-error\"}],\"raw\":\"y\"}\n");
    }
    struct ec_manifest manifest = {0};
    struct ec_page_reject *reject;
    size_t count;
    struct ec_run_facts facts = {.run = "r", .unit = unit, .unit_count = FILES};
    struct ec_page_facts_options o = {.config = &config, .manifest = &manifest, .facts = &facts};
    assert_int_equal(ec_gather_rejects(&o, &arena, &reject, &count, NULL), EC_OK);
    assert_int_equal(count, EC_PAGE_REJECTS_MAX);
    assert_string_equal(reject[count - 1].file, unit[EC_PAGE_REJECTS_MAX - 1].label);
}

/* The newest deliveries, newest first. */
static void alerts(void **state) {
    (void)state;
    struct ec_buf text = ec_buf_make(EC_MIB);
    struct ec_page_alert *alert;
    size_t count;
    for (unsigned i = 0; i < EC_PAGE_ALERTS_MAX + 10; i++)
        ec_buf_printf(&text, "{\"id\":\"i%u\",\"at\":\"2025-08-18T00:00:00Z\",\"type\":\"email\",\"target\":\"t\",\"status\":\"sent\",\"message\":\"m%u\"}\n", i, i);
    write_text("data/quality/alerts.jsonl", text.p);
    assert_int_equal(ec_gather_alerts(&config, &arena, &alert, &count, NULL), EC_OK);
    assert_int_equal(count, EC_PAGE_ALERTS_MAX);
    assert_string_equal(alert[0].message, "m59");
    assert_string_equal(alert[count - 1].message, "m10");
    ec_buf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_of_a_figure, begin, end),
        cmocka_unit_test_setup_teardown(nodes_of_the_lineage, begin, end),
        cmocka_unit_test_setup_teardown(rejected_rows, begin, end),
        cmocka_unit_test_setup_teardown(alerts, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
