/* Parts of the page's facts that are read back from what a run left. Private to page_facts.c and its parts. */
#ifndef EC_RUN_PAGE_GATHER_H
#define EC_RUN_PAGE_GATHER_H

#include "publish/page_data.h"
#include "run/page_facts.h"

/* Files of the run, the sources' tables, the models: as the models' SQL names them. Without the models where they cannot be
 * read; `sql` parses them. The texts are in `arena` or the facts'. */
enum ec_status ec_gather_lineage(const struct ec_page_facts_options *options, struct ec_sql *sql, struct ec_arena *arena,
                                 struct ec_page_lineage *lineage, struct ec_err *err) EC_MUST_USE;

/* Some rejected rows of the run: a few of each reason of each file, at most EC_PAGE_REJECTS_MAX. A quarantine file that is
 * gone, of another run or damaged gives none. */
enum ec_status ec_gather_rejects(const struct ec_page_facts_options *options, struct ec_arena *arena,
                                 struct ec_page_reject **reject, size_t *count, struct ec_err *err) EC_MUST_USE;

/* The newest lines of data/quality/alerts.jsonl, if there is one: the last state of each delivery, newest first. */
enum ec_status ec_gather_alerts(const struct ec_config *config, struct ec_arena *arena,
                                struct ec_page_alert **alert, size_t *count, struct ec_err *err) EC_MUST_USE;

/* page_cells.c: the cells of a rejected record of that source, from its raw bytes. `header` are the names of a CSV file's
 * columns in order, NULL: unknown. Of what cannot be told apart there are none. */
enum ec_status ec_gather_cells(const struct ec_source *source, const char *const *header, size_t header_count, const char *raw,
                               struct ec_arena *arena, struct ec_page_reject *row, struct ec_err *err) EC_MUST_USE;

#endif
