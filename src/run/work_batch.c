/* A batch's way from what was read to parts and quarantine. */
#include "run/work.h"

/* `_file` comes coded: a value that every row has. */
static void fill_origin(struct ec_work *w) {
    struct ec_column *file = &w->batch.column[w->file_at], *line = &w->batch.column[w->line_at];
    size_t full = w->batch.rows / 64, rest = w->batch.rows % 64;
    for (size_t row = 0; row < w->batch.rows; row++) {
        ec_column_text(file)[row] = w->origin_text;
        ec_column_int(line)[row] = (int64_t)w->batch.place[row].line;
    }
    memset(file->valid, 0xff, full * sizeof *file->valid);
    if (rest) file->valid[full] = (UINT64_C(1) << rest) - 1;
    memcpy(line->valid, file->valid, (full + (rest > 0)) * sizeof *file->valid);
    file->dictionary = &w->origin_dictionary;
    file->code = w->origin_code;
}

/* A value that cannot be a partition's costs its row: it must not cost the run. */
static enum ec_status check_partition(struct ec_work *w, struct ec_err *err) {
    if (w->partition == SIZE_MAX) return EC_OK;
    const struct ec_column *c = &w->batch.column[w->partition];
    for (size_t row = 0; row < w->batch.rows; row++) {
        if (ec_bit(w->batch.rejected, row) || ec_partition_fits(c, row)) continue;
        struct ec_fault fault = {.row = (uint32_t)row,
                                 .column = (uint32_t)w->partition,
                                 .reason = c->type.type == EC_TYPE_STRING ? EC_REASON_TOO_LONG : EC_REASON_TYPE,
                                 .value = ec_batch_cell_text(&w->batch, w->partition, row)};
        EC_TRY(ec_batch_fault(&w->batch, fault, err));
    }
    return EC_OK;
}

static enum ec_status reject_duplicate(struct ec_work *w, size_t row, const char *file, uint64_t line,
                                       struct ec_err *err) {
    struct ec_fault fault = {.row = (uint32_t)row, .column = EC_NO_COLUMN, .reason = EC_REASON_DUPLICATE};
    if (w->source->key_count > 0) {
        fault.column = (uint32_t)w->key_column[0];
        fault.value = ec_batch_cell_text(&w->batch, w->key_column[0], row);
    }
    ec_bit_set(w->batch.duplicate, row);
    w->first[w->first_count++] = (struct ec_first){(uint32_t)row, file, line};
    return ec_batch_fault(&w->batch, fault, err);
}

/* Whether the row is a repetition, and of what. A row that is dropped keeps its key all the same: what
 * repeats it further down is a repetition of the same first. */
static enum ec_status compare_key(struct ec_work *w, size_t row, const struct ec_key *key, const struct ec_key *met,
                                  struct ec_err *err) {
    const struct ec_drop *drop = w->drops.count ? ec_drop_find(&w->drops, key->offset) : NULL;
    if (!drop && met && w->drops.count) drop = ec_drop_find(&w->drops, met->offset);
    if (drop) return reject_duplicate(w, row, drop->first_file, drop->first_line, err);
    if (!met) return EC_OK;
    if (w->key_file) EC_TRY(ec_repeats_add(&w->repeats, (struct ec_repeat){key->offset, met->offset}, err));
    return reject_duplicate(w, row, w->origin, met->line, err);
}

static size_t find_keys(struct ec_work *w) {
    struct ec_work_keys *k = w->batch_keys;
    size_t n = ec_key_hash(&w->batch, w->key_column, w->source->key_count, k->key, k->row);
    for (size_t i = 0; i < n; i++) {
        const struct ec_place *place = &w->batch.place[k->row[i]];
        k->key[i].offset = place->offset;
        k->key[i].line = place->line & EC_KEY_LINE_MAX;
        k->key[i].length = place->length & EC_KEY_LENGTH_MAX;
    }
    return n;
}

/* Uniqueness among the rows that passed everything else. */
static enum ec_status compare_keys(struct ec_work *w, struct ec_err *err) {
    w->first_count = 0;
    if (!w->keys) return EC_OK;
    struct ec_work_keys *k = w->batch_keys;
    size_t n = find_keys(w);
    ec_key_set_meet(w->keys, k->key, n, k->met);
    k->accepted = 0;
    for (size_t i = 0; i < n; i++) {
        if (k->met[i] || w->drops.count > 0) EC_TRY(compare_key(w, k->row[i], &k->key[i], k->met[i], err));
        if (ec_bit(w->batch.rejected, k->row[i])) continue;
        k->row[k->accepted] = k->row[i];
        k->key[k->accepted++] = k->key[i];
    }
    return EC_OK;
}

static enum ec_status reject_all(struct ec_batch *batch, struct ec_err *err) {
    for (size_t row = 0; row < batch->rows; row++) {
        if (ec_bit(batch->rejected, row)) continue;
        struct ec_fault fault = {.row = (uint32_t)row, .column = EC_NO_COLUMN, .reason = EC_REASON_FILE};
        EC_TRY(ec_batch_fault(batch, fault, err));
    }
    return EC_OK;
}

static enum ec_status write_accepted(struct ec_work *w, struct ec_err *err) {
    size_t n = 0;
    for (size_t row = 0; row < w->batch.rows; row++) {
        w->rows[n] = (uint32_t)row;
        n += !ec_bit(w->batch.rejected, row);
    }
    return ec_table_writer_append(w->writer, &w->batch, w->rows, n, err);
}

/* With where the rows went, which is known now. All of them are among the accepted ones. */
static enum ec_status write_keys(struct ec_work *w, struct ec_err *err) {
    struct ec_work_keys *k = w->batch_keys;
    const struct ec_row_place *place = ec_table_writer_places(w->writer);
    if (!w->key_file) return EC_OK;
    for (size_t i = 0, at = 0; i < k->accepted; i++, at++) {
        while (w->rows[at] != k->row[i]) at++;
        k->key[i].part = place[at].part;
        k->key[i].row = place[at].row;
    }
    return ec_key_writer_add(w->key_file, k->key, k->accepted, err);
}

/* Where the first record begins, in a file of which something is kept. */
static void note_records(struct ec_work *w) {
    if (!w->records_known) w->records_at = w->batch.place[0].offset;
    w->records_known = true;
}

enum ec_status ec_work_batch(struct ec_work *w, struct ec_err *err) {
    note_records(w);
    ec_coder_run(w->coder, &w->batch);
    for (size_t i = 0; i < w->expression_count; i++) memset(w->expression_failed[i], 0, EC_BATCH_ROWS / 8);
    if (w->derivation) EC_TRY(ec_derive_eval(w->derivation, &w->batch, w->derived_first, w->expression_failed, err));
    fill_origin(w);
    ec_lap(&w->laps, EC_WORK_DERIVE);
    EC_TRY(ec_gate_check(w->gate, &w->batch, w->expression_failed, err));
    EC_TRY(check_partition(w, err));
    ec_lap(&w->laps, EC_WORK_CHECK);
    EC_TRY(compare_keys(w, err));
    ec_lap(&w->laps, EC_WORK_KEYS);
    if (w->task->reject) EC_TRY(reject_all(&w->batch, err));
    EC_TRY(ec_gate_count(w->gate, &w->batch, err));
    ec_lap(&w->laps, EC_WORK_CHECK);
    if (!w->task->out) return EC_OK;
    EC_TRY(ec_quarantine_write(&w->quarantine, &w->batch, w->first, w->first_count, err));
    ec_lap(&w->laps, EC_WORK_QUARANTINE);
    EC_TRY(write_accepted(w, err));
    ec_lap(&w->laps, EC_WORK_ENCODE);
    EC_TRY(write_keys(w, err));
    ec_lap(&w->laps, EC_WORK_KEYS);
    return EC_OK;
}
