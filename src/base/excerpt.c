#include "base/excerpt.h"

#include "base/utf8.h"

/* Of the whole record: what a cell's line and column are counted in. */
#define LOOK_MAX ((size_t)1 << 20)

bool ec_excerpt_csv(struct ec_str record, size_t number, char delimiter, struct ec_span *cell) {
    size_t i = 0;
    for (size_t k = 0;; k++) {
        bool quoted = i < record.n && record.p[i] == '"';
        size_t start = i + quoted;
        bool open = quoted;
        for (i = start; i < record.n && (open || record.p[i] != delimiter); i++)
            if (record.p[i] == '"' && quoted) open = !open;
        if (k == number) {
            size_t n = i - start;
            if (quoted && n > 0 && record.p[i - 1] == '"') n--;
            *cell = (struct ec_span){start, n};
            return true;
        }
        if (i++ >= record.n) return false;
    }
}

/* Behind the text that begins at p[i] == '"'. */
static size_t skip_text(struct ec_str r, size_t i) {
    for (i++; i < r.n && r.p[i] != '"'; i++)
        if (r.p[i] == '\\') i++;
    return i < r.n ? i + 1 : r.n;
}

static size_t skip_blanks(struct ec_str r, size_t i) {
    while (i < r.n && (r.p[i] == ' ' || r.p[i] == '\t' || r.p[i] == '\r' || r.p[i] == '\n')) i++;
    return i;
}

/* Behind the value at i; nested ones are counted, not parsed: the record was parsed before. */
static size_t skip_value(struct ec_str r, size_t i) {
    size_t depth = 0;
    while (i < r.n) {
        char c = r.p[i];
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
        if (c == '"') {
            i = skip_text(r, i);
            continue;
        }
        if (c == '{' || c == '[') depth++;
        if (c == '}' || c == ']') depth--;
        i++;
    }
    return i;
}

static struct ec_span value_span(struct ec_str r, size_t start, size_t end) {
    while (end > start && (r.p[end - 1] == ' ' || r.p[end - 1] == '\t' || r.p[end - 1] == '\r' || r.p[end - 1] == '\n')) end--;
    if (end - start >= 2 && r.p[start] == '"' && r.p[end - 1] == '"') return (struct ec_span){start + 1, end - start - 2};
    return (struct ec_span){start, end - start};
}

bool ec_excerpt_json(struct ec_str r, const char *key, struct ec_span *cell) {
    size_t n = strlen(key), i = skip_blanks(r, 0);
    if (i >= r.n || r.p[i] != '{') return false;
    for (i = skip_blanks(r, i + 1); i < r.n && r.p[i] == '"'; i = skip_blanks(r, i + 1)) {
        size_t name = i + 1, name_end = skip_text(r, i);
        bool wanted = name_end - name == n + 1 && memcmp(r.p + name, key, n) == 0;
        i = skip_blanks(r, name_end);
        if (i >= r.n || r.p[i] != ':') return false;
        size_t start = skip_blanks(r, i + 1);
        i = skip_value(r, start);
        if (wanted) {
            *cell = value_span(r, start, i);
            return true;
        }
        if (i >= r.n || r.p[i] != ',') return false;
    }
    return false;
}

static bool is_tail(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

/* In characters behind the last line end; 0 where the cell does not begin in the record's first line, whose number
 * is all that a sample knows. */
static uint32_t column_of(struct ec_str record, size_t at) {
    uint32_t column = 1;
    if (at > LOOK_MAX) return 0;
    for (size_t i = 0; i < at; i++) {
        if (record.p[i] == '\n' || record.p[i] == '\r') return 0;
        column += !is_tail(record.p[i]);
    }
    return column;
}

/* Valid UTF-8 without a NUL; what is not becomes U+FFFD, a byte each. */
static void add_clean(struct ec_buf *out, const char *p, size_t n) {
    for (size_t i = 0; i < n;) {
        size_t good = ec_utf8_prefix(p + i, n - i);
        const char *nul = memchr(p + i, '\0', good);
        if (nul) good = (size_t)(nul - (p + i));
        ec_buf_add(out, p + i, good);
        i += good;
        if (i == n) break;
        ec_buf_addz(out, "\xEF\xBF\xBD");
        i++;
    }
}

void ec_excerpt_cut(struct ec_str record, const struct ec_span *cell, struct ec_buf *text, struct ec_excerpt *out) {
    *out = (struct ec_excerpt){0};
    ec_buf_clear(text);
    if (!record.p) return;
    struct ec_span c = cell ? *cell : (struct ec_span){0, 0};
    if (c.at > record.n || c.n > record.n - c.at) return;
    const size_t shown = EC_EXCERPT_MAX / 3; /* U+FFFD takes three bytes */
    size_t n = c.n < shown ? c.n : shown;
    size_t room = shown - n, before = c.at < room / 2 ? c.at : room / 2;
    size_t from = c.at - before;
    size_t to = record.n - from < shown ? record.n : from + shown;
    while (from < c.at && is_tail(record.p[from])) from++;
    size_t cell_end = c.at + c.n < to ? c.at + c.n : to;
    add_clean(text, record.p + from, c.at - from);
    out->cell.at = text->n;
    while (to < record.n && to > cell_end && is_tail(record.p[to])) to--;
    if (cell_end == to) /* the cell itself may have been cut */
        while (to < record.n && to > c.at && is_tail(record.p[to])) to--, cell_end--;
    add_clean(text, record.p + c.at, cell_end - c.at);
    out->cell.n = text->n - out->cell.at;
    add_clean(text, record.p + cell_end, to - cell_end);
    out->cell_known = cell != NULL;
    out->cut_before = from > 0;
    out->cut_after = to < record.n;
    out->column = cell ? column_of(record, c.at) : 0;
    if (!text->failed) out->text = text->p ? text->p : "";
}
