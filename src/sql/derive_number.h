/* Arithmetic on numbers without DuckDB: the commonest expressions, a few vector loops each.
 *
 * A tree of DuckDB's parser becomes a program of steps over a stack of vectors. It knows columns of
 * integers, floats, booleans and datetimes, constants, + - * and / by a constant on floats, abs, round,
 * date_diff, coalesce, comparisons, AND OR NOT and IS NULL, and the types that DuckDB gives them; what
 * it does not know has no program. A program does not compute what could be an error or a matter of
 * taste: where a result is not finite, or a time lies before 1970, it says so, and the expression is
 * DuckDB's. Whether the two agree is tried on a batch of made-up values before a program is used
 * (ec_derive_plan), and in tests/unit/sql/test_derive_number.c.
 */
#ifndef EC_SQL_DERIVE_NUMBER_H
#define EC_SQL_DERIVE_NUMBER_H

#include "sql/derive_private.h"

/* What a program computes. */
enum ec_number_kind { EC_NUMBER_NONE, EC_NUMBER_INT, EC_NUMBER_DOUBLE, EC_NUMBER_BOOL, EC_NUMBER_TIME };

struct ec_number_step;
struct ec_number {
    struct ec_number_step *step; /* in the derivation's arena */
    size_t count;
    enum ec_number_kind kind;
};

/* How a name of the tree is resolved: a declared column, or an earlier expression. SIZE_MAX: neither. */
struct ec_number_names {
    const struct ec_derivation *derivation;
    const json_t *list; /* the trees of all expressions */
    size_t (*column)(const struct ec_derivation *d, const json_t *node);
    size_t (*earlier)(const struct ec_derivation *d, size_t before, const json_t *node);
};

/* The program of expression `index`, NULL where it has none or memory runs out. */
struct ec_number *ec_number_compile(struct ec_derivation *d, const struct ec_number_names *names, size_t index);

/* Runs over the batch. Of a derived column `to` gets values and validity; of a rule `failed` the rows for
 * which it is false. False where DuckDB has to compute it; something may have been written. */
bool ec_number_run(const struct ec_number *program, const struct ec_batch *batch, struct ec_column *to,
                   uint64_t *failed);

#endif
