/* The facts of the page: why rows were rejected, and some of them, masked. */
#include "publish/page_data_private.h"

#include "base/io.h"
#include "base/utf8.h"
#include "publish/mask.h"

#include <stdlib.h>

struct reason {
    const char *source;
    char code[300];
    uint64_t rows;
};

static int by_rows(const void *a, const void *b) {
    const struct reason *x = a, *y = b;
    if (x->rows != y->rows) return x->rows > y->rows ? -1 : 1;
    int order = strcmp(x->source, y->source);
    return order ? order : strcmp(x->code, y->code);
}

/* Whether a row that fails the check carries the reason "rule:<id>". */
static bool is_rule(const struct ec_check_facts *c) {
    static const char *const own[] = {"parse", "type", "unique", "not_null"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(c->rule, own[i]) == 0) return false;
    return strcmp(c->action, "keep") != 0;
}

static void collect(const struct ec_sheet_source *of, struct reason *list, size_t *count) {
    for (int i = 0; i < EC_REASON_COUNT; i++) {
        if (i == EC_REASON_RULE || !of->facts.by_reason[i]) continue;
        struct reason *to = &list[(*count)++];
        to->source = of->name;
        to->rows = of->facts.by_reason[i];
        (void)snprintf(to->code, sizeof to->code, "%s", ec_reason_text((enum ec_reason)i)->slug);
    }
    for (size_t i = 0; i < of->facts.check_count; i++) {
        const struct ec_check_facts *c = &of->facts.check[i];
        if (!c->failed || !is_rule(c)) continue;
        struct reason *to = &list[(*count)++];
        to->source = of->name;
        to->rows = c->failed;
        (void)snprintf(to->code, sizeof to->code, "rule:%s", c->id);
    }
}

static void write_reasons(struct ec_sheet *s) {
    size_t most = 0, count = 0;
    for (size_t i = 0; i < s->source_count; i++) most += EC_REASON_COUNT + s->source[i].facts.check_count;
    struct reason *list = ec_calloc(most, sizeof *list);
    if (!list) s->failed = true;
    for (size_t i = 0; list && i < s->source_count; i++) collect(&s->source[i], list, &count);
    if (count) qsort(list, count, sizeof *list, by_rows);
    ec_json_array(&s->w, "reasons");
    for (size_t i = 0; i < count && i < EC_PAGE_REASONS_MAX; i++) {
        ec_json_object(&s->w, NULL);
        ec_json_str(&s->w, "source", list[i].source);
        ec_json_str(&s->w, "code", list[i].code);
        ec_json_uint(&s->w, "rows", list[i].rows);
        ec_json_end(&s->w);
    }
    ec_json_end_array(&s->w);
    ec_free(list);
}

static void write_trend(struct ec_sheet *s) {
    struct ec_json_writer *w = &s->w;
    ec_json_object(w, "trend");
    for (int k = 0; k < 2; k++) {
        ec_json_array(w, k ? "rows" : "run");
        for (size_t i = s->first_run; i < s->past_runs; i++)
            ec_json_uint(w, NULL, k ? ec_sheet_history(s)->run[i].quarantined : i - s->first_run);
        ec_json_uint(w, NULL, k ? s->run->totals.quarantined : ec_sheet_this_run(s));
        ec_json_end_array(w);
    }
    ec_json_end(w);
}

/* Whether the row's source has a column that must not be shown: then neither is its text. */
static bool is_personal(const struct ec_sheet *s, const struct ec_page_reject *row) {
    for (size_t i = 0; i < row->cell_count; i++)
        if (ec_mask_is_personal(row->cell[i].column)) return true;
    for (size_t i = 0; i < s->source_count; i++) {
        if (strcmp(s->source[i].name, row->source) != 0) continue;
        for (size_t k = 0; k < s->source[i].facts.column_count; k++)
            if (ec_mask_is_personal(s->source[i].facts.column[k].name)) return true;
    }
    return false;
}

/* Of a damaged record any cell may hold anything: it is shown where the record may be. */
static bool is_structural(const char *code) {
    static const char *const codes[] = {"parse-error", "missing-cell", "extra-cell", "encoding-error", "too-long"};
    for (size_t i = 0; code && i < sizeof codes / sizeof *codes; i++)
        if (strcmp(code, codes[i]) == 0) return true;
    return false;
}

static bool is_hidden(const struct ec_page_reason *r, bool personal) {
    return r->column && !is_structural(r->code) ? ec_mask_is_personal(r->column) : personal;
}

static bool is_damaged(const struct ec_page_reject *row) {
    for (size_t i = 0; i < row->reason_count; i++)
        if (is_structural(row->reason[i].code)) return true;
    return false;
}

static bool is_bad(const struct ec_page_reject *row, const char *column) {
    for (size_t i = 0; i < row->reason_count; i++)
        if (row->reason[i].column && strcmp(row->reason[i].column, column) == 0) return true;
    return false;
}

static void write_row_reasons(struct ec_sheet *s, const struct ec_page_reject *row, bool personal) {
    ec_json_array(&s->w, "reasons");
    for (size_t i = 0; i < row->reason_count; i++) {
        const struct ec_page_reason *r = &row->reason[i];
        ec_json_object(&s->w, NULL);
        ec_json_str(&s->w, "code", r->code);
        ec_json_str(&s->w, "column", r->column);
        ec_sheet_masked(&s->w, "value", r->value, is_hidden(r, personal));
        ec_json_end(&s->w);
    }
    ec_json_end_array(&s->w);
}

static void write_row(struct ec_sheet *s, const struct ec_page_reject *row) {
    struct ec_json_writer *w = &s->w;
    bool personal = is_personal(s, row), damaged = personal && is_damaged(row);
    ec_json_object(w, NULL);
    ec_json_str(w, "source", row->source);
    ec_json_str(w, "file", row->file);
    if (row->line)
        ec_json_uint(w, "line", row->line);
    else
        ec_json_null(w, "line");
    ec_json_uint(w, "offset", row->offset);
    write_row_reasons(s, row, personal);
    ec_json_array(w, "cells");
    for (size_t i = 0; i < row->cell_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "column", row->cell[i].column);
        ec_sheet_masked(w, "value", row->cell[i].value, damaged || ec_mask_is_personal(row->cell[i].column));
        ec_json_bool(w, "bad", is_bad(row, row->cell[i].column));
        ec_json_end(w);
    }
    ec_json_end_array(w);
    if (row->raw && !personal) {
        size_t n = strlen(row->raw), kept = 0;
        for (size_t c = 0; kept < n && c < EC_PAGE_RAW_MAX; c++)
            do kept++;
            while (kept < n && ((unsigned char)row->raw[kept] & 0xC0) == 0x80);
        ec_json_text(w, "raw", (struct ec_str){row->raw, kept});
    } else {
        ec_json_null(w, "raw");
    }
    ec_json_end(w);
}

void ec_sheet_quarantine(struct ec_sheet *s) {
    ec_json_object(&s->w, "quarantine");
    write_reasons(s);
    write_trend(s);
    ec_json_array(&s->w, "rows");
    for (size_t i = 0; i < s->data->reject_count && i < EC_PAGE_REJECTS_MAX; i++) write_row(s, &s->data->reject[i]);
    ec_json_end_array(&s->w);
    ec_json_str(&s->w, "folder", "quarantine");
    ec_json_end(&s->w);
}
