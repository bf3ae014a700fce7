#include "cli/plan_text.h"

#include "cli/project.h"
#include "cli/show.h"
#include "run/models.h"
#include "run/plan.h"

/* Why a model would be computed: with the files that are read, never alone. */
enum due { DUE_NOT, DUE_NEW, DUE_CHANGED, DUE_INPUT };

struct planning {
    const struct ec_config *config;
    struct ec_plan plan;
    struct ec_sql *sql;
    struct ec_project_models models;
    enum due *due;     /* per model */
    size_t unfinished; /* runs that a crash interrupted */
    uint64_t bytes;    /* to be read */
};

static const char *due_name(enum due due) {
    static const char *const names[] = {"up-to-date", "new", "changed", "input"};
    return names[due];
}

static const char *due_sentence(enum due due) {
    static const char *const sentences[] = {N_("up to date"), N_("new model"), N_("its text changed"), N_("new data in an input")};
    return _(sentences[due]);
}

/* The fingerprint that the newest run recorded, or NULL. */
static const char *known_fingerprint(const struct ec_plan *plan, const char *name) {
    if (plan->manifest_count == 0) return NULL;
    const struct ec_manifest *last = &plan->manifest[plan->manifest_count - 1];
    for (size_t i = 0; i < last->model_count; i++)
        if (strcmp(last->model[i].name, name) == 0) return last->model[i].fingerprint;
    return NULL;
}

static bool source_is_due(const struct ec_plan *plan, const char *name) {
    for (size_t i = 0; i < plan->unit_count; i++)
        if (ec_cause_is_pending(plan->unit[i].cause) && strcmp(plan->unit[i].input->source->name, name) == 0)
            return true;
    return false;
}

static enum due judge_model(const struct planning *p, size_t index) {
    const struct ec_model *m = &p->models.models->model[index];
    const char *known = known_fingerprint(&p->plan, m->table.name);
    if (!known) return DUE_NEW;
    if (strcmp(known, m->fingerprint) != 0) return DUE_CHANGED;
    for (size_t i = 0; i < m->input_count; i++) {
        const struct ec_model_input *in = &m->input[i];
        if (in->reach == EC_REACH_CURRENT) continue; /* a lookup: its changes recompute nothing */
        bool due = in->model == SIZE_MAX ? source_is_due(&p->plan, in->table->name) : p->due[in->model] != DUE_NOT;
        if (due) return DUE_INPUT;
    }
    return DUE_NOT;
}

static enum ec_status count_unfinished(struct planning *p, struct ec_err *err) {
    struct ec_manifest_list list;
    enum ec_status status = ec_manifest_list(p->config->dir, &list, err);
    for (size_t i = 0; i < list.count && status == EC_OK; i++) p->unfinished += !list.finished[i];
    ec_manifest_list_deinit(&list);
    return status;
}

static enum ec_status make(struct planning *p, const struct ec_run_options *run, struct ec_err *err) {
    struct ec_plan_options options = {.config = p->config,
                                      .select = run->select,
                                      .select_count = run->select_count,
                                      .force = run->force,
                                      .as_of = run->as_of,
                                      .now_us = run->now_us};
    struct ec_sql_options sql = {.threads = 1, .memory_bytes = p->config->memory_bytes, .run_date = run->as_of};
    EC_TRY(ec_sql_open(&sql, &p->sql, err));
    EC_TRY(ec_project_models_load(p->config, p->sql, NULL, &p->models, err));
    EC_TRY(ec_plan_make(&options, &p->plan, err));
    EC_TRY(count_unfinished(p, err));
    p->due = ec_arena_calloc(&p->plan.arena, p->models.models->count, sizeof *p->due);
    if (!p->due) return ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
    for (size_t i = 0; i < p->models.models->count; i++) p->due[i] = judge_model(p, i);
    for (size_t i = 0; i < p->plan.unit_count; i++)
        if (ec_cause_is_pending(p->plan.unit[i].cause)) p->bytes += p->plan.unit[i].bytes;
    return EC_OK;
}

static enum ec_status print_files(const struct planning *p, struct ec_err *err) {
    static const struct ec_grid_column columns[] = {
        {N_("SOURCE"), false}, {N_("FILE"), false}, {N_("SIZE"), true}, {N_("TASKS"), true}, {N_("WHY"), false}};
    struct ec_grid grid;
    ec_grid_init(&grid, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < p->plan.unit_count; i++) {
        const struct ec_plan_unit *u = &p->plan.unit[i];
        const char *member = u->input->member;
        ec_grid_str(&grid, u->input->source->name);
        ec_grid_printf(&grid, "%s%s%s", u->input->path, member ? "/" : "", member ? member : "");
        ec_grid_bytes(&grid, u->bytes);
        ec_grid_count(&grid, u->task_count);
        if (u->status != EC_OK)
            ec_grid_printf(&grid, _("not readable [%s]: %s"), ec_status_text(u->status)->slug,
                           u->problem ? u->problem : "");
        else if (u->since)
            ec_grid_printf(&grid, _("%s (run %s)"), _(ec_cause_sentence(u->cause)), u->since);
        else
            ec_grid_str(&grid, _(ec_cause_sentence(u->cause)));
    }
    enum ec_status status = ec_grid_print(&grid, stdout, err);
    ec_grid_deinit(&grid);
    return status;
}

static void add_inputs(struct ec_grid *grid, const struct ec_model *m) {
    struct ec_buf text = ec_buf_make(EC_SHOW_BYTES_MAX);
    for (size_t i = 0; i < m->input_count; i++) {
        ec_buf_printf(&text, "%s%s", i ? ", " : "", m->input[i].table->name);
        if (m->input[i].reach == EC_REACH_DAYS)
            ec_buf_printf(&text, P_(" (within %u day)", " (within %u days)", m->input[i].days), m->input[i].days);
        if (m->input[i].reach == EC_REACH_CURRENT) ec_buf_addz(&text, _(" (current)"));
    }
    ec_grid_text(grid, ec_buf_str(&text));
    ec_buf_free(&text);
}

static enum ec_status print_models(const struct planning *p, struct ec_err *err) {
    static const struct ec_grid_column columns[] = {
        {N_("MODEL"), false}, {N_("LAYER"), false}, {N_("BY"), false}, {N_("FROM"), false}, {N_("WHY"), false}};
    struct ec_grid grid;
    ec_grid_init(&grid, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < p->models.models->count; i++) {
        const struct ec_model *m = &p->models.models->model[i];
        ec_grid_str(&grid, m->table.name);
        ec_grid_str(&grid, ec_layer_name(m->layer));
        ec_grid_str(&grid, m->table.partition_by);
        add_inputs(&grid, m);
        bool waits = p->due[i] != DUE_NOT && p->plan.pending == 0;
        ec_grid_printf(&grid, "%s%s", due_sentence(p->due[i]), waits ? _("; computed with the next file") : "");
    }
    enum ec_status status = ec_grid_print(&grid, stdout, err);
    ec_grid_deinit(&grid);
    return status;
}

static void print_summary(const struct planning *p) {
    const struct ec_plan *plan = &p->plan;
    char size[EC_FIGURE_MAX], count[EC_FIGURE_MAX];
    if (p->unfinished)
        (void)printf(P_("%zu earlier run was interrupted: the next run finishes it first.\n\n",
                        "%zu earlier runs were interrupted: the next run finishes them first.\n\n", p->unfinished),
                     p->unfinished);
    if (plan->unit_count == 0)
        (void)printf(_("No files: data/raw holds none that a source of pipeline_config.yaml names.\n"));
    else if (plan->pending == 0)
        (void)printf(P_("Nothing to read: %s file, already applied.\n", "Nothing to read: %s files, all already applied.\n",
                        plan->unit_count),
                     ec_figure_count(plan->unit_count, count));
    else
        (void)printf(_("Run %u would read %zu of %zu %s (%s) as %zu %s, with %u %s.\n"), plan->seq, plan->pending,
                     plan->unit_count, P_("file", "files", plan->unit_count), ec_figure_bytes(p->bytes, size),
                     plan->task_count, P_("task", "tasks", plan->task_count), p->config->workers,
                     P_("worker", "workers", p->config->workers));
}

static enum ec_status print_text(const struct planning *p, struct ec_err *err) {
    print_summary(p);
    if (p->plan.unit_count) {
        (void)printf("\n");
        EC_TRY(print_files(p, err));
    }
    if (p->models.models->count) {
        (void)printf("\n");
        EC_TRY(print_models(p, err));
    }
    if (p->plan.inputs.unclaimed_count == 0) return EC_OK;
    static const struct ec_grid_column columns[] = {{N_("FILES OF NO SOURCE"), false}};
    struct ec_grid grid;
    ec_grid_init(&grid, columns, 1);
    for (size_t i = 0; i < p->plan.inputs.unclaimed_count; i++) ec_grid_str(&grid, p->plan.inputs.unclaimed[i]);
    (void)printf("\n");
    enum ec_status status = ec_grid_print(&grid, stdout, err);
    ec_grid_deinit(&grid);
    return status;
}

static void write_file(struct ec_json_writer *w, const struct ec_plan_unit *u) {
    ec_json_object(w, NULL);
    ec_json_str(w, "source", u->input->source->name);
    ec_json_str(w, "path", u->input->path);
    ec_json_str(w, "member", u->input->member);
    ec_json_uint(w, "bytes", u->bytes);
    ec_json_str(w, "sha256", u->sha256[0] ? u->sha256 : NULL);
    ec_json_str(w, "cause", ec_cause_name(u->cause));
    ec_json_str(w, "since", u->since);
    ec_json_uint(w, "tasks", u->task_count);
    if (u->status != EC_OK) {
        ec_json_error(w, "error", u->status, u->problem);
    } else {
        ec_json_null(w, "error");
    }
    ec_json_end(w);
}

static void write_task(struct ec_json_writer *w, const struct ec_task *task) {
    ec_json_object(w, NULL);
    ec_json_str(w, "task", task->id);
    ec_json_str(w, "source", task->source);
    ec_json_str(w, "path", task->path);
    ec_json_str(w, "member", task->member);
    if (task->range_end) {
        ec_json_array(w, "range");
        ec_json_uint(w, NULL, task->range_start);
        ec_json_uint(w, NULL, task->range_end);
        ec_json_end_array(w);
    } else {
        ec_json_null(w, "range");
    }
    ec_json_end(w);
}

static void write_model(struct ec_json_writer *w, const struct ec_model *m, enum due due) {
    static const char *const reaches[] = {"same", "days", "current"};
    ec_json_object(w, NULL);
    ec_json_str(w, "model", m->table.name);
    ec_json_str(w, "layer", ec_layer_name(m->layer));
    ec_json_str(w, "file", m->file);
    ec_json_str(w, "partition_by", m->table.partition_by);
    ec_json_str(w, "csv", m->csv);
    ec_json_array(w, "inputs");
    for (size_t i = 0; i < m->input_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "table", m->input[i].table->name);
        ec_json_str(w, "reach", reaches[m->input[i].reach]);
        if (m->input[i].reach == EC_REACH_DAYS) ec_json_uint(w, "days", m->input[i].days);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_json_str(w, "cause", due_name(due));
    ec_json_end(w);
}

static enum ec_status print_json(const struct planning *p, struct ec_err *err) {
    const struct ec_plan *plan = &p->plan;
    struct ec_doc doc;
    ec_doc_init(&doc);
    struct ec_json_writer *w = &doc.json;
    ec_json_object(w, NULL);
    ec_json_uint(w, "seq", plan->seq);
    ec_json_uint(w, "pending", plan->pending);
    ec_json_uint(w, "bytes", p->bytes);
    ec_json_uint(w, "workers", p->config->workers);
    ec_json_uint(w, "unfinished_runs", p->unfinished);
    ec_json_array(w, "files");
    for (size_t i = 0; i < plan->unit_count; i++) write_file(w, &plan->unit[i]);
    ec_json_end_array(w);
    ec_json_array(w, "tasks");
    for (size_t i = 0; i < plan->task_count; i++) write_task(w, &plan->task[i]);
    ec_json_end_array(w);
    ec_json_array(w, "models");
    for (size_t i = 0; i < p->models.models->count; i++) write_model(w, &p->models.models->model[i], p->due[i]);
    ec_json_end_array(w);
    ec_json_array(w, "unclaimed");
    for (size_t i = 0; i < plan->inputs.unclaimed_count; i++) ec_json_str(w, NULL, plan->inputs.unclaimed[i]);
    ec_json_end_array(w);
    ec_json_end(w);
    return ec_doc_print(&doc, err);
}

enum ec_status ec_plan_print(const struct ec_cli *cli, const struct ec_config *config, const struct ec_run_options *run,
                             struct ec_err *err) {
    struct planning p = {.config = config};
    enum ec_status status = make(&p, run, err);
    if (status == EC_OK) status = cli->json ? print_json(&p, err) : print_text(&p, err);
    ec_plan_deinit(&p.plan);
    ec_project_models_deinit(&p.models);
    ec_sql_close(p.sql);
    return status;
}
