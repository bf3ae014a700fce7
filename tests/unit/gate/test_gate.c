#include "kit.h"

#include "gate/gate.h"

static struct ec_gate *gate_of(struct kit *k, size_t own_first, size_t own_count) {
    struct ec_gate *gate = NULL;
    struct ec_err err = {0};
    if (ec_gate_create(&k->source, &k->batch, own_first, own_count, &gate, &err) != EC_OK) fail_msg("%s", err.message);
    return gate;
}

static void check_and_count(struct kit *k, struct ec_gate *gate, uint64_t *const *expression) {
    struct ec_err err = {0};
    if (ec_gate_check(gate, &k->batch, expression, &err) != EC_OK) fail_msg("%s", err.message);
    if (ec_gate_count(gate, &k->batch, &err) != EC_OK) fail_msg("%s", err.message);
}

static const struct ec_check_facts *check_of(struct ec_gate *gate, const char *id) {
    struct ec_facts *facts = ec_gate_facts(gate);
    for (size_t i = 0; i < facts->check_count; i++)
        if (strcmp(facts->check[i].id, id) == 0) return &facts->check[i];
    fail_msg("there is no check %s", id);
    return NULL;
}

static size_t faults_of(const struct kit *k, size_t row, enum ec_reason reason) {
    size_t n = 0;
    for (size_t i = 0; i < k->batch.faults; i++)
        n += k->batch.fault[i].row == row && k->batch.fault[i].reason == reason;
    return n;
}

static void expect_balance(struct ec_gate *gate, uint64_t read, uint64_t accepted, uint64_t quarantined,
                           uint64_t duplicate) {
    const struct ec_facts *f = ec_gate_facts(gate);
    assert_int_equal(f->read, read);
    assert_int_equal(f->accepted, accepted);
    assert_int_equal(f->quarantined, quarantined);
    assert_int_equal(f->duplicate, duplicate);
    assert_int_equal(f->read, f->accepted + f->quarantined + f->duplicate);
}

/* A row keeps all its reasons. */
static void a_row_keeps_every_reason(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t n = kit_column(&k, "n", KIT_TYPE(INTEGER)), t = kit_column(&k, "t", KIT_TYPE(STRING));
    k.column[t].not_null = true;
    kit_rule(&k, "n.min_value", "n", EC_RULE_RANGE)->min = "0";
    kit_rule(&k, "n.max_value", "n", EC_RULE_RANGE)->max = "-2";
    struct ec_gate *gate = gate_of(&k, 2, 0);
    kit_set(&k, n, kit_row(&k), "-1"); /* breaks both rules, and t is null */
    size_t good = kit_row(&k);
    kit_set(&k, t, good, "x");
    check_and_count(&k, gate, NULL);
    assert_int_equal(k.batch.faults, 3);
    assert_int_equal(faults_of(&k, 0, EC_REASON_RULE), 2);
    assert_int_equal(faults_of(&k, 0, EC_REASON_NULL), 1);
    assert_true(ec_bit(k.batch.rejected, 0));
    assert_false(ec_bit(k.batch.rejected, 1));
    expect_balance(gate, 2, 1, 1, 0);
    const struct ec_facts *f = ec_gate_facts(gate);
    assert_int_equal(f->by_reason[EC_REASON_RULE], 1); /* rows, not faults */
    assert_int_equal(f->by_reason[EC_REASON_NULL], 1);
    assert_int_equal(f->rows_invalid, 1);
    const struct ec_check_facts *c = check_of(gate, "n.min_value");
    assert_int_equal(c->evaluated, 1); /* a null is not evaluated */
    assert_int_equal(c->failed, 1);
    assert_int_equal(c->sample_count, 1);
    assert_int_equal(c->sample[0].line, 2);
    assert_string_equal(c->sample[0].value, "-1");
    assert_int_equal(check_of(gate, "t.not_null")->evaluated, 2);
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

/* A damaged record has no cells that could be trusted: it keeps its structural reasons alone. */
static void a_damaged_record_is_not_judged(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t n = kit_column(&k, "n", KIT_TYPE(INTEGER));
    k.column[n].not_null = true;
    kit_rule(&k, "n.min_value", "n", EC_RULE_RANGE)->min = "0";
    struct ec_gate *gate = gate_of(&k, 1, 0);
    for (size_t i = 0; i < 64; i++) kit_set(&k, n, kit_row(&k), i == 1 ? "-1" : "1");
    ec_bit_clear(k.batch.column[n].valid, 0);
    ec_column_int(&k.batch.column[n])[0] = 0;
    kit_fault(&k, 0, (uint32_t)n, EC_REASON_TYPE, "abc"); /* of a cell, said before the record turned out damaged */
    kit_fault(&k, 0, EC_NO_COLUMN, EC_REASON_EXTRA_CELL, "");
    kit_fault(&k, 0, EC_NO_COLUMN, EC_REASON_ENCODING, "");
    kit_fault(&k, 1, EC_NO_COLUMN, EC_REASON_PARSE, "");
    check_and_count(&k, gate, NULL);
    assert_int_equal(faults_of(&k, 0, EC_REASON_TYPE), 0);
    assert_int_equal(faults_of(&k, 0, EC_REASON_NULL), 0);
    assert_int_equal(faults_of(&k, 0, EC_REASON_EXTRA_CELL), 1);
    assert_int_equal(faults_of(&k, 0, EC_REASON_ENCODING), 1);
    assert_int_equal(faults_of(&k, 1, EC_REASON_RULE), 0);
    expect_balance(gate, 64, 62, 2, 0);
    const struct ec_facts *f = ec_gate_facts(gate);
    assert_int_equal(check_of(gate, "rows.parse")->evaluated, 64);
    assert_int_equal(check_of(gate, "rows.parse")->failed, 2); /* records, however they are damaged */
    assert_int_equal(check_of(gate, "n.type")->evaluated, 62);
    assert_int_equal(check_of(gate, "n.type")->failed, 0);
    assert_int_equal(check_of(gate, "n.min_value")->evaluated, 62);
    ec_gate_present(gate, (const bool[]){true});
    assert_int_equal(f->cells, 62);
    assert_int_equal(f->cells_missing, 0);
    assert_int_equal(f->rows_invalid, 2);
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

/* A cell of the wrong type is there: it is neither null nor judged by rules. */
static void a_cell_of_the_wrong_type_is_not_null(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t n = kit_column(&k, "n", KIT_TYPE(INTEGER));
    (void)kit_rule(&k, "n.not_null", "n", EC_RULE_NOT_NULL);
    k.column[n].not_null = true; /* said twice: checked once */
    struct ec_gate *gate = gate_of(&k, 1, 0);
    (void)kit_row(&k);
    kit_fault(&k, 0, (uint32_t)n, EC_REASON_TYPE, "abc");
    (void)kit_row(&k); /* really null */
    check_and_count(&k, gate, NULL);
    assert_int_equal(faults_of(&k, 0, EC_REASON_NULL), 0);
    assert_int_equal(faults_of(&k, 1, EC_REASON_NULL), 1);
    const struct ec_facts *f = ec_gate_facts(gate);
    assert_int_equal(f->check_count, 3); /* parse, type, not_null */
    assert_int_equal(check_of(gate, "n.type")->evaluated, 1);
    assert_int_equal(check_of(gate, "n.type")->failed, 1);
    assert_string_equal(check_of(gate, "n.type")->sample[0].value, "abc");
    assert_int_equal(check_of(gate, "n.not_null")->failed, 1);
    ec_gate_present(gate, (const bool[]){true});
    assert_int_equal(f->cells_missing, 1);
    assert_int_equal(f->column[0].nulls, 1);
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

static void severity_and_action_decide_apart(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t n = kit_column(&k, "n", KIT_TYPE(INTEGER));
    struct ec_rule *warn = kit_rule(&k, "warn", "n", EC_RULE_RANGE);
    warn->min = "10";
    warn->severity = EC_SEVERITY_WARN;
    warn->action = EC_ACTION_KEEP;
    struct ec_rule *kept = kit_rule(&k, "kept", "n", EC_RULE_RANGE);
    kept->min = "5";
    kept->action = EC_ACTION_KEEP;
    struct ec_rule *critical = kit_rule(&k, "critical", "n", EC_RULE_RANGE);
    critical->min = "0";
    critical->severity = EC_SEVERITY_CRITICAL;
    critical->action = EC_ACTION_REJECT_FILE;
    struct ec_gate *gate = gate_of(&k, 1, 0);
    kit_set(&k, n, kit_row(&k), "7");
    kit_set(&k, n, kit_row(&k), "3");
    check_and_count(&k, gate, NULL);
    expect_balance(gate, 2, 2, 0, 0);
    assert_int_equal(check_of(gate, "warn")->failed, 2);
    assert_int_equal(check_of(gate, "kept")->failed, 1);
    assert_int_equal(ec_gate_facts(gate)->rows_invalid, 1); /* a kept error is one, a warning is none */
    assert_false(ec_gate_facts(gate)->rejected);
    ec_batch_reset(&k.batch);
    kit_set(&k, n, kit_row(&k), "-1");
    check_and_count(&k, gate, NULL);
    assert_true(ec_gate_facts(gate)->rejected);
    expect_balance(gate, 3, 2, 1, 0);
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

static void expressions_come_in_their_order(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    (void)kit_column(&k, "n", KIT_TYPE(INTEGER));
    (void)kit_rule(&k, "first", NULL, EC_RULE_EXPRESSION);
    kit_rule(&k, "n.min_value", "n", EC_RULE_RANGE)->min = "0";
    (void)kit_rule(&k, "second", NULL, EC_RULE_EXPRESSION);
    struct ec_gate *gate = gate_of(&k, 1, 0);
    for (size_t i = 0; i < 128; i++) (void)kit_row(&k);
    kit_fault(&k, 5, EC_NO_COLUMN, EC_REASON_PARSE, "");
    uint64_t first[EC_BATCH_ROWS / 64] = {0}, second[EC_BATCH_ROWS / 64] = {0};
    uint64_t *const failed[] = {first, second};
    ec_bit_set(first, 63);
    ec_bit_set(first, 5); /* a damaged record: its columns were null */
    ec_bit_set(second, 64);
    ec_bit_set(second, 127);
    check_and_count(&k, gate, failed);
    assert_int_equal(check_of(gate, "first")->failed, 1);
    assert_int_equal(check_of(gate, "first")->evaluated, 127);
    assert_int_equal(check_of(gate, "second")->failed, 2);
    assert_int_equal(ec_gate_facts(gate)->rows_inconsistent, 3);
    assert_int_equal(k.batch.fault[k.batch.faults - 1].rule, 2);
    expect_balance(gate, 128, 124, 4, 0);
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

/* Verdicts may name derived columns, whose faults make a row invalid. */
static void derived_columns_are_judged_and_not_profiled(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    (void)kit_column(&k, "n", KIT_TYPE(INTEGER));
    size_t derived, file;
    assert_int_equal(ec_batch_add_column(&k.batch, "margin", KIT_TYPE(FLOAT), &derived, NULL), EC_OK);
    assert_int_equal(ec_batch_add_column(&k.batch, "_file", KIT_TYPE(STRING), &file, NULL), EC_OK);
    kit_rule(&k, "margin.min_value", "margin", EC_RULE_RANGE)->min = "0";
    struct ec_gate *gate = gate_of(&k, 1, 2);
    kit_set(&k, derived, kit_row(&k), "-1");
    (void)kit_row(&k);
    kit_fault(&k, 1, (uint32_t)derived, EC_REASON_DERIVE, "");
    check_and_count(&k, gate, NULL);
    const struct ec_facts *f = ec_gate_facts(gate);
    expect_balance(gate, 2, 0, 2, 0);
    assert_int_equal(f->rows_invalid, 2);
    assert_int_equal(f->column_count, 1);
    assert_string_equal(f->column[0].name, "n");
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

static void duplicates_are_counted_apart(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t id = kit_column(&k, "id", KIT_TYPE(STRING));
    k.key[0] = "id";
    k.source.key_count = 1;
    struct ec_gate *gate = gate_of(&k, 1, 0);
    for (size_t i = 0; i < 4; i++) kit_set(&k, id, kit_row(&k), i == 2 ? "a" : "b");
    kit_fault(&k, 0, EC_NO_COLUMN, EC_REASON_PARSE, "");
    assert_int_equal(ec_gate_check(gate, &k.batch, NULL, NULL), EC_OK);
    ec_bit_set(k.batch.duplicate, 3);
    kit_fault(&k, 3, (uint32_t)id, EC_REASON_DUPLICATE, "b");
    assert_int_equal(ec_gate_count(gate, &k.batch, NULL), EC_OK);
    expect_balance(gate, 4, 2, 1, 1);
    assert_int_equal(check_of(gate, "key")->evaluated, 3);
    assert_int_equal(check_of(gate, "key")->failed, 1);
    assert_string_equal(check_of(gate, "key")->sample[0].value, "b");
    assert_int_equal(ec_gate_facts(gate)->rows_invalid, 1); /* a duplicate is not invalid */
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

/* Of rows in quarantine; not of accepted ones, damaged records and duplicates. */
static void money_of_rejected_rows_is_added_up(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    static const char *money[] = {"f", "d", "n", "t"};
    k.source.money = money;
    k.source.money_count = 4;
    size_t f = kit_column(&k, "f", KIT_TYPE(FLOAT)), d = kit_column(&k, "d", KIT_DECIMAL(12, 6)), n = kit_column(&k, "n", KIT_TYPE(INTEGER));
    size_t t = kit_column(&k, "t", KIT_TYPE(STRING)); /* no number: passed over */
    kit_rule(&k, "n.min_value", "n", EC_RULE_RANGE)->min = "0";
    struct ec_gate *gate = gate_of(&k, 4, 0);
    for (size_t i = 0; i < 5; i++) {
        size_t row = kit_row(&k);
        kit_set(&k, f, row, i == 1 ? NULL : "0.1");
        kit_set(&k, d, row, "1.234567");
        kit_set(&k, n, row, i == 2 ? "7" : "-3"); /* the third row is good */
        kit_set(&k, t, row, "99");
    }
    kit_fault(&k, 3, EC_NO_COLUMN, EC_REASON_PARSE, "");
    assert_int_equal(ec_gate_check(gate, &k.batch, NULL, NULL), EC_OK);
    ec_bit_set(k.batch.duplicate, 4);
    assert_int_equal(ec_gate_count(gate, &k.batch, NULL), EC_OK);
    assert_true(ec_gate_facts(gate)->money_known);
    assert_int_equal(ec_gate_facts(gate)->money_e4, 1000 + 2 * (12345 - 30000));
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

/* When every row of a rejected file goes to quarantine, what is said of its keys stays true. */
static void a_rejected_file_keeps_its_key_facts(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t id = kit_column(&k, "id", KIT_TYPE(STRING));
    k.key[0] = "id";
    k.source.key_count = 1;
    struct ec_gate *gate = gate_of(&k, 1, 0);
    for (size_t i = 0; i < 3; i++) kit_set(&k, id, kit_row(&k), "a");
    assert_int_equal(ec_gate_check(gate, &k.batch, NULL, NULL), EC_OK);
    ec_bit_set(k.batch.duplicate, 1);
    kit_fault(&k, 1, (uint32_t)id, EC_REASON_DUPLICATE, "a");
    kit_fault(&k, 0, EC_NO_COLUMN, EC_REASON_FILE, "");
    kit_fault(&k, 2, EC_NO_COLUMN, EC_REASON_FILE, "");
    assert_int_equal(ec_gate_count(gate, &k.batch, NULL), EC_OK);
    expect_balance(gate, 3, 0, 2, 1);
    assert_int_equal(check_of(gate, "key")->evaluated, 3);
    assert_int_equal(check_of(gate, "key")->failed, 1);
    assert_int_equal(ec_gate_facts(gate)->rows_invalid, 0);
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

/* Samples are the first few, cut; the count goes on. */
static void samples_are_few_and_short(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t t = kit_column(&k, "t", KIT_TYPE(STRING));
    kit_rule(&k, "t.max_length", "t", EC_RULE_LENGTH)->length_max = 3;
    struct ec_gate *gate = gate_of(&k, 1, 0);
    char text[500];
    memset(text, 'x', sizeof text);
    memcpy(text + EC_SAMPLE_TEXT_MAX - 1, "é", 2); /* would be cut in two */
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i < 64; i++) kit_set(&k, t, kit_row(&k), text);
    size_t before = k.batch.scratch.used;
    check_and_count(&k, gate, NULL);
    const struct ec_check_facts *c = check_of(gate, "t.max_length");
    assert_int_equal(c->failed, 64);
    assert_int_equal(c->sample_count, EC_SAMPLES_MAX);
    assert_int_equal(c->sample[4].line, 6);
    assert_int_equal(strlen(c->sample[0].value), EC_SAMPLE_TEXT_MAX - 1);
    /* Only the list of faults was allocated: long texts are not copied for each rule. */
    assert_true(k.batch.scratch.used - before < 64 * sizeof(text));
    assert_int_equal(k.batch.fault[0].value.n, strlen(text));
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

static void an_empty_batch_changes_nothing(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    (void)kit_column(&k, "n", KIT_TYPE(INTEGER));
    (void)kit_rule(&k, "n.not_null", "n", EC_RULE_NOT_NULL);
    struct ec_gate *gate = gate_of(&k, 1, 0);
    check_and_count(&k, gate, NULL);
    expect_balance(gate, 0, 0, 0, 0);
    ec_gate_destroy(gate);
    ec_gate_destroy(NULL);
    kit_deinit(&k);
}

static void what_is_wrong_with_the_rules_is_said_at_once(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    (void)kit_column(&k, "n", KIT_TYPE(INTEGER));
    kit_rule(&k, "n.regex", "n", EC_RULE_REGEX)->text = "x";
    struct ec_gate *gate = NULL;
    struct ec_err err = {0};
    assert_int_equal(ec_gate_create(&k.source, &k.batch, 1, 0, &gate, &err), EC_CONFIG);
    assert_string_equal(err.file, "business_rules.yaml");
    assert_null(gate);
    k.source.rule_count = 0;
    k.source.key_count = 33;
    err = (struct ec_err){0};
    assert_int_equal(ec_gate_create(&k.source, &k.batch, 1, 0, &gate, &err), EC_CONFIG);
    assert_non_null(strstr(err.message, "the key of orders has 33 columns; the limit is 32"));
    assert_int_equal(err.line, 7);
    kit_deinit(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_keeps_every_reason),
        cmocka_unit_test(a_damaged_record_is_not_judged),
        cmocka_unit_test(a_cell_of_the_wrong_type_is_not_null),
        cmocka_unit_test(severity_and_action_decide_apart),
        cmocka_unit_test(expressions_come_in_their_order),
        cmocka_unit_test(derived_columns_are_judged_and_not_profiled),
        cmocka_unit_test(duplicates_are_counted_apart),
        cmocka_unit_test(money_of_rejected_rows_is_added_up),
        cmocka_unit_test(a_rejected_file_keeps_its_key_facts),
        cmocka_unit_test(samples_are_few_and_short),
        cmocka_unit_test(an_empty_batch_changes_nothing),
        cmocka_unit_test(what_is_wrong_with_the_rules_is_said_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
