#include "run/paths.h"

#include "base/calendar.h"

#include <errno.h>

enum ec_status ec_project_path(char *out, const char *dir, const char *a, const char *b, struct ec_err *err) {
    char first[EC_PATH_MAX];
    EC_TRY(ec_path_join(b ? first : out, EC_PATH_MAX, dir, a, err));
    return b ? ec_path_join(out, EC_PATH_MAX, first, b, err) : EC_OK;
}

static enum ec_status each_below(const char *path,
                                 enum ec_status (*visit)(void *user, const char *dir, struct ec_err *err), void *user,
                                 struct ec_err *err) {
    DIR *folder = opendir(path);
    if (!folder) return errno == ENOENT ? EC_OK : ec_fail_errno(err, EC_IO, "cannot open the folder %s", path);
    enum ec_status status = EC_OK;
    struct dirent *entry;
    while (status == EC_OK && (entry = readdir(folder)) != NULL) {
        char table[EC_PATH_MAX];
        struct stat st;
        if (entry->d_name[0] == '.') continue;
        status = ec_path_join(table, sizeof table, path, entry->d_name, err);
        if (status == EC_OK && lstat(table, &st) == 0 && S_ISDIR(st.st_mode)) status = visit(user, table, err);
    }
    (void)closedir(folder);
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
