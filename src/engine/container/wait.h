#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::engine {

/// When a wait is over (Docker API, POST /containers/{id}/wait).
enum class WaitCondition {
    /// At once unless the container runs.
    kNotRunning,
    /// At the end of the present or the next run.
    kNextExit,
    /// When the container no longer exists.
    kRemoved,
};

/// "" is kNotRunning. Unknown words: kInvalid, `invalid condition: "foo"`.
Result<WaitCondition> parse_wait_condition(std::string_view text);

struct WaitResult {
    int exit_code = 0;
    /// Why the removal failed (kRemoved only); empty otherwise.
    std::string error;
};

/// Called at most once, from any thread and possibly before the subscribing call returns. It must
/// not block and must not call the container services: push to an io::Outlet and return.
using WaitCallback = std::function<void(const WaitResult&)>;

/// One open wait. Destroying it cancels the wait: when the destructor has returned, the callback
/// does not run and will not run any more (destroying it inside its own callback is allowed).
class WaitHandle {
public:
    class State;

    WaitHandle() = default;
    explicit WaitHandle(std::shared_ptr<State> state) : state_(std::move(state)) {}
    WaitHandle(WaitHandle&&) noexcept = default;
    WaitHandle& operator=(WaitHandle&& other) noexcept;
    ~WaitHandle() { cancel(); }

    void cancel();

private:
    std::shared_ptr<State> state_;
};

}  // namespace gantry::engine
