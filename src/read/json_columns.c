#include "read/json_columns.h"

#include "base/hash.h"
#include "read/column_name.h"

#define NOT_FOUND SIZE_MAX
/* Keys, names and the tables of EC_JSON_FIELDS_MAX entries. */
#define COLUMNS_MEMORY_MAX ((size_t)4 * EC_MIB)

static void insert(struct ec_json_columns *columns, struct ec_json_column entry) {
    size_t at = ec_hash64(entry.key.p, entry.key.n) & columns->slot_mask;
    while (columns->slot[at]) at = (at + 1) & columns->slot_mask;
    columns->entry[columns->count++] = entry;
    columns->slot[at] = (uint32_t)columns->count;
}

static size_t find(const struct ec_json_columns *columns, struct ec_str key) {
    size_t at = ec_hash64(key.p, key.n) & columns->slot_mask;
    for (; columns->slot[at]; at = (at + 1) & columns->slot_mask)
        if (ec_str_eq(columns->entry[columns->slot[at] - 1].key, key)) return columns->slot[at] - 1;
    return NOT_FOUND;
}

enum ec_status ec_json_columns_init(struct ec_json_columns *columns, const struct ec_source *source,
                                    struct ec_err *err) {
    *columns = (struct ec_json_columns){.source = source};
    size_t cap = source->column_count + EC_UNDECLARED_MAX, slots = 64;
    while (slots < 2 * cap) slots *= 2;
    ec_arena_init(&columns->arena, COLUMNS_MEMORY_MAX);
    columns->entry = ec_arena_calloc(&columns->arena, cap, sizeof *columns->entry);
    columns->slot = ec_arena_calloc(&columns->arena, slots, sizeof *columns->slot);
    columns->slot_mask = slots - 1;
    if (!columns->entry || !columns->slot) {
        ec_json_columns_deinit(columns);
        return ec_fail(err, EC_NO_MEMORY, "no memory for %zu columns", source->column_count);
    }
    for (size_t i = 0; i < source->column_count; i++)
        insert(columns, (struct ec_json_column){
                            .key = ec_str_of(source->column[i].name), .column = i, .schema = &source->column[i]});
    return EC_OK;
}

void ec_json_columns_deinit(struct ec_json_columns *columns) {
    ec_arena_deinit(&columns->arena);
    *columns = (struct ec_json_columns){0};
}

/* The key's text: the record's bytes, or unescaped into `out`. */
static struct ec_str key_text(const struct ec_json_value *key, char out[EC_COLUMN_NAME_MAX]) {
    if (!key->escaped) return (struct ec_str){key->p, key->n};
    return (struct ec_str){out, ec_json_unescape(key, out)};
}

size_t ec_json_columns_find(struct ec_json_columns *columns, const struct ec_json_value *key) {
    char text[EC_COLUMN_NAME_MAX];
    return key->n > sizeof text ? NOT_FOUND : find(columns, key_text(key, text));
}

static enum ec_status add_column(struct ec_json_columns *columns, struct ec_batch *batch, struct ec_str key,
                                 struct ec_err *err) {
    struct ec_json_column entry = {.key = {ec_arena_copy(&columns->arena, key.p, key.n), key.n}};
    const char *name = ec_column_name(columns->source, batch, key);
    if (!entry.key.p || !name) return ec_fail(err, EC_NO_MEMORY, "no memory for an undeclared column");
    EC_TRY(ec_batch_add_column(batch, name, (struct ec_column_type){.type = EC_TYPE_STRING}, &entry.column, err));
    insert(columns, entry);
    columns->undeclared++;
    return EC_OK;
}

/* Marks the known keys and lists the unknown ones; the place of a key that occurs again, or SIZE_MAX. */
static size_t look_up(struct ec_json_columns *columns, struct ec_json_record *record, size_t *fresh,
                      size_t *fresh_count) {
    char text[EC_COLUMN_NAME_MAX], other[EC_COLUMN_NAME_MAX];
    uint64_t hash[EC_UNDECLARED_MAX]; /* of the fresh keys: to compare texts would take as long as to read them */
    *fresh_count = 0;
    for (size_t i = 0; i < record->count; i++) {
        struct ec_json_field *field = &record->field[i];
        struct ec_str key = key_text(&field->key, text);
        field->column = find(columns, key);
        if (field->column != NOT_FOUND) {
            struct ec_json_column *entry = &columns->entry[field->column];
            if (entry->seen == columns->record) return i;
            entry->seen = columns->record;
            continue;
        }
        uint64_t own = ec_hash64(key.p, key.n);
        for (size_t k = 0; k < *fresh_count; k++)
            if (hash[k] == own && ec_str_eq(key, key_text(&record->field[fresh[k]].key, other))) return i;
        if (columns->undeclared + *fresh_count == EC_UNDECLARED_MAX) return NOT_FOUND;
        hash[*fresh_count] = own;
        fresh[(*fresh_count)++] = i;
    }
    return NOT_FOUND;
}

enum ec_status ec_json_columns_resolve(struct ec_json_columns *columns, struct ec_json_record *record,
                                       struct ec_batch *batch, size_t *duplicate, struct ec_err *err) {
    size_t fresh[EC_UNDECLARED_MAX], fresh_count;
    columns->record++;
    *duplicate = look_up(columns, record, fresh, &fresh_count);
    if (*duplicate != NOT_FOUND) return EC_OK;
    char text[EC_COLUMN_NAME_MAX];
    for (size_t i = 0; i < fresh_count; i++) {
        struct ec_json_field *field = &record->field[fresh[i]];
        field->column = columns->count;
        EC_TRY(add_column(columns, batch, key_text(&field->key, text), err));
    }
    for (size_t i = 0; i < record->count; i++)
        if (record->field[i].column == NOT_FOUND)
            return ec_fail(err, EC_TOO_MANY_COLUMNS,
                           "more than %u keys that the schema of %s does not declare; declare them under "
                           "optional_columns or ask for the file again",
                           EC_UNDECLARED_MAX, columns->source->name);
    return EC_OK;
}
