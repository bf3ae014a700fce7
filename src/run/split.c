#include "run/split.h"

#include "base/io.h"
#include "read/csv_split.h"
#include "read/json_split.h"
#include "read/reader.h"
#include "run/paths.h"

#define HEAD_BYTES ((size_t)4096)

static enum ec_status head_of(const char *path, char *head, size_t *n, struct ec_err *err) {
    int fd;
    EC_TRY(ec_file_open(path, &fd, NULL, err));
    enum ec_status status = ec_file_read(fd, head, HEAD_BYTES, n, path, err);
    (void)ec_io.close(fd);
    return status;
}

static enum ec_status split(const struct ec_input *input, const char *path, uint64_t chunk_bytes, struct ec_arena *arena,
                            struct ec_range **range, size_t *count, struct ec_err *err) {
    char head[HEAD_BYTES];
    size_t n;
    const struct ec_reader_type *type;
    EC_TRY(head_of(path, head, &n, err));
    EC_TRY(ec_reader_choose(input->source, path, head, n, &type, err));
    if (type->format == EC_FORMAT_CSV) {
        const struct ec_range *ranges;
        EC_TRY(ec_csv_split(path, input->source, chunk_bytes, arena, &ranges, count, err));
        *range = ec_arena_calloc(arena, *count, sizeof **range);
        if (!*range) return ec_fail(err, EC_NO_MEMORY, "no memory to split %s", path);
        memcpy(*range, ranges, *count * sizeof **range);
        return EC_OK;
    }
    if (type->format == EC_FORMAT_JSON) return ec_json_split(path, input->source, chunk_bytes, arena, range, count, err);
    return EC_OK;
}

enum ec_status ec_split_input(const struct ec_input *input, uint64_t chunk_bytes, struct ec_arena *arena,
                              struct ec_range **range, size_t *count, struct ec_err *err) {
    char path[EC_PATH_MAX];
    *count = 0;
    if (input->member || input->bytes <= chunk_bytes) return EC_OK;
    EC_TRY(ec_path_join(path, sizeof path, input->root, input->path, err));
    struct ec_err cause = {0};
    enum ec_status status = split(input, path, chunk_bytes, arena, range, count, &cause);
    if (status == EC_OK) return EC_OK;
    *count = 0;
    if (ec_status_text(status)->exit_code == EC_EXIT_GATE) return EC_OK; /* its task says it again */
    if (err) *err = cause;
    return status;
}
