#include "cli/ddl.h"

const char *const ec_ddl_dialects[] = {"spark", "hive", "trino", "duckdb", NULL};

/* Between two of `mark`. Spark and Hive escape by a backslash within texts, everybody else by doubling. */
static void quoted(struct ec_buf *out, const char *text, char mark, bool backslash) {
    ec_buf_addc(out, mark);
    for (const char *p = text; *p; p++) {
        bool special = *p == mark || (backslash && *p == '\\');
        if (special) ec_buf_addc(out, backslash ? '\\' : mark);
        ec_buf_addc(out, *p);
    }
    ec_buf_addc(out, mark);
}

void ec_ddl_begin(struct ec_buf *out, const char *dialect) {
    if (strcmp(dialect, "spark") == 0 || strcmp(dialect, "hive") == 0)
        ec_buf_addz(out, "CREATE DATABASE IF NOT EXISTS ecluse;\n\n");
    else if (strcmp(dialect, "trino") == 0)
        ec_buf_addz(out, "-- Needs delta.register-table-procedure.enabled=true in the catalog's properties.\n"
                         "CREATE SCHEMA IF NOT EXISTS delta.ecluse;\n\n");
    else
        ec_buf_addz(out, "INSTALL delta;\nLOAD delta;\n\n");
}

static void hive_type(struct ec_buf *out, struct ec_column_type type) {
    switch (type.type) {
    case EC_TYPE_STRING: ec_buf_addz(out, "STRING"); break;
    case EC_TYPE_INTEGER: ec_buf_addz(out, "BIGINT"); break;
    case EC_TYPE_FLOAT: ec_buf_addz(out, "DOUBLE"); break;
    case EC_TYPE_BOOLEAN: ec_buf_addz(out, "BOOLEAN"); break;
    case EC_TYPE_DATETIME: ec_buf_addz(out, "TIMESTAMP"); break;
    case EC_TYPE_DATE: ec_buf_addz(out, "DATE"); break;
    case EC_TYPE_DECIMAL: ec_buf_printf(out, "DECIMAL(%u, %u)", (unsigned)type.precision, (unsigned)type.scale); break;
    }
}

/* Its connector wants the columns spelled out, the partition column in its place among them and in no clause of its own. */
static void hive_table(struct ec_buf *out, const char *name, const char *location, const struct ec_delta *table) {
    ec_buf_addz(out, "CREATE EXTERNAL TABLE IF NOT EXISTS ecluse.");
    quoted(out, name, '`', false);
    ec_buf_addz(out, " (\n");
    for (size_t i = 0; i < table->column_count; i++) {
        ec_buf_addz(out, "  ");
        quoted(out, table->column[i].name, '`', false);
        ec_buf_addc(out, ' ');
        hive_type(out, table->column[i].type);
        ec_buf_addz(out, i + 1 < table->column_count ? ",\n" : "\n");
    }
    ec_buf_addz(out, ")\nSTORED BY 'io.delta.hive.DeltaStorageHandler'\nLOCATION ");
    quoted(out, location, '\'', true);
    ec_buf_addz(out, ";\n");
}

/* Trino takes a URI; a path of this machine is a file's. */
static void trino_table(struct ec_buf *out, const char *name, const char *location) {
    struct ec_buf uri = ec_buf_make(1 << 16);
    ec_buf_printf(&uri, "%s%s", location[0] == '/' ? "file://" : "", location);
    ec_buf_addz(out, "CALL delta.system.register_table(schema_name => 'ecluse', table_name => ");
    quoted(out, name, '\'', false);
    ec_buf_addz(out, ", table_location => ");
    if (ec_buf_check(&uri, NULL) == EC_OK) quoted(out, uri.p, '\'', false);
    else out->failed = true;
    ec_buf_addz(out, ");\n");
    ec_buf_free(&uri);
}

void ec_ddl_table(struct ec_buf *out, const char *dialect, const char *name, const char *location, const struct ec_delta *table) {
    if (strcmp(dialect, "spark") == 0) {
        ec_buf_addz(out, "CREATE TABLE IF NOT EXISTS ecluse.");
        quoted(out, name, '`', false);
        ec_buf_addz(out, " USING DELTA LOCATION ");
        quoted(out, location, '\'', true);
        ec_buf_addz(out, ";\n");
    } else if (strcmp(dialect, "hive") == 0) {
        hive_table(out, name, location, table);
    } else if (strcmp(dialect, "trino") == 0) {
        trino_table(out, name, location);
    } else {
        ec_buf_addz(out, "CREATE OR REPLACE VIEW ");
        quoted(out, name, '"', false);
        ec_buf_addz(out, " AS SELECT * FROM delta_scan(");
        quoted(out, location, '\'', false);
        ec_buf_addz(out, ");\n");
    }
}
