/* libfyaml's events into the tree of yaml.h.
 *
 * The events are taken one by one, not as libfyaml's document, so that what is refused is
 * refused when it is met: an alias is never resolved, a depth never reached. */
#include "config/yaml_private.h"

#include "base/io.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <libfyaml.h>

struct frame {
    struct ec_yaml_node *node; /* a list or mapping that is still open */
    struct ec_yaml_node *last; /* its newest child */
    const char *key;           /* of a mapping: the key that waits for its value, or NULL */
    struct ec_yaml_place key_at;
};

struct parse {
    struct ec_arena *arena;
    const struct ec_yaml_file *file;
    struct ec_yaml_key_set keys;
    struct frame stack[EC_YAML_DEPTH_MAX];
    unsigned depth;
    unsigned documents;
    struct ec_yaml_node *root;
    struct ec_yaml_place last; /* of the newest token, for values that have none */
    /* Marks come in order: line and start of the newest, so that a place costs no second scan. */
    uint32_t line;
    size_t line_from;
    size_t scanned;
};

static struct ec_yaml_place place_at(struct parse *p, size_t offset) {
    struct ec_str text = p->file->text;
    if (offset < p->scanned) return ec_yaml_place_of(p->file, offset);
    for (size_t i = p->scanned; i < offset && i < text.n; i++) {
        if (text.p[i] != '\n' && !(text.p[i] == '\r' && !(i + 1 < text.n && text.p[i + 1] == '\n'))) continue;
        p->line++;
        p->line_from = i + 1;
    }
    p->scanned = offset;
    return (struct ec_yaml_place){p->file, p->line, (uint32_t)(offset - p->line_from) + 1};
}

/* A value that is not written. Where such a one stands libfyaml says since 0.8: behind its key. */
static bool is_missing(struct fy_event *event) {
    size_t n = 0;
    if (event->type != FYET_SCALAR) return false;
    if (!event->scalar.value) return true;
    return fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN && fy_token_get_text(event->scalar.value, &n) && n == 0;
}

static struct ec_yaml_place place_of_event(struct parse *p, struct fy_event *event) {
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (!mark || is_missing(event)) return p->last; /* that of its key */
    size_t offset = mark->input_pos < p->file->text.n ? mark->input_pos : p->file->text.n;
    if (event->type == FYET_SCALAR && event->scalar.value) {
        enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
        bool quoted = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
        if (quoted && offset > 0) offset--; /* the mark is behind the opening quote */
        bool block = style == FYSS_LITERAL || style == FYSS_FOLDED;
        while (block && offset < p->file->text.n && p->file->text.p[offset] == ' ') offset++;
    }
    p->last = place_at(p, offset);
    return p->last;
}

static struct ec_yaml_node *new_node(struct parse *p, enum ec_yaml_kind kind, struct ec_yaml_place at) {
    struct ec_yaml_node *node = ec_arena_calloc(p->arena, 1, sizeof *node);
    if (!node) return NULL;
    *node = (struct ec_yaml_node){.kind = kind, .text = "", .name = "", .at = at, .key_at = at};
    return node;
}

/* Hangs the node under what is open. */
static enum ec_status attach(struct parse *p, struct ec_yaml_node *node, struct ec_err *err) {
    if (!node) return ec_fail(err, EC_NO_MEMORY, "%s: too large to be held in memory", p->file->path);
    if (p->depth == 0) {
        p->root = node;
        return EC_OK;
    }
    struct frame *top = &p->stack[p->depth - 1];
    node->name = top->node->name;
    node->is_item = top->node->kind == EC_YAML_LIST;
    if (top->node->kind == EC_YAML_MAP) {
        node->name = top->key;
        node->key_at = top->key_at;
        top->key = NULL;
    }
    if (top->last)
        top->last->next = node;
    else
        top->node->child = node;
    top->last = node;
    top->node->count++;
    return EC_OK;
}

static bool wants_key(const struct parse *p) {
    return p->depth > 0 && p->stack[p->depth - 1].node->kind == EC_YAML_MAP && !p->stack[p->depth - 1].key;
}

static enum ec_status take_key(struct parse *p, const char *text, bool plain, struct ec_yaml_place at,
                               struct ec_err *err) {
    if (plain && strcmp(text, "<<") == 0)
        return ec_yaml_fail(at, err, "merge keys (`<<`) are not allowed; write the keys out");
    if (text[0] == '\0') return ec_yaml_fail(at, err, "a key is empty");
    struct frame *top = &p->stack[p->depth - 1];
    const struct ec_yaml_key *first;
    EC_TRY(ec_yaml_key_add(&p->keys, (struct ec_yaml_key){top->node, text, at.line}, &first, err));
    if (first) return ec_yaml_fail(at, err, "duplicate key `%s`: it stands on line %u already", text, first->line);
    top->key = text;
    top->key_at = at;
    return EC_OK;
}

static enum ec_status take_scalar(struct parse *p, struct fy_event *event, struct ec_err *err) {
    struct ec_yaml_place at = place_of_event(p, event);
    size_t n = 0;
    const char *text = "";
    bool plain = true;
    if (event->scalar.value) {
        text = fy_token_get_text(event->scalar.value, &n);
        plain = fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN;
    }
    if (!text) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", p->file->path);
    if (memchr(text, '\0', n)) return ec_yaml_fail(at, err, "a text must not hold a NUL character");
    const char *copy = ec_arena_copy(p->arena, text, n);
    if (!copy) return ec_fail(err, EC_NO_MEMORY, "%s: too large to be held in memory", p->file->path);
    if (wants_key(p)) return take_key(p, copy, plain, at, err);

    struct ec_yaml_node *node = new_node(p, EC_YAML_SCALAR, at);
    if (node) {
        node->plain = plain;
        node->text = copy;
    }
    return attach(p, node, err);
}

static enum ec_status open_node(struct parse *p, struct fy_event *event, enum ec_yaml_kind kind, struct ec_err *err) {
    struct ec_yaml_place at = place_of_event(p, event);
    if (wants_key(p)) return ec_yaml_fail(at, err, "a key must be a single word, not a list or mapping");
    if (p->depth == EC_YAML_DEPTH_MAX)
        return ec_yaml_fail(at, err, "nested deeper than the limit of %u levels", EC_YAML_DEPTH_MAX);
    struct ec_yaml_node *node = new_node(p, kind, at);
    EC_TRY(attach(p, node, err));
    p->stack[p->depth++] = (struct frame){.node = node};
    return EC_OK;
}

static enum ec_status open_document(struct parse *p, struct fy_event *event, struct ec_err *err) {
    struct ec_yaml_place at = place_of_event(p, event);
    if (p->documents++ == 0) return EC_OK;
    return ec_yaml_fail(at, err, "a second document (`---`) is not allowed; one file holds one");
}

static enum ec_status refuse(struct parse *p, struct fy_token *token, const char *what, const char *instead,
                             struct ec_err *err) {
    const struct fy_mark *mark = fy_token_start_mark(token);
    struct ec_yaml_place at = p->last;
    if (mark && mark->input_pos <= p->file->text.n) {
        size_t offset = mark->input_pos;
        if (offset > 0 && (p->file->text.p[offset - 1] == '&' || p->file->text.p[offset - 1] == '*')) offset--;
        at = ec_yaml_place_of(p->file, offset);
    }
    return ec_yaml_fail(at, err, "%s are not allowed; %s", what, instead);
}

/* Anchors and tags of the events that can carry them. */
static enum ec_status check_decorations(struct parse *p, struct fy_token *anchor, struct fy_token *tag,
                                        struct ec_err *err) {
    if (anchor) return refuse(p, anchor, _("anchors (`&name`)"), _("write the value out where it is needed"), err);
    if (tag) return refuse(p, tag, _("tags (`!name`)"), _("the type follows from the key"), err);
    return EC_OK;
}

static enum ec_status take_event(struct parse *p, struct fy_event *event, struct ec_err *err) {
    switch (event->type) {
    case FYET_DOCUMENT_START: return open_document(p, event, err);
    case FYET_ALIAS: return refuse(p, event->alias.anchor, _("aliases (`*name`)"), _("write the value out"), err);
    case FYET_SCALAR:
        EC_TRY(check_decorations(p, event->scalar.anchor, event->scalar.tag, err));
        return take_scalar(p, event, err);
    case FYET_SEQUENCE_START:
        EC_TRY(check_decorations(p, event->sequence_start.anchor, event->sequence_start.tag, err));
        return open_node(p, event, EC_YAML_LIST, err);
    case FYET_MAPPING_START:
        EC_TRY(check_decorations(p, event->mapping_start.anchor, event->mapping_start.tag, err));
        return open_node(p, event, EC_YAML_MAP, err);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END: p->depth--; return EC_OK;
    default: return EC_OK;
    }
}

static enum ec_status syntax_error(const struct parse *p, struct fy_diag *diag, enum ec_yaml_syntax syntax,
                                   struct ec_err *err) {
    const char *language = syntax == EC_YAML_JSON ? "JSON" : "YAML";
    void *iterator = NULL;
    struct fy_diag_error *e = fy_diag_errors_iterate(diag, &iterator);
    if (!e || e->line < 1) return ec_yaml_fail(p->last, err, "this is not valid %s", language);
    struct ec_yaml_place at =
        ec_yaml_place_of_chars(p->file, (uint32_t)e->line, e->column > 0 ? (uint32_t)e->column : 1);
    return ec_yaml_fail(at, err, "this is not valid %s: %s", language, e->msg);
}

static enum ec_status take_all(struct parse *p, struct fy_parser *parser, struct fy_diag *diag,
                               enum ec_yaml_syntax syntax, struct ec_err *err) {
    for (;;) {
        struct fy_event *event = fy_parser_parse(parser);
        if (!event) break;
        enum ec_status status = take_event(p, event, err);
        fy_parser_event_free(parser, event);
        if (status != EC_OK) return status;
    }
    return fy_parser_get_stream_error(parser) ? syntax_error(p, diag, syntax, err) : EC_OK;
}

/* What must hold before libfyaml sees a byte. In JSON it looks ahead without bound before it
 * gives the first event, so the depth is counted here. */
static enum ec_status check_bytes(const struct ec_yaml_file *file, enum ec_yaml_syntax syntax, struct ec_err *err) {
    struct ec_str text = file->text;
    size_t bytes_max = syntax == EC_YAML_JSON ? EC_CONFIG_JSON_MAX : EC_YAML_BYTES_MAX;
    if (text.n > bytes_max)
        return ec_yaml_fail((struct ec_yaml_place){file, 1, 1}, err, "the file is larger than the limit of %zu bytes",
                            bytes_max);
    size_t bad = ec_utf8_prefix(text.p, text.n);
    if (bad < text.n) return ec_yaml_fail(ec_yaml_place_of(file, bad), err, "this is not valid UTF-8");
    const char *nul = text.n ? memchr(text.p, '\0', text.n) : NULL;
    if (nul) return ec_yaml_fail(ec_yaml_place_of(file, (size_t)(nul - text.p)), err, "a NUL byte is not text");
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; syntax == EC_YAML_JSON && i < text.n; i++) {
        char c = text.p[i];
        if (in_string && c == '\\') i++;
        if (c == '"') in_string = !in_string;
        if (in_string) continue;
        /* libfyaml passes over comments, in which a quote would hide what follows from this count. */
        if (c == '#')
            return ec_yaml_fail(ec_yaml_place_of(file, i), err, "this is not valid JSON: it has no comments");
        if ((c == ']' || c == '}') && depth > 0) depth--;
        if ((c == '[' || c == '{') && ++depth > EC_YAML_DEPTH_MAX)
            return ec_yaml_fail(ec_yaml_place_of(file, i), err, "nested deeper than the limit of %u levels",
                                EC_YAML_DEPTH_MAX);
    }
    return EC_OK;
}

static enum ec_status run_parser(struct parse *p, enum ec_yaml_syntax syntax, struct ec_err *err) {
    struct fy_parser *parser = NULL;
    enum ec_status status = EC_OK;
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL; /* nothing of it goes to stderr */
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    if (!diag) goto memory;
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = {.diag = diag,
                               .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 |
                                        (syntax == EC_YAML_JSON ? FYPCF_JSON_FORCE : FYPCF_JSON_NONE)};
    parser = fy_parser_create(&cfg);
    if (!parser || fy_parser_set_string(parser, p->file->text.p, p->file->text.n) != 0) goto memory;
    status = take_all(p, parser, diag, syntax, err);
    goto done;
memory:
    status = ec_fail(err, EC_NO_MEMORY, "no memory to parse %s", p->file->path);
done:
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return status;
}

enum ec_status ec_yaml_parse(struct ec_arena *arena, const char *path, struct ec_str text, enum ec_yaml_syntax syntax,
                             struct ec_yaml_node **root, struct ec_err *err) {
    if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0) text = (struct ec_str){text.p + 3, text.n - 3};
    struct ec_yaml_file *file = ec_arena_calloc(arena, 1, sizeof *file);
    if (!file) return ec_fail(err, EC_NO_MEMORY, "no memory to parse %s", path);
    *file = (struct ec_yaml_file){path, text};
    EC_TRY(check_bytes(file, syntax, err));

    struct parse p = {.arena = arena, .file = file, .line = 1, .last = {file, 1, 1}};
    enum ec_status status = text.n > 0 ? run_parser(&p, syntax, err) : EC_OK;
    ec_yaml_key_set_deinit(&p.keys);
    if (status != EC_OK) return status;
    if (!p.root) p.root = new_node(&p, EC_YAML_MAP, (struct ec_yaml_place){file, 1, 1});
    if (!p.root) return ec_fail(err, EC_NO_MEMORY, "no memory to parse %s", path);
    *root = p.root;
    return EC_OK;
}
