#include "run/wide_index.h"

#include "base/io.h"

#define MEMORY_MAX ((size_t)EC_GIB)

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the keys of a join"); }

enum ec_status wide_index_init(struct wide_index *x, size_t rows, const struct wide_keys *keys, struct ec_err *err) {
    size_t slots = 64;
    while (slots < rows * 2) slots *= 2;
    *x = (struct wide_index){.cap = rows, .columns = keys->columns, .mask = slots - 1};
    ec_arena_init(&x->memory, MEMORY_MAX);
    ec_arena_init(&x->text, MEMORY_MAX);
    x->hash = ec_arena_alloc(&x->memory, (rows + 1) * sizeof *x->hash);
    x->next = ec_arena_alloc(&x->memory, (rows + 1) * sizeof *x->next);
    x->slot = ec_arena_calloc(&x->memory, slots, sizeof *x->slot);
    bool done = x->hash && x->next && x->slot;
    for (size_t i = 0; i < x->columns; i++) {
        x->type[i] = keys->column[i].type;
        x->values[i] = ec_arena_alloc(&x->memory, (rows + 1) * ec_type_width(x->type[i]));
        done = done && x->values[i];
    }
    return done ? EC_OK : no_memory(err);
}

void wide_index_deinit(struct wide_index *x) {
    ec_arena_deinit(&x->memory);
    ec_arena_deinit(&x->text);
    *x = (struct wide_index){0};
}

/* The column's values of the group's rows; texts are copied. */
static enum ec_status copy_values(struct wide_index *x, size_t column, const struct wide_keys *keys, struct ec_err *err) {
    size_t width = ec_type_width(x->type[column]);
    char *to = x->values[column] + x->rows * width;
    for (size_t i = 0; i < keys->rows; i++, to += width) {
        if (!keys->present[i]) continue;
        memcpy(to, wide_keys_at(keys, column, i), width);
        if (x->type[column] != EC_TYPE_STRING) continue;
        struct ec_text text;
        memcpy(&text, to, sizeof text);
        if (text.n <= EC_TEXT_INLINE) continue;
        const char *copy = ec_arena_copy(&x->text, text.p, text.n);
        if (!copy) return no_memory(err);
        text = ec_text_of(copy, text.n);
        memcpy(to, &text, sizeof text);
    }
    return EC_OK;
}

static void add_row(struct wide_index *x, uint32_t row, uint64_t hash) {
    size_t at = hash & x->mask;
    x->hash[row] = hash;
    while (x->slot[at] && !wide_slot_is_of(x, x->slot[at], hash)) at = (at + 1) & x->mask;
    x->next[row] = (uint32_t)x->slot[at] - 1; /* of an empty slot: WIDE_INDEX_END */
    x->slot[at] = (hash >> 32 << 32) | (row + 1);
}

enum ec_status wide_index_add(struct wide_index *x, const struct wide_keys *keys, struct ec_err *err) {
    if (keys->rows > x->cap - x->rows) return ec_fail(err, EC_TABLE_FORMAT, "%s has other rows than before", keys->files->file[keys->file_index].path);
    for (size_t i = 0; i < x->columns; i++) EC_TRY(copy_values(x, i, keys, err));
    for (size_t i = 0; i < keys->rows; i++)
        if (keys->present[i]) add_row(x, (uint32_t)(x->rows + i), keys->hash[i]);
    x->rows += keys->rows;
    return EC_OK;
}

bool wide_index_equal(const struct wide_index *x, uint32_t row, const struct wide_keys *keys, size_t other) {
    for (size_t i = 0; i < x->columns; i++) {
        const char *value = x->values[i] + row * ec_type_width(x->type[i]);
        if (!wide_key_equal(x->type[i], value, wide_keys_at(keys, i, other))) return false;
    }
    return true;
}
