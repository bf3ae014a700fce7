/* What wide.c is made of: the narrow rows of a run, a joined table's rows, a column of the result.
 * Private to run/. */
#ifndef EC_RUN_WIDE_ROWS_H
#define EC_RUN_WIDE_ROWS_H

#include "sql/model.h"
#include "store/gather.h"

#define WIDE_SLICE_ROWS ((size_t)EC_BATCH_ROWS * 8)
#define WIDE_RUN_ROWS   (WIDE_SLICE_ROWS * 16)
#define WIDE_RUNS       8u /* that are held while the narrow query is under way */

/* ---- the narrow rows ---- */

struct wide_value {
    struct ec_column_type type;
    size_t width;
    char *values;
    uint64_t *valid;
};

struct wide_values {
    size_t rows;
    size_t tables, values;
    uint64_t **id; /* per table: row numbers; EC_GATHER_NONE */
    struct wide_value *value;
    struct ec_arena arena, text;
};

/* Room for sorting, shared by the runs. */
struct wide_spare {
    uint64_t *order; /* WIDE_RUN_ROWS of each */
    char *values;
    uint64_t *valid;
};

enum ec_status wide_values_init(struct wide_values *v, const struct ec_model_wide *plan, const struct ec_model_table *table,
                                struct ec_err *err) EC_MUST_USE;
void wide_values_deinit(struct wide_values *v);
/* Without rows again; the memory stays. */
void wide_values_clear(struct wide_values *v);
/* Copies a batch of the narrow query. */
enum ec_status wide_values_add(struct wide_values *v, const struct ec_batch *batch, struct ec_err *err) EC_MUST_USE;
/* Brings the rows into the order of their numbers, table by table; rows of the same numbers stay as they came. */
void wide_values_sort(struct wide_values *v, const struct wide_spare *spare);

/* ---- a joined table ---- */

struct wide_table {
    struct ec_gather *gather;
    bool whole_run;     /* its rows were fetched for the run, not the slice */
    uint64_t *unique;   /* rows that were fetched, ascending */
    size_t unique_count;
    uint32_t *place;    /* of each row of the run or slice, among the unique ones */
    const uint32_t *at; /* of the slice */
    bool missing;       /* some row of the slice has no row here */
    uint64_t *has;      /* a bit per row of the slice */
    uint64_t *key;      /* for sorting: WIDE_RUN_ROWS, twice */
    uint32_t *index;
    size_t cap; /* rows that the arrays hold */
    uint64_t dictionary_id; /* of this fetch */
};

enum ec_status wide_table_open(struct wide_table *t, const struct ec_gather_options *options, struct ec_err *err) EC_MUST_USE;
void wide_table_close(struct wide_table *t);
/* Decides how the run is fetched, and fetches it where that is at once. */
enum ec_status wide_table_run(struct wide_table *t, const uint64_t *id, size_t n, struct ec_err *err) EC_MUST_USE;
/* The slice's rows id[0..n-1], which are the run's from `first` on. */
enum ec_status wide_table_slice(struct wide_table *t, const uint64_t *id, size_t first, size_t n, struct ec_err *err) EC_MUST_USE;

/* ---- a column of the result ---- */

struct wide_column {
    struct ec_column_type type;
    size_t width;
    uint64_t *valid;
    uint32_t *code;
    char *values;
    struct ec_dictionary own;
    /* What the slice shows. */
    const struct ec_dictionary *dictionary;
    const uint32_t *shown_code;
    const char *shown_values;
    uint64_t *shown_valid;
};

enum ec_status wide_column_init(struct wide_column *c, struct ec_column_type type, struct ec_err *err) EC_MUST_USE;
void wide_column_deinit(struct wide_column *c);
void wide_column_value(struct wide_column *c, const struct wide_values *v, size_t value, size_t first);
void wide_column_gather(struct wide_column *c, struct wide_table *t, size_t column, size_t n);
/* Points `out` at the rows from `first`, a multiple of 64. */
void wide_column_show(const struct wide_column *c, size_t first, struct ec_column *out);

#endif
