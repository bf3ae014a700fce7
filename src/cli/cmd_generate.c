/* ecluse generate: a synthetic shop with planted defects and their answer key. */
#include "base/json.h"
#include "cli/cli.h"
#include "read/cell.h"
#include "shop/shop.h"

static enum ec_status take_options(const struct ec_cli *cli, struct ec_shop_options *o, struct ec_err *err) {
    const char *size = ec_cli_value(cli, "--size"), *seed = ec_cli_value(cli, "--seed");
    const char *defects = ec_cli_value(cli, "--defects"), *days = ec_cli_value(cli, "--days");
    int64_t number;
    if (size) EC_TRY(ec_cli_bytes(size, &o->bytes, err));
    if (seed) {
        EC_TRY(ec_cli_number(seed, 0, INT64_MAX, &number, err));
        o->seed = (uint64_t)number;
    }
    if (days) {
        EC_TRY(ec_cli_number(days, 1, EC_SHOP_DAYS_MAX, &number, err));
        o->days = (unsigned)number;
    }
    if (!defects) return EC_OK;
    /* 0.01 or 1% */
    size_t n = strlen(defects);
    bool percent = n > 0 && defects[n - 1] == '%';
    if (!ec_double_parse(defects, percent ? n - 1 : n, &o->defects))
        return ec_fail(err, EC_USAGE, "--defects takes a share such as 0.01 or 1%%, not `%s`", defects);
    if (percent) o->defects /= 100;
    return EC_OK;
}

static void print_totals(const struct ec_cli *cli, const struct ec_shop_totals *t) {
    if (cli->json) {
        struct ec_buf text = ec_buf_make(EC_MIB);
        struct ec_json_writer w;
        ec_json_init(&w, &text);
        ec_json_object(&w, NULL);
        ec_json_uint(&w, "files", t->all.files);
        ec_json_uint(&w, "rows", t->all.read);
        ec_json_uint(&w, "bytes", t->bytes_written);
        ec_json_uint(&w, "bytes_decoded", t->all.bytes);
        ec_json_str(&w, "truth", t->truth);
        ec_json_end(&w);
        (void)printf("%s\n", ec_buf_str(&text).p);
        ec_buf_free(&text);
        return;
    }
    for (int i = 0; i < EC_SHOP_SOURCES; i++) {
        const struct ec_shop_count *c = &t->source[i];
        (void)printf("%-9s %4llu files  %9llu rows, of which %llu are to be quarantined and %llu are duplicates\n",
                     ec_shop_source_name((enum ec_shop_source)i), (unsigned long long)c->files, (unsigned long long)c->read,
                     (unsigned long long)c->quarantined, (unsigned long long)c->duplicate);
    }
    (void)printf("answer key: %s\n", t->truth);
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    struct ec_shop_options options = ec_shop_options_default(cli->argument[0]);
    struct ec_shop_totals totals;
    enum ec_status status = take_options(cli, &options, err);
    if (status == EC_OK) status = ec_shop_generate(&options, &totals, err);
    if (status == EC_OK && !cli->quiet) print_totals(cli, &totals);
    return ec_exit_of(status);
}

static const struct ec_option options[] = {
    {"--size", "SIZE", "decoded size, such as 1GB (default: 20 MB)", false},
    {"--seed", "N", "another seed, another shop; the same seed, the same bytes (default: 1)", false},
    {"--defects", "RATE", "share of rows with a planted defect, such as 0.01 or 1% (default: 1%)", false},
    {"--days", "N", "days of sessions, sales and logs (default: 8)", false},
};

const struct ec_command ec_cmd_generate = {
    .name = "generate",
    .summary = "write a synthetic shop with planted defects and their answer key",
    .arguments = "DIR",
    .about = "Fills DIR, which must hold no file, with raw files as shops drop them: API logs in a zip,\n"
             "sessions, users, sales and products as CSV and XLSX. A share of the rows is damaged on purpose;\n"
             "truth.json (.truth.json in data/raw) says which, and what a right pipeline finds in each file.\n\n"
             "  ecluse generate shop/data/raw --size 1GB --seed 7",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
