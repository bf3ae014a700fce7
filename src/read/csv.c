#include "read/csv_reader.h"

#include "base/io.h"
#include "read/column_name.h"
#include "read/csv_header.h"

/* Names of a header and the map of its columns. */
#define READER_MEMORY_MAX ((size_t)8 * EC_MIB)

static const struct ec_schema_column UNDECLARED = {.name = "", .type = {.type = EC_TYPE_STRING}};

static size_t declared(const struct ec_source *source, struct ec_str name) {
    for (size_t i = 0; i < source->column_count; i++)
        if (ec_str_is(name, source->column[i].name)) return i;
    return SIZE_MAX;
}

static enum ec_status add_undeclared(struct ec_csv_reader *reader, struct ec_str name, struct ec_batch *batch,
                                     size_t *index, struct ec_err *err) {
    const struct ec_source *source = reader->base.source;
    if (reader->base.undeclared == EC_UNDECLARED_MAX)
        return ec_fail(err, EC_TOO_MANY_COLUMNS,
                       "the header has more than %u columns that the schema of %s does not declare; declare them under "
                       "optional_columns or ask for the file again",
                       EC_UNDECLARED_MAX, source->name);
    const char *free_name = ec_column_name(source, batch, name);
    if (!free_name) return ec_fail(err, EC_NO_MEMORY, "no memory for a column name");
    reader->base.undeclared++;
    return ec_batch_add_column(batch, free_name, UNDECLARED.type, index, err);
}

static enum ec_status number_cells(struct ec_csv_reader *reader, size_t count, size_t batch_columns, struct ec_err *err) {
    uint32_t *cell_of = ec_arena_alloc(&reader->arena, (batch_columns + 1) * sizeof *cell_of);
    if (!cell_of) return ec_fail(err, EC_NO_MEMORY, "no memory for %zu columns", count);
    memset(cell_of, 0xFF, (batch_columns + 1) * sizeof *cell_of);
    for (size_t i = 0; i < count; i++) cell_of[reader->column[i].column] = (uint32_t)i;
    reader->base.cell_of = cell_of;
    reader->base.cell_of_count = batch_columns;
    return EC_OK;
}

/* Header names onto batch columns. */
static enum ec_status map_columns(struct ec_csv_reader *reader, const struct ec_str *name, size_t count,
                                  struct ec_batch *batch, struct ec_err *err) {
    const struct ec_source *source = reader->base.source;
    reader->column = ec_arena_calloc(&reader->arena, count, sizeof *reader->column);
    if (!reader->column) return ec_fail(err, EC_NO_MEMORY, "no memory for %zu columns", count);
    for (size_t i = 0; i < count; i++) {
        size_t index = declared(source, name[i]);
        const struct ec_schema_column *schema = &UNDECLARED;
        if (index != SIZE_MAX) {
            schema = &source->column[index];
            reader->base.present[index] = true;
        } else {
            EC_TRY(add_undeclared(reader, name[i], batch, &index, err));
        }
        bool direct = schema->null_value_count == 0 && schema->format_count == 0 && !schema->timezone;
        reader->column[i] = (struct ec_csv_column){.schema = schema, .column = (uint32_t)index, .direct = direct};
    }
    EC_TRY(number_cells(reader, count, batch->columns, err));
    reader->columns = count;
    reader->input->scanner.expected = count;
    reader->stride = reader->input->scanner.cell_max = count + 1;
    reader->block = ec_arena_alloc(&reader->arena, EC_CSV_BLOCK_ROWS * reader->stride * sizeof *reader->block);
    if (!reader->block) return ec_fail(err, EC_NO_MEMORY, "no memory for %zu columns", count);
    return EC_OK;
}

static enum ec_status open_file(struct ec_csv_reader *reader, const struct ec_reader_args *args,
                                const struct ec_csv_limits *limits, struct ec_batch *batch, struct ec_err *err) {
    const struct ec_source *source = args->source;
    reader->base.present = ec_arena_calloc(&reader->arena, source->column_count, sizeof(bool));
    if (!reader->base.present) return ec_fail(err, EC_NO_MEMORY, "no memory for %zu columns", source->column_count);
    struct ec_csv_input_args input = {.source = source,
                                      .stream = args->stream,
                                      .first_offset = args->first_offset,
                                      .first_line = args->first_line,
                                      .limits = *limits};
    EC_TRY(ec_csv_input_open(&input, &reader->input, err));
    const struct ec_str *name = args->header;
    size_t count = args->header_count;
    if (!name) EC_TRY(ec_csv_header_read(reader->input, args->path, &reader->arena, &name, &count, err));
    return map_columns(reader, name, count, batch, err);
}

static void csv_close(struct ec_reader *base) {
    struct ec_csv_reader *reader = (struct ec_csv_reader *)base;
    ec_csv_input_close(reader->input);
    ec_arena_deinit(&reader->arena);
    ec_free(reader);
}

enum ec_status ec_csv_reader_open(const struct ec_reader_args *args, const struct ec_csv_limits *limits,
                                  struct ec_batch *batch, struct ec_reader **out, struct ec_err *err) {
    const char *encoding = args->source->encoding;
    struct ec_csv_reader *reader = ec_calloc(1, sizeof *reader);
    if (!reader) return ec_fail(err, EC_NO_MEMORY, "no memory to read CSV");
    ec_arena_init(&reader->arena, READER_MEMORY_MAX);
    reader->base = (struct ec_reader){.type = &ec_reader_csv,
                                      .source = args->source,
                                      .header_first = true,
                                      .encoding = encoding ? encoding : "utf-8",
                                      .layout = "csv"};
    enum ec_status status = open_file(reader, args, limits, batch, err);
    if (status != EC_OK) {
        csv_close(&reader->base);
        return status;
    }
    *out = &reader->base;
    return EC_OK;
}

static enum ec_status csv_open(const struct ec_reader_args *args, struct ec_batch *batch, struct ec_reader **reader,
                               struct ec_err *err) {
    return ec_csv_reader_open(args, &(struct ec_csv_limits){0}, batch, reader, err);
}

/* The window stays while rows of the batch point into it, so that a batch also ends with it. */
static enum ec_status csv_next(struct ec_reader *base, struct ec_batch *batch, struct ec_err *err) {
    struct ec_csv_reader *reader = (struct ec_csv_reader *)base;
    while (batch->rows < EC_BATCH_ROWS) {
        struct ec_csv_record record;
        enum ec_csv_found found;
        ec_csv_row_begin(reader, batch);
        EC_TRY(ec_csv_input_next(reader->input, batch->rows == 0, &record, &found, err));
        if (found == EC_CSV_END || found == EC_CSV_MORE) break;
        EC_TRY(ec_csv_row_add(reader, &record, found == EC_CSV_OVERLONG, batch, err));
        if (batch->rows % EC_CSV_BLOCK_ROWS == 0) EC_TRY(ec_csv_block_parse(reader, batch, err));
    }
    return ec_csv_block_parse(reader, batch, err);
}

const struct ec_reader_type ec_reader_csv = {
    .name = "csv", .format = EC_FORMAT_CSV, .open = csv_open, .next = csv_next, .close = csv_close};
