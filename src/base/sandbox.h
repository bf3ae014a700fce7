/* What a process that reads hostile files may still do: little.
 *
 * A worker parses what strangers wrote. Should a parser of ours or of a library be taken over, the process cannot
 * open a connection, start a program, look into other processes, read outside of the folders that it was given, or
 * write outside of its own. The kernel holds it to that:
 *
 *     no_new_privs       for good: nothing that it starts gains rights
 *     Landlock (5.13+)   files: the folders below, and the system's libraries
 *     seccomp            system calls: those of the list in sandbox_calls.h
 *     RLIMIT_AS          its address space; RLIMIT_CORE is 0: a core file would hold personal data
 *
 * None of them can be taken back; threads and children inherit them. What a kernel does not have is left out, which
 * `ecluse doctor` says.
 */
#ifndef EC_BASE_SANDBOX_H
#define EC_BASE_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ec_sandbox_part {
    EC_SANDBOX_PRIVILEGES = 1,
    EC_SANDBOX_FILES = 2,
    EC_SANDBOX_CALLS = 4,
    EC_SANDBOX_MEMORY = 8,
};

#define EC_SANDBOX_FOLDERS_MAX 8u

struct ec_sandbox {
    const char *read[EC_SANDBOX_FOLDERS_MAX];  /* folders, with all below; one that is not there is left out */
    const char *write[EC_SANDBOX_FOLDERS_MAX]; /* may be read, too */
    size_t reads, writes;
    uint64_t memory_bytes; /* of address space, beyond what is mapped already; 0: no limit */
};

/* The parts that this kernel offers; what ECLUSE_SANDBOX=off leaves. Sanitizers need more than they allow:
 * in their builds privileges alone are given up. */
unsigned ec_sandbox_offered(void);
/* Enters for good; the parts that hold from here on. The calling process has one thread. */
unsigned ec_sandbox_enter(const struct ec_sandbox *sandbox);

#endif
