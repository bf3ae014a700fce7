#include "gate/keys.h"

#include "base/io.h"

#include <assert.h>

static struct ec_str cell_bytes(const struct ec_column *c, size_t row) {
    if (c->type.type == EC_TYPE_STRING) return ec_text_str(&ec_column_text(c)[row]);
    size_t width = ec_type_width(c->type.type);
    return (struct ec_str){(const char *)c->values + row * width, width};
}

bool ec_key_hash(const struct ec_batch *batch, const size_t *columns, size_t count, size_t row,
                 struct ec_hash128 *hash) {
    for (size_t i = 0; i < count; i++)
        if (!ec_bit(batch->column[columns[i]].valid, row)) return false;
    if (count == 1) {
        struct ec_str s = cell_bytes(&batch->column[columns[0]], row);
        *hash = ec_hash128(s.p, s.n);
        return true;
    }
    /* Each part is hashed before the parts are: ("ab","c") is not ("a","bc"). */
    struct ec_hash128 parts[EC_KEY_COLUMNS_MAX];
    assert(count <= EC_KEY_COLUMNS_MAX); /* the gate's creation says so to people */
    for (size_t i = 0; i < count; i++) {
        struct ec_str s = cell_bytes(&batch->column[columns[i]], row);
        parts[i] = ec_hash128(s.p, s.n);
    }
    *hash = ec_hash128(parts, count * sizeof *parts);
    return true;
}

/* Open addressing, linear probing, at most half full; a slot with line 0 is free, since lines
 * count from 1. */
struct ec_key_set {
    struct ec_key *slot;
    size_t cap; /* a power of two */
    size_t used;
    size_t cap_max;
};

#define SET_CAP_MIN 4096u

enum ec_status ec_key_set_create(size_t bytes_max, struct ec_key_set **out, struct ec_err *err) {
    struct ec_key_set *set = ec_calloc(1, sizeof *set);
    struct ec_key *slot = ec_calloc(SET_CAP_MIN, sizeof *slot);
    if (!set || !slot) {
        ec_free(set);
        ec_free(slot);
        return ec_fail(err, EC_NO_MEMORY, "no memory to compare keys");
    }
    *set = (struct ec_key_set){.slot = slot, .cap = SET_CAP_MIN, .cap_max = bytes_max / sizeof *slot};
    *out = set;
    return EC_OK;
}

void ec_key_set_destroy(struct ec_key_set *set) {
    if (!set) return;
    ec_free(set->slot);
    ec_free(set);
}

static struct ec_key *find(struct ec_key *slot, size_t cap, struct ec_hash128 hash) {
    size_t i = (size_t)hash.lo & (cap - 1);
    while (slot[i].line != 0 && (slot[i].hash.hi != hash.hi || slot[i].hash.lo != hash.lo)) i = (i + 1) & (cap - 1);
    return &slot[i];
}

/* False where the set may not grow: what is not remembered is found by the driver's merge. */
static bool make_room(struct ec_key_set *set) {
    if (set->used < set->cap / 2) return true;
    size_t cap = set->cap * 2;
    if (cap > set->cap_max) return false;
    struct ec_key *slot = ec_calloc(cap, sizeof *slot);
    if (!slot) return false;
    for (size_t i = 0; i < set->cap; i++)
        if (set->slot[i].line != 0) *find(slot, cap, set->slot[i].hash) = set->slot[i];
    ec_free(set->slot);
    set->slot = slot;
    set->cap = cap;
    return true;
}

bool ec_key_set_meet(struct ec_key_set *set, const struct ec_key *key, struct ec_key *first) {
    struct ec_key *slot = find(set->slot, set->cap, key->hash);
    if (slot->line != 0) {
        *first = *slot;
        return true;
    }
    if (!make_room(set)) return false;
    *find(set->slot, set->cap, key->hash) = *key;
    set->used++;
    return false;
}
