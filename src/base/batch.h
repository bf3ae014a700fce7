/* The batch: up to EC_BATCH_ROWS rows of typed columns that stay in L2.
 *
 * It flows reader -> gate -> derive -> encoder, and from DuckDB's chunks into the
 * encoder. A column is a validity bitmap (bit set: a value is there) and an array of
 * fixed-width values:
 *
 *     string    struct ec_text  views, borrowed until the reader's next batch
 *     integer   int64_t
 *     float     double
 *     boolean   uint8_t         0 or 1
 *     datetime  int64_t         microseconds since 1970, UTC
 *     date      int32_t         days since 1970
 *     decimal   int64_t         value times 10^scale
 *
 * Values under a cleared validity bit are zero. Beside the columns a row carries where
 * its bytes lie, and the batch a list of faults: what is wrong with which row. A row
 * with an entry in `rejected` goes to quarantine. Nothing here allocates per row.
 */
#ifndef EC_BASE_BATCH_H
#define EC_BASE_BATCH_H

#include "base/arena.h"
#include "base/code.h"
#include "base/limits.h"
#include "base/err.h"

enum ec_type {
    EC_TYPE_STRING,
    EC_TYPE_INTEGER,
    EC_TYPE_FLOAT,
    EC_TYPE_BOOLEAN,
    EC_TYPE_DATETIME,
    EC_TYPE_DATE,
    EC_TYPE_DECIMAL,
};

struct ec_column_type {
    enum ec_type type;
    uint8_t precision; /* of a decimal, 1..EC_DECIMAL_PRECISION_MAX */
    uint8_t scale;     /* of a decimal, 0..precision */
};

/* Values that repeat, each once. It only grows: a code means the same as long as `id` does. */
struct ec_dictionary {
    uint64_t id;        /* no other dictionary of the process has it */
    uint32_t count;
    const void *values; /* as in ec_column.values; texts live as long as the dictionary */
};

/* A coded column has its values in a dictionary. In batches that are made for the encoder its
 * `values` then mean nothing; in a worker's, which ec_coder_run() codes, they stay. */
struct ec_column {
    const char *name; /* NUL-terminated; owned by the schema that the batch was made of */
    struct ec_column_type type;
    uint64_t *valid; /* EC_BATCH_ROWS bits */
    void *values;    /* EC_BATCH_ROWS values of ec_type_width() bytes, 64-byte aligned */
    const struct ec_dictionary *dictionary; /* NULL: not coded */
    const uint32_t *code;                   /* EC_BATCH_ROWS places in it; those of nulls mean nothing */
};

/* Where a row's bytes lie. The file and member are the task's. */
struct ec_place {
    uint64_t offset; /* of the record's first byte in the decoded stream */
    uint64_t line;   /* 1-based physical line of its first byte; the row number in a workbook */
    uint32_t length; /* bytes, without the line end or separator */
    const char *raw; /* those bytes, borrowed until the next batch; NULL past EC_RECORD_MAX */
};

#define EC_NO_COLUMN UINT32_MAX

struct ec_fault {
    uint32_t row;
    uint32_t column;       /* or EC_NO_COLUMN */
    enum ec_reason reason;
    uint32_t rule;         /* index of the rule for EC_REASON_RULE */
    struct ec_str value;   /* the offending text, borrowed until the next batch; may be empty */
};

struct ec_batch {
    size_t rows;
    size_t columns;
    size_t columns_cap;
    struct ec_column *column;
    struct ec_place *place; /* EC_BATCH_ROWS; NULL in batches that come from DuckDB */
    uint64_t *rejected;     /* bitmap over rows: quarantined, not accepted */
    uint64_t *duplicate;    /* bitmap over rows: rejected for a duplicate key alone */
    struct ec_fault *fault; /* in arena, in no order */
    size_t faults;
    size_t faults_cap;
    struct ec_arena scratch; /* unescaped texts and derived values; reset by ec_batch_reset */
    struct ec_arena memory;  /* the arrays above */
};

uint64_t ec_dictionary_id(void); /* a new one; callable from any thread */

size_t ec_type_width(enum ec_type type);
const char *ec_type_name(enum ec_type type); /* "datetime" */

static inline bool ec_bit(const uint64_t *bits, size_t i) {
    return (bits[i >> 6] >> (i & 63)) & 1u;
}
static inline void ec_bit_set(uint64_t *bits, size_t i) {
    bits[i >> 6] |= UINT64_C(1) << (i & 63);
}
static inline void ec_bit_clear(uint64_t *bits, size_t i) {
    bits[i >> 6] &= ~(UINT64_C(1) << (i & 63));
}

/* An empty batch without columns. */
enum ec_status ec_batch_init(struct ec_batch *batch, struct ec_err *err) EC_MUST_USE;
void ec_batch_deinit(struct ec_batch *batch);

/* Adds a column, all null for the rows already there. `name` is borrowed for the
 * batch's life. *index receives its place. */
enum ec_status ec_batch_add_column(struct ec_batch *batch, const char *name, struct ec_column_type type,
                                   size_t *index, struct ec_err *err) EC_MUST_USE;

/* Forgets the rows and faults, clears validity and zeroes what was used. */
void ec_batch_reset(struct ec_batch *batch);

/* Records a fault and marks the row rejected. EC_NO_MEMORY where the arena is full. */
enum ec_status ec_batch_fault(struct ec_batch *batch, struct ec_fault fault, struct ec_err *err) EC_MUST_USE;

static inline struct ec_text *ec_column_text(const struct ec_column *c) { return c->values; }
static inline int64_t *ec_column_int(const struct ec_column *c) { return c->values; }
static inline double *ec_column_double(const struct ec_column *c) { return c->values; }
static inline uint8_t *ec_column_bool(const struct ec_column *c) { return c->values; }
static inline int32_t *ec_column_days(const struct ec_column *c) { return c->values; }

/* The value of a cell as people read it, for samples and reasons: NUL-terminated,
 * from the batch's scratch; "" for null. Its pointer is NULL where there is no memory. */
struct ec_str ec_batch_cell_text(struct ec_batch *batch, size_t column, size_t row);

#endif
