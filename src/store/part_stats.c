/* What a finished file says of itself, for the Delta log. */
#include "base/io.h"
#include "store/parquet_column.h"

enum ec_status pq_part_stats(const struct ec_parquet *pq, struct ec_part_stats *stats, struct ec_err *err) {
    *stats = (struct ec_part_stats){.rows = pq->rows, .bytes = pq->offset};
    stats->column = ec_calloc(pq->column_count, sizeof *stats->column);
    if (!stats->column) return pq_no_memory(pq, err);
    for (size_t i = 0; i < pq->column_count; i++) {
        const struct pq_column *c = &pq->column[i];
        struct ec_part_column *part = &stats->column[i];
        part->name = ec_strdup(c->name);
        if (!part->name) return pq_no_memory(pq, err);
        stats->column_count++;
        part->type = c->type;
        part->nulls = c->nulls;
        part->bounded = c->bounds.known && c->type.type != EC_TYPE_BOOLEAN;
        if (!part->bounded) continue;
        memcpy(&part->min, &c->bounds.min, sizeof part->min);
        memcpy(&part->max, &c->bounds.max, sizeof part->max);
    }
    return EC_OK;
}

void ec_part_stats_deinit(struct ec_part_stats *stats) {
    for (size_t i = 0; i < stats->column_count; i++) ec_free(stats->column[i].name);
    ec_free(stats->column);
    *stats = (struct ec_part_stats){0};
}
