#include "watch/tree.h"

#include "base/io.h"
#include "base/limits.h"
#include "watch/look.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/vfs.h>

#define MASK                                                                                                           \
    (IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |  \
     IN_EXCL_UNLINK | IN_ONLYDIR)

bool ec_tree_is_remote(const char *dir) {
    /* NFS, SMB, SMB2, CIFS, FUSE, 9p, Ceph, AFS, Coda, GFS2, OCFS2, Lustre, shared folders of VirtualBox and VMware */
    static const uint32_t types[] = {0x6969,     0x517B,     0xFE534D42, 0xFF534D42, 0x65735546, 0x01021997, 0x00C36400,
                                     0x5346414F, 0x73757245, 0x01161970, 0x7461636F, 0x0BD00BD0, 0x786F4256, 0xBACBACBC};
    struct statfs fs;
    if (statfs(dir, &fs) != 0) return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if ((uint32_t)fs.f_type == types[i]) return true;
    return false;
}

static void give_up(struct ec_tree *tree, const char *why) {
    ec_tree_close(tree);
    tree->why_not = why;
}

static bool grow(void *items, size_t count, size_t *cap, size_t size) {
    void **list = items;
    if (count < *cap) return true;
    size_t wanted = *cap ? *cap * 2 : 32;
    void *more = ec_realloc_array(*list, wanted, size);
    if (!more) return false;
    *list = more;
    *cap = wanted;
    return true;
}

/* False where the tree was given up. */
static bool add_folder(struct ec_tree *tree, const char *path, bool root) {
    int wd = inotify_add_watch(tree->fd, path, MASK | (root ? 0 : IN_DONT_FOLLOW));
    if (wd < 0) {
        if (!root && (errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP)) return true; /* gone, or not for us */
        give_up(tree, errno == ENOSPC ? _("the kernel's number of watches is used up (fs.inotify.max_user_watches)")
                                      : _("the folder cannot be watched"));
        return false;
    }
    for (size_t i = 0; i < tree->folders; i++)
        if (tree->folder[i].wd == wd) return true; /* known under this or another name */
    char *copy = tree->folders < EC_WATCH_FOLDERS_MAX ? ec_strdup(path) : NULL;
    if (!copy || !grow(&tree->folder, tree->folders, &tree->folders_cap, sizeof *tree->folder)) {
        ec_free(copy);
        give_up(tree, _("it has too many folders"));
        return false;
    }
    tree->folder[tree->folders++] = (struct ec_tree_folder){wd, copy};
    return true;
}

static bool is_folder(int fd, const struct dirent *entry) {
    struct stat st;
    if (entry->d_type != DT_UNKNOWN) return entry->d_type == DT_DIR;
    return fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Watches a folder before it lists it: what comes in between is seen twice, never not at all. The folders found are
 * behind it in the list, so that the list is its own queue and no call calls itself. */
static bool add_below(struct ec_tree *tree, const char *path, bool root) {
    size_t at = tree->folders;
    if (!add_folder(tree, path, root)) return false;
    for (; at < tree->folders; at++) {
        char child[4096];
        DIR *dir = opendir(tree->folder[at].path);
        const struct dirent *entry;
        while (dir && (entry = readdir(dir)) != NULL) {
            if (ec_name_kind(entry->d_name) != EC_NAME_DATA || !is_folder(dirfd(dir), entry)) continue;
            if (ec_path_join(child, sizeof child, tree->folder[at].path, entry->d_name, NULL) != EC_OK) continue;
            if (add_folder(tree, child, false)) continue;
            (void)closedir(dir);
            return false;
        }
        if (dir) (void)closedir(dir);
    }
    return true;
}

void ec_tree_open(struct ec_tree *tree, const char *dir, bool events) {
    *tree = (struct ec_tree){.dir = dir, .fd = -1};
    if (!events) {
        tree->why_not = _("as asked");
    } else if (ec_tree_is_remote(dir)) {
        tree->why_not = _("it is on a network file system");
    } else if ((tree->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) < 0) {
        tree->why_not = _("the kernel gives no more inotify instances (fs.inotify.max_user_instances)");
    } else {
        (void)add_below(tree, dir, true);
    }
}

void ec_tree_close(struct ec_tree *tree) {
    if (tree->fd >= 0) (void)ec_io.close(tree->fd);
    for (size_t i = 0; i < tree->folders; i++) ec_free(tree->folder[i].path);
    for (size_t i = 0; i < tree->writers; i++) ec_free(tree->writer[i].name);
    ec_free(tree->folder);
    ec_free(tree->writer);
    *tree = (struct ec_tree){.dir = tree->dir, .fd = -1};
}

/* ---- events ---- */

static size_t find_writer(const struct ec_tree *tree, int wd, const char *name) {
    for (size_t i = 0; i < tree->writers; i++)
        if (tree->writer[i].wd == wd && strcmp(tree->writer[i].name, name) == 0) /* drop_writer() fills the gap: NOLINT(clang-analyzer-unix.Malloc) */
            return i;
    return SIZE_MAX;
}

/* One that finds no room is waited for no longer than the quiet time. */
static void add_writer(struct ec_tree *tree, int wd, const char *name) {
    if (find_writer(tree, wd, name) != SIZE_MAX || tree->writers == EC_WATCH_WRITERS_MAX) return;
    char *copy = ec_strdup(name);
    if (copy && grow(&tree->writer, tree->writers, &tree->writers_cap, sizeof *tree->writer))
        tree->writer[tree->writers++] = (struct ec_tree_writer){wd, copy};
    else
        ec_free(copy);
}

static void drop_writer(struct ec_tree *tree, size_t i) {
    if (i >= tree->writers) return;
    ec_free(tree->writer[i].name);
    tree->writer[i] = tree->writer[--tree->writers];
}

static const char *path_of(const struct ec_tree *tree, int wd) {
    for (size_t i = 0; i < tree->folders; i++)
        if (tree->folder[i].wd == wd) return tree->folder[i].path;
    return NULL;
}

/* The folder is not there any more: the kernel has dropped its watch. */
static void drop_folder(struct ec_tree *tree, int wd, struct ec_heard_of *heard) {
    for (size_t i = tree->writers; i-- > 0;)
        if (tree->writer[i].wd == wd) drop_writer(tree, i);
    for (size_t i = 0; i < tree->folders; i++) {
        if (tree->folder[i].wd != wd) continue;
        if (i == 0) heard->incomplete = true; /* the root */
        ec_free(tree->folder[i].path);
        memmove(&tree->folder[i], &tree->folder[i + 1], (tree->folders - i - 1) * sizeof *tree->folder);
        tree->folders--;
        return;
    }
}

/* A file was made and nothing is in it: its maker has it open. A link to a file that has something is complete. */
static bool is_empty(const struct ec_tree *tree, int wd, const char *name) {
    char path[4096];
    struct stat st;
    const char *folder = path_of(tree, wd);
    return folder && ec_path_join(path, sizeof path, folder, name, NULL) == EC_OK && lstat(path, &st) == 0 &&
           S_ISREG(st.st_mode) && st.st_size == 0;
}

static void hear_of_file(struct ec_tree *tree, const struct inotify_event *event, struct ec_heard_of *heard) {
    enum ec_name_kind kind = ec_name_kind(event->name);
    if (kind == EC_NAME_NOTHING) return;
    heard->changed = true;
    if (event->mask & (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO))
        drop_writer(tree, find_writer(tree, event->wd, event->name));
    if (kind != EC_NAME_DATA) return;
    if ((event->mask & IN_MODIFY) || ((event->mask & IN_CREATE) && is_empty(tree, event->wd, event->name)))
        add_writer(tree, event->wd, event->name);
    if (!(event->mask & (IN_DELETE | IN_MOVED_FROM))) (void)snprintf(heard->name, sizeof heard->name, "%s", event->name);
}

static void hear_of_folder(struct ec_tree *tree, const struct inotify_event *event, struct ec_heard_of *heard) {
    char path[4096];
    const char *folder = path_of(tree, event->wd);
    if (ec_name_kind(event->name) != EC_NAME_DATA) return;
    heard->changed = true;
    if (event->mask & IN_MOVED_FROM) heard->incomplete = true; /* the paths of what was below it are wrong now */
    if (!(event->mask & (IN_CREATE | IN_MOVED_TO)) || !folder) return;
    if (ec_path_join(path, sizeof path, folder, event->name, NULL) == EC_OK) (void)add_below(tree, path, false);
}

static void hear_one(struct ec_tree *tree, const struct inotify_event *event, struct ec_heard_of *heard) {
    bool root_gone = (event->mask & (IN_MOVE_SELF | IN_UNMOUNT)) && tree->folders > 0 && event->wd == tree->folder[0].wd;
    if (event->mask & IN_IGNORED)
        drop_folder(tree, event->wd, heard);
    else if ((event->mask & IN_Q_OVERFLOW) || root_gone)
        heard->incomplete = true;
    else if (event->len > 0 && (event->mask & IN_ISDIR))
        hear_of_folder(tree, event, heard);
    else if (event->len > 0)
        hear_of_file(tree, event, heard);
}

void ec_tree_hear(struct ec_tree *tree, struct ec_heard_of *heard) {
    _Alignas(struct inotify_event) char bytes[16384];
    *heard = (struct ec_heard_of){0};
    while (tree->fd >= 0) { /* closed where a new folder could not be watched */
        ssize_t n = ec_io.read(tree->fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            if (n < 0 && errno != EAGAIN) heard->incomplete = true;
            return;
        }
        for (ssize_t at = 0; at < n && tree->fd >= 0;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)(bytes + at);
            at += (ssize_t)(sizeof *event + event->len);
            hear_one(tree, event, heard);
        }
    }
    heard->incomplete = true;
}
