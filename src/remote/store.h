/* Objects in a store: listed, and read in ranges. S3-compatible stores and HDFS (over WebHDFS) look alike from here.
 *
 *     struct ec_store *store;
 *     EC_TRY(ec_store_open(&settings, &store, err));
 *     status = ec_store_list(store, &prefix, false, visit, user, err);
 *     status = ec_store_read(store, &object, 0, object.bytes, sink, user, err);   // tried again where that may help
 *     ec_store_close(store);
 *
 * An object is known by address, size and tag: what is read is of that very version, or the read is EC_FILE_CHANGED, also
 * where it is read in ranges over a while. Credentials go to the address's own host (an endpoint, a namenode) and nowhere
 * else. One thread each; messages hold no credentials.
 */
#ifndef EC_REMOTE_STORE_H
#define EC_REMOTE_STORE_H

#include "base/address.h"
#include "remote/settings.h"

#define EC_TAG_MAX 200u

struct ec_object {
    const char *address; /* "s3://bucket/drop/sales_1.csv" */
    uint64_t bytes;
    int64_t mtime_us;
    const char *tag; /* the ETag of S3; number and time of the file in HDFS; fewer than EC_TAG_MAX bytes. "" where it is read:
                      * whatever has that address and size, for objects that are never written twice */
};

struct ec_store;

enum ec_status ec_store_open(const struct ec_remote_settings *settings, struct ec_store **store, struct ec_err *err) EC_MUST_USE;
void ec_store_close(struct ec_store *store); /* NULL allowed */

/* Visits every object whose key begins with prefix->key; for HDFS, everything in the folder that prefix->key names up to
 * its last slash. Not `deep`: only those without a further slash behind the prefix. The object is the visitor's for the
 * call; in any order. EC_REMOTE, EC_REMOTE_DENIED, EC_INTERRUPTED, or what the visitor fails with. */
enum ec_status ec_store_list(struct ec_store *store, const struct ec_address *prefix, bool deep,
                             enum ec_status (*visit)(void *user, const struct ec_object *object, struct ec_err *err), void *user,
                             struct ec_err *err) EC_MUST_USE;
/* Bytes offset..offset+n-1 (n > 0, within the object), piece by piece in order and each once, whatever broke off between.
 * EC_FILE_CHANGED; EC_REMOTE where all tries failed; EC_REMOTE_DENIED; what the sink fails with. */
enum ec_status ec_store_read(struct ec_store *store, const struct ec_object *object, uint64_t offset, uint64_t n,
                             enum ec_status (*sink)(void *user, const char *p, size_t n, struct ec_err *err), void *user,
                             struct ec_err *err) EC_MUST_USE;
/* To be asked when everything is read: that it is still the object that was listed. S3 has said so with every range. */
enum ec_status ec_store_confirm(struct ec_store *store, const struct ec_object *object, struct ec_err *err) EC_MUST_USE;

#endif
