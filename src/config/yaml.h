/* YAML 1.2 and JSON as one thin tree in which every node knows its line and column.
 *
 * libfyaml scans and parses; this tree adds what configuration needs: a position for every
 * node, a refusal by name of whatever a configuration has no use for (anchors, aliases, tags,
 * merge keys, duplicate keys, several documents), and limits. A scalar is a text until a
 * reader of yaml_value.h asks for a type, so `no`, `1e3` and `012` are never reinterpreted.
 * JSON is read by the same parser in its strict JSON mode, so that both have positions.
 *
 *     struct ec_arena arena;
 *     const struct ec_yaml_node *root;
 *     EC_TRY(ec_yaml_parse(&arena, "config/a.yaml", text, EC_YAML, &root, err));
 *     const struct ec_yaml_node *rows = ec_yaml_get(root, "chunk_rows");
 *
 * Limits: EC_YAML_BYTES_MAX or EC_CONFIG_JSON_MAX bytes, EC_YAML_DEPTH_MAX levels. Nodes live
 * in the arena and borrow the text. Errors are EC_CONFIG with file, line, column and excerpt.
 * Format: https://yaml.org/spec/1.2.2/, RFC 8259.
 */
#ifndef EC_CONFIG_YAML_H
#define EC_CONFIG_YAML_H

#include "base/arena.h"
#include "base/err.h"

enum ec_yaml_syntax { EC_YAML, EC_YAML_JSON };
enum ec_yaml_kind { EC_YAML_SCALAR, EC_YAML_LIST, EC_YAML_MAP };

/* One text with a name for messages. */
struct ec_yaml_file {
    const char *path;
    struct ec_str text;
};

struct ec_yaml_place {
    const struct ec_yaml_file *file;
    uint32_t line;   /* 1-based */
    uint32_t column; /* 1-based, in bytes */
};

struct ec_yaml_node {
    enum ec_yaml_kind kind;
    bool plain;       /* a scalar without quotes or block style */
    bool is_item;     /* of a list */
    const char *text; /* of a scalar, NUL-terminated and without NUL inside; else "" */
    const char *name; /* the key that it stands under; of a list's item, the list's; "" at the root */
    struct ec_yaml_place at;
    struct ec_yaml_place key_at; /* of the key; the same as `at` outside a mapping */
    struct ec_yaml_node *child;  /* of a list or mapping, in the file's order */
    struct ec_yaml_node *next;
    size_t count;
};

/* Parses the whole text. An empty text is an empty mapping. `path` and `text` are borrowed
 * for the arena's life. */
enum ec_status ec_yaml_parse(struct ec_arena *arena, const char *path, struct ec_str text, enum ec_yaml_syntax syntax,
                             struct ec_yaml_node **root, struct ec_err *err) EC_MUST_USE;

/* Reads and parses a file; the text is kept in the arena. */
enum ec_status ec_yaml_load(struct ec_arena *arena, const char *path, enum ec_yaml_syntax syntax,
                            struct ec_yaml_node **root, struct ec_err *err) EC_MUST_USE;

/* The member of a mapping, or NULL; NULL also for a NULL or another kind of node. */
struct ec_yaml_node *ec_yaml_get(const struct ec_yaml_node *map, const char *key);

/* EC_CONFIG with the place and the text of its line. Returns EC_CONFIG. */
enum ec_status ec_yaml_fail(struct ec_yaml_place at, struct ec_err *err, const char *fmt, ...) EC_PRINTF(3, 4);

/* A place from line and column into err, with its excerpt. */
void ec_yaml_err_at(struct ec_yaml_place at, struct ec_err *err);

#endif
