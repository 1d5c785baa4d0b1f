#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shim/impl/event_loop.h"
#include "shim/impl/memory.h"
#include "shim/impl/plan_view.h"

namespace gantry::shim {

/// Sends each record of a container's output to journald or a syslog daemon, over a connected
/// socket that never blocks. What the peer does not take at once waits in a queue:
///
/// - A peer that is there but slow holds the container up when the queue is long (is_blocked()),
///   unless the container's log is non-blocking: then records are dropped when it is full.
/// - A peer that is gone never holds anything up. The connection is made anew every second; what
///   does not fit into the queue meanwhile is dropped.
class LogPeer {
public:
    /// FD is the connected socket, owned from now on. ON_ROOM(OWNER) is called when is_blocked()
    /// ends.
    void open(EventLoop& loop, const PlanView& plan, int fd, void (*on_room)(void*), void* owner);
    bool is_open() const { return loop_ != nullptr; }

    /// One record: it ends in a newline, unless the text goes on in the next of its stream.
    void write(int stream, std::string_view record, int64_t now);

    /// The container's output should not be read now.
    bool is_blocked() const { return blocked_; }
    /// From now on nothing is held up: the container has ended.
    void stop_blocking();
    bool is_drained() const { return queue_.empty(); }

    /// Connects again when it is time; call at least at deadline() (monotonic ms).
    void tick(int64_t now_ms);
    int64_t deadline() const { return retry_at_; }

    /// Records that were dropped, and why (errno of the last time).
    uint64_t dropped() const { return dropped_; }
    int drop_reason() const { return drop_reason_; }

private:
    struct Partial {
        uint32_t ordinal = 0;
        uint64_t id = 0;
    };

    static void on_ready(Watch& watch, uint32_t events);
    void send_or_queue(const char* data, size_t size);
    void drain();
    bool connect_again();
    void disconnect(int error);
    void drop(int error);
    void update_blocked();

    EventLoop* loop_ = nullptr;
    PlanView plan_;
    Watch watch_;
    bool connecting_ = false;
    /// Messages, each behind its size.
    ByteQueue queue_;
    /// Of the first message, if the socket is a stream.
    size_t sent_ = 0;
    void (*on_room_)(void*) = nullptr;
    void* owner_ = nullptr;
    bool may_block_ = false;
    bool blocked_ = false;
    int64_t retry_at_ = INT64_MAX;
    uint64_t ordinal_ = 0;
    uint64_t epoch_ = 0;
    Partial partial_[2];
    uint64_t dropped_ = 0;
    int drop_reason_ = 0;
};

}  // namespace gantry::shim
