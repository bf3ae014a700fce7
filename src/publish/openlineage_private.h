/* What openlineage.c and its facets share. */
#ifndef EC_PUBLISH_OPENLINEAGE_PRIVATE_H
#define EC_PUBLISH_OPENLINEAGE_PRIVATE_H

#include "publish/openlineage.h"

#define EC_LINEAGE_SPEC     "https://openlineage.io/spec/"
#define EC_LINEAGE_PRODUCER "urn:ecluse:" EC_VERSION

/* Opens "key": {"_producer", "_schemaURL": spec/facets/<version>/<type>.json#/$defs/<type>. */
void ec_lineage_facet(struct ec_json_writer *w, const char *key, const char *version, const char *type);

/* The source's files in data/raw as an input; `units` are the run's. */
enum ec_status ec_lineage_input(struct ec_json_writer *w, const struct ec_run_facts *run, const struct ec_lineage_options *options,
                                const struct ec_source *source, struct ec_err *err) EC_MUST_USE;
void ec_lineage_output(struct ec_json_writer *w, const struct ec_lineage_options *options, const struct ec_table_facts *table);

#endif
