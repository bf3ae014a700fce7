/* ecluse explain: what a code means, an example, what to do. */
#include "cli/cli.h"
#include "cli/explain_text.h"
#include "cli/project.h"
#include "cli/show.h"

#include "base/inert.h"

#include <assert.h>
#include <math.h>

#define KINDS_MAX   32u
#define CODES_MAX   ((size_t)EC_STATUS_COUNT + (size_t)EC_REASON_COUNT + KINDS_MAX)
#define RULE_PREFIX "rule:"

struct code {
    const char *slug, *kind, *meaning, *example, *remedy;
    int exit_code; /* -1: of a row's reason, or a kind of rule */
};

static struct code code_of_status(enum ec_status status) {
    const struct ec_code_text *text = ec_status_text(status);
    const struct ec_explanation *more = ec_explain_status(status);
    return (struct code){text->slug, "error", _(text->meaning), _(more->example), _(text->remedy), text->exit_code};
}

static struct code code_of_reason(enum ec_reason reason) {
    const struct ec_code_text *text = ec_reason_text(reason);
    const struct ec_explanation *more = ec_explain_reason(reason);
    return (struct code){text->slug, "reason", _(text->meaning), _(more->example), _(more->remedy), -1};
}

static struct code code_of_kind(const struct ec_rule_explanation *kind) {
    return (struct code){kind->key, "rule", _(kind->meaning), _(kind->example), _(kind->remedy), -1};
}

static const char *what_is(const struct code *code) {
    if (strcmp(code->kind, "rule") == 0) return _("a kind of rule");
    return code->exit_code < 0 ? _("why a row was rejected") : _("an error");
}

static void write_code(struct ec_json_writer *w, const struct code *code) {
    ec_json_object(w, NULL);
    ec_json_str(w, "code", code->slug);
    ec_json_str(w, "kind", code->kind);
    ec_json_str(w, "meaning", code->meaning);
    ec_json_str(w, "example", code->example);
    ec_json_str(w, "remedy", code->remedy);
    if (code->exit_code >= 0)
        ec_json_int(w, "exit_code", code->exit_code);
    else
        ec_json_null(w, "exit_code");
    ec_json_end(w);
}

static enum ec_status print_code(const struct ec_cli *cli, const struct code *code, struct ec_err *err) {
    if (cli->json) {
        struct ec_doc doc;
        ec_doc_init(&doc);
        write_code(&doc.json, code);
        return ec_doc_print(&doc, err);
    }
    (void)printf(_("%s (%s)\n\n  %s\n\n  example:    %s\n  what to do: %s\n"), code->slug,
                 what_is(code), code->meaning, code->example, code->remedy);
    if (code->exit_code >= 0) (void)printf(_("  exit code:  %d\n"), code->exit_code);
    return EC_OK;
}

static enum ec_status print_all_json(struct ec_err *err) {
    struct ec_doc doc;
    ec_doc_init(&doc);
    ec_json_object(&doc.json, NULL);
    ec_json_array(&doc.json, "codes");
    for (int i = 0; i < EC_REASON_COUNT; i++) {
        struct code code = code_of_reason((enum ec_reason)i);
        write_code(&doc.json, &code);
    }
    for (int i = 0; i < EC_STATUS_COUNT; i++) {
        struct code code = code_of_status((enum ec_status)i);
        write_code(&doc.json, &code);
    }
    for (size_t i = 0; ec_explain_rule_kind(i); i++) {
        struct code code = code_of_kind(ec_explain_rule_kind(i));
        write_code(&doc.json, &code);
    }
    ec_json_end_array(&doc.json);
    ec_json_end(&doc.json);
    return ec_doc_print(&doc, err);
}

static enum ec_status end_table(struct ec_grid *grid, bool more, struct ec_err *err) {
    enum ec_status status = ec_grid_print(grid, stdout, err);
    ec_grid_deinit(grid);
    if (status == EC_OK && more) (void)printf("\n");
    return status;
}

static enum ec_status print_all(struct ec_err *err) {
    static const struct ec_grid_column reasons[] = {{N_("WHY A ROW WAS REJECTED"), false}, {"", false}};
    static const struct ec_grid_column rules[] = {{N_("KIND OF RULE"), false}, {"", false}};
    static const struct ec_grid_column errors[] = {{N_("ERROR"), false}, {N_("EXIT"), true}, {"", false}};
    struct ec_grid grid;
    ec_grid_init(&grid, reasons, 2);
    for (int i = 0; i < EC_REASON_COUNT; i++) {
        ec_grid_str(&grid, ec_reason_text((enum ec_reason)i)->slug);
        ec_grid_str(&grid, _(ec_reason_text((enum ec_reason)i)->meaning));
    }
    EC_TRY(end_table(&grid, true, err));
    ec_grid_init(&grid, rules, 2);
    for (size_t i = 0; ec_explain_rule_kind(i); i++) {
        ec_grid_str(&grid, ec_explain_rule_kind(i)->key);
        ec_grid_str(&grid, _(ec_explain_rule_kind(i)->meaning));
    }
    EC_TRY(end_table(&grid, true, err));
    ec_grid_init(&grid, errors, 3);
    for (int i = 0; i < EC_STATUS_COUNT; i++) {
        ec_grid_str(&grid, ec_status_text((enum ec_status)i)->slug);
        ec_grid_printf(&grid, "%d", ec_status_text((enum ec_status)i)->exit_code);
        ec_grid_str(&grid, _(ec_status_text((enum ec_status)i)->meaning));
    }
    return end_table(&grid, false, err);
}

static void print_text(const char *label, struct ec_str text) {
    (void)printf("  ");
    ec_label_print(label, 11, stdout);
    ec_inert_print(text.p, text.n, stdout);
    (void)printf("\n");
}

static void print_line(const char *label, const char *text) {
    print_text(label, ec_str_of(text));
}

static void print_length(const char *label, size_t characters) {
    (void)printf("  ");
    ec_label_print(label, 11, stdout);
    (void)printf(P_("%zu character\n", "%zu characters\n", characters), characters);
}

static void print_share(double share) {
    char text[32], figure[64];
    if (isnan(share)) return;
    (void)snprintf(text, sizeof text, "%g", share * 100);
    (void)printf("  ");
    ec_label_print(_("allowed:"), 11, stdout);
    (void)printf(_("%s %% of a file's rows; above that the file fails\n"), ec_language_figure(text, figure, sizeof figure));
}

static void print_rule(const struct ec_source *source, const struct ec_rule *rule) {
    char at[512];
    (void)snprintf(at, sizeof at, "%s:%u", rule->file, rule->line);
    (void)printf("rule:");
    ec_inert_print(rule->id, strlen(rule->id), stdout);
    (void)printf(_(" (a rule of "));
    ec_inert_print(source->name, strlen(source->name), stdout);
    (void)printf(")\n\n");
    print_line(_("written at:"), at);
    print_line(_("kind:"), rule->key);
    if (rule->column) print_line(_("column:"), rule->column);
    if (rule->min) print_line(_("at least:"), rule->min);
    if (rule->max) print_line(_("at most:"), rule->max);
    if (rule->text) print_line(rule->kind == EC_RULE_REGEX ? _("pattern:") : _("must hold:"), rule->text);
    for (size_t i = 0; i < rule->value_count; i++)
        print_text(i                               ? ""
                   : rule->kind == EC_RULE_ALLOWED ? _("one of:")
                                                   : _("none of:"),
                   rule->values[i].n ? rule->values[i] : EC_STR("\"\""));
    if (rule->kind == EC_RULE_LENGTH && rule->length_min)
        print_length(_("at least:"), rule->length_min);
    if (rule->kind == EC_RULE_LENGTH && rule->length_max != SIZE_MAX)
        print_length(_("at most:"), rule->length_max);
    print_line(_("severity:"), ec_severity_name(rule->severity));
    print_line(_("action:"), ec_action_name(rule->action));
    print_share(rule->max_failed);
    (void)printf("  ");
    ec_label_print(_("its rows:"), 11, stdout);
    (void)printf("ecluse quarantine show --reason 'rule:");
    ec_inert_print(rule->id, strlen(rule->id), stdout);
    (void)printf("'\n");
}

static void write_rule(struct ec_json_writer *w, const struct ec_source *source, const struct ec_rule *rule) {
    ec_json_object(w, NULL);
    ec_json_str(w, "source", source->name);
    ec_json_str(w, "id", rule->id);
    ec_json_str(w, "rule", rule->key);
    ec_json_str(w, "column", rule->column);
    ec_json_str(w, "severity", ec_severity_name(rule->severity));
    ec_json_str(w, "action", ec_action_name(rule->action));
    ec_json_double(w, "max_failed", rule->max_failed);
    ec_json_str(w, "min", rule->min);
    ec_json_str(w, "max", rule->max);
    ec_json_str(w, "text", rule->text);
    ec_json_array(w, "values");
    for (size_t i = 0; i < rule->value_count; i++) ec_json_text(w, NULL, rule->values[i]);
    ec_json_end_array(w);
    ec_json_str(w, "file", rule->file);
    ec_json_uint(w, "line", rule->line);
    ec_json_end(w);
}

/* Each source may have a rule of that id. Returns how many were shown. */
static size_t show_rules(const struct ec_config *config, const char *id, struct ec_json_writer *w) {
    size_t shown = 0;
    for (size_t i = 0; i < config->source_count; i++) {
        for (size_t k = 0; k < config->source[i].rule_count; k++) {
            const struct ec_rule *rule = &config->source[i].rule[k];
            if (strcmp(rule->id, id) != 0) continue;
            if (w) {
                write_rule(w, &config->source[i], rule);
            } else {
                if (shown) (void)printf("\n");
                print_rule(&config->source[i], rule);
            }
            shown++;
        }
    }
    return shown;
}

static enum ec_status unknown_rule(const struct ec_config *config, const char *id, struct ec_err *err) {
    const char *near = NULL;
    for (size_t i = 0; i < config->source_count && !near; i++) {
        const char *names[EC_RULES_MAX];
        size_t n = 0;
        assert(config->source[i].rule_count <= EC_RULES_MAX); /* the configuration was refused otherwise */
        for (size_t k = 0; k < config->source[i].rule_count; k++) names[n++] = config->source[i].rule[k].id;
        near = ec_nearest(id, names, n);
    }
    return ec_fail(err, EC_USAGE, "the project has no rule `%s`%s%s%s", id, near ? _("; did you mean `rule:") : "",
                   near ? near : "", near ? _("`?") : "");
}

static enum ec_status explain_rule(const struct ec_cli *cli, const char *id, struct ec_err *err) {
    struct ec_config *config;
    enum ec_status status = ec_cli_load(cli, &config, err);
    if (status != EC_OK) return status;
    struct ec_doc doc;
    ec_doc_init(&doc);
    ec_json_object(&doc.json, NULL);
    ec_json_array(&doc.json, "rules");
    bool found = show_rules(config, id, cli->json ? &doc.json : NULL) > 0;
    ec_json_end_array(&doc.json);
    ec_json_end(&doc.json);
    if (!found) status = unknown_rule(config, id, err);
    if (found && cli->json) status = ec_doc_print(&doc, err);
    ec_doc_deinit(&doc);
    ec_config_destroy(config);
    return status;
}

static enum ec_status unknown_code(const char *word, struct ec_err *err) {
    const char *names[CODES_MAX];
    size_t n = 0;
    for (int i = 0; i < EC_STATUS_COUNT; i++) names[n++] = ec_status_text((enum ec_status)i)->slug;
    for (int i = 0; i < EC_REASON_COUNT; i++) names[n++] = ec_reason_text((enum ec_reason)i)->slug;
    for (size_t i = 0; ec_explain_rule_kind(i) && i < KINDS_MAX; i++) names[n++] = ec_explain_rule_kind(i)->key;
    const char *near = ec_nearest(word, names, n);
    if (near) return ec_fail(err, EC_USAGE, "there is no code `%s`; did you mean `%s`?", word, near);
    return ec_fail(err, EC_USAGE, "there is no code `%s`; `ecluse explain` lists them", word);
}

static enum ec_status explain(const struct ec_cli *cli, struct ec_err *err) {
    if (cli->argument_count == 0) return cli->json ? print_all_json(err) : print_all(err);
    const char *word = cli->argument[0];
    if (strncmp(word, RULE_PREFIX, strlen(RULE_PREFIX)) == 0) return explain_rule(cli, word + strlen(RULE_PREFIX), err);
    const struct ec_rule_explanation *kind = ec_explain_rule_kind_of(word);
    if (kind) {
        struct code code = code_of_kind(kind);
        return print_code(cli, &code, err);
    }
    enum ec_reason reason = ec_reason_by_slug(word);
    enum ec_status status = ec_status_by_slug(word);
    if (reason == EC_REASON_COUNT && status == EC_STATUS_COUNT) return unknown_code(word, err);
    struct code code = reason != EC_REASON_COUNT ? code_of_reason(reason) : code_of_status(status);
    return print_code(cli, &code, err);
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    return ec_cli_exit(explain(cli, err));
}

const struct ec_command ec_cmd_explain = {
    .name = "explain",
    .summary = N_("what an error, a row's reason or a rule means, and what to do"),
    .arguments = "[CODE]",
    .about = N_("Says what a code means, gives an example, and says what to do. A code is what stands in\n"
             "brackets behind `error`, a reason in the quarantine, a kind of rule such as min_value, or\n"
             "rule:ID for a rule of this project.\n"
             "Without a code, all are listed.\n"
             "\n"
             "Examples:\n"
             "  ecluse explain type-error\n"
             "  ecluse explain rule:quantity.min_value"),
    .arguments_max = 1,
    .run = run,
};
