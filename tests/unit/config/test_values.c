/* What takes effect: defaults, every key of a source and a column, every kind of rule in its
 * short and long form, scalars that YAML 1.1 would reinterpret, and --set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "project.h"

#include <math.h>

static struct project project;

static int setup(void **state) {
    (void)state;
    project_make(&project);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    project_remove(&project);
    return 0;
}

static const struct ec_rule *rule(const struct ec_config *config, const char *id) {
    for (size_t i = 0; i < config->source[0].rule_count; i++)
        if (strcmp(config->source[0].rule[i].id, id) == 0) return &config->source[0].rule[i];
    fail_msg("no rule %s", id);
    return NULL;
}

static void defaults_hold_where_nothing_is_said(void **state) {
    (void)state;
    struct ec_config *config = project_load(&project, PIPELINE, "sources: {orders: {files: x}}\n");
    assert_true(config->workers >= 1);
    assert_int_equal(config->chunk_rows, 100000);
    assert_int_equal(config->chunk_bytes, 500 * EC_MIB);
    assert_int_equal(config->memory_bytes, 1024 * EC_MIB);
    assert_int_equal(config->timeout_s, 3600);
    assert_true(config->archive_enabled);
    assert_int_equal(config->archive_include, 15);
    assert_int_equal(config->archive_cleanup, EC_AREA_STAGING);
    assert_int_equal(config->alert_count, 1);
    assert_int_equal(config->alert[0].type, EC_ALERT_FILE);
    const struct ec_source *s = &config->source[0];
    assert_int_equal(s->format, EC_FORMAT_AUTO);
    assert_int_equal(s->load, EC_LOAD_APPEND);
    assert_string_equal(s->schema, "orders");
    assert_int_equal(s->file_count, 1);
    assert_int_equal(s->key_count + s->derive_count + s->rule_count, 0);
    assert_null(s->partition_by);
    assert_null(s->freshness_column);
    assert_true(s->threshold == 90);
    assert_false(s->column[0].not_null);
    ec_config_destroy(config);
}

static void every_key_of_a_source_takes_effect(void **state) {
    (void)state;
    struct ec_config *config = project_load(&project, PIPELINE,
                                            "data_workers: 3\nchunk_rows: 7\nchunk_size_mb: auto\nmemory_limit_mb: 64\n"
                                            "processing_timeout: 5\nquality_threshold: 82.5\n"
                                            "archive: {enabled: false, include: [raw], cleanup: [raw, staging]}\n"
                                            "alerts:\n"
                                            "  - {type: smtp, host: mx.b.c, from: x@b.c, to: [a@b.c, d@e.f], port: 465, password: ~}\n"
                                            "  - {type: webhook, url: {file: secrets/url}, headers: {X-A: no}, secret: {env: HOOK}}\n"
                                            "  - {type: webhook, name: slack, format: slack, url: https://x/y, repeat_after: 2d}\n"
                                            "  - {type: command, argv: [a, b c], env: [HOME_A], severity: warn, timeout: 5s}\n"
                                            "sources:\n"
                                            "  shop_2:\n"
                                            "    schema: orders\n"
                                            "    files: [a.csv, \"b/**/*.csv\"]\n"
                                            "    format: csv\n"
                                            "    encoding: CP1252\n"
                                            "    delimiter: tab\n"
                                            "    key: [id, placed]\n"
                                            "    load: merge\n"
                                            "    partition_by: day\n"
                                            "    freshness: 36h\n"
                                            "    on_failed: reject\n"
                                            "    derive:\n"
                                            "      day: |\n"
                                            "        CAST(coalesce('paid', \"placed\") AS DATE)\n"
                                            "      twice: count * 2\n"
                                            "  sheets:\n"
                                            "    schema: orders\n"
                                            "    files: x.xlsx\n"
                                            "    format: xlsx\n"
                                            "    sheet: 2025\n"
                                            "    load: replace\n"
                                            "    partition_by: due\n"
                                            "    freshness: {column: paid, max_age: 1w}\n");
    assert_int_equal(config->workers, 3);
    assert_int_equal(config->chunk_rows, 7);
    assert_int_equal(config->chunk_bytes, 500 * EC_MIB);
    assert_int_equal(config->memory_bytes, 64 * EC_MIB);
    assert_int_equal(config->timeout_s, 5);
    assert_false(config->archive_enabled);
    assert_int_equal(config->archive_include, EC_AREA_RAW);
    assert_int_equal(config->archive_cleanup, EC_AREA_RAW | EC_AREA_STAGING);
    assert_int_equal(config->alert_count, 4);
    const struct ec_alert *alert = config->alert;
    assert_int_equal(alert[0].type, EC_ALERT_SMTP);
    assert_int_equal(alert[0].to_count, 2);
    assert_string_equal(alert[0].to[1], "d@e.f");
    assert_int_equal(alert[0].tls, EC_TLS_IMPLICIT); /* by its port */
    assert_int_equal(alert[0].password.kind, EC_SECRET_NONE); /* a null is none */
    assert_int_equal(alert[0].severity, EC_SEVERITY_ERROR);
    assert_true(alert[0].recovery);
    assert_string_equal(alert[1].name, "webhook");
    assert_int_equal(alert[1].url.kind, EC_SECRET_FILE);
    assert_string_equal(alert[1].url.text, "secrets/url");
    assert_string_equal(alert[1].header[0].name, "X-A");
    assert_string_equal(alert[1].header[0].value.text, "no");
    assert_int_equal(alert[1].secret.kind, EC_SECRET_ENV);
    assert_string_equal(alert[2].name, "slack");
    assert_int_equal(alert[2].format, EC_HOOK_SLACK);
    assert_int_equal(alert[2].repeat_s, 2 * 86400);
    assert_string_equal(alert[3].argv[1], "b c");
    assert_null(alert[3].argv[2]);
    assert_string_equal(alert[3].env[0], "HOME_A");
    assert_int_equal(alert[3].severity, EC_SEVERITY_WARN);
    assert_int_equal(alert[3].timeout_s, 5);
    assert_int_equal(alert[3].connect_timeout_s, 5); /* no longer than all of it */

    const struct ec_source *s = ec_config_source(config, "shop_2");
    assert_string_equal(s->schema, "orders");
    assert_string_equal(s->files[1], "b/**/*.csv");
    assert_int_equal(s->format, EC_FORMAT_CSV);
    assert_string_equal(s->encoding, "windows-1252");
    assert_int_equal(s->delimiter, '\t');
    assert_int_equal(s->key_count, 2);
    assert_string_equal(s->key[1], "placed");
    assert_int_equal(s->load, EC_LOAD_MERGE);
    assert_string_equal(s->partition_by, "day");
    assert_int_equal(s->freshness_s, 36 * 3600);
    assert_string_equal(s->freshness_column, "placed"); /* not the one in the text literal */
    assert_true(s->reject_failed);
    assert_string_equal(s->derive[0].expression, "CAST(coalesce('paid', \"placed\") AS DATE)");
    assert_int_equal(s->derive[0].line, 27); /* where its SQL begins */
    assert_string_equal(s->derive[1].name, "twice");
    assert_true(s->threshold == 90); /* global_threshold before quality_threshold */
    s = ec_config_source(config, "sheets");
    assert_string_equal(s->sheet, "2025");
    assert_int_equal(s->load, EC_LOAD_REPLACE);
    assert_string_equal(s->freshness_column, "paid");
    assert_int_equal(s->freshness_s, 7 * 86400);
    ec_config_destroy(config);
}

static void every_key_of_a_column_takes_effect(void **state) {
    (void)state;
    struct ec_config *config = project_load(
        &project, SCHEMAS,
        "{\"orders\": {\"optional_columns\": {\"note\": \"string\"}, \"required_columns\": {\"id\": \"string\",\n"
        " \"placed\": {\"type\": \"datetime\", \"not_null\": true, \"formats\": [\"%d/%m/%Y %H:%M\", \"%Y\"],\n"
        "            \"null_values\": [\"N/A\", -1], \"timezone\": \"+05:30\"},\n"
        " \"a\": \"decimal( 18 , 4 )\", \"b\": {\"type\": \"boolean\", \"not_null\": false}, \"d\": \"date\"}},\n"
        " \"unused\": {\"required_columns\": {}}}");
    const struct ec_source *s = &config->source[0];
    assert_int_equal(s->column_count, 6);
    const struct ec_schema_column *c = &s->column[1];
    assert_string_equal(c->name, "placed");
    assert_true(c->not_null && c->required);
    assert_int_equal(c->format_count, 2);
    assert_string_equal(c->formats[0], "%d/%m/%Y %H:%M");
    assert_int_equal(c->null_value_count, 2);
    assert_true(ec_str_is(c->null_values[1], "-1"));
    assert_string_equal(c->timezone, "+05:30");
    assert_int_equal(s->column[2].type.type, EC_TYPE_DECIMAL);
    assert_int_equal(s->column[2].type.precision, 18);
    assert_int_equal(s->column[2].type.scale, 4);
    assert_int_equal(s->column[3].type.type, EC_TYPE_BOOLEAN);
    assert_int_equal(s->column[4].type.type, EC_TYPE_DATE);
    assert_string_equal(s->column[5].name, "note"); /* optional ones come last */
    assert_false(s->column[5].required);
    ec_config_destroy(config);
}

static void every_kind_of_rule_has_a_short_and_a_long_form(void **state) {
    (void)state;
    struct ec_config *config =
        project_load(&project, RULES,
                     "orders:\n"
                     "  count:\n"
                     "    allowed_range: [~, 5e3]\n"
                     "    min_value: {value: -1, severity: critical}\n"
                     "    max_value: {value: 10000, severity: warn, max_failed: 1.5%}\n"
                     "    not_allowed_values: {values: [0], severity: info}\n"
                     "  placed: {min_value: 2020-01-01, max_value: paid}\n"
                     "  due: {allowed_range: {value: [2020-01-01, 2030-12-31], action: reject_file}}\n"
                     "  id:\n"
                     "    not_null: {severity: critical, action: keep}\n"
                     "    regex: '^\\d{5}$'\n"
                     "    min_length: 2\n"
                     "    max_length: {value: 12, max_failed: 0.05}\n"
                     "    allowed_values: [NO, on, 012, 1e3, ~, \"null\", 'x y']\n"
                     "  ratio: {not_null: false}\n"
                     "  open: {not_null: true, allowed_values: [true]}\n"
                     "  day: {max_value: 2030-01-01}\n"
                     "  _rows:\n"
                     "    - {id: sums-up, expression: count * ratio >= 0, severity: warn, max_failed: 10%}\n");
    assert_int_equal(config->source[0].rule_count, 16);
    const struct ec_rule *r = rule(config, "count.allowed_range");
    assert_null(r->min);
    assert_string_equal(r->max, "5e3"); /* as written; the gate reads it by the column's type */
    r = rule(config, "count.min_value");
    assert_string_equal(r->min, "-1");
    assert_int_equal(r->action, EC_ACTION_REJECT_FILE);
    r = rule(config, "count.max_value");
    assert_int_equal(r->severity, EC_SEVERITY_WARN);
    assert_int_equal(r->action, EC_ACTION_KEEP);
    assert_true(fabs(r->max_failed - 0.015) < 1e-12);
    assert_int_equal(r->line, 5);
    assert_int_equal(rule(config, "count.not_allowed_values")->severity, EC_SEVERITY_INFO);
    assert_string_equal(rule(config, "placed.max_value")->max, "paid");
    r = rule(config, "due.allowed_range");
    assert_string_equal(r->max, "2030-12-31");
    assert_int_equal(r->severity, EC_SEVERITY_ERROR);
    assert_int_equal(r->action, EC_ACTION_REJECT_FILE);
    r = rule(config, "id.not_null");
    assert_int_equal(r->kind, EC_RULE_NOT_NULL);
    assert_int_equal(r->action, EC_ACTION_KEEP);
    assert_int_equal(ec_rule_dimension(r), EC_DIM_COMPLETENESS);
    assert_string_equal(rule(config, "id.regex")->text, "^\\d{5}$");
    r = rule(config, "id.min_length");
    assert_int_equal(r->length_min, 2);
    assert_int_equal(r->length_max, SIZE_MAX);
    r = rule(config, "id.max_length");
    assert_int_equal(r->length_min, 0);
    assert_int_equal(r->length_max, 12);
    assert_true(r->max_failed == 0.05);
    r = rule(config, "id.allowed_values"); /* texts stay what they are; a null passes anyway */
    static const char *const texts[] = {"NO", "on", "012", "1e3", "null", "x y"};
    assert_int_equal(r->value_count, 6);
    for (size_t i = 0; i < 6; i++) assert_true(ec_str_is(r->values[i], texts[i]));
    r = rule(config, "sums-up");
    assert_string_equal(r->text, "count * ratio >= 0");
    assert_int_equal(r->action, EC_ACTION_KEEP);
    assert_true(r->max_failed == 0.1);
    ec_config_destroy(config);
}

static void thresholds_fall_back_from_the_schemas_to_the_pipelines(void **state) {
    (void)state;
    struct ec_config *config =
        project_load(&project, THRESHOLDS, "thresholds: {orders: 99.5}\nweights: {validity: 2.5, timeliness: 0}\n");
    assert_true(config->source[0].threshold == 99.5);
    assert_true(config->weight[EC_DIM_VALIDITY] == 2.5);
    assert_true(config->weight[EC_DIM_TIMELINESS] == 0);
    assert_true(config->weight[EC_DIM_COMPLETENESS] == 1);
    ec_config_destroy(config);
    config = project_load(&project, THRESHOLDS, "global_threshold: 70\n");
    assert_true(config->source[0].threshold == 70);
    ec_config_destroy(config);
    struct ec_setting setting = {"quality_threshold", "55"};
    struct ec_err err = {0};
    assert_int_equal(project_load_with(&project, THRESHOLDS, "# nothing\n", &setting, 1, &config, &err), EC_OK);
    assert_true(config->source[0].threshold == 55);
    ec_config_destroy(config);
}

static struct ec_config *set(const char *key, const char *value, struct ec_err *err) {
    struct ec_setting setting = {key, value};
    struct ec_config *config = NULL;
    ec_err_clear(err);
    return ec_config_load(project.dir, &setting, 1, &config, err) == EC_OK ? config : NULL;
}

static void set_replaces_adds_and_unsets(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_config *config = set("sources.orders.files", "[a.csv, 'b*.csv']", &err);
    assert_int_equal(config->source[0].file_count, 2);
    assert_string_equal(config->source[0].files[1], "b*.csv");
    ec_config_destroy(config);
    config = set("archive.enabled", "false", &err);
    assert_false(config->archive_enabled);
    ec_config_destroy(config);
    config = set("alerts", "[]", &err);
    assert_int_equal(config->alert_count, 0);
    ec_config_destroy(config);
    config = set("sources.orders.partition_by", "", &err);
    assert_null(config->source[0].partition_by);
    ec_config_destroy(config);
    config = set("sources.orders.derive.double_count", "CASE WHEN count > 1 THEN 'many' END", &err);
    assert_int_equal(config->source[0].derive_count, 2);
    assert_string_equal(config->source[0].derive[1].file, "--set sources.orders.derive.double_count");
    ec_config_destroy(config);
}

static void set_that_is_wrong_is_pointed_at(void **state) {
    (void)state;
    static const struct {
        const char *key, *value, *file;
        unsigned column;
        const char *message;
    } wrong[] = {
        {"chunk_row", "1", "--set", 1, "unknown key `chunk_row`; did you mean `chunk_rows`?"},
        {"sources.orders.laod", "merge", "--set", 16, "unknown key `laod`; did you mean `load`?"},
        {"chunk_rows", "x", "--set chunk_rows", 1, "`chunk_rows` must be a whole number from 1 to 100000000, not `x`"},
        {"sources.orders.files", "[a, '/b']", "--set sources.orders.files", 5,
         "`/b` must be a path below data/raw: no leading /, no .. and no backslash"},
        {"chunk_rows.x", "1", "--set", 12, "the key of --set must be words between dots, such as archive.enabled"},
        {"archive..x", "1", "--set", 9, "the key of --set must be words between dots, such as archive.enabled"},
        {"", "1", "--set", 1, "the key of --set must be words between dots, such as archive.enabled"},
        {"sources.orders.partition_by.x", "1", "--set", 29, "`partition_by` is not a mapping, so it has no keys"},
        {"alerts", "[", "--set alerts", 2, "this is not valid YAML: flow sequence without a closing bracket"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ec_err err = {0};
        struct ec_config *config = set(wrong[i].key, wrong[i].value, &err);
        assert_null(config);
        if (strcmp(wrong[i].key, "chunk_rows.x") == 0) { /* chunk_rows is not set in the file: it becomes a mapping */
            assert_string_equal(err.message, "`chunk_rows` must be a whole number from 1 to 100000000, not a mapping");
            continue;
        }
        assert_string_equal(err.message, wrong[i].message);
        assert_string_equal(err.file, wrong[i].file);
        assert_int_equal(err.column, wrong[i].column);
    }
}

static void older_files_get_the_samples_sources(void **state) {
    (void)state;
    struct project old;
    project_make(&old);
    project_put(&old, PIPELINE, "data_workers: 2\nsources:\n", 25);
    static const char schemas[] =
        "{\"sessions\": {\"required_columns\": {\"session_id\": \"string\", \"start_time\": \"datetime\","
        " \"date\": \"string\", \"mine\": \"integer\"}}}";
    project_put(&old, SCHEMAS, schemas, strlen(schemas));
    static const char rules[] = "sessions: {duration_min: {max_value: 60}}\nsales: {quantity: {min_value: 1}}\n";
    project_put(&old, RULES, rules, strlen(rules));
    project_put(&old, THRESHOLDS, "thresholds: {logs: 97}\n", 23);
    struct ec_err err = {0};
    struct ec_config *config;
    struct ec_setting setting = {"sources.sessions.load", "replace"};
    assert_int_equal(ec_config_load(old.dir, &setting, 1, &config, &err), EC_OK);
    assert_int_equal(config->source_count, 1); /* the schemas that the user does not have are left out */
    const struct ec_source *s = &config->source[0];
    assert_string_equal(s->files[0], "user_sessions/sessions_*.csv");
    assert_int_equal(s->load, EC_LOAD_REPLACE);
    assert_int_equal(s->column_count, 17); /* the user's four, and thirteen more of the sample's */
    assert_true(s->column[3].required);
    size_t added = ec_source_column(s, "end_time");
    assert_false(s->column[added].required || s->column[added].not_null);
    assert_int_equal(s->derive_count, 6); /* `date` is the user's own column */
    assert_string_equal(s->partition_by, "date");
    assert_string_equal(s->rule[0].id, "duration_min.max_value");
    ec_config_destroy(config);
    project_remove(&old);
}

static void the_nearest_word_is_within_a_third(void **state) {
    (void)state;
    static const char *const words[] = {"processed", "raw", "staging", "quality", "not_null"};
    assert_string_equal(ec_nearest("procesed", words, 5), "processed");
    assert_string_equal(ec_nearest("rwa", words, 5), "raw"); /* a swap is one edit */
    assert_string_equal(ec_nearest("QUALITY", words, 5), "quality");
    assert_string_equal(ec_nearest("notnull", words, 5), "not_null");
    assert_null(ec_nearest("stage", words, 5));
    assert_null(ec_nearest("x", words, 5));
    assert_null(ec_nearest("", words, 5));
    assert_null(ec_nearest("processed", words, 0));
    char lengthy[300];
    memset(lengthy, 'a', sizeof lengthy);
    lengthy[299] = '\0';
    assert_null(ec_nearest(lengthy, words, 5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_where_nothing_is_said),
        cmocka_unit_test(every_key_of_a_source_takes_effect),
        cmocka_unit_test(every_key_of_a_column_takes_effect),
        cmocka_unit_test(every_kind_of_rule_has_a_short_and_a_long_form),
        cmocka_unit_test(thresholds_fall_back_from_the_schemas_to_the_pipelines),
        cmocka_unit_test(set_replaces_adds_and_unsets),
        cmocka_unit_test(set_that_is_wrong_is_pointed_at),
        cmocka_unit_test(older_files_get_the_samples_sources),
        cmocka_unit_test(the_nearest_word_is_within_a_third),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
