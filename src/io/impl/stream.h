#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "io/impl/deadline.h"

namespace gantry::io {

/// Which events besides readiness end a wait.
enum class StopRule { kWatch, kIgnore };

/// Blocking bytes with deadlines over one connection: the seam behind which TLS goes. Used by one
/// thread; shutdown(2) on fd() from another thread ends a blocked call.
///
/// Errors: kTimeout; kCancelled when the peer is gone or, with StopRule::kWatch, when the server
/// stops.
class Stream {
public:
    virtual ~Stream() = default;

    /// At least one byte, or 0 when the peer has ended its side.
    virtual Result<size_t> read_some(std::span<char> into, Deadline deadline, StopRule rule) = 0;

    /// All of HEAD and then BODY; IDLE is how long the peer may take nothing.
    virtual Result<> write_all(std::string_view head, std::string_view body,
                               std::chrono::milliseconds idle) = 0;

    virtual int fd() const = 0;

    /// Gives the socket away, in blocking mode.
    virtual UniqueFd release() = 0;
};

/// Plain bytes over a unix or TCP socket.
class SocketStream final : public Stream {
public:
    /// STOPPED: an eventfd that becomes readable when the server stops.
    SocketStream(UniqueFd fd, int stopped) : fd_(std::move(fd)), stopped_(stopped) {}

    Result<size_t> read_some(std::span<char> into, Deadline deadline, StopRule rule) override;
    Result<> write_all(std::string_view head, std::string_view body,
                       std::chrono::milliseconds idle) override;
    int fd() const override { return fd_.get(); }
    UniqueFd release() override { return std::move(fd_); }

private:
    UniqueFd fd_;
    int stopped_;
};

}  // namespace gantry::io
