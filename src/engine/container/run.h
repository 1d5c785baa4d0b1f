#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "io/loop.h"
#include "runtime/shim_handle.h"
#include "sys/cgroup.h"

namespace gantry::engine {

class HealthMonitor;

/// Told once how an exec ended; empty when the container's shim went away with it. Runs on the
/// loop's thread or under a request: must not block.
using ExecExitCallback = std::function<void(const std::optional<runtime::Exit>&)>;

/// The execs of one run that still run: whom to tell when one of them ends. Thread-safe.
class ExecObservers {
public:
    /// An exec may end before its starter comes to say who waits for it: then CALLBACK is called
    /// here.
    void add(uint32_t number, ExecExitCallback callback) GT_EXCLUDES(mutex_);
    void exited(uint32_t number, const runtime::Exit& exit) GT_EXCLUDES(mutex_);
    /// The run is over and all its execs with it.
    void close() GT_EXCLUDES(mutex_);

private:
    Mutex mutex_;
    std::map<uint32_t, ExecExitCallback> waiting_ GT_GUARDED_BY(mutex_);
    std::map<uint32_t, runtime::Exit> early_ GT_GUARDED_BY(mutex_);
    bool closed_ GT_GUARDED_BY(mutex_) = false;
};

/// The watch on a shim's socket. The loop's thread ends it when there is nothing more to hear, the
/// cleanup when there is nobody left to hear it, and either may be first, even before the watch was
/// put in here. Thread-safe.
class RunWatch {
public:
    /// Keeps HANDLE, or drops it if the watch was ended already.
    void set(io::LoopHandle handle) GT_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        if (!ended_) {
            handle_ = std::move(handle);
        }
    }

    /// For good. ORDER: the handle waits for its callback, which may be in here: not under the
    /// lock.
    void end() GT_EXCLUDES(mutex_) {
        io::LoopHandle handle;
        {
            const MutexLock lock(mutex_);
            ended_ = true;
            handle = std::move(handle_);
        }
        handle.reset();
    }

    bool active() const GT_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        return static_cast<bool>(handle_);
    }

private:
    mutable Mutex mutex_;
    io::LoopHandle handle_ GT_GUARDED_BY(mutex_);
    bool ended_ GT_GUARDED_BY(mutex_) = false;
};

/// What is known of kills for want of memory in a run's cgroup (oom_watch.h). Thread-safe.
struct OomWatch {
    /// Before its watch: stays open for that.
    UniqueFd fd;
    RunWatch watch;
    RunWatch delay;
    /// Somebody is about to look.
    std::atomic<bool> pending = false;
    std::atomic<uint64_t> told = 0;

    void end() {
        watch.end();
        delay.end();
    }
};

/// One life of a container's process, from its launch to the end of its cleanup: the shim's handle
/// and everything in the kernel that is ours to give back. The parts are safe to use from several
/// threads; what is not guarded is set before the run is shared, or under the entry's Operation.
struct ContainerRun {
    ContainerRun(runtime::ShimHandle handle, sys::Cgroup group)
        : shim(std::move(handle)), cgroup(std::move(group)) {}

    runtime::ShimHandle shim;
    sys::Cgroup cgroup;
    ExecObservers execs;
    /// Keeps the network namespace (SAFETY: closing it before the process ends would be harmless,
    /// after it the namespace goes).
    UniqueFd netns;
    /// Keeps the root file system mounted past the process' end, so that taking it down does not
    /// run inside the exit (limits.md, trap 5).
    UniqueFd root;
    /// The shim told how the container ended; what comes after is no loss. Only the loop's thread
    /// touches it.
    bool exit_seen = false;
    /// Set once, after the start was committed.
    RunWatch watch;
    OomWatch oom;
    /// Null without a health check. Set once, before the run can end; under the Operation.
    std::shared_ptr<HealthMonitor> health;
};

}  // namespace gantry::engine
