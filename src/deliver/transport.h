/* What mail, webhooks and lineage share: a handle of libcurl with limits, TLS and no way around it. */
#ifndef EC_DELIVER_TRANSPORT_H
#define EC_DELIVER_TRANSPORT_H

#include "remote/curl_load.h"

#include <stdbool.h>

struct ec_transport_options {
    const char *project; /* folder that ca_file lies below, unless it is absolute */
    const char *ca_file; /* NULL: the system's */
    unsigned timeout_s;  /* of the whole */
    unsigned connect_timeout_s;
    bool (*cancelled)(void); /* NULL allowed */
};

struct ec_transport {
    const struct ec_curl *lib;
    CURL *curl;
    bool (*cancelled)(void);
    char why[CURL_ERROR_SIZE];
    char ca_path[4096];
    bool failed; /* an option was refused */
};

/* `protocols` is all that may be spoken, such as "https"; redirects are not followed, .netrc and caches not used. The
 * transport is closed in either case. */
enum ec_status ec_transport_open(struct ec_transport *transport, const struct ec_transport_options *options, const char *url,
                                 const char *protocols, struct ec_err *err) EC_MUST_USE;
/* Performs it. *code is the protocol's last answer, 0 where there was none. */
enum ec_status ec_transport_perform(struct ec_transport *transport, long *code, struct ec_err *err) EC_MUST_USE;
void ec_transport_close(struct ec_transport *transport);

#define EC_TRANSPORT_SET(t, option, value) ((t)->failed |= (t)->lib->easy_setopt((t)->curl, (option), (value)) != CURLE_OK)

#endif
