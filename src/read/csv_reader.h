/* The CSV reader's own struct, for csv.c, csv_row.c and tests. */
#ifndef EC_READ_CSV_READER_H
#define EC_READ_CSV_READER_H

#include "read/csv_input.h"
#include "read/reader.h"

struct ec_csv_column {
    const struct ec_schema_column *schema;
    uint32_t column; /* of the batch */
    bool direct;     /* neither null_values, formats nor timezone: the type alone says what a text is */
};

struct ec_csv_reader {
    struct ec_reader base;
    struct ec_csv_input *input;
    struct ec_csv_column *column; /* of the file, in its order */
    size_t columns;
    struct ec_arena arena;
};

/* As ec_reader_open() with other limits than those of limits.h; a member that is 0 stays as it is. */
enum ec_status ec_csv_reader_open(const struct ec_reader_args *args, const struct ec_csv_limits *limits,
                                  struct ec_batch *batch, struct ec_reader **reader, struct ec_err *err) EC_MUST_USE;

/* Appends a record as a row; `overlong` where its bytes lie in the window no more. */
enum ec_status ec_csv_row_add(struct ec_csv_reader *reader, const struct ec_csv_record *record, bool overlong,
                              struct ec_batch *batch, struct ec_err *err) EC_MUST_USE;

#endif
