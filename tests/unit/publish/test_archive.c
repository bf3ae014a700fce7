/* Archives: there and back, the same bytes twice, and every kind of damage under its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "publish/archive.h"
#include "publish/archive_gzip.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define STARTED INT64_C(1755524045000000) /* 2025-08-18T13:34:05Z */
#define BIG ((size_t)3 * 1000 * 1000 + 7)

static char root[64];
static char *big;

static const char *under(const char *name) {
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    assert_int_equal(ec_path_join(path, sizeof paths[0], root, name, NULL), EC_OK);
    return path;
}

static void put(const char *name, const void *p, size_t n) {
    assert_int_equal(ec_file_replace(under(name), p, n, NULL), EC_OK);
    struct timespec times[2] = {{.tv_sec = 1755500000}, {.tv_sec = 1755500000}};
    assert_int_equal(utimensat(AT_FDCWD, under(name), times, 0), 0);
}

static int setup(void **state) {
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/ec-archive-XXXXXX");
    assert_non_null(mkdtemp(root));
    big = malloc(BIG);
    uint32_t x = 1;
    for (size_t i = 0; i < BIG; i++) { /* half noise, half runs: both block types */
        x = x * 1664525u + 1013904223u;
        big[i] = i / 4096 % 2 ? 'r' : (char)(x >> 24);
    }
    put("small.csv", "id,name\n1,a\n", 12);
    put("empty", "", 0);
    put("caf\xC3\xA9.json", "{}", 2);
    put("big.bin", big, BIG);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    free(big);
    return ec_dir_remove(root, true, NULL) == EC_OK ? 0 : -1;
}

static char long_name[200];
#define ODD_NAME "data/raw/a\nb\\c \x1B[31m.csv"

static enum ec_status make(struct ec_archive_made *made, struct ec_err *err) {
    static char paths[4][512];
    static const char *const names[] = {"small.csv", "empty", "caf\xC3\xA9.json", "big.bin"};
    for (size_t i = 0; i < 4; i++) (void)snprintf(paths[i], sizeof paths[i], "%s", under(names[i]));
    memset(long_name, 'n', sizeof long_name - 1); /* past what a tar's own header holds */
    memcpy(long_name, "data/raw/", 9);
    struct ec_archive_file files[] = {{.path = paths[0], .name = "data/raw/small.csv"},
                                      {.path = paths[1], .name = "data/raw/empty"},
                                      {.path = paths[2], .name = "data/raw/caf\xC3\xA9.json"},
                                      {.path = paths[3], .name = "data/processed/big.bin"},
                                      {.path = paths[0], .name = long_name},
                                      {.path = paths[0], .name = ODD_NAME}};
    return ec_archive_create(under("archive"), STARTED, "run-1", files, 6, made, err);
}

static void load(const char *path, struct ec_buf *out) {
    ec_buf_clear(out);
    assert_int_equal(ec_file_load(path, out, NULL), EC_OK);
}

static void there_and_back(void **state) {
    (void)state;
    struct ec_archive_made made, read;
    struct ec_err err = {0};
    if (make(&made, &err) != EC_OK) fail_msg("%s", err.message);
    assert_string_equal(made.path, under("archive/archive_20250818_1334.tar.gz"));
    assert_int_equal(made.files, 6);
    assert_int_equal(made.bytes, BIG + 12 + 2 + 12 + 12);
    assert_int_equal(ec_archive_verify(made.path, &read, NULL), EC_OK);
    assert_int_equal(read.bytes, made.bytes);
    assert_int_equal(read.bytes_stored, made.bytes_stored);
    struct stat st;
    assert_int_equal(stat(made.path, &st), 0);
    assert_int_equal(st.st_size, made.bytes_stored);

    char dest[512];
    (void)snprintf(dest, sizeof dest, "%s", under("back/here"));
    if (ec_archive_restore(made.path, dest, false, &read, &err) != EC_OK) fail_msg("%s", err.message);
    struct ec_buf text = ec_buf_make(8 * EC_MIB);
    load(under("back/here/data/processed/big.bin"), &text);
    assert_int_equal(text.n, BIG);
    assert_memory_equal(text.p, big, BIG);
    load(under("back/here/data/raw/caf\xC3\xA9.json"), &text);
    assert_string_equal(text.p, "{}");
    assert_int_equal(stat(under("back/here/data/raw/empty"), &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(st.st_mtim.tv_sec, 1755500000);
    char path[512];
    (void)snprintf(path, sizeof path, "back/here/%s", long_name);
    load(under(path), &text);
    assert_string_equal(text.p, "id,name\n1,a\n");
    load(under("back/here/" ODD_NAME), &text);
    assert_string_equal(text.p, "id,name\n1,a\n");

    /* Restoring over what is there is refused before anything is written, unless asked for. */
    assert_int_equal(ec_io.unlink(under("back/here/data/raw/small.csv")), 0);
    assert_int_equal(ec_archive_restore(made.path, dest, false, NULL, &err), EC_ARCHIVE_EXISTS);
    assert_false(ec_path_exists(under("back/here/data/raw/small.csv")));
    assert_int_equal(ec_archive_restore(made.path, dest, true, NULL, NULL), EC_OK);
    assert_true(ec_path_exists(under("back/here/data/raw/small.csv")));
    ec_buf_free(&text);
}

static void the_same_files_give_the_same_bytes(void **state) {
    (void)state;
    struct ec_archive_made first, second;
    assert_int_equal(make(&first, NULL), EC_OK);
    assert_int_equal(make(&second, NULL), EC_OK);
    assert_string_equal(second.path, under("archive/archive_20250818_1334_2.tar.gz"));
    char a[EC_SHA256_HEX], b[EC_SHA256_HEX];
    uint64_t bytes;
    assert_int_equal(ec_sha256_file(first.path, a, &bytes, NULL), EC_OK);
    assert_int_equal(ec_sha256_file(second.path, b, &bytes, NULL), EC_OK);
    assert_string_equal(a, b);
}

/* A cut at any place, and a flipped bit at any place, is seen; neither is ever restored. */
static void damage_is_named(void **state) {
    (void)state;
    struct ec_archive_made made;
    put("big.bin", big, 50000);
    assert_int_equal(make(&made, NULL), EC_OK);
    struct ec_buf text = ec_buf_make(8 * EC_MIB);
    load(made.path, &text);
    size_t n = text.n;
    for (size_t cut = 0; cut < n; cut += n / 40 + 1) {
        put("cut.tar.gz", text.p, cut);
        enum ec_status status = ec_archive_verify(under("cut.tar.gz"), NULL, NULL);
        assert_int_equal(status, cut < 2 ? EC_GZIP_NOT : EC_GZIP_TRUNCATED);
    }
    for (size_t at = 0; at < n; at += n / 60 + 1) {
        if (at >= 4 && at < 10) continue; /* time, flags of speed and system: no CRC covers them */
        text.p[at] = (char)(text.p[at] ^ 0x10);
        put("flip.tar.gz", text.p, n);
        text.p[at] = (char)(text.p[at] ^ 0x10);
        enum ec_status status = ec_archive_verify(under("flip.tar.gz"), NULL, NULL);
        assert_true(status == EC_GZIP_DAMAGED || status == EC_ARCHIVE_DAMAGED || status == EC_GZIP_NOT ||
                    status == EC_GZIP_TRUNCATED || status == EC_ARCHIVE_UNSAFE || status == EC_GZIP_TRAILING);
        char dest[512];
        (void)snprintf(dest, sizeof dest, "%s", under("never"));
        assert_int_not_equal(ec_archive_restore(under("flip.tar.gz"), dest, false, NULL, NULL), EC_OK);
        assert_false(ec_path_exists(dest));
    }
    ec_buf_addc(&text, 'x');
    put("tail.tar.gz", text.p, text.n);
    assert_int_equal(ec_archive_verify(under("tail.tar.gz"), NULL, NULL), EC_GZIP_TRAILING);
    ec_buf_free(&text);
}

/* A tar's header for a member of that name and type (ustar, POSIX.1-1988). */
static void add_member(struct ec_buf *tar, const char *name, char type, const char *link, const char *data) {
    char header[512] = {0};
    size_t n = strlen(data);
    (void)snprintf(header, 100, "%s", name);
    (void)snprintf(header + 100, 8, "%07o", 0644);
    (void)snprintf(header + 108, 8, "%07o", 0);
    (void)snprintf(header + 116, 8, "%07o", 0);
    (void)snprintf(header + 124, 12, "%011o", (unsigned)n & 07777777u);
    (void)snprintf(header + 136, 12, "%011o", 0);
    memset(header + 148, ' ', 8);
    header[156] = type;
    (void)snprintf(header + 157, 100, "%s", link);
    memcpy(header + 257, "ustar\00000", 8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof header; i++) sum += (unsigned char)header[i];
    (void)snprintf(header + 148, 8, "%06o", sum);
    ec_buf_add(tar, header, sizeof header);
    ec_buf_add(tar, data, n);
    static const char zeros[1024];
    ec_buf_add(tar, zeros, (512 - n % 512) % 512);
}

static void put_gzip(const char *name, const struct ec_buf *tar) {
    int fd;
    struct ec_gzip_writer *w;
    static const char zeros[1024];
    assert_int_equal(ec_file_create(under(name), &fd, NULL), EC_OK);
    assert_int_equal(ec_gzip_writer_create(fd, "test", &w, NULL), EC_OK);
    assert_int_equal(ec_gzip_write(w, tar->p, tar->n, NULL), EC_OK);
    assert_int_equal(ec_gzip_write(w, zeros, sizeof zeros, NULL), EC_OK);
    assert_int_equal(ec_gzip_finish(w, NULL), EC_OK);
    ec_gzip_writer_destroy(w);
    assert_int_equal(ec_file_finish(fd, "test", NULL), EC_OK);
}

/* Reads gzip by another program's code: libarchive's, which is zlib's. */
static void read_by_zlib(const char *path, struct ec_buf *out) {
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    assert_int_equal(archive_read_support_filter_gzip(a), ARCHIVE_OK);
    assert_int_equal(archive_read_support_format_raw(a), ARCHIVE_OK);
    assert_int_equal(archive_read_open_filename(a, path, 65536), ARCHIVE_OK);
    assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
    for (;;) {
        char piece[4096];
        la_ssize_t n = archive_read_data(a, piece, sizeof piece);
        assert_true(n >= 0);
        if (n == 0) break;
        ec_buf_add(out, piece, (size_t)n);
    }
    assert_int_equal(archive_read_free(a), ARCHIVE_OK);
}

static void read_by_isal(const char *path, struct ec_buf *out) {
    struct ec_gzip_reader *r;
    assert_int_equal(ec_gzip_reader_create(path, &r, NULL), EC_OK);
    for (;;) {
        const void *p;
        size_t n;
        assert_int_equal(ec_gzip_read(r, &p, &n, NULL), EC_OK);
        if (n == 0) break;
        ec_buf_add(out, p, n);
    }
    ec_gzip_reader_destroy(r);
}

/* Noise is stored, text is squeezed, in any order and of any length: the same text before and behind noise, whose
 * repetition must not be counted across what ISA-L did not see. */
static void noise_and_text_take_turns(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 511, 4095, 4096, 65535, 65536, 131070, 262144, 262145, 700001};
    uint32_t x = 7;
    struct ec_buf all = ec_buf_make(64 * EC_MIB), back = ec_buf_make(64 * EC_MIB);
    struct ec_gzip_writer *w;
    int fd;
    size_t noise = 0;
    assert_int_equal(ec_file_create(under("turns.gz"), &fd, NULL), EC_OK);
    assert_int_equal(ec_gzip_writer_create(fd, "turns.gz", &w, NULL), EC_OK);
    for (size_t turn = 0; turn < 60; turn++) {
        size_t n = sizes[(turn * 7 + turn / 10) % 10], begin = all.n;
        bool text = turn % 3 != 1;
        for (size_t i = 0; i < n; i++) {
            x = x * 1664525u + 1013904223u;
            ec_buf_addc(&all, text ? "O0000000012,2025-07-10 22:22:00,card\n"[i % 37] : (char)(x >> 24));
        }
        noise += text ? 0 : n;
        assert_int_equal(ec_gzip_write(w, all.p + begin, n, NULL), EC_OK);
    }
    assert_int_equal(ec_gzip_finish(w, NULL), EC_OK);
    uint64_t written = ec_gzip_written(w);
    ec_gzip_writer_destroy(w);
    assert_int_equal(ec_file_finish(fd, "turns.gz", NULL), EC_OK);
    assert_in_range(written, noise, noise + noise / 1000 + (all.n - noise) / 20);
    read_by_zlib(under("turns.gz"), &back);
    assert_int_equal(back.n, all.n);
    assert_memory_equal(back.p, all.p, all.n);
    ec_buf_clear(&back);
    read_by_isal(under("turns.gz"), &back);
    assert_int_equal(back.n, all.n);
    assert_memory_equal(back.p, all.p, all.n);
    ec_buf_free(&all);
    ec_buf_free(&back);
}

#define SHA_A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" /* of "a" */
#define LIST(name, bytes, sha) "{\"archive_version\":\"1\",\"run\":\"r\",\"files\":[{\"name\":\"" name "\",\"bytes\":" bytes ",\"sha256\":\"" sha "\"}]}"

static void hostile_archives_restore_nothing(void **state) {
    (void)state;
    static const struct { const char *list, *name; char type; const char *link, *data; enum ec_status status; } cases[] = {
        {LIST("ok", "1", SHA_A), "ok", '0', "", "a", EC_OK},
        {LIST("../evil", "1", SHA_A), "../evil", '0', "", "a", EC_ARCHIVE_UNSAFE},
        {LIST("ok", "1", SHA_A), "../evil", '0', "", "a", EC_ARCHIVE_UNSAFE},
        {LIST("/etc/evil", "1", SHA_A), "/etc/evil", '0', "", "a", EC_ARCHIVE_UNSAFE},
        {LIST("a/./b", "1", SHA_A), "a/./b", '0', "", "a", EC_ARCHIVE_UNSAFE},
        {LIST("a//b", "1", SHA_A), "a//b", '0', "", "a", EC_ARCHIVE_UNSAFE},
        {LIST("a\\\\..\\n", "1", SHA_A), "a\\..\n", '0', "", "a", EC_OK}, /* names like any other here */
        {LIST("ARCHIVE.json", "1", SHA_A), "ok", '0', "", "a", EC_ARCHIVE_UNSAFE},
        {LIST("ok", "0", SHA_A), "ok", '2', "/etc/passwd", "", EC_ARCHIVE_UNSAFE},
        {LIST("ok", "0", SHA_A), "ok", '1', "ARCHIVE.json", "", EC_ARCHIVE_UNSAFE},
        {LIST("ok", "0", SHA_A), "ok", '3', "", "", EC_ARCHIVE_UNSAFE},
        {LIST("ok", "1", SHA_A), "other", '0', "", "a", EC_ARCHIVE_DAMAGED},
        {LIST("ok", "1", SHA_A), "ok", '0', "", "b", EC_ARCHIVE_DAMAGED},
        {LIST("ok", "2", SHA_A), "ok", '0', "", "a", EC_ARCHIVE_DAMAGED},
        {LIST("ok", "1", "00"), "ok", '0', "", "a", EC_ARCHIVE_DAMAGED},
        {"{\"archive_version\":\"2\",\"files\":[]}", "ok", '0', "", "a", EC_ARCHIVE_DAMAGED},
        {"{\"archive_version\":\"1\",\"files\":[]}", "ok", '0', "", "a", EC_ARCHIVE_DAMAGED}, /* not listed */
        {"[", "ok", '0', "", "a", EC_ARCHIVE_DAMAGED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_buf tar = ec_buf_make(EC_MIB);
        struct ec_err err = {0};
        char name[32], dest[512];
        add_member(&tar, "ARCHIVE.json", '0', "", cases[i].list);
        add_member(&tar, cases[i].name, cases[i].type, cases[i].link, cases[i].data);
        (void)snprintf(name, sizeof name, "hostile%zu.tar.gz", i);
        put_gzip(name, &tar);
        (void)snprintf(dest, sizeof dest, "%s", under("dest"));
        enum ec_status status = ec_archive_restore(under(name), dest, false, NULL, &err);
        if (status != cases[i].status) fail_msg("case %zu: %s", i, err.message);
        assert_false(ec_path_exists(under("evil")));
        assert_int_equal(ec_path_exists(dest), status == EC_OK);
        assert_int_equal(ec_dir_remove(dest, true, NULL), EC_OK);
        ec_buf_free(&tar);
    }
    struct ec_buf tar = ec_buf_make(EC_MIB);
    add_member(&tar, "ok", '0', "", "a");
    put_gzip("nolist.tar.gz", &tar);
    assert_int_equal(ec_archive_verify(under("nolist.tar.gz"), NULL, NULL), EC_ARCHIVE_DAMAGED);
    ec_buf_clear(&tar);
    ec_buf_addz(&tar, "this is no tar, but a text that goes on for a while, as texts do");
    put_gzip("notar.tar.gz", &tar);
    assert_int_equal(ec_archive_verify(under("notar.tar.gz"), NULL, NULL), EC_ARCHIVE_DAMAGED);
    put("nogzip.tar.gz", "PK\003\004 something else", 18);
    assert_int_equal(ec_archive_verify(under("nogzip.tar.gz"), NULL, NULL), EC_GZIP_NOT);
    ec_buf_free(&tar);
}

static void a_link_in_the_destination_is_not_followed(void **state) {
    (void)state;
    struct ec_buf tar = ec_buf_make(EC_MIB);
    add_member(&tar, "ARCHIVE.json", '0', "", LIST("sub/file", "1", SHA_A));
    add_member(&tar, "sub/file", '0', "", "a");
    put_gzip("plain.tar.gz", &tar);
    assert_int_equal(ec_dir_make(under("dest"), NULL), EC_OK);
    assert_int_equal(ec_dir_make(under("outside"), NULL), EC_OK);
    assert_int_equal(symlink(under("outside"), under("dest/sub")), 0);
    assert_int_equal(ec_archive_restore(under("plain.tar.gz"), under("dest"), false, NULL, NULL), EC_ARCHIVE_UNSAFE);
    assert_false(ec_path_exists(under("outside/file")));
    ec_buf_free(&tar);
}

static struct ec_io saved;

/* What is not there, or has a name that leaves the folder. */
static void impossible_files_are_refused(void **state) {
    (void)state;
    struct ec_archive_made made;
    char path[512];
    (void)snprintf(path, sizeof path, "%s", under("small.csv"));
    struct ec_archive_file file = {.path = path, .name = "../small.csv"};
    assert_int_equal(ec_archive_create(under("archive"), STARTED, "r", &file, 1, &made, NULL), EC_ARCHIVE_UNSAFE);
    struct ec_archive_file twice[] = {{.path = path, .name = "a"}, {.path = path, .name = "a"}};
    assert_int_equal(ec_archive_create(under("archive"), STARTED, "r", twice, 2, &made, NULL), EC_ARCHIVE_UNSAFE);
    file = (struct ec_archive_file){.path = under("absent"), .name = "absent"};
    assert_int_equal(ec_archive_create(under("archive"), STARTED, "r", &file, 1, &made, NULL), EC_UNREADABLE);
    /* Nothing of all that was left behind. */
    assert_int_equal(ec_io.rmdir(under("archive")), 0);
}

static const char *rewritten;

/* Another program writes into small.csv after it was hashed, when the archive is begun. */
static int open_late(const char *path, int flags, mode_t mode) {
    if (flags & O_CREAT) {
        ec_io.open = saved.open;
        put("small.csv", rewritten, strlen(rewritten));
    }
    return saved.open(path, flags, mode);
}

static void a_file_that_changes_meanwhile_is_seen(void **state) {
    (void)state;
    static const char *const texts[] = {"id,name\n1,b\n", "id,name\n1,a\n2", "id,name\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ec_archive_made made;
        struct ec_err err = {0};
        put("small.csv", "id,name\n1,a\n", 12);
        rewritten = texts[i];
        saved = ec_io;
        ec_io.open = open_late;
        enum ec_status status = make(&made, &err);
        ec_io = saved;
        assert_int_equal(status, EC_FILE_CHANGED);
        assert_non_null(strstr(err.message, "small.csv"));
        assert_int_equal(ec_io.rmdir(under("archive")), 0);
    }
}

static unsigned damage_at; /* per thousand of the archive */

/* The disk loses a bit of what was written to it. */
static int fsync_badly(int fd) {
    struct stat st;
    char path[64], byte;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDWR);
    assert_true(again >= 0 && fstat(again, &st) == 0);
    if (S_ISREG(st.st_mode)) {
        off_t at = st.st_size * damage_at / 1000;
        assert_int_equal(pread(again, &byte, 1, at), 1);
        byte = (char)(byte ^ 4);
        assert_int_equal(pwrite(again, &byte, 1, at), 1);
    }
    (void)close(again);
    return saved.fsync(fd);
}

static void what_is_on_the_disk_is_verified(void **state) {
    (void)state;
    saved = ec_io;
    for (damage_at = 10; damage_at < 1000; damage_at += 90) {
        struct ec_archive_made made;
        ec_io.fsync = fsync_badly;
        enum ec_status status = make(&made, NULL);
        ec_io = saved;
        assert_int_not_equal(status, EC_OK);
        assert_int_equal(ec_io.rmdir(under("archive")), 0);
    }
}

static int calls, fail_at;

static ssize_t failing_write(int fd, const void *p, size_t n) {
    if (++calls == fail_at) {
        errno = ENOSPC;
        return -1;
    }
    return saved.write(fd, p, n);
}

static void a_full_disk_leaves_no_archive(void **state) {
    (void)state;
    saved = ec_io;
    for (fail_at = 1;; fail_at++) {
        struct ec_archive_made made;
        calls = 0;
        ec_io.write = failing_write;
        enum ec_status status = make(&made, NULL);
        ec_io = saved;
        if (status == EC_OK) break;
        assert_int_equal(status, EC_DISK_FULL);
        assert_int_equal(ec_io.rmdir(under("archive")), 0);
    }
    assert_true(fail_at > 3);
}

static void an_archive_of_nothing_is_whole(void **state) {
    (void)state;
    struct ec_archive_made made;
    assert_int_equal(ec_archive_create(under("archive"), STARTED, "r", NULL, 0, &made, NULL), EC_OK);
    assert_int_equal(made.files, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_files_give_the_same_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(noise_and_text_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_archives_restore_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_in_the_destination_is_not_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(impossible_files_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_changes_meanwhile_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_on_the_disk_is_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_no_archive, setup, teardown),
        cmocka_unit_test_setup_teardown(an_archive_of_nothing_is_whole, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
