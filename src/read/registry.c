#include "read/reader.h"

enum ec_status ec_reader_columns(const struct ec_source *source, struct ec_batch *batch, struct ec_err *err) {
    size_t index;
    for (size_t i = 0; i < source->column_count; i++)
        EC_TRY(ec_batch_add_column(batch, source->column[i].name, source->column[i].type, &index, err));
    return EC_OK;
}

enum ec_status ec_reader_open(const struct ec_reader_type *type, const struct ec_reader_args *args,
                              struct ec_batch *batch, struct ec_reader **reader, struct ec_err *err) {
    *reader = NULL;
    return type->open(args, batch, reader, err);
}

enum ec_status ec_reader_next(struct ec_reader *reader, struct ec_batch *batch, struct ec_err *err) {
    ec_batch_reset(batch);
    return reader->type->next(reader, batch, err);
}

void ec_reader_close(struct ec_reader *reader) {
    if (reader) reader->type->close(reader);
}
