#include "shop/huffman.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH_LIMIT 15u

struct leaf {
    uint32_t frequency;
    uint32_t symbol;
};

/* A total order, so that no library's way of sorting shows. */
static int compare_leaves(const void *a, const void *b) {
    const struct leaf *x = a, *y = b;
    if (x->frequency != y->frequency) return x->frequency < y->frequency ? -1 : 1;
    return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

/* Node i is a leaf for i < leaves, else the (i - leaves)th join. Leaves and joins both come by
 * rising weight, so that the two lightest are always at the fronts of two queues. */
static unsigned join_leaves(const struct leaf *leaf, size_t leaves, uint16_t *parent) {
    uint32_t weight[EC_SHOP_SYMBOLS_MAX];
    size_t next_leaf = 0, next_join = 0;
    for (size_t join = 0; join + 1 < leaves; join++) {
        weight[join] = 0;
        for (int k = 0; k < 2; k++) {
            bool is_leaf = next_leaf < leaves && (next_join == join || leaf[next_leaf].frequency <= weight[next_join]);
            size_t node = is_leaf ? next_leaf : leaves + next_join;
            weight[join] += is_leaf ? leaf[next_leaf++].frequency : weight[next_join++];
            parent[node] = (uint16_t)(leaves + join);
        }
    }
    /* Depths, from the root down, in place of the parents. */
    unsigned deepest = 0;
    size_t root = 2 * leaves - 2;
    parent[root] = 0;
    for (size_t node = root; node-- > 0;) {
        parent[node] = (uint16_t)(parent[parent[node]] + 1);
        if (node < leaves && parent[node] > deepest) deepest = parent[node];
    }
    return deepest;
}

static void assign_lengths(uint32_t *frequency, size_t n, unsigned length_max, uint8_t *length) {
    struct leaf leaf[EC_SHOP_SYMBOLS_MAX];
    uint16_t depth[2 * EC_SHOP_SYMBOLS_MAX];
    memset(length, 0, n);
    for (;;) {
        size_t leaves = 0;
        for (size_t i = 0; i < n; i++)
            if (frequency[i]) leaf[leaves++] = (struct leaf){frequency[i], (uint32_t)i};
        if (leaves == 0) return;
        if (leaves == 1) {
            length[leaf[0].symbol] = 1;
            return;
        }
        qsort(leaf, leaves, sizeof *leaf, compare_leaves);
        if (join_leaves(leaf, leaves, depth) <= length_max) {
            for (size_t i = 0; i < leaves; i++) length[leaf[i].symbol] = (uint8_t)depth[i];
            return;
        }
        /* Too deep: make rare symbols less rare. All alike in the end, which is shallow. */
        for (size_t i = 0; i < n; i++)
            if (frequency[i]) frequency[i] = frequency[i] >> 1 | 1;
    }
}

static uint16_t reversed(uint32_t code, unsigned length) {
    uint32_t out = 0;
    for (unsigned i = 0; i < length; i++) out |= (code >> i & 1) << (length - 1 - i);
    return (uint16_t)out;
}

void ec_shop_huffman(uint32_t *frequency, size_t n, unsigned length_max, uint8_t *length, uint16_t *code) {
    uint32_t count[LENGTH_LIMIT + 1] = {0}, next[LENGTH_LIMIT + 2] = {0};
    assign_lengths(frequency, n, length_max, length);
    for (size_t i = 0; i < n; i++) count[length[i]]++;
    count[0] = 0;
    for (unsigned i = 1; i <= LENGTH_LIMIT; i++) next[i + 1] = (next[i] + count[i]) << 1;
    for (size_t i = 0; i < n; i++) code[i] = length[i] ? reversed(next[length[i]]++, length[i]) : 0;
}
