#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/id.h"
#include "base/mutex.h"
#include "engine/container/entry.h"
#include "spec/api/exec.h"

namespace gantry::engine {

/// One exec: what was asked for, and what became of it. Thread-safe.
class ExecInstance {
public:
    ExecInstance(ExecId id, EntryPtr container, spec::ExecCreateRequest request,
                 std::string detach_keys)
        : id_(std::move(id)),
          container_(std::move(container)),
          request_(std::move(request)),
          detach_keys_(std::move(detach_keys)) {}

    const ExecId& id() const { return id_; }
    const EntryPtr& container() const { return container_; }
    const spec::ExecCreateRequest& request() const { return request_; }
    /// As bytes.
    const std::string& detach_keys() const { return detach_keys_; }

    /// One start only. kConflict for every other.
    Result<> claim() GT_EXCLUDES(mutex_);

    /// The process runs, in RUN under NUMBER. Its end may have been told before.
    void started(const std::shared_ptr<ContainerRun>& run, uint32_t number, pid_t pid)
        GT_EXCLUDES(mutex_);
    /// It has ended, or could not be started.
    void ended(int exit_code) GT_EXCLUDES(mutex_);

    struct Status {
        bool claimed = false;
        bool running = false;
        std::optional<int> exit_code;
        pid_t pid = 0;
        uint32_t number = 0;
        std::shared_ptr<ContainerRun> run;
        std::chrono::steady_clock::time_point ended_at{};
    };
    Status status() const GT_EXCLUDES(mutex_);
    /// As status(), but waits (shortly) for a start that is under way: a client that has seen the
    /// end of its stream must not find "not started yet".
    Status settled_status() const GT_EXCLUDES(mutex_);

    /// "sh -c true", for events.
    std::string command_text() const;

private:
    const ExecId id_;
    const EntryPtr container_;
    const spec::ExecCreateRequest request_;
    const std::string detach_keys_;
    mutable Mutex mutex_;
    mutable Condition settled_;
    Status status_ GT_GUARDED_BY(mutex_);
};

using ExecPtr = std::shared_ptr<ExecInstance>;

}  // namespace gantry::engine
