/* What the gate's files share. */
#ifndef EC_GATE_GATE_PRIVATE_H
#define EC_GATE_GATE_PRIVATE_H

#include "gate/gate.h"
#include "gate/rule.h"

#define EC_BATCH_WORDS (EC_BATCH_ROWS / 64u)
/* A source's checks: parse, key, two a column, and its rules. */
#define EC_GATE_MEMORY_MAX ((size_t)256 * EC_MIB)

/* Integers from 0 up to here are sketched once each, not at every occurrence. */
#define EC_SMALL_INTS 1024u

/* What the profile of a column remembers besides its facts. */
struct ec_code_counts {
    /* Of one that came coded: how often each value was met. */
    const struct ec_dictionary *dictionary; /* NULL: not coded so far, or not any more */
    uint64_t *count;                        /* EC_CODED_MAX */
    /* Of one of integers: 1 met in the batch at hand, 2 sketched. */
    uint8_t *small; /* EC_SMALL_INTS */
};

struct ec_gate {
    const struct ec_source *source;
    struct ec_facts facts;
    struct ec_arena arena;
    struct ec_bound_rule *rule;  /* source->rule_count */
    size_t own_first, own_count; /* batch columns that are not the file's */
    size_t derived_count;        /* how many of them, the first ones, are derived */
    size_t freshness;            /* batch column, SIZE_MAX: none */
    size_t *money;               /* batch columns, source->money_count; SIZE_MAX: none */
    struct ec_code_counts *counts; /* per profiled column */
    /* Places in facts.check. */
    size_t check_parse, check_key;
    size_t *check_type, *check_null; /* per declared column, SIZE_MAX: none */
    size_t *check_rule;              /* per rule */
    struct ec_gate_cells cells;
    /* Bitmaps over the rows of the batch at hand. */
    uint64_t structural[EC_BATCH_WORDS];
    uint64_t invalid[EC_BATCH_WORDS];
    uint64_t inconsistent[EC_BATCH_WORDS];
    uint64_t *type_bad;              /* EC_BATCH_WORDS per declared column; zero between batches */
    uint32_t reasons[EC_BATCH_ROWS]; /* a bit per enum ec_reason */
};

/* A new check in gate->facts; its place, or SIZE_MAX where memory ran out. */
size_t ec_gate_add_check(struct ec_gate *gate, struct ec_check_facts check);
/* Notes that the check failed for a row, keeping the first few as samples. */
void ec_gate_note(struct ec_gate *gate, size_t check, struct ec_batch *batch, size_t row, size_t column, struct ec_str value);

/* Adds the batch's rows to the columns' profile (profile.c). */
enum ec_status ec_profile_columns(struct ec_gate *gate, const struct ec_batch *batch, struct ec_err *err) EC_MUST_USE;
void ec_profile_batch(struct ec_gate *gate, const struct ec_batch *batch);
/* Makes the most frequent values of coded columns of their counts. */
void ec_profile_settle(struct ec_gate *gate);

/* Words are mostly all ones or zeros, and counting bits is a call where not every processor does it. */
static inline size_t ec_bits_count(const uint64_t *bits, size_t words) {
    size_t n = 0;
    for (size_t i = 0; i < words; i++) {
        if (bits[i] == UINT64_MAX)
            n += 64;
        else if (bits[i])
            n += (size_t)__builtin_popcountll(bits[i]);
    }
    return n;
}

#endif
