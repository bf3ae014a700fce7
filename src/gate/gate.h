/* The gate: every check over a whole batch, a verdict per row, and the facts of the file.
 *
 *     gate = create(source, batch with declared and derived columns)
 *     for each batch:  read -> derive -> ec_gate_check -> keys -> ec_gate_count -> quarantine/encode
 *     ec_gate_facts
 *
 * A row whose record is damaged (parse-error, missing-cell, extra-cell, encoding-error, too-long)
 * has no cells that could be trusted: it keeps just those reasons, and no rule is evaluated on it.
 * Every other row keeps all its reasons. Uniqueness is checked last, among the rows that passed
 * everything else, so that a damaged first occurrence never costs a good second one.
 * One gate per task; one thread.
 */
#ifndef EC_GATE_GATE_H
#define EC_GATE_GATE_H

#include "base/facts.h"
#include "config/config.h"

/* What the check of the key has for its rule: no rule of a configuration is of that kind. */
#define EC_GATE_UNIQUE "unique"

struct ec_gate;

/* `batch` holds the source's declared columns, and own_count columns from own_first on that are
 * not the file's: the derived ones and where a row came from, in this order. Also the
 * early check of all rules: EC_CONFIG at a rule's place. */
enum ec_status ec_gate_create(const struct ec_source *source, const struct ec_batch *batch, size_t own_first,
                              size_t own_count, struct ec_gate **gate, struct ec_err *err) EC_MUST_USE;
void ec_gate_destroy(struct ec_gate *gate); /* NULL allowed */

/* How the cells of a record are found, for the excerpts of samples. */
struct ec_gate_cells {
    const struct ec_source *source;
    const uint32_t *cell_of; /* per column of the batch its number in a CSV record, UINT32_MAX: none; NULL: not CSV */
    size_t count;
    size_t own_first; /* columns from here on are not the file's */
};

/* As the reader says; borrowed for the gate's life. */
void ec_gate_cells(struct ec_gate *gate, const uint32_t *cell_of, size_t count);

/* The row's record around the cell of `column` (or of none), its text in `arena`; NULL where the bytes are not at
 * hand. False where memory is short: then there is none either. */
bool ec_gate_excerpt(const struct ec_gate_cells *cells, const struct ec_batch *batch, size_t row, size_t column, struct ec_str value,
                     struct ec_arena *arena, struct ec_excerpt *out) EC_MUST_USE;

/* Evaluates not-null, types and rules; adds faults and sets batch->rejected. expression_failed[k]
 * is the bitmap of the source's k-th expression rule, as ec_derive_eval() left it. */
enum ec_status ec_gate_check(struct ec_gate *gate, struct ec_batch *batch, uint64_t *const *expression_failed,
                             struct ec_err *err) EC_MUST_USE;

/* Counts verdicts, reasons and the columns' profile, once everything that can reject a row of the
 * batch has done so. */
enum ec_status ec_gate_count(struct ec_gate *gate, struct ec_batch *batch, struct ec_err *err) EC_MUST_USE;

/* Whether the fault is of a damaged record. */
bool ec_reason_is_structural(enum ec_reason reason);

/* Once all batches are counted: which declared columns the file has. An optional column that it
 * lacks has no cells that could be missing. */
void ec_gate_present(struct ec_gate *gate, const bool *present);

/* The facts so far; owned by the gate. The caller fills in encoding, bytes and timing. */
struct ec_facts *ec_gate_facts(struct ec_gate *gate);

#endif
