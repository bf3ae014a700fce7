/* CSV: the reader gives what the plain oracle of the unit tests gives, with every SIMD variant, window and step;
 * and any split into ranges gives the rows of the whole. */
#include "csv_oracle.h"
#include "rows.h"

#include "read/csv_split.h"
#include "scan/scan.h"

#include <stdlib.h>

static struct ec_schema_column texts[] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
static const struct ec_str names[] = {EC_STR("a"), EC_STR("b"), EC_STR("c")};
static const struct ec_source text_source = {.name = "texts", .column = texts, .column_count = 3};

static const char *formats[] = {"%d/%m/%Y", "%Y%m%d %H:%M:%S", "%d.%m.%Y %H:%M:%S.%f %z"};
static struct ec_str nulls[] = {EC_STR("NULL"), EC_STR("n/a")};
static struct ec_schema_column typed[] = {
    {.name = "i", .type = {.type = EC_TYPE_INTEGER}},
    {.name = "s", .type = {.type = EC_TYPE_STRING}, .null_values = nulls, .null_value_count = 2},
    {.name = "f", .type = {.type = EC_TYPE_FLOAT}, .null_values = nulls, .null_value_count = 1},
    {.name = "b", .type = {.type = EC_TYPE_BOOLEAN}},
    {.name = "t", .type = {.type = EC_TYPE_DATETIME}},
    {.name = "u", .type = {.type = EC_TYPE_DATETIME}, .formats = formats, .format_count = 3, .timezone = "+02:00"},
    {.name = "d", .type = {.type = EC_TYPE_DATE}},
    {.name = "e", .type = {.type = EC_TYPE_DATE}, .formats = formats, .format_count = 1},
    {.name = "m", .type = {.type = EC_TYPE_DECIMAL, .precision = 10, .scale = 2}},
};
static const struct ec_source typed_source = {.name = "typed", .column = typed, .column_count = 9};

static enum ec_status open_csv(const void *limits, const struct ec_reader_args *args, struct ec_batch *batch,
                               struct ec_reader **reader, struct ec_err *err) {
    return ec_csv_reader_open(args, limits, batch, reader, err);
}

static struct ec_csv_limits pick_limits(struct fuzz_choice *choice) {
    struct ec_csv_limits limits = {.window = fuzz_pick(choice, 12) ? 64 + fuzz_pick(choice, 300) : 0};
    if (fuzz_pick(choice, 2)) limits.field = 1 + fuzz_pick(choice, 60);
    if (fuzz_pick(choice, 2)) limits.record = 1 + fuzz_pick(choice, 200);
    if (!limits.record && limits.window) limits.record = 300 + fuzz_pick(choice, 600);
    return limits;
}

/* Text columns and no header in the file: what the oracle knows. */
static void against_oracle(const char *p, size_t n, struct fuzz_choice *choice) {
    struct ec_csv_limits limits = pick_limits(choice);
    struct ec_err err = {0};
    struct ec_batch batch;
    struct ec_buf expected = ec_buf_make(64 * EC_MIB), rows = ec_buf_make(64 * EC_MIB);
    struct oracle o = {.p = p,
                       .n = n,
                       .separator = ',',
                       .field_max = limits.field ? limits.field : EC_FIELD_MAX,
                       .record_max = limits.record ? limits.record : EC_RECORD_MAX,
                       .name = names,
                       .names = 3,
                       .at = n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0,
                       .line = 1};
    oracle_read(&o, &expected);
    fuzz_need(ec_batch_init(&batch, &err), &err);
    fuzz_need(ec_reader_columns(&text_source, &batch, &err), &err);
    struct rows_args args = {.source = &text_source,
                             .limits = limits,
                             .step = fuzz_pick(choice, 2) ? 1 + fuzz_pick(choice, 40) : 0,
                             .header = names,
                             .header_count = 3};
    char *copy = fuzz_copy(p, n);
    enum ec_status status = rows_read(&args, copy, n, &batch, &rows, &err);
    if (status == EC_OK)
        fuzz_same(&rows, &expected, "reader and oracle");
    else
        FUZZ_CHECK(status == EC_ENCODING, "%s: %s", ec_status_text(status)->slug, err.message); /* marked as UTF-16 */
    free(copy);
    ec_batch_deinit(&batch);
    ec_buf_free(&rows);
    ec_buf_free(&expected);
}

/* The ranges that a file is cut into, one behind the other. */
static void read_split(const char *p, size_t n, struct ec_csv_limits limits, uint64_t chunk, struct ec_buf *out) {
    struct ec_err err = {0};
    struct ec_arena arena;
    struct ec_stream *stream;
    struct ec_csv_input *in = NULL;
    const struct ec_range *range = NULL;
    const struct ec_str *header;
    size_t count = 0, columns;
    ec_arena_init(&arena, 16 * EC_MIB);
    fuzz_need(ec_stream_memory(p, n, 0, &stream, &err), &err);
    struct ec_csv_input_args args = {.source = &typed_source, .stream = stream, .limits = limits};
    fuzz_need(ec_csv_input_open(&args, &in, &err), &err);
    fuzz_need(ec_csv_split_input(in, "fuzz", chunk, &arena, &range, &count, &err), &err);
    ec_csv_input_close(in);
    ec_stream_close(stream);
    fuzz_need(ec_csv_header(fuzz_file(0, p, n), &typed_source, &arena, &header, &columns, &err), &err);
    FUZZ_CHECK(count > 0 && range[0].start == 0 && range[count - 1].end == n, "ranges do not cover the file");
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(i == 0 || range[i].start == range[i - 1].end, "range %zu does not follow", i);
        struct fuzz_read read = {.source = &typed_source,
                                 .p = p + range[i].start,
                                 .n = (size_t)(range[i].end - range[i].start),
                                 .first_offset = range[i].start,
                                 .first_line = range[i].line,
                                 .header = i ? header : NULL,
                                 .header_count = i ? columns : 0,
                                 .open = open_csv,
                                 .limits = &limits};
        (void)fuzz_rows(&read, out);
    }
    ec_arena_deinit(&arena);
}

static void splits(const char *p, size_t n, struct fuzz_choice *choice) {
    struct ec_csv_limits limits = {0};
    if (fuzz_pick(choice, 2))
        limits = (struct ec_csv_limits){64 + fuzz_pick(choice, 200), 0, 60 + fuzz_pick(choice, 300)};
    struct ec_buf whole = ec_buf_make(64 * EC_MIB), parts = ec_buf_make(64 * EC_MIB);
    struct fuzz_read read = {.source = &typed_source, .p = p, .n = n, .open = open_csv, .limits = &limits};
    if (fuzz_rows(&read, &whole) == EC_OK) {
        read_split(p, n, limits, 1 + fuzz_pick(choice, n + 1), &parts);
        fuzz_same(&parts, &whole, "ranges and whole");
    }
    read.step = 1 + fuzz_pick(choice, 70);
    ec_buf_clear(&parts);
    (void)fuzz_rows(&read, &parts);
    fuzz_same(&parts, &whole, "steps and whole");
    ec_buf_free(&whole);
    ec_buf_free(&parts);
}

/* Every variant gives the rows of the scalar one. */
static void variants(const char *p, size_t n, struct fuzz_choice *choice, const char *encoding) {
    struct ec_source source = typed_source;
    source.encoding = encoding;
    source.delimiter = ",;\t|"[fuzz_pick(choice, 4)];
    struct ec_csv_limits limits = pick_limits(choice);
    struct ec_buf scalar = ec_buf_make(64 * EC_MIB), rows = ec_buf_make(64 * EC_MIB);
    size_t count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(ec_scan_use(variant[i]->name), "no variant %s", variant[i]->name);
        struct fuzz_read read = {.source = &source, .p = p, .n = n, .open = open_csv, .limits = &limits};
        read.step = fuzz_pick(choice, 2) ? 1 + fuzz_pick(choice, 100) : 0;
        ec_buf_clear(&rows);
        (void)fuzz_rows(&read, i ? &rows : &scalar);
        if (i) fuzz_same(&rows, &scalar, variant[i]->name);
    }
    ec_buf_free(&scalar);
    ec_buf_free(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    static const char *const encodings[] = {"windows-1252", "latin-1", "utf-16le", "utf-16be"};
    const char *p = (const char *)bytes;
    struct fuzz_choice choice = fuzz_choice_of(p, n);
    size_t count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    FUZZ_CHECK(ec_scan_use(variant[fuzz_pick(&choice, count)]->name), "no variant");
    against_oracle(p, n, &choice);
    splits(p, n, &choice);
    variants(p, n, &choice, NULL);
    if (fuzz_pick(&choice, 4) == 0) variants(p, n, &choice, encodings[fuzz_pick(&choice, 4)]);
    return 0;
}
