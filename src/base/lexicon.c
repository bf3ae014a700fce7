#include "base/lexicon.h"

#include "base/io.h"

#define SLOTS_MIN  256u
#define PROBES_MAX 32u
#define TEXTS_MAX  ((size_t)EC_CODED_MAX * (EC_CODED_TEXT_MAX + 1))

void ec_lexicon_init(struct ec_lexicon *lexicon) {
    *lexicon = (struct ec_lexicon){0};
    ec_arena_init(&lexicon->texts, TEXTS_MAX);
}

void ec_lexicon_deinit(struct ec_lexicon *lexicon) {
    ec_free(lexicon->value);
    ec_free(lexicon->slot);
    ec_arena_deinit(&lexicon->texts);
    ec_lexicon_init(lexicon);
}

void ec_lexicon_clear(struct ec_lexicon *lexicon) {
    if (lexicon->slots) memset(lexicon->slot, 0, lexicon->slots * sizeof *lexicon->slot);
    if (lexicon->count) lexicon->count = 1;
    ec_arena_reset(&lexicon->texts);
}

/* Where the text belongs; SIZE_MAX after too many steps. */
static size_t free_slot(const struct ec_lexicon_slot *slot, uint32_t slots, uint64_t hash) {
    uint32_t at = (uint32_t)hash & (slots - 1);
    for (unsigned probes = 0; slot[at].place; at = (at + 1) & (slots - 1))
        if (++probes == PROBES_MAX) return SIZE_MAX;
    return at;
}

/* Twice the slots and values; false where memory, or a text's slot, is not found. */
static bool grow(struct ec_lexicon *lexicon) {
    uint32_t slots = lexicon->slots ? lexicon->slots * 2 : SLOTS_MIN;
    struct ec_lexicon_slot *slot = ec_calloc(slots, sizeof *slot);
    struct ec_text *value = ec_realloc_array(lexicon->value, slots / 2, sizeof *value);
    if (value) lexicon->value = value;
    bool fits = slot && value;
    for (uint32_t place = 1; fits && place < lexicon->count; place++) {
        uint64_t hash = ec_lexicon_hash(&value[place]);
        size_t at = free_slot(slot, slots, hash);
        fits = at != SIZE_MAX;
        if (fits) slot[at] = (struct ec_lexicon_slot){(uint32_t)(hash >> 32), place};
    }
    if (!fits) {
        ec_free(slot);
        return false;
    }
    ec_free(lexicon->slot);
    lexicon->slot = slot;
    lexicon->slots = slots;
    lexicon->cap = slots / 2;
    if (lexicon->count > 0) return true;
    value[0] = ec_text_of("", 0);
    lexicon->count = 1;
    return true;
}

uint32_t ec_lexicon_add(struct ec_lexicon *lexicon, const struct ec_text *text) {
    if (text->n > EC_CODED_TEXT_MAX || lexicon->count == EC_CODED_MAX) return EC_LEXICON_NONE;
    if (lexicon->count == lexicon->cap && !grow(lexicon)) return EC_LEXICON_NONE;
    uint64_t hash = ec_lexicon_hash(text);
    size_t at = free_slot(lexicon->slot, lexicon->slots, hash);
    if (at == SIZE_MAX) return EC_LEXICON_NONE;
    const char *bytes = ec_text_bytes(text);
    if (text->n > EC_TEXT_INLINE) bytes = ec_arena_copy(&lexicon->texts, bytes, text->n);
    if (!bytes) return EC_LEXICON_NONE;
    uint32_t place = lexicon->count++;
    lexicon->value[place] = ec_text_of(bytes, text->n);
    lexicon->slot[at] = (struct ec_lexicon_slot){(uint32_t)(hash >> 32), place};
    return place;
}
