/* File names of reports, from names that anybody may have chosen. */
#include "quality/report.h"

#include "base/utf8.h"

#include <inttypes.h>

#define HASH_CHARS 13u /* "-" and twelve digits */

const char *ec_report_file(const char *path, const char *member) {
    const char *name = member ? member : path;
    for (const char *p = name; *p; p++)
        if ((*p == '/' || *p == '\\') && p[1]) name = p + 1;
    return name;
}

static uint64_t name_hash(const char *path, const char *member) {
    uint64_t hash = ec_hash64(path, strlen(path));
    if (member) hash = hash * 31 + ec_hash64(member, strlen(member));
    return hash >> 16;
}

/* Copies at most `room` bytes without cutting a character; whether all of it fitted. */
static bool copy_clean(const char *name, char *out, size_t room, size_t *used) {
    size_t n = strlen(name), kept = ec_utf8_truncate(name, n, room);
    for (size_t i = 0; i < kept; i++) {
        unsigned char c = (unsigned char)name[i];
        out[i] = c < 0x20 || c == 0x7F || c == '/' || c == '\\' ? '_' : name[i];
    }
    size_t at = 0;
    while ((at += ec_utf8_prefix(out + at, kept - at)) < kept) out[at] = '_';
    out[kept] = '\0';
    *used = kept;
    return kept == n;
}

static void add_hash(const char *path, const char *member, char *out, size_t used) {
    (void)snprintf(out + used, EC_REPORT_LABEL_MAX - used, "-%012" PRIx64, name_hash(path, member));
}

void ec_report_label(const char *path, const char *member, char out[EC_REPORT_LABEL_MAX]) {
    const char *name = ec_report_file(path, member);
    size_t used;
    if (copy_clean(name, out, EC_REPORT_LABEL_MAX - 1, &used)) return;
    (void)copy_clean(name, out, EC_REPORT_LABEL_MAX - 1 - HASH_CHARS, &used);
    add_hash(path, member, out, used);
}

void ec_report_label_unique(const char *path, const char *member, char out[EC_REPORT_LABEL_MAX]) {
    size_t used;
    (void)copy_clean(ec_report_file(path, member), out, EC_REPORT_LABEL_MAX - 1 - HASH_CHARS, &used);
    add_hash(path, member, out, used);
}

void ec_report_name(const char *label, char out[EC_REPORT_NAME_MAX]) {
    (void)snprintf(out, EC_REPORT_NAME_MAX, "validation_report_%s.json", label);
}
