/* Files put into stores: there as a whole or not at all.
 *
 *     EC_TRY(ec_store_put_file(store, "s3://lake/shop/sales/part-1.parquet", "data/…/part-1.parquet", err));
 *     EC_TRY(ec_store_put_new(store, "s3://lake/shop/sales/_delta_log/00000000000000000007.json", text, &there, err));
 *
 * S3: one PUT, or above EC_REMOTE_PART several parts, completed at the end and aborted where anything fails. HDFS: CREATE
 * and APPEND under a temporary name beside it, then RENAME, which replaces nothing. */
#ifndef EC_REMOTE_PUT_H
#define EC_REMOTE_PUT_H

#include "remote/store.h"

/* A file of this machine. What S3 has under that key is replaced; in HDFS a name that is taken is EC_REMOTE. */
enum ec_status ec_store_put_file(struct ec_store *store, const char *address, const char *path, struct ec_err *err) EC_MUST_USE;
/* Put if absent: *there says that the name was taken before, and then nothing was put. That may be our own earlier try
 * whose answer was lost: what is there tells. At most EC_REMOTE_ANSWER_MAX bytes. */
enum ec_status ec_store_put_new(struct ec_store *store, const char *address, struct ec_str text, bool *there, struct ec_err *err) EC_MUST_USE;
/* What lies under that very address: object->bytes and mtime_us, with object->tag in `tag`; object->address is the one given. */
enum ec_status ec_store_find(struct ec_store *store, const char *address, struct ec_object *object, char tag[EC_TAG_MAX], bool *there,
                             struct ec_err *err) EC_MUST_USE;
/* An object or a file; that it is not there is no error. */
enum ec_status ec_store_remove(struct ec_store *store, const char *address, struct ec_err *err) EC_MUST_USE;
/* All that lies below the address, which has no slash behind it, and the folder itself; that there is nothing is no error. */
enum ec_status ec_store_remove_folder(struct ec_store *store, const char *address, struct ec_err *err) EC_MUST_USE;
/* So that a folder can be listed: MKDIRS in HDFS; S3 knows no folders. */
enum ec_status ec_store_make_folder(struct ec_store *store, const char *address, struct ec_err *err) EC_MUST_USE;

#endif
