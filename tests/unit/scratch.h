/* A folder under /tmp for a test, and files in it.
 *
 *     scratch_make("place");                        // root is /tmp/ec-place-…
 *     write_text("data/notes.txt", "text");         // with the folders above it
 *     expect_text("data/notes.txt", "text");
 *     return scratch_remove();
 */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

#include "base/io.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static char root[64];

/* 0, or -1 where it cannot be made: what a set-up of cmocka's returns. */
static inline int scratch_make(const char *name) {
    (void)snprintf(root, sizeof root, "/tmp/ec-%s-XXXXXX", name);
    return mkdtemp(root) ? 0 : -1;
}

static inline int scratch_remove(void) {
    return ec_dir_remove(root, true, NULL) == EC_OK ? 0 : -1;
}

/* The path of a name in the folder; eight of them live at a time. */
static inline const char *below(const char *name) {
    static char path[8][512];
    static unsigned at;
    char *out = path[at++ % 8];
    (void)snprintf(out, sizeof path[0], "%s/%s", root, name);
    return out;
}

static inline void write_text(const char *name, const char *text) {
    char folder[512];
    (void)snprintf(folder, sizeof folder, "%s", below(name));
    *strrchr(folder, '/') = '\0';
    assert_int_equal(ec_dir_make(folder, NULL), EC_OK);
    assert_int_equal(ec_file_replace(below(name), text, strlen(text), NULL), EC_OK);
}

static inline bool is_text(const char *name, const char *text) {
    struct ec_buf have = ec_buf_make(EC_MIB);
    bool same = ec_file_load(below(name), &have, NULL) == EC_OK && ec_str_is(ec_buf_str(&have), text);
    ec_buf_free(&have);
    return same;
}

static inline void expect_text(const char *name, const char *text) {
    if (!is_text(name, text)) fail_msg("%s is not there, or is not `%s`", name, text);
}

#endif
