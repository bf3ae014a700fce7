#include "shop/emit.h"

#define PROTECTED_ROWS 3u /* at a file's start, from which readers find out what it is */
#define FAR_IN_FILE    3u
#define FAR_EVERY      3u /* files */
#define KEPT_STEP      4u /* of a file's recent good rows every fourth is kept for later files */

static void make_keys(struct ec_shop_emit *e) {
    char *p = e->key_text;
    for (size_t i = 0; i < e->rows->columns; i++) {
        char *start = p;
        p = ec_shop_putz(p, ",\"");
        p = ec_shop_putz(p, e->rows->column[i]);
        p = ec_shop_putz(p, "\":");
        e->key[i] = (struct ec_str){start, (size_t)(p - start)};
    }
}

void ec_shop_emit_init(struct ec_shop_emit *e, const struct ec_shop_world *world, const struct ec_shop_rows *rows,
                       uint64_t parts, struct ec_shop_truth *truth) {
    *e = (struct ec_shop_emit){.world = world, .rows = rows, .truth = truth};
    e->random = ec_shop_random_of(world->seed, EC_SHOP_TAG_CHANGES, rows->source);
    ec_shop_schedule_init(&e->schedule, ec_shop_next(&e->random), parts);
    e->schedule.turn = ec_shop_below(&e->random, (uint32_t)rows->defects);
    ec_shop_row_init(&e->row);
    make_keys(e);
}

const struct ec_shop_session *ec_shop_emit_session(struct ec_shop_emit *e, uint64_t number) {
    if (!e->have_session || e->session.number != number) ec_shop_session_make(e->world, number, &e->session);
    e->have_session = true;
    return &e->session;
}

static char *put_header(const struct ec_shop_emit *e, char *p) {
    for (size_t i = 0; i < e->rows->columns; i++) {
        if (i > 0) *p++ = ',';
        p = ec_shop_putz(p, e->rows->column[i]);
    }
    return ec_shop_putz(p, e->crlf ? "\r\n" : "\n");
}

enum ec_status ec_shop_emit_file(struct ec_shop_emit *e, enum ec_shop_layout layout, struct ec_shop_sink *sink,
                                 struct ec_err *err) {
    e->layout = layout;
    e->sink = sink;
    e->written = 0;
    e->recents = 0;
    e->far_left = e->files % FAR_EVERY == 1 ? FAR_IN_FILE : 0;
    e->files++;
    if (layout == EC_SHOP_SHEET) return EC_OK;
    char *p = ec_shop_sink_begin(sink);
    switch (layout) {
    case EC_SHOP_CSV: p = put_header(e, p); break;
    case EC_SHOP_ARRAY: p = ec_shop_putz(p, "[\n"); break;
    case EC_SHOP_COMPACT: *p++ = '['; break;
    case EC_SHOP_LINES:
    case EC_SHOP_SHEET: break;
    }
    sink->line += layout == EC_SHOP_CSV || layout == EC_SHOP_ARRAY;
    return ec_shop_sink_end(sink, p, err);
}

enum ec_status ec_shop_emit_end(struct ec_shop_emit *e, struct ec_err *err) {
    for (size_t i = 0; i < EC_SHOP_RECENT_MAX && i < e->recents; i += KEPT_STEP) {
        e->earlier[e->earliers % EC_SHOP_EARLIER_MAX] = e->recent[i];
        e->earliers++;
    }
    if (e->layout != EC_SHOP_ARRAY && e->layout != EC_SHOP_COMPACT) return EC_OK;
    char *p = ec_shop_sink_begin(e->sink);
    p = ec_shop_putz(p, e->layout == EC_SHOP_ARRAY ? "\n]\n" : "]");
    return ec_shop_sink_end(e->sink, p, err);
}

/* A record without its end: somewhere in the middle, between characters. */
static char *cut_record(struct ec_shop_emit *e, char *start, const char *end) {
    uint32_t n = (uint32_t)(end - start);
    char *p = start + n / 4 + ec_shop_below(&e->random, n / 2);
    while (((unsigned char)*p & 0xC0) == 0x80) p--;
    return p;
}

static enum ec_status write_row(struct ec_shop_emit *e, bool cut, struct ec_shop_place *place, struct ec_err *err) {
    uint64_t before = e->written++;
    if (e->layout == EC_SHOP_SHEET) {
        *place = (struct ec_shop_place){before + 2, UINT64_MAX}; /* below the header */
        ec_shop_sheet_row(e, before + 2);
        return EC_OK;
    }
    struct ec_shop_sink *sink = e->sink;
    char *p = ec_shop_sink_begin(sink);
    if (before > 0 && e->layout == EC_SHOP_ARRAY) p = ec_shop_putz(p, ",\n");
    if (before > 0 && e->layout == EC_SHOP_COMPACT) *p++ = ',';
    sink->line += before > 0 && e->layout == EC_SHOP_ARRAY;
    char *start = p;
    *place = (struct ec_shop_place){sink->line, sink->flushed + (uint64_t)(p - sink->buf)};
    p = e->layout == EC_SHOP_CSV ? ec_shop_csv_row(p, &e->row) : ec_shop_json_row(p, &e->row, e->key);
    if (cut) p = cut_record(e, start, p);
    if (e->layout == EC_SHOP_CSV || e->layout == EC_SHOP_LINES) {
        if (e->crlf) *p++ = '\r';
        *p++ = '\n';
        sink->line++;
    }
    return ec_shop_sink_end(sink, p, err);
}

static enum ec_status write_empty_line(struct ec_shop_emit *e, struct ec_err *err) {
    char *p = ec_shop_sink_begin(e->sink);
    p = ec_shop_putz(p, e->crlf ? "\r\n" : "\n");
    e->sink->line++;
    return ec_shop_sink_end(e->sink, p, err);
}

static enum ec_status write_good(struct ec_shop_emit *e, uint64_t entity, struct ec_err *err) {
    struct ec_shop_place place;
    e->rows->build(e, entity);
    EC_TRY(write_row(e, false, &place, err));
    e->recent[e->recents++ % EC_SHOP_RECENT_MAX] = entity;
    ec_shop_truth_good(e->truth);
    return EC_OK;
}

static enum ec_status write_bad(struct ec_shop_emit *e, uint64_t entity, const struct ec_shop_defect *d,
                                struct ec_err *err) {
    struct ec_shop_place place;
    bool cut;
    e->rows->build(e, entity);
    ec_shop_defect_apply(d, &e->row, e->rows->make, &e->random, &cut);
    EC_TRY(write_row(e, cut, &place, err));
    return ec_shop_truth_bad(e->truth, place, d, err);
}

static uint64_t pick(struct ec_shop_emit *e, const uint64_t *entity, size_t count, size_t most) {
    return entity[ec_shop_below(&e->random, (uint32_t)(count < most ? count : most))];
}

static bool is_possible(const struct ec_shop_emit *e, const struct ec_shop_defect *d) {
    bool by_line = e->layout == EC_SHOP_CSV || e->layout == EC_SHOP_LINES;
    if (d->by_line && !by_line) return false;
    if (e->world->values_only && ec_shop_defect_is_damage(d)) return false;
    return d->mode != EC_SHOP_FAR || (e->far_left > 0 && e->earliers > 0);
}

/* The next kind in turn that this file can have; the first kind of every table is always possible. */
static const struct ec_shop_defect *next_defect(struct ec_shop_emit *e) {
    const struct ec_shop_defect *d;
    do {
        d = &e->rows->defect[e->schedule.turn++ % e->rows->defects];
    } while (!is_possible(e, d));
    return d;
}

enum ec_status ec_shop_emit_far(struct ec_shop_emit *e, struct ec_err *err) {
    static const struct ec_shop_defect again = {.kind = "key-of-earlier-file", .mode = EC_SHOP_FAR};
    if (e->earliers == 0) return EC_OK;
    return write_bad(e, pick(e, e->earlier, e->earliers, EC_SHOP_EARLIER_MAX), &again, err);
}

enum ec_status ec_shop_emit_row(struct ec_shop_emit *e, uint64_t entity, bool is_last, struct ec_err *err) {
    if (!ec_shop_schedule_due(&e->schedule, is_last || e->written < PROTECTED_ROWS)) return write_good(e, entity, err);
    const struct ec_shop_defect *d = next_defect(e);
    switch (d->mode) {
    case EC_SHOP_BAD: return write_bad(e, entity, d, err);
    case EC_SHOP_RESENT: EC_TRY(write_bad(e, entity, d, err)); return write_good(e, entity, err);
    case EC_SHOP_AGAIN:
        EC_TRY(write_good(e, entity, err));
        return write_bad(e, pick(e, e->recent, e->recents, EC_SHOP_RECENT_MAX), d, err);
    case EC_SHOP_FAR:
        e->far_left--;
        EC_TRY(write_good(e, entity, err));
        return ec_shop_emit_far(e, err);
    case EC_SHOP_NOTHING: EC_TRY(write_empty_line(e, err)); return write_good(e, entity, err);
    }
    return EC_OK;
}
