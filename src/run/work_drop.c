/* Rows taken out of what a task has made: its parts, its counts, its quarantine.
 *
 * A row that repeats a key of another file was accepted when its own file was read. To reject it now
 * changes
 *
 *     parts        the row goes, the others stay as they are            ec_parquet_drop_rows()
 *     quarantine   its line comes; rows of the task that repeat it      ec_quarantine_merge()
 *                  name the other file's row as their first
 *     facts        accepted, duplicate, by_reason, and of the check of the key the failed ones and
 *                  its samples. Profiles are of all rows that can be read, whatever becomes of them,
 *                  and every other check came before.
 *
 * All that must be read of the file are those rows, for their bytes (run/again.h).
 */
#include "run/work.h"

#include "base/io.h"
#include "base/utf8.h"
#include "run/again.h"
#include "store/parquet_drop.h"

#include <stdlib.h>

#define ADDED_FILE "dropped.jsonl"
#define NEW_SUFFIX ".new"

struct sample {
    uint64_t offset;
    struct ec_sample sample;
};

struct taking {
    const struct ec_task *task;
    const struct ec_source *source;
    struct ec_laps *laps;
    struct ec_task_result *result;
    struct ec_kept kept;
    struct ec_drop_list list;
    const struct ec_drop *drop; /* those of the list that are this task's */
    size_t count;
    struct ec_quarantine added;
    struct ec_repeats repeats;
    struct ec_first first;                    /* of the row that the merge asked for last */
    struct sample sample[2 * EC_SAMPLES_MAX]; /* of rows dropped, then of those rejected before */
    size_t sample_count, repeats_met;
    char path[EC_PATH_MAX], added_path[EC_PATH_MAX], repeats_path[EC_PATH_MAX], quarantine_path[EC_PATH_MAX];
};

static enum ec_status not_so(const struct taking *t, struct ec_err *err) {
    return ec_fail(err, EC_PROTOCOL, "what the task %s kept does not fit its drop list", t->task->id);
}

/* ---- which rows ---- */

/* The list is of the whole file, the task perhaps of a range. */
static enum ec_status find_drops(struct taking *t, struct ec_err *err) {
    const struct ec_task *task = t->task;
    EC_TRY(ec_drop_list_load(task->drop, &t->list, err));
    t->drop = t->list.drop;
    t->count = t->list.count;
    while (t->count > 0 && t->drop->key.offset < task->range_start) t->drop++, t->count--;
    while (task->range_end > 0 && t->count > 0 && t->drop[t->count - 1].key.offset >= task->range_end) t->count--;
    for (size_t i = 0; i < t->count; i++) {
        const struct ec_drop *d = &t->drop[i];
        if (!d->placed || d->key.length > EC_RECORD_MAX) return not_so(t, err);
        if (d->key.part >= t->result->part_count || d->key.row == UINT32_MAX) return not_so(t, err);
        if (i > 0 && d->key.offset <= d[-1].key.offset) return not_so(t, err);
    }
    return EC_OK;
}

static const struct ec_drop *find_drop(const struct taking *t, uint64_t offset) {
    struct ec_drop_list mine = {.drop = (struct ec_drop *)(uintptr_t)t->drop, .count = t->count};
    return ec_drop_find(&mine, offset);
}

/* ---- quarantine ---- */

/* As the gate notes it. */
static enum ec_status note_sample(struct taking *t, const struct ec_batch *batch, const struct ec_fault *fault,
                                  const struct ec_gate_cells *cells, struct ec_err *err) {
    const struct ec_place *place = &batch->place[fault->row];
    struct ec_arena *arena = &t->result->facts.arena;
    if (t->sample_count == EC_SAMPLES_MAX) return EC_OK;
    size_t n = ec_utf8_truncate(fault->value.p, fault->value.n, EC_SAMPLE_TEXT_MAX);
    const char *copy = ec_arena_copy(arena, fault->value.p, n);
    if (!copy) return ec_fail(err, EC_NO_MEMORY, "no memory for the samples of %s", t->path);
    struct sample *sample = &t->sample[t->sample_count];
    *sample = (struct sample){place->offset, {.line = place->line, .value = copy}};
    if (!ec_gate_excerpt(cells, batch, fault->row, fault->column, fault->value, arena, &sample->sample.excerpt))
        return ec_fail(err, EC_NO_MEMORY, "no memory for the samples of %s", t->path);
    t->sample_count++;
    return EC_OK;
}

static enum ec_status reject_rows(struct taking *t, struct ec_batch *batch, const struct ec_drop *drop,
                                  const struct ec_gate_cells *cells, struct ec_first *first, struct ec_err *err) {
    size_t column = ec_source_column(t->source, t->source->key[0]);
    for (size_t row = 0; row < batch->rows; row++) {
        struct ec_fault fault = {.row = (uint32_t)row,
                                 .column = (uint32_t)column,
                                 .reason = EC_REASON_DUPLICATE,
                                 .value = ec_batch_cell_text(batch, column, row)};
        if (!fault.value.p) return ec_fail(err, EC_NO_MEMORY, "no memory for the quarantine of %s", t->path);
        first[row] = (struct ec_first){(uint32_t)row, drop[row].first_file, drop[row].first_line};
        ec_bit_set(batch->duplicate, row);
        EC_TRY(ec_batch_fault(batch, fault, err));
        EC_TRY(note_sample(t, batch, &fault, cells, err));
    }
    return ec_quarantine_write(&t->added, batch, first, batch->rows, err);
}

static enum ec_status reject_all(struct taking *t, struct ec_again *again, struct ec_first *first, struct ec_err *err) {
    struct ec_batch *batch;
    const struct ec_drop *drop;
    do {
        EC_TRY(ec_again_next(again, &batch, &drop, err));
        ec_lap(t->laps, EC_WORK_READ);
        struct ec_gate_cells cells = {.source = t->source, .own_first = batch->columns};
        cells.cell_of = ec_again_cells(again, &cells.count);
        if (batch->rows > 0) EC_TRY(reject_rows(t, batch, drop, &cells, first, err));
        ec_lap(t->laps, EC_WORK_QUARANTINE);
    } while (batch->rows > 0);
    return ec_quarantine_finish(&t->added, err);
}

/* The lines of the rows that go, in a file of their own. */
static enum ec_status write_added(struct taking *t, struct ec_err *err) {
    const struct ec_task *task = t->task;
    struct ec_quarantine_options options = {.path = t->added_path,
                                            .source = t->source,
                                            .run = task->run,
                                            .file = task->path,
                                            .member = task->member,
                                            .temporary = true};
    struct ec_again_args args = {
        .source = t->source, .task = task, .kept = &t->kept, .path = t->path, .drop = t->drop, .count = t->count};
    struct ec_again *again = NULL;
    EC_TRY(ec_quarantine_init(&t->added, &options, err));
    struct ec_first *first = ec_calloc(EC_BATCH_ROWS, sizeof *first);
    if (!first) return ec_fail(err, EC_NO_MEMORY, "no memory for the quarantine of %s", t->path);
    enum ec_status status = ec_again_open(&args, &again, err);
    if (status == EC_OK) status = reject_all(t, again, first, err);
    ec_again_close(again);
    ec_free(first);
    return status;
}

/* What repeats a row that goes is a repetition of what that one repeats. Also finds at which offsets
 * the samples of the first reading lie: they are of its first repetitions. */
static enum ec_status first_of(void *user, uint64_t offset, const struct ec_first **first, struct ec_err *err) {
    struct taking *t = user;
    const struct ec_repeat *pair;
    *first = NULL;
    EC_TRY(ec_repeats_peek(&t->repeats, &pair, err));
    if (!pair || pair->offset != offset) return EC_OK;
    if (t->repeats_met < EC_SAMPLES_MAX) t->sample[EC_SAMPLES_MAX + t->repeats_met++].offset = offset;
    const struct ec_drop *drop = find_drop(t, pair->first);
    ec_repeats_pass(&t->repeats);
    if (!drop) return EC_OK;
    t->first = (struct ec_first){.file = drop->first_file, .line = drop->first_line};
    *first = &t->first;
    return EC_OK;
}

static enum ec_status merge_quarantine(struct taking *t, struct ec_err *err) {
    struct ec_task_result *r = t->result;
    char made[EC_PATH_MAX];
    EC_TRY(ec_path_join(made, sizeof made, t->task->out, EC_QUARANTINE_FILE NEW_SUFFIX, err));
    ec_repeats_init(&t->repeats, t->repeats_path);
    if (t->kept.repeats) EC_TRY(ec_repeats_open(&t->repeats, err));
    struct ec_quarantine_merge merge = {.kept = r->quarantine ? t->quarantine_path : NULL,
                                        .added = t->added_path,
                                        .out = made,
                                        .first_of = first_of,
                                        .user = t};
    uint64_t rows;
    const struct ec_repeat *left;
    EC_TRY(ec_quarantine_merge(&merge, &rows, err));
    EC_TRY(ec_repeats_peek(&t->repeats, &left, err));
    if (left || rows != r->quarantined + t->count) return not_so(t, err);
    if (ec_io.rename(made, t->quarantine_path) != 0) return ec_fail_errno(err, EC_IO, "cannot rename %s", made);
    r->quarantine = EC_QUARANTINE_FILE;
    r->quarantined = rows;
    ec_lap(t->laps, EC_WORK_QUARANTINE);
    return EC_OK;
}

/* ---- parts ---- */

static int by_place(const void *a, const void *b) {
    const struct ec_key *x = *(const struct ec_key *const *)a, *y = *(const struct ec_key *const *)b;
    if (x->part != y->part) return x->part < y->part ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static enum ec_status rewrite_part(struct taking *t, struct ec_task_part *part, const uint64_t *row, size_t n,
                                   struct ec_err *err) {
    char path[EC_PATH_MAX], made[EC_PATH_MAX];
    struct ec_part_stats stats;
    EC_TRY(ec_path_join(path, sizeof path, t->task->out, part->path, err));
    int written = snprintf(made, sizeof made, "%s" NEW_SUFFIX, path);
    if (written < 0 || (size_t)written >= sizeof made) return ec_fail(err, EC_IO, "the path %s is too long", path);
    uint64_t before = part->rows;
    EC_TRY(ec_parquet_drop_rows(path, made, row, n, &stats, err));
    enum ec_status status = EC_OK;
    if (stats.rows != before - n)
        status = not_so(t, err);
    else if (stats.rows > 0)
        status = ec_work_part(&t->result->arena, &stats, part, err);
    else
        part->rows = 0;
    ec_part_stats_deinit(&stats);
    EC_TRY(status);
    if (part->rows > 0 ? ec_io.rename(made, path) != 0 : ec_io.unlink(path) != 0)
        return ec_fail_errno(err, EC_IO, "cannot replace %s", path);
    return EC_OK;
}

/* One part after the other; place[] is in order of part and row. */
static enum ec_status rewrite_parts(struct taking *t, const struct ec_key *const *place, uint64_t *row,
                                    struct ec_err *err) {
    struct ec_task_result *r = t->result;
    for (size_t i = 0, n; i < t->count; i += n) {
        for (n = 0; i + n < t->count && place[i + n]->part == place[i]->part; n++) row[n] = place[i + n]->row;
        struct ec_task_part *part = &r->part[place[i]->part];
        if (n > part->rows) return not_so(t, err);
        EC_TRY(rewrite_part(t, part, row, n, err));
    }
    size_t kept = 0;
    for (size_t i = 0; i < r->part_count; i++)
        if (r->part[i].rows > 0) r->part[kept++] = r->part[i];
    r->part_count = kept;
    ec_lap(t->laps, EC_WORK_ENCODE);
    return EC_OK;
}

static enum ec_status take_out_of_parts(struct taking *t, struct ec_err *err) {
    const struct ec_key **place = ec_calloc(t->count, sizeof *place);
    uint64_t *row = ec_calloc(t->count, sizeof *row);
    enum ec_status status = EC_OK;
    if (place && row) {
        for (size_t i = 0; i < t->count; i++) place[i] = &t->drop[i].key;
        qsort(place, t->count, sizeof *place, by_place);
        status = rewrite_parts(t, place, row, err);
    } else {
        status = ec_fail(err, EC_NO_MEMORY, "no memory to take rows out of the parts of %s", t->path);
    }
    ec_free(place);
    ec_free(row);
    return status;
}

/* ---- facts ---- */

/* The first of all duplicates, as if the file had been read with the drop list. */
static enum ec_status merge_samples(struct taking *t, struct ec_check_facts *check, struct ec_err *err) {
    struct ec_sample merged[EC_SAMPLES_MAX];
    const struct sample *old = &t->sample[EC_SAMPLES_MAX];
    size_t n = 0, i = 0, k = 0;
    if (check->sample_count > t->repeats_met) return not_so(t, err);
    while (n < EC_SAMPLES_MAX && (i < t->sample_count || k < check->sample_count)) {
        bool is_old = i == t->sample_count || (k < check->sample_count && old[k].offset < t->sample[i].offset);
        merged[n++] = is_old ? check->sample[k] : t->sample[i].sample;
        k += is_old;
        i += !is_old;
    }
    memcpy(check->sample, merged, n * sizeof *merged);
    check->sample_count = n;
    return EC_OK;
}

static enum ec_status change_facts(struct taking *t, struct ec_err *err) {
    struct ec_facts *facts = &t->result->facts;
    struct ec_check_facts *check = NULL;
    for (size_t i = 0; i < facts->check_count; i++)
        if (strcmp(facts->check[i].rule, EC_GATE_UNIQUE) == 0) check = &facts->check[i];
    if (!check || facts->accepted < t->count) return not_so(t, err);
    facts->accepted -= t->count;
    facts->duplicate += t->count;
    facts->by_reason[EC_REASON_DUPLICATE] += t->count;
    check->failed += t->count;
    return merge_samples(t, check, err);
}

/* ---- all ---- */

static enum ec_status take_out(struct taking *t, const struct ec_config *config, struct ec_err *err) {
    const struct ec_task *task = t->task;
    EC_TRY(ec_work_source(config, task, &t->source, t->path, err));
    EC_TRY(ec_path_join(t->added_path, sizeof t->added_path, task->out, ADDED_FILE, err));
    EC_TRY(ec_path_join(t->repeats_path, sizeof t->repeats_path, task->out, EC_REPEATS_FILE, err));
    EC_TRY(ec_path_join(t->quarantine_path, sizeof t->quarantine_path, task->out, EC_QUARANTINE_FILE, err));
    EC_TRY(ec_kept_read(task->out, task->id, &t->kept, t->result, err));
    EC_TRY(find_drops(t, err));
    ec_lap(t->laps, EC_WORK_OPEN);
    t->result->keys = NULL;
    t->result->key_count = 0;
    if (t->count == 0) return EC_OK;
    if (t->source->key_count == 0) return not_so(t, err);
    EC_TRY(write_added(t, err));
    EC_TRY(merge_quarantine(t, err));
    EC_TRY(take_out_of_parts(t, err));
    return change_facts(t, err);
}

/* What says that this way is closed, but not that reading again is. */
static bool is_no_obstacle(enum ec_status status) {
    return ec_status_is_of_the_file(status) || status == EC_PROTOCOL || status == EC_TABLE_FORMAT;
}

enum ec_status ec_work_drop(const struct ec_config *config, const struct ec_task *task, struct ec_laps *laps,
                            struct ec_task_result *result, bool *done, struct ec_err *why, struct ec_err *err) {
    *done = false;
    struct taking *t = ec_calloc(1, sizeof *t);
    if (!t) return ec_fail(err, EC_NO_MEMORY, "no memory for the task %s", task->id);
    t->task = task;
    t->laps = laps;
    t->result = result;
    t->added.fd = -1;
    t->repeats.fd = -1;
    enum ec_status status = take_out(t, config, why);
    ec_repeats_close(&t->repeats);
    ec_quarantine_deinit(&t->added);
    ec_drop_list_deinit(&t->list);
    ec_free(t);
    *done = status == EC_OK;
    if (status == EC_OK || is_no_obstacle(status)) return EC_OK;
    if (err) *err = *why;
    return status;
}
