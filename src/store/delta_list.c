/* Which versions a log folder holds. */
#include "store/delta_log.h"

#include "base/io.h"

#include <errno.h>

#define VERSION_DIGITS 20u

enum ec_status ec_delta_log_dir(char *out, size_t out_size, const char *dir, struct ec_err *err) {
    return ec_path_join(out, out_size, dir, "_delta_log", err);
}

enum ec_status ec_delta_log_path(char *out, size_t out_size, const char *dir, int64_t version, struct ec_err *err) {
    char name[64];
    (void)snprintf(name, sizeof name, "_delta_log/%020" PRId64 ".json", version);
    return ec_path_join(out, out_size, dir, name, err);
}

/* The version of "<20 digits>.json", -1 for any other name. */
static int64_t version_of(const char *name) {
    if (strlen(name) != VERSION_DIGITS + 5 || memcmp(name + VERSION_DIGITS, ".json", 5) != 0) return -1;
    int64_t version = 0;
    for (size_t i = 0; i < VERSION_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') return -1;
        if (__builtin_mul_overflow(version, 10, &version) || __builtin_add_overflow(version, name[i] - '0', &version))
            return -1;
    }
    return version;
}

struct versions {
    int64_t first;
    int64_t last;
    uint64_t count;
    bool checkpoint;
};

static enum ec_status list(const char *log, struct versions *found, struct ec_err *err) {
    *found = (struct versions){.first = INT64_MAX, .last = -1};
    DIR *folder = opendir(log);
    if (!folder) {
        if (errno == ENOENT) return EC_OK;
        return ec_fail_errno(err, EC_IO, "cannot open the folder %s", log);
    }
    struct dirent *entry;
    while (errno = 0, (entry = readdir(folder)) != NULL) {
        if (strstr(entry->d_name, ".checkpoint.") && entry->d_name[0] != '.') found->checkpoint = true;
        int64_t version = version_of(entry->d_name);
        if (version < 0) continue;
        found->count++;
        if (version < found->first) found->first = version;
        if (version > found->last) found->last = version;
    }
    enum ec_status status = errno ? ec_fail_errno(err, EC_IO, "cannot read the folder %s", log) : EC_OK;
    (void)closedir(folder);
    return status;
}

/* A listing taken while another writer commits may hold its second commit and not its first,
 * so a version is missing only where it cannot be found by name. */
static enum ec_status check_contiguous(const char *dir, const char *log, const struct versions *found,
                                       struct ec_err *err) {
    char path[EC_DELTA_PATH_MAX];
    if (found->first > 0 && found->checkpoint)
        return ec_fail(err, EC_TABLE_FORMAT,
                       "%s begins with version %" PRId64 " behind a checkpoint: its first commits were cleaned up, and "
                       "Ecluse reads tables whose JSON log is whole; copy the table into a new one to go on",
                       log, found->first);
    if (found->first == 0 && (uint64_t)found->last + 1 == found->count) return EC_OK;
    for (int64_t version = 0; version <= found->last; version++) {
        EC_TRY(ec_delta_log_path(path, sizeof path, dir, version, err));
        if (!ec_path_exists(path))
            return ec_fail(err, EC_TABLE_FORMAT,
                           "%s has a gap: version %" PRId64 " is missing, version %" PRId64 " is there", log, version,
                           version < found->first ? found->first : found->last);
    }
    return EC_OK;
}

enum ec_status ec_delta_log_end(const char *dir, int64_t *last, struct ec_err *err) {
    char log[EC_DELTA_PATH_MAX];
    struct versions found;
    *last = -1;
    EC_TRY(ec_delta_log_dir(log, sizeof log, dir, err));
    EC_TRY(list(log, &found, err));
    if (found.last < 0 && found.checkpoint)
        return ec_fail(
            err, EC_TABLE_FORMAT,
            "%s holds a checkpoint and no commit: its commits were cleaned up, and Ecluse reads tables whose "
            "JSON log is whole; copy the table into a new one to go on",
            log);
    if (found.last < 0) return EC_OK;
    EC_TRY(check_contiguous(dir, log, &found, err));
    *last = found.last;
    return EC_OK;
}
