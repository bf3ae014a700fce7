/* What the files of the Parquet reader share. Private to store/.
 *
 *     parquet_read.c         life of a file; bytes of it
 *     parquet_read_footer.c  the footer; parquet_read_thrift.h is its wire format
 *     parquet_read_page.c    page headers, decompression, levels
 *     parquet_read_codes.c   hybrid runs of codes
 *     parquet_read_chunk.c   a chunk opened: its pages, its dictionary
 *     parquet_read_all.c     a chunk whole
 *     parquet_read_rows.c    some rows of it
 */
#ifndef EC_STORE_PARQUET_READ_INTERNAL_H
#define EC_STORE_PARQUET_READ_INTERNAL_H

#include "store/parquet_internal.h"
#include "store/parquet_read.h"
#include "store/parquet_read_thrift.h"

/* What a file can make us hold. The encoder's own pages are of a mebibyte, but where 64 long texts
 * follow each other; a footer has some hundred bytes per column chunk. */
#define PQ_READ_FOOTER_MAX  ((uint64_t)(256 * EC_MIB))
#define PQ_READ_COLUMNS_MAX ((size_t)1 << 16)
#define PQ_READ_PAGE_MAX    ((size_t)(256 * EC_MIB))
#define PQ_READ_TEXTS_MAX   ((size_t)(512 * EC_MIB)) /* pages of one chunk, held together */
#define PQ_READ_CODE_BITS   24u

/* A column chunk, as the footer has it. */
struct pq_stored {
    uint64_t offset; /* of its first page */
    uint64_t bytes;
    enum ec_codec codec;
    bool dict;
    uint64_t nulls;
    struct pq_bounds bounds;
};

struct pq_stored_group {
    uint64_t first;
    uint32_t rows;
    struct pq_stored *chunk; /* of each column */
};

struct ec_parquet_file {
    char *path;
    int fd;
    bool trust;    /* tests set it, to get past the checksums */
    uint64_t data; /* pages end here: the footer's offset */
    uint64_t rows;
    struct ec_parquet_column *column; /* names owned */
    size_t column_count;
    struct pq_stored_group *group;
    size_t group_count;
    size_t group_cap;
    /* Bytes of the file, those read last. */
    uint8_t *window;
    size_t window_cap;
    size_t window_n;
    uint64_t window_at;
    void *zstd;
};

struct pq_read_page {
    uint64_t offset; /* of its body */
    uint32_t stored;
    uint32_t raw;
    uint32_t crc;
    bool has_crc;
    bool dict;
    bool coded;
    uint32_t header; /* bytes before the body */
    uint32_t first;  /* row of the group */
    uint32_t rows;   /* or entries, of a dictionary page */
};

/* A page decompressed, and its levels. */
struct pq_body {
    const uint8_t *p; /* the values' bytes; PQ_SLACK of others follow */
    size_t n;
    uint32_t rows;
    uint32_t values;
    bool full; /* no null: the bits are not filled then */
};

struct pq_reader {
    struct ec_parquet_file *file;
    const struct pq_stored *stored;
    const char *name; /* of the column */
    struct ec_column_type type;
    uint32_t width; /* of a value, in the file too but for booleans; 0 for text */
    uint32_t rows;
    struct pq_read_page *page; /* data pages */
    size_t page_count;
    size_t page_cap;
    struct pq_read_page dict_page;
    uint8_t *dict; /* decompressed */
    size_t dict_cap;
    struct ec_text *dict_text;
    size_t dict_text_cap;
    uint32_t dict_count;
    /* The page under way. */
    size_t current; /* SIZE_MAX: none */
    struct pq_body body;
    uint8_t *raw;
    size_t raw_cap;
    uint64_t *bits; /* of its rows */
    size_t bits_cap;
    uint32_t *codes; /* of its values */
    size_t codes_cap;
    void *spread; /* codes or values, a row each */
    size_t spread_cap;
    const uint8_t *row;  /* those, or the same elsewhere in a page without nulls */
    const uint8_t *text; /* row text_row's PLAIN text, or the first behind it */
    uint32_t text_row;
    /* The whole chunk. */
    uint64_t *valid;
    size_t valid_cap;
    uint32_t *code;
    size_t code_cap;
    void *plain;
    size_t plain_cap;
    uint8_t *texts;
    size_t texts_cap;
};

/* Sets the error of a file that is damaged or not ours; `what` reads on from the path. */
enum ec_status pq_read_bad(const struct ec_parquet_file *file, struct ec_err *err, const char *what);
/* The same of a column. */
enum ec_status pq_reader_bad(const struct pq_reader *r, struct ec_err *err, const char *what);

/* Room for `need` bytes at *p, whose content is lost where it has to grow. */
enum ec_status pq_room(void *p, size_t *cap, size_t need, struct ec_err *err) EC_MUST_USE;

/* Bytes [offset, offset + n) of the file, borrowed until the next call; reads `ahead` where they
 * are not there yet. */
enum ec_status pq_read_bytes(struct ec_parquet_file *file, uint64_t offset, size_t n, size_t ahead, const uint8_t **p,
                             struct ec_err *err) EC_MUST_USE;

/* The same to the caller's memory. */
enum ec_status pq_read_into(struct ec_parquet_file *file, uint64_t offset, size_t n, void *to,
                            struct ec_err *err) EC_MUST_USE;

enum ec_status pq_read_footer(struct ec_parquet_file *file, const uint8_t *p, size_t n, struct ec_err *err) EC_MUST_USE;

/* parquet_read_page.c */
bool pq_page_header(struct pq_in *in, struct pq_read_page *page); /* false: not one that we know */
/* Whether the page's checksum is that of its bytes. */
enum ec_status pq_page_check(const struct pq_reader *r, const struct pq_read_page *page, const uint8_t *stored,
                             struct ec_err *err) EC_MUST_USE;
/* Decompresses into `to`, which has room for page->raw + PQ_SLACK bytes. */
enum ec_status pq_page_load(struct pq_reader *r, const struct pq_read_page *page, uint8_t *to,
                            struct ec_err *err) EC_MUST_USE;
/* Takes the levels off the front of a loaded page: fills *body and, where it is not full, bits. */
enum ec_status pq_page_open(struct pq_reader *r, const struct pq_read_page *page, const uint8_t *raw,
                            struct pq_body *body, struct ec_err *err) EC_MUST_USE;

/* parquet_read_codes.c: the codes of a page's n values, all below `count`; `to` has room for 8 more. */
bool pq_codes_read(const uint8_t *p, size_t bytes, uint32_t *to, size_t n, uint32_t count);

/* parquet_read_all.c: a page's values */
/* Values without gaps to a value a row, zero where null. May read one value too far. */
void pq_spread(void *to, const uint8_t *from, const struct pq_body *body, const uint64_t *bits, size_t width);
/* Codes of the values, to r->codes where `to` is NULL; else it has room for 8 more. */
enum ec_status pq_body_codes(struct pq_reader *r, const struct pq_body *body, uint32_t *to,
                             struct ec_err *err) EC_MUST_USE;
/* A byte a value, at r->codes. */
enum ec_status pq_body_bits(struct pq_reader *r, const struct pq_body *body, struct ec_err *err) EC_MUST_USE;
/* A byte a row. */
enum ec_status pq_body_booleans(struct pq_reader *r, const struct pq_body *body, uint8_t *to,
                                struct ec_err *err) EC_MUST_USE;

/* A view of the n bytes at p, of which at least 16 can be read. */
static inline struct ec_text pq_text_view(const uint8_t *p, uint32_t n) {
    struct ec_text t;
    uint64_t tail;
    uint32_t head;
    memcpy(&head, p, 4);
    memcpy(&tail, p + 4, 8);
    if (n < EC_TEXT_INLINE) {
        uint64_t keep = n > 4 ? (UINT64_C(1) << (n - 4) * 8) - 1 : 0;
        tail &= keep;
        if (n < 4) head &= (UINT32_C(1) << n * 8) - 1;
    } else if (n > EC_TEXT_INLINE) {
        tail = (uint64_t)(uintptr_t)p;
    }
    memcpy(&t, &n, 4);
    memcpy((char *)&t + 4, &head, 4);
    memcpy((char *)&t + 8, &tail, 8);
    return t;
}

/* The PLAIN text at p, before `end`: its bytes, or NULL. */
static inline const uint8_t *pq_text_at(const uint8_t *p, const uint8_t *end, uint32_t *n) {
    if (end - p < 4) return NULL;
    memcpy(n, p, 4);
    return *n <= (size_t)(end - p) - 4 ? p + 4 : NULL;
}

#endif
