/* What a store may answer is bounded: pages, objects, folders, texts, and what is put there. The stores are the test's: the
 * linker has every request come to __wrap_ec_http_perform() (tests/CMakeLists.txt). */
#include "../scratch.h"
#include "remote/fetch.h"
#include "remote/put.h"
#include "remote/store_private.h"
#include "remote/xml.h"

#include <unistd.h>

static void (*serve)(const struct ec_http_call *call, struct ec_http_answer *answer);
static _Atomic unsigned asked;

enum ec_status __wrap_ec_http_perform(struct ec_http *http, const struct ec_http_call *call, struct ec_http_answer *answer, struct ec_err *err);

enum ec_status __wrap_ec_http_perform(struct ec_http *http, const struct ec_http_call *call, struct ec_http_answer *answer, struct ec_err *err) {
    (void)http;
    memset(answer, 0, sizeof *answer);
    answer->body = ec_buf_make(EC_REMOTE_ANSWER_MAX + 1);
    answer->code = 200;
    (void)snprintf(answer->host, sizeof answer->host, "store.test");
    asked++;
    serve(call, answer);
    return ec_buf_check(&answer->body, err);
}

static struct ec_remote_settings settings = {.access_key = "key", .secret_key = "hush", .region = "r", .endpoint = "http://store.test", .webhdfs = "http://store.test",
                                             .hdfs_user = "u", .tries = 1, .stall_s = 1};
static struct ec_store *store;

static int set_up(void **state) {
    (void)state;
    asked = 0;
    return scratch_make("store") == 0 && ec_store_open(&settings, &store, NULL) == EC_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ec_store_close(store);
    return scratch_remove();
}

static enum ec_status count(void *user, const struct ec_object *object, struct ec_err *err) {
    (void)object;
    (void)err;
    ++*(size_t *)user;
    return EC_OK;
}

static enum ec_status list(const char *address, bool deep, size_t *visited, struct ec_err *err) {
    struct ec_address a;
    *visited = 0;
    assert_int_equal(ec_address_parse(address, &a, NULL), EC_OK);
    return ec_store_list(store, &a, deep, count, visited, err);
}

/* ---- listings ---- */

static unsigned pages; /* that there are */

static void serve_pages(const struct ec_http_call *call, struct ec_http_answer *answer) {
    (void)call;
    bool last = asked == pages;
    ec_buf_printf(&answer->body, "<ListBucketResult><IsTruncated>%s</IsTruncated>", last ? "false" : "true");
    if (!last) ec_buf_printf(&answer->body, "<NextContinuationToken>t%u</NextContinuationToken>", asked);
    ec_buf_addz(&answer->body, "</ListBucketResult>");
}

static void pages_of_a_listing(void **state) {
    (void)state;
    size_t visited;
    struct ec_err err = {0};
    serve = serve_pages;
    pages = 3;
    assert_int_equal(list("s3://bucket/drop/", false, &visited, NULL), EC_OK);
    assert_int_equal(asked, 3);
    asked = 0;
    pages = 0; /* there is always one more */
    assert_int_equal(list("s3://bucket/drop/", false, &visited, &err), EC_REMOTE);
    assert_non_null(strstr(err.message, "more pages than can be"));
    assert_int_equal(asked, EC_REMOTE_PAGES_MAX);
}

static void objects_of_a_listing(void **state) {
    (void)state;
    size_t visited = 0;
    struct ec_err err = {0};
    struct ec_address a;
    struct ec_object object = {.bytes = 1, .tag = "t"};
    assert_int_equal(ec_address_parse("s3://bucket/drop/", &a, NULL), EC_OK);
    struct ec_listing listing = {.prefix = &a, .visit = count, .user = &visited, .count = EC_REMOTE_OBJECTS_MAX - 1};
    assert_int_equal(ec_listing_visit(&listing, EC_STR("drop/last"), &object, NULL), EC_OK);
    assert_int_equal(ec_listing_visit(&listing, EC_STR("drop/more"), &object, &err), EC_REMOTE);
    assert_non_null(strstr(err.message, "more than 1000000 objects"));
    assert_int_equal(visited, 1);
}

static unsigned folders; /* in the first folder; theirs are empty */

static void serve_folders(const struct ec_http_call *call, struct ec_http_answer *answer) {
    (void)call;
    ec_buf_addz(&answer->body, "{\"FileStatuses\":{\"FileStatus\":[");
    for (unsigned i = 0; asked == 1 && i < folders; i++) ec_buf_printf(&answer->body, "%s{\"pathSuffix\":\"d%u\",\"type\":\"DIRECTORY\"}", i ? "," : "", i);
    ec_buf_addz(&answer->body, "]}}");
}

static void folders_of_a_listing(void **state) {
    (void)state;
    size_t visited;
    struct ec_err err = {0};
    serve = serve_folders;
    folders = 3;
    assert_int_equal(list("hdfs://namenode/drop/", true, &visited, NULL), EC_OK);
    assert_int_equal(asked, 4);
    asked = 0;
    folders = EC_REMOTE_FOLDERS_MAX; /* and the first itself */
    assert_int_equal(list("hdfs://namenode/drop/", true, &visited, &err), EC_REMOTE);
    assert_non_null(strstr(err.message, "more than 100000 folders below one address"));
    assert_int_equal(asked, 1);
}

static enum ec_status no_element(void *user, const char *around, const char *name, struct ec_str text, struct ec_err *err) {
    (void)user;
    (void)around;
    (void)name;
    (void)text;
    (void)err;
    return EC_OK;
}

static void answers_that_are_too_long(void **state) {
    (void)state;
    struct ec_remote_xml reading = {no_element, NULL, "store.test"};
    struct ec_err err = {0};
    assert_int_equal(ec_remote_xml_read(&reading, EC_STR("<a></a>"), NULL), EC_OK);
    struct ec_str endless = {"<a></a>", (size_t)EC_REMOTE_ANSWER_MAX + 1}; /* of which no byte is looked at */
    assert_int_equal(ec_remote_xml_read(&reading, endless, &err), EC_REMOTE);
}

/* ---- what is fetched and put ---- */

static void serve_refusal(const struct ec_http_call *call, struct ec_http_answer *answer) {
    (void)call;
    answer->code = 403;
}

static void serve_nothing(const struct ec_http_call *call, struct ec_http_answer *answer) {
    (void)call;
    (void)answer;
}

/* One that is too large costs itself, and not the other, which is refused by its store. */
static void objects_that_are_too_large(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct ec_remote_job job[] = {{.object = {"s3://bucket/huge", EC_REMOTE_OBJECT_MAX + 1, 1, "t"}, .to = below("huge")},
                                  {.object = {"s3://bucket/small", 10, 1, "t"}, .to = below("small")}};
    serve = serve_refusal;
    enum ec_status status = ec_remote_fetch(&settings, job, 2, &err);
    if (status != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(job[0].status, EC_REMOTE_READ);
    assert_non_null(strstr(job[0].message, "it has more than 256 GiB"));
    assert_int_equal(job[1].status, EC_REMOTE_READ);
    assert_null(strstr(job[1].message, "256 GiB"));
    assert_false(ec_path_exists(below("huge")) || ec_path_exists(below("small")));
}

static void texts_that_are_too_long(void **state) {
    (void)state;
    bool there;
    struct ec_err err = {0};
    struct ec_str endless = {"x", (size_t)EC_REMOTE_ANSWER_MAX + 1}; /* of which no byte is looked at */
    serve = serve_nothing;
    assert_int_equal(ec_store_put_new(store, "s3://bucket/log/1.json", EC_STR("x"), &there, NULL), EC_OK);
    assert_int_equal(asked, 1);
    assert_int_equal(ec_store_put_new(store, "s3://bucket/log/1.json", endless, &there, &err), EC_REMOTE);
    assert_non_null(strstr(err.message, "are not put at once"));
    assert_int_equal(asked, 1);
}

static void make_file(const char *path, uint64_t bytes) {
    assert_int_equal(ec_file_replace(path, "", 0, NULL), EC_OK);
    if (truncate(path, (off_t)bytes) != 0) skip(); /* a file system without such files */
}

/* Files with holes: nothing of them is read. */
static void files_that_are_too_large(void **state) {
    (void)state;
    struct ec_err err = {0};
    serve = serve_refusal;
    make_file(below("parts"), EC_REMOTE_PART + 1);
    assert_int_equal(ec_store_put_file(store, "s3://bucket/parts", below("parts"), &err), EC_REMOTE_DENIED);
    assert_int_equal(asked, 1); /* for an upload of parts */
    make_file(below("huge"), EC_REMOTE_PART * EC_REMOTE_PARTS_MAX + 1);
    err = (struct ec_err){0};
    assert_int_equal(ec_store_put_file(store, "s3://bucket/huge", below("huge"), &err), EC_REMOTE);
    assert_non_null(strstr(err.message, "is larger than an upload of 10000 parts"));
    assert_int_equal(asked, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_of_a_listing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(objects_of_a_listing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_of_a_listing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_that_are_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(objects_that_are_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_that_are_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_are_too_large, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
