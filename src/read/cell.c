#include "read/cell.h"

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static struct ec_str trim(const char *p, size_t n) {
    while (n > 0 && is_space(p[0])) p++, n--;
    while (n > 0 && is_space(p[n - 1])) n--;
    return (struct ec_str){p, n};
}

static bool is_null(const struct ec_schema_column *schema, struct ec_str text) {
    if (text.n == 0) return true;
    for (size_t i = 0; i < schema->null_value_count; i++)
        if (ec_str_eq(schema->null_values[i], text)) return true;
    return false;
}

static bool typed_parse(const struct ec_schema_column *schema, struct ec_column *column, size_t row,
                        struct ec_str text) {
    switch (column->type.type) {
    case EC_TYPE_STRING: break;
    case EC_TYPE_INTEGER: return ec_integer_parse(text.p, text.n, &ec_column_int(column)[row]);
    case EC_TYPE_FLOAT: return ec_double_parse(text.p, text.n, &ec_column_double(column)[row]);
    case EC_TYPE_BOOLEAN: return ec_boolean_parse(text.p, text.n, &ec_column_bool(column)[row]);
    case EC_TYPE_DATETIME: return ec_datetime_cell(schema, text.p, text.n, &ec_column_int(column)[row]);
    case EC_TYPE_DATE: return ec_date_cell(schema, text.p, text.n, &ec_column_days(column)[row]);
    case EC_TYPE_DECIMAL:
        return ec_decimal_parse(text.p, text.n, column->type.precision, column->type.scale,
                                &ec_column_int(column)[row]);
    }
    ec_column_text(column)[row] = ec_text_of(text.p, text.n);
    return true;
}

enum ec_cell ec_cell_parse(const struct ec_schema_column *schema, struct ec_column *column, size_t row, const char *p,
                           size_t n, bool quoted) {
    struct ec_str text = {p, n};
    bool is_text = column->type.type == EC_TYPE_STRING;
    if (!is_text) text = trim(p, n);
    if (!(is_text && quoted) && is_null(schema, text)) return EC_CELL_NULL;
    if (!typed_parse(schema, column, row, text)) return EC_CELL_BAD;
    ec_bit_set(column->valid, row);
    return EC_CELL_VALUE;
}
