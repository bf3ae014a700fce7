/* DuckDB's types and vectors in ours. */
#include "sql/duck.h"

#include "base/io.h"

static bool read_decimal(duckdb_logical_type logical, struct ec_duck_type *out) {
    out->storage = duckdb_decimal_internal_type(logical);
    uint8_t precision = duckdb_decimal_width(logical);
    uint8_t scale = duckdb_decimal_scale(logical);
    if (scale > EC_DECIMAL_PRECISION_MAX) return false;
    if (precision > EC_DECIMAL_PRECISION_MAX) precision = EC_DECIMAL_PRECISION_MAX; /* each value is checked */
    out->type = (struct ec_column_type){EC_TYPE_DECIMAL, precision, scale};
    out->direct = out->storage == DUCKDB_TYPE_BIGINT;
    return true;
}

static bool read_enum(duckdb_logical_type logical, struct ec_duck_type *out) {
    size_t count = duckdb_enum_dictionary_size(logical);
    out->storage = duckdb_enum_internal_type(logical);
    out->words = ec_calloc(count ? count : 1, sizeof *out->words);
    out->word_memory = ec_calloc(count ? count : 1, sizeof *out->word_memory);
    if (!out->words || !out->word_memory) return false;
    for (size_t i = 0; i < count; i++) {
        char *word = duckdb_enum_dictionary_value(logical, i);
        if (!word) return false;
        out->word_memory[out->word_count++] = word;
        out->words[i] = ec_text_of(word, strlen(word));
    }
    return true;
}

bool ec_duck_type_of(duckdb_logical_type logical, struct ec_duck_type *out) {
    *out = (struct ec_duck_type){.id = duckdb_get_type_id(logical)};
    switch (out->id) {
    case DUCKDB_TYPE_DECIMAL: return read_decimal(logical, out);
    case DUCKDB_TYPE_ENUM: out->type.type = EC_TYPE_STRING; return read_enum(logical, out);
    case DUCKDB_TYPE_VARCHAR: out->direct = true; out->type.type = EC_TYPE_STRING; return true;
    case DUCKDB_TYPE_UUID: out->type.type = EC_TYPE_STRING; return true;
    case DUCKDB_TYPE_BOOLEAN: out->direct = true; out->type.type = EC_TYPE_BOOLEAN; return true;
    case DUCKDB_TYPE_DOUBLE: out->direct = true; out->type.type = EC_TYPE_FLOAT; return true;
    case DUCKDB_TYPE_FLOAT: out->type.type = EC_TYPE_FLOAT; return true;
    case DUCKDB_TYPE_DATE: out->direct = true; out->type.type = EC_TYPE_DATE; return true;
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ: out->direct = true; out->type.type = EC_TYPE_DATETIME; return true;
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS: out->type.type = EC_TYPE_DATETIME; return true;
    case DUCKDB_TYPE_BIGINT: out->direct = true; out->type.type = EC_TYPE_INTEGER; return true;
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT: out->type.type = EC_TYPE_INTEGER; return true;
    default: return false;
    }
}

void ec_duck_type_release(struct ec_duck_type *type) {
    for (size_t i = 0; i < type->word_count; i++) duckdb_free(type->word_memory[i]);
    ec_free(type->word_memory);
    ec_free(type->words);
    *type = (struct ec_duck_type){0};
}

duckdb_logical_type ec_duck_logical(struct ec_column_type type) {
    switch (type.type) {
    case EC_TYPE_STRING: return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    case EC_TYPE_INTEGER: return duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    case EC_TYPE_FLOAT: return duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    case EC_TYPE_BOOLEAN: return duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    case EC_TYPE_DATETIME: return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP);
    case EC_TYPE_DATE: return duckdb_create_logical_type(DUCKDB_TYPE_DATE);
    case EC_TYPE_DECIMAL: return duckdb_create_decimal_type(type.precision, type.scale);
    }
    return NULL;
}

void ec_duck_type_sql(struct ec_column_type type, bool instant, char *out) {
    static const char *const names[] = {
        [EC_TYPE_STRING] = "VARCHAR",   [EC_TYPE_INTEGER] = "BIGINT",     [EC_TYPE_FLOAT] = "DOUBLE",
        [EC_TYPE_BOOLEAN] = "BOOLEAN",  [EC_TYPE_DATETIME] = "TIMESTAMP", [EC_TYPE_DATE] = "DATE",
        [EC_TYPE_DECIMAL] = "DECIMAL",
    };
    if (type.type == EC_TYPE_DECIMAL)
        (void)snprintf(out, 32, "DECIMAL(%u,%u)", (unsigned)type.precision, (unsigned)type.scale);
    else
        (void)snprintf(out, 32, "%s", instant && type.type == EC_TYPE_DATETIME ? "TIMESTAMPTZ" : names[type.type]);
}

const char *ec_duck_type_word(duckdb_type id) {
    switch (id) {
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIME_TZ:
    case DUCKDB_TYPE_TIME_NS: return "TIME";
    case DUCKDB_TYPE_INTERVAL: return "INTERVAL";
    case DUCKDB_TYPE_BLOB: return "BLOB";
    case DUCKDB_TYPE_BIT: return "BIT";
    case DUCKDB_TYPE_LIST: return "LIST";
    case DUCKDB_TYPE_STRUCT: return "STRUCT";
    case DUCKDB_TYPE_MAP: return "MAP";
    case DUCKDB_TYPE_ARRAY: return "ARRAY";
    case DUCKDB_TYPE_UNION: return "UNION";
    case DUCKDB_TYPE_DECIMAL: return N_("DECIMAL of more than 18 places behind the point");
    case DUCKDB_TYPE_BIGNUM: return "BIGNUM";
    default: return N_("a type without a column type of ours");
    }
}
