/* After a crash: parts that no commit names, and what a commit left of its temporary file
 * (docs/commit.md, C11). */
#include "store/delta_log.h"

#include "base/io.h"

#include <errno.h>

/* Paths that are waiting: folders to look into, files to remove. */
struct name {
    struct name *next;
    char text[];
};

struct sweep {
    const char *dir;
    char log[EC_DELTA_PATH_MAX];
    size_t base_n; /* of a path, the bytes before what is relative to the table */
    struct ec_arena arena;
    struct ec_delta_replay replay;
    struct name *folders;
    size_t removed;
};

static enum ec_status push(struct sweep *sweep, struct name **list, const char *text, struct ec_err *err) {
    size_t n = strlen(text) + 1;
    struct name *name = ec_arena_alloc(&sweep->arena, sizeof *name + n);
    if (!name) return ec_fail(err, EC_NO_MEMORY, "no memory to sweep the table %s", sweep->dir);
    memcpy(name->text, text, n);
    name->next = *list;
    *list = name;
    return EC_OK;
}

static bool ends_with(const char *z, const char *end) {
    size_t n = strlen(z), k = strlen(end);
    return n >= k && memcmp(z + n - k, end, k) == 0;
}

/* What stands between `start` and ".tmp" is a process's number and a random one, as ec_file_publish() names them. */
static bool is_temporary_of(const char *name, const char *start) {
    size_t n = strlen(name), k = strlen(start);
    if (n < k + 5 || memcmp(name, start, k) != 0 || !ends_with(name, ".tmp")) return false;
    return strspn(name + k, "0123456789abcdef.") == n - k - 3;
}

/* ".00000000000000000007.json.<pid>.<hex>.tmp", and what a checkpoint is made from (sql/checkpoint.c). Another writer's
 * temporary file (Hadoop's has a UUID there) may be in use. */
static bool is_our_temporary(const char *name) {
    if (is_temporary_of(name, "._last_checkpoint.")) return true;
    if (name[0] != '.' || strspn(name + 1, "0123456789") != 20) return false;
    const char *rest = name + 21;
    return is_temporary_of(rest, ".json.") || strcmp(rest, ".checkpoint.lines.tmp") == 0 || strcmp(rest, ".checkpoint.parquet.tmp") == 0;
}

static enum ec_status remove_files(struct sweep *sweep, const struct name *victims, struct ec_err *err) {
    for (const struct name *v = victims; v; v = v->next) {
        if (ec_io.unlink(v->text) == 0)
            sweep->removed++;
        else if (errno != ENOENT)
            return ec_fail_errno(err, EC_IO, "cannot remove %s", v->text);
    }
    return EC_OK;
}

static enum ec_status open_folder(const char *path, DIR **folder, struct ec_err *err) {
    *folder = opendir(path);
    if (!*folder && errno != ENOENT) return ec_fail_errno(err, EC_IO, "cannot open the folder %s", path);
    return EC_OK;
}

static enum ec_status sweep_log(struct sweep *sweep, struct ec_err *err) {
    char path[EC_DELTA_PATH_MAX];
    struct name *victims = NULL;
    DIR *folder;
    struct dirent *entry;
    enum ec_status status = EC_OK;
    EC_TRY(open_folder(sweep->log, &folder, err));
    if (!folder) return EC_OK;
    while (status == EC_OK && (entry = readdir(folder)) != NULL) {
        if (!is_our_temporary(entry->d_name)) continue;
        status = ec_path_join(path, sizeof path, sweep->log, entry->d_name, err);
        if (status == EC_OK) status = push(sweep, &victims, path, err);
    }
    (void)closedir(folder);
    return status == EC_OK ? remove_files(sweep, victims, err) : status;
}

/* What becomes of one entry: a folder waits, a forgotten part is a victim, all else is kept. */
static enum ec_status look_at(struct sweep *sweep, const char *at, const char *name, struct name **victims, bool *keep,
                              struct ec_err *err) {
    char path[EC_DELTA_PATH_MAX];
    struct stat st;
    *keep = true;
    if (name[0] == '.' || (name[0] == '_' && !strchr(name, '='))) return EC_OK; /* "_x=1" is a partition */
    EC_TRY(ec_path_join(path, sizeof path, at, name, err));
    if (lstat(path, &st) != 0) {
        if (errno != ENOENT) return ec_fail_errno(err, EC_IO, "cannot look at %s", path);
        *keep = false;
        return EC_OK;
    }
    if (S_ISDIR(st.st_mode)) return push(sweep, &sweep->folders, path, err);
    if (!S_ISREG(st.st_mode) || !ends_with(name, ".parquet")) return EC_OK;
    if (ec_delta_replay_find(&sweep->replay, path + sweep->base_n)) return EC_OK;
    *keep = false;
    return push(sweep, victims, path, err);
}

static enum ec_status sweep_folder(struct sweep *sweep, const char *at, struct ec_err *err) {
    struct name *victims = NULL;
    size_t kept = 0;
    DIR *folder;
    struct dirent *entry;
    enum ec_status status = EC_OK;
    EC_TRY(open_folder(at, &folder, err));
    if (!folder) return EC_OK;
    while (status == EC_OK && (entry = readdir(folder)) != NULL) {
        bool keep;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        status = look_at(sweep, at, entry->d_name, &victims, &keep, err);
        kept += keep;
    }
    (void)closedir(folder);
    if (status == EC_OK) status = remove_files(sweep, victims, err);
    if (status != EC_OK || kept > 0 || strcmp(at, sweep->dir) == 0) return status;
    if (ec_io.rmdir(at) != 0 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT)
        return ec_fail_errno(err, EC_IO, "cannot remove the folder %s", at);
    return EC_OK;
}

enum ec_status ec_delta_sweep(const char *dir, size_t *removed, struct ec_err *err) {
    struct sweep sweep = {.dir = dir};
    ec_arena_init(&sweep.arena, EC_DELTA_SNAPSHOT_MAX);
    ec_delta_replay_init(&sweep.replay, dir, &sweep.arena);
    sweep.replay.files = true;
    sweep.replay.from_start = true;
    enum ec_status status = ec_delta_log_dir(sweep.log, sizeof sweep.log, dir, err);
    sweep.base_n = strlen(sweep.log) - strlen("_delta_log");
    if (status == EC_OK) status = ec_delta_replay_log(&sweep.replay, err);
    if (status == EC_OK) status = sweep_log(&sweep, err);
    if (status == EC_OK) status = push(&sweep, &sweep.folders, dir, err);
    while (status == EC_OK && sweep.folders) {
        struct name *at = sweep.folders;
        sweep.folders = at->next;
        status = sweep_folder(&sweep, at->text, err);
    }
    *removed = sweep.removed;
    ec_delta_replay_deinit(&sweep.replay);
    ec_arena_deinit(&sweep.arena);
    return status;
}
