#include "shop/defect.h"

#define MILLION UINT64_C(1000000)

/* Where stratum s begins. */
static uint64_t start_of(const struct ec_shop_schedule *s, uint64_t stratum) {
    return (stratum * MILLION + s->parts - 1) / s->parts;
}

static void find_next(struct ec_shop_schedule *s) {
    uint64_t start = start_of(s, s->stratum), end = start_of(s, s->stratum + 1);
    struct ec_shop_random r = ec_shop_random_of(s->seed, EC_SHOP_TAG_DEFECTS, s->stratum);
    s->next = start + ec_shop_below(&r, (uint32_t)(end - start));
}

void ec_shop_schedule_init(struct ec_shop_schedule *s, uint64_t seed, uint64_t parts) {
    *s = (struct ec_shop_schedule){.seed = seed, .parts = parts};
    if (parts > 0) find_next(s);
}

bool ec_shop_schedule_due(struct ec_shop_schedule *s, bool is_protected) {
    if (s->parts == 0) return false;
    bool due = s->row >= s->next && !is_protected;
    if (due) {
        s->stratum++;
        find_next(s);
    }
    s->row++;
    return due;
}

bool ec_shop_reason_is_structural(enum ec_reason reason) {
    return reason == EC_REASON_PARSE || reason == EC_REASON_MISSING_CELL || reason == EC_REASON_EXTRA_CELL ||
           reason == EC_REASON_ENCODING || reason == EC_REASON_TOO_LONG;
}

bool ec_shop_defect_is_damage(const struct ec_shop_defect *defect) {
    if (defect->mode == EC_SHOP_NOTHING) return true;
    for (size_t i = 0; i < sizeof defect->change / sizeof *defect->change; i++) {
        if (defect->change[i].op == EC_SHOP_OP_NONE) return false;
        if (ec_shop_reason_is_structural(defect->change[i].reason)) return true;
    }
    return false;
}

/* One of the variants that '|' separates. */
static struct ec_str choose(const char *variants, struct ec_shop_random *random) {
    uint32_t count = 1;
    for (const char *p = variants; *p; p++) count += *p == '|';
    uint32_t wanted = ec_shop_below(random, count);
    const char *p = variants;
    for (; wanted > 0; p++) wanted -= *p == '|';
    const char *end = strchr(p, '|');
    return (struct ec_str){p, end ? (size_t)(end - p) : strlen(p)};
}

static void set(struct ec_shop_row *row, const struct ec_shop_change *c, enum ec_shop_cell_kind kind, bool plain,
                struct ec_shop_random *random) {
    struct ec_str text = choose(c->value, random);
    row->cell[c->column] = (struct ec_shop_cell){text.p, (uint32_t)text.n, (uint8_t)kind, plain, 0};
}

static void negate(struct ec_shop_row *row, uint8_t column) {
    char *p = ec_shop_row_text(row);
    const struct ec_shop_cell *c = &row->cell[column];
    *p++ = '-';
    ec_shop_row_take(row, column, EC_SHOP_RAW, ec_shop_put(p, c->p, c->n));
}

static void swap(struct ec_shop_row *row, uint8_t column) {
    struct ec_shop_cell first = row->cell[column];
    row->cell[column] = row->cell[column + 1];
    row->cell[column + 1] = first;
}

static void add_extra(struct ec_shop_row *row, struct ec_shop_random *random) {
    for (uint32_t i = 1 + ec_shop_below(random, 2); i > 0; i--) ec_shop_row_plain(row, row->count++, EC_STR("fin"));
}

void ec_shop_defect_apply(const struct ec_shop_defect *defect, struct ec_shop_row *row, ec_shop_make *make,
                          struct ec_shop_random *random, bool *cut) {
    *cut = false;
    for (size_t i = 0; i < sizeof defect->change / sizeof *defect->change; i++) {
        const struct ec_shop_change *c = &defect->change[i];
        switch (c->op) {
        case EC_SHOP_OP_NONE: return;
        case EC_SHOP_OP_SET: set(row, c, EC_SHOP_TEXT, false, random); break;
        case EC_SHOP_OP_RAW: set(row, c, EC_SHOP_RAW, true, random); break;
        case EC_SHOP_OP_NULL: row->cell[c->column].kind = EC_SHOP_NULL; break;
        case EC_SHOP_OP_ABSENT: row->cell[c->column].kind = EC_SHOP_ABSENT; break;
        case EC_SHOP_OP_NEGATE: negate(row, c->column); break;
        case EC_SHOP_OP_SWAP: swap(row, c->column); break;
        case EC_SHOP_OP_MAKE: make(row, c->column, random); break;
        case EC_SHOP_OP_DROP: row->count -= ec_shop_between(random, 1, 3); break;
        case EC_SHOP_OP_EXTRA: add_extra(row, random); break;
        case EC_SHOP_OP_CUT: *cut = true; break;
        }
    }
}
