/* System calls that a worker makes, its libraries' and the C library's included. Everything else is answered by EPERM.
 * Not among them: sockets, programs, signals to others, other processes' memory, mounts, namespaces, keys, io_uring
 * (whose requests no filter sees), and all that needs a privilege. */
#ifndef EC_BASE_SANDBOX_CALLS_H
#define EC_BASE_SANDBOX_CALLS_H

#include <sys/syscall.h>

static const int ec_sandbox_calls[] = {
    /* files */
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_openat, SYS_close, SYS_close_range, SYS_lseek,
    SYS_fstat, SYS_newfstatat, SYS_statx, SYS_statfs, SYS_fstatfs, SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_getdents64,
    SYS_getcwd, SYS_fcntl, SYS_flock, SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_fadvise64, SYS_fallocate,
    SYS_ftruncate, SYS_renameat2, SYS_mkdirat, SYS_unlinkat, SYS_linkat, SYS_dup, SYS_dup3, SYS_pipe2, SYS_ppoll, SYS_umask,
    SYS_copy_file_range, SYS_ioctl,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_open /* what has no ...at() on younger architectures */
    SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_rename, SYS_mkdir, SYS_rmdir, SYS_link, SYS_unlink, SYS_dup2,
    SYS_pipe, SYS_poll, SYS_select, SYS_getdents,
#endif
    /* memory */
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_mincore, SYS_membarrier,
    /* threads */
    SYS_clone, SYS_clone3, SYS_futex, SYS_set_robust_list, SYS_rseq, SYS_set_tid_address, SYS_gettid, SYS_getpid, SYS_getppid,
    SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_getcpu,
    SYS_restart_syscall, SYS_exit, SYS_exit_group,
    /* signals to itself: abort() */
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_tgkill,
    /* what time it is, what there is */
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_times, SYS_getrusage,
    SYS_sysinfo, SYS_uname, SYS_prlimit64, SYS_getrlimit, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getrandom, SYS_prctl,
#ifdef SYS_arch_prctl
    SYS_arch_prctl, SYS_time,
#endif
};

#endif
