#include "sys/pty.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <utility>

namespace gantry::sys {

Result<Pty> open_pty() {
    Pty pty;
    pty.master.reset(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!pty.master) {
        return fail_errno("open /dev/ptmx");
    }
    const int unlocked = 0;
    if (::ioctl(pty.master.get(), TIOCSPTLCK, &unlocked) < 0) {
        return fail_errno("unlock a pty");
    }
    pty.slave.reset(::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!pty.slave) {
        return fail_errno("open a pty's slave");
    }
    return pty;
}

Result<WindowSize> window_size(int terminal) {
    winsize size{};
    if (::ioctl(terminal, TIOCGWINSZ, &size) < 0) {
        return fail_errno("read the window size");
    }
    return WindowSize{size.ws_row, size.ws_col};
}

Result<> set_window_size(int terminal, WindowSize size) {
    const winsize wanted{
        .ws_row = size.rows, .ws_col = size.columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (::ioctl(terminal, TIOCSWINSZ, &wanted) < 0) {
        return fail_errno("set the window size");
    }
    return {};
}

Result<RawMode> RawMode::enter(int terminal) {
    termios saved{};
    if (::tcgetattr(terminal, &saved) < 0) {
        return fail(Kind::kInvalid, "not a terminal");
    }
    termios raw = saved;
    ::cfmakeraw(&raw);
    if (::tcsetattr(terminal, TCSANOW, &raw) < 0) {
        return fail_errno("set a terminal to raw mode");
    }
    return RawMode(terminal, saved);
}

RawMode::RawMode(RawMode&& other) noexcept
    : terminal_(std::exchange(other.terminal_, -1)), saved_(other.saved_) {}

RawMode::~RawMode() {
    restore();
}

void RawMode::restore() {
    if (terminal_ >= 0) {
        // A terminal that has gone away needs no restoring.
        (void)::tcsetattr(std::exchange(terminal_, -1), TCSADRAIN, &saved_);
    }
}

}  // namespace gantry::sys
