/* Every bound on input, in one place. Input is hostile until checked: each
 * buffer, depth, ratio and width that a file can influence has its maximum here,
 * and each maximum its named error or row reason. */
#ifndef EC_BASE_LIMITS_H
#define EC_BASE_LIMITS_H

#define EC_KIB (1024ull)
#define EC_MIB (1024ull * EC_KIB)
#define EC_GIB (1024ull * EC_MIB)

/* Archives: depth is exactly zip -> gz -> json. */
#define EC_ZIP_ENTRIES_MAX 10000u
#define EC_ZIP_NAME_MAX 1024u
#define EC_ZIP_DIRECTORY_MAX (16 * EC_MIB)
#define EC_INFLATE_MEMBER_MAX (16 * EC_GIB)
#define EC_INFLATE_ARCHIVE_MAX (64 * EC_GIB)
#define EC_INFLATE_RATIO_MAX 1000u          /* DEFLATE itself cannot exceed 1,032 */
#define EC_INFLATE_RATIO_FROM (10 * EC_MIB) /* small files of zeros are no bomb */

/* Records. */
#define EC_COLUMNS_MAX 2048u
#define EC_UNDECLARED_MAX 256u /* columns that a file may add to its schema */
#define EC_COLUMN_NAME_MAX 255u
#define EC_FIELD_MAX (1 * EC_MIB)
#define EC_RECORD_MAX (4 * EC_MIB)
#define EC_NUMBER_MAX 100u /* characters */
#define EC_JSON_DEPTH_MAX 64u
#define EC_DECIMAL_PRECISION_MAX 18u /* held in 64 bits */

/* Workbooks. */
#define EC_XML_DEPTH_MAX 32u
#define EC_XML_MEMORY_MAX (32 * EC_MIB) /* of the parser: one element's attributes, all names */
#define EC_XLSX_CELLS_MAX 5000000u
#define EC_XLSX_STRINGS_MAX 1000000u
#define EC_XLSX_STRINGS_BYTES_MAX (256 * EC_MIB)
#define EC_XLSX_SHARED_MAX (1 * EC_GIB) /* bytes of shared strings that cells name, each time counted */
#define EC_XLSX_TEXT_MAX 32767u
#define EC_XLSX_PART_MAX (1 * EC_GIB)

/* Configuration. */
#define EC_YAML_BYTES_MAX (256 * EC_KIB)
#define EC_YAML_DEPTH_MAX 16u
#define EC_CONFIG_JSON_MAX (4 * EC_MIB)
#define EC_SOURCES_MAX 256u
#define EC_RULES_MAX 1024u /* per source */

/* The batch and the window of decoded bytes that its texts point into. Two
 * windows' worth must hold the longest record. */
#define EC_BATCH_ROWS 2048u /* DuckDB's vector size, so that a chunk is a batch */
#define EC_WINDOW_BYTES (512 * EC_KIB) /* what the processor keeps at hand */
#define EC_CODED_MAX 4096u     /* values of a column that is coded, with the null */
#define EC_CODED_TEXT_MAX 256u /* bytes of one */

/* Delta logs: another writer's log is input too. */
#define EC_DELTA_COMMIT_MAX (256 * EC_MIB)   /* one version's file */
#define EC_DELTA_SNAPSHOT_MAX (1 * EC_GIB)   /* every path and statistic that a log names */
#define EC_DELTA_CHECKPOINT_PARTS_MAX 1000u  /* files of one checkpoint */
#define EC_DELTA_TRIES_MAX 1000u             /* versions that other writers take before ours */

/* The drop folder, while it is watched. */
#define EC_WATCH_NAMES_MAX (256 * EC_MIB)
#define EC_WATCH_FOLDERS_MAX 16384u
#define EC_WATCH_WRITERS_MAX 4096u
#define EC_WATCH_SECONDS_MAX 86400u

/* Stores of objects: what they answer is input, too. */
#define EC_REMOTE_ANSWER_MAX (64 * EC_MIB)     /* one listing's page, one folder of HDFS */
#define EC_REMOTE_ERROR_MAX (64 * EC_KIB)      /* what an answer that is an error says */
#define EC_REMOTE_OBJECTS_MAX 1000000u         /* that one glob's folder may hold */
#define EC_REMOTE_FOLDERS_MAX 100000u          /* of HDFS, below one glob's folder */
#define EC_REMOTE_PAGES_MAX 10000u
#define EC_REMOTE_XML_DEPTH_MAX 8u
#define EC_REMOTE_TEXT_MAX (8 * EC_KIB)        /* of one element, such as a key, encoded */
#define EC_REMOTE_RANGE (16 * EC_MIB)          /* of an object that is fetched at once */
#define EC_REMOTE_OBJECT_MAX (256 * EC_GIB)
#define EC_REMOTE_CONNECTIONS 8u
#define EC_REMOTE_PARTS_MAX 10000u             /* of an upload: S3's own limit */
#define EC_REMOTE_PART (16 * EC_MIB)
#define EC_REMOTE_UPLOADS 4u                   /* at a time: each holds a part in memory */

/* Workers. */
#define EC_JOBS_MAX 256u
#define EC_PROTOCOL_LINE_MAX (64 * EC_MIB) /* of a result with as many parts as a task may make */
#define EC_TASK_PARTS_MAX 4096u
#define EC_OPEN_FILES 4096u
#define EC_TASK_ATTEMPTS 2u

/* What a report shows. */
#define EC_SAMPLES_MAX 5u      /* rows shown for a failed check */
#define EC_SAMPLE_TEXT_MAX 200u
#define EC_TOP_VALUES 10u

/* The history: how many runs of a source keep a line per file, how many more they may be before old ones are
 * added up, and how many runs there are at most. */
#define EC_HISTORY_RUNS_DETAILED 30u
#define EC_HISTORY_SLACK 10u
#define EC_HISTORY_RUNS_MAX 3650u

/* What the page shows, and its facts hold. The page is to have at most so many bytes: facts that would make it larger
 * are squeezed. */
#define EC_PAGE_BYTES ((size_t)2000000)
#define EC_PAGE_RUNS_MAX 1200u
#define EC_PAGE_DATA_FILES_MAX 1000u
#define EC_PAGE_DATA_CHECKS_MAX 3000u
#define EC_PAGE_COLUMNS_MAX 4096u
#define EC_PAGE_ISSUES_MAX 10u
#define EC_PAGE_CHANGES_MAX 50u
#define EC_PAGE_TREND_MAX 30u /* runs behind a check or a column */
#define EC_PAGE_DAYS_MAX 366u
#define EC_PAGE_REJECTS_MAX 200u
#define EC_PAGE_RAW_MAX 500u /* characters of a rejected record */
#define EC_PAGE_REASONS_MAX 200u
#define EC_PAGE_ALERTS_MAX 50u
#define EC_PAGE_LINEAGE_MAX 500u /* nodes */

/* Business figures: days that are looked at, days of a small curve, rows of a table. */
#define EC_BUSINESS_DAYS 90u
#define EC_BUSINESS_SERIES 30u
#define EC_BUSINESS_ROWS_MAX 1000u

#endif
