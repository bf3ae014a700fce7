#include "read/json_stretch.h"

#include <string.h>

/* White space that is looked past between '{', a key and its colon. */
#define BLANKS_MAX 16u

void ec_json_first_key_set(struct ec_json_first_key *key, const char *p, size_t n) {
    key->n = n <= sizeof key->text ? n : 0;
    memcpy(key->text, p, key->n);
}

static bool is_space(char ch) {
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static const char *skip_blanks(const char *p, const char *end) {
    for (unsigned i = 0; i < BLANKS_MAX && p < end && is_space(*p); i++) p++;
    return p;
}

/* Whether the object at p (its '{') begins with this key and a colon. */
static bool begins_with(const char *p, const char *end, const struct ec_json_first_key *key) {
    p = skip_blanks(p + 1, end);
    if (key->n == 0 || (size_t)(end - p) < key->n || memcmp(p, key->text, key->n) != 0) return false;
    p = skip_blanks(p + key->n, end);
    return p < end && *p == ':';
}

/* The first key of the damaged record itself, where it can be read. */
static void read_own_key(struct ec_json_stretch *s, const char *p, const char *end) {
    if (p >= end || *p != '{') return;
    const char *quote = skip_blanks(p + 1, end);
    if (quote >= end || *quote != '"') return;
    const char *q = quote + 1;
    while (q < end && *q != '"' && (unsigned char)*q >= 0x20 && q - quote <= (ptrdiff_t)EC_COLUMN_NAME_MAX)
        q += *q == '\\' ? 2 : 1;
    if (q >= end || *q != '"') return;
    const char *colon = skip_blanks(q + 1, end);
    if (colon < end && *colon == ':') ec_json_first_key_set(&s->own, quote, (size_t)(q + 1 - quote));
}

void ec_json_stretch_open(struct ec_json_stretch *s, const struct ec_json_layout *layout,
                          const struct ec_json_window *w, const char *bad) {
    *s = (struct ec_json_stretch){.open = true, .column = SIZE_MAX, .line = layout->line};
    s->start = s->at = s->end = s->end_before = w->offset + w->pos;
    s->bare = w->buf[w->pos] != '{';
    read_own_key(s, w->buf + w->pos, bad);
}

/* Whether the '{' at `at` begins a record of an array. */
static bool begins_record(const struct ec_json_stretch *s, const struct ec_json_window *w,
                          const struct ec_json_first_key *good) {
    if (s->bare) return true;
    if (s->last[0] != ',') return false;
    if (s->depth == 0 && !s->in_string) return true;
    const char *p = w->buf + (s->at - w->offset), *end = w->buf + w->n;
    if (begins_with(p, end, &s->own) || begins_with(p, end, good)) return true;
    if (s->own.n || good->n || s->last[1] != '}') return false;
    p = skip_blanks(p + 1, end);
    return p < end && *p == '"';
}

/* Whether enough bytes lie behind the '{' to look for a key there. */
static bool can_look(const struct ec_json_stretch *s, const struct ec_json_window *w,
                     const struct ec_json_first_key *good) {
    size_t key = s->own.n > good->n ? s->own.n : good->n;
    return w->eof || w->offset + w->n - s->at > key + 2 * BLANKS_MAX + 2;
}

/* Follows strings and braces, to know what is open. */
static void follow(struct ec_json_stretch *s, char ch) {
    bool escape = s->in_string && ch == '\\' && !s->escape;
    if (ch == '"' && !s->escape) {
        s->in_string = !s->in_string;
    } else if (!s->in_string) {
        s->depth += ch == '{';
        s->depth -= ch == '}' && s->depth > 0;
    }
    s->escape = escape;
    s->bare = s->bare && (ch == ',' || (ch == '[' && s->at == s->start));
    s->closing = ch == ']' && s->depth == 0 && !s->in_string;
    s->fresh_line = false;
    s->end_before = s->end;
    s->end = s->at + 1;
    s->last[1] = s->last[0];
    s->last[0] = ch;
}

static void newline(struct ec_json_stretch *s, struct ec_json_layout *layout) {
    layout->line++;
    layout->line_start = s->at + 1;
    s->fresh_line = true;
    s->in_string = s->escape = false; /* no string goes on over a line end */
}

/* Ends the stretch before the byte at `at`, without the separator that belongs to the array. */
static bool finish(struct ec_json_stretch *s, struct ec_json_layout *layout, struct ec_json_window *w) {
    bool at_end = s->at == w->offset + w->n;
    bool separated = layout->array && !s->bare && (at_end ? s->closing : s->last[0] == ',');
    if (separated && s->end_before > s->start) s->end = s->end_before;
    s->next = s->at;
    w->pos = (size_t)(s->at - w->offset);
    layout->phase = at_end ? EC_JSON_CLOSED : EC_JSON_RESUMED;
    return true;
}

bool ec_json_stretch_search(struct ec_json_stretch *s, struct ec_json_layout *layout, struct ec_json_window *w,
                            const struct ec_json_first_key *good) {
    uint64_t end = w->offset + w->n;
    for (; s->at < end; s->at++) {
        char ch = w->buf[s->at - w->offset];
        if (ch == '\n') {
            newline(s, layout);
            continue;
        }
        if (ch == ' ' || ch == '\t' || ch == '\r') {
            s->escape = false;
            continue;
        }
        if (ch == '{' && s->at > s->start) {
            if (s->fresh_line && s->at - layout->line_start <= layout->indent) return finish(s, layout, w);
            if (layout->array && !can_look(s, w, good)) return false;
            if (layout->array && begins_record(s, w, good)) return finish(s, layout, w);
        }
        if (ch == ']' && s->bare && layout->array && s->at > s->start) return finish(s, layout, w);
        follow(s, ch);
    }
    return w->eof && finish(s, layout, w);
}
