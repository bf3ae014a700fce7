/* JSON: predicted and strict reading, every SIMD variant, window and step give the same rows; any split of lines
 * gives the rows of the whole; a row that is accepted is JSON by jansson, with the same values. */
#include "rows.h"

#include "read/json_reader.h"
#include "read/json_split.h"
#include "scan/scan.h"

#include <jansson.h>
#include <stdlib.h>

static struct ec_str nulls[] = {EC_STR("NULL"), EC_STR("-")};
static const char *formats[] = {"%d/%m/%Y %H:%M"};
static struct ec_schema_column columns[] = {
    {.name = "a", .type = {.type = EC_TYPE_INTEGER}},
    {.name = "s", .type = {.type = EC_TYPE_STRING}},
    {.name = "f", .type = {.type = EC_TYPE_FLOAT}},
    {.name = "b", .type = {.type = EC_TYPE_BOOLEAN}},
    {.name = "t", .type = {.type = EC_TYPE_DATETIME}},
    {.name = "d", .type = {.type = EC_TYPE_DATE}},
    {.name = "m", .type = {.type = EC_TYPE_DECIMAL, .precision = 10, .scale = 2}},
    {.name = "n", .type = {.type = EC_TYPE_STRING}, .null_values = nulls, .null_value_count = 2},
    {.name = "u", .type = {.type = EC_TYPE_DATETIME}, .formats = formats, .format_count = 1, .timezone = "-05:30"},
};
static const struct ec_source source = {
    .name = "fuzz", .format = EC_FORMAT_JSON, .column = columns, .column_count = sizeof columns / sizeof *columns};

static enum ec_status open_json(const void *limits, const struct ec_reader_args *args, struct ec_batch *batch,
                                struct ec_reader **reader, struct ec_err *err) {
    (void)batch;
    return ec_json_open(args, limits, reader, err);
}

static void check_string(const struct ec_batch *batch, size_t row, const json_t *object) {
    const json_t *value = json_object_get(object, columns[1].name);
    const struct ec_column *c = &batch->column[1];
    if (!json_is_string(value)) return;
    struct ec_str ours = {"", 0}, theirs = {json_string_value(value), json_string_length(value)};
    if (ec_bit(c->valid, row)) ours = ec_text_str(&ec_column_text(c)[row]);
    FUZZ_CHECK(ec_str_eq(ours, theirs), "a string is %.*s for us and %.*s for jansson", (int)ours.n, ours.p,
               (int)theirs.n, theirs.p);
}

static void check_numbers(const struct ec_batch *batch, size_t row, const json_t *object) {
    const json_t *whole = json_object_get(object, columns[0].name), *real = json_object_get(object, columns[2].name);
    if (json_is_integer(whole))
        FUZZ_CHECK(ec_bit(batch->column[0].valid, row) &&
                       ec_column_int(&batch->column[0])[row] == json_integer_value(whole),
                   "an integer differs from jansson's %lld", (long long)json_integer_value(whole));
    double ours = ec_column_double(&batch->column[2])[row], theirs = json_number_value(real);
    if (json_is_number(real) && !json_is_integer(real))
        FUZZ_CHECK(ec_bit(batch->column[2].valid, row) && !(ours < theirs) && !(ours > theirs),
                   "a float is %.17g for us and %.17g for jansson", ours, theirs);
}

/* jansson has no way to keep these: keys with NUL, numbers past its range. */
static bool is_its_limit(const json_error_t *cause) {
    enum json_error_code code = json_error_code(cause);
    return code == json_error_null_byte_in_key || code == json_error_numeric_overflow;
}

static void by_jansson(struct ec_batch *batch, size_t row) {
    const struct ec_place *place = &batch->place[row];
    if (ec_bit(batch->rejected, row) || !place->raw) return;
    json_error_t cause;
    json_t *object = json_loadb(place->raw, place->length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &cause);
    if (!object && is_its_limit(&cause)) return;
    if (!object) fuzz_fail("accepted, but jansson says %s: %.*s", cause.text, (int)place->length, place->raw);
    FUZZ_CHECK(json_is_object(object), "a row is no object");
    check_string(batch, row, object);
    check_numbers(batch, row, object);
    json_decref(object);
}

/* A file that begins with damage is JSON where a record's line is met in the first window: its size must stay. */
static bool begins_well(const char *p, size_t n) {
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3, n -= 3;
    while (n > 0 && strchr(" \t\r\n", *p) && *p) p++, n--;
    return n > 0 && (*p == '[' || *p == '{');
}

/* A window that holds the whole text is as good as the usual one, and cheaper to make by far. */
static size_t large_window(size_t n, struct fuzz_choice *choice) {
    return n < 8192 && fuzz_pick(choice, 16) ? 8192 : 0;
}

static struct ec_json_options pick_options(struct fuzz_choice *choice, size_t n, bool any_window) {
    struct ec_json_options options = {.strict = fuzz_pick(choice, 2), .window_bytes = large_window(n, choice)};
    if (fuzz_pick(choice, 3) && any_window) options.window_bytes = 16 + fuzz_pick(choice, 500);
    return options;
}

static void read_split(const struct fuzz_read *whole, uint64_t chunk, struct ec_buf *out) {
    struct ec_arena arena;
    struct ec_err err = {0};
    struct ec_range *range = NULL;
    size_t count = 0;
    ec_arena_init(&arena, 16 * EC_MIB);
    fuzz_need(ec_json_split(fuzz_file(0, whole->p, whole->n), &source, chunk, &arena, &range, &count, &err), &err);
    FUZZ_CHECK(count > 0 && range[0].start == 0 && range[count - 1].end == whole->n, "ranges do not cover the file");
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(i == 0 || range[i].start == range[i - 1].end, "range %zu does not follow", i);
        struct fuzz_read read = *whole;
        read.p = whole->p + range[i].start;
        read.n = (size_t)(range[i].end - range[i].start);
        read.first_offset = range[i].start;
        read.first_line = range[i].line;
        read.look = NULL;
        (void)fuzz_rows(&read, out);
    }
    ec_arena_deinit(&arena);
}

/* A compressed file is no matter of this reader. */
static bool is_archive(const char *p, size_t n) {
    return n >= 2 && (memcmp(p, "\x1f\x8b", 2) == 0 || memcmp(p, "PK", 2) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    const char *p = (const char *)bytes;
    struct fuzz_choice choice = fuzz_choice_of(p, n);
    struct ec_buf first = ec_buf_make(64 * EC_MIB), other = ec_buf_make(64 * EC_MIB);
    struct ec_json_options options = {.strict = true, .window_bytes = large_window(n, &choice)};
    if (fuzz_pick(&choice, 3) == 0) options.record_max = 10 + fuzz_pick(&choice, 200);
    struct fuzz_read read = {
        .source = &source, .p = p, .n = n, .open = open_json, .limits = &options, .look = by_jansson};
    FUZZ_CHECK(ec_scan_use("scalar"), "no scalar variant");
    enum ec_status status = fuzz_rows(&read, &first);
    read.look = NULL;
    if (status == EC_OK && n > 0 && !is_archive(p, n)) {
        read_split(&read, 1 + fuzz_pick(&choice, n + 1), &other);
        fuzz_same(&other, &first, "ranges and whole");
    }
    size_t count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    for (size_t i = 0; i < 2 * count; i++) {
        struct ec_json_options varied = pick_options(&choice, n, begins_well(p, n));
        varied.record_max = options.record_max;
        read.limits = &varied;
        read.step = fuzz_pick(&choice, 2) ? 1 + fuzz_pick(&choice, 90) : 0;
        FUZZ_CHECK(ec_scan_use(variant[i / 2]->name), "no variant %s", variant[i / 2]->name);
        ec_scan_bytewise = i < 2;
        ec_buf_clear(&other);
        (void)fuzz_rows(&read, &other);
        fuzz_same(&other, &first, varied.strict ? "strict readings" : "strict and predicted");
    }
    ec_buf_free(&first);
    ec_buf_free(&other);
    return 0;
}
