#include "shop/truth.h"

#include "base/io.h"

#define FLUSH_BYTES ((size_t)256 << 10)

static enum ec_status flush(struct ec_shop_truth *t, struct ec_err *err) {
    EC_TRY(ec_buf_check(&t->buf, err));
    EC_TRY(ec_file_write(t->fd, t->buf.p, t->buf.n, t->path, err));
    ec_buf_clear(&t->buf);
    return EC_OK;
}

/* Rows one to a line, so that the key can be looked at and compared with text tools. */
static void next_line(struct ec_shop_truth *t) {
    ec_buf_addc(&t->buf, '\n');
}

enum ec_status ec_shop_truth_open(struct ec_shop_truth *t, const char *path, const struct ec_shop_options *o,
                                  struct ec_err *err) {
    *t = (struct ec_shop_truth){.fd = -1, .path = path, .buf = ec_buf_make(4 * FLUSH_BYTES)};
    ec_json_init(&t->w, &t->buf);
    ec_json_object(&t->w, NULL);
    ec_json_uint(&t->w, "version", 1);
    ec_json_object(&t->w, "options");
    ec_json_uint(&t->w, "bytes", o->bytes);
    ec_json_uint(&t->w, "seed", o->seed);
    ec_json_double(&t->w, "defects", o->defects);
    if (o->kinds == EC_SHOP_KINDS_VALUES) ec_json_str(&t->w, "kinds", "values");
    ec_json_uint(&t->w, "days", o->days);
    ec_json_int(&t->w, "last_day", o->last_day);
    ec_json_end(&t->w);
    ec_json_array(&t->w, "files");
    return ec_file_create(path, &t->fd, err);
}

void ec_shop_truth_begin(struct ec_shop_truth *t, enum ec_shop_source source, const char *const *column,
                         const char *path, const char *member, const char *layout) {
    t->source = source;
    t->column = column;
    t->count = (struct ec_shop_count){.files = 1};
    t->checks = 0;
    memset(t->by_reason, 0, sizeof t->by_reason);
    next_line(t);
    ec_json_object(&t->w, NULL);
    ec_json_str(&t->w, "source", ec_shop_source_name(source));
    ec_json_str(&t->w, "path", path);
    ec_json_str(&t->w, "member", member);
    ec_json_str(&t->w, "layout", layout);
    ec_json_array(&t->w, "rows");
}

static void count_check(struct ec_shop_truth *t, const char *id, bool is_rule) {
    size_t i = 0;
    while (i < t->checks && strcmp(t->check[i].id, id) != 0) i++;
    if (i == t->checks) {
        if (i == EC_SHOP_CHECKS_MAX) { /* more than the sample project has */
            t->buf.failed = true;
            return;
        }
        (void)snprintf(t->check[i].id, sizeof t->check[i].id, "%s", id);
        t->check[i].failed = 0;
        t->check[i].is_rule = is_rule;
        t->checks++;
    }
    t->check[i].failed++;
}

/* "end_time.min_value" is of end_time; the id of a row's rule names no column. */
static void write_rule(struct ec_shop_truth *t, const char *id) {
    char code[80];
    (void)snprintf(code, sizeof code, "rule:%s", id);
    ec_json_str(&t->w, "code", code);
    const char *dot = strchr(id, '.');
    if (dot)
        ec_json_text(&t->w, "column", (struct ec_str){id, (size_t)(dot - id)});
    else
        ec_json_null(&t->w, "column");
    count_check(t, id, true);
}

static void write_reason(struct ec_shop_truth *t, enum ec_reason reason, size_t column, const char *rule) {
    char id[64];
    ec_json_object(&t->w, NULL);
    if (reason == EC_REASON_RULE) {
        write_rule(t, rule);
    } else {
        bool of_column = reason == EC_REASON_TYPE || reason == EC_REASON_NULL;
        ec_json_str(&t->w, "code", ec_reason_text(reason)->slug);
        ec_json_str(&t->w, "column", of_column ? t->column[column] : NULL);
        if (of_column)
            (void)snprintf(id, sizeof id, "%s.%s", t->column[column], reason == EC_REASON_TYPE ? "type" : "not_null");
        count_check(t, of_column ? id : ec_shop_reason_is_structural(reason) ? "rows.parse" : "key", false);
    }
    ec_json_end(&t->w);
}

static void write_reasons(struct ec_shop_truth *t, const struct ec_shop_defect *defect) {
    uint32_t seen = 0;
    for (size_t i = 0; i < sizeof defect->change / sizeof *defect->change; i++) {
        const struct ec_shop_change *c = &defect->change[i];
        if (c->op == EC_SHOP_OP_NONE) break;
        if (c->reason == EC_SHOP_NO_REASON) continue;
        if (!(seen >> c->reason & 1)) t->by_reason[c->reason]++;
        seen |= UINT32_C(1) << c->reason;
        write_reason(t, c->reason, c->column, c->rule);
    }
}

enum ec_status ec_shop_truth_bad(struct ec_shop_truth *t, struct ec_shop_place place,
                                 const struct ec_shop_defect *defect, struct ec_err *err) {
    bool duplicate = defect->mode == EC_SHOP_AGAIN || defect->mode == EC_SHOP_FAR;
    t->count.read++;
    t->count.duplicate += duplicate;
    t->count.quarantined += !duplicate;
    next_line(t);
    ec_json_object(&t->w, NULL);
    ec_json_uint(&t->w, "line", place.line);
    if (place.offset == UINT64_MAX)
        ec_json_null(&t->w, "offset");
    else
        ec_json_uint(&t->w, "offset", place.offset);
    ec_json_str(&t->w, "kind", defect->kind);
    ec_json_array(&t->w, "reasons");
    if (duplicate) {
        t->by_reason[EC_REASON_DUPLICATE]++;
        write_reason(t, EC_REASON_DUPLICATE, 0, NULL);
    } else {
        write_reasons(t, defect);
    }
    ec_json_end_array(&t->w);
    ec_json_end(&t->w);
    return t->buf.n < FLUSH_BYTES ? EC_OK : flush(t, err);
}

static void write_count(struct ec_json_writer *w, const struct ec_shop_count *c) {
    ec_json_uint(w, "read", c->read);
    ec_json_uint(w, "accepted", c->accepted);
    ec_json_uint(w, "quarantined", c->quarantined);
    ec_json_uint(w, "duplicate", c->duplicate);
    ec_json_uint(w, "bytes", c->bytes);
}

static void add_count(struct ec_shop_count *to, const struct ec_shop_count *c) {
    to->files += c->files;
    to->read += c->read;
    to->accepted += c->accepted;
    to->quarantined += c->quarantined;
    to->duplicate += c->duplicate;
    to->bytes += c->bytes;
}

/* Rows by what they are rejected for: a rule's own code counts the rows that its check does. */
static void write_by_reason(struct ec_shop_truth *t) {
    char code[80];
    ec_json_object(&t->w, "by_reason");
    for (size_t i = 0; i < EC_REASON_COUNT; i++)
        if (t->by_reason[i] && i != EC_REASON_RULE)
            ec_json_uint(&t->w, ec_reason_text((enum ec_reason)i)->slug, t->by_reason[i]);
    for (size_t i = 0; i < t->checks; i++) {
        if (!t->check[i].is_rule) continue;
        (void)snprintf(code, sizeof code, "rule:%s", t->check[i].id);
        ec_json_uint(&t->w, code, t->check[i].failed);
    }
    ec_json_end(&t->w);
}

void ec_shop_truth_end(struct ec_shop_truth *t, uint64_t bytes, struct ec_shop_totals *totals) {
    t->count.bytes = bytes;
    ec_json_end_array(&t->w);
    write_count(&t->w, &t->count);
    write_by_reason(t);
    ec_json_object(&t->w, "checks");
    for (size_t i = 0; i < t->checks; i++) ec_json_uint(&t->w, t->check[i].id, t->check[i].failed);
    ec_json_end(&t->w);
    ec_json_end(&t->w);
    add_count(&totals->source[t->source], &t->count);
    add_count(&totals->all, &t->count);
}

static void write_total(struct ec_json_writer *w, const char *name, const struct ec_shop_count *c) {
    ec_json_object(w, name);
    ec_json_uint(w, "files", c->files);
    write_count(w, c);
    ec_json_end(w);
}

enum ec_status ec_shop_truth_finish(struct ec_shop_truth *t, const struct ec_shop_totals *totals, struct ec_err *err) {
    ec_json_end_array(&t->w);
    next_line(t);
    ec_json_object(&t->w, "totals");
    for (size_t i = 0; i < EC_SHOP_SOURCES; i++)
        write_total(&t->w, ec_shop_source_name((enum ec_shop_source)i), &totals->source[i]);
    write_total(&t->w, "all", &totals->all);
    ec_json_end(&t->w);
    ec_json_end(&t->w);
    next_line(t);
    EC_TRY(flush(t, err));
    int fd = t->fd;
    t->fd = -1;
    return ec_file_finish(fd, t->path, err);
}

void ec_shop_truth_close(struct ec_shop_truth *t) {
    if (t->fd >= 0) ec_file_abandon(t->fd, t->path);
    t->fd = -1;
    ec_buf_free(&t->buf);
}
