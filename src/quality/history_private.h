/* What the files of the history share. */
#ifndef EC_QUALITY_HISTORY_PRIVATE_H
#define EC_QUALITY_HISTORY_PRIVATE_H

#include "quality/history.h"

/* How the line of a compacted source begins: told without parsing it. */
#define EC_HISTORY_COMPACTED "{\"files\":"

/* The next line of `text` from *at on, without its line end; false at the end. */
bool ec_history_next_line(struct ec_str text, size_t *at, struct ec_str *line);
static inline bool ec_history_is_compacted(struct ec_str line) {
    return line.n >= sizeof EC_HISTORY_COMPACTED - 1 &&
           memcmp(line.p, EC_HISTORY_COMPACTED, sizeof EC_HISTORY_COMPACTED - 1) == 0;
}

enum ec_verdict ec_history_verdict(const char *name); /* EC_VERDICT_COUNT: unknown */
bool ec_history_is_worse(enum ec_verdict a, enum ec_verdict b);

/* Into the same buffer: the lines that are too old for their own are added up. EC_NO_MEMORY. */
enum ec_status ec_history_compact(struct ec_buf *text, struct ec_err *err) EC_MUST_USE;

/* {"cpu_seconds":…,"peak_memory_bytes":…,"stages":[["plan",start,seconds,cpu],…]}; without `stages` where it is
 * to be short. */
void ec_history_resources_write(struct ec_json_writer *w, const struct ec_resource_facts *r, bool stages);

#endif
