#include "bin/gantry_runtime/console.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "sys/files.h"
#include "sys/pty.h"

namespace gantry::standalone {

namespace {

/// Everything that can be caught and is not about our own doing.
sigset_t passed_signals() {
    sigset_t set;
    sigfillset(&set);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
        sigdelset(&set, signal);
    }
    return set;
}

void take_size(int terminal) {
    if (const auto size = sys::window_size(0); size) {
        (void)sys::set_window_size(terminal, *size);
    }
}

/// Copies once; false at the end.
bool copy(int from, int to) {
    std::array<char, 16384> buffer;
    const ssize_t size = read(from, buffer.data(), buffer.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) {
        return true;
    }
    return size > 0 &&
           sys::write_all(to, std::string_view(buffer.data(), static_cast<size_t>(size)));
}

void pass_signals(int signals, int pidfd, int terminal) {
    signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        const auto signal = static_cast<int>(info.ssi_signo);
        if (signal == SIGWINCH && terminal >= 0) {
            take_size(terminal);
        } else if (signal != SIGCHLD && signal != SIGPIPE && signal != SIGURG) {
            (void)sys::send_signal(pidfd, signal);
        }
    }
}

/// COMPAT: runc. The container's terminal ends lines as its programs do; ours, if we have one,
/// makes of them what it always does.
void change_output(int terminal, tcflag_t clear, tcflag_t set) {
    termios modes{};
    if (tcgetattr(terminal, &modes) == 0) {
        modes.c_oflag = (modes.c_oflag & ~clear) | set;
        (void)tcsetattr(terminal, TCSANOW, &modes);
    }
}

}  // namespace

Result<UniqueFd> connect_socket(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return fail(Kind::kInvalid, fmt::format("socket path too long: {}", path));
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket ||
        connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return fail_errno(fmt::format("connect to {}", path));
    }
    return socket;
}

Result<> send_descriptor(int socket, int fd, const std::string& data) {
    // SAFETY: sendmsg(2) only reads.
    iovec part = {const_cast<char*>(data.data()), data.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(item), &fd, sizeof fd);
    if (sendmsg(socket, &message, MSG_NOSIGNAL) != static_cast<ssize_t>(data.size())) {
        return fail_errno("send a descriptor");
    }
    return {};
}

Foreground::Foreground() {
    const sigset_t set = passed_signals();
    sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

Foreground::~Foreground() {
    const sigset_t set = passed_signals();
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

Result<sys::ExitStatus> Foreground::wait(int pidfd, UniqueFd terminal) {
    std::optional<sys::RawMode> raw;
    if (terminal) {
        take_size(terminal.get());
        change_output(terminal.get(), ONLCR, 0);
        if (auto entered = sys::RawMode::enter(0); entered) {
            raw.emplace(std::move(*entered));
            change_output(0, 0, OPOST);
        }
    }
    std::array<pollfd, 4> watched = {{{signals_.get(), POLLIN, 0},
                                      {pidfd, POLLIN, 0},
                                      {terminal.get(), POLLIN, 0},
                                      {terminal ? 0 : -1, POLLIN, 0}}};
    while (watched[1].revents == 0 || watched[2].revents != 0) {
        // Once it has ended, what is left of its output is taken without waiting for more.
        const bool ended = watched[1].revents != 0;
        if (poll(watched.data(), watched.size(), ended ? 0 : -1) < 0 && errno != EINTR) {
            return fail_errno("poll");
        }
        pass_signals(signals_.get(), pidfd, terminal.get());
        if (watched[2].revents != 0 && !copy(terminal.get(), 1)) {
            watched[2] = {-1, 0, 0};
        }
        if (watched[3].revents != 0 && !copy(0, terminal.get())) {
            watched[3].fd = -1;
        }
    }
    GT_TRY_VAR(status, sys::wait_child(pidfd, sys::Wait::kBlock, sys::Reap::kYes));
    return *status;
}

}  // namespace gantry::standalone
