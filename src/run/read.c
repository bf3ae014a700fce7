/* Reading all pending units: the pool, files rejected as a whole, duplicates across files. */
#include "run/driver.h"

#include "base/io.h"
#include "base/log.h"
#include "quality/score.h"
#include "run/dedupe.h"
#include "run/paths.h"
#include "run/rounds.h"

/* What its ranges brought along, each name once. */
static enum ec_status add_undeclared(struct ec_driver *d, struct ec_unit *unit, const struct ec_task_result *r,
                                     size_t *cap, struct ec_err *err) {
    for (size_t i = 0; i < r->undeclared_count; i++) {
        bool known = false;
        for (size_t k = 0; k < unit->undeclared_count && !known; k++)
            known = strcmp(unit->undeclared[k], r->undeclared[i]) == 0;
        if (known) continue;
        if (unit->undeclared_count == *cap) {
            size_t grown = *cap ? *cap * 2 : 16;
            const char **list = ec_arena_calloc(&d->arena, grown, sizeof *list);
            if (!list) return ec_fail(err, EC_NO_MEMORY, "no memory for the run");
            if (*cap) memcpy(list, unit->undeclared, *cap * sizeof *list);
            unit->undeclared = list;
            *cap = grown;
        }
        unit->undeclared[unit->undeclared_count++] = r->undeclared[i];
    }
    return EC_OK;
}

/* The unit's facts are those of its tasks together; one task that failed fails the file. Facts are
 * large where files are many: they move to the unit. */
static enum ec_status merge_unit(struct ec_driver *d, size_t u, struct ec_err *err) {
    const struct ec_plan_unit *planned = &d->plan.unit[u];
    struct ec_unit *unit = d->state[u].unit;
    size_t cap = 0;
    struct ec_work_time before = unit->facts.time; /* of an earlier reading */
    bool anew = false;
    ec_work_time_set_aside(&before);
    ec_facts_deinit(&unit->facts);
    unit->undeclared_count = unit->missing_count = 0;
    for (size_t t = planned->task_first; t < planned->task_first + planned->task_count; t++) {
        struct ec_task_result *r = &d->result[t];
        anew |= !r->kept;
        if (r->status != EC_OK) {
            unit->status = r->status;
            unit->message = r->error ? r->error : "";
        }
        unit->missing = r->missing;
        unit->missing_count = r->missing_count;
        if (unit->status != EC_OK) return EC_OK;
        EC_TRY(add_undeclared(d, unit, r, &cap, err));
        if (unit->undeclared_count > EC_UNDECLARED_MAX) { /* in no range too many, but in the file */
            unit->status = EC_TOO_MANY_COLUMNS;
            unit->message = _("its ranges have more keys together that the schema does not declare than the limit; declare them under "
                              "optional_columns or ask for the file again");
            return EC_OK;
        }
        if (planned->task_count > 1) {
            EC_TRY(ec_facts_merge(&unit->facts, &r->facts, err));
            ec_facts_deinit(&r->facts);
        } else {
            unit->facts = r->facts;
            ec_facts_init(&r->facts);
        }
    }
    if (!anew) before = (struct ec_work_time){0}; /* what was kept has it */
    ec_work_time_add(&unit->facts.time, &before);
    unit->elapsed_us = unit->facts.elapsed_us + before.again_ns / 1000;
    return EC_OK;
}

/* The ranges of a file of JSON lines may each lack a column; the file as a whole may not. */
static enum ec_status check_ranges(struct ec_driver *d, size_t u, struct ec_err *err) {
    struct ec_unit *unit = d->state[u].unit;
    const struct ec_source *s = unit->source;
    if (d->plan.unit[u].task_count < 2 || unit->status != EC_OK) return EC_OK;
    unit->missing = ec_arena_calloc(&d->arena, s->column_count, sizeof *unit->missing);
    if (!unit->missing) return ec_fail(err, EC_NO_MEMORY, "no memory for the run");
    unit->missing_count = 0;
    for (size_t c = 0; c < s->column_count && c < unit->facts.column_count; c++) {
        if (unit->facts.column[c].present) continue;
        unit->missing[unit->missing_count++] = s->column[c].name;
        if (!s->column[c].required || unit->status != EC_OK) continue;
        unit->status = EC_MISSING_COLUMN;
        unit->message = ec_arena_printf(&d->arena, _("the required column %s is missing"), s->column[c].name);
        if (!unit->message) return ec_fail(err, EC_NO_MEMORY, "no memory for the run");
    }
    return EC_OK;
}

static enum ec_status merge_units(struct ec_driver *d, struct ec_err *err) {
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        if (!ec_unit_pending(d, u) || d->state[u].unit->status != EC_OK || d->state[u].merged) continue;
        EC_TRY(merge_unit(d, u, err));
        EC_TRY(check_ranges(d, u, err));
        d->state[u].merged = true;
    }
    return EC_OK;
}

/* Adds the tasks of a unit to the round: with a drop list, to take the rows out of what they have made,
 * else to make everything anew. */
static enum ec_status repeat_unit(struct ec_round *round, size_t u, bool reject, struct ec_err *err) {
    struct ec_driver *d = round->driver;
    const struct ec_plan_unit *unit = &d->plan.unit[u];
    for (size_t t = unit->task_first; t < unit->task_first + unit->task_count; t++) {
        struct ec_task *task = &d->plan.task[t];
        task->reject = reject;
        task->drop = d->state[u].drop;
        task->kept = !reject;
        if (reject) EC_TRY(ec_dir_remove(task->out, true, err));
        round->index[round->count++] = t;
    }
    d->state[u].merged = false;
    return EC_OK;
}

/* Whether nothing of the file may be loaded: a critical rule says so, or its gate failed and the
 * source asks for that. */
static enum ec_status is_rejected(struct ec_driver *d, size_t u, bool *rejected, struct ec_err *err) {
    const struct ec_unit *unit = d->state[u].unit;
    *rejected = unit->facts.rejected;
    if (*rejected || !unit->source->reject_failed) return EC_OK;
    struct ec_judgement judgement;
    EC_TRY(ec_judge(unit, &d->arena, &judgement, err));
    *rejected = judgement.verdict == EC_VERDICT_FAILED;
    return EC_OK;
}

/* A rejected file is read again with every row going to quarantine: nothing of it is loaded,
 * nothing of it is lost. */
static enum ec_status reject_files(struct ec_driver *d, struct ec_err *err) {
    struct ec_round round;
    EC_TRY(ec_round_make(d, &round, err));
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        if (!ec_unit_pending(d, u) || d->state[u].unit->status != EC_OK) continue;
        EC_TRY(is_rejected(d, u, &d->state[u].rejected, err));
        if (d->state[u].rejected) EC_TRY(repeat_unit(&round, u, true, err));
    }
    return ec_round_run(&round, err);
}

/* A file that was written to while it was read may be half of itself: it is not loaded. */
static enum ec_status check_unchanged(struct ec_driver *d, size_t u, struct ec_err *err) {
    const struct ec_input *in = d->plan.unit[u].input;
    struct ec_unit *unit = d->state[u].unit;
    char path[EC_PATH_MAX];
    struct stat st;
    if (in->tag) return EC_OK; /* a copy of ours, of one version */
    EC_TRY(ec_path_join(path, sizeof path, in->root, in->path, err));
    if (stat(path, &st) == 0) {
        int64_t mtime_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
        bool same_size = in->member || (uint64_t)st.st_size == in->bytes;
        if (mtime_us == in->mtime_us && st.st_ino == in->inode && same_size) return EC_OK;
    }
    unit->status = EC_FILE_CHANGED;
    unit->message = _("the file changed while it was being read");
    return EC_OK;
}

/* Other files' rows were dropped for the sake of this one's: were it left out now, they would be lost.
 * Nothing is committed yet, so the run may simply be repeated. */
static enum ec_status check_second_reading(struct ec_driver *d, size_t u, struct ec_err *err) {
    EC_TRY(check_unchanged(d, u, err));
    const struct ec_unit *unit = d->state[u].unit;
    if (unit->status == EC_OK) return EC_OK;
    return ec_fail(err, unit->status, "%s%s%s could be read once, but not again: %s; nothing was committed, run again",
                   unit->path, unit->member ? " " : "", unit->member ? unit->member : "", unit->message);
}

static enum ec_status find_duplicates(struct ec_driver *d, const char **drop, struct ec_err *err) {
    struct ec_sql *sql = NULL; /* reads what was loaded before */
    for (size_t i = 0; i < d->table_count && !sql; i++)
        if (d->table[i].delta->file_count > 0) EC_TRY(ec_driver_strong_sql(d, &sql, err));
    bool *loaded = ec_arena_calloc(&d->arena, d->plan.unit_count, sizeof *loaded);
    if (!loaded) return ec_fail(err, EC_NO_MEMORY, "no memory to compare keys");
    for (size_t u = 0; u < d->plan.unit_count; u++) loaded[u] = ec_unit_loaded(d, u);
    struct ec_dedupe dedupe = {&d->plan, d->result, loaded, sql, d->staging};
    for (size_t i = 0; i < d->config->source_count; i++) {
        const struct ec_source *source = &d->config->source[i];
        const struct ec_table *table = ec_driver_table(d, source->name);
        uint64_t dropped;
        if (table) EC_TRY(ec_dedupe_source(&dedupe, source, table, &d->arena, drop, &dropped, err));
    }
    return EC_OK;
}

static enum ec_status drop_duplicates(struct ec_driver *d, struct ec_err *err) {
    struct ec_round round;
    EC_TRY(ec_round_make(d, &round, err));
    const char **drop = ec_arena_calloc(&d->arena, d->plan.unit_count, sizeof *drop);
    if (!drop) return ec_fail(err, EC_NO_MEMORY, "no memory to compare keys");
    ec_timing_begin(d->timing, N_("keys"));
    EC_TRY(find_duplicates(d, drop, err));
    ec_timing_end(d->timing);
    ec_timing_begin(d->timing, N_("second reading"));
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        if (!drop[u]) continue;
        d->state[u].drop = drop[u];
        EC_TRY(repeat_unit(&round, u, false, err));
    }
    EC_TRY(ec_round_run(&round, err));
    EC_TRY(merge_units(d, err));
    for (size_t u = 0; u < d->plan.unit_count; u++)
        if (drop[u]) EC_TRY(check_second_reading(d, u, err));
    ec_timing_end(d->timing);
    return EC_OK;
}

static enum ec_status imbalance(const struct ec_unit *unit, const char *what, uint64_t have, uint64_t want,
                                struct ec_err *err) {
    return ec_fail(err, EC_IMBALANCE, "%s%s%s: %s: %llu instead of %llu", unit->path, unit->member ? " " : "",
                   unit->member ? unit->member : "", what, (unsigned long long)have, (unsigned long long)want);
}

/* read = accepted + quarantined + duplicates, and each lies where it should. */
static enum ec_status check_balance(const struct ec_driver *d, size_t u, struct ec_err *err) {
    const struct ec_plan_unit *planned = &d->plan.unit[u];
    const struct ec_unit *unit = d->state[u].unit;
    const struct ec_facts *f = &unit->facts;
    uint64_t in_parts = 0, in_quarantine = 0;
    for (size_t t = planned->task_first; t < planned->task_first + planned->task_count; t++) {
        for (size_t i = 0; i < d->result[t].part_count; i++) in_parts += d->result[t].part[i].rows;
        in_quarantine += d->result[t].quarantined;
    }
    if (f->read != f->accepted + f->quarantined + f->duplicate)
        return imbalance(unit, _("rows read"), f->read, f->accepted + f->quarantined + f->duplicate, err);
    if (in_parts != f->accepted) return imbalance(unit, _("rows in parts"), in_parts, f->accepted, err);
    if (in_quarantine != f->quarantined + f->duplicate)
        return imbalance(unit, _("rows in quarantine"), in_quarantine, f->quarantined + f->duplicate, err);
    if (d->state[u].rejected && f->accepted != 0)
        return imbalance(unit, _("rows of a rejected file"), f->accepted, 0, err);
    return EC_OK;
}

static enum ec_status first_reading(struct ec_driver *d, struct ec_err *err) {
    ec_timing_begin(d->timing, N_("read"));
    EC_TRY(ec_workers_finish_first(d, err));
    for (size_t u = 0; u < d->plan.unit_count; u++)
        if (ec_unit_pending(d, u) && d->state[u].unit->status == EC_OK) EC_TRY(check_unchanged(d, u, err));
    EC_TRY(merge_units(d, err));
    for (size_t i = 0; i < d->facts.unit_count; i++)
        if (ec_unit_known(&d->facts.unit[i]))
            ec_timing_count(d->timing, d->facts.unit[i].facts.read, d->facts.unit[i].facts.bytes_decoded);
    ec_timing_end(d->timing);
    return EC_OK;
}

static enum ec_status compose_tables(struct ec_driver *d, bool final, struct ec_err *err) {
    ec_timing_begin(d->timing, N_("tables"));
    EC_TRY(ec_driver_sources(d, final, err));
    ec_timing_end(d->timing);
    return EC_OK;
}

enum ec_status ec_driver_read(struct ec_driver *d, struct ec_err *err) {
    EC_TRY(first_reading(d, err));
    ec_timing_begin(d->timing, N_("rejected files"));
    EC_TRY(reject_files(d, err));
    EC_TRY(merge_units(d, err));
    ec_timing_end(d->timing);
    EC_TRY(compose_tables(d, false, err));
    EC_TRY(drop_duplicates(d, err));
    ec_pool_hang_up(d->pool); /* they end while the driver goes on */
    for (size_t u = 0; u < d->plan.unit_count; u++)
        if (ec_unit_pending(d, u) && d->state[u].unit->status == EC_OK) EC_TRY(check_balance(d, u, err));
    return compose_tables(d, true, err);
}
