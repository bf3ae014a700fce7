#include "cli/tables_store.h"

#include "base/calendar.h"
#include "cli/project.h"
#include "cli/show.h"
#include "run/mirror.h"
#include "run/run.h"

#define DAY_US INT64_C(86400000000)

/* ---- copies */

static void add_copied(struct ec_grid *grid, const struct ec_mirror_table *t) {
    ec_grid_str(grid, strrchr(t->name, '/') + 1);
    ec_grid_printf(grid, "%lld", (long long)t->there);
    ec_grid_count(grid, (size_t)(t->there - t->found));
    ec_grid_count(grid, t->parts_put);
    ec_grid_bytes(grid, t->bytes);
    ec_grid_str(grid, t->to);
}

/* What became of each table; the first that could not be copied is the command's error. */
static enum ec_status print_copied(const struct ec_cli *cli, const struct ec_mirror *m, struct ec_err *err) {
    static const struct ec_grid_column columns[] = {{N_("TABLE"), false}, {N_("VERSION"), true}, {N_("NEW VERSIONS"), true}, {N_("NEW FILES"), true},
                                                    {N_("SIZE"), true},   {N_("COPY"), false}};
    struct ec_grid grid;
    const struct ec_mirror_table *bad = NULL;
    ec_grid_init(&grid, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < m->count; i++) {
        if (m->table[i].there >= 0) add_copied(&grid, &m->table[i]);
        if (m->table[i].status != EC_OK && !bad) bad = &m->table[i];
    }
    enum ec_status status = m->count > 0 && !cli->quiet ? ec_grid_print(&grid, stdout, err) : EC_OK;
    ec_grid_deinit(&grid);
    return bad ? ec_fail(err, bad->status, "%s", bad->message) : status;
}

enum ec_status ec_tables_copy(const struct ec_cli *cli, const char *to, const char *only, struct ec_err *err) {
    struct ec_mirror_options options = {.project = cli->dir, .address = to, .only = only};
    struct ec_mirror mirror;
    EC_TRY(ec_mirror_check_address(to, err));
    enum ec_status status = ec_mirror_tables(&options, &mirror, err);
    if (status == EC_OK && only && mirror.count == 0) status = ec_fail(err, EC_USAGE, "there is no table `%s`; `ecluse tables` lists them", only);
    if (status == EC_OK) status = print_copied(cli, &mirror, err);
    ec_mirror_free(&mirror);
    return status;
}

/* ---- what no version names */

static enum ec_status print_orphans(const struct ec_orphans *orphans, struct ec_err *err) {
    static const struct ec_grid_column columns[] = {{N_("AGE"), true}, {N_("SIZE"), true}, {N_("REMOVED"), false}, {N_("FILE"), false}};
    struct ec_grid grid;
    int64_t now = ec_now_micros();
    if (orphans->count == 0) {
        (void)printf(_("No file there that no version names.\n"));
        return EC_OK;
    }
    ec_grid_init(&grid, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < orphans->count; i++) {
        const struct ec_orphan *o = &orphans->orphan[i];
        ec_grid_printf(&grid, "%.1f d", (double)(now - o->mtime_us) / (double)DAY_US);
        ec_grid_bytes(&grid, o->bytes);
        ec_grid_str(&grid, o->removed ? _("yes") : NULL);
        ec_grid_str(&grid, o->address);
    }
    enum ec_status status = ec_grid_print(&grid, stdout, err);
    ec_grid_deinit(&grid);
    return status;
}

static enum ec_status print_orphans_json(const struct ec_orphans *orphans, struct ec_err *err) {
    struct ec_doc doc;
    ec_doc_init(&doc);
    ec_json_object(&doc.json, NULL);
    ec_json_array(&doc.json, "orphans");
    for (size_t i = 0; i < orphans->count; i++) {
        const struct ec_orphan *o = &orphans->orphan[i];
        ec_json_object(&doc.json, NULL);
        ec_json_str(&doc.json, "address", o->address);
        ec_json_uint(&doc.json, "bytes", o->bytes);
        ec_json_int(&doc.json, "age_seconds", (ec_now_micros() - o->mtime_us) / 1000000);
        ec_json_bool(&doc.json, "removed", o->removed);
        ec_json_end(&doc.json);
    }
    ec_json_end_array(&doc.json);
    ec_json_end(&doc.json);
    return ec_doc_print(&doc, err);
}

static enum ec_status find(const struct ec_cli *cli, const struct ec_config *config, bool remove, struct ec_err *err) {
    struct ec_orphans orphans = {0};
    struct ec_mirror mirror;
    struct ec_mirror_options options = {.project = config->dir, .address = config->tables_store, .look_only = true, .orphans = &orphans,
                                        .remove_before_us = remove ? ec_now_micros() - EC_ORPHAN_DAYS * DAY_US : 0};
    enum ec_status status = ec_mirror_tables(&options, &mirror, err);
    if (status == EC_OK) status = cli->json ? print_orphans_json(&orphans, err) : print_orphans(&orphans, err);
    for (size_t i = 0; i < mirror.count && status == EC_OK; i++) /* of that one nothing is known */
        if (mirror.table[i].status != EC_OK) status = ec_fail(err, mirror.table[i].status, "%s", mirror.table[i].message);
    ec_mirror_free(&mirror);
    ec_orphans_free(&orphans);
    return status;
}

enum ec_status ec_tables_orphans(const struct ec_cli *cli, bool remove, struct ec_err *err) {
    struct ec_config *config = NULL;
    int lock = -1;
    EC_TRY(ec_cli_config(cli, &config, err));
    enum ec_status status = EC_OK;
    if (!config->tables_store) status = ec_fail(err, EC_CONFIG, "the configuration names no store for the tables (`tables: {store: …}`)");
    if (status == EC_OK) status = ec_lock_take(config->dir, &lock, err); /* no run puts meanwhile */
    if (status == EC_OK) status = find(cli, config, remove, err);
    if (lock >= 0) ec_lock_release(lock);
    ec_config_destroy(config);
    return status;
}
