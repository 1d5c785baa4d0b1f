#pragma once

#include <termios.h>

#include <cstdint>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::sys {

struct WindowSize {
    uint16_t rows = 0;
    uint16_t columns = 0;
};

/// Both ends of a new pseudo terminal of the host's devpts, not anybody's controlling terminal.
struct Pty {
    UniqueFd master;
    UniqueFd slave;
};
/// SAFETY: the slave comes from TIOCGPTPEER, not from a path (S04).
Result<Pty> open_pty();

Result<WindowSize> window_size(int terminal);
Result<> set_window_size(int terminal, WindowSize size);

/// Puts a terminal into raw mode and gives it back as it was, also when it is destroyed. For the
/// client's own terminal; one per terminal.
class RawMode {
public:
    /// kInvalid if FD is no terminal.
    static Result<RawMode> enter(int terminal);
    RawMode(RawMode&& other) noexcept;
    RawMode& operator=(RawMode&&) = delete;
    ~RawMode();

    void restore();

private:
    RawMode(int terminal, const termios& saved) : terminal_(terminal), saved_(saved) {}

    int terminal_;
    termios saved_;
};

}  // namespace gantry::sys
