/* Evaluates a source's expressions over a batch.
 *
 * At most one statement a batch, over the expressions that need it. Where it fails because of some
 * row, the TRY() form of all expressions says which rows and which expressions.
 */
#include "base/calendar.h"
#include "sql/derive_number.h"

static void move_text(const struct ec_text *from, struct ec_text *to, char **memory) {
    memcpy(*memory, from->p, from->n);
    *to = ec_text_of(*memory, from->n);
    *memory += from->n;
}

/* Texts point into DuckDB's chunk, which goes: what is not inlined moves. */
static enum ec_status keep_texts(struct ec_arena *texts, struct ec_column *column, size_t first, size_t n,
                                 struct ec_err *err) {
    struct ec_text *text = ec_column_text(column);
    size_t bytes = 0;
    for (size_t i = first; i < first + n; i++)
        if (text[i].n > EC_TEXT_INLINE) bytes += text[i].n;
    if (bytes == 0) return EC_OK;
    char *memory = ec_arena_alloc(texts, bytes);
    if (!memory) return ec_fail(err, EC_NO_MEMORY, "no memory for the derived column %s", column->name);
    for (size_t i = first; i < first + n; i++)
        if (text[i].n > EC_TEXT_INLINE) move_text(&text[i], &text[i], &memory);
    return EC_OK;
}

/* The arena takes texts of UUIDs too, so that they need no second copy. */
enum ec_status ec_derive_take(const struct ec_derivation *d, size_t index, duckdb_vector vector, size_t n,
                              struct ec_column *column, size_t row, struct ec_arena *texts, struct ec_err *err) {
    EC_TRY(ec_duck_read(&d->duck_type[index], vector, n, column, row, texts, err));
    if (column->type.type != EC_TYPE_STRING) return EC_OK;
    return keep_texts(texts, column, row, n, err);
}

void ec_derive_take_rule(duckdb_vector vector, size_t row, size_t n, uint64_t *failed) {
    const uint8_t *passes = duckdb_vector_get_data(vector);
    const uint64_t *mask = duckdb_vector_get_validity(vector);
    for (size_t i = 0; i < n; i++)
        if (!passes[i] && (!mask || ec_bit(mask, i))) ec_bit_set(failed, row + i);
}

/* Rows for which the expression fails: its "is null" is neither true nor false. */
static enum ec_status take_failures(struct ec_derivation *d, struct ec_batch *batch, size_t first, size_t index,
                                    duckdb_vector vector, size_t row, size_t n, uint64_t **rule_failed, struct ec_err *err) {
    const uint64_t *mask = duckdb_vector_get_validity(vector);
    if (!mask) return EC_OK;
    size_t derived = d->source->derive_count;
    for (size_t i = 0; i < n; i++) {
        if (ec_bit(mask, i)) continue;
        if (index >= derived) {
            ec_bit_set(rule_failed[index - derived], row + i);
            continue;
        }
        struct ec_fault fault = {.row = (uint32_t)(row + i), .column = (uint32_t)(first + index), .reason = EC_REASON_DERIVE};
        EC_TRY(ec_batch_fault(batch, fault, err));
    }
    return EC_OK;
}

static enum ec_status take_one(struct ec_derivation *d, struct ec_batch *batch, size_t first, size_t index,
                               duckdb_vector vector, size_t row, size_t n, uint64_t **rule_failed, struct ec_err *err) {
    size_t derived = d->source->derive_count;
    if (index >= derived) {
        ec_derive_take_rule(vector, row, n, rule_failed[index - derived]);
        return EC_OK;
    }
    struct ec_column *column = &batch->column[first + index];
    column->dictionary = NULL;
    return ec_derive_take(d, index, vector, n, column, row, &batch->scratch, err);
}

/* One chunk of the result: of d->rows, or of all expressions, each followed by its failures. */
static enum ec_status take_chunk(struct ec_derivation *d, struct ec_batch *batch, size_t first, duckdb_data_chunk chunk,
                                 size_t row, size_t n, bool tried, uint64_t **rule_failed, struct ec_err *err) {
    for (size_t k = 0; !tried && k < d->rows.count; k++) {
        if (!d->rows.wanted[k]) continue;
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, k);
        EC_TRY(take_one(d, batch, first, d->rows.member[k], vector, row, n, rule_failed, err));
    }
    for (size_t i = 0; tried && i < d->expression_count; i++) {
        EC_TRY(take_one(d, batch, first, i, duckdb_data_chunk_get_vector(chunk, 2 * i), row, n, rule_failed, err));
        duckdb_vector fails = duckdb_data_chunk_get_vector(chunk, 2 * i + 1);
        EC_TRY(take_failures(d, batch, first, i, fails, row, n, rule_failed, err));
    }
    return EC_OK;
}

static enum ec_status take_result(struct ec_derivation *d, struct ec_batch *batch, size_t first, duckdb_result result,
                                  bool tried, uint64_t **rule_failed, struct ec_err *err) {
    size_t row = 0;
    enum ec_status status = EC_OK;
    for (;;) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (!chunk) break;
        size_t n = duckdb_data_chunk_get_size(chunk);
        if (n > batch->rows - row) status = ec_fail(err, EC_ENGINE, "DuckDB gave more rows than the batch has");
        else status = take_chunk(d, batch, first, chunk, row, n, tried, rule_failed, err);
        duckdb_destroy_data_chunk(&chunk);
        if (status != EC_OK) return status;
        row += n;
    }
    if (row != batch->rows) return ec_fail(err, EC_ENGINE, "DuckDB gave %zu rows for a batch of %zu", row, batch->rows);
    return EC_OK;
}

/* *failed: some row of the batch makes the statement fail. */
static enum ec_status eval_rows(struct ec_derivation *d, struct ec_batch *batch, size_t first, uint64_t **rule_failed,
                                bool *failed, struct ec_err *err) {
    if (!d->rows.statement) return EC_OK;
    d->batch = batch;
    duckdb_result result = {0};
    enum ec_status status = EC_OK;
    *failed = duckdb_execute_prepared(d->rows.statement, &result) != DuckDBSuccess;
    if (!*failed) status = take_result(d, batch, first, result, false, rule_failed, err);
    duckdb_destroy_result(&result);
    return status;
}

static enum ec_status eval_tried(struct ec_derivation *d, struct ec_batch *batch, size_t first, uint64_t **rule_failed,
                                 struct ec_err *err) {
    EC_TRY(ec_derive_open_try(d, err));
    d->batch = batch;
    duckdb_result result = {0};
    enum ec_status status;
    if (duckdb_execute_prepared(d->try_statement, &result) == DuckDBSuccess) {
        status = take_result(d, batch, first, result, true, rule_failed, err);
    } else {
        status = ec_duck_fail(err, EC_ENGINE, duckdb_result_error(&result), NULL);
        ec_err_context(err, "the derived columns and rules of %s cannot be computed", d->source->name);
    }
    duckdb_destroy_result(&result);
    return status;
}

/* Values of coded columns that are new. Where a column is not coded (any more), or one of its values
 * cannot be computed, its expressions are computed over rows from now on: only batches that hold such
 * a value are then evaluated with TRY(). */
static enum ec_status learn_values(struct ec_derivation *d, const struct ec_batch *batch, struct ec_err *err) {
    bool given_up = false;
    for (size_t i = 0; i < d->value_count; i++) {
        struct ec_values *v = &d->values[i];
        if (v->given_up) continue;
        bool failed = !batch->column[v->input].dictionary;
        if (!failed) EC_TRY(ec_values_learn(d, v, batch, &failed, err));
        v->given_up = failed;
        given_up |= failed;
    }
    return given_up ? ec_derive_plan_rows(d, err) : EC_OK;
}

static void copy_column(const struct ec_column *from, struct ec_column *to, size_t rows) {
    memcpy(to->valid, from->valid, (rows + 63) / 64 * sizeof *to->valid);
    memcpy(to->values, from->values, rows * ec_type_width(to->type.type));
    to->dictionary = from->dictionary;
    to->code = from->code;
}

/* Rows that lie together are mostly of one day. */
static void dates_of(const struct ec_column *from, struct ec_column *to, size_t rows) {
    int64_t begin = 0;
    int32_t day = 0;
    memcpy(to->valid, from->valid, (rows + 63) / 64 * sizeof *to->valid);
    for (size_t row = 0; row < rows; row++) {
        int64_t micros = ec_column_int(from)[row];
        if (micros < begin || micros - begin >= EC_MICROS_PER_DAY) {
            day = ec_days_from_micros(micros);
            begin = day * EC_MICROS_PER_DAY;
        }
        ec_column_days(to)[row] = day;
    }
}

/* Arithmetic. What a program leaves to DuckDB is so from now on: an expression over rows. */
static enum ec_status eval_numbers(struct ec_derivation *d, struct ec_batch *batch, size_t first,
                                   uint64_t **rule_failed, struct ec_err *err) {
    size_t derived = d->source->derive_count;
    bool given_up = false;
    for (size_t i = 0; i < d->expression_count; i++) {
        struct ec_expression *e = &d->expression[i];
        if (e->way != EC_WAY_NUMBER) continue;
        struct ec_column *to = i < derived ? &batch->column[first + i] : NULL;
        if (to) to->dictionary = NULL;
        if (ec_number_run(e->number, batch, to, to ? NULL : rule_failed[i - derived])) continue;
        if (!to) memset(rule_failed[i - derived], 0, EC_BATCH_ROWS / 8);
        e->way = EC_WAY_ROWS;
        given_up = true;
    }
    return given_up ? ec_derive_plan_rows(d, err) : EC_OK;
}

static void eval_direct(const struct ec_derivation *d, struct ec_batch *batch, size_t first) {
    for (size_t i = 0; i < d->source->derive_count; i++) {
        const struct ec_expression *e = &d->expression[i];
        if (e->way == EC_WAY_COPY) copy_column(&batch->column[e->input], &batch->column[first + i], batch->rows);
        if (e->way == EC_WAY_DATE) dates_of(&batch->column[e->input], &batch->column[first + i], batch->rows);
    }
}

enum ec_status ec_derive_eval(struct ec_derivation *d, struct ec_batch *batch, size_t first, uint64_t **rule_failed,
                              struct ec_err *err) {
    if (d->expression_count == 0 || batch->rows == 0) return EC_OK;
    if (atomic_load(&d->sql->interrupted)) return ec_fail(err, EC_INTERRUPTED, "the derivation was interrupted");
    bool failed = false;
    enum ec_status status = learn_values(d, batch, err);
    if (status == EC_OK) status = eval_numbers(d, batch, first, rule_failed, err);
    if (status == EC_OK) status = eval_rows(d, batch, first, rule_failed, &failed, err);
    if (status == EC_OK && failed) {
        status = eval_tried(d, batch, first, rule_failed, err);
    } else if (status == EC_OK) {
        eval_direct(d, batch, first);
        for (size_t i = 0; i < d->value_count; i++)
            if (!d->values[i].given_up) ec_values_spread(d, &d->values[i], batch, first, rule_failed);
    }
    d->batch = NULL;
    return status;
}
