#include "base/arena.h"

#include "base/io.h"

#include <stdarg.h>
#include <stdio.h>

/* Blocks grow from 4 KiB to 1 MiB, so that a small arena stays small. */
#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)1 << 20)
#define ALIGN ((size_t)16)

struct ec_arena_block {
    struct ec_arena_block *next;
    size_t cap; /* of what follows the header */
    size_t n;
    size_t pad; /* keeps what follows aligned to sixteen bytes */
};

_Static_assert(sizeof(struct ec_arena_block) % 16 == 0, "data behind the header must stay aligned");

void ec_arena_init(struct ec_arena *arena, size_t bytes_max) {
    *arena = (struct ec_arena){.bytes_max = bytes_max};
}

static void free_blocks(struct ec_arena_block *block) {
    while (block) {
        struct ec_arena_block *next = block->next;
        ec_free(block);
        block = next;
    }
}

void ec_arena_deinit(struct ec_arena *arena) {
    free_blocks(arena->head);
    arena->head = NULL;
    arena->used = 0;
}

void ec_arena_reset(struct ec_arena *arena) {
    arena->used = 0;
#ifdef EC_ARENA_MALLOC
    ec_arena_deinit(arena);
#else
    if (!arena->head) return;
    free_blocks(arena->head->next);
    arena->head->next = NULL;
    arena->head->n = 0;
#endif
}

static struct ec_arena_block *add_block(struct ec_arena *arena, size_t n) {
    size_t cap = n;
#ifndef EC_ARENA_MALLOC
    size_t grown = arena->head ? arena->head->cap * 2 : BLOCK_MIN;
    if (grown > BLOCK_MAX) grown = BLOCK_MAX;
    if (cap < grown) cap = grown;
#endif
    struct ec_arena_block *block = ec_malloc(sizeof *block + cap);
    if (!block) return NULL;
    *block = (struct ec_arena_block){.next = arena->head, .cap = cap};
    arena->head = block;
    return block;
}

void *ec_arena_alloc(struct ec_arena *arena, size_t n) {
    if (n > arena->bytes_max || arena->used > arena->bytes_max - n) return NULL;
#ifdef EC_ARENA_MALLOC
    size_t rounded = n ? n : 1; /* exact, so that a sanitizer sees one byte too far */
    struct ec_arena_block *block = add_block(arena, rounded);
#else
    size_t rounded = (n + ALIGN - 1) & ~(ALIGN - 1);
    if (rounded < n) return NULL;
    struct ec_arena_block *block = arena->head;
    if (!block || block->cap - block->n < rounded) block = add_block(arena, rounded);
#endif
    if (!block) return NULL;
    void *p = (char *)(block + 1) + block->n;
    block->n += rounded;
    arena->used += n;
    return p;
}

void *ec_arena_calloc(struct ec_arena *arena, size_t count, size_t size) {
    size_t n;
    if (__builtin_mul_overflow(count, size, &n)) return NULL;
    void *p = ec_arena_alloc(arena, n);
    if (p && n) memset(p, 0, n);
    return p;
}

char *ec_arena_copy(struct ec_arena *arena, const char *p, size_t n) {
    if (n == SIZE_MAX) return NULL;
    char *copy = ec_arena_alloc(arena, n + 1);
    if (!copy) return NULL;
    if (n) memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

char *ec_arena_strdup(struct ec_arena *arena, const char *z) { return ec_arena_copy(arena, z, strlen(z)); }

char *ec_arena_printf(struct ec_arena *arena, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) return NULL;
    char *p = ec_arena_alloc(arena, (size_t)n + 1);
    if (!p) return NULL;
    va_start(args, fmt);
    (void)vsnprintf(p, (size_t)n + 1, fmt, args);
    va_end(args);
    return p;
}
