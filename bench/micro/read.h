/* Reading text in memory with the readers and the gate, for the benchmarks of JSON and CSV. */
#ifndef EC_BENCH_READ_H
#define EC_BENCH_READ_H

#include "kit.h"

#include "gate/gate.h"
#include "sql/derive.h"

struct bench_read {
    const struct ec_source *source;
    struct ec_derivation *derivation; /* NULL: no derived columns */
    bool check;
    uint64_t rows, rejected;
};

/* Once through the text; what it took. */
static inline double bench_read_once(struct bench_read *b, const struct kit_text *text) {
    struct ec_err err = {0};
    struct ec_batch batch;
    struct ec_stream *stream;
    struct ec_reader *reader;
    const struct ec_reader_type *type;
    struct ec_gate *gate = NULL;
    size_t first, at;
    double start = kit_seconds();
    b->rows = b->rejected = 0;
    kit_must(ec_batch_init(&batch, &err), &err);
    kit_must(ec_reader_columns(b->source, &batch, &err), &err);
    kit_must(ec_stream_memory(text->p, text->n, 0, &stream, &err), &err);
    kit_must(ec_reader_choose(b->source, "text", text->p, text->n < 65536 ? text->n : 65536, &type, &err), &err);
    kit_must(ec_reader_open(type, &(struct ec_reader_args){.source = b->source, .stream = stream, .path = "text"},
                            &batch, &reader, &err),
             &err);
    first = batch.columns;
    for (size_t i = 0; b->derivation && i < b->source->derive_count; i++)
        kit_must(ec_batch_add_column(&batch, b->source->derive[i].name, ec_derive_types(b->derivation)[i], &at, &err),
                 &err);
    if (b->check)
        kit_must(ec_gate_create(b->source, &batch, first, b->derivation ? b->source->derive_count : 0, &gate, &err),
                 &err);
    do {
        kit_must(ec_reader_next(reader, &batch, &err), &err);
        if (b->derivation && batch.rows) kit_must(ec_derive_eval(b->derivation, &batch, first, NULL, &err), &err);
        if (gate && batch.rows) kit_must(ec_gate_check(gate, &batch, NULL, &err), &err);
        if (gate && batch.rows) kit_must(ec_gate_count(gate, &batch, &err), &err);
        b->rows += batch.rows;
    } while (batch.rows > 0);
    ec_gate_destroy(gate);
    ec_reader_close(reader);
    ec_stream_close(stream);
    ec_batch_deinit(&batch);
    return kit_seconds() - start;
}

static inline void bench_read(const char *name, struct bench_read *b, const struct kit_text *text) {
    double best = 1e9;
    for (int i = 0; i < KIT_TURNS; i++) {
        double took = bench_read_once(b, text);
        if (took < best) best = took;
    }
    kit_rate(name, text->n, best);
}

/* The same under every variant of the scan that the machine has; the last one is the best. */
static inline void bench_read_variants(const char *name, struct bench_read *b, const struct kit_text *text) {
    size_t count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    for (size_t i = 0; i < count; i++) {
        char shown[64];
        (void)snprintf(shown, sizeof shown, "%s, %s", name, variant[i]->name);
        (void)ec_scan_use(variant[i]->name);
        bench_read(shown, b, text);
    }
}

#endif
