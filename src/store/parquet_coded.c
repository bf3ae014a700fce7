/* Columns that come coded: from the codes of a batch's dictionary to those of the row group's.
 *
 * A value is looked up when its code is met for the first time in a row group; afterwards it costs
 * a load and a store. The row group's dictionary is the one that the values themselves would have
 * made, and gives up where they would have made it give up: the file's bytes are the same.
 */
#include "base/io.h"
#include "store/parquet_column.h"
#include "store/parquet_text.h"

#include <assert.h>

static enum ec_status no_memory(const struct pq_column *c, struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "memory ran out for the codes of column %s", c->name);
}

/* The slice's places in the dictionary, nulls left out: one's code is written and then overwritten.
 * In `to`, or where they lie in the batch. */
static const uint32_t *places(const struct pq_column *c, const struct pq_slice *s, uint32_t *to) {
    const uint32_t *code = c->source->code, *start = to;
    const uint64_t *valid = c->source->valid;
    if (c->source_full && !s->rows) return code + s->first;
    if (c->source_full) {
        for (size_t i = 0; i < s->n; i++) to[i] = code[s->rows[s->first + i]];
    } else {
        for (size_t i = 0; i < s->n; i++) {
            size_t row = s->rows ? s->rows[s->first + i] : s->first + i;
            *to = code[row];
            to += ec_bit(valid, row);
        }
    }
    return start;
}

/* The row of the slice that has value number `value`. */
static size_t row_of(const struct pq_column *c, const struct pq_slice *s, size_t value) {
    if (c->source_full) return value;
    size_t i = 0;
    for (;; i++) {
        size_t row = s->rows ? s->rows[s->first + i] : s->first + i;
        if (ec_bit(c->source->valid, row) && value-- == 0) return i;
    }
}

static enum ec_status remap_reserve(struct pq_column *c, struct ec_err *err) {
    struct pq_remap *m = &c->remap;
    const struct ec_dictionary *d = c->source->dictionary;
    if (m->id != d->id) m->count = 0;
    m->id = d->id;
    if (m->count >= d->count) return EC_OK;
    if (m->cap < d->count) {
        size_t cap = m->cap ? m->cap : 64;
        while (cap < d->count) cap *= 2;
        if (cap > UINT32_MAX) cap = UINT32_MAX;
        uint32_t *code = ec_realloc_array(m->code, cap, sizeof *code);
        if (!code) return no_memory(c, err);
        m->code = code;
        m->cap = (uint32_t)cap;
    }
    memset(m->code + m->count, 0xff, (size_t)(d->count - m->count) * sizeof *m->code);
    m->count = d->count;
    return EC_OK;
}

static uint64_t number_at(const struct pq_column *c, uint32_t place) {
    const void *values = c->source->dictionary->values;
    return c->width == 4 ? (uint64_t)(int64_t)((const int32_t *)values)[place] : ((const uint64_t *)values)[place];
}

/* The row group's code of a value that was not met yet; `values` came before it. */
static enum ec_status look_up(struct pq_column *c, uint32_t place, size_t values, uint32_t *code, struct ec_err *err) {
    assert(place < c->source->dictionary->count);
    if (c->width)
        EC_TRY(pq_number_dict_code(&c->numbers, number_at(c, place), code, err));
    else
        EC_TRY(pq_text_dict_code(&c->dict, (const struct ec_text *)c->source->dictionary->values + place, values, code,
                                 err));
    c->remap.code[place] = *code;
    return EC_OK;
}

/* Codes values until the dictionary gives up: *taken of them. `before` came earlier. */
static enum ec_status translate(struct pq_column *c, const uint32_t *place, size_t count, size_t before, size_t *taken,
                                struct ec_err *err) {
    EC_TRY(remap_reserve(c, err));
    uint16_t *to = (uint16_t *)(void *)ec_buf_reserve(&c->codes, count * sizeof *to);
    if (!to) return no_memory(c, err);
    const uint32_t *remap = c->remap.code;
    size_t i = 0;
    for (; i < count; i++) {
        uint32_t code = remap[place[i]];
        if (code == PQ_NO_CODE) EC_TRY(look_up(c, place[i], before + i, &code, err));
        if (code == PQ_NO_CODE) break;
        to[i] = (uint16_t)code;
    }
    c->codes.n += i * sizeof *to;
    *taken = i;
    return EC_OK;
}

static enum ec_status append_values(struct pq_column *c, const uint32_t *place, size_t count, struct ec_err *err) {
    const void *values = c->source->dictionary->values;
    void *to = ec_buf_reserve(&c->data, count * c->width);
    if (!to) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the values of column %s", c->name);
    if (c->width == 8)
        for (size_t i = 0; i < count; i++) ((uint64_t *)to)[i] = ((const uint64_t *)values)[place[i]];
    else if (c->width == 4)
        for (size_t i = 0; i < count; i++) ((uint32_t *)to)[i] = ((const uint32_t *)values)[place[i]];
    else
        for (size_t i = 0; i < count; i++) ((uint8_t *)to)[i] = ((const uint8_t *)values)[place[i]];
    c->data.n += count * c->width;
    return EC_OK;
}

static enum ec_status append_plain(struct pq_column *c, const uint32_t *place, size_t count, struct ec_err *err) {
    const struct ec_text *text = c->source->dictionary->values;
    size_t bytes = count * 4;
    for (size_t i = 0; i < count; i++) bytes += text[place[i]].n;
    char *to = ec_buf_reserve(&c->data, bytes + PQ_SLACK);
    if (!to) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the texts of column %s", c->name);
    for (size_t i = 0; i < count; i++) {
        pq_lengths_add(&c->lengths, text[place[i]].n);
        to = pq_text_put(to, &text[place[i]]);
    }
    c->data.n = (size_t)(to - c->data.p);
    return EC_OK;
}

static enum ec_status append_texts(struct pq_column *c, const struct pq_slice *s, size_t group_rows,
                                   const uint32_t *place, size_t count, struct ec_err *err) {
    size_t taken = 0;
    if (!c->plain) {
        EC_TRY(translate(c, place, count, c->coded_values, &taken, err));
        c->coded_values += taken;
        c->plain = taken < count;
        c->coded_rows = group_rows + (c->plain ? row_of(c, s, taken) : s->n);
    }
    return taken < count ? append_plain(c, place + taken, count - taken, err) : EC_OK;
}

enum ec_status pq_numbers_expand(struct pq_column *c, struct ec_err *err) {
    size_t n = c->codes.n / sizeof(uint16_t);
    const uint16_t *code = (const uint16_t *)(const void *)c->codes.p;
    void *to = ec_buf_reserve(&c->data, n * c->width);
    if (!to) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the values of column %s", c->name);
    if (c->width == 8)
        for (size_t i = 0; i < n; i++) ((uint64_t *)to)[i] = c->numbers.entry[code[i]];
    else
        for (size_t i = 0; i < n; i++) ((uint32_t *)to)[i] = (uint32_t)c->numbers.entry[code[i]];
    c->data.n += n * c->width;
    ec_buf_clear(&c->codes);
    c->numbers_coded = false;
    return EC_OK;
}

/* Numbers stay coded for as long as all of a row group's are. */
static enum ec_status append_numbers(struct pq_column *c, const uint32_t *place, size_t count, struct ec_err *err) {
    if (c->values == 0) c->numbers_coded = true;
    size_t taken = 0;
    if (c->numbers_coded) EC_TRY(translate(c, place, count, 0, &taken, err));
    if (taken == count) return EC_OK;
    if (c->numbers_coded) EC_TRY(pq_numbers_expand(c, err));
    return append_values(c, place + taken, count - taken, err);
}

enum ec_status pq_coded_append(struct pq_column *c, const struct pq_slice *s, size_t group_rows, size_t count,
                               struct ec_err *err) {
    uint32_t room[EC_BATCH_ROWS + 1];
    assert(s->n <= EC_BATCH_ROWS);
    const uint32_t *place = places(c, s, room);
    if (c->type.type == EC_TYPE_STRING) return append_texts(c, s, group_rows, place, count, err);
    if (c->type.type == EC_TYPE_BOOLEAN) return append_values(c, place, count, err);
    return append_numbers(c, place, count, err);
}
