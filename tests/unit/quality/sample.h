/* Units for the tests of quality/ and publish/: figures that can be checked by hand. */
#ifndef EC_TESTS_SAMPLE_H
#define EC_TESTS_SAMPLE_H

#include "quality/run_facts.h"

#include <math.h>

static struct ec_config sample_config = {.weight = {1, 1, 1, 1, 1}};
static struct ec_source sample_source = {.name = "users", .threshold = 90};

static inline void sample_unit(struct ec_unit *unit, const char *path, const char *member) {
    sample_source.fingerprint[0] = 'f';
    ec_unit_init(unit, &sample_config, &sample_source, INT64_C(1755500000000000));
    unit->path = path;
    unit->member = member;
    unit->label = member ? member : path;
    unit->bytes = 4096;
    memset(unit->sha256, 'a', 64);
    unit->run = "20250818T133405Z-0001";
    unit->validated_at = "2025-08-18T13:34:06Z";
    unit->program = "0.1.0"; /* goldens outlive versions */
    unit->elapsed_us = 12500;
}

/* 200 rows of 4 declared columns, 16 cells missing: completeness 98; 12 rows invalid: validity 94;
 * 2 duplicates: uniqueness 99; 10 inconsistent: consistency 95. Overall 96.5. */
static inline void sample_facts(struct ec_facts *f) {
    struct ec_arena *a = &f->arena;
    f->read = 200;
    f->accepted = 186;
    f->quarantined = 12;
    f->duplicate = 2;
    f->by_reason[EC_REASON_RULE] = 11;
    f->by_reason[EC_REASON_TYPE] = 1;
    f->by_reason[EC_REASON_DUPLICATE] = 2;
    f->rows_invalid = 12;
    f->rows_inconsistent = 10;
    f->cells = 800;
    f->cells_missing = 16;
    f->encoding = "utf-8";
    f->layout = "csv";
    f->bytes_in = 4096;
    f->bytes_decoded = 4096;
    f->elapsed_us = 9000;
    f->column = ec_arena_calloc(a, 5, sizeof *f->column);
    f->column_count = 5;
    static const struct { const char *name; struct ec_column_type type; } columns[] = {
        {"user_id", {EC_TYPE_STRING, 0, 0}}, {"email", {EC_TYPE_STRING, 0, 0}}, {"age", {EC_TYPE_INTEGER, 0, 0}},
        {"spent", {EC_TYPE_DECIMAL, 12, 2}}, {"note", {EC_TYPE_STRING, 0, 0}}};
    for (size_t i = 0; i < 5; i++) {
        struct ec_column_facts *c = &f->column[i];
        *c = (struct ec_column_facts){.name = columns[i].name, .type = columns[i].type, .declared = i < 4,
                                      .present = true, .values = i == 2 ? 184 : 200, .nulls = i == 2 ? 16 : 0,
                                      .hll = ec_arena_calloc(a, EC_HLL_SIZE, 1)};
        for (uint64_t k = 0; k < 3; k++) ec_facts_distinct_add(c->hll, ec_hash64(&k, sizeof k));
    }
    f->column[2].bounded = f->column[3].bounded = true;
    f->column[2].min_i = 16;
    f->column[2].max_i = 100;
    f->column[2].sum = 184 * 40;
    f->column[3].min_i = -5;
    f->column[3].max_i = 123456;
    f->column[3].sum = 200 * 1050;
    f->column[4].top = ec_arena_calloc(a, EC_TOP_SLOTS, sizeof(struct ec_top));
    ec_facts_top_add(f->column[4].top, 1, "vip", 3, 1);
    ec_facts_top_add(f->column[4].top, 2, "<b>", 3, 1);
    ec_facts_top_add(f->column[4].top, 2, "<b>", 3, 1);
    f->check = ec_arena_calloc(a, 5, sizeof *f->check);
    f->check_count = 5;
    f->check[0] = (struct ec_check_facts){"rows.parse", "parse", NULL, "validity", "error", "quarantine", (double)NAN, 200, 0, {{0}}, 0};
    f->check[1] = (struct ec_check_facts){"key", "unique", NULL, "uniqueness", "error", "quarantine", (double)NAN, 190, 2, {{.line = 9, .value = "u1"}, {.line = 10, .value = "u2"}}, 2};
    f->check[2] = (struct ec_check_facts){"age.min_value", "min_value", "age", "validity", "error", "quarantine", 0.1, 184, 1, {{.line = 7, .value = "-3"}}, 1};
    f->check[3] = (struct ec_check_facts){"email.not_allowed_values", "not_allowed_values", "email", "validity", "warn", "keep", (double)NAN, 200, 1, {{.line = 8, .value = "admin@example.com"}}, 1};
    f->check[4] = (struct ec_check_facts){"spent_adds_up", "expression", NULL, "consistency", "error", "quarantine", (double)NAN, 199, 10, {{.line = 3, .value = ""}}, 1};
}

#endif
