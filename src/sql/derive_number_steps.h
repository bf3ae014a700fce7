/* The steps of a program over numbers, for derive_number.c and derive_number_run.c. */
#ifndef EC_SQL_DERIVE_NUMBER_STEPS_H
#define EC_SQL_DERIVE_NUMBER_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EC_NUMBER_STEPS_MAX 64u
#define EC_NUMBER_STACK_MAX 8u

enum ec_step_op {
    EC_STEP_INT, /* a column: onto the stack */
    EC_STEP_DOUBLE,
    EC_STEP_BOOL,
    EC_STEP_TIME,
    EC_STEP_CONST_INT,
    EC_STEP_CONST_DOUBLE,
    EC_STEP_TO_DOUBLE, /* of the vector `below` the top */
    EC_STEP_ADD,
    EC_STEP_SUB,
    EC_STEP_MUL,
    EC_STEP_DIV,
    EC_STEP_ABS,
    EC_STEP_ROUND,      /* to a number of digits, `number` their power of ten */
    EC_STEP_DIFFERENCE, /* of two times, in units of `unit` microseconds */
    EC_STEP_COALESCE,
    EC_STEP_LESS, /* of integers and times where `whole`, else of doubles */
    EC_STEP_NOT_MORE,
    EC_STEP_EQUAL,
    EC_STEP_NOT_EQUAL,
    EC_STEP_AND,
    EC_STEP_OR,
    EC_STEP_NOT,
    EC_STEP_IS_NULL,
    EC_STEP_IS_VALUE,
};

struct ec_number_step {
    enum ec_step_op op;
    unsigned below;
    bool whole;
    size_t column;
    double number;
    int64_t unit;
};

/* 10^0 to 10^15, which are exact. */
static inline double ec_number_power(unsigned digits) {
    static const double power[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    return power[digits];
}

#endif
