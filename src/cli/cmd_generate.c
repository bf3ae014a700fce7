/* ecluse generate: a synthetic shop with planted defects and their answer key. */
#include "base/calendar.h"
#include "base/inert.h"
#include "cli/project.h"
#include "cli/show.h"
#include "read/cell.h"
#include "shop/shop.h"

/* 0.01 or 1% */
static bool parse_share(const char *text, double *share) {
    size_t n = strlen(text);
    bool percent = n > 0 && text[n - 1] == '%';
    if (!ec_double_parse(text, percent ? n - 1 : n, share)) return false;
    if (percent) *share /= 100;
    return true;
}

static bool parse_kinds(const char *text, enum ec_shop_kinds *kinds) {
    *kinds = strcmp(text, "values") == 0 ? EC_SHOP_KINDS_VALUES : EC_SHOP_KINDS_ALL;
    return *kinds == EC_SHOP_KINDS_VALUES || strcmp(text, "all") == 0;
}

static enum ec_status take_options(const struct ec_cli *cli, struct ec_shop_options *o, struct ec_err *err) {
    const char *size = ec_cli_value(cli, "--size"), *defects = ec_cli_value(cli, "--defects"),
               *last = ec_cli_value(cli, "--last-day"), *kinds = ec_cli_value(cli, "--kinds");
    int64_t seed = (int64_t)o->seed, days = o->days;
    if (size) EC_TRY(ec_cli_bytes(size, &o->bytes, err));
    EC_TRY(ec_cli_option_number(cli, "--seed", 0, INT64_MAX, &seed, err));
    EC_TRY(ec_cli_option_number(cli, "--days", 1, EC_SHOP_DAYS_MAX, &days, err));
    o->seed = (uint64_t)seed;
    o->days = (unsigned)days;
    if (defects && !parse_share(defects, &o->defects))
        return ec_fail(err, EC_USAGE, "--defects takes a share of the rows such as 0.01 or 1%%, not `%s`", defects);
    if (kinds && !parse_kinds(kinds, &o->kinds))
        return ec_fail(err, EC_USAGE, "--kinds takes `all` or `values`, not `%s`", kinds);
    if (last && !ec_date_parse(last, strlen(last), &o->last_day))
        return ec_fail(err, EC_USAGE, "--last-day takes a day as YYYY-MM-DD, not `%s`", last);
    return EC_OK;
}

static void add_row(struct ec_grid *grid, const char *name, const struct ec_shop_count *c) {
    ec_grid_str(grid, name);
    ec_grid_count(grid, c->files);
    ec_grid_bytes(grid, c->bytes);
    ec_grid_count(grid, c->read);
    ec_grid_count(grid, c->accepted);
    ec_grid_count(grid, c->quarantined);
    ec_grid_count(grid, c->duplicate);
}

static enum ec_status print_text(const struct ec_shop_options *o, const struct ec_shop_totals *t, struct ec_err *err) {
    static const struct ec_grid_column columns[] = {{N_("SOURCE"), false},  {N_("FILES"), true},    {N_("SIZE"), true},
                                                    {N_("ROWS"), true},     {N_("ACCEPTED"), true}, {N_("QUARANTINED"), true},
                                                    {N_("DUPLICATE"), true}};
    struct ec_grid grid;
    ec_grid_init(&grid, columns, sizeof columns / sizeof *columns);
    for (int i = 0; i < EC_SHOP_SOURCES; i++)
        add_row(&grid, ec_shop_source_name((enum ec_shop_source)i), &t->source[i]);
    add_row(&grid, _("all"), &t->all);
    enum ec_status status = ec_grid_print(&grid, stdout, err);
    ec_grid_deinit(&grid);
    char figure[EC_FIGURE_MAX];
    (void)printf(_("\n%s on the disk in "), ec_figure_bytes(t->bytes_written, figure));
    ec_inert_print(o->dir, strlen(o->dir), stdout);
    (void)printf(_("; what a right pipeline finds in it: "));
    ec_inert_print(t->truth, strlen(t->truth), stdout);
    (void)printf("\n");
    return status;
}

static void write_count(struct ec_json_writer *w, const char *key, const struct ec_shop_count *c) {
    ec_json_object(w, key);
    ec_json_uint(w, "files", c->files);
    ec_json_uint(w, "bytes", c->bytes);
    ec_json_uint(w, "read", c->read);
    ec_json_uint(w, "accepted", c->accepted);
    ec_json_uint(w, "quarantined", c->quarantined);
    ec_json_uint(w, "duplicate", c->duplicate);
    ec_json_end(w);
}

static enum ec_status print_json(const struct ec_shop_options *o, const struct ec_shop_totals *t, struct ec_err *err) {
    struct ec_doc doc;
    ec_doc_init(&doc);
    ec_json_object(&doc.json, NULL);
    ec_json_str(&doc.json, "dir", o->dir);
    ec_json_uint(&doc.json, "seed", o->seed);
    ec_json_str(&doc.json, "truth", t->truth);
    ec_json_uint(&doc.json, "files", t->all.files);
    ec_json_uint(&doc.json, "rows", t->all.read);
    ec_json_uint(&doc.json, "bytes", t->bytes_written);
    ec_json_uint(&doc.json, "bytes_decoded", t->all.bytes);
    ec_json_object(&doc.json, "sources");
    for (int i = 0; i < EC_SHOP_SOURCES; i++)
        write_count(&doc.json, ec_shop_source_name((enum ec_shop_source)i), &t->source[i]);
    ec_json_end(&doc.json);
    ec_json_end(&doc.json);
    return ec_doc_print(&doc, err);
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    struct ec_shop_options options = ec_shop_options_default(cli->argument[0]);
    struct ec_shop_totals totals;
    enum ec_status status = take_options(cli, &options, err);
    if (status == EC_OK) status = ec_shop_generate(&options, &totals, err);
    if (status == EC_OK) status = cli->json ? print_json(&options, &totals, err) : print_text(&options, &totals, err);
    return ec_cli_exit(status);
}

static const struct ec_option options[] = {
    {"--size", "SIZE", N_("decoded size, such as 50MB or 1.5GB (default: 20MiB)"), false},
    {"--seed", "N", N_("another seed is another shop; the same gives the same bytes (default: 1)"), false},
    {"--defects", "RATE", N_("share of rows with a planted defect, such as 0.02 or 2%, up to 50% (default: 1%)"), false},
    {"--kinds", "all|values", N_("which defects; values: no damaged bytes or records (default: all)"), false},
    {"--days", "N", N_("days of logs, sessions and sales, 1 to 366 (default: 8)"), false},
    {"--last-day", "YYYY-MM-DD", N_("the newest day (default: 2025-07-18)"), false},
};

const struct ec_command ec_cmd_generate = {
    .name = "generate",
    .summary = N_("a synthetic shop in the raw layout, with defects and their answer key"),
    .arguments = "DIR",
    .about = N_("Writes logs, sessions, products, users and sales into DIR, which must hold no files, with\n"
             "planted defects and their answer key: truth.json says what a right pipeline finds in each file\n"
             "(.truth.json where DIR is a data/raw). The same options give the same bytes on every machine.\n"
             "\n"
             "Example:\n"
             "  ecluse generate shop/data/raw --size 1GB --seed 7 --defects 0.02"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
