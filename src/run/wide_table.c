/* A joined table's rows: which are needed, and where each row of the result has its own among them. */
#include "run/wide_rows.h"

#include "base/io.h"
#include "store/growing.h"

/* A slice may look at so many rows of the table per row that it needs; where it would look at more, the
 * run's rows are fetched at once. */
#define SPREAD_MAX 4u

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the rows of a joined table"); }

enum ec_status wide_table_open(struct wide_table *t, const struct ec_gather_options *options, struct ec_err *err) {
    *t = (struct wide_table){0};
    return ec_gather_open(options, &t->gather, err);
}

void wide_table_close(struct wide_table *t) {
    ec_gather_close(t->gather);
    ec_free(t->unique);
    ec_free(t->place);
    ec_free(t->has);
    ec_free(t->key);
    ec_free(t->index);
    *t = (struct wide_table){0};
}

static enum ec_status reserve(struct wide_table *t, size_t n, struct ec_err *err) {
    if (n <= t->cap) return EC_OK;
    size_t cap = n <= WIDE_SLICE_ROWS ? WIDE_SLICE_ROWS : WIDE_RUN_ROWS;
    uint64_t *unique = ec_realloc_array(t->unique, cap, sizeof *unique);
    if (unique) t->unique = unique;
    uint32_t *place = ec_realloc_array(t->place, cap, sizeof *place);
    if (place) t->place = place;
    uint64_t *key = ec_realloc_array(t->key, cap * 2, sizeof *key);
    if (key) t->key = key;
    uint32_t *index = ec_realloc_array(t->index, cap * 2, sizeof *index);
    if (index) t->index = index;
    if (!t->has) t->has = ec_malloc(WIDE_SLICE_ROWS / 8);
    if (!unique || !place || !key || !index || !t->has) return no_memory(err);
    t->cap = cap;
    return EC_OK;
}

/* Sorts n keys with their indexes, byte by byte from the lowest on; a byte that all keys share costs nothing.
 * The arrays have twice the room; where the sorted ones lie is returned. */
static size_t sort_keys(uint64_t *key, uint32_t *index, size_t n, size_t half) {
    size_t from = 0;
    uint64_t varies = 0;
    for (size_t i = 1; i < n; i++) varies |= key[i] ^ key[0];
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (!((varies >> shift) & 0xFF)) continue;
        size_t count[257] = {0}, to = half - from;
        for (size_t i = 0; i < n; i++) count[((key[from + i] >> shift) & 0xFF) + 1]++;
        for (size_t b = 0; b < 256; b++) count[b + 1] += count[b];
        for (size_t i = 0; i < n; i++) {
            size_t at = to + count[(key[from + i] >> shift) & 0xFF]++;
            key[at] = key[from + i];
            index[at] = index[from + i];
        }
        from = to;
    }
    return from;
}

static bool ascending(const uint64_t *key, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (key[i] < key[i - 1]) return false;
    return true;
}

/* Fetches the rows of id[], each once, and says where each has its own. */
static enum ec_status fetch(struct wide_table *t, const uint64_t *id, size_t n, struct ec_err *err) {
    EC_TRY(reserve(t, n, err));
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        t->place[i] = 0;
        t->key[m] = id[i];
        t->index[m] = (uint32_t)i;
        m += id[i] != EC_GATHER_NONE;
    }
    size_t from = ascending(t->key, m) ? 0 : sort_keys(t->key, t->index, m, t->cap);
    t->unique_count = 0;
    for (size_t i = 0; i < m; i++) {
        if (t->unique_count == 0 || t->unique[t->unique_count - 1] != t->key[from + i]) t->unique[t->unique_count++] = t->key[from + i];
        t->place[t->index[from + i]] = (uint32_t)(t->unique_count - 1);
    }
    t->dictionary_id = ec_dictionary_id();
    return t->whole_run ? ec_gather_once(t->gather, t->unique, t->unique_count, err)
                        : ec_gather_rows(t->gather, t->unique, t->unique_count, err);
}

/* How many rows of the table lie between the first and the last that the slice needs. Rows of several files
 * count from file to file, which a slice over a file's end pays once. */
static uint64_t spread_of(const uint64_t *id, size_t n) {
    uint64_t low = EC_GATHER_NONE, high = 0, spread = 0, file = EC_GATHER_NONE;
    for (size_t i = 0; i < n; i++) {
        if (id[i] == EC_GATHER_NONE) continue;
        if (id[i] >> 32 != file) {
            if (file != EC_GATHER_NONE) spread += high - low;
            file = id[i] >> 32;
            low = high = id[i];
        }
        if (id[i] < low) low = id[i];
        if (id[i] > high) high = id[i];
    }
    return spread + (high > low ? high - low : 0);
}

enum ec_status wide_table_run(struct wide_table *t, const uint64_t *id, size_t n, struct ec_err *err) {
    uint64_t spread = 0;
    for (size_t first = 0; first < n; first += WIDE_SLICE_ROWS)
        spread += spread_of(id + first, n - first < WIDE_SLICE_ROWS ? n - first : WIDE_SLICE_ROWS);
    t->whole_run = spread > (uint64_t)n * SPREAD_MAX;
    if (!t->whole_run) return EC_OK;
    return fetch(t, id, n, err);
}

enum ec_status wide_table_slice(struct wide_table *t, const uint64_t *id, size_t first, size_t n, struct ec_err *err) {
    if (!t->whole_run) EC_TRY(fetch(t, id, n, err));
    t->at = t->whole_run ? t->place + first : t->place;
    t->missing = false;
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t has = id[i] != EC_GATHER_NONE;
        word |= has << (i & 63);
        t->missing = t->missing || !has;
        if ((i & 63) == 63 || i + 1 == n) t->has[i >> 6] = word, word = 0;
    }
    return EC_OK;
}
