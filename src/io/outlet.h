#pragma once

#include <functional>
#include <string_view>

namespace gantry::io {

/// The sending end of a response whose connection is parked on the Loop: no thread waits for it.
/// Made by Responder::park(), which has already sent the head.
///
/// Thread-safe. Bytes go straight to the socket as long as it takes them; the rest is queued up to
/// the limit that park() was given. A client that reads too slowly for that is dropped: the
/// connection closes without the end mark of the chunked encoding, so that it cannot mistake the
/// loss for the end of the stream.
///
/// The owner of the stream keeps the shared_ptr. Letting go of the last one without finish() closes
/// the connection as if the client had been dropped.
class Outlet {
public:
    Outlet() = default;
    Outlet(const Outlet&) = delete;
    Outlet& operator=(const Outlet&) = delete;
    virtual ~Outlet() = default;

    enum class Push { kAccepted, kClosed };

    /// Sends DATA as one chunk, never blocks. kClosed: the client is gone or was dropped just now;
    /// nothing more will be sent.
    virtual Push push(std::string_view data) = 0;

    /// Ends the stream properly after what is queued; then the connection closes. Later pushes give
    /// kClosed.
    virtual void finish() = 0;

    virtual bool closed() const = 0;

    /// CALLBACK runs once, on the loop's thread, when the connection is over for whatever reason;
    /// soon if it is over already. It must not block. Replaces an earlier callback.
    virtual void on_closed(std::function<void()> callback) = 0;
};

}  // namespace gantry::io
