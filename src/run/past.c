#include "run/past.h"

#include <stdlib.h>
#include <string.h>

static int compare_text(const char *a, const char *b) {
    if (!a || !b) return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int newest_first(const struct ec_past_input *x, const struct ec_past_input *y) {
    if (x->manifest->seq != y->manifest->seq) return x->manifest->seq > y->manifest->seq ? -1 : 1;
    return (x->input > y->input) - (x->input < y->input);
}

static int content_order(const struct ec_manifest_input *x, const struct ec_manifest_input *y) {
    int order = strcmp(x->source, y->source);
    return order ? order : strcmp(x->sha256, y->sha256);
}

static int place_order(const struct ec_manifest_input *x, const struct ec_manifest_input *y) {
    int order = strcmp(x->source, y->source);
    if (!order) order = strcmp(x->path, y->path);
    return order ? order : compare_text(x->member, y->member);
}

static int compare_content(const void *a, const void *b) {
    const struct ec_past_input *x = a, *y = b;
    int order = content_order(x->input, y->input);
    return order ? order : newest_first(x, y);
}

static int compare_place(const void *a, const void *b) {
    const struct ec_past_input *x = a, *y = b;
    int order = place_order(x->input, y->input);
    return order ? order : newest_first(x, y);
}

enum ec_status ec_past_make(const struct ec_manifest *manifest, size_t count, struct ec_arena *arena,
                            struct ec_past *past, struct ec_err *err) {
    size_t most = 0;
    for (size_t i = 0; i < count; i++) most += manifest[i].input_count;
    *past = (struct ec_past){.content = ec_arena_calloc(arena, most, sizeof *past->content),
                             .place = ec_arena_calloc(arena, most, sizeof *past->place)};
    if (!past->content || !past->place) return ec_fail(err, EC_NO_MEMORY, "no memory for the files of earlier runs");
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < manifest[i].input_count; k++) {
            struct ec_past_input entry = {&manifest[i].input[k], &manifest[i]};
            past->place[past->place_count++] = entry;
            if (entry.input->sha256) past->content[past->content_count++] = entry;
        }
    }
    qsort(past->content, past->content_count, sizeof *past->content, compare_content);
    qsort(past->place, past->place_count, sizeof *past->place, compare_place);
    return EC_OK;
}

/* The run of entries that equal `wanted` in this order. */
static size_t find(const struct ec_past_input *list, size_t count, const struct ec_manifest_input *wanted,
                   int (*order)(const struct ec_manifest_input *, const struct ec_manifest_input *),
                   const struct ec_past_input **newest) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order(list[middle].input, wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *newest = list + low;
    size_t n = 0;
    while (low + n < count && order(list[low + n].input, wanted) == 0) n++;
    return n;
}

size_t ec_past_of_content(const struct ec_past *past, const char *source, const char *sha256,
                          const struct ec_past_input **newest) {
    struct ec_manifest_input wanted = {.source = source, .sha256 = sha256};
    return find(past->content, past->content_count, &wanted, content_order, newest);
}

size_t ec_past_of_place(const struct ec_past *past, const char *source, const char *path, const char *member,
                        const struct ec_past_input **newest) {
    struct ec_manifest_input wanted = {.source = source, .path = path, .member = member};
    return find(past->place, past->place_count, &wanted, place_order, newest);
}

uint32_t ec_past_newest_drop(const struct ec_past *past, const char *source) {
    uint32_t newest = 0;
    for (size_t i = 0; i < past->place_count; i++) {
        const struct ec_manifest_input *in = past->place[i].input;
        if (in->state == EC_INPUT_APPLIED && in->drop > newest && strcmp(in->source, source) == 0) newest = in->drop;
    }
    return newest;
}
