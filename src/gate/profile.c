/* What the columns of a file hold: nulls, bounds, distinct values, the most frequent ones. */
#include "gate/gate_private.h"

#include "base/calendar.h"
#include "base/hash.h"

/* Past this many distinct values the most frequent ones say nothing, and counting them costs. */
#define TOP_DISTINCT_MAX 512u

static bool has_top(enum ec_type type) {
    return type == EC_TYPE_STRING || type == EC_TYPE_BOOLEAN;
}

/* Of our own columns the derived ones are profiled, which come first. */
static size_t batch_column(const struct ec_gate *gate, size_t i) {
    return i < gate->own_first + gate->derived_count ? i : i + gate->own_count - gate->derived_count;
}

static size_t profiled_columns(const struct ec_gate *gate, const struct ec_batch *batch) {
    return batch->columns - (gate->own_count - gate->derived_count);
}

static enum ec_status no_memory(const struct ec_gate *gate, struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the profile of %s", gate->source->name);
}

/* Columns that a file adds are profiled from the batch in which they first occur. */
static enum ec_status add_columns(struct ec_gate *gate, const struct ec_batch *batch, struct ec_err *err) {
    struct ec_facts *facts = &gate->facts;
    size_t profiled = profiled_columns(gate, batch);
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
            .derived = i >= gate->own_first && i < gate->own_first + gate->derived_count,
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
    if (gate->facts.column_count != profiled_columns(gate, batch)) EC_TRY(add_columns(gate, batch, err));
    for (size_t i = 0; i < gate->facts.column_count; i++) {
        struct ec_code_counts *counts = &gate->counts[i];
        const struct ec_column *c = &batch->column[batch_column(gate, i)];
        if (c->dictionary && !counts->count) {
            counts->count = ec_arena_calloc(&gate->arena, EC_CODED_MAX, sizeof *counts->count);
            if (!counts->count) return no_memory(gate, err);
        }
        if (c->type.type == EC_TYPE_INTEGER && !counts->small) {
            counts->small = ec_arena_calloc(&gate->arena, EC_SMALL_INTS, 1);
            if (!counts->small) return no_memory(gate, err);
        }
    }
    return EC_OK;
}

/* How often each of a few values occurs. Four counters each, in turns: one that is met in row after row
 * would wait for itself. */
#define FEW_CODES 256u

static void count_few(uint64_t *count, const uint32_t *code, size_t rows, size_t codes) {
    uint16_t part[4][FEW_CODES] = {0};
    size_t row = 0;
    for (; row + 4 <= rows; row += 4) {
        part[0][code[row]]++;
        part[1][code[row + 1]]++;
        part[2][code[row + 2]]++;
        part[3][code[row + 3]]++;
    }
    for (; row < rows; row++) part[0][code[row]]++;
    for (size_t i = 0; i < codes; i++) count[i] += (uint64_t)part[0][i] + part[1][i] + part[2][i] + part[3][i];
}

static void sketch_code(struct ec_column_facts *f, const struct ec_text *value) {
    ec_facts_distinct_add(f->hll, ec_hash64(ec_text_bytes(value), value->n));
}

/* Coded texts. A value is sketched when it is met for the first time; its occurrences are counted,
 * so that the most frequent values are exact however many there are. */
static void profile_codes(struct ec_column_facts *f, struct ec_code_counts *counts, const struct ec_column *c,
                          const uint64_t *known, size_t rows, size_t values) {
    const struct ec_text *value = c->dictionary->values;
    size_t codes = c->dictionary->count;
    bool fresh = false;
    counts->dictionary = c->dictionary;
    if (values == rows && codes <= FEW_CODES) {
        bool met[FEW_CODES];
        for (size_t code = 0; code < codes; code++) met[code] = counts->count[code] > 0;
        count_few(counts->count, c->code, rows, codes);
        for (size_t code = 0; code < codes; code++) {
            if (met[code] || counts->count[code] == 0) continue;
            sketch_code(f, &value[code]);
            fresh = true;
        }
    } else {
        for (size_t row = 0; row < rows; row++) {
            if (!ec_bit(known, row)) continue;
            uint32_t code = c->code[row];
            if (counts->count[code]++) continue;
            sketch_code(f, &value[code]);
            fresh = true;
        }
    }
    if (fresh && f->top && ec_facts_distinct(f->hll) > TOP_DISTINCT_MAX) f->top = NULL;
}

/* Derived texts come coded by what they are made of: the same text under several codes, which mean another one when their
 * dictionary has become full. So a batch's are added up by themselves. */
static void profile_derived_codes(struct ec_column_facts *f, struct ec_code_counts *counts, const struct ec_column *c,
                                  const uint64_t *known, size_t rows) {
    const struct ec_text *value = c->dictionary->values;
    uint32_t met[EC_BATCH_ROWS];
    size_t n = 0;
    for (size_t row = 0; row < rows; row++) {
        if (!ec_bit(known, row)) continue;
        met[n] = c->code[row];
        n += counts->count[c->code[row]]++ == 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct ec_str text = ec_text_str(&value[met[i]]);
        uint64_t hash = ec_hash64(text.p, text.n);
        ec_facts_distinct_add(f->hll, hash);
        if (f->top) ec_facts_top_add(f->top, hash, text.p, text.n, counts->count[met[i]]);
        counts->count[met[i]] = 0;
    }
    if (f->top && ec_facts_distinct(f->hll) > TOP_DISTINCT_MAX) f->top = NULL;
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
    case EC_TYPE_DATE: GATHER(int64_t, ec_column_days); break;
    default:
        if (count == rows) return c->values;
        GATHER(int64_t, ec_column_int);
        break;
    }
    return to;
}

/* Sums and bounds are taken in four lanes, as one would wait for itself at each value. The lanes, and with
 * them how a sum is rounded, are the same on every processor. */
#define LANES 4u

static void profile_doubles(struct ec_column_facts *f, const double *v, size_t n) {
    double min[LANES], max[LANES], sum[LANES] = {0};
    for (size_t k = 0; k < LANES; k++) min[k] = max[k] = v[0];
    for (size_t i = 0; i < n / LANES * LANES; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            double x = v[i + k];
            min[k] = x < min[k] ? x : min[k];
            max[k] = x > max[k] ? x : max[k];
            sum[k] += x;
        }
    }
    for (size_t i = n / LANES * LANES; i < n; i++) {
        min[0] = v[i] < min[0] ? v[i] : min[0];
        max[0] = v[i] > max[0] ? v[i] : max[0];
        sum[0] += v[i];
    }
    for (size_t k = 0; k < LANES; k++) {
        if ((!f->bounded && k == 0) || min[k] < f->min_d) f->min_d = min[k];
        if ((!f->bounded && k == 0) || max[k] > f->max_d) f->max_d = max[k];
    }
    f->sum += (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

struct bounds {
    int64_t min, max;
};

static struct bounds bounds_of(const int64_t *v, size_t n) {
    int64_t min[2] = {v[0], v[0]}, max[2] = {v[0], v[0]};
    for (size_t i = 0; i + 2 <= n; i += 2) {
        for (size_t k = 0; k < 2; k++) {
            min[k] = v[i + k] < min[k] ? v[i + k] : min[k];
            max[k] = v[i + k] > max[k] ? v[i + k] : max[k];
        }
    }
    struct bounds b = {min[0] < min[1] ? min[0] : min[1], max[0] > max[1] ? max[0] : max[1]};
    if (v[n - 1] < b.min) b.min = v[n - 1];
    if (v[n - 1] > b.max) b.max = v[n - 1];
    return b;
}

/* Exact where a batch's sum fits an integer, which it nearly always does. */
static double sum_of(const int64_t *v, size_t n, struct bounds b) {
    const int64_t limit = INT64_MAX / EC_BATCH_ROWS;
    double sum = 0;
    int64_t whole[LANES] = {0};
    if (b.min < -limit || b.max > limit) {
        for (size_t i = 0; i < n; i++) sum += (double)v[i];
        return sum;
    }
    for (size_t i = 0; i < n / LANES * LANES; i += LANES)
        for (size_t k = 0; k < LANES; k++) whole[k] += v[i + k];
    for (size_t i = n / LANES * LANES; i < n; i++) whole[0] += v[i];
    return (double)(whole[0] + whole[1] + whole[2] + whole[3]);
}

static void note_bounds(struct ec_column_facts *f, struct bounds b) {
    if (!f->bounded || b.min < f->min_i) f->min_i = b.min;
    if (!f->bounded || b.max > f->max_i) f->max_i = b.max;
}

/* Values that were sketched before change nothing: of integers from a small range each is once. */
static void sketch_small(struct ec_column_facts *f, uint8_t *small, const int64_t *v, size_t n, struct bounds b) {
    enum { MET = 1, SKETCHED = 2 };
    for (size_t i = 0; i < n; i++)
        if (!small[v[i]]) small[v[i]] = MET; /* a branch that is hardly ever taken, no store that is waited for */
    for (int64_t value = b.min; value <= b.max; value++) {
        if (small[value] == MET) ec_facts_distinct_words(f->hll, &value, 1);
        if (small[value]) small[value] = SKETCHED;
    }
}

static void profile_ints(struct ec_column_facts *f, uint8_t *small, const int64_t *v, size_t n) {
    struct bounds b = bounds_of(v, n);
    note_bounds(f, b);
    f->sum += sum_of(v, n, b);
    if (small && b.min >= 0 && b.max < EC_SMALL_INTS)
        sketch_small(f, small, v, n, b);
    else
        ec_facts_distinct_words(f->hll, v, n);
}

/* Two values at most, which are 0 and 1. */
static void profile_booleans(struct ec_column_facts *f, const struct ec_column *c, const uint64_t *known, size_t rows,
                             size_t values) {
    static const struct ec_str name[] = {{"false", 5}, {"true", 4}};
    size_t count[2] = {0};
    for (size_t row = 0; row < rows; row++) count[1] += ec_column_bool(c)[row] & ec_bit(known, row);
    count[0] = values - count[1];
    note_bounds(f, (struct bounds){count[0] == 0, count[1] > 0});
    f->sum += (double)count[1];
    for (int64_t value = 0; value < 2; value++) {
        if (!count[value]) continue;
        uint64_t hash = ec_hash64(&value, sizeof value);
        ec_facts_distinct_add(f->hll, hash);
        ec_facts_top_add(f->top, hash, name[value].p, name[value].n, count[value]);
    }
}

static void profile_numbers(struct ec_column_facts *f, struct ec_code_counts *counts, const struct ec_column *c,
                            const uint64_t *known, size_t rows, size_t count) {
    int64_t room[EC_BATCH_ROWS + 1]; /* what is not known is written and then overwritten */
    if (count == 0) return;
    if (c->type.type == EC_TYPE_BOOLEAN) {
        profile_booleans(f, c, known, rows, count);
    } else {
        const void *v = gather(c, known, rows, count, room);
        if (c->type.type == EC_TYPE_FLOAT) {
            profile_doubles(f, v, count);
            ec_facts_distinct_words(f->hll, v, count);
        } else {
            profile_ints(f, counts->small, v, count);
        }
    }
    f->bounded = true;
}

static void note_newest(struct ec_gate *gate, const struct ec_column *c, size_t rows) {
    struct ec_facts *facts = &gate->facts;
    bool known = facts->newest_known;
    int64_t newest = facts->newest_us;
    for (size_t row = 0; row < rows; row++) {
        if (!ec_bit(c->valid, row)) continue;
        int64_t us = c->type.type == EC_TYPE_DATE ? ec_column_days(c)[row] * EC_MICROS_PER_DAY : ec_column_int(c)[row];
        if (!known || us > newest) newest = us;
        known = true;
    }
    facts->newest_known = known;
    facts->newest_us = newest;
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
            profile_numbers(f, &gate->counts[i], c, known, batch->rows, values);
        else if (c->dictionary && f->derived)
            profile_derived_codes(f, &gate->counts[i], c, known, batch->rows);
        else if (c->dictionary)
            profile_codes(f, &gate->counts[i], c, known, batch->rows, values);
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
