#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/http.h"
#include "io/listener.h"

namespace gantry::io {

class Loop;

struct ServerOptions {
    /// Request line and header fields together; more is answered 431.
    size_t header_limit = 64 * 1024;
    /// From the first byte of a request (from accept, for the first one) to the end of its head.
    std::chrono::milliseconds header_deadline{10'000};
    /// A connection between two requests.
    std::chrono::milliseconds idle_deadline{60'000};
    /// A body or response that makes no progress.
    std::chrono::milliseconds stream_deadline{300'000};
    /// Connections at the same time, parked ones included; more are answered 503.
    size_t max_connections = 8192;
};

/// Serves HTTP/1.1 on any number of listeners: one thread that accepts, one thread with a small
/// stack per connection, no thread for parked connections.
///
/// What a browser could send is refused on TCP: a request with an Origin header or a Sec-Fetch-Site
/// other than "none", and on loopback a Host that is neither an IP address nor localhost (DNS
/// rebinding).
class Server {
public:
    /// LOOP carries parked connections and must outlive the server.
    Server(Loop& loop, ServerOptions options, Handler handler);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// stop() without patience.
    ~Server();

    /// Starts to accept. Once.
    Result<> start(std::vector<Listener> listeners);

    /// Stops accepting, closes idle and parked connections, cancels running requests and waits for
    /// them. False when some handlers were still running at DEADLINE; their connections are cut and
    /// the destructor waits for them.
    bool stop(std::chrono::steady_clock::time_point deadline);

    /// Connections right now, parked ones included.
    size_t connections() const;

    class Core;

private:
    std::shared_ptr<Core> core_;
};

}  // namespace gantry::io
