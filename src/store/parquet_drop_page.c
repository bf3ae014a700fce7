/* A data page without some of its rows: the stretches between them are kept, levels first, then values. */
#include "base/io.h"
#include "store/parquet_drop_internal.h"

/* A page's values on their way: those that stay are moved to the front of codes or bytes, or, of
 * numbers and texts, into the new page. */
struct values {
    struct pq_drop *d;
    bool coded;
    const uint8_t *p; /* PLAIN: the next value */
    const uint8_t *end;
    size_t at;     /* values passed */
    size_t kept;   /* values that stay */
    bool any;      /* a text was passed */
    size_t length; /* then of every text so far; SIZE_MAX: they differ */
};

struct pq_bounds pq_bounds_of(enum ec_type type, const void *values, size_t i) {
    struct pq_bounds b = {.known = true};
    switch (type) {
    case EC_TYPE_STRING: return (struct pq_bounds){0};
    case EC_TYPE_BOOLEAN: b.min.i = b.max.i = ((const uint8_t *)values)[i]; break;
    case EC_TYPE_DATE: b.min.i = b.max.i = ((const int32_t *)values)[i]; break;
    case EC_TYPE_FLOAT: {
        double v = ((const double *)values)[i];
        if (v != v) return (struct pq_bounds){.nan = true};
        b.min.d = v == 0 ? -0.0 : v; /* a zero stands for both of its signs */
        b.max.d = v == 0 ? 0.0 : v;
        break;
    }
    case EC_TYPE_INTEGER:
    case EC_TYPE_DATETIME:
    case EC_TYPE_DECIMAL: b.min.i = b.max.i = ((const int64_t *)values)[i]; break;
    }
    return b;
}

/* Whether bounds may not hold without the value: it is one of them. */
static bool is_bound(const struct pq_bounds *all, const struct pq_bounds *one, enum ec_type type) {
    if (one->nan || !one->known) return one->nan;
    if (!all->known) return false;
    return type == EC_TYPE_FLOAT ? one->min.d <= all->min.d || one->max.d >= all->max.d
                                 : one->min.i <= all->min.i || one->max.i >= all->max.i;
}

/* Copies n bits from bit `from` on (all ones where `bits` is NULL) to bit `to` on, where all are zero. */
static void bits_move(uint64_t *valid, size_t to, const uint64_t *bits, size_t from, size_t n) {
    for (size_t i = 0; i < n; i += 64, to += 64) {
        size_t k = n - i < 64 ? n - i : 64, shift = to & 63;
        uint64_t word = bits ? pq_bits_load(bits, from + i, k) : k < 64 ? (UINT64_C(1) << k) - 1 : UINT64_MAX;
        valid[to >> 6] |= word << shift;
        if (shift + k > 64) valid[(to >> 6) + 1] |= word >> (64 - shift);
    }
}

/* Passes over n PLAIN texts. */
static enum ec_status texts_pass(struct values *v, size_t n, struct ec_err *err) {
    for (; n > 0; n--) {
        uint32_t length;
        if (!(v->p = pq_text_at(v->p, v->end, &length)))
            return pq_reader_bad(v->d->reader, err, "has a text that ends behind its page");
        v->p += length;
        if (v->any && v->length != length)
            v->length = SIZE_MAX;
        else if (!v->any)
            v->length = length;
        v->any = true;
    }
    return EC_OK;
}

/* Keeps the next n values. */
static enum ec_status values_keep(struct values *v, size_t n, struct ec_err *err) {
    struct pq_reader *r = v->d->reader;
    const uint8_t *from = v->p;
    if (v->coded) {
        memmove(r->codes + v->kept, r->codes + v->at, n * sizeof *r->codes);
    } else if (r->type.type == EC_TYPE_BOOLEAN) {
        uint8_t *bytes = (uint8_t *)r->codes;
        memmove(bytes + v->kept, bytes + v->at, n);
    } else {
        if (r->width)
            v->p += n * r->width;
        else
            EC_TRY(texts_pass(v, n, err));
        ec_buf_add(&v->d->scratch.body, from, (size_t)(v->p - from));
    }
    v->at += n;
    v->kept += n;
    return EC_OK;
}

/* Passes over the next value, looking whether it is a bound. */
static enum ec_status value_drop(struct values *v, struct ec_err *err) {
    struct pq_reader *r = v->d->reader;
    enum ec_type type = r->type.type;
    struct pq_bounds one = {0};
    if (type == EC_TYPE_STRING) {
        if (!v->coded) EC_TRY(texts_pass(v, 1, err));
    } else if (v->coded) {
        one = pq_bounds_of(type, r->dict, r->codes[v->at]);
    } else if (type == EC_TYPE_BOOLEAN) {
        one = pq_bounds_of(type, r->codes, v->at);
    } else {
        uint64_t value;
        memcpy(&value, v->p, r->width);
        one = pq_bounds_of(type, &value, 0);
        v->p += r->width;
    }
    if (is_bound(&v->d->chunk->bounds, &one, type)) v->d->bound_gone = true;
    v->at++;
    return EC_OK;
}

/* Unpacks codes and booleans, and looks that numbers are as long as they should be. */
static enum ec_status values_open(struct values *v, const struct pq_body *body, struct ec_err *err) {
    struct pq_reader *r = v->d->reader;
    v->p = body->p;
    v->end = body->p + body->n;
    if (v->coded) {
        if (r->dict_count > PQ_DICT_ENTRIES_MAX) return pq_reader_bad(r, err, "has a dictionary that is not ours");
        return pq_body_codes(r, body, NULL, err);
    }
    if (r->type.type == EC_TYPE_BOOLEAN) return pq_body_bits(r, body, err);
    if (r->width && body->n != (size_t)body->values * r->width)
        return pq_reader_bad(r, err, "has a page of another length");
    return EC_OK;
}

/* The codes as the encoder holds them, in their own memory: values_open() looked that they fit. */
static const uint16_t *narrow(uint32_t *codes, size_t n) {
    char *to = (char *)codes;
    for (size_t i = 0; i < n; i++) {
        uint16_t code = (uint16_t)codes[i];
        memcpy(to + i * sizeof code, &code, sizeof code);
    }
    return (const uint16_t *)(const void *)to;
}

/* The values of the rows that stay, behind the levels in the new page. `bits` NULL: no row is null. */
static enum ec_status values_cut(struct values *v, const struct pq_body *body, const uint64_t *bits, uint32_t first,
                                 const uint32_t *rows, size_t n, struct ec_err *err) {
    size_t row = 0;
    for (size_t i = 0; i <= n; i++) {
        size_t end = i < n ? rows[i] - first : body->rows;
        EC_TRY(values_keep(v, bits ? pq_bits_count(bits, row, end - row) : end - row, err));
        if (i < n && (!bits || ec_bit(bits, end)))
            EC_TRY(value_drop(v, err));
        else if (i < n)
            v->d->nulls++;
        row = end + 1;
    }
    struct pq_reader *r = v->d->reader;
    if (v->coded)
        pq_page_codes(&v->d->scratch.body, narrow(r->codes, v->kept), v->kept, r->dict_count);
    else if (r->type.type == EC_TYPE_BOOLEAN)
        pq_page_booleans(&v->d->scratch.body, (const uint8_t *)r->codes, v->kept);
    else if (r->width == 0 && v->p != v->end)
        return pq_reader_bad(r, err, "has a page of another length");
    return EC_OK;
}

/* What lies in the body, compressed as the encoder would. */
static enum ec_status page_write(struct pq_drop *d, const struct values *v, size_t rows, size_t levels_n,
                                 struct ec_err *err) {
    const struct pq_reader *r = d->reader;
    struct pq_page page = {.encoding = v->coded ? PQ_RLE_DICTIONARY : PQ_PLAIN,
                           .count = rows,
                           .levels_n = levels_n,
                           .values_n = d->scratch.body.n - levels_n,
                           .length = v->length,
                           .codec = d->text_codec};
    if (!v->coded && r->type.type == EC_TYPE_STRING) page.content = PQ_CONTENT_TEXTS;
    if (!v->coded && r->width == 8) page.content = PQ_CONTENT_NUMBERS;
    if (!ec_buf_reserve(&d->scratch.body, PQ_SLACK)) return pq_no_memory(d->pq, err); /* it is read from, unaligned */
    return pq_page_write_data(d->pq, &d->scratch, &page, d->chunk, err);
}

enum ec_status pq_page_drop(struct pq_drop *d, const struct pq_read_page *page, const uint32_t *rows, size_t n,
                            struct ec_err *err) {
    struct pq_reader *r = d->reader;
    struct pq_body body;
    struct values v = {.d = d, .coded = page->coded};
    EC_TRY(pq_room(&r->raw, &r->raw_cap, page->raw + PQ_SLACK, err));
    EC_TRY(pq_page_load(r, page, r->raw, err));
    EC_TRY(pq_page_open(r, page, r->raw, &body, err));
    EC_TRY(values_open(&v, &body, err));

    const uint64_t *bits = body.full ? NULL : r->bits;
    size_t words = ((size_t)page->rows + 63) / 64, row = 0, kept = 0;
    EC_TRY(pq_room(&d->valid, &d->valid_cap, words * sizeof *d->valid, err));
    memset(d->valid, 0, words * sizeof *d->valid);
    for (size_t i = 0; i <= n; i++) {
        size_t end = i < n ? rows[i] - page->first : page->rows;
        bits_move(d->valid, kept, bits, row, end - row);
        kept += end - row;
        row = end + 1;
    }
    ec_buf_clear(&d->scratch.body);
    pq_page_levels(&d->scratch.body, d->valid, 0, kept);
    size_t levels_n = d->scratch.body.n;
    EC_TRY(values_cut(&v, &body, bits, page->first, rows, n, err));
    return kept > 0 ? page_write(d, &v, kept, levels_n, err) : EC_OK;
}
