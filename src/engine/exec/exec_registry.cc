#include "engine/exec/exec_registry.h"

#include <fmt/core.h>

#include <chrono>
#include <utility>
#include <vector>

namespace gantry::engine {

namespace {

constexpr std::chrono::minutes kKept(5);

bool is_old(const ExecInstance& exec, std::chrono::steady_clock::time_point now) {
    const ExecInstance::Status status = exec.status();
    if (!status.claimed) {
        return !exec.container()->snapshot()->life.alive();
    }
    return status.exit_code && now - status.ended_at >= kKept;
}

}  // namespace

void ExecRegistry::insert(const ExecPtr& exec) {
    {
        MutexLock lock(mutex_);
        execs_.emplace(exec->id().str(), exec);
    }
    schedule();
}

Result<ExecPtr> ExecRegistry::find(std::string_view id) const {
    MutexLock lock(mutex_);
    const auto found = execs_.find(id);
    if (found == execs_.end()) {
        return fail(Kind::kNotFound, fmt::format("No such exec instance: {}", id.substr(0, 256)));
    }
    return found->second;
}

void ExecRegistry::schedule() {
    io::LoopHandle old;
    MutexLock lock(mutex_);
    if (scheduled_ || closed_ || execs_.empty()) {
        return;
    }
    scheduled_ = true;
    old = std::exchange(timer_, loop_.after(kKept, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->forget_old();
        }
    }));
}

void ExecRegistry::forget_old() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<ExecPtr> all;
    {
        MutexLock lock(mutex_);
        scheduled_ = false;
        for (const auto& [id, exec] : execs_) {
            all.push_back(exec);
        }
    }
    for (const ExecPtr& exec : all) {
        if (is_old(*exec, now)) {
            exec->container()->remove_exec(exec->id());
            MutexLock lock(mutex_);
            execs_.erase(exec->id().str());
        }
    }
    schedule();
}

void ExecRegistry::close() {
    io::LoopHandle timer;
    MutexLock lock(mutex_);
    closed_ = true;
    timer = std::move(timer_);
}

}  // namespace gantry::engine
