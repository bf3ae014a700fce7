/* Checking files without a run: `ecluse validate`.
 *
 * A target is a file, an object of a store, a member of an archive, or standard input. Standard input is spooled to a
 * file without a name, because a workbook or archive needs to be read from its end; its path is
 * then that of the descriptor.
 *
 *     EC_TRY(ec_check_targets(config, files, count, source, &targets, err));
 *     for each target: EC_TRY(ec_check_run(&context, &target, as_of, &check, err)); ... check.unit ...
 *     ec_check_deinit(&check);
 *     ec_check_targets_deinit(&targets);
 */
#ifndef EC_CLI_CHECK_H
#define EC_CLI_CHECK_H

#include "quality/unit.h"
#include "run/task.h"

struct ec_check_target {
    const struct ec_source *source;
    const char *path;                     /* as it is opened */
    const char *shown;                    /* as it was given; "standard input" for - */
    const char *member;                   /* or NULL */
    uint64_t member_offset, member_bytes; /* as stored */
    enum ec_status status;                /* EC_OK, or why the archive cannot be looked into */
    const char *problem;
};

struct ec_check_targets {
    struct ec_arena arena;
    struct ec_check_target *target;
    size_t count, cap;
    int spool; /* standard input; -1: none */
    int *copy; /* of objects */
    size_t copies;
};

/* Finds the source of each file, by `source` or by the globs' base names, and the members of
 * archives. EC_USAGE where no source or more than one claims a file: names them. */
enum ec_status ec_check_targets(const struct ec_config *config, const char *const *file, size_t count,
                                const struct ec_source *source, struct ec_check_targets *targets,
                                struct ec_err *err) EC_MUST_USE;
/* Of check_targets.c, for check_objects.c: a file without a name; a file or its members as targets; a file's source. */
enum ec_status ec_check_spool(int *fd, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_check_add(struct ec_check_targets *targets, struct ec_check_target target, int fd, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_check_source(const struct ec_config *config, const char *path, const struct ec_source **source,
                               struct ec_err *err) EC_MUST_USE;
/* The objects that an address names, which may hold wildcards; fetched. EC_USAGE where there is none. */
enum ec_status ec_check_objects(const struct ec_config *config, const char *glob, const struct ec_source *source,
                                struct ec_check_targets *targets, struct ec_err *err) EC_MUST_USE;
void ec_check_targets_deinit(struct ec_check_targets *targets);

struct ec_check {
    struct ec_unit unit;
    struct ec_task_result result; /* holds texts of the unit */
    char label[201];
    char validated_at[32];
};

/* Reads and checks one target; writes nothing. A file that cannot be read is EC_OK with
 * check->unit.status set. The caller calls ec_check_deinit in every case. */
enum ec_status ec_check_run(struct ec_task_context *context, const struct ec_check_target *target, int32_t as_of,
                            struct ec_check *check, struct ec_err *err) EC_MUST_USE;
void ec_check_deinit(struct ec_check *check);

#endif
