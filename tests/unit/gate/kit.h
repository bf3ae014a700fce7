/* A source and a batch of a few columns, made of texts. */
#ifndef TEST_GATE_KIT_H
#define TEST_GATE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/io.h"
#include "config/config.h"
#include "read/cell.h"

#include <math.h>
#include <stdlib.h>

#define KIT_COLUMNS 16
#define KIT_RULES   16

struct kit {
    struct ec_source source;
    struct ec_schema_column column[KIT_COLUMNS];
    struct ec_rule rule[KIT_RULES];
    const char *key[4];
    struct ec_batch batch;
};

#define KIT_TYPE(t)       ((struct ec_column_type){.type = EC_TYPE_##t})
#define KIT_DECIMAL(p, s) ((struct ec_column_type){EC_TYPE_DECIMAL, p, s})

static inline void kit_init(struct kit *k) {
    memset(k, 0, sizeof *k);
    k->source = (struct ec_source){.name = "orders",
                                   .column = k->column,
                                   .rule = k->rule,
                                   .key = k->key,
                                   .file = "pipeline_config.yaml",
                                   .line = 7};
    assert_int_equal(ec_batch_init(&k->batch, NULL), EC_OK);
}

static inline void kit_deinit(struct kit *k) {
    ec_batch_deinit(&k->batch);
}

/* A declared column. */
static inline size_t kit_column(struct kit *k, const char *name, struct ec_column_type type) {
    size_t at;
    assert_true(k->source.column_count < KIT_COLUMNS);
    k->column[k->source.column_count++] = (struct ec_schema_column){.name = name, .type = type, .required = true};
    assert_int_equal(ec_batch_add_column(&k->batch, name, type, &at, NULL), EC_OK);
    return at;
}

/* A rule that quarantines. */
static inline struct ec_rule *kit_rule(struct kit *k, const char *id, const char *column, enum ec_rule_kind kind) {
    assert_true(k->source.rule_count < KIT_RULES);
    struct ec_rule *rule = &k->rule[k->source.rule_count++];
    *rule = (struct ec_rule){.id = id,
                             .key = "rule",
                             .column = column,
                             .kind = kind,
                             .severity = EC_SEVERITY_ERROR,
                             .action = EC_ACTION_QUARANTINE,
                             .max_failed = (double)NAN,
                             .length_max = SIZE_MAX,
                             .file = "business_rules.yaml",
                             .line = 3};
    return rule;
}

/* One more row, each with a line and an offset of its own; its cells are null. */
static inline size_t kit_row(struct kit *k) {
    size_t row = k->batch.rows++;
    assert_true(row < EC_BATCH_ROWS);
    k->batch.place[row] = (struct ec_place){.offset = 100 * row, .line = row + 2, .length = 3, .raw = "raw"};
    return row;
}

/* Sets a cell as a reader would; NULL leaves it null. The text is borrowed. */
static inline void kit_set(struct kit *k, size_t column, size_t row, const char *text) {
    struct ec_schema_column schema = {.type = k->batch.column[column].type};
    if (!text) return;
    assert_int_equal(ec_cell_parse(&schema, &k->batch.column[column], row, text, strlen(text), true), EC_CELL_VALUE);
}

static inline void kit_fault(struct kit *k, size_t row, uint32_t column, enum ec_reason reason, const char *value) {
    struct ec_fault fault = {.row = (uint32_t)row, .column = column, .reason = reason, .value = ec_str_of(value)};
    assert_int_equal(ec_batch_fault(&k->batch, fault, NULL), EC_OK);
}

/* A temporary folder of the test program. */
static char kit_dir[64];

static inline int kit_make_dir(void **state) {
    (void)state;
    (void)snprintf(kit_dir, sizeof kit_dir, "/tmp/ecluse-gate-XXXXXX");
    return mkdtemp(kit_dir) ? 0 : -1;
}

static inline int kit_remove_dir(void **state) {
    (void)state;
    return ec_dir_remove(kit_dir, true, NULL) == EC_OK ? 0 : -1;
}

/* A deterministic source of numbers (xorshift64*). */
static inline uint64_t kit_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

#endif
