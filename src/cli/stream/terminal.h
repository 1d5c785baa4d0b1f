#pragma once

#include <termios.h>

#include <cstdint>
#include <optional>

#include "base/error.h"

namespace gantry::cli {

struct TerminalSize {
    uint16_t rows = 0;
    uint16_t columns = 0;
};

bool is_terminal(int fd);

/// Empty if FD is no terminal or does not know its size.
std::optional<TerminalSize> terminal_size(int fd);

/// Puts a terminal into raw mode, so that each key reaches the container as it is pressed, and puts
/// it back when destroyed. Where FD is no terminal nothing happens. The caller keeps FD open.
class RawTerminal {
public:
    static Result<RawTerminal> enter(int fd);

    RawTerminal(RawTerminal&& other) noexcept;
    RawTerminal& operator=(RawTerminal&&) = delete;
    ~RawTerminal() { restore(); }

    /// Idempotent.
    void restore();

private:
    explicit RawTerminal(int fd) : fd_(fd) {}

    int fd_ = -1;
    termios saved_ = {};
};

}  // namespace gantry::cli
