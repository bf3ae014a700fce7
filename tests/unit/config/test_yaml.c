/* The tree under hostile and damaged text: limits have names, nothing is expanded, nothing
 * recurses, and whatever is cut or flipped gives a tree or an error with a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/limits.h"
#include "config/yaml.h"

#include <stdlib.h>

static enum ec_status parse(struct ec_str text, enum ec_yaml_syntax syntax, struct ec_err *err) {
    struct ec_arena arena;
    struct ec_yaml_node *root = NULL;
    ec_arena_init(&arena, 256 * EC_MIB);
    ec_err_clear(err);
    enum ec_status status = ec_yaml_parse(&arena, "x", text, syntax, &root, err);
    if (status == EC_OK) assert_non_null(root);
    ec_arena_deinit(&arena);
    return status;
}

static void repeat(struct ec_buf *out, const char *text, size_t count) {
    for (size_t i = 0; i < count; i++) ec_buf_addz(out, text);
}

/* `head`, `text` many times, `tail`: must fail with the message at the place. */
static void assert_refused(enum ec_yaml_syntax syntax, const char *head, const char *text, size_t count,
                           const char *message, uint32_t line, uint32_t column) {
    struct ec_buf buf = ec_buf_make(8 * EC_MIB);
    struct ec_err err = {0};
    ec_buf_addz(&buf, head);
    repeat(&buf, text, count);
    assert_int_equal(parse(ec_buf_str(&buf), syntax, &err), EC_CONFIG);
    assert_string_equal(err.message, message);
    assert_int_equal(err.line, line);
    assert_int_equal(err.column, column);
    ec_buf_free(&buf);
}

static void a_bomb_of_aliases_is_refused_at_its_first_anchor(void **state) {
    (void)state;
    static const char bomb[] = "a: &a [x, x, x, x, x, x, x, x, x]\n"
                               "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
                               "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n";
    struct ec_err err;
    assert_int_equal(parse(EC_STR(bomb), EC_YAML, &err), EC_CONFIG);
    assert_string_equal(err.message, "anchors (`&name`) are not allowed; write the value out where it is needed");
    assert_int_equal(err.line, 1);
    assert_int_equal(err.column, 4);
    assert_int_equal(parse(EC_STR("a: &r\n  b: *r\n"), EC_YAML, &err), EC_CONFIG); /* one that holds itself */
    assert_int_equal(parse(EC_STR("&k a: 1\n"), EC_YAML, &err), EC_CONFIG);
    assert_int_equal(err.column, 1);
}

static void depth_is_limited_in_every_style(void **state) {
    (void)state;
    static const char deep[] = "nested deeper than the limit of 16 levels";
    assert_refused(EC_YAML, "", "[", 250000, deep, 1, 17);
    assert_refused(EC_YAML, "", "{a: ", 60000, deep, 1, 65);
    assert_refused(EC_YAML, "", "- ", 120000, deep, 1, 33);
    assert_refused(EC_YAML_JSON, "", "[", 4000000, deep, 1, 17);
    assert_refused(EC_YAML_JSON, "", "{\"a\":", 800000, deep, 1, 81);
    struct ec_err err;
    assert_int_equal(parse(EC_STR("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"), EC_YAML, &err), EC_OK);   /* 16 */
    assert_int_equal(parse(EC_STR("[\"[[[[[[[[[[[[[[[[[\\\"[[[\"]"), EC_YAML_JSON, &err), EC_OK); /* in a text */
}

static void size_is_limited(void **state) {
    (void)state;
    assert_refused(EC_YAML, "", "#", EC_YAML_BYTES_MAX + 1, "the file is larger than the limit of 262144 bytes", 1, 1);
    assert_refused(EC_YAML_JSON, "", " ", EC_CONFIG_JSON_MAX + 1, "the file is larger than the limit of 4194304 bytes",
                   1, 1);
    struct ec_buf buf = ec_buf_make(EC_YAML_BYTES_MAX);
    struct ec_err err;
    repeat(&buf, "#", EC_YAML_BYTES_MAX);
    assert_int_equal(parse(ec_buf_str(&buf), EC_YAML, &err), EC_OK);
    ec_buf_free(&buf);
}

static void a_large_file_is_refused_before_it_is_read_whole(void **state) {
    (void)state;
    char path[] = "/tmp/ecluse-yaml-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ec_io.ftruncate(fd, (off_t)1 << 36), 0); /* sparse */
    (void)ec_io.close(fd);
    struct ec_arena arena;
    ec_arena_init(&arena, EC_MIB);
    struct ec_yaml_node *root;
    struct ec_err err = {0};
    assert_int_equal(ec_yaml_load(&arena, path, EC_YAML, &root, &err), EC_CONFIG);
    assert_string_equal(err.message, "the file is larger than the limit of 262144 bytes");
    assert_string_equal(err.file, path);
    ec_arena_deinit(&arena);
    assert_int_equal(ec_io.unlink(path), 0);
}

static void many_keys_cost_no_more_than_their_bytes(void **state) {
    (void)state;
    struct ec_buf buf = ec_buf_make(EC_CONFIG_JSON_MAX);
    struct ec_err err;
    ec_buf_addc(&buf, '{');
    for (int i = 0; i < 150000; i++) ec_buf_printf(&buf, "\"%d\":{},", i);
    ec_buf_addz(&buf, "\"7\":1}"); /* the last is the first that occurs twice */
    assert_int_equal(parse(ec_buf_str(&buf), EC_YAML_JSON, &err), EC_CONFIG);
    assert_string_equal(err.message, "duplicate key `7`: it stands on line 1 already");
    ec_buf_free(&buf);
}

static void the_same_key_may_stand_in_two_mappings(void **state) {
    (void)state;
    struct ec_err err;
    assert_int_equal(parse(EC_STR("a: {x: 1, y: {x: 2}}\nb: {x: 3}\n"), EC_YAML, &err), EC_OK);
    assert_int_equal(parse(EC_STR("a: 1\n'a': 2\n"), EC_YAML, &err), EC_CONFIG); /* quotes make no other key */
    assert_int_equal(err.line, 2);
    assert_int_equal(parse(EC_STR("{\"a\": 1, \"\\u0061\": 2}"), EC_YAML_JSON, &err), EC_CONFIG);
}

static void json_is_strict(void **state) {
    (void)state;
    static const char *const bad[] = {"{'a': 1}",     "{\"a\": 1,}", "{a: 1}",          "[1 2]",       "{\"a\": NaN}",
                                      "{\"a\": 01}",  "[1] x",       "{\"a\": \"\t\"}", "{\"a\": .5}", "// c\n{}",
                                      "{\"a\": tru}", "{\"a\"}",     "[\"\\x41\"]"};
    struct ec_err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse(ec_str_of(bad[i]), EC_YAML_JSON, &err) != EC_CONFIG) fail_msg("%s is no JSON", bad[i]);
    assert_int_equal(parse(EC_STR("{\"a\": [1, -2.5e3, true, null, \"\\u00e9\"]}\n"), EC_YAML_JSON, &err), EC_OK);
    /* A comment is no JSON, and its quote hides no depth. */
    assert_refused(EC_YAML_JSON, "{\"a\": 1} # \"\n", "[", 400000, "this is not valid JSON: it has no comments", 1, 10);
    assert_int_equal(parse(EC_STR("{\"a\": \"# \\\" #\"}"), EC_YAML_JSON, &err), EC_OK);
}

/* Every prefix and many one-byte changes of the sample: a tree, or an error with a place in it. */
static void damage(const char *path, enum ec_yaml_syntax syntax) {
    struct ec_buf buf = ec_buf_make(EC_MIB);
    struct ec_err err = {0};
    assert_int_equal(ec_file_load(path, &buf, &err), EC_OK);
    uint64_t seed = 88172645463325252u;
    for (size_t i = 0; i < 400; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        size_t at = (size_t)(seed % buf.n);
        char was = buf.p[at];
        struct ec_str text = {buf.p, i % 2 ? buf.n : at};
        if (i % 2) buf.p[at] = "[]{}\"':#&*!|>%@-,\n\t \\\0\x80?"[seed / buf.n % 24];
        enum ec_status status = parse(text, syntax, &err);
        assert_true(status == EC_OK || (status == EC_CONFIG && err.line > 0 && err.column > 0));
        buf.p[at] = was;
    }
    ec_buf_free(&buf);
}

static void damaged_text_gives_a_tree_or_a_place(void **state) {
    (void)state;
    damage("config/pipeline_config.yaml", EC_YAML);
    damage("config/business_rules.yaml", EC_YAML);
    damage("config/data_schemas.json", EC_YAML_JSON);
}

static void empty_texts_are_empty_mappings(void **state) {
    (void)state;
    static const char *const texts[] = {"", "# only a comment\n", "\n\n", "---\n", "\xEF\xBB\xBF"};
    struct ec_err err;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(parse(ec_str_of(texts[i]), EC_YAML, &err), EC_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bomb_of_aliases_is_refused_at_its_first_anchor),
        cmocka_unit_test(depth_is_limited_in_every_style),
        cmocka_unit_test(size_is_limited),
        cmocka_unit_test(a_large_file_is_refused_before_it_is_read_whole),
        cmocka_unit_test(many_keys_cost_no_more_than_their_bytes),
        cmocka_unit_test(the_same_key_may_stand_in_two_mappings),
        cmocka_unit_test(json_is_strict),
        cmocka_unit_test(damaged_text_gives_a_tree_or_a_place),
        cmocka_unit_test(empty_texts_are_empty_mappings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
