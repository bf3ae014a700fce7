/* What the columns of a file hold: nulls, bounds, distinct values, the most frequent ones. */
#include "gate/gate_private.h"

#include "base/calendar.h"
#include "base/hash.h"

/* Past this many distinct values the most frequent ones say nothing, and counting them costs. */
#define TOP_DISTINCT_MAX 512u

static bool has_top(enum ec_type type) {
    return type == EC_TYPE_STRING || type == EC_TYPE_BOOLEAN;
}

/* Columns that a file adds are profiled from the batch in which they first occur. */
enum ec_status ec_profile_columns(struct ec_gate *gate, const struct ec_batch *batch, struct ec_err *err) {
    struct ec_facts *facts = &gate->facts;
    size_t profiled = batch->columns - gate->own_count;
    if (facts->column_count == profiled) return EC_OK;
    struct ec_column_facts *column = ec_arena_calloc(&facts->arena, profiled, sizeof *column);
    if (!column) return ec_fail(err, EC_NO_MEMORY, "no memory for the profile of %s", gate->source->name);
    if (facts->column_count) memcpy(column, facts->column, facts->column_count * sizeof *column);
    for (size_t i = facts->column_count; i < profiled; i++) {
        size_t at = i < gate->own_first ? i : i + gate->own_count;
        const struct ec_column *c = &batch->column[at];
        column[i] = (struct ec_column_facts){
            .name = ec_arena_strdup(&facts->arena, c->name),
            .type = c->type,
            .declared = i < gate->source->column_count,
            .nulls = facts->sound, /* of the batches before */
            .hll = ec_arena_calloc(&facts->arena, EC_HLL_SIZE, 1),
            .top = has_top(c->type.type) ? ec_arena_calloc(&facts->arena, EC_TOP_SLOTS, sizeof(struct ec_top)) : NULL};
        if (!column[i].name || !column[i].hll || (has_top(c->type.type) && !column[i].top))
            return ec_fail(err, EC_NO_MEMORY, "no memory for the profile of %s", gate->source->name);
    }
    facts->column = column;
    facts->column_count = profiled;
    return EC_OK;
}

static void widen(struct ec_column_facts *f, int64_t value) {
    if (!f->bounded || value < f->min_i) f->min_i = value;
    if (!f->bounded || value > f->max_i) f->max_i = value;
    f->bounded = true;
}

static void profile_text(struct ec_column_facts *f, const struct ec_column *c, const uint64_t *known, size_t rows) {
    for (size_t row = 0; row < rows; row++) {
        if (!ec_bit(known, row)) continue;
        struct ec_str text = ec_text_str(&ec_column_text(c)[row]);
        uint64_t hash = ec_hash64(text.p, text.n);
        ec_facts_distinct_add(f->hll, hash);
        if (f->top) ec_facts_top_add(f->top, hash, text.p, text.n);
    }
    if (f->top && ec_facts_distinct(f->hll) > TOP_DISTINCT_MAX) f->top = NULL;
}

static void profile_double(struct ec_column_facts *f, const struct ec_column *c, const uint64_t *known, size_t rows) {
    const double *values = ec_column_double(c);
    for (size_t row = 0; row < rows; row++) {
        if (!ec_bit(known, row)) continue;
        double v = values[row];
        if (!f->bounded || v < f->min_d) f->min_d = v;
        if (!f->bounded || v > f->max_d) f->max_d = v;
        f->bounded = true;
        f->sum += v;
        ec_facts_distinct_add(f->hll, ec_hash64(&v, sizeof v));
    }
}

static void profile_int(struct ec_column_facts *f, const struct ec_column *c, const uint64_t *known, size_t rows) {
    enum ec_type type = c->type.type;
    for (size_t row = 0; row < rows; row++) {
        if (!ec_bit(known, row)) continue;
        int64_t v = type == EC_TYPE_BOOLEAN ? ec_column_bool(c)[row]
                    : type == EC_TYPE_DATE  ? ec_column_days(c)[row]
                                            : ec_column_int(c)[row];
        widen(f, v);
        f->sum += (double)v;
        uint64_t hash = ec_hash64(&v, sizeof v);
        ec_facts_distinct_add(f->hll, hash);
        if (f->top) ec_facts_top_add(f->top, hash, v ? "true" : "false", v ? 4 : 5);
    }
}

static void note_newest(struct ec_gate *gate, const struct ec_column *c, size_t rows) {
    struct ec_facts *facts = &gate->facts;
    for (size_t row = 0; row < rows; row++) {
        if (!ec_bit(c->valid, row)) continue;
        int64_t us = c->type.type == EC_TYPE_DATE ? ec_column_days(c)[row] * EC_MICROS_PER_DAY : ec_column_int(c)[row];
        if (!facts->newest_known || us > facts->newest_us) facts->newest_us = us;
        facts->newest_known = true;
    }
}

static void profile_column(struct ec_column_facts *f, const struct ec_column *c, const uint64_t *known, size_t rows) {
    if (c->type.type == EC_TYPE_STRING)
        profile_text(f, c, known, rows);
    else if (c->type.type == EC_TYPE_FLOAT)
        profile_double(f, c, known, rows);
    else
        profile_int(f, c, known, rows);
}

/* Damaged records are left out: which of their cells is which is not known. */
void ec_profile_batch(struct ec_gate *gate, const struct ec_batch *batch) {
    struct ec_facts *facts = &gate->facts;
    size_t words = (batch->rows + 63) / 64;
    size_t sound = batch->rows - ec_bits_count(gate->structural, words);
    facts->sound += sound;
    for (size_t i = 0; i < facts->column_count; i++) {
        size_t at = i < gate->own_first ? i : i + gate->own_count;
        const struct ec_column *c = &batch->column[at];
        struct ec_column_facts *f = &facts->column[i];
        uint64_t known[EC_BATCH_WORDS];
        for (size_t w = 0; w < words; w++) known[w] = c->valid[w] & ~gate->structural[w];
        size_t values = ec_bits_count(known, words);
        /* Cells of a wrong type hold something: they are bad, not missing. */
        size_t bad = f->declared ? ec_bits_count(gate->type_bad + i * EC_BATCH_WORDS, words) : 0;
        f->values += values;
        f->nulls += sound - values - bad;
        if (values > 0) f->present = true;
        profile_column(f, c, known, batch->rows);
    }
    if (gate->freshness != SIZE_MAX) note_newest(gate, &batch->column[gate->freshness], batch->rows);
}

void ec_gate_present(struct ec_gate *gate, const bool *present) {
    struct ec_facts *facts = &gate->facts;
    facts->cells = facts->cells_missing = 0;
    for (size_t i = 0; i < gate->source->column_count && i < facts->column_count; i++) {
        facts->column[i].present = present[i];
        if (!gate->source->column[i].required && !present[i]) continue;
        facts->cells += facts->sound;
        facts->cells_missing += facts->column[i].nulls;
    }
}
