/* What doctor says about stores of objects: whether each can be listed, and where credentials come from; never which. */
#include "base/address.h"
#include "base/io.h"
#include "cli/doctor.h"
#include "remote/store.h"
#include "run/objects.h"

#define PREFIXES_MAX 16u

struct looking {
    struct ec_doctor *d;
    struct ec_remote_settings settings;
    struct ec_store *store;
    struct ec_arena arena;
    const char *seen[PREFIXES_MAX];
    size_t count;
};

/* One object is enough to know. */
static enum ec_status stop(void *user, const struct ec_object *object, struct ec_err *err) {
    (void)object;
    *(bool *)user = true;
    return ec_fail(err, EC_INTERRUPTED, "found");
}

static const char *credentials(const struct looking *l, const struct ec_address *a) {
    if (a->kind == EC_ADDRESS_S3) return l->settings.keys_from;
    return l->settings.hdfs_token[0] ? _("a delegation token") : l->settings.hdfs_user[0] ? _("a user's name") : _("nobody's name");
}

static void look(struct looking *l, const char *glob) {
    struct ec_address prefix;
    bool deep, found = false;
    struct ec_err err = {0};
    enum ec_status status = ec_objects_prefix(glob, &l->arena, &prefix, &deep, &err);
    for (size_t i = 0; status == EC_OK && i < l->count; i++)
        if (strcmp(l->seen[i], prefix.authority.p) == 0) return;
    if (status == EC_OK && l->count < PREFIXES_MAX) l->seen[l->count++] = prefix.authority.p;
    if (status == EC_OK) status = ec_store_list(l->store, &prefix, false, stop, &found, &err);
    if (status == EC_OK || found)
        ec_doctor_say(l->d, "objects", EC_FINDING_OK, NULL, "%s://%.*s/%.300s: %s, as %s", ec_address_scheme(prefix.kind),
                      (int)prefix.authority.n, prefix.authority.p, prefix.key, found ? _("can be listed") : _("can be listed, and holds nothing yet"),
                      credentials(l, &prefix));
    else
        ec_doctor_say(l->d, "objects", EC_FINDING_FAIL, ec_status_text(status)->remedy, "%s", err.message);
}

static void check_file(struct looking *l) {
    struct stat st;
    if (l->settings.keys_from[0] == '/' && stat(l->settings.keys_from, &st) == 0 && (st.st_mode & 077) != 0)
        ec_doctor_say(l->d, "objects", EC_FINDING_WARN, N_("chmod 600: a secret is for the user who runs ecluse alone"),
                      "others may read the file of credentials, %s", l->settings.keys_from);
    if (strncmp(l->settings.endpoint, "http://", 7) == 0 && strncmp(l->settings.endpoint, "http://127.", 11) != 0 &&
        strncmp(l->settings.endpoint, "http://localhost", 16) != 0)
        ec_doctor_say(l->d, "objects", EC_FINDING_WARN, N_("say https:// in AWS_ENDPOINT_URL"), "%s is spoken to without TLS: others may read what is fetched",
                      l->settings.endpoint);
}

void ec_doctor_remote(struct ec_doctor *d) {
    if (!d->config || !ec_objects_configured(d->config)) return;
    struct looking l = {.d = d};
    struct ec_err err = {0};
    ec_arena_init(&l.arena, 4 * EC_MIB);
    enum ec_status status = ec_remote_settings_load(&l.settings, &err);
    if (l.settings.tries > 2) l.settings.tries = 2; /* somebody waits for the answer */
    if (status == EC_OK) status = ec_store_open(&l.settings, &l.store, &err);
    if (status != EC_OK) ec_doctor_say(d, "objects", EC_FINDING_FAIL, ec_status_text(status)->remedy, "%s", err.message);
    for (size_t i = 0; i < d->config->source_count && status == EC_OK; i++)
        for (size_t k = 0; k < d->config->source[i].file_count; k++)
            if (ec_is_address(d->config->source[i].files[k])) look(&l, d->config->source[i].files[k]);
    if (status == EC_OK) check_file(&l);
    ec_store_close(l.store);
    ec_remote_settings_wipe(&l.settings);
    ec_arena_deinit(&l.arena);
}
