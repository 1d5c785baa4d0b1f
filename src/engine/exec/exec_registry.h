#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "engine/exec/exec_instance.h"
#include "io/loop.h"

namespace gantry::engine {

/// The execs of the daemon by id. Forgets those that ended at least five minutes ago (C10), and
/// those whose container stopped before they were started. Thread-safe.
class ExecRegistry : public std::enable_shared_from_this<ExecRegistry> {
public:
    explicit ExecRegistry(io::Loop& loop) : loop_(loop) {}

    void insert(const ExecPtr& exec) GT_EXCLUDES(mutex_);

    /// kNotFound "No such exec instance: x". Full ids only.
    Result<ExecPtr> find(std::string_view id) const GT_EXCLUDES(mutex_);

    /// No timer runs after this.
    void close() GT_EXCLUDES(mutex_);

private:
    void forget_old() GT_EXCLUDES(mutex_);
    void schedule() GT_EXCLUDES(mutex_);

    io::Loop& loop_;
    mutable Mutex mutex_;
    std::map<std::string, ExecPtr, std::less<>> execs_ GT_GUARDED_BY(mutex_);
    io::LoopHandle timer_ GT_GUARDED_BY(mutex_);
    bool scheduled_ GT_GUARDED_BY(mutex_) = false;
    bool closed_ GT_GUARDED_BY(mutex_) = false;
};

}  // namespace gantry::engine
