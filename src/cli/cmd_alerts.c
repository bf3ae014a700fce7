/* ecluse alerts: what waits to be delivered, what became of it, tests. */
#include "base/calendar.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/project.h"
#include "cli/show.h"
#include "deliver/journal.h"
#include "deliver/secret.h"
#include "run/alerts.h"
#include "run/paths.h"

#define MESSAGE_ARENA (EC_MESSAGE_MAX * 4)
#define SHOWN_DEFAULT 20

static void when(int64_t us, char out[32]) {
    out[ec_datetime_format(us / EC_MICROS_PER_SECOND * EC_MICROS_PER_SECOND, out)] = '\0';
}

/* ---- list ---- */

struct listing {
    struct ec_grid grid;
    struct ec_doc doc;
    size_t damaged;
};

static void add_message(struct listing *l, const struct ec_message *m) {
    char next[32], created[32];
    when(m->next_us, next);
    when(m->created_us, created);
    const char *state = m->given_up ? "given-up" : "pending";
    ec_grid_str(&l->grid, state);
    ec_grid_str(&l->grid, m->id);
    ec_grid_str(&l->grid, m->kind);
    ec_grid_str(&l->grid, m->target);
    ec_grid_count(&l->grid, m->attempts);
    ec_grid_str(&l->grid, m->given_up || m->next_us == 0 ? NULL : next);
    ec_grid_str(&l->grid, m->error);
    struct ec_json_writer *w = &l->doc.json;
    ec_json_object(w, NULL);
    ec_json_str(w, "id", m->id);
    ec_json_str(w, "run", m->run);
    ec_json_str(w, "name", m->name);
    ec_json_str(w, "type", m->type);
    ec_json_str(w, "target", m->target);
    ec_json_str(w, "kind", m->kind);
    ec_json_str(w, "severity", m->severity);
    ec_json_str(w, "status", state);
    ec_json_str(w, "created", created);
    ec_json_uint(w, "attempts", m->attempts);
    ec_json_str(w, "next", m->given_up || m->next_us == 0 ? NULL : next);
    ec_json_str(w, "error", m->error);
    ec_json_end(w);
}

static enum ec_status add_waiting(struct listing *l, const char *project, struct ec_err *err) {
    struct ec_outbox outbox;
    enum ec_status status = ec_outbox_list(project, &outbox, err);
    for (size_t i = 0; i < outbox.count && status == EC_OK; i++) {
        struct ec_arena arena;
        struct ec_message m;
        struct ec_err cause = {0};
        ec_arena_init(&arena, MESSAGE_ARENA);
        if (ec_outbox_load(project, outbox.id[i], &arena, &m, &cause) == EC_OK)
            add_message(l, &m);
        else if (++l->damaged)
            ec_log(EC_LOG_WARN, "%s", cause.message);
        ec_arena_deinit(&arena);
    }
    ec_outbox_deinit(&outbox);
    return status;
}

/* The journal's last lines. */
static enum ec_status add_past(const char *project, size_t limit, struct ec_grid *grid, struct ec_json_writer *w, struct ec_err *err) {
    struct ec_journal j;
    enum ec_status status = ec_journal_read(project, &j, err);
    size_t first = limit > 0 && j.count > limit ? j.count - limit : 0;
    for (size_t i = first; i < j.count && status == EC_OK; i++) {
        const struct ec_journal_line *line = &j.line[i];
        char at[32];
        when(line->at_us, at);
        ec_grid_str(grid, at);
        ec_grid_str(grid, line->status);
        ec_grid_str(grid, line->kind);
        ec_grid_str(grid, line->id);
        ec_grid_str(grid, line->message);
        ec_json_object(w, NULL);
        ec_json_str(w, "at", at);
        ec_json_str(w, "id", line->id);
        ec_json_str(w, "status", line->status);
        ec_json_str(w, "kind", line->kind);
        ec_json_str(w, "target", line->target);
        ec_json_str(w, "message", line->message);
        ec_json_end(w);
    }
    ec_journal_deinit(&j);
    return status;
}

static enum ec_status list(struct ec_cli *cli, const struct ec_config *config, struct ec_err *err) {
    static const struct ec_grid_column waiting[] = {{N_("STATUS"), false}, {N_("ID"), false},   {N_("KIND"), false}, {N_("TARGET"), false},
                                                    {N_("TRIED"), true},   {N_("NEXT"), false}, {N_("WHY"), false}};
    static const struct ec_grid_column past[] = {{N_("AT"), false}, {N_("STATUS"), false}, {N_("KIND"), false}, {N_("ID"), false}, {N_("MESSAGE"), false}};
    int64_t limit = SHOWN_DEFAULT;
    struct listing l = {.damaged = 0};
    struct ec_grid journal;
    EC_TRY(ec_cli_option_number(cli, "--limit", 0, INT64_MAX, &limit, err));
    ec_grid_init(&l.grid, waiting, 7);
    ec_grid_init(&journal, past, 5);
    ec_doc_init(&l.doc);
    ec_json_object(&l.doc.json, NULL);
    ec_json_array(&l.doc.json, "outbox");
    enum ec_status status = add_waiting(&l, config->dir, err);
    ec_json_end_array(&l.doc.json);
    ec_json_array(&l.doc.json, "journal");
    if (status == EC_OK) status = add_past(config->dir, (size_t)limit, &journal, &l.doc.json, err);
    ec_json_end_array(&l.doc.json);
    ec_json_end(&l.doc.json);
    if (status == EC_OK && cli->json) {
        status = ec_doc_print(&l.doc, err);
    } else if (status == EC_OK) {
        if (l.grid.cells == 0)
            (void)printf(_("No alert waits to be delivered.\n"));
        else
            status = ec_grid_print(&l.grid, stdout, err);
        if (journal.cells > 0) (void)printf("\n");
        if (status == EC_OK && journal.cells > 0) status = ec_grid_print(&journal, stdout, err);
    }
    ec_grid_deinit(&l.grid);
    ec_grid_deinit(&journal);
    ec_doc_deinit(&l.doc);
    return status;
}

/* ---- retry, test ---- */

static enum ec_status report(const struct ec_cli *cli, const struct ec_deliver_outcome *outcome, const struct ec_buf *problems,
                             struct ec_err *err) {
    if (cli->json) {
        struct ec_doc doc;
        ec_doc_init(&doc);
        ec_json_object(&doc.json, NULL);
        ec_json_uint(&doc.json, "sent", outcome->sent);
        ec_json_uint(&doc.json, "waiting", outcome->waiting);
        ec_json_uint(&doc.json, "given_up", outcome->given_up);
        ec_json_end(&doc.json);
        EC_TRY(ec_doc_print(&doc, err));
    } else {
        (void)printf(_("%zu sent, %zu waiting, %zu given up\n"), outcome->sent, outcome->waiting, outcome->given_up);
    }
    if (outcome->waiting + outcome->given_up == 0) return EC_OK;
    const char *text = ec_buf_str(problems).p;
    return ec_fail(err, EC_DELIVERY, "%.*s", (int)strcspn(text, "\n"), text);
}

static enum ec_status deliver(const struct ec_cli *cli, const struct ec_deliver_options *options, struct ec_err *err) {
    struct ec_deliver_outcome outcome;
    struct ec_buf problems = ec_buf_make(EC_MIB);
    enum ec_status status = ec_deliver_pending(options, &outcome, &problems, err);
    ec_alerts_show(options->config, &outcome);
    if (status == EC_OK) status = report(cli, &outcome, &problems, err);
    ec_buf_free(&problems);
    return status;
}

static enum ec_status retry(const struct ec_cli *cli, const struct ec_config *config, struct ec_err *err) {
    struct ec_deliver_options options = {.project = config->dir, .config = config, .now = true,
                                         .given_up = ec_cli_value(cli, "--given-up") != NULL || cli->argument_count > 1,
                                         .id = cli->argument + 1, .id_count = cli->argument_count - 1};
    struct ec_outbox outbox;
    enum ec_status status = ec_outbox_list(config->dir, &outbox, err);
    for (size_t i = 0; i < options.id_count && status == EC_OK; i++) {
        size_t k = 0;
        while (k < outbox.count && strcmp(outbox.id[k], options.id[i]) != 0) k++;
        if (k == outbox.count) status = ec_fail(err, EC_USAGE, "no message `%s` waits; `ecluse alerts list` shows those that do", options.id[i]);
    }
    ec_outbox_deinit(&outbox);
    return status == EC_OK ? deliver(cli, &options, err) : status;
}

static enum ec_status test(const struct ec_cli *cli, const struct ec_config *config, struct ec_err *err) {
    char id[EC_ALERTS_MAX][EC_MESSAGE_ID_MAX];
    const char *ids[EC_ALERTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < config->alert_count; i++) {
        const struct ec_alert *alert = &config->alert[i];
        bool wanted = cli->argument_count == 1;
        for (size_t k = 1; k < cli->argument_count; k++) wanted = wanted || strcmp(cli->argument[k], alert->name) == 0;
        if (!wanted || alert->type == EC_ALERT_FILE) continue;
        EC_TRY(ec_alerts_queue_test(config, alert, id[count], err));
        ids[count] = id[count];
        count++;
    }
    if (count == 0 && cli->argument_count == 1)
        return ec_fail(err, EC_USAGE, "no alert of type smtp, webhook or command is configured: see docs/alerts.md");
    if (count + 1 < cli->argument_count) return ec_fail(err, EC_USAGE, "not all of the alerts that you name are configured");
    struct ec_deliver_options options = {.project = config->dir, .config = config, .now = true, .id = ids, .id_count = count};
    return deliver(cli, &options, err);
}

static enum ec_status act(struct ec_cli *cli, struct ec_err *err) {
    static const char *const actions[] = {"list", "retry", "test"};
    const char *action = cli->argument[0];
    size_t i = 0;
    while (i < 3 && strcmp(actions[i], action) != 0) i++;
    const char *near = i == 3 ? ec_nearest(action, actions, 3) : NULL;
    if (i == 3)
        return ec_fail(err, EC_USAGE, "`ecluse alerts` does list, retry and test, not `%s`%s%s%s", action, near ? _("; did you mean `") : "",
                       near ? near : "", near ? _("`?") : "");
    if (i == 0 && cli->argument_count > 1) return ec_fail(err, EC_USAGE, "`ecluse alerts list` does not take `%s`", cli->argument[1]);
    struct ec_config *config;
    EC_TRY(ec_cli_load(cli, &config, err));
    enum ec_status status = i == 0 ? list(cli, config, err) : i == 1 ? retry(cli, config, err) : test(cli, config, err);
    ec_config_destroy(config);
    return status;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    return ec_cli_exit(act(cli, err));
}

static const struct ec_option options[] = {
    {"--given-up", NULL, N_("retry: also messages that were given up"), false},
    {"--limit", "N", N_("list: the newest N lines of the journal, 0 for all (default: 20)"), false},
};

const struct ec_command ec_cmd_alerts = {
    .name = "alerts",
    .summary = N_("alerts that wait to be delivered: list, retry, test"),
    .arguments = N_("list | retry [ID…] | test [NAME…]"),
    .about = N_("Whom a run tells is configured under `alerts:` in pipeline_config.yaml: smtp, webhook, command. A\n"
             "message is written to data/alerts before it is sent, and stays there until its receiver took it.\n"
             "Every `ecluse run` tries again what waits; these commands do it by hand.\n"
             "\n"
             "  list    what waits and why, what was given up, and what became of the last alerts\n"
             "  retry   try now, without waiting for the next run; an ID also if it was given up\n"
             "  test    send a test message to every alert, or to those of that NAME: it says that it is a test\n"
             "\n"
             "A message is sent at least once, under one id: a receiver that keeps ids sees repetitions. Exit code\n"
             "4 where something could not be delivered. No command prints a secret.\n"
             "\n"
             "Examples:\n"
             "  ecluse -C shop alerts test slack\n"
             "  ecluse -C shop alerts list --limit 5\n"
             "  ecluse -C shop alerts retry --given-up"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .arguments_min = 1,
    .arguments_max = 1 + EC_ALERTS_MAX,
    .run = run,
};
