/* A synthetic shop: a folder of raw files with planted defects, and their answer key.
 *
 *     api_logs.zip                       api_logs_YYYYMMDD_HHMM.json.gz, JSON arrays and JSON lines
 *     user_sessions/sessions_YYYYMMDD.csv
 *     products_catalog.csv  products_catalog.xlsx   other products, and a few of the same
 *     users_NNN.csv
 *     sales_YYYYMMDD.csv
 *     truth.json                         what a right pipeline finds in each of them
 *
 * The same options give the same bytes on every machine: no clock, no locale, no libc random, no
 * floating point but the reading of `defects`, and a deflate of its own, as that of a library is
 * another one on another processor. Everything is derived from (seed, number), nothing is kept, so
 * that memory does not grow with the shop but for the catalogue and one compressed member.
 *
 * A file's day is one of Paris in summer, its timestamps are UTC, and visits last: the days of a
 * file's rows reach into the neighbouring day. truth.json knows of each planted row all its reasons
 * (docs/shop.md); it is `.truth.json` where `dir` ends in data/raw, which no source may claim.
 *
 *     struct ec_shop_options options = ec_shop_options_default("shop");
 *     options.seed = 7;
 *     EC_TRY(ec_shop_generate(&options, &totals, err));
 *
 * Not thread-safe with itself in one folder.
 */
#ifndef EC_SHOP_SHOP_H
#define EC_SHOP_SHOP_H

#include "base/err.h"
#include "base/limits.h"

#define EC_SHOP_BYTES_DEFAULT (20 * EC_MIB)
#define EC_SHOP_BYTES_MIN     (200ull * 1000)
#define EC_SHOP_BYTES_MAX     (24 * EC_GIB) /* api_logs.zip stays below 4 GiB and 10,000 members */
#define EC_SHOP_DAYS_DEFAULT  8u
#define EC_SHOP_DAYS_MAX      366u
#define EC_SHOP_DEFECTS_MAX   0.5
#define EC_SHOP_LAST_DAY      20287 /* 2025-07-18 */

enum ec_shop_kinds {
    EC_SHOP_KINDS_ALL,
    EC_SHOP_KINDS_VALUES, /* types, nulls, rules, keys: no damaged bytes or records, no empty lines */
};

struct ec_shop_options {
    const char *dir; /* made where it is not there; must hold no file */
    uint64_t bytes;  /* decoded size aimed at, met within some percent */
    uint64_t seed;
    enum ec_shop_kinds kinds;
    double defects;   /* share of planted rows, 0 to EC_SHOP_DEFECTS_MAX; four times that in the catalogue */
    unsigned days;    /* of sessions, sales and logs */
    int32_t last_day; /* the newest date, days since 1970 */
};

enum ec_shop_source { EC_SHOP_LOGS, EC_SHOP_PRODUCTS, EC_SHOP_SALES, EC_SHOP_SESSIONS, EC_SHOP_USERS, EC_SHOP_SOURCES };

struct ec_shop_count {
    uint64_t files; /* an archive's members each */
    uint64_t read;
    uint64_t accepted;
    uint64_t quarantined;
    uint64_t duplicate;
    uint64_t bytes; /* decoded; of a workbook its parts */
};

struct ec_shop_totals {
    struct ec_shop_count source[EC_SHOP_SOURCES];
    struct ec_shop_count all;
    uint64_t bytes_written; /* as they lie on the disk, without the answer key */
    char truth[4096];       /* path of the answer key */
};

/* 20 MiB, seed 1, 1 % of defects of all kinds, eight days up to 2025-07-18. */
struct ec_shop_options ec_shop_options_default(const char *dir);

/* Writes the shop. *totals may be NULL. EC_USAGE where an option is out of its bounds or the folder
 * holds files; after any failure what was written is removed again. */
enum ec_status ec_shop_generate(const struct ec_shop_options *options, struct ec_shop_totals *totals,
                                struct ec_err *err) EC_MUST_USE;

const char *ec_shop_source_name(enum ec_shop_source source); /* "api_logs" */

#endif
