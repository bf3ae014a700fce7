#include "cli/docs.h"

/* "[DIR]", "FILE..." and "[list|show]" without what is around. */
static struct ec_str bare(const char *value) {
    size_t n = strlen(value);
    if (n >= 3 && strcmp(value + n - 3, "...") == 0) n -= 3;
    if (n >= 2 && value[0] == '[' && value[n - 1] == ']') return (struct ec_str){value + 1, n - 2};
    return (struct ec_str){value, n};
}

static bool is(struct ec_str text, const char *word) {
    return text.n == strlen(word) && memcmp(text.p, word, text.n) == 0;
}

enum ec_value_kind ec_docs_value_kind(const char *value) {
    struct ec_str text = bare(value);
    if (memchr(text.p, '|', text.n)) return EC_VALUE_WORDS;
    if (is(text, "FILE")) return EC_VALUE_FILE;
    if (is(text, "DIR")) return EC_VALUE_FOLDER;
    return is(text, "CODE") ? EC_VALUE_CODE : EC_VALUE_OTHER;
}

static void add_codes(const char *between, struct ec_buf *out) {
    for (int i = 0; i < EC_REASON_COUNT; i++) {
        ec_buf_addz(out, i > 0 ? between : "");
        ec_buf_addz(out, ec_reason_text((enum ec_reason)i)->slug);
    }
    for (int i = 0; i < EC_STATUS_COUNT; i++) {
        ec_buf_addz(out, between);
        ec_buf_addz(out, ec_status_text((enum ec_status)i)->slug);
    }
}

void ec_docs_words(const char *value, const char *between, struct ec_buf *out) {
    struct ec_str text = bare(value);
    if (ec_docs_value_kind(value) == EC_VALUE_CODE) {
        add_codes(between, out);
        return;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '|')
            ec_buf_addz(out, between);
        else
            ec_buf_addc(out, text.p[i]);
    }
}

const struct ec_option *ec_docs_option(const struct ec_command *command, size_t i) {
    if (i < command->option_count) return &command->option[i];
    i -= command->option_count;
    return i < ec_common_option_count ? &ec_common_options[i] : NULL;
}
