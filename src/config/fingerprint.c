/* SHA-256 over a canonical text (JSON) of what takes effect.
 *
 * It is written from the structs, so comments, spaces, quotes and the order of unrelated keys
 * do not show. Order shows where it means something: of columns (the table's), of derived
 * columns (a later one may name an earlier), of the key, of sources and globs. Rules are sorted
 * by id. Nothing of the program goes in: a new version does not re-validate every file. */
#include "config/loader.h"

#include "base/json.h"

#include <stdlib.h>

#define CANONICAL_MAX (64 * EC_MIB)

static void write_texts(struct ec_json_writer *w, const char *key, const char *const *texts, size_t count) {
    ec_json_array(w, key);
    for (size_t i = 0; i < count; i++) ec_json_str(w, NULL, texts[i]);
    ec_json_end_array(w);
}

static void write_values(struct ec_json_writer *w, const char *key, const struct ec_str *values, size_t count) {
    ec_json_array(w, key);
    for (size_t i = 0; i < count; i++) ec_json_text(w, NULL, values[i]);
    ec_json_end_array(w);
}

static void write_column(struct ec_json_writer *w, const struct ec_schema_column *column) {
    ec_json_object(w, NULL);
    ec_json_str(w, "name", column->name);
    ec_json_str(w, "type", ec_type_name(column->type.type));
    ec_json_uint(w, "precision", column->type.precision);
    ec_json_uint(w, "scale", column->type.scale);
    ec_json_bool(w, "required", column->required);
    ec_json_bool(w, "not_null", column->not_null);
    write_texts(w, "formats", column->formats, column->format_count);
    write_values(w, "null_values", column->null_values, column->null_value_count);
    ec_json_str(w, "timezone", column->timezone);
    ec_json_end(w);
}

static void write_rule(struct ec_json_writer *w, const struct ec_rule *rule) {
    ec_json_object(w, NULL);
    ec_json_str(w, "id", rule->id);
    ec_json_str(w, "key", rule->key);
    ec_json_str(w, "column", rule->column);
    ec_json_str(w, "severity", ec_severity_name(rule->severity));
    ec_json_str(w, "action", ec_action_name(rule->action));
    ec_json_double(w, "max_failed", rule->max_failed);
    ec_json_str(w, "min", rule->min);
    ec_json_str(w, "max", rule->max);
    write_values(w, "values", rule->values, rule->value_count);
    ec_json_uint(w, "length_min", rule->length_min);
    ec_json_uint(w, "length_max", rule->length_max);
    ec_json_str(w, "text", rule->text);
    ec_json_end(w);
}

static int by_id(const void *a, const void *b) {
    const struct ec_rule *const *x = a;
    const struct ec_rule *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

static void write_rules(struct ec_json_writer *w, const struct ec_source *source, const struct ec_rule **sorted) {
    for (size_t i = 0; i < source->rule_count; i++) sorted[i] = &source->rule[i];
    if (source->rule_count > 0) qsort(sorted, source->rule_count, sizeof *sorted, by_id);
    ec_json_array(w, "rules");
    for (size_t i = 0; i < source->rule_count; i++) write_rule(w, sorted[i]);
    ec_json_end_array(w);
}

static void write_weights(struct ec_json_writer *w, const struct ec_config *config) {
    ec_json_object(w, "weights");
    for (unsigned i = 0; i < EC_DIM_COUNT; i++)
        ec_json_double(w, ec_dimension_name((enum ec_dimension)i), config->weight[i]);
    ec_json_end(w);
}

static void write_source(struct ec_json_writer *w, const struct ec_config *config, const struct ec_source *source,
                         const struct ec_rule **sorted) {
    ec_json_object(w, NULL);
    ec_json_str(w, "canonical", "ecluse source 1");
    ec_json_str(w, "name", source->name);
    ec_json_str(w, "schema", source->schema);
    ec_json_str(w, "format", ec_format_name(source->format));
    ec_json_str(w, "encoding", source->encoding);
    ec_json_text(w, "delimiter", (struct ec_str){source->delimiter ? &source->delimiter : ",", 1});
    ec_json_str(w, "sheet", source->sheet);
    write_texts(w, "key", source->key, source->key_count);
    ec_json_str(w, "load", ec_load_name(source->load));
    ec_json_str(w, "partition_by", source->partition_by);
    ec_json_array(w, "derive");
    for (size_t i = 0; i < source->derive_count; i++) {
        ec_json_str(w, NULL, source->derive[i].name);
        ec_json_str(w, NULL, source->derive[i].expression);
    }
    ec_json_end_array(w);
    ec_json_array(w, "columns");
    for (size_t i = 0; i < source->column_count; i++) write_column(w, &source->column[i]);
    ec_json_end_array(w);
    write_rules(w, source, sorted);
    ec_json_double(w, "threshold", source->threshold);
    ec_json_int(w, "freshness_s", source->freshness_s);
    ec_json_str(w, "freshness_column", source->freshness_column);
    ec_json_bool(w, "reject_failed", source->reject_failed);
    write_weights(w, config);
    ec_json_end(w);
}

static enum ec_status finish(struct ec_buf *buf, char hex[EC_SHA256_HEX], struct ec_err *err) {
    EC_TRY(ec_buf_check(buf, err));
    return ec_sha256_bytes(buf->p, buf->n, hex, err);
}

static enum ec_status fingerprint_source(struct ec_config *config, struct ec_source *source, struct ec_buf *buf,
                                         struct ec_err *err) {
    const struct ec_rule **sorted = ec_arena_calloc(&config->arena, source->rule_count, sizeof *sorted);
    if (!sorted) return ec_load_no_memory(err);
    struct ec_json_writer w;
    ec_buf_clear(buf);
    ec_json_init(&w, buf);
    write_source(&w, config, source, sorted);
    return finish(buf, source->fingerprint, err);
}

/* The sources with their globs, in order, and what else shapes the tables' parts. */
static enum ec_status fingerprint_config(struct ec_config *config, struct ec_buf *buf, struct ec_err *err) {
    struct ec_json_writer w;
    ec_buf_clear(buf);
    ec_json_init(&w, buf);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "canonical", "ecluse config 1");
    ec_json_uint(&w, "chunk_rows", config->chunk_rows);
    ec_json_array(&w, "sources");
    for (size_t i = 0; i < config->source_count; i++) {
        ec_json_str(&w, NULL, config->source[i].fingerprint);
        write_texts(&w, NULL, config->source[i].files, config->source[i].file_count);
    }
    ec_json_end_array(&w);
    write_weights(&w, config);
    ec_json_end(&w);
    return finish(buf, config->fingerprint, err);
}

enum ec_status ec_config_fingerprint(struct ec_config *config, struct ec_err *err) {
    struct ec_buf buf = ec_buf_make(CANONICAL_MAX);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < config->source_count && status == EC_OK; i++)
        status = fingerprint_source(config, &config->source[i], &buf, err);
    if (status == EC_OK) status = fingerprint_config(config, &buf, err);
    ec_buf_free(&buf);
    return status;
}
