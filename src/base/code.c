#include "base/code.h"

#include <assert.h>
#include <string.h>

#define TEXT(id, slug, code, meaning, remedy) {slug, meaning, remedy, code},
static const struct ec_code_text status_texts[] = {EC_STATUS_TABLE(TEXT)};
#undef TEXT

#define TEXT(id, slug, meaning) {slug, meaning, NULL, 0},
static const struct ec_code_text reason_texts[] = {EC_REASON_TABLE(TEXT)};
#undef TEXT

const struct ec_code_text *ec_status_text(enum ec_status status) {
    assert(status < EC_STATUS_COUNT);
    return &status_texts[status];
}

const struct ec_code_text *ec_reason_text(enum ec_reason reason) {
    assert(reason < EC_REASON_COUNT);
    return &reason_texts[reason];
}

static unsigned find_slug(const struct ec_code_text *texts, unsigned count, const char *slug) {
    unsigned i = 0;
    while (i < count && strcmp(texts[i].slug, slug) != 0) i++;
    return i;
}

enum ec_status ec_status_by_slug(const char *slug) {
    return (enum ec_status)find_slug(status_texts, EC_STATUS_COUNT, slug);
}

enum ec_reason ec_reason_by_slug(const char *slug) {
    return (enum ec_reason)find_slug(reason_texts, EC_REASON_COUNT, slug);
}
