#include "gate/key_sort.h"

#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 16u
/* More items than these in one place are sorted by merging. */
#define INSERTION_MAX ((size_t)24)

struct sorting {
    int (*order)(const void *a, const void *b, void *context);
    void *context;
};

static int compare(const void *a, const void *b, void *context) {
    const struct ec_key_item *x = a, *y = b;
    const struct sorting *s = context;
    if (x->hi != y->hi) return x->hi < y->hi ? -1 : 1;
    return s->order(a, b, s->context);
}

static void sort_by_comparing(struct ec_key_item *item, size_t n, struct sorting *s) {
    if (n > INSERTION_MAX) {
        qsort_r(item, n, sizeof *item, compare, s);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct ec_key_item moved = item[i];
        size_t at = i;
        for (; at > 0 && compare(&moved, &item[at - 1], s) < 0; at--) item[at] = item[at - 1];
        item[at] = moved;
    }
}

/* The digit of a hash: its bits below those that all share. */
struct digits {
    uint64_t least;
    unsigned shift;
};

static struct digits find_digits(const struct ec_key_item *item, size_t n) {
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < n; i++) {
        if (item[i].hi < least) least = item[i].hi;
        if (item[i].hi > most) most = item[i].hi;
    }
    unsigned bits = most == least ? 0 : 64u - (unsigned)__builtin_clzll(most - least);
    return (struct digits){least, bits > DIGIT_BITS ? bits - DIGIT_BITS : 0};
}

static size_t digit_of(const struct digits *d, const struct ec_key_item *item) {
    return (size_t)((item->hi - d->least) >> d->shift);
}

/* One pass by a byte of the digit, keeping the order of those that agree in it. */
static void scatter(const struct digits *d, unsigned shift, const struct ec_key_item *from, size_t n,
                    struct ec_key_item *to, const size_t *count) {
    size_t start[256], at = 0;
    for (size_t i = 0; i < 256; i++) {
        start[i] = at;
        at += count[i];
    }
    for (size_t i = 0; i < n; i++) to[start[digit_of(d, &from[i]) >> shift & 255]++] = from[i];
}

void ec_key_sort(struct ec_key_item *item, struct ec_key_item *spare, size_t n,
                 int (*order)(const void *a, const void *b, void *context), void *context) {
    struct sorting s = {order, context};
    if (n <= INSERTION_MAX) {
        sort_by_comparing(item, n, &s);
        return;
    }
    struct digits d = find_digits(item, n);
    size_t low[256] = {0}, high[256] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t digit = digit_of(&d, &item[i]);
        low[digit & 255]++;
        high[digit >> 8]++;
    }
    scatter(&d, 0, item, n, spare, low);
    scatter(&d, 8, spare, n, item, high);
    for (size_t i = 0, end; i < n; i = end) {
        size_t digit = digit_of(&d, &item[i]);
        for (end = i + 1; end < n && digit_of(&d, &item[end]) == digit;) end++;
        if (end - i > 1) sort_by_comparing(item + i, end - i, &s);
    }
}
