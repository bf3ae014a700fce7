/* Many files put into a store, several at a time.
 *
 *     struct ec_remote_put put[] = {{.path = "data/…/part-1.parquet", .address = "s3://lake/…/part-1.parquet", .bytes = 4711}};
 *     EC_TRY(ec_remote_put_many(&settings, put, 1, err));
 *     // put[i].status, .message, .there
 *
 * For files that never change and have names of their own: one that is there with the same size is the same file, and is
 * left as it is. So whoever comes second, or again after a crash, puts what is missing. */
#ifndef EC_REMOTE_PUT_MANY_H
#define EC_REMOTE_PUT_MANY_H

#include "remote/store.h"

struct ec_remote_put {
    const char *path, *address; /* borrowed */
    uint64_t bytes;             /* that the file must have */
    bool there;                 /* it was before */
    enum ec_status status;      /* of this file alone: EC_COMMIT_CONFLICT, another file has its name; EC_UNREADABLE: it is not there, or cannot be read; EC_FILE_CHANGED: it is not so large */
    char message[512];
};

/* On up to EC_REMOTE_UPLOADS connections. What is not one file's fault ends it: EC_REMOTE, EC_REMOTE_DENIED, EC_NO_MEMORY,
 * EC_INTERRUPTED; files that it came to are there all the same. */
enum ec_status ec_remote_put_many(const struct ec_remote_settings *settings, struct ec_remote_put *put, size_t count, struct ec_err *err) EC_MUST_USE;

#endif
