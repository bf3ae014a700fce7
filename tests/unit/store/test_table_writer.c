/* Where the rows of a table's new parts lie, as its writer says, against the parts themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/io.h"
#include "store/parquet_read.h"
#include "store/table_writer.h"

#include <stdlib.h>

enum { BATCHES = 12, ROWS = BATCHES * EC_BATCH_ROWS };

static char dir[64];
static struct ec_row_place place[ROWS]; /* of the row with that id */
static bool written[ROWS];

static int make_dir(void **state) {
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/ecluse-store-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

static uint64_t next_random(uint64_t *seed) {
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *seed >> 33;
}

/* Appends batches of ids in a partition of `partitions`, some rows left out; notes where they went. */
static void append_all(struct ec_table_writer *w, struct ec_batch *batch, uint64_t partitions) {
    uint64_t seed = partitions;
    uint32_t rows[EC_BATCH_ROWS];
    for (size_t b = 0; b < BATCHES; b++) {
        size_t n = 0;
        ec_batch_reset(batch);
        batch->rows = b % 5 == 4 ? 100 : EC_BATCH_ROWS;
        for (size_t row = 0; row < batch->rows; row++) {
            ec_column_int(&batch->column[0])[row] = (int64_t)(b * EC_BATCH_ROWS + row);
            ec_column_int(&batch->column[1])[row] = (int64_t)(next_random(&seed) % partitions);
            ec_bit_set(batch->column[0].valid, row);
            if (next_random(&seed) % 10) ec_bit_set(batch->column[1].valid, row); /* else in that of null */
            if (b % 3 == 0 || next_random(&seed) % 4) rows[n++] = (uint32_t)row;
        }
        assert_int_equal(ec_table_writer_append(w, batch, rows, n, NULL), EC_OK);
        for (size_t i = 0; i < n; i++) {
            place[b * EC_BATCH_ROWS + rows[i]] = ec_table_writer_places(w)[i];
            written[b * EC_BATCH_ROWS + rows[i]] = true;
        }
    }
}

static size_t check_part(const struct ec_part *part, size_t index) {
    char path[256];
    struct ec_parquet_file *file;
    struct ec_parquet_chunk chunk = {0};
    struct ec_err err = {0};
    assert_int_equal(ec_path_join(path, sizeof path, dir, part->path, NULL), EC_OK);
    if (ec_parquet_open(path, &file, &err) != EC_OK) fail_msg("%s", err.message);
    for (size_t g = 0; g < ec_parquet_groups(file); g++) {
        assert_int_equal(ec_parquet_chunk_open(&chunk, file, g, ec_parquet_find(file, "id"), NULL), EC_OK);
        assert_int_equal(ec_parquet_chunk_all(&chunk, NULL), EC_OK);
        for (uint32_t i = 0; i < chunk.rows; i++) {
            bool coded = i < chunk.coded_rows;
            const int64_t *values = coded ? chunk.dictionary : chunk.plain;
            size_t id = (size_t)values[coded ? chunk.code[i] : i];
            assert_true(id < ROWS && written[id]);
            assert_int_equal(place[id].part, index);
            assert_int_equal(place[id].row, ec_parquet_group_first(file, g) + i);
        }
    }
    size_t rows = (size_t)ec_parquet_rows(file);
    ec_parquet_chunk_deinit(&chunk);
    ec_parquet_close(file);
    return rows;
}

static void places_are(const char *partition_by, uint64_t partitions) {
    struct ec_batch batch;
    struct ec_table_writer *w;
    size_t at, found = 0, expected = 0;
    const struct ec_column_type integer = {.type = EC_TYPE_INTEGER};
    struct ec_table_writer_options options = {
        .dir = dir, .name = "part", .partition_by = partition_by, .rows_per_group = 1000};
    memset(written, 0, sizeof written);
    assert_int_equal(ec_batch_init(&batch, NULL), EC_OK);
    assert_int_equal(ec_batch_add_column(&batch, "id", integer, &at, NULL), EC_OK);
    assert_int_equal(ec_batch_add_column(&batch, "p", integer, &at, NULL), EC_OK);
    assert_int_equal(ec_table_writer_create(&options, &w, NULL), EC_OK);
    assert_null(ec_table_writer_places(w)); /* for nobody who does not ask */
    assert_int_equal(ec_table_writer_keep_places(w, NULL), EC_OK);
    append_all(w, &batch, partitions);
    assert_int_equal(ec_table_writer_finish(w, NULL), EC_OK);
    for (size_t i = 0; i < ec_table_writer_parts(w); i++) found += check_part(ec_table_writer_part(w, i), i);
    for (size_t i = 0; i < ROWS; i++) expected += written[i];
    assert_int_equal(found, expected);
    ec_table_writer_destroy(w);
    ec_batch_deinit(&batch);
    assert_int_equal(ec_dir_remove(dir, false, NULL), EC_OK);
}

static void rows_lie_where_the_writer_says(void **state) {
    (void)state;
    places_are(NULL, 5);
    places_are("p", 1);
    places_are("p", 7);
}

/* Parts are finished and begun again where more partitions are met than may be open. */
static void parts_that_are_begun_again(void **state) {
    (void)state;
    ec_files_raise(EC_OPEN_FILES);
    places_are("p", EC_TABLE_WRITER_OPEN_MAX + 300);
}

static int no_fsync(int fd) {
    (void)fd;
    return 0;
}

int main(void) {
    ec_io.fsync = no_fsync;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_lie_where_the_writer_says),
        cmocka_unit_test(parts_that_are_begun_again),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
