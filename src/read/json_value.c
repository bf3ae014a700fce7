#include "read/json_value.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "scan/json_scan.h"

static bool out_of_bytes(struct ec_json_cursor *c) {
    c->ended = true;
    return false;
}

static void flaw(struct ec_json_cursor *c, enum ec_reason reason, const char *p, size_t n) {
    if (c->flawed) return;
    c->flawed = true;
    c->flaw = reason;
    c->flaw_at = (struct ec_str){p, n};
}

/* Fails at q: for want of bytes where q is the end, else because of the byte there. */
static bool fail_at(struct ec_json_cursor *c, const char *q) {
    c->p = q < c->end ? q : c->end;
    return q < c->end ? false : out_of_bytes(c);
}

bool ec_json_space(struct ec_json_cursor *c) {
    for (;; c->p++) {
        if (c->p >= c->end) return out_of_bytes(c);
        switch (*c->p) {
        case ' ':
        case '\t':
        case '\r': continue;
        case '\n':
            if (!c->line_records) continue;
            if (c->p + 1 < c->end) {
                if (c->p[1] == '{') return false;
            } else if (!c->final) {
                return out_of_bytes(c);
            }
            continue;
        default: return true;
        }
    }
}

static int hex_digit(char ch) {
    if (ch >= '0' && ch <= '9') return ch - '0';
    if (ch >= 'a' && ch <= 'f') return ch - 'a' + 10;
    if (ch >= 'A' && ch <= 'F') return ch - 'A' + 10;
    return -1;
}

/* The four hexadecimal digits at p, or UINT32_MAX. */
static uint32_t hex4(const char *p) {
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) return UINT32_MAX;
        code = code << 4 | (uint32_t)digit;
    }
    return code;
}

static bool is_high_surrogate(uint32_t code) {
    return code >= 0xD800 && code <= 0xDBFF;
}
static bool is_low_surrogate(uint32_t code) {
    return code >= 0xDC00 && code <= 0xDFFF;
}

/* Moves *at behind the escape there. */
static bool escape(struct ec_json_cursor *c, const char **at) {
    const char *q = *at;
    if (q + 1 >= c->end) return fail_at(c, c->end);
    if (q[1] != 'u') {
        if (!q[1] || !strchr("\"\\/bfnrt", q[1])) return fail_at(c, q + 1);
        *at = q + 2;
        return true;
    }
    for (int i = 2; i < 6; i++)
        if (q + i >= c->end || hex_digit(q[i]) < 0) return fail_at(c, q + i);
    *at = q + 6;
    uint32_t code = hex4(q + 2);
    if (is_high_surrogate(code) && c->end - q >= 12 && q[6] == '\\' && q[7] == 'u' && is_low_surrogate(hex4(q + 8)))
        *at = q + 12;
    else if (is_high_surrogate(code) || is_low_surrogate(code))
        /* Where only the bytes gave out, so does the string: it fails and is read again. */
        flaw(c, EC_REASON_ENCODING, q, 6);
    return true;
}

bool ec_json_string(struct ec_json_cursor *c, struct ec_json_value *value) {
    const char *start = c->p + 1, *q = start;
    bool high = false, escaped = false;
    for (;;) {
        q = high ? ec_scan_json_text(q) : ec_scan_json_plain(q);
        if (q >= c->end) return fail_at(c, c->end);
        if (*q == '"') break;
        if (*q == '\\') {
            escaped = true;
            if (!escape(c, &q)) return false;
        } else if ((unsigned char)*q < 0x20) {
            return fail_at(c, q);
        } else {
            high = true;
        }
    }
    *value = (struct ec_json_value){start, (size_t)(q - start), EC_JSON_STRING, escaped};
    c->p = q + 1;
    if (high && !ec_utf8_valid(start, value->n)) flaw(c, EC_REASON_ENCODING, start, value->n);
    return true;
}

static bool is_digit(char ch) {
    return ch >= '0' && ch <= '9';
}

static const char *skip_digits(const char *q) {
    while (is_digit(*q)) q++;
    return q;
}

static bool number(struct ec_json_cursor *c, struct ec_json_value *value) {
    const char *start = c->p, *q = start;
    if (*q == '-') q++;
    if (q >= c->end || !is_digit(*q)) return fail_at(c, q);
    q = *q == '0' ? q + 1 : skip_digits(q);
    if (q < c->end && *q == '.') {
        if (q + 1 >= c->end || !is_digit(q[1])) return fail_at(c, q + 1);
        q = skip_digits(q + 1);
    }
    if (q < c->end && (*q == 'e' || *q == 'E')) {
        q++;
        if (q < c->end && (*q == '+' || *q == '-')) q++;
        if (q >= c->end || !is_digit(*q)) return fail_at(c, q);
        q = skip_digits(q);
    }
    if (q >= c->end && !c->final) return fail_at(c, c->end); /* it may go on */
    *value = (struct ec_json_value){start, (size_t)(q - start), EC_JSON_NUMBER, false};
    if (value->n > EC_NUMBER_MAX) flaw(c, EC_REASON_TOO_LONG, start, value->n);
    c->p = q;
    return true;
}

static bool literal(struct ec_json_cursor *c, const char *word, enum ec_json_kind kind, struct ec_json_value *value) {
    const char *start = c->p;
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i++)
        if (start + i >= c->end || start[i] != word[i]) return fail_at(c, start + i);
    *value = (struct ec_json_value){start, n, kind, false};
    c->p = start + n;
    return true;
}

static bool scalar(struct ec_json_cursor *c, struct ec_json_value *value) {
    switch (*c->p) {
    case '"': return ec_json_string(c, value);
    case 'n': return literal(c, "null", EC_JSON_NULL, value);
    case 't': return literal(c, "true", EC_JSON_TRUE, value);
    case 'f': return literal(c, "false", EC_JSON_FALSE, value);
    default: return number(c, value);
    }
}

/* A member's key and colon, up to its value. */
static bool key(struct ec_json_cursor *c) {
    struct ec_json_value ignored;
    if (*c->p != '"') return fail_at(c, c->p);
    if (!ec_json_string(c, &ignored) || !ec_json_space(c)) return false;
    if (*c->p != ':') return fail_at(c, c->p);
    c->p++;
    return ec_json_space(c);
}

/* The containers around the cursor: one bit each, set for an object, the innermost lowest. */
struct nest {
    uint64_t objects;
    unsigned level;
};

_Static_assert(EC_JSON_DEPTH_MAX <= 64, "one bit per container");

static char closer(const struct nest *nest) {
    return nest->objects & 1 ? '}' : ']';
}

/* Closes containers up to the next value. *open says that there is one. */
static bool behind_value(struct ec_json_cursor *c, struct nest *nest, bool *open) {
    while (nest->level > 0) {
        if (!ec_json_space(c)) return false;
        if (*c->p == ',') {
            c->p++;
            *open = true;
            return ec_json_space(c) && (!(nest->objects & 1) || key(c));
        }
        if (*c->p != closer(nest)) return fail_at(c, c->p);
        c->p++;
        nest->objects >>= 1;
        nest->level--;
    }
    *open = false;
    return true;
}

static bool nested(struct ec_json_cursor *c, unsigned depth) {
    struct nest nest = {0};
    struct ec_json_value ignored;
    bool open = true;
    while (open) {
        if (*c->p != '{' && *c->p != '[') {
            if (!scalar(c, &ignored)) return false;
        } else {
            if (depth + nest.level >= EC_JSON_DEPTH_MAX) return fail_at(c, c->p);
            nest.objects = nest.objects << 1 | (*c->p == '{');
            nest.level++;
            c->p++;
            if (!ec_json_space(c)) return false;
            if (*c->p != closer(&nest)) {
                if ((nest.objects & 1) && !key(c)) return false;
                continue;
            }
        }
        if (!behind_value(c, &nest, &open)) return false;
    }
    return true;
}

bool ec_json_value(struct ec_json_cursor *c, unsigned depth, struct ec_json_value *value) {
    if (c->p >= c->end) return out_of_bytes(c);
    if (*c->p != '{' && *c->p != '[') return scalar(c, value);
    const char *start = c->p;
    if (!nested(c, depth)) return false;
    *value = (struct ec_json_value){start, (size_t)(c->p - start), EC_JSON_NESTED, false};
    return true;
}

static char unescaped(char ch) {
    switch (ch) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return ch;
    }
}

size_t ec_json_unescape(const struct ec_json_value *value, char *out) {
    const char *p = value->p, *end = value->p + value->n;
    char *o = out;
    while (p < end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((backslash ? backslash : end) - p);
        memcpy(o, p, run);
        o += run;
        p += run;
        if (p == end) break;
        if (p[1] != 'u') {
            *o++ = unescaped(p[1]);
            p += 2;
            continue;
        }
        uint32_t code = hex4(p + 2);
        p += 6;
        if (is_high_surrogate(code)) {
            code = 0x10000 + ((code - 0xD800) << 10) + (hex4(p + 2) - 0xDC00);
            p += 6;
        }
        o += ec_utf8_encode(code, o);
    }
    return (size_t)(o - out);
}
