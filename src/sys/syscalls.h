#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

namespace gantry::sys {

// System calls that glibc 2.36 has no wrapper for. As the kernel has them: -1 and errno.

inline int openat2(int dir, const char* path, const open_how& how) {
    return static_cast<int>(::syscall(SYS_openat2, dir, path, &how, sizeof how));
}

inline int pidfd_open(pid_t pid, unsigned flags) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, flags));
}

inline int pidfd_send_signal(int pidfd, int signal) {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

inline int quotactl_fd(int fd, unsigned command, unsigned id, void* data) {
    return static_cast<int>(::syscall(SYS_quotactl_fd, fd, command, id, data));
}

inline int bpf(int command, void* attributes, size_t size) {
    return static_cast<int>(::syscall(SYS_bpf, command, attributes, size));
}

}  // namespace gantry::sys
