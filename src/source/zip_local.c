/* Each member's local header, which says where its bytes are and must say the same as the
 * directory. */
#include "source/zip.h"

#include "base/io.h"

#define LOCAL_BYTES 30u
#define LOCAL_MAGIC UINT32_C(0x04034b50)
#define EXTRA_MAX   65535u

static bool sizes_agree(const struct ec_zip_entry *e, const unsigned char *p, const unsigned char *extra,
                        size_t extra_n) {
    uint64_t stored = ec_le32(p + 18), decoded = ec_le32(p + 22);
    uint32_t crc = ec_le32(p + 14);
    /* A streamed member learns them behind its data; zeros stand in their place. */
    bool streamed = (e->flags & EC_ZIP_FLAG_STREAMED) != 0;
    if (!ec_zip64_extra(extra, extra_n, &decoded, &stored, NULL)) return false;
    const struct ec_zip_member *m = &e->member;
    return (crc == m->crc || (streamed && crc == 0)) && (stored == m->bytes_stored || (streamed && stored == 0)) &&
           (decoded == m->bytes_decoded || (streamed && decoded == 0));
}

static bool headers_agree(const struct ec_zip_entry *e, const unsigned char *p) {
    const unsigned flags = EC_ZIP_FLAG_ENCRYPTED | EC_ZIP_FLAG_STREAMED | EC_ZIP_FLAG_STRONG | EC_ZIP_FLAG_MASKED;
    return ec_le32(p) == LOCAL_MAGIC && ((ec_le16(p + 6) ^ e->flags) & flags) == 0 &&
           ec_le16(p + 8) == e->member.method && ec_le16(p + 26) == e->name_n;
}

static enum ec_status read_local(const struct ec_zip_directory *dir, struct ec_zip_entry *e, unsigned char *buf,
                                 struct ec_err *err) {
    unsigned char head[LOCAL_BYTES];
    size_t got;
    const char *name = e->member.name;
    /* In this order no sum can pass 2^64. */
    if (e->header_offset > dir->offset || dir->offset - e->header_offset < LOCAL_BYTES)
        return ec_fail(err, EC_ZIP_DAMAGED, "%s: member %s lies past the directory", dir->path, name);
    EC_TRY(ec_file_read_at(dir->fd, head, sizeof head, (off_t)e->header_offset, &got, dir->path, err));
    if (got < sizeof head || !headers_agree(e, head)) goto disagree;

    size_t extra_n = ec_le16(head + 28), n = e->name_n + extra_n;
    EC_TRY(ec_file_read_at(dir->fd, buf, n, (off_t)(e->header_offset + LOCAL_BYTES), &got, dir->path, err));
    if (got < n || memcmp(buf, name, e->name_n) != 0 || !sizes_agree(e, head, buf + e->name_n, extra_n)) goto disagree;

    uint64_t data = e->header_offset + LOCAL_BYTES + n;
    if (data > dir->offset || e->member.bytes_stored > dir->offset - data)
        return ec_fail(err, EC_ZIP_OVERLAP, "%s: member %s reaches into the directory", dir->path, name);
    e->member.data_offset = data;
    return EC_OK;
disagree:
    return ec_fail(err, EC_ZIP_DAMAGED, "%s: the directory and the header of member %s disagree", dir->path, name);
}

enum ec_status ec_zip_read_locals(struct ec_zip_directory *dir, struct ec_err *err) {
    unsigned char *buf = ec_malloc(EC_ZIP_NAME_MAX + EXTRA_MAX);
    if (!buf) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", dir->path);
    enum ec_status status = EC_OK;
    for (size_t i = 0; status == EC_OK && i < dir->count; i++) status = read_local(dir, &dir->entry[i], buf, err);
    ec_free(buf);
    return status;
}
