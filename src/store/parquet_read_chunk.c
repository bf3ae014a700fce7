/* A column chunk opened: where its pages lie, and its dictionary. */
#include "base/io.h"
#include "store/parquet_read_internal.h"

#define HEADER_MAX  ((size_t)256)            /* ours end before 96 bytes */
#define HEADER_READ ((size_t)4096)           /* where a chunk is large, and its bodies may be passed over */
#define CHUNK_READ  ((size_t)(256 * EC_KIB)) /* a chunk up to this is read at once */

static enum ec_status reader_make(struct ec_parquet_chunk *chunk, struct ec_err *err) {
    if (chunk->reader) return EC_OK;
    chunk->reader = ec_calloc(1, sizeof *chunk->reader);
    return chunk->reader ? EC_OK : ec_fail(err, EC_NO_MEMORY, "memory ran out for a column of a Parquet file");
}

static enum ec_status page_push(struct pq_reader *r, const struct pq_read_page *page, struct ec_err *err) {
    if (r->page_count == r->page_cap) {
        size_t cap = r->page_cap ? r->page_cap * 2 : 16;
        struct pq_read_page *more = ec_realloc_array(r->page, cap, sizeof *more);
        if (!more) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the pages of column %s", r->name);
        r->page = more;
        r->page_cap = cap;
    }
    r->page[r->page_count++] = *page;
    return EC_OK;
}

static enum ec_status read_header(struct pq_reader *r, uint64_t offset, uint64_t left, struct pq_read_page *page,
                                  struct ec_err *err) {
    const uint8_t *p;
    size_t n = left < HEADER_MAX ? (size_t)left : HEADER_MAX;
    size_t ahead = r->stored->bytes <= CHUNK_READ ? (size_t)left : left < HEADER_READ ? n : HEADER_READ;
    EC_TRY(pq_read_bytes(r->file, offset, n, ahead, &p, err));
    struct pq_in in = {.p = p, .end = p + n};
    if (!pq_page_header(&in, page)) return pq_reader_bad(r, err, "has a page header that is not ours");
    page->header = (uint32_t)(in.p - p);
    page->offset = offset + page->header;
    if (page->stored > left - page->header) return pq_reader_bad(r, err, "has a page that ends behind its chunk");
    return EC_OK;
}

/* Decompresses the dictionary page; texts get views. */
static enum ec_status read_dictionary(struct pq_reader *r, const struct pq_read_page *page, struct ec_err *err) {
    if (r->type.type == EC_TYPE_BOOLEAN || page->rows > UINT32_C(1) << PQ_READ_CODE_BITS)
        return pq_reader_bad(r, err, "has a dictionary that is not ours");
    EC_TRY(pq_room(&r->dict, &r->dict_cap, page->raw + PQ_SLACK, err));
    EC_TRY(pq_page_load(r, page, r->dict, err));
    r->dict_count = page->rows;
    r->dict_page = *page;
    const uint8_t *p = r->dict, *end = p + page->raw;
    if (r->width) {
        if ((size_t)r->width * r->dict_count != page->raw)
            return pq_reader_bad(r, err, "has a dictionary of another length");
        return EC_OK;
    }
    if (page->raw / 4 < r->dict_count) return pq_reader_bad(r, err, "has a dictionary of another length");
    EC_TRY(pq_room(&r->dict_text, &r->dict_text_cap, r->dict_count * sizeof *r->dict_text, err));
    for (uint32_t i = 0; i < r->dict_count; i++) {
        uint32_t n;
        if (!(p = pq_text_at(p, end, &n))) return pq_reader_bad(r, err, "has a text that ends behind its page");
        r->dict_text[i] = pq_text_view(p, n);
        p += n;
    }
    return p == end ? EC_OK : pq_reader_bad(r, err, "has a dictionary of another length");
}

/* Pages one after the other: a dictionary where the footer says so, coded ones, plain ones. */
static enum ec_status read_pages(struct pq_reader *r, uint32_t *coded_rows, struct ec_err *err) {
    uint64_t at = r->stored->offset, end = at + r->stored->bytes;
    uint32_t rows = 0;
    bool plain = false;
    while (at < end) {
        struct pq_read_page page;
        EC_TRY(read_header(r, at, end - at, &page, err));
        at = page.offset + page.stored;
        if (page.dict != (r->stored->dict && rows == 0 && r->dict_count == 0))
            return pq_reader_bad(r, err, "has its dictionary elsewhere");
        if (page.dict) {
            EC_TRY(read_dictionary(r, &page, err));
            continue;
        }
        if (page.rows > r->rows - rows) return pq_reader_bad(r, err, "has more rows than its row group");
        if (page.coded && (plain || r->dict_count == 0)) return pq_reader_bad(r, err, "has codes out of place");
        page.first = rows;
        rows += page.rows;
        plain = !page.coded;
        if (page.coded) *coded_rows = rows;
        EC_TRY(page_push(r, &page, err));
    }
    return rows == r->rows ? EC_OK : pq_reader_bad(r, err, "has fewer rows than its row group");
}

enum ec_status ec_parquet_chunk_open(struct ec_parquet_chunk *chunk, struct ec_parquet_file *file, size_t group,
                                     size_t column, struct ec_err *err) {
    EC_TRY(reader_make(chunk, err));
    struct pq_reader *r = chunk->reader;
    enum ec_type type = file->column[column].type.type;
    r->file = file;
    r->stored = &file->group[group].chunk[column];
    r->name = file->column[column].name;
    r->type = file->column[column].type;
    r->width = type == EC_TYPE_STRING ? 0 : (uint32_t)ec_type_width(type);
    r->rows = file->group[group].rows;
    r->page_count = 0;
    r->dict_count = 0;
    r->current = SIZE_MAX;
    *chunk = (struct ec_parquet_chunk){.type = r->type, .reader = r};
    uint32_t coded_rows = 0;
    enum ec_status status = read_pages(r, &coded_rows, err);
    if (status != EC_OK) {
        r->rows = 0; /* as if it had no rows, whatever is asked for afterwards */
        r->page_count = 0;
        return status;
    }
    chunk->rows = r->rows;
    chunk->coded_rows = coded_rows;
    if (coded_rows == 0) return EC_OK;
    chunk->dictionary_count = r->dict_count;
    chunk->dictionary = r->width ? (const void *)r->dict : r->dict_text;
    return EC_OK;
}

void ec_parquet_chunk_deinit(struct ec_parquet_chunk *chunk) {
    struct pq_reader *r = chunk->reader;
    if (r) {
        ec_free(r->page);
        ec_free(r->dict);
        ec_free(r->dict_text);
        ec_free(r->raw);
        ec_free(r->bits);
        ec_free(r->spread);
        ec_free(r->codes);
        ec_free(r->valid);
        ec_free(r->code);
        ec_free(r->plain);
        ec_free(r->texts);
    }
    ec_free(r);
    *chunk = (struct ec_parquet_chunk){0};
}

size_t ec_parquet_chunk_memory(const struct ec_parquet_chunk *chunk) {
    const struct pq_reader *r = chunk->reader;
    if (!r) return 0;
    return sizeof *r + r->page_cap * sizeof *r->page + r->dict_cap + r->dict_text_cap + r->raw_cap + r->bits_cap +
           r->spread_cap + r->codes_cap + r->valid_cap + r->code_cap + r->plain_cap + r->texts_cap;
}
