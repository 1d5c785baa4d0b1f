#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "io/loop.h"
#include "io/outlet.h"

namespace gantry::io {

enum class Framing { kChunked, kUntilClose };

struct ParkedOutletOptions {
    Framing framing = Framing::kChunked;
    size_t queue_limit = 0;
    /// epoll events that mean that the client is gone.
    uint32_t hangup_events = 0;
    /// How long the rest may take after finish().
    std::chrono::milliseconds finish_deadline{10'000};
};

/// The one implementation of Outlet: a socket on the Loop.
///
/// INVARIANT: the descriptor is closed only on the loop's thread or by the destructor, after the
/// watch on it ended; other threads shut it down. So its number is never a stranger's.
class ParkedOutlet final : public Outlet, public std::enable_shared_from_this<ParkedOutlet> {
public:
    /// RELEASED runs once, on any thread, when the socket is closed.
    static Result<std::shared_ptr<ParkedOutlet>> make(Loop& loop, UniqueFd fd,
                                                      const ParkedOutletOptions& options,
                                                      std::function<void()> released);
    ~ParkedOutlet() override;

    Push push(std::string_view data) override;
    void finish() override;
    bool closed() const override;
    void on_closed(std::function<void()> callback) override;

    /// Drops the client.
    void abort();

private:
    ParkedOutlet(Loop& loop, UniqueFd fd, const ParkedOutletOptions& options,
                 std::function<void()> released);

    void on_events(uint32_t events);
    /// Sends FRAME or queues it.
    Push enqueue(std::string_view frame) GT_REQUIRES(mutex_);
    /// Sends what the socket takes; false when the client is gone.
    bool flush() GT_REQUIRES(mutex_);
    void watch_writable() GT_REQUIRES(mutex_);
    void unwatch_writable() GT_REQUIRES(mutex_);
    /// Ends the connection for the client at once; the rest follows on the loop's thread.
    void drop() GT_REQUIRES(mutex_);
    void close_on_loop();

    Loop& loop_;
    const ParkedOutletOptions options_;
    std::function<void()> released_;

    mutable Mutex mutex_;
    UniqueFd fd_ GT_GUARDED_BY(mutex_);
    LoopHandle watch_ GT_GUARDED_BY(mutex_);
    LoopHandle finish_timer_ GT_GUARDED_BY(mutex_);
    std::string pending_ GT_GUARDED_BY(mutex_);
    bool writable_watched_ GT_GUARDED_BY(mutex_) = false;
    bool finishing_ GT_GUARDED_BY(mutex_) = false;
    bool closed_ GT_GUARDED_BY(mutex_) = false;
    std::function<void()> on_closed_ GT_GUARDED_BY(mutex_);
};

}  // namespace gantry::io
