/* Models: tables that SQL makes of other tables.
 *
 * `transformations/` holds one file per table, its name the table's, its text one SELECT over
 * table names. The graph comes from the names in the SQL; lines at the head of the file say
 * what cannot be read from it (docs/models.md):
 *
 *     -- One line that says what the table is and for whom.
 *     -- partition_by: date
 *     -- input: api_logs within 1 day
 *     -- input: users current
 *     -- csv: api_logs/{date}/api_logs_{date}_kpi.csv
 *
 * What a run recomputes follows from what changed: ec_model_partitions(). The rows of the
 * touched partitions are then computed over the files of a snapshot and come in an order that
 * does not depend on threads:
 *
 *     EC_TRY(ec_models_load(sql, "transformations", table, tables, &models, err));
 *     EC_TRY(ec_models_check(sql, models, err));
 *     for each model, in order:
 *         EC_TRY(ec_model_partitions(model, change, changes, &arena, &touched, err));
 *         EC_TRY(ec_model_bind(sql, model, &touched, files, err));
 *         EC_TRY(ec_model_query(sql, model, &touched, &rows, err));
 *
 * Models are read-only once checked. One session, one thread.
 */
#ifndef EC_SQL_MODEL_H
#define EC_SQL_MODEL_H

#include "base/hash.h"
#include "sql/session.h"
#include "store/delta.h"

#define EC_MODELS_MAX 1000u
#define EC_MODEL_BYTES_MAX (1 * EC_MIB)
#define EC_MODEL_DAYS_MAX 366u

enum ec_layer { EC_LAYER_KPI, EC_LAYER_JOINED }; /* data/processed/kpi/<name>, .../joined/<name> */

/* Which partitions of an input a partition of the model is made of. */
enum ec_reach {
    EC_REACH_SAME,    /* those of the same value; all, where the two are not partitioned by one column */
    EC_REACH_DAYS,    /* those of the days around it */
    EC_REACH_CURRENT, /* all, as they are now: a lookup, whose changes recompute nothing */
};

/* A table that models may name: a source's, or another model's. */
struct ec_model_table {
    const char *name;
    const struct ec_delta_column *column; /* the partition column included */
    size_t column_count;
    const char *partition_by; /* or NULL */
};

struct ec_model_input {
    const struct ec_model_table *table;
    size_t model; /* whose table it is, in ec_models.model; SIZE_MAX: a source's */
    enum ec_reach reach;
    unsigned days; /* of EC_REACH_DAYS */
};

/* A column of a wide model: one of a joined table as it is, or a value of the narrow query. */
struct ec_wide_column {
    size_t table;     /* place in ec_model_wide.input; SIZE_MAX: a value */
    const char *name; /* of the table's column */
    size_t value;     /* place among the values */
};

/* A joined table's column that equals one of the first table's. */
struct ec_wide_key {
    const char *name;
    const char *first_name;
    enum ec_type type; /* of both: STRING, INTEGER, DATE, DATETIME */
};

/* How a table joins the first one, where the condition is nothing but equal columns and days around the first
 * one's: then its rows are found without DuckDB (run/wide_join.h). */
struct ec_wide_join {
    bool required; /* INNER: a row of the first table without one of this is left out */
    struct ec_wide_key *key;
    size_t key_count;      /* at least one */
    bool near;             /* the table's day is within [first's + days_from, first's + days_to] */
    int days_from, days_to;
};

/* What `order_by: none` allows where the SQL is nothing but a join and its list mostly columns as they
 * are (model_wide.c): DuckDB computes a narrow query, whose rows are the numbers of the tables' rows
 * that belong together and the few values that are not columns; the columns are then fetched from the
 * parts by these numbers (store/gather.h). Reading, hashing and copying wide rows is what a join costs. */
struct ec_model_wide {
    const char *text; /* SELECT s."# row" AS "#0", …, <value> AS "#v0", … FROM … */
    size_t *input;    /* per joined table, which of the model's inputs it is */
    size_t table_count;
    struct ec_wide_column *column; /* as the model's */
    size_t column_count;
    size_t value_count;
    size_t *partition_of;   /* per value, the joined table whose partition column it is; SIZE_MAX: another value */
    size_t partition_value; /* the value that is the partition column; SIZE_MAX: none */
    const struct ec_wide_join *join; /* per joined table but the first, at its place; NULL: only DuckDB can join them */
};

struct ec_model {
    struct ec_model_table table; /* its columns are known after ec_models_check() */
    const char *file;
    const char *text;
    enum ec_layer layer;
    const char *csv;         /* "{date}/kpi_{date}.csv" below data/processed; NULL: no export */
    const char **csv_column; /* its placeholders, each once */
    size_t csv_column_count;
    const char **order_by; /* behind the partition column; of count 0: every column in order */
    size_t order_by_count;
    bool names_schema; /* of a table: main.sessions */
    bool unordered; /* `order_by: none`: as DuckDB finds them, repeatable in a session of one thread */
    const struct ec_model_wide *wide; /* NULL: DuckDB makes the whole rows; known after ec_models_check() */
    struct ec_model_input *input; /* in order of name */
    size_t input_count;
    char fingerprint[EC_SHA256_HEX]; /* of the file: a changed model is computed anew */
};

struct ec_models {
    struct ec_arena arena;
    struct ec_model *model; /* each behind its inputs; among equals by name */
    size_t count;
};

/* Values of a partition column as in the log ("2025-07-18"); NULL is the null partition. */
struct ec_partitions {
    bool all;
    const char **value; /* sorted, null first, each once; borrowed */
    size_t count;
};

/* What a run changed in a table: new or removed files. */
struct ec_model_change {
    const char *table;
    struct ec_partitions partitions; /* all for an unpartitioned table; in any order */
};

struct ec_model_file {
    const char *path; /* as the session may open it */
    const char *partition;
};

struct ec_model_files {
    const struct ec_model_file *file;
    size_t count;
};

/* Reads dir and its subfolders and puts the models in order. `table` (the sources' tables) is
 * borrowed for the models' life. A folder that does not exist holds no models. EC_CONFIG at file,
 * line and column: syntax, unknown header keys and tables (with the nearest), cycles, names twice. */
enum ec_status ec_models_load(struct ec_sql *sql, const char *dir, const struct ec_model_table *table, size_t table_count,
                              struct ec_models **models, struct ec_err *err) EC_MUST_USE;
void ec_models_destroy(struct ec_models *models); /* NULL allowed */

/* Prepares every model over its inputs' declared columns, which finds its own: EC_CONFIG with
 * DuckDB's message and the place. Nothing is computed. */
enum ec_status ec_models_check(struct ec_sql *sql, struct ec_models *models, struct ec_err *err) EC_MUST_USE;

const struct ec_model *ec_models_find(const struct ec_models *models, const char *name); /* or NULL */
const char *ec_layer_name(enum ec_layer layer); /* "kpi", "joined" */

/* The partitions that the changes reach; all where the model has none and something changed.
 * Values go to the arena or are those of the changes. Pure. */
enum ec_status ec_model_partitions(const struct ec_model *model, const struct ec_model_change *change, size_t change_count,
                                   struct ec_arena *arena, struct ec_partitions *touched, struct ec_err *err) EC_MUST_USE;
/* The partitions of an input that these partitions of the model are made of. Pure. */
enum ec_status ec_model_needs(const struct ec_model *model, size_t input, const struct ec_partitions *touched,
                              struct ec_arena *arena, struct ec_partitions *needed, struct ec_err *err) EC_MUST_USE;
bool ec_partitions_have(const struct ec_partitions *partitions, const char *value);

/* Lays down what the session's next ec_model_query() reads: for each input the files that the touched
 * partitions need; files[i] are those of model->input[i], of which the others are passed over. An input
 * without files is empty. They are opened by the query. */
enum ec_status ec_model_bind(struct ec_sql *sql, const struct ec_model *model, const struct ec_partitions *touched,
                             const struct ec_model_files *files, struct ec_err *err) EC_MUST_USE;

/* The input's files that the touched partitions need, those of one partition together; the arena holds the list. */
enum ec_status ec_model_choose_files(const struct ec_model *model, size_t input, const struct ec_partitions *touched,
                                     struct ec_model_files *files, struct ec_arena *arena, struct ec_err *err) EC_MUST_USE;

/* The same for a wide model's narrow query: each input has the column "# row" too, (f << 32) + r for row
 * r of the input's file f. files[i] is what ec_model_choose_files() gave. */
enum ec_status ec_model_bind_rows(struct ec_sql *sql, const struct ec_model *model, const struct ec_model_files *files,
                                  struct ec_err *err) EC_MUST_USE;
#define EC_WIDE_ROW "# row"
#define EC_WIDE_VALUE "#v"

/* The narrow rows of the touched partitions: a BIGINT per joined table (null: no row), then the values. */
enum ec_status ec_model_query_rows(struct ec_sql *sql, const struct ec_model *model, const struct ec_partitions *touched,
                                   struct ec_sql_rows **rows, struct ec_err *err) EC_MUST_USE;

/* The rows of the touched partitions, ordered by the partition column, then by order_by or by
 * every column; an unordered model's partitions come mixed. The batch's columns are
 * model->table.column. EC_ENGINE names the model. */
enum ec_status ec_model_query(struct ec_sql *sql, const struct ec_model *model, const struct ec_partitions *touched,
                              struct ec_sql_rows **rows, struct ec_err *err) EC_MUST_USE;

#endif
