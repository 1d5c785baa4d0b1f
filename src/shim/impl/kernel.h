#pragma once

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

// System calls that musl has no wrapper for, and the constants that go with them (musl brings no
// linux/ headers). Each returns -1 with errno set on failure.

namespace gantry::shim {

inline constexpr uint64_t kCloneIntoCgroup = 0x200000000;

struct CloneArgs {
    uint64_t flags;
    uint64_t pidfd;
    uint64_t child_tid;
    uint64_t parent_tid;
    uint64_t exit_signal;
    uint64_t stack;
    uint64_t stack_size;
    uint64_t tls;
    uint64_t set_tid;
    uint64_t set_tid_size;
    uint64_t cgroup;
};

/// SAFETY: without CLONE_VM this is a fork: the child has its own copy of everything.
inline int clone3(const CloneArgs& args) {
    return static_cast<int>(syscall(SYS_clone3, &args, sizeof args));
}

inline constexpr uint64_t kResolveNoXdev = 1;
inline constexpr uint64_t kResolveNoMagiclinks = 2;
inline constexpr uint64_t kResolveNoSymlinks = 4;
inline constexpr uint64_t kResolveBeneath = 8;
inline constexpr uint64_t kResolveInRoot = 16;

inline int openat2(int dir, const char* path, int flags, uint64_t resolve) {
    const struct {
        uint64_t flags, mode, resolve;
    } how = {static_cast<uint64_t>(flags), 0, resolve};
    return static_cast<int>(syscall(SYS_openat2, dir, path, &how, sizeof how));
}

inline constexpr uint64_t kMountAttrReadonly = 1;
inline constexpr uint64_t kMountAttrNosuid = 2;
inline constexpr uint64_t kMountAttrNodev = 4;
inline constexpr uint64_t kMountAttrNoexec = 8;
inline constexpr uint64_t kMountAttrIdmap = 0x100000;

inline constexpr unsigned kFsconfigSetFlag = 0;
inline constexpr unsigned kFsconfigSetString = 1;
inline constexpr unsigned kFsconfigCreate = 6;

inline constexpr unsigned kOpenTreeClone = 1;
inline constexpr unsigned kAtEmptyPath = 0x1000;
inline constexpr unsigned kAtRecursive = 0x8000;
inline constexpr unsigned kCloexec = 02000000;

inline int fsopen(const char* type) {
    return static_cast<int>(syscall(SYS_fsopen, type, 1));
}
inline int fsconfig(int fd, unsigned command, const char* key, const char* value) {
    return static_cast<int>(syscall(SYS_fsconfig, fd, command, key, value, 0));
}
inline int fsmount(int fd, unsigned attributes) {
    return static_cast<int>(syscall(SYS_fsmount, fd, 1, attributes));
}
inline int open_tree(int dir, const char* path, unsigned flags) {
    return static_cast<int>(syscall(SYS_open_tree, dir, path, flags | kCloexec));
}
/// Attaches the mount FROM where the descriptor TO points.
inline int move_mount(int from, int to) {
    return static_cast<int>(syscall(SYS_move_mount, from, "", to, "", 0x4 | 0x40));
}
inline int mount_setattr(int fd, unsigned flags, uint64_t set, uint64_t clear,
                         uint64_t propagation) {
    const struct {
        uint64_t set, clear, propagation, userns;
    } attributes = {set, clear, propagation, 0};
    return static_cast<int>(
        syscall(SYS_mount_setattr, fd, "", flags | kAtEmptyPath, &attributes, sizeof attributes));
}
/// Shows owners as the user namespace USERNS maps them.
inline int mount_idmap(int fd, unsigned flags, int userns) {
    const struct {
        uint64_t set, clear, propagation, userns;
    } attributes = {kMountAttrIdmap, 0, 0, static_cast<uint64_t>(userns)};
    return static_cast<int>(
        syscall(SYS_mount_setattr, fd, "", flags | kAtEmptyPath, &attributes, sizeof attributes));
}
inline int pivot_root(const char* new_root, const char* put_old) {
    return static_cast<int>(syscall(SYS_pivot_root, new_root, put_old));
}

/// Marks (CLOSE_RANGE_CLOEXEC) or closes every descriptor from FIRST on.
inline int close_from(int first) {
    return static_cast<int>(syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0));
}

inline int pidfd_open(int pid) {
    return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}
inline int pidfd_send_signal(int pidfd, int signal) {
    return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

}  // namespace gantry::shim
