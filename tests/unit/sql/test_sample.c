/* The project's own configuration and models fit together: every expression prepares, with the
 * type that the models expect, and every model finds its columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sql/derive.h"
#include "sql/model.h"

#include <stdlib.h>

enum { SOURCES = 8, COLUMNS = 64 };

static const char *words(const struct ec_column_type *types, const struct ec_source *source, char *out, size_t size) {
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < source->derive_count; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s %s", i ? ", " : "", source->derive[i].name, ec_type_name(types[i].type));
    return out;
}

static const struct {
    const char *source, *types;
} derived[] = {
    {"api_logs", "date date, category string"},
    {"sessions", "date date, duration_min float, traffic_source string, device_category string, is_bounce boolean, is_conversion boolean, "
                 "abandoned_cart boolean"},
    {"products", "date date, margin float, margin_pct float, markup_pct float, stock_status string, is_new boolean"},
    {"users", "customer_type string, loyalty_score float, days_since_last_login integer"},
    {"sales", "date date, net_amount float"},
};

/* The table of a source: declared columns, derived ones, and where a row came from. */
static size_t list_columns(const struct ec_source *source, const struct ec_column_type *types, struct ec_delta_column *out) {
    size_t n = 0;
    assert_in_range(source->column_count + source->derive_count + 2, 3, COLUMNS);
    for (size_t i = 0; i < source->column_count; i++) out[n++] = (struct ec_delta_column){source->column[i].name, source->column[i].type};
    for (size_t i = 0; i < source->derive_count; i++) out[n++] = (struct ec_delta_column){source->derive[i].name, types[i]};
    out[n++] = (struct ec_delta_column){"_file", {.type = EC_TYPE_STRING}};
    out[n++] = (struct ec_delta_column){"_line", {.type = EC_TYPE_INTEGER}};
    return n;
}

static void configuration_and_models_fit(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_config *config;
    struct ec_sql *sql;
    if (ec_config_load(".", NULL, 0, &config, &err) != EC_OK) fail_msg("%s", err.message);
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB, .run_date = 20285};
    if (ec_sql_open(&options, &sql, &err) != EC_OK) fail_msg("%s", err.message);

    static struct ec_delta_column column[SOURCES][COLUMNS];
    struct ec_model_table table[SOURCES];
    assert_int_equal(config->source_count, sizeof derived / sizeof *derived);
    for (size_t i = 0; i < config->source_count; i++) {
        const struct ec_source *source = ec_config_source(config, derived[i].source);
        struct ec_derivation *derivation;
        char text[512];
        assert_non_null(source);
        if (ec_derive_create(sql, source, &derivation, &err) != EC_OK) fail_msg("%s:%u: %s", err.file, err.line, err.message);
        assert_string_equal(words(ec_derive_types(derivation), source, text, sizeof text), derived[i].types);
        size_t count = list_columns(source, ec_derive_types(derivation), column[i]);
        table[i] = (struct ec_model_table){source->name, column[i], count, source->partition_by};
        ec_derive_destroy(derivation);
    }

    struct ec_models *models;
    if (ec_models_load(sql, "transformations", table, config->source_count, &models, &err) != EC_OK ||
        ec_models_check(sql, models, &err) != EC_OK)
        fail_msg("%s:%u:%u: %s", err.file, err.line, err.column, err.message);
    assert_int_equal(models->count, 9);
    ec_models_destroy(models);
    ec_sql_close(sql);
    ec_config_destroy(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(configuration_and_models_fit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
