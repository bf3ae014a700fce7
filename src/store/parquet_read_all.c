/* A column chunk decoded whole. */
#include "store/parquet_column.h"
#include "store/parquet_read_internal.h"

/* Values without gaps to a value a row, zero where a bit is not set. May read one value too far. */
#define DEFINE_SPREAD(bits, T)                                                                                         \
    static void spread##bits(T *to, const uint8_t *from, const uint64_t *valid, size_t rows) {                         \
        for (size_t i = 0; i < rows; i += 64) {                                                                        \
            size_t n = rows - i < 64 ? rows - i : 64;                                                                  \
            uint64_t word = valid[i >> 6];                                                                             \
            if (word == UINT64_MAX && n == 64) {                                                                       \
                memcpy(to + i, from, 64 * sizeof *to);                                                                 \
                from += 64 * sizeof *to;                                                                               \
                continue;                                                                                              \
            }                                                                                                          \
            for (size_t k = 0; k < n; k++, word >>= 1) {                                                               \
                T v;                                                                                                   \
                memcpy(&v, from, sizeof v);                                                                            \
                to[i + k] = (T)(v & (T)(0 - (T)(word & 1)));                                                           \
                from += (word & 1) * sizeof v;                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }
DEFINE_SPREAD(8, uint8_t)
DEFINE_SPREAD(32, uint32_t)
DEFINE_SPREAD(64, uint64_t)

void pq_spread(void *to, const uint8_t *from, const struct pq_body *body, const uint64_t *bits, size_t width) {
    if (body->full)
        memcpy(to, from, body->rows * width);
    else if (width == 8)
        spread64(to, from, bits, body->rows);
    else if (width == 4)
        spread32(to, from, bits, body->rows);
    else
        spread8(to, from, bits, body->rows);
}

enum ec_status pq_body_codes(struct pq_reader *r, const struct pq_body *body, uint32_t *to, struct ec_err *err) {
    if (!to) {
        EC_TRY(pq_room(&r->codes, &r->codes_cap, ((size_t)body->values + 8) * sizeof *r->codes, err));
        to = r->codes;
    }
    if (!pq_codes_read(body->p, body->n, to, body->values, r->dict_count))
        return pq_reader_bad(r, err, "has damaged codes");
    return EC_OK;
}

static enum ec_status all_codes(struct pq_reader *r, const struct pq_body *body, uint32_t *to, struct ec_err *err) {
    if (body->full) return pq_body_codes(r, body, to, err);
    EC_TRY(pq_body_codes(r, body, NULL, err));
    pq_spread(to, (const uint8_t *)r->codes, body, r->bits, sizeof *to);
    return EC_OK;
}

/* Bits to bytes of 0 or 1: each byte of eight keeps its own bit, and carries it to the top. */
static void unpack_bits(uint8_t *to, const uint8_t *from, size_t n) {
    for (size_t i = 0; i < n; i += 8) {
        uint64_t eight = from[i / 8] * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
        eight = (eight + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
        memcpy(to + i, &eight, n - i < 8 ? n - i : 8);
    }
}

enum ec_status pq_body_bits(struct pq_reader *r, const struct pq_body *body, struct ec_err *err) {
    if (body->n != ((size_t)body->values + 7) / 8) return pq_reader_bad(r, err, "has a page of another length");
    EC_TRY(pq_room(&r->codes, &r->codes_cap, (size_t)body->values + 8, err));
    unpack_bits((uint8_t *)r->codes, body->p, body->values);
    return EC_OK;
}

enum ec_status pq_body_booleans(struct pq_reader *r, const struct pq_body *body, uint8_t *to, struct ec_err *err) {
    EC_TRY(pq_body_bits(r, body, err));
    pq_spread(to, (const uint8_t *)r->codes, body, r->bits, 1);
    return EC_OK;
}

static enum ec_status all_texts(struct pq_reader *r, const struct pq_body *body, struct ec_text *to,
                                struct ec_err *err) {
    const uint8_t *p = body->p, *end = p + body->n;
    for (size_t i = 0; i < body->rows; i++) {
        if (!body->full && !ec_bit(r->bits, i)) {
            to[i] = (struct ec_text){0};
            continue;
        }
        uint32_t n;
        if (!(p = pq_text_at(p, end, &n))) return pq_reader_bad(r, err, "has a text that ends behind its page");
        to[i] = pq_text_view(p, n);
        p += n;
    }
    return p == end ? EC_OK : pq_reader_bad(r, err, "has a page of another length");
}

static enum ec_status all_plain(struct pq_reader *r, const struct pq_body *body, char *to, struct ec_err *err) {
    if (r->type.type == EC_TYPE_STRING) return all_texts(r, body, (struct ec_text *)(void *)to, err);
    if (r->type.type == EC_TYPE_BOOLEAN) return pq_body_booleans(r, body, (uint8_t *)to, err);
    if (body->n != (size_t)body->values * r->width) return pq_reader_bad(r, err, "has a page of another length");
    pq_spread(to, body->p, body, r->bits, r->width);
    return EC_OK;
}

/* Sets the bits of a page's rows, all zero so far. */
static void all_valid(struct pq_reader *r, const struct pq_body *body, size_t first) {
    for (size_t i = 0; i < body->rows; i += 64) {
        size_t n = body->rows - i < 64 ? body->rows - i : 64, at = first + i, shift = at & 63;
        uint64_t word = !body->full ? r->bits[i >> 6] : n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
        r->valid[at >> 6] |= word << shift;
        if (shift + n > 64) r->valid[(at >> 6) + 1] |= word >> (64 - shift);
    }
}

/* Room for everything; *texts is what the plain pages of texts need, which all stay. */
static enum ec_status all_reserve(struct pq_reader *r, const struct ec_parquet_chunk *chunk, struct ec_err *err) {
    size_t words = ((size_t)r->rows + 63) / 64, texts = 0, plain = r->rows - chunk->coded_rows;
    size_t width = r->width ? r->width : sizeof(struct ec_text);
    for (size_t i = 0; i < r->page_count && !r->width; i++)
        if (!r->page[i].coded) texts += r->page[i].raw + PQ_SLACK;
    if (texts > PQ_READ_TEXTS_MAX) return pq_reader_bad(r, err, "has more text in a row group than ours would");
    EC_TRY(pq_room(&r->valid, &r->valid_cap, words * sizeof *r->valid, err));
    if (words > 0) memset(r->valid, 0, words * sizeof *r->valid);
    EC_TRY(pq_room(&r->code, &r->code_cap, ((size_t)chunk->coded_rows + 8) * sizeof *r->code, err));
    EC_TRY(pq_room(&r->plain, &r->plain_cap, plain * width, err));
    return pq_room(&r->texts, &r->texts_cap, texts, err);
}

enum ec_status ec_parquet_chunk_all(struct ec_parquet_chunk *chunk, struct ec_err *err) {
    struct pq_reader *r = chunk->reader;
    size_t width = r->width ? r->width : sizeof(struct ec_text);
    uint8_t *text = NULL;
    chunk->values = 0;
    EC_TRY(all_reserve(r, chunk, err));
    text = r->texts;
    r->current = SIZE_MAX; /* its buffers are taken */
    for (size_t i = 0; i < r->page_count; i++) {
        const struct pq_read_page *page = &r->page[i];
        struct pq_body body;
        uint8_t *raw = text;
        if (page->coded || r->width) {
            EC_TRY(pq_room(&r->raw, &r->raw_cap, page->raw + PQ_SLACK, err));
            raw = r->raw;
        } else {
            text += page->raw + PQ_SLACK;
        }
        EC_TRY(pq_page_load(r, page, raw, err));
        EC_TRY(pq_page_open(r, page, raw, &body, err));
        all_valid(r, &body, page->first);
        chunk->values += body.values;
        if (page->coded)
            EC_TRY(all_codes(r, &body, r->code + page->first, err));
        else
            EC_TRY(all_plain(r, &body, (char *)r->plain + (page->first - chunk->coded_rows) * width, err));
    }
    chunk->valid = chunk->values == chunk->rows ? NULL : r->valid;
    chunk->code = r->code;
    chunk->plain = r->plain;
    return EC_OK;
}
