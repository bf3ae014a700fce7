/* The answer key, written while the shop is: per file its planted rows with all their reasons, then
 * what a right pipeline counts.
 *
 *     {"version":1, "options":{...},
 *      "files":[{"source":"api_logs", "path":"api_logs.zip", "member":"...", "layout":"lines",
 *                "rows":[{"line":17, "offset":6803, "kind":"...", "reasons":[{"code":"type-error",
 *                         "column":"status_code"}]}, ...],
 *                "read":..., "accepted":..., "quarantined":..., "duplicate":..., "bytes":...,
 *                "by_reason":{"type-error":1}, "checks":{"status_code.type":1}}, ...],
 *      "totals":{"api_logs":{...}, ..., "all":{...}}}
 *
 * `code` is that of a quarantined row ("rule:<id>"), `by_reason` counts the rows that have it, and
 * `checks` those that fail a check. The column of a structural reason or of the key is null: which
 * cell a reader blames is its own affair. `offset` is null in a workbook, whose `line` is the row's number.
 */
#ifndef EC_SHOP_TRUTH_H
#define EC_SHOP_TRUTH_H

#include "base/json.h"
#include "shop/defect.h"
#include "shop/shop.h"

#define EC_SHOP_CHECKS_MAX 48u

struct ec_shop_truth {
    int fd;
    const char *path; /* borrowed */
    struct ec_buf buf;
    struct ec_json_writer w;
    /* Of the file at hand. */
    enum ec_shop_source source;
    const char *const *column; /* names of the source's */
    struct ec_shop_count count;
    uint64_t by_reason[EC_REASON_COUNT];
    struct {
        char id[64];
        uint64_t failed;
        bool is_rule;
    } check[EC_SHOP_CHECKS_MAX];
    size_t checks;
};

struct ec_shop_place {
    uint64_t line;
    uint64_t offset; /* UINT64_MAX: none */
};

enum ec_status ec_shop_truth_open(struct ec_shop_truth *truth, const char *path, const struct ec_shop_options *options,
                                  struct ec_err *err) EC_MUST_USE;
/* A file or member (NULL: none) begins. */
void ec_shop_truth_begin(struct ec_shop_truth *truth, enum ec_shop_source source, const char *const *column,
                         const char *path, const char *member, const char *layout);
static inline void ec_shop_truth_good(struct ec_shop_truth *truth) {
    truth->count.read++;
    truth->count.accepted++;
}
/* A row that the defect was applied to; a repeated one is a duplicate. */
enum ec_status ec_shop_truth_bad(struct ec_shop_truth *truth, struct ec_shop_place place,
                                 const struct ec_shop_defect *defect, struct ec_err *err) EC_MUST_USE;
/* The file ends; its counts are added to *totals. */
void ec_shop_truth_end(struct ec_shop_truth *truth, uint64_t bytes, struct ec_shop_totals *totals);
enum ec_status ec_shop_truth_finish(struct ec_shop_truth *truth, const struct ec_shop_totals *totals,
                                    struct ec_err *err) EC_MUST_USE;
void ec_shop_truth_close(struct ec_shop_truth *truth); /* removes the file where it was not finished */

#endif
