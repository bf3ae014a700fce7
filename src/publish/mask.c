#include "publish/mask.h"

#include "base/utf8.h"

#include <strings.h>

const char *const ec_mask_default[] = {"email", "first_name", "last_name", "ip_address"};
const size_t ec_mask_default_count = sizeof ec_mask_default / sizeof *ec_mask_default;

/* ASCII case only: strcasecmp follows the locale, which is never set. */
bool ec_mask_is_personal(const char *column) {
    for (size_t i = 0; i < ec_mask_default_count; i++)
        if (strcasecmp(column, ec_mask_default[i]) == 0) return true;
    return false;
}

static bool has_personal_key(const struct ec_unit *unit) {
    if (!unit->source) return false;
    for (size_t i = 0; i < unit->source->key_count; i++)
        if (ec_mask_is_personal(unit->source->key[i])) return true;
    return false;
}

bool ec_mask_check(const struct ec_unit *unit, const struct ec_check_facts *check) {
    if (check->column) return ec_mask_is_personal(check->column);
    if (strcmp(check->rule, "unique") == 0 && unit->source) return has_personal_key(unit);
    for (size_t i = 0; i < unit->facts.column_count; i++)
        if (ec_mask_is_personal(unit->facts.column[i].name)) return true;
    return false;
}

void ec_mask_sample(struct ec_buf *out, const struct ec_sample *sample, bool masked) {
    if (!masked) {
        ec_buf_addz(out, sample->value);
        return;
    }
    size_t n = strlen(sample->value);
    if (n == 0) return; /* a rule over the whole row has no value */
    size_t characters = ec_utf8_valid(sample->value, n) ? ec_utf8_length(sample->value, n) : n;
    ec_buf_printf(out, _("(%zu characters, not shown)"), characters);
}
