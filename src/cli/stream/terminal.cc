#include "cli/stream/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <utility>

namespace gantry::cli {

bool is_terminal(int fd) {
    return ::isatty(fd) == 1;
}

std::optional<TerminalSize> terminal_size(int fd) {
    winsize size = {};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || (size.ws_row == 0 && size.ws_col == 0)) {
        return std::nullopt;
    }
    return TerminalSize{size.ws_row, size.ws_col};
}

Result<RawTerminal> RawTerminal::enter(int fd) {
    RawTerminal terminal(fd);
    if (!is_terminal(fd)) {
        terminal.fd_ = -1;
        return terminal;
    }
    if (::tcgetattr(fd, &terminal.saved_) != 0) {
        terminal.fd_ = -1;
        return fail_errno("reading the terminal's mode");
    }
    termios raw = terminal.saved_;
    ::cfmakeraw(&raw);
    if (::tcsetattr(fd, TCSANOW, &raw) != 0) {
        terminal.fd_ = -1;
        return fail_errno("setting the terminal to raw mode");
    }
    return terminal;
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), saved_(other.saved_) {}

void RawTerminal::restore() {
    if (const int fd = std::exchange(fd_, -1); fd >= 0) {
        // Nothing can be done about a terminal that went away.
        (void)::tcsetattr(fd, TCSANOW, &saved_);
    }
}

}  // namespace gantry::cli
