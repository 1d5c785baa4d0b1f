#include "sys/process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/scope_guard.h"
#include "sys/syscalls.h"

namespace gantry::sys {
namespace {

std::vector<char*> as_pointers(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        // SAFETY: exec takes char* const[] for historical reasons and writes nothing.
        pointers.push_back(const_cast<char*>(text.c_str()));
    }
    pointers.push_back(nullptr);
    return pointers;
}

/// Copies every source above all targets, so that no dup2 in the child overwrites a source that is
/// still to come.
Result<std::vector<UniqueFd>> lift_above(const std::vector<FdMapping>& fds, int first_free) {
    std::vector<UniqueFd> lifted;
    for (const FdMapping& mapping : fds) {
        lifted.emplace_back(::fcntl(mapping.source, F_DUPFD_CLOEXEC, first_free));
        if (!lifted.back()) {
            return fail_errno(fmt::format("duplicate fd {}", mapping.source));
        }
    }
    return lifted;
}

/// errno of posix_spawn's helpers, which return it.
Failure spawn_failure(int error, const std::string& what) {
    errno = error;
    return fail_errno(what);
}

Result<> plan_fds(posix_spawn_file_actions_t& actions, const std::vector<FdMapping>& fds,
                  const std::vector<UniqueFd>& lifted, int first_free) {
    std::vector<bool> used(static_cast<size_t>(first_free), false);
    for (size_t i = 0; i < fds.size(); ++i) {
        used[static_cast<size_t>(fds[i].target)] = true;
        const int source = lifted[i].get();
        if (const int e = ::posix_spawn_file_actions_adddup2(&actions, source, fds[i].target)) {
            return spawn_failure(e, "plan a child's fds");
        }
    }
    for (int fd = 0; fd < first_free; ++fd) {
        if (!used[static_cast<size_t>(fd)]) {
            if (const int e = ::posix_spawn_file_actions_addclose(&actions, fd)) {
                return spawn_failure(e, "plan a child's fds");
            }
        }
    }
    // SAFETY: O_CLOEXEC should have closed the rest already; this also covers what a library opened
    // without it.
    if (const int e = ::posix_spawn_file_actions_addclosefrom_np(&actions, first_free)) {
        return spawn_failure(e, "plan a child's fds");
    }
    return {};
}

void set_attributes(posix_spawnattr_t& attributes, Session session) {
    sigset_t signals;
    sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes, &signals);
    // Not sigfillset(): it leaves out glibc's two private signals, and posix_spawn would start the
    // child with those ignored.
    std::memset(&signals, 0xff, sizeof signals);
    ::posix_spawnattr_setsigdefault(&attributes, &signals);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (session == Session::kNew) {
        flags |= POSIX_SPAWN_SETSID;
    }
    ::posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
}

}  // namespace

Result<Child> spawn(const SpawnRequest& request) {
    int first_free = 0;
    for (const FdMapping& mapping : request.fds) {
        first_free = std::max(first_free, mapping.target + 1);
    }
    GT_TRY_VAR(lifted, lift_above(request.fds, first_free));

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    const ScopeGuard free_actions([&] { ::posix_spawn_file_actions_destroy(&actions); });
    GT_TRY(plan_fds(actions, request.fds, lifted, first_free));

    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    const ScopeGuard free_attributes([&] { ::posix_spawnattr_destroy(&attributes); });
    set_attributes(attributes, request.session);

    Child child;
    const int error =
        ::posix_spawn(&child.pid, request.path.c_str(), &actions, &attributes,
                      as_pointers(request.argv).data(), as_pointers(request.env).data());
    if (error != 0) {
        return spawn_failure(error, fmt::format("exec {}", request.path));
    }
    // Not racy: the child is ours and nobody has reaped it yet.
    child.pidfd.reset(pidfd_open(child.pid, 0));
    if (!child.pidfd) {
        const int saved = errno;
        ::kill(child.pid, SIGKILL);
        ::waitpid(child.pid, nullptr, 0);
        return spawn_failure(saved, "pidfd_open");
    }
    return child;
}

Result<std::optional<ExitStatus>> wait_child(int pidfd, Wait wait, Reap reap) {
    const int options =
        WEXITED | (wait == Wait::kPoll ? WNOHANG : 0) | (reap == Reap::kNo ? WNOWAIT : 0);
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, options) < 0) {
        if (errno != EINTR) {
            return fail_errno("waitid");
        }
    }
    if (info.si_pid == 0) {
        return std::optional<ExitStatus>();
    }
    ExitStatus status;
    if (info.si_code == CLD_EXITED) {
        status.code = info.si_status;
    } else {
        status.signal = info.si_status;
        status.core_dumped = info.si_code == CLD_DUMPED;
    }
    return std::optional(status);
}

Result<UniqueFd> open_pidfd(pid_t pid) {
    UniqueFd fd(pidfd_open(pid, 0));
    if (!fd) {
        if (errno == ESRCH) {
            return fail(Kind::kNotFound, fmt::format("no process {}", pid));
        }
        return fail_errno(fmt::format("pidfd_open {}", pid));
    }
    return fd;
}

Result<> send_signal(int pidfd, int signal) {
    if (pidfd_send_signal(pidfd, signal) < 0) {
        if (errno == ESRCH) {
            return fail(Kind::kNotFound, "the process is gone");
        }
        return fail_errno(fmt::format("send signal {}", signal));
    }
    return {};
}

Result<bool> wait_gone(int pidfd, int timeout_ms) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd poll{.fd = pidfd, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&poll, 1, std::max(0, static_cast<int>(left.count())));
        if (ready > 0) {
            return true;
        }
        if (ready == 0) {
            return false;
        }
        if (errno != EINTR) {
            return fail_errno("poll a pidfd");
        }
    }
}

}  // namespace gantry::sys
