/* Globs over whole paths, without recursion: a mismatch goes back to the last `*`, and where
 * that may not cross a '/', to the last `**`. */
#include "source/discover.h"

/* The class at g ("[a-z]") against c. Sets *after behind it; NULL where it never closes. */
static bool in_class(const char *g, unsigned char c, const char **after) {
    const char *p = g + 1;
    bool negated = *p == '!' || *p == '^';
    bool found = false;
    if (negated) p++;
    const char *first = p;
    *after = NULL;
    while (*p && (*p != ']' || p == first)) {
        unsigned char low = (unsigned char)*p, high = low;
        if (p[1] == '-' && p[2] && p[2] != ']') {
            high = (unsigned char)p[2];
            p += 2;
        }
        found = found || (low <= c && c <= high);
        p++;
    }
    if (*p == ']') *after = p + 1;
    return found != negated && c != '/';
}

/* Whether the glob's next element matches the character at p; moves both behind it. */
static bool one(const char **glob, const char **path) {
    const char *g = *glob, *p = *path;
    if (*g == '?' && *p && *p != '/') {
        p++;
        while (((unsigned char)*p & 0xc0) == 0x80) p++; /* one character, not one byte */
        *glob = g + 1;
        *path = p;
        return true;
    }
    if (*g == '[' && *p) {
        const char *after;
        bool match = in_class(g, (unsigned char)*p, &after);
        if (after) {
            *glob = after;
            *path = p + 1;
            return match;
        }
    }
    if (*g == 0 || *g != *p) return false;
    *glob = g + 1;
    *path = p + 1;
    return true;
}

static bool is_globstar(const char *glob, const char *g) {
    return g[0] == '*' && g[1] == '*' && (g == glob || g[-1] == '/') && (g[2] == '/' || g[2] == 0);
}

bool ec_glob_match(const char *glob, const char *path) {
    const char *g = glob, *p = path;
    const char *star_g = NULL, *star_p = NULL;       /* behind the last `*`, and what it has taken */
    const char *folders_g = NULL, *folders_p = NULL; /* the same of the last `**` */
    for (;;) {
        if (is_globstar(glob, g)) {
            if (g[2] == 0) return *p != 0;
            g += 3;
            folders_g = g;
            folders_p = p;
            star_g = NULL;
            continue;
        }
        if (*g == '*') {
            while (*g == '*') g++;
            star_g = g;
            star_p = p;
            continue;
        }
        if (*g == 0 && *p == 0) return true;
        if (one(&g, &p)) continue;
        if (star_g && *star_p && *star_p != '/') {
            g = star_g;
            p = ++star_p;
            continue;
        }
        const char *slash = folders_g ? strchr(folders_p, '/') : NULL;
        if (!slash) return false;
        g = folders_g;
        p = folders_p = slash + 1;
        star_g = NULL;
    }
}
