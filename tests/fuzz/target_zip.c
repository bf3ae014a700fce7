/* zip: an archive that is listed has only names that stay where they are put, members that do not overlap, and
 * members that decode have the length and CRC of the directory. */
#include "kit.h"

#include "source/zip.h"

#include <stdlib.h>
#include <zlib.h>

#define MEMBERS_MAX 12u
#define DECODED_MAX (4 * EC_MIB)

static void check_name(const char *name) {
    FUZZ_CHECK(*name && *name != '/' && !strchr(name, '\\') && name[strlen(name) - 1] != '/', "the name %s", name);
    for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL) {
        size_t n = strcspn(p, "/");
        FUZZ_CHECK(!(n == 2 && p[0] == '.' && p[1] == '.'), "the name %s goes up", name);
    }
}

static int by_offset(const void *a, const void *b) {
    uint64_t x = ((const struct ec_zip_member *)a)->data_offset, y = ((const struct ec_zip_member *)b)->data_offset;
    return (x > y) - (x < y);
}

/* Between two members' data there is at least a local header (30 bytes) with a name. */
static void check_spans(const struct ec_zip_member *member, size_t count, size_t n) {
    struct ec_zip_member *sorted = malloc((count ? count : 1) * sizeof *sorted);
    if (!sorted) fuzz_fail("no memory");
    if (count) memcpy(sorted, member, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_offset);
    uint64_t end = 0;
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(sorted[i].data_offset > end + 30, "members overlap at %s", sorted[i].name);
        FUZZ_CHECK(sorted[i].bytes_stored <= n && sorted[i].data_offset <= n - sorted[i].bytes_stored,
                   "%s lies behind the end", sorted[i].name);
        end = sorted[i].data_offset + sorted[i].bytes_stored;
    }
    free(sorted);
}

static enum ec_status drain(struct ec_stream *stream, uint64_t *bytes, uLong *crc) {
    static unsigned char buf[65536];
    struct ec_err err = {0};
    enum ec_status status = EC_OK;
    size_t got = 1;
    *crc = crc32(0, NULL, 0);
    for (*bytes = 0; status == EC_OK && got > 0; *bytes += got) {
        status = ec_stream_read(stream, buf, sizeof buf, &got, &err);
        if (status != EC_OK) break;
        *crc = crc32(*crc, buf, (uInt)got);
    }
    return status;
}

static void read_member(const char *path, const struct ec_zip_member *member) {
    struct ec_err err = {0};
    struct ec_stream *stream = NULL;
    uint64_t bytes;
    uLong crc;
    if (ec_stream_member(path, member, DECODED_MAX, &stream, &err) == EC_OK && drain(stream, &bytes, &crc) == EC_OK)
        FUZZ_CHECK(bytes == member->bytes_decoded && crc == member->crc, "%s: other bytes than the directory says",
                   member->name);
    ec_stream_close(stream);
    stream = NULL;
    ec_err_clear(&err);
    struct ec_stream_args args = {.path = path, .member = member->name, .member_max = DECODED_MAX};
    if (ec_stream_open(&args, &stream, &err) == EC_OK) (void)drain(stream, &bytes, &crc);
    ec_stream_close(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    const char *path = fuzz_file(0, p, n);
    struct ec_err err = {0};
    struct ec_arena arena;
    struct ec_zip_member *member = NULL;
    size_t count = 0;
    ec_arena_init(&arena, EC_ZIP_ARENA_MAX);
    if (ec_zip_list(path, &arena, &member, &count, &err) == EC_OK) {
        check_spans(member, count, n);
        for (size_t i = 0; i < count && i < MEMBERS_MAX; i++) {
            check_name(member[i].name);
            read_member(path, &member[i]);
        }
    } else {
        FUZZ_CHECK(*err.message, "a refusal without a reason");
    }
    ec_zip_forget();
    ec_arena_deinit(&arena);
    return 0;
}
