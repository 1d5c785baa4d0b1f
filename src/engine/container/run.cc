#include "engine/container/run.h"

namespace gantry::engine {

void ExecObservers::add(uint32_t number, ExecExitCallback callback) {
    std::optional<runtime::Exit> exit;
    {
        MutexLock lock(mutex_);
        if (const auto early = early_.find(number); early != early_.end()) {
            exit = early->second;
            early_.erase(early);
        } else if (!closed_) {
            waiting_.emplace(number, std::move(callback));
            return;
        }
    }
    callback(exit);
}

void ExecObservers::exited(uint32_t number, const runtime::Exit& exit) {
    ExecExitCallback callback;
    {
        MutexLock lock(mutex_);
        const auto found = waiting_.find(number);
        if (found == waiting_.end()) {
            early_.emplace(number, exit);
            return;
        }
        callback = std::move(found->second);
        waiting_.erase(found);
    }
    callback(exit);
}

void ExecObservers::close() {
    std::map<uint32_t, ExecExitCallback> left;
    {
        MutexLock lock(mutex_);
        closed_ = true;
        left.swap(waiting_);
    }
    for (const auto& [number, callback] : left) {
        callback(std::nullopt);
    }
}

}  // namespace gantry::engine
