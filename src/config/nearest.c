/* The nearest word by edit distance, with a swap of neighbours counted as one edit (the
 * "optimal string alignment" distance): most slips of a keyboard are one edit then. */
#include "config/config.h"

#define WORD_MAX 64u

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned min3(unsigned a, unsigned b, unsigned c) {
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Case costs nothing. Both lengths are at most WORD_MAX. */
static unsigned distance(const char *a, size_t an, const char *b, size_t bn) {
    unsigned row[3][WORD_MAX + 1];
    unsigned *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= bn; j++) last[j] = (unsigned)j;
    for (size_t i = 1; i <= an; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= bn; j++) {
            unsigned cost = lower(a[i - 1]) != lower(b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + cost);
            bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped && before[j - 2] + 1 < now[j]) now[j] = before[j - 2] + 1;
        }
        unsigned *freed = before;
        before = last;
        last = now;
        now = freed;
    }
    return last[bn];
}

const char *ec_nearest(const char *word, const char *const *words, size_t count) {
    size_t n = strlen(word);
    if (n == 0 || n > WORD_MAX) return NULL;
    unsigned limit = (unsigned)(n / 3);
    if (limit == 0) limit = 1;
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t m = strlen(words[i]);
        if (m == 0 || m > WORD_MAX || m > n + limit || n > m + limit) continue;
        unsigned d = distance(word, n, words[i], m);
        if (d > limit || d >= n) continue; /* one letter for another is no resemblance */
        if (best && d == limit) continue;  /* the first of equals stays */
        best = words[i];
        limit = d;
    }
    return best;
}
