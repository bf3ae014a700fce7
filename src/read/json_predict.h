/* The fast path: a record has the same keys in the same order as the one before.
 *
 * A template holds the literal bytes between the values of the last record that was read
 * strictly; a record that repeats them needs no look-up and no strict walk between its values.
 * Whatever does not match - another key, other white space, a value that needs more than its
 * text - is a miss: the row is emptied and the strict path reads the record. Values go through the
 * same functions on both paths. `EC_JSON=strict` in the environment switches prediction off; both
 * must give the same rows (tests/unit/read/test_json_predict.c).
 *
 *     {"timestamp":"2025-07-18T00:00:01Z","status_code":200}
 *     ~~~~~~~~~~~~~                      ~~~~~~~~~~~~~~~   ~   literals
 */
#ifndef EC_READ_JSON_PREDICT_H
#define EC_READ_JSON_PREDICT_H

#include "read/cell_fast.h"
#include "read/json_cell.h"

#define EC_JSON_LITERAL_SHORT 32u

struct ec_json_literal {
    char bytes[EC_JSON_LITERAL_SHORT]; /* the first ones, zero behind them */
    uint32_t mask;                     /* a bit for each of those that count */
    uint32_t n;
    const char *p; /* all of them */
};

/* Which values of a column are read at once; all others go through ec_json_cell_store(). */
enum ec_json_how {
    EC_JSON_HOW_ANY,      /* none: the column has null_values */
    EC_JSON_HOW_TEXT,     /* strings without escapes */
    EC_JSON_HOW_INTEGER,  /* numbers of up to 7 digits */
    EC_JSON_HOW_FLOAT,    /* numbers of up to 7 digits before and behind the point, without exponent */
    EC_JSON_HOW_BOOLEAN,  /* true and false */
    EC_JSON_HOW_DATETIME, /* as ISO 8601 mostly has it; other texts as typed ones */
    EC_JSON_HOW_TYPED,    /* strings without escapes, by ec_cell_parse() */
};

struct ec_json_slot {
    struct ec_json_literal before;
    size_t entry; /* of ec_json_columns */
    size_t column;
    enum ec_json_how how;
    struct ec_day day;
};

struct ec_json_predict {
    bool ready;
    bool disabled;
    struct ec_json_slot *slot; /* EC_JSON_FIELDS_MAX; memory of the arena */
    size_t count;
    struct ec_json_literal tail; /* up to and with the '}' */
    char *text;                  /* every literal, one behind the other */
    struct ec_arena arena;
};

enum ec_status ec_json_predict_init(struct ec_json_predict *predict, struct ec_err *err) EC_MUST_USE;
void ec_json_predict_deinit(struct ec_json_predict *predict);

/* Learns from a well-formed record of n bytes at p, with its fields resolved. */
void ec_json_predict_learn(struct ec_json_predict *predict, const struct ec_json_columns *columns,
                           const struct ec_json_record *record, const char *p, size_t n);

/* Reads the record at p into `row`, which must be empty. *next receives the byte behind it, or NULL
 * for a miss, which leaves the row empty. EC_NO_MEMORY. */
enum ec_status ec_json_predict_read(struct ec_json_predict *predict, struct ec_json_columns *columns,
                                    struct ec_batch *batch, size_t row, const char *p, const char *end,
                                    const char **next, struct ec_err *err) EC_MUST_USE;

#endif
