/* Evaluates a source's expressions over a batch.
 *
 * One execution of the prepared statement a batch. Where it fails because of some row, the
 * TRY() form says which rows and which expressions.
 */
#include "sql/derive_private.h"

static void move_text(const struct ec_text *from, struct ec_text *to, char **memory) {
    memcpy(*memory, from->p, from->n);
    *to = ec_text_of(*memory, from->n);
    *memory += from->n;
}

/* Texts point into DuckDB's chunk, which goes: what is not inlined moves to the batch. */
static enum ec_status keep_texts(struct ec_batch *batch, struct ec_column *column, size_t first, size_t n, struct ec_err *err) {
    struct ec_text *text = ec_column_text(column);
    size_t bytes = 0;
    for (size_t i = first; i < first + n; i++)
        if (text[i].n > EC_TEXT_INLINE) bytes += text[i].n;
    if (bytes == 0) return EC_OK;
    char *memory = ec_arena_alloc(&batch->scratch, bytes);
    if (!memory) return ec_fail(err, EC_NO_MEMORY, "no memory for the derived column %s", column->name);
    for (size_t i = first; i < first + n; i++)
        if (text[i].n > EC_TEXT_INLINE) move_text(&text[i], &text[i], &memory);
    return EC_OK;
}

/* The batch's scratch takes texts of UUIDs too, so that they need no second copy. */
static enum ec_status take_column(struct ec_derivation *d, struct ec_batch *batch, size_t first, size_t index,
                                  duckdb_vector vector, size_t row, size_t n, struct ec_err *err) {
    struct ec_column *column = &batch->column[first + index];
    EC_TRY(ec_duck_read(&d->duck_type[index], vector, n, column, row, &batch->scratch, err));
    if (column->type.type != EC_TYPE_STRING) return EC_OK;
    return keep_texts(batch, column, row, n, err);
}

/* Sets the bits of rows for which a rule is false. */
static void take_rule(duckdb_vector vector, size_t row, size_t n, uint64_t *failed) {
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

/* One chunk of the result; with `tried`, every expression is followed by its failures. */
static enum ec_status take_chunk(struct ec_derivation *d, struct ec_batch *batch, size_t first, duckdb_data_chunk chunk,
                                 size_t row, size_t n, bool tried, uint64_t **rule_failed, struct ec_err *err) {
    size_t derived = d->source->derive_count;
    size_t step = tried ? 2 : 1;
    for (size_t i = 0; i < d->expression_count; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i * step);
        if (i < derived) EC_TRY(take_column(d, batch, first, i, vector, row, n, err));
        else take_rule(vector, row, n, rule_failed[i - derived]);
        if (!tried) continue;
        vector = duckdb_data_chunk_get_vector(chunk, i * step + 1);
        EC_TRY(take_failures(d, batch, first, i, vector, row, n, rule_failed, err));
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

static enum ec_status eval_tried(struct ec_derivation *d, struct ec_batch *batch, size_t first, uint64_t **rule_failed,
                                 struct ec_err *err) {
    EC_TRY(ec_derive_open_try(d, err));
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

enum ec_status ec_derive_eval(struct ec_derivation *d, struct ec_batch *batch, size_t first, uint64_t **rule_failed,
                              struct ec_err *err) {
    if (d->expression_count == 0 || batch->rows == 0) return EC_OK;
    if (atomic_load(&d->sql->interrupted)) return ec_fail(err, EC_INTERRUPTED, "the derivation was interrupted");
    d->batch = batch;
    duckdb_result result = {0};
    enum ec_status status;
    if (duckdb_execute_prepared(d->statement, &result) == DuckDBSuccess)
        status = take_result(d, batch, first, result, false, rule_failed, err);
    else
        status = eval_tried(d, batch, first, rule_failed, err);
    duckdb_destroy_result(&result);
    d->batch = NULL;
    return status;
}
