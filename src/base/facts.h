/* The facts of one file's check: what the gate measured, the report shows, the dashboard
 * and history draw, and the worker protocol and manifest carry as JSON.
 *
 * Facts of the ranges of one file are merged; everything here merges exactly except `distinct`
 * (HyperLogLog) and `top` (space-saving counters), which are estimates and said to be.
 * Unknown is null in JSON, never 0.
 */
#ifndef EC_BASE_FACTS_H
#define EC_BASE_FACTS_H

#include "base/batch.h"
#include "base/excerpt.h"
#include "base/json.h"
#include "base/timing.h"

#include <jansson.h>

#define EC_HLL_BITS  10u /* 1,024 registers: standard error 3.3 % */
#define EC_HLL_SIZE  (1u << EC_HLL_BITS)
#define EC_TOP_SLOTS 64u

struct ec_top {
    uint64_t count;
    uint64_t hash;
    uint32_t n;
    char text[60]; /* cut at a character's boundary */
};

struct ec_column_facts {
    const char *name;
    struct ec_column_type type;
    bool declared; /* neither this nor derived: the file adds it (drift) */
    bool derived;  /* computed by the source's `derive`, of every sound row */
    bool present;  /* met in the file */
    uint64_t nulls;
    uint64_t values;
    bool bounded;         /* at least one value: min, max and sum hold (numbers, dates, booleans) */
    int64_t min_i, max_i; /* integer, datetime, date, decimal, boolean */
    double min_d, max_d;  /* float */
    double sum;           /* of numbers and booleans, for the mean */
    uint8_t *hll;         /* EC_HLL_SIZE registers */
    struct ec_top *top;   /* EC_TOP_SLOTS, text and boolean columns; count 0 is free */
};

struct ec_sample {
    uint64_t line;
    const char *value;
    struct ec_excerpt excerpt; /* of the record; text NULL where its bytes were not at hand */
};

/* One check: a rule, a type, a not-null, the key. */
struct ec_check_facts {
    const char *id;        /* "status_code.allowed_range", "timestamp.type", "request_id.not_null", "key" */
    const char *rule;      /* "allowed_range", "type", "not_null", "unique", "parse" */
    const char *column;    /* or NULL */
    const char *dimension; /* "validity" */
    const char *severity;
    const char *action;
    double max_failed; /* share, NAN where none */
    uint64_t evaluated;
    uint64_t failed;
    struct ec_sample sample[EC_SAMPLES_MAX];
    size_t sample_count;
};

struct ec_facts {
    struct ec_arena arena; /* everything below lives here */
    uint64_t read;
    uint64_t accepted;
    uint64_t quarantined;
    uint64_t duplicate;
    uint64_t by_reason[EC_REASON_COUNT]; /* rows with at least one such reason */
    uint64_t rows_invalid;               /* rows with an error-level violation other than a duplicate key */
    uint64_t rows_inconsistent;          /* rows that break an expression rule */
    uint64_t sound;              /* rows whose cells could be told apart: all but damaged records */
    uint64_t cells;              /* of sound rows, in declared columns but the optional ones that the file lacks */
    uint64_t cells_missing;      /* of those, null */
    bool rejected; /* by a rule of action reject_file */
    bool newest_known;
    int64_t newest_us; /* of the freshness column */
    bool money_known; /* the source has money columns */
    int64_t money_e4; /* their sum over the rows in quarantine, duplicates not among them; ten-thousandths */
    struct ec_column_facts *column;
    size_t column_count;
    struct ec_check_facts *check;
    size_t check_count;
    const char *encoding;    /* "utf-8" */
    const char *compression; /* "zip+gzip" */
    const char *layout;      /* "array", "lines", "csv", "sheet Products" */
    uint64_t bytes_in;       /* of the file as stored */
    uint64_t bytes_decoded;
    int64_t elapsed_us; /* of the worker, as `time`: not part of anything that must repeat */
    struct ec_work_time time;
};

/* Amounts in ten-thousandths; stops at the ends of 64 bits. */
static inline int64_t ec_money_sum(int64_t a, int64_t b) {
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return a > 0 ? INT64_MAX : INT64_MIN;
}

void ec_facts_init(struct ec_facts *facts);
void ec_facts_deinit(struct ec_facts *facts);

/* HyperLogLog; hash is ec_hash64 of the value's bytes. Words are n values of eight bytes. */
void ec_facts_distinct_add(uint8_t *hll, uint64_t hash);
void ec_facts_distinct_words(uint8_t *hll, const void *words, size_t n);
void ec_facts_distinct_texts(uint8_t *hll, const struct ec_text *text, const uint64_t *known, size_t rows);
uint64_t ec_facts_distinct(const uint8_t *hll);
/* A value that was met `count` times, at least once. */
void ec_facts_top_add(struct ec_top *top, uint64_t hash, const char *p, size_t n, uint64_t count);
/* Sorts by falling count, then text; the best first. */
void ec_facts_top_sort(struct ec_top *top);

/* Adds `other` (of the same source) into `facts`, which may be just initialised; samples are kept
 * in order of line. Texts are copied. EC_PROTOCOL where they disagree on a column's type. */
enum ec_status ec_facts_merge(struct ec_facts *facts, const struct ec_facts *other, struct ec_err *err) EC_MUST_USE;

/* The whole as one compact JSON object, and back without loss (for the protocol and the manifest).
 * Reading initialises *facts, to be deinitialised by the caller; EC_PROTOCOL names a wrong field. */
void ec_facts_write(struct ec_json_writer *w, const char *key, const struct ec_facts *facts);
enum ec_status ec_facts_read(const json_t *object, struct ec_facts *facts, struct ec_err *err) EC_MUST_USE;

#endif
