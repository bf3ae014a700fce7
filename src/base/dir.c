#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum ec_status ec_path_join(char *out, size_t out_size, const char *dir, const char *name, struct ec_err *err) {
    size_t n = strlen(dir);
    bool slash = n > 0 && dir[n - 1] == '/';
    int len = snprintf(out, out_size, "%s%s%s", dir, slash || n == 0 ? "" : "/", name);
    if ((size_t)len >= out_size) /* of a negative one, too */
        return ec_fail(err, EC_IO, "the path %s/%s is too long", dir, name);
    return EC_OK;
}

enum ec_status ec_path_below(char *out, size_t out_size, const char *dir, const char *path, struct ec_err *err) {
    return ec_path_join(out, out_size, path[0] == '/' ? "" : dir, path, err);
}

void ec_files_raise(unsigned wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* what is refused is said by the open that needs it */
}

bool ec_path_exists(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0;
}

/* Whether the folder is there now. errno is of mkdir. */
static bool make_one(const char *path) {
    if (ec_io.mkdir(path, 0777) == 0) return true;
    int cause = errno;
    struct stat st;
    if (cause == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return true;
    errno = cause;
    return false;
}

enum ec_status ec_dir_make(const char *path, struct ec_err *err) {
    char part[4096];
    size_t n = strlen(path);
    if (n >= sizeof part) return ec_fail(err, EC_IO, "the path %s is too long", path);
    if (n == 0 || make_one(path)) return EC_OK; /* mostly those above it are there */
    if (errno != ENOENT && errno != ENOTDIR) return ec_fail_errno(err, EC_IO, "cannot create the folder %s", path);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (!make_one(part)) return ec_fail_errno(err, EC_IO, "cannot create the folder %s", part);
    }
    return EC_OK;
}

enum ec_status ec_dir_sync(const char *path, struct ec_err *err) {
    int fd = ec_io.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return ec_fail_errno(err, EC_IO, "cannot open the folder %s", path);
    enum ec_status status = EC_OK;
    if (ec_sync(fd) != 0) status = ec_fail_errno(err, EC_IO, "cannot sync the folder %s", path);
    (void)ec_io.close(fd);
    return status;
}

enum ec_status ec_dir_sync_up(const char *path, unsigned levels, struct ec_err *err) {
    char at[4096];
    size_t n = strlen(path);
    if (n >= sizeof at) return ec_fail(err, EC_IO, "the path %s is too long", path);
    memcpy(at, path, n + 1);
    EC_TRY(ec_dir_sync(at, err));
    for (unsigned i = 0; i < levels; i++) {
        char *slash = strrchr(at, '/');
        if (!slash) return ec_dir_sync(".", err);
        if (slash == at) return ec_dir_sync("/", err);
        *slash = '\0';
        EC_TRY(ec_dir_sync(at, err));
    }
    return EC_OK;
}

/* Depth-first without recursion: path holds the folder that is being emptied; a folder that
 * has become empty is removed when we step back to its parent. */
enum ec_status ec_dir_remove(const char *path, bool self, struct ec_err *err) {
    char at[4096];
    size_t root_n = strlen(path);
    if (root_n >= sizeof at) return ec_fail(err, EC_IO, "the path %s is too long", path);
    memcpy(at, path, root_n + 1);

    for (;;) {
        DIR *dir = opendir(at);
        if (!dir) {
            if (errno == ENOENT && strlen(at) == root_n) return EC_OK;
            return ec_fail_errno(err, EC_IO, "cannot open the folder %s", at);
        }
        bool descended = false;
        enum ec_status status = EC_OK;
        struct dirent *entry;
        while (!descended && status == EC_OK && (entry = readdir(dir)) != NULL) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
            char child[4096];
            status = ec_path_join(child, sizeof child, at, entry->d_name, err);
            if (status != EC_OK) break;
            struct stat st;
            if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode)) {
                memcpy(at, child, strlen(child) + 1);
                descended = true;
            } else if (ec_io.unlink(child) != 0 && errno != ENOENT) {
                status = ec_fail_errno(err, EC_IO, "cannot remove %s", child);
            }
        }
        (void)closedir(dir);
        if (status != EC_OK) return status;
        if (descended) continue;
        bool at_root = strlen(at) == root_n;
        if (at_root && !self) return EC_OK;
        if (ec_io.rmdir(at) != 0) return ec_fail_errno(err, EC_IO, "cannot remove the folder %s", at);
        if (at_root) return EC_OK;
        *strrchr(at, '/') = '\0';
    }
}
