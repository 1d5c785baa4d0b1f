#pragma once

#include <string>

namespace gantry::cli {

/// From here on SIGINT and SIGTERM end the program with 128 + their number, as docker does, rather
/// than by the signal itself. Commands that attach to a container take signals over from this
/// (stream/signals.h).
void exit_on_interrupt();

/// A file that an interrupt removes on its way out: one that is not complete yet. One at a time.
class RemoveOnInterrupt {
public:
    /// Paths too long for the kernel are none that could exist.
    explicit RemoveOnInterrupt(const std::string& path);
    RemoveOnInterrupt(const RemoveOnInterrupt&) = delete;
    RemoveOnInterrupt& operator=(const RemoveOnInterrupt&) = delete;
    ~RemoveOnInterrupt();
};

}  // namespace gantry::cli
