/* An example for every code, and what to do about a row's reason; the meanings are in base/code.h. */
#ifndef EC_CLI_EXPLAIN_TEXT_H
#define EC_CLI_EXPLAIN_TEXT_H

#include "base/code.h"

#include <stddef.h>

struct ec_explanation {
    const char *example;
    const char *remedy; /* NULL: the one of base/code.h */
};

/* Static storage; never NULL, and never without an example. */
const struct ec_explanation *ec_explain_status(enum ec_status status);
const struct ec_explanation *ec_explain_reason(enum ec_reason reason);
/* A kind of rule of business_rules.yaml, or of a check that every source has. */
struct ec_rule_explanation {
    const char *key;
    const char *meaning; /* what passes */
    const char *example; /* how it is written, and what fails it */
    const char *remedy;
};

/* By number, from 0; NULL past the last. */
const struct ec_rule_explanation *ec_explain_rule_kind(size_t i);
const struct ec_rule_explanation *ec_explain_rule_kind_of(const char *key); /* NULL: there is none */

#endif
