#include "read/json_layout.h"

#include "scan/json_scan.h"

#include <string.h>

/* Skips white space; false where the bytes at hand end. */
static inline bool skip_space(struct ec_json_layout *layout, struct ec_json_window *w) {
    const char *buf = w->buf;
    size_t pos = w->pos, n = w->n;
    for (; pos < n; pos++) {
        char ch = buf[pos];
        if (ch == '\n') {
            layout->line++;
            layout->line_start = w->offset + pos + 1;
        } else if (ch != ' ' && ch != '\t' && ch != '\r') {
            break;
        }
    }
    w->pos = pos;
    return pos < n;
}

/* Takes a comma or the closing bracket where one may stand. */
static bool take_separator(struct ec_json_layout *layout, char ch) {
    enum ec_json_phase phase = layout->phase;
    if (ch == ',' && (phase == EC_JSON_AFTER || phase == EC_JSON_RESUMED)) {
        layout->phase = EC_JSON_COMMA;
        return true;
    }
    if (ch == ']' && (phase == EC_JSON_START || phase == EC_JSON_AFTER || phase == EC_JSON_RESUMED)) {
        layout->phase = EC_JSON_CLOSED;
        return true;
    }
    return false;
}

enum ec_json_step ec_json_layout_next(struct ec_json_layout *layout, struct ec_json_window *w) {
    while (skip_space(layout, w)) {
        char ch = w->buf[w->pos];
        if (ch == '{') {
            layout->indent = w->offset + w->pos - layout->line_start;
            return EC_JSON_RECORD;
        }
        if (!layout->array || !take_separator(layout, ch)) return EC_JSON_GARBAGE;
        w->pos++;
    }
    if (!w->eof) return EC_JSON_MORE;
    return layout->array && layout->phase != EC_JSON_CLOSED ? EC_JSON_UNCLOSED : EC_JSON_END;
}

bool ec_json_layout_expects_record(const struct ec_json_layout *layout) {
    return !layout->array || (layout->phase != EC_JSON_AFTER && layout->phase != EC_JSON_CLOSED);
}

void ec_json_layout_skip(struct ec_json_layout *layout, struct ec_json_window *w, size_t n) {
    const char *p = w->buf + w->pos;
    size_t newlines = ec_scan_newlines(p, n);
    if (newlines) {
        const char *last = memrchr(p, '\n', n);
        layout->line += newlines;
        layout->line_start = w->offset + (uint64_t)(last + 1 - w->buf);
    }
    w->pos += n;
}

/* Whether a line of the window starts with '{', blanks before it or not. */
static bool has_record_line(const struct ec_json_window *w) {
    const char *p = w->buf + w->pos, *end = w->buf + w->n;
    while ((p = memchr(p, '\n', (size_t)(end - p)))) {
        p++;
        while (p < end && (*p == ' ' || *p == '\t')) p++;
        if (p < end && *p == '{') return true;
    }
    return false;
}

static enum ec_status check_encoding(struct ec_json_layout *layout, struct ec_json_window *w, bool *bom,
                                     struct ec_err *err) {
    const unsigned char *p = (const unsigned char *)w->buf;
    if (w->n >= 2 && ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF) || (p[0] == 0) != (p[1] == 0)))
        return ec_fail(err, EC_ENCODING, "the file is in UTF-16 or UTF-32; JSON is UTF-8, ask for it so");
    *bom = w->n >= 3 && p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF;
    if (*bom) layout->line_start = w->pos = 3;
    return EC_OK;
}

enum ec_status ec_json_layout_find(struct ec_json_layout *layout, struct ec_json_window *w, bool *bom, bool *more,
                                   struct ec_err *err) {
    if (w->offset == 0 && w->pos == 0) EC_TRY(check_encoding(layout, w, bom, err));
    *more = !skip_space(layout, w) && !w->eof;
    if (*more) return EC_OK;
    if (w->pos == w->n) return ec_fail(err, EC_EMPTY_FILE, "the file holds nothing but white space");
    char first = w->buf[w->pos];
    layout->indent = UINT64_MAX;
    layout->array = first == '[';
    if (layout->array) {
        layout->phase = EC_JSON_START;
        w->pos++;
    } else if (first != '{' && !has_record_line(w)) {
        return ec_fail(err, EC_UNKNOWN_FORMAT,
                       "the file starts with neither '[' nor '{': it is not a JSON array of objects nor JSON lines");
    }
    return EC_OK;
}
