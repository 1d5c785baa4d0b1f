#include "sys/user_namespace.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

#include "sys/files.h"
#include "sys/namespace.h"

namespace gantry::sys {

namespace {

constexpr size_t kStackSize = 16384;

/// What the holder does first, and whether it could. SAFETY: it shares our memory, so it touches
/// nothing else of it.
struct Task {
    int join_user = -1;
    int done = -1;  // written when it has done so
    int error = 0;
};

/// Lives until it is killed or we are.
int hold(void* argument) {
    Task& task = *static_cast<Task*>(argument);
    if (task.join_user >= 0 &&
        (::setns(task.join_user, CLONE_NEWUSER) < 0 || ::unshare(CLONE_NEWNET) < 0)) {
        task.error = errno;
    }
    if (task.done >= 0) {
        const eventfd_t one = 1;
        (void)!::write(task.done, &one, sizeof one);
    }
    for (;;) {
        ::pause();
    }
}

/// A process with nothing but namespaces, which are looked at from outside. Killed at the end.
class Holder {
public:
    /// FLAGS are clone(2)'s for new namespaces; JOIN_USER, unless -1, a user namespace in which it
    /// makes itself a network.
    static Result<std::unique_ptr<Holder>> start(int flags, int join_user);
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder();

    pid_t pid() const { return pid_; }

private:
    Holder() = default;
    Result<> clone(int flags);

    Task task_;
    void* stack_ = MAP_FAILED;
    pid_t pid_ = -1;
};

Result<> Holder::clone(int flags) {
    stack_ = ::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack_ == MAP_FAILED) {
        return fail_errno("mmap");
    }
    // Signals to our group must find no handler of ours in it.
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &old);
    // SAFETY: CLONE_VM without CLONE_VFORK, on a stack of its own: as cheap as a thread, however
    // large we are. It inherits the blocked signals, which leaves SIGKILL.
    pid_ =
        ::clone(hold, static_cast<char*>(stack_) + kStackSize, flags | CLONE_VM | SIGCHLD, &task_);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    if (pid_ < 0) {
        errno = error;
        return fail_errno("make a user namespace");
    }
    return {};
}

Result<std::unique_ptr<Holder>> Holder::start(int flags, int join_user) {
    std::unique_ptr<Holder> holder(new Holder());
    if (join_user < 0) {
        GT_TRY(holder->clone(flags));
        return std::move(holder);
    }
    const UniqueFd done(::eventfd(0, EFD_CLOEXEC));
    if (!done) {
        return fail_errno("eventfd");
    }
    holder->task_ = {.join_user = join_user, .done = done.get()};
    GT_TRY(holder->clone(flags));
    eventfd_t value = 0;
    while (::eventfd_read(done.get(), &value) < 0 && errno == EINTR) {
    }
    if (holder->task_.error != 0) {
        errno = holder->task_.error;
        return fail_errno("make a network namespace");
    }
    return std::move(holder);
}

Holder::~Holder() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    if (stack_ != MAP_FAILED) {
        ::munmap(stack_, kStackSize);
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

uint32_t unmap_id(std::span<const IdRange> ranges, uint32_t id) {
    constexpr uint32_t kNobody = 65534;
    for (const IdRange& range : ranges) {
        if (id >= range.outside && id - range.outside < range.count) {
            return range.inside + (id - range.outside);
        }
    }
    return kNobody;
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
    const int flags = CLONE_NEWUSER | (network == WithNetwork::kYes ? CLONE_NEWNET : 0);
    GT_TRY_VAR(holder, Holder::start(flags, -1));
    GT_TRY(write_map(holder->pid(), "gid_map", gids));
    GT_TRY(write_map(holder->pid(), "uid_map", uids));
    UserNamespace made;
    GT_TRY_VAR(user, open_namespace(holder->pid(), Namespace::kUser));
    made.user = std::move(user);
    if (network == WithNetwork::kYes) {
        GT_TRY_VAR(net, open_namespace(holder->pid(), Namespace::kNet));
        made.net = std::move(net);
    }
    return made;
}

Result<UniqueFd> make_network_namespace(int user) {
    GT_TRY_VAR(holder, Holder::start(0, user));
    return open_namespace(holder->pid(), Namespace::kNet);
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
