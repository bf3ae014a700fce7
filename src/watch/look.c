#include "watch/look.h"

#include "base/io.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>

static bool ends_with(const char *name, const char *suffix) {
    size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcasecmp(name + n - m, suffix) == 0;
}

enum ec_name_kind ec_name_kind(const char *name) {
    if (name[0] == '.' || ends_with(name, ".done")) return EC_NAME_NOTHING;
    return ends_with(name, ".tmp") || ends_with(name, ".part") ? EC_NAME_PART : EC_NAME_DATA;
}

/* The folders that are still to be looked into, as a stack. */
struct walk {
    struct ec_look *look;
    const char *dir;
    const char **folder;
    size_t folders, cap;
};

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the list of the drop folder");
}

static enum ec_status push_folder(struct walk *w, const char *path, struct ec_err *err) {
    if (w->folders == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        void *more = ec_realloc_array(w->folder, cap, sizeof *w->folder);
        if (!more) return no_memory(err);
        w->folder = more;
        w->cap = cap;
    }
    w->folder[w->folders++] = path;
    return EC_OK;
}

static enum ec_status add_file(struct ec_look *look, const char *path, const struct stat *st, bool data, struct ec_err *err) {
    if (look->count == look->cap) {
        size_t cap = look->cap ? look->cap * 2 : 256;
        void *more = ec_realloc_array(look->file, cap, sizeof *look->file);
        if (!more) return no_memory(err);
        look->file = more;
        look->cap = cap;
    }
    look->file[look->count++] = (struct ec_look_file){
        .path = path,
        .bytes = (uint64_t)st->st_size,
        .inode = (uint64_t)st->st_ino,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .data = data,
    };
    return EC_OK;
}

static enum ec_status add_entry(struct walk *w, int fd, const char *folder, const char *name, struct ec_err *err) {
    struct stat st;
    enum ec_name_kind kind = ec_name_kind(name);
    if (kind == EC_NAME_NOTHING || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return EC_OK;
    bool is_folder = S_ISDIR(st.st_mode);
    if (!is_folder && !S_ISREG(st.st_mode)) return EC_OK;
    const char *path = *folder ? ec_arena_printf(&w->look->arena, "%s/%s", folder, name) : ec_arena_strdup(&w->look->arena, name);
    if (!path) return no_memory(err);
    if (!is_folder) return add_file(w->look, path, &st, kind == EC_NAME_DATA, err);
    return kind == EC_NAME_DATA ? push_folder(w, path, err) : EC_OK; /* discovery passes such a folder over, too */
}

static enum ec_status read_folder(struct walk *w, const char *folder, struct ec_err *err) {
    char path[4096];
    EC_TRY(ec_path_join(path, sizeof path, w->dir, *folder ? folder : ".", err));
    int fd = ec_io.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (*folder ? O_NOFOLLOW : 0), 0);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        /* errno of what failed, before it is closed */
        enum ec_status failed = *folder ? EC_OK : ec_fail_errno(err, EC_IO, "cannot read the drop folder %s", w->dir);
        if (fd >= 0) (void)ec_io.close(fd);
        return failed;
    }
    enum ec_status status = EC_OK;
    const struct dirent *entry;
    while (status == EC_OK && (entry = readdir(dir)) != NULL) status = add_entry(w, fd, folder, entry->d_name, err);
    (void)closedir(dir);
    return status;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct ec_look_file *)a)->path, ((const struct ec_look_file *)b)->path);
}

enum ec_status ec_look_take(const char *dir, struct ec_look *look, struct ec_err *err) {
    struct walk walk = {.look = look, .dir = dir};
    *look = (struct ec_look){0};
    ec_arena_init(&look->arena, EC_WATCH_NAMES_MAX);
    enum ec_status status = read_folder(&walk, "", err);
    while (status == EC_OK && walk.folders > 0) status = read_folder(&walk, walk.folder[--walk.folders], err);
    if (look->count > 1) qsort(look->file, look->count, sizeof *look->file, by_path);
    ec_free(walk.folder);
    return status;
}

void ec_look_deinit(struct ec_look *look) {
    ec_free(look->file);
    ec_arena_deinit(&look->arena);
    *look = (struct ec_look){0};
}

static bool same(const struct ec_look_file *a, const struct ec_look_file *b) {
    return a->bytes == b->bytes && a->mtime_ns == b->mtime_ns && a->inode == b->inode;
}

const char *ec_look_news(const struct ec_look *before, const struct ec_look *after, size_t *count) {
    const char *first = NULL;
    size_t b = 0, n = 0;
    for (size_t a = 0; a < after->count; a++) {
        const struct ec_look_file *file = &after->file[a];
        while (b < before->count && strcmp(before->file[b].path, file->path) < 0) b++;
        bool known = b < before->count && strcmp(before->file[b].path, file->path) == 0 && same(&before->file[b], file);
        if (known || !file->data) continue;
        if (!first) first = file->path;
        n++;
    }
    if (count) *count = n;
    return first;
}

bool ec_look_differs(const struct ec_look *before, const struct ec_look *after) {
    if (before->count != after->count) return true;
    for (size_t i = 0; i < after->count; i++)
        if (strcmp(before->file[i].path, after->file[i].path) != 0 || !same(&before->file[i], &after->file[i])) return true;
    return false;
}
