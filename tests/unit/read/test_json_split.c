/* Any split of a file of JSON lines gives the rows of the whole. */
#include "json_kit.h"

#include "base/io.h"
#include "read/json_split.h"

static char dir[] = "/tmp/ec_json_split_XXXXXX";
static char path[64];

static int make_dir(void **state) {
    (void)state;
    if (!mkdtemp(dir)) return -1;
    (void)snprintf(path, sizeof path, "%s/x.json", dir);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

static void write_file(const char *p, size_t n) {
    struct ec_err err = {0};
    if (ec_file_replace(path, p, n, &err) != EC_OK) fail_msg("%s", err.message);
}

struct split {
    struct ec_arena arena;
    struct ec_range *range;
    size_t count;
};

static struct split split_file(uint64_t chunk) {
    struct split s;
    struct ec_err err = {0};
    ec_arena_init(&s.arena, EC_MIB);
    if (ec_json_split(path, &kit_source, chunk, &s.arena, &s.range, &s.count, &err) != EC_OK)
        fail_msg("%s", err.message);
    return s;
}

/* The rows of every range, one behind the other. */
static struct ec_buf read_ranges(const struct split *s, const char *p, const struct ec_json_options *options) {
    struct ec_buf out = ec_buf_make(16 * EC_MIB);
    uint64_t at = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct ec_range *r = &s->range[i];
        assert_int_equal(r->start, at);
        assert_true(r->end > r->start);
        at = r->end;
        (void)kit_read(&(struct kit_run){.options = *options, .offset = r->start, .line = r->line}, p + r->start,
                       (size_t)(r->end - r->start), &out);
    }
    ec_buf_addz(&out, "");
    return out;
}

static void check(const char *p, size_t n, uint64_t chunk, const struct ec_json_options *options) {
    write_file(p, n);
    struct split s = split_file(chunk);
    assert_int_equal(s.range[s.count - 1].end, n);
    struct ec_buf parts = read_ranges(&s, p, options);
    struct ec_buf whole = kit_text(&(struct kit_run){.options = *options}, p, n);
    if (!ec_str_eq(ec_buf_str(&parts), ec_buf_str(&whole)))
        fail_msg("%zu ranges of %" PRIu64 " bytes of\n%.*s\n--- whole\n%s\n--- ranges\n%s", s.count, chunk, (int)n, p,
                 whole.p, parts.p);
    ec_buf_free(&parts);
    ec_buf_free(&whole);
    ec_arena_deinit(&s.arena);
}

static size_t ranges_of(const char *p, uint64_t chunk) {
    write_file(p, strlen(p));
    struct split s = split_file(chunk);
    ec_arena_deinit(&s.arena);
    return s.count;
}

static void what_splits(void **state) {
    (void)state;
    assert_int_equal(ranges_of("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", 1), 3);
    assert_int_equal(ranges_of("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", 9), 2);
    assert_int_equal(ranges_of("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", 100), 1);
    assert_int_equal(ranges_of("{\"a\":1}\n {\"a\":2}\n{\"a\":3}\n", 1), 2);
    assert_int_equal(ranges_of("{\"a\":1\n}\n{\"a\":2}\n{\"a\":3}\n", 1), 1);
    assert_int_equal(ranges_of("{\"a\":bad\n{\"a\":2}\n{\"a\":3}\n", 1), 3);
    assert_int_equal(ranges_of("[{\"a\":1},\n{\"a\":2}]\n", 1), 1);
    assert_int_equal(ranges_of("lost\n{\"a\":1}\n{\"a\":2}\n", 1), 1);
    assert_int_equal(ranges_of("a,b\n1,2\n3,4\n", 1), 1);
    assert_int_equal(ranges_of("\xEF\xBB\xBF{\"a\":1}\n{\"a\":2}\n", 1), 2);
    assert_int_equal(ranges_of("\x1f\x8b{\n{\"a\":2}\n", 1), 1);
    /* Space before the first record is no range of its own: read alone it is an empty file. */
    static const char space[] = "\n\n\n{\"a\":1}\n{\"a\":2}\n";
    assert_int_equal(ranges_of(space, 1), 2);
    check(space, sizeof space - 1, 1, &(struct ec_json_options){0});
}

static void places(void **state) {
    (void)state;
    static const char json[] = "{\"a\":1}\r\n\n\n{\"a\":2}\nlost\n{\"a\":3}";
    write_file(json, sizeof json - 1);
    struct split s = split_file(1);
    static const struct ec_range expected[] = {{0, 11, 1}, {11, 24, 4}, {24, 31, 6}};
    assert_int_equal(s.count, 3);
    assert_memory_equal(s.range, expected, sizeof expected);
    ec_arena_deinit(&s.arena);
    check(json, sizeof json - 1, 1, &(struct ec_json_options){0});
}

/* Pieces that are records, damage, and records over several lines, in any order. */
static void any_split(void **state) {
    (void)state;
    static const char *const pieces[] = {"{\"a\":1,\"s\":\"one\"}\n",
                                         "{\"a\":2}",
                                         "\n",
                                         "{\"a\":3}\r\n",
                                         "{\"a\":4,\n\"s\":\"x\"}\n",
                                         "{\"a\":\n",
                                         "{\"s\":\"cut\n",
                                         "{\"s\":[\n{\"a\":5}]}\n",
                                         "garbage\n",
                                         " {\"a\":6}\n",
                                         "{\"a\":7,\"a\":8}\n",
                                         "}\n",
                                         ",\n",
                                         "\t\n{\"s\":\"\xff\"}\n",
                                         "{\"a\":\"not a number\"}\n",
                                         "{\n  \"a\": 9\n}\n",
                                         "\"\n",
                                         "{\"new\":1}\n",
                                         /* What a range has not met it cannot name. */
                                         "{\"new\":\"\xff\"}\n",
                                         "{\"new\":1,\"new\":2}\n"};
    uint64_t seed = 5;
    for (int turn = 0; turn < 300; turn++) {
        struct ec_buf json = ec_buf_make(EC_MIB);
        ec_buf_addz(&json, "{\"a\":0,\"new\":\"\"}\n");
        if (turn % 4 == 0) ec_buf_clear(&json);
        for (unsigned i = 0; i < 20; i++)
            ec_buf_addz(&json, pieces[kit_random(&seed) % (sizeof pieces / sizeof pieces[0])]);
        /* A file that is refused is one range; so is what the reader finds no line in. */
        if (json.p[0] == '{' || json.p[0] == '\n')
            check(json.p, json.n, 1 + kit_random(&seed) % 60,
                  &(struct ec_json_options){.record_max = turn % 3 ? 0 : 20});
        ec_buf_free(&json);
    }
}

/* ---- keys that become one name ---- */

#define CELLS_MAX 64u

static int compare_cells(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The lines with their cells in the order of names: in which order a range meets its keys is its own. */
static struct ec_buf canonical(const char *rows) {
    struct ec_buf out = ec_buf_make(EC_MIB);
    char *copy = strdup(rows), *save = NULL;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *cell[CELLS_MAX];
        char *within = NULL;
        size_t n = 0;
        ec_buf_addz(&out, strtok_r(line, " ", &within));
        for (char *word; (word = strtok_r(NULL, " ", &within)) && n < CELLS_MAX;) cell[n++] = word;
        if (n > 1) qsort(cell, n, sizeof *cell, compare_cells);
        for (size_t i = 0; i < n; i++) ec_buf_printf(&out, " %s", cell[i]);
        ec_buf_addc(&out, '\n');
    }
    ec_buf_addz(&out, "");
    free(copy);
    return out;
}

/* Whether a range refused the file, or their columns together do, as the driver finds. */
static bool is_refused(const char *rows) {
    static const char *const names[][2] = {{" color=", " Color="}, {" A_2=", " a_2="}, {" x_y=", " X_y="}};
    if (strstr(rows, "error bad-header")) return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strstr(rows, names[i][0]) && strstr(rows, names[i][1])) return true;
    return false;
}

static void keys_of_one_name(void **state) {
    (void)state;
    static const char *const keys[] = {"x y", "x_y", "x;y", "X y", "color", "Color", "A", "A_2", "a_2", "b1", "b2", "a"};
    uint64_t seed = 11;
    unsigned refused = 0, repeated = 0;
    for (int turn = 0; turn < 600; turn++) {
        /* Most files have no names that differ in case alone: those are refused, and say no more. */
        size_t first = kit_random(&seed) % 3 ? 0 : 3, among = turn % 3 ? 3 : sizeof keys / sizeof *keys - first;
        struct ec_buf json = ec_buf_make(EC_MIB), parts = ec_buf_make(EC_MIB);
        for (unsigned i = 0; i < 12; i++) {
            ec_buf_printf(&json, "{\"a\":%u", i);
            for (unsigned k = 0, many = (unsigned)(kit_random(&seed) % 3); k < many; k++)
                ec_buf_printf(&json, ",\"%s\":%u", keys[first + kit_random(&seed) % among], i * 10 + k);
            ec_buf_addz(&json, "}\n");
        }
        for (size_t at = 0; at < json.n;) { /* any line may begin a range */
            size_t end = at;
            do {
                end = (size_t)((char *)memchr(json.p + end, '\n', json.n - end) - json.p) + 1;
            } while (end < json.n && kit_random(&seed) % 4);
            (void)kit_read(&(struct kit_run){.offset = at, .line = 1}, json.p + at, end - at, &parts);
            at = end;
        }
        ec_buf_addz(&parts, "");
        struct ec_buf whole = ec_buf_make(EC_MIB);
        enum ec_status status = kit_read(&(struct kit_run){.line = 1}, json.p, json.n, &whole);
        ec_buf_addz(&whole, "");
        assert_true(status == EC_OK || status == EC_BAD_HEADER);
        assert_int_equal(status != EC_OK, is_refused(parts.p));
        refused += status != EC_OK;
        repeated += strstr(whole.p, "!parse-error") != NULL;
        if (status == EC_OK) {
            struct ec_buf a = canonical(whole.p), b = canonical(parts.p);
            /* Lines are counted from the range's first, which is told to it; here all begin at 1. */
            for (char *p = a.p, *q = b.p; *p || *q;) {
                p += strcspn(p, "@\n"), q += strcspn(q, "@\n");
                size_t n = strcspn(p, "\n");
                if (n != strcspn(q, "\n") || memcmp(p, q, n) != 0) fail_msg("of\n%s\n--- whole\n%s\n--- ranges\n%s", json.p, a.p, b.p);
                p += n + (p[n] != '\0'), q += n + (q[n] != '\0');
            }
            ec_buf_free(&a);
            ec_buf_free(&b);
        }
        ec_buf_free(&json);
        ec_buf_free(&parts);
        ec_buf_free(&whole);
    }
    assert_true(refused > 50 && refused < 500 && repeated > 50);
}

static void missing_file(void **state) {
    (void)state;
    struct ec_arena arena;
    struct ec_range *range;
    size_t count;
    struct ec_err err = {0};
    ec_arena_init(&arena, EC_MIB);
    assert_int_equal(ec_json_split("/nowhere/x.json", &kit_source, 1, &arena, &range, &count, &err), EC_UNREADABLE);
    assert_non_null(strstr(err.message, "/nowhere/x.json"));
    ec_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_splits),
        cmocka_unit_test(places),
        cmocka_unit_test(any_split),
        cmocka_unit_test(keys_of_one_name),
        cmocka_unit_test(missing_file),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
