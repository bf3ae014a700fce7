#include "publish/page_file.h"

#include "base/io.h"
#include "base/limits.h"
#include "config/embedded.h"
#include "publish/page_pack.h"

#define PAGE_MAX ((size_t)512 * EC_MIB)

static const char mark[] = "<!--facts-->";
static const char open_facts[] = "<script type=\"application/json\" id=\"facts\">";
static const char open_packed[] = "<script type=\"text/plain\" id=\"facts\" data-packed=\"deflate\">";
static const char open_alerts[] = "<script type=\"application/json\" id=\"alerts\">";
static const char close_tag[] = "</script>";

#define TAG(text) ((struct ec_str){text, sizeof text - 1})
#define PIECES_MAX 8u

struct pieces {
    struct ec_str piece[PIECES_MAX];
    size_t count;
};

static void add(struct pieces *to, struct ec_str piece) { to->piece[to->count++] = piece; }

/* The template before and after its mark. */
static enum ec_status split(struct ec_str *head, struct ec_str *tail, struct ec_err *err) {
    struct ec_str page = ec_page_template[0].text;
    const char *at = memmem(page.p, page.n, mark, sizeof mark - 1);
    if (!at) return ec_fail(err, EC_DELIVERY, "the page of this program has no place for the facts: it was built wrongly");
    *head = (struct ec_str){page.p, (size_t)(at - page.p)};
    *tail = (struct ec_str){at + sizeof mark - 1, page.n - head->n - (sizeof mark - 1)};
    return EC_OK;
}

static enum ec_status write_pieces(struct ec_durable *durable, const char *path, const struct pieces *p, struct ec_err *err) {
    int fd;
    EC_TRY(ec_durable_open(durable, path, &fd, err));
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < p->count && status == EC_OK; i++) status = ec_file_write(fd, p->piece[i].p, p->piece[i].n, path, err);
    if (status == EC_OK) return ec_durable_close(durable, path, fd, err);
    ec_durable_abandon(durable, path, fd);
    return status;
}

static enum ec_status put(const char *path, const struct pieces *p, struct ec_durable *durable, struct ec_err *err) {
    if (durable) return write_pieces(durable, path, p, err);
    struct ec_durable *own;
    EC_TRY(ec_durable_create(&own, err));
    enum ec_status status = write_pieces(own, path, p, err);
    if (status == EC_OK) status = ec_durable_commit(own, err);
    ec_durable_destroy(own);
    return status;
}

static enum ec_status check(struct ec_str json, struct ec_err *err) {
    if (json.n && memchr(json.p, '<', json.n))
        return ec_fail(err, EC_DELIVERY, "the page's facts hold a bare <, which could end their element");
    return EC_OK;
}

enum ec_status ec_page_file_publish(const char *dir, struct ec_str facts, struct ec_str alerts, struct ec_durable *durable,
                                    struct ec_err *err) {
    char path[4096];
    struct ec_str head = {0}, tail = {0};
    struct pieces p = {0};
    struct ec_buf packed = ec_buf_make(PAGE_MAX);
    EC_TRY(check(facts, err));
    EC_TRY(check(alerts, err));
    EC_TRY(ec_path_join(path, sizeof path, dir, EC_PAGE_NAME, err));
    EC_TRY(split(&head, &tail, err));
    bool large = head.n + facts.n + alerts.n + tail.n + 256 > EC_PAGE_BYTES;
    enum ec_status status = large ? ec_page_pack(facts, &packed, err) : EC_OK;
    add(&p, head);
    add(&p, large ? TAG(open_packed) : TAG(open_facts));
    add(&p, large ? ec_buf_str(&packed) : facts);
    add(&p, TAG(close_tag));
    if (alerts.n) add(&p, TAG(open_alerts));
    if (alerts.n) add(&p, alerts);
    if (alerts.n) add(&p, TAG(close_tag));
    add(&p, tail);
    if (status == EC_OK) status = put(path, &p, durable, err);
    ec_buf_free(&packed);
    return status;
}

static enum ec_status replace(const char *path, struct ec_str page, struct ec_str alerts, struct ec_err *err) {
    struct pieces p = {0};
    const char *end = page.p + page.n, *from = memmem(page.p, page.n, open_alerts, sizeof open_alerts - 1);
    if (from) from += sizeof open_alerts - 1;
    const char *to = from ? memmem(from, (size_t)(end - from), close_tag, sizeof close_tag - 1) : NULL;
    if (!to || ec_str_eq(alerts, (struct ec_str){from, (size_t)(to - from)})) return EC_OK;
    add(&p, (struct ec_str){page.p, (size_t)(from - page.p)});
    add(&p, alerts);
    add(&p, (struct ec_str){to, (size_t)(end - to)});
    return put(path, &p, NULL, err);
}

enum ec_status ec_page_file_alerts(const char *dir, struct ec_str alerts, struct ec_err *err) {
    char path[4096];
    EC_TRY(check(alerts, err));
    EC_TRY(ec_path_join(path, sizeof path, dir, EC_PAGE_NAME, err));
    if (!ec_path_exists(path)) return EC_OK;
    struct ec_buf page = ec_buf_make(PAGE_MAX);
    enum ec_status status = ec_file_load(path, &page, err);
    if (status == EC_OK) status = replace(path, ec_buf_str(&page), alerts, err);
    ec_buf_free(&page);
    return status;
}
