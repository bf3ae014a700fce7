/* What content an object's tag stood for, from run to run: data/runs/objects.json (run/objects.h). */
#ifndef EC_RUN_KNOWN_H
#define EC_RUN_KNOWN_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

struct ec_known_part {
    const char *member; /* of an archive; NULL: the object itself */
    uint64_t bytes;     /* of the object; of the member as stored */
    const char *sha256;
};

struct ec_known_object {
    const char *address, *tag;
    uint64_t bytes;
    struct ec_known_part *part;
    size_t part_count; /* at least 1 */
};

struct ec_known {
    struct ec_known_object *object; /* in order of their addresses */
    size_t count;
};

/* Everything lives in the arena. Where there is no such file, or it is damaged, nothing is known. */
enum ec_status ec_known_load(const char *dir, struct ec_arena *arena, struct ec_known *known, struct ec_err *err) EC_MUST_USE;
/* NULL where nothing is known of that version. */
const struct ec_known_object *ec_known_find(const struct ec_known *known, const char *address, const char *tag, uint64_t bytes);
/* `object` may be in any order. */
enum ec_status ec_known_save(const char *dir, const struct ec_known_object *object, size_t count, struct ec_err *err) EC_MUST_USE;

#endif
