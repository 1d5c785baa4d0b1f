#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "sys/process.h"

namespace gantry::standalone {

/// Connects to the socket at PATH that --console-socket names.
Result<UniqueFd> connect_socket(const std::string& path);

/// Sends descriptor FD over SOCKET with the bytes DATA.
Result<> send_descriptor(int socket, int fd, const std::string& data);

/// Stays in front of a process until it ends: passes signals on, and with a terminal (TERMINAL is
/// its master, -1 for none) what is typed and printed. Returns how it ended; reaps it.
class Foreground {
public:
    /// Blocks the signals that are passed on: before the process is started.
    Foreground();
    ~Foreground();
    Foreground(const Foreground&) = delete;
    Foreground& operator=(const Foreground&) = delete;

    Result<sys::ExitStatus> wait(int pidfd, UniqueFd terminal);

private:
    UniqueFd signals_;
};

}  // namespace gantry::standalone
