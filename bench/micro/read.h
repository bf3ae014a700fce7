/* Reading text in memory with the readers and the gate, for the benchmarks of JSON and CSV: a worker's work on a
 * batch, one step more on each line.
 *
 *     read         records found, cells typed
 *     +derive      texts that repeat coded (base/coder.h), derived columns computed, as rules may name them
 *     +check       types, not-nulls and rules of every row: its verdict with all reasons
 *     +profile     bounds, nulls, distinct and most frequent values of every column, counts
 *
 * "read+check" is reading, typing and checking alone: what a verdict of each row takes, without the profile and
 * without derived columns, nor rules on these.
 */
#ifndef EC_BENCH_READ_H
#define EC_BENCH_READ_H

#include "kit.h"

#include "base/coder.h"
#include "gate/gate.h"
#include "sql/derive.h"

struct bench_read {
    const struct ec_source *source;
    struct ec_derivation *derivation; /* NULL: no derived columns */
    bool code, check, profile;
    uint64_t rows, rejected;
};

struct bench_read_parts {
    struct ec_batch batch;
    struct ec_stream *stream;
    struct ec_reader *reader;
    struct ec_coder *coder;
    struct ec_gate *gate;
    size_t first;
};

static inline void bench_read_open(const struct bench_read *b, const struct kit_text *text,
                                   struct bench_read_parts *p) {
    struct ec_err err = {0};
    const struct ec_reader_type *type;
    size_t at, derived = b->derivation ? b->source->derive_count : 0;
    kit_must(ec_batch_init(&p->batch, &err), &err);
    kit_must(ec_reader_columns(b->source, &p->batch, &err), &err);
    kit_must(ec_stream_memory(text->p, text->n, 0, &p->stream, &err), &err);
    kit_must(ec_reader_choose(b->source, "text", text->p, text->n < 65536 ? text->n : 65536, &type, &err), &err);
    kit_must(ec_reader_open(type, &(struct ec_reader_args){.source = b->source, .stream = p->stream, .path = "text"},
                            &p->batch, &p->reader, &err),
             &err);
    if (b->code) kit_must(ec_coder_create(&p->batch, &p->coder, &err), &err);
    p->first = p->batch.columns;
    for (size_t i = 0; i < derived; i++)
        kit_must(ec_batch_add_column(&p->batch, b->source->derive[i].name, ec_derive_types(b->derivation)[i], &at, &err),
                 &err);
    if (b->check) kit_must(ec_gate_create(b->source, &p->batch, p->first, derived, &p->gate, &err), &err);
}

static inline void bench_read_close(struct bench_read_parts *p) {
    ec_gate_destroy(p->gate);
    ec_coder_destroy(p->coder);
    ec_reader_close(p->reader);
    ec_stream_close(p->stream);
    ec_batch_deinit(&p->batch);
}

/* Once through the text; what it took. */
static inline double bench_read_once(struct bench_read *b, const struct kit_text *text) {
    struct ec_err err = {0};
    struct bench_read_parts p = {0};
    double start = kit_seconds();
    b->rows = b->rejected = 0;
    bench_read_open(b, text, &p);
    do {
        kit_must(ec_reader_next(p.reader, &p.batch, &err), &err);
        if (p.batch.rows == 0) break;
        if (p.coder) ec_coder_run(p.coder, &p.batch);
        if (b->derivation) kit_must(ec_derive_eval(b->derivation, &p.batch, p.first, NULL, &err), &err);
        if (b->check) kit_must(ec_gate_check(p.gate, &p.batch, NULL, &err), &err);
        if (b->profile) kit_must(ec_gate_count(p.gate, &p.batch, &err), &err);
        b->rows += p.batch.rows;
    } while (p.batch.rows > 0);
    bench_read_close(&p);
    return kit_seconds() - start;
}

static inline void bench_read(const char *name, struct bench_read *b, const struct kit_text *text) {
    double best = 1e9;
    if (!kit_wanted(name)) return;
    for (int i = 0; i < KIT_TURNS; i++) {
        double took = bench_read_once(b, text);
        if (took < best) best = took;
    }
    kit_rate(name, text->n, best);
}

/* The source without the rules on its derived columns. */
static inline struct ec_source bench_read_underived(const struct ec_source *source) {
    struct ec_source plain = *source;
    plain.rule = calloc(source->rule_count + 1, sizeof *plain.rule);
    if (!plain.rule) exit(3);
    plain.rule_count = 0;
    for (size_t i = 0; i < source->rule_count; i++) {
        bool derived = source->rule[i].column == NULL;
        for (size_t k = 0; k < source->derive_count && !derived; k++)
            derived = strcmp(source->rule[i].column, source->derive[k].name) == 0;
        if (!derived) plain.rule[plain.rule_count++] = source->rule[i];
    }
    return plain;
}

/* Every step of `source`, under names that begin with `what`. */
static inline void bench_read_steps(const char *what, const char *suffix, const struct ec_source *source,
                                    struct ec_derivation *derivation, const struct kit_text *text) {
    struct ec_source plain = bench_read_underived(source);
    struct bench_read steps[] = {{.source = &plain, .code = true, .check = true},
                                 {.source = &plain, .code = true, .check = true, .profile = true},
                                 {.source = source, .code = true, .derivation = derivation},
                                 {.source = source, .code = true, .derivation = derivation, .check = true},
                                 {.source = source, .code = true, .derivation = derivation, .check = true, .profile = true}};
    static const char *const step[] = {"+check", "+check+profile", "+derive", "+derive+check", "+derive+check+profile"};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "%s%s%s", what, step[i], suffix);
        bench_read(name, &steps[i], text);
    }
    free(plain.rule);
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
