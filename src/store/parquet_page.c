/* Data pages version 1 and dictionary pages: the bytes behind a column chunk.
 *
 *     [header][ levels: length, runs ][ values: PLAIN, or width and runs of codes ]
 *             '----------------------- compressed as one ------------------------'
 *
 * Runs are Parquet's hybrid of RLE and bit packing (parquet-format Encodings.md): a varint
 * `count << 1` and the value repeated, or `groups << 1 | 1` and groups of eight values packed
 * from the lowest bit up. The CRC of a page is that of gzip over its compressed bytes.
 */
#include "base/io.h"
#include "store/parquet_page.h"
#include "store/parquet_thrift.h"

#include <isa-l/crc.h>
#include <snappy-c.h>
#include <zstd.h>

#define ZSTD_LEVEL 1
#define HEADER_MAX ((size_t)96) /* of a page: at most 12 numbers of 5 bytes, and their field bytes */
#define RUN_MIN    ((size_t)16) /* equal codes that are worth ending a packed run for */

enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };

size_t pq_bits_count(const uint64_t *bits, size_t first, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i += 64)
        count += (size_t)__builtin_popcountll(pq_bits_load(bits, first + i, n - i < 64 ? n - i : 64));
    return count;
}

/* 64 bits that are all equal, or all that are left; else -1. */
static int uniform(uint64_t word, size_t n) {
    uint64_t full = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    return word == 0 ? 0 : word == full ? 1 : -1;
}

static size_t left64(size_t i, size_t n) {
    return n - i < 64 ? n - i : 64;
}

void pq_page_levels(struct ec_buf *body, const uint64_t *valid, size_t first, size_t rows) {
    size_t at = body->n;
    ec_buf_add(body, "\0\0\0\0", 4); /* the length, known below */
    if (!valid) {
        pq_thrift_varint(body, (uint64_t)rows << 1);
        ec_buf_addc(body, 0);
        rows = 0;
    }
    for (size_t i = 0; i < rows;) {
        int kind = uniform(pq_bits_load(valid, first + i, left64(i, rows)), left64(i, rows));
        size_t start = i;
        do {
            i += left64(i, rows);
        } while (i < rows && uniform(pq_bits_load(valid, first + i, left64(i, rows)), left64(i, rows)) == kind);
        if (kind >= 0) {
            pq_thrift_varint(body, (uint64_t)(i - start) << 1);
            ec_buf_addc(body, (char)kind);
            continue;
        }
        size_t groups = (i - start + 7) / 8;
        pq_thrift_varint(body, (uint64_t)groups << 1 | 1);
        for (size_t k = start; k < i; k += 64) {
            uint64_t word = pq_bits_load(valid, first + k, left64(k, i));
            ec_buf_add(body, &word, (left64(k, i) + 7) / 8);
        }
    }
    if (body->failed) return;
    uint32_t length = (uint32_t)(body->n - at - 4);
    memcpy(body->p + at, &length, 4);
}

/* Eight codes of `width` bits, 1 to 16: up to sixteen bytes are written, `width` of them count. */
static inline void pack8(char *to, const uint32_t *code, uint32_t width) {
    uint64_t low = 0, high = 0;
    for (uint32_t k = 0; k < 4; k++) low |= (uint64_t)code[k] << (k * width);
    for (uint32_t k = 0; k < 4; k++) high |= (uint64_t)code[4 + k] << (k * width);
    if (width <= 8) {
        low |= high << (4 * width);
        memcpy(to, &low, 8);
        return;
    }
    unsigned __int128 both = (unsigned __int128)high << (4 * width) | low;
    memcpy(to, &both, 16);
}

static void packed_run(struct ec_buf *body, const uint32_t *code, size_t n, uint32_t width) {
    if (n == 0) return;
    size_t groups = (n + 7) / 8;
    pq_thrift_varint(body, (uint64_t)groups << 1 | 1);
    char *to = ec_buf_reserve(body, groups * width + 16);
    if (!to) return;
    size_t i = 0;
    for (; i + 8 <= n; i += 8, to += width) pack8(to, code + i, width);
    if (i < n) {
        uint32_t last[8] = {0};
        memcpy(last, code + i, (n - i) * sizeof *last);
        pack8(to, last, width);
    }
    body->n += groups * width;
}

static bool equal8(const uint32_t *code) {
    uint32_t differ = 0;
    for (int k = 1; k < 8; k++) differ |= code[k] ^ code[0];
    return differ == 0;
}

void pq_page_codes(struct ec_buf *body, const uint32_t *code, size_t n, uint32_t dict_count) {
    /* One bit even for a single entry: not every reader takes a width of none. */
    uint32_t width = dict_count > 2 ? 32 - (uint32_t)__builtin_clz(dict_count - 1) : 1;
    ec_buf_addc(body, (char)width);
    size_t start = 0, i = 0;
    while (i + 8 <= n) {
        size_t end = i + 8;
        if (!equal8(code + i)) {
            i = end;
            continue;
        }
        while (end < n && code[end] == code[i]) end++;
        if (end - i < RUN_MIN) { /* stay on the packed run's groups of eight */
            i += 8;
            continue;
        }
        packed_run(body, code + start, i - start, width);
        pq_thrift_varint(body, (uint64_t)(end - i) << 1);
        ec_buf_add(body, code + i, (width + 7) / 8); /* little-endian, as everything here */
        start = i = end;
    }
    packed_run(body, code + start, n - start, width);
}

void pq_page_booleans(struct ec_buf *body, const uint8_t *value, size_t n) {
    char *to = ec_buf_reserve(body, (n + 7) / 8);
    if (!to) return;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t eight = 0;
        memcpy(&eight, value + i, n - i < 8 ? n - i : 8);
        /* Gathers bit 0 of each byte into the top byte, the first one lowest. */
        eight &= UINT64_C(0x0101010101010101);
        to[i / 8] = (char)((eight * UINT64_C(0x0102040810204080)) >> 56);
    }
    body->n += (n + 7) / 8;
}

static enum ec_status compress_zstd(struct ec_parquet *pq, struct pq_scratch *s, const void *page, size_t bytes,
                                    struct ec_err *err) {
    if (!s->zstd) s->zstd = ZSTD_createCCtx();
    char *to = s->zstd ? ec_buf_reserve(&s->packed, ZSTD_compressBound(bytes)) : NULL;
    if (!to) return pq_no_memory(pq, err);
    size_t n = ZSTD_compressCCtx(s->zstd, to, ZSTD_compressBound(bytes), page, bytes, ZSTD_LEVEL);
    if (ZSTD_isError(n))
        return ec_fail(err, EC_NO_MEMORY, "cannot compress a page of %s: %s", pq->path, ZSTD_getErrorName(n));
    s->packed.n += n;
    return EC_OK;
}

static enum ec_status compress_snappy(struct ec_parquet *pq, struct pq_scratch *s, const void *page, size_t bytes,
                                      struct ec_err *err) {
    size_t n = snappy_max_compressed_length(bytes);
    char *to = ec_buf_reserve(&s->packed, n);
    if (!to || snappy_compress(page, bytes, to, &n) != SNAPPY_OK) return pq_no_memory(pq, err);
    s->packed.n += n;
    return EC_OK;
}

static enum ec_status compress(struct ec_parquet *pq, struct pq_scratch *s, const void *page, size_t bytes,
                               struct ec_err *err) {
    switch (pq->codec) {
    case EC_CODEC_ZSTD: return compress_zstd(pq, s, page, bytes, err);
    case EC_CODEC_SNAPPY: return compress_snappy(pq, s, page, bytes, err);
    case EC_CODEC_NONE: break;
    }
    ec_buf_add(&s->packed, page, bytes);
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

/* Compresses behind room for the header, puts the header right before it, and writes both at once. */
static enum ec_status write_page(struct ec_parquet *pq, struct pq_scratch *s, int type, const void *page, size_t bytes,
                                 size_t count, enum pq_encoding encoding, struct pq_chunk *chunk, struct ec_err *err) {
    if (bytes > INT32_MAX)
        return ec_fail(err, EC_NO_MEMORY, "a page of %s would be %zu bytes; the format ends at 2 GiB", pq->path, bytes);
    ec_buf_clear(&s->packed);
    if (!ec_buf_reserve(&s->packed, HEADER_MAX)) return pq_no_memory(pq, err);
    s->packed.n = HEADER_MAX;
    EC_TRY(compress(pq, s, page, bytes, err));
    char *stored = s->packed.p + HEADER_MAX;
    size_t stored_n = s->packed.n - HEADER_MAX;
    if (stored_n > INT32_MAX)
        return ec_fail(err, EC_NO_MEMORY, "a page of %s would be %zu bytes; the format ends at 2 GiB", pq->path,
                       stored_n);
    uint32_t crc = crc32_gzip_refl(0, (const unsigned char *)stored, stored_n);

    struct ec_buf header = ec_buf_make(HEADER_MAX);
    page_header(&header, type, bytes, stored_n, crc, count, encoding);
    enum ec_status status = EC_OK;
    size_t header_n = header.n;
    if (header.failed) {
        status = pq_no_memory(pq, err);
        goto done;
    }
    memcpy(stored - header_n, header.p, header_n);
    status = ec_file_write(pq->fd, stored - header_n, header_n + stored_n, pq->path, err);
    if (status != EC_OK) goto done;
    pq->offset += header_n + stored_n;
    chunk->bytes_stored += header_n + stored_n;
    chunk->bytes_raw += header_n + bytes;
done:
    ec_buf_free(&header);
    return status;
}

enum ec_status pq_page_write_data(struct ec_parquet *pq, struct pq_scratch *s, enum pq_encoding encoding, size_t rows,
                                  struct pq_chunk *chunk, struct ec_err *err) {
    if (s->body.failed) return pq_no_memory(pq, err);
    if (chunk->data_offset == 0) chunk->data_offset = pq->offset;
    if (encoding == PQ_PLAIN)
        chunk->pages_plain++;
    else
        chunk->pages_coded++;
    return write_page(pq, s, PAGE_DATA, s->body.p, s->body.n, rows, encoding, chunk, err);
}

enum ec_status pq_page_write_dict(struct ec_parquet *pq, struct pq_scratch *s, const void *page, size_t bytes,
                                  uint32_t count, struct pq_chunk *chunk, struct ec_err *err) {
    chunk->dict_offset = pq->offset;
    return write_page(pq, s, PAGE_DICTIONARY, page, bytes, count, PQ_PLAIN, chunk, err);
}

void pq_scratch_deinit(struct pq_scratch *s) {
    ec_buf_free(&s->body);
    ec_buf_free(&s->packed);
    (void)ZSTD_freeCCtx(s->zstd);
    ec_free(s->codes);
    ec_free(s->wide);
    ec_free(s->numbers.slot);
    ec_free(s->numbers.entry);
    *s = (struct pq_scratch){0};
}
