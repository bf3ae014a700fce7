#include "read/json_cell.h"

#include "read/cell.h"

static bool is_null_text(const struct ec_schema_column *schema, struct ec_str text) {
    for (size_t i = 0; schema && i < schema->null_value_count; i++)
        if (ec_str_eq(schema->null_values[i], text)) return true;
    return false;
}

static enum ec_status type_error(struct ec_batch *batch, size_t column, size_t row, struct ec_str text,
                                 struct ec_err *err) {
    return ec_batch_fault(
        batch,
        (struct ec_fault){.row = (uint32_t)row, .column = (uint32_t)column, .reason = EC_REASON_TYPE, .value = text},
        err);
}

enum ec_status ec_json_cell_store(struct ec_batch *batch, const struct ec_json_column *column, size_t row,
                                  const struct ec_json_value *value, struct ec_err *err) {
    if (value->kind == EC_JSON_NULL) return EC_OK;
    struct ec_column *target = &batch->column[column->column];
    struct ec_str text = {value->p, value->n};
    if (value->escaped) {
        char *copy = ec_arena_alloc(&batch->scratch, value->n);
        if (!copy) return ec_fail(err, EC_NO_MEMORY, "no memory for the texts of a batch");
        text = (struct ec_str){copy, ec_json_unescape(value, copy)};
    }
    if (is_null_text(column->schema, text)) return EC_OK;
    if (target->type.type == EC_TYPE_STRING) {
        ec_column_text(target)[row] = ec_text_of(text.p, text.n);
        ec_bit_set(target->valid, row);
        return EC_OK;
    }
    if (value->kind == EC_JSON_NESTED) return type_error(batch, column->column, row, text, err);
    if (ec_cell_parse(column->schema, target, row, text.p, text.n, false) != EC_CELL_BAD) return EC_OK;
    return type_error(batch, column->column, row, text, err);
}

void ec_json_row_clear(struct ec_batch *batch, const struct ec_json_columns *columns, size_t row) {
    for (size_t i = 0; i < columns->count; i++) {
        struct ec_column *column = &batch->column[columns->entry[i].column];
        size_t width = ec_type_width(column->type.type);
        memset((char *)column->values + row * width, 0, width);
        ec_bit_clear(column->valid, row);
    }
}
