/* A shop while it is made: what its files share, and one function per source. */
#ifndef EC_SHOP_MAKE_H
#define EC_SHOP_MAKE_H

#include "base/arena.h"
#include "shop/emit.h"

struct ec_shop_making {
    const struct ec_shop_options *options;
    struct ec_shop_world *world;
    struct ec_shop_totals *totals;
    struct ec_shop_truth truth;
    struct ec_shop_emit emit; /* of the source at hand */
    struct ec_shop_sink sink; /* of the file at hand */
    struct ec_shop_deflate *z;
    struct ec_buf packed; /* the member at hand */
    char *buf;            /* of the sink */
    struct ec_arena arena;
    const char **made; /* paths of files, to be removed after a failure */
    size_t made_count, made_cap;
};

/* The path of a file below the shop's folder that will be made; it lives as long as `making`. */
enum ec_status ec_shop_file_path(struct ec_shop_making *making, const char *name, const char **path,
                                 struct ec_err *err) EC_MUST_USE;

enum ec_status ec_shop_make_logs(struct ec_shop_making *making, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_shop_make_sessions(struct ec_shop_making *making, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_shop_make_products(struct ec_shop_making *making, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_shop_make_users(struct ec_shop_making *making, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_shop_make_sales(struct ec_shop_making *making, struct ec_err *err) EC_MUST_USE;

#endif
