#include "read/csv_record.h"

#define NONE     SIZE_MAX
#define ALL_BITS (~UINT64_C(0))

void ec_csv_scanner_init(struct ec_csv_scanner *s, char separator, size_t field_max, size_t record_max) {
    s->scan = ec_scan();
    s->separator = separator;
    s->field_max = field_max;
    s->record_max = record_max;
    s->expected = 0;
    s->line = 1;
    s->cell = s->widest;
    s->cell_max = sizeof s->widest / sizeof *s->widest;
    ec_csv_scanner_window(s, "", 0, false, 0);
}

/* Marks the blocks from index_at on; bits past the window's end are cleared. */
static void mark(struct ec_csv_scanner *s) {
    size_t left = s->end - s->index_at;
    s->words = (left + EC_SCAN_BLOCK - 1) / EC_SCAN_BLOCK;
    if (s->words > EC_CSV_INDEX_BLOCKS) s->words = EC_CSV_INDEX_BLOCKS;
    s->scan->csv(s->p + s->index_at, s->words, s->separator, s->special_bits, s->suspect_bits);
    if (s->words * EC_SCAN_BLOCK <= left) return;
    uint64_t inside = (UINT64_C(1) << left % EC_SCAN_BLOCK) - 1;
    s->special_bits[s->words - 1] &= inside;
    s->suspect_bits[s->words - 1] &= inside;
}

/* The next mark is the first at or behind `at`. */
static void seek(struct ec_csv_scanner *s, size_t at) {
    s->mask = 0;
    s->word = 0;
    if (at < s->index_at || at >= s->index_at + s->words * EC_SCAN_BLOCK) {
        s->index_at = at - at % EC_SCAN_BLOCK;
        mark(s);
    }
    if (s->words == 0) return;
    s->word = (at - s->index_at) / EC_SCAN_BLOCK;
    s->mask = s->special_bits[s->word] & ALL_BITS << at % EC_SCAN_BLOCK;
}

void ec_csv_scanner_window(struct ec_csv_scanner *s, const char *p, size_t end, bool last, size_t at) {
    s->p = p;
    s->end = end;
    s->last = last;
    s->at = at;
    s->words = 0;
    s->index_at = 0;
    seek(s, at);
}

/* Notes where the first and the last of these bytes of the current word lie. */
static inline void note_suspects(struct ec_csv_scanner *s, uint64_t bits) {
    if (bits == 0) return;
    size_t base = s->index_at + s->word * EC_SCAN_BLOCK;
    if (s->suspect_from == s->suspect_to) s->suspect_from = base + (size_t)__builtin_ctzll(bits);
    s->suspect_to = base + EC_SCAN_BLOCK - (size_t)__builtin_clzll(bits);
}

/* Goes to the next word that has a mark. */
static bool next_word(struct ec_csv_scanner *s) {
    do {
        if (s->words == 0) return false;
        note_suspects(s, s->suspect_bits[s->word] & s->from);
        s->from = ALL_BITS;
        if (++s->word == s->words) {
            s->index_at += s->words * EC_SCAN_BLOCK;
            s->words = s->word = 0;
            if (s->index_at >= s->end) return false;
            mark(s);
        }
        s->mask = s->special_bits[s->word];
    } while (s->mask == 0);
    return true;
}

/* The offset of the next separator, quote or line end in the window, or NONE. */
static inline size_t next_mark(struct ec_csv_scanner *s) {
    if (s->mask == 0 && !next_word(s)) return NONE;
    size_t at = s->index_at + s->word * EC_SCAN_BLOCK + (size_t)__builtin_ctzll(s->mask);
    s->mask &= s->mask - 1;
    return at;
}

static inline void begin_suspects(struct ec_csv_scanner *s, size_t start) {
    size_t skipped = start - (s->index_at + s->word * EC_SCAN_BLOCK);
    s->suspect_from = s->suspect_to = 0;
    s->from = skipped < EC_SCAN_BLOCK ? ALL_BITS << skipped : 0;
}

/* Says where in start..end the suspects lie; the word of `end` is the current one, or all are behind us. */
static inline void end_suspects(struct ec_csv_scanner *s, struct ec_csv_record *r, size_t end) {
    if (s->words > 0) {
        size_t inside = end - (s->index_at + s->word * EC_SCAN_BLOCK);
        uint64_t before = inside < EC_SCAN_BLOCK ? (UINT64_C(1) << inside) - 1 : ALL_BITS;
        note_suspects(s, s->suspect_bits[s->word] & s->from & before);
    }
    r->suspect_from = s->suspect_from;
    r->suspect_to = s->suspect_to;
}

/* Sets end and next for a line that ends at `at`, a mark just met or the window's end. False where
 * a CR is the window's last byte and its LF may follow. */
static bool end_line(struct ec_csv_scanner *s, struct ec_csv_record *r, size_t at) {
    r->end = at;
    r->next = at;
    if (at == s->end) return true;
    r->next++;
    if (s->p[at] != '\r') return true;
    if (r->next == s->end) return s->last;
    if (s->p[r->next] == '\n') {
        (void)next_mark(s);
        r->next++;
    }
    return true;
}

/* The record is not one: takes its first line. `field` is where the bad field's text starts, `at`
 * how far one had to look. */
static enum ec_csv_found damage(struct ec_csv_scanner *s, struct ec_csv_record *r, enum ec_reason reason, size_t field,
                                size_t at) {
    r->damaged = true;
    r->reason = reason;
    r->bad_cell = r->cells;
    r->bad_at = field;
    r->seen = at + 2 < s->end ? at + 2 : s->end; /* a quote and the byte behind it */
    size_t field_end = field + s->field_max, record_end = r->start + s->record_max;
    size_t limit = field_end < record_end ? field_end : record_end;
    if (at > limit) {
        r->reason = EC_REASON_TOO_LONG;
        r->seen = limit + 1;
        if (limit == record_end) r->bad_cell = EC_CSV_NO_CELL;
    }
    seek(s, r->start);
    size_t end;
    do {
        end = next_mark(s);
    } while (end != NONE && s->p[end] != '\n' && s->p[end] != '\r');
    r->lines = 1;
    bool ended = end != NONE || s->last;
    if (!ended || !end_line(s, r, end == NONE ? s->end : end))
        return s->end - r->start > s->record_max + 1 ? EC_CSV_OVERLONG : EC_CSV_MORE;
    if (r->seen < r->next) r->seen = r->next;
    return EC_CSV_RECORD;
}

static inline void add_cell(struct ec_csv_scanner *s, struct ec_csv_record *r, size_t at, size_t n, uint32_t quotes) {
    if (r->cells < s->cell_max) s->cell[r->cells] = (struct ec_csv_cell){(uint32_t)at, (uint32_t)n, quotes};
    r->cells++;
}

/* The window ends before the field that starts at `field` does. Its last byte may be the closing
 * quote, which is not of the field's text. */
static enum ec_csv_found unfinished(struct ec_csv_scanner *s, struct ec_csv_record *r, size_t field) {
    if (s->end - field > s->field_max + 1 || s->end - r->start > s->record_max)
        return damage(s, r, EC_REASON_TOO_LONG, field, s->end);
    return EC_CSV_MORE;
}

/* The record's last cell ended at `at`. */
static enum ec_csv_found end_record(struct ec_csv_scanner *s, struct ec_csv_record *r, size_t field, size_t at) {
    end_suspects(s, r, at);
    if (at - r->start > s->record_max) return damage(s, r, EC_REASON_TOO_LONG, field, at);
    if (!end_line(s, r, at)) return EC_CSV_MORE;
    r->seen = r->next;
    if (s->expected == 0 || r->lines == 1 || r->cells == s->expected) return EC_CSV_RECORD;
    /* Rather a quote that should not be there than a text of several lines in a row gone wrong. */
    enum ec_reason reason = r->cells < s->expected ? EC_REASON_MISSING_CELL : EC_REASON_EXTRA_CELL;
    if (r->cells > s->expected) r->cells = s->expected;
    size_t seen = r->next;
    enum ec_csv_found found = damage(s, r, reason, at, at);
    r->seen = seen;
    return found;
}

/* The mark of the quote that closes the field whose text starts at `field`, or NONE. */
static size_t closing_quote(struct ec_csv_scanner *s, struct ec_csv_record *r, size_t field, uint32_t *quotes) {
    for (;;) {
        size_t at = next_mark(s);
        if (at == NONE) return NONE;
        char c = s->p[at];
        if (c == '\r' || (c == '\n' && (at == field || s->p[at - 1] != '\r'))) r->lines++;
        if (c != '"') continue;
        if (at + 1 == s->end) return s->last ? at : NONE;
        if (s->p[at + 1] != '"') return at;
        *quotes |= EC_CSV_DOUBLED;
        (void)next_mark(s);
    }
}

/* A quoted field that opens at `open`. EC_CSV_RECORD with *next set: another field starts there;
 * with *next NONE: the record ended. */
static enum ec_csv_found scan_quoted(struct ec_csv_scanner *s, struct ec_csv_record *r, size_t open, size_t *next) {
    size_t field = open + 1;
    uint32_t quotes = EC_CSV_QUOTED;
    size_t close = closing_quote(s, r, field, &quotes);
    if (close == NONE && s->last) return damage(s, r, EC_REASON_PARSE, field, s->end);
    if (close == NONE) return unfinished(s, r, field);
    size_t after = close + 1;
    char c = after < s->end ? s->p[after] : '\n';
    if (close - field > s->field_max || (c != s->separator && c != '\n' && c != '\r'))
        return damage(s, r, EC_REASON_PARSE, field, close);
    add_cell(s, r, field, close - field, quotes);
    if (after < s->end) (void)next_mark(s);
    *next = c == s->separator ? after + 1 : NONE;
    return c == s->separator ? EC_CSV_RECORD : end_record(s, r, field, after);
}

/* The unquoted cells from *field on, up to the first mark that is no separator: its offset, or NONE.
 * This loop is most of the scanner's time; what it counts is kept in registers. */
static size_t scan_plain(struct ec_csv_scanner *s, struct ec_csv_record *r, size_t *field) {
    const char *p = s->p, separator = s->separator;
    const size_t field_max = s->field_max, cell_max = s->cell_max;
    struct ec_csv_cell *cell = s->cell;
    uint64_t mask = s->mask;
    size_t base = s->index_at + s->word * EC_SCAN_BLOCK, cells = r->cells, from = *field, at;
    for (;;) {
        if (mask == 0) {
            at = NONE;
            if (!next_word(s)) break;
            mask = s->mask;
            base = s->index_at + s->word * EC_SCAN_BLOCK;
        }
        at = base + (size_t)__builtin_ctzll(mask);
        mask &= mask - 1;
        if (p[at] != separator || at - from > field_max) break;
        if (cells < cell_max) cell[cells] = (struct ec_csv_cell){(uint32_t)from, (uint32_t)(at - from), 0};
        cells++;
        from = at + 1;
    }
    s->mask = mask;
    r->cells = cells;
    *field = from;
    return at;
}

static enum ec_csv_found scan_record(struct ec_csv_scanner *s, struct ec_csv_record *r) {
    size_t field = r->start;
    begin_suspects(s, field);
    for (;;) {
        size_t at = scan_plain(s, r, &field);
        if (at == NONE) {
            if (!s->last) return unfinished(s, r, field);
            at = s->end;
        }
        if (at == s->end || s->p[at] != '"') {
            if (at - field > s->field_max) return damage(s, r, EC_REASON_TOO_LONG, field, at);
            add_cell(s, r, field, at - field, 0);
            return end_record(s, r, field, at);
        }
        if (at != field) return damage(s, r, EC_REASON_PARSE, field, at);
        enum ec_csv_found found = scan_quoted(s, r, at, &field);
        if (found != EC_CSV_RECORD || r->damaged || field == NONE) return found;
    }
}

enum ec_csv_found ec_csv_scan(struct ec_csv_scanner *s, struct ec_csv_record *r) {
    for (;;) {
        if (s->at == s->end) return s->last ? EC_CSV_END : EC_CSV_MORE;
        r->start = s->at;
        r->line = s->line;
        r->lines = 1;
        r->cells = 0;
        r->damaged = false;
        enum ec_csv_found found = scan_record(s, r);
        if (found != EC_CSV_RECORD) return found;
        s->at = r->next;
        s->line += r->lines;
        if (r->end > r->start) return found;
    }
}
