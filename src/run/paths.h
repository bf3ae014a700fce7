/* Where things lie in a project folder, and the identity of a run. */
#ifndef EC_RUN_PATHS_H
#define EC_RUN_PATHS_H

#include "base/io.h"

#define EC_PATH_MAX 4096

#define EC_DIR_RAW        "data/raw"
#define EC_DIR_STAGING    "data/staging"
#define EC_DIR_PROCESSED  "data/processed"
#define EC_DIR_ENRICHED   "data/processed/enriched"
#define EC_DIR_QUALITY    "data/quality"
#define EC_DIR_QUARANTINE "data/quality/quarantine"
#define EC_DIR_ARCHIVE    "data/archive"
#define EC_DIR_RUNS       "data/runs"
#define EC_DIR_MODELS     "transformations"
#define EC_DIR_LOGS       "logs"

/* txn.appId of every commit of ours. */
#define EC_APP_ID "ecluse"

/* DIR/a/b into out[EC_PATH_MAX], NUL-terminated; `b` may be NULL. */
enum ec_status ec_project_path(char *out, const char *dir, const char *a, const char *b,
                               struct ec_err *err) EC_MUST_USE;

/* Makes the folder that the file lies in, and those above it. */
enum ec_status ec_folder_make_of(const char *path, struct ec_err *err) EC_MUST_USE;

/* Visits the folder of every table of the project, sources' and models'; the first failure ends it. */
enum ec_status ec_each_table(const char *project,
                             enum ec_status (*visit)(void *user, const char *dir, struct ec_err *err), void *user,
                             struct ec_err *err) EC_MUST_USE;

/* "20250818_133405" of a time, as used in names of logs; out holds 16 bytes. */
void ec_time_label(int64_t micros, char *out);

#endif
