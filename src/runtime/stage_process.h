#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "sys/process.h"

namespace gantry::runtime {

/// A plan that is executed by gantry-stage, a child of ours: no shim, and in the end our child is
/// the container's process itself. Not thread-safe.
class StageProcess {
public:
    struct Request {
        /// The bytes of the program gantry-stage.
        std::string_view program;
        /// From build_container_plan() or build_exec_plan() with stage_fds(PRESERVED).
        std::string_view plan;
        std::vector<int> plan_fds;
        /// The FIFO that START comes from; -1: from release().
        int start_fd = -1;
        /// So many of our descriptors from 3 on go to the container's program.
        int preserved = 0;
    };

    enum class Stage {
        /// The container's process exists: pid() is it.
        kEntered,
        /// Waits for release(): the parent's hooks.
        kRendezvous,
        /// Waits for release(): take_listener().
        kSeccompListener,
        /// terminal() is the master of its pty.
        kTerminal,
        /// Set up; waits for START.
        kReady,
        /// The program was executed.
        kRunning,
    };

    static Result<StageProcess> spawn(const Request& request);

    /// Waits for what comes next. Fails with "unable to start container process: ..." when the
    /// container cannot be set up; kill() what is left then.
    Result<Stage> next();
    Result<> release();
    /// The descriptor of the process' seccomp listener.
    Result<UniqueFd> take_listener();

    pid_t pid() const { return pid_; }
    int pidfd() const { return pidfd_.get(); }
    UniqueFd take_terminal() { return std::move(terminal_); }

    /// SIGKILL to whatever exists of it, and waits for its end.
    void kill();

private:
    StageProcess() = default;
    void reap_first();

    UniqueFd channel_;
    /// The process that was spawned, until it is gone.
    UniqueFd first_;
    UniqueFd pidfd_;
    UniqueFd terminal_;
    pid_t pid_ = -1;
    int listener_ = -1;
};

/// A process that waits for its own end: who asks for a cgroup must have somebody to put there
/// before the container's process exists. Ends with this object, and when our own process does.
class Placeholder {
public:
    /// PROGRAM as in StageProcess::Request.
    static Result<Placeholder> spawn(std::string_view program);
    ~Placeholder();
    Placeholder(Placeholder&&) noexcept = default;
    Placeholder& operator=(Placeholder&&) = delete;

    pid_t pid() const { return child_.pid; }

private:
    Placeholder(sys::Child child, UniqueFd pipe)
        : child_(std::move(child)), pipe_(std::move(pipe)) {}

    sys::Child child_;
    UniqueFd pipe_;
};

/// Numbers of the descriptors in a stage that gets PRESERVED ones of ours.
int stage_first_plan_fd(int preserved);
int stage_start_fd(int preserved);

}  // namespace gantry::runtime
