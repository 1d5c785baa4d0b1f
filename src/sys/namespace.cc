#include "sys/namespace.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/stat.h>

#include <optional>
#include <thread>
#include <utility>

#include "sys/files.h"

namespace gantry::sys {

const char* namespace_name(Namespace kind) {
    switch (kind) {
        case Namespace::kMount: return "mnt";
        case Namespace::kCgroup: return "cgroup";
        case Namespace::kUts: return "uts";
        case Namespace::kIpc: return "ipc";
        case Namespace::kUser: return "user";
        case Namespace::kPid: return "pid";
        case Namespace::kNet: return "net";
        case Namespace::kTime: return "time";
    }
    return "";
}

Result<UniqueFd> open_own_namespace(Namespace kind) {
    // Not /proc/self: that is the whole process' first thread, not the one that moved.
    const std::string path = fmt::format("/proc/thread-self/ns/{}", namespace_name(kind));
    return open_file(AT_FDCWD, path.c_str(), O_RDONLY);
}

Result<UniqueFd> open_namespace(pid_t pid, Namespace kind) {
    const std::string path = fmt::format("/proc/{}/ns/{}", pid, namespace_name(kind));
    return open_file(AT_FDCWD, path.c_str(), O_RDONLY);
}

Result<uint64_t> namespace_inode(int fd) {
    struct stat status;
    if (::fstat(fd, &status) < 0) {
        return fail_errno("stat a namespace");
    }
    return status.st_ino;
}

Result<> enter_namespace(int fd, Namespace kind) {
    // The kernel moves only a thread whose root is its own to another mount namespace.
    if (kind == Namespace::kMount && ::unshare(CLONE_FS) < 0) {
        return fail_errno("unshare the root");
    }
    if (::setns(fd, static_cast<int>(kind)) < 0) {
        return fail_errno(fmt::format("setns {}", namespace_name(kind)));
    }
    return {};
}

Result<> unshare_namespace(Namespace kind) {
    if (::unshare(static_cast<int>(kind)) < 0) {
        return fail_errno(fmt::format("unshare {}", namespace_name(kind)));
    }
    return {};
}

Result<> run_on_own_thread(const std::function<Result<>()>& body) {
    std::optional<Error> failed;
    std::thread thread([&] {
        if (auto result = body(); !result) {
            failed.emplace(std::move(result).error());
        }
    });
    thread.join();
    if (failed) {
        return Failure(std::move(*failed));
    }
    return {};
}

}  // namespace gantry::sys
