#include "base/text.h"
#include "spec/impl/seccomp_document.h"

namespace gantry::spec::impl {
namespace {

struct Arg {
    uint32_t index = 0;
    uint64_t value = 0;
    /// "" for no condition. A masked comparison wants zero.
    std::string_view op = {};
};

/// Lists are separated by spaces. The action is to allow, or the errno when that is not zero.
struct Row {
    std::string_view names = {};
    uint32_t errno_ret = 0;
    std::string_view caps = {};
    std::string_view not_caps = {};
    std::string_view arches = {};
    std::string_view not_arches = {};
    std::string_view min_kernel = {};
    Arg arg = {};
};

// Docker's rules of 2026-06 (moby/profiles cd3bed8), in their order.
constexpr Row kRows[] = {
    {.names =
         "accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod "
         "chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 "
         "clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close "
         "close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 "
         "epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd "
         "eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 "
         "fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat "
         "fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat "
         "fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue "
         "futex_time64 futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents "
         "getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 "
         "getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid "
         "getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage getsid "
         "getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr "
         "getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel "
         "ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64 ioprio_get "
         "ioprio_set io_setup io_submit ipc kill landlock_add_rule landlock_create_ruleset "
         "landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount "
         "listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 "
         "madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat "
         "mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify "
         "mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 "
         "mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap "
         "name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause "
         "pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll "
         "ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 "
         "pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv "
         "recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr "
         "removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq "
         "rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
         "rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity "
         "sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min "
         "sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
         "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield "
         "seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile "
         "sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid "
         "setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 "
         "setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit "
         "set_robust_list setsid setsockopt set_thread_area set_tid_address setuid setuid32 "
         "setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd "
         "signalfd4 sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs "
         "statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee "
         "tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 "
         "timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 "
         "timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask "
         "uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork "
         "vmsplice wait4 waitid waitpid write writev"},
    {.names = "process_vm_readv process_vm_writev ptrace", .min_kernel = "4.8"},
    {.names = "socket", .arg = {0, 0x26, "SCMP_CMP_LT"}},
    {.names = "socket", .arg = {0, 0x27, "SCMP_CMP_EQ"}},
    {.names = "socket", .arg = {0, 0x28, "SCMP_CMP_GT"}},
    {.names = "personality", .arg = {0, 0x0, "SCMP_CMP_EQ"}},
    {.names = "personality", .arg = {0, 0x8, "SCMP_CMP_EQ"}},
    {.names = "personality", .arg = {0, 0x20000, "SCMP_CMP_EQ"}},
    {.names = "personality", .arg = {0, 0x20008, "SCMP_CMP_EQ"}},
    {.names = "personality", .arg = {0, 0xffffffff, "SCMP_CMP_EQ"}},
    {.names = "sync_file_range2 swapcontext", .arches = "ppc64le"},
    {.names = "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
     .arches = "arm arm64"},
    {.names = "arch_prctl", .arches = "amd64 x32"},
    {.names = "modify_ldt", .arches = "amd64 x32 x86"},
    {.names = "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr", .arches = "s390 s390x"},
    {.names = "riscv_flush_icache", .arches = "riscv64"},
    {.names = "open_by_handle_at", .caps = "CAP_DAC_READ_SEARCH"},
    {.names = "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie "
              "lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount "
              "open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns "
              "syslog umount umount2 unshare",
     .caps = "CAP_SYS_ADMIN"},
    {.names = "clone",
     .not_caps = "CAP_SYS_ADMIN",
     .not_arches = "s390 s390x",
     .arg = {0, 0x7e020000, "SCMP_CMP_MASKED_EQ"}},
    {.names = "clone",
     .not_caps = "CAP_SYS_ADMIN",
     .arches = "s390 s390x",
     .arg = {1, 0x7e020000, "SCMP_CMP_MASKED_EQ"}},
    {.names = "clone3", .errno_ret = 38, .not_caps = "CAP_SYS_ADMIN"},
    {.names = "reboot", .caps = "CAP_SYS_BOOT"},
    {.names = "chroot", .caps = "CAP_SYS_CHROOT"},
    {.names = "delete_module init_module finit_module", .caps = "CAP_SYS_MODULE"},
    {.names = "acct", .caps = "CAP_SYS_PACCT"},
    {.names = "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
     .caps = "CAP_SYS_PTRACE"},
    {.names = "iopl ioperm", .caps = "CAP_SYS_RAWIO"},
    {.names = "settimeofday stime clock_settime clock_settime64", .caps = "CAP_SYS_TIME"},
    {.names = "vhangup", .caps = "CAP_SYS_TTY_CONFIG"},
    {.names = "get_mempolicy mbind set_mempolicy set_mempolicy_home_node", .caps = "CAP_SYS_NICE"},
    {.names = "syslog", .caps = "CAP_SYSLOG"},
    {.names = "bpf", .caps = "CAP_BPF"},
    {.names = "perf_event_open", .caps = "CAP_PERFMON"},
};

struct ArchRow {
    std::string_view architecture;
    std::string_view sub_architectures;
};
constexpr ArchRow kArchitectures[] = {
    {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86 SCMP_ARCH_X32"},
    {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"},
    {"SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS SCMP_ARCH_MIPS64N32"},
    {"SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPS SCMP_ARCH_MIPS64"},
    {"SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64N32"},
    {"SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64"},
    {"SCMP_ARCH_S390X", "SCMP_ARCH_S390"},
    {"SCMP_ARCH_RISCV64", ""},
    {"SCMP_ARCH_LOONGARCH64", ""},
};

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> list;
    for (const std::string_view word : split(text, ' ')) {
        if (!word.empty()) {
            list.emplace_back(word);
        }
    }
    return list;
}

SeccompDocumentRule make_rule(const Row& row) {
    SeccompDocumentRule rule;
    rule.names = words(row.names);
    rule.action = row.errno_ret == 0 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO";
    if (row.errno_ret != 0) {
        rule.errno_ret = row.errno_ret;
    }
    if (!row.arg.op.empty()) {
        rule.args.push_back({row.arg.index, row.arg.value, 0, std::string(row.arg.op)});
    }
    rule.includes = {words(row.caps), words(row.arches), std::string(row.min_kernel)};
    rule.excludes = {words(row.not_caps), words(row.not_arches), {}};
    return rule;
}

SeccompDocument make_document() {
    SeccompDocument document;
    document.default_action = "SCMP_ACT_ERRNO";
    document.default_errno_ret = 1;
    for (const ArchRow& row : kArchitectures) {
        document.arch_map.push_back({std::string(row.architecture), words(row.sub_architectures)});
    }
    for (const Row& row : kRows) {
        document.syscalls.push_back(make_rule(row));
    }
    return document;
}

}  // namespace

const SeccompDocument& default_seccomp_document() {
    static const SeccompDocument document = make_document();
    return document;
}

}  // namespace gantry::spec::impl
