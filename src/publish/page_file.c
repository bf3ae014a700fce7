#include "publish/page_file.h"

#include "base/io.h"
#include "config/embedded.h"

static const char mark[] = "<!--facts-->";
static const char open_tag[] = "<script type=\"application/json\" id=\"facts\">";
static const char close_tag[] = "</script>";

/* The template before and after its mark. */
static enum ec_status split(struct ec_str *head, struct ec_str *tail, struct ec_err *err) {
    struct ec_str page = ec_page_template[0].text;
    const char *at = memmem(page.p, page.n, mark, sizeof mark - 1);
    if (!at) return ec_fail(err, EC_DELIVERY, "the page of this program has no place for the facts: it was built wrongly");
    *head = (struct ec_str){page.p, (size_t)(at - page.p)};
    *tail = (struct ec_str){at + sizeof mark - 1, page.n - head->n - (sizeof mark - 1)};
    return EC_OK;
}

static enum ec_status write_page(int fd, const char *path, struct ec_str facts, struct ec_err *err) {
    struct ec_str head, tail;
    EC_TRY(split(&head, &tail, err));
    const struct ec_str pieces[] = {head, {open_tag, sizeof open_tag - 1}, facts, {close_tag, sizeof close_tag - 1}, tail};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        EC_TRY(ec_file_write(fd, pieces[i].p, pieces[i].n, path, err));
    return EC_OK;
}

static enum ec_status put(const char *path, struct ec_str facts, struct ec_durable *durable, struct ec_err *err) {
    int fd;
    EC_TRY(ec_durable_open(durable, path, &fd, err));
    enum ec_status status = write_page(fd, path, facts, err);
    if (status == EC_OK) return ec_durable_close(durable, path, fd, err);
    ec_durable_abandon(durable, path, fd);
    return status;
}

enum ec_status ec_page_file_publish(const char *dir, struct ec_str facts, struct ec_durable *durable,
                                    struct ec_err *err) {
    char path[4096];
    if (memchr(facts.p, '<', facts.n))
        return ec_fail(err, EC_DELIVERY, "the page's facts hold a bare <, which could end their element");
    EC_TRY(ec_path_join(path, sizeof path, dir, EC_PAGE_NAME, err));
    if (durable) return put(path, facts, durable, err);
    struct ec_durable *own;
    EC_TRY(ec_durable_create(&own, err));
    enum ec_status status = put(path, facts, own, err);
    if (status == EC_OK) status = ec_durable_commit(own, err);
    ec_durable_destroy(own);
    return status;
}
