/* What the micro-benchmarks share: a project's configuration, decoded text in memory, a clock, and the form of
 * their lines, which bench/run reads:
 *
 *     json read+check                                 1.234 GB/s    12.3 MB, best of 7
 *
 * Times are processor seconds of this process, the best of several turns: what the machine can do, not what it did
 * beside other work.
 */
#ifndef EC_BENCH_KIT_H
#define EC_BENCH_KIT_H

#include "base/io.h"
#include "config/config.h"
#include "read/reader.h"
#include "scan/scan.h"
#include "source/discover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KIT_TURNS    7
#define KIT_TEXT_MAX ((size_t)96 << 20)
#define KIT_PADDING  64u

static char kit_folder[] = "/tmp/ecluse-micro-XXXXXX";
static const char *kit_raw;
static const char *kit_line = ""; /* only lines whose name it begins */

static inline void kit_must(enum ec_status status, const struct ec_err *err) {
    if (status == EC_OK) return;
    (void)fprintf(stderr, "micro: %s\n", err->message);
    exit(3);
}

static inline double kit_seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void kit_end(void) {
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", kit_folder);
    if (system(command) != 0) (void)fprintf(stderr, "micro: %s could not be removed\n", kit_folder);
}

/* argv[1] is a shop's drop folder. Makes a project for its configuration. */
static inline struct ec_config *kit_begin(int argc, char **argv) {
    struct ec_config *config;
    struct ec_err err = {0};
    struct ec_buf kept = ec_buf_make(EC_MIB);
    if (argc != 2 && argc != 3) {
        (void)fprintf(stderr, "usage: %s SHOP/data/raw [LINE]\n", argv[0]);
        exit(2);
    }
    kit_raw = argv[1];
    if (argc == 3) kit_line = argv[2];
    if (!mkdtemp(kit_folder)) exit(3);
    (void)atexit(kit_end);
    kit_must(ec_project_init(kit_folder, &kept, &err), &err);
    kit_must(ec_config_load(kit_folder, NULL, 0, &config, &err), &err);
    ec_buf_free(&kept);
    return config;
}

struct kit_text {
    char *p; /* zero bytes behind it */
    size_t n;
};

static inline void kit_add(struct kit_text *text, const char *path, const char *member) {
    struct ec_stream *stream;
    struct ec_err err = {0};
    size_t got = 1;
    kit_must(ec_stream_open(&(struct ec_stream_args){.path = path, .member = member}, &stream, &err), &err);
    while (got > 0 && text->n < KIT_TEXT_MAX) {
        kit_must(ec_stream_read(stream, text->p + text->n, KIT_TEXT_MAX - text->n, &got, &err), &err);
        text->n += got;
    }
    ec_stream_close(stream);
}

static inline struct kit_text kit_room(void) {
    struct kit_text text = {.p = calloc(1, KIT_TEXT_MAX + KIT_PADDING)};
    if (!text.p) exit(3);
    return text;
}

/* The `number`th member of the logs; their layouts take turns: lines, array, lines, compact array. */
static inline struct kit_text kit_member(size_t number) {
    char path[1024];
    struct ec_arena arena;
    struct ec_zip_member *member;
    size_t count;
    struct ec_err err = {0};
    struct kit_text text = kit_room();
    (void)snprintf(path, sizeof path, "%s/api_logs.zip", kit_raw);
    ec_arena_init(&arena, 64 * EC_MIB);
    kit_must(ec_zip_list(path, &arena, &member, &count, &err), &err);
    kit_add(&text, path, member[number % count].name);
    ec_arena_deinit(&arena);
    return text;
}

/* The newest day's file of the sessions. */
static inline struct kit_text kit_sessions(void) {
    char path[1024];
    struct kit_text text = kit_room();
    (void)snprintf(path, sizeof path, "%s/user_sessions/sessions_20250718.csv", kit_raw);
    kit_add(&text, path, NULL);
    return text;
}

static inline const struct ec_source *kit_source(const struct ec_config *config, const char *name) {
    const struct ec_source *source = ec_config_source(config, name);
    if (!source) exit(3);
    return source;
}

/* argv[2], where it is given, is the beginning of the lines that are measured. */
static inline bool kit_wanted(const char *name) {
    return strncmp(name, kit_line, strlen(kit_line)) == 0;
}

static inline void kit_rate(const char *name, size_t bytes, double seconds) {
    (void)printf("%-44s  %8.3f GB/s    %.1f MB, best of %d\n", name, (double)bytes / 1e9 / seconds, (double)bytes / 1e6,
                 KIT_TURNS);
}
static inline void kit_each(const char *name, const char *item, double count, double seconds) {
    (void)printf("%-44s  %8.1f ns/%s    %.0f, best of %d\n", name, seconds * 1e9 / count, item, count, KIT_TURNS);
}

#endif
