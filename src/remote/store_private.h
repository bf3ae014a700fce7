/* What the kinds of stores share; for the files of this folder alone. */
#ifndef EC_REMOTE_STORE_PRIVATE_H
#define EC_REMOTE_STORE_PRIVATE_H

#include "remote/http.h"
#include "remote/store.h"

struct ec_store {
    const struct ec_remote_settings *settings;
    struct ec_http *http;
};

struct ec_listing {
    const struct ec_address *prefix;
    bool deep;
    bool folders; /* of S3: objects that only show a folder, too; all others pass them over */
    enum ec_status (*visit)(void *user, const struct ec_object *object, struct ec_err *err);
    void *user;
    size_t count; /* of objects that were visited */
};

struct ec_reading {
    struct ec_store *store;
    const struct ec_object *object;
    struct ec_address address;
    uint64_t offset, n;
    uint64_t got; /* of the range, handed to the sink */
    enum ec_status (*sink)(void *user, const char *p, size_t n, struct ec_err *err);
    void *user;
};

enum ec_status ec_s3_list(struct ec_store *store, struct ec_listing *listing, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_webhdfs_list(struct ec_store *store, struct ec_listing *listing, struct ec_err *err) EC_MUST_USE;
/* One try, from reading->got on. */
enum ec_status ec_s3_read(void *reading, bool *again, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_webhdfs_read(void *reading, bool *again, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_webhdfs_confirm(struct ec_store *store, const struct ec_address *address, const struct ec_object *object,
                                  struct ec_err *err) EC_MUST_USE;

/* A file that is put, whose bytes come in pieces of at most EC_REMOTE_PART. */
struct ec_putting {
    struct ec_store *store;
    const char *what; /* its address */
    struct ec_address address;
    const char *path; /* NULL: `text` is put */
    struct ec_str text;
    uint64_t bytes;
    int fd;
    char *piece; /* room for EC_REMOTE_PART bytes; NULL where text is put */
    bool if_absent, there;
};

/* The bytes from offset on, at most n: of the text, or read into `piece`. */
enum ec_status ec_putting_read(const struct ec_putting *putting, uint64_t offset, size_t n, struct ec_str *bytes, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_s3_put(struct ec_putting *putting, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_webhdfs_put(struct ec_putting *putting, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_webhdfs_make_folder(struct ec_store *store, const char *what, const struct ec_address *address, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_webhdfs_find(struct ec_store *store, const char *what, const struct ec_address *address, struct ec_object *object,
                               char tag[EC_TAG_MAX], bool *there, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_s3_remove(struct ec_store *store, const char *what, const struct ec_address *address, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_webhdfs_remove(struct ec_store *store, const char *what, const struct ec_address *address, struct ec_err *err) EC_MUST_USE;
/* The folder whose name is the address's key, a slash behind it or not. */
enum ec_status ec_webhdfs_remove_folder(struct ec_store *store, const char *what, const struct ec_address *address, struct ec_err *err) EC_MUST_USE;

/* A sink (store.h) over an ec_reading: no more than what was asked for. */
enum ec_status ec_reading_take(void *reading, const char *p, size_t n, struct ec_err *err) EC_MUST_USE;
/* After an answer 2xx: EC_REMOTE where the range is not complete. */
enum ec_status ec_reading_check(const struct ec_reading *reading, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_object_changed(const struct ec_object *object, struct ec_err *err) EC_MUST_USE;
/* Visits an object, whose address is made of the listing's scheme and authority and the key. */
enum ec_status ec_listing_visit(struct ec_listing *listing, struct ec_str key, struct ec_object *object, struct ec_err *err) EC_MUST_USE;

#endif
