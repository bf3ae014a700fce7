/* A program over a batch, 256 rows at a time: its vectors stay in the first cache.
 *
 * Every loop runs over all of them, whatever the batch holds behind its last row: a number of turns
 * that the compiler knows is what it needs to take several at once.
 */
#include "sql/derive_number.h"
#include "sql/derive_number_steps.h"

#include <math.h>

#define ROWS  256u
#define WORDS (ROWS / 64u)

_Static_assert(EC_BATCH_ROWS % ROWS == 0, "a batch's columns hold whole vectors");

struct vector {
    union {
        double d[ROWS];
        int64_t i[ROWS];
        uint64_t bits[WORDS]; /* of booleans; zero where they are null */
    };
    uint64_t valid[WORDS];
};

struct machine {
    struct vector stack[EC_NUMBER_STACK_MAX];
    size_t depth;
    uint64_t odd; /* its highest bit: a result is not finite, or a time before 1970 */
};

#define EACH for (size_t k = 0; k < ROWS; k++)

static void load(struct machine *m, const struct ec_column *column, enum ec_step_op op, size_t row) {
    struct vector *v = &m->stack[m->depth++];
    memcpy(v->valid, column->valid + row / 64, sizeof v->valid);
    if (op != EC_STEP_BOOL) {
        memcpy(v->i, ec_column_int(column) + row, sizeof v->i);
    } else {
        const uint8_t *from = ec_column_bool(column) + row;
        memset(v->bits, 0, sizeof v->bits);
        EACH v->bits[k / 64] |= (uint64_t)(from[k] != 0) << (k % 64);
        for (size_t w = 0; w < WORDS; w++) v->bits[w] &= v->valid[w];
    }
    if (op != EC_STEP_TIME) return;
    uint64_t negative = 0;
    EACH negative |= (uint64_t)v->i[k];
    m->odd |= negative;
}

static void load_constant(struct machine *m, const struct ec_number_step *step) {
    struct vector *v = &m->stack[m->depth++];
    memset(v->valid, 0xff, sizeof v->valid);
    if (step->op == EC_STEP_CONST_INT)
        EACH v->i[k] = (int64_t)step->number;
    else
        EACH v->d[k] = step->number;
}

static void both_valid(struct vector *a, const struct vector *b) {
    for (size_t w = 0; w < WORDS; w++) a->valid[w] &= b->valid[w];
}

/* An exponent of all ones, plus one, reaches the sign's bit. */
static void note_finite(struct machine *m, const struct vector *v) {
    uint64_t odd = 0;
    EACH odd |= ((uint64_t)v->i[k] & INT64_MAX) + (UINT64_C(1) << 52);
    m->odd |= odd;
}

static void arithmetic(struct machine *m, enum ec_step_op op) {
    const struct vector *b = &m->stack[--m->depth];
    struct vector *a = &m->stack[m->depth - 1];
    switch (op) {
    case EC_STEP_ADD: EACH a->d[k] += b->d[k]; break;
    case EC_STEP_SUB: EACH a->d[k] -= b->d[k]; break;
    case EC_STEP_MUL: EACH a->d[k] *= b->d[k]; break;
    default: EACH a->d[k] /= b->d[k]; break;
    }
    both_valid(a, b);
    note_finite(m, a);
}

/* Half away from zero, as C's round(), of which no processor has an instruction. */
static inline double round_half(double x) {
    if (!(fabs(x) < 4503599627370496.0)) return x; /* 2^52: whole */
    double whole = copysign((double)(int64_t)x, x);
    return fabs(x - whole) >= 0.5 ? whole + copysign(1, x) : whole;
}

static void round_to(struct machine *m, double power) {
    struct vector *v = &m->stack[m->depth - 1];
    EACH v->d[k] *= power;
    note_finite(m, v);
    EACH v->d[k] = round_half(v->d[k]) / power;
}

/* Inlined with a constant unit: a division by a number that is known is a multiplication. Times are not
 * negative here, or the result is not used (m->odd). */
static inline __attribute__((always_inline)) void subtract_units(struct vector *from, const struct vector *to,
                                                                 uint64_t unit) {
    EACH from->i[k] = (int64_t)((uint64_t)to->i[k] / unit - (uint64_t)from->i[k] / unit);
}

static void difference(struct machine *m, int64_t unit) {
    const struct vector *to = &m->stack[--m->depth];
    struct vector *from = &m->stack[m->depth - 1];
    switch (unit) {
    case INT64_C(1000000): subtract_units(from, to, UINT64_C(1000000)); break;
    case INT64_C(60000000): subtract_units(from, to, UINT64_C(60000000)); break;
    default: subtract_units(from, to, (uint64_t)unit); break;
    }
    both_valid(from, to);
}

static void coalesce(struct machine *m) {
    const struct vector *b = &m->stack[--m->depth];
    struct vector *a = &m->stack[m->depth - 1];
    EACH a->d[k] = ec_bit(a->valid, k) ? a->d[k] : b->d[k];
    for (size_t w = 0; w < WORDS; w++) a->valid[w] |= b->valid[w];
}

#define COMPARE(operator)                                                                                              \
    if (whole)                                                                                                         \
        EACH bits[k / 64] |= (uint64_t)(a->i[k] operator b->i[k]) << (k % 64);                                         \
    else                                                                                                               \
        EACH bits[k / 64] |= (uint64_t)(a->d[k] operator b->d[k]) << (k % 64)

static void compare(struct machine *m, enum ec_step_op op, bool whole) {
    const struct vector *b = &m->stack[--m->depth];
    struct vector *a = &m->stack[m->depth - 1];
    uint64_t bits[WORDS] = {0};
    switch (op) {
    case EC_STEP_LESS: COMPARE(<); break;
    case EC_STEP_NOT_MORE: COMPARE(<=); break;
    case EC_STEP_EQUAL: COMPARE(==); break;
    default: COMPARE(!=); break;
    }
    both_valid(a, b);
    for (size_t w = 0; w < WORDS; w++) a->bits[w] = bits[w] & a->valid[w];
}

/* False AND null is false; true OR null is true. */
static void conjunction(struct machine *m, bool is_and) {
    const struct vector *b = &m->stack[--m->depth];
    struct vector *a = &m->stack[m->depth - 1];
    for (size_t w = 0; w < WORDS; w++) {
        uint64_t no_a = a->valid[w] & ~a->bits[w], no_b = b->valid[w] & ~b->bits[w];
        uint64_t decided = is_and ? no_a | no_b : a->bits[w] | b->bits[w];
        a->bits[w] = is_and ? a->bits[w] & b->bits[w] : a->bits[w] | b->bits[w];
        a->valid[w] = (a->valid[w] & b->valid[w]) | decided;
    }
}

static void unary(struct machine *m, const struct ec_number_step *step) {
    struct vector *v = &m->stack[m->depth - 1 - step->below];
    switch (step->op) {
    case EC_STEP_TO_DOUBLE: EACH v->d[k] = (double)v->i[k]; return;
    case EC_STEP_ABS: EACH v->d[k] = fabs(v->d[k]); return;
    case EC_STEP_NOT:
        for (size_t w = 0; w < WORDS; w++) v->bits[w] = v->valid[w] & ~v->bits[w];
        return;
    default:
        for (size_t w = 0; w < WORDS; w++) v->bits[w] = step->op == EC_STEP_IS_NULL ? ~v->valid[w] : v->valid[w];
        memset(v->valid, 0xff, sizeof v->valid);
    }
}

static void run_step(struct machine *m, const struct ec_number_step *step, const struct ec_batch *batch, size_t row) {
    switch (step->op) {
    case EC_STEP_INT:
    case EC_STEP_DOUBLE:
    case EC_STEP_BOOL:
    case EC_STEP_TIME: load(m, &batch->column[step->column], step->op, row); break;
    case EC_STEP_CONST_INT:
    case EC_STEP_CONST_DOUBLE: load_constant(m, step); break;
    case EC_STEP_ADD:
    case EC_STEP_SUB:
    case EC_STEP_MUL:
    case EC_STEP_DIV: arithmetic(m, step->op); break;
    case EC_STEP_ROUND: round_to(m, step->number); break;
    case EC_STEP_DIFFERENCE: difference(m, step->unit); break;
    case EC_STEP_COALESCE: coalesce(m); break;
    case EC_STEP_LESS:
    case EC_STEP_NOT_MORE:
    case EC_STEP_EQUAL:
    case EC_STEP_NOT_EQUAL: compare(m, step->op, step->whole); break;
    case EC_STEP_AND:
    case EC_STEP_OR: conjunction(m, step->op == EC_STEP_AND); break;
    case EC_STEP_TO_DOUBLE:
    case EC_STEP_ABS:
    case EC_STEP_NOT:
    case EC_STEP_IS_NULL:
    case EC_STEP_IS_VALUE: unary(m, step); break;
    }
}

/* Nothing is valid behind the last row. */
static void end_rows(struct vector *v, size_t row, size_t rows) {
    for (size_t w = 0; w < WORDS; w++) {
        size_t from = row + w * 64;
        uint64_t inside = from + 64 <= rows ? UINT64_MAX : from < rows ? (UINT64_C(1) << (rows - from)) - 1 : 0;
        v->valid[w] &= inside;
    }
}

/* Values under nulls are zero. */
static void store(struct vector *v, enum ec_number_kind kind, struct ec_column *to, size_t row) {
    memcpy(to->valid + row / 64, v->valid, sizeof v->valid);
    if (kind == EC_NUMBER_BOOL) {
        for (size_t w = 0; w < WORDS; w++) v->bits[w] &= v->valid[w];
        EACH ec_column_bool(to)[row + k] = ec_bit(v->bits, k);
        return;
    }
    for (size_t w = 0; w < WORDS; w++)
        for (uint64_t null = ~v->valid[w]; null; null &= null - 1) v->i[w * 64 + (size_t)__builtin_ctzll(null)] = 0;
    memcpy(ec_column_int(to) + row, v->i, sizeof v->i);
}

bool ec_number_run(const struct ec_number *program, const struct ec_batch *batch, struct ec_column *to,
                   uint64_t *failed) {
    struct machine m;
    m.odd = 0;
    for (size_t row = 0; row < batch->rows; row += ROWS) {
        m.depth = 0;
        for (size_t i = 0; i < program->count; i++) run_step(&m, &program->step[i], batch, row);
        if (m.odd >> 63) return false;
        struct vector *result = &m.stack[0];
        end_rows(result, row, batch->rows);
        if (to) store(result, program->kind, to, row);
        for (size_t w = 0; failed && w < WORDS; w++) failed[row / 64 + w] = result->valid[w] & ~result->bits[w];
    }
    return true;
}
