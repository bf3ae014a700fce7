/* What the columns of a run's models are made of, as OpenLineage tells it. */
#ifndef EC_RUN_LINEAGE_MODELS_H
#define EC_RUN_LINEAGE_MODELS_H

#include "publish/openlineage.h"
#include "sql/model.h"

#define EC_LINEAGE_MODELS_MAX ((size_t)64 * EC_MIB)

/* Sets options->model; its texts are the models' and the arena's. A model whose SQL cannot be looked through has columns
 * without origins. */
enum ec_status ec_lineage_models(const struct ec_models *models, struct ec_sql *sql, struct ec_arena *arena,
                                 struct ec_lineage_options *options, struct ec_err *err) EC_MUST_USE;

#endif
