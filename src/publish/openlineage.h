/* A run as OpenLineage events (https://openlineage.io/spec/2-0-2/OpenLineage.json): START when it starts, then
 * COMPLETE, FAIL or ABORT, a JSON object a line.
 *
 * The job is the project; its inputs are the sources as they lie in data/raw (one dataset a source, whatever
 * the number of its files, so that a catalogue does not grow each day), its outputs the tables that the run
 * wrote. An input carries what its rows were like (dataQualityMetrics) and how each check went
 * (dataQualityAssertions); an output its schema, its rows, and for each of its columns what it is made of
 * (columnLineage): columns of the files for a source's table, of other tables for a model, as far as that is
 * known. The id of the run is made of the run's own, so that events that are sent again are the same events.
 *
 * Values of rows are in none of it; of columns only numbers have bounds.
 */
#ifndef EC_PUBLISH_OPENLINEAGE_H
#define EC_PUBLISH_OPENLINEAGE_H

#include "quality/run_facts.h"

enum ec_lineage_event { EC_LINEAGE_START, EC_LINEAGE_COMPLETE, EC_LINEAGE_FAIL, EC_LINEAGE_ABORT };

/* A column of a model and the columns that it is made of; none: not known. */
struct ec_lineage_origin {
    const char *table, *column; /* a source's table or another model's */
    const char *type, *subtype; /* "DIRECT", "IDENTITY" */
};
struct ec_lineage_column {
    const char *name;
    struct ec_column_type type;
    const struct ec_lineage_origin *origin;
    size_t origin_count;
};
struct ec_lineage_model {
    const char *name;
    const char *folder; /* "data/processed/kpi": that its table's folder lies in */
    const struct ec_lineage_column *column;
    size_t column_count;
};

struct ec_lineage_options {
    const struct ec_config *config;
    const char *root; /* absolute path of the project folder */
    const struct ec_lineage_model *model; /* of COMPLETE; NULL: what their columns are made of is not known */
    size_t model_count;
    const char *message; /* of FAIL and ABORT; NULL otherwise */
    int64_t at_us;
};

/* Appends one event, with its line end. START needs no more of the run than its id and times. */
enum ec_status ec_lineage_write(const struct ec_run_facts *run, const struct ec_lineage_options *options, enum ec_lineage_event event,
                                struct ec_buf *out, struct ec_err *err) EC_MUST_USE;

#define EC_UUID_TEXT 37u
/* A UUID (RFC 9562, version 8) of the SHA-256 of the texts. */
enum ec_status ec_lineage_run_id(const char *root, const char *run, char out[EC_UUID_TEXT], struct ec_err *err) EC_MUST_USE;

#endif
