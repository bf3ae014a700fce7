/* The worker protocol: lines that go out come in as they were, and hostile ones are refused. */
#include "project.h"

#include <jansson.h>

/* ---- tasks ---- */

static void write_task(const struct ec_task *task, struct ec_buf *out) {
    ec_task_write(out, task);
    assert_false(out->failed);
    assert_null(memchr(out->p, '\n', out->n));
}

static void expect_text(const char *a, const char *b) {
    if (!a || !b)
        assert_true(a == b);
    else
        assert_string_equal(a, b);
}

static void round_trip(const struct ec_task *t) {
    struct ec_buf line = ec_buf_make(EC_MIB);
    struct ec_arena arena;
    struct ec_task r;
    struct ec_err err = {0};
    ec_arena_init(&arena, EC_MIB);
    write_task(t, &line);
    if (ec_task_read(line.p, line.n, &arena, &r, &err) != EC_OK) fail_msg("%s", err.message);
    expect_text(r.id, t->id);
    expect_text(r.run, t->run ? t->run : "");
    expect_text(r.source, t->source);
    expect_text(r.root, t->root);
    expect_text(r.path, t->path);
    expect_text(r.member, t->member);
    expect_text(r.out, t->out);
    expect_text(r.drop, t->drop);
    expect_text(r.config, t->config);
    assert_int_equal(r.seq, t->seq);
    assert_int_equal(r.range_start, t->range_start);
    assert_int_equal(r.range_end, t->range_end);
    assert_int_equal(r.line, t->line);
    assert_int_equal(r.kept, t->kept);
    assert_int_equal(r.reject, t->reject);
    assert_int_equal(r.as_of, t->as_of);
    assert_int_equal(r.problem, t->problem);
    expect_text(r.message, t->message);
    ec_buf_free(&line);
    ec_arena_deinit(&arena);
}

static void tasks_come_back_as_they_were(void **state) {
    (void)state;
    struct ec_task least = {.id = "t000001", .source = "sales", .path = "sales.csv"};
    round_trip(&least);
    struct ec_task most = {.id = "t-1_A",
                           .run = "20250718_133405-00000007",
                           .seq = UINT32_MAX,
                           .source = "api logs \"x\"",
                           .root = "/srv/a b\\c",
                           .path = "d\xC3\xA9p\xC3\xB4t/\xF0\x9F\x98\x80\n\t\x01.csv",
                           .member = "</script>&.json.gz",
                           .range_start = 1,
                           .range_end = INT64_MAX,
                           .line = INT64_MAX,
                           .out = "/o",
                           .drop = "/d",
                           .kept = true,
                           .reject = true,
                           .as_of = -1,
                           .config = "abc",
                           .problem = EC_FILE_CHANGED,
                           .message = "p changed \"while\" it was read"};
    round_trip(&most);
}

static void refuse_task(const char *line, const char *message) {
    struct ec_arena arena;
    struct ec_task task;
    struct ec_err err = {0};
    ec_arena_init(&arena, EC_MIB);
    assert_int_equal(ec_task_read(line, strlen(line), &arena, &task, &err), EC_PROTOCOL);
    if (!strstr(err.message, message)) fail_msg("%s: `%s` lacks `%s`", line, err.message, message);
    ec_arena_deinit(&arena);
}

#define TASK "\"v\":1,\"task\":\"t1\",\"source\":\"s\",\"path\":\"p\""

static void what_is_no_task_is_refused(void **state) {
    (void)state;
    refuse_task("", "is not JSON");
    refuse_task("{", "is not JSON");
    refuse_task("[]", "not of protocol version 1");
    refuse_task("null", "is not JSON");
    refuse_task("{\"task\":\"t1\"}", "not of protocol version 1");
    refuse_task("{\"v\":2}", "not of protocol version 1");
    refuse_task("{\"v\":\"1\"}", "not of protocol version 1");
    refuse_task("{\"v\":1}", "\"task\"");
    refuse_task("{\"v\":1,\"task\":\"t1\",\"path\":\"p\"}", "\"source\"");
    refuse_task("{\"v\":1,\"task\":\"t1\",\"source\":\"s\"}", "\"path\"");
    refuse_task("{" TASK ",\"v\":1}", "is not JSON"); /* a key twice */
    refuse_task("{" TASK ",\"reject\":\"yes\"}", "\"reject\" is not true or false");
    refuse_task("{" TASK ",\"seq\":-1}", "\"seq\"");
    refuse_task("{" TASK ",\"seq\":4294967296}", "\"seq\"");
    refuse_task("{" TASK ",\"as_of\":2147483648}", "\"as_of\"");
    refuse_task("{" TASK ",\"member\":7}", "\"member\" is not a string");
    refuse_task("{" TASK ",\"range\":7}", "\"range\"");
    refuse_task("{" TASK ",\"range\":[]}", "\"range\"");
    refuse_task("{" TASK ",\"range\":[0]}", "\"range\"");
    refuse_task("{" TASK ",\"range\":[5,5]}", "\"range\"");
    refuse_task("{" TASK ",\"range\":[-1,5]}", "\"range\"");
    refuse_task("{" TASK ",\"range\":[0,5,9]}", "\"range\"");
    refuse_task("{" TASK ",\"range\":[\"0\",5]}", "\"range\"");
    refuse_task("{" TASK ",\"problem\":\"x\"}", "\"problem\"");
    refuse_task("{" TASK ",\"problem\":{\"message\":\"x\"}}", "\"code\"");
    refuse_task("{" TASK ",\"problem\":{\"code\":\"file-changed\"}}", "\"message\"");
    refuse_task("{" TASK ",\"problem\":{\"code\":\"unheard-of\",\"message\":\"x\"}}", "\"problem\" is not what is wrong with a file");
    refuse_task("{" TASK ",\"problem\":{\"code\":\"disk-full\",\"message\":\"x\"}}", "\"problem\" is not what is wrong with a file");
    refuse_task("{\"v\":1,\"task\":\"../t1\",\"source\":\"s\",\"path\":\"p\"}", "\"task\" is not a name of letters");
    refuse_task("{\"v\":1,\"task\":\"\",\"source\":\"s\",\"path\":\"p\"}", "\"task\"");
    refuse_task("{\"v\":1,\"task\":\"t1\",\"source\":\"s\",\"path\":\"a\\u0000b\"}", "is not JSON");
}

/* What a scheduler of its own may leave out. */
static void the_least_task(void **state) {
    (void)state;
    struct ec_arena arena;
    struct ec_task task;
    ec_arena_init(&arena, EC_MIB);
    static const char line[] = "{" TASK ",\"unknown\":{\"kept\":false}}";
    int32_t before = ec_days_from_micros(ec_now_micros());
    assert_int_equal(ec_task_read(line, strlen(line), &arena, &task, NULL), EC_OK);
    assert_in_range(task.as_of, before, before + 1); /* today, as --as-of has it */
    assert_string_equal(task.run, "");
    assert_null(task.out);
    assert_false(task.reject);
    ec_arena_deinit(&arena);
}

/* ---- results ---- */

static void results_come_back_as_they_were(void **state) {
    (void)state;
    struct ec_task_part parts[] = {
        {.path = "date=2025-07-18/part-1.parquet",
         .partition = "2025-07-18",
         .rows = 3,
         .bytes = 4096,
         .stats = "{\"numRecords\":3}"},
        {.path = "date=__HIVE_DEFAULT_PARTITION__/p.parquet", .partition = NULL, .rows = 1, .bytes = 5, .stats = "{}"},
    };
    struct ec_table_column columns[] = {
        {"a", {.type = EC_TYPE_STRING}},  {"b", {.type = EC_TYPE_INTEGER}},  {"c", {.type = EC_TYPE_FLOAT}},
        {"d", {.type = EC_TYPE_BOOLEAN}}, {"e", {.type = EC_TYPE_DATETIME}}, {"f", {.type = EC_TYPE_DATE}},
        {"g", {EC_TYPE_DECIMAL, 18, 0}},  {"h", {EC_TYPE_DECIMAL, 5, 5}},
    };
    const char *missing[] = {"x"}, *undeclared[] = {"y", "z\"\n"};
    struct ec_task_result w, r;
    ec_task_result_init(&w);
    w.task = "t000017";
    w.facts.read = 10;
    w.facts.accepted = 4;
    w.facts.quarantined = 5;
    w.facts.duplicate = 1;
    w.facts.by_reason[EC_REASON_TYPE] = 5;
    w.facts.encoding = "utf-8";
    w.part = parts;
    w.part_count = 2;
    w.column = columns;
    w.column_count = 8;
    w.quarantine = "quarantine.jsonl";
    w.quarantined = 6;
    w.keys = "keys";
    w.key_count = 4;
    w.kept = true;
    w.missing = missing;
    w.missing_count = 1;
    w.undeclared = undeclared;
    w.undeclared_count = 2;
    struct ec_buf line = ec_buf_make(EC_MIB);
    struct ec_err err = {0};
    ec_task_result_write(&line, &w);
    assert_null(memchr(line.p, '\n', line.n));
    if (ec_task_result_read(line.p, line.n, &r, &err) != EC_OK) fail_msg("%s", err.message);
    assert_string_equal(r.task, "t000017");
    assert_int_equal(r.status, EC_OK);
    assert_null(r.error);
    assert_int_equal(r.part_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(r.part[i].path, parts[i].path);
        expect_text(r.part[i].partition, parts[i].partition);
        assert_int_equal(r.part[i].rows, parts[i].rows);
        assert_int_equal(r.part[i].bytes, parts[i].bytes);
        assert_string_equal(r.part[i].stats, parts[i].stats);
    }
    assert_int_equal(r.column_count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(r.column[i].name, columns[i].name);
        assert_int_equal(r.column[i].type.type, columns[i].type.type);
        assert_int_equal(r.column[i].type.precision, columns[i].type.precision);
        assert_int_equal(r.column[i].type.scale, columns[i].type.scale);
    }
    assert_int_equal(r.facts.read, 10);
    assert_int_equal(r.facts.by_reason[EC_REASON_TYPE], 5);
    assert_string_equal(r.facts.encoding, "utf-8");
    assert_string_equal(r.quarantine, "quarantine.jsonl");
    assert_int_equal(r.quarantined, 6);
    assert_string_equal(r.keys, "keys");
    assert_int_equal(r.key_count, 4);
    assert_true(r.kept);
    assert_string_equal(r.missing[0], "x");
    assert_string_equal(r.undeclared[1], "z\"\n");
    /* and what is read is written as it was read */
    struct ec_buf again = ec_buf_make(EC_MIB);
    ec_task_result_write(&again, &r);
    assert_int_equal(again.n, line.n);
    assert_memory_equal(again.p, line.p, line.n);
    ec_buf_free(&again);
    ec_buf_free(&line);
    ec_task_result_deinit(&r);
    ec_task_result_deinit(&w);
}

/* Every error of a file passes. */
static void errors_come_back_by_their_code(void **state) {
    (void)state;
    for (int status = EC_OK + 1; status < EC_STATUS_COUNT; status++) {
        struct ec_task_result w, r;
        struct ec_buf line = ec_buf_make(EC_MIB);
        ec_task_result_init(&w);
        w.task = "t1";
        w.status = (enum ec_status)status;
        w.error = "why: \"x\"";
        ec_task_result_write(&line, &w);
        assert_int_equal(ec_task_result_read(line.p, line.n, &r, NULL), EC_OK);
        assert_int_equal(r.status, status);
        assert_string_equal(r.error, "why: \"x\"");
        ec_task_result_deinit(&r);
        ec_task_result_deinit(&w);
        ec_buf_free(&line);
    }
}

/* A sound result with one field replaced; NULL removes it. */
static void refuse_result(const char *key, const char *value, const char *message) {
    struct ec_task_result w, r;
    struct ec_buf line = ec_buf_make(EC_MIB);
    struct ec_err err = {0};
    ec_task_result_init(&w);
    w.task = "t1";
    ec_task_result_write(&line, &w);
    json_t *object = json_loadb(line.p, line.n, 0, NULL);
    assert_non_null(object);
    if (value)
        assert_int_equal(json_object_set_new(object, key, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
    else
        assert_int_equal(json_object_del(object, key), 0);
    char *text = json_dumps(object, 0);
    if (ec_task_result_read(text, strlen(text), &r, &err) != EC_PROTOCOL)
        fail_msg("%s: %s was taken", key, value ? value : "nothing");
    if (!strstr(err.message, message))
        fail_msg("%s: %s: `%s` lacks `%s`", key, value ? value : "nothing", err.message, message);
    ec_task_result_deinit(&r);
    free(text);
    json_decref(object);
    ec_buf_free(&line);
    ec_task_result_deinit(&w);
}

#define PART(path) "[{\"path\":\"" path "\",\"partition\":null,\"rows\":1,\"bytes\":1,\"stats\":\"{}\"}]"

static void what_is_no_result_is_refused(void **state) {
    (void)state;
    refuse_result("task", NULL, "\"task\"");
    refuse_result("task", "5", "\"task\"");
    refuse_result("status", "\"fine\"", "\"status\" is not ok or errored");
    refuse_result("status", "\"errored\"", "the error of a result");
    refuse_result("quarantined", "-1", "\"quarantined\"");
    refuse_result("quarantined", "\"1\"", "\"quarantined\"");
    refuse_result("key_count", NULL, "\"key_count\"");
    refuse_result("quality", NULL, "the facts of a file");
    refuse_result("quality", "{\"read\":1}", "the facts of a file");
    refuse_result("parts", "{}", "\"parts\" is not an array");
    refuse_result("parts", "[7]", "a part of a result");
    refuse_result("parts", "[{\"path\":\"p\",\"rows\":\"1\",\"bytes\":1,\"stats\":\"\"}]", "\"rows\"");
    refuse_result("parts", "[{\"path\":\"p\",\"rows\":1,\"bytes\":1}]", "\"stats\"");
    refuse_result("missing", "[7]", "\"missing\" is not a list of names");
    refuse_result("columns", "[{\"name\":\"a\",\"type\":\"text\"}]", "\"type\" is not a type of column");
    refuse_result("columns", "[{\"type\":\"string\"}]", "\"name\"");
    static const char *const types[] = {"decimal",       "decimal(",       "decimal(5",     "decimal(5,",
                                        "decimal(5,2",   "decimal(0,0)",   "decimal(19,0)", "decimal(5,6)",
                                        "decimal(5,2)x", "decimal(005,2)", "decimal(-5,2)"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "[{\"name\":\"a\",\"type\":\"%s\"}]", types[i]);
        refuse_result("columns", text, "a type of column");
    }
}

/* A worker that was taken over must not make the driver touch other files. */
static void paths_stay_in_the_tasks_folder(void **state) {
    (void)state;
    static const char message[] = "a path below the task's folder";
    refuse_result("parts", PART("/etc/passwd"), message);
    refuse_result("parts", PART("../x"), message);
    refuse_result("parts", PART("a/../../x"), message);
    refuse_result("parts", PART("a/.."), message);
    refuse_result("parts", PART("./x"), message);
    refuse_result("parts", PART("a//b"), message);
    refuse_result("parts", PART("a/"), message);
    refuse_result("parts", PART(""), message);
    refuse_result("quarantine", "\"../../q\"", message);
    refuse_result("keys", "\"/tmp/keys\"", message);
}

static void an_error_needs_a_code_of_ours(void **state) {
    (void)state;
    static const char *const lines[] = {
        "{\"v\":1,\"task\":\"t1\",\"status\":\"errored\",\"error\":null}",
        "{\"v\":1,\"task\":\"t1\",\"status\":\"errored\",\"error\":{\"code\":\"ok\",\"message\":\"m\"}}",
        "{\"v\":1,\"task\":\"t1\",\"status\":\"errored\",\"error\":{\"code\":\"strange\",\"message\":\"m\"}}",
        "{\"v\":1,\"task\":\"t1\",\"status\":\"errored\",\"error\":{\"code\":\"io\"}}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct ec_task_result r;
        assert_int_equal(ec_task_result_read(lines[i], strlen(lines[i]), &r, NULL), EC_PROTOCOL);
        ec_task_result_deinit(&r);
    }
}

/* Every cut of a sound line is refused, and none is read past its end. */
static void a_cut_line_is_refused(void **state) {
    (void)state;
    struct ec_task_result w, r;
    struct ec_buf line = ec_buf_make(EC_MIB);
    ec_task_result_init(&w);
    w.task = "t1";
    ec_task_result_write(&line, &w);
    for (size_t n = 0; n < line.n; n++) {
        char *cut = ec_malloc(n);
        assert_non_null(cut);
        memcpy(cut, line.p, n);
        assert_int_equal(ec_task_result_read(cut, n, &r, NULL), EC_PROTOCOL);
        ec_task_result_deinit(&r);
        ec_free(cut);
    }
    ec_buf_free(&line);
    ec_task_result_deinit(&w);
}

/* ---- the worker itself ---- */

/* Feeds the worker this input; what it answers is in a buffer. */
static enum ec_status converse(const struct project *p, const char *input, struct ec_buf *output, struct ec_err *err) {
    struct ec_config *config = NULL;
    int in[2], out[2];
    assert_int_equal(ec_config_load(p->dir, NULL, 0, &config, err), EC_OK);
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    assert_int_equal(write(in[1], input, strlen(input)), (ssize_t)strlen(input));
    assert_int_equal(close(in[1]), 0);
    enum ec_status status = ec_worker_run(config, false, in[0], out[1], err);
    assert_int_equal(close(out[1]), 0);
    char *to;
    ssize_t got;
    while ((to = ec_buf_reserve(output, 65536)) && (got = read(out[0], to, 65536)) > 0) output->n += (size_t)got;
    assert_int_equal(close(in[0]), 0);
    assert_int_equal(close(out[0]), 0);
    if (output->p) output->p[output->n] = '\0';
    ec_config_destroy(config);
    return status;
}

static size_t count_lines(const struct ec_buf *text) {
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) n += text->p[i] == '\n';
    return n;
}

static void a_worker_answers_line_for_line(void **state) {
    (void)state;
    struct project project;
    project_make(&project);
    project_config(&project, "sources: {sales: {files: [\"s*\"], format: csv}}\n",
                   "{\"sales\": {\"required_columns\": {\"id\": \"string\"}}}\n", "sales: {}\n");
    project_drop(&project, "s1.csv", "id\na\n");
    char input[2048];
    struct ec_buf output = ec_buf_make(EC_MIB);
    struct ec_err err = {0};
    /* an empty line is passed over; the last line may lack its end; a file that is not there is a result */
    (void)snprintf(input, sizeof input,
                   "{\"v\":1,\"task\":\"a\",\"source\":\"sales\",\"root\":\"%s/data/raw\",\"path\":\"s1.csv\"}\n\n"
                   "{\"v\":1,\"task\":\"b\",\"source\":\"sales\",\"root\":\"%s/data/raw\",\"path\":\"s2.csv\"}",
                   project.dir, project.dir);
    if (converse(&project, input, &output, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(count_lines(&output), 2);
    struct ec_task_result r;
    const char *second = strchr(output.p, '\n') + 1;
    assert_int_equal(ec_task_result_read(output.p, (size_t)(second - output.p) - 1, &r, NULL), EC_OK);
    assert_string_equal(r.task, "a");
    assert_int_equal(r.facts.accepted, 1);
    assert_int_equal(r.part_count, 0); /* no `out`: checked only */
    ec_task_result_deinit(&r);
    assert_int_equal(ec_task_result_read(second, strlen(second) - 1, &r, NULL), EC_OK);
    assert_int_equal(r.status, EC_UNREADABLE);
    ec_task_result_deinit(&r);
    ec_buf_free(&output);

    output = ec_buf_make(EC_MIB);
    assert_int_equal(converse(&project, "half a li", &output, &err), EC_PROTOCOL);
    assert_int_equal(output.n, 0);
    ec_buf_free(&output);
    output = ec_buf_make(EC_MIB);
    err = (struct ec_err){0};
    assert_int_equal(
        converse(&project, "{\"v\":1,\"task\":\"a\",\"source\":\"other\",\"path\":\"x\"}\n", &output, &err), EC_CONFIG);
    assert_non_null(strstr(err.message, "there is no source other"));
    ec_buf_free(&output);
    output = ec_buf_make(EC_MIB);
    err = (struct ec_err){0};
    assert_int_equal(converse(&project,
                              "{\"v\":1,\"task\":\"a\",\"source\":\"sales\",\"path\":\"x\",\"config\":\"other\"}\n",
                              &output, &err),
                     EC_CONFIG);
    ec_buf_free(&output);
    project_remove(&project);
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "worker") == 0) return project_worker(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_come_back_as_they_were),
        cmocka_unit_test(what_is_no_task_is_refused),
        cmocka_unit_test(the_least_task),
        cmocka_unit_test(results_come_back_as_they_were),
        cmocka_unit_test(errors_come_back_by_their_code),
        cmocka_unit_test(what_is_no_result_is_refused),
        cmocka_unit_test(paths_stay_in_the_tasks_folder),
        cmocka_unit_test(an_error_needs_a_code_of_ours),
        cmocka_unit_test(a_cut_line_is_refused),
        cmocka_unit_test(a_worker_answers_line_for_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
