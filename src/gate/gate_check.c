/* The verdicts of a batch. */
#include "gate/gate_private.h"

#include <assert.h>
#include <math.h>

#include "base/utf8.h"

bool ec_reason_is_structural(enum ec_reason reason) {
    switch (reason) {
    case EC_REASON_PARSE:
    case EC_REASON_MISSING_CELL:
    case EC_REASON_EXTRA_CELL:
    case EC_REASON_ENCODING:
    case EC_REASON_TOO_LONG: return true;
    default: return false;
    }
}

void ec_gate_note(struct ec_gate *gate, size_t check, struct ec_batch *batch, size_t row, size_t column, struct ec_str value) {
    struct ec_check_facts *c = &gate->facts.check[check];
    c->failed++;
    if (c->sample_count == EC_SAMPLES_MAX) return;
    size_t n = ec_utf8_truncate(value.p, value.n, EC_SAMPLE_TEXT_MAX);
    char *copy = ec_arena_copy(&gate->facts.arena, value.p, n);
    if (!copy) return; /* a sample less; the count stands */
    struct ec_sample *sample = &c->sample[c->sample_count];
    *sample = (struct ec_sample){.line = batch->place[row].line, .value = copy};
    if (ec_gate_excerpt(&gate->cells, batch, row, column, value, &gate->facts.arena, &sample->excerpt)) c->sample_count++;
}

/* Drops what a reader said of the cells of a damaged record, and notes where cells are bad. */
static void sort_reader_faults(struct ec_gate *gate, struct ec_batch *batch) {
    for (size_t i = 0; i < batch->faults; i++)
        if (ec_reason_is_structural(batch->fault[i].reason)) ec_bit_set(gate->structural, batch->fault[i].row);
    size_t kept = 0;
    for (size_t i = 0; i < batch->faults; i++) {
        struct ec_fault fault = batch->fault[i];
        bool structural = ec_reason_is_structural(fault.reason);
        if (!structural && ec_bit(gate->structural, fault.row)) continue;
        batch->fault[kept++] = fault;
        if (fault.reason == EC_REASON_TYPE && fault.column < gate->source->column_count)
            ec_bit_set(gate->type_bad + fault.column * EC_BATCH_WORDS, fault.row);
    }
    batch->faults = kept;
}

static void note_reader_faults(struct ec_gate *gate, struct ec_batch *batch) {
    uint64_t noted[EC_BATCH_WORDS] = {0}; /* a damaged record counts once, however it is damaged */
    for (size_t i = 0; i < batch->faults; i++) {
        const struct ec_fault *fault = &batch->fault[i];
        ec_bit_set(gate->invalid, fault->row);
        if (ec_reason_is_structural(fault->reason)) {
            if (ec_bit(noted, fault->row)) continue;
            ec_bit_set(noted, fault->row);
            ec_gate_note(gate, gate->check_parse, batch, fault->row, fault->column, fault->value);
        } else if (fault->reason == EC_REASON_TYPE && fault->column < gate->source->column_count &&
                   gate->check_type[fault->column] != SIZE_MAX) {
            ec_gate_note(gate, gate->check_type[fault->column], batch, fault->row, fault->column, fault->value);
        }
    }
}

/* Rows whose cells can be judged. */
static void sound_rows(const struct ec_gate *gate, const struct ec_batch *batch, uint64_t *sound) {
    assert(batch->rows <= EC_BATCH_ROWS);
    size_t words = (batch->rows + 63) / 64;
    for (size_t i = 0; i < words; i++) sound[i] = ~gate->structural[i];
    if (batch->rows % 64) sound[words - 1] &= (UINT64_C(1) << (batch->rows % 64)) - 1;
}

struct verdict {
    size_t check;
    size_t column; /* SIZE_MAX: of the whole row */
    enum ec_reason reason;
    uint32_t rule;
    bool reject; /* the row goes to quarantine */
    bool invalid;
};

/* The text of a cell; a string is a view, which is all that the batch's faults need: a hostile file
 * of long texts that break many rules costs no copies. */
static struct ec_str cell_value(struct ec_batch *batch, size_t column, size_t row) {
    if (column == SIZE_MAX) return EC_STR("");
    const struct ec_column *c = &batch->column[column];
    if (c->type.type != EC_TYPE_STRING || !ec_bit(c->valid, row)) return ec_batch_cell_text(batch, column, row);
    return ec_text_str(&ec_column_text(c)[row]);
}

/* Notes and, where the check says so, rejects every row of `failed`. */
static enum ec_status apply(struct ec_gate *gate, struct ec_batch *batch, const uint64_t *failed, struct verdict v,
                            struct ec_err *err) {
    for (size_t word = 0; word < (batch->rows + 63) / 64; word++) {
        for (uint64_t bits = failed[word]; bits; bits &= bits - 1) {
            size_t row = word * 64 + (size_t)__builtin_ctzll(bits);
            struct ec_str value = cell_value(batch, v.column, row);
            if (!value.p) return ec_fail(err, EC_NO_MEMORY, "no memory for the value of a cell");
            ec_gate_note(gate, v.check, batch, row, v.column, value);
            if (v.invalid) ec_bit_set(gate->invalid, row);
            if (!v.reject) continue;
            struct ec_fault fault = {.row = (uint32_t)row,
                                     .column = v.column == SIZE_MAX ? EC_NO_COLUMN : (uint32_t)v.column,
                                     .reason = v.reason,
                                     .rule = v.rule,
                                     .value = value};
            EC_TRY(ec_batch_fault(batch, fault, err));
        }
    }
    return EC_OK;
}

/* Declared not null, and not there; a cell that is there but of the wrong type is not null. */
static enum ec_status check_nulls(struct ec_gate *gate, struct ec_batch *batch, const uint64_t *sound,
                                  struct ec_err *err) {
    size_t words = (batch->rows + 63) / 64;
    for (size_t c = 0; c < gate->source->column_count; c++) {
        const uint64_t *bad = gate->type_bad + c * EC_BATCH_WORDS;
        uint64_t missing[EC_BATCH_WORDS], present[EC_BATCH_WORDS];
        for (size_t i = 0; i < words; i++) {
            missing[i] = sound[i] & ~batch->column[c].valid[i] & ~bad[i];
            present[i] = sound[i] & (batch->column[c].valid[i] | bad[i]);
        }
        if (gate->check_type[c] != SIZE_MAX)
            gate->facts.check[gate->check_type[c]].evaluated += ec_bits_count(present, words);
        if (gate->check_null[c] == SIZE_MAX) continue;
        gate->facts.check[gate->check_null[c]].evaluated += ec_bits_count(sound, words);
        struct verdict v = {gate->check_null[c], c, EC_REASON_NULL, 0, true, true};
        EC_TRY(apply(gate, batch, missing, v, err));
    }
    return EC_OK;
}

static enum ec_status check_rule(struct ec_gate *gate, struct ec_batch *batch, size_t index, const uint64_t *sound,
                                 const uint64_t *expression_failed, struct ec_err *err) {
    struct ec_bound_rule *bound = &gate->rule[index];
    const struct ec_rule *rule = bound->rule;
    size_t words = (batch->rows + 63) / 64;
    uint64_t failed[EC_BATCH_WORDS] = {0};
    uint64_t asked[EC_BATCH_WORDS];
    memcpy(asked, sound, words * sizeof *asked);

    if (rule->kind == EC_RULE_EXPRESSION) {
        memcpy(failed, expression_failed, words * sizeof *failed);
    } else {
        ec_rule_eval(bound, batch, failed);
        bool declared = bound->column < gate->source->column_count;
        for (size_t i = 0; i < words; i++) {
            uint64_t bad = declared ? gate->type_bad[bound->column * EC_BATCH_WORDS + i] : 0;
            if (rule->kind == EC_RULE_NOT_NULL)
                failed[i] &= ~bad;
            else
                asked[i] &= batch->column[bound->column].valid[i];
        }
    }
    for (size_t i = 0; i < words; i++) failed[i] &= sound[i];
    if (rule->kind == EC_RULE_EXPRESSION)
        for (size_t i = 0; i < words; i++) gate->inconsistent[i] |= failed[i];

    struct ec_check_facts *check = &gate->facts.check[gate->check_rule[index]];
    check->evaluated += ec_bits_count(asked, words);
    uint64_t before = check->failed;
    struct verdict v = {.check = gate->check_rule[index],
                        .column = bound->column,
                        .reason = rule->kind == EC_RULE_NOT_NULL ? EC_REASON_NULL : EC_REASON_RULE,
                        .rule = (uint32_t)index,
                        .reject = rule->action != EC_ACTION_KEEP,
                        .invalid = rule->severity >= EC_SEVERITY_ERROR};
    EC_TRY(apply(gate, batch, failed, v, err));
    if (rule->action == EC_ACTION_REJECT_FILE && check->failed > before) gate->facts.rejected = true;
    return EC_OK;
}

enum ec_status ec_gate_check(struct ec_gate *gate, struct ec_batch *batch, uint64_t *const *expression_failed,
                             struct ec_err *err) {
    memset(gate->structural, 0, sizeof gate->structural);
    memset(gate->invalid, 0, sizeof gate->invalid);
    memset(gate->inconsistent, 0, sizeof gate->inconsistent);
    memset(gate->type_bad, 0, gate->source->column_count * EC_BATCH_WORDS * sizeof(uint64_t));
    if (batch->rows == 0) return EC_OK;

    sort_reader_faults(gate, batch);
    note_reader_faults(gate, batch);
    gate->facts.check[gate->check_parse].evaluated += batch->rows;

    uint64_t sound[EC_BATCH_WORDS];
    sound_rows(gate, batch, sound);
    EC_TRY(check_nulls(gate, batch, sound, err));
    size_t expression = 0;
    for (size_t i = 0; i < gate->source->rule_count; i++) {
        const uint64_t *failed = NULL;
        if (gate->source->rule[i].kind == EC_RULE_EXPRESSION) failed = expression_failed[expression++];
        EC_TRY(check_rule(gate, batch, i, sound, failed, err));
    }
    return EC_OK;
}

static void count_reasons(struct ec_gate *gate, struct ec_batch *batch) {
    memset(gate->reasons, 0, batch->rows * sizeof *gate->reasons);
    for (size_t i = 0; i < batch->faults; i++) {
        const struct ec_fault *fault = &batch->fault[i];
        uint32_t bit = UINT32_C(1) << fault->reason;
        if (!(gate->reasons[fault->row] & bit)) gate->facts.by_reason[fault->reason]++;
        gate->reasons[fault->row] |= bit;
        if (fault->reason == EC_REASON_DUPLICATE && gate->check_key != SIZE_MAX)
            ec_gate_note(gate, gate->check_key, batch, fault->row, fault->column, fault->value);
    }
}

/* Rows whose key was compared: those that passed everything else. A file that is rejected as a whole
 * has had its keys compared all the same. */
static size_t count_compared(const struct ec_gate *gate, const struct ec_batch *batch) {
    const uint32_t after = UINT32_C(1) << EC_REASON_DUPLICATE | UINT32_C(1) << EC_REASON_FILE;
    if (batch->faults == 0) return batch->rows;
    size_t n = 0;
    for (size_t row = 0; row < batch->rows; row++) n += (gate->reasons[row] & ~after) == 0;
    return n;
}

/* Reasons that are found after the check, of what is wrong with the row itself. */
static bool is_late(enum ec_reason reason) {
    return reason == EC_REASON_DERIVE || reason == EC_REASON_TYPE || reason == EC_REASON_TOO_LONG;
}

/* In ten-thousandths; what is finer is rounded, what is beyond 64 bits does not count. */
static int64_t money_of(const struct ec_column *c, size_t row) {
    int64_t e4, value = c->type.type == EC_TYPE_FLOAT ? 0 : ec_column_int(c)[row];
    if (c->type.type == EC_TYPE_FLOAT) {
        double scaled = ec_column_double(c)[row] * 1e4;
        return fabs(scaled) < 9e18 ? llround(scaled) : 0;
    }
    unsigned scale = c->type.type == EC_TYPE_DECIMAL ? c->type.scale : 0;
    for (; scale > 4; scale--) value /= 10;
    e4 = value;
    for (; scale < 4; scale++)
        if (__builtin_mul_overflow(e4, 10, &e4)) return 0;
    return e4;
}

/* What the rows in quarantine would have been worth. */
static void count_money(struct ec_gate *gate, const struct ec_batch *batch) {
    for (size_t w = 0; w < (batch->rows + 63) / 64; w++) {
        uint64_t bad = batch->rejected[w] & ~batch->duplicate[w] & ~gate->structural[w];
        for (; bad; bad &= bad - 1) {
            size_t row = w * 64 + (size_t)__builtin_ctzll(bad);
            for (size_t i = 0; i < gate->source->money_count; i++) {
                const struct ec_column *c = gate->money[i] == SIZE_MAX ? NULL : &batch->column[gate->money[i]];
                if (c && ec_bit(c->valid, row)) gate->facts.money_e4 = ec_money_sum(gate->facts.money_e4, money_of(c, row));
            }
        }
    }
}

enum ec_status ec_gate_count(struct ec_gate *gate, struct ec_batch *batch, struct ec_err *err) {
    struct ec_facts *facts = &gate->facts;
    size_t words = (batch->rows + 63) / 64;
    size_t rejected = ec_bits_count(batch->rejected, words);
    size_t duplicate = ec_bits_count(batch->duplicate, words);
    facts->read += batch->rows;
    facts->accepted += batch->rows - rejected;
    facts->quarantined += rejected - duplicate;
    facts->duplicate += duplicate;
    /* A derived column that cannot be computed makes its row invalid as a rule does; so does a value
     * that cannot be a partition. */
    for (size_t i = 0; i < batch->faults; i++)
        if (is_late(batch->fault[i].reason)) ec_bit_set(gate->invalid, batch->fault[i].row);
    facts->rows_invalid += ec_bits_count(gate->invalid, words);
    facts->rows_inconsistent += ec_bits_count(gate->inconsistent, words);
    count_reasons(gate, batch);
    if (rejected > duplicate && gate->source->money_count > 0) count_money(gate, batch);
    if (gate->check_key != SIZE_MAX) facts->check[gate->check_key].evaluated += count_compared(gate, batch);
    EC_TRY(ec_profile_columns(gate, batch, err));
    ec_profile_batch(gate, batch);
    return EC_OK;
}
