#include "read/csv_split.h"

#include <string.h>

struct ranges {
    struct ec_arena *arena;
    struct ec_range *range;
    size_t count;
    size_t cap;
};

static enum ec_status push(struct ranges *list, struct ec_range range, struct ec_err *err) {
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        struct ec_range *grown = ec_arena_calloc(list->arena, cap, sizeof *grown);
        if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory for %zu ranges of a file", cap);
        if (list->count) memcpy(grown, list->range, list->count * sizeof *grown);
        list->range = grown;
        list->cap = cap;
    }
    list->range[list->count++] = range;
    return EC_OK;
}

/* Ends the open range where the next one starts. */
static enum ec_status cut(struct ranges *list, uint64_t offset, uint64_t line, struct ec_err *err) {
    list->range[list->count - 1].end = offset;
    return push(list, (struct ec_range){.start = offset, .line = line}, err);
}

enum ec_status ec_csv_split_input(struct ec_csv_input *in, const char *path, uint64_t chunk_bytes,
                                  struct ec_arena *arena, const struct ec_range **ranges, size_t *count,
                                  struct ec_err *err) {
    struct ranges list = {.arena = arena};
    const struct ec_str *name;
    size_t names;
    uint64_t seen = 0; /* no verdict so far depends on a byte from here on */
    EC_TRY(push(&list, (struct ec_range){.line = 1}, err));
    EC_TRY(ec_csv_header_read(in, path, arena, &name, &names, err));
    in->scanner.expected = names;
    for (;;) {
        struct ec_csv_record record;
        enum ec_csv_found found;
        EC_TRY(ec_csv_input_next(in, true, &record, &found, err));
        if (found == EC_CSV_END) break;
        if (in->offset - list.range[list.count - 1].start >= chunk_bytes && in->offset >= seen)
            EC_TRY(cut(&list, in->offset, record.line, err));
        uint64_t looked = record.seen - record.start; /* of an overlong line's first bytes */
        if (seen < in->offset + looked) seen = in->offset + looked;
    }
    list.range[list.count - 1].end = in->window.offset + in->window.end;
    *ranges = list.range;
    *count = list.count;
    return EC_OK;
}

static bool is_plain(const struct ec_stream *stream, const struct ec_source *source) {
    bool utf8 = !source->encoding || strcmp(source->encoding, "utf-8") == 0;
    return utf8 && strcmp(ec_stream_compression(stream), "none") == 0;
}

enum ec_status ec_csv_split(const char *path, const struct ec_source *source, uint64_t chunk_bytes,
                            struct ec_arena *arena, const struct ec_range **ranges, size_t *count, struct ec_err *err) {
    struct ec_stream *stream = NULL;
    struct ec_csv_input *in = NULL;
    struct ranges whole = {.arena = arena};
    enum ec_status status = ec_stream_open(&(struct ec_stream_args){.path = path}, &stream, err);
    if (status != EC_OK) return status;
    if (is_plain(stream, source)) {
        status = ec_csv_input_open(&(struct ec_csv_input_args){.source = source, .stream = stream}, &in, err);
        if (status == EC_OK) status = ec_csv_split_input(in, path, chunk_bytes, arena, ranges, count, err);
    } else {
        status = push(&whole, (struct ec_range){.line = 1}, err);
        *ranges = whole.range;
        *count = whole.count;
    }
    ec_csv_input_close(in);
    ec_stream_close(stream);
    return status;
}
