/* The encoder over the logs' real columns, and the reader over what it wrote. Reading JSON is not timed; rejected
 * rows are left out, as in a run. */
#include "kit.h"

#include "gate/gate.h"
#include "store/parquet.h"
#include "store/parquet_read.h"

static char path[256];

struct figure {
    double seconds;
    double values;
};

static struct ec_parquet *create(const struct ec_batch *batch, enum ec_codec codec) {
    struct ec_parquet_column *column = calloc(batch->columns, sizeof *column);
    struct ec_parquet *pq;
    struct ec_err err = {0};
    if (!column) exit(3);
    for (size_t i = 0; i < batch->columns; i++)
        column[i] = (struct ec_parquet_column){batch->column[i].name, batch->column[i].type};
    struct ec_parquet_options options = {column, batch->columns, 100000, codec};
    (void)unlink(path);
    kit_must(ec_parquet_create(path, &options, &pq, &err), &err);
    free(column);
    return pq;
}

static size_t accepted(const struct ec_batch *batch, uint32_t *rows) {
    size_t n = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        rows[n] = (uint32_t)row;
        n += !ec_bit(batch->rejected, row);
    }
    return n;
}

static struct figure encode(const struct ec_source *source, const struct kit_text *text, enum ec_codec codec) {
    struct ec_err err = {0};
    struct ec_batch batch;
    struct ec_stream *stream;
    struct ec_reader *reader;
    const struct ec_reader_type *type;
    struct ec_gate *gate;
    struct ec_part_stats stats;
    struct figure f = {0};
    static uint32_t rows[EC_BATCH_ROWS];
    static size_t map[64];
    kit_must(ec_batch_init(&batch, &err), &err);
    kit_must(ec_reader_columns(source, &batch, &err), &err);
    kit_must(ec_stream_memory(text->p, text->n, 0, &stream, &err), &err);
    kit_must(ec_reader_choose(source, "text", text->p, 65536, &type, &err), &err);
    kit_must(ec_reader_open(type, &(struct ec_reader_args){.source = source, .stream = stream, .path = "text"}, &batch,
                            &reader, &err),
             &err);
    kit_must(ec_gate_create(source, &batch, batch.columns, 0, &gate, &err), &err);
    struct ec_parquet *pq = create(&batch, codec);
    for (size_t i = 0; i < batch.columns; i++) map[i] = i;
    for (;;) {
        kit_must(ec_reader_next(reader, &batch, &err), &err);
        if (batch.rows == 0) break;
        kit_must(ec_gate_check(gate, &batch, NULL, &err), &err);
        size_t n = accepted(&batch, rows);
        double start = kit_seconds();
        kit_must(ec_parquet_append(pq, &batch, map, rows, n, &err), &err);
        f.seconds += kit_seconds() - start;
        f.values += (double)(n * batch.columns);
    }
    double start = kit_seconds();
    kit_must(ec_parquet_finish(pq, &stats, &err), &err);
    f.seconds += kit_seconds() - start;
    ec_part_stats_deinit(&stats);
    ec_parquet_destroy(pq);
    ec_gate_destroy(gate);
    ec_reader_close(reader);
    ec_stream_close(stream);
    ec_batch_deinit(&batch);
    return f;
}

static struct figure read_back(void) {
    struct ec_parquet_file *file;
    struct ec_parquet_chunk chunk = {0};
    struct ec_err err = {0};
    struct figure f = {0};
    double start = kit_seconds();
    kit_must(ec_parquet_open(path, &file, &err), &err);
    for (size_t group = 0; group < ec_parquet_groups(file); group++)
        for (size_t column = 0; column < ec_parquet_columns(file); column++) {
            kit_must(ec_parquet_chunk_open(&chunk, file, group, column, &err), &err);
            kit_must(ec_parquet_chunk_all(&chunk, &err), &err);
            f.values += chunk.rows;
        }
    ec_parquet_chunk_deinit(&chunk);
    ec_parquet_close(file);
    f.seconds = kit_seconds() - start;
    return f;
}

static void show(const char *name, const char *unit, double scale, struct figure f) {
    (void)printf("%-44s  %8.3f %s    %.1f M values, best of %d\n", name, f.seconds / f.values * scale, unit,
                 f.values / 1e6, KIT_TURNS);
}

int main(int argc, char **argv) {
    struct ec_config *config = kit_begin(argc, argv);
    const struct ec_source *logs = kit_source(config, "api_logs");
    struct kit_text text = kit_member(0);
    static const enum ec_codec codecs[] = {EC_CODEC_NONE, EC_CODEC_SNAPPY, EC_CODEC_ZSTD};
    static const char *const names[] = {"parquet encode logs, no compression", "parquet encode logs, snappy",
                                        "parquet encode logs"};
    static const char *const back[] = {"parquet read logs, no compression", "parquet read logs, snappy",
                                       "parquet read logs, zstd"};
    (void)snprintf(path, sizeof path, "%s/part.parquet", kit_folder);
    for (size_t c = 0; c < sizeof codecs / sizeof *codecs; c++) {
        struct figure best = {.seconds = 1e9}, best_read = {.seconds = 1e9};
        for (int turn = 0; turn < KIT_TURNS; turn++) {
            struct figure f = encode(logs, &text, codecs[c]), r = read_back();
            if (f.seconds < best.seconds) best = f;
            if (r.seconds < best_read.seconds) best_read = r;
        }
        show(names[c], "µs/value", 1e6, best);
        show(back[c], "ns/value", 1e9, best_read);
    }
    free(text.p);
    ec_config_destroy(config);
    return 0;
}
