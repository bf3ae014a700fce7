#include "run/kept.h"

#include "base/io.h"
#include "base/json_read.h"
#include "run/paths.h"

#define KEPT_FILE   "kept"
#define RESULT_FILE "result"
#define KEPT_MAX    ((size_t)4 * EC_KIB)

static enum ec_status write_file(const char *folder, const char *name, struct ec_str text, struct ec_err *err) {
    char path[EC_PATH_MAX];
    int fd;
    EC_TRY(ec_path_join(path, sizeof path, folder, name, err));
    EC_TRY(ec_file_create(path, &fd, err));
    enum ec_status status = ec_file_write(fd, text.p, text.n, path, err);
    if (ec_io.close(fd) != 0 && status == EC_OK) status = ec_fail_errno(err, EC_IO, "cannot close %s", path);
    return status;
}

enum ec_status ec_kept_write(const char *folder, const struct ec_kept *kept, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(KEPT_MAX);
    struct ec_json_writer w;
    ec_json_init(&w, &text);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "format", ec_format_name(kept->format));
    ec_json_uint(&w, "records_at", kept->records_at);
    ec_json_bool(&w, "repeats", kept->repeats);
    ec_json_end(&w);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = write_file(folder, KEPT_FILE, ec_buf_str(&text), err);
    ec_buf_free(&text);
    return status;
}

enum ec_status ec_kept_answer(const char *folder, struct ec_str line, struct ec_err *err) {
    return write_file(folder, RESULT_FILE, line, err);
}

static enum ec_status load(const char *folder, const char *name, struct ec_buf *text, struct ec_err *err) {
    char path[EC_PATH_MAX];
    EC_TRY(ec_path_join(path, sizeof path, folder, name, err));
    return ec_file_load(path, text, err);
}

static enum ec_status read_kept(const char *folder, struct ec_kept *kept, struct ec_err *err) {
    json_error_t cause;
    struct ec_arena arena;
    struct ec_buf text = ec_buf_make(KEPT_MAX);
    enum ec_status status = load(folder, KEPT_FILE, &text, err);
    ec_arena_init(&arena, KEPT_MAX);
    if (status == EC_OK) {
        json_t *object = json_loadb(ec_buf_str(&text).p, text.n, JSON_REJECT_DUPLICATES, &cause);
        struct ec_json_reader r = ec_json_reader_of(object, "what a task kept", &arena, err);
        const char *format = ec_json_need_str(&r, "format");
        kept->format = strcmp(format, ec_format_name(EC_FORMAT_CSV)) == 0 ? EC_FORMAT_CSV : EC_FORMAT_JSON;
        if (strcmp(format, ec_format_name(kept->format)) != 0) ec_json_wrong(&r, "format", "csv or json");
        kept->records_at = ec_json_get_uint(&r, "records_at");
        kept->repeats = ec_json_get_bool(&r, "repeats");
        json_decref(object);
        status = r.status;
    }
    ec_arena_deinit(&arena);
    ec_buf_free(&text);
    return status;
}

static enum ec_status read_result(const char *folder, const char *task, struct ec_task_result *result,
                                  struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_PROTOCOL_LINE_MAX);
    enum ec_status status = load(folder, RESULT_FILE, &text, err);
    if (status == EC_OK) {
        ec_task_result_deinit(result);
        status = ec_task_result_read(ec_buf_str(&text).p, text.n, result, err);
    }
    ec_buf_free(&text);
    if (status == EC_OK && (strcmp(result->task, task) != 0 || result->status != EC_OK))
        status = ec_fail(err, EC_PROTOCOL, "what the task %s kept is of another", task);
    return status;
}

enum ec_status ec_kept_read(const char *folder, const char *task, struct ec_kept *kept, struct ec_task_result *result,
                            struct ec_err *err) {
    ec_task_result_init(result);
    EC_TRY(read_kept(folder, kept, err));
    return read_result(folder, task, result, err);
}
