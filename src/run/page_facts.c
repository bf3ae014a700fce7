#include "run/page_facts.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"
#include "publish/page_data.h"
#include "publish/page_file.h"
#include "run/business.h"
#include "run/page_gather.h"
#include "run/paths.h"
#include "run/run.h"

#include <stdlib.h>

#define GATHER_MAX    ((size_t)256 * EC_MIB)
#define SESSION_BYTES ((uint64_t)256 * EC_MIB)

/* The language of the page when it is opened: the run's, where somebody asked for one, else "auto", the reader's own. */
static const char *language(const struct ec_config *config) {
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *locale = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && (!locale || !*locale); i++) locale = getenv(names[i]);
    bool english = locale && strncmp(locale, "en", 2) == 0 && (locale[2] == '_' || locale[2] == '.' || !locale[2]);
    bool asked = english || ec_language() != EC_LANGUAGE_EN || (config && config->language != EC_LANGUAGE_COUNT);
    return asked ? ec_language_name(ec_language()) : "auto";
}

/* What the run cost, as its line of the history says. */
static void find_resources(const struct ec_history *history, struct ec_run_facts *facts) {
    for (size_t i = history->run_count; i-- > 0 && !facts->resources.known;)
        if (strcmp(history->run[i].run, facts->run) == 0) facts->resources = history->run[i].resources;
}

/* The history as it was before the run: its own lines, and those of later runs, are at the end. */
static void cut_history(struct ec_history *history, uint64_t seq) {
    size_t runs = 0, points = 0;
    while (runs < history->run_count && history->run[runs].seq < seq) runs++;
    while (points < history->point_count && history->point[points].run < runs) points++;
    history->run_count = runs;
    history->point_count = points;
}

/* A session of its own, which reads what lies below data/ and spills nothing. */
static enum ec_status open_sql(const struct ec_page_facts_options *o, struct ec_sql **sql, struct ec_err *err) {
    char data[EC_PATH_MAX];
    EC_TRY(ec_project_path(data, o->config->dir, "data", NULL, err));
    struct ec_sql_options options = {.threads = 1, .memory_bytes = SESSION_BYTES, .files_dir = data, .run_date = o->manifest->as_of};
    return ec_sql_open(&options, sql, err);
}

struct ec_page_facts {
    struct ec_page_facts_options options;
    struct ec_page_data data;
    bool measured; /* the run's facts knew what it cost */
    struct ec_arena arena;
    struct ec_history history, own_history;
    struct ec_business business;
    struct ec_page_lineage lineage;
    struct ec_page_reject *reject;
    struct ec_page_alert *alert;
    const char *no_business;
};

/* DuckDB may be missing or fail: the page lacks its figures then, and says so. */
static enum ec_status gather_sql(struct ec_page_facts *g, struct ec_sql *sql, struct ec_err *err) {
    const struct ec_page_facts_options *o = &g->options;
    if (sql) {
        EC_TRY(ec_business_compute(o->config, sql, o->manifest->as_of, &g->business, err));
        g->data.business = &g->business;
    }
    return ec_gather_lineage(o, sql, &g->arena, &g->lineage, err);
}

static enum ec_status open_and_gather_sql(struct ec_page_facts *g, struct ec_err *err) {
    struct ec_err cause = {0};
    struct ec_sql *own = NULL;
    if (g->options.sql) return gather_sql(g, g->options.sql, err);
    if (open_sql(&g->options, &own, &cause) != EC_OK) {
        g->no_business = ec_arena_strdup(&g->arena, cause.message);
        ec_log(EC_LOG_WARN, "the page lacks its business figures: %s", cause.message);
    }
    enum ec_status status = gather_sql(g, own, err);
    ec_sql_close(own);
    return status;
}

static enum ec_status gather(struct ec_page_facts *g, struct ec_err *err) {
    const struct ec_page_facts_options *o = &g->options;
    struct ec_page_data *data = &g->data;
    char path[EC_PATH_MAX];
    EC_TRY(ec_project_path(path, o->config->dir, EC_DIR_QUALITY, "history.jsonl", err));
    if (!o->history) EC_TRY(ec_history_read(path, EC_HISTORY_WHOLE, &g->own_history, err));
    g->history = o->history ? *o->history : g->own_history; /* what is in it is borrowed: it is only cut */
    find_resources(&g->history, o->facts);
    cut_history(&g->history, o->facts->seq);
    EC_TRY(open_and_gather_sql(g, err));
    EC_TRY(ec_gather_rejects(o, &g->arena, &g->reject, &data->reject_count, err));
    EC_TRY(ec_gather_alerts(o->config, &g->arena, &g->alert, &data->alert_count, err));
    data->no_business = g->no_business;
    data->reject = g->reject;
    data->alert = g->alert;
    return EC_OK;
}

enum ec_status ec_page_facts_gather(const struct ec_page_facts_options *options, struct ec_page_facts **facts, struct ec_err *err) {
    struct ec_page_facts *g = ec_calloc(1, sizeof *g);
    *facts = NULL;
    if (!g) return ec_fail(err, EC_NO_MEMORY, "no memory for the page");
    g->options = *options;
    g->measured = options->facts->resources.known;
    ec_arena_init(&g->arena, GATHER_MAX);
    g->data = (struct ec_page_data){.config = options->config, .language = language(options->config), .run = options->facts,
                                    .history = &g->history, .lineage = &g->lineage};
    enum ec_status status = gather(g, err);
    if (status == EC_OK) *facts = g;
    else ec_page_facts_release(g);
    return status;
}

void ec_page_facts_release(struct ec_page_facts *g) {
    if (!g) return;
    if (!g->measured) g->options.facts->resources = (struct ec_resource_facts){0}; /* they were the history's */
    ec_business_deinit(&g->business);
    ec_history_deinit(&g->own_history);
    ec_arena_deinit(&g->arena);
    ec_free(g);
}

enum ec_status ec_page_facts_write(const struct ec_page_facts *facts, struct ec_buf *out, struct ec_err *err) {
    return ec_page_data_write(&facts->data, out, err);
}

enum ec_status ec_page_facts_publish(const struct ec_page_facts *facts, const char *dir, struct ec_durable *durable, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_PAGE_FACTS_MAX), alerts = ec_buf_make(EC_PAGE_FACTS_MAX);
    enum ec_status status = ec_page_facts_write(facts, &text, err);
    if (status == EC_OK) status = ec_page_alerts_write(ec_now_micros(), facts->alert, facts->data.alert_count, &alerts, err);
    if (status == EC_OK) status = ec_page_file_publish(dir, ec_buf_str(&text), ec_buf_str(&alerts), durable, err);
    ec_buf_free(&text);
    ec_buf_free(&alerts);
    return status;
}

static enum ec_status replace_alerts(const struct ec_config *config, struct ec_arena *arena, struct ec_buf *text, struct ec_err *err) {
    struct ec_page_alert *alert;
    size_t count;
    char dir[EC_PATH_MAX];
    EC_TRY(ec_project_path(dir, config->dir, EC_DIR_QUALITY, NULL, err));
    EC_TRY(ec_gather_alerts(config, arena, &alert, &count, err));
    EC_TRY(ec_page_alerts_write(ec_now_micros(), alert, count, text, err));
    return ec_page_file_alerts(dir, ec_buf_str(text), err);
}

enum ec_status ec_page_alerts_refresh(const struct ec_config *config, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_PAGE_FACTS_MAX);
    struct ec_arena arena;
    struct ec_err cause = {0};
    int lock;
    enum ec_status status = ec_lock_take(config->dir, &lock, &cause);
    if (status == EC_LOCKED) return EC_OK;
    if (status != EC_OK) return ec_fail(err, status, "%s", cause.message);
    ec_arena_init(&arena, GATHER_MAX);
    status = replace_alerts(config, &arena, &text, err);
    ec_lock_release(lock);
    ec_arena_deinit(&arena);
    ec_buf_free(&text);
    return status;
}
