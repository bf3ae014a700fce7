/* The comment lines at the head of a model: `-- key: value`.
 *
 * A key is one lower-case word directly behind the dashes; any other comment is prose.
 */
#include "sql/model_private.h"

#include "config/config.h"

#include <stdlib.h>

static bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* A piece of the text. */
struct span {
    size_t at;
    size_t end;
};

static struct span trim(const char *text, struct span s) {
    while (s.at < s.end && is_space(text[s.at])) s.at++;
    while (s.end > s.at && is_space(text[s.end - 1])) s.end--;
    return s;
}

/* Takes the next run of word characters; empty where something else stands there. */
static struct span take_word(const char *text, struct span *rest) {
    *rest = trim(text, *rest);
    struct span word = {rest->at, rest->at};
    while (word.end < rest->end && is_word(text[word.end])) word.end++;
    rest->at = word.end;
    return word;
}

static bool is(const char *text, struct span s, const char *word) {
    return ec_str_is((struct ec_str){text + s.at, s.end - s.at}, word);
}

static enum ec_status wrong(const struct ec_model_draft *draft, size_t position, struct ec_err *err) {
    return ec_model_at(err, EC_CONFIG, draft->model.file, draft->model.text, position);
}

static const char *copy(struct ec_model_draft *draft, struct span s, struct ec_err *err) {
    const char *z = ec_arena_copy(draft->arena, draft->model.text + s.at, s.end - s.at);
    if (!z) (void)ec_fail(err, EC_NO_MEMORY, "no memory for models");
    return z;
}

/* The whole value must be one name. */
static enum ec_status read_partition_by(struct ec_model_draft *draft, struct span value, struct ec_err *err) {
    struct span rest = value;
    struct span name = take_word(draft->model.text, &rest);
    rest = trim(draft->model.text, rest);
    if (name.at == name.end || rest.at < rest.end) {
        (void)ec_fail(err, EC_CONFIG, "partition_by must name one column");
        return wrong(draft, value.at, err);
    }
    draft->model.table.partition_by = copy(draft, name, err);
    return draft->model.table.partition_by ? EC_OK : EC_NO_MEMORY;
}

static enum ec_status read_layer(struct ec_model_draft *draft, struct span value, struct ec_err *err) {
    if (is(draft->model.text, value, "kpi")) draft->model.layer = EC_LAYER_KPI;
    else if (is(draft->model.text, value, "joined")) draft->model.layer = EC_LAYER_JOINED;
    else {
        (void)ec_fail(err, EC_CONFIG, "layer must be kpi or joined");
        return wrong(draft, value.at, err);
    }
    return EC_OK;
}

/* `within N day(s)`, behind a table's name. */
static bool read_days(const char *text, struct span *rest, unsigned *days) {
    struct span number = take_word(text, rest);
    unsigned n = 0;
    for (size_t i = number.at; i < number.end; i++) {
        if (text[i] < '0' || text[i] > '9' || n > EC_MODEL_DAYS_MAX) return false;
        n = n * 10 + (unsigned)(text[i] - '0');
    }
    struct span unit = take_word(text, rest);
    *days = n;
    return number.at < number.end && n <= EC_MODEL_DAYS_MAX && (is(text, unit, "day") || is(text, unit, "days"));
}

static enum ec_status add_directive(struct ec_model_draft *draft, struct ec_model_directive directive, struct ec_err *err) {
    if (draft->directive_count == draft->directive_cap) {
        size_t cap = draft->directive_cap ? draft->directive_cap * 2 : 8;
        struct ec_model_directive *list = ec_arena_calloc(draft->arena, cap, sizeof *list);
        if (!list) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
        if (draft->directive_count) memcpy(list, draft->directive, draft->directive_count * sizeof *list);
        draft->directive = list;
        draft->directive_cap = cap;
    }
    draft->directive[draft->directive_count++] = directive;
    return EC_OK;
}

static enum ec_status read_input(struct ec_model_draft *draft, struct span value, struct ec_err *err) {
    const char *text = draft->model.text;
    struct span rest = value;
    struct span name = take_word(text, &rest);
    struct span how = take_word(text, &rest);
    struct ec_model_directive directive = {.table.position = name.at};
    bool good = name.at < name.end;
    if (is(text, how, "current")) directive.reach = EC_REACH_CURRENT;
    else if (is(text, how, "within")) {
        directive.reach = EC_REACH_DAYS;
        good = read_days(text, &rest, &directive.days) && good;
    } else if (how.at < how.end) good = false;
    rest = trim(text, rest);
    if (!good || rest.at < rest.end) {
        (void)ec_fail(err, EC_CONFIG, "an input is written `TABLE`, `TABLE within N days` (at most %u) or `TABLE current`",
                      EC_MODEL_DAYS_MAX);
        return wrong(draft, value.at, err);
    }
    directive.table.name = copy(draft, name, err);
    return directive.table.name ? add_directive(draft, directive, err) : EC_NO_MEMORY;
}

static enum ec_status read_order_by(struct ec_model_draft *draft, struct span value, struct ec_err *err) {
    const char *text = draft->model.text;
    size_t cap = 1;
    if (is(text, value, "none")) {
        draft->model.unordered = true;
        return EC_OK;
    }
    for (size_t i = value.at; i < value.end; i++) cap += text[i] == ',';
    draft->model.order_by = ec_arena_calloc(draft->arena, cap, sizeof *draft->model.order_by);
    if (!draft->model.order_by) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    struct span rest = value;
    for (size_t i = 0; i < cap; i++) {
        struct span name = take_word(text, &rest);
        rest = trim(text, rest);
        bool end = rest.at == rest.end;
        if (name.at == name.end || end != (i + 1 == cap) || (!end && text[rest.at] != ',')) {
            (void)ec_fail(err, EC_CONFIG, "order_by must name columns, with commas between them");
            return wrong(draft, rest.at, err);
        }
        rest.at += !end;
        const char *z = copy(draft, name, err);
        if (!z) return EC_NO_MEMORY;
        draft->model.order_by[draft->model.order_by_count++] = z;
    }
    return EC_OK;
}

static bool known_placeholder(const struct ec_model *model, const char *name) {
    for (size_t i = 0; i < model->csv_column_count; i++)
        if (strcmp(model->csv_column[i], name) == 0) return true;
    return false;
}

static enum ec_status read_placeholder(struct ec_model_draft *draft, struct span *rest, struct ec_err *err) {
    const char *text = draft->model.text;
    size_t open = rest->at++;
    struct span name = take_word(text, rest);
    if (name.at == name.end || rest->at >= rest->end || text[rest->at] != '}') {
        (void)ec_fail(err, EC_CONFIG, "a placeholder is the name of a column in braces: {date}");
        return wrong(draft, open, err);
    }
    rest->at++;
    const char *z = copy(draft, name, err);
    if (!z) return EC_NO_MEMORY;
    if (!known_placeholder(&draft->model, z)) draft->model.csv_column[draft->model.csv_column_count++] = z;
    return EC_OK;
}

/* A path below data/processed: it leaves that folder neither by itself nor by its columns' values,
 * which the export escapes. */
static enum ec_status read_csv(struct ec_model_draft *draft, struct span value, struct ec_err *err) {
    const char *text = draft->model.text;
    size_t braces = 0;
    for (size_t i = value.at; i < value.end; i++) braces += text[i] == '{';
    draft->model.csv_column = ec_arena_calloc(draft->arena, braces, sizeof *draft->model.csv_column);
    draft->model.csv = copy(draft, value, err);
    if (!draft->model.csv || !draft->model.csv_column) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    for (struct span rest = value; rest.at < rest.end;) {
        char c = text[rest.at];
        bool start = rest.at == value.at || text[rest.at - 1] == '/';
        if ((start && (c == '.' || c == '/')) || c == '\\' || c == '}' || (unsigned char)c < ' ') {
            (void)ec_fail(err, EC_CONFIG, "the CSV path must lie below data/processed: no leading '/', no part that starts with '.'");
            return wrong(draft, rest.at, err);
        }
        if (c == '{') EC_TRY(read_placeholder(draft, &rest, err));
        else rest.at++;
    }
    return EC_OK;
}

static const struct key {
    const char *name;
    enum ec_status (*read)(struct ec_model_draft *draft, struct span value, struct ec_err *err);
    bool repeats;
} keys[] = {
    {"partition_by", read_partition_by, false}, {"input", read_input, true},       {"csv", read_csv, false},
    {"layer", read_layer, false},               {"order_by", read_order_by, false},
};
enum { KEYS = sizeof keys / sizeof *keys };

static enum ec_status unknown_key(struct ec_model_draft *draft, struct span name, struct ec_err *err) {
    const char *words[KEYS];
    for (size_t i = 0; i < KEYS; i++) words[i] = keys[i].name;
    const char *word = copy(draft, name, err);
    if (!word) return EC_NO_MEMORY;
    const char *nearest = ec_nearest(word, words, KEYS);
    (void)ec_fail(err, EC_CONFIG, "a model has no key `%s`; %s%s%s", word, nearest ? _("did you mean `") : _("a remark starts with a capital"),
                  nearest ? nearest : "", nearest ? _("`?") : "");
    return wrong(draft, name.at, err);
}

static enum ec_status read_key(struct ec_model_draft *draft, struct span name, struct span value, unsigned *seen, struct ec_err *err) {
    for (unsigned i = 0; i < KEYS; i++) {
        if (!is(draft->model.text, name, keys[i].name)) continue;
        value = trim(draft->model.text, value);
        if (value.at == value.end) (void)ec_fail(err, EC_CONFIG, "%s needs a value", keys[i].name);
        else if ((*seen >> i & 1) && !keys[i].repeats) (void)ec_fail(err, EC_CONFIG, "%s stands here for the second time", keys[i].name);
        else {
            *seen |= 1u << i;
            return keys[i].read(draft, value, err);
        }
        return wrong(draft, name.at, err);
    }
    return unknown_key(draft, name, err);
}

/* `-- key: value`, where the key is one lower-case word. */
static bool split(const char *text, struct span line, struct span *name, struct span *value) {
    struct span rest = {line.at + 2, line.end};
    *name = take_word(text, &rest);
    if (name->at == name->end || rest.at >= rest.end || text[rest.at] != ':') return false;
    for (size_t i = name->at; i < name->end; i++)
        if (text[i] >= 'A' && text[i] <= 'Z') return false;
    *value = (struct span){rest.at + 1, rest.end};
    return true;
}

enum ec_status ec_model_header(struct ec_model_draft *draft, struct ec_err *err) {
    const char *text = draft->model.text;
    unsigned seen = 0;
    for (size_t at = 0; text[at];) {
        size_t end = at + strcspn(text + at, "\n");
        struct span line = trim(text, (struct span){at, end});
        bool blank = line.at == line.end;
        if (!blank && (line.end - line.at < 2 || memcmp(text + line.at, "--", 2) != 0)) break;
        struct span name, value;
        if (!blank && split(text, line, &name, &value)) EC_TRY(read_key(draft, name, value, &seen, err));
        at = text[end] ? end + 1 : end;
    }
    return EC_OK;
}
