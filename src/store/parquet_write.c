/* Data pages version 1 and dictionary pages: compressed, with their header, to the file.
 *
 *     [header][ levels: length, runs ][ values: PLAIN, or width and runs of codes ]
 *             '----------------------- compressed as one ------------------------'
 *
 * The CRC of a page is that of gzip over its compressed bytes. Where the codec is zstd, PLAIN pages
 * are mostly put into frames by parquet_frame.h, in a tenth of the time that the library takes; it
 * gets what is left: codes, booleans, small dictionaries, and texts that repeat in parts.
 */
#include "base/io.h"
#include "store/parquet_page.h"
#include "store/parquet_thrift.h"

#include <isa-l/crc.h>
#include <snappy-c.h>
#include <zstd.h>

#define ZSTD_LEVEL 1
#define HEADER_MAX ((size_t)96) /* of a page: at most 12 numbers of 5 bytes, and their field bytes */
/* Texts by which a column's codec is chosen, and fewer by which none is. */
#define SAMPLE_MAX ((size_t)(32 * EC_KIB))
#define SAMPLE_MIN ((size_t)(4 * EC_KIB))
/* A page above it is of texts that are prose, or worse. */
#define FRAME_MAX (4 * PQ_PAGE_BYTES)

enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };

static struct pq_page_bytes bytes_of(const struct pq_scratch *s, const struct pq_page *page) {
    const char *body = s->body.p;
    return (struct pq_page_bytes){.levels = body,
                                  .levels_n = page->levels_n,
                                  .values = page->values ? page->values : body + page->levels_n,
                                  .values_n = page->values_n};
}

/* Brings levels and values together in the body. */
static bool join(struct pq_scratch *s, const struct pq_page *page, size_t values_n) {
    if (!page->values) return true;
    s->body.n = page->levels_n;
    ec_buf_add(&s->body, page->values, values_n);
    return !s->body.failed;
}

static enum ec_status by_library(struct ec_parquet *pq, struct pq_scratch *s, const struct pq_page *page,
                                 size_t values_n, struct ec_err *err) {
    size_t n = page->levels_n + values_n, bound = ZSTD_compressBound(n);
    if (!s->zstd) s->zstd = ZSTD_createCCtx();
    char *to = s->zstd && join(s, page, values_n) ? ec_buf_reserve(&s->packed, bound) : NULL;
    if (!to) return pq_no_memory(pq, err);
    n = ZSTD_compressCCtx(s->zstd, to, bound, s->body.p, n, ZSTD_LEVEL);
    if (ZSTD_isError(n))
        return ec_fail(err, EC_NO_MEMORY, "cannot compress a page of %s: %s", pq->path, ZSTD_getErrorName(n));
    s->packed.n += n;
    return EC_OK;
}

/* Coding costs a sixth of what the library does, and less when it is read; it gives way where a sample is smaller by half. */
static enum ec_status choose(struct ec_parquet *pq, struct pq_scratch *s, const struct pq_page *page,
                             enum pq_text_codec *codec, struct ec_err *err) {
    struct pq_page_bytes sample = bytes_of(s, page);
    if (sample.values_n < SAMPLE_MIN) return EC_OK;
    if (sample.values_n > SAMPLE_MAX) sample.values_n = SAMPLE_MAX;
    size_t before = s->packed.n;
    *codec = PQ_TEXT_LIBRARY;
    if (!pq_frame_texts(&s->frame, &s->packed, &sample, page->length)) return EC_OK;
    size_t coded = s->packed.n - before;
    s->packed.n = before;
    EC_TRY(by_library(pq, s, page, sample.values_n, err));
    if (s->packed.n - before > coded / 2) *codec = PQ_TEXT_CODED;
    s->packed.n = before;
    return EC_OK;
}

static enum ec_status texts(struct ec_parquet *pq, struct pq_scratch *s, const struct pq_page *page,
                            struct ec_err *err) {
    if (page->values_n > FRAME_MAX) return by_library(pq, s, page, page->values_n, err);
    if (*page->codec == PQ_TEXT_UNDECIDED) EC_TRY(choose(pq, s, page, page->codec, err));
    struct pq_page_bytes bytes = bytes_of(s, page);
    if (*page->codec == PQ_TEXT_CODED && pq_frame_texts(&s->frame, &s->packed, &bytes, page->length)) return EC_OK;
    if (*page->codec == PQ_TEXT_CODED) *page->codec = PQ_TEXT_LIBRARY;
    return by_library(pq, s, page, page->values_n, err);
}

/* Codes of a column whose values come evenly are as short as they can be: where a page is not smaller by an eighth, the
 * next ones of the file are not tried. */
static enum ec_status codes(struct ec_parquet *pq, struct pq_scratch *s, const struct pq_page *page, struct ec_err *err) {
    size_t before = s->packed.n, raw = page->levels_n + page->values_n;
    EC_TRY(by_library(pq, s, page, page->values_n, err));
    if (page->stored && raw >= SAMPLE_MIN) *page->stored = s->packed.n - before > raw - raw / 8;
    return EC_OK;
}

static enum ec_status compress_zstd(struct ec_parquet *pq, struct pq_scratch *s, const struct pq_page *page,
                                    struct ec_err *err) {
    bool stored = page->stored && *page->stored;
    if (page->content == PQ_CONTENT_TEXTS) return texts(pq, s, page, err);
    if (page->content != PQ_CONTENT_NUMBERS && !stored) return codes(pq, s, page, err);
    struct pq_page_bytes bytes = bytes_of(s, page);
    if (stored) pq_frame_store(&s->packed, &bytes);
    else pq_frame_numbers(&s->packed, &bytes);
    return s->packed.failed ? pq_no_memory(pq, err) : EC_OK;
}

static enum ec_status compress_snappy(struct ec_parquet *pq, struct pq_scratch *s, const struct pq_page *page,
                                      struct ec_err *err) {
    size_t raw = page->levels_n + page->values_n, n = snappy_max_compressed_length(raw);
    char *to = join(s, page, page->values_n) ? ec_buf_reserve(&s->packed, n) : NULL;
    if (!to || snappy_compress(s->body.p, raw, to, &n) != SNAPPY_OK) return pq_no_memory(pq, err);
    s->packed.n += n;
    return EC_OK;
}

static enum ec_status compress(struct ec_parquet *pq, struct pq_scratch *s, const struct pq_page *page,
                               struct ec_err *err) {
    switch (pq->codec) {
    case EC_CODEC_ZSTD: return compress_zstd(pq, s, page, err);
    case EC_CODEC_SNAPPY: return compress_snappy(pq, s, page, err);
    case EC_CODEC_NONE: break;
    }
    struct pq_page_bytes bytes = bytes_of(s, page);
    ec_buf_add(&s->packed, bytes.levels, bytes.levels_n);
    ec_buf_add(&s->packed, bytes.values, bytes.values_n);
    return s->packed.failed ? pq_no_memory(pq, err) : EC_OK;
}

static void page_header(struct ec_buf *out, int type, size_t raw, size_t stored, uint32_t crc, size_t count,
                        enum pq_encoding encoding) {
    struct pq_thrift t = {.out = out};
    pq_thrift_int(&t, 1, PQ_THRIFT_I32, type);
    pq_thrift_int(&t, 2, PQ_THRIFT_I32, (int64_t)raw);
    pq_thrift_int(&t, 3, PQ_THRIFT_I32, (int64_t)stored);
    pq_thrift_int(&t, 4, PQ_THRIFT_I32, (int32_t)crc);
    pq_thrift_struct(&t, type == PAGE_DATA ? 5 : 7);
    pq_thrift_int(&t, 1, PQ_THRIFT_I32, (int64_t)count);
    pq_thrift_int(&t, 2, PQ_THRIFT_I32, encoding);
    if (type == PAGE_DATA) {
        pq_thrift_int(&t, 3, PQ_THRIFT_I32, PQ_RLE); /* definition levels */
        pq_thrift_int(&t, 4, PQ_THRIFT_I32, PQ_RLE); /* repetition levels, of which there are none */
    }
    pq_thrift_end(&t);
    pq_thrift_end(&t);
}

static enum ec_status too_large(const struct ec_parquet *pq, size_t bytes, struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "a page of %s would be %zu bytes; the format ends at 2 GiB", pq->path, bytes);
}

/* Compresses behind room for the header, puts the header right before it, and writes both at once. */
static enum ec_status write_page(struct ec_parquet *pq, struct pq_scratch *s, int type, const struct pq_page *page,
                                 struct pq_chunk *chunk, struct ec_err *err) {
    size_t raw = page->levels_n + page->values_n;
    if (s->body.failed) return pq_no_memory(pq, err);
    if (raw > INT32_MAX) return too_large(pq, raw, err);
    ec_buf_clear(&s->packed);
    if (!ec_buf_reserve(&s->packed, HEADER_MAX)) return pq_no_memory(pq, err);
    s->packed.n = HEADER_MAX;
    EC_TRY(compress(pq, s, page, err));
    char *stored = s->packed.p + HEADER_MAX;
    size_t stored_n = s->packed.n - HEADER_MAX;
    if (stored_n > INT32_MAX) return too_large(pq, stored_n, err);
    uint32_t crc = crc32_gzip_refl(0, (const unsigned char *)stored, stored_n);

    struct ec_buf *header = &s->header;
    ec_buf_clear(header);
    page_header(header, type, raw, stored_n, crc, page->count, page->encoding);
    if (header->failed) return pq_no_memory(pq, err);
    memcpy(stored - header->n, header->p, header->n);
    EC_TRY(ec_file_write(pq->fd, stored - header->n, header->n + stored_n, pq->path, err));
    pq->offset += header->n + stored_n;
    chunk->bytes_stored += header->n + stored_n;
    chunk->bytes_raw += header->n + raw;
    return EC_OK;
}

enum ec_status pq_page_write_data(struct ec_parquet *pq, struct pq_scratch *s, const struct pq_page *page,
                                  struct pq_chunk *chunk, struct ec_err *err) {
    if (chunk->data_offset == 0) chunk->data_offset = pq->offset;
    if (page->encoding == PQ_PLAIN)
        chunk->pages_plain++;
    else
        chunk->pages_coded++;
    return write_page(pq, s, PAGE_DATA, page, chunk, err);
}

enum ec_status pq_page_write_dict(struct ec_parquet *pq, struct pq_scratch *s, const struct pq_page *page,
                                  struct pq_chunk *chunk, struct ec_err *err) {
    chunk->dict_offset = pq->offset;
    return write_page(pq, s, PAGE_DICTIONARY, page, chunk, err);
}

struct pq_scratch pq_scratch_make(void) {
    return (struct pq_scratch){
        .body = ec_buf_make(SIZE_MAX / 4), .packed = ec_buf_make(SIZE_MAX / 4), .header = ec_buf_make(HEADER_MAX)};
}

void pq_scratch_deinit(struct pq_scratch *s) {
    ec_buf_free(&s->body);
    ec_buf_free(&s->packed);
    ec_buf_free(&s->header);
    (void)ZSTD_freeCCtx(s->zstd);
    pq_frame_scratch_deinit(&s->frame);
    ec_free(s->codes);
    ec_free(s->wide);
    ec_free(s->numbers.slot);
    ec_free(s->numbers.entry);
    *s = (struct pq_scratch){0};
}
