#include "engine/logs/log_followers.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace gantry::engine {

void LogFollower::signal() const {
    (void)::eventfd_write(wake.get(), 1);
}

LogFollowers::~LogFollowers() {
    io::LoopHandle handle;
    {
        const MutexLock lock(mutex_);
        handle = std::move(handle_);
    }
    // ORDER: waits for the callback, which takes the lock.
    handle.reset();
}

Result<> LogFollowers::open() {
    if (changes_) {
        return {};
    }
    UniqueFd changes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!changes) {
        return fail_errno("inotify_init");
    }
    GT_TRY_VAR(handle, loop_.watch(changes.get(), EPOLLIN, [this](uint32_t) { receive(); }));
    changes_ = std::move(changes);
    handle_ = std::move(handle);
    return {};
}

Result<std::shared_ptr<LogFollower>> LogFollowers::add(const std::string& directory) {
    auto follower = std::make_shared<LogFollower>();
    follower->wake.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!follower->wake) {
        return fail_errno("eventfd");
    }
    const MutexLock lock(mutex_);
    GT_TRY(open());
    const int watch = ::inotify_add_watch(changes_.get(), directory.c_str(),
                                          IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    if (watch < 0) {
        return fail_errno("watch log");
    }
    Watched& watched = watched_[watch];
    watched.directory = directory;
    watched.followers.push_back(follower);
    return follower;
}

void LogFollowers::remove(const std::shared_ptr<LogFollower>& follower) {
    const MutexLock lock(mutex_);
    for (auto at = watched_.begin(); at != watched_.end(); ++at) {
        if (std::erase(at->second.followers, follower) == 0) {
            continue;
        }
        if (at->second.followers.empty()) {
            // Fails when the directory is gone, and the watch with it.
            (void)::inotify_rm_watch(changes_.get(), at->first);
            watched_.erase(at);
        }
        return;
    }
}

void LogFollowers::clear(const std::string& directory) {
    const MutexLock lock(mutex_);
    for (const auto& [watch, watched] : watched_) {
        if (watched.directory != directory) {
            continue;
        }
        for (const auto& follower : watched.followers) {
            follower->cleared = true;
            follower->signal();
        }
    }
}

void LogFollowers::receive() {
    alignas(inotify_event) std::array<char, 4096> buffer;
    const MutexLock lock(mutex_);
    ssize_t size = 0;
    while ((size = ::read(changes_.get(), buffer.data(), buffer.size())) > 0) {
        for (ssize_t at = 0; at < size;) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            at += static_cast<ssize_t>(sizeof event + event.len);
            // An overflow (watch -1) can be anybody's.
            for (const auto& [watch, watched] : watched_) {
                if (event.wd != watch && event.wd >= 0) {
                    continue;
                }
                for (const auto& follower : watched.followers) {
                    follower->signal();
                }
            }
        }
    }
}

}  // namespace gantry::engine
