/* Which partitions a change reaches, and which a partition is made of.
 *
 *     reach     the input changed in p     partition q is made of
 *     same      p                          q
 *     N days    p - N .. p + N             q - N .. q + N
 *     current   nothing                    all
 *
 * `same` means all where the model and the input are not partitioned by one column.
 */
#include "sql/model_private.h"

#include "base/calendar.h"

#include <stdlib.h>
#include <strings.h>

/* Far above any calendar that a run touches: ten thousand years of days. */
#define PARTITIONS_MAX ((size_t)4 << 20)

/* Values as they are found; sorted and made unique at the end. */
struct collector {
    struct ec_arena *arena;
    const char **value;
    size_t count, cap;
};

static enum ec_status add(struct collector *c, const char *value, struct ec_err *err) {
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64;
        const char **list = cap <= PARTITIONS_MAX ? ec_arena_calloc(c->arena, cap, sizeof *list) : NULL;
        if (!list) return ec_fail(err, EC_NO_MEMORY, "no memory for %zu partitions", cap);
        if (c->count) memcpy(list, c->value, c->count * sizeof *list);
        c->value = list;
        c->cap = cap;
    }
    c->value[c->count++] = value;
    return EC_OK;
}

/* The days around a day. The null partition has none: no row of it is within days of another. */
static enum ec_status add_days(struct collector *c, const char *value, unsigned days, struct ec_err *err) {
    int32_t day;
    if (!value) return EC_OK;
    if (!ec_date_parse(value, strlen(value), &day)) return ec_fail(err, EC_TABLE_FORMAT, "the partition %s is no date", value);
    for (int32_t near = day - (int32_t)days; near <= day + (int32_t)days; near++) {
        char text[16];
        size_t n = ec_date_format(near, text);
        char *copy = ec_arena_copy(c->arena, text, n);
        if (!copy) return ec_fail(err, EC_NO_MEMORY, "no memory for partitions");
        EC_TRY(add(c, copy, err));
    }
    return EC_OK;
}

static int by_value(const void *a, const void *b) {
    const char *left = *(const char *const *)a, *right = *(const char *const *)b;
    if (!left || !right) return (left != NULL) - (right != NULL);
    return strcmp(left, right);
}

static bool same_value(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static void finish(struct collector *c, struct ec_partitions *out) {
    if (c->count) qsort(c->value, c->count, sizeof *c->value, by_value);
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        if (n == 0 || !same_value(c->value[n - 1], c->value[i])) c->value[n++] = c->value[i];
    *out = (struct ec_partitions){.value = c->value, .count = n};
}

static enum ec_status spread(struct collector *c, const struct ec_model_input *input, const struct ec_partitions *from,
                             struct ec_err *err) {
    for (size_t i = 0; i < from->count; i++) {
        if (input->reach == EC_REACH_DAYS) EC_TRY(add_days(c, from->value[i], input->days, err));
        else EC_TRY(add(c, from->value[i], err));
    }
    return EC_OK;
}

/* Whether partitions of the one say anything about partitions of the other. */
static bool aligned(const struct ec_model *model, const struct ec_model_input *input) {
    const char *ours = model->table.partition_by, *theirs = input->table->partition_by;
    if (!ours || !theirs) return false;
    return input->reach == EC_REACH_DAYS || strcasecmp(ours, theirs) == 0;
}

static const struct ec_model_input *find_input(const struct ec_model *model, const char *table) {
    for (size_t i = 0; i < model->input_count; i++)
        if (strcasecmp(model->input[i].table->name, table) == 0) return &model->input[i];
    return NULL;
}

enum ec_status ec_model_partitions(const struct ec_model *model, const struct ec_model_change *change, size_t change_count,
                                   struct ec_arena *arena, struct ec_partitions *touched, struct ec_err *err) {
    struct collector c = {.arena = arena};
    for (size_t i = 0; i < change_count; i++) {
        const struct ec_model_input *input = find_input(model, change[i].table);
        bool changed = change[i].partitions.all || change[i].partitions.count > 0;
        if (!input || !changed || input->reach == EC_REACH_CURRENT) continue;
        if (change[i].partitions.all || !aligned(model, input)) {
            *touched = (struct ec_partitions){.all = true};
            return EC_OK;
        }
        EC_TRY(spread(&c, input, &change[i].partitions, err));
    }
    finish(&c, touched);
    return EC_OK;
}

enum ec_status ec_model_needs(const struct ec_model *model, size_t index, const struct ec_partitions *touched,
                              struct ec_arena *arena, struct ec_partitions *needed, struct ec_err *err) {
    const struct ec_model_input *input = &model->input[index];
    if (touched->all || input->reach == EC_REACH_CURRENT || !aligned(model, input)) {
        *needed = (struct ec_partitions){.all = true};
        return EC_OK;
    }
    struct collector c = {.arena = arena};
    EC_TRY(spread(&c, input, touched, err));
    finish(&c, needed);
    return EC_OK;
}

bool ec_partitions_have(const struct ec_partitions *partitions, const char *value) {
    if (partitions->all) return true;
    size_t low = 0, high = partitions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = by_value(&partitions->value[middle], &value);
        if (order == 0) return true;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return false;
}
