/* Names and paths of a Delta table: the folder of a partition as Hive escapes it, and the
 * relative path as the log encodes it (RFC 2396, over the folder's escapes: both apply). */
#include "store/delta.h"

#include "base/io.h"

#define HIVE_NULL "__HIVE_DEFAULT_PARTITION__"

static const char hex[] = "0123456789ABCDEF";

bool ec_delta_name_valid(const char *name) {
    return name[0] != '\0' && name[strcspn(name, " ,;{}()\n\t=")] == '\0';
}

/* The characters of Hive's FileUtils.escapePathName, which Spark shares. */
static bool hive_escapes(unsigned char c) {
    return c < 0x20 || c == 0x7F || strchr("\"#%'*/:=?\\{[]^", c) != NULL;
}

static void hive_escape(struct ec_buf *out, const char *z) {
    for (; *z; z++) {
        unsigned char c = (unsigned char)*z;
        if (hive_escapes(c))
            ec_buf_add(out, (char[3]){'%', hex[c >> 4], hex[c & 15]}, 3);
        else
            ec_buf_addc(out, *z);
    }
}

enum ec_status ec_delta_partition_dir(char *out, size_t out_size, const char *column, const char *value,
                                      struct ec_err *err) {
    struct ec_buf name = ec_buf_make(out_size > 0 ? out_size - 1 : 0);
    enum ec_status status = EC_OK;
    hive_escape(&name, column);
    ec_buf_addc(&name, '=');
    /* The empty text is null in a partition column, by the protocol. */
    if (!value || !value[0])
        ec_buf_addz(&name, HIVE_NULL);
    else
        hive_escape(&name, value);
    if (name.failed) {
        status =
            ec_fail(err, EC_TABLE_FORMAT, "the value of the partition column %s is too long for a folder's name: %.60s",
                    column, value ? value : "");
        goto done;
    }
    memcpy(out, name.p, name.n + 1);
done:
    ec_buf_free(&name);
    return status;
}

static bool uri_keeps(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-_.~/=", c) != NULL);
}

void ec_delta_path_encode(struct ec_buf *out, const char *path) {
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        if (uri_keeps(c))
            ec_buf_addc(out, *path);
        else
            ec_buf_add(out, (char[3]){'%', hex[c >> 4], hex[c & 15]}, 3);
    }
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/* Below the table's folder: relative, and no component "..". */
static bool stays_below(const char *path) {
    if (path[0] == '\0' || path[0] == '/') return false;
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') return false;
        p += n + (p[n] == '/');
    }
    return true;
}

enum ec_status ec_delta_path_decode(const char *uri, char *out, size_t out_size, struct ec_err *err) {
    size_t first = strcspn(uri, "/");
    if (memchr(uri, ':', first))
        return ec_fail(err, EC_TABLE_FORMAT, "the log names a file outside the table: %.200s", uri);
    size_t n = 0;
    for (const char *p = uri; *p; p++) {
        char c = *p;
        if (c == '%') {
            int high = hex_value(p[1]), low = high < 0 ? -1 : hex_value(p[2]);
            if (low < 0 || high + low == 0)
                return ec_fail(err, EC_TABLE_FORMAT, "the log holds a path that is not URI-encoded: %.200s", uri);
            c = (char)(high * 16 + low);
            p += 2;
        }
        if (n + 1 >= out_size)
            return ec_fail(err, EC_TABLE_FORMAT, "the log holds a path that is too long: %.200s", uri);
        out[n++] = c;
    }
    out[n] = '\0';
    if (!stays_below(out)) return ec_fail(err, EC_TABLE_FORMAT, "the log names a file outside the table: %.200s", uri);
    return EC_OK;
}
