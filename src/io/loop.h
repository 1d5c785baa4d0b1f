#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/error.h"

namespace gantry::io {

class LoopCore;

/// A file descriptor that the Loop watches, or a timer that it runs. Destroying or reset()ing the
/// handle ends that.
///
/// After reset() the callback does not run any more: if it is running on the loop's thread at that
/// moment, reset() waits for its end. So never hold a lock over reset() that the callback takes.
/// Called from the callback itself, reset() returns at once. A handle may outlive its Loop.
class [[nodiscard]] LoopHandle {
public:
    LoopHandle() = default;
    LoopHandle(LoopHandle&& other) noexcept;
    LoopHandle& operator=(LoopHandle&& other) noexcept;
    ~LoopHandle();

    void reset();
    explicit operator bool() const { return id_ != 0; }

    /// Watches only: changes the events that are waited for.
    Result<> set_events(uint32_t events);

private:
    friend class Loop;
    LoopHandle(std::shared_ptr<LoopCore> core, uint64_t id);

    std::shared_ptr<LoopCore> core_;
    uint64_t id_ = 0;
};

/// One thread that waits for many things at once: descriptors, timers and posted functions.
///
/// Callbacks run on that thread one after the other and must not block: what takes long goes to a
/// WorkerPool. Every member may be called from any thread, callbacks included.
class Loop {
public:
    using Callback = std::function<void()>;
    using EventCallback = std::function<void(uint32_t events)>;

    /// Starts the thread.
    static Result<std::unique_ptr<Loop>> start();

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// stop().
    ~Loop();

    /// Calls CALLBACK with the ready events (epoll(7), level-triggered; EPOLLERR and EPOLLHUP come
    /// unasked) as long as the handle lives. FD stays the caller's and must stay open for as long.
    /// Not for regular files (kForbidden: EPERM).
    Result<LoopHandle> watch(int fd, uint32_t events, EventCallback callback);

    /// Calls CALLBACK once after DELAY of the steady clock. Dropped if the loop stops before.
    LoopHandle after(std::chrono::nanoseconds delay, Callback callback);

    /// Runs CALLBACK soon, in the order of posting. Dropped if the loop stops before.
    void post(Callback callback);

    /// The caller runs on the loop's thread.
    bool on_loop_thread() const;

    /// Ends the thread after the running callback. Nothing is called afterwards; what callbacks
    /// held is freed. Not from a callback.
    void stop();

private:
    explicit Loop(std::shared_ptr<LoopCore> core);

    std::shared_ptr<LoopCore> core_;
};

}  // namespace gantry::io
