#include "run/wide_keys.h"

#include "base/hash.h"
#include "base/io.h"

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the keys of a joined table"); }

void wide_keys_init(struct wide_keys *k, const struct ec_model_files *files) { *k = (struct wide_keys){.files = files}; }

void wide_keys_deinit(struct wide_keys *k) {
    for (size_t i = 0; i < WIDE_KEYS_MAX; i++) ec_parquet_chunk_deinit(&k->chunk[i]);
    ec_parquet_close(k->file);
    ec_free(k->code_hash);
    ec_free(k->hash);
    ec_free(k->present);
    *k = (struct wide_keys){0};
}

enum ec_status wide_keys_file(struct wide_keys *k, size_t index, struct ec_err *err) {
    ec_parquet_close(k->file);
    k->file = NULL;
    k->file_index = index;
    EC_TRY(ec_parquet_open(k->files->file[index].path, &k->file, err));
    for (size_t i = 0; i < k->columns; i++) {
        size_t place = ec_parquet_find(k->file, k->column[i].name);
        k->lacks[i] = place == SIZE_MAX;
        if (k->lacks[i] || ec_parquet_file_column(k->file, place)->type.type == k->column[i].type) continue;
        return ec_fail(err, EC_TABLE_FORMAT, "the column %s of %s is not %s", k->column[i].name, k->files->file[index].path,
                       ec_type_name(k->column[i].type));
    }
    return EC_OK;
}

static enum ec_status reserve(struct wide_keys *k, size_t rows, size_t codes, struct ec_err *err) {
    if (rows > k->cap) {
        uint64_t *hash = ec_realloc_array(k->hash, rows, sizeof *hash);
        if (hash) k->hash = hash;
        uint8_t *present = ec_realloc_array(k->present, rows, 1);
        if (present) k->present = present;
        if (!hash || !present) return no_memory(err);
        k->cap = rows;
    }
    if (codes > k->code_cap) {
        uint64_t *hash = ec_realloc_array(k->code_hash, codes, sizeof *hash);
        if (!hash) return no_memory(err);
        k->code_hash = hash;
        k->code_cap = codes;
    }
    return EC_OK;
}

static inline uint64_t hash_of(enum ec_type type, const void *value) {
    if (type != EC_TYPE_STRING) return ec_hash64(value, ec_type_width(type));
    const struct ec_text *text = value;
    return ec_hash64(ec_text_bytes(text), text->n);
}

/* Order counts, so that (a, b) and (b, a) differ. */
static inline uint64_t joined(uint64_t hash, uint64_t more) {
    hash = (hash ^ more) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static void mark_nulls(struct wide_keys *k, const uint64_t *valid) {
    for (size_t i = 0; i < k->rows; i++) k->present[i] &= (uint8_t)ec_bit(valid, i);
}

/* Joins the column's hashes to those of the columns before it. A null has code 0, or a value of zeros. */
static enum ec_status add_column(struct wide_keys *k, size_t column, struct ec_err *err) {
    const struct ec_parquet_chunk *c = &k->chunk[column];
    enum ec_type type = k->column[column].type;
    size_t width = ec_type_width(type);
    const char *value = c->dictionary;
    EC_TRY(reserve(k, k->rows, (size_t)c->dictionary_count + 1, err));
    k->code_hash[0] = 0; /* a chunk of nulls alone has no dictionary */
    for (size_t i = 0; i < c->dictionary_count; i++, value += width) k->code_hash[i] = hash_of(type, value);
    for (size_t i = 0; i < c->coded_rows; i++) k->hash[i] = joined(k->hash[i], k->code_hash[c->code[i]]);
    value = c->plain;
    for (size_t i = c->coded_rows; i < k->rows; i++, value += width) k->hash[i] = joined(k->hash[i], hash_of(type, value));
    if (c->valid) mark_nulls(k, c->valid);
    return EC_OK;
}

enum ec_status wide_keys_group(struct wide_keys *k, size_t group, struct ec_err *err) {
    k->rows = ec_parquet_group_rows(k->file, group);
    k->first = ((uint64_t)k->file_index << 32) + ec_parquet_group_first(k->file, group);
    EC_TRY(reserve(k, k->rows, 0, err));
    memset(k->hash, 0, k->rows * sizeof *k->hash);
    memset(k->present, 1, k->rows);
    for (size_t i = 0; i < k->columns; i++) {
        if (k->lacks[i]) {
            memset(k->present, 0, k->rows);
            continue;
        }
        EC_TRY(ec_parquet_chunk_open(&k->chunk[i], k->file, group, ec_parquet_find(k->file, k->column[i].name), err));
        EC_TRY(ec_parquet_chunk_all(&k->chunk[i], err));
        EC_TRY(add_column(k, i, err));
    }
    return EC_OK;
}
