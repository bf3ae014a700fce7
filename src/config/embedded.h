/* The sample project's files, put into the program at build time (cmake/Embed.cmake) from
 * config/ and transformations/ of the repository. */
#ifndef EC_CONFIG_EMBEDDED_H
#define EC_CONFIG_EMBEDDED_H

#include "base/text.h"

struct ec_embedded {
    const char *path; /* "config/pipeline_config.yaml" */
    struct ec_str text;
};

extern const struct ec_embedded ec_embedded[];
extern const size_t ec_embedded_count;

#endif
