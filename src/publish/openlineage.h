/* A run as OpenLineage events (https://openlineage.io/spec/2-0-2/OpenLineage.json): START and then
 * COMPLETE, FAIL or ABORT, a JSON object a line.
 *
 * The job is the project; its inputs are the sources as they lie in data/raw (one dataset a source, whatever
 * the number of its files, so that a catalogue does not grow each day), its outputs the tables that the run
 * wrote. An input carries what its rows were like (dataQualityMetrics) and how each check went
 * (dataQualityAssertions); an output its schema, its rows, and for each column of a source's table the
 * columns of the files that it is made of (columnLineage). The id of the run is made of the run's own, so
 * that events that are sent again are the same events.
 *
 * Values of rows are in none of it; of columns only numbers have bounds.
 */
#ifndef EC_PUBLISH_OPENLINEAGE_H
#define EC_PUBLISH_OPENLINEAGE_H

#include "quality/run_facts.h"

enum ec_lineage_end { EC_LINEAGE_COMPLETE, EC_LINEAGE_FAIL, EC_LINEAGE_ABORT };

struct ec_lineage_options {
    const struct ec_config *config;
    const char *root; /* absolute path of the project folder */
    enum ec_lineage_end end;
    const char *message; /* of FAIL and ABORT; NULL otherwise */
    int64_t ended_us;
};

/* Appends the events, each with its line end. */
enum ec_status ec_lineage_write(const struct ec_run_facts *run, const struct ec_lineage_options *options, struct ec_buf *out,
                                struct ec_err *err) EC_MUST_USE;

#define EC_UUID_TEXT 37u
/* A UUID (RFC 9562, version 8) of the SHA-256 of the texts. */
enum ec_status ec_lineage_run_id(const char *root, const char *run, char out[EC_UUID_TEXT], struct ec_err *err) EC_MUST_USE;

#endif
