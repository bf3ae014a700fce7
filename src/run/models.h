/* The models of a project: loaded and checked before anything is read, computed when the sources'
 * tables of a run are known. */
#ifndef EC_RUN_MODELS_H
#define EC_RUN_MODELS_H

#include "sql/model.h"

struct ec_config;
struct ec_derivation;

struct ec_project_models {
    struct ec_arena arena;
    struct ec_model_table *source; /* one per configured source */
    struct ec_models *models;
};

/* Checks everything that can be checked without data: rules, derived columns, models. EC_CONFIG
 * at the place of what is wrong. The session is the driver's. `derivation` has those of the sources
 * that were made already, NULL for others; NULL: none were. */
enum ec_status ec_project_models_load(const struct ec_config *config, struct ec_sql *sql,
                                      struct ec_derivation *const *derivation, struct ec_project_models *models,
                                      struct ec_err *err) EC_MUST_USE;
void ec_project_models_deinit(struct ec_project_models *models);

/* "data/processed/kpi/<name>" into out[EC_PATH_MAX]. */
enum ec_status ec_model_dir(char *out, const struct ec_model *model, struct ec_err *err) EC_MUST_USE;

#endif
