#include "read/json_split.h"

#include "base/io.h"
#include "read/json_reader.h"
#include "scan/json_scan.h"

struct split {
    struct ec_range *range;
    size_t count;
    size_t cap;
    uint64_t chunk_bytes;
    uint64_t line; /* at the byte that is looked at next */
    bool fresh;    /* that byte is the first of a line */
    bool begun;
    uint64_t first; /* where the first record starts, once `begun`: space alone would be an empty file */
};

/* What the reader says, looking at the file's start. What it refuses is left to it to say. */
static bool is_splittable(const char *path, const struct ec_source *source) {
    struct ec_stream *stream = NULL;
    struct ec_reader *reader = NULL;
    bool answer = false;
    if (ec_stream_open(&(struct ec_stream_args){.path = path}, &stream, NULL) != EC_OK) return false;
    struct ec_reader_args args = {.source = source, .stream = stream, .path = path};
    if (strcmp(ec_stream_compression(stream), "none") == 0 &&
        ec_json_open(&args, &(struct ec_json_options){0}, &reader, NULL) == EC_OK) {
        answer = ec_json_splittable(reader);
        ec_reader_json.close(reader);
    }
    ec_stream_close(stream);
    return answer;
}

/* Starts a range at the file's byte `at`. */
static void cut(struct split *s, uint64_t at) {
    s->range[s->count - 1].end = at;
    s->range[s->count++] = (struct ec_range){.start = at, .line = s->line};
}

/* The first line of the block that starts with '{', at or behind byte i; n where there is none. */
static size_t find_record_line(struct split *s, const char *p, size_t n, size_t i) {
    while (i < n) {
        if (s->fresh && p[i] == '{') return i;
        const char *newline = memchr(p + i, '\n', n - i);
        s->fresh = newline != NULL;
        if (!newline) return n;
        s->line++;
        i = (size_t)(newline - p) + 1;
    }
    return n;
}

/* Looks through a block of n bytes, the first of which is the file's byte `offset`. */
static void scan_block(struct split *s, const char *p, size_t n, uint64_t offset) {
    const char *record = s->begun ? NULL : memchr(p, '{', n);
    if (record) {
        s->begun = true;
        s->first = offset + (uint64_t)(record - p);
    }
    size_t i = 0;
    while (i < n) {
        uint64_t due = s->range[s->count - 1].start + s->chunk_bytes;
        if (offset + i < due) { /* only the lines count up to there */
            size_t skip = due - offset - i < n - i ? (size_t)(due - offset - i) : n - i;
            s->line += ec_scan_newlines(p + i, skip);
            i += skip;
            s->fresh = p[i - 1] == '\n';
            continue;
        }
        i = find_record_line(s, p, n, i);
        if (i == n || s->count == s->cap) return;
        if (offset + i != s->first) {
            cut(s, offset + i);
        } else {
            s->fresh = false;
            i++;
        }
    }
}

static enum ec_status scan_file(struct split *s, int fd, uint64_t size, const char *path, struct ec_err *err) {
    char *buf = ec_malloc(EC_WINDOW_BYTES);
    if (!buf) return ec_fail(err, EC_NO_MEMORY, "no memory to split %s", path);
    enum ec_status status = EC_OK;
    uint64_t offset = 0;
    while (status == EC_OK && offset < size) {
        size_t n = size - offset < EC_WINDOW_BYTES ? (size_t)(size - offset) : EC_WINDOW_BYTES, got = 0;
        status = ec_file_read(fd, buf, n, &got, path, err);
        if (status == EC_OK && got < n)
            status = ec_fail(err, EC_FILE_CHANGED, "%s became shorter while it was read", path);
        if (status == EC_OK) scan_block(s, buf, n, offset);
        offset += n;
    }
    ec_free(buf);
    return status;
}

enum ec_status ec_json_split(const char *path, const struct ec_source *source, uint64_t chunk_bytes,
                             struct ec_arena *arena, struct ec_range **ranges, size_t *count, struct ec_err *err) {
    int fd;
    struct stat st;
    EC_TRY(ec_file_open(path, &fd, &st, err));
    enum ec_status status = EC_OK;
    uint64_t size = (uint64_t)st.st_size, chunk = chunk_bytes ? chunk_bytes : 1;
    struct split s = {.cap = (size_t)(size / chunk) + 1, .chunk_bytes = chunk, .line = 1, .fresh = true};
    s.range = ec_arena_calloc(arena, s.cap, sizeof *s.range);
    if (!s.range) {
        status = ec_fail(err, EC_NO_MEMORY, "no memory for the ranges of %s", path);
        goto done;
    }
    s.range[0] = (struct ec_range){.line = 1};
    s.count = 1;
    if (size > chunk && is_splittable(path, source)) status = scan_file(&s, fd, size, path, err);
    s.range[s.count - 1].end = size;
    *ranges = s.range;
    *count = s.count;
done:
    (void)ec_io.close(fd);
    return status;
}
