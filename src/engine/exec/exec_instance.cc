#include "engine/exec/exec_instance.h"

#include <fmt/core.h>

#include "base/text.h"

namespace gantry::engine {

namespace {

/// A start takes milliseconds. Who looks while one takes longer is told what is known.
constexpr std::chrono::seconds kStartPatience(2);

}  // namespace

Result<> ExecInstance::claim() {
    MutexLock lock(mutex_);
    if (status_.claimed) {
        return fail(Kind::kConflict,
                    fmt::format("exec command {} {}", id_.str(),
                                status_.exit_code ? "has already run" : "is already running"));
    }
    status_.claimed = true;
    return {};
}

void ExecInstance::started(const std::shared_ptr<ContainerRun>& run, uint32_t number, pid_t pid) {
    MutexLock lock(mutex_);
    settled_.notify_all();
    if (status_.exit_code) {
        return;
    }
    status_.run = run;
    status_.number = number;
    status_.pid = pid;
    status_.running = true;
}

void ExecInstance::ended(int exit_code) {
    std::shared_ptr<ContainerRun> run;
    MutexLock lock(mutex_);
    settled_.notify_all();
    status_.running = false;
    status_.exit_code = exit_code;
    status_.pid = 0;
    status_.ended_at = std::chrono::steady_clock::now();
    run = std::move(status_.run);
}

ExecInstance::Status ExecInstance::status() const {
    MutexLock lock(mutex_);
    return status_;
}

ExecInstance::Status ExecInstance::settled_status() const {
    const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
    MutexLock lock(mutex_);
    while (status_.claimed && !status_.running && !status_.exit_code &&
           settled_.wait_until(mutex_, deadline)) {
    }
    return status_;
}

std::string ExecInstance::command_text() const {
    return join(request_.cmd, " ");
}

}  // namespace gantry::engine
