/* Shops as a whole: their bytes, their sizes, and that the key tells what the files hold. */
#include "shop/archive.h"
#include "../faulty_io.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "shop/shop.h"
#include "source/discover.h"
#include "source/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

/* Of the shop of 200 KB, seed 1, 20 % of defects. It is the same on every machine and with every compiler: where it
 * differs, the generator was changed, and docs/shop.md says what that means. */
#define FIRST_SHOP_SHA256 "e56dad62eed0e45084b644a6d929557192322754832c469bd7d30ad9445e603f"

static char folder[] = "/tmp/ecluse-shop-XXXXXX";
static char dir[256];
static struct ec_shop_totals totals;

static struct ec_shop_options options(const char *name, uint64_t bytes, uint64_t seed, double defects) {
    (void)snprintf(dir, sizeof dir, "%s/%s", folder, name);
    struct ec_shop_options o = ec_shop_options_default(dir);
    o.bytes = bytes;
    o.seed = seed;
    o.defects = defects;
    return o;
}

static void generate(const char *name, uint64_t bytes, uint64_t seed, double defects) {
    struct ec_shop_options o = options(name, bytes, seed, defects);
    struct ec_err err = {0};
    if (ec_shop_generate(&o, &totals, &err) != EC_OK) fail_msg("%s", err.message);
}

static json_t *load_truth(void) {
    json_error_t error;
    json_t *truth = json_load_file(totals.truth, JSON_REJECT_DUPLICATES, &error);
    if (!truth) fail_msg("%s:%d: %s", totals.truth, error.line, error.text);
    return truth;
}

/* The hash of all files' hashes, in the key's order, and of the key's own. */
static void shop_hash(char hex[EC_SHA256_HEX]) {
    struct ec_buf all = ec_buf_make(EC_MIB);
    json_t *truth = load_truth(), *file;
    size_t i;
    const char *last = "";
    char path[512], one[EC_SHA256_HEX];
    uint64_t bytes;
    json_array_foreach(json_object_get(truth, "files"), i, file) {
        const char *name = json_string_value(json_object_get(file, "path"));
        if (strcmp(name, last) == 0) continue; /* members of one archive */
        last = name;
        (void)snprintf(path, sizeof path, "%s/%s", dir, name);
        assert_int_equal(ec_sha256_file(path, one, &bytes, NULL), EC_OK);
        ec_buf_printf(&all, "%s %s %llu\n", name, one, (unsigned long long)bytes);
    }
    assert_int_equal(ec_sha256_file(totals.truth, one, &bytes, NULL), EC_OK);
    ec_buf_addz(&all, one);
    assert_int_equal(ec_sha256_bytes(all.p, all.n, hex, NULL), EC_OK);
    json_decref(truth);
    ec_buf_free(&all);
}

static void the_same_seed_gives_the_same_bytes(void **state) {
    (void)state;
    char first[EC_SHA256_HEX], second[EC_SHA256_HEX], other[EC_SHA256_HEX];
    generate("a", 200000, 1, 0.05);
    shop_hash(first);
    generate("b", 200000, 1, 0.05);
    shop_hash(second);
    assert_string_equal(first, second);
    generate("c", 200000, 2, 0.05);
    shop_hash(other);
    assert_string_not_equal(first, other);
}

static void bytes_are_those_of_every_machine(void **state) {
    (void)state;
    char hex[EC_SHA256_HEX];
    generate("pinned", 200000, 1, 0.2);
    shop_hash(hex);
    assert_string_equal(hex, FIRST_SHOP_SHA256);
}

static void sizes_are_near_those_asked_for(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint64_t bytes;
        double defects;
    } cases[] = {{"small", 200000, 0.01}, {"more", 1000000, 0}, {"most", 4000000, 0.01}, {"bad", 2000000, 0.3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        generate(cases[i].name, cases[i].bytes, 3, cases[i].defects);
        uint64_t off =
            totals.all.bytes > cases[i].bytes ? totals.all.bytes - cases[i].bytes : cases[i].bytes - totals.all.bytes;
        assert_true(off < cases[i].bytes / 20);
        uint64_t planted = totals.all.quarantined + totals.all.duplicate;
        assert_true(planted >= (uint64_t)(cases[i].defects * 0.7 * (double)totals.all.read));
        assert_true(planted <=
                    (uint64_t)(cases[i].defects * 1.2 * (double)totals.all.read) + 10); /* the catalogue has more */
    }
}

static void no_defects_give_none(void **state) {
    (void)state;
    generate("clean", 500000, 4, 0);
    assert_int_equal(totals.all.quarantined, 0);
    assert_int_equal(totals.all.duplicate, 0);
    assert_int_equal(totals.all.accepted, totals.all.read);
    json_t *truth = load_truth(), *file;
    size_t i;
    json_array_foreach(json_object_get(truth, "files"), i, file) {
        assert_int_equal(json_array_size(json_object_get(file, "rows")), 0);
        assert_int_equal(json_object_size(json_object_get(file, "by_reason")), 0);
        assert_int_equal(json_object_size(json_object_get(file, "checks")), 0);
    }
    json_decref(truth);
}

static uint64_t number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_integer(value));
    return (uint64_t)json_integer_value(value);
}

static void load(const json_t *file, struct ec_buf *text) {
    char path[512];
    struct ec_stream *stream;
    struct ec_err err = {0};
    size_t got = 1;
    (void)snprintf(path, sizeof path, "%s/%s", dir, json_string_value(json_object_get(file, "path")));
    struct ec_stream_args args = {.path = path, .member = json_string_value(json_object_get(file, "member"))};
    if (ec_stream_open(&args, &stream, &err) != EC_OK) fail_msg("%s: %s", path, err.message);
    ec_buf_clear(text);
    while (got > 0) {
        char *p = ec_buf_reserve(text, 65536);
        assert_non_null(p);
        if (ec_stream_read(stream, p, 65536, &got, &err) != EC_OK) fail_msg("%s: %s", path, err.message);
        text->n += got;
    }
    text->p[text->n] = '\0';
    ec_stream_close(stream);
}

/* Records without reading them: lines that are not empty, and behind the header; or beginnings of a
 * log record. */
static uint64_t count_records(const struct ec_buf *text, bool csv) {
    static const char first_key[] = "{\"timestamp\":";
    uint64_t count = 0;
    const char *p = text->p;
    while (!csv && (p = strstr(p, first_key))) count++, p++;
    for (size_t i = 0; csv && i < text->n; i++) {
        size_t before = i > 0 && text->p[i - 1] == '\r' ? i - 1 : i;
        count += text->p[i] == '\n' && before > 0 && text->p[before - 1] != '\n';
    }
    return csv ? count - 1 : count;
}

/* The planted row stands where the key says that it does. */
static void check_place(const struct ec_buf *text, const json_t *row, bool csv) {
    uint64_t offset = number(row, "offset"), line = number(row, "line"), lines = 1;
    assert_true(offset > 0 && offset < text->n);
    for (uint64_t i = 0; i < offset; i++) lines += text->p[i] == '\n';
    assert_int_equal(lines, line);
    if (csv)
        assert_int_equal(text->p[offset - 1], '\n');
    else
        assert_int_equal(text->p[offset], '{');
}

/* Counts a file's planted rows again, by their reasons. */
static void check_reasons(const json_t *file) {
    json_t *row, *reason, *sums = json_object();
    size_t i, k;
    uint64_t quarantined = 0, duplicate = 0;
    json_array_foreach(json_object_get(file, "rows"), i, row) {
        json_t *of_row = json_object();
        json_array_foreach(json_object_get(row, "reasons"), k, reason) {
            const char *code = json_string_value(json_object_get(reason, "code"));
            bool rule = strncmp(code, "rule:", 5) == 0;
            assert_true(rule || ec_reason_by_slug(code) != EC_REASON_COUNT);
            json_object_set_new(of_row, code, json_true());
        }
        bool is_duplicate = json_object_get(of_row, "duplicate-key") != NULL;
        assert_true(json_object_size(of_row) > 0 && (!is_duplicate || json_object_size(of_row) == 1));
        duplicate += is_duplicate;
        quarantined += !is_duplicate;
        const char *code;
        json_t *ignored;
        json_object_foreach(of_row, code, ignored) {
            json_int_t before = json_integer_value(json_object_get(sums, code));
            json_object_set_new(sums, code, json_integer(before + 1));
        }
        json_decref(of_row);
    }
    assert_true(json_equal(sums, json_object_get(file, "by_reason")));
    assert_int_equal(quarantined, number(file, "quarantined"));
    assert_int_equal(duplicate, number(file, "duplicate"));
    json_decref(sums);
}

static void the_key_tells_what_the_files_hold(void **state) {
    (void)state;
    struct ec_buf text = ec_buf_make(4 * EC_MIB);
    generate("key", 1500000, 5, 0.1);
    json_t *truth = load_truth(), *file, *row;
    size_t i, k;
    uint64_t read = 0, bytes = 0;
    json_array_foreach(json_object_get(truth, "files"), i, file) {
        const char *layout = json_string_value(json_object_get(file, "layout"));
        bool csv = strcmp(layout, "csv") == 0;
        assert_int_equal(number(file, "read"),
                         number(file, "accepted") + number(file, "quarantined") + number(file, "duplicate"));
        check_reasons(file);
        read += number(file, "read");
        bytes += number(file, "bytes");
        if (strncmp(layout, "sheet", 5) == 0) continue;
        load(file, &text);
        assert_int_equal(text.n, number(file, "bytes"));
        assert_int_equal(count_records(&text, csv), number(file, "read"));
        json_array_foreach(json_object_get(file, "rows"), k, row) check_place(&text, row, csv);
    }
    const json_t *all = json_object_get(json_object_get(truth, "totals"), "all");
    assert_int_equal(i, number(all, "files"));
    assert_int_equal(read, number(all, "read"));
    assert_int_equal(bytes, number(all, "bytes"));
    assert_int_equal(read, totals.all.read);
    json_decref(truth);
    ec_buf_free(&text);
}

/* Every kind of defect comes in turn, so that a middling shop has them all. */
static void every_reason_is_planted(void **state) {
    (void)state;
    generate("kinds", 3000000, 6, 0.1);
    json_t *truth = load_truth(), *file, *row, *seen = json_object();
    size_t i, k;
    json_array_foreach(json_object_get(truth, "files"), i, file) {
        const char *code;
        json_t *count;
        json_object_foreach(json_object_get(file, "by_reason"), code, count) json_object_set(seen, code, count);
        json_array_foreach(json_object_get(file, "rows"), k, row)
            json_object_set_new(seen, json_string_value(json_object_get(row, "kind")), json_true());
    }
    static const char *const expected[] = {
        "parse-error",     "missing-cell",  "extra-cell",      "type-error",         "null-value",
        "encoding-error",  "too-long",      "duplicate-key",   "rule:total_matches", "key-of-earlier-file",
        "record-cut",      "three-reasons", "wrong-total",     "ends-before-start",  "too-long-visit",
        "forbidden-email", "text-for-date", "half-a-surrogate"};
    for (i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!json_object_get(seen, expected[i])) fail_msg("no %s was planted", expected[i]);
    json_decref(seen);
    json_decref(truth);
}

static void check_readable(const json_t *file, struct ec_buf *text) {
    const char *layout = json_string_value(json_object_get(file, "layout"));
    if (strncmp(layout, "sheet", 5) == 0) return;
    load(file, text);
    assert_int_equal(text->n, number(file, "bytes"));
    assert_int_equal(count_records(text, strcmp(layout, "csv") == 0), number(file, "read"));
    assert_true(ec_utf8_valid(text->p, text->n));
    assert_null(strstr(text->p, "\n\n"));
}

/* What other programs can read, too: no record, byte or line is damaged, and all else is planted. */
static void values_alone_are_planted_where_asked(void **state) {
    (void)state;
    static const char *const damage[] = {"parse-error", "missing-cell", "extra-cell", "encoding-error", "too-long"};
    static const char *const expected[] = {"type-error",          "null-value",       "duplicate-key",
                                           "rule:total_matches",  "three-reasons",    "two-rules",
                                           "key-of-earlier-file", "repeated",         "wrong-total",
                                           "text-for-date",       "repeated-cheaper", "object-for-number"};
    struct ec_buf text = ec_buf_make(4 * EC_MIB);
    struct ec_shop_options o = options("values", 3000000, 6, 0.1);
    struct ec_err err = {0};
    o.kinds = EC_SHOP_KINDS_VALUES;
    if (ec_shop_generate(&o, &totals, &err) != EC_OK) fail_msg("%s", err.message);
    json_t *truth = load_truth(), *file, *row, *seen = json_object();
    size_t i, k;
    json_array_foreach(json_object_get(truth, "files"), i, file) {
        json_object_update(seen, json_object_get(file, "by_reason"));
        json_array_foreach(json_object_get(file, "rows"), k, row)
            json_object_set_new(seen, json_string_value(json_object_get(row, "kind")), json_true());
        check_reasons(file);
        check_readable(file, &text);
    }
    for (i = 0; i < sizeof damage / sizeof *damage; i++)
        if (json_object_get(seen, damage[i])) fail_msg("%s was planted", damage[i]);
    for (i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!json_object_get(seen, expected[i])) fail_msg("no %s was planted", expected[i]);
    assert_string_equal(json_string_value(json_object_get(json_object_get(truth, "options"), "kinds")), "values");
    assert_true(totals.all.quarantined + totals.all.duplicate > totals.all.read / 15);
    json_decref(seen);
    json_decref(truth);
    ec_buf_free(&text);
}

static void archives_are_whole(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t members;
    } archives[] = {{"api_logs.zip", 8}, {"products_catalog.xlsx", 7}};
    generate("zip", 400000, 7, 0.01);
    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++) {
        char path[512];
        struct ec_arena arena;
        struct ec_zip_member *member;
        size_t count;
        struct ec_err err = {0};
        (void)snprintf(path, sizeof path, "%s/%s", dir, archives[i].name);
        ec_arena_init(&arena, EC_MIB);
        if (ec_zip_list(path, &arena, &member, &count, &err) != EC_OK) fail_msg("%s", err.message);
        assert_int_equal(count, archives[i].members);
        ec_arena_deinit(&arena);
    }
}

static void refuse(struct ec_shop_options o, const char *why) {
    struct ec_err err = {0};
    assert_int_equal(ec_shop_generate(&o, NULL, &err), EC_USAGE);
    assert_non_null(strstr(err.message, why));
}

static void what_cannot_be_made_is_refused(void **state) {
    (void)state;
    struct ec_shop_options o = options("refused", 100000, 1, 0.01);
    refuse(o, "100000 bytes");
    o = options("refused", EC_SHOP_BYTES_MAX + 1, 1, 0.01);
    refuse(o, "200 KB to 25 GB");
    refuse(options("refused", 1000000, 1, 0.6), "share of defects");
    refuse(options("refused", 1000000, 1, -0.1), "share of defects");
    o = options("refused", 200000, 1, 0);
    o.days = 300;
    refuse(o, "300 days");
    o.days = 0;
    refuse(o, "1 to 366 days");
    o = options("refused", 200000, 1, 0);
    o.last_day = 0;
    refuse(o, "last day");
    assert_false(ec_path_exists(dir));
    generate("full", 200000, 1, 0);
    refuse(options("full", 200000, 1, 0), "is not empty");
}

static void a_drop_folder_gets_a_hidden_key(void **state) {
    (void)state;
    char path[512];
    struct ec_err err = {0};
    (void)snprintf(path, sizeof path, "%s/project/data/raw/user_sessions", folder);
    assert_int_equal(ec_dir_make(path, &err), EC_OK); /* as `ecluse init` leaves it */
    generate("project/data/raw/", 200000, 1, 0.01);
    (void)snprintf(path, sizeof path, "%s/project/data/raw/.truth.json", folder);
    assert_true(ec_path_exists(path));
    assert_string_equal(totals.truth, path);
    refuse(options("project/data/raw", 200000, 1, 0), "is not empty");
}

/* Each call that changes or allocates something fails in turn. */
static void a_failure_leaves_nothing(void **state) {
    (void)state;
    bool hit = true;
    unsigned succeeded = 0;
    for (unsigned at = 1; hit; at += at < 40 ? 1 : 5) {
        struct ec_shop_options o = options("failing", 200000, 1, 0.05);
        struct ec_err err = {0};
        faulty_begin(FAULTY_BEFORE, at);
        enum ec_status status = ec_shop_generate(&o, NULL, &err);
        hit = faulty_end();
        if (status == EC_OK) {
            succeeded++;
            assert_int_equal(ec_dir_remove(dir, true, NULL), EC_OK);
        } else {
            assert_true(hit);
            assert_true(err.message[0] != '\0');
            assert_false(ec_path_exists(dir));
        }
    }
    assert_int_equal(succeeded, 1);
}

/* A directory of as many members as a reader takes gets no more. */
static void members_are_counted(void **state) {
    (void)state;
    struct ec_shop_archive a;
    struct ec_shop_member m = {.name = "a", .data = EC_STR("x"), .crc = 0x8cdc1683, .bytes_decoded = 1}, large = m;
    struct ec_err err = {0};
    char file[300];
    (void)snprintf(file, sizeof file, "%s/members.zip", folder);
    assert_int_equal(ec_shop_archive_open(&a, file, NULL), EC_OK);
    assert_int_equal(ec_shop_archive_add(&a, &m, NULL), EC_OK);
    a.count = EC_ZIP_ENTRIES_MAX;
    assert_int_equal(ec_shop_archive_add(&a, &m, &err), EC_USAGE);
    assert_non_null(strstr(err.message, "10000 members"));
    a.count = 1;
    large.bytes_decoded = (uint64_t)UINT32_MAX + 1;
    assert_int_equal(ec_shop_archive_add(&a, &large, NULL), EC_USAGE);
    uint64_t bytes = a.bytes;
    a.bytes = UINT32_MAX - 10;
    assert_int_equal(ec_shop_archive_add(&a, &m, NULL), EC_USAGE);
    a.bytes = bytes;
    ec_shop_archive_close(&a);
    assert_false(ec_path_exists(file)); /* it was not finished */
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return ec_dir_remove(folder, true, NULL) == EC_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(bytes_are_those_of_every_machine),
        cmocka_unit_test(sizes_are_near_those_asked_for),
        cmocka_unit_test(no_defects_give_none),
        cmocka_unit_test(the_key_tells_what_the_files_hold),
        cmocka_unit_test(every_reason_is_planted),
        cmocka_unit_test(values_alone_are_planted_where_asked),
        cmocka_unit_test(members_are_counted),
        cmocka_unit_test(archives_are_whole),
        cmocka_unit_test(what_cannot_be_made_is_refused),
        cmocka_unit_test(a_drop_folder_gets_a_hidden_key),
        cmocka_unit_test(a_failure_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
