/* What doctor says of the store that the tables are followed to: it is asked, and nothing is put. */
#include "cli/doctor.h"
#include "run/mirror.h"

static void say_tables(struct ec_doctor *d, const char *store, const struct ec_mirror *m) {
    const struct ec_mirror_table *worst = NULL, *bad = NULL;
    size_t behind = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct ec_mirror_table *t = &m->table[i];
        if (t->status != EC_OK && !bad) bad = t;
        if (t->status != EC_OK || t->there == t->version) continue;
        behind++;
        if (!worst || t->version - t->there > worst->version - worst->there) worst = t;
    }
    if (bad && bad->status == EC_COMMIT_CONFLICT)
        ec_doctor_say(d, "store", EC_FINDING_FAIL, N_("give `tables: {store: …}` an address of its own, or remove there what another program wrote"), "%s",
                      bad->message);
    else if (bad)
        ec_doctor_say(d, "store", EC_FINDING_FAIL, ec_status_text(bad->status)->remedy, "%s", bad->message);
    else if (worst)
        ec_doctor_say(d, "store", EC_FINDING_WARN, N_("`ecluse run` brings what is missing, also where nothing is new"),
                      "%.300s: %zu of %zu tables are behind; %s lacks %lld of its %lld versions", store, behind, m->count, worst->name,
                      (long long)(worst->version - worst->there), (long long)worst->version + 1);
    else
        ec_doctor_say(d, "store", EC_FINDING_OK, NULL, "%.300s: all %zu tables are there as they are here", store, m->count);
}

void ec_doctor_store(struct ec_doctor *d) {
    if (!d->config || !d->config->tables_store) return;
    struct ec_mirror_options options = {.project = d->config->dir, .address = d->config->tables_store, .look_only = true};
    struct ec_mirror mirror;
    struct ec_err err = {0};
    enum ec_status status = ec_mirror_tables(&options, &mirror, &err);
    if (status == EC_OK) say_tables(d, options.address, &mirror);
    else ec_doctor_say(d, "store", EC_FINDING_FAIL, ec_status_text(status)->remedy, "%s", err.message);
    ec_mirror_free(&mirror);
}
