#include "io/worker_pool.h"

#include <utility>

namespace gantry::io {

WorkerPool::WorkerPool(size_t threads, size_t queue_limit)
    : max_threads_(threads), queue_limit_(queue_limit) {}

WorkerPool::~WorkerPool() {
    stop();
}

bool WorkerPool::submit(Task task) {
    MutexLock lock(mutex_);
    if (stopping_ || tasks_.size() >= queue_limit_) {
        return false;
    }
    tasks_.push_back(std::move(task));
    if (running_ + tasks_.size() > threads_.size() && threads_.size() < max_threads_) {
        threads_.emplace_back([this] { work(); });
    }
    changed_.notify_all();
    return true;
}

size_t WorkerPool::queued() const {
    MutexLock lock(mutex_);
    return tasks_.size();
}

size_t WorkerPool::running() const {
    MutexLock lock(mutex_);
    return running_;
}

bool WorkerPool::wait_idle(std::chrono::steady_clock::time_point deadline) {
    MutexLock lock(mutex_);
    while (running_ > 0 || !tasks_.empty()) {
        if (!changed_.wait_until(mutex_, deadline)) {
            return running_ == 0 && tasks_.empty();
        }
    }
    return true;
}

void WorkerPool::stop() {
    std::vector<std::thread> threads;
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        threads.swap(threads_);
        changed_.notify_all();
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

void WorkerPool::work() {
    MutexLock lock(mutex_);
    for (;;) {
        while (tasks_.empty() && !stopping_) {
            changed_.wait(mutex_);
        }
        if (tasks_.empty()) {
            return;
        }
        Task task = std::move(tasks_.front());
        tasks_.pop_front();
        ++running_;
        mutex_.unlock();
        task();
        // What the task captured goes before it counts as done.
        task = nullptr;
        mutex_.lock();
        --running_;
        changed_.notify_all();
    }
}

}  // namespace gantry::io
