#include "read/json_reader.h"

#include "base/io.h"
#include "scan/scan.h"
#include "read/json_predict.h"
#include "read/json_stretch.h"

#include <stdlib.h>

/* Of the bytes before a fault, so many are shown with it. */
#define SHOWN_BYTES 32u

struct json_reader {
    struct ec_reader base;
    struct ec_json_window window;
    struct ec_json_layout layout;
    struct ec_json_columns columns;
    struct ec_json_record record;
    struct ec_json_predict predict;
    struct ec_json_stretch stretch;
    struct ec_json_first_key good;
    bool splittable; /* the file starts with a record, and records are bound to lines */
    size_t record_max;
    size_t batch_bytes; /* of the window, that the last batch took */
};

/* What a damaged record becomes: a row without values, and why. */
struct damage {
    uint64_t start, end, line;
    const char *raw; /* NULL where it is too long to be kept */
    enum ec_reason reason;
    size_t column; /* of the batch, or SIZE_MAX */
    struct ec_str value;
};

static enum ec_status add_damaged(struct ec_batch *batch, const struct damage *d, struct ec_err *err) {
    uint64_t length = d->end - d->start;
    batch->place[batch->rows] = (struct ec_place){.offset = d->start,
                                                  .line = d->line,
                                                  .length = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX,
                                                  .raw = d->raw};
    struct ec_fault fault = {.row = (uint32_t)batch->rows,
                             .column = d->column == SIZE_MAX ? EC_NO_COLUMN : (uint32_t)d->column,
                             .reason = d->reason,
                             .value = d->value};
    if (fault.value.n > EC_SAMPLE_TEXT_MAX) fault.value.n = EC_SAMPLE_TEXT_MAX;
    EC_TRY(ec_batch_fault(batch, fault, err));
    batch->rows++;
    return EC_OK;
}

static bool is_space(char ch) {
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

/* Opens a stretch at the window's position, where the bytes up to `bad` could be read. */
static void open_stretch(struct json_reader *r, enum ec_reason reason, const char *bad) {
    const struct ec_json_window *w = &r->window;
    const char *start = w->buf + w->pos, *last = bad < w->buf + w->n ? bad + 1 : bad;
    ec_json_stretch_open(&r->stretch, &r->layout, w, bad);
    r->stretch.reason = reason;
    while (last > start && is_space(last[-1])) last--;
    size_t n = (size_t)(last - start) < SHOWN_BYTES ? (size_t)(last - start) : SHOWN_BYTES;
    while (n > 0 && ((unsigned char)last[-(ptrdiff_t)n] & 0xC0) == 0x80) n--;
    r->stretch.value = w->offset + (uint64_t)(last - w->buf) - n;
    r->stretch.value_n = n;
}

/* The stretch's end is found: it becomes a row. */
static enum ec_status close_stretch(struct json_reader *r, struct ec_batch *batch, struct ec_err *err) {
    struct ec_json_stretch *s = &r->stretch;
    bool kept = !s->dropped && s->next - s->start <= r->record_max;
    const char *buf = r->window.buf;
    s->open = false;
    return add_damaged(
        batch,
        &(struct damage){
            .start = s->start,
            .end = s->end,
            .line = s->line,
            .raw = kept ? buf + (s->start - r->window.offset) : NULL,
            .reason = s->reason,
            .column = SIZE_MAX,
            .value = kept ? (struct ec_str){buf + (s->value - r->window.offset), s->value_n} : EC_STR(""),
        },
        err);
}

/* The n bytes at the window's position are a well-formed record that cannot be taken. */
static enum ec_status refuse_record(struct json_reader *r, struct ec_batch *batch, size_t n, enum ec_reason reason,
                                    size_t column, struct ec_str value, struct ec_err *err) {
    uint64_t start = r->window.offset + r->window.pos;
    bool kept = n <= r->record_max;
    struct damage d = {.start = start,
                       .end = start + n,
                       .line = r->layout.line,
                       .raw = kept ? r->window.buf + r->window.pos : NULL,
                       .reason = reason,
                       .column = column,
                       .value = kept ? value : EC_STR("")};
    ec_json_layout_skip(&r->layout, &r->window, n);
    return add_damaged(batch, &d, err);
}

/* The declared column of a field that has not been resolved. Others are not named: whether one is known by now hangs
 * on where the file was split. */
static size_t column_of(struct json_reader *r, size_t field) {
    if (field == SIZE_MAX) return SIZE_MAX;
    size_t entry = ec_json_columns_find(&r->columns, &r->record.field[field].key);
    return entry < r->base.source->column_count ? r->columns.entry[entry].column : SIZE_MAX;
}

static void note_good(struct json_reader *r, size_t n) {
    const struct ec_json_record *record = &r->record;
    for (size_t i = 0; i < record->count; i++) {
        size_t entry = record->field[i].column;
        if (entry < r->base.source->column_count) r->base.present[entry] = true;
    }
    if (record->count)
        ec_json_first_key_set(&r->good, record->field[0].key.p - 1, record->field[0].key.n + 2);
    else
        r->good.n = 0;
    ec_json_predict_learn(&r->predict, &r->columns, record, r->window.buf + r->window.pos, n);
    r->base.undeclared = r->columns.undeclared;
}

static void place_row(struct json_reader *r, struct ec_batch *batch, size_t n) {
    const struct ec_json_window *w = &r->window;
    batch->place[batch->rows++] = (struct ec_place){
        .offset = w->offset + w->pos, .line = r->layout.line, .length = (uint32_t)n, .raw = w->buf + w->pos};
    r->layout.phase = EC_JSON_AFTER;
}

/* The n bytes at the window's position are a well-formed record without a flaw. */
static enum ec_status take_record(struct json_reader *r, struct ec_batch *batch, size_t n, struct ec_err *err) {
    size_t duplicate;
    EC_TRY(ec_json_columns_resolve(&r->columns, &r->record, batch, &duplicate, err));
    if (duplicate != SIZE_MAX) {
        const struct ec_json_value *key = &r->record.field[duplicate].key;
        size_t column = column_of(r, duplicate);
        r->layout.phase = EC_JSON_AFTER;
        return refuse_record(r, batch, n, EC_REASON_PARSE, column, (struct ec_str){key->p, key->n}, err);
    }
    for (size_t i = 0; i < r->record.count; i++) {
        const struct ec_json_field *field = &r->record.field[i];
        EC_TRY(ec_json_cell_store(batch, &r->columns.entry[field->column], batch->rows, &field->value, err));
    }
    note_good(r, n);
    place_row(r, batch, n);
    ec_json_layout_skip(&r->layout, &r->window, n);
    return EC_OK;
}

/* Reads the record at the window's position strictly. *more where its end is not at hand yet. */
static enum ec_status read_strictly(struct json_reader *r, struct ec_batch *batch, bool *more, struct ec_err *err) {
    struct ec_json_window *w = &r->window;
    const char *start = w->buf + w->pos;
    size_t at_hand = w->n - w->pos;
    bool cut = at_hand > r->record_max; /* one byte past the limit decides */
    struct ec_json_cursor c = {.p = start,
                               .end = start + (cut ? r->record_max + 1 : at_hand),
                               .final = w->eof && !cut,
                               .line_records = r->layout.line_records};
    bool parsed = ec_json_record_parse(&c, &r->record);
    *more = !parsed && c.ended && !cut && !w->eof;
    if (*more) return EC_OK;
    if (!parsed) {
        open_stretch(r, c.ended && cut ? EC_REASON_TOO_LONG : EC_REASON_PARSE, c.p);
        return EC_OK;
    }
    size_t n = (size_t)(c.p - start);
    if (!ec_json_layout_expects_record(&r->layout))
        return refuse_record(r, batch, n, EC_REASON_PARSE, SIZE_MAX, EC_STR("{"), err);
    if (!c.flawed && n <= r->record_max) return take_record(r, batch, n, err);
    r->layout.phase = EC_JSON_AFTER;
    if (n > r->record_max) return refuse_record(r, batch, n, EC_REASON_TOO_LONG, SIZE_MAX, EC_STR(""), err);
    return refuse_record(r, batch, n, c.flaw, column_of(r, r->record.flaw_field), c.flaw_at, err);
}

static enum ec_status read_record(struct json_reader *r, struct ec_batch *batch, bool *more, struct ec_err *err) {
    struct ec_json_window *w = &r->window;
    const char *p = w->buf + w->pos, *next = NULL;
    if (ec_json_layout_expects_record(&r->layout)) {
        size_t at_hand = w->n - w->pos;
        const char *end = p + (at_hand < r->record_max ? at_hand : r->record_max);
        EC_TRY(ec_json_predict_read(&r->predict, &r->columns, batch, batch->rows, p, end, &next, err));
    }
    if (!next) return read_strictly(r, batch, more, err);
    place_row(r, batch, (size_t)(next - p));
    w->pos = (size_t)(next - w->buf);
    return EC_OK;
}

/* One thing of the file into the batch, or *more, or *end. */
static enum ec_status step(struct json_reader *r, struct ec_batch *batch, bool *more, bool *end, struct ec_err *err) {
    struct ec_json_window *w = &r->window;
    if (r->stretch.open) {
        *more = !ec_json_stretch_search(&r->stretch, &r->layout, w, &r->good);
        return *more ? EC_OK : close_stretch(r, batch, err);
    }
    switch (ec_json_layout_next(&r->layout, w)) {
    case EC_JSON_RECORD: return read_record(r, batch, more, err);
    case EC_JSON_GARBAGE: open_stretch(r, EC_REASON_PARSE, w->buf + w->pos); return EC_OK;
    case EC_JSON_UNCLOSED:
        r->layout.phase = EC_JSON_CLOSED;
        return refuse_record(r, batch, 0, EC_REASON_PARSE, SIZE_MAX, EC_STR(""), err);
    case EC_JSON_MORE: *more = true; return EC_OK;
    case EC_JSON_END: *end = true; return EC_OK;
    }
    return EC_OK;
}

/* Reads on, keeping what the record or stretch at hand needs. */
static enum ec_status refill(struct json_reader *r, struct ec_err *err) {
    struct ec_json_window *w = &r->window;
    struct ec_json_stretch *s = &r->stretch;
    if (s->open) {
        s->dropped = s->dropped || s->at - s->start > r->record_max;
        w->pos = (size_t)((s->dropped ? s->at : s->start) - w->offset);
    }
    return ec_json_window_fill(w, w->pos, err);
}

static enum ec_status json_next(struct ec_reader *reader, struct ec_batch *batch, struct ec_err *err) {
    struct json_reader *r = (struct json_reader *)reader;
    /* Not at every call: what is moved to the window's front is not worth a batch. */
    if (!r->window.eof && r->window.n - r->window.pos < r->batch_bytes) EC_TRY(refill(r, err));
    uint64_t start = r->window.offset + r->window.pos;
    bool end = false;
    while (!end && batch->rows < EC_BATCH_ROWS) {
        bool more = false;
        EC_TRY(step(r, batch, &more, &end, err));
        if (!more) continue;
        if (batch->rows > 0) break;
        EC_TRY(refill(r, err));
        start = r->window.offset + r->window.pos;
    }
    uint64_t took = r->window.offset + r->window.pos - start;
    if (took > r->batch_bytes) r->batch_bytes = took < r->window.bytes_usual ? (size_t)took : r->window.bytes_usual;
    return EC_OK;
}

static void json_close(struct ec_reader *reader) {
    struct json_reader *r = (struct json_reader *)reader;
    ec_json_predict_deinit(&r->predict);
    ec_json_columns_deinit(&r->columns);
    ec_json_window_deinit(&r->window);
    ec_free(r->record.field);
    ec_free(r->base.present);
    ec_free(r);
}

/* In lines: whether the first record binds records to lines. */
static enum ec_status find_line_records(struct json_reader *r, struct ec_err *err) {
    struct ec_json_window *w = &r->window;
    for (;;) {
        size_t at_hand = w->n - w->pos;
        bool cut = at_hand > r->record_max;
        const char *start = w->buf + w->pos;
        struct ec_json_cursor c = {
            .p = start, .end = start + (cut ? r->record_max + 1 : at_hand), .final = w->eof && !cut};
        r->layout.line_records = *start != '{' || !ec_json_record_spans_lines(&c, &r->record);
        r->splittable = *start == '{' && r->layout.line_records;
        if (*start != '{' || !c.ended || cut || w->eof) return EC_OK;
        EC_TRY(ec_json_window_fill(w, w->pos, err));
    }
}

static enum ec_status find_layout(struct json_reader *r, const struct ec_reader_args *args, struct ec_err *err) {
    bool bom = false, more = true;
    if (args->first_offset > 0) { /* a range: ec_json_split() found lines */
        r->layout.line_records = true;
        r->layout.indent = UINT64_MAX;
        more = false;
    }
    while (more) {
        EC_TRY(ec_json_window_fill(&r->window, r->window.pos, err));
        EC_TRY(ec_json_layout_find(&r->layout, &r->window, &bom, &more, err));
    }
    if (args->first_offset == 0 && !r->layout.array) EC_TRY(find_line_records(r, err));
    r->base.encoding = bom ? "utf-8-bom" : "utf-8";
    r->base.layout = r->layout.array ? "array" : "lines";
    return EC_OK;
}

static enum ec_status init(struct json_reader *r, const struct ec_reader_args *args,
                           const struct ec_json_options *options, struct ec_err *err) {
    const char *mode = getenv("EC_JSON"), *encoding = args->source->encoding;
    (void)ec_scan(); /* what the environment asks for is known to what is inlined */
    if (encoding && strcmp(encoding, "utf-8") != 0)
        return ec_fail(err, EC_ENCODING, "the source %s declares the encoding %s, but JSON is UTF-8 (RFC 8259)",
                       args->source->name, encoding);
    r->base.type = &ec_reader_json;
    r->base.source = args->source;
    r->record_max = options->record_max ? options->record_max : EC_RECORD_MAX;
    r->layout.line = args->first_line ? args->first_line : 1;
    r->layout.line_start = args->first_offset;
    r->base.present = ec_calloc(args->source->column_count + 1, sizeof *r->base.present);
    r->record.field = ec_calloc(EC_JSON_FIELDS_MAX, sizeof *r->record.field);
    if (!r->base.present || !r->record.field) return ec_fail(err, EC_NO_MEMORY, "no memory for a JSON reader");
    size_t window = options->window_bytes ? options->window_bytes : EC_WINDOW_BYTES;
    r->batch_bytes = 1;
    EC_TRY(ec_json_window_init(&r->window, args->stream, window, args->first_offset, err));
    EC_TRY(ec_json_columns_init(&r->columns, args->source, err));
    EC_TRY(ec_json_predict_init(&r->predict, err));
    r->predict.disabled = options->strict || (mode && strcmp(mode, "strict") == 0);
    return find_layout(r, args, err);
}

enum ec_status ec_json_open(const struct ec_reader_args *args, const struct ec_json_options *options,
                            struct ec_reader **reader, struct ec_err *err) {
    struct json_reader *r = ec_calloc(1, sizeof *r);
    if (!r) return ec_fail(err, EC_NO_MEMORY, "no memory for a JSON reader");
    enum ec_status status = init(r, args, options, err);
    if (status == EC_OK)
        *reader = &r->base;
    else
        json_close(&r->base);
    return status;
}

bool ec_json_splittable(const struct ec_reader *reader) {
    return ((const struct json_reader *)reader)->splittable;
}

static enum ec_status json_open(const struct ec_reader_args *args, struct ec_batch *batch, struct ec_reader **reader,
                                struct ec_err *err) {
    (void)batch; /* it holds the declared columns; undeclared ones are added as they are met */
    return ec_json_open(args, &(struct ec_json_options){0}, reader, err);
}

const struct ec_reader_type ec_reader_json = {
    .name = "json", .format = EC_FORMAT_JSON, .open = json_open, .next = json_next, .close = json_close};
