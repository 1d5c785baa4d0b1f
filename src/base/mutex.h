#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// Clang checks at compile time that guarded state is touched only under its mutex
// (-Wthread-safety is an error here).
#define GT_CAPABILITY(x) __attribute__((capability(x)))
#define GT_SCOPED_CAPABILITY __attribute__((scoped_lockable))
#define GT_GUARDED_BY(x) __attribute__((guarded_by(x)))
#define GT_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define GT_EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define GT_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define GT_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define GT_TRY_ACQUIRE(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define GT_NO_THREAD_SAFETY_ANALYSIS __attribute__((no_thread_safety_analysis))

namespace gantry {

/// A std::mutex whose use the compiler checks. Never held over disk, kernel waits, network or
/// plugins (docs/architecture.md).
class GT_CAPABILITY("mutex") Mutex {
public:
    void lock() GT_ACQUIRE() { mutex_.lock(); }
    void unlock() GT_RELEASE() { mutex_.unlock(); }
    bool try_lock() GT_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

private:
    std::mutex mutex_;
};

/// Holds a Mutex for its scope.
class GT_SCOPED_CAPABILITY MutexLock {
public:
    explicit MutexLock(Mutex& mutex) GT_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;
    ~MutexLock() GT_RELEASE() { mutex_.unlock(); }

private:
    Mutex& mutex_;
};

/// A condition variable for Mutex. Waits are loops at the caller, so that the compiler sees the
/// guarded state being read under the lock:
///
///     MutexLock lock(mutex_);
///     while (!done_) {
///         changed_.wait(mutex_);
///     }
class Condition {
public:
    void wait(Mutex& mutex) GT_REQUIRES(mutex) { condition_.wait(mutex); }

    /// False when DEADLINE passed first.
    bool wait_until(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
        GT_REQUIRES(mutex) {
        return condition_.wait_until(mutex, deadline) == std::cv_status::no_timeout;
    }

    void notify_one() { condition_.notify_one(); }
    void notify_all() { condition_.notify_all(); }

private:
    std::condition_variable_any condition_;
};

}  // namespace gantry
