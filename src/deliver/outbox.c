#include "deliver/outbox.h"

#include "base/io.h"
#include "base/json.h"
#include "base/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#define PATH_BYTES 4096u
#define FILE_MAX   (EC_MESSAGE_MAX * 6 + 65536) /* escaped */
#define LIST_MAX   ((size_t)16 << 20)

int64_t ec_backoff_s(unsigned attempts) {
    int64_t wait = EC_BACKOFF_S;
    for (unsigned i = 1; i < attempts && wait < EC_BACKOFF_MAX_S; i++) wait *= 2;
    return wait < EC_BACKOFF_MAX_S ? wait : EC_BACKOFF_MAX_S;
}

static enum ec_status folder(const char *project, char dir[PATH_BYTES], struct ec_err *err) {
    return ec_path_join(dir, PATH_BYTES, project, EC_DIR_ALERTS, err);
}

static enum ec_status path_of(const char *project, const char *id, char path[PATH_BYTES], struct ec_err *err) {
    char dir[PATH_BYTES], name[EC_MESSAGE_ID_MAX + 8];
    EC_TRY(folder(project, dir, err));
    int n = snprintf(name, sizeof name, "%s.json", id);
    if (n < 0 || (size_t)n >= sizeof name || strchr(id, '/') || id[0] == '.')
        return ec_fail(err, EC_DELIVERY, "`%.80s` is no message's id", id);
    return ec_path_join(path, PATH_BYTES, dir, name, err);
}

static void write_message(struct ec_buf *out, const struct ec_message *m) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_uint(&w, "v", 1);
    ec_json_str(&w, "id", m->id);
    ec_json_str(&w, "run", m->run);
    ec_json_str(&w, "name", m->name);
    ec_json_str(&w, "type", m->type);
    ec_json_str(&w, "target", m->target);
    ec_json_str(&w, "kind", m->kind);
    ec_json_str(&w, "severity", m->severity);
    ec_json_int(&w, "created_us", m->created_us);
    ec_json_uint(&w, "attempts", m->attempts);
    ec_json_int(&w, "next_us", m->next_us);
    ec_json_bool(&w, "given_up", m->given_up);
    ec_json_str(&w, "error", m->error);
    ec_json_text(&w, "payload", m->payload);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

static enum ec_status save(const char *project, const struct ec_message *m, bool replace, struct ec_err *err) {
    char path[PATH_BYTES];
    struct ec_buf text = ec_buf_make(FILE_MAX);
    bool exists;
    write_message(&text, m);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = path_of(project, m->id, path, err);
    if (status == EC_OK) status = replace ? ec_file_replace(path, text.p, text.n, err) : ec_file_publish(path, text.p, text.n, &exists, err);
    ec_buf_free(&text);
    return status;
}

enum ec_status ec_outbox_put(const char *project, const struct ec_message *m, struct ec_err *err) {
    char dir[PATH_BYTES];
    EC_TRY(folder(project, dir, err));
    if (!ec_path_exists(dir)) {
        EC_TRY(ec_dir_make(dir, err));
        EC_TRY(ec_dir_sync_up(dir, 2, err));
    }
    return save(project, m, false, err);
}

enum ec_status ec_outbox_update(const char *project, const struct ec_message *m, struct ec_err *err) {
    return save(project, m, true, err);
}

enum ec_status ec_outbox_remove(const char *project, const char *id, struct ec_err *err) {
    char path[PATH_BYTES];
    EC_TRY(path_of(project, id, path, err));
    if (ec_io.unlink(path) == 0 || errno == ENOENT) return EC_OK;
    return ec_fail_errno(err, EC_DELIVERY, "cannot remove %s", path);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum ec_status add_id(struct ec_outbox *o, const char *name, struct ec_err *err) {
    size_t n = strlen(name);
    if (name[0] == '.' || n < 6 || strcmp(name + n - 5, ".json") != 0 || n - 5 >= EC_MESSAGE_ID_MAX) return EC_OK;
    if (o->count == EC_MESSAGES_MAX) return EC_OK; /* those that are here first; the others' turn comes */
    o->id[o->count] = ec_arena_copy(&o->arena, name, n - 5);
    if (!o->id[o->count]) return ec_fail(err, EC_NO_MEMORY, "no memory for the outbox");
    o->count++;
    return EC_OK;
}

enum ec_status ec_outbox_list(const char *project, struct ec_outbox *o, struct ec_err *err) {
    char dir[PATH_BYTES];
    *o = (struct ec_outbox){0};
    ec_arena_init(&o->arena, LIST_MAX);
    EC_TRY(folder(project, dir, err));
    DIR *stream = opendir(dir);
    if (!stream) return errno == ENOENT ? EC_OK : ec_fail_errno(err, EC_DELIVERY, "cannot open the folder %s", dir);
    o->id = ec_arena_calloc(&o->arena, EC_MESSAGES_MAX, sizeof *o->id);
    enum ec_status status = o->id ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the outbox");
    struct dirent *entry;
    errno = 0;
    while (status == EC_OK && (entry = readdir(stream)) != NULL) {
        status = add_id(o, entry->d_name, err);
        errno = 0;
    }
    if (status == EC_OK && errno != 0) status = ec_fail_errno(err, EC_DELIVERY, "cannot read the folder %s", dir);
    (void)closedir(stream);
    if (o->id) qsort(o->id, o->count, sizeof *o->id, by_name);
    return status;
}

enum ec_status ec_outbox_confirm(const char *project, struct ec_err *err) {
    char dir[PATH_BYTES];
    EC_TRY(folder(project, dir, err));
    return ec_dir_sync_up(dir, 2, err);
}

void ec_outbox_deinit(struct ec_outbox *o) {
    ec_arena_deinit(&o->arena);
}

static enum ec_status read_message(const json_t *object, struct ec_arena *arena, struct ec_message *m, struct ec_err *err) {
    struct ec_json_reader r = ec_json_reader_of(object, "a message of the outbox", arena, err);
    if (ec_json_get_uint(&r, "v") != 1) ec_json_wrong(&r, "v", "1");
    m->id = ec_json_need_str(&r, "id");
    m->run = ec_json_need_str(&r, "run");
    m->name = ec_json_need_str(&r, "name");
    m->type = ec_json_need_str(&r, "type");
    m->target = ec_json_need_str(&r, "target");
    m->kind = ec_json_need_str(&r, "kind");
    m->severity = ec_json_need_str(&r, "severity");
    m->created_us = ec_json_get_int(&r, "created_us");
    m->attempts = (unsigned)ec_json_get_uint(&r, "attempts");
    m->next_us = ec_json_get_int(&r, "next_us");
    m->given_up = ec_json_get_bool(&r, "given_up");
    m->error = ec_json_get_str(&r, "error");
    m->payload = ec_str_of(ec_json_need_str(&r, "payload"));
    return r.status;
}

enum ec_status ec_outbox_load(const char *project, const char *id, struct ec_arena *arena, struct ec_message *m, struct ec_err *err) {
    char path[PATH_BYTES];
    struct ec_buf text = ec_buf_make(FILE_MAX);
    struct ec_err cause = {0};
    json_t *object = NULL;
    *m = (struct ec_message){0};
    enum ec_status status = path_of(project, id, path, &cause);
    if (status == EC_OK) status = ec_file_load(path, &text, &cause);
    if (status == EC_OK) {
        object = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
        status = object ? read_message(object, arena, m, &cause) : ec_fail(&cause, EC_DELIVERY, "it is damaged");
        if (status == EC_OK && strcmp(m->id, id) != 0) status = ec_fail(&cause, EC_DELIVERY, "it is not the message of its name");
    }
    json_decref(object);
    ec_buf_free(&text);
    return status == EC_OK ? EC_OK : ec_fail(err, EC_DELIVERY, "%s/%.160s.json: %s", EC_DIR_ALERTS, id, cause.message);
}

enum ec_status ec_outbox_lock(const char *project, int *fd, struct ec_err *err) {
    char dir[PATH_BYTES], path[PATH_BYTES];
    *fd = -1;
    EC_TRY(folder(project, dir, err));
    EC_TRY(ec_dir_make(dir, err));
    EC_TRY(ec_path_join(path, sizeof path, dir, ".lock", err));
    *fd = ec_io.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0) return ec_fail_errno(err, EC_DELIVERY, "cannot open the lock %s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0) return EC_OK;
    ec_outbox_unlock(*fd);
    *fd = -1;
    return ec_fail(err, EC_LOCKED, "another process delivers alerts");
}

void ec_outbox_unlock(int fd) {
    if (fd >= 0) (void)ec_io.close(fd);
}

void ec_outbox_sweep(const char *project) {
    char dir[PATH_BYTES], path[PATH_BYTES];
    int lock;
    if (folder(project, dir, NULL) != EC_OK || !ec_path_exists(dir) || ec_outbox_lock(project, &lock, NULL) != EC_OK) return;
    DIR *stream = opendir(dir);
    struct dirent *entry;
    while (stream && (entry = readdir(stream)) != NULL) {
        const char *name = entry->d_name;
        size_t n = strlen(name);
        if (name[0] != '.' || n < 5 || strcmp(name + n - 4, ".tmp") != 0) continue;
        if (ec_path_join(path, sizeof path, dir, name, NULL) == EC_OK) (void)ec_io.unlink(path);
    }
    if (stream) (void)closedir(stream);
    ec_outbox_unlock(lock);
}
