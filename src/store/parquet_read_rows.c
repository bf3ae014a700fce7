/* Some rows of a column chunk, page by page.
 *
 * The page under way is spread to a value a row first, at about a nanosecond each, so that rows are
 * taken by their numbers alone; only texts, which lie one behind the other, are walked to. */
#include "base/io.h"
#include "store/parquet_column.h"
#include "store/parquet_read_internal.h"

#define STRIDE ((size_t)16)

/* Wanted rows that lie in the page under way: row[], or those from `first` on where it is NULL, of
 * the page that starts with row `base`. They go to the places from `to` on. */
struct some {
    const uint32_t *row;
    uint32_t base;
    uint32_t first;
    size_t n;
    size_t to;
};

static inline uint32_t some_row(const struct some *s, size_t i) {
    return s->row ? s->row[i] - s->base : s->first + (uint32_t)i;
}

static size_t width_of(const struct pq_reader *r) {
    return r->width ? r->width : sizeof(struct ec_text);
}

/* Codes, numbers and booleans a row each, at r->row; codes and numbers of a full page stay where they are. */
static enum ec_status page_spread(struct pq_reader *r, bool coded, struct ec_err *err) {
    const struct pq_body *body = &r->body;
    size_t width = coded ? sizeof *r->codes : r->width;
    if (coded) {
        EC_TRY(pq_body_codes(r, body, NULL, err));
        r->row = (const uint8_t *)r->codes;
    } else {
        r->row = body->p;
        if (r->type.type != EC_TYPE_BOOLEAN && body->n != body->values * width)
            return pq_reader_bad(r, err, "has a page of another length");
    }
    bool boolean = !coded && r->type.type == EC_TYPE_BOOLEAN;
    if (width == 0 || (body->full && !boolean)) return EC_OK;
    EC_TRY(pq_room(&r->spread, &r->spread_cap, body->rows * width, err));
    if (boolean)
        EC_TRY(pq_body_booleans(r, body, r->spread, err));
    else
        pq_spread(r->spread, r->row, body, r->bits, width);
    r->row = r->spread;
    return EC_OK;
}

/* Makes a page the one under way. */
static enum ec_status page_enter(struct pq_reader *r, size_t i, struct ec_err *err) {
    if (r->current == i) return EC_OK;
    const struct pq_read_page *page = &r->page[i];
    r->current = SIZE_MAX;
    EC_TRY(pq_room(&r->raw, &r->raw_cap, page->raw + PQ_SLACK, err));
    EC_TRY(pq_page_load(r, page, r->raw, err));
    EC_TRY(pq_page_open(r, page, r->raw, &r->body, err));
    r->text = r->body.p;
    r->text_row = 0;
    if (page->coded || r->width) EC_TRY(page_spread(r, page->coded, err));
    r->current = i;
    return EC_OK;
}

/* The page that holds a row. */
static size_t page_of(const struct pq_reader *r, uint32_t row) {
    size_t low = 0, high = r->page_count;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (r->page[mid].first <= row)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* How many of the ascending rows are below `end`: the first one is. */
static size_t rows_below(const uint32_t *rows, size_t n, uint32_t end) {
    if (rows[n - 1] < end) return n;
    size_t low = 0, high = n;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (rows[mid] < end)
            low = mid;
        else
            high = mid;
    }
    return high;
}

/* Whether each row is in the page, whatever the caller gave: a sign bit in the sum of all says no. */
static bool all_within(const struct some *s, uint32_t page_rows) {
    uint32_t past[4] = {0};
    size_t i = 0;
    if (!s->row) return true;
    for (; i + 4 <= s->n; i += 4) {
        for (size_t k = 0; k < 4; k++) {
            uint32_t row = s->row[i + k] - s->base;
            past[k] |= (page_rows - 1 - row) | row;
        }
    }
    for (; i < s->n; i++) past[0] |= (page_rows - 1 - (s->row[i] - s->base)) | (s->row[i] - s->base);
    return (past[0] | past[1] | past[2] | past[3]) >> 31 == 0;
}

#define DEFINE_GIVE(bits, T)                                                                                           \
    static void give##bits(T *to, const uint8_t *from, const struct some *s) {                                         \
        const uint8_t *base = from - (size_t)s->base * sizeof(T);                                                      \
        for (size_t i = 0; i < s->n; i++) memcpy(&to[i], base + s->row[i] * sizeof(T), sizeof(T));                     \
    }
DEFINE_GIVE(8, uint8_t)
DEFINE_GIVE(32, uint32_t)
DEFINE_GIVE(64, uint64_t)

static void give(void *to, const uint8_t *from, size_t width, const struct some *s) {
    if (!s->row)
        memcpy(to, from + s->first * width, s->n * width);
    else if (width == 8)
        give64(to, from, s);
    else if (width == 4)
        give32(to, from, s);
    else
        give8(to, from, s);
}

static void give_dictionary(const struct pq_reader *r, void *to, const struct some *s) {
    const struct ec_text none = {0};
    for (size_t i = 0; i < s->n; i++) {
        uint32_t row = some_row(s, i), code;
        bool valid = r->body.full || ec_bit(r->bits, row);
        memcpy(&code, r->row + row * sizeof code, sizeof code);
        if (r->width == 0)
            ((struct ec_text *)to)[i] = valid ? r->dict_text[code] : none;
        else if (r->width == 8)
            ((uint64_t *)to)[i] = valid ? ((const uint64_t *)(const void *)r->dict)[code] : 0;
        else
            ((uint32_t *)to)[i] = valid ? ((const uint32_t *)(const void *)r->dict)[code] : 0;
    }
}

/* Sets the caller's bits, and counts the nulls. */
static size_t give_valid(const struct pq_reader *r, uint64_t *valid, const struct some *s) {
    size_t nulls = 0;
    for (size_t i = 0; i < s->n; i += 64) {
        size_t n = s->n - i < 64 ? s->n - i : 64, at = s->to + i, shift = at & 63;
        uint64_t all = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX, word = all;
        if (!r->body.full && !s->row) {
            word = pq_bits_load(r->bits, s->first + i, n);
        } else if (!r->body.full) {
            word = 0;
            for (size_t k = 0; k < n; k++) word |= (uint64_t)ec_bit(r->bits, s->row[i + k] - s->base) << k;
        }
        if (word != all) nulls += (size_t)__builtin_popcountll(word ^ all);
        valid[at >> 6] = (valid[at >> 6] & ~(all << shift)) | word << shift;
        if (shift + n <= 64) continue;
        uint64_t *next = &valid[(at >> 6) + 1];
        *next = (*next & ~(all >> (64 - shift))) | word >> (64 - shift);
    }
    return nulls;
}

/* Views of PLAIN texts: walks from one row's to the next, on from where the last call stopped.
 * *sum is what the bytes of the longer ones take. */
static enum ec_status view_texts(struct pq_reader *r, struct ec_text *to, const struct some *s, size_t *sum,
                                 struct ec_err *err) {
    const uint8_t *p = r->text, *end = r->body.p + r->body.n;
    const uint64_t *bits = r->body.full ? NULL : r->bits;
    uint32_t at = r->text_row, n;
    for (size_t i = 0; i < s->n; i++) {
        uint32_t row = some_row(s, i);
        if (row < at) {
            p = r->body.p;
            at = 0;
        }
        for (; at < row; at++) {
            if (bits && !ec_bit(bits, at)) continue;
            if (!(p = pq_text_at(p, end, &n))) goto bad;
            p += n;
        }
        to[i] = (struct ec_text){0};
        if (bits && !ec_bit(bits, row)) continue;
        const uint8_t *text = pq_text_at(p, end, &n);
        if (!text) goto bad;
        to[i] = pq_text_view(text, n);
        *sum += n > EC_TEXT_INLINE ? n : 0;
    }
    r->text = p;
    r->text_row = at;
    return EC_OK;
bad:
    return pq_reader_bad(r, err, "has a text that ends behind its page");
}

/* Copies the bytes of the longer ones, so that the page can go. */
static enum ec_status keep_texts(const struct pq_reader *r, struct ec_text *text, size_t n, size_t sum,
                                 struct ec_arena *arena, struct ec_err *err) {
    if (sum == 0) return EC_OK;
    char *to = ec_arena_alloc(arena, sum + STRIDE);
    if (!to) return ec_fail(err, EC_NO_MEMORY, "memory ran out for %zu bytes of texts of column %s", sum, r->name);
    for (size_t i = 0; i < n; i++) {
        if (text[i].n <= EC_TEXT_INLINE) continue;
        /* Strides that overrun are overwritten by the next text; behind the page's last is slack. */
        const char *from = text[i].p;
        for (size_t k = 0; k < text[i].n; k += STRIDE) memcpy(to + k, from + k, STRIDE);
        text[i].p = to;
        to += text[i].n;
    }
    return EC_OK;
}

static enum ec_status give_some(struct pq_reader *r, const struct some *s, struct ec_parquet_rows *out,
                                struct ec_err *err) {
    void *values = out->values ? (char *)out->values + s->to * width_of(r) : NULL; /* codes alone need none */
    out->nulls += give_valid(r, out->valid, s);
    if (r->page[r->current].coded) {
        if (out->code) {
            give(out->code + s->to, r->row, sizeof *r->codes, s);
            out->coded += s->n;
        } else {
            give_dictionary(r, values, s);
        }
        return EC_OK;
    }
    if (r->width) {
        give(values, r->row, r->width, s);
        return EC_OK;
    }
    size_t sum = 0;
    EC_TRY(view_texts(r, values, s, &sum, err));
    return keep_texts(r, values, s->n, sum, out->arena, err);
}

static enum ec_status no_such_rows(const struct pq_reader *r, struct ec_err *err) {
    return ec_fail(err, EC_TABLE_FORMAT, "rows of column %s that are asked for do not ascend, or are behind the last",
                   r->name);
}

/* Rows rows[0..n-1], or from..from+n-1 where it is NULL. */
static enum ec_status read_rows(struct pq_reader *r, const uint32_t *rows, uint32_t from, size_t n,
                                struct ec_parquet_rows *out, struct ec_err *err) {
    struct some s;
    out->coded = out->nulls = 0;
    for (size_t at = 0; at < n; at += s.n) {
        uint32_t row = rows ? rows[at] : from + (uint32_t)at;
        if (row >= r->rows) return no_such_rows(r, err);
        EC_TRY(page_enter(r, page_of(r, row), err));
        const struct pq_read_page *page = &r->page[r->current];
        uint32_t end = page->first + page->rows;
        s = (struct some){.row = rows ? rows + at : NULL, .base = page->first, .first = row - page->first};
        s.n = rows ? rows_below(rows + at, n - at, end) : end - row < n - at ? end - row : n - at;
        s.to = out->first + at;
        if (!all_within(&s, page->rows)) return no_such_rows(r, err);
        EC_TRY(give_some(r, &s, out, err));
    }
    return EC_OK;
}

enum ec_status ec_parquet_chunk_rows(struct ec_parquet_chunk *chunk, const uint32_t *rows, size_t n,
                                     struct ec_parquet_rows *out, struct ec_err *err) {
    return read_rows(chunk->reader, rows, 0, n, out, err);
}

enum ec_status ec_parquet_chunk_range(struct ec_parquet_chunk *chunk, uint32_t from, size_t n,
                                      struct ec_parquet_rows *out, struct ec_err *err) {
    struct pq_reader *r = chunk->reader;
    if (from > r->rows || n > r->rows - from) return no_such_rows(r, err);
    return read_rows(r, NULL, from, n, out, err);
}
