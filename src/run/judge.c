#include "run/judge.h"

#include "base/io.h"
#include "run/paths.h"

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

enum ec_status ec_judge_source(const struct ec_plan *plan, const struct ec_config *config,
                                   const struct ec_source *source, struct ec_judging *j, struct ec_err *err) {
    char dir[EC_PATH_MAX], log[EC_PATH_MAX];
    if (j->source == source) return EC_OK;
    EC_TRY(ec_project_path(dir, config->dir, EC_DIR_ENRICHED, source->name, err));
    EC_TRY(ec_path_join(log, sizeof log, dir, "_delta_log", err));
    j->source = source;
    j->table_exists = ec_path_exists(log);
    j->newest_drop = source->load == EC_LOAD_REPLACE ? ec_past_newest_drop(&plan->past, source->name) : 0;
    return EC_OK;
}

/* Its content was applied before; what that means now. */
static void judge_applied(const struct ec_judging *j, const struct ec_past_input *past, struct ec_plan_unit *unit) {
    unit->since = past->manifest->run;
    unit->replaces = past->input;
    unit->drop = past->input->drop;
    unit->cause = EC_CAUSE_APPLIED;
    if (unit->drop < j->newest_drop) return; /* a newer drop took its place: it must not come back */
    if (!j->table_exists) {
        unit->cause = EC_CAUSE_TABLE_GONE;
        unit->replaces = NULL;
    } else if (j->force) {
        unit->cause = EC_CAUSE_FORCED;
    } else if (!same_text(past->input->rules, unit->input->source->fingerprint)) {
        unit->cause = EC_CAUSE_CHANGED_RULE;
    }
}

/* The newest manifest that speaks of this content decides; failing that, those of this name. What
 * could not be read changed nothing; what was rejected is no longer in the table. */
void ec_judge_unit(const struct ec_plan *plan, const struct ec_judging *j, struct ec_plan_unit *unit) {
    const struct ec_input *in = unit->input;
    const struct ec_past_input *past;
    unit->cause = EC_CAUSE_NEW;
    unit->drop = plan->seq;
    size_t n = unit->sha256[0] ? ec_past_of_content(&plan->past, in->source->name, unit->sha256, &past) : 0;
    for (size_t i = 0; i < n; i++) {
        if (past[i].input->state == EC_INPUT_APPLIED) {
            judge_applied(j, &past[i], unit);
            return;
        }
        unit->cause = EC_CAUSE_FAILED;
        unit->drop = past[i].input->drop;
        if (past[i].input->state == EC_INPUT_REJECTED) return;
    }
    n = ec_past_of_place(&plan->past, in->source->name, in->path, in->member, &past);
    for (size_t i = 0; i < n; i++) {
        unit->cause = EC_CAUSE_FAILED;
        if (past[i].input->state != EC_INPUT_APPLIED) continue;
        unit->cause = EC_CAUSE_CHANGED_FILE;
        return;
    }
}
