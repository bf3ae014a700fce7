/* One member by its name. A worker is given an archive's members one after the other, and
 * checking ten thousand headers for each of them would take longer than reading them: the
 * listing of the last archive is kept, for as long as the file is the same. */
#include "source/zip.h"

#include <sys/stat.h>

struct listing {
    struct stat of;
    struct ec_arena arena;
    struct ec_zip_member *member;
    size_t count;
    bool valid;
};

static _Thread_local struct listing last;

static bool same_file(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void ec_zip_forget(void) {
    if (last.valid) ec_arena_deinit(&last.arena);
    last.valid = false;
}

static enum ec_status list_again(const char *path, const struct stat *now, struct ec_err *err) {
    ec_zip_forget();
    ec_arena_init(&last.arena, EC_ZIP_ARENA_MAX);
    enum ec_status status = ec_zip_list(path, &last.arena, &last.member, &last.count, err);
    if (status != EC_OK) {
        ec_arena_deinit(&last.arena);
        return status;
    }
    last.of = *now; /* taken before: a file that was replaced meanwhile is listed again */
    last.valid = true;
    return EC_OK;
}

enum ec_status ec_zip_find(const char *path, const char *name, struct ec_zip_member *member, struct ec_err *err) {
    struct stat now;
    if (stat(path, &now) != 0) return ec_fail_errno(err, EC_UNREADABLE, "cannot open %s", path);
    if (!last.valid || !same_file(&last.of, &now)) EC_TRY(list_again(path, &now, err));
    for (size_t i = 0; i < last.count; i++) {
        if (strcmp(last.member[i].name, name) != 0) continue;
        *member = last.member[i];
        return EC_OK;
    }
    return ec_fail(err, EC_UNREADABLE, "%s holds no member %s", path, name);
}
