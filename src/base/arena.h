/* Memory by lifetime: one arena per run, per task, per batch.
 *
 * Memory comes zeroed where asked, aligned to sixteen bytes, and goes all at
 * once. An arena has a maximum, because what fills it may be hostile. Sanitizer
 * builds (EC_ARENA_MALLOC) give every allocation its own malloc, so that an
 * overrun or a use after reset is seen. Not thread-safe.
 *
 *     struct ec_arena a;
 *     ec_arena_init(&a, 64 * EC_MIB);
 *     char *copy = ec_arena_copy(&a, p, n);   // NULL where the maximum is reached
 *     ec_arena_deinit(&a);
 */
#ifndef EC_BASE_ARENA_H
#define EC_BASE_ARENA_H

#include "base/text.h"

struct ec_arena_block;

struct ec_arena {
    struct ec_arena_block *head; /* newest block */
    size_t used;                 /* bytes handed out since the last reset */
    size_t bytes_max;
};

void ec_arena_init(struct ec_arena *arena, size_t bytes_max);
void ec_arena_deinit(struct ec_arena *arena);

/* Frees all but one block for reuse; every pointer handed out is dead. */
void ec_arena_reset(struct ec_arena *arena);

/* Uninitialised memory, or NULL where memory or the arena's maximum is reached. */
void *ec_arena_alloc(struct ec_arena *arena, size_t n);
/* count * size zeroed bytes, the product checked. */
void *ec_arena_calloc(struct ec_arena *arena, size_t count, size_t size);
/* A copy with a NUL behind it. */
char *ec_arena_copy(struct ec_arena *arena, const char *p, size_t n);
char *ec_arena_strdup(struct ec_arena *arena, const char *z);
/* A formatted, NUL-terminated text. */
char *ec_arena_printf(struct ec_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
