/* Words for the tables of defects, for the sources' files alone.
 *
 *     BAD("two-rules", RULE_OF(PAGES, "-5", "pages.min_value"), RULE_OF(SPENT, "-1|-0.01", "spent.min_value")),
 *     AGAIN("repeated"),
 *
 * A text may have variants, which '|' separates.
 */
#ifndef EC_SHOP_DEFECT_TABLE_H
#define EC_SHOP_DEFECT_TABLE_H

#include "shop/defect.h"

/* Kinds. */
#define BAD(name, ...)         {.kind = (name), .mode = EC_SHOP_BAD, .change = {__VA_ARGS__}}
#define BAD_BY_LINE(name, ...) {.kind = (name), .mode = EC_SHOP_BAD, .by_line = true, .change = {__VA_ARGS__}}
#define RESENT(name, ...)      {.kind = (name), .mode = EC_SHOP_RESENT, .change = {__VA_ARGS__}}
#define AGAIN(name)            {.kind = (name), .mode = EC_SHOP_AGAIN}
#define AGAIN_BUT(name, ...)   {.kind = (name), .mode = EC_SHOP_AGAIN, .change = {__VA_ARGS__}}
#define OF_EARLIER_FILE        {.kind = "key-of-earlier-file", .mode = EC_SHOP_FAR}
#define EMPTY_LINE             {.kind = "empty-line", .mode = EC_SHOP_NOTHING, .by_line = true}

/* Changes with their reason. */
#define TYPE_OF(col, text)     {.op = EC_SHOP_OP_SET, .column = (col), .value = (text), .reason = EC_REASON_TYPE}
#define NULL_OF(col)           {.op = EC_SHOP_OP_NULL, .column = (col), .reason = EC_REASON_NULL}
#define RULE_OF(col, text, id) \
    {.op = EC_SHOP_OP_RAW, .column = (col), .value = (text), .reason = EC_REASON_RULE, .rule = (id)}
#define NEGATIVE_OF(col, id)   {.op = EC_SHOP_OP_NEGATE, .column = (col), .reason = EC_REASON_RULE, .rule = (id)}
#define SWAP_OF(col, id)       {.op = EC_SHOP_OP_SWAP, .column = (col), .reason = EC_REASON_RULE, .rule = (id)}
#define MADE_OF(col, id)       {.op = EC_SHOP_OP_MAKE, .column = (col), .reason = EC_REASON_RULE, .rule = (id)}
#define BYTES_OF(col, text, why) {.op = EC_SHOP_OP_RAW, .column = (col), .value = (text), .reason = (why)}
#define MISSING_CELLS          {.op = EC_SHOP_OP_DROP, .reason = EC_REASON_MISSING_CELL}
#define EXTRA_CELLS            {.op = EC_SHOP_OP_EXTRA, .reason = EC_REASON_EXTRA_CELL}

/* Changes that give none. */
#define ALSO(what, col, text)  {.op = (what), .column = (col), .value = (text), .reason = EC_SHOP_NO_REASON}

#endif
