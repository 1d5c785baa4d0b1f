#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace gantry::store {

/// Where directories go that nobody needs any more: out of sight at once by rename, off the disk
/// later by one thread of low priority. What the daemon's end leaves is deleted after the next
/// start.
///
/// Thread-safe. discard() costs one rename; only drain() waits.
class Trash {
public:
    /// Makes trash/ below DATA_ROOT and begins to delete what is there.
    static Result<std::unique_ptr<Trash>> open(const std::string& data_root);
    Trash(const Trash&) = delete;
    Trash& operator=(const Trash&) = delete;
    /// Finishes the entry at hand and leaves the rest for the next start.
    ~Trash();

    /// Moves NAME in DIRECTORY, which must be on the same file system, into the trash. A missing
    /// NAME is success. Not durable: callers have committed before that NAME is not needed.
    Result<> discard(int directory, const std::string& name);

    /// Waits until everything discarded so far is gone or has failed to go.
    void drain();

private:
    explicit Trash(UniqueFd directory);
    void run();

    UniqueFd directory_;
    Mutex mutex_;
    Condition changed_;
    uint64_t discarded_ GT_GUARDED_BY(mutex_) = 1;  // what a previous life left counts as one
    uint64_t deleted_ GT_GUARDED_BY(mutex_) = 0;
    bool stopping_ GT_GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

}  // namespace gantry::store
