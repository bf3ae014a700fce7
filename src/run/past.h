/* What earlier runs did, by content and by place: an index over the inputs of all manifests, so that
 * a plan of ten thousand members costs ten thousand look-ups.
 *
 *     struct ec_past past;
 *     EC_TRY(ec_past_make(manifests, count, &arena, &past, err));
 *     const struct ec_past_input *newest;
 *     size_t n = ec_past_of_content(&past, "sales", sha256, &newest);   // newest[0..n-1], the newest first
 *
 * Everything is borrowed from the manifests and the arena.
 */
#ifndef EC_RUN_PAST_H
#define EC_RUN_PAST_H

#include "run/manifest.h"

struct ec_past_input {
    const struct ec_manifest_input *input;
    const struct ec_manifest *manifest;
};

struct ec_past {
    struct ec_past_input *content; /* by source and hash, newest first; inputs that have a hash */
    size_t content_count;
    struct ec_past_input *place; /* by source, path and member, newest first */
    size_t place_count;
};

enum ec_status ec_past_make(const struct ec_manifest *manifest, size_t count, struct ec_arena *arena,
                            struct ec_past *past, struct ec_err *err) EC_MUST_USE;
size_t ec_past_of_content(const struct ec_past *past, const char *source, const char *sha256,
                          const struct ec_past_input **newest);
size_t ec_past_of_place(const struct ec_past *past, const char *source, const char *path, const char *member,
                        const struct ec_past_input **newest);
/* The highest drop of the source that was ever applied; 0 where none was. */
uint32_t ec_past_newest_drop(const struct ec_past *past, const char *source);

#endif
