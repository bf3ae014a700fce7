/* What can be wrong with a row, as data: a table of kinds per source (each source's file), a schedule
 * that says which rows get one, and the application of a kind to a row.
 *
 * Each change of a cell names the one reason that the gate gives for it, or none where it only keeps
 * the row from having another (a total that follows a negative quantity). So the complete set of a
 * row's reasons is the list of its changes' reasons; a damaged record has its structural one alone.
 */
#ifndef EC_SHOP_DEFECT_H
#define EC_SHOP_DEFECT_H

#include "base/code.h"
#include "shop/random.h"
#include "shop/row.h"

enum ec_shop_op {
    EC_SHOP_OP_NONE, /* end of the list */
    EC_SHOP_OP_SET,  /* a text, quoted as the format asks; one of `value`, which '|' separates */
    EC_SHOP_OP_RAW,  /* bytes as they are */
    EC_SHOP_OP_NULL,
    EC_SHOP_OP_ABSENT,
    EC_SHOP_OP_NEGATE, /* a number's */
    EC_SHOP_OP_SWAP,   /* with the next cell */
    EC_SHOP_OP_MAKE,   /* what the source's own function puts there */
    EC_SHOP_OP_DROP,   /* the last cells, one to three */
    EC_SHOP_OP_EXTRA,  /* one or two cells behind the last */
    EC_SHOP_OP_CUT,    /* the record ends in its middle: of JSON lines only */
};

#define EC_SHOP_NO_REASON EC_REASON_COUNT

struct ec_shop_change {
    enum ec_shop_op op;
    uint8_t column;
    const char *value;
    enum ec_reason reason;
    const char *rule; /* of EC_REASON_RULE: its id in the sample project */
};

enum ec_shop_mode {
    EC_SHOP_BAD,     /* the row is changed */
    EC_SHOP_RESENT,  /* the row is changed, and follows again as it should have been: accepted */
    EC_SHOP_AGAIN,   /* the row stands as it is, and one of this file follows again: a duplicate */
    EC_SHOP_FAR,     /* the same with a row of an earlier file */
    EC_SHOP_NOTHING, /* an empty line before the row, which is no row */
};

struct ec_shop_defect {
    const char *kind; /* for the answer key */
    enum ec_shop_mode mode;
    bool by_line; /* has a meaning only where a record is a line */
    struct ec_shop_change change[3];
};

/* Rows in strata of 1/rate rows, each with one defect at a place of its own, the kinds in turn: so
 * that a small shop has each kind as soon as it has room for it. */
struct ec_shop_schedule {
    uint64_t seed;
    uint64_t parts; /* defects per million rows; 0: none */
    uint64_t row;
    uint64_t stratum;
    uint64_t next; /* the row that the stratum's defect is due at */
    uint32_t turn;
};

void ec_shop_schedule_init(struct ec_shop_schedule *schedule, uint64_t seed, uint64_t parts);
/* Counts a row; whether it gets a defect. A protected row hands it on to the next. */
bool ec_shop_schedule_due(struct ec_shop_schedule *schedule, bool is_protected);

/* The source's own changes: column says which. */
typedef void ec_shop_make(struct ec_shop_row *row, uint8_t column, struct ec_shop_random *random);

/* Whether the kind damages bytes or records, which readers of other programs give up at; an empty line
 * is among them, as it costs some of them a row. */
bool ec_shop_defect_is_damage(const struct ec_shop_defect *defect);
bool ec_shop_reason_is_structural(enum ec_reason reason);

/* Changes the row. *cut is set where its record must be cut. */
void ec_shop_defect_apply(const struct ec_shop_defect *defect, struct ec_shop_row *row, ec_shop_make *make,
                          struct ec_shop_random *random, bool *cut);

#endif
