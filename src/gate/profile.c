/* What the columns of a file hold: nulls, bounds, distinct values, the most frequent ones. */
#include "gate/gate_private.h"

#include "base/calendar.h"
#include "base/hash.h"

/* Past this many distinct values the most frequent ones say nothing, and counting them costs. */
#define TOP_DISTINCT_MAX 512u

static bool has_top(enum ec_type type) {
    return type == EC_TYPE_STRING || type == EC_TYPE_BOOLEAN;
}

static size_t batch_column(const struct ec_gate *gate, size_t i) {
    return i < gate->own_first ? i : i + gate->own_count;
}

static enum ec_status no_memory(const struct ec_gate *gate, struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the profile of %s", gate->source->name);
}

/* Columns that a file adds are profiled from the batch in which they first occur. */
static enum ec_status add_columns(struct ec_gate *gate, const struct ec_batch *batch, struct ec_err *err) {
    struct ec_facts *facts = &gate->facts;
    size_t profiled = batch->columns - gate->own_count;
    struct ec_column_facts *column = ec_arena_calloc(&facts->arena, profiled, sizeof *column);
    struct ec_code_counts *counts = ec_arena_calloc(&gate->arena, profiled, sizeof *counts);
    if (!column || !counts) return no_memory(gate, err);
    if (facts->column_count) {
        memcpy(column, facts->column, facts->column_count * sizeof *column);
        memcpy(counts, gate->counts, facts->column_count * sizeof *counts);
    }
    for (size_t i = facts->column_count; i < profiled; i++) {
        const struct ec_column *c = &batch->column[batch_column(gate, i)];
        column[i] = (struct ec_column_facts){
            .name = ec_arena_strdup(&facts->arena, c->name),
            .type = c->type,
            .declared = i < gate->source->column_count,
            .nulls = facts->sound, /* of the batches before */
            .hll = ec_arena_calloc(&facts->arena, EC_HLL_SIZE, 1),
            .top = has_top(c->type.type) ? ec_arena_calloc(&facts->arena, EC_TOP_SLOTS, sizeof(struct ec_top)) : NULL};
        if (!column[i].name || !column[i].hll || (has_top(c->type.type) && !column[i].top)) return no_memory(gate, err);
    }
    facts->column = column;
    facts->column_count = profiled;
    gate->counts = counts;
    return EC_OK;
}

enum ec_status ec_profile_columns(struct ec_gate *gate, const struct ec_batch *batch, struct ec_err *err) {
    if (gate->facts.column_count != batch->columns - gate->own_count) EC_TRY(add_columns(gate, batch, err));
    for (size_t i = 0; i < gate->facts.column_count; i++) {
        struct ec_code_counts *counts = &gate->counts[i];
        if (!batch->column[batch_column(gate, i)].dictionary || counts->count) continue;
        counts->count = ec_arena_calloc(&gate->arena, EC_CODED_MAX, sizeof *counts->count);
        if (!counts->count) return no_memory(gate, err);
    }
    return EC_OK;
}

/* Coded texts. A value is sketched when it is met for the first time; its occurrences are counted,
 * so that the most frequent values are exact however many there are. */
static void profile_codes(struct ec_column_facts *f, struct ec_code_counts *counts, const struct ec_column *c,
                          const uint64_t *known, size_t rows) {
    const struct ec_text *value = c->dictionary->values;
    bool fresh = false;
    counts->dictionary = c->dictionary;
    for (size_t row = 0; row < rows; row++) {
        if (!ec_bit(known, row)) continue;
        uint32_t code = c->code[row];
        if (counts->count[code]++) continue;
        ec_facts_distinct_add(f->hll, ec_hash64(ec_text_bytes(&value[code]), value[code].n));
        fresh = true;
    }
    if (fresh && f->top && ec_facts_distinct(f->hll) > TOP_DISTINCT_MAX) f->top = NULL;
}

/* Puts the value among the best so far, which stand in falling order; those of equal count in the
 * order of their first occurrence, which is the codes'. */
static void rank(const struct ec_code_counts *counts, uint32_t code, uint32_t *best, size_t *n) {
    size_t at = *n;
    while (at > 0 && counts->count[best[at - 1]] < counts->count[code]) at--;
    if (at == EC_TOP_SLOTS) return;
    if (*n < EC_TOP_SLOTS) ++*n;
    memmove(best + at + 1, best + at, (*n - at - 1) * sizeof *best);
    best[at] = code;
}

static void settle_column(struct ec_column_facts *f, const struct ec_code_counts *counts) {
    if (!f->top || !counts->dictionary) return;
    uint32_t best[EC_TOP_SLOTS];
    size_t n = 0;
    for (uint32_t code = 1; code < counts->dictionary->count; code++)
        if (counts->count[code]) rank(counts, code, best, &n);
    memset(f->top, 0, EC_TOP_SLOTS * sizeof *f->top);
    for (size_t i = 0; i < n; i++) {
        struct ec_str text = ec_text_str((const struct ec_text *)counts->dictionary->values + best[i]);
        ec_facts_top_add(f->top, ec_hash64(text.p, text.n), text.p, text.n, counts->count[best[i]]);
    }
}

void ec_profile_settle(struct ec_gate *gate) {
    for (size_t i = 0; i < gate->facts.column_count; i++) settle_column(&gate->facts.column[i], &gate->counts[i]);
}

/* Texts that are not coded, maybe from this batch on. */
static void profile_text(struct ec_column_facts *f, struct ec_code_counts *counts, const struct ec_column *c,
                         const uint64_t *known, size_t rows) {
    const struct ec_text *text = ec_column_text(c);
    settle_column(f, counts);
    counts->dictionary = NULL;
    ec_facts_distinct_texts(f->hll, text, known, rows);
    if (!f->top) return;
    for (size_t row = 0; row < rows; row++) {
        if (!ec_bit(known, row)) continue;
        struct ec_str value = ec_text_str(&text[row]);
        ec_facts_top_add(f->top, ec_hash64(value.p, value.n), value.p, value.n, 1);
    }
    if (ec_facts_distinct(f->hll) > TOP_DISTINCT_MAX) f->top = NULL;
}

/* The known values without gaps, as eight bytes each; in place where they stand so. */
#define GATHER(ctype, get)                                                                                             \
    for (size_t row = 0; row < rows; row++) {                                                                          \
        ((ctype *)to)[n] = get(c)[row];                                                                                \
        n += ec_bit(known, row);                                                                                       \
    }

static const void *gather(const struct ec_column *c, const uint64_t *known, size_t rows, size_t count, void *to) {
    size_t n = 0;
    switch (c->type.type) {
    case EC_TYPE_BOOLEAN: GATHER(int64_t, ec_column_bool); break;
    case EC_TYPE_DATE: GATHER(int64_t, ec_column_days); break;
    default:
        if (count == rows) return c->values;
        GATHER(int64_t, ec_column_int);
        break;
    }
    return to;
}

static void profile_doubles(struct ec_column_facts *f, const double *v, size_t n) {
    double min = f->bounded ? f->min_d : v[0], max = f->bounded ? f->max_d : v[0], sum = f->sum;
    for (size_t i = 0; i < n; i++) {
        if (v[i] < min) min = v[i];
        if (v[i] > max) max = v[i];
        sum += v[i];
    }
    f->min_d = min;
    f->max_d = max;
    f->sum = sum;
}

static void profile_ints(struct ec_column_facts *f, const int64_t *v, size_t n) {
    int64_t min = f->bounded ? f->min_i : v[0], max = f->bounded ? f->max_i : v[0];
    double sum = f->sum;
    for (size_t i = 0; i < n; i++) {
        if (v[i] < min) min = v[i];
        if (v[i] > max) max = v[i];
        sum += (double)v[i];
    }
    f->min_i = min;
    f->max_i = max;
    f->sum = sum;
}

/* Two values at most, which are 0 and 1. */
static void profile_booleans(struct ec_column_facts *f, const int64_t *v, size_t n) {
    static const struct ec_str name[] = {{"false", 5}, {"true", 4}};
    size_t count[2] = {0};
    for (size_t i = 0; i < n; i++) count[v[i] != 0]++;
    for (int64_t value = 0; value < 2; value++) {
        if (!count[value]) continue;
        uint64_t hash = ec_hash64(&value, sizeof value);
        ec_facts_distinct_add(f->hll, hash);
        ec_facts_top_add(f->top, hash, name[value].p, name[value].n, count[value]);
    }
}

static void profile_numbers(struct ec_column_facts *f, const struct ec_column *c, const uint64_t *known, size_t rows,
                            size_t count) {
    int64_t room[EC_BATCH_ROWS + 1]; /* what is not known is written and then overwritten */
    if (count == 0) return;
    const void *v = gather(c, known, rows, count, room);
    if (c->type.type == EC_TYPE_FLOAT)
        profile_doubles(f, v, count);
    else
        profile_ints(f, v, count);
    f->bounded = true;
    if (c->type.type == EC_TYPE_BOOLEAN)
        profile_booleans(f, v, count);
    else
        ec_facts_distinct_words(f->hll, v, count);
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

/* Damaged records are left out: which of their cells is which is not known. */
void ec_profile_batch(struct ec_gate *gate, const struct ec_batch *batch) {
    struct ec_facts *facts = &gate->facts;
    size_t words = (batch->rows + 63) / 64;
    size_t sound = batch->rows - ec_bits_count(gate->structural, words);
    facts->sound += sound;
    for (size_t i = 0; i < facts->column_count; i++) {
        const struct ec_column *c = &batch->column[batch_column(gate, i)];
        struct ec_column_facts *f = &facts->column[i];
        uint64_t known[EC_BATCH_WORDS];
        for (size_t w = 0; w < words; w++) known[w] = c->valid[w] & ~gate->structural[w];
        size_t values = ec_bits_count(known, words);
        /* Cells of a wrong type hold something: they are bad, not missing. */
        size_t bad = f->declared ? ec_bits_count(gate->type_bad + i * EC_BATCH_WORDS, words) : 0;
        f->values += values;
        f->nulls += sound - values - bad;
        if (values > 0) f->present = true;
        if (c->type.type != EC_TYPE_STRING)
            profile_numbers(f, c, known, batch->rows, values);
        else if (c->dictionary)
            profile_codes(f, &gate->counts[i], c, known, batch->rows);
        else
            profile_text(f, &gate->counts[i], c, known, batch->rows);
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
