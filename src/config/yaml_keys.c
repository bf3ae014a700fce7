#include "config/yaml_private.h"

#include "base/hash.h"
#include "base/io.h"

#define SLOTS_MIN ((size_t)64)

static struct ec_yaml_key *find(struct ec_yaml_key *slot, size_t cap, const struct ec_yaml_key *key) {
    uint64_t hash =
        ec_hash64(key->key, strlen(key->key)) ^ ((uint64_t)(uintptr_t)key->map * UINT64_C(0x9E3779B97F4A7C15));
    size_t i = (size_t)(hash ^ hash >> 32) & (cap - 1);
    while (slot[i].map && (slot[i].map != key->map || strcmp(slot[i].key, key->key) != 0)) i = (i + 1) & (cap - 1);
    return &slot[i];
}

static enum ec_status grow(struct ec_yaml_key_set *set, struct ec_err *err) {
    size_t cap = set->cap ? set->cap * 2 : SLOTS_MIN;
    struct ec_yaml_key *slot = ec_calloc(cap, sizeof *slot);
    if (!slot) return ec_fail(err, EC_NO_MEMORY, "no memory for the keys of a configuration file");
    for (size_t i = 0; i < set->cap; i++)
        if (set->slot[i].map) *find(slot, cap, &set->slot[i]) = set->slot[i];
    ec_free(set->slot);
    set->slot = slot;
    set->cap = cap;
    return EC_OK;
}

enum ec_status ec_yaml_key_add(struct ec_yaml_key_set *set, struct ec_yaml_key key, const struct ec_yaml_key **first,
                               struct ec_err *err) {
    if (set->used * 2 >= set->cap) EC_TRY(grow(set, err));
    struct ec_yaml_key *slot = find(set->slot, set->cap, &key);
    *first = slot->map ? slot : NULL;
    if (slot->map) return EC_OK;
    *slot = key;
    set->used++;
    return EC_OK;
}

void ec_yaml_key_set_deinit(struct ec_yaml_key_set *set) {
    ec_free(set->slot);
}
