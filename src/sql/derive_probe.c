/* Programs over numbers against DuckDB, once for each derivation, on a batch of made-up values: a
 * program whose results are not the same, bit by bit, is not used.
 */
#include "base/io.h"
#include "sql/derive_number.h"
#include "sql/derive_number_steps.h"

struct probe {
    struct ec_derivation *d;
    struct ec_batch batch; /* as wide as the source; only what programs read has values */
    struct ec_column fast, slow;
    uint64_t failed[2][EC_BATCH_WORDS];
    struct ec_arena arena;
};

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* As they occur, and as they seldom do. */
static int64_t make_int(uint64_t r) {
    int64_t v = (int64_t)(r >> 16);
    if (r % 4 == 0) return v % (INT64_C(1) << 40);
    return r % 4 == 1 ? v % 1000000 - 500000 : v % 21 - 10;
}

static double make_double(uint64_t r) {
    int64_t v = (int64_t)(r >> 16);
    switch (r % 8) {
    case 0: return (double)(v % 2001 - 1000) / 8;
    case 1: return v % 2 ? 0.0 : -0.0;
    case 2: return (double)v * 1e3 + 0.1;
    case 3: return (double)(v % 1000) * 1e-9;
    case 4: return (double)(v % 21) / 20;
    default: return (double)(v % 200000 - 50000) / 100;
    }
}

static int64_t make_time(uint64_t r) {
    int64_t v = (int64_t)(r >> 16);
    return r % 8 == 0 ? v % INT64_C(100000000) : INT64_C(1700000000000000) + v % INT64_C(100000000000000);
}

static bool fill_column(struct probe *p, size_t index) {
    struct ec_column *c = &p->batch.column[index];
    if (c->values) return true;
    enum ec_type type = p->d->source->column[index].type.type;
    uint64_t seed = UINT64_C(88172645463325252) + index;
    c->type = p->d->source->column[index].type;
    c->valid = ec_arena_calloc(&p->arena, EC_BATCH_WORDS, sizeof *c->valid);
    c->values = ec_arena_calloc(&p->arena, EC_BATCH_ROWS, sizeof(int64_t));
    if (!c->valid || !c->values) return false;
    for (size_t row = 0; row < EC_BATCH_ROWS; row++) {
        uint64_t r = next_random(&seed);
        if (next_random(&seed) % 8 == 0) continue;
        ec_bit_set(c->valid, row);
        if (type == EC_TYPE_FLOAT)
            ec_column_double(c)[row] = make_double(r);
        else if (type == EC_TYPE_BOOLEAN)
            ec_column_bool(c)[row] = r >> 20 & 1;
        else
            ec_column_int(c)[row] = type == EC_TYPE_DATETIME ? make_time(r) : make_int(r);
    }
    return true;
}

static bool reads_column(enum ec_step_op op) {
    return op == EC_STEP_INT || op == EC_STEP_DOUBLE || op == EC_STEP_BOOL || op == EC_STEP_TIME;
}

static bool prepare_batch(struct probe *p) {
    const struct ec_derivation *d = p->d;
    p->batch.rows = EC_BATCH_ROWS;
    p->batch.columns = d->source->column_count;
    p->batch.column = ec_arena_calloc(&p->arena, d->source->column_count, sizeof *p->batch.column);
    struct ec_column *results[] = {&p->fast, &p->slow};
    for (size_t i = 0; i < 2; i++) {
        results[i]->valid = ec_arena_calloc(&p->arena, EC_BATCH_WORDS, sizeof(uint64_t));
        results[i]->values = ec_arena_calloc(&p->arena, EC_BATCH_ROWS, sizeof(int64_t));
        if (!results[i]->valid || !results[i]->values) return false;
    }
    for (size_t i = 0; p->batch.column && i < d->expression_count; i++) {
        const struct ec_number *number = d->expression[i].number;
        for (size_t s = 0; number && s < number->count; s++)
            if (reads_column(number->step[s].op) && !fill_column(p, number->step[s].column)) return false;
    }
    return p->batch.column != NULL;
}

static bool is_same(struct probe *p, size_t index, duckdb_vector vector) {
    struct ec_derivation *d = p->d;
    bool derived = index < d->source->derive_count;
    memset(p->failed, 0, sizeof p->failed);
    if (!ec_number_run(d->expression[index].number, &p->batch, derived ? &p->fast : NULL,
                       derived ? NULL : p->failed[0]))
        return false;
    if (!derived) {
        ec_derive_take_rule(vector, 0, EC_BATCH_ROWS, p->failed[1]);
        return memcmp(p->failed[0], p->failed[1], sizeof p->failed[0]) == 0;
    }
    p->fast.type = p->slow.type = d->type[index];
    if (ec_derive_take(d, index, vector, EC_BATCH_ROWS, &p->slow, 0, &p->arena, NULL) != EC_OK) return false;
    return memcmp(p->fast.valid, p->slow.valid, EC_BATCH_WORDS * sizeof(uint64_t)) == 0 &&
           memcmp(p->fast.values, p->slow.values, EC_BATCH_ROWS * ec_type_width(d->type[index].type)) == 0;
}

static void compare(struct probe *p, const struct ec_part *part) {
    struct ec_derivation *d = p->d;
    duckdb_result result = {0};
    duckdb_data_chunk chunk = NULL;
    d->batch = &p->batch;
    if (prepare_batch(p) && duckdb_execute_prepared(part->statement, &result) == DuckDBSuccess)
        chunk = duckdb_fetch_chunk(result);
    bool whole = chunk && duckdb_data_chunk_get_size(chunk) == EC_BATCH_ROWS;
    for (size_t k = 0; k < part->count; k++) {
        struct ec_expression *e = &d->expression[part->member[k]];
        if (!part->wanted[k]) continue;
        if (!whole || !is_same(p, part->member[k], duckdb_data_chunk_get_vector(chunk, k))) e->way = EC_WAY_ROWS;
    }
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    d->batch = NULL;
}

enum ec_status ec_derive_probe(struct ec_derivation *d, struct ec_err *err) {
    uint64_t *wanted = ec_calloc((d->expression_count + 63) / 64, sizeof *wanted);
    struct probe *p = ec_calloc(1, sizeof *p);
    enum ec_status status = EC_OK;
    struct ec_part part = {0};
    bool any = false;
    if (!wanted || !p) {
        status = ec_fail(err, EC_NO_MEMORY, "no memory for derived columns");
        goto done;
    }
    for (size_t i = 0; i < d->expression_count; i++) {
        if (d->expression[i].way != EC_WAY_NUMBER) continue;
        ec_bit_set(wanted, i);
        any = true;
    }
    if (!any) goto done;
    status = ec_part_prepare(d, wanted, &part, err);
    if (status != EC_OK) goto done;
    p->d = d;
    ec_arena_init(&p->arena, 64 * EC_MIB);
    compare(p, &part);
    ec_arena_deinit(&p->arena);
done:
    ec_part_release(&part);
    ec_free(wanted);
    ec_free(p);
    return status;
}
