/* Checkpoints of the logs in a store: the project's own, which say nothing that the log does not (docs/commit.md, C16). */
#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "remote/put.h"
#include "run/mirror_private.h"
#include "run/paths.h"
#include "store/delta.h"

#include <jansson.h>

#define LAST      "_delta_log/_last_checkpoint"
#define LAST_MAX  (64 * EC_KIB)

/* The version of the newest checkpoint here, of one file; -1 for none. */
static int64_t newest(const struct ec_mirror_table *t) {
    char path[EC_PATH_MAX];
    struct ec_buf text = ec_buf_make(LAST_MAX);
    if (ec_path_join(path, sizeof path, t->dir, LAST, NULL) != EC_OK || !ec_path_exists(path)) return -1;
    enum ec_status status = ec_file_load(path, &text, NULL);
    json_t *root = status == EC_OK ? json_loadb(ec_buf_str(&text).p, text.n, 0, NULL) : NULL;
    const json_t *version = json_object_get(root, "version");
    bool good = json_is_integer(version) && json_integer_value(version) >= 0 && !json_object_get(root, "parts");
    int64_t found = good ? (int64_t)json_integer_value(version) : -1;
    json_decref(root);
    ec_buf_free(&text);
    return found;
}

/* S3 replaces a key as a whole; HDFS replaces nothing, and a reader does without for a moment. */
static enum ec_status replace(struct ec_mirroring *mi, const char *address, const char *path, struct ec_err *err) {
    if (!ec_address_is_s3(address)) EC_TRY(ec_store_remove(mi->store, address, err));
    return ec_store_put_file(mi->store, address, path, err);
}

static enum ec_status put(struct ec_mirroring *mi, const struct ec_mirror_table *t, const char *name, struct ec_err *err) {
    char path[EC_PATH_MAX], address[EC_PATH_MAX];
    EC_TRY(ec_path_join(path, sizeof path, t->dir, name, err));
    EC_TRY(ec_path_join(address, sizeof address, t->to, name, err));
    return replace(mi, address, path, err);
}

enum ec_status ec_mirror_checkpoint(struct ec_mirroring *mi, struct ec_mirror_table *t, struct ec_err *err) {
    char name[64];
    int64_t version = newest(t);
    struct ec_err cause = {0};
    if (t->there == t->found || version <= t->checkpoint || version > t->there) return EC_OK;
    ec_delta_name(version, ".checkpoint.parquet", name);
    enum ec_status status = put(mi, t, name, &cause);
    if (status == EC_OK) status = put(mi, t, LAST, &cause); /* names it: behind it */
    if (status == EC_INTERRUPTED) return ec_fail(err, status, "%s", cause.message);
    if (status != EC_OK) ec_log(EC_LOG_WARN, "%s: no checkpoint was put: %s", t->to, cause.message);
    return EC_OK;
}
