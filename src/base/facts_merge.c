/* Adding the facts of one range, or one file, to those of another. */
#include "base/facts.h"

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory to merge the facts of a file's ranges");
}

/* Copies `z` into `arena`; NULL stays NULL. *ok becomes false where memory runs out. */
static const char *copy(struct ec_arena *arena, const char *z, bool *ok) {
    if (!z) return NULL;
    const char *c = ec_arena_strdup(arena, z);
    if (!c) *ok = false;
    return c;
}

/* The place of an entry named `name`, looked for first at `hint`, where it almost always is. */
static size_t find_column(const struct ec_facts *facts, const char *name, size_t hint) {
    if (hint < facts->column_count && strcmp(facts->column[hint].name, name) == 0) return hint;
    for (size_t i = 0; i < facts->column_count; i++)
        if (strcmp(facts->column[i].name, name) == 0) return i;
    return SIZE_MAX;
}

static size_t find_check(const struct ec_facts *facts, const char *id, size_t hint) {
    if (hint < facts->check_count && strcmp(facts->check[hint].id, id) == 0) return hint;
    for (size_t i = 0; i < facts->check_count; i++)
        if (strcmp(facts->check[i].id, id) == 0) return i;
    return SIZE_MAX;
}

/* The best EC_TOP_SLOTS of both: a value's counts are added. */
static void merge_top(struct ec_top *top, const struct ec_top *other) {
    struct ec_top all[2 * EC_TOP_SLOTS];
    size_t n = 0;
    while (n < EC_TOP_SLOTS && top[n].count) {
        all[n] = top[n];
        n++;
    }
    size_t mine = n;
    for (size_t i = 0; i < EC_TOP_SLOTS && other[i].count; i++) {
        size_t at = 0;
        while (at < mine && all[at].hash != other[i].hash) at++;
        if (at < mine)
            all[at].count += other[i].count;
        else
            all[n++] = other[i];
    }
    memset(top, 0, EC_TOP_SLOTS * sizeof *top);
    /* Two sorted halves would do; at most 128 entries are few enough to pick from. */
    for (size_t kept = 0; kept < EC_TOP_SLOTS && kept < n; kept++) {
        size_t best = kept;
        for (size_t i = kept + 1; i < n; i++) {
            if (all[i].count > all[best].count || (all[i].count == all[best].count && all[i].hash < all[best].hash))
                best = i;
        }
        top[kept] = all[best];
        all[best] = all[kept];
    }
}

static void merge_column(struct ec_column_facts *c, const struct ec_column_facts *o) {
    c->declared |= o->declared;
    c->derived |= o->derived;
    c->present |= o->present;
    c->nulls += o->nulls;
    c->values += o->values;
    if (o->bounded) {
        if (!c->bounded || o->min_i < c->min_i) c->min_i = o->min_i;
        if (!c->bounded || o->max_i > c->max_i) c->max_i = o->max_i;
        if (!c->bounded || o->min_d < c->min_d) c->min_d = o->min_d;
        if (!c->bounded || o->max_d > c->max_d) c->max_d = o->max_d;
        c->bounded = true;
    }
    c->sum += o->sum;
    if (o->hll)
        for (size_t i = 0; i < EC_HLL_SIZE; i++)
            if (o->hll[i] > c->hll[i]) c->hll[i] = o->hll[i];
    /* Where either side gave up on the most frequent values, so does the whole. */
    if (c->top && o->top)
        merge_top(c->top, o->top);
    else
        c->top = NULL;
}

/* Room for `more` columns, and checks, behind those that are there. */
static bool grow(struct ec_facts *facts, size_t columns, size_t checks) {
    if (columns) {
        struct ec_column_facts *c = ec_arena_calloc(&facts->arena, facts->column_count + columns, sizeof *c);
        if (!c) return false;
        if (facts->column_count) memcpy(c, facts->column, facts->column_count * sizeof *c);
        facts->column = c;
    }
    if (checks) {
        struct ec_check_facts *c = ec_arena_calloc(&facts->arena, facts->check_count + checks, sizeof *c);
        if (!c) return false;
        if (facts->check_count) memcpy(c, facts->check, facts->check_count * sizeof *c);
        facts->check = c;
    }
    return true;
}

/* A column that only `o` has: null in every row so far. */
static bool add_column(struct ec_facts *facts, const struct ec_column_facts *o, uint64_t rows_before) {
    bool ok = true;
    struct ec_column_facts *c = &facts->column[facts->column_count];
    *c = (struct ec_column_facts){
        .name = copy(&facts->arena, o->name, &ok),
        .type = o->type,
        .nulls = rows_before,
        .hll = ec_arena_calloc(&facts->arena, EC_HLL_SIZE, 1),
        .top = o->top ? ec_arena_calloc(&facts->arena, EC_TOP_SLOTS, sizeof *c->top) : NULL,
    };
    if (!ok || !c->hll || (o->top && !c->top)) return false;
    facts->column_count++;
    return true;
}

static enum ec_status merge_columns(struct ec_facts *facts, const struct ec_facts *other, struct ec_err *err) {
    uint64_t mine = facts->sound, theirs = other->sound;
    size_t missing = 0;
    for (size_t i = 0; i < other->column_count; i++)
        missing += find_column(facts, other->column[i].name, i) == SIZE_MAX;
    size_t had = facts->column_count;
    if (!grow(facts, missing, 0)) return no_memory(err);
    for (size_t i = 0; i < had; i++)
        if (find_column(other, facts->column[i].name, i) == SIZE_MAX) facts->column[i].nulls += theirs;
    for (size_t i = 0; i < other->column_count; i++) {
        const struct ec_column_facts *o = &other->column[i];
        size_t at = find_column(facts, o->name, i);
        if (at == SIZE_MAX) {
            at = facts->column_count;
            if (!add_column(facts, o, mine)) return no_memory(err);
        }
        if (facts->column[at].type.type != o->type.type)
            return ec_fail(err, EC_PROTOCOL, "the facts to merge disagree on the type of the column %s", o->name);
        merge_column(&facts->column[at], o);
    }
    return EC_OK;
}

static bool merge_samples(struct ec_arena *arena, struct ec_check_facts *c, const struct ec_check_facts *o) {
    bool ok = true;
    for (size_t i = 0; i < o->sample_count; i++) {
        size_t at = c->sample_count;
        while (at > 0 && c->sample[at - 1].line > o->sample[i].line) at--;
        if (at == EC_SAMPLES_MAX) continue;
        struct ec_sample sample = o->sample[i];
        sample.value = copy(arena, sample.value, &ok);
        sample.excerpt.text = copy(arena, sample.excerpt.text, &ok);
        if (!ok) return false;
        if (c->sample_count < EC_SAMPLES_MAX) c->sample_count++;
        for (size_t k = c->sample_count - 1; k > at; k--) c->sample[k] = c->sample[k - 1];
        c->sample[at] = sample;
    }
    return true;
}

static bool add_check(struct ec_facts *facts, const struct ec_check_facts *o) {
    bool ok = true;
    struct ec_arena *arena = &facts->arena;
    facts->check[facts->check_count++] = (struct ec_check_facts){
        .id = copy(arena, o->id, &ok),
        .rule = copy(arena, o->rule, &ok),
        .column = copy(arena, o->column, &ok),
        .dimension = copy(arena, o->dimension, &ok),
        .severity = copy(arena, o->severity, &ok),
        .action = copy(arena, o->action, &ok),
        .max_failed = o->max_failed,
    };
    return ok;
}

static enum ec_status merge_checks(struct ec_facts *facts, const struct ec_facts *other, struct ec_err *err) {
    size_t missing = 0;
    for (size_t i = 0; i < other->check_count; i++) missing += find_check(facts, other->check[i].id, i) == SIZE_MAX;
    if (!grow(facts, 0, missing)) return no_memory(err);
    for (size_t i = 0; i < other->check_count; i++) {
        const struct ec_check_facts *o = &other->check[i];
        size_t at = find_check(facts, o->id, i);
        if (at == SIZE_MAX) {
            at = facts->check_count;
            if (!add_check(facts, o)) return no_memory(err);
        }
        struct ec_check_facts *c = &facts->check[at];
        c->evaluated += o->evaluated;
        c->failed += o->failed;
        if (!merge_samples(&facts->arena, c, o)) return no_memory(err);
    }
    return EC_OK;
}

enum ec_status ec_facts_merge(struct ec_facts *facts, const struct ec_facts *other, struct ec_err *err) {
    EC_TRY(merge_columns(facts, other, err)); /* needs the row counts of before */
    EC_TRY(merge_checks(facts, other, err));
    bool ok = true;
    if (!facts->encoding) facts->encoding = copy(&facts->arena, other->encoding, &ok);
    if (!facts->compression) facts->compression = copy(&facts->arena, other->compression, &ok);
    if (!facts->layout) facts->layout = copy(&facts->arena, other->layout, &ok);
    if (!ok) return no_memory(err);
    facts->read += other->read;
    facts->accepted += other->accepted;
    facts->quarantined += other->quarantined;
    facts->duplicate += other->duplicate;
    for (size_t i = 0; i < EC_REASON_COUNT; i++) facts->by_reason[i] += other->by_reason[i];
    facts->rows_invalid += other->rows_invalid;
    facts->rows_inconsistent += other->rows_inconsistent;
    facts->sound += other->sound;
    facts->cells += other->cells;
    facts->cells_missing += other->cells_missing;
    facts->rejected |= other->rejected;
    if (other->newest_known && (!facts->newest_known || other->newest_us > facts->newest_us)) {
        facts->newest_known = true;
        facts->newest_us = other->newest_us;
    }
    facts->money_known |= other->money_known;
    facts->money_e4 = ec_money_sum(facts->money_e4, other->money_e4);
    facts->bytes_in += other->bytes_in;
    facts->bytes_decoded += other->bytes_decoded;
    facts->elapsed_us += other->elapsed_us;
    ec_work_time_add(&facts->time, &other->time);
    return EC_OK;
}
