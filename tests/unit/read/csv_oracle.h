/* The CSV grammar with its recovery rule, as plainly as it can be put: byte by byte over the whole
 * text, without windows, marks or shortcuts. Every column is text. For tests. */
#ifndef EC_TEST_CSV_ORACLE_H
#define EC_TEST_CSV_ORACLE_H

#include "base/utf8.h"
#include "csv_rows.h"

#define ORACLE_CELLS 64

struct oracle {
    const char *p;
    size_t n;
    char separator;
    size_t field_max;
    size_t record_max;
    const struct ec_str *name;
    size_t names;
    size_t at;
    uint64_t line;
};

struct oracle_record {
    bool damaged;
    enum ec_reason reason;
    size_t bad_cell; /* SIZE_MAX: none */
    size_t bad_at;
    size_t cells;
    size_t cell_at[ORACLE_CELLS];
    size_t cell_n[ORACLE_CELLS];
    bool quoted[ORACLE_CELLS];
    size_t end;
};

static inline bool oracle_line_end(const struct oracle *o, size_t i) {
    return o->p[i] == '\n' || o->p[i] == '\r';
}

static inline size_t oracle_past_line_end(const struct oracle *o, size_t i) {
    if (i == o->n) return i;
    return o->p[i] == '\r' && i + 1 < o->n && o->p[i + 1] == '\n' ? i + 2 : i + 1;
}

static inline uint64_t oracle_count_lines(const struct oracle *o, size_t from, size_t to) {
    uint64_t lines = 0;
    for (size_t i = from; i < to; i = oracle_line_end(o, i) ? oracle_past_line_end(o, i) : i + 1)
        lines += oracle_line_end(o, i);
    return lines;
}

/* Something is wrong in the field whose text starts at `field`, found at `at`. Lengths come first. */
static inline void oracle_damage(const struct oracle *o, struct oracle_record *r, size_t start, enum ec_reason reason,
                                 size_t field, size_t at) {
    bool field_long = at > field + o->field_max, record_long = at > start + o->record_max;
    r->damaged = true;
    r->reason = field_long || record_long ? EC_REASON_TOO_LONG : reason;
    r->bad_cell = r->cells;
    if (record_long && start + o->record_max <= field + o->field_max) r->bad_cell = SIZE_MAX;
    r->bad_at = field;
}

/* The text of a field up to its end, which is returned. */
static inline size_t oracle_field(const struct oracle *o, struct oracle_record *r, size_t start, size_t i) {
    bool quoted = i < o->n && o->p[i] == '"';
    size_t field = i + quoted, j = field, close;
    if (quoted) {
        while (j < o->n && (o->p[j] != '"' || (j + 1 < o->n && o->p[j + 1] == '"'))) j += o->p[j] == '"' ? 2 : 1;
        close = j;
        bool followed = j + 1 < o->n && o->p[j + 1] != o->separator && !oracle_line_end(o, j + 1);
        if (j >= o->n || followed) oracle_damage(o, r, start, EC_REASON_PARSE, field, j < o->n ? j : o->n);
        j++;
    } else {
        while (j < o->n && o->p[j] != o->separator && o->p[j] != '"' && !oracle_line_end(o, j)) j++;
        close = j;
        if (j < o->n && o->p[j] == '"') oracle_damage(o, r, start, EC_REASON_PARSE, field, j);
    }
    if (!r->damaged && close - field > o->field_max) oracle_damage(o, r, start, EC_REASON_TOO_LONG, field, close);
    if (r->damaged) return j;
    if (r->cells < ORACLE_CELLS) {
        r->cell_at[r->cells] = field;
        r->cell_n[r->cells] = close - field;
        r->quoted[r->cells] = quoted;
    }
    r->cells++;
    if ((j == o->n || o->p[j] != o->separator) && j - start > o->record_max)
        oracle_damage(o, r, start, EC_REASON_TOO_LONG, field, j);
    return j;
}

static inline void oracle_record(const struct oracle *o, struct oracle_record *r) {
    size_t start = o->at, i = start;
    *r = (struct oracle_record){0};
    for (;; i++) {
        i = oracle_field(o, r, start, i);
        if (r->damaged || i == o->n || o->p[i] != o->separator) break;
    }
    r->end = i;
    if (!r->damaged && r->cells != o->names && oracle_count_lines(o, start, i) > 0) {
        r->damaged = true;
        r->reason = r->cells < o->names ? EC_REASON_MISSING_CELL : EC_REASON_EXTRA_CELL;
        r->bad_cell = r->cells < o->names ? r->cells : SIZE_MAX;
        r->bad_at = SIZE_MAX;
    }
    if (!r->damaged) return;
    for (r->end = start; r->end < o->n && !oracle_line_end(o, r->end);) r->end++;
}

static inline void oracle_cell(const struct oracle *o, const struct oracle_record *r, size_t c, struct ec_buf *out) {
    if (r->cell_n[c] == 0 && !r->quoted[c]) {
        ec_buf_addz(out, " -");
        return;
    }
    ec_buf_addz(out, " [");
    for (size_t i = 0; i < r->cell_n[c]; i++) {
        const char *q = o->p + r->cell_at[c] + i;
        rows_quote(out, q, 1);
        if (r->quoted[c] && *q == '"') i++;
    }
    ec_buf_addz(out, "]");
}

static inline const char *oracle_name(const struct oracle *o, size_t c) {
    return c < o->names ? o->name[c].p : "";
}

static inline void oracle_row(const struct oracle *o, const struct oracle_record *r, struct ec_buf *out) {
    const char *raw = o->p + o->at;
    size_t n = r->end - o->at;
    bool readable = ec_utf8_valid(raw, n) && !memchr(raw, 0, n), shown = !r->damaged && readable;
    rows_place(out, o->line, o->at, n, n <= o->record_max ? raw : NULL);
    for (size_t c = 0; c < o->names; c++) {
        if (shown && c < r->cells)
            oracle_cell(o, r, c, out);
        else
            ec_buf_addz(out, " -");
    }
    if (r->damaged) {
        struct ec_str value = {"", 0};
        if (r->reason == EC_REASON_PARSE && r->bad_at < r->end && n <= o->record_max)
            value = (struct ec_str){o->p + r->bad_at, ec_utf8_truncate(o->p + r->bad_at, r->end - r->bad_at, 200)};
        rows_fault(out, r->reason, oracle_name(o, r->bad_cell), value);
    } else {
        if (!readable) rows_fault(out, EC_REASON_ENCODING, "", EC_STR(""));
        if (r->cells < o->names) rows_fault(out, EC_REASON_MISSING_CELL, oracle_name(o, r->cells), EC_STR(""));
        if (r->cells > o->names) {
            struct ec_str extra = {o->p + r->cell_at[o->names], r->cell_n[o->names]};
            extra.n = ec_utf8_truncate(extra.p, extra.n, 200);
            rows_fault(out, EC_REASON_EXTRA_CELL, "", extra);
        }
    }
    ec_buf_addz(out, r->damaged || !readable || r->cells != o->names ? " rejected\n" : "\n");
}

/* Appends the rows of o->p from o->at on, as rows_read() does. */
static inline void oracle_read(struct oracle *o, struct ec_buf *out) {
    while (o->at < o->n) {
        struct oracle_record r;
        oracle_record(o, &r);
        if (r.end > o->at) oracle_row(o, &r, out);
        size_t next = oracle_past_line_end(o, r.end);
        o->line += oracle_count_lines(o, o->at, next);
        o->at = next;
    }
}

#endif
