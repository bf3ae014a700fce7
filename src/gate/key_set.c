/* The keys that a task has met: a table that answers from one cache line, mostly.
 *
 * Open addressing, linear probing, at most 5/8 full. A slot is eight bytes, so that the table of a
 * quarter of a million keys stays near the processor's second cache: the upper half is half of a
 * key's hash, which is also where it stands, the lower one 1 + the key's place among all keys, which
 * lie apart, in the order of their coming. A key is only looked at where the halves agree: for a
 * new key that is once in 2^32 / capacity slots. Growing moves slots and looks at no key.
 */
#include "gate/keys.h"

#include "base/io.h"

#define SLOTS_MIN  ((size_t)4096)
#define CHUNK_KEYS ((size_t)4096)
/* Slots are asked for this many keys before they are needed: about as long as memory takes. */
#define AHEAD 12u

struct ec_key_set {
    uint64_t *slot;
    size_t cap; /* in use of them; a power of two */
    size_t used;
    size_t used_max;       /* keys that there is memory for */
    struct ec_key **chunk; /* of CHUNK_KEYS keys each */
    struct ec_arena arena;
};

static size_t fill_max(size_t cap) {
    return cap / 8 * 5;
}

enum ec_status ec_key_set_create(size_t bytes_max, struct ec_key_set **out, struct ec_err *err) {
    /* A key takes its chunk and, where the table has just grown, 8/5 * 2 slots; growing takes the old table too. */
    size_t used_max = bytes_max / (sizeof(struct ec_key) + 5 * sizeof(uint64_t));
    if (used_max < fill_max(SLOTS_MIN)) used_max = fill_max(SLOTS_MIN);
    if (used_max >= UINT32_MAX) used_max = UINT32_MAX - 1;
    size_t chunks = used_max / CHUNK_KEYS + 1;
    struct ec_key_set *set = ec_calloc(1, sizeof *set);
    uint64_t *slot = ec_calloc(SLOTS_MIN, sizeof *slot);
    struct ec_key **chunk = ec_calloc(chunks, sizeof *chunk);
    if (!set || !slot || !chunk) {
        ec_free(set);
        ec_free(slot);
        ec_free(chunk);
        return ec_fail(err, EC_NO_MEMORY, "no memory to compare keys");
    }
    *set = (struct ec_key_set){.slot = slot, .cap = SLOTS_MIN, .used_max = used_max, .chunk = chunk};
    ec_arena_init(&set->arena, (chunks + 1) * CHUNK_KEYS * sizeof(struct ec_key));
    *out = set;
    return EC_OK;
}

void ec_key_set_destroy(struct ec_key_set *set) {
    if (!set) return;
    ec_arena_deinit(&set->arena);
    ec_free(set->chunk);
    ec_free(set->slot);
    ec_free(set);
}

/* The next task is taken to be like this one: it begins with a table of that size. */
void ec_key_set_clear(struct ec_key_set *set) {
    if (set->used < set->cap / 8 && set->cap > SLOTS_MIN) set->cap /= 2;
    memset(set->slot, 0, set->cap * sizeof *set->slot);
    set->used = 0;
}

static const struct ec_key *key_at(const struct ec_key_set *set, size_t index) {
    return &set->chunk[index / CHUNK_KEYS][index % CHUNK_KEYS];
}

static bool grow(struct ec_key_set *set) {
    size_t cap = set->cap * 2;
    if (cap > (size_t)1 << 32) return false; /* half a hash says where a slot stands */
    uint64_t *slot = ec_calloc(cap, sizeof *slot);
    if (!slot) return false;
    for (size_t i = 0; i < set->cap; i++) {
        if (set->slot[i] == 0) continue;
        size_t at = (size_t)(set->slot[i] >> 32) & (cap - 1);
        while (slot[at] != 0) at = (at + 1) & (cap - 1);
        slot[at] = set->slot[i];
    }
    ec_free(set->slot);
    set->slot = slot;
    set->cap = cap;
    return true;
}

/* False where the set may not grow: what is not remembered is found by the driver's merge. */
static bool make_room(struct ec_key_set *set) {
    if (set->used == set->used_max) return false;
    if (set->used == fill_max(set->cap) && !grow(set)) return false;
    struct ec_key **chunk = &set->chunk[set->used / CHUNK_KEYS];
    if (!*chunk) *chunk = ec_arena_alloc(&set->arena, CHUNK_KEYS * sizeof **chunk);
    return *chunk != NULL;
}

static const struct ec_key *meet(struct ec_key_set *set, const struct ec_key *key) {
    uint32_t tag = (uint32_t)key->hash.lo;
    size_t at = (size_t)tag & (set->cap - 1);
    for (; set->slot[at] != 0; at = (at + 1) & (set->cap - 1)) {
        if (set->slot[at] >> 32 != tag) continue;
        const struct ec_key *met = key_at(set, (uint32_t)set->slot[at] - 1);
        if (met->hash.hi == key->hash.hi && met->hash.lo == key->hash.lo) return met;
    }
    size_t cap = set->cap;
    if (!make_room(set)) return NULL;
    if (set->cap != cap)
        for (at = (size_t)tag & (set->cap - 1); set->slot[at] != 0;) at = (at + 1) & (set->cap - 1);
    set->chunk[set->used / CHUNK_KEYS][set->used % CHUNK_KEYS] = *key;
    set->slot[at] = (uint64_t)tag << 32 | (uint32_t)++set->used;
    return NULL;
}

void ec_key_set_meet(struct ec_key_set *set, const struct ec_key *key, size_t n, const struct ec_key **first) {
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) __builtin_prefetch(&set->slot[(uint32_t)key[i + AHEAD].hash.lo & (set->cap - 1)], 1);
        first[i] = meet(set, &key[i]);
    }
}
