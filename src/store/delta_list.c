/* Which versions a log folder holds. */
#include "store/delta_log.h"

#include "base/io.h"

#include <errno.h>
#include <stdlib.h>

#define VERSION_DIGITS 20u

enum ec_status ec_delta_log_dir(char *out, size_t out_size, const char *dir, struct ec_err *err) {
    return ec_path_join(out, out_size, dir, "_delta_log", err);
}

void ec_delta_name(int64_t version, const char *end, char out[64]) { (void)snprintf(out, 64, "_delta_log/%020" PRId64 "%s", version, end); }

enum ec_status ec_delta_log_path(char *out, size_t out_size, const char *dir, int64_t version, struct ec_err *err) {
    char name[64];
    ec_delta_name(version, ".json", name);
    return ec_path_join(out, out_size, dir, name, err);
}

/* The number in exactly n digits; -1 for anything else. */
static int64_t digits(const char *p, size_t n) {
    int64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') return -1;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, p[i] - '0', &value)) return -1;
    }
    return value;
}

int64_t ec_delta_name_version(const char *name, const char *end) {
    if (strlen(name) <= VERSION_DIGITS || strcmp(name + VERSION_DIGITS, end) != 0) return -1;
    return digits(name, VERSION_DIGITS);
}

/* "<20 digits>.checkpoint.parquet", or a part of several: "<20 digits>.checkpoint.<10 digits>.<10 digits>.parquet". */
struct checkpoint {
    int64_t version;
    unsigned part, parts; /* 0, 0: the only one */
};

static bool checkpoint_of(const char *name, struct checkpoint *found) {
    static const char middle[] = ".checkpoint", end[] = ".parquet";
    const size_t one = VERSION_DIGITS + 11 + 8, several = one + 22;
    size_t n = strlen(name);
    if ((n != one && n != several) || memcmp(name + VERSION_DIGITS, middle, 11) != 0 || strcmp(name + n - 8, end) != 0) return false;
    *found = (struct checkpoint){.version = digits(name, VERSION_DIGITS)};
    if (n == one) return found->version >= 0;
    int64_t part = digits(name + 32, 10), parts = digits(name + 43, 10);
    if (name[31] != '.' || name[42] != '.' || part < 1 || parts < part || parts > EC_DELTA_CHECKPOINT_PARTS_MAX) return false;
    found->part = (unsigned)part;
    found->parts = (unsigned)parts;
    return found->version >= 0;
}

struct versions {
    int64_t first;
    int64_t last;
    uint64_t count;
    struct checkpoint *checkpoint;
    size_t checkpoint_count, checkpoint_cap;
    bool v2; /* a checkpoint of the other kind: "<20 digits>.checkpoint.<UUID>.parquet" or ".json" */
};

static bool is_v2_checkpoint(const char *name) {
    return strlen(name) > VERSION_DIGITS + 12 && digits(name, VERSION_DIGITS) >= 0 && memcmp(name + VERSION_DIGITS, ".checkpoint.", 12) == 0 &&
           strcspn(name + VERSION_DIGITS + 12, ".") == 36;
}

static enum ec_status note_checkpoint(struct versions *found, const char *name, struct ec_err *err) {
    struct checkpoint checkpoint;
    if (is_v2_checkpoint(name)) found->v2 = true;
    if (!checkpoint_of(name, &checkpoint)) return EC_OK;
    if (found->checkpoint_count == found->checkpoint_cap) {
        size_t cap = found->checkpoint_cap ? found->checkpoint_cap * 2 : 64;
        struct checkpoint *grown = ec_realloc_array(found->checkpoint, cap, sizeof *grown);
        if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory to list a table's checkpoints");
        found->checkpoint = grown;
        found->checkpoint_cap = cap;
    }
    found->checkpoint[found->checkpoint_count++] = checkpoint;
    return EC_OK;
}

static enum ec_status list(const char *log, struct versions *found, struct ec_err *err) {
    *found = (struct versions){.first = INT64_MAX, .last = -1};
    DIR *folder = opendir(log);
    if (!folder) {
        if (errno == ENOENT) return EC_OK;
        return ec_fail_errno(err, EC_IO, "cannot open the folder %s", log);
    }
    enum ec_status status = EC_OK;
    struct dirent *entry;
    while (status == EC_OK && (errno = 0, (entry = readdir(folder)) != NULL)) {
        status = note_checkpoint(found, entry->d_name, err);
        int64_t version = ec_delta_name_version(entry->d_name, ".json");
        if (version < 0) continue;
        found->count++;
        if (version < found->first) found->first = version;
        if (version > found->last) found->last = version;
    }
    if (status == EC_OK && errno) status = ec_fail_errno(err, EC_IO, "cannot read the folder %s", log);
    (void)closedir(folder);
    return status;
}

/* The newest first; of one version the single file before parts, and parts of as many together. */
static int compare(const void *a, const void *b) {
    const struct checkpoint *x = a, *y = b;
    if (x->version != y->version) return x->version < y->version ? 1 : -1;
    if (x->parts != y->parts) return x->parts < y->parts ? -1 : 1;
    return (x->part > y->part) - (x->part < y->part);
}

/* The newest of at most `max` of which every part is there. */
static void choose_checkpoint(struct versions *found, int64_t max, struct ec_delta_range *range) {
    struct checkpoint *list = found->checkpoint;
    if (found->checkpoint_count > 1) qsort(list, found->checkpoint_count, sizeof *list, compare);
    for (size_t i = 0; i < found->checkpoint_count;) {
        size_t same = 1;
        while (i + same < found->checkpoint_count && list[i + same].version == list[i].version && list[i + same].parts == list[i].parts) same++;
        if (list[i].version <= max && (list[i].parts == 0 || same == list[i].parts)) {
            range->checkpoint = list[i].version;
            range->parts = list[i].parts;
            return;
        }
        i += same;
    }
}

static enum ec_status gone(const char *log, const struct versions *found, int64_t first, struct ec_err *err) {
    if (found->v2)
        return ec_fail(err, EC_TABLE_FORMAT,
                       "%s begins with version %lld: its first commits were cleaned up behind a checkpoint of the kind v2Checkpoint, "
                       "which Ecluse does not know; take that feature away (ALTER TABLE ... DROP FEATURE v2Checkpoint in Spark) to go on",
                       log, (long long)first);
    return ec_fail(err, EC_TABLE_FORMAT,
                   "%s begins with version %lld: its first commits were cleaned up, and it holds no whole checkpoint "
                   "before that version that could be read here; copy the table into a new one to go on",
                   log, (long long)first);
}

/* A listing taken while another writer commits may hold its second commit and not its first,
 * so a version is missing only where it cannot be found by name. */
static enum ec_status check_contiguous(const char *dir, const char *log, const struct versions *found, struct ec_delta_range *range,
                                       struct ec_err *err) {
    char path[EC_DELTA_PATH_MAX];
    range->whole = found->first == 0 && (uint64_t)found->last + 1 == found->count;
    if (range->whole) return EC_OK;
    bool from_start = found->first == 0 || (found->checkpoint_count == 0 && !found->v2);
    if (!from_start && range->checkpoint + 1 < found->first) return gone(log, found, found->first, err);
    for (int64_t version = from_start ? 0 : range->checkpoint + 1; version <= found->last; version++) {
        EC_TRY(ec_delta_log_path(path, sizeof path, dir, version, err));
        if (!ec_path_exists(path))
            return ec_fail(err, EC_TABLE_FORMAT, "%s has a gap: version %lld is missing, version %lld is there", log, (long long)version,
                           (long long)(version < found->first ? found->first : found->last));
    }
    range->whole = from_start;
    return EC_OK;
}

enum ec_status ec_delta_log_range(const char *dir, int64_t checkpoint_max, struct ec_delta_range *range, struct ec_err *err) {
    char log[EC_DELTA_PATH_MAX];
    struct versions found = {0};
    *range = (struct ec_delta_range){.last = -1, .checkpoint = -1, .whole = true};
    EC_TRY(ec_delta_log_dir(log, sizeof log, dir, err));
    enum ec_status status = list(log, &found, err);
    if (status == EC_OK) {
        choose_checkpoint(&found, checkpoint_max, range);
        range->last = found.last > range->checkpoint ? found.last : range->checkpoint;
        if (found.last >= 0) {
            status = check_contiguous(dir, log, &found, range, err);
        } else if (found.checkpoint_count > 0) {
            range->whole = false;
            if (range->checkpoint < 0) status = gone(log, &found, found.checkpoint[0].version + 1, err);
        }
    }
    ec_free(found.checkpoint);
    return status;
}

enum ec_status ec_delta_newest(const char *dir, int64_t *version, struct ec_err *err) {
    struct ec_delta_range range;
    EC_TRY(ec_delta_log_range(dir, INT64_MAX, &range, err));
    *version = range.last;
    return EC_OK;
}
