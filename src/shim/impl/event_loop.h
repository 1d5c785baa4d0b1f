#pragma once

#include <cstdint>

namespace gantry::shim {

/// A descriptor in the event loop, embedded in what it belongs to.
struct Watch {
    using Ready = void (*)(Watch& watch, uint32_t events);
    int fd = -1;
    uint32_t events = 0;
    bool added = false;
    Ready ready = nullptr;
    void* owner = nullptr;
};

/// epoll. INVARIANT: one event per wait, so a handler may destroy any watch, its own included: no
/// event for it can be under way.
class EventLoop {
public:
    bool open();
    void add(Watch& watch, int fd, uint32_t events, Watch::Ready ready, void* owner);
    /// Takes the watch out or in again; EVENTS 0 still reports hang-up and error.
    void change(Watch& watch, uint32_t events);
    void suspend(Watch& watch);
    /// Handles at most one event. TIMEOUT_MS -1 waits for ever. False when nothing happened.
    bool wait(int timeout_ms);

private:
    int fd_ = -1;
};

}  // namespace gantry::shim
