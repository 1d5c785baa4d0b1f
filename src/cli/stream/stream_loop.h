#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "cli/stream/signals.h"
#include "io/client.h"

namespace gantry::cli {

/// What is carried between our standard streams and a container.
struct StreamPlan {
    io::RawConnection connection;
    enum class Framing { kRaw, kFramed } framing = Framing::kFramed;
    /// Ours go to the container; at their end the container's standard input ends too.
    bool stdin_attached = false;
    /// The keys that end the attachment, as bytes; "": none.
    std::string detach_keys;
};

/// What happens to signals while a container is attached. Null functions leave them unhandled.
struct SignalActions {
    /// Passes a signal on to the container. Null: a signal that would end this program does.
    std::function<void(int)> forward;
    /// The terminal's size changed.
    std::function<void()> resize;
};

enum class StreamEnd {
    kServerClosed,
    /// The detach keys were pressed; the container goes on.
    kDetached,
    /// A signal that was not to be forwarded, or the third SIGINT or SIGTERM.
    kInterrupted,
};

/// The loop that everything between an attached container and its user goes through: one thread and
/// one poll(2) over standard input, the connection, the outputs and the signals. Nothing in it
/// blocks, so that a slow reader of our output never keeps a signal from the container.
class StreamLoop {
public:
    StreamLoop(SignalSource& signals, SignalActions actions)
        : signals_(signals), actions_(std::move(actions)) {}

    /// Carries the streams until the daemon closes them and all output is written. kCancelled when
    /// nobody reads our output any more.
    Result<StreamEnd> carry(StreamPlan plan);

    /// Waits until FD can be read, handling signals meanwhile: kServerClosed then.
    Result<StreamEnd> await_readable(int fd);

    /// After kInterrupted: the signal, or 0 if it was the third of its kind.
    int interrupting_signal() const { return interrupting_signal_; }

private:
    /// True if the program is to end.
    bool handle_signals();

    SignalSource& signals_;
    SignalActions actions_;
    int termination_requests_ = 0;
    int interrupting_signal_ = 0;
};

}  // namespace gantry::cli
