/* The rows of one source into its files: built, changed where a defect is due, written, and noted in
 * the answer key. What is the source's own stands in its struct ec_shop_rows.
 *
 *     ec_shop_emit_init(&emit, world, &ec_shop_sale_rows, truth);
 *     for each file:
 *         ec_shop_emit_file(&emit, layout, ...);
 *         for each of its entities: ec_shop_emit_row(&emit, entity, is_last, err);
 *         ec_shop_emit_end(&emit, ...);
 *
 * An entity is the number that the source's row is built from; `build` may be asked for any one
 * again, which is how duplicates are made without remembering rows.
 */
#ifndef EC_SHOP_EMIT_H
#define EC_SHOP_EMIT_H

#include "shop/defect.h"
#include "shop/sink.h"
#include "shop/truth.h"
#include "shop/world.h"

#define EC_SHOP_RECENT_MAX  16u
#define EC_SHOP_EARLIER_MAX 8u

struct ec_shop_emit;

enum ec_shop_layout { EC_SHOP_CSV, EC_SHOP_LINES, EC_SHOP_ARRAY, EC_SHOP_COMPACT, EC_SHOP_SHEET };

struct ec_shop_rows {
    enum ec_shop_source source;
    const char *const *column;
    size_t columns;
    const struct ec_shop_defect *defect;
    size_t defects;
    void (*build)(struct ec_shop_emit *emit, uint64_t entity); /* into emit->row */
    ec_shop_make *make;
};

struct ec_shop_emit {
    const struct ec_shop_world *world;
    const struct ec_shop_rows *rows;
    struct ec_shop_truth *truth;
    struct ec_shop_schedule schedule;
    struct ec_shop_random random;   /* of the changes */
    struct ec_shop_session session; /* the last one that was asked for */
    bool have_session;
    struct ec_shop_row row;
    struct ec_str key[EC_SHOP_CELLS_MAX]; /* of JSON: `,"name":` */
    char key_text[512];
    /* Of the file at hand. */
    enum ec_shop_layout layout;
    bool crlf;
    struct ec_shop_sink *sink; /* NULL of a sheet */
    struct ec_buf *sheet;
    uint64_t written; /* records, of any kind */
    unsigned files;
    unsigned far_left;
    uint64_t recent[EC_SHOP_RECENT_MAX]; /* entities of good rows */
    size_t recents;
    /* Good rows of earlier files. */
    uint64_t earlier[EC_SHOP_EARLIER_MAX];
    size_t earliers;
};

void ec_shop_emit_init(struct ec_shop_emit *emit, const struct ec_shop_world *world, const struct ec_shop_rows *rows,
                       uint64_t parts, struct ec_shop_truth *truth);

/* A file begins: what stands before its first row is written to the sink. */
enum ec_status ec_shop_emit_file(struct ec_shop_emit *emit, enum ec_shop_layout layout, struct ec_shop_sink *sink,
                                 struct ec_err *err) EC_MUST_USE;
/* The last rows of a file have no defect, nor have the first. */
enum ec_status ec_shop_emit_row(struct ec_shop_emit *emit, uint64_t entity, bool is_last,
                                struct ec_err *err) EC_MUST_USE;
/* One more row, whose key an earlier file has. */
enum ec_status ec_shop_emit_far(struct ec_shop_emit *emit, struct ec_err *err) EC_MUST_USE;
/* The file ends: what stands behind its last row is written. */
enum ec_status ec_shop_emit_end(struct ec_shop_emit *emit, struct ec_err *err) EC_MUST_USE;

/* The session of that number, made once for the rows that it has. */
const struct ec_shop_session *ec_shop_emit_session(struct ec_shop_emit *emit, uint64_t number);

/* Appends emit->row to emit->sheet as its `number`th row (workbook.c). */
void ec_shop_sheet_row(struct ec_shop_emit *emit, uint64_t number);

#endif
