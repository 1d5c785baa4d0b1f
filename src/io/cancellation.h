#pragma once

#include <chrono>

#include "base/error.h"

namespace gantry::io {

enum class Wakeup { kReady, kCancelled, kTimeout };

/// Tells a handler that nobody waits for its answer any more: the client hung up, or the server is
/// stopping. It belongs to one request and lives as long as its handler runs; any thread may ask.
///
/// A client that only shuts down its writing side counts as gone on TCP, where the two cannot be
/// told apart, and as present on a unix socket. No thread watches: the question is asked of the
/// kernel when the handler asks it, so a handler that does not care pays nothing.
class Cancellation {
public:
    /// SOCKET is the connection, STOPPED an eventfd that is readable once the server stops.
    Cancellation(int socket, short hangup_events, int stopped)
        : socket_(socket), hangup_events_(hangup_events), stopped_(stopped) {}

    bool requested() const;

    /// Blocks until FD has one of EVENTS (poll(2)), the request is cancelled or DEADLINE passes.
    Result<Wakeup> wait(int fd, short events, std::chrono::steady_clock::time_point deadline) const;

private:
    int socket_;
    short hangup_events_;
    int stopped_;
};

}  // namespace gantry::io
