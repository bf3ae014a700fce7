#include "cli/huge_pages.h"

#include "base/io.h"
#include "base/sanitized.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define THP "/sys/kernel/mm/transparent_hugepage/enabled"

/* "always [madvise] never": without the brackets it is another's turn. */
static bool are_given_on_request(void) {
    char text[64] = {0};
    size_t n = 0;
    int fd = ec_io.open(THP, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return false;
    enum ec_status status = ec_file_read(fd, text, sizeof text - 1, &n, THP, NULL);
    (void)ec_io.close(fd);
    return status == EC_OK && strstr(text, "[madvise]") != NULL;
}

void ec_huge_pages(const char *program, char **argv) {
    if (EC_SANITIZED || getenv("GLIBC_TUNABLES") || !are_given_on_request()) return;
    if (setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0) == 0) (void)execv(program, argv);
}
