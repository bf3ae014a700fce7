/* Expressions of one coded text column: DuckDB sees each of its values once.
 *
 * Results stand at the values' places in a lexicon; place 0 is that of null, which an expression may
 * well answer. Derived texts are coded themselves: their dictionary is the results, so that one may
 * stand there more than once.
 */
#include "base/io.h"
#include "sql/derive_private.h"

#define TEXTS_MAX ((size_t)16 * EC_MIB)

static enum ec_status no_memory(const struct ec_derivation *d, struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the derived columns of %s", d->source->name);
}

static size_t width_of(const struct ec_derivation *d, size_t index) {
    return index < d->source->derive_count ? ec_type_width(d->type[index].type) : sizeof(uint64_t);
}

enum ec_status ec_values_init(struct ec_derivation *d, struct ec_values *v, struct ec_err *err) {
    ec_lexicon_init(&v->lexicon);
    ec_arena_init(&v->texts, TEXTS_MAX);
    v->map = ec_arena_calloc(&d->arena, EC_CODED_MAX, sizeof *v->map);
    v->place = ec_arena_calloc(&d->arena, EC_BATCH_ROWS, sizeof *v->place);
    v->result = ec_arena_calloc(&d->arena, v->part.count, sizeof *v->result);
    v->dictionary = ec_arena_calloc(&d->arena, v->part.count, sizeof *v->dictionary);
    v->inputs.columns = d->source->column_count;
    v->inputs.column = ec_arena_calloc(&d->arena, d->source->column_count, sizeof *v->inputs.column);
    if (!v->map || !v->place || !v->result || !v->dictionary || !v->inputs.column) return no_memory(d, err);
    struct ec_column *input = &v->inputs.column[v->input];
    input->type = d->source->column[v->input].type;
    input->valid = ec_arena_calloc(&d->arena, EC_BATCH_WORDS, sizeof(uint64_t));
    if (!input->valid) return no_memory(d, err);
    for (size_t k = 0; k < v->part.count; k++) {
        struct ec_column *result = &v->result[k];
        size_t i = v->part.member[k];
        if (!v->part.wanted[k]) continue;
        result->name = d->expression[i].name;
        if (i < d->source->derive_count) result->type = d->type[i];
        result->valid = ec_arena_calloc(&d->arena, EC_CODED_MAX / 64, sizeof(uint64_t));
        result->values = ec_calloc(EC_CODED_MAX, width_of(d, i));
        if (!result->valid || !result->values) return no_memory(d, err);
    }
    return EC_OK;
}

void ec_values_deinit(struct ec_values *v) {
    for (size_t k = 0; v->result && k < v->part.count; k++) ec_free(v->result[k].values);
    ec_arena_deinit(&v->texts);
    ec_lexicon_deinit(&v->lexicon);
    ec_part_release(&v->part);
}

/* The results of n values from v->known on. A rule's are the bits of values for which it is false. */
static enum ec_status take(struct ec_derivation *d, struct ec_values *v, duckdb_data_chunk chunk, size_t n,
                           struct ec_err *err) {
    for (size_t k = 0; k < v->part.count; k++) {
        if (!v->part.wanted[k]) continue;
        size_t i = v->part.member[k];
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, k);
        if (i < d->source->derive_count)
            EC_TRY(ec_derive_take(d, i, vector, n, &v->result[k], v->known, &v->texts, err));
        else
            ec_derive_take_rule(vector, v->known, n, v->result[k].values);
    }
    v->known += (uint32_t)n;
    return EC_OK;
}

static enum ec_status take_all(struct ec_derivation *d, struct ec_values *v, duckdb_result result, size_t rows,
                               struct ec_err *err) {
    size_t expected = v->known + rows;
    enum ec_status status = EC_OK;
    for (duckdb_data_chunk chunk; status == EC_OK && (chunk = duckdb_fetch_chunk(result)) != NULL;) {
        size_t n = duckdb_data_chunk_get_size(chunk);
        status = n <= expected - v->known ? take(d, v, chunk, n, err)
                                          : ec_fail(err, EC_ENGINE, "DuckDB gave more rows than values");
        duckdb_destroy_data_chunk(&chunk);
    }
    if (status == EC_OK && v->known != expected) status = ec_fail(err, EC_ENGINE, "DuckDB gave too few rows");
    return status;
}

/* The `rows` places from v->known on, as a batch of their own. */
static void serve(struct ec_derivation *d, struct ec_values *v, size_t rows) {
    struct ec_column *input = &v->inputs.column[v->input];
    memset(input->valid, 0xff, EC_BATCH_WORDS * sizeof(uint64_t));
    if (v->known == 0) ec_bit_clear(input->valid, 0);
    input->values = v->lexicon.count ? v->lexicon.value + v->known : &v->null;
    v->inputs.rows = rows;
    d->batch = &v->inputs;
}

static void forget(const struct ec_derivation *d, struct ec_values *v) {
    v->known = v->mapped = 0;
    ec_lexicon_clear(&v->lexicon);
    ec_arena_reset(&v->texts);
    for (size_t k = 0; k < v->part.count; k++) {
        if (!v->part.wanted[k]) continue;
        if (v->part.member[k] >= d->source->derive_count) memset(v->result[k].values, 0, EC_CODED_MAX / 8);
        v->dictionary[k] = (struct ec_dictionary){.id = ec_dictionary_id(), .values = v->result[k].values};
    }
}

/* Finds a place for each code; false where the lexicon is full. */
static bool map_codes(struct ec_values *v, const struct ec_dictionary *dictionary) {
    const struct ec_text *text = dictionary->values;
    for (; v->mapped < dictionary->count; v->mapped++) {
        uint32_t place = v->mapped ? ec_lexicon_find(&v->lexicon, &text[v->mapped]) : 0;
        if (place == EC_LEXICON_NONE) place = ec_lexicon_add(&v->lexicon, &text[v->mapped]);
        if (place == EC_LEXICON_NONE) return false;
        v->map[v->mapped] = place;
    }
    return true;
}

enum ec_status ec_values_learn(struct ec_derivation *d, struct ec_values *v, const struct ec_batch *batch, bool *failed,
                               struct ec_err *err) {
    const struct ec_dictionary *dictionary = batch->column[v->input].dictionary;
    enum ec_status status = EC_OK;
    *failed = dictionary->count > EC_CODED_MAX;
    if (*failed) return EC_OK;
    if (v->id == 0) forget(d, v);
    if (v->id != dictionary->id) v->mapped = 0;
    v->id = dictionary->id;
    if (!map_codes(v, dictionary)) {
        forget(d, v); /* of earlier tasks */
        *failed = !map_codes(v, dictionary);
    }
    uint32_t count = v->lexicon.count ? v->lexicon.count : 1;
    while (status == EC_OK && !*failed && v->known < count) {
        size_t left = count - v->known, rows = left < EC_BATCH_ROWS ? left : EC_BATCH_ROWS;
        serve(d, v, rows);
        duckdb_result result = {0};
        *failed = duckdb_execute_prepared(v->part.statement, &result) != DuckDBSuccess;
        if (!*failed) status = take_all(d, v, result, rows, err);
        duckdb_destroy_result(&result);
    }
    for (size_t k = 0; k < v->part.count; k++) v->dictionary[k].count = v->known;
    /* Long results of many values: for every row they have a batch's scratch. */
    if (status == EC_NO_MEMORY) *failed = true;
    return *failed ? EC_OK : status;
}

#define SPREAD(ctype)                                                                                                  \
    for (size_t row = 0; row < rows; row++) ((ctype *)to)[row] = ((const ctype *)from)[place[row]]

static void spread_values(const void *from, const uint32_t *place, size_t rows, size_t width, void *to) {
    switch (width) {
    case 1: SPREAD(uint8_t); break;
    case 4: SPREAD(uint32_t); break;
    case 8: SPREAD(uint64_t); break;
    default: SPREAD(struct ec_text); break;
    }
}

static void spread_bits(const uint64_t *from, const uint32_t *place, size_t rows, uint64_t *to) {
    for (size_t row = 0; row < rows; row += 64) {
        uint64_t bits = 0;
        for (size_t i = row; i < rows && i < row + 64; i++) bits |= (uint64_t)ec_bit(from, place[i]) << (i & 63);
        to[row / 64] = bits;
    }
}

void ec_values_spread(const struct ec_derivation *d, struct ec_values *v, struct ec_batch *batch, size_t first,
                      uint64_t **rule_failed) {
    const uint32_t *code = batch->column[v->input].code;
    for (size_t row = 0; row < batch->rows; row++) v->place[row] = v->map[code[row]];
    for (size_t k = 0; k < v->part.count; k++) {
        size_t i = v->part.member[k];
        const struct ec_column *result = &v->result[k];
        if (!v->part.wanted[k]) continue;
        if (i >= d->source->derive_count) {
            spread_bits(result->values, v->place, batch->rows, rule_failed[i - d->source->derive_count]);
            continue;
        }
        struct ec_column *column = &batch->column[first + i];
        spread_values(result->values, v->place, batch->rows, width_of(d, i), column->values);
        spread_bits(result->valid, v->place, batch->rows, column->valid);
        column->dictionary = column->type.type == EC_TYPE_STRING ? &v->dictionary[k] : NULL;
        column->code = v->place;
    }
}
