#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::engine {

/// The stream comes over a web socket: raw, whatever the container has.
enum class WebSocket { kNo, kBinary, kText };

/// The query of POST /containers/{id}/attach and GET /containers/{id}/attach/ws.
struct AttachRequest {
    bool logs = false;
    bool stream = false;
    bool standard_input = false;
    bool standard_output = false;
    bool standard_error = false;
    /// Docker's notation; "" is ctrl-p,ctrl-q. Looked for only in a terminal's input.
    std::string detach_keys;
    WebSocket web_socket = WebSocket::kNo;
};

/// An attach (or the start of an exec) that was checked and now waits for the client's socket. The
/// caller answers the HTTP request after it got the ticket and calls connect() once, afterwards:
/// what goes wrong before the ticket exists is an ordinary HTTP error, what goes wrong later
/// reaches the client on its stream. A ticket that is dropped leaves nothing behind.
class StreamTicket {
public:
    /// Takes the socket and the bytes that the client sent behind its request.
    using Connect = std::function<void(UniqueFd socket, std::string_view early_input)>;

    StreamTicket(bool tty, Connect connect) : tty_(tty), connect_(std::move(connect)) {}

    /// The stream is a terminal's: raw bytes. False: 8-byte frames (C3). Decides the content type.
    bool tty() const { return tty_; }

    /// Hands SOCKET (blocking or not, a stream socket after the hijack answer) over. Returns when
    /// the shim has it, or, for a container that was not started yet, when it is queued for the
    /// start. SOCKET is closed by whoever has it last. Never fails: the client sees the end of its
    /// stream.
    void connect(UniqueFd socket, std::string_view early_input) {
        connect_(std::move(socket), early_input);
    }

private:
    bool tty_;
    Connect connect_;
};

}  // namespace gantry::engine
