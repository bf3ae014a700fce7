/* The one escaper through which every text reaches the page.
 *
 * Good between tags and in attributes in double quotes, never in scripts, styles, URLs or
 * unquoted attributes: what is written with it (alert mail) has none of those with text of others in them.
 */
#ifndef EC_PUBLISH_HTML_H
#define EC_PUBLISH_HTML_H

#include "publish/visible.h"

/* & < > " ' as character references, what is invisible made visible. */
void ec_html_text(struct ec_buf *out, struct ec_str text);
void ec_html_z(struct ec_buf *out, const char *z); /* NULL adds an en dash */
/* A value of others, isolated so that its direction of writing stays its own. */
void ec_html_value(struct ec_buf *out, const char *z);

#endif
