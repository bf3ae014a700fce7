#include "run/paths.h"

#include "base/arena.h"
#include "base/calendar.h"
#include "base/limits.h"

#include <errno.h>
#include <stdlib.h>

enum ec_status ec_project_path(char *out, const char *dir, const char *a, const char *b, struct ec_err *err) {
    char first[EC_PATH_MAX];
    EC_TRY(ec_path_join(b ? first : out, EC_PATH_MAX, dir, a, err));
    return b ? ec_path_join(out, EC_PATH_MAX, first, b, err) : EC_OK;
}

enum ec_status ec_folder_make_of(const char *path, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path) return EC_OK;
    (void)snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
    return ec_dir_make(dir, err);
}

#define TABLES_MAX 10000u /* in one folder */

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a folder that may be tables, in order: what is said of them must not hang on the disk's order. */
static enum ec_status list_names(const char *path, struct ec_arena *arena, const char ***names, size_t *count, struct ec_err *err) {
    *count = 0;
    DIR *folder = opendir(path);
    if (!folder) return errno == ENOENT ? EC_OK : ec_fail_errno(err, EC_IO, "cannot open the folder %s", path);
    *names = ec_arena_calloc(arena, TABLES_MAX, sizeof **names);
    enum ec_status status = *names ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory to list %s", path);
    struct dirent *entry;
    while (status == EC_OK && (errno = 0, (entry = readdir(folder)) != NULL)) {
        if (entry->d_name[0] == '.') continue;
        const char *name = ec_arena_strdup(arena, entry->d_name);
        if (!name || *count == TABLES_MAX) status = ec_fail(err, EC_NO_MEMORY, "%s holds more than %u tables", path, TABLES_MAX);
        else (*names)[(*count)++] = name;
    }
    if (status == EC_OK && errno) status = ec_fail_errno(err, EC_IO, "cannot read the folder %s", path);
    (void)closedir(folder);
    if (status == EC_OK && *count > 1) qsort(*names, *count, sizeof **names, compare_names);
    return status;
}

static enum ec_status each_below(const char *path,
                                 enum ec_status (*visit)(void *user, const char *dir, struct ec_err *err), void *user,
                                 struct ec_err *err) {
    struct ec_arena arena;
    const char **names = NULL;
    size_t count;
    ec_arena_init(&arena, 16 * EC_MIB);
    enum ec_status status = list_names(path, &arena, &names, &count, err);
    for (size_t i = 0; i < count && status == EC_OK; i++) {
        char table[EC_PATH_MAX];
        struct stat st;
        status = ec_path_join(table, sizeof table, path, names[i], err);
        if (status == EC_OK && lstat(table, &st) == 0 && S_ISDIR(st.st_mode)) status = visit(user, table, err);
    }
    ec_arena_deinit(&arena);
    return status;
}

enum ec_status ec_each_table(const char *project,
                             enum ec_status (*visit)(void *user, const char *dir, struct ec_err *err), void *user,
                             struct ec_err *err) {
    static const char *const kinds[] = {"enriched", "kpi", "joined"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[EC_PATH_MAX];
        EC_TRY(ec_project_path(path, project, EC_DIR_PROCESSED, kinds[i], err));
        EC_TRY(each_below(path, visit, user, err));
    }
    return EC_OK;
}

void ec_time_label(int64_t micros, char *out) {
    char text[32];
    text[ec_datetime_format(micros, text)] = '\0'; /* 2025-08-18T13:34:05Z */
    static const unsigned char from[] = {0, 1, 2, 3, 5, 6, 8, 9};
    for (size_t i = 0; i < sizeof from; i++) out[i] = text[from[i]];
    out[8] = '_';
    static const unsigned char time_from[] = {11, 12, 14, 15, 17, 18};
    for (size_t i = 0; i < sizeof time_from; i++) out[9 + i] = text[time_from[i]];
    out[15] = '\0';
}
