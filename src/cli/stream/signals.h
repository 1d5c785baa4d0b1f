#pragma once

#include <csignal>
#include <optional>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::cli {

/// Takes the signals of this process as data: from open() on they are blocked and readable from
/// fd(). Left out are SIGCHLD, SIGPIPE and SIGURG, which say nothing to a container, those that
/// cannot be caught, and faults of our own code.
///
/// They stay blocked when the object dies: the program is about to end then, and a late SIGTERM
/// must not change an exit status already decided.
class SignalSource {
public:
    static Result<SignalSource> open();

    SignalSource(SignalSource&&) noexcept = default;
    SignalSource& operator=(SignalSource&&) noexcept = default;

    int fd() const { return fd_.get(); }

    /// The next signal that arrived, if any. Does not block.
    std::optional<int> take();

private:
    SignalSource() = default;

    UniqueFd fd_;
};

}  // namespace gantry::cli
