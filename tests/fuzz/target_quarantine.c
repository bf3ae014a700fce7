/* The quarantine: any file of it is read or refused by name; what is written of a reader's rejected rows is read
 * back with their place and bytes; lines that are put among others come out in order. */
#include "rows.h"

#include "base/io.h"
#include "cli/quarantine.h"
#include "gate/quarantine.h"

#include <stdlib.h>

#define FOLDER "data/quality/quarantine/fuzz"

static struct ec_schema_column columns[] = {
    {.name = "a", .type = {.type = EC_TYPE_INTEGER}}, {.name = "b"}, {.name = "c", .type = {.type = EC_TYPE_DATE}}};
static const struct ec_source source = {.name = "fuzz", .format = EC_FORMAT_CSV, .column = columns, .column_count = 3};

struct seen {
    struct ec_buf rows; /* a line each */
    struct ec_buf sentence;
    uint64_t count;
};

static void show(struct ec_buf *out, uint64_t line, uint64_t offset, uint64_t length, struct ec_str raw) {
    ec_buf_printf(out, "%llu@%llu+%llu %s", (unsigned long long)line, (unsigned long long)offset,
                  (unsigned long long)length, raw.p ? "" : "none");
    for (size_t i = 0; i < raw.n; i++) ec_buf_printf(out, "%02x", (unsigned char)raw.p[i]);
    ec_buf_addc(out, '\n');
}

static enum ec_status visit(void *user, const struct ec_reject *row, struct ec_err *err) {
    struct seen *seen = user;
    (void)err;
    seen->count++;
    show(&seen->rows, row->line, row->offset, row->length, row->raw);
    ec_buf_clear(&seen->sentence);
    ec_reject_sentence(&seen->sentence, row->reasons);
    for (size_t i = 0; i < json_array_size(row->reasons); i++) {
        (void)ec_reject_repeats(row->reasons, i);
        (void)ec_reject_tells_value(json_array_get(row->reasons, i));
    }
    return EC_OK;
}

static const char *file_path(void) {
    struct ec_err err = {0};
    fuzz_need(ec_dir_make(fuzz_path(1, FOLDER), &err), &err);
    return fuzz_path(0, FOLDER "/file.csv.jsonl");
}

static void put(const char *path, const void *p, size_t n) {
    struct ec_err err = {0};
    int fd;
    (void)ec_io.unlink(path);
    fuzz_need(ec_file_create(path, &fd, &err), &err);
    fuzz_need(ec_file_write(fd, p, n, path, &err), &err);
    (void)ec_io.close(fd);
}

static enum ec_status scan(const struct ec_reject_filter *filter, struct seen *seen) {
    struct ec_err err = {0};
    bool more = false;
    *seen = (struct seen){.rows = ec_buf_make(64 * EC_MIB), .sentence = ec_buf_make(64 * EC_MIB)};
    enum ec_status status = ec_rejects_scan(fuzz_dir(), filter, visit, seen, &more, &err);
    FUZZ_CHECK(status == EC_OK || status == EC_TABLE_FORMAT, "refused as %s: %s", ec_status_text(status)->slug,
               err.message);
    if (filter->limit)
        FUZZ_CHECK(seen->count <= filter->limit, "%llu rows past the limit", (unsigned long long)seen->count);
    return status;
}

static void seen_free(struct seen *seen) {
    ec_buf_free(&seen->rows);
    ec_buf_free(&seen->sentence);
}

/* The input as a quarantine file, through filters that take all, some and none. */
static void read_any(const uint8_t *p, size_t n) {
    static const struct ec_reject_filter filters[] = {
        {0},
        {.source = "fuzz", .file = "*.csv", .reason = "rule", .run = "r", .limit = 2},
        {.file = "**/sales_*.csv", .reason = "type-error", .limit = 1},
    };
    put(file_path(), p, n);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct seen seen;
        (void)scan(&filters[i], &seen);
        seen_free(&seen);
    }
}

/* The rejected rows of the input read as CSV, all of them faulty in one way more. */
struct writing {
    struct ec_quarantine q;
    struct ec_buf expected;
};

static void write_batch(struct writing *w, struct ec_batch *batch) {
    struct ec_err err = {0};
    for (size_t row = 0; row < batch->rows; row++) {
        const struct ec_place *place = &batch->place[row];
        struct ec_fault fault = {(uint32_t)row, 1, EC_REASON_TYPE, 0, {place->raw, place->raw ? place->length : 0}};
        fuzz_need(ec_batch_fault(batch, fault, &err), &err);
        show(&w->expected, place->line, place->offset, place->length,
             (struct ec_str){place->raw, place->raw ? place->length : 0});
    }
    fuzz_need(ec_quarantine_write(&w->q, batch, NULL, 0, &err), &err);
}

static void write_rows(const char *p, size_t n, struct writing *w) {
    static const struct ec_str names[] = {EC_STR("a"), EC_STR("b"), EC_STR("c")};
    struct ec_err err = {0};
    struct ec_batch batch;
    struct ec_stream *stream = NULL;
    struct ec_reader *reader = NULL;
    fuzz_need(ec_batch_init(&batch, &err), &err);
    fuzz_need(ec_reader_columns(&source, &batch, &err), &err);
    fuzz_need(ec_stream_memory(p, n, 0, &stream, &err), &err);
    struct ec_reader_args args = {
        .source = &source, .stream = stream, .path = "fuzz", .header = names, .header_count = 3};
    enum ec_status status = ec_reader_open(&ec_reader_csv, &args, &batch, &reader, &err);
    while (status == EC_OK && (status = ec_reader_next(reader, &batch, &err)) == EC_OK && batch.rows > 0)
        write_batch(w, &batch);
    ec_reader_close(reader);
    ec_stream_close(stream);
    ec_batch_deinit(&batch);
}

static enum ec_status first_of(void *user, uint64_t offset, const struct ec_first **first, struct ec_err *err) {
    static const struct ec_first other = {.file = "other.csv", .line = 7};
    const bool *ours = user; /* rows that are no duplicates: they have no first */
    (void)err;
    *first = !*ours && offset % 3 == 0 ? &other : NULL;
    return EC_OK;
}

/* Twice the same file: every row twice, and in order. */
static void merge(const char *path, uint64_t rows, bool ours) {
    const char *out = fuzz_path(2, "merged.jsonl");
    struct ec_err err = {0};
    uint64_t merged = 0;
    (void)ec_io.unlink(out);
    struct ec_quarantine_merge m = {.kept = path, .added = path, .out = out, .first_of = first_of, .user = &ours};
    enum ec_status status = ec_quarantine_merge(&m, &merged, &err);
    if (ours) fuzz_need(status, &err);
    if (ours)
        FUZZ_CHECK(merged == 2 * rows, "%llu rows merged twice are %llu", (unsigned long long)rows,
                   (unsigned long long)merged);
    if (status == EC_OK) FUZZ_CHECK(ec_path_exists(out) || merged == 0, "no merged file");
}

static void round_trip(const char *p, size_t n) {
    struct writing w = {.expected = ec_buf_make(64 * EC_MIB)};
    struct ec_err err = {0};
    const char *path = file_path();
    (void)ec_io.unlink(path);
    struct ec_quarantine_options options = {
        .path = path, .source = &source, .run = "r1", .file = "file.csv", .temporary = true};
    fuzz_need(ec_quarantine_init(&w.q, &options, &err), &err);
    write_rows(p, n, &w);
    uint64_t rows = w.q.rows;
    fuzz_need(ec_quarantine_finish(&w.q, &err), &err);
    struct seen seen;
    FUZZ_CHECK(scan(&(struct ec_reject_filter){0}, &seen) == EC_OK, "what was written cannot be read");
    fuzz_same(&seen.rows, &w.expected, "rows read back and written");
    if (rows > 0) merge(path, rows, true);
    seen_free(&seen);
    ec_quarantine_deinit(&w.q);
    ec_buf_free(&w.expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    read_any(p, n);
    merge(file_path(), 0, false);
    char *copy = fuzz_copy(p, n);
    round_trip(copy, n);
    free(copy);
    return 0;
}
