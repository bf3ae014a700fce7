#include "read/csv_input.h"

#include "base/io.h"

#include <string.h>

/* What the window must hold besides the longest record: its line end, the byte behind a closing
 * quote, and the room that a decoder asks for. */
#define SLACK ((size_t)64)

static char delimiter(const struct ec_source *source) {
    return source->delimiter ? source->delimiter : ',';
}

static enum ec_status check_delimiter(const struct ec_source *source, struct ec_err *err) {
    unsigned char c = (unsigned char)delimiter(source);
    if (c != '"' && c != '\n' && c != '\r' && c < 0x80) return EC_OK;
    return ec_fail(err, EC_CONFIG, "source %s: a quote, a line end or a byte past ASCII cannot be the delimiter",
                   source->name);
}

static bool starts_with(const struct ec_csv_window *window, const char *mark, size_t n) {
    return window->end >= n && memcmp(window->p, mark, n) == 0;
}

/* Fills the window for the first time and passes over a byte order mark. */
static enum ec_status begin(struct ec_csv_input *in, bool at_start, struct ec_err *err) {
    EC_TRY(ec_csv_window_fill(&in->window, 0, err));
    size_t at = 0;
    if (at_start && starts_with(&in->window, "\xef\xbb\xbf", 3)) at = 3;
    bool is_utf16 = starts_with(&in->window, "\xff\xfe", 2) || starts_with(&in->window, "\xfe\xff", 2);
    if (at_start && is_utf16)
        return ec_fail(err, EC_ENCODING,
                       "the file is UTF-16, which its source does not declare; set `encoding: %s` or ask for UTF-8",
                       in->window.p[0] == '\xff' ? "utf-16le" : "utf-16be");
    ec_csv_scanner_window(&in->scanner, in->window.p, in->window.end, in->window.last, at);
    return EC_OK;
}

enum ec_status ec_csv_input_open(const struct ec_csv_input_args *args, struct ec_csv_input **input,
                                 struct ec_err *err) {
    *input = NULL;
    EC_TRY(check_delimiter(args->source, err));
    struct ec_csv_input *in = ec_malloc(sizeof *in);
    if (!in) return ec_fail(err, EC_NO_MEMORY, "no memory to read CSV");
    size_t field_max = args->limits.field ? args->limits.field : EC_FIELD_MAX;
    size_t record_max = args->limits.record ? args->limits.record : EC_RECORD_MAX;
    size_t window = args->limits.window ? args->limits.window : EC_WINDOW_BYTES;
    size_t window_max = record_max + SLACK > window ? record_max + SLACK : window;
    bool at_start = args->first_line <= 1;
    ec_csv_scanner_init(&in->scanner, delimiter(args->source), field_max, record_max);
    in->scanner.line = at_start ? 1 : args->first_line;
    in->starved = false;
    enum ec_status status =
        ec_csv_window_init(&in->window, args->stream, args->source->encoding, window, window_max, err);
    in->window.offset = args->first_offset;
    if (status == EC_OK) status = begin(in, at_start, err);
    if (status != EC_OK) {
        ec_csv_input_close(in);
        return status;
    }
    *input = in;
    return EC_OK;
}

void ec_csv_input_close(struct ec_csv_input *input) {
    if (!input) return;
    ec_csv_window_deinit(&input->window);
    ec_free(input);
}

static enum ec_status refill(struct ec_csv_input *in, size_t keep, struct ec_err *err) {
    EC_TRY(ec_csv_window_fill(&in->window, keep, err));
    ec_csv_scanner_window(&in->scanner, in->window.p, in->window.end, in->window.last, 0);
    return EC_OK;
}

/* Passes over the line that starts at scanner.at, however long it is. */
static enum ec_status skip_line(struct ec_csv_input *in, struct ec_err *err) {
    struct ec_csv_window *w = &in->window;
    size_t from = in->scanner.at;
    for (;;) {
        size_t end = from + in->scanner.scan->line_end(w->p + from, w->end - from);
        bool is_cr = end < w->end && w->p[end] == '\r';
        if (end < w->end && (!is_cr || end + 1 < w->end || w->last)) {
            size_t next = end + 1;
            if (is_cr && next < w->end && w->p[next] == '\n') next++;
            in->bytes = w->offset + end - in->offset;
            in->scanner.line++;
            ec_csv_scanner_window(&in->scanner, w->p, w->end, w->last, next);
            return EC_OK;
        }
        if (end == w->end && w->last) {
            in->bytes = w->offset + end - in->offset;
            ec_csv_scanner_window(&in->scanner, w->p, w->end, w->last, end);
            return EC_OK;
        }
        EC_TRY(ec_csv_window_fill(w, end, err)); /* a CR waits for the byte behind it */
        from = 0;
    }
}

enum ec_status ec_csv_input_next(struct ec_csv_input *in, bool may_move, struct ec_csv_record *record,
                                 enum ec_csv_found *found, struct ec_err *err) {
    for (;;) {
        if (in->starved) {
            *found = EC_CSV_MORE;
            if (!may_move) return EC_OK;
            EC_TRY(refill(in, in->scanner.at, err));
            in->starved = false;
        }
        *found = ec_csv_scan(&in->scanner, record);
        in->offset = in->window.offset + record->start;
        in->bytes = record->end - record->start;
        if (*found == EC_CSV_RECORD || *found == EC_CSV_END) return EC_OK;
        if (*found == EC_CSV_OVERLONG && may_move) return skip_line(in, err);
        in->starved = true;
    }
}
