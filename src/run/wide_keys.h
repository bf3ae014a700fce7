/* The columns by which a table is joined, a row group at a time, with a hash of each row's.
 *
 *     struct wide_keys keys;
 *     EC_TRY(wide_keys_init(&keys, files, &columns, err));
 *     for (size_t f = 0; f < files->count; f++) {
 *         EC_TRY(wide_keys_file(&keys, f, err));
 *         for (size_t g = 0; g < ec_parquet_groups(keys.file); g++) {
 *             EC_TRY(wide_keys_group(&keys, g, err));     // keys.rows, .hash, .present
 *             ... wide_keys_at(&keys, 0, row)
 *         }
 *     }
 *     wide_keys_deinit(&keys);
 *
 * Reads parts of our own encoder; others, and columns of another type, give EC_TABLE_FORMAT. A column that a file
 * lacks is null there. Memory: a row group of these columns. One thread. Private to run/.
 */
#ifndef EC_RUN_WIDE_KEYS_H
#define EC_RUN_WIDE_KEYS_H

#include "sql/model.h"
#include "store/parquet_read.h"

#define WIDE_KEYS_MAX 16u

struct wide_key_column {
    const char *name; /* borrowed */
    enum ec_type type;
};

struct wide_keys {
    const struct ec_model_files *files;
    struct wide_key_column column[WIDE_KEYS_MAX];
    size_t columns;
    struct ec_parquet_file *file;
    size_t file_index;
    struct ec_parquet_chunk chunk[WIDE_KEYS_MAX];
    bool lacks[WIDE_KEYS_MAX]; /* the file lacks the column */
    uint64_t *code_hash;       /* of a chunk's dictionary */
    size_t code_cap;
    size_t cap; /* rows that the arrays below hold */
    /* Of the row group: */
    size_t rows;
    uint64_t first;   /* number of its first row, with the file's above 32 bits (store/gather.h) */
    uint64_t *hash;   /* of the row's columns together */
    uint8_t *present; /* 1: none of them is null */
};

void wide_keys_init(struct wide_keys *keys, const struct ec_model_files *files);
void wide_keys_deinit(struct wide_keys *keys);
/* Opens a file; the one before is closed. */
enum ec_status wide_keys_file(struct wide_keys *keys, size_t index, struct ec_err *err) EC_MUST_USE;
enum ec_status wide_keys_group(struct wide_keys *keys, size_t group, struct ec_err *err) EC_MUST_USE;

/* The value of a row whose columns are present, in the layout of ec_column.values; a text is a view. */
static inline const void *wide_keys_at(const struct wide_keys *keys, size_t column, size_t row) {
    const struct ec_parquet_chunk *c = &keys->chunk[column];
    size_t width = ec_type_width(keys->column[column].type);
    if (row < c->coded_rows) return (const char *)c->dictionary + c->code[row] * width;
    return (const char *)c->plain + (row - c->coded_rows) * width;
}

/* Of two values in this layout. */
static inline bool wide_key_equal(enum ec_type type, const void *a, const void *b) {
    if (type != EC_TYPE_STRING) return memcmp(a, b, ec_type_width(type)) == 0;
    const struct ec_text *left = a, *right = b;
    return left->n == right->n && memcmp(ec_text_bytes(left), ec_text_bytes(right), left->n) == 0;
}

#endif
