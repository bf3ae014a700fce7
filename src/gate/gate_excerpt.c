/* The record of a sample, and where in it the cell lies. */
#include "gate/gate.h"

/* Where the value is a view of the record, there; otherwise by its number or its key. */
static bool find_cell(const struct ec_gate_cells *cells, const struct ec_batch *batch, struct ec_str record, size_t column,
                      struct ec_str value, struct ec_span *cell) {
    uintptr_t begin = (uintptr_t)record.p, at = (uintptr_t)value.p;
    if (value.p && value.n > 0 && at >= begin && at - begin <= record.n && value.n <= record.n - (at - begin)) {
        *cell = (struct ec_span){at - begin, value.n};
        return value.n < record.n; /* the record as a whole is nothing to point at */
    }
    if (column >= cells->own_first || column >= batch->columns) return false;
    if (!cells->cell_of) return ec_excerpt_json(record, batch->column[column].name, cell);
    char delimiter = cells->source->delimiter ? cells->source->delimiter : ',';
    return column < cells->count && cells->cell_of[column] != UINT32_MAX &&
           ec_excerpt_csv(record, cells->cell_of[column], delimiter, cell);
}

bool ec_gate_excerpt(const struct ec_gate_cells *cells, const struct ec_batch *batch, size_t row, size_t column, struct ec_str value,
                     struct ec_arena *arena, struct ec_excerpt *out) {
    *out = (struct ec_excerpt){0};
    struct ec_str record = {batch->place[row].raw, batch->place[row].length};
    if (!record.p) return true;
    struct ec_span cell;
    bool known = find_cell(cells, batch, record, column, value, &cell);
    struct ec_buf text = ec_buf_make(2 * EC_EXCERPT_MAX);
    ec_excerpt_cut(record, known ? &cell : NULL, &text, out);
    if (out->text) out->text = ec_arena_copy(arena, out->text, text.n);
    ec_buf_free(&text);
    if (out->text) return true;
    *out = (struct ec_excerpt){0};
    return false;
}
