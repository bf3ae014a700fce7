/* Archives made byte by byte, each wrong in one way. */
#include "base/io.h"
#include "source/discover.h"
#include "source/layer.h"
#include "drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include <isa-l/igzip_lib.h>

static char folder[] = "/tmp/ecluse-zip-XXXXXX";
static char path[256];

/* One archive under construction. Each field that may lie has its own place. */
struct builder {
    unsigned char p[1 << 20];
    size_t n;
    unsigned char central[1 << 20];
    size_t central_n;
    unsigned count;
};

struct part {
    const char *name;
    size_t name_n; /* 0: strlen */
    const char *local_name;
    const void *data;
    size_t n;
    unsigned method;
    unsigned flags;
    uint32_t attributes;
    uint32_t crc_xor; /* damages the CRC in both headers */
    uint32_t decoded; /* 0: n of the plain text */
    uint32_t local_crc_xor;
    bool at_given;
    uint32_t at; /* points the central record elsewhere */
    bool zip64;
};

static void le(unsigned char **p, uint64_t v, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) *(*p)++ = (unsigned char)(v >> 8 * i);
}

static size_t deflate_raw(const void *p, size_t n, unsigned char *out, size_t out_n) {
    struct isal_zstream z;
    isal_deflate_init(&z);
    z.end_of_stream = 1;
    z.next_in = (uint8_t *)(uintptr_t)p;
    z.avail_in = (uint32_t)n;
    z.next_out = out;
    z.avail_out = (uint32_t)out_n;
    assert_int_equal(isal_deflate(&z), COMP_OK);
    assert_int_equal(z.internal_state.state, ZSTATE_END);
    return out_n - z.avail_out;
}

static void add(struct builder *b, struct part t) {
    static unsigned char packed[1 << 20];
    size_t name_n = t.name_n ? t.name_n : strlen(t.name);
    const char *local_name = t.local_name ? t.local_name : t.name;
    uint32_t crc = crc32_gzip_refl(0, t.data ? t.data : (const void *)"", t.n) ^ t.crc_xor;
    size_t stored = t.n;
    const void *bytes = t.data;
    if (t.method == 8) {
        stored = deflate_raw(t.data, t.n, packed, sizeof packed);
        bytes = packed;
    }
    uint32_t decoded = t.decoded ? t.decoded : (uint32_t)t.n;
    size_t at = t.at_given ? t.at : b->n;

    unsigned char *p = b->p + b->n;
    le(&p, 0x04034b50, 4), le(&p, 20, 2), le(&p, t.flags, 2), le(&p, t.method, 2), le(&p, 0x5a215a21, 4);
    le(&p, crc ^ t.local_crc_xor, 4);
    le(&p, t.zip64 ? UINT32_MAX : stored, 4), le(&p, t.zip64 ? UINT32_MAX : decoded, 4);
    le(&p, name_n, 2), le(&p, t.zip64 ? 20 : 0, 2);
    memcpy(p, local_name, name_n), p += name_n;
    if (t.zip64) le(&p, 1, 2), le(&p, 16, 2), le(&p, decoded, 8), le(&p, stored, 8);
    if (stored) memcpy(p, bytes, stored);
    b->n = (size_t)(p - b->p) + stored;

    p = b->central + b->central_n;
    le(&p, 0x02014b50, 4), le(&p, 3 << 8 | 20, 2), le(&p, 20, 2), le(&p, t.flags, 2), le(&p, t.method, 2),
        le(&p, 0x5a215a21, 4);
    le(&p, crc, 4), le(&p, t.zip64 ? UINT32_MAX : stored, 4), le(&p, t.zip64 ? UINT32_MAX : decoded, 4);
    le(&p, name_n, 2), le(&p, t.zip64 ? 28 : 0, 2), le(&p, 0, 2), le(&p, 0, 2), le(&p, 0, 2);
    le(&p, t.attributes, 4), le(&p, t.zip64 ? UINT32_MAX : at, 4);
    memcpy(p, t.name, name_n), p += name_n;
    if (t.zip64) le(&p, 1, 2), le(&p, 24, 2), le(&p, decoded, 8), le(&p, stored, 8), le(&p, at, 8);
    b->central_n = (size_t)(p - b->central);
    b->count++;
}

static const char *save(const char *name, const void *p, size_t n) {
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    fclose(f);
    return path;
}

static const char *finish(struct builder *b, bool zip64) {
    size_t at = b->n;
    unsigned char *p = b->p + b->n;
    memcpy(p, b->central, b->central_n), p += b->central_n;
    if (zip64) {
        size_t end = (size_t)(p - b->p);
        le(&p, 0x06064b50, 4), le(&p, 44, 8), le(&p, 45, 2), le(&p, 45, 2), le(&p, 0, 4), le(&p, 0, 4);
        le(&p, b->count, 8), le(&p, b->count, 8), le(&p, b->central_n, 8), le(&p, at, 8);
        le(&p, 0x07064b50, 4), le(&p, 0, 4), le(&p, end, 8), le(&p, 1, 4);
    }
    le(&p, 0x06054b50, 4), le(&p, 0, 2), le(&p, 0, 2);
    le(&p, zip64 ? 0xffff : b->count, 2), le(&p, zip64 ? 0xffff : b->count, 2);
    le(&p, zip64 ? UINT32_MAX : b->central_n, 4), le(&p, zip64 ? UINT32_MAX : at, 4), le(&p, 0, 2);
    b->n = (size_t)(p - b->p);
    return save("test.zip", b->p, b->n);
}

static struct builder b;

static void fresh(void) {
    memset(&b, 0, sizeof b);
}

static enum ec_status list(const char *file, struct ec_arena *arena, struct ec_zip_member **m, size_t *n,
                           struct ec_err *err) {
    ec_arena_init(arena, 64 * EC_MIB);
    return ec_zip_list(file, arena, m, n, err);
}

/* The verdict over the archive as it stands, and a word that its message must have. */
static void expect_list(enum ec_status expected, const char *word) {
    struct ec_arena arena;
    struct ec_zip_member *m;
    size_t n;
    struct ec_err err = {0};
    enum ec_status status = list(finish(&b, false), &arena, &m, &n, &err);
    ec_arena_deinit(&arena);
    if (status != expected) fail_msg("%s: %s", ec_status_text(status)->slug, err.message);
    if (!strstr(err.message, word)) fail_msg("no \"%s\" in: %s", word, err.message);
}

static struct part text(const char *name) {
    return (struct part){.name = name, .data = "{\"a\":1}\n", .n = 8};
}

static void expect_part(struct part t, enum ec_status expected, const char *word) {
    fresh();
    add(&b, text("first.json"));
    add(&b, t);
    expect_list(expected, word);
}

static void good_archives_are_read(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < 4; variant++) {
        fresh();
        struct part t = text("a/b.json");
        t.method = variant & 1 ? 8 : 0;
        t.zip64 = (variant & 2) != 0;
        add(&b, (struct part){.name = "a/"});
        add(&b, t);
        const char *file = finish(&b, t.zip64);
        struct ec_arena arena;
        struct ec_zip_member *m;
        size_t n;
        assert_int_equal(list(file, &arena, &m, &n, NULL), EC_OK);
        assert_int_equal(n, 1);
        assert_string_equal(m[0].name, "a/b.json");
        assert_int_equal(m[0].bytes_decoded, 8);
        assert_int_equal(m[0].method, t.method);
        struct ec_stream *s;
        assert_int_equal(ec_stream_open(&(struct ec_stream_args){.path = file, .member = "a/b.json"}, &s, NULL), EC_OK);
        assert_string_equal(ec_stream_compression(s), "zip");
        struct drained d = drain(s, 3);
        assert_int_equal(d.status, EC_OK);
        assert_int_equal(d.crc, m[0].crc);
        ec_arena_deinit(&arena);
        assert_int_equal(drain_file(file, "nothing", 3).status, EC_UNREADABLE);
        assert_int_equal(drain_file(file, NULL, 3).status, EC_UNKNOWN_FORMAT); /* which member? */
    }
}

/* The listing is kept between members, but not beyond a change of the file. */
static void a_replaced_archive_is_listed_again(void **state) {
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        fresh();
        static const char *names[] = {"padding.json", "a", "b"};
        for (unsigned i = 0; i <= round; i++) add(&b, (struct part){.name = names[i], .data = "{}", .n = 2});
        const char *file = finish(&b, false);
        assert_int_equal(drain_file(file, "padding.json", 10).status, EC_OK);
        assert_int_equal(drain_file(file, "a", 10).status, round > 0 ? EC_OK : EC_UNREADABLE);
        assert_int_equal(drain_file(file, "b", 10).status, round > 1 ? EC_OK : EC_UNREADABLE);
    }
    (void)save("test.zip", "PK", 2);
    assert_int_equal(drain_file(path, "a", 10).status, EC_ZIP_NOT);
}

static void names_are_checked(void **state) {
    (void)state;
    expect_part(text("/etc/passwd"), EC_ZIP_NAME, "absolute");
    expect_part(text("C:/x"), EC_ZIP_NAME, "drive");
    expect_part(text("../x"), EC_ZIP_NAME, "leaves its folder");
    expect_part(text("a/../../x"), EC_ZIP_NAME, "leaves its folder");
    expect_part(text("a/.."), EC_ZIP_NAME, "leaves its folder");
    expect_part(text("a\\b"), EC_ZIP_NAME, "backslash");
    expect_part(text("a\nb"), EC_ZIP_NAME, "control");
    expect_part(text("first.json"), EC_ZIP_NAME, "twice");
    expect_part(text(""), EC_ZIP_NAME, "no name");
    struct part t = text("a\0b");
    t.name_n = 3;
    expect_part(t, EC_ZIP_NAME, "NUL");
    t = text("link");
    t.attributes = 0120777u << 16;
    expect_part(t, EC_ZIP_NAME, "symbolic link");
    t.attributes = 0060777u << 16;
    expect_part(t, EC_ZIP_NAME, "special file");
    expect_part(text("..a/b..c/...d"), EC_OK, "");
    static char longest[EC_ZIP_NAME_MAX + 2];
    memset(longest, 'n', EC_ZIP_NAME_MAX);
    expect_part(text(longest), EC_OK, "");
    longest[EC_ZIP_NAME_MAX] = 'n';
    expect_part(text(longest), EC_ZIP_NAME, "too long");
}

static void contents_are_checked(void **state) {
    (void)state;
    struct part t = text("b.json");
    t.flags = 1;
    expect_part(t, EC_ZIP_ENCRYPTED, "b.json");
    t = text("b.json");
    t.method = 12;
    expect_part(t, EC_ZIP_METHOD, "method 12");
    t = text("b.json");
    t.local_name = "c.json";
    expect_part(t, EC_ZIP_DAMAGED, "disagree");
    t = text("b.json");
    t.local_crc_xor = 1;
    expect_part(t, EC_ZIP_DAMAGED, "disagree");
    t = text("b.json");
    t.decoded = 9;
    expect_part(t, EC_ZIP_DAMAGED, "said to have 9");
    t = text("folder/");
    expect_part(t, EC_ZIP_DAMAGED, "has content");
}

static void damage_is_seen_while_reading(void **state) {
    (void)state;
    for (unsigned method = 0; method <= 8; method += 8) {
        fresh();
        struct part t = text("b.json");
        t.method = method;
        t.crc_xor = 1;
        add(&b, t);
        struct drained d = drain_file(finish(&b, false), "b.json", 100);
        assert_int_equal(d.status, EC_ZIP_DAMAGED);
        assert_non_null(strstr(d.message, "CRC"));
    }
    fresh();
    struct part t = text("b.json");
    t.method = 8;
    t.decoded = 7;
    add(&b, t);
    assert_int_equal(drain_file(finish(&b, false), "b.json", 100).status, EC_ZIP_DAMAGED);
    fresh();
    t.decoded = 9;
    add(&b, t);
    assert_int_equal(drain_file(finish(&b, false), "b.json", 100).status, EC_ZIP_DAMAGED);
    fresh();
    t.decoded = 0;
    add(&b, t);
    for (size_t i = 36; i < b.n; i++) { /* every byte of the deflate data */
        b.p[i] ^= 0xff;
        size_t n = b.n;
        const char *file = finish(&b, false);
        assert_int_equal(drain_file(file, "b.json", 100).status, EC_ZIP_DAMAGED);
        b.n = n;
        b.p[i] ^= 0xff;
    }
}

static void overlaps_are_bombs(void **state) {
    (void)state;
    fresh();
    struct part t = text("a.json"), u = text("b.json");
    add(&b, t);
    u.at_given = true;
    u.at = 0;
    u.local_name = "a.json";
    add(&b, u);
    expect_list(EC_ZIP_DAMAGED, "disagree"); /* one header cannot have two names */

    /* a member within another's data: the second's header is content of the first */
    fresh();
    struct builder *inner = calloc(1, sizeof *inner);
    add(inner, text("b.json"));
    struct part outer = {.name = "a.json", .data = inner->p, .n = inner->n};
    add(&b, outer);
    size_t n = b.n;
    u = text("b.json");
    u.at_given = true;
    u.at = 36;
    add(&b, u);
    b.n = n;
    expect_list(EC_ZIP_OVERLAP, "share bytes");
    free(inner);

    /* a member that reaches into the directory */
    fresh();
    add(&b, text("a.json"));
    b.n -= 3;
    expect_list(EC_ZIP_OVERLAP, "directory");
    fresh();
    t = text("a.json");
    t.at_given = true;
    t.at = 1 << 30;
    add(&b, t);
    expect_list(EC_ZIP_DAMAGED, "past the directory");
}

static void totals_are_bounded(void **state) {
    (void)state;
    fresh();
    for (unsigned i = 0; i < 17; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u.json", i);
        struct part t = text(name);
        t.method = 8;
        t.decoded = UINT32_MAX - 1;
        add(&b, t);
    }
    expect_list(EC_BOMB, "limit of one archive");
    fresh();
    struct part t = text("a.json");
    t.method = 8;
    t.decoded = 1u << 31;
    add(&b, t);
    struct ec_stream *s;
    struct ec_stream_args args = {.path = finish(&b, false), .member = "a.json", .member_max = 1u << 30};
    assert_int_equal(ec_stream_open(&args, &s, NULL), EC_BOMB);

    fresh();
    for (unsigned i = 0; i <= EC_ZIP_ENTRIES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        add(&b, (struct part){.name = name});
    }
    expect_list(EC_ZIP_TOO_MANY, "10001");
}

static size_t gzip(const void *p, size_t n, unsigned char *out, size_t out_n) {
    struct isal_zstream z;
    isal_deflate_init(&z);
    z.gzip_flag = IGZIP_GZIP;
    z.end_of_stream = 1;
    z.next_in = (uint8_t *)(uintptr_t)p;
    z.avail_in = (uint32_t)n;
    z.next_out = out;
    z.avail_out = (uint32_t)out_n;
    assert_int_equal(isal_deflate(&z), COMP_OK);
    assert_int_equal(z.internal_state.state, ZSTATE_END);
    return out_n - z.avail_out;
}

static void depth_is_zip_then_gzip(void **state) {
    (void)state;
    unsigned char once[2048], twice[4096];
    size_t once_n = gzip("{\"a\":1}\n", 8, once, sizeof once);
    size_t twice_n = gzip(once, once_n, twice, sizeof twice);
    for (unsigned method = 0; method <= 8; method += 8) {
        fresh();
        add(&b, (struct part){.name = "once.json.gz", .data = once, .n = once_n, .method = method});
        add(&b, (struct part){.name = "twice.json.gz", .data = twice, .n = twice_n, .method = method});
        const char *file = finish(&b, false);
        struct ec_stream *s;
        assert_int_equal(ec_stream_open(&(struct ec_stream_args){.path = file, .member = "once.json.gz"}, &s, NULL),
                         EC_OK);
        assert_string_equal(ec_stream_compression(s), "zip+gzip");
        struct drained d = drain(s, 5);
        assert_int_equal(d.status, EC_OK);
        assert_int_equal(d.crc, crc32_gzip_refl(0, (const unsigned char *)"{\"a\":1}\n", 8));
        assert_int_equal(drain_file(file, "twice.json.gz", 5).status, EC_UNKNOWN_FORMAT);
    }
    fresh();
    add(&b, text("x.json"));
    (void)finish(&b, false);
    struct builder *outer = calloc(1, sizeof *outer);
    add(outer, (struct part){.name = "inner.zip", .data = b.p, .n = b.n});
    add(outer, (struct part){.name = "plain.json.gz", .data = "{}", .n = 2});
    const char *file = finish(outer, false);
    assert_int_equal(drain_file(file, "inner.zip", 100).status, EC_UNKNOWN_FORMAT);
    assert_int_equal(drain_file(file, "plain.json.gz", 100).status, EC_GZIP_NOT);
    free(outer);
}

static void cut_archives_never_look_complete(void **state) {
    (void)state;
    fresh();
    add(&b, text("a.json"));
    add(&b, text("b.json"));
    (void)finish(&b, false);
    for (size_t n = 0; n < b.n; n++) {
        struct ec_arena arena;
        struct ec_zip_member *m;
        size_t count;
        enum ec_status status = list(save("cut.zip", b.p, n), &arena, &m, &count, NULL);
        ec_arena_deinit(&arena);
        assert_int_equal(status, n == 0 ? EC_EMPTY_FILE : n < 4 ? EC_ZIP_NOT : EC_ZIP_DAMAGED);
    }
    unsigned char junk[64] = "no archive at all, whatever its name says";
    struct ec_arena arena;
    struct ec_zip_member *m;
    size_t count;
    assert_int_equal(list(save("junk.zip", junk, sizeof junk), &arena, &m, &count, NULL), EC_ZIP_NOT);
    ec_arena_deinit(&arena);
}

/* No single byte of an archive can be turned over so that other data come out of it. */
static void every_changed_byte_is_harmless_or_seen(void **state) {
    (void)state;
    fresh();
    struct part t = text("a.json");
    t.method = 8;
    add(&b, t);
    add(&b, text("b.json"));
    (void)finish(&b, false);
    uint32_t crc = crc32_gzip_refl(0, (const unsigned char *)"{\"a\":1}\n", 8);
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] ^= 0x41;
        const char *file = save("flip.zip", b.p, b.n);
        b.p[i] ^= 0x41;
        struct ec_arena arena;
        struct ec_zip_member *m;
        size_t count = 0;
        if (list(file, &arena, &m, &count, NULL) == EC_OK) assert_int_equal(count, 2);
        for (size_t k = 0; k < count; k++) {
            struct drained d = drain_file(file, m[k].name, 64);
            if (d.status == EC_OK) assert_int_equal(d.crc, crc);
        }
        ec_arena_deinit(&arena);
    }
}

/* A directory that claims more bytes than one may have: it is not read. */
static void a_directory_that_is_too_long(void **state) {
    (void)state;
    for (uint64_t n = EC_ZIP_DIRECTORY_MAX; n <= EC_ZIP_DIRECTORY_MAX + 1; n++) {
        unsigned char end[22], *p = end, central[4], *c = central;
        struct ec_arena arena;
        struct ec_zip_member *m;
        size_t count;
        struct ec_err err = {0};
        le(&c, 0x02014b50, 4);
        le(&p, 0x06054b50, 4), le(&p, 0, 4), le(&p, 1, 2), le(&p, 1, 2), le(&p, n, 4), le(&p, 0, 4), le(&p, 0, 2);
        const char *file = save("long.zip", central, sizeof central);
        assert_int_equal(truncate(file, (off_t)n), 0);
        FILE *f = fopen(file, "ab");
        assert_non_null(f);
        assert_int_equal(fwrite(end, 1, sizeof end, f), sizeof end);
        assert_int_equal(fclose(f), 0);
        enum ec_status status = list(file, &arena, &m, &count, &err);
        assert_int_equal(status, n > EC_ZIP_DIRECTORY_MAX ? EC_ZIP_TOO_MANY : EC_ZIP_DAMAGED);
        ec_arena_deinit(&arena);
    }
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
        cmocka_unit_test(good_archives_are_read),
        cmocka_unit_test(a_replaced_archive_is_listed_again),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(contents_are_checked),
        cmocka_unit_test(damage_is_seen_while_reading),
        cmocka_unit_test(overlaps_are_bombs),
        cmocka_unit_test(totals_are_bounded),
        cmocka_unit_test(a_directory_that_is_too_long),
        cmocka_unit_test(depth_is_zip_then_gzip),
        cmocka_unit_test(cut_archives_never_look_complete),
        cmocka_unit_test(every_changed_byte_is_harmless_or_seen),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
