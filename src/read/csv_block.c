/* The cells of up to 64 rows, column by column: this is where the reader's time goes.
 *
 * A column's loop knows its type, does not hang on what its last turn found, and gathers validity in a
 * register: the processor works on several rows at once. What is not as cells nearly always are waits
 * until the column is through, and then goes the careful way.
 */
#include "read/cell.h"
#include "read/csv_reader.h"

/* The rows of one column. */
struct cells {
    const struct ec_csv_cell *first; /* of the block's first row */
    size_t stride;
    const char *window;
    uint64_t rows;
    size_t row; /* of the batch: the block's first */
};

/* A loop over the rows that wait: `at` is the row in the block, `c` its cell. *valid gets those for which
 * `parse`, an expression, is true. */
#define EACH_ROW(parse)                                                                                                \
    for (uint64_t left = in->rows; left; left &= left - 1) {                                                           \
        size_t at = (size_t)__builtin_ctzll(left);                                                                     \
        const struct ec_csv_cell *c = in->first + at * in->stride;                                                     \
        const char *p = in->window + c->at;                                                                            \
        valid |= (uint64_t)(parse) << at;                                                                              \
    }

static inline bool is_text(const struct ec_csv_cell *c) {
    return (c->n | c->quotes) && !(c->quotes & EC_CSV_DOUBLED);
}

static uint64_t parse_texts(const struct cells *in, struct ec_text *to) {
    uint64_t valid = 0;
    EACH_ROW((to[at] = ec_fast_text(p, c->n), is_text(c)))
    return valid;
}

static uint64_t parse_integers(const struct cells *in, int64_t *to) {
    uint64_t valid = 0;
    EACH_ROW(ec_fast_integer(p, c->n, &to[at]))
    return valid;
}

static uint64_t parse_doubles(const struct cells *in, double *to) {
    uint64_t valid = 0;
    EACH_ROW(ec_fast_double(p, c->n, &to[at]))
    return valid;
}

static uint64_t parse_booleans(const struct cells *in, uint8_t *to) {
    uint64_t valid = 0;
    EACH_ROW(ec_fast_boolean(p, c->n, &to[at]))
    return valid;
}

static uint64_t parse_datetimes(const struct cells *in, struct ec_day *day, int64_t *to) {
    uint64_t valid = 0;
    EACH_ROW(ec_fast_datetime(p, c->n, day, &to[at]))
    return valid;
}

static uint64_t parse_dates(const struct cells *in, struct ec_day *day, int32_t *to) {
    uint64_t valid = 0;
    EACH_ROW(ec_fast_date(p, c->n, day, &to[at]))
    return valid;
}

/* The rows whose cell was parsed. Of the others a value may have been written. */
static uint64_t parse_column(const struct cells *in, struct ec_day *day, const struct ec_column *column) {
    switch (column->type.type) {
    case EC_TYPE_STRING: return parse_texts(in, ec_column_text(column) + in->row);
    case EC_TYPE_INTEGER: return parse_integers(in, ec_column_int(column) + in->row);
    case EC_TYPE_FLOAT: return parse_doubles(in, ec_column_double(column) + in->row);
    case EC_TYPE_BOOLEAN: return parse_booleans(in, ec_column_bool(column) + in->row);
    case EC_TYPE_DATETIME: return parse_datetimes(in, day, ec_column_int(column) + in->row);
    case EC_TYPE_DATE: return parse_dates(in, day, ec_column_days(column) + in->row);
    case EC_TYPE_DECIMAL: break;
    }
    return 0;
}

enum ec_status ec_csv_block_parse(struct ec_csv_reader *reader, struct ec_batch *batch, struct ec_err *err) {
    if (!reader->waiting) return EC_OK;
    struct cells in = {.stride = reader->stride,
                       .window = reader->input->window.p,
                       .rows = reader->waiting,
                       .row = (batch->rows - 1) / EC_CSV_BLOCK_ROWS * EC_CSV_BLOCK_ROWS};
    reader->waiting = 0;
    for (size_t i = 0; i < reader->columns; i++) {
        struct ec_csv_column *to = &reader->column[i];
        struct ec_column *column = &batch->column[to->column];
        size_t width = ec_type_width(column->type.type);
        in.first = reader->block + i;
        uint64_t valid = to->direct ? parse_column(&in, &to->day, column) : 0;
        column->valid[in.row / 64] |= valid;
        for (uint64_t left = in.rows & ~valid; left; left &= left - 1) {
            size_t at = (size_t)__builtin_ctzll(left), row = in.row + at;
            memset((char *)column->values + row * width, 0, width);
            EC_TRY(ec_csv_cell_add(reader, in.first + at * in.stride, i, true, batch, row, err));
        }
    }
    return EC_OK;
}
