#pragma once

#include <set>
#include <string>

#include "base/error.h"
#include "base/id.h"
#include "base/mutex.h"
#include "engine/container/entry.h"

namespace gantry::engine {

class ContainerCore;

/// The containers whose rotated log files wait to be compressed. One file at a time is, whatever
/// the containers write: what rotates faster than that is dropped uncompressed. Thread-safe.
class LogQueue {
public:
    /// True: nobody works on the queue, so the caller has to begin.
    bool add(const std::string& id) GT_EXCLUDES(mutex_);
    /// The next in line; empty ends the work.
    std::string take() GT_EXCLUDES(mutex_);

private:
    Mutex mutex_;
    std::set<std::string> waiting_ GT_GUARDED_BY(mutex_);
    bool working_ GT_GUARDED_BY(mutex_) = false;
};

/// Compresses, in the background, what ENTRY's log has rotated, if it wants that. Never blocks.
void compress_log(ContainerCore& core, const EntryPtr& entry);

/// Removes what ENTRY has logged so far. kNotImplemented when nothing is kept.
Result<> clear_log(ContainerCore& core, const EntryPtr& entry);

}  // namespace gantry::engine
