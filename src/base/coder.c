#include "base/coder.h"

#include "base/io.h"
#include "base/lexicon.h"

#define REPEAT_FROM 2048u /* values of a column before it can show itself unique */

struct coded {
    size_t column;
    bool gave_up;
    struct ec_dictionary dictionary;
    struct ec_lexicon lexicon;
    uint64_t seen;  /* values so far */
    uint32_t *code; /* EC_BATCH_ROWS */
};

struct ec_coder {
    struct coded *column;
    size_t columns;
};

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the values of a column");
}

enum ec_status ec_coder_create(const struct ec_batch *batch, struct ec_coder **out, struct ec_err *err) {
    struct ec_coder *coder = ec_calloc(1, sizeof *coder);
    if (!coder) return no_memory(err);
    coder->column = ec_calloc(batch->columns ? batch->columns : 1, sizeof *coder->column);
    if (!coder->column) {
        ec_coder_destroy(coder);
        return no_memory(err);
    }
    for (size_t i = 0; i < batch->columns; i++) {
        if (batch->column[i].type.type != EC_TYPE_STRING) continue;
        struct coded *c = &coder->column[coder->columns++];
        *c = (struct coded){.column = i, .dictionary.id = ec_dictionary_id()};
        ec_lexicon_init(&c->lexicon);
    }
    *out = coder;
    return EC_OK;
}

void ec_coder_destroy(struct ec_coder *coder) {
    if (!coder) return;
    for (size_t i = 0; i < coder->columns; i++) {
        ec_lexicon_deinit(&coder->column[i].lexicon);
        ec_free(coder->column[i].code);
    }
    ec_free(coder->column);
    ec_free(coder);
}

static uint32_t add(struct coded *c, const struct ec_text *text, uint64_t seen) {
    if (c->lexicon.count > REPEAT_FROM && c->lexicon.count > seen / 2) return EC_LEXICON_NONE;
    return ec_lexicon_add(&c->lexicon, text);
}

/* False where the column is not to be coded any more. */
static bool code_column(struct coded *c, const struct ec_column *column, size_t rows) {
    if (!c->code) c->code = ec_calloc(EC_BATCH_ROWS, sizeof *c->code);
    if (!c->code) return false;
    const struct ec_text *text = ec_column_text(column);
    uint64_t seen = c->seen;
    for (size_t row = 0; row < rows; row++) {
        uint32_t code = 0;
        if (ec_bit(column->valid, row)) {
            seen++;
            code = ec_lexicon_find(&c->lexicon, &text[row]);
            if (code == EC_LEXICON_NONE) code = add(c, &text[row], seen);
            if (code == EC_LEXICON_NONE) return false;
        }
        c->code[row] = code;
    }
    c->seen = seen;
    return true;
}

void ec_coder_run(struct ec_coder *coder, struct ec_batch *batch) {
    static const struct ec_text null = {0};
    for (size_t i = 0; i < coder->columns; i++) {
        struct coded *c = &coder->column[i];
        struct ec_column *column = &batch->column[c->column];
        if (c->gave_up) continue;
        c->gave_up = !code_column(c, column, batch->rows);
        bool empty = c->lexicon.count == 0;
        c->dictionary.count = empty ? 1 : c->lexicon.count;
        c->dictionary.values = empty ? &null : c->lexicon.value;
        column->dictionary = c->gave_up ? NULL : &c->dictionary;
        column->code = c->code;
    }
}
