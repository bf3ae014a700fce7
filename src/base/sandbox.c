#include "base/sandbox.h"

#include "base/io.h"
#include "base/sandbox_calls.h"
#include "base/sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0u
#endif

/* ---- files ---- */

#define READ_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_ACCESS                                                                                                  \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                  \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG)
/* Never given: programs, devices, sockets, pipes, links that point elsewhere. */
#define SPECIAL_ACCESS                                                                                                 \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                      \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define REFER_ACCESS    (UINT64_C(1) << 13) /* from Landlock 2 on: names that move between folders */
#define TRUNCATE_ACCESS (UINT64_C(1) << 14) /* from Landlock 3 on */

static int landlock_version(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* False where the folder cannot be given, which is then refused. */
static bool allow(int rules, const char *path, uint64_t access) {
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = ec_io.open(path, O_PATH | O_CLOEXEC, 0)};
    if (rule.parent_fd < 0) return false;
    long done = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    (void)ec_io.close(rule.parent_fd);
    return done == 0;
}

/* Libraries that are loaded late, time zones, processors, limits, randomness: read by the C library and by DuckDB, which
 * ends the process where it cannot. */
static const char *const system_paths[] = {"/usr",          "/lib",           "/lib64",      "/etc", "/proc/self",
                                           "/proc/meminfo", "/sys/devices/system/cpu", "/sys/fs/cgroup", "/dev/urandom"};

static bool enter_files(const struct ec_sandbox *s) {
    int version = landlock_version();
    if (version < 1) return false;
    uint64_t moving = (version >= 2 ? REFER_ACCESS : 0) | (version >= 3 ? TRUNCATE_ACCESS : 0);
    struct landlock_ruleset_attr all = {.handled_access_fs = READ_ACCESS | WRITE_ACCESS | SPECIAL_ACCESS | moving};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all.handled_access_fs, 0);
    if (rules < 0) return false;
    for (size_t i = 0; i < sizeof system_paths / sizeof *system_paths; i++) {
        struct stat st;
        bool file = stat(system_paths[i], &st) == 0 && !S_ISDIR(st.st_mode);
        (void)allow(rules, system_paths[i], file ? LANDLOCK_ACCESS_FS_READ_FILE : READ_ACCESS);
    }
    for (size_t i = 0; i < s->reads; i++) (void)allow(rules, s->read[i], READ_ACCESS);
    for (size_t i = 0; i < s->writes; i++) (void)allow(rules, s->write[i], READ_ACCESS | WRITE_ACCESS | moving);
    bool done = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    (void)ec_io.close(rules);
    return done;
}

/* ---- system calls ---- */

#define CALLS (sizeof ec_sandbox_calls / sizeof *ec_sandbox_calls)

static bool enter_calls(void) {
    struct sock_filter program[CALLS + 8];
    size_t n = 0;
    if (!ARCHITECTURE) return false;
    program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALLS; i++) {
        uint8_t to_allow = (uint8_t)(CALLS - i);
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ec_sandbox_calls[i], to_allow, 0);
    }
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {.len = (unsigned short)n, .filter = program};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

_Static_assert(CALLS < 255, "a jump has eight bits");

/* ---- memory ---- */

static uint64_t mapped_bytes(void) {
    char text[64] = {0};
    size_t n = 0;
    int fd = ec_io.open("/proc/self/statm", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    enum ec_status status = ec_file_read(fd, text, sizeof text - 1, &n, "/proc/self/statm", NULL);
    (void)ec_io.close(fd);
    uint64_t pages = 0;
    for (const char *p = text; status == EC_OK && *p >= '0' && *p <= '9'; p++) pages = pages * 10 + (uint64_t)(*p - '0');
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool enter_memory(uint64_t more) {
    struct rlimit none = {0, 0}, limit;
    (void)setrlimit(RLIMIT_CORE, &none);
    uint64_t mapped = mapped_bytes();
    if (more == 0 || mapped == 0 || getrlimit(RLIMIT_AS, &limit) != 0) return false;
    uint64_t wanted = mapped + more;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted) wanted = limit.rlim_max;
    limit.rlim_cur = limit.rlim_max = wanted;
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

/* An emulator (qemu-user) takes a limit of the address space and does not keep it. */
static bool keeps_limits(void) {
    struct rlimit was, said;
    if (getrlimit(RLIMIT_AS, &was) != 0) return false;
    if (was.rlim_cur != RLIM_INFINITY) return true;
    struct rlimit probe = {UINT64_C(1) << 50, was.rlim_max};
    bool kept = setrlimit(RLIMIT_AS, &probe) == 0 && getrlimit(RLIMIT_AS, &said) == 0 && said.rlim_cur == probe.rlim_cur;
    return setrlimit(RLIMIT_AS, &was) == 0 && kept;
}

/* ---- all of it ---- */

static bool is_off(void) {
    const char *wish = getenv("ECLUSE_SANDBOX");
    return wish && strcmp(wish, "off") == 0;
}

unsigned ec_sandbox_offered(void) {
    if (is_off()) return 0;
    if (EC_SANITIZED) return EC_SANDBOX_PRIVILEGES;
    unsigned parts = EC_SANDBOX_PRIVILEGES;
    if (keeps_limits()) parts |= EC_SANDBOX_MEMORY;
    if (landlock_version() >= 1) parts |= EC_SANDBOX_FILES;
    if (ARCHITECTURE && prctl(PR_GET_SECCOMP) >= 0) parts |= EC_SANDBOX_CALLS;
    return parts;
}

unsigned ec_sandbox_enter(const struct ec_sandbox *s) {
    unsigned offered = ec_sandbox_offered(), held = 0;
    if (offered && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) held |= EC_SANDBOX_PRIVILEGES;
    if (!held) return 0;
    if ((offered & EC_SANDBOX_MEMORY) && enter_memory(s->memory_bytes)) held |= EC_SANDBOX_MEMORY;
    if ((offered & EC_SANDBOX_FILES) && enter_files(s)) held |= EC_SANDBOX_FILES;
    if ((offered & EC_SANDBOX_CALLS) && enter_calls()) held |= EC_SANDBOX_CALLS;
    return held;
}
