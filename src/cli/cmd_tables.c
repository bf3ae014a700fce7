/* ecluse tables: what tables there are, and how other engines come to know them. */
#include "base/inert.h"
#include "cli/ddl.h"
#include "cli/project.h"
#include "cli/show.h"
#include "cli/tables_store.h"
#include "run/mirror.h"
#include "run/paths.h"

#include <limits.h>
#include <stdlib.h>

#define DDL_BYTES_MAX ((size_t)16 * EC_MIB)

struct shown {
    const struct ec_cli *cli;
    const char *only;     /* name of one table, or NULL */
    const char *dialect;  /* or NULL */
    const char *location; /* of the project's folder for the other engine */
    struct ec_grid *grid; /* one of these three receives the tables */
    struct ec_doc *doc;
    struct ec_buf *ddl;
    const char *store; /* of the configuration, which the tables are followed to; NULL: none */
    size_t count;
};

static uint64_t rows_of(const struct ec_delta *table, bool *known) {
    uint64_t rows = 0;
    *known = true;
    for (size_t i = 0; i < table->file_count; i++) {
        if (table->file[i].rows == UINT64_MAX) *known = false;
        else rows += table->file[i].rows;
    }
    return rows;
}

static uint64_t bytes_of(const struct ec_delta *table) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < table->file_count; i++) bytes += table->file[i].bytes;
    return bytes;
}

/* The version that was found in the store, by the project's own note: nobody is asked. */
static int64_t delivered(const struct shown *s, const char *path) {
    static const char below[] = "data/processed/";
    return strncmp(path, below, sizeof below - 1) == 0 ? ec_mirror_believed(s->cli->dir, s->store, path + sizeof below - 1) : -1;
}

static void add_row(const struct shown *s, const char *name, const char *path, const struct ec_delta *table) {
    struct ec_grid *grid = s->grid;
    bool known;
    uint64_t rows = rows_of(table, &known);
    ec_grid_str(grid, name);
    ec_grid_printf(grid, "%lld", (long long)table->version);
    ec_grid_count(grid, table->file_count);
    if (known) ec_grid_count(grid, rows);
    else ec_grid_str(grid, NULL);
    ec_grid_bytes(grid, bytes_of(table));
    ec_grid_str(grid, table->partition_by);
    if (s->store) {
        int64_t there = delivered(s, path);
        if (there < 0) ec_grid_str(grid, NULL);
        else ec_grid_printf(grid, "%lld", (long long)there);
    }
    ec_grid_str(grid, path);
}

static void write_store(struct ec_json_writer *w, const struct shown *s, const char *name, const char *path) {
    char address[EC_PATH_MAX];
    int64_t there = delivered(s, path);
    if (ec_path_join(address, sizeof address, s->store, strncmp(path, "data/processed/", 15) == 0 ? path + 15 : name, NULL) != EC_OK) return;
    ec_json_object(w, "store");
    ec_json_str(w, "address", address);
    if (there >= 0) ec_json_int(w, "version", there);
    else ec_json_str(w, "version", NULL);
    ec_json_end(w);
}

static void write_table(const struct shown *s, const char *name, const char *path, const struct ec_delta *table) {
    struct ec_json_writer *w = &s->doc->json;
    bool known;
    uint64_t rows = rows_of(table, &known);
    ec_json_object(w, NULL);
    ec_json_str(w, "table", name);
    ec_json_str(w, "path", path);
    ec_json_int(w, "version", table->version);
    ec_json_uint(w, "files", table->file_count);
    if (known) ec_json_uint(w, "rows", rows);
    else ec_json_str(w, "rows", NULL);
    ec_json_uint(w, "bytes", bytes_of(table));
    ec_json_str(w, "partition_by", table->partition_by);
    if (s->store) write_store(w, s, name, path);
    ec_json_array(w, "columns");
    for (size_t i = 0; i < table->column_count; i++) {
        const struct ec_column_type *type = &table->column[i].type;
        ec_json_object(w, NULL);
        ec_json_str(w, "name", table->column[i].name);
        ec_json_str(w, "type", ec_type_name(type->type));
        if (type->type == EC_TYPE_DECIMAL) ec_json_uint(w, "precision", type->precision);
        if (type->type == EC_TYPE_DECIMAL) ec_json_uint(w, "scale", type->scale);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_json_end(w);
}

static enum ec_status show(struct shown *s, const char *name, const char *path, const struct ec_delta *table, struct ec_err *err) {
    s->count++;
    if (s->grid) add_row(s, name, path, table);
    if (s->doc) write_table(s, name, path, table);
    if (!s->ddl) return EC_OK;
    char location[EC_PATH_MAX];
    EC_TRY(ec_path_join(location, sizeof location, s->location, path, err));
    ec_ddl_table(s->ddl, s->dialect, name, location, table);
    return EC_OK;
}

static enum ec_status visit(void *user, const char *dir, struct ec_err *err) {
    struct shown *s = user;
    const char *slash = strrchr(dir, '/'), *name = slash ? slash + 1 : dir;
    if (s->only && strcmp(s->only, name) != 0) return EC_OK;
    size_t n = strlen(s->cli->dir);
    const char *path = strncmp(dir, s->cli->dir, n) == 0 && dir[n] == '/' ? dir + n + 1 : dir;
    struct ec_delta *table;
    EC_TRY(ec_delta_open(dir, &table, err));
    enum ec_status status = EC_OK;
    if (table->version >= 0) status = show(s, name, path, table, err);
    ec_delta_close(table);
    return status;
}

static enum ec_status check_found(const struct shown *s, struct ec_err *err) {
    if (s->count > 0 || !s->only) return EC_OK;
    return ec_fail(err, EC_USAGE, "there is no table `%s`; `ecluse tables` lists them", s->only);
}

static enum ec_status list(struct shown *s, struct ec_err *err) {
    static const struct ec_grid_column columns[] = {{N_("TABLE"), false}, {N_("VERSION"), true}, {N_("FILES"), true}, {N_("ROWS"), true},
                                                    {N_("SIZE"), true},   {N_("BY"), false},     {N_("PATH"), false}};
    static const struct ec_grid_column with_store[] = {{N_("TABLE"), false}, {N_("VERSION"), true}, {N_("FILES"), true},    {N_("ROWS"), true},
                                                       {N_("SIZE"), true},   {N_("BY"), false},     {N_("IN STORE"), true}, {N_("PATH"), false}};
    struct ec_grid grid;
    ec_grid_init(&grid, s->store ? with_store : columns, s->store ? sizeof with_store / sizeof *with_store : sizeof columns / sizeof *columns);
    s->grid = &grid;
    enum ec_status status = ec_each_table(s->cli->dir, visit, s, err);
    if (status == EC_OK) status = check_found(s, err);
    if (status == EC_OK && s->count > 0) status = ec_grid_print(&grid, stdout, err);
    else if (status == EC_OK) (void)printf(_("No table yet: `ecluse run` makes them.\n"));
    ec_grid_deinit(&grid);
    return status;
}

static enum ec_status list_json(struct shown *s, struct ec_err *err) {
    struct ec_doc doc;
    ec_doc_init(&doc);
    s->doc = &doc;
    ec_json_object(&doc.json, NULL);
    ec_json_array(&doc.json, "tables");
    enum ec_status status = ec_each_table(s->cli->dir, visit, s, err);
    ec_json_end_array(&doc.json);
    ec_json_end(&doc.json);
    if (status == EC_OK) status = check_found(s, err);
    if (status == EC_OK) return ec_doc_print(&doc, err);
    ec_doc_deinit(&doc);
    return status;
}

static enum ec_status check_dialect(const char *dialect, struct ec_err *err) {
    for (size_t i = 0; ec_ddl_dialects[i]; i++)
        if (strcmp(ec_ddl_dialects[i], dialect) == 0) return EC_OK;
    return ec_fail(err, EC_USAGE, "--ddl: `%s` is none of spark, hive, trino, duckdb", dialect);
}

static enum ec_status print_ddl(struct shown *s, struct ec_err *err) {
    char here[PATH_MAX];
    struct ec_buf ddl = ec_buf_make(DDL_BYTES_MAX);
    EC_TRY(check_dialect(s->dialect, err));
    if (!s->location && !realpath(s->cli->dir, here)) return ec_fail_errno(err, EC_IO, "cannot find the folder %s", s->cli->dir);
    if (!s->location) s->location = here;
    s->ddl = &ddl;
    ec_ddl_begin(&ddl, s->dialect);
    enum ec_status status = ec_each_table(s->cli->dir, visit, s, err);
    if (status == EC_OK) status = check_found(s, err);
    if (status == EC_OK) status = ec_buf_check(&ddl, err);
    if (status == EC_OK) (void)fwrite(ddl.p, 1, ddl.n, stdout);
    ec_buf_free(&ddl);
    return status;
}

static enum ec_status show_all(struct shown *s, struct ec_err *err) {
    struct ec_config *config = NULL;
    struct ec_err unused = {0};
    if (ec_cli_config(s->cli, &config, &unused) == EC_OK) s->store = config->tables_store; /* tables are there, whatever it says */
    enum ec_status status = s->cli->json ? list_json(s, err) : list(s, err);
    ec_config_destroy(config);
    return status;
}

static enum ec_status tables(const struct ec_cli *cli, struct ec_err *err) {
    struct shown s = {.cli = cli, .only = ec_cli_value(cli, "--table"), .dialect = ec_cli_value(cli, "--ddl"), .location = ec_cli_value(cli, "--location")};
    const char *copy_to = ec_cli_value(cli, "--copy-to");
    EC_TRY(ec_cli_project(cli, err));
    if (s.location && !s.dialect) return ec_fail(err, EC_USAGE, "--location says where another engine finds the project; it needs --ddl");
    if (copy_to && s.dialect) return ec_fail(err, EC_USAGE, "--copy-to and --ddl are asked for one at a time");
    if (copy_to) return ec_tables_copy(cli, copy_to, s.only, err);
    if (ec_cli_value(cli, "--orphans") || ec_cli_value(cli, "--remove-orphans")) return ec_tables_orphans(cli, ec_cli_value(cli, "--remove-orphans") != NULL, err);
    return s.dialect ? print_ddl(&s, err) : show_all(&s, err);
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    return ec_cli_exit(tables(cli, err));
}

static const struct ec_option options[] = {
    {"--table", "NAME", N_("this table alone"), false},
    {"--ddl", "ENGINE", N_("a script that makes them known to spark, hive, trino or duckdb"), false},
    {"--location", "PREFIX", N_("for --ddl: where that engine finds the project's folder (default: its path)"), false},
    {"--copy-to", "ADDRESS", N_("puts them into a store, s3://BUCKET/PREFIX or hdfs://HOST/PATH; what is there already stays"), false},
    {"--orphans", NULL, N_("files in the store of the configuration that no version of a table names"), false},
    {"--remove-orphans", NULL, N_("removes those that are older than a week"), false},
};

const struct ec_command ec_cmd_tables = {
    .name = "tables",
    .summary = N_("the tables, and how other engines read them"),
    .arguments = "",
    .about = N_("Lists the Delta tables: sources, joins and KPIs, each with its version, files, rows and size.\n"
             "Every engine that reads Delta Lake reads them where they lie; --ddl prints the statements by\n"
             "which an engine comes to know them under their names.\n"
             "\n"
             "--copy-to puts them into a store: parts first, then what the copy's log lacks, each version if\n"
             "absent, so that whoever reads there sees a run's tables one by one, each as a whole. Called again\n"
             "it copies what is new; what broke off goes on. `tables: {store: …}` of the configuration has every\n"
             "run do so: then the list says which version was found there.\n"
             "\n"
             "Examples:\n"
             "  ecluse -C shop tables\n"
             "  ecluse -C shop tables --ddl spark | spark-sql\n"
             "  ecluse -C shop tables --ddl trino --location s3://lake/shop\n"
             "  ecluse -C shop tables --copy-to s3://lake/shop"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
