/* What the fuzz targets share.
 *
 * A target is one function of bytes, LLVMFuzzerTestOneInput(). libFuzzer calls it with inputs that it makes
 * up (build-fuzz/), replay.c with the files of the repository (`make check`). A violated property ends the
 * process by fuzz_fail(), as a sanitizer's finding does.
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
 *         struct fuzz_choice choice = fuzz_choice_of(p, n);
 *         ... FUZZ_CHECK(a == b, "rows %zu and %zu", a, b);
 *         return 0;
 *     }
 *
 * An input is the file that users drop, without bytes for the fuzzer's own ends: the choices that a property
 * needs (where to cut, how large a window) are drawn from a hash of the input. So a corpus of real files is a
 * corpus, and a found input is a file to look at. Files that a target needs have no name (fuzz_file) or lie
 * in a folder that goes with the process (fuzz_dir).
 */
#ifndef TEST_FUZZ_KIT_H
#define TEST_FUZZ_KIT_H

#include "base/buf.h"

#include <stdnoreturn.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Says what is wrong on stderr and aborts. */
noreturn void fuzz_fail(const char *fmt, ...) EC_PRINTF(1, 2);
#define FUZZ_CHECK(condition, ...) ((condition) ? (void)0 : fuzz_fail(__VA_ARGS__))

/* Must be EC_OK: what no input may cause to fail. */
void fuzz_need(enum ec_status status, const struct ec_err *err);

/* The two texts must be the same; else shows the first line in which they are not. */
void fuzz_same(const struct ec_buf *a, const struct ec_buf *b, const char *what);

struct fuzz_choice {
    uint64_t state;
};
struct fuzz_choice fuzz_choice_of(const void *p, size_t n);
/* 0 <= and < n. */
size_t fuzz_pick(struct fuzz_choice *choice, size_t n);

/* A copy of exactly n bytes, so that the sanitizer sees a byte too far. free() it. */
char *fuzz_copy(const void *p, size_t n);

/* Makes nameless file number `slot` (0 to 3) hold the bytes; the path opens it, also for others than ec_io. */
const char *fuzz_file(unsigned slot, const void *p, size_t n);

/* A folder of this process below TMPDIR, made when first asked for and removed when the process ends. */
const char *fuzz_dir(void);
/* That folder and a name in it; a static buffer per `slot` (0 to 3). */
const char *fuzz_path(unsigned slot, const char *name);

/* The next part of an input that holds several: up to a line that begins with `mark`, of which *name is what
 * follows it (its bytes up to the line's end). The first part may lack that line. False at the end. */
bool fuzz_next_part(struct ec_str *rest, const char *mark, struct ec_str *name, struct ec_str *part);

#endif
