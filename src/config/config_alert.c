/* `alerts:` of pipeline_config.yaml.
 *
 * Its lines may hold what somebody wrote there that belongs elsewhere: a password, a webhook's address. So an error
 * here names line and column, but neither shows the line nor quotes a value that may be secret. */
#include "config/loader.h"

#include <assert.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define DAY_S          INT64_C(86400)
#define REPEAT_S       (4 * INT64_C(3600))
#define AGE_S          (3 * DAY_S)
#define TIMEOUT_S      30u
#define TIMEOUT_S_MAX  120u
#define CONNECT_S      10u
#define ATTEMPTS       20u
#define ATTEMPTS_MAX   1000u
#define ADDRESS_MAX    254u /* RFC 5321 */
#define NAME_MAX_BYTES 120u

static const char *const types[] = {"file", "smtp", "webhook", "command"};
static const char *const formats[] = {"json", "slack", "teams", "discord"};
static const char *const severities[] = {"warn", "error", "critical"};

const char *ec_alert_type_name(enum ec_alert_type type) { return types[type]; }

struct reading {
    struct ec_arena *arena;
    const struct ec_yaml_node *map;
    struct ec_alert *alert;
};

/* ---- texts that go into headers, names, addresses ---- */

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool has_control(const char *z) {
    for (; *z; z++)
        if ((unsigned char)*z < 0x20 || *z == 0x7F) return true;
    return false;
}

/* One @, visible ASCII, nothing that ends or opens an address in a header or in SMTP. */
static bool is_address(const char *z) {
    const char *at = strchr(z, '@');
    if (!at || at == z || !at[1] || strchr(at + 1, '@') || strlen(z) > ADDRESS_MAX) return false;
    for (const char *p = z; *p; p++)
        if (*p <= 0x20 || *p >= 0x7F || strchr("<>(),;:\"\\[]", *p)) return false;
    return true;
}

static bool is_host(const char *z) {
    for (const char *p = z; *p; p++)
        if (!is_word(*p) && *p != '.' && *p != ':') return false; /* colons: an IPv6 address */
    return *z && strlen(z) <= 255;
}

/* ---- single keys ---- */

static enum ec_status read_uint(const struct reading *r, const char *key, uint64_t max, unsigned *value, struct ec_err *err) {
    const struct ec_yaml_node *node = ec_yaml_set(r->map, key);
    uint64_t v = *value;
    if (!node) return EC_OK;
    if (ec_yaml_uint(node, 1, max, &v, NULL) != EC_OK)
        return ec_yaml_fail(node->at, err, "`%s` must be a whole number from 1 to %llu", key, (unsigned long long)max);
    *value = (unsigned)v;
    return EC_OK;
}

/* A span such as 30s, or a number of seconds. */
static enum ec_status read_seconds(const struct reading *r, const char *key, int64_t max, int64_t *value, struct ec_err *err) {
    const struct ec_yaml_node *node = ec_yaml_set(r->map, key);
    if (!node) return EC_OK;
    if (ec_yaml_duration(node, value, NULL) != EC_OK || *value > max)
        return ec_yaml_fail(node->at, err, "`%s` must be a span of time such as 30s, 90m, 4h or 2d, at most %llds", key,
                            (long long)max);
    return EC_OK;
}

static enum ec_status read_text(const struct reading *r, const char *key, const char **text, struct ec_err *err) {
    const struct ec_yaml_node *node = ec_yaml_set(r->map, key);
    if (!node) return EC_OK;
    if (node->kind != EC_YAML_SCALAR || !node->text[0] || has_control(node->text))
        return ec_yaml_fail(node->at, err, "`%s` must be a text of one line", key);
    *text = ec_arena_strdup(r->arena, node->text);
    return *text ? EC_OK : ec_load_no_memory(err);
}

static enum ec_status need(const struct reading *r, const char *key, const char *example, struct ec_err *err) {
    if (ec_yaml_set(r->map, key)) return EC_OK;
    return ec_yaml_fail(r->map->at, err, "an alert of type %s needs `%s`, such as %s", types[r->alert->type], key, example);
}

/* {env: NAME} or {file: PATH}; where `plain`, also the text itself. */
enum ec_status ec_load_secret(struct ec_arena *arena, const struct ec_yaml_node *node, const char *key, bool plain, struct ec_secret *secret,
                              struct ec_err *err) {
    static const char *const keys[] = {"env", "file"};
    if (node->kind == EC_YAML_SCALAR && plain && node->text[0] && !has_control(node->text)) {
        *secret = (struct ec_secret){EC_SECRET_TEXT, ec_arena_strdup(arena, node->text)};
        return secret->text ? EC_OK : ec_load_no_memory(err);
    }
    if (node->kind == EC_YAML_MAP) {
        EC_TRY(ec_yaml_keys(node, keys, COUNT(keys), err));
        const struct ec_yaml_node *from = node->child;
        if (node->count == 1 && from->kind == EC_YAML_SCALAR && from->text[0] && !has_control(from->text)) {
            secret->kind = strcmp(from->name, "env") == 0 ? EC_SECRET_ENV : EC_SECRET_FILE;
            secret->text = ec_arena_strdup(arena, from->text);
            return secret->text ? EC_OK : ec_load_no_memory(err);
        }
    }
    return ec_yaml_fail(node->at, err,
                        plain ? N_("`%s` is a text, {env: NAME} or {file: PATH}")
                              : N_("`%s` is a secret and is not written here: {env: NAME} takes it from the environment, "
                                   "{file: PATH} from a file"),
                        key);
}

static enum ec_status read_secret(const struct reading *r, const char *key, bool plain, struct ec_secret *secret, struct ec_err *err) {
    const struct ec_yaml_node *node = ec_yaml_set(r->map, key);
    return node ? ec_load_secret(r->arena, node, key, plain, secret, err) : EC_OK;
}

static enum ec_status read_list(const struct reading *r, const char *key, size_t max, bool (*valid)(const char *),
                                const char *what, const char ***list, size_t *count, struct ec_err *err) {
    const struct ec_yaml_node *node = ec_yaml_set(r->map, key);
    if (!node) return EC_OK;
    const struct ec_yaml_node *item = node->kind == EC_YAML_LIST ? node->child : node;
    size_t n = node->kind == EC_YAML_LIST ? node->count : 1;
    if (node->kind == EC_YAML_MAP || n == 0 || n > max) return ec_yaml_fail(node->at, err, "`%s` must be a list of 1 to %zu %s", key, max, what);
    *list = ec_arena_calloc(r->arena, n + 1, sizeof **list);
    if (!*list) return ec_load_no_memory(err);
    for (; *count < n; item = item->next) {
        if (item->kind != EC_YAML_SCALAR || !valid(item->text)) return ec_yaml_fail(item->at, err, "`%s` holds what is none of %s", key, what);
        const char *copy = ec_arena_strdup(r->arena, item->text);
        if (!copy) return ec_load_no_memory(err);
        (*list)[(*count)++] = copy;
    }
    return EC_OK;
}

static bool is_text(const char *z) { return !has_control(z); }

static bool is_variable(const char *z) {
    if (!*z || (*z >= '0' && *z <= '9')) return false;
    for (; *z; z++)
        if (!is_word(*z) || *z == '-') return false;
    return true;
}

/* ---- the types ---- */

static enum ec_status read_tls(const struct reading *r, const char *const *words, size_t count, unsigned first, struct ec_err *err) {
    const struct ec_yaml_node *node = ec_yaml_set(r->map, "tls");
    unsigned index = 0;
    if (!node) return EC_OK;
    EC_TRY(ec_yaml_word(node, words, count, &index, err));
    r->alert->tls = (enum ec_alert_tls)(first + index);
    return EC_OK;
}

static enum ec_status read_address(const struct reading *r, const char *key, const char **address, struct ec_err *err) {
    EC_TRY(read_text(r, key, address, err));
    assert(*address); /* need() has asked for the key */
    if (is_address(*address)) return EC_OK;
    return ec_yaml_fail(ec_yaml_set(r->map, key)->at, err, "`%s` must be a mail address such as ecluse@example.org", key);
}

static enum ec_status read_smtp(const struct reading *r, struct ec_err *err) {
    static const char *const tls[] = {"starttls", "implicit", "none"};
    struct ec_alert *a = r->alert;
    EC_TRY(need(r, "host", "smtp.example.org", err));
    EC_TRY(need(r, "from", "ecluse@example.org", err));
    EC_TRY(need(r, "to", "[data@example.org]", err));
    EC_TRY(read_text(r, "host", &a->host, err));
    if (!is_host(a->host)) return ec_yaml_fail(ec_yaml_set(r->map, "host")->at, err, "`host` must be a host's name, without scheme, port or user");
    EC_TRY(read_uint(r, "port", 65535, &a->port, err));
    if (a->port == 465) a->tls = EC_TLS_IMPLICIT;
    EC_TRY(read_tls(r, tls, COUNT(tls), EC_TLS_STARTTLS, err));
    if (a->port == 0) a->port = a->tls == EC_TLS_IMPLICIT ? 465 : a->tls == EC_TLS_NONE ? 25 : 587;
    EC_TRY(read_secret(r, "user", true, &a->user, err));
    EC_TRY(read_secret(r, "password", false, &a->password, err));
    if ((a->user.kind == EC_SECRET_NONE) != (a->password.kind == EC_SECRET_NONE))
        return ec_yaml_fail(r->map->at, err, "`user` and `password` go together");
    if (a->password.kind != EC_SECRET_NONE && a->tls == EC_TLS_NONE)
        return ec_yaml_fail(ec_yaml_set(r->map, "tls")->at, err, "a password is not sent over a line without TLS");
    EC_TRY(read_address(r, "from", &a->from, err));
    EC_TRY(read_text(r, "from_name", &a->from_name, err));
    if (a->from_name && strlen(a->from_name) > NAME_MAX_BYTES)
        return ec_yaml_fail(ec_yaml_set(r->map, "from_name")->at, err, "`from_name` is longer than %u bytes", NAME_MAX_BYTES);
    return read_list(r, "to", EC_ALERT_TO_MAX, is_address, _("mail addresses"), &a->to, &a->to_count, err);
}

/* Those that the program writes itself, or that would change what is sent. */
static bool is_own_header(const char *name) {
    static const char *const own[] = {"content-type", "content-length", "content-encoding", "transfer-encoding", "host", "connection",
                                      "expect", "webhook-id", "webhook-timestamp", "webhook-signature"};
    for (size_t i = 0; i < COUNT(own); i++)
        if (ec_same_name(name, own[i])) return true;
    return false;
}

static enum ec_status read_headers(const struct reading *r, struct ec_err *err) {
    const struct ec_yaml_node *headers = ec_yaml_set(r->map, "headers");
    if (!headers) return EC_OK;
    EC_TRY(ec_yaml_want_map(headers, err));
    if (headers->count > EC_ALERT_HEADERS_MAX) return ec_yaml_fail(headers->at, err, "more than %u headers", EC_ALERT_HEADERS_MAX);
    r->alert->header = ec_arena_calloc(r->arena, headers->count, sizeof *r->alert->header);
    if (!r->alert->header) return ec_load_no_memory(err);
    for (const struct ec_yaml_node *n = headers->child; n; n = n->next) {
        struct ec_alert_header *h = &r->alert->header[r->alert->header_count++];
        for (const char *p = n->name; *p; p++)
            if (!is_word(*p)) return ec_yaml_fail(n->key_at, err, "a header's name is made of letters, digits, - and _");
        if (!n->name[0] || is_own_header(n->name)) return ec_yaml_fail(n->key_at, err, "the header `%.40s` is not yours to set", n->name);
        h->name = ec_arena_strdup(r->arena, n->name);
        if (!h->name) return ec_load_no_memory(err);
        EC_TRY(ec_load_secret(r->arena, n, n->name, true, &h->value, err));
    }
    return EC_OK;
}

static enum ec_status read_webhook(const struct reading *r, struct ec_err *err) {
    static const char *const tls[] = {"required", "none"};
    struct ec_alert *a = r->alert;
    a->tls = EC_TLS_IMPLICIT;
    EC_TRY(need(r, "url", "{env: SLACK_WEBHOOK}", err));
    EC_TRY(read_secret(r, "url", true, &a->url, err));
    EC_TRY(read_tls(r, tls, COUNT(tls), EC_TLS_IMPLICIT, err));
    bool https = a->url.kind != EC_SECRET_TEXT || ec_same_name_n(a->url.text, "https://", 8);
    bool http = a->url.kind == EC_SECRET_TEXT && ec_same_name_n(a->url.text, "http://", 7);
    if (!https && !(http && a->tls == EC_TLS_NONE))
        return ec_yaml_fail(ec_yaml_set(r->map, "url")->at, err,
                            http ? N_("`url` must begin with https://; `tls: none` allows http") : N_("`url` must begin with https://"));
    EC_TRY(read_secret(r, "secret", false, &a->secret, err));
    const struct ec_yaml_node *format = ec_yaml_set(r->map, "format");
    unsigned index = 0;
    if (format) EC_TRY(ec_yaml_word(format, formats, COUNT(formats), &index, err));
    a->format = (enum ec_alert_format)index;
    return read_headers(r, err);
}

static enum ec_status read_command(const struct reading *r, struct ec_err *err) {
    EC_TRY(need(r, "argv", "[/usr/local/bin/tell, --shop]", err));
    const struct ec_yaml_node *argv = ec_yaml_set(r->map, "argv");
    if (argv->kind != EC_YAML_LIST) return ec_yaml_fail(argv->at, err, "`argv` must be a list: the program, then its arguments; no shell reads it");
    EC_TRY(read_list(r, "argv", EC_ALERT_WORDS_MAX, is_text, "words", &r->alert->argv, &r->alert->argv_count, err));
    if (!r->alert->argv[0][0]) return ec_yaml_fail(argv->at, err, "`argv` begins with the program");
    return read_list(r, "env", EC_ALERT_WORDS_MAX, is_variable, _("names of variables"), &r->alert->env, &r->alert->env_count, err);
}

/* ---- an alert ---- */

#define COMMON_KEYS "type", "name", "severity", "repeat_after", "recovery", "dashboard", "timeout", "connect_timeout", "attempts", "max_age"

static enum ec_status check_keys(const struct reading *r, struct ec_err *err) {
    static const char *const file[] = {"type"};
    static const char *const smtp[] = {COMMON_KEYS, "host", "port", "tls", "ca_file", "user", "password", "from", "from_name", "to"};
    static const char *const webhook[] = {COMMON_KEYS, "url", "format", "secret", "headers", "tls", "ca_file"};
    static const char *const command[] = {COMMON_KEYS, "argv", "env"};
    switch (r->alert->type) {
    case EC_ALERT_FILE: return ec_yaml_keys(r->map, file, COUNT(file), err);
    case EC_ALERT_SMTP: return ec_yaml_keys(r->map, smtp, COUNT(smtp), err);
    case EC_ALERT_WEBHOOK: return ec_yaml_keys(r->map, webhook, COUNT(webhook), err);
    default: return ec_yaml_keys(r->map, command, COUNT(command), err);
    }
}

static enum ec_status read_dashboard(const struct reading *r, struct ec_err *err) {
    EC_TRY(read_text(r, "dashboard", &r->alert->dashboard, err));
    const char *z = r->alert->dashboard;
    if (!z || ((ec_same_name_n(z, "https://", 8) || ec_same_name_n(z, "http://", 7)) && !strpbrk(z, " \"<>\\^`{|}"))) return EC_OK;
    return ec_yaml_fail(ec_yaml_set(r->map, "dashboard")->at, err, "`dashboard` must be an address that begins with https:// or http://");
}

static enum ec_status read_common(const struct reading *r, struct ec_err *err) {
    struct ec_alert *a = r->alert;
    int64_t timeout = TIMEOUT_S, connect = CONNECT_S;
    unsigned severity = EC_SEVERITY_ERROR - EC_SEVERITY_WARN;
    const struct ec_yaml_node *least = ec_yaml_set(r->map, "severity"), *recovery = ec_yaml_set(r->map, "recovery");
    a->repeat_s = REPEAT_S;
    a->age_max_s = AGE_S;
    a->attempts_max = ATTEMPTS;
    a->recovery = true;
    if (least) EC_TRY(ec_yaml_word(least, severities, COUNT(severities), &severity, err));
    if (recovery) EC_TRY(ec_yaml_bool(recovery, &a->recovery, err));
    const struct ec_yaml_node *repeat = ec_yaml_set(r->map, "repeat_after");
    if (repeat && repeat->kind == EC_YAML_SCALAR && strcmp(repeat->text, "0s") == 0)
        a->repeat_s = 0; /* told each time */
    else
        EC_TRY(read_seconds(r, "repeat_after", 365 * DAY_S, &a->repeat_s, err));
    EC_TRY(read_seconds(r, "max_age", 365 * DAY_S, &a->age_max_s, err));
    EC_TRY(read_seconds(r, "timeout", TIMEOUT_S_MAX, &timeout, err));
    EC_TRY(read_seconds(r, "connect_timeout", TIMEOUT_S_MAX, &connect, err));
    EC_TRY(read_uint(r, "attempts", ATTEMPTS_MAX, &a->attempts_max, err));
    a->severity = EC_SEVERITY_WARN + severity;
    a->timeout_s = (unsigned)timeout;
    a->connect_timeout_s = (unsigned)(connect < timeout ? connect : timeout);
    EC_TRY(read_text(r, "ca_file", &a->ca_file, err));
    return read_dashboard(r, err);
}

/* A name is part of a message's id and of its file's name. */
static enum ec_status read_name(const struct reading *r, const struct ec_alert *first, struct ec_err *err) {
    struct ec_alert *a = r->alert;
    unsigned nth = 1;
    for (const struct ec_alert *b = first; b < a; b++) nth += b->type == a->type;
    EC_TRY(read_text(r, "name", &a->name, err));
    if (!a->name)
        a->name = nth == 1 ? types[a->type] : ec_arena_printf(r->arena, "%s-%u", types[a->type], nth);
    if (!a->name) return ec_load_no_memory(err);
    struct ec_yaml_place at = ec_yaml_set(r->map, "name") ? ec_yaml_set(r->map, "name")->at : r->map->at;
    for (const char *p = a->name; *p; p++)
        if (!is_word(*p)) return ec_yaml_fail(at, err, "an alert's `name` is made of letters, digits, - and _");
    if (strlen(a->name) > EC_ALERT_NAME_MAX) return ec_yaml_fail(at, err, "an alert's `name` has at most %u characters", EC_ALERT_NAME_MAX);
    for (const struct ec_alert *b = first; b < a; b++)
        if (strcmp(a->name, b->name) == 0 && a->type != EC_ALERT_FILE) return ec_yaml_fail(at, err, "two alerts have the name `%s`", a->name);
    return EC_OK;
}

static enum ec_status load_alert(struct ec_arena *arena, const struct ec_yaml_node *node, const struct ec_alert *first,
                                 struct ec_alert *alert, struct ec_err *err) {
    EC_TRY(ec_yaml_want_map(node, err));
    const struct ec_yaml_node *type = ec_yaml_set(node, "type");
    if (!type) return ec_yaml_fail(node->at, err, "an alert needs a `type`: file, smtp, webhook or command");
    unsigned index;
    EC_TRY(ec_yaml_word(type, types, COUNT(types), &index, err));
    alert->type = (enum ec_alert_type)index;
    struct reading r = {arena, node, alert};
    EC_TRY(check_keys(&r, err));
    EC_TRY(read_name(&r, first, err));
    EC_TRY(read_common(&r, err));
    switch (alert->type) {
    case EC_ALERT_SMTP: return read_smtp(&r, err);
    case EC_ALERT_WEBHOOK: return read_webhook(&r, err);
    case EC_ALERT_COMMAND: return read_command(&r, err);
    default: return EC_OK;
    }
}

enum ec_status ec_load_alerts(struct ec_config *config, const struct ec_yaml_node *alerts, struct ec_err *err) {
    if (alerts) EC_TRY(ec_yaml_want_list(alerts, err));
    if (alerts && alerts->count > EC_ALERTS_MAX) return ec_yaml_fail(alerts->at, err, "more than %u alerts", EC_ALERTS_MAX);
    config->alert = ec_arena_calloc(&config->arena, alerts ? alerts->count : 1, sizeof *config->alert);
    if (!config->alert) return ec_load_no_memory(err);
    if (!alerts) { /* a project that says nothing has its file */
        config->alert[config->alert_count++] = (struct ec_alert){.type = EC_ALERT_FILE, .name = types[EC_ALERT_FILE]};
        return EC_OK;
    }
    for (const struct ec_yaml_node *n = alerts->child; n; n = n->next) {
        enum ec_status status = load_alert(&config->arena, n, config->alert, &config->alert[config->alert_count], err);
        if (status != EC_OK && err) err->excerpt[0] = '\0';
        EC_TRY(status);
        config->alert_count++;
    }
    return EC_OK;
}
