/* The footer: FileMetaData of apache/parquet-format's parquet.thrift, whose field numbers stand
 * here as they do there. */
#include "store/parquet_column.h"
#include "store/parquet_thrift.h"

enum { REPETITION_OPTIONAL = 1 };
enum { CONVERTED_UTF8 = 0, CONVERTED_DECIMAL = 5, CONVERTED_DATE = 6, CONVERTED_TIMESTAMP_MICROS = 10 };
enum { LOGICAL_STRING = 1, LOGICAL_DECIMAL = 5, LOGICAL_DATE = 6, LOGICAL_TIMESTAMP = 8 };
enum { CODEC_UNCOMPRESSED = 0, CODEC_SNAPPY = 1, CODEC_ZSTD = 6 };
enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };

static enum pq_physical physical(enum ec_type type) {
    switch (type) {
    case EC_TYPE_STRING: return PQ_BYTE_ARRAY;
    case EC_TYPE_FLOAT: return PQ_DOUBLE;
    case EC_TYPE_BOOLEAN: return PQ_BOOLEAN;
    case EC_TYPE_DATE: return PQ_INT32;
    case EC_TYPE_INTEGER:
    case EC_TYPE_DATETIME:
    case EC_TYPE_DECIMAL: break;
    }
    return PQ_INT64;
}

static int codec_number(enum ec_codec codec) {
    return codec == EC_CODEC_ZSTD ? CODEC_ZSTD : codec == EC_CODEC_SNAPPY ? CODEC_SNAPPY : CODEC_UNCOMPRESSED;
}

/* converted_type, for readers from before logicalType; -1 where the physical type says it all. */
static int converted(enum ec_type type) {
    switch (type) {
    case EC_TYPE_STRING: return CONVERTED_UTF8;
    case EC_TYPE_DATETIME: return CONVERTED_TIMESTAMP_MICROS;
    case EC_TYPE_DATE: return CONVERTED_DATE;
    case EC_TYPE_DECIMAL: return CONVERTED_DECIMAL;
    case EC_TYPE_INTEGER:
    case EC_TYPE_FLOAT:
    case EC_TYPE_BOOLEAN: break;
    }
    return -1;
}

/* Field 10: a union, so a struct with one field. */
static void logical_type(struct pq_thrift *t, struct ec_column_type type) {
    pq_thrift_struct(t, 10);
    if (type.type == EC_TYPE_STRING || type.type == EC_TYPE_DATE) {
        pq_thrift_struct(t, type.type == EC_TYPE_STRING ? LOGICAL_STRING : LOGICAL_DATE);
    } else if (type.type == EC_TYPE_DECIMAL) {
        pq_thrift_struct(t, LOGICAL_DECIMAL);
        pq_thrift_int(t, 1, PQ_THRIFT_I32, type.scale);
        pq_thrift_int(t, 2, PQ_THRIFT_I32, type.precision);
    } else {
        pq_thrift_struct(t, LOGICAL_TIMESTAMP);
        pq_thrift_bool(t, 1, true); /* isAdjustedToUTC */
        pq_thrift_struct(t, 2);     /* unit */
        pq_thrift_struct(t, 2);     /* MICROS */
        pq_thrift_end(t);
        pq_thrift_end(t);
    }
    pq_thrift_end(t);
    pq_thrift_end(t);
}

static void schema_element(struct pq_thrift *t, const struct pq_column *c) {
    int converted_type = converted(c->type.type);
    pq_thrift_begin(t);
    pq_thrift_int(t, 1, PQ_THRIFT_I32, physical(c->type.type));
    pq_thrift_int(t, 3, PQ_THRIFT_I32, REPETITION_OPTIONAL);
    pq_thrift_binary(t, 4, c->name, strlen(c->name));
    if (converted_type >= 0) pq_thrift_int(t, 6, PQ_THRIFT_I32, converted_type);
    if (c->type.type == EC_TYPE_DECIMAL) {
        pq_thrift_int(t, 7, PQ_THRIFT_I32, c->type.scale);
        pq_thrift_int(t, 8, PQ_THRIFT_I32, c->type.precision);
    }
    if (converted_type >= 0) logical_type(t, c->type);
    pq_thrift_end(t);
}

static void schema(struct pq_thrift *t, const struct ec_parquet *pq) {
    pq_thrift_list(t, 2, PQ_THRIFT_STRUCT, pq->column_count + 1);
    pq_thrift_begin(t);
    pq_thrift_binary(t, 4, "schema", 6);
    pq_thrift_int(t, 5, PQ_THRIFT_I32, (int64_t)pq->column_count);
    pq_thrift_end(t);
    for (size_t i = 0; i < pq->column_count; i++) schema_element(t, &pq->column[i]);
}

/* The width of a bound, and its bytes as PLAIN has them. */
static size_t bound_width(enum ec_type type) {
    return type == EC_TYPE_BOOLEAN ? 1 : type == EC_TYPE_DATE ? 4 : 8;
}

static void statistics(struct pq_thrift *t, const struct pq_chunk *chunk, enum ec_type type) {
    pq_thrift_struct(t, 12);
    pq_thrift_int(t, 3, PQ_THRIFT_I64, (int64_t)chunk->nulls);
    if (chunk->bounds.known) {
        pq_thrift_binary(t, 5, &chunk->bounds.max, bound_width(type));
        pq_thrift_binary(t, 6, &chunk->bounds.min, bound_width(type));
    }
    pq_thrift_end(t);
}

static void page_count(struct pq_thrift *t, int type, enum pq_encoding encoding, uint32_t count) {
    if (count == 0) return;
    pq_thrift_begin(t);
    pq_thrift_int(t, 1, PQ_THRIFT_I32, type);
    pq_thrift_int(t, 2, PQ_THRIFT_I32, encoding);
    pq_thrift_int(t, 3, PQ_THRIFT_I32, count);
    pq_thrift_end(t);
}

static void column_metadata(struct pq_thrift *t, const struct ec_parquet *pq, const struct pq_group *g, size_t i) {
    const struct pq_chunk *chunk = &g->chunk[i];
    const struct pq_column *c = &pq->column[i];
    bool dict = chunk->dict_offset != 0;
    pq_thrift_struct(t, 3);
    pq_thrift_int(t, 1, PQ_THRIFT_I32, physical(c->type.type));
    /* A dictionary page is PLAIN itself. */
    pq_thrift_list(t, 2, PQ_THRIFT_I32, dict ? 3 : 2);
    pq_thrift_zigzag(t->out, PQ_PLAIN);
    pq_thrift_zigzag(t->out, PQ_RLE);
    if (dict) pq_thrift_zigzag(t->out, PQ_RLE_DICTIONARY);
    pq_thrift_list(t, 3, PQ_THRIFT_BINARY, 1);
    pq_thrift_bytes(t->out, c->name, strlen(c->name));
    pq_thrift_int(t, 4, PQ_THRIFT_I32, codec_number(pq->codec));
    pq_thrift_int(t, 5, PQ_THRIFT_I64, (int64_t)g->rows);
    pq_thrift_int(t, 6, PQ_THRIFT_I64, (int64_t)chunk->bytes_raw);
    pq_thrift_int(t, 7, PQ_THRIFT_I64, (int64_t)chunk->bytes_stored);
    pq_thrift_int(t, 9, PQ_THRIFT_I64, (int64_t)chunk->data_offset);
    if (dict) pq_thrift_int(t, 11, PQ_THRIFT_I64, (int64_t)chunk->dict_offset);
    statistics(t, chunk, c->type.type);
    pq_thrift_list(t, 13, PQ_THRIFT_STRUCT, (size_t)dict + (chunk->pages_coded > 0) + (chunk->pages_plain > 0));
    page_count(t, PAGE_DICTIONARY, PQ_PLAIN, dict);
    page_count(t, PAGE_DATA, PQ_RLE_DICTIONARY, chunk->pages_coded);
    page_count(t, PAGE_DATA, PQ_PLAIN, chunk->pages_plain);
    pq_thrift_end(t);
}

static void row_group(struct pq_thrift *t, const struct ec_parquet *pq, const struct pq_group *g) {
    uint64_t raw = 0, stored = 0;
    pq_thrift_begin(t);
    pq_thrift_list(t, 1, PQ_THRIFT_STRUCT, g->chunk_count);
    for (size_t i = 0; i < g->chunk_count; i++) {
        pq_thrift_begin(t);
        pq_thrift_int(t, 2, PQ_THRIFT_I64, 0); /* file_offset: obsolete; writers now give 0 */
        column_metadata(t, pq, g, i);
        pq_thrift_end(t);
        raw += g->chunk[i].bytes_raw;
        stored += g->chunk[i].bytes_stored;
    }
    const struct pq_chunk *first = &g->chunk[0];
    pq_thrift_int(t, 2, PQ_THRIFT_I64, (int64_t)raw);
    pq_thrift_int(t, 3, PQ_THRIFT_I64, (int64_t)g->rows);
    pq_thrift_int(t, 5, PQ_THRIFT_I64, (int64_t)(first->dict_offset ? first->dict_offset : first->data_offset));
    pq_thrift_int(t, 6, PQ_THRIFT_I64, (int64_t)stored);
    pq_thrift_end(t);
}

void pq_footer(struct ec_buf *out, const struct ec_parquet *pq) {
    static const char created_by[] = "ecluse version " EC_VERSION;
    struct pq_thrift t = {.out = out};
    size_t start = out->n;
    pq_thrift_int(&t, 1, PQ_THRIFT_I32, 1); /* version */
    schema(&t, pq);
    pq_thrift_int(&t, 3, PQ_THRIFT_I64, (int64_t)pq->rows);
    pq_thrift_list(&t, 4, PQ_THRIFT_STRUCT, pq->group_count);
    for (size_t g = 0; g < pq->group_count; g++) row_group(&t, pq, &pq->group[g]);
    pq_thrift_binary(&t, 6, created_by, sizeof created_by - 1);
    /* Without an order per column, readers must not use min_value and max_value. */
    pq_thrift_list(&t, 7, PQ_THRIFT_STRUCT, pq->column_count);
    for (size_t i = 0; i < pq->column_count; i++) {
        pq_thrift_begin(&t);
        pq_thrift_struct(&t, 1); /* TYPE_ORDER */
        pq_thrift_end(&t);
        pq_thrift_end(&t);
    }
    pq_thrift_end(&t);
    uint32_t length = (uint32_t)(out->n - start); /* the caller bounds the buffer to 31 bits */
    ec_buf_add(out, &length, 4);
    ec_buf_add(out, "PAR1", 4);
}
