/* Quarantine files put together, line by line.
 *
 * What a line holds is known by its keys' texts: within a JSON string every quote is escaped, so that
 * no value of a row can look like one of them.
 */
#include "gate/quarantine.h"

#include "base/io.h"

#define READ_BYTES  ((size_t)256 << 10)
#define FLUSH_BYTES ((size_t)256 << 10)
/* As long as the writer's buffer, which holds a whole line. */
#define LINE_MAX_BYTES (17 * (size_t)EC_RECORD_MAX)

static const char offset_key[] = "\"offset\":";
static const char first_key[] = ",\"first\":{";

/* The lines of a file, one after the other. */
struct lines {
    const char *path; /* NULL: there are none */
    int fd;
    struct ec_buf buf;
    size_t at;          /* where the line starts */
    struct ec_str line; /* without its end; p is NULL behind the last one */
    uint64_t offset;    /* of its row */
};

struct merging {
    struct lines kept, added;
    struct ec_buf out;
    const char *path;
    int fd;
    uint64_t rows;
};

static enum ec_status damaged(const char *path, struct ec_err *err) {
    return ec_fail(err, EC_TABLE_FORMAT, "the quarantine file %s is damaged", path);
}

static enum ec_status find_offset(struct lines *l, struct ec_err *err) {
    const char *p = memmem(l->line.p, l->line.n, offset_key, sizeof offset_key - 1), *end = l->line.p + l->line.n;
    if (!p) return damaged(l->path, err);
    uint64_t offset = 0;
    size_t digits = 0;
    for (p += sizeof offset_key - 1; p < end && *p >= '0' && *p <= '9' && digits < 20; p++, digits++)
        offset = offset * 10 + (uint64_t)(*p - '0');
    l->offset = offset;
    return digits > 0 ? EC_OK : damaged(l->path, err);
}

static enum ec_status read_more(struct lines *l, bool *end, struct ec_err *err) {
    if (l->at > 0) {
        memmove(l->buf.p, l->buf.p + l->at, l->buf.n - l->at);
        l->buf.n -= l->at;
        l->at = 0;
    }
    char *to = ec_buf_reserve(&l->buf, READ_BYTES);
    if (!to) return ec_buf_check(&l->buf, err);
    size_t got;
    EC_TRY(ec_file_read(l->fd, to, READ_BYTES, &got, l->path, err));
    l->buf.n += got;
    *end = got == 0;
    return EC_OK;
}

static enum ec_status next_line(struct lines *l, struct ec_err *err) {
    bool end = !l->path;
    size_t scanned = 0;
    if (l->line.p) l->at += l->line.n + 1;
    l->line = (struct ec_str){0};
    while (!end) {
        const char *start = ec_buf_str(&l->buf).p + l->at;
        size_t n = l->buf.n - l->at;
        const char *stop = n > scanned ? memchr(start + scanned, '\n', n - scanned) : NULL;
        if (stop) {
            l->line = (struct ec_str){start, (size_t)(stop - start)};
            return find_offset(l, err);
        }
        scanned = n;
        EC_TRY(read_more(l, &end, err));
    }
    return l->buf.n > l->at ? damaged(l->path, err) : EC_OK;
}

static enum ec_status open_lines(struct lines *l, const char *path, struct ec_err *err) {
    l->path = path;
    if (path) EC_TRY(ec_file_open(path, &l->fd, NULL, err));
    return next_line(l, err);
}

/* Behind the object that starts at p[0], which holds no other; `end` where it does not end. */
static const char *behind_object(const char *p, const char *end) {
    bool in_text = false;
    for (; p < end; p++) {
        if (in_text && *p == '\\')
            p++;
        else if (*p == '"')
            in_text = !in_text;
        else if (!in_text && *p == '}')
            return p + 1;
    }
    return end;
}

/* The line with another first. */
static enum ec_status add_changed(struct merging *m, const struct lines *l, const struct ec_first *first,
                                  struct ec_err *err) {
    const char *end = l->line.p + l->line.n, *at = memmem(l->line.p, l->line.n, first_key, sizeof first_key - 1);
    if (!at) return damaged(l->path, err);
    const char *object = at + sizeof first_key - 2, *rest = behind_object(object, end);
    if (rest == end) return damaged(l->path, err);
    struct ec_json_writer w = {.out = &m->out};
    ec_buf_add(&m->out, l->line.p, (size_t)(at - l->line.p));
    ec_quarantine_first(&w, first); /* begins with the comma that `at` stands on */
    ec_buf_add(&m->out, rest, (size_t)(end - rest));
    return EC_OK;
}

static enum ec_status add_line(struct merging *m, struct lines *l, const struct ec_first *first, struct ec_err *err) {
    if (first)
        EC_TRY(add_changed(m, l, first, err));
    else
        ec_buf_add(&m->out, l->line.p, l->line.n);
    ec_buf_addc(&m->out, '\n');
    EC_TRY(ec_buf_check(&m->out, err));
    m->rows++;
    if (m->out.n >= FLUSH_BYTES) {
        EC_TRY(ec_file_write(m->fd, m->out.p, m->out.n, m->path, err));
        ec_buf_clear(&m->out);
    }
    return next_line(l, err);
}

static enum ec_status merge_lines(const struct ec_quarantine_merge *args, struct merging *m, struct ec_err *err) {
    EC_TRY(open_lines(&m->kept, args->kept, err));
    EC_TRY(open_lines(&m->added, args->added, err));
    EC_TRY(ec_file_create(args->out, &m->fd, err));
    while (m->kept.line.p || m->added.line.p) {
        if (!m->kept.line.p || (m->added.line.p && m->added.offset < m->kept.offset)) {
            EC_TRY(add_line(m, &m->added, NULL, err));
            continue;
        }
        const struct ec_first *first;
        EC_TRY(args->first_of(args->user, m->kept.offset, &first, err));
        EC_TRY(add_line(m, &m->kept, first, err));
    }
    EC_TRY(ec_file_write(m->fd, m->out.p, m->out.n, m->path, err));
    int fd = m->fd;
    m->fd = -1;
    return ec_file_finish(fd, m->path, err);
}

static void close_lines(struct lines *l) {
    if (l->fd >= 0) (void)ec_io.close(l->fd);
    ec_buf_free(&l->buf);
}

enum ec_status ec_quarantine_merge(const struct ec_quarantine_merge *args, uint64_t *rows, struct ec_err *err) {
    struct merging m = {.kept = {.fd = -1, .buf = ec_buf_make(LINE_MAX_BYTES)},
                        .added = {.fd = -1, .buf = ec_buf_make(LINE_MAX_BYTES)},
                        .out = ec_buf_make(LINE_MAX_BYTES + FLUSH_BYTES),
                        .path = args->out,
                        .fd = -1};
    enum ec_status status = merge_lines(args, &m, err);
    if (m.fd >= 0) ec_file_abandon(m.fd, args->out);
    close_lines(&m.kept);
    close_lines(&m.added);
    ec_buf_free(&m.out);
    *rows = m.rows;
    return status;
}
