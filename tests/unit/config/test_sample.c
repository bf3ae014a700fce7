/* The sample project of the repository: every field that it sets, and that `init` writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "config/config.h"

#include <math.h>
#include <stdlib.h>

static struct ec_config *load(const char *dir) {
    struct ec_err err = {0};
    struct ec_config *config = NULL;
    if (ec_config_load(dir, NULL, 0, &config, &err) != EC_OK) {
        ec_err_print(&err, stderr);
        fail();
    }
    return config;
}

static void pipeline_is_the_contracts(void **state) {
    (void)state;
    struct ec_config *config = load(".");
    assert_string_equal(config->dir, ".");
    assert_true(config->workers >= 1);
    assert_int_equal(config->chunk_rows, 100000);
    assert_int_equal(config->chunk_bytes, 500 * EC_MIB);
    assert_int_equal(config->memory_bytes, 1024 * EC_MIB);
    assert_true(config->quality_threshold == 90);
    assert_int_equal(config->timeout_s, 3600);
    assert_true(config->archive_enabled);
    assert_int_equal(config->archive_include, EC_AREA_PROCESSED | EC_AREA_RAW | EC_AREA_STAGING | EC_AREA_QUALITY);
    assert_int_equal(config->archive_cleanup, EC_AREA_STAGING);
    assert_int_equal(config->alert_count, 1);
    assert_int_equal(config->alert[0].type, EC_ALERT_FILE);
    assert_string_equal(config->alert[0].name, "file");
    for (int i = 0; i < EC_DIM_COUNT; i++) assert_true(config->weight[i] == 1);
    assert_int_equal(strlen(config->fingerprint), 64);
    ec_config_destroy(config);
}

/* What contracts.md says of each source, in one line each: types as letters (s i f b t for
 * datetime), not-null in upper case; rules by id. */
static const struct expected {
    const char *name, *schema, *files, *types, *derive, *rules, *key, *partition, *freshness;
    enum ec_format format;
    enum ec_load load;
    double threshold;
} expected[] = {
    {"api_logs", "logs", "api_logs.zip api_logs*.json* api_logs/**/*.json*", "TSsSSSIfibsss", "date category",
     "status_code.allowed_range response_time_ms.max_value method.allowed_values country_code.not_allowed_values",
     "request_id", "date", "timestamp", EC_FORMAT_JSON, EC_LOAD_APPEND, 97},
    {"sessions", "sessions", "user_sessions/sessions_*.csv", "SsTTiiibfbsssss",
     "date duration_min traffic_source device_category is_bounce is_conversion abandoned_cart",
     "pages_visited.min_value products_added_to_cart.min_value total_spent.min_value end_time.min_value "
     "duration_min.max_value",
     "session_id", "date", "start_time", EC_FORMAT_CSV, EC_LOAD_APPEND, 95},
    {"products", "products", "products_catalog.csv products_catalog.xlsx", "SssFfIstbfi",
     "date margin margin_pct markup_pct stock_status is_new",
     "price.min_value cost.min_value stock.min_value review_count.min_value rating.allowed_range", "product_id", NULL,
     NULL, EC_FORMAT_AUTO, EC_LOAD_MERGE, 95},
    {"users", "users", "users_*.csv", "SsssisssTbifT", "customer_type loyalty_score days_since_last_login",
     "age.allowed_range total_orders.min_value total_spent.min_value gender.allowed_values email.not_allowed_values",
     "user_id", NULL, NULL, EC_FORMAT_CSV, EC_LOAD_MERGE, 95},
    {"sales", "sales", "sales_*.csv", "STssSIFffss", "date net_amount",
     "quantity.min_value unit_price.min_value discount.allowed_range total_matches", "order_id", "date", "order_date",
     EC_FORMAT_CSV, EC_LOAD_APPEND, 95},
};

static const char *joined(char *out, size_t size, size_t count, const char *(*item)(const void *, size_t),
                          const void *of) {
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) n += (size_t)snprintf(out + n, size - n, "%s%s", i ? " " : "", item(of, i));
    return out;
}

static const char *file_at(const void *of, size_t i) {
    return ((const struct ec_source *)of)->files[i];
}
static const char *derive_at(const void *of, size_t i) {
    return ((const struct ec_source *)of)->derive[i].name;
}
static const char *rule_at(const void *of, size_t i) {
    return ((const struct ec_source *)of)->rule[i].id;
}

static void sources_are_the_contracts(void **state) {
    (void)state;
    struct ec_config *config = load(".");
    assert_int_equal(config->source_count, 5);
    char text[1024];
    for (size_t s = 0; s < 5; s++) {
        const struct expected *e = &expected[s];
        const struct ec_source *source = &config->source[s];
        assert_string_equal(source->name, e->name);
        assert_string_equal(source->schema, e->schema);
        assert_string_equal(joined(text, sizeof text, source->file_count, file_at, source), e->files);
        assert_string_equal(joined(text, sizeof text, source->derive_count, derive_at, source), e->derive);
        assert_string_equal(joined(text, sizeof text, source->rule_count, rule_at, source), e->rules);
        assert_int_equal(source->format, e->format);
        assert_int_equal(source->load, e->load);
        assert_string_equal(source->encoding, "utf-8");
        assert_int_equal(source->delimiter, 0);
        assert_null(source->sheet);
        assert_int_equal(source->key_count, 1);
        assert_string_equal(source->key[0], e->key);
        assert_string_equal(source->partition_by ? source->partition_by : "-", e->partition ? e->partition : "-");
        assert_string_equal(source->freshness_column ? source->freshness_column : "-",
                            e->freshness ? e->freshness : "-");
        assert_int_equal(source->freshness_s, 0);
        assert_true(source->threshold == e->threshold);
        assert_false(source->reject_failed);
        assert_string_equal(source->file, "config/pipeline_config.yaml");
        assert_int_equal(strlen(source->fingerprint), 64);
        assert_int_equal(source->column_count, strlen(e->types));
        for (size_t i = 0; i < source->column_count; i++) {
            const struct ec_schema_column *c = &source->column[i];
            char letter = "sifbtd."[c->type.type];
            assert_int_equal(c->not_null ? letter - 'a' + 'A' : letter, e->types[i]);
            assert_true(c->required);
            assert_int_equal(c->format_count + c->null_value_count, 0);
            assert_null(c->timezone);
        }
    }
    ec_config_destroy(config);
}

static const struct ec_rule *rule(const struct ec_config *config, const char *source_name, const char *id) {
    const struct ec_source *source = ec_config_source(config, source_name);
    assert_non_null(source);
    for (size_t i = 0; i < source->rule_count; i++)
        if (strcmp(source->rule[i].id, id) == 0) return &source->rule[i];
    fail_msg("no rule %s", id);
    return NULL;
}

static void rules_are_the_contracts(void **state) {
    (void)state;
    struct ec_config *config = load(".");
    const struct ec_rule *r = rule(config, "api_logs", "status_code.allowed_range");
    assert_int_equal(r->kind, EC_RULE_RANGE);
    assert_string_equal(r->min, "100");
    assert_string_equal(r->max, "599");
    assert_string_equal(r->column, "status_code");
    assert_string_equal(r->key, "allowed_range");
    assert_int_equal(r->severity, EC_SEVERITY_ERROR);
    assert_int_equal(r->action, EC_ACTION_QUARANTINE);
    assert_true(isnan(r->max_failed));
    assert_string_equal(r->file, "config/business_rules.yaml");
    assert_int_equal(ec_rule_dimension(r), EC_DIM_VALIDITY);

    r = rule(config, "api_logs", "response_time_ms.max_value");
    assert_null(r->min);
    assert_string_equal(r->max, "10000");
    r = rule(config, "api_logs", "method.allowed_values");
    assert_int_equal(r->kind, EC_RULE_ALLOWED);
    assert_int_equal(r->value_count, 7);
    assert_true(ec_str_is(r->values[6], "OPTIONS"));
    r = rule(config, "api_logs", "country_code.not_allowed_values");
    assert_int_equal(r->kind, EC_RULE_NOT_ALLOWED);
    assert_int_equal(r->value_count, 1);
    assert_int_equal(r->values[0].n, 0);
    r = rule(config, "sessions", "end_time.min_value");
    assert_string_equal(r->min, "start_time");
    r = rule(config, "sessions", "duration_min.max_value");
    assert_string_equal(r->max, "360");
    r = rule(config, "sales", "total_matches");
    assert_int_equal(r->kind, EC_RULE_EXPRESSION);
    assert_null(r->column);
    assert_string_equal(r->key, "expression");
    assert_string_equal(r->text, "abs(total_amount - quantity * unit_price * (1 - discount)) < 0.011");
    assert_int_equal(ec_rule_dimension(r), EC_DIM_CONSISTENCY);
    ec_config_destroy(config);
}

static void a_folded_expression_is_one_line_of_sql(void **state) {
    (void)state;
    struct ec_config *config = load(".");
    const struct ec_source *logs = ec_config_source(config, "api_logs");
    assert_string_equal(logs->derive[0].expression, "CAST(timestamp AS DATE)");
    const char *category = logs->derive[1].expression;
    assert_non_null(strstr(category, "WHEN endpoint LIKE '%/cart%' THEN 'cart'"));
    assert_int_equal(category[strlen(category) - 1], 'D'); /* END, and nothing behind it */
    assert_int_equal(ec_source_column(logs, "status_code"), 6);
    assert_int_equal(ec_source_column(logs, "category"), SIZE_MAX);
    assert_null(ec_config_source(config, "logs"));
    ec_config_destroy(config);
}

static void init_writes_a_project_that_loads_and_keeps_what_is_there(void **state) {
    (void)state;
    char dir[] = "/tmp/ecluse-init-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct ec_err err = {0};
    struct ec_buf kept = ec_buf_make(65536);
    assert_int_equal(ec_project_init(dir, &kept, &err), EC_OK);
    assert_int_equal(kept.n, 0);

    struct ec_config *sample = load(".");
    struct ec_config *made = load(dir);
    assert_string_equal(made->fingerprint, sample->fingerprint);
    ec_config_destroy(made);
    ec_config_destroy(sample);

    static const char *const folders[] = {"data/raw",     "data/staging", "data/processed", "data/quality",
                                          "data/archive", "data/runs",    "logs",           "transformations"};
    char path[256];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_true(S_ISDIR(st.st_mode));
    }

    (void)snprintf(path, sizeof path, "%s/config/business_rules.yaml", dir);
    assert_int_equal(ec_file_replace(path, "# mine\n", 7, &err), EC_OK);
    assert_int_equal(ec_project_init(dir, &kept, &err), EC_OK);
    assert_non_null(strstr(kept.p, "config/business_rules.yaml\n"));
    struct ec_buf text = ec_buf_make(1 << 20);
    assert_int_equal(ec_file_load(path, &text, &err), EC_OK);
    assert_string_equal(text.p, "# mine\n");
    ec_buf_free(&text);
    ec_buf_free(&kept);
    assert_int_equal(ec_dir_remove(dir, true, &err), EC_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipeline_is_the_contracts),
        cmocka_unit_test(sources_are_the_contracts),
        cmocka_unit_test(rules_are_the_contracts),
        cmocka_unit_test(a_folded_expression_is_one_line_of_sql),
        cmocka_unit_test(init_writes_a_project_that_loads_and_keeps_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
