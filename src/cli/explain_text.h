/* An example for every code, and what to do about a row's reason; the meanings are in base/code.h. */
#ifndef EC_CLI_EXPLAIN_TEXT_H
#define EC_CLI_EXPLAIN_TEXT_H

#include "base/code.h"

struct ec_explanation {
    const char *example;
    const char *remedy; /* NULL: the one of base/code.h */
};

/* Static storage; never NULL, and never without an example. */
const struct ec_explanation *ec_explain_status(enum ec_status status);
const struct ec_explanation *ec_explain_reason(enum ec_reason reason);

#endif
