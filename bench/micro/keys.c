/* Keys: hashed, met in a set, and sorted into a key file. */
#include "kit.h"

#include "gate/keys.h"

#define KEYS 1000000u

static struct ec_key *keys;

static double best_of(void (*work)(void)) {
    double best = 1e9;
    for (int turn = 0; turn < KIT_TURNS; turn++) {
        double start = kit_seconds();
        work();
        double took = kit_seconds() - start;
        if (took < best) best = took;
    }
    return best;
}

/* Texts of 36 characters as ids have them. */
static void hash_all(void) {
    char id[37] = "00000000-0000-4000-8000-000000000000";
    for (uint32_t i = 0; i < KEYS; i++) {
        for (unsigned k = 0; k < 8; k++) id[k] = "0123456789abcdef"[i >> (4 * k) & 15];
        keys[i] = (struct ec_key){.hash = ec_hash128(id, 36), .offset = i, .line = i};
    }
}

static void meet_all(void) {
    static struct ec_key_set *set;
    static const struct ec_key *first[EC_BATCH_ROWS];
    struct ec_err err = {0};
    if (set)
        ec_key_set_clear(set); /* one set serves all tasks */
    else
        kit_must(ec_key_set_create(256 * EC_MIB, &set, &err), &err);
    for (uint32_t i = 0; i < KEYS; i += EC_BATCH_ROWS) {
        ec_key_set_meet(set, &keys[i], KEYS - i < EC_BATCH_ROWS ? KEYS - i : EC_BATCH_ROWS, first);
        if (first[0]) exit(3);
    }
}

static void write_file(const char *name) {
    static struct ec_key_writer *writer;
    char path[256];
    struct ec_err err = {0};
    uint64_t count;
    (void)snprintf(path, sizeof path, "%s/%s", kit_folder, name);
    (void)unlink(path);
    if (!writer) kit_must(ec_key_writer_create(&writer, &err), &err);
    kit_must(ec_key_writer_open(writer, path, &err), &err);
    for (uint32_t i = 0; i < KEYS; i += EC_BATCH_ROWS)
        kit_must(ec_key_writer_add(writer, &keys[i], KEYS - i < EC_BATCH_ROWS ? KEYS - i : EC_BATCH_ROWS, &err), &err);
    kit_must(ec_key_writer_finish(writer, &count, &err), &err);
    ec_key_writer_close(writer);
    if (count != KEYS) exit(3);
}

static void write_one(void) {
    write_file("keys-a");
}

int main(int argc, char **argv) {
    struct ec_config *config = kit_begin(argc, argv);
    keys = calloc(KEYS, sizeof *keys);
    if (!keys) return 3;
    kit_each("key hash of a text of 36 bytes", "key", KEYS, best_of(hash_all));
    kit_each("key set, all new", "key", KEYS, best_of(meet_all));
    kit_each("key file, sorted runs", "key", KEYS, best_of(write_one));
    free(keys);
    ec_config_destroy(config);
    return 0;
}
