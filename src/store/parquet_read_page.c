/* Pages read: header, decompression, definition levels. parquet_page.c has the picture. */
#include "store/parquet_column.h"
#include "store/parquet_read_internal.h"

#include <isa-l/crc.h>
#include <snappy-c.h>
#include <zstd.h>

enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };

enum ec_status pq_reader_bad(const struct pq_reader *r, struct ec_err *err, const char *what) {
    return ec_fail(err, EC_TABLE_FORMAT, "column %s of %s %s; it is damaged, or another program wrote it", r->name,
                   r->file->path, _(what));
}

/* The struct of a data or dictionary page within its header. */
static bool page_detail(struct pq_in *in, struct pq_read_page *page) {
    int64_t count = -1, encoding = -1, levels = PQ_RLE;
    for (struct pq_field f = {0}; pq_in_field(in, &f);) {
        if (f.id == 1)
            count = pq_in_int(in, f);
        else if (f.id == 2)
            encoding = pq_in_int(in, f);
        else if (f.id == 3 && !page->dict)
            levels = pq_in_int(in, f);
        else
            pq_in_skip(in, f.type);
    }
    if (in->bad || count < 1 || count > (int64_t)PQ_GROUP_ROWS_MAX || levels != PQ_RLE) return false;
    page->rows = (uint32_t)count;
    page->coded = encoding == PQ_RLE_DICTIONARY;
    return encoding == PQ_PLAIN || (page->coded && !page->dict);
}

bool pq_page_header(struct pq_in *in, struct pq_read_page *page) {
    int64_t type = -1, raw = -1, stored = -1;
    bool detail = false;
    *page = (struct pq_read_page){0};
    for (struct pq_field f = {0}; pq_in_field(in, &f);) {
        switch (f.id) {
        case 1: type = pq_in_int(in, f); break;
        case 2: raw = pq_in_int(in, f); break;
        case 3: stored = pq_in_int(in, f); break;
        case 4:
            page->crc = (uint32_t)pq_in_int(in, f);
            page->has_crc = true;
            break;
        case 5:
        case 7:
            pq_in_struct(in, f);
            page->dict = f.id == 7;
            detail = page_detail(in, page);
            break;
        default: pq_in_skip(in, f.type);
        }
    }
    if (in->bad || !detail || type != (page->dict ? PAGE_DICTIONARY : PAGE_DATA)) return false;
    if (raw < 0 || stored < 0 || raw > (int64_t)PQ_READ_PAGE_MAX || stored > (int64_t)PQ_READ_PAGE_MAX) return false;
    page->raw = (uint32_t)raw;
    page->stored = (uint32_t)stored;
    return true;
}

/* Whether a compressed page's bytes expand to exactly page->raw bytes at `to`. */
static bool decompress(struct ec_parquet_file *file, enum ec_codec codec, const struct pq_read_page *page,
                       const uint8_t *stored, uint8_t *to) {
    if (codec == EC_CODEC_ZSTD)
        return ZSTD_decompressDCtx(file->zstd, to, page->raw, stored, page->stored) == page->raw;
    size_t n = 0;
    if (snappy_uncompressed_length((const char *)stored, page->stored, &n) != SNAPPY_OK || n != page->raw) return false;
    return snappy_uncompress((const char *)stored, page->stored, (char *)to, &n) == SNAPPY_OK && n == page->raw;
}

enum ec_status pq_page_check(const struct pq_reader *r, const struct pq_read_page *page, const uint8_t *stored,
                             struct ec_err *err) {
    if (!page->has_crc || r->file->trust || crc32_gzip_refl(0, stored, page->stored) == page->crc) return EC_OK;
    return pq_reader_bad(r, err, "has a page whose checksum is wrong");
}

enum ec_status pq_page_load(struct pq_reader *r, const struct pq_read_page *page, uint8_t *to, struct ec_err *err) {
    struct ec_parquet_file *file = r->file;
    enum ec_codec codec = r->stored->codec;
    const uint8_t *stored = to;
    if (codec != EC_CODEC_NONE)
        EC_TRY(pq_read_bytes(file, page->offset, page->stored, page->stored, &stored, err));
    else if (page->stored != page->raw)
        return pq_reader_bad(r, err, "has a page that does not expand as its header says");
    else
        EC_TRY(pq_read_into(file, page->offset, page->stored, to, err));
    EC_TRY(pq_page_check(r, page, stored, err));
    if (codec == EC_CODEC_ZSTD && !file->zstd) file->zstd = ZSTD_createDCtx();
    if (codec == EC_CODEC_ZSTD && !file->zstd)
        return ec_fail(err, EC_NO_MEMORY, "memory ran out while reading %s", file->path);
    if (codec != EC_CODEC_NONE && !decompress(file, codec, page, stored, to))
        return pq_reader_bad(r, err, "has a page that does not expand as its header says");
    memset(to + page->raw, 0, PQ_SLACK);
    return EC_OK;
}

/* Sets n bits from bit `first` on. */
static void bits_fill(uint64_t *bits, size_t first, size_t n) {
    for (size_t end = first + n; first < end;) {
        size_t shift = first & 63, k = 64 - shift < end - first ? 64 - shift : end - first;
        bits[first >> 6] |= (k < 64 ? (UINT64_C(1) << k) - 1 : UINT64_MAX) << shift;
        first += k;
    }
}

/* Copies n bits from bytes to bit `first` on, where all are zero; up to 7 bytes behind `from`'s
 * last are read. */
static void bits_copy(uint64_t *bits, size_t first, const uint8_t *from, size_t n) {
    for (size_t i = 0; i < n; i += 64) {
        uint64_t word;
        memcpy(&word, from + i / 8, 8);
        if (n - i < 64) word &= (UINT64_C(1) << (n - i)) - 1;
        size_t shift = (first + i) & 63, at = (first + i) >> 6;
        bits[at] |= word << shift;
        if (shift && n - i > 64 - shift) bits[at + 1] |= word >> (64 - shift);
    }
}

/* Reads the runs of levels, of one bit each. */
static bool read_levels(struct pq_in *in, uint64_t *bits, size_t rows) {
    size_t at = 0;
    while (at < rows) {
        uint64_t run = pq_in_varint(in), n = run >> 1;
        if (n == 0) return false;
        if (run & 1) {
            const uint8_t *from = pq_in_take(in, n);
            if (!from) return false;
            n = n < (rows - at + 7) / 8 ? n * 8 : rows - at;
            bits_copy(bits, at, from, n);
        } else {
            const uint8_t *level = pq_in_take(in, 1);
            if (!level || *level > 1 || n > rows - at) return false;
            if (*level) bits_fill(bits, at, n);
        }
        at += n;
    }
    return in->p == in->end;
}

/* Whether the levels are one run of ones: no null, as in most columns. */
static bool all_ones(struct pq_in in, size_t rows) {
    uint64_t run = pq_in_varint(&in);
    return run == (uint64_t)rows << 1 && in.end - in.p == 1 && *in.p == 1;
}

enum ec_status pq_page_open(struct pq_reader *r, const struct pq_read_page *page, const uint8_t *raw,
                            struct pq_body *body, struct ec_err *err) {
    uint32_t length;
    if (page->raw < 4) return pq_reader_bad(r, err, "has a page without levels");
    memcpy(&length, raw, 4);
    if (length > page->raw - 4) return pq_reader_bad(r, err, "has levels longer than their page");
    *body = (struct pq_body){.p = raw + 4 + length, .n = page->raw - 4 - length, .rows = page->rows};
    struct pq_in in = {.p = raw + 4, .end = raw + 4 + length};
    if (all_ones(in, page->rows)) {
        body->full = true;
        body->values = page->rows;
        return EC_OK;
    }
    size_t words = ((size_t)page->rows + 63) / 64;
    EC_TRY(pq_room(&r->bits, &r->bits_cap, words * sizeof *r->bits, err));
    memset(r->bits, 0, words * sizeof *r->bits);
    if (!read_levels(&in, r->bits, page->rows)) return pq_reader_bad(r, err, "has damaged levels");
    body->values = (uint32_t)pq_bits_count(r->bits, 0, page->rows);
    return EC_OK;
}
