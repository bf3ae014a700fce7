/* The page's file: template and facts one after the other, and a policy that fits what is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "base/limits.h"
#include "config/embedded.h"
#include "publish/page_file.h"

#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#define HOSTILE "</script><script>alert(1)</script><!-- & \xE2\x80\xA8 '\""

static char dir[] = "/tmp/ecluse-page-XXXXXX";
static char path[64];

static int make_dir(void **state) {
    (void)state;
    if (!mkdtemp(dir)) return 1;
    (void)snprintf(path, sizeof path, "%s/" EC_PAGE_NAME, dir);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    (void)unlink(path);
    return rmdir(dir); /* nothing else lies there */
}

static void make_facts(struct ec_buf *facts) {
    struct ec_json_writer w;
    ec_json_init(&w, facts);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "project", HOSTILE);
    ec_json_end(&w);
}

static size_t count(const char *text, const char *what) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) n++;
    return n;
}

static char *read_page(size_t *n) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct ec_buf text = ec_buf_make(64 * EC_MIB);
    char block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) ec_buf_add(&text, block, got);
    (void)fclose(file);
    *n = text.n;
    return text.p;
}

static void the_facts_stand_where_the_mark_was(void **state) {
    (void)state;
    struct ec_buf facts = ec_buf_make(EC_MIB);
    make_facts(&facts);
    assert_null(strchr(facts.p, '<'));
    assert_int_equal(ec_page_file_publish(dir, ec_buf_str(&facts), EC_STR("{\"list\":[]}"), NULL, NULL), EC_OK);
    size_t n;
    char *page = read_page(&n);
    const char *element = strstr(page, "<script type=\"application/json\" id=\"facts\">");
    assert_non_null(element);
    const char *text = strchr(element, '>') + 1;
    assert_memory_equal(text, facts.p, facts.n);
    assert_memory_equal(text + facts.n, "</script>", 9);
    assert_int_equal(count(page, "<!--facts-->"), 0);
    assert_int_equal(count(page, "<script"), count(ec_page_template[0].text.p, "<script") + 2);
    assert_int_equal(n, ec_page_template[0].text.n - 12 + facts.n + 52 + 53 + strlen("{\"list\":[]}"));
    ec_buf_free(&facts);
    free(page);
}

/* Facts of six megabytes: the page has at most two, and a browser's zlib gives them back. */
static void large_facts_are_squeezed(void **state) {
    (void)state;
    static const char open[] = "<script type=\"text/plain\" id=\"facts\" data-packed=\"deflate\">";
    struct ec_buf facts = ec_buf_make(64 * EC_MIB);
    ec_buf_addc(&facts, '[');
    for (unsigned i = 0; facts.n < 6000000; i++) ec_buf_printf(&facts, "{\"id\":\"column_%u.max_value\",\"failed\":%u,\"evaluated\":%u},", i % 3000, i % 7, 280000 + i);
    ec_buf_addz(&facts, "null]");
    assert_int_equal(ec_page_file_publish(dir, ec_buf_str(&facts), EC_STR("{}"), NULL, NULL), EC_OK);
    size_t n;
    char *page = read_page(&n);
    assert_true(n <= EC_PAGE_BYTES);
    const char *from = strstr(page, open);
    assert_non_null(from);
    from += sizeof open - 1;
    size_t encoded = strcspn(from, "<");
    assert_memory_equal(from + encoded, "</script>", 9);
    unsigned char *zipped = malloc(encoded), *text = malloc(facts.n + 1);
    assert_true(zipped && text && encoded % 4 == 0);
    int got = EVP_DecodeBlock(zipped, (const unsigned char *)from, (int)encoded);
    assert_true(got > 6);
    struct inflate_state z;
    isal_inflate_init(&z);
    z.crc_flag = ISAL_ZLIB;
    z.next_in = zipped;
    z.avail_in = (uint32_t)got;
    z.next_out = text;
    z.avail_out = (uint32_t)facts.n + 1;
    assert_int_equal(isal_inflate(&z), ISAL_DECOMP_OK);
    assert_int_equal(z.total_out, facts.n);
    assert_memory_equal(text, facts.p, facts.n);
    free(zipped);
    free(text);
    free(page);
    ec_buf_free(&facts);
}

/* What became of alerts is put into the page that is there, and nothing else of it changes. */
static void alerts_are_replaced_in_the_page(void **state) {
    (void)state;
    struct ec_buf facts = ec_buf_make(EC_MIB);
    make_facts(&facts);
    size_t n, later;
    assert_int_equal(ec_page_file_publish(dir, ec_buf_str(&facts), EC_STR("{\"list\":[1]}"), NULL, NULL), EC_OK);
    char *page = read_page(&n);
    assert_int_equal(ec_page_file_alerts(dir, EC_STR("{\"list\":[1,22]}"), NULL), EC_OK);
    char *again = read_page(&later);
    assert_int_equal(later, n + 3);
    const char *at = strstr(again, "{\"list\":[1,22]}</script>");
    assert_non_null(at);
    size_t before = (size_t)(at - again);
    assert_memory_equal(page, again, before);
    assert_string_equal(page + before + 12, at + 15);
    struct ec_err err = {0};
    assert_int_equal(ec_page_file_alerts(dir, EC_STR("{\"a\":\"</script>\"}"), &err), EC_DELIVERY);
    free(again);
    again = read_page(&n); /* as it was */
    assert_int_equal(n, later);
    /* A page of an older program has no such element, and none is no error. */
    assert_int_equal(ec_page_file_publish(dir, ec_buf_str(&facts), (struct ec_str){0}, NULL, NULL), EC_OK);
    assert_int_equal(ec_page_file_alerts(dir, EC_STR("{\"list\":[]}"), NULL), EC_OK);
    (void)unlink(path);
    assert_int_equal(ec_page_file_alerts(dir, EC_STR("{\"list\":[]}"), NULL), EC_OK);
    assert_int_not_equal(access(path, F_OK), 0);
    free(page);
    free(again);
    ec_buf_free(&facts);
}

static void a_delivery_writes_it_with_its_other_files(void **state) {
    (void)state;
    struct ec_durable *durable;
    assert_int_equal(ec_durable_create(&durable, NULL), EC_OK);
    (void)unlink(path);
    assert_int_equal(ec_page_file_publish(dir, EC_STR("{}"), (struct ec_str){0}, durable, NULL), EC_OK);
    assert_int_not_equal(access(path, F_OK), 0); /* not before the commit */
    assert_int_equal(ec_durable_commit(durable, NULL), EC_OK);
    assert_int_equal(access(path, F_OK), 0);
    ec_durable_destroy(durable);
}

static void facts_that_could_end_their_element_are_refused(void **state) {
    (void)state;
    struct ec_err err = {0};
    (void)unlink(path);
    assert_int_equal(ec_page_file_publish(dir, EC_STR("{\"a\":\"</script>\"}"), (struct ec_str){0}, NULL, &err), EC_DELIVERY);
    assert_string_equal(err.message, "the page's facts hold a bare <, which could end their element");
    assert_int_not_equal(access(path, F_OK), 0);
}

/* "'sha256-…'" of what stands between the tags is what the policy names. */
static void assert_policy_names(const char *page, const char *policy, const char *open, const char *close) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *from = strstr(page, open) + strlen(open), *to = strstr(from, close);
    char hex[EC_SHA256_HEX], expected[64] = "sha256-", *out = expected + 7;
    unsigned char bytes[33] = {0};
    assert_int_equal(ec_sha256_bytes(from, (size_t)(to - from), hex, NULL), EC_OK);
    for (size_t i = 0; i < 32; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    for (size_t i = 0; i < 33; i += 3) {
        unsigned group = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
        for (unsigned k = 0; k < 4; k++) *out++ = i == 30 && k == 3 ? '=' : digits[group >> (18 - 6 * k) & 63];
    }
    *out = '\0';
    const char *at = strstr(policy, expected);
    assert_non_null(at);
    assert_true(at < strchr(policy, '>'));
}

static void the_policy_lets_in_just_what_is_in_the_page(void **state) {
    (void)state;
    const char *page = ec_page_template[0].text.p;
    const char *policy = strstr(page, "default-src 'none'; script-src 'sha256-");
    assert_non_null(policy);
    assert_int_equal(ec_page_template_count, 1);
    assert_policy_names(page, policy, "<style>", "</style>");
    assert_policy_names(page, policy, "<script>", "</script>");
    size_t n = (size_t)(strchr(policy, '"') - policy);
    char *text = strndup(policy, n);
    assert_null(strstr(text, "unsafe"));
    assert_non_null(strstr(text, "img-src data:; base-uri 'none'; form-action 'none'"));
    free(text);
    assert_int_equal(count(page, "<script"), 1);
    assert_int_equal(count(page, "<style"), 1);
    assert_int_equal(count(page, " src=\"") + count(page, " href=\"http"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_facts_stand_where_the_mark_was),
        cmocka_unit_test(large_facts_are_squeezed),
        cmocka_unit_test(alerts_are_replaced_in_the_page),
        cmocka_unit_test(a_delivery_writes_it_with_its_other_files),
        cmocka_unit_test(facts_that_could_end_their_element_are_refused),
        cmocka_unit_test(the_policy_lets_in_just_what_is_in_the_page),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
