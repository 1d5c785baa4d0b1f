#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::sys {

/// Gives the child our descriptor SOURCE under the number TARGET.
struct FdMapping {
    int source;
    int target;
};

enum class Session { kInherit, kNew };

/// Everything that a child process gets; nothing else is inherited.
struct SpawnRequest {
    std::string path;  // of the program; not searched in PATH
    std::vector<std::string> argv;
    std::vector<std::string> env;
    std::vector<FdMapping> fds;  // each target once
    Session session = Session::kInherit;
};

struct Child {
    pid_t pid = -1;
    UniqueFd pidfd;
};

/// Starts a program with posix_spawn(3): cost does not grow with our memory. The child has the
/// mapped descriptors and no other (SAFETY: P3), an empty signal mask and default dispositions.
/// Fails with exec's errno when the program cannot be executed. The caller reaps the child.
Result<Child> spawn(const SpawnRequest& request);

/// How a process ended: an exit code or a signal.
struct ExitStatus {
    int code = 0;    // 0..255, meaningful if signal is 0
    int signal = 0;  // 0: it exited by itself
    bool core_dumped = false;

    /// The shell's and Docker's number: the code, or 128 + signal.
    int docker_code() const { return signal != 0 ? 128 + signal : code; }
};

enum class Wait { kBlock, kPoll };
enum class Reap { kYes, kNo };

/// The status of a child of ours that has ended; empty if it still runs (kPoll only). With
/// Reap::kNo the zombie and its pid stay reserved, so that the status can be recorded first.
Result<std::optional<ExitStatus>> wait_child(int pidfd, Wait wait, Reap reap);

/// Refers to the process that has PID now. kNotFound if there is none.
Result<UniqueFd> open_pidfd(pid_t pid);

/// kNotFound if the process is gone. Cannot hit a stranger, unlike kill(2).
Result<> send_signal(int pidfd, int signal);

/// Waits until the process has ended (it may be anybody's child). False at the deadline.
Result<bool> wait_gone(int pidfd, int timeout_ms);

}  // namespace gantry::sys
