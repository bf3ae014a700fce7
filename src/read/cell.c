#include "read/cell.h"

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static bool is_null(const struct ec_schema_column *schema, const char *p, size_t n) {
    for (size_t i = 0; i < schema->null_value_count; i++)
        if (ec_str_eq(schema->null_values[i], (struct ec_str){p, n})) return true;
    return false;
}

static enum ec_cell text_parse(const struct ec_schema_column *schema, struct ec_column *column, size_t row,
                               const char *p, size_t n, bool quoted) {
    if (!quoted && (n == 0 || is_null(schema, p, n))) return EC_CELL_NULL;
    ec_column_text(column)[row] = ec_text_of(p, n);
    ec_bit_set(column->valid, row);
    return EC_CELL_VALUE;
}

enum ec_cell ec_cell_parse(const struct ec_schema_column *schema, struct ec_column *column, size_t row, const char *p,
                           size_t n, bool quoted) {
    bool good = false;
    if (column->type.type == EC_TYPE_STRING) return text_parse(schema, column, row, p, n, quoted);
    while (n > 0 && is_space(p[0])) p++, n--;
    while (n > 0 && is_space(p[n - 1])) n--;
    if (n == 0 || (schema->null_value_count > 0 && is_null(schema, p, n))) return EC_CELL_NULL;
    switch (column->type.type) {
    case EC_TYPE_STRING: break;
    case EC_TYPE_INTEGER: good = ec_integer_parse(p, n, &ec_column_int(column)[row]); break;
    case EC_TYPE_FLOAT: good = ec_double_parse(p, n, &ec_column_double(column)[row]); break;
    case EC_TYPE_BOOLEAN: good = ec_boolean_parse(p, n, &ec_column_bool(column)[row]); break;
    case EC_TYPE_DATETIME: good = ec_datetime_cell(schema, p, n, &ec_column_int(column)[row]); break;
    case EC_TYPE_DATE: good = ec_date_cell(schema, p, n, &ec_column_days(column)[row]); break;
    case EC_TYPE_DECIMAL:
        good = ec_decimal_parse(p, n, column->type.precision, column->type.scale, &ec_column_int(column)[row]);
        break;
    }
    if (!good) return EC_CELL_BAD;
    ec_bit_set(column->valid, row);
    return EC_CELL_VALUE;
}
