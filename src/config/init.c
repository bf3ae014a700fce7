/* `ecluse init`: the sample project's files and the folders. */
#include "config/config.h"
#include "config/embedded.h"

#include "base/io.h"

#define PATH_BYTES 4096u

/* Those of tables come with the tables. */
static const char *const folders[] = {"config",       "transformations",
                                      "data/raw",     "data/raw/user_sessions",
                                      "data/staging", "data/processed",
                                      "data/quality", "data/archive",
                                      "data/runs",    "logs"};

static enum ec_status make_folder(const char *dir, const char *name, struct ec_err *err) {
    char path[PATH_BYTES];
    EC_TRY(ec_path_join(path, sizeof path, dir, name, err));
    return ec_dir_make(path, err);
}

static enum ec_status write_file(const char *dir, const struct ec_embedded *file, struct ec_buf *kept,
                                 struct ec_err *err) {
    char path[PATH_BYTES];
    EC_TRY(ec_path_join(path, sizeof path, dir, file->path, err));
    char *slash = strrchr(path, '/');
    *slash = '\0'; /* a model may lie in a folder of its own */
    EC_TRY(ec_dir_make(path, err));
    *slash = '/';
    bool exists = false;
    EC_TRY(ec_file_publish(path, file->text.p, file->text.n, &exists, err));
    if (exists && kept) ec_buf_printf(kept, "%s\n", file->path);
    return EC_OK;
}

enum ec_status ec_project_init(const char *dir, struct ec_buf *kept, struct ec_err *err) {
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) EC_TRY(make_folder(dir, folders[i], err));
    for (size_t i = 0; i < ec_embedded_count; i++) EC_TRY(write_file(dir, &ec_embedded[i], kept, err));
    return kept ? ec_buf_check(kept, err) : EC_OK;
}
