#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "io/cancellation.h"
#include "io/headers.h"
#include "io/outlet.h"

namespace gantry::io {

enum class Transport { kUnix, kTcp };

/// Who is at the other end.
struct Peer {
    Transport transport = Transport::kUnix;
    /// Of the process that connected (SO_PEERCRED); unix sockets only.
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    /// "127.0.0.1:40312"; TCP only.
    std::string address;
};

/// The body of a request. Used by the handler's thread only.
class Body {
public:
    virtual ~Body() = default;

    /// Up to INTO.size() decoded bytes; 0 at the end. Blocks until there is something. Errors:
    /// kTimeout when nothing came for the server's idle time, kCancelled when the client hung up
    /// or the server stops, kInvalid for a broken chunked encoding. The first read answers
    /// `Expect: 100-continue`.
    virtual Result<size_t> read(std::span<char> into) = 0;

    /// The same with a deadline of the caller's.
    virtual Result<size_t> read_before(std::span<char> into,
                                       std::chrono::steady_clock::time_point deadline) = 0;

    /// The declared length; empty for a chunked body; 0 for none.
    virtual std::optional<uint64_t> length() const = 0;

    /// All of it, if it is no longer than LIMIT (kInvalid otherwise) and comes within a minute
    /// (kTimeout otherwise).
    Result<std::string> read_all(size_t limit);
};

/// One request. Nothing in `path` and `query` is decoded yet: url.h does that, the router decides
/// where.
struct Request {
    std::string method;
    std::string path;
    std::string query;
    Headers headers;
    Peer peer;
    Body& body;
    const Cancellation& cancellation;

    /// The client asked for `Connection: Upgrade` with some `Upgrade: PROTOCOL`.
    bool wants_upgrade() const;
};

/// What stands before a body. Content-Length, Transfer-Encoding, Connection and Date are the
/// server's business.
struct ResponseHead {
    int status = 200;
    Headers headers;
};

/// A response that goes out piece by piece, one HTTP chunk and one send per write.
///
/// A handler that returns without finish() has broken off: the connection closes without the end
/// mark, and the client knows.
class ResponseStream {
public:
    virtual ~ResponseStream() = default;

    /// Blocks while the client is slow; kTimeout when it took nothing for the server's idle time,
    /// kCancelled when it hung up or the server stops.
    virtual Result<> write(std::string_view data) = 0;
    virtual Result<> finish() = 0;
};

/// A connection that is no longer HTTP. `fd` is the client's own socket, in blocking mode; `early`
/// holds what the client sent behind its request.
struct Hijacked {
    UniqueFd fd;
    std::string early;
};

struct ParkOptions {
    /// How many bytes may wait for a client that does not read.
    size_t queue_limit = 256 * 1024;
};

/// Answers one request, with exactly one of these calls. Used by the handler's thread only; every
/// call may block up to the server's idle time while the client is slow to read. An error means
/// that the client is gone: nothing can be told to it any more.
class Responder {
public:
    virtual ~Responder() = default;

    /// The whole response. To a HEAD request only the head goes out, with BODY's length.
    virtual Result<> send(const ResponseHead& head, std::string_view body) = 0;

    /// Sends the head at once and gives the stream for the rest; it dies with the handler.
    virtual Result<ResponseStream*> stream(const ResponseHead& head) = 0;

    /// Answers `101 UPGRADED` if the client asked for an upgrade, else a 200 whose body ends with
    /// the connection, and hands the connection over (Docker behaviours C1, C2). On a unix socket
    /// the client has taken the head by then, or 20 ms have passed.
    virtual Result<Hijacked> hijack(const Headers& headers) = 0;

    /// Sends the head at once and parks the connection on the server's Loop; the thread is free
    /// when the handler returns.
    virtual Result<std::shared_ptr<Outlet>> park(const ResponseHead& head, ParkOptions options) = 0;

    /// One of the four calls above was made.
    virtual bool answered() const = 0;
};

/// Runs on the connection's own thread, which has a stack of 256 KB. If it returns without having
/// answered, the server says 500.
using Handler = std::function<void(Request&, Responder&)>;

/// "Not Found" for 404; "Unknown" for numbers HTTP does not name.
std::string_view status_text(int status);

}  // namespace gantry::io
