#include "base/facts.h"

/* The widest file: EC_COLUMNS_MAX + EC_UNDECLARED_MAX columns of a sketch and top values each,
 * doubled for arrays that grew, and the samples of every check. */
#define FACTS_MEMORY_MAX ((size_t)128 * EC_MIB)

void ec_facts_init(struct ec_facts *facts) {
    *facts = (struct ec_facts){0};
    ec_arena_init(&facts->arena, FACTS_MEMORY_MAX);
}

void ec_facts_deinit(struct ec_facts *facts) {
    ec_arena_deinit(&facts->arena);
    ec_facts_init(facts);
}
