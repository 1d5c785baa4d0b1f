#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::sys {

/// The kinds of namespace, with the kernel's clone flags as values.
enum class Namespace : int {
    kMount = 0x00020000,
    kCgroup = 0x02000000,
    kUts = 0x04000000,
    kIpc = 0x08000000,
    kUser = 0x10000000,
    kPid = 0x20000000,
    kNet = 0x40000000,
    kTime = 0x00000080,
};

/// The name in /proc/PID/ns: "mnt", "net"...
const char* namespace_name(Namespace kind);

/// The namespace that the calling thread is in.
Result<UniqueFd> open_own_namespace(Namespace kind);
/// The namespace of another process. Racy unless the caller holds PID (its child, or checked by a
/// pidfd afterwards).
Result<UniqueFd> open_namespace(pid_t pid, Namespace kind);

/// A number that two fds share if and only if they refer to the same namespace.
Result<uint64_t> namespace_inode(int fd);

/// Moves the calling thread. SAFETY: a thread that did this must end afterwards, it never goes back
/// to work for others: see run_on_own_thread().
Result<> enter_namespace(int fd, Namespace kind);
Result<> unshare_namespace(Namespace kind);

/// Runs BODY on a new thread that ends with it, and waits: the place for setns and unshare, which
/// would poison a thread that lives on.
Result<> run_on_own_thread(const std::function<Result<>()>& body);

}  // namespace gantry::sys
