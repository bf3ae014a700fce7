#include "cli/explain_text.h"

#include <string.h>

static const struct ec_explanation statuses[EC_STATUS_COUNT] = {
    [EC_OK] = {N_("`ecluse run` ended with exit code 0."), NULL},
    [EC_USAGE] = {N_("`ecluse run --job 4`: the option is --jobs."), NULL},
    [EC_CONFIG] = {N_("pipeline_config.yaml:3:1 says `chunk_row: 100000`; the key is chunk_rows."), NULL},
    [EC_IO] = {N_("data/processed belongs to another user and cannot be written."), NULL},
    [EC_DISK_FULL] = {N_("The parts of a run needed 4 GB, and 2 GB were free."), NULL},
    [EC_NO_MEMORY] = {N_("memory_limit_mb is 64, and a model sorts 10 million rows with no disk to spill to."), NULL},
    [EC_ENGINE] = {N_("A model casts a text column to a number, and a row holds `n/a`."), NULL},
    [EC_IMBALANCE] = {N_("sales_1.csv: 1,000 rows read, 990 accepted, 9 quarantined, 0 duplicates: one is missing."), NULL},
    [EC_PROTOCOL] = {N_("A worker of an older version answers the driver of a newer one."), NULL},
    [EC_LOCKED] = {N_("A timer starts `ecluse run` while the run before is still under way."), NULL},
    [EC_INTERRUPTED] = {N_("Ctrl-C during a run."), NULL},
    [EC_GATE_FAILED] = {N_("sales_1.csv has a completeness of 88, and its threshold is 95."), NULL},
    [EC_DELIVERY] = {N_("The run committed its tables; data/quality was read-only, so no report could be written."), NULL},
    [EC_TABLE_FORMAT] = {N_("Another program wrote a commit that needs a newer reader than version 1."), NULL},
    [EC_COMMIT_CONFLICT] =
        {N_("Another program appended to data/processed/enriched/sales between the plan and the commit."), NULL},
    [EC_UNREADABLE] = {N_("`ecluse validate sale_1.csv`, and the file is named sales_1.csv."), NULL},
    [EC_EMPTY_FILE] = {N_("The sender's disk was full: users_3.csv arrived with 0 bytes."), NULL},
    [EC_UNKNOWN_FORMAT] = {N_("products_catalog.csv is a workbook that was renamed."), NULL},
    [EC_MISSING_COLUMN] = {N_("The header of sales_1.csv says `orderid` where the schema requires order_id."), NULL},
    [EC_TOO_MANY_COLUMNS] = {N_("A file separated by semicolons, with thousands of commas in its first line."), NULL},
    [EC_BAD_HEADER] = {N_("The first line is `order_id,order_id,quantity`: one name twice."), NULL},
    [EC_ENCODING] = {N_("A CSV saved by a spreadsheet as Windows-1252: the byte E9 for an e with acute."), NULL},
    [EC_RECORD_TOO_LONG] = {N_("A binary file named .csv: no line end in the first 4 MiB."), NULL},
    [EC_GZIP_NOT] = {N_("api_logs.json.gz was unpacked by a proxy on its way and kept its name."), NULL},
    [EC_GZIP_TRUNCATED] = {N_("A transfer of api_logs.json.gz broke off at 80 %."), NULL},
    [EC_GZIP_DAMAGED] = {N_("A byte of the file changed: its CRC no longer fits its contents."), NULL},
    [EC_GZIP_TRAILING] = {N_("Two transfers were written into one file, the second one not gzip."), NULL},
    [EC_BOMB] = {N_("A file of 10 MB that unpacks to 10 GB of zeros."), NULL},
    [EC_ZIP_NOT] = {N_("api_logs.zip is the HTML page of a failed download."), NULL},
    [EC_ZIP_DAMAGED] = {N_("The archive's end is missing: an interrupted transfer."), NULL},
    [EC_ZIP_ENCRYPTED] = {N_("api_logs.zip asks for a password when it is unpacked."), NULL},
    [EC_ZIP_NAME] = {N_("A member of the archive is named ../../etc/passwd."), NULL},
    [EC_ZIP_OVERLAP] = {N_("Ten thousand members that all point at the same bytes."), NULL},
    [EC_ZIP_TOO_MANY] = {N_("An archive of a whole folder tree: 50,000 members."), NULL},
    [EC_ZIP_METHOD] = {N_("The archive was packed with bzip2 or LZMA."), NULL},
    [EC_XLSX_DAMAGED] = {N_("products_catalog.xlsx holds no sheet."), NULL},
    [EC_XLSX_UNSAFE] = {N_("A part of the workbook declares entities that expand to gigabytes."), NULL},
    [EC_XLSX_ENCRYPTED] = {N_("products_catalog.xlsx asks for a password when it is opened."), NULL},
    [EC_XLSX_TOO_LARGE] = {N_("A workbook with 200 columns and 100,000 rows: 20 million cells."), NULL},
    [EC_TIMEOUT] = {N_("processing_timeout is 60 seconds, and a file of 40 GB takes longer."), NULL},
    [EC_WORKER_DIED] = {N_("The system killed the worker for its memory, twice."), NULL},
    [EC_ARCHIVE_DAMAGED] = {N_("A file in the archive has another SHA-256 than the archive's list says."), NULL},
    [EC_ARCHIVE_UNSAFE] = {N_("Somebody repacked the archive with a link named data/raw that points at /etc."), NULL},
    [EC_ARCHIVE_EXISTS] = {N_("`ecluse restore` in a project that is in use: its configuration is there already."), NULL},
    [EC_FILE_CHANGED] = {N_("The file was still being copied into data/raw when the run read it."), NULL},
    [EC_REMOTE] = {N_("`files:` names s3://shop-drops/sales/*.csv, and the bucket is called shop-drop."), NULL},
    [EC_REMOTE_DENIED] = {N_("The session token of a temporary key has expired."), NULL},
    [EC_REMOTE_READ] = {N_("s3://shop-drop/sales/sales_1.csv may be listed, but not read, by this user."), NULL},
    [EC_REMOTE_NAME] = {N_("The key of an object is `drop/../sales_1.csv`, which a store allows."), NULL},
};

static const struct ec_explanation reasons[EC_REASON_COUNT] = {
    [EC_REASON_PARSE] =
        {N_("A log line that ends in the middle: {\"request_id\": \"r-17\", \"endp"),
         N_("Look at its bytes with `ecluse quarantine show --reason parse-error`; ask the sender for the record again.")},
    [EC_REASON_MISSING_CELL] = {N_("The header has 11 columns and the row `o-17,2025-07-18,u-4` has 3."),
                                N_("Look for an unquoted line end within a cell, or for a broken-off transfer.")},
    [EC_REASON_EXTRA_CELL] =
        {N_("The header has 3 columns and the row is `o-17,12,5,9`: a decimal comma that is not quoted."),
         N_("Ask the sender to quote cells that hold the separator.")},
    [EC_REASON_TYPE] = {N_("quantity is an integer and the cell holds `two`."),
                        N_("Correct the value at its origin; or widen the type, or declare `formats` or `null_values`, in "
                        "data_schemas.json.")},
    [EC_REASON_NULL] =
        {N_("order_id is declared not null, and the cell is empty."),
         N_("Correct the value at its origin; or drop not_null from data_schemas.json if it may be absent.")},
    [EC_REASON_ENCODING] = {N_("A city written in Latin-1: the byte E9, which is not UTF-8."),
                            N_("Ask for UTF-8, or declare `encoding:` for the source in pipeline_config.yaml.")},
    [EC_REASON_TOO_LONG] = {N_("A cell of 2 MiB; the limit is 1 MiB."),
                            N_("Check whether a quote was opened and never closed; its place is in the quarantine.")},
    [EC_REASON_DUPLICATE] = {N_("order_id o-17 stands in line 5 and in line 90: line 5 is kept."),
                             N_("`ecluse quarantine show --reason duplicate-key` names the first occurrence; if newer "
                             "rows are to win, set `load: merge`.")},
    [EC_REASON_RULE] =
        {N_("rule:quantity.min_value: quantity is 0, and the rule says `min_value: 1`."),
         N_("`ecluse explain rule:ID` shows the rule; correct the row at its origin, or the rule in business_rules.yaml.")},
    [EC_REASON_DERIVE] = {N_("The column `age_days` is computed with CAST(born AS DATE), and born is `unknown`."),
                          N_("Make the expression total, for example with TRY_CAST, in pipeline_config.yaml.")},
    [EC_REASON_FILE] = {N_("A rule of severity critical failed elsewhere in the file; this row was good."),
                        N_("Mend the file and drop it again: all its rows are then read anew.")},
};

const struct ec_explanation *ec_explain_status(enum ec_status status) {
    return &statuses[status];
}
const struct ec_explanation *ec_explain_reason(enum ec_reason reason) {
    return &reasons[reason];
}

static const struct ec_rule_explanation kinds[] = {
    {"allowed_range", N_("A value passes from the first bound to the second, both included; a null passes."),
     N_("`status_code: {allowed_range: [100, 599]}`; 99 fails."),
     N_("Correct the value at its origin, or widen the range in business_rules.yaml.")},
    {"min_value", N_("A value passes where it is at least the bound: a number, a date, or another column's name; a null passes."),
     N_("`quantity: {min_value: 1}`; 0 fails. `end_time: {min_value: start_time}`; an end before its start fails."),
     N_("Correct the value at its origin, or lower the bound in business_rules.yaml.")},
    {"max_value", N_("A value passes where it is at most the bound: a number, a date, or another column's name; a null passes."),
     N_("`response_time_ms: {max_value: 10000}`; 10001 fails."),
     N_("Correct the value at its origin, or raise the bound in business_rules.yaml.")},
    {"allowed_values", N_("A value passes where it is one of the list, case and all; a null passes."),
     N_("`gender: {allowed_values: [M, F, O]}`; f fails."),
     N_("Correct the value at its origin, or add it to the list in business_rules.yaml.")},
    {"not_allowed_values", N_("A value passes where it is none of the list; a null passes."),
     N_("`email: {not_allowed_values: [admin@example.com]}`; a test account fails."),
     N_("Keep such rows out at their origin, or take the value off the list in business_rules.yaml.")},
    {"not_null", N_("A cell passes where it holds a value; an empty cell and one of the column's null_values do not."),
     N_("`order_id: {not_null: true}`; a row without an order_id fails."),
     N_("Have the sender fill the column, or drop not_null from business_rules.yaml or data_schemas.json.")},
    {"regex", N_("A text passes where the pattern (PCRE2) matches somewhere in it: ^ and $ tie it to both ends; a null passes."),
     N_("`country_code: {regex: '^[A-Z]{2}$'}`; `fr` fails."),
     N_("Correct the value at its origin, or the pattern in business_rules.yaml.")},
    {"min_length", N_("A text passes where it has at least so many characters; a null passes."),
     N_("`user_id: {min_length: 4}`; `u-1` fails."),
     N_("Correct the value at its origin, or lower the length in business_rules.yaml.")},
    {"max_length", N_("A text passes where it has at most so many characters; a null passes."),
     N_("`city: {max_length: 80}`; an address that slipped into the column fails."),
     N_("Correct the value at its origin, or raise the length in business_rules.yaml.")},
    {"expression", N_("A row passes where the SQL expression is true or null."),
     N_("`_rows: [{id: total_matches, expression: \"abs(total_amount - quantity * unit_price) < 0.011\"}]`; a wrong total fails."),
     N_("Correct the row at its origin, or the expression in business_rules.yaml.")},
    {"parse", N_("A record passes where it is well-formed and has the columns of its header; every source has this check."),
     N_("A JSON record that ends in the middle; a CSV row with a stray quote, or with fewer cells than the header."),
     N_("`ecluse quarantine show --reason parse-error` shows the bytes; ask the sender for the record again.")},
    {"type", N_("A cell passes where it can be read as its column's type; every declared column but a text has this check."),
     N_("quantity is an integer in data_schemas.json, and the cell holds `two`."),
     N_("Correct the value at its origin; or widen the type, or declare `formats` or `null_values`, in data_schemas.json.")},
    {"unique", N_("A row passes where its key did not occur before, in the file, the run, or the loaded partitions."),
     N_("`key: [order_id]` in pipeline_config.yaml; order_id o-17 stands in line 5 and in line 90: line 90 fails."),
     N_("Find out why the sender repeats rows; if newer ones are to win, set `load: merge`.")},
};

const struct ec_rule_explanation *ec_explain_rule_kind(size_t i) {
    return i < sizeof kinds / sizeof *kinds ? &kinds[i] : NULL;
}

const struct ec_rule_explanation *ec_explain_rule_kind_of(const char *key) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].key, key) == 0) return &kinds[i];
    return NULL;
}
