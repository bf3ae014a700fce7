/* A column chunk: which encoding, where pages end, between which bounds the values lie. */
#include "base/io.h"
#include "store/parquet_page.h"

/* A smaller dictionary of texts is left to the library: it costs little beside the codes. */
#define DICT_TEXTS_MIN ((size_t)(64 * EC_KIB))

/* What a chunk's pages are made of. */
struct chunk_writer {
    struct ec_parquet *pq;
    struct pq_scratch *scratch;
    struct pq_chunk *chunk;
    const uint64_t *valid; /* NULL: every row is null */
};

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static void bounds_integers(struct pq_bounds *b, const int64_t *value, size_t n) {
    if (n == 0) return;
    int64_t low = value[0], high = value[0];
    for (size_t i = 1; i < n; i++) {
        low = value[i] < low ? value[i] : low;
        high = value[i] > high ? value[i] : high;
    }
    b->known = true;
    b->min.i = low;
    b->max.i = high;
}

/* parquet.thrift, ColumnOrder: no bounds where there is a NaN (readers differ in where it sorts),
 * and a zero stands for both of its signs. */
static void bounds_doubles(struct pq_bounds *b, const double *value, size_t n) {
    if (n == 0) return;
    double low = value[0], high = value[0];
    bool nan = false;
    for (size_t i = 0; i < n; i++) {
        nan |= value[i] != value[i];
        low = value[i] < low ? value[i] : low;
        high = value[i] > high ? value[i] : high;
    }
    b->nan = nan;
    if (nan) return;
    b->known = true;
    b->min.d = low == 0 ? -0.0 : low;
    b->max.d = high == 0 ? 0.0 : high;
}

static void bounds_booleans(struct pq_bounds *b, const uint8_t *value, size_t n) {
    if (n == 0) return;
    bool any = memchr(value, 1, n) != NULL, all = memchr(value, 0, n) == NULL;
    b->known = true;
    b->min.i = all;
    b->max.i = any;
}

void pq_bounds_merge(struct pq_bounds *into, const struct pq_bounds *from, enum ec_type type) {
    if (into->nan || from->nan) {
        *into = (struct pq_bounds){.nan = true};
    } else if (!into->known) {
        *into = *from;
    } else if (from->known && type == EC_TYPE_FLOAT) {
        if (from->min.d < into->min.d) into->min.d = from->min.d;
        if (from->max.d > into->max.d) into->max.d = from->max.d;
    } else if (from->known) {
        if (from->min.i < into->min.i) into->min.i = from->min.i;
        if (from->max.i > into->max.i) into->max.i = from->max.i;
    }
}

/* Starts a page of `rows` rows with its levels; *values says how many values must follow. */
static struct pq_page page_begin(struct chunk_writer *w, size_t first, size_t rows, size_t *values) {
    struct ec_buf *body = &w->scratch->body;
    ec_buf_clear(body);
    pq_page_levels(body, w->valid, first, rows);
    *values = w->valid ? pq_bits_count(w->valid, first, rows) : 0;
    return (struct pq_page){.count = rows, .levels_n = body->n};
}

/* Numbers in PLAIN. */
static enum ec_status write_fixed(struct chunk_writer *w, size_t rows, const char *values, size_t width,
                                  struct ec_err *err) {
    for (size_t first = 0, n; first < rows; first += n) {
        size_t page_rows = least(PQ_PAGE_BYTES / width, PQ_PAGE_ROWS), count;
        n = least(rows - first, page_rows);
        struct pq_page page = page_begin(w, first, n, &count);
        page.content = width == 8 ? PQ_CONTENT_NUMBERS : PQ_CONTENT_OTHER;
        page.values = values;
        page.values_n = count * width;
        EC_TRY(pq_page_write_data(w->pq, w->scratch, &page, w->chunk, err));
        values += page.values_n;
    }
    return EC_OK;
}

static enum ec_status write_booleans(struct chunk_writer *w, size_t rows, struct pq_column *c, struct ec_err *err) {
    const uint8_t *value = (const uint8_t *)c->data.p;
    for (size_t first = 0, n; first < rows; first += n) {
        n = least(rows - first, PQ_PAGE_ROWS);
        size_t count;
        struct pq_page page = page_begin(w, first, n, &count);
        pq_page_booleans(&w->scratch->body, value, count);
        page.values_n = w->scratch->body.n - page.levels_n;
        page.stored = &c->stored;
        EC_TRY(pq_page_write_data(w->pq, w->scratch, &page, w->chunk, err));
        value += count;
    }
    return EC_OK;
}

static enum ec_status write_codes(struct chunk_writer *w, size_t rows, const uint16_t *code, uint32_t dict_count,
                                  bool *stored, struct ec_err *err) {
    for (size_t first = 0, n; first < rows; first += n) {
        n = least(rows - first, PQ_PAGE_ROWS);
        size_t count;
        struct pq_page page = page_begin(w, first, n, &count);
        pq_page_codes(&w->scratch->body, code, count, dict_count);
        page.encoding = PQ_RLE_DICTIONARY;
        page.stored = stored;
        page.values_n = w->scratch->body.n - page.levels_n;
        EC_TRY(pq_page_write_data(w->pq, w->scratch, &page, w->chunk, err));
        code += count;
    }
    return EC_OK;
}

/* The bytes of n PLAIN texts of the column. */
static size_t texts_length(const struct pq_column *c, const char *p, size_t n) {
    if (c->lengths.shortest == c->lengths.longest) return n * (4 + (size_t)c->lengths.longest);
    const char *at = p;
    for (; n > 0; n--) {
        uint32_t length;
        memcpy(&length, at, 4);
        at += 4 + (size_t)length;
    }
    return (size_t)(at - p);
}

/* Texts from row `first` on. A page ends before the 64 rows that would take it past its bytes. */
static enum ec_status write_texts(struct chunk_writer *w, struct pq_column *c, size_t first, size_t rows,
                                  struct ec_err *err) {
    const char *text = c->data.p;
    while (first < rows) {
        size_t end = first, bytes = 0;
        while (end < rows && end - first < PQ_PAGE_ROWS) {
            size_t block = least(rows - end, 64);
            size_t n = texts_length(c, text + bytes, pq_bits_count(w->valid, end, block));
            if (end > first && bytes + n > PQ_PAGE_BYTES) break;
            bytes += n;
            end += block;
        }
        size_t count;
        struct pq_page page = page_begin(w, first, end - first, &count);
        page.content = PQ_CONTENT_TEXTS;
        page.values = text;
        page.values_n = bytes;
        page.length = c->lengths.shortest == c->lengths.longest ? c->lengths.longest : SIZE_MAX;
        page.codec = &c->text_codec;
        EC_TRY(pq_page_write_data(w->pq, w->scratch, &page, w->chunk, err));
        text += bytes;
        first = end;
    }
    return EC_OK;
}

static enum ec_status write_text_dict(struct chunk_writer *w, struct pq_column *c, struct ec_err *err) {
    struct pq_page page = {.content = c->dict.bytes.n < DICT_TEXTS_MIN ? PQ_CONTENT_OTHER : PQ_CONTENT_TEXTS,
                           .count = c->dict.count,
                           .values = c->dict.bytes.p,
                           .values_n = c->dict.bytes.n,
                           .length = SIZE_MAX,
                           .codec = &c->dict_codec};
    return pq_page_write_dict(w->pq, w->scratch, &page, w->chunk, err);
}

/* A dictionary for the rows before it gave up, PLAIN pages for those behind. */
static enum ec_status write_text_column(struct chunk_writer *w, struct pq_column *c, size_t rows, struct ec_err *err) {
    size_t coded_rows = c->data.n == 0 ? rows : c->coded_rows;
    if (c->coded_values > 0) {
        EC_TRY(write_text_dict(w, c, err));
        EC_TRY(write_codes(w, coded_rows, (const uint16_t *)(const void *)c->codes.p, c->dict.count, &c->stored, err));
    } else {
        coded_rows = 0;
    }
    return write_texts(w, c, coded_rows, rows, err);
}

/* Dates as 64 bits, so that one dictionary serves all numbers. */
static enum ec_status widen(struct chunk_writer *w, const struct pq_column *c, struct ec_err *err) {
    struct pq_scratch *s = w->scratch;
    if (s->wide_cap < c->values) {
        uint64_t *more = ec_realloc_array(s->wide, c->values, sizeof *more);
        if (!more) return pq_no_memory(w->pq, err);
        s->wide = more;
        s->wide_cap = c->values;
    }
    uint64_t *wide = s->wide;
    const int32_t *days = (const int32_t *)(const void *)c->data.p;
    for (size_t i = 0; i < c->values; i++) wide[i] = (uint64_t)(int64_t)days[i];
    return EC_OK;
}

static void bounds_numbers(struct pq_bounds *b, bool real, const uint64_t *value, size_t n) {
    if (real)
        bounds_doubles(b, (const double *)(const void *)value, n);
    else
        bounds_integers(b, (const int64_t *)(const void *)value, n);
}

/* The dictionary of scratch->numbers, and scratch->codes. */
static enum ec_status write_coded_numbers(struct chunk_writer *w, struct pq_column *c, size_t rows, uint32_t count,
                                          struct ec_err *err) {
    struct pq_scratch *s = w->scratch;
    size_t width = c->width;
    struct pq_page page = {.count = count, .values_n = count * width};
    ec_buf_clear(&s->body);
    if (width == 8) {
        page.content = PQ_CONTENT_NUMBERS;
        page.values = (const char *)s->numbers.entry;
    } else {
        for (uint32_t k = 0; k < count; k++) ec_buf_add(&s->body, &s->numbers.entry[k], width);
    }
    EC_TRY(pq_page_write_dict(w->pq, s, &page, w->chunk, err));
    return write_codes(w, rows, s->codes, count, &c->stored, err);
}

static enum ec_status write_number_column(struct chunk_writer *w, struct pq_column *c, size_t rows,
                                          struct ec_err *err) {
    bool real = c->type.type == EC_TYPE_FLOAT;
    struct pq_bounds *bounds = &w->chunk->bounds;
    uint32_t count;
    if (c->numbers_coded) { /* each of the dictionary's is among the values */
        bounds_numbers(bounds, real, c->numbers.entry, c->numbers.count);
        EC_TRY(pq_number_recode(w->scratch, c, real ? NULL : bounds, &count, err));
        if (count == 0) EC_TRY(pq_numbers_expand(c, err));
    } else {
        const uint64_t *value = (const uint64_t *)(const void *)c->data.p;
        if (c->width == 4) {
            EC_TRY(widen(w, c, err));
            value = w->scratch->wide;
        }
        bounds_numbers(bounds, real, value, c->values);
        EC_TRY(pq_number_code(w->scratch, c, value, real ? NULL : bounds, &count, err));
    }
    return count > 0 ? write_coded_numbers(w, c, rows, count, err)
                     : write_fixed(w, rows, c->data.p, c->width, err);
}

enum ec_status pq_chunk_write(struct ec_parquet *pq, struct pq_scratch *scratch, struct pq_column *c,
                              struct pq_chunk *chunk, struct ec_err *err) {
    size_t rows = pq->group_rows;
    if (c->values == 0) return pq_chunk_write_null(pq, scratch, rows, chunk, err);
    *chunk = (struct pq_chunk){.nulls = rows - c->values};
    struct chunk_writer w = {.pq = pq, .scratch = scratch, .chunk = chunk, .valid = c->valid};
    if (c->type.type == EC_TYPE_STRING) return write_text_column(&w, c, rows, err);
    if (c->type.type != EC_TYPE_BOOLEAN) return write_number_column(&w, c, rows, err);
    bounds_booleans(&chunk->bounds, (const uint8_t *)c->data.p, c->values);
    return write_booleans(&w, rows, c, err);
}

enum ec_status pq_chunk_write_null(struct ec_parquet *pq, struct pq_scratch *scratch, uint64_t rows,
                                   struct pq_chunk *chunk, struct ec_err *err) {
    *chunk = (struct pq_chunk){.nulls = rows};
    struct chunk_writer w = {.pq = pq, .scratch = scratch, .chunk = chunk};
    size_t values;
    struct pq_page page = page_begin(&w, 0, (size_t)rows, &values);
    return pq_page_write_data(pq, scratch, &page, chunk, err);
}
