/* Some rows of a column chunk, page by page.
 *
 * Rows are taken in blocks: first the place of each among the page's values and whether it has
 * one, then what lies there. A null takes whatever lies at its place, and is zeroed afterwards. */
#include "base/io.h"
#include "store/parquet_column.h"
#include "store/parquet_read_internal.h"

#define BLOCK ((size_t)1024)

/* The rows asked for: rows[], or from the first one on where it is NULL. */
struct wanted {
    const uint32_t *rows;
    uint32_t from;
    size_t n;
};

struct block {
    size_t n;
    size_t nulls;
    uint32_t place[BLOCK];      /* of the row's value in the page; rises, by 0 or more */
    uint64_t valid[BLOCK / 64]; /* bits behind the n are zero */
};

static inline uint32_t wanted_row(const struct wanted *w, size_t i) {
    return w->rows ? w->rows[i] : w->from + (uint32_t)i;
}

/* Values before each word of the page's levels. */
static enum ec_status page_rank(struct pq_reader *r, struct ec_err *err) {
    size_t words = ((size_t)r->body.rows + 63) / 64;
    EC_TRY(pq_room(&r->rank, &r->rank_cap, words * sizeof *r->rank, err));
    uint32_t sum = 0;
    for (size_t i = 0; i < words; i++) {
        r->rank[i] = sum;
        sum += (uint32_t)__builtin_popcountll(r->bits[i]);
    }
    return EC_OK;
}

static enum ec_status page_codes(struct pq_reader *r, struct ec_err *err) {
    size_t n = r->body.values;
    EC_TRY(pq_room(&r->codes, &r->codes_cap, (n + 8) * sizeof *r->codes, err));
    if (!pq_codes_read(r->body.p, r->body.n, r->codes, n, r->dict_count))
        return pq_reader_bad(r, err, "has damaged codes");
    r->codes[n] = 0; /* where nulls behind the last value look */
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
    if (!r->body.full) EC_TRY(page_rank(r, err));
    size_t values = r->body.values;
    if (page->coded)
        EC_TRY(page_codes(r, err));
    else if (r->width && r->body.n != (r->type.type == EC_TYPE_BOOLEAN ? (values + 7) / 8 : values * r->width))
        return pq_reader_bad(r, err, "has a page of another length");
    r->text = r->body.p;
    r->text_at = 0;
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

static void block_fill(const struct pq_reader *r, const struct wanted *w, size_t at, size_t n, struct block *b) {
    uint32_t first = r->page[r->current].first;
    b->n = n;
    b->nulls = 0;
    if (r->body.full) {
        for (size_t i = 0; i < n; i++) b->place[i] = wanted_row(w, at + i) - first;
        return;
    }
    for (size_t i = 0; i < n; i += 64) {
        size_t k = n - i < 64 ? n - i : 64;
        uint64_t valid = 0;
        for (size_t j = 0; j < k; j++) {
            uint32_t row = wanted_row(w, at + i + j) - first;
            uint64_t word = r->bits[row >> 6], below = (UINT64_C(1) << (row & 63)) - 1;
            b->place[i + j] = r->rank[row >> 6] + (uint32_t)__builtin_popcountll(word & below);
            valid |= (word >> (row & 63) & 1) << j;
        }
        b->valid[i >> 6] = valid;
        b->nulls += k - (size_t)__builtin_popcountll(valid);
    }
}

#define DEFINE_GIVE(bits, T)                                                                                           \
    static void give##bits(T *to, const uint8_t *from, const uint32_t *place, size_t n) {                              \
        for (size_t i = 0; i < n; i++) memcpy(&to[i], from + (size_t)place[i] * sizeof *to, sizeof *to);               \
    }                                                                                                                  \
    static void clear##bits(T *to, const uint64_t *valid, size_t n) {                                                  \
        for (size_t i = 0; i < n; i++) to[i] = ec_bit(valid, i) ? to[i] : 0;                                           \
    }
DEFINE_GIVE(8, uint8_t)
DEFINE_GIVE(32, uint32_t)
DEFINE_GIVE(64, uint64_t)

static void give(void *to, const uint8_t *from, size_t width, const struct block *b) {
    if (width == 8)
        give64(to, from, b->place, b->n);
    else if (width == 4)
        give32(to, from, b->place, b->n);
    else
        give8(to, from, b->place, b->n);
    if (b->nulls == 0) return;
    if (width == 8)
        clear64(to, b->valid, b->n);
    else if (width == 4)
        clear32(to, b->valid, b->n);
    else
        clear8(to, b->valid, b->n);
}

static void give_booleans(uint8_t *to, const uint8_t *bits, const struct block *b) {
    for (size_t i = 0; i < b->n; i++) to[i] = bits[b->place[i] >> 3] >> (b->place[i] & 7) & 1;
    if (b->nulls) clear8(to, b->valid, b->n);
}

static inline bool has_value(const struct block *b, size_t i) {
    return b->nulls == 0 || ec_bit(b->valid, i);
}

/* Views of PLAIN texts: walks from one to the next, on from where the last block stopped. *sum is
 * what the bytes of the longer ones take. */
static enum ec_status view_texts(struct pq_reader *r, struct ec_text *to, const struct block *b, size_t *sum,
                                 struct ec_err *err) {
    const uint8_t *p = r->text, *end = r->body.p + r->body.n;
    uint32_t at = r->text_at, n;
    if (b->place[0] < at) {
        p = r->body.p;
        at = 0;
    }
    for (size_t i = 0; i < b->n; i++) {
        to[i] = (struct ec_text){0};
        if (!has_value(b, i)) continue;
        for (; at < b->place[i]; at++) {
            if (!(p = pq_text_at(p, end, &n))) goto bad;
            p += n;
        }
        const uint8_t *text = pq_text_at(p, end, &n);
        if (!text) goto bad;
        to[i] = pq_text_view(text, n);
        *sum += n > EC_TEXT_INLINE ? n : 0;
    }
    r->text = p;
    r->text_at = at;
    return EC_OK;
bad:
    return pq_reader_bad(r, err, "has a text that ends behind its page");
}

/* Copies the bytes of the longer ones, so that the page can go. */
static enum ec_status keep_texts(const struct pq_reader *r, struct ec_text *text, size_t n, size_t sum,
                                 struct ec_arena *arena, struct ec_err *err) {
    if (sum == 0) return EC_OK;
    char *to = ec_arena_alloc(arena, sum);
    if (!to) return ec_fail(err, EC_NO_MEMORY, "memory ran out for %zu bytes of texts of column %s", sum, r->name);
    for (size_t i = 0; i < n; i++) {
        if (text[i].n <= EC_TEXT_INLINE) continue;
        memcpy(to, text[i].p, text[i].n);
        text[i].p = to;
        to += text[i].n;
    }
    return EC_OK;
}

static void give_dictionary(const struct pq_reader *r, void *to, const struct block *b) {
    const struct ec_text none = {0};
    for (size_t i = 0; i < b->n; i++) {
        uint32_t code = r->codes[b->place[i]];
        bool valid = has_value(b, i);
        if (r->width == 0)
            ((struct ec_text *)to)[i] = valid ? r->dict_text[code] : none;
        else if (r->width == 8)
            ((uint64_t *)to)[i] = valid ? ((const uint64_t *)(const void *)r->dict)[code] : 0;
        else
            ((uint32_t *)to)[i] = valid ? ((const uint32_t *)(const void *)r->dict)[code] : 0;
    }
}

/* Writes the block's bits behind those of the caller's bitmap. */
static void give_valid(uint64_t *valid, size_t first, const struct block *b) {
    for (size_t i = 0; i < b->n; i += 64) {
        size_t n = b->n - i < 64 ? b->n - i : 64, at = first + i, shift = at & 63;
        uint64_t all = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
        uint64_t word = b->nulls ? b->valid[i >> 6] : all;
        valid[at >> 6] = (valid[at >> 6] & ~(all << shift)) | word << shift;
        if (shift + n > 64) {
            uint64_t *next = &valid[(at >> 6) + 1];
            *next = (*next & ~(all >> (64 - shift))) | word >> (64 - shift);
        }
    }
}

static enum ec_status give_block(struct pq_reader *r, size_t at, const struct block *b, struct ec_parquet_rows *out,
                                 struct ec_err *err) {
    size_t width = r->width ? r->width : sizeof(struct ec_text), to = out->first + at;
    void *values = (char *)out->values + to * width;
    give_valid(out->valid, to, b);
    out->nulls += b->nulls;
    if (r->page[r->current].coded) {
        if (out->code) {
            give(out->code + to, (const uint8_t *)r->codes, sizeof *r->codes, b);
            out->coded += b->n;
        } else {
            give_dictionary(r, values, b);
        }
    } else if (r->width == 0) {
        size_t sum = 0;
        EC_TRY(view_texts(r, values, b, &sum, err));
        EC_TRY(keep_texts(r, values, b->n, sum, out->arena, err));
    } else if (r->type.type == EC_TYPE_BOOLEAN) {
        give_booleans(values, r->body.p, b);
    } else {
        give(values, r->body.p, width, b);
    }
    return EC_OK;
}

/* How many of the wanted rows from place `at` on lie before row `end`; BLOCK at most. *rising is
 * false where they do not ascend. */
static size_t rows_before(const struct wanted *w, size_t at, uint32_t end, bool *rising) {
    size_t n = w->n - at < BLOCK ? w->n - at : BLOCK, k = 0;
    if (!w->rows) return end - (w->from + at) < n ? end - (w->from + at) : n;
    uint32_t last = w->rows[at], falls = 0;
    for (; k < n && w->rows[at + k] < end; k++) {
        falls |= w->rows[at + k] < last;
        last = w->rows[at + k];
    }
    *rising = !falls;
    return k;
}

static enum ec_status read_rows(struct pq_reader *r, const struct wanted *w, struct ec_parquet_rows *out,
                                struct ec_err *err) {
    struct block b;
    uint32_t last = 0;
    out->coded = out->nulls = 0;
    for (size_t at = 0; at < w->n; at += b.n) {
        uint32_t row = wanted_row(w, at);
        bool rising = row >= last;
        if (row >= r->rows || !rising) goto bad;
        EC_TRY(page_enter(r, page_of(r, row), err));
        const struct pq_read_page *page = &r->page[r->current];
        size_t n = rows_before(w, at, page->first + page->rows, &rising);
        if (!rising) goto bad;
        block_fill(r, w, at, n, &b);
        EC_TRY(give_block(r, at, &b, out, err));
        last = wanted_row(w, at + n - 1);
    }
    return EC_OK;
bad:
    return ec_fail(err, EC_TABLE_FORMAT, "rows of column %s that are asked for do not ascend, or are behind the last",
                   r->name);
}

enum ec_status ec_parquet_chunk_rows(struct ec_parquet_chunk *chunk, const uint32_t *rows, size_t n,
                                     struct ec_parquet_rows *out, struct ec_err *err) {
    struct wanted w = {.rows = rows, .n = n};
    return read_rows(chunk->reader, &w, out, err);
}

enum ec_status ec_parquet_chunk_range(struct ec_parquet_chunk *chunk, uint32_t from, size_t n,
                                      struct ec_parquet_rows *out, struct ec_err *err) {
    struct pq_reader *r = chunk->reader;
    struct wanted w = {.from = from, .n = n};
    if (from > r->rows || n > r->rows - from)
        return ec_fail(err, EC_TABLE_FORMAT, "rows of column %s that are asked for are behind the last", r->name);
    return read_rows(r, &w, out, err);
}
