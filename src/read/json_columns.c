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

static enum ec_status add_column(struct ec_json_columns *columns, struct ec_batch *batch, struct ec_str key, const char *name,
                                 struct ec_err *err) {
    struct ec_json_column entry = {.key = {ec_arena_copy(&columns->arena, key.p, key.n), key.n}, .seen = columns->record};
    const char *kept = ec_arena_copy(&batch->memory, name, strlen(name));
    if (!entry.key.p || !kept) return ec_fail(err, EC_NO_MEMORY, "no memory for an undeclared column");
    EC_TRY(ec_batch_add_column(batch, kept, (struct ec_column_type){.type = EC_TYPE_STRING}, &entry.column, err));
    insert(columns, entry);
    columns->undeclared++;
    return EC_OK;
}

/* Of a record at hand. */
struct fresh {
    size_t field;
    uint64_t hash; /* of the key: to compare texts would take as long as to read them */
};

/* Marks the known keys and lists the unknown ones; the place of a key that occurs again, or SIZE_MAX. *fresh_count is
 * EC_UNDECLARED_MAX + 1 where there are more. */
static size_t look_up(struct ec_json_columns *columns, struct ec_json_record *record, struct fresh *fresh, size_t *fresh_count) {
    char text[EC_COLUMN_NAME_MAX], other[EC_COLUMN_NAME_MAX];
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
            if (fresh[k].hash == own && ec_str_eq(key, key_text(&record->field[fresh[k].field].key, other))) return i;
        if ((*fresh_count)++ == EC_UNDECLARED_MAX) return NOT_FOUND;
        fresh[*fresh_count - 1] = (struct fresh){i, own};
    }
    return NOT_FOUND;
}

/* The undeclared column of that name, or NOT_FOUND. *clash: one whose name differs from it in case alone, or NULL. */
static size_t find_name(const struct ec_json_columns *columns, const struct ec_batch *batch, const char *name, const char **clash) {
    *clash = NULL;
    for (size_t i = columns->source->column_count; i < columns->count; i++) {
        const char *other = batch->column[columns->entry[i].column].name;
        if (!ec_column_name_same(other, name)) continue;
        if (strcmp(other, name) == 0) return i;
        *clash = other;
    }
    return NOT_FOUND;
}

static enum ec_status too_many(const struct ec_json_columns *columns, struct ec_err *err) {
    return ec_fail(err, EC_TOO_MANY_COLUMNS,
                   "more than %u keys that the schema of %s does not declare; declare them under optional_columns or ask "
                   "for the file again",
                   EC_UNDECLARED_MAX, columns->source->name);
}

/* The fresh keys of a record onto columns: those that have their name already, and new ones, columns->count and up. */
struct settling {
    char name[EC_UNDECLARED_MAX][EC_KEY_NAME_BYTES]; /* of the new columns */
    size_t field[EC_UNDECLARED_MAX];
    size_t count;
    bool again;              /* two fields are of one column */
    const char *clash[2];    /* names that differ in case alone, or NULL */
};

static size_t find_new(struct settling *s, const char *name, const char **clash) {
    for (size_t k = 0; k < s->count; k++) {
        if (!ec_column_name_same(s->name[k], name)) continue;
        if (strcmp(s->name[k], name) == 0) return k;
        *clash = s->name[k];
    }
    return NOT_FOUND;
}

static void settle(struct ec_json_columns *columns, struct ec_json_record *record, const struct ec_batch *batch,
                   const struct fresh *fresh, size_t fresh_count, struct settling *s) {
    char text[EC_COLUMN_NAME_MAX];
    for (size_t i = 0; i < fresh_count; i++) {
        struct ec_json_field *field = &record->field[fresh[i].field];
        char *name = s->name[s->count];
        const char *clash;
        ec_column_name_of_key(columns->source, key_text(&field->key, text), name);
        field->column = find_name(columns, batch, name, &clash);
        if (field->column != NOT_FOUND) {
            struct ec_json_column *entry = &columns->entry[field->column];
            s->again = s->again || entry->seen == columns->record;
            entry->seen = columns->record;
            continue;
        }
        size_t k = find_new(s, name, &clash);
        s->again = s->again || k != NOT_FOUND;
        field->column = columns->count + (k != NOT_FOUND ? k : s->count);
        if (k != NOT_FOUND) continue;
        if (clash && !s->clash[0]) s->clash[0] = clash, s->clash[1] = name;
        s->field[s->count++] = fresh[i].field;
    }
}

/* The first field whose column an earlier one has: which of them was known before says nothing. */
static size_t first_again(struct ec_json_columns *columns, const struct ec_json_record *record) {
    bool used[EC_UNDECLARED_MAX] = {false};
    columns->record++;
    for (size_t i = 0; i < record->count; i++) {
        size_t at = record->field[i].column;
        bool *mark = at < columns->count ? NULL : &used[at - columns->count];
        if (mark ? *mark : columns->entry[at].seen == columns->record) return i;
        if (mark)
            *mark = true;
        else
            columns->entry[at].seen = columns->record;
    }
    return NOT_FOUND;
}

static enum ec_status add_columns(struct ec_json_columns *columns, const struct ec_json_record *record, struct ec_batch *batch,
                                  const struct settling *s, struct ec_err *err) {
    char text[EC_COLUMN_NAME_MAX];
    if (s->clash[0])
        return ec_fail(err, EC_BAD_HEADER,
                       "the keys %.80s and %.80s differ in case alone, which the columns of a table may not; declare one of "
                       "them, or ask for the file again",
                       s->clash[0], s->clash[1]);
    if (columns->undeclared + s->count > EC_UNDECLARED_MAX) return too_many(columns, err);
    for (size_t i = 0; i < s->count; i++)
        EC_TRY(add_column(columns, batch, key_text(&record->field[s->field[i]].key, text), s->name[i], err));
    return EC_OK;
}

enum ec_status ec_json_columns_resolve(struct ec_json_columns *columns, struct ec_json_record *record,
                                       struct ec_batch *batch, size_t *duplicate, struct ec_err *err) {
    struct fresh fresh[EC_UNDECLARED_MAX];
    size_t fresh_count;
    columns->record++;
    *duplicate = look_up(columns, record, fresh, &fresh_count);
    if (*duplicate != NOT_FOUND || fresh_count == 0) return EC_OK;
    if (fresh_count > EC_UNDECLARED_MAX) return too_many(columns, err);
    struct settling s;
    s.count = 0;
    s.again = false;
    s.clash[0] = NULL;
    settle(columns, record, batch, fresh, fresh_count, &s);
    if (s.again) *duplicate = first_again(columns, record);
    return s.again ? EC_OK : add_columns(columns, record, batch, &s, err);
}
