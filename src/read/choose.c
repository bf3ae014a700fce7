/* Which reader a file is for. What the source declares is believed unless the bytes contradict it. */
#include "read/reader.h"

#include <strings.h>

static const struct ec_reader_type *const types[] = {&ec_reader_csv, &ec_reader_json, &ec_reader_xlsx};

/* What a file's first bytes look like. */
enum look {
    LOOK_NOTHING,
    LOOK_ZIP,
    LOOK_GZIP,
    LOOK_OLE,
    LOOK_BINARY,
    LOOK_UTF16,
    LOOK_JSON,
    LOOK_JSON_LATER,
    LOOK_TEXT
};

static const char *const look_names[] = {
    N_("nothing but space"),    N_("a zip archive"), N_("gzip"), N_("an old or protected workbook"),
    N_("binary data"),          N_("UTF-16"),        N_("JSON"), N_("text"),
    N_("text that is not JSON")};

struct head {
    const char *p;
    size_t n;
};

static bool starts(struct head head, const char *magic, size_t n) {
    return head.n >= n && memcmp(head.p, magic, n) == 0;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct head skip_space(struct head head) {
    if (starts(head, "\xef\xbb\xbf", 3)) head = (struct head){head.p + 3, head.n - 3};
    while (head.n > 0 && is_space(*head.p)) head.p++, head.n--;
    return head;
}

/* Whether a line behind the first looks like a JSON record: the first one may be damaged. */
static bool has_object_line(struct head head) {
    const char *newline;
    while (head.n > 0 && (newline = memchr(head.p, '\n', head.n))) {
        head.n -= (size_t)(newline + 1 - head.p);
        head.p = newline + 1;
        struct head line = skip_space(head);
        if (line.n > 0 && *line.p == '{') return true;
    }
    return false;
}

static enum look look_at(const struct ec_source *source, struct head head) {
    bool wide = source->encoding && strncmp(source->encoding, "utf-16", 6) == 0;
    if (starts(head, "PK\x03\x04", 4) || starts(head, "PK\x05\x06", 4)) return LOOK_ZIP;
    if (starts(head, "\x1f\x8b", 2)) return LOOK_GZIP;
    if (starts(head, "\xd0\xcf\x11\xe0", 4)) return LOOK_OLE;
    if (starts(head, "\xff\xfe", 2) || starts(head, "\xfe\xff", 2)) return LOOK_UTF16;
    if (!wide && head.n > 0 && memchr(head.p, '\0', head.n)) return LOOK_BINARY;
    struct head text = skip_space(head);
    if (text.n == 0) return LOOK_NOTHING;
    if (*text.p == '[' || *text.p == '{') return LOOK_JSON;
    return has_object_line(text) ? LOOK_JSON_LATER : LOOK_TEXT;
}

static bool fits(enum ec_format format, enum look look) {
    switch (format) {
    /* UTF-16 is the reader's to decode, or to refuse by name. */
    case EC_FORMAT_CSV: return look == LOOK_NOTHING || look >= LOOK_UTF16;
    case EC_FORMAT_JSON: return look == LOOK_NOTHING || (look >= LOOK_UTF16 && look <= LOOK_JSON_LATER);
    case EC_FORMAT_XLSX: return look == LOOK_ZIP || look == LOOK_OLE;
    case EC_FORMAT_AUTO: break;
    }
    return false;
}

static bool ends(struct ec_str name, const char *ending) {
    size_t n = strlen(ending);
    return name.n >= n && strncasecmp(name.p + name.n - n, ending, n) == 0;
}

/* The format that a name promises; EC_FORMAT_AUTO where it promises none. */
static enum ec_format by_name(const char *path) {
    struct ec_str name = ec_str_of(path);
    if (ends(name, ".gz")) name.n -= 3;
    if (ends(name, ".json") || ends(name, ".jsonl") || ends(name, ".ndjson")) return EC_FORMAT_JSON;
    if (ends(name, ".csv") || ends(name, ".tsv") || ends(name, ".txt")) return EC_FORMAT_CSV;
    if (ends(name, ".xlsx") || ends(name, ".xlsm")) return EC_FORMAT_XLSX;
    return EC_FORMAT_AUTO;
}

static bool first_line_has(struct head head, char delimiter) {
    struct head text = skip_space(head);
    for (; text.n > 0 && *text.p != '\n' && *text.p != '\r'; text.p++, text.n--)
        if (*text.p == delimiter) return true;
    return false;
}

static enum ec_format guess(const struct ec_source *source, const char *name, struct head head, enum look look) {
    if (look == LOOK_ZIP) return EC_FORMAT_XLSX;
    if (look == LOOK_JSON) return EC_FORMAT_JSON;
    enum ec_format promised = by_name(name);
    if (promised != EC_FORMAT_AUTO) return promised;
    if (first_line_has(head, source->delimiter ? source->delimiter : ',')) return EC_FORMAT_CSV;
    return look == LOOK_JSON_LATER ? EC_FORMAT_JSON : EC_FORMAT_AUTO;
}

static const struct ec_reader_type *of_format(enum ec_format format) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i]->format == format) return types[i];
    return NULL;
}

enum ec_status ec_reader_choose(const struct ec_source *source, const char *name, const void *bytes, size_t n,
                                const struct ec_reader_type **type, struct ec_err *err) {
    struct head head = {n ? bytes : "", n};
    enum look look = look_at(source, head);
    enum ec_format format = source->format;
    if (format == EC_FORMAT_AUTO) format = guess(source, name, head, look);
    if (format == EC_FORMAT_AUTO)
        return ec_fail(err, EC_UNKNOWN_FORMAT,
                       "%s is neither JSON, CSV nor a workbook (it looks like %s); set `format:` of %s", name,
                       _(look_names[look]), source->name);
    const struct ec_reader_type *found = of_format(format);
    if (!found) return ec_fail(err, EC_UNKNOWN_FORMAT, "%s is of a format that this build does not read", name);
    if (!fits(format, look) && n > 0)
        return ec_fail(err, EC_UNKNOWN_FORMAT, "%s should be %s, but its first bytes are %s", name, found->name,
                       _(look_names[look]));
    *type = found;
    return EC_OK;
}
