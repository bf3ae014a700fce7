/* business_rules.yaml and what comes of it: the rules of an input are loaded, bound and asked of rows that a line
 * "%%" separates from them (CSV without a header; there are some where the input has none). A rule says of a row in
 * a batch what it says of that row alone, coded or not; a null passes but not_null; the gate keeps its counts. */
#include "kit.h"

#include "base/coder.h"
#include "config/loader.h"
#include "gate/gate.h"
#include "gate/rule.h"
#include "read/reader.h"

#include <stdlib.h>

static struct ec_schema_column columns[] = {
    {.name = "i", .type = {.type = EC_TYPE_INTEGER}},
    {.name = "s"},
    {.name = "f", .type = {.type = EC_TYPE_FLOAT}},
    {.name = "b", .type = {.type = EC_TYPE_BOOLEAN}},
    {.name = "t", .type = {.type = EC_TYPE_DATETIME}},
    {.name = "d", .type = {.type = EC_TYPE_DATE}},
    {.name = "m", .type = {.type = EC_TYPE_DECIMAL, .precision = 10, .scale = 2}},
    {.name = "j", .type = {.type = EC_TYPE_INTEGER}},
    {.name = "r"},
};
#define COLUMNS (sizeof columns / sizeof *columns)
static struct ec_str names[COLUMNS];

static const char some_rows[] = "1,GET,1.5,true,2025-07-18T10:00:00Z,2025-07-18,9.99,2,GET\n"
                                "-9223372036854775808,,-0.0,false,1970-01-01T00:00:00Z,1970-01-01,-0.01,0,\n"
                                "9223372036854775807,\"\",1e308,,9999-12-31T23:59:59Z,0001-01-01,99999999.99,5,x@y.z\n"
                                ",\xc3\xa9t\xc3\xa9,,1,,,,,PUT\n";

static void read_rows(struct ec_str rows, struct ec_batch *batch, struct ec_stream **stream,
                      struct ec_reader **reader) {
    static const struct ec_source csv = {.name = "fuzz", .column = columns, .column_count = COLUMNS};
    struct ec_err err = {0};
    for (size_t i = 0; i < COLUMNS; i++) names[i] = ec_str_of(columns[i].name);
    fuzz_need(ec_batch_init(batch, &err), &err);
    fuzz_need(ec_reader_columns(&csv, batch, &err), &err);
    fuzz_need(ec_stream_memory(rows.p, rows.n, 0, stream, &err), &err);
    struct ec_reader_args args = {
        .source = &csv, .stream = *stream, .path = "fuzz", .header = names, .header_count = COLUMNS};
    if (ec_reader_open(&ec_reader_csv, &args, batch, reader, &err) != EC_OK) return; /* marked as UTF-16 */
    fuzz_need(ec_reader_next(*reader, batch, &err), &err);
}

/* A batch of row `row` alone; texts are borrowed. */
static void one_row(const struct ec_batch *from, size_t row, struct ec_batch *to) {
    ec_batch_reset(to);
    to->rows = 1;
    for (size_t c = 0; c < COLUMNS; c++) {
        const struct ec_column *source = &from->column[c];
        size_t width = ec_type_width(source->type.type);
        if (!ec_bit(source->valid, row)) continue;
        ec_bit_set(to->column[c].valid, 0);
        memcpy(to->column[c].values, (const char *)source->values + row * width, width);
    }
}

static void check_rule(struct ec_bound_rule *bound, const struct ec_rule *rule, struct ec_batch *batch,
                       struct ec_batch *single) {
    uint64_t whole[EC_BATCH_ROWS / 64] = {0};
    ec_rule_eval(bound, batch, whole);
    size_t most = batch->rows < 200 ? batch->rows : 200;
    for (size_t row = 0; row < most; row++) {
        uint64_t alone[EC_BATCH_ROWS / 64] = {0};
        one_row(batch, row, single);
        ec_rule_eval(bound, single, alone);
        FUZZ_CHECK(ec_bit(whole, row) == ec_bit(alone, 0), "%s says %d of row %zu, and %d of it alone", rule->id,
                   ec_bit(whole, row), row, ec_bit(alone, 0));
        if (!ec_bit(batch->column[bound->column].valid, row))
            FUZZ_CHECK(ec_bit(whole, row) == (rule->kind == EC_RULE_NOT_NULL), "%s and a null in row %zu", rule->id,
                       row);
    }
}

static void check_rules(const struct ec_source *source, struct ec_batch *batch) {
    struct ec_arena arena;
    struct ec_batch single;
    struct ec_err err = {0};
    ec_arena_init(&arena, 64 * EC_MIB);
    fuzz_need(ec_batch_init(&single, &err), &err);
    fuzz_need(ec_reader_columns(source, &single, &err), &err);
    for (size_t i = 0; i < source->rule_count && i < 40; i++) {
        struct ec_bound_rule bound;
        ec_err_clear(&err);
        if (source->rule[i].kind == EC_RULE_EXPRESSION) continue;
        if (ec_rule_bind(&source->rule[i], batch, &arena, &bound, &err) == EC_OK) {
            check_rule(&bound, &source->rule[i], batch, &single);
            ec_rule_unbind(&bound);
        } else {
            FUZZ_CHECK(err.status == EC_CONFIG && err.line > 0, "%s: %s", ec_status_text(err.status)->slug,
                       err.message);
        }
    }
    ec_batch_deinit(&single);
    ec_arena_deinit(&arena);
}

static uint64_t bits_of(const uint64_t *bits, size_t rows) {
    uint64_t count = 0;
    for (size_t i = 0; i < rows; i++) count += ec_bit(bits, i);
    return count;
}

static void check_gate(const struct ec_source *source, struct ec_batch *batch) {
    struct ec_gate *gate = NULL;
    struct ec_err err = {0};
    static uint64_t none[EC_BATCH_ROWS / 64];
    static uint64_t *failed[EC_RULES_MAX];
    for (size_t i = 0; i < EC_RULES_MAX; i++) failed[i] = none;
    if (ec_gate_create(source, batch, batch->columns, 0, &gate, &err) == EC_OK) {
        fuzz_need(ec_gate_check(gate, batch, failed, &err), &err);
        fuzz_need(ec_gate_count(gate, batch, &err), &err);
        const struct ec_facts *facts = ec_gate_facts(gate);
        uint64_t rejected = bits_of(batch->rejected, batch->rows);
        FUZZ_CHECK(facts->read == batch->rows && facts->quarantined == rejected &&
                       facts->accepted == batch->rows - rejected && facts->duplicate == 0,
                   "%llu read, %llu accepted, %llu quarantined", (unsigned long long)facts->read,
                   (unsigned long long)facts->accepted, (unsigned long long)facts->quarantined);
    } else {
        FUZZ_CHECK(err.status == EC_CONFIG, "%s: %s", ec_status_text(err.status)->slug, err.message);
    }
    ec_gate_destroy(gate);
}

static void check_all(const struct ec_source *source, struct ec_batch *batch) {
    struct ec_coder *coder = NULL;
    struct ec_err err = {0};
    check_rules(source, batch);
    fuzz_need(ec_coder_create(batch, &coder, &err), &err);
    ec_coder_run(coder, batch);
    check_rules(source, batch);
    check_gate(source, batch);
    ec_coder_destroy(coder);
}

static bool load(struct ec_str yaml, struct ec_loader *loader, struct ec_source *source) {
    struct ec_err err = {0};
    ec_arena_init(&loader->trees, EC_CONFIG_BYTES_MAX);
    ec_arena_init(&loader->config->arena, EC_CONFIG_BYTES_MAX);
    loader->config->source = source;
    loader->config->source_count = 1;
    enum ec_status status = ec_yaml_parse(&loader->trees, "rules", yaml, EC_YAML, &loader->rules, &err);
    if (status == EC_OK) status = ec_load_rules(loader, source, &err);
    if (status != EC_OK) FUZZ_CHECK(status == EC_CONFIG && *err.message, "refused as %s", ec_status_text(status)->slug);
    return status == EC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    struct ec_str rest = {(const char *)p, n}, name, yaml = {"", 0}, rows = EC_STR(some_rows);
    if (fuzz_next_part(&rest, "%%", &name, &yaml)) (void)fuzz_next_part(&rest, "%%", &name, &rows);
    char *yaml_copy = fuzz_copy(yaml.p, yaml.n), *rows_copy = fuzz_copy(rows.p, rows.n);
    struct ec_config config = {0};
    struct ec_loader loader = {.config = &config};
    struct ec_source source = {
        .name = "fuzz", .schema = "fuzz", .column = columns, .column_count = COLUMNS, .file = "fuzz", .line = 1};
    if (load((struct ec_str){yaml_copy, yaml.n}, &loader, &source)) {
        struct ec_batch batch;
        struct ec_stream *stream = NULL;
        struct ec_reader *reader = NULL;
        read_rows((struct ec_str){rows_copy, rows.n}, &batch, &stream, &reader);
        check_all(&source, &batch);
        ec_reader_close(reader);
        ec_stream_close(stream);
        ec_batch_deinit(&batch);
    }
    ec_arena_deinit(&loader.trees);
    ec_arena_deinit(&config.arena);
    free(yaml_copy);
    free(rows_copy);
    return 0;
}
