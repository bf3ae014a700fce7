/* The datasets of an event and what is known of them. */
#include "publish/openlineage_private.h"

#include "base/io.h"

#include <math.h>

#define NAME_BYTES 8192u

static void write_name(struct ec_json_writer *w, const char *root, const char *below, const char *name) {
    struct ec_buf text = ec_buf_make(NAME_BYTES);
    ec_buf_printf(&text, "%s/%s/%s", root, below, name);
    ec_json_str(w, "namespace", "file");
    ec_json_text(w, "name", ec_buf_str(&text));
    if (text.failed) w->out->failed = true;
    ec_buf_free(&text);
}

static void write_source(struct ec_json_writer *w, const char *name) {
    ec_lineage_facet(w, "dataSource", "1-0-1", "DatasourceDatasetFacet");
    ec_json_str(w, "name", name);
    ec_json_str(w, "uri", "file:///");
    ec_json_end(w);
}

static void write_field(struct ec_json_writer *w, const char *name, const struct ec_column_type *type) {
    char text[32];
    ec_json_object(w, NULL);
    ec_json_str(w, "name", name);
    if (type && type->type == EC_TYPE_DECIMAL) {
        (void)snprintf(text, sizeof text, "decimal(%u,%u)", type->precision, type->scale);
        ec_json_str(w, "type", text);
    } else if (type) {
        ec_json_str(w, "type", ec_type_name(type->type));
    }
    ec_json_end(w);
}

/* ---- inputs ---- */

static void write_number(struct ec_json_writer *w, const char *key, const struct ec_column_type *type, int64_t i, double d) {
    if (type->type == EC_TYPE_FLOAT) {
        ec_json_double(w, key, d);
    } else if (type->type == EC_TYPE_INTEGER) {
        ec_json_int(w, key, i);
    } else {
        ec_json_double(w, key, (double)i / pow(10, type->scale));
    }
}

static void write_column(struct ec_json_writer *w, const struct ec_column_facts *c) {
    bool number = c->type.type == EC_TYPE_INTEGER || c->type.type == EC_TYPE_FLOAT || c->type.type == EC_TYPE_DECIMAL;
    uint64_t distinct = c->hll ? ec_facts_distinct(c->hll) : 0;
    ec_json_object(w, c->name);
    ec_json_uint(w, "nullCount", c->nulls);
    ec_json_uint(w, "count", c->values);
    if (c->hll) ec_json_uint(w, "distinctCount", distinct < c->values ? distinct : c->values);
    if (number && c->bounded) {
        double scale = c->type.type == EC_TYPE_DECIMAL ? pow(10, c->type.scale) : 1;
        if (isfinite(c->sum)) ec_json_double(w, "sum", c->sum / scale);
        write_number(w, "min", &c->type, c->min_i, c->min_d);
        write_number(w, "max", &c->type, c->max_i, c->max_d);
    }
    ec_json_end(w);
}

static void write_metrics(struct ec_json_writer *w, const struct ec_facts *f, uint64_t bytes, uint64_t files) {
    ec_lineage_facet(w, "dataQualityMetrics", "1-0-3", "DataQualityMetricsInputDatasetFacet");
    ec_json_uint(w, "rowCount", f->read);
    ec_json_uint(w, "bytes", bytes);
    ec_json_uint(w, "fileCount", files);
    ec_json_object(w, "columnMetrics");
    for (size_t i = 0; i < f->column_count; i++)
        if (!f->column[i].derived) write_column(w, &f->column[i]);
    ec_json_end(w);
    ec_json_end(w);
    ec_lineage_facet(w, "inputStatistics", "1-0-0", "InputStatisticsInputDatasetFacet");
    ec_json_uint(w, "rowCount", f->read);
    ec_json_uint(w, "size", bytes);
    ec_json_uint(w, "fileCount", files);
    ec_json_end(w);
}

static void write_assertion(struct ec_json_writer *w, const char *kind, const char *name, const char *column, const char *severity,
                            bool success, const char *expected, uint64_t failed) {
    char actual[48];
    (void)snprintf(actual, sizeof actual, "%llu failed", (unsigned long long)failed);
    ec_json_object(w, NULL);
    ec_json_str(w, "assertion", kind);
    ec_json_bool(w, "success", success);
    if (column) ec_json_str(w, "column", column);
    ec_json_str(w, "severity", severity);
    ec_json_str(w, "name", name);
    if (expected) ec_json_str(w, "expected", expected);
    ec_json_str(w, "actual", actual);
    ec_json_end(w);
}

static void write_assertions(struct ec_json_writer *w, const struct ec_facts *f, uint64_t unreadable, uint64_t failed) {
    ec_lineage_facet(w, "dataQualityAssertions", "1-1-0", "DataQualityAssertionsDatasetFacet");
    ec_json_array(w, "assertions");
    write_assertion(w, "readable", "every file can be read", NULL, "error", unreadable == 0, "0 failed", unreadable);
    write_assertion(w, "quality_gate", "every file passes its quality gate", NULL, "error", failed == 0, "0 failed", failed);
    for (size_t i = 0; i < f->check_count; i++) {
        const struct ec_check_facts *c = &f->check[i];
        write_assertion(w, c->rule, c->id, c->column, c->severity, c->failed == 0, "0 failed", c->failed);
    }
    ec_json_end_array(w);
    ec_json_end(w);
}

struct sums {
    struct ec_facts facts;
    uint64_t files, bytes, unreadable, failed;
};

static enum ec_status sum_up(const struct ec_run_facts *run, const struct ec_source *source, struct sums *s, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, 16 * EC_MIB);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < run->unit_count && status == EC_OK; i++) {
        const struct ec_unit *unit = &run->unit[i];
        struct ec_judgement j;
        if (unit->source != source) continue;
        ec_arena_reset(&arena);
        status = ec_judge(unit, &arena, &j, err);
        if (status != EC_OK) break;
        s->files++;
        s->bytes += unit->bytes;
        s->unreadable += j.verdict == EC_VERDICT_ERRORED;
        s->failed += j.verdict == EC_VERDICT_FAILED;
        if (ec_unit_known(unit)) status = ec_facts_merge(&s->facts, &unit->facts, err);
    }
    ec_arena_deinit(&arena);
    return status;
}

enum ec_status ec_lineage_input(struct ec_json_writer *w, const struct ec_run_facts *run, const struct ec_lineage_options *o,
                                const struct ec_source *source, struct ec_err *err) {
    struct sums s = {0};
    ec_facts_init(&s.facts);
    enum ec_status status = sum_up(run, source, &s, err);
    if (status == EC_OK) {
        ec_json_object(w, NULL);
        write_name(w, o->root, "data/raw", source->name);
        ec_json_object(w, "facets");
        write_source(w, source->name);
        ec_lineage_facet(w, "schema", "1-2-0", "SchemaDatasetFacet");
        ec_json_array(w, "fields");
        for (size_t i = 0; i < source->column_count; i++) write_field(w, source->column[i].name, &source->column[i].type);
        for (size_t i = 0; i < s.facts.column_count; i++)
            if (!s.facts.column[i].declared && !s.facts.column[i].derived) write_field(w, s.facts.column[i].name, &s.facts.column[i].type);
        ec_json_end_array(w);
        ec_json_end(w);
        ec_json_end(w);
        ec_json_object(w, "inputFacets");
        write_metrics(w, &s.facts, s.bytes, s.files);
        write_assertions(w, &s.facts, s.unreadable, s.failed);
        ec_json_end(w);
        ec_json_end(w);
    }
    ec_facts_deinit(&s.facts);
    return status;
}

/* ---- outputs ---- */

static void write_input_field(struct ec_json_writer *w, const struct ec_lineage_options *o, const char *folder,
                              const struct ec_lineage_origin *from) {
    ec_json_object(w, NULL);
    write_name(w, o->root, folder, from->table);
    ec_json_str(w, "field", from->column);
    ec_json_array(w, "transformations");
    ec_json_object(w, NULL);
    ec_json_str(w, "type", from->type);
    ec_json_str(w, "subtype", from->subtype);
    ec_json_end(w);
    ec_json_end_array(w);
    ec_json_end(w);
}

static void write_file_field(struct ec_json_writer *w, const struct ec_lineage_options *o, const struct ec_source *source, const char *column,
                             const char *subtype) {
    write_input_field(w, o, "data/raw", &(struct ec_lineage_origin){source->name, column, "DIRECT", subtype});
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

/* Whether the expression names the column: as a word, outside of texts in single quotes. */
static bool names(const char *expression, const char *column) {
    size_t n = strlen(column);
    bool text = false;
    for (const char *p = expression; *p; p++) {
        if (*p == '\'') text = !text;
        if (text || strncmp(p, column, n) != 0 || is_word(p[n]) || (p > expression && is_word(p[-1]))) continue;
        return true;
    }
    return false;
}

static void write_lineage(struct ec_json_writer *w, const struct ec_lineage_options *o, const struct ec_source *source) {
    ec_lineage_facet(w, "columnLineage", "1-2-0", "ColumnLineageDatasetFacet");
    ec_json_object(w, "fields");
    for (size_t i = 0; i < source->column_count; i++) {
        ec_json_object(w, source->column[i].name);
        ec_json_array(w, "inputFields");
        write_file_field(w, o, source, source->column[i].name, "IDENTITY");
        ec_json_end_array(w);
        ec_json_end(w);
    }
    for (size_t i = 0; i < source->derive_count; i++) {
        const struct ec_derive *derive = &source->derive[i];
        ec_json_object(w, derive->name);
        ec_json_array(w, "inputFields");
        for (size_t k = 0; k < source->column_count; k++)
            if (names(derive->expression, source->column[k].name)) write_file_field(w, o, source, source->column[k].name, "TRANSFORMATION");
        ec_json_end_array(w);
        ec_json_end(w);
    }
    ec_json_end(w);
    ec_json_end(w);
}

static void write_schema(struct ec_json_writer *w, const struct ec_source *source) {
    ec_lineage_facet(w, "schema", "1-2-0", "SchemaDatasetFacet");
    ec_json_array(w, "fields");
    for (size_t i = 0; i < source->column_count; i++) write_field(w, source->column[i].name, &source->column[i].type);
    for (size_t i = 0; i < source->derive_count; i++) write_field(w, source->derive[i].name, NULL);
    write_field(w, "_file", &(struct ec_column_type){.type = EC_TYPE_STRING}); /* where the row came from: of no column */
    write_field(w, "_line", &(struct ec_column_type){.type = EC_TYPE_INTEGER});
    ec_json_end_array(w);
    ec_json_end(w);
}

/* ---- models ---- */

static const struct ec_lineage_model *model_of(const struct ec_lineage_options *o, const char *table) {
    for (size_t i = 0; i < o->model_count; i++)
        if (strcmp(o->model[i].name, table) == 0) return &o->model[i];
    return NULL;
}

/* A column of which nothing is known is left out. */
static void write_model_lineage(struct ec_json_writer *w, const struct ec_lineage_options *o, const struct ec_lineage_model *model) {
    ec_lineage_facet(w, "columnLineage", "1-2-0", "ColumnLineageDatasetFacet");
    ec_json_object(w, "fields");
    for (size_t i = 0; i < model->column_count; i++) {
        const struct ec_lineage_column *c = &model->column[i];
        if (c->origin_count == 0) continue;
        ec_json_object(w, c->name);
        ec_json_array(w, "inputFields");
        for (size_t k = 0; k < c->origin_count; k++) {
            const struct ec_lineage_model *other = model_of(o, c->origin[k].table);
            write_input_field(w, o, other ? other->folder : "data/processed/enriched", &c->origin[k]);
        }
        ec_json_end_array(w);
        ec_json_end(w);
    }
    ec_json_end(w);
    ec_json_end(w);
}

static void write_model_schema(struct ec_json_writer *w, const struct ec_lineage_model *model) {
    ec_lineage_facet(w, "schema", "1-2-0", "SchemaDatasetFacet");
    ec_json_array(w, "fields");
    for (size_t i = 0; i < model->column_count; i++) write_field(w, model->column[i].name, &model->column[i].type);
    ec_json_end_array(w);
    ec_json_end(w);
}

/* A source's table, a joined one, or one of KPIs: the first whose log is there. */
static const char *layer_of(const struct ec_lineage_options *o, const struct ec_source *source, const struct ec_lineage_model *model,
                            const char *table) {
    static const char joined[] = "data/processed/joined";
    char path[NAME_BYTES];
    if (source) return "data/processed/enriched";
    if (model) return model->folder;
    int n = snprintf(path, sizeof path, "%s/%s/%s", o->root, joined, table);
    return n > 0 && (size_t)n < sizeof path && ec_path_exists(path) ? joined : "data/processed/kpi";
}

void ec_lineage_output(struct ec_json_writer *w, const struct ec_lineage_options *o, const struct ec_table_facts *table) {
    const struct ec_source *source = ec_config_source(o->config, table->name);
    const struct ec_lineage_model *model = source ? NULL : model_of(o, table->name);
    ec_json_object(w, NULL);
    write_name(w, o->root, layer_of(o, source, model, table->name), table->name);
    ec_json_object(w, "facets");
    write_source(w, table->name);
    if (source) {
        write_schema(w, source);
        write_lineage(w, o, source);
    } else if (model) {
        write_model_schema(w, model);
        write_model_lineage(w, o, model);
    }
    ec_json_end(w);
    ec_json_object(w, "outputFacets");
    ec_lineage_facet(w, "outputStatistics", "1-0-2", "OutputStatisticsOutputDatasetFacet");
    ec_json_uint(w, "rowCount", table->rows);
    ec_json_end(w);
    ec_json_end(w);
    ec_json_end(w);
}
