#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "engine/container/wait.h"

namespace gantry::engine {

/// One wait: open until it fired or was cancelled, whichever comes first.
class WaitHandle::State {
public:
    explicit State(WaitCallback callback) : callback_(std::move(callback)) {}

    void fire(const WaitResult& result) GT_EXCLUDES(mutex_);
    void cancel() GT_EXCLUDES(mutex_);
    bool open() GT_EXCLUDES(mutex_);

private:
    enum class Phase { kOpen, kFiring, kDone };

    Mutex mutex_;
    Condition done_;
    Phase phase_ GT_GUARDED_BY(mutex_) = Phase::kOpen;
    WaitCallback callback_ GT_GUARDED_BY(mutex_);
    std::thread::id firing_thread_ GT_GUARDED_BY(mutex_);
};

/// The waits for one container. Not thread-safe: its entry's lock guards it. The take functions
/// hand out what is to be fired after that lock was released.
class WaitList {
public:
    using Ready = std::vector<std::shared_ptr<WaitHandle::State>>;

    void add(WaitCondition condition, std::shared_ptr<WaitHandle::State> wait);

    /// A run ended for good: not-running and next-exit.
    Ready take_exited();
    /// A run ended and a restart policy starts the next one.
    Ready take_next_exit();
    /// A removal failed.
    Ready take_removed();
    /// The container is gone, and nothing else will happen to it.
    Ready take_all();

private:
    struct Wait {
        WaitCondition condition;
        std::shared_ptr<WaitHandle::State> state;
    };

    std::vector<Wait> waits_;
};

void fire_all(const WaitList::Ready& waits, const WaitResult& result);

}  // namespace gantry::engine
