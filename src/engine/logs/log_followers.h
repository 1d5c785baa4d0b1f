#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "io/loop.h"

namespace gantry::engine {

/// Somebody who reads a log as it grows.
struct LogFollower {
    /// An eventfd: look again.
    UniqueFd wake;
    std::atomic<bool> stopped{false};
    std::atomic<bool> cleared{false};

    void signal() const;
};

/// Wakes followers when the directory of their log changes. One inotify instance serves all: a user
/// has few of them. Thread-safe.
class LogFollowers {
public:
    explicit LogFollowers(io::Loop& loop) : loop_(loop) {}
    LogFollowers(const LogFollowers&) = delete;
    LogFollowers& operator=(const LogFollowers&) = delete;
    ~LogFollowers();

    /// From now on no change of DIRECTORY's files is missed.
    Result<std::shared_ptr<LogFollower>> add(const std::string& directory) GT_EXCLUDES(mutex_);
    void remove(const std::shared_ptr<LogFollower>& follower) GT_EXCLUDES(mutex_);

    /// What the followers of DIRECTORY read was removed: they end.
    void clear(const std::string& directory) GT_EXCLUDES(mutex_);

private:
    struct Watched {
        std::string directory;
        std::vector<std::shared_ptr<LogFollower>> followers;
    };

    Result<> open() GT_REQUIRES(mutex_);
    void receive() GT_EXCLUDES(mutex_);

    io::Loop& loop_;
    Mutex mutex_;
    UniqueFd changes_ GT_GUARDED_BY(mutex_);
    io::LoopHandle handle_ GT_GUARDED_BY(mutex_);
    /// By inotify's watch descriptor.
    std::map<int, Watched> watched_ GT_GUARDED_BY(mutex_);
};

}  // namespace gantry::engine
