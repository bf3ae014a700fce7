/* A rejected record's cells: of CSV by its header, of JSON by its keys. What was damaged has none. */
#include "run/page_gather.h"

#include <jansson.h>

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for rejected rows"); }

/* A value as text: a string without its quotes, anything else as JSON; null is NULL. False where memory runs out. */
static bool shown(const json_t *value, struct ec_arena *arena, const char **out) {
    *out = NULL;
    if (json_is_null(value)) return true;
    if (json_is_string(value)) {
        *out = ec_arena_strdup(arena, json_string_value(value));
        return *out != NULL;
    }
    size_t n = json_dumpb(value, NULL, 0, JSON_ENCODE_ANY | JSON_COMPACT);
    char *text = ec_arena_alloc(arena, n + 1);
    if (!text) return false;
    text[json_dumpb(value, text, n, JSON_ENCODE_ANY | JSON_COMPACT)] = '\0';
    *out = text;
    return true;
}

static enum ec_status json_cells(const char *raw, struct ec_arena *arena, struct ec_page_reject *row, struct ec_err *err) {
    json_t *object = json_loads(raw, 0, NULL);
    size_t most = json_object_size(object), n = 0;
    struct ec_page_cell *cell = most ? ec_arena_calloc(arena, most, sizeof *cell) : NULL;
    const char *key;
    json_t *value;
    bool failed = most && !cell;
    json_object_foreach(object, key, value) {
        if (failed) break;
        cell[n].column = ec_arena_strdup(arena, key);
        failed = !cell[n].column || !shown(value, arena, &cell[n].value);
        n++;
    }
    json_decref(object);
    if (failed) return no_memory(err);
    row->cell = cell;
    row->cell_count = n;
    return EC_OK;
}

/* The next cell of a record from *p on, unquoted into `out`, which holds the rest of the record; *p is NULL at its end.
 * False where a quote is where none may be. */
static bool next_cell(const char **p, char delimiter, char *out) {
    const char *c = *p;
    if (*c != '"') {
        size_t n = strcspn(c, (char[]){delimiter, '"', '\0'});
        memcpy(out, c, n);
        out[n] = '\0';
        c += n;
    } else {
        for (c++; *c; c++) {
            if (*c == '"' && c[1] != '"') break;
            if (*c == '"') c++;
            *out++ = *c;
        }
        *out = '\0';
        if (*c++ != '"') return false;
    }
    if (*c != delimiter && *c != '\0') return false;
    *p = *c ? c + 1 : NULL;
    return true;
}

static enum ec_status csv_cells(char delimiter, const char *const *header, size_t count, const char *raw, struct ec_arena *arena,
                                struct ec_page_reject *row, struct ec_err *err) {
    struct ec_page_cell *cell = ec_arena_calloc(arena, count, sizeof *cell);
    char *text = ec_arena_alloc(arena, strlen(raw) + 1);
    if (!cell || !text) return no_memory(err);
    const char *p = raw;
    size_t n = 0;
    for (; p && n < count; n++) {
        if (!next_cell(&p, delimiter, text)) return EC_OK;
        cell[n].column = header[n];
        cell[n].value = *text ? ec_arena_strdup(arena, text) : NULL;
        if (*text && !cell[n].value) return no_memory(err);
    }
    if (p || n != count) return EC_OK; /* too many or too few: which is which is not known */
    row->cell = cell;
    row->cell_count = count;
    return EC_OK;
}

/* Where the record could not be told apart: the cells that reasons name, each once. */
static enum ec_status named_cells(struct ec_arena *arena, struct ec_page_reject *row, struct ec_err *err) {
    row->cell = ec_arena_calloc(arena, row->reason_count, sizeof *row->cell);
    if (!row->cell) return no_memory(err);
    for (size_t i = 0; i < row->reason_count; i++) {
        bool again = !row->reason[i].column;
        for (size_t k = 0; k < i && !again; k++)
            again = row->reason[k].column && strcmp(row->reason[k].column, row->reason[i].column) == 0;
        if (!again) row->cell[row->cell_count++] = (struct ec_page_cell){row->reason[i].column, row->reason[i].value};
    }
    return EC_OK;
}

enum ec_status ec_gather_cells(const struct ec_source *source, const char *const *header, size_t header_count, const char *raw,
                               struct ec_arena *arena, struct ec_page_reject *row, struct ec_err *err) {
    char delimiter = source && source->delimiter ? source->delimiter : ',';
    if (raw && raw[strspn(raw, " \t\r\n")] == '{' && !header)
        EC_TRY(json_cells(raw, arena, row, err));
    else if (raw && header)
        EC_TRY(csv_cells(delimiter, header, header_count, raw, arena, row, err));
    return row->cell_count ? EC_OK : named_cells(arena, row, err);
}
