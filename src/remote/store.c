#include "remote/store_private.h"

#include "base/io.h"
#include "base/limits.h"

enum ec_status ec_store_open(const struct ec_remote_settings *settings, struct ec_store **out, struct ec_err *err) {
    struct ec_store *store = ec_calloc(1, sizeof *store);
    *out = NULL;
    if (!store) return ec_fail(err, EC_NO_MEMORY, "no memory for a store");
    store->settings = settings;
    enum ec_status status = ec_http_create(settings, &store->http, err);
    if (status == EC_OK)
        *out = store;
    else
        ec_free(store);
    return status;
}

void ec_store_close(struct ec_store *store) {
    if (!store) return;
    ec_http_destroy(store->http);
    ec_free(store);
}

enum ec_status ec_object_changed(const struct ec_object *object, struct ec_err *err) {
    return ec_fail(err, EC_FILE_CHANGED, "%.500s changed while it was being read", object->address);
}

enum ec_status ec_listing_visit(struct ec_listing *l, struct ec_str key, struct ec_object *object, struct ec_err *err) {
    const struct ec_address *a = l->prefix;
    if (++l->count > EC_REMOTE_OBJECTS_MAX)
        return ec_fail(err, EC_REMOTE, "%s://%.*s/%.300s: more than %u objects; a longer prefix before the first wildcard narrows it",
                       ec_address_scheme(a->kind), (int)a->authority.n, a->authority.p, a->key, EC_REMOTE_OBJECTS_MAX);
    struct ec_buf text = ec_buf_make(2 * (size_t)EC_ADDRESS_MAX);
    ec_buf_printf(&text, "%s://%.*s/", ec_address_scheme(a->kind), (int)a->authority.n, a->authority.p);
    ec_buf_add(&text, key.p, key.n);
    enum ec_status status = ec_buf_check(&text, err);
    object->address = text.p;
    if (status == EC_OK) status = l->visit(l->user, object, err);
    object->address = NULL;
    ec_buf_free(&text);
    return status;
}

enum ec_status ec_store_list(struct ec_store *store, const struct ec_address *prefix, bool deep,
                             enum ec_status (*visit)(void *user, const struct ec_object *object, struct ec_err *err), void *user,
                             struct ec_err *err) {
    struct ec_listing listing = {.prefix = prefix, .deep = deep, .visit = visit, .user = user};
    return prefix->kind == EC_ADDRESS_S3 ? ec_s3_list(store, &listing, err) : ec_webhdfs_list(store, &listing, err);
}

enum ec_status ec_reading_take(void *reading, const char *p, size_t n, struct ec_err *err) {
    struct ec_reading *r = reading;
    if (n > r->n - r->got)
        return ec_fail(err, EC_REMOTE, "%.500s: the store sends more bytes than it was asked for", r->object->address);
    EC_TRY(r->sink(r->user, p, n, err));
    r->got += n;
    return EC_OK;
}

enum ec_status ec_reading_check(const struct ec_reading *r, struct ec_err *err) {
    if (r->got == r->n) return EC_OK;
    return ec_fail(err, EC_REMOTE, "%.500s: the store sent %llu bytes of %llu", r->object->address, (unsigned long long)r->got,
                   (unsigned long long)r->n);
}

enum ec_status ec_store_read(struct ec_store *store, const struct ec_object *object, uint64_t offset, uint64_t n,
                             enum ec_status (*sink)(void *user, const char *p, size_t n, struct ec_err *err), void *user,
                             struct ec_err *err) {
    struct ec_reading r = {.store = store, .object = object, .offset = offset, .n = n, .sink = sink, .user = user};
    EC_TRY(ec_address_parse(object->address, &r.address, err));
    return ec_http_retry(store->http, r.address.kind == EC_ADDRESS_S3 ? ec_s3_read : ec_webhdfs_read, &r, err);
}

enum ec_status ec_store_confirm(struct ec_store *store, const struct ec_object *object, struct ec_err *err) {
    struct ec_address address;
    EC_TRY(ec_address_parse(object->address, &address, err));
    return address.kind == EC_ADDRESS_S3 ? EC_OK : ec_webhdfs_confirm(store, &address, object, err);
}
