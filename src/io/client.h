#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "io/headers.h"

namespace gantry::io {

/// Where a daemon listens: a path, or a host name or address with a port.
struct ClientAddress {
    std::string unix_path;
    std::string host;
    uint16_t port = 0;
};

struct ClientRequest {
    std::string method = "GET";
    /// Path and query, already encoded: "/v1.51/containers/json?all=1".
    std::string target;
    /// Host, Content-Length and Transfer-Encoding are added.
    Headers headers;
};

struct ClientResponse {
    int status = 0;
    std::string reason;
    Headers headers;
};

/// A connection that is raw after an upgrade: the socket, in blocking mode, and what the server
/// sent behind its head.
struct RawConnection {
    UniqueFd fd;
    std::string early;
};

/// One HTTP/1.1 connection to a daemon, used by one thread, one request at a time; several one
/// after the other may use it. Kept light: the command line client makes one per run.
///
/// There is no deadline on answers: `wait` may take days. Interrupt a blocked call with
/// ::shutdown(fd()) from a signal handler or another thread.
class ClientConnection {
public:
    /// kUnavailable if nobody listens; the text names the address.
    static Result<ClientConnection> connect(const ClientAddress& address,
                                            std::chrono::milliseconds timeout);

    ClientConnection(ClientConnection&&) noexcept;
    ClientConnection& operator=(ClientConnection&&) noexcept;
    ~ClientConnection();

    /// Sends a request with its whole body and reads the head of the response.
    Result<ClientResponse> send(const ClientRequest& request, std::string_view body = {});

    /// Starts a request with a chunked body: then write() any number of times, finish_request(),
    /// read_head(). If write() fails because the server stopped reading, read_head() still gives
    /// its answer.
    Result<> begin(const ClientRequest& request);
    Result<> write(std::string_view data);
    Result<> finish_request();
    Result<ClientResponse> read_head();

    /// Up to INTO.size() bytes of the response's decoded body, 0 at its end; returns as soon as
    /// there is something. kCancelled: the connection broke off before the end.
    Result<size_t> read(std::span<char> into);

    /// The rest of the body, if it is no longer than LIMIT; kInvalid otherwise.
    Result<std::string> read_all(size_t limit);

    /// The body was read to its end and the server keeps the connection open.
    bool reusable() const;

    /// After an upgrade's head was read: gives the socket away. The object is of no use then.
    RawConnection into_raw() &&;

    int fd() const;

private:
    struct Impl;
    explicit ClientConnection(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace gantry::io
