/* Finds the models' files and reads each into a draft. */
#include "sql/model_private.h"

#include "base/io.h"
#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>

#define MODELS_MEMORY_MAX (256 * EC_MIB)
#define PATH_BYTES_MAX 4096u

enum ec_status ec_model_at(struct ec_err *err, enum ec_status status, const char *file, const char *text, size_t position) {
    if (!err) return status;
    uint32_t line = 1;
    size_t start = 0;
    for (size_t i = 0; i < position && text[i]; i++) {
        if (text[i] != '\n') continue;
        line++;
        start = i + 1;
    }
    ec_err_at(err, file, line, (uint32_t)(position - start + 1));
    size_t n = strcspn(text + start, "\r\n");
    n = ec_utf8_truncate(text + start, n, sizeof err->excerpt - 1);
    memcpy(err->excerpt, text + start, n);
    err->excerpt[n] = '\0';
    return status;
}

/* Paths found so far, of files and of folders still to be read; all in the models' arena. */
struct finder {
    struct ec_arena *arena;
    const char **file;
    const char **folder;
    size_t files, folders;
};

static enum ec_status add_path(struct finder *f, const char **list, size_t *count, const char *path, struct ec_err *err) {
    if (*count == EC_MODELS_MAX) return ec_fail(err, EC_CONFIG, "more than %u models or folders of models", EC_MODELS_MAX);
    list[*count] = ec_arena_strdup(f->arena, path);
    if (!list[*count]) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    (*count)++;
    return EC_OK;
}

static bool has_suffix(const char *name, const char *suffix) {
    size_t n = strlen(name), k = strlen(suffix);
    return n > k && strcmp(name + n - k, suffix) == 0;
}

/* Hidden files and everything that is neither a folder nor a *.sql file are passed over. */
static enum ec_status find_entry(struct finder *f, const char *folder, const char *name, struct ec_err *err) {
    char path[PATH_BYTES_MAX];
    if (name[0] == '.') return EC_OK;
    EC_TRY(ec_path_join(path, sizeof path, folder, name, err));
    struct stat st;
    if (lstat(path, &st) != 0) return ec_fail_errno(err, EC_IO, "cannot look at %s", path);
    if (S_ISDIR(st.st_mode)) return add_path(f, f->folder, &f->folders, path, err);
    return has_suffix(name, ".sql") ? add_path(f, f->file, &f->files, path, err) : EC_OK;
}

static enum ec_status find_in(struct finder *f, const char *folder, struct ec_err *err) {
    DIR *dir = opendir(folder);
    if (!dir && errno == ENOENT && f->folders == 1) return EC_OK; /* no models at all */
    if (!dir) return ec_fail_errno(err, EC_IO, "cannot open the folder %s", folder);
    enum ec_status status = EC_OK;
    while (status == EC_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno) status = ec_fail_errno(err, EC_IO, "cannot read the folder %s", folder);
        if (!entry) break;
        status = find_entry(f, folder, entry->d_name, err);
    }
    (void)closedir(dir);
    return status;
}

static enum ec_status find_files(struct finder *f, const char *dir, struct ec_err *err) {
    f->file = ec_arena_calloc(f->arena, EC_MODELS_MAX, sizeof *f->file);
    f->folder = ec_arena_calloc(f->arena, EC_MODELS_MAX, sizeof *f->folder);
    if (!f->file || !f->folder) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    EC_TRY(add_path(f, f->folder, &f->folders, dir, err));
    for (size_t i = 0; i < f->folders; i++) EC_TRY(find_in(f, f->folder[i], err));
    return EC_OK;
}

/* The file's name without folder and suffix, which is the table's. */
static enum ec_status name_table(struct ec_model_draft *draft, struct ec_err *err) {
    const char *base = strrchr(draft->model.file, '/');
    base = base ? base + 1 : draft->model.file;
    size_t n = strlen(base) - strlen(".sql");
    bool good = !(base[0] >= '0' && base[0] <= '9');
    _Static_assert(NAME_MAX <= EC_COLUMN_NAME_MAX, "a file's name is no longer than a column's may be");
    for (size_t i = 0; i < n && good; i++)
        good = (base[i] >= 'a' && base[i] <= 'z') || (base[i] >= '0' && base[i] <= '9') || base[i] == '_';
    if (!good) {
        (void)ec_fail(err, EC_CONFIG, "a model's file is named as its table: lower-case letters, digits and '_'");
        ec_err_at(err, draft->model.file, 0, 0);
        return EC_CONFIG;
    }
    draft->model.table.name = ec_arena_copy(draft->arena, base, n);
    return draft->model.table.name ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for models");
}

static enum ec_status take_text(struct ec_model_draft *draft, struct ec_str text, struct ec_err *err) {
    size_t valid = ec_utf8_prefix(text.p, text.n);
    const char *nul = text.n ? memchr(text.p, '\0', text.n) : NULL;
    if (valid < text.n || nul) {
        (void)ec_fail(err, EC_CONFIG, "the file is not UTF-8 text");
        return ec_model_at(err, EC_CONFIG, draft->model.file, text.p, nul ? (size_t)(nul - text.p) : valid);
    }
    draft->model.text = ec_arena_copy(draft->arena, text.p, text.n);
    if (!draft->model.text) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    return ec_sha256_bytes(text.p, text.n, draft->model.fingerprint, err);
}

static enum ec_status read_draft(struct ec_sql *sql, struct ec_model_draft *draft, struct ec_err *err) {
    EC_TRY(name_table(draft, err));
    struct ec_buf text = ec_buf_make(EC_MODEL_BYTES_MAX);
    enum ec_status status = ec_file_load(draft->model.file, &text, err);
    if (status == EC_OK) status = take_text(draft, ec_buf_str(&text), err);
    ec_buf_free(&text);
    if (status != EC_OK) return status;
    EC_TRY(ec_model_header(draft, err));
    return ec_model_tables(sql, draft, err);
}

static int by_table(const void *a, const void *b) {
    const struct ec_model_draft *left = a, *right = b;
    return strcmp(left->model.table.name, right->model.table.name);
}

static enum ec_status load(struct ec_sql *sql, const char *dir, struct ec_models *models, const struct ec_model_table *table,
                           size_t table_count, struct ec_err *err) {
    struct finder finder = {.arena = &models->arena};
    EC_TRY(find_files(&finder, dir, err));
    struct ec_model_draft *draft = ec_arena_calloc(&models->arena, finder.files, sizeof *draft);
    models->model = ec_arena_calloc(&models->arena, finder.files, sizeof *models->model);
    if (!draft || !models->model) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    for (size_t i = 0; i < finder.files; i++) {
        draft[i].arena = &models->arena;
        draft[i].model.file = finder.file[i];
        EC_TRY(read_draft(sql, &draft[i], err));
    }
    if (finder.files) qsort(draft, finder.files, sizeof *draft, by_table);
    models->count = finder.files;
    return ec_models_order(models, draft, table, table_count, err);
}

enum ec_status ec_models_load(struct ec_sql *sql, const char *dir, const struct ec_model_table *table, size_t table_count,
                              struct ec_models **out, struct ec_err *err) {
    *out = NULL;
    struct ec_models *models = ec_calloc(1, sizeof *models);
    if (!models) return ec_fail(err, EC_NO_MEMORY, "no memory for models");
    ec_arena_init(&models->arena, MODELS_MEMORY_MAX);
    enum ec_status status = load(sql, dir, models, table, table_count, err);
    if (status != EC_OK) {
        ec_models_destroy(models);
        return status;
    }
    *out = models;
    return EC_OK;
}

void ec_models_destroy(struct ec_models *models) {
    if (!models) return;
    ec_arena_deinit(&models->arena);
    ec_free(models);
}

const struct ec_model *ec_models_find(const struct ec_models *models, const char *name) {
    for (size_t i = 0; i < models->count; i++)
        if (strcasecmp(models->model[i].table.name, name) == 0) return &models->model[i];
    return NULL;
}

const char *ec_layer_name(enum ec_layer layer) { return layer == EC_LAYER_JOINED ? "joined" : "kpi"; }

const struct ec_delta_column *ec_model_column(const struct ec_model_table *table, const char *name) {
    for (size_t i = 0; i < table->column_count; i++)
        if (strcasecmp(table->column[i].name, name) == 0) return &table->column[i];
    return NULL;
}
