/* Reading a stream to its end in the tests of this folder. */
#ifndef EC_TEST_DRAIN_H
#define EC_TEST_DRAIN_H

#include "source/stream.h"

#include <isa-l/crc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct drained {
    enum ec_status status;
    uint64_t bytes;
    uint32_t crc;
    char message[768];
};

/* Reads in pieces of `piece` bytes (at most 1 MiB); closes the stream. */
static inline struct drained drain(struct ec_stream *s, size_t piece) {
    struct drained d = {EC_OK, 0, 0, ""};
    struct ec_err err = {0};
    unsigned char *buf = malloc(piece);
    size_t got = 0;
    do {
        d.status = ec_stream_read(s, buf, piece, &got, &err);
        d.crc = crc32_gzip_refl(d.crc, buf, got);
        d.bytes += got;
    } while (d.status == EC_OK && got > 0);
    memcpy(d.message, err.message, sizeof d.message);
    ec_stream_close(s);
    free(buf);
    return d;
}

static inline struct drained drain_file(const char *path, const char *member, size_t piece) {
    struct ec_stream *s;
    struct ec_err err = {0};
    struct drained d = {EC_OK, 0, 0, ""};
    d.status = ec_stream_open(&(struct ec_stream_args){.path = path, .member = member}, &s, &err);
    memcpy(d.message, err.message, sizeof d.message);
    return d.status == EC_OK ? drain(s, piece) : d;
}

/* Where the corpora of others lie. */
static inline const char *corpora(const char *folder) {
    static char path[512];
    const char *root = getenv("EC_CORPORA");
    snprintf(path, sizeof path, "%s/%s", root ? root : EC_TEST_DATA "/corpora", folder);
    FILE *f = fopen(path, "r");
    if (!f) return NULL;
    fclose(f);
    return path;
}

#endif
