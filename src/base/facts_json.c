/* Facts as JSON, compact, and back without loss.
 *
 * The registers of a sketch are one string: a base64 digit each (they are at most 55), a run of
 * 4 to 4,095 zeros as '.' and two digits. What is zero or empty by nature is left out: reasons
 * that did not occur, sketches without values, free slots of the top values.
 */
#include "base/facts.h"

#include "base/json_read.h"
#include "base/utf8.h"

#include <math.h>

/* A year. */
#define TIME_US_MAX (INT64_C(366) * 86400 * 1000000)

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char *const type_names[] = {"string", "integer", "float", "boolean", "datetime", "date", "decimal"};

_Static_assert(sizeof type_names / sizeof *type_names == EC_TYPE_DECIMAL + 1, "a name per type");

/* JSON has neither infinities nor, through readers that see an integer, a negative zero. */
static void write_double(struct ec_json_writer *w, const char *key, double value) {
    if (isnan(value))
        ec_json_str(w, key, "nan");
    else if (isinf(value))
        ec_json_str(w, key, value < 0 ? "-inf" : "inf");
    else if (value == 0 && signbit(value))
        ec_json_raw(w, key, EC_STR("-0.0"));
    else
        ec_json_double(w, key, value);
}

static double read_double(struct ec_json_reader *r, const char *key) {
    const json_t *value = r->status == EC_OK ? json_object_get(r->object, key) : NULL;
    if (!json_is_string(value)) return ec_json_get_double(r, key);
    const char *text = json_string_value(value);
    if (strcmp(text, "inf") == 0) return (double)INFINITY;
    if (strcmp(text, "-inf") == 0) return -(double)INFINITY;
    if (strcmp(text, "nan") != 0) ec_json_wrong(r, key, "a number");
    return (double)NAN;
}

static void write_hll(struct ec_json_writer *w, const uint8_t *hll) {
    char text[EC_HLL_SIZE];
    size_t n = 0, i = 0;
    bool any = false;
    while (hll && i < EC_HLL_SIZE) {
        size_t zeros = 0;
        while (i + zeros < EC_HLL_SIZE && hll[i + zeros] == 0) zeros++;
        if (zeros >= 4) {
            text[n++] = '.';
            text[n++] = digits[zeros >> 6];
            text[n++] = digits[zeros & 63];
            i += zeros;
        } else {
            any |= hll[i] != 0;
            text[n++] = digits[hll[i++] & 63];
        }
    }
    if (any) ec_json_text(w, "hll", (struct ec_str){text, n});
}

static int digit(char c) {
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool parse_hll(const char *z, uint8_t *hll) {
    size_t i = 0;
    while (*z) {
        if (*z != '.') {
            int value = digit(*z++);
            if (value < 0 || value > (int)(64 - EC_HLL_BITS + 1) || i == EC_HLL_SIZE) return false;
            hll[i++] = (uint8_t)value;
            continue;
        }
        int high = digit(z[1]);
        int low = high < 0 ? -1 : digit(z[2]);
        if (low < 0) return false;
        size_t zeros = (size_t)high * 64 + (size_t)low;
        if (zeros > EC_HLL_SIZE - i) return false;
        i += zeros;
        z += 3;
    }
    return i == EC_HLL_SIZE;
}

static void write_top(struct ec_json_writer *w, const struct ec_top *top) {
    if (!top) return;
    ec_json_array(w, "top");
    for (size_t i = 0; i < EC_TOP_SLOTS && top[i].count; i++) {
        ec_json_array(w, NULL);
        ec_json_text(w, NULL, (struct ec_str){top[i].text, top[i].n});
        ec_json_uint(w, NULL, top[i].count);
        ec_json_int(w, NULL, (int64_t)top[i].hash); /* readers take 64 bits, but signed */
        ec_json_end_array(w);
    }
    ec_json_end_array(w);
}

static bool is_float(const struct ec_column_facts *c) {
    return c->type.type == EC_TYPE_FLOAT;
}

static void write_column(struct ec_json_writer *w, const struct ec_column_facts *c) {
    ec_json_object(w, NULL);
    ec_json_str(w, "name", c->name);
    ec_json_str(w, "type", type_names[c->type.type]);
    if (c->type.type == EC_TYPE_DECIMAL) {
        ec_json_uint(w, "precision", c->type.precision);
        ec_json_uint(w, "scale", c->type.scale);
    }
    ec_json_bool(w, "declared", c->declared);
    if (c->derived) ec_json_bool(w, "derived", true);
    ec_json_bool(w, "present", c->present);
    ec_json_uint(w, "nulls", c->nulls);
    ec_json_uint(w, "values", c->values);
    if (c->bounded && is_float(c)) {
        write_double(w, "min", c->min_d);
        write_double(w, "max", c->max_d);
    } else if (c->bounded) {
        ec_json_int(w, "min", c->min_i);
        ec_json_int(w, "max", c->max_i);
    }
    if (c->bounded) write_double(w, "sum", c->sum);
    write_hll(w, c->hll);
    write_top(w, c->top);
    ec_json_end(w);
}

/* [line, value], and what is known of the record: text, place and length of the cell, its column, and bits. */
static void write_sample(struct ec_json_writer *w, const struct ec_sample *sample) {
    const struct ec_excerpt *e = &sample->excerpt;
    ec_json_array(w, NULL);
    ec_json_uint(w, NULL, sample->line);
    ec_json_str(w, NULL, sample->value);
    if (e->text) {
        ec_json_str(w, NULL, e->text);
        ec_json_uint(w, NULL, e->cell.at);
        ec_json_uint(w, NULL, e->cell.n);
        ec_json_uint(w, NULL, e->column);
        ec_json_uint(w, NULL, (e->cell_known ? 1u : 0u) | (e->cut_before ? 2u : 0u) | (e->cut_after ? 4u : 0u));
    }
    ec_json_end_array(w);
}

static void write_check(struct ec_json_writer *w, const struct ec_check_facts *c) {
    ec_json_object(w, NULL);
    ec_json_str(w, "id", c->id);
    ec_json_str(w, "rule", c->rule);
    if (c->column) ec_json_str(w, "column", c->column);
    ec_json_str(w, "dimension", c->dimension);
    ec_json_str(w, "severity", c->severity);
    ec_json_str(w, "action", c->action);
    if (!isnan(c->max_failed)) write_double(w, "max_failed", c->max_failed);
    ec_json_uint(w, "evaluated", c->evaluated);
    ec_json_uint(w, "failed", c->failed);
    if (c->sample_count) {
        ec_json_array(w, "samples");
        for (size_t i = 0; i < c->sample_count; i++) {
            write_sample(w, &c->sample[i]);
        }
        ec_json_end_array(w);
    }
    ec_json_end(w);
}

static void write_reasons(struct ec_json_writer *w, const uint64_t *by_reason) {
    ec_json_object(w, "by_reason");
    for (int i = 0; i < EC_REASON_COUNT; i++)
        if (by_reason[i]) ec_json_uint(w, ec_reason_text((enum ec_reason)i)->slug, by_reason[i]);
    ec_json_end(w);
}

static void write_time(struct ec_json_writer *w, const struct ec_work_time *time) {
    ec_json_object(w, "timing");
    ec_json_int(w, "cpu_us", time->cpu_ns / 1000);
    ec_json_int(w, "again_us", time->again_ns / 1000);
    ec_json_int(w, "again_cpu_us", time->again_cpu_ns / 1000);
    ec_json_object(w, "parts_us");
    for (int i = 0; i < EC_WORK_PARTS; i++)
        ec_json_int(w, ec_work_part_name((enum ec_work_part)i), time->part_ns[i] / 1000);
    ec_json_end(w);
    ec_json_end(w);
}

void ec_facts_write(struct ec_json_writer *w, const char *key, const struct ec_facts *facts) {
    ec_json_object(w, key);
    ec_json_uint(w, "read", facts->read);
    ec_json_uint(w, "accepted", facts->accepted);
    ec_json_uint(w, "quarantined", facts->quarantined);
    ec_json_uint(w, "duplicate", facts->duplicate);
    write_reasons(w, facts->by_reason);
    ec_json_uint(w, "rows_invalid", facts->rows_invalid);
    ec_json_uint(w, "rows_inconsistent", facts->rows_inconsistent);
    ec_json_uint(w, "sound", facts->sound);
    ec_json_uint(w, "cells", facts->cells);
    ec_json_uint(w, "cells_missing", facts->cells_missing);
    ec_json_bool(w, "rejected", facts->rejected);
    if (facts->newest_known) ec_json_int(w, "newest_us", facts->newest_us);
    if (facts->money_known) ec_json_int(w, "money_e4", facts->money_e4);
    ec_json_str(w, "encoding", facts->encoding);
    ec_json_str(w, "compression", facts->compression);
    ec_json_str(w, "layout", facts->layout);
    ec_json_uint(w, "bytes_in", facts->bytes_in);
    ec_json_uint(w, "bytes_decoded", facts->bytes_decoded);
    ec_json_int(w, "elapsed_us", facts->elapsed_us);
    write_time(w, &facts->time);
    ec_json_array(w, "columns");
    for (size_t i = 0; i < facts->column_count; i++) write_column(w, &facts->column[i]);
    ec_json_end_array(w);
    ec_json_array(w, "checks");
    for (size_t i = 0; i < facts->check_count; i++) write_check(w, &facts->check[i]);
    ec_json_end_array(w);
    ec_json_end(w);
}

static void read_top(struct ec_json_reader *r, struct ec_column_facts *c) {
    const json_t *list = ec_json_get_array(r, "top");
    if (!list) return;
    if (json_array_size(list) > EC_TOP_SLOTS) ec_json_wrong(r, "top", "a list of at most 64 values");
    c->top = ec_json_alloc(r, EC_TOP_SLOTS, sizeof *c->top);
    for (size_t i = 0; r->status == EC_OK && i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const json_t *text = json_array_get(entry, 0), *count = json_array_get(entry, 1);
        const json_t *hash = json_array_get(entry, 2);
        if (!json_is_string(text) || !json_is_integer(count) || json_integer_value(count) < 1 ||
            !json_is_integer(hash)) {
            ec_json_wrong(r, "top", "a list of [text, count, hash]");
            return;
        }
        struct ec_top *slot = &c->top[i];
        slot->n = (uint32_t)ec_utf8_truncate(json_string_value(text), json_string_length(text), sizeof slot->text);
        memcpy(slot->text, json_string_value(text), slot->n);
        slot->count = (uint64_t)json_integer_value(count);
        slot->hash = (uint64_t)json_integer_value(hash);
    }
}

static struct ec_column_type read_type(struct ec_json_reader *r) {
    const char *name = ec_json_need_str(r, "type");
    size_t type = 0;
    while (type <= EC_TYPE_DECIMAL && strcmp(type_names[type], name) != 0) type++;
    if (type > EC_TYPE_DECIMAL) {
        ec_json_wrong(r, "type", "a type of column");
        return (struct ec_column_type){EC_TYPE_STRING, 0, 0};
    }
    struct ec_column_type made = {.type = (enum ec_type)type};
    if (made.type == EC_TYPE_DECIMAL) {
        uint64_t precision = ec_json_get_uint(r, "precision"), scale = ec_json_get_uint(r, "scale");
        if (precision > EC_DECIMAL_PRECISION_MAX || scale > precision)
            ec_json_wrong(r, "scale", "within its precision");
        made.precision = (uint8_t)precision;
        made.scale = (uint8_t)scale;
    }
    return made;
}

static void read_bounds(struct ec_json_reader *r, struct ec_column_facts *c) {
    c->bounded = ec_json_has(r, "min");
    if (!c->bounded) return;
    if (is_float(c)) {
        c->min_d = read_double(r, "min");
        c->max_d = read_double(r, "max");
    } else {
        c->min_i = ec_json_get_int(r, "min");
        c->max_i = ec_json_get_int(r, "max");
    }
    c->sum = read_double(r, "sum");
}

static enum ec_status read_column(const json_t *object, struct ec_facts *facts, struct ec_column_facts *c,
                                  struct ec_err *err) {
    struct ec_json_reader r = ec_json_reader_of(object, "the facts of a column", &facts->arena, err);
    c->name = ec_json_need_str(&r, "name");
    c->type = read_type(&r);
    c->declared = ec_json_get_bool(&r, "declared");
    c->derived = ec_json_has(&r, "derived") && ec_json_get_bool(&r, "derived");
    c->present = ec_json_get_bool(&r, "present");
    c->nulls = ec_json_get_uint(&r, "nulls");
    c->values = ec_json_get_uint(&r, "values");
    read_bounds(&r, c);
    c->hll = ec_json_alloc(&r, EC_HLL_SIZE, 1);
    const char *hll = ec_json_get_str(&r, "hll");
    if (hll && r.status == EC_OK && !parse_hll(hll, c->hll)) ec_json_wrong(&r, "hll", "1,024 registers");
    read_top(&r, c);
    return r.status;
}

static uint64_t small_number(const json_t *list, size_t i) {
    json_int_t value = json_integer_value(json_array_get(list, i)); /* 0 where it is none */
    return value < 0 || value > UINT32_MAX ? UINT64_MAX : (uint64_t)value;
}

/* What write_sample() says of the record; a sample of a version that did not keep it has none. */
static void read_excerpt(struct ec_json_reader *r, const json_t *list, struct ec_excerpt *out) {
    const json_t *text = json_array_get(list, 2);
    if (!text) return;
    size_t length = json_string_length(text), at = small_number(list, 3), n = small_number(list, 4);
    uint64_t column = small_number(list, 5), bits = small_number(list, 6);
    if (!json_is_string(text) || length > EC_EXCERPT_MAX || at > length || n > length - at || column > UINT32_MAX || bits > 7) {
        ec_json_wrong(r, "samples", "a list of [line, value, text, place, length, column, bits]");
        return;
    }
    out->text = ec_arena_copy(r->arena, json_string_value(text), length);
    if (!out->text) r->status = ec_fail(r->err, EC_NO_MEMORY, "no memory for the samples of a check");
    out->cell = (struct ec_span){at, n};
    out->column = (uint32_t)column;
    out->cell_known = bits & 1;
    out->cut_before = bits & 2;
    out->cut_after = bits & 4;
}

static void read_samples(struct ec_json_reader *r, struct ec_check_facts *c) {
    const json_t *list = ec_json_get_array(r, "samples");
    if (json_array_size(list) > EC_SAMPLES_MAX) ec_json_wrong(r, "samples", "a list of at most 5 samples");
    for (size_t i = 0; r->status == EC_OK && i < json_array_size(list); i++) {
        const json_t *line = json_array_get(json_array_get(list, i), 0);
        const json_t *value = json_array_get(json_array_get(list, i), 1);
        if (!json_is_integer(line) || json_integer_value(line) < 0 || !json_is_string(value)) {
            ec_json_wrong(r, "samples", "a list of [line, value]");
            return;
        }
        const char *copy = ec_arena_strdup(r->arena, json_string_value(value));
        if (!copy) {
            r->status = ec_fail(r->err, EC_NO_MEMORY, "no memory for the samples of a check");
            return;
        }
        struct ec_sample *sample = &c->sample[c->sample_count++];
        *sample = (struct ec_sample){.line = (uint64_t)json_integer_value(line), .value = copy};
        read_excerpt(r, json_array_get(list, i), &sample->excerpt);
    }
}

static enum ec_status read_check(const json_t *object, struct ec_facts *facts, struct ec_check_facts *c,
                                 struct ec_err *err) {
    struct ec_json_reader r = ec_json_reader_of(object, "the facts of a check", &facts->arena, err);
    c->id = ec_json_need_str(&r, "id");
    c->rule = ec_json_need_str(&r, "rule");
    c->column = ec_json_get_str(&r, "column");
    c->dimension = ec_json_need_str(&r, "dimension");
    c->severity = ec_json_need_str(&r, "severity");
    c->action = ec_json_need_str(&r, "action");
    c->max_failed = read_double(&r, "max_failed");
    c->evaluated = ec_json_get_uint(&r, "evaluated");
    c->failed = ec_json_get_uint(&r, "failed");
    read_samples(&r, c);
    return r.status;
}

static void read_reasons(struct ec_json_reader *r, uint64_t *by_reason) {
    const json_t *object = ec_json_get_object(r, "by_reason");
    if (!object) return;
    struct ec_json_reader reasons = *r;
    reasons.object = object;
    for (int i = 0; i < EC_REASON_COUNT; i++) {
        const char *slug = ec_reason_text((enum ec_reason)i)->slug;
        if (ec_json_has(&reasons, slug)) by_reason[i] = ec_json_get_uint(&reasons, slug);
    }
    r->status = reasons.status;
}

static enum ec_status read_lists(struct ec_json_reader *r, struct ec_facts *facts) {
    const json_t *columns = ec_json_get_array(r, "columns"), *checks = ec_json_get_array(r, "checks");
    EC_TRY(r->status);
    if (json_array_size(columns) > EC_COLUMNS_MAX + EC_UNDECLARED_MAX) ec_json_wrong(r, "columns", "within the limit");
    facts->column = ec_json_alloc(r, json_array_size(columns), sizeof *facts->column);
    facts->check = ec_json_alloc(r, json_array_size(checks), sizeof *facts->check);
    EC_TRY(r->status);
    for (size_t i = 0; i < json_array_size(columns); i++) {
        EC_TRY(read_column(json_array_get(columns, i), facts, &facts->column[i], r->err));
        facts->column_count++;
    }
    for (size_t i = 0; i < json_array_size(checks); i++) {
        EC_TRY(read_check(json_array_get(checks, i), facts, &facts->check[i], r->err));
        facts->check_count++;
    }
    return EC_OK;
}

/* Microseconds; 0 where there are none. Bounded, so that sums over many files are, too. */
static int64_t read_nanos(struct ec_json_reader *r, const char *key) {
    int64_t us = ec_json_has(r, key) ? ec_json_get_int(r, key) : 0;
    if (us < 0 || us > TIME_US_MAX) ec_json_wrong(r, key, "microseconds, at most a year of them");
    return r->status == EC_OK ? us * 1000 : 0;
}

static void read_time(struct ec_json_reader *r, struct ec_work_time *time) {
    const json_t *object = ec_json_get_object(r, "timing");
    if (!object) return; /* of a version that did not measure it */
    struct ec_json_reader t = ec_json_reader_of(object, "the timing of a file", r->arena, r->err);
    time->cpu_ns = read_nanos(&t, "cpu_us");
    time->again_ns = read_nanos(&t, "again_us");
    time->again_cpu_ns = read_nanos(&t, "again_cpu_us");
    const json_t *list = ec_json_get_object(&t, "parts_us");
    if (list) {
        struct ec_json_reader parts = ec_json_reader_of(list, "the timing of a file", r->arena, r->err);
        for (int i = 0; i < EC_WORK_PARTS; i++)
            time->part_ns[i] = read_nanos(&parts, ec_work_part_name((enum ec_work_part)i));
        if (t.status == EC_OK) t.status = parts.status;
    }
    if (r->status == EC_OK) r->status = t.status;
}

enum ec_status ec_facts_read(const json_t *object, struct ec_facts *facts, struct ec_err *err) {
    ec_facts_init(facts);
    struct ec_json_reader r = ec_json_reader_of(object, "the facts of a file", &facts->arena, err);
    facts->read = ec_json_get_uint(&r, "read");
    facts->accepted = ec_json_get_uint(&r, "accepted");
    facts->quarantined = ec_json_get_uint(&r, "quarantined");
    facts->duplicate = ec_json_get_uint(&r, "duplicate");
    read_reasons(&r, facts->by_reason);
    facts->rows_invalid = ec_json_get_uint(&r, "rows_invalid");
    facts->rows_inconsistent = ec_json_get_uint(&r, "rows_inconsistent");
    facts->sound = ec_json_get_uint(&r, "sound");
    facts->cells = ec_json_get_uint(&r, "cells");
    facts->cells_missing = ec_json_get_uint(&r, "cells_missing");
    facts->rejected = ec_json_get_bool(&r, "rejected");
    facts->newest_known = ec_json_has(&r, "newest_us");
    if (facts->newest_known) facts->newest_us = ec_json_get_int(&r, "newest_us");
    facts->money_known = ec_json_has(&r, "money_e4");
    if (facts->money_known) facts->money_e4 = ec_json_get_int(&r, "money_e4");
    facts->encoding = ec_json_get_str(&r, "encoding");
    facts->compression = ec_json_get_str(&r, "compression");
    facts->layout = ec_json_get_str(&r, "layout");
    facts->bytes_in = ec_json_get_uint(&r, "bytes_in");
    facts->bytes_decoded = ec_json_get_uint(&r, "bytes_decoded");
    facts->elapsed_us = read_nanos(&r, "elapsed_us") / 1000;
    read_time(&r, &facts->time);
    enum ec_status status = read_lists(&r, facts);
    if (status != EC_OK) ec_facts_deinit(facts);
    return status;
}
