#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace gantry::io {

/// A bounded number of threads for work that blocks: layers, teardown, deletion. Tasks start in the
/// order of submission. Threads are made when there is work for them and kept.
///
/// A task that changes its thread's kernel state for good (setns, unshare) must not run here.
class WorkerPool {
public:
    using Task = std::function<void()>;

    /// QUEUE_LIMIT tasks may wait for a thread; submit() refuses more.
    WorkerPool(size_t threads, size_t queue_limit);
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// stop().
    ~WorkerPool();

    /// False: the queue is full or the pool has stopped, and the task will not run. Never blocks.
    [[nodiscard]] bool submit(Task task);

    /// Tasks that wait for a thread.
    size_t queued() const;
    /// Tasks that run.
    size_t running() const;

    /// Blocks until no task waits or runs; false when DEADLINE passed first.
    bool wait_idle(std::chrono::steady_clock::time_point deadline);

    /// Runs what was accepted to its end, then ends the threads. Not from a task.
    void stop();

private:
    void work();

    const size_t max_threads_;
    const size_t queue_limit_;
    mutable Mutex mutex_;
    Condition changed_;
    std::deque<Task> tasks_ GT_GUARDED_BY(mutex_);
    std::vector<std::thread> threads_ GT_GUARDED_BY(mutex_);
    size_t running_ GT_GUARDED_BY(mutex_) = 0;
    bool stopping_ GT_GUARDED_BY(mutex_) = false;
};

}  // namespace gantry::io
