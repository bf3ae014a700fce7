/* A column's rows of the row group under way: validity, and the values without gaps. */
#include "base/io.h"
#include "store/parquet_column.h"
#include "store/parquet_text.h"

enum ec_status pq_column_init(struct pq_column *c, const struct ec_parquet_column *column, struct ec_err *err) {
    *c = (struct pq_column){.type = column->type, .lengths = {UINT32_MAX, 0}};
    if (column->type.type != EC_TYPE_STRING) c->width = (uint32_t)ec_type_width(column->type.type);
    c->codes = c->data = c->dict.bytes = ec_buf_make(SIZE_MAX / 4);
    c->name = ec_strdup(column->name);
    if (!c->name) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the column %s", column->name);
    return EC_OK;
}

static void release(struct pq_column *c) {
    ec_free(c->valid);
    ec_buf_free(&c->codes);
    ec_buf_free(&c->data);
    ec_buf_free(&c->dict.bytes);
    ec_free(c->dict.entry);
    ec_free(c->dict.slot);
    ec_free(c->dict.recent);
    ec_free(c->numbers.entry);
    ec_free(c->numbers.slot);
    ec_free(c->remap.code);
    c->valid = NULL;
    c->valid_words = 0;
    c->dict = (struct pq_text_dict){.bytes = c->dict.bytes};
    c->numbers = (struct pq_number_dict){0};
    c->remap = (struct pq_remap){0};
}

void pq_column_deinit(struct pq_column *c) {
    release(c);
    ec_free(c->name);
    c->name = NULL;
}

void pq_column_reset(struct pq_column *c, bool give_back) {
    /* A row group too small for its dictionary to give up may still have shown a column unique. */
    if (c->coded_values >= 1024 && (size_t)c->dict.count * 10 > c->coded_values * 9) c->plain = true;
    c->values = c->coded_rows = c->coded_values = 0;
    c->numbers_coded = false;
    c->lengths = (struct pq_lengths){UINT32_MAX, 0};
    c->remap.count = 0;
    if (give_back) {
        release(c);
        return;
    }
    if (c->valid) memset(c->valid, 0, c->valid_words * sizeof *c->valid);
    ec_buf_clear(&c->codes);
    ec_buf_clear(&c->data);
    ec_buf_clear(&c->dict.bytes);
    c->dict.count = c->dict.slots = 0; /* the next table grows as the first did */
    pq_number_dict_clear(&c->numbers);
}

size_t pq_column_held(const struct pq_column *c) {
    if (c->width) return c->values * c->width; /* however they came */
    return c->codes.n + c->dict.bytes.n + c->data.n;
}

size_t pq_column_memory(const struct pq_column *c) {
    return c->valid_words * sizeof *c->valid + c->codes.cap + c->data.cap + c->dict.bytes.cap +
           c->dict.entry_cap * sizeof *c->dict.entry + c->dict.slot_cap * sizeof *c->dict.slot +
           (c->dict.recent ? PQ_RECENT * sizeof *c->dict.recent : 0) + c->numbers.entry_cap * sizeof *c->numbers.entry +
           c->numbers.slot_cap * sizeof *c->numbers.slot + c->remap.cap * sizeof *c->remap.code;
}

/* Whether each of the first n bits is set. */
static bool all_valid(const uint64_t *valid, size_t n) {
    uint64_t all = UINT64_MAX;
    for (size_t i = 0; i < n / 64; i++) all &= valid[i];
    return all == UINT64_MAX && (n % 64 == 0 || valid[n / 64] << (64 - n % 64) == UINT64_MAX << (64 - n % 64));
}

/* A dictionary only grows: its longest text is looked for among the new ones. */
static void measure_dictionary(struct pq_remap *m, const struct ec_dictionary *d) {
    if (m->measured_id != d->id) m->measured = m->longest = 0;
    m->measured_id = d->id;
    const struct ec_text *text = d->values;
    for (; m->measured < d->count; m->measured++)
        m->longest = text[m->measured].n > m->longest ? text[m->measured].n : m->longest;
}

void pq_column_bind(struct pq_column *c, const struct ec_column *source, size_t rows) {
    c->source = source;
    if (!source) return;
    c->source_full = all_valid(source->valid, rows);
    if (!c->width && source->dictionary) measure_dictionary(&c->remap, source->dictionary);
}

/* The codes of nulls mean nothing. */
static size_t coded_texts(const struct pq_column *c, const struct pq_slice *s) {
    const struct ec_text *text = c->source->dictionary->values;
    size_t sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        size_t row = s->rows ? s->rows[s->first + i] : s->first + i;
        if (c->source_full || ec_bit(c->source->valid, row)) sum += text[c->source->code[row]].n;
    }
    return sum;
}

static size_t texts(const struct pq_column *c, const struct pq_slice *s) {
    const struct ec_text *text = ec_column_text(c->source) + s->first;
    size_t sum = 0;
    if (s->rows)
        for (size_t i = 0; i < s->n; i++) sum += ec_column_text(c->source)[s->rows[s->first + i]].n;
    else
        for (size_t i = 0; i < s->n; i++) sum += text[i].n;
    return sum;
}

void pq_column_measure(struct pq_column *c, const struct pq_slice *s, bool roughly) {
    c->slice_max = 0;
    if (!c->source) return;
    c->slice_max = s->n * (c->width ? c->width : 8); /* of a text a code, and its length in the dictionary */
    if (c->width) return;
    if (!c->source->dictionary)
        c->slice_max += texts(c, s);
    else
        c->slice_max += roughly ? s->n * c->remap.longest : coded_texts(c, s);
}

/* Room for the bits of rows 0..rows-1, zero where new. */
static enum ec_status valid_reserve(struct pq_column *c, size_t rows, struct ec_err *err) {
    size_t need = (rows + 63) / 64;
    if (need <= c->valid_words) return EC_OK;
    size_t words = c->valid_words ? c->valid_words : 32;
    while (words < need) words *= 2;
    uint64_t *valid = ec_realloc_array(c->valid, words, sizeof *valid);
    if (!valid) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the rows of column %s", c->name);
    memset(valid + c->valid_words, 0, (words - c->valid_words) * sizeof *valid);
    c->valid = valid;
    c->valid_words = words;
    return EC_OK;
}

/* Validity of the slice's rows i..i+k-1, k at most 64. */
static uint64_t slice_bits(const struct pq_column *c, const struct pq_slice *s, size_t i, size_t k) {
    if (c->source_full) return k < 64 ? (UINT64_C(1) << k) - 1 : UINT64_MAX;
    if (!s->rows) return pq_bits_load(c->source->valid, s->first + i, k);
    const uint32_t *row = s->rows + s->first + i;
    uint64_t bits = 0;
    for (size_t j = 0; j < k; j++) bits |= (uint64_t)ec_bit(c->source->valid, row[j]) << j;
    return bits;
}

/* Returns how many of the rows have a value. */
static size_t valid_append(struct pq_column *c, const struct pq_slice *s, size_t group_rows) {
    size_t count = 0;
    for (size_t i = 0; i < s->n; i += 64) {
        size_t k = s->n - i < 64 ? s->n - i : 64;
        uint64_t bits = slice_bits(c, s, i, k);
        size_t to = group_rows + i, shift = to & 63;
        c->valid[to >> 6] |= bits << shift;
        if (shift + k > 64) c->valid[(to >> 6) + 1] |= bits >> (64 - shift);
        count += (size_t)__builtin_popcountll(bits);
    }
    return count;
}

/* Copies the slice's values, leaving out nulls: a null's zero is written and then overwritten. */
#define DEFINE_GATHER(width, T)                                                                                        \
    static void gather##width(T *to, const T *from, const uint64_t *valid, const struct pq_slice *s) {                 \
        if (!valid && !s->rows) {                                                                                      \
            memcpy(to, from + s->first, s->n * sizeof *to);                                                            \
        } else if (!valid) {                                                                                           \
            for (size_t i = 0; i < s->n; i++) to[i] = from[s->rows[s->first + i]];                                     \
        } else {                                                                                                       \
            for (size_t i = 0; i < s->n; i++) {                                                                        \
                size_t row = s->rows ? s->rows[s->first + i] : s->first + i;                                           \
                *to = from[row];                                                                                       \
                to += ec_bit(valid, row);                                                                              \
            }                                                                                                          \
        }                                                                                                              \
    }
DEFINE_GATHER(1, uint8_t)
DEFINE_GATHER(4, uint32_t)
DEFINE_GATHER(8, uint64_t)

static enum ec_status append_fixed(struct pq_column *c, const struct pq_slice *s, size_t count, struct ec_err *err) {
    if (c->numbers_coded) EC_TRY(pq_numbers_expand(c, err));
    char *to = ec_buf_reserve(&c->data, (s->n + 1) * c->width);
    if (!to) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the values of column %s", c->name);
    const uint64_t *valid = c->source_full ? NULL : c->source->valid;
    if (c->width == 8)
        gather8((uint64_t *)(void *)to, c->source->values, valid, s);
    else if (c->width == 4)
        gather4((uint32_t *)(void *)to, c->source->values, valid, s);
    else
        gather1((uint8_t *)to, c->source->values, valid, s);
    c->data.n += count * c->width;
    return EC_OK;
}

/* Texts as PLAIN has them: four bytes of length, and the bytes. */
static enum ec_status append_plain(struct pq_column *c, const struct pq_slice *s, struct ec_err *err) {
    const struct ec_text *text = ec_column_text(c->source);
    char *to = ec_buf_reserve(&c->data, c->slice_max + PQ_SLACK);
    if (!to) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the texts of column %s", c->name);
    struct pq_lengths lengths = c->lengths;
    for (size_t i = 0; i < s->n; i++) {
        size_t row = s->rows ? s->rows[s->first + i] : s->first + i;
        if (!c->source_full && !ec_bit(c->source->valid, row)) continue;
        pq_lengths_add(&lengths, text[row].n);
        to = pq_text_put(to, &text[row]);
    }
    c->lengths = lengths;
    c->data.n = (size_t)(to - c->data.p);
    return EC_OK;
}

/* Only a slice of one row can hold a text past the row group's bytes, so only such need a look. */
static enum ec_status check_length(const struct pq_column *c, const struct pq_slice *s, size_t count,
                                   struct ec_err *err) {
    if (s->n != 1 || count == 0) return EC_OK;
    size_t row = s->rows ? s->rows[s->first] : s->first;
    const struct ec_dictionary *d = c->source->dictionary;
    size_t n = d ? ((const struct ec_text *)d->values)[c->source->code[row]].n : ec_column_text(c->source)[row].n;
    if (n <= PQ_TEXT_MAX) return EC_OK;
    return ec_fail(err, EC_NO_MEMORY, "a text of %zu bytes in column %s is above the limit of %zu; shorten it", n,
                   c->name, PQ_TEXT_MAX);
}

enum ec_status pq_column_append(struct pq_column *c, const struct pq_slice *s, size_t group_rows, struct ec_err *err) {
    EC_TRY(valid_reserve(c, group_rows + s->n, err));
    if (!c->source) return EC_OK;
    size_t count = valid_append(c, s, group_rows);
    if (count == 0) return EC_OK;
    if (!c->width) EC_TRY(check_length(c, s, count, err));
    if (c->source->dictionary) {
        EC_TRY(pq_coded_append(c, s, group_rows, count, err));
    } else if (c->width) {
        EC_TRY(append_fixed(c, s, count, err));
    } else {
        size_t taken = 0;
        if (!c->plain) EC_TRY(pq_text_code(c, s, group_rows, &taken, err));
        struct pq_slice rest = {.rows = s->rows, .first = s->first + taken, .n = s->n - taken};
        if (rest.n > 0) EC_TRY(append_plain(c, &rest, err));
    }
    c->values += count;
    return EC_OK;
}
