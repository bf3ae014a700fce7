#include "cli/explain_text.h"

#include <string.h>

static const struct ec_explanation statuses[EC_STATUS_COUNT] = {
    [EC_OK] = {"`ecluse run` ended with exit code 0.", NULL},
    [EC_USAGE] = {"`ecluse run --job 4`: the option is --jobs.", NULL},
    [EC_CONFIG] = {"pipeline_config.yaml:3:1 says `chunk_row: 100000`; the key is chunk_rows.", NULL},
    [EC_IO] = {"data/processed belongs to another user and cannot be written.", NULL},
    [EC_DISK_FULL] = {"The parts of a run needed 4 GB, and 2 GB were free.", NULL},
    [EC_NO_MEMORY] = {"memory_limit_mb is 64, and a model sorts 10 million rows with no disk to spill to.", NULL},
    [EC_ENGINE] = {"A model casts a text column to a number, and a row holds `n/a`.", NULL},
    [EC_IMBALANCE] = {"sales_1.csv: 1,000 rows read, 990 accepted, 9 quarantined, 0 duplicates: one is missing.", NULL},
    [EC_PROTOCOL] = {"A worker of an older version answers the driver of a newer one.", NULL},
    [EC_LOCKED] = {"A timer starts `ecluse run` while the run before is still under way.", NULL},
    [EC_INTERRUPTED] = {"Ctrl-C during a run.", NULL},
    [EC_GATE_FAILED] = {"sales_1.csv has a completeness of 88, and its threshold is 95.", NULL},
    [EC_DELIVERY] = {"The run committed its tables; data/quality was read-only, so no report could be written.", NULL},
    [EC_TABLE_FORMAT] = {"Another program wrote a commit that needs a newer reader than version 1.", NULL},
    [EC_COMMIT_CONFLICT] =
        {"Another program appended to data/processed/enriched/sales between the plan and the commit.", NULL},
    [EC_UNREADABLE] = {"`ecluse validate sale_1.csv`, and the file is named sales_1.csv.", NULL},
    [EC_EMPTY_FILE] = {"The sender's disk was full: users_3.csv arrived with 0 bytes.", NULL},
    [EC_UNKNOWN_FORMAT] = {"products_catalog.csv is a workbook that was renamed.", NULL},
    [EC_MISSING_COLUMN] = {"The header of sales_1.csv says `orderid` where the schema requires order_id.", NULL},
    [EC_TOO_MANY_COLUMNS] = {"A file separated by semicolons, with thousands of commas in its first line.", NULL},
    [EC_BAD_HEADER] = {"The first line is `order_id,order_id,quantity`: one name twice.", NULL},
    [EC_ENCODING] = {"A CSV saved by a spreadsheet as Windows-1252: the byte E9 for an e with acute.", NULL},
    [EC_RECORD_TOO_LONG] = {"A binary file named .csv: no line end in the first 4 MiB.", NULL},
    [EC_GZIP_NOT] = {"api_logs.json.gz was unpacked by a proxy on its way and kept its name.", NULL},
    [EC_GZIP_TRUNCATED] = {"A transfer of api_logs.json.gz broke off at 80 %.", NULL},
    [EC_GZIP_DAMAGED] = {"A byte of the file changed: its CRC no longer fits its contents.", NULL},
    [EC_GZIP_TRAILING] = {"Two transfers were written into one file, the second one not gzip.", NULL},
    [EC_BOMB] = {"A file of 10 MB that unpacks to 10 GB of zeros.", NULL},
    [EC_ZIP_NOT] = {"api_logs.zip is the HTML page of a failed download.", NULL},
    [EC_ZIP_DAMAGED] = {"The archive's end is missing: an interrupted transfer.", NULL},
    [EC_ZIP_ENCRYPTED] = {"api_logs.zip asks for a password when it is unpacked.", NULL},
    [EC_ZIP_NAME] = {"A member of the archive is named ../../etc/passwd.", NULL},
    [EC_ZIP_OVERLAP] = {"Ten thousand members that all point at the same bytes.", NULL},
    [EC_ZIP_TOO_MANY] = {"An archive of a whole folder tree: 50,000 members.", NULL},
    [EC_ZIP_METHOD] = {"The archive was packed with bzip2 or LZMA.", NULL},
    [EC_XLSX_DAMAGED] = {"products_catalog.xlsx holds no sheet.", NULL},
    [EC_XLSX_UNSAFE] = {"A part of the workbook declares entities that expand to gigabytes.", NULL},
    [EC_XLSX_ENCRYPTED] = {"products_catalog.xlsx asks for a password when it is opened.", NULL},
    [EC_XLSX_TOO_LARGE] = {"A workbook with 200 columns and 100,000 rows: 20 million cells.", NULL},
    [EC_TIMEOUT] = {"processing_timeout is 60 seconds, and a file of 40 GB takes longer.", NULL},
    [EC_WORKER_DIED] = {"The system killed the worker for its memory, twice.", NULL},
    [EC_ARCHIVE_DAMAGED] = {"A file in the archive has another SHA-256 than the archive's list says.", NULL},
    [EC_ARCHIVE_UNSAFE] = {"Somebody repacked the archive with a link named data/raw that points at /etc.", NULL},
    [EC_ARCHIVE_EXISTS] = {"`ecluse restore` in a project that is in use: its configuration is there already.", NULL},
    [EC_REMOTE] = {"`files:` names s3://shop-drops/sales/*.csv, and the bucket is called shop-drop.", NULL},
    [EC_REMOTE_DENIED] = {"The session token of a temporary key has expired.", NULL},
    [EC_REMOTE_READ] = {"s3://shop-drop/sales/sales_1.csv may be listed, but not read, by this user.", NULL},
    [EC_REMOTE_NAME] = {"The key of an object is `drop/../sales_1.csv`, which a store allows.", NULL},
    [EC_FILE_CHANGED] = {"The file was still being copied into data/raw when the run read it.", NULL},
};

static const struct ec_explanation reasons[EC_REASON_COUNT] = {
    [EC_REASON_PARSE] =
        {"A log line that ends in the middle: {\"request_id\": \"r-17\", \"endp",
         "Look at its bytes with `ecluse quarantine show --reason parse-error`; ask the sender for the record again."},
    [EC_REASON_MISSING_CELL] = {"The header has 11 columns and the row `o-17,2025-07-18,u-4` has 3.",
                                "Look for an unquoted line end within a cell, or for a broken-off transfer."},
    [EC_REASON_EXTRA_CELL] =
        {"The header has 3 columns and the row is `o-17,12,5,9`: a decimal comma that is not quoted.",
         "Ask the sender to quote cells that hold the separator."},
    [EC_REASON_TYPE] = {"quantity is an integer and the cell holds `two`.",
                        "Correct the value at its origin; or widen the type, or declare `formats` or `null_values`, in "
                        "data_schemas.json."},
    [EC_REASON_NULL] =
        {"order_id is declared not null, and the cell is empty.",
         "Correct the value at its origin; or drop not_null from data_schemas.json if it may be absent."},
    [EC_REASON_ENCODING] = {"A city written in Latin-1: the byte E9, which is not UTF-8.",
                            "Ask for UTF-8, or declare `encoding:` for the source in pipeline_config.yaml."},
    [EC_REASON_TOO_LONG] = {"A cell of 2 MiB; the limit is 1 MiB.",
                            "Check whether a quote was opened and never closed; its place is in the quarantine."},
    [EC_REASON_DUPLICATE] = {"order_id o-17 stands in line 5 and in line 90: line 5 is kept.",
                             "`ecluse quarantine show --reason duplicate-key` names the first occurrence; if newer "
                             "rows are to win, set `load: merge`."},
    [EC_REASON_RULE] =
        {"rule:quantity.min_value: quantity is 0, and the rule says `min_value: 1`.",
         "`ecluse explain rule:ID` shows the rule; correct the row at its origin, or the rule in business_rules.yaml."},
    [EC_REASON_DERIVE] = {"The column `age_days` is computed with CAST(born AS DATE), and born is `unknown`.",
                          "Make the expression total, for example with TRY_CAST, in pipeline_config.yaml."},
    [EC_REASON_FILE] = {"A rule of severity critical failed elsewhere in the file; this row was good.",
                        "Mend the file and drop it again: all its rows are then read anew."},
};

const struct ec_explanation *ec_explain_status(enum ec_status status) {
    return &statuses[status];
}
const struct ec_explanation *ec_explain_reason(enum ec_reason reason) {
    return &reasons[reason];
}

static const struct ec_rule_explanation kinds[] = {
    {"allowed_range", "A value passes from the first bound to the second, both included; a null passes.",
     "`status_code: {allowed_range: [100, 599]}`; 99 fails.",
     "Correct the value at its origin, or widen the range in business_rules.yaml."},
    {"min_value", "A value passes where it is at least the bound: a number, a date, or another column's name; a null passes.",
     "`quantity: {min_value: 1}`; 0 fails. `end_time: {min_value: start_time}`; an end before its start fails.",
     "Correct the value at its origin, or lower the bound in business_rules.yaml."},
    {"max_value", "A value passes where it is at most the bound: a number, a date, or another column's name; a null passes.",
     "`response_time_ms: {max_value: 10000}`; 10001 fails.",
     "Correct the value at its origin, or raise the bound in business_rules.yaml."},
    {"allowed_values", "A value passes where it is one of the list, case and all; a null passes.",
     "`gender: {allowed_values: [M, F, O]}`; f fails.",
     "Correct the value at its origin, or add it to the list in business_rules.yaml."},
    {"not_allowed_values", "A value passes where it is none of the list; a null passes.",
     "`email: {not_allowed_values: [admin@example.com]}`; a test account fails.",
     "Keep such rows out at their origin, or take the value off the list in business_rules.yaml."},
    {"not_null", "A cell passes where it holds a value; an empty cell and one of the column's null_values do not.",
     "`order_id: {not_null: true}`; a row without an order_id fails.",
     "Have the sender fill the column, or drop not_null from business_rules.yaml or data_schemas.json."},
    {"regex", "A text passes where the pattern (PCRE2) matches somewhere in it: ^ and $ tie it to both ends; a null passes.",
     "`country_code: {regex: '^[A-Z]{2}$'}`; `fr` fails.",
     "Correct the value at its origin, or the pattern in business_rules.yaml."},
    {"min_length", "A text passes where it has at least so many characters; a null passes.",
     "`user_id: {min_length: 4}`; `u-1` fails.",
     "Correct the value at its origin, or lower the length in business_rules.yaml."},
    {"max_length", "A text passes where it has at most so many characters; a null passes.",
     "`city: {max_length: 80}`; an address that slipped into the column fails.",
     "Correct the value at its origin, or raise the length in business_rules.yaml."},
    {"expression", "A row passes where the SQL expression is true or null.",
     "`_rows: [{id: total_matches, expression: \"abs(total_amount - quantity * unit_price) < 0.011\"}]`; a wrong total fails.",
     "Correct the row at its origin, or the expression in business_rules.yaml."},
    {"parse", "A record passes where it is well-formed and has the columns of its header; every source has this check.",
     "A JSON record that ends in the middle; a CSV row with a stray quote, or with fewer cells than the header.",
     "`ecluse quarantine show --reason parse-error` shows the bytes; ask the sender for the record again."},
    {"type", "A cell passes where it can be read as its column's type; every declared column but a text has this check.",
     "quantity is an integer in data_schemas.json, and the cell holds `two`.",
     "Correct the value at its origin; or widen the type, or declare `formats` or `null_values`, in data_schemas.json."},
    {"unique", "A row passes where its key did not occur before, in the file, the run, or the loaded partitions.",
     "`key: [order_id]` in pipeline_config.yaml; order_id o-17 stands in line 5 and in line 90: line 90 fails.",
     "Find out why the sender repeats rows; if newer ones are to win, set `load: merge`."},
};

const struct ec_rule_explanation *ec_explain_rule_kind(size_t i) {
    return i < sizeof kinds / sizeof *kinds ? &kinds[i] : NULL;
}

const struct ec_rule_explanation *ec_explain_rule_kind_of(const char *key) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].key, key) == 0) return &kinds[i];
    return NULL;
}
