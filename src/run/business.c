#include "run/business.h"

#include "base/calendar.h"
#include "base/log.h"
#include "run/paths.h"
#include "run/rewrite.h"
#include "run/table_rows.h"
#include "sql/text.h"

#define BUSINESS_MEMORY_MAX ((size_t)64 * EC_MIB)
#define SQL_MAX             ((size_t)16 * EC_MIB)
#define SMALL_ROWS          50000u /* of a table that is read at once */

/* The tables that figures are made of. */
enum table { SALES_KPI, FUNNEL, HOURLY, LATENCY, API_KPI, USERS_KPI, PRODUCTS, TABLES };
static const struct {
    const char *folder, *name;
    bool daily; /* a row has its day under `date`; only the window is read */
} tables[TABLES] = {
    [SALES_KPI] = {"data/processed/kpi", "sales_kpi", true},     [FUNNEL] = {"data/processed/kpi", "funnel_daily", true},
    [HOURLY] = {"data/processed/kpi", "sessions_hourly", true},  [LATENCY] = {"data/processed/kpi", "api_latency_daily", true},
    [API_KPI] = {"data/processed/kpi", "api_logs_kpi", true},    [USERS_KPI] = {"data/processed/kpi", "users_kpi", false},
    [PRODUCTS] = {EC_DIR_ENRICHED, "products", false},
};

struct computing {
    struct ec_business *b;
    const struct ec_config *config;
    struct ec_sql *sql;
    int32_t run_date, from, to;
    char complete[16]; /* the newest day before the run's in the API's tables; "": none */
    struct ec_table table[TABLES];
    const char *missing[TABLES]; /* why it cannot be read; NULL: it can */
    bool kept[TABLES];           /* read into a table of the session */
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the business figures"); }

/* Opens the log alone: whose table it was does not matter here. */
static enum ec_status open_table(struct computing *c, enum table t, struct ec_err *err) {
    char dir[EC_PATH_MAX], full[EC_PATH_MAX];
    struct ec_table *table = &c->table[t];
    struct ec_err cause = {0};
    EC_TRY(ec_path_join(dir, sizeof dir, tables[t].folder, tables[t].name, err));
    EC_TRY(ec_path_join(full, sizeof full, c->config->dir, dir, err));
    *table = (struct ec_table){.name = tables[t].name, .arena = &c->b->arena};
    if (ec_delta_open(full, &table->delta, &cause) != EC_OK) {
        c->missing[t] = ec_arena_printf(&c->b->arena, _("the table %s cannot be read: %s"), tables[t].name, cause.message);
        return c->missing[t] ? EC_OK : no_memory(err);
    }
    if (table->delta->file_count == 0) {
        c->missing[t] = ec_arena_printf(&c->b->arena, table->delta->version < 0 ? _("there is no table %s") : _("the table %s is empty"), tables[t].name);
        return c->missing[t] ? EC_OK : no_memory(err);
    }
    table->partition_by = table->delta->partition_by;
    table->full = ec_arena_strdup(&c->b->arena, full);
    table->removed = ec_arena_calloc(&c->b->arena, table->delta->file_count, sizeof *table->removed);
    table->column = table->delta->column;
    table->column_count = table->delta->column_count;
    return table->full && table->removed ? EC_OK : no_memory(err);
}

static bool day_of(const char *partition, int32_t *day) {
    return partition && ec_date_parse(partition, strlen(partition), day);
}

/* The newest day of the table's partitions that is not after `last`; false: none. */
static bool newest_day(const struct ec_table *table, int32_t last, int32_t *newest) {
    bool found = false;
    const struct ec_delta *d = table->delta;
    for (size_t i = 0; d && d->partition_by && i < d->file_count; i++) {
        int32_t day;
        if (!day_of(d->file[i].partition, &day) || day > last || (found && day <= *newest)) continue;
        *newest = day;
        found = true;
    }
    return found;
}

static enum ec_status find_window(struct computing *c, struct ec_err *err) {
    bool found = false;
    int32_t day = 0, complete = 0;
    for (int t = 0; t < TABLES; t++) {
        if (!tables[t].daily || c->missing[t] || !newest_day(&c->table[t], c->run_date, &day)) continue;
        if (!found || day > c->to) c->to = day;
        found = true;
    }
    if (!c->missing[LATENCY] && newest_day(&c->table[LATENCY], c->run_date - 1, &complete))
        c->complete[ec_date_format(complete, c->complete)] = '\0';
    if (!found) c->to = c->run_date;
    c->from = c->to - (int32_t)EC_BUSINESS_DAYS + 1;
    if (!found) return EC_OK;
    char from[16], to[16];
    from[ec_date_format(c->from, from)] = to[ec_date_format(c->to, to)] = '\0';
    c->b->from = ec_arena_strdup(&c->b->arena, from);
    c->b->to = ec_arena_strdup(&c->b->arena, to);
    return c->b->from && c->b->to ? EC_OK : no_memory(err);
}

static bool in_window(const struct computing *c, enum table t, const struct ec_table_file *file) {
    int32_t day;
    bool by_date = tables[t].daily && c->table[t].partition_by && strcmp(c->table[t].partition_by, "date") == 0;
    if (!by_date) return true;
    return day_of(file->partition, &day) && day >= c->from && day <= c->to;
}

/* SELECT * FROM … WHERE date BETWEEN …; nothing where no part lies in the window. */
static enum ec_status scan(struct computing *c, enum table t, struct ec_buf *sql, struct ec_err *err) {
    struct ec_table_file *file;
    size_t count, n = 0;
    EC_TRY(ec_table_files(&c->table[t], &file, &count, err));
    for (size_t i = 0; i < count; i++)
        if (in_window(c, t, &file[i])) file[n++] = file[i];
    if (n == 0) return EC_OK;
    ec_buf_addz(sql, "SELECT * FROM ");
    ec_scan_sql(sql, &c->table[t], file, n, false);
    if (tables[t].daily) ec_buf_printf(sql, " WHERE \"date\" BETWEEN DATE '%s' AND DATE '%s'", c->b->from, c->b->to);
    return ec_buf_check(sql, err);
}

#define KEPT "ecluse_page_"

/* A table that is small is read here. False: DuckDB is to read it. */
static bool keep_small(struct computing *c, enum table t) {
    struct ec_table_file *file;
    struct ec_table_rows rows;
    size_t count, n = 0;
    char name[64];
    bool by_date = c->table[t].partition_by && strcmp(c->table[t].partition_by, "date") == 0;
    if (tables[t].daily && !by_date) return false; /* which rows are in the window is a matter of each */
    if (ec_table_files(&c->table[t], &file, &count, NULL) != EC_OK) return false;
    for (size_t i = 0; i < count; i++)
        if (in_window(c, t, &file[i])) file[n++] = file[i];
    if (n == 0) return false;
    (void)snprintf(name, sizeof name, KEPT "%s", tables[t].name);
    enum ec_status status = ec_table_rows_read(&c->table[t], file, n, SMALL_ROWS, &rows, NULL);
    if (status == EC_OK) status = ec_sql_keep(c->sql, name, &rows.batch, NULL);
    ec_table_rows_deinit(&rows);
    c->kept[t] = status == EC_OK;
    return c->kept[t];
}

/* A daily table is small and asked up to six times: it is read once. */
static enum ec_status keep(struct computing *c, enum table t, struct ec_err *err) {
    struct ec_buf sql = ec_buf_make(SQL_MAX);
    struct ec_err cause = {0};
    if (keep_small(c, t) || !tables[t].daily) return EC_OK;
    ec_buf_printf(&sql, "CREATE OR REPLACE TEMP TABLE " KEPT "%s AS ", tables[t].name);
    size_t head = sql.n;
    enum ec_status status = scan(c, t, &sql, err);
    if (status == EC_OK && sql.n == head) {
        c->missing[t] = _("no row in the days that are shown");
    } else if (status == EC_OK && ec_sql_run(c->sql, sql.p, &cause) == EC_OK) {
        c->kept[t] = true;
    } else if (status == EC_OK) {
        c->missing[t] = ec_arena_printf(&c->b->arena, "%s: %s", tables[t].name, cause.message);
        if (!c->missing[t]) status = no_memory(err);
    }
    ec_buf_free(&sql);
    return status;
}

static enum ec_status keep_tables(struct computing *c, struct ec_err *err) {
    for (int t = 0; t < TABLES; t++)
        if (!c->missing[t]) EC_TRY(keep(c, (enum table)t, err));
    return EC_OK;
}

static void drop_tables(const struct computing *c) {
    char sql[96];
    for (int t = 0; t < TABLES; t++) {
        (void)snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS temp." KEPT "%s", tables[t].name);
        if (c->kept[t] && ec_sql_run(c->sql, sql, NULL) != EC_OK) return; /* it goes with the session */
    }
}

/* "name" AS (SELECT * FROM …) */
static enum ec_status add_input(struct computing *c, enum table t, struct ec_buf *sql, struct ec_err *err) {
    ec_sql_quote_name(sql, tables[t].name);
    ec_buf_addz(sql, " AS (");
    if (c->kept[t]) ec_buf_printf(sql, "SELECT * FROM temp." KEPT "%s", tables[t].name);
    else EC_TRY(scan(c, t, sql, err));
    ec_buf_addc(sql, ')');
    return EC_OK;
}

/* Runs `select` over one table or two. *reason is set where that cannot be. */
static enum ec_status ask(struct computing *c, enum table first, enum table second, const char *select,
                          struct ec_figures **out, const char **reason, struct ec_err *err) {
    struct ec_buf sql = ec_buf_make(SQL_MAX);
    struct ec_err cause = {0};
    enum ec_status status = EC_OK;
    *out = NULL;
    *reason = c->missing[first] ? c->missing[first] : c->missing[second];
    if (*reason) return EC_OK;
    ec_buf_addz(&sql, "WITH ");
    status = add_input(c, first, &sql, err);
    if (status == EC_OK && second != first) {
        ec_buf_addz(&sql, ", ");
        status = add_input(c, second, &sql, err);
    }
    ec_buf_printf(&sql, " %s", select);
    if (status == EC_OK) status = ec_buf_check(&sql, err);
    if (status == EC_OK && ec_business_query(c->sql, sql.p, &c->b->arena, out, &cause) != EC_OK) {
        *reason = ec_arena_printf(&c->b->arena, "%s: %s", tables[first].name, cause.message);
        if (!*reason) status = no_memory(err);
    }
    ec_buf_free(&sql);
    return status;
}

static enum ec_status part(struct computing *c, enum ec_business_part p, enum table first, enum table second,
                           const char *select, struct ec_err *err) {
    return ask(c, first, second, select, &c->b->part[p], &c->b->reason[p], err);
}

#define SEGMENT(column) \
    "SELECT coalesce(" column ", 'unknown') AS name, sum(sessions)::BIGINT AS sessions, " \
    "round(100.0 * sum(converted) / nullif(sum(sessions), 0), 4) AS conversion, " \
    "round(100.0 * sum(bounced) / nullif(sum(sessions), 0), 4) AS bounce, " \
    "round(100.0 * sum(abandoned) / nullif(sum(carted), 0), 4) AS abandonment " \
    "FROM funnel_daily GROUP BY 1 ORDER BY sessions DESC, name LIMIT 100"

static enum ec_status sales_parts(struct computing *c, struct ec_err *err) {
    EC_TRY(part(c, EC_BUSINESS_SALES, SALES_KPI, SALES_KPI,
                "SELECT date AS day, sum(orders)::BIGINT AS orders, coalesce(sum(units), 0)::BIGINT AS units, "
                "round(coalesce(exact_sum(revenue), 0), 2) AS revenue FROM sales_kpi GROUP BY date ORDER BY date", err));
    EC_TRY(part(c, EC_BUSINESS_SALES_BY_CATEGORY, SALES_KPI, SALES_KPI,
                "SELECT coalesce(category, 'unknown') AS category, sum(orders)::BIGINT AS orders, "
                "coalesce(sum(units), 0)::BIGINT AS units, round(coalesce(exact_sum(revenue), 0), 2) AS revenue, "
                "round(coalesce(exact_sum(margin), 0), 2) AS margin "
                "FROM sales_kpi GROUP BY 1 ORDER BY revenue DESC, category LIMIT 100", err));
    EC_TRY(part(c, EC_BUSINESS_CUSTOMERS, USERS_KPI, USERS_KPI,
                "SELECT coalesce(customer_type, 'unknown') AS type, coalesce(country, 'unknown') AS country, "
                "sum(nb_users)::BIGINT AS users, "
                "round(exact_sum(avg_loyalty_score * nb_users) / nullif(sum(nb_users) FILTER (avg_loyalty_score IS NOT NULL), 0), 4) "
                "AS loyalty FROM users_kpi GROUP BY 1, 2 ORDER BY users DESC, type, country LIMIT 500", err));
    return part(c, EC_BUSINESS_PRODUCTS, PRODUCTS, PRODUCTS,
                "SELECT coalesce(category, 'unknown') AS category, count(*) AS products, count(*) FILTER (stock <= 0) AS stock_outs, "
                "count(*) FILTER (stock_status = 'low') AS low, count(*) FILTER (stock_status = 'medium') AS medium, "
                "count(*) FILTER (stock_status = 'high') AS high, round(exact_avg(margin_pct), 4) AS margin_pct, "
                "count(*) FILTER (margin < 0) AS negative_margins "
                "FROM products GROUP BY 1 ORDER BY products DESC, category LIMIT 500", err);
}

static enum ec_status session_parts(struct computing *c, struct ec_err *err) {
    EC_TRY(part(c, EC_BUSINESS_FUNNEL, FUNNEL, FUNNEL,
                "SELECT sum(sessions)::BIGINT AS sessions, sum(viewed)::BIGINT AS viewed, sum(carted)::BIGINT AS carted, "
                "sum(converted)::BIGINT AS converted FROM funnel_daily", err));
    EC_TRY(part(c, EC_BUSINESS_FUNNEL_DAILY, FUNNEL, FUNNEL,
                "SELECT date AS day, sum(sessions)::BIGINT AS sessions, sum(viewed)::BIGINT AS viewed, "
                "sum(carted)::BIGINT AS carted, sum(converted)::BIGINT AS converted FROM funnel_daily GROUP BY date ORDER BY date", err));
    EC_TRY(part(c, EC_BUSINESS_BY_DEVICE, FUNNEL, FUNNEL, SEGMENT("device_type"), err));
    EC_TRY(part(c, EC_BUSINESS_BY_SOURCE, FUNNEL, FUNNEL, SEGMENT("traffic_source"), err));
    return part(c, EC_BUSINESS_HOURS, HOURLY, HOURLY,
                "SELECT isodow(date)::BIGINT AS weekday, hour::BIGINT AS hour, sum(sessions)::BIGINT AS sessions, "
                "sum(converted)::BIGINT AS converted FROM sessions_hourly GROUP BY 1, 2 ORDER BY 1, 2", err);
}

static enum ec_status api_parts(struct computing *c, struct ec_err *err) {
    char select[2048];
    EC_TRY(part(c, EC_BUSINESS_API_DAILY, API_KPI, API_KPI,
                "SELECT date AS day, sum(count_requests)::BIGINT AS requests, sum(nb_4xx)::BIGINT AS errors_4xx, "
                "sum(nb_5xx)::BIGINT AS errors_5xx, sum(nb_cache_hits)::BIGINT AS cache_hits "
                "FROM api_logs_kpi GROUP BY date ORDER BY date", err));
    if (!c->complete[0] && !c->missing[LATENCY]) {
        c->b->reason[EC_BUSINESS_API_BY_CATEGORY] = _("no complete day yet");
        return EC_OK;
    }
    (void)snprintf(select, sizeof select,
                   "SELECT l.category AS category, l.requests::BIGINT AS requests, l.p50 AS p50, l.p95 AS p95, l.p99 AS p99, "
                   "coalesce(k.cache_hits, 0)::BIGINT AS cache_hits, coalesce(k.e4, 0)::BIGINT AS errors_4xx, "
                   "coalesce(k.e5, 0)::BIGINT AS errors_5xx FROM api_latency_daily AS l LEFT JOIN (SELECT coalesce(category, 'unknown') AS category, "
                   "sum(nb_cache_hits) AS cache_hits, sum(nb_4xx) AS e4, sum(nb_5xx) AS e5 FROM api_logs_kpi "
                   "WHERE date = DATE '%s' GROUP BY 1) AS k ON k.category = l.category "
                   "WHERE l.date = DATE '%s' AND NOT l.is_total ORDER BY requests DESC, l.category LIMIT 100",
                   c->complete, c->complete);
    return part(c, EC_BUSINESS_API_BY_CATEGORY, LATENCY, API_KPI, select, err);
}

static enum ec_status strip(struct computing *c, struct ec_err *err) {
    struct ec_figures *abandonment, *latency;
    const char *ignored;
    EC_TRY(ask(c, FUNNEL, FUNNEL,
               "SELECT date AS day, round(100.0 * sum(abandoned) / nullif(sum(carted), 0), 4) AS value "
               "FROM funnel_daily GROUP BY date ORDER BY date", &abandonment, &ignored, err));
    EC_TRY(ask(c, LATENCY, LATENCY, "SELECT date AS day, p95 AS value FROM api_latency_daily WHERE is_total ORDER BY date",
               &latency, &ignored, err));
    ec_business_strip(c->b, c->run_date, abandonment, latency);
    return EC_OK;
}

enum ec_status ec_business_compute(const struct ec_config *config, struct ec_sql *sql, int32_t run_date,
                                   struct ec_business *b, struct ec_err *err) {
    struct computing c = {.b = b, .config = config, .sql = sql, .run_date = run_date};
    *b = (struct ec_business){0};
    ec_arena_init(&b->arena, BUSINESS_MEMORY_MAX);
    enum ec_status status = EC_OK;
    for (int t = 0; t < TABLES && status == EC_OK; t++) status = open_table(&c, (enum table)t, err);
    if (status == EC_OK) status = find_window(&c, err);
    for (int t = 0; t < TABLES && !b->from; t++)
        if (tables[t].daily && !c.missing[t]) c.missing[t] = _("no day up to the run's date");
    if (status == EC_OK) status = keep_tables(&c, err);
    if (status == EC_OK) status = sales_parts(&c, err);
    if (status == EC_OK) status = session_parts(&c, err);
    if (status == EC_OK) status = api_parts(&c, err);
    b->api_day = c.complete[0] && b->part[EC_BUSINESS_API_BY_CATEGORY] ? ec_arena_strdup(&b->arena, c.complete) : NULL;
    if (status == EC_OK) status = strip(&c, err);
    drop_tables(&c);
    for (int t = 0; t < TABLES; t++) ec_table_close(&c.table[t]);
    return status;
}

void ec_business_deinit(struct ec_business *b) {
    ec_arena_deinit(&b->arena);
    *b = (struct ec_business){0};
}
