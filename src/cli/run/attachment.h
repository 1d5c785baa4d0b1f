#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "cli/session.h"
#include "cli/stream/pending_reply.h"
#include "cli/stream/signals.h"
#include "cli/stream/stream_loop.h"

namespace gantry::cli {

/// What run, start -a, attach and exec do with a container's streams and signals.
struct AttachmentOptions {
    /// Container id, to which signals and terminal sizes go.
    std::string id;
    /// "/containers/ID/resize" or "/exec/ID/resize"; "" for none.
    std::string resize_path;
    bool tty = false;
    bool stdin_attached = false;
    bool stdout_attached = true;
    bool stderr_attached = true;
    bool proxy_signals = true;
    /// Make the program inside draw its screen again, as somebody new looks at it.
    bool redraw = false;
    /// As bytes.
    std::string detach_keys;
};

/// How an attachment ended.
struct AttachmentEnd {
    enum class How { kExited, kDetached, kInterrupted } how = How::kExited;
    /// The exit status of the container, or what this program shall exit with.
    int status = 0;
};

/// A container that this program is attached to, in the order that behaviour C9 asks for:
/// open() -> wait_for() -> the caller starts it -> run(). One per process.
///
/// The terminal is raw while run() lasts and is back in its old mode whenever run() returns.
class Attachment {
public:
    static Result<Attachment> open(Session& session, AttachmentOptions options);

    /// Connects the streams: attach, with the keys as the user wrote them ("" for the default).
    Result<> attach(const std::string& keys);
    /// Connects the streams of an exec; BODY starts it.
    Result<> start_exec(const std::string& exec_id, std::string body);

    /// Asks for the exit status. CONDITION: next-exit, removed, or "" for not-running.
    Result<> wait_for(const std::string& condition);

    /// Carries the streams to their end and then waits for the exit status, if it was asked for.
    Result<AttachmentEnd> run();

    /// Waits for the answer to wait_for() alone: the end of a container that did not start.
    Result<AttachmentEnd> wait();

private:
    Attachment(Session& session, AttachmentOptions options, SignalSource signals)
        : session_(&session), options_(std::move(options)), signals_(std::move(signals)) {}

    Result<AttachmentEnd> finish(StreamEnd end);
    AttachmentEnd interrupted();
    SignalActions actions();
    void resize(uint16_t extra_columns = 0);

    Session* session_;
    AttachmentOptions options_;
    SignalSource signals_;
    std::optional<io::RawConnection> streams_;
    std::optional<PendingReply> exit_;
    std::optional<StreamLoop> loop_;
};

}  // namespace gantry::cli
