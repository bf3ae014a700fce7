/* The CSV reader's own struct, for csv.c, csv_row.c, csv_block.c and tests. */
#ifndef EC_READ_CSV_READER_H
#define EC_READ_CSV_READER_H

#include "read/cell_fast.h"
#include "read/csv_input.h"
#include "read/reader.h"

#define EC_CSV_BLOCK_ROWS 64u /* a word of a validity bitmap */

struct ec_csv_column {
    const struct ec_schema_column *schema;
    uint32_t column; /* of the batch */
    bool direct;     /* neither null_values, formats nor timezone: the type alone says what a text is */
    struct ec_day day;
};

struct ec_csv_reader {
    struct ec_reader base;
    struct ec_csv_input *input;
    struct ec_csv_column *column; /* of the file, in its order */
    size_t columns;
    /* The cells of up to 64 rows, which are parsed column by column once they are all there: `stride`
     * places a row, one more than columns. */
    struct ec_csv_cell *block;
    size_t stride;
    uint64_t waiting; /* rows of the block whose cells are yet to be parsed */
    struct ec_arena arena;
};

/* As ec_reader_open() with other limits than those of limits.h; a member that is 0 stays as it is. */
enum ec_status ec_csv_reader_open(const struct ec_reader_args *args, const struct ec_csv_limits *limits,
                                  struct ec_batch *batch, struct ec_reader **reader, struct ec_err *err) EC_MUST_USE;

/* Where the scanner is to put the cells of the batch's next row. */
void ec_csv_row_begin(struct ec_csv_reader *reader, const struct ec_batch *batch);
/* Appends the record that was scanned as a row; `overlong` where its bytes lie in the window no more.
 * The cells of a good one wait for ec_csv_block_parse(). */
enum ec_status ec_csv_row_add(struct ec_csv_reader *reader, const struct ec_csv_record *record, bool overlong,
                              struct ec_batch *batch, struct ec_err *err) EC_MUST_USE;
/* Any cell, as carefully as need be; in a row that is not `whole` without a fault of its own. */
enum ec_status ec_csv_cell_add(struct ec_csv_reader *reader, const struct ec_csv_cell *cell, size_t column, bool whole,
                               struct ec_batch *batch, size_t row, struct ec_err *err) EC_MUST_USE;

/* csv_block.c: parses the cells that wait. To be called where a block is full and where a batch ends. */
enum ec_status ec_csv_block_parse(struct ec_csv_reader *reader, struct ec_batch *batch, struct ec_err *err) EC_MUST_USE;

#endif
