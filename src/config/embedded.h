/* Files put into the program at build time (cmake/Embed.cmake): the sample project's, from config/ and
 * transformations/ of the repository, and the template of the page, which is built from dashboard/. */
#ifndef EC_CONFIG_EMBEDDED_H
#define EC_CONFIG_EMBEDDED_H

#include "base/text.h"

struct ec_embedded {
    const char *path; /* "config/pipeline_config.yaml" */
    struct ec_str text;
};

extern const struct ec_embedded ec_embedded[];
extern const size_t ec_embedded_count;

extern const struct ec_embedded ec_page_template[]; /* one: publish/page_file.h */
extern const size_t ec_page_template_count;

#endif
