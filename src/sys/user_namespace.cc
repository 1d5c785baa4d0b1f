#include "sys/user_namespace.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "base/scope_guard.h"
#include "sys/files.h"
#include "sys/namespace.h"

namespace gantry::sys {

namespace {

constexpr size_t kStackSize = 16384;

/// Lives until it is killed or we are. SAFETY: shares our memory, so it touches none of it.
int wait_forever(void* /*unused*/) {
    for (;;) {
        ::pause();
    }
}

Result<> write_map(pid_t pid, const char* name, std::span<const IdRange> ranges) {
    const std::string path = fmt::format("/proc/{}/{}", pid, name);
    if (auto written = write_value(path.c_str(), id_map_text(ranges)); !written) {
        const int error = written.error().sys_errno();
        return Failure(Error(error == EINVAL ? Kind::kInvalid : Kind::kInternal,
                             written.error().text(), error));
    }
    return {};
}

}  // namespace

std::optional<uint32_t> map_id(std::span<const IdRange> ranges, uint32_t id) {
    for (const IdRange& range : ranges) {
        if (id >= range.inside && id - range.inside < range.count) {
            return range.outside + (id - range.inside);
        }
    }
    return std::nullopt;
}

std::string id_map_text(std::span<const IdRange> ranges) {
    std::string text;
    for (const IdRange& range : ranges) {
        text += fmt::format("{} {} {}\n", range.inside, range.outside, range.count);
    }
    return text;
}

Result<UserNamespace> make_user_namespace(std::span<const IdRange> uids,
                                          std::span<const IdRange> gids, WithNetwork network) {
    void* stack = ::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        return fail_errno("mmap");
    }
    const ScopeGuard free_stack([&] { ::munmap(stack, kStackSize); });
    // Signals to our group must find no handler of ours in it.
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &old);
    // SAFETY: CLONE_VM without CLONE_VFORK, on a stack of its own: as cheap as a thread, however
    // large we are. It inherits the blocked signals, which leaves SIGKILL.
    const int flags =
        CLONE_VM | CLONE_NEWUSER | SIGCHLD | (network == WithNetwork::kYes ? CLONE_NEWNET : 0);
    int pidfd = -1;
    const pid_t pid = ::clone(wait_forever, static_cast<char*>(stack) + kStackSize,
                              flags | CLONE_PIDFD, nullptr, &pidfd);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    if (pid < 0) {
        errno = error;
        return fail_errno("make a user namespace");
    }
    const UniqueFd holder(pidfd);
    const ScopeGuard end([&] {
        ::kill(pid, SIGKILL);
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    });
    GT_TRY(write_map(pid, "gid_map", gids));
    GT_TRY(write_map(pid, "uid_map", uids));
    UserNamespace made;
    GT_TRY_VAR(user, open_namespace(pid, Namespace::kUser));
    made.user = std::move(user);
    if (network == WithNetwork::kYes) {
        GT_TRY_VAR(net, open_namespace(pid, Namespace::kNet));
        made.net = std::move(net);
    }
    return made;
}

Result<> idmap_mount(int mount, int user) {
    mount_attr attr{
        .attr_set = MOUNT_ATTR_IDMAP,
        .attr_clr = 0,
        .propagation = 0,
        .userns_fd = static_cast<uint64_t>(user),
    };
    if (::mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0) {
        if (errno == EINVAL || errno == EOPNOTSUPP) {
            return Failure(Error(Kind::kNotImplemented,
                                 "the file system does not support idmapped mounts", errno));
        }
        return fail_errno("idmap a mount");
    }
    return {};
}

}  // namespace gantry::sys
