/* YAML and JSON configuration: positions lie in the text, depth stays below its limit, values are read without a
 * crash; what is taken as JSON jansson takes as well, with the same texts. */
#include "kit.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "config/yaml_value.h"

#include <jansson.h>
#include <stdlib.h>

#define TREE_MAX (64 * EC_MIB)

static void read_values(const struct ec_yaml_node *node, struct ec_arena *arena) {
    static const char *const words[] = {"append", "merge", "replace"};
    bool flag;
    uint64_t number;
    double value;
    int64_t seconds;
    unsigned index;
    const char *text, **texts;
    size_t count;
    (void)!ec_yaml_bool(node, &flag, NULL);
    (void)!ec_yaml_uint(node, 1, 1u << 20, &number, NULL);
    (void)!ec_yaml_share(node, &value, NULL);
    (void)!ec_yaml_duration(node, &seconds, NULL);
    (void)!ec_yaml_word(node, words, 3, &index, NULL);
    (void)!ec_yaml_text(node, arena, &text, NULL);
    (void)!ec_yaml_texts(node, arena, &texts, &count, NULL);
    struct ec_err err = {0};
    if (ec_yaml_keys(node, words, 3, &err) != EC_OK) FUZZ_CHECK(*err.message, "a refusal without a reason");
    if (node->kind == EC_YAML_SCALAR && ec_decimal_text(node->text, &value)) {
        double same = strtod(node->text, NULL);
        FUZZ_CHECK(!(value < same) && !(value > same), "%s is read as %.17g", node->text, value);
    }
}

static void check_place(const struct ec_yaml_node *node, struct ec_str text) {
    /* CR ends a line of YAML as LF does. */
    uint32_t lines = 1;
    for (size_t i = 0; i < text.n; i++) lines += text.p[i] == '\n' || text.p[i] == '\r';
    FUZZ_CHECK(node->at.line >= 1 && node->at.line <= lines && node->at.column >= 1, "a node at %u:%u", node->at.line,
               node->at.column);
}

static void walk(const struct ec_yaml_node *node, unsigned depth, struct ec_str text, struct ec_arena *arena) {
    FUZZ_CHECK(depth <= EC_YAML_DEPTH_MAX + 1, "nested %u deep", depth);
    check_place(node, text);
    read_values(node, arena);
    size_t count = 0;
    for (const struct ec_yaml_node *n = node->child; n; n = n->next, count++) walk(n, depth + 1, text, arena);
    FUZZ_CHECK(count == node->count, "%zu children, and a count of %zu", count, node->count);
}

static bool same_text(const struct ec_yaml_node *node, const char *text, size_t n) {
    return strlen(node->text) == n && memcmp(node->text, text, n) == 0;
}

/* The depth is that of the tree, which has been looked at. */
static void compare(const struct ec_yaml_node *node, const json_t *json) {
    if (json_is_string(json)) {
        FUZZ_CHECK(node->kind == EC_YAML_SCALAR && !node->plain &&
                       same_text(node, json_string_value(json), json_string_length(json)),
                   "the text %s is %s for jansson", node->text, json_string_value(json));
    } else if (json_is_array(json)) {
        FUZZ_CHECK(node->kind == EC_YAML_LIST && node->count == json_array_size(json), "another list");
        size_t i = 0;
        for (const struct ec_yaml_node *n = node->child; n; n = n->next) compare(n, json_array_get(json, i++));
    } else if (json_is_object(json)) {
        FUZZ_CHECK(node->kind == EC_YAML_MAP && node->count == json_object_size(json), "another object");
        for (const struct ec_yaml_node *n = node->child; n; n = n->next) {
            const json_t *member = json_object_get(json, n->name);
            FUZZ_CHECK(member, "jansson has no key %s", n->name);
            compare(n, member);
        }
    } else {
        FUZZ_CHECK(node->kind == EC_YAML_SCALAR && node->plain, "another scalar than %s", node->text);
    }
}

static bool is_empty(struct ec_str text) {
    for (size_t i = 0; i < text.n; i++)
        if (!strchr(" \t\r\n", text.p[i]) || text.p[i] == '\0') return false;
    return true;
}

static void check_json(struct ec_str text, const struct ec_yaml_node *root) {
    json_error_t cause;
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) text = (struct ec_str){text.p + 3, text.n - 3};
    if (is_empty(text)) return; /* an empty file is an empty mapping */
    json_t *json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &cause);
    if (!json && json_error_code(&cause) == json_error_numeric_overflow) return;
    if (!json) fuzz_fail("taken as JSON, but jansson says %s at byte %d", cause.text, cause.position);
    compare(root, json);
    json_decref(json);
}

static void parse(struct ec_str text, enum ec_yaml_syntax syntax) {
    struct ec_arena arena;
    struct ec_err err = {0};
    struct ec_yaml_node *root = NULL;
    ec_arena_init(&arena, TREE_MAX);
    if (ec_yaml_parse(&arena, "fuzz", text, syntax, &root, &err) == EC_OK) {
        walk(root, 0, text, &arena);
        if (syntax == EC_YAML_JSON) check_json(text, root);
    } else {
        FUZZ_CHECK(err.status == EC_CONFIG && *err.message, "refused as %s", ec_status_text(err.status)->slug);
        FUZZ_CHECK(ec_utf8_valid(err.message, strlen(err.message)), "a message that is not UTF-8: %s", err.message);
    }
    ec_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    char *copy = fuzz_copy(p, n);
    parse((struct ec_str){copy, n}, EC_YAML);
    parse((struct ec_str){copy, n}, EC_YAML_JSON);
    free(copy);
    return 0;
}
