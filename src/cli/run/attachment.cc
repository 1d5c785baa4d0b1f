#include "cli/run/attachment.h"

#include <fmt/core.h>
#include <unistd.h>

#include <csignal>

#include "cli/stream/terminal.h"
#include "spec/api/container.h"
#include "spec/json.h"
#include "spec/signal.h"

namespace gantry::cli {

Result<Attachment> Attachment::open(Session& session, AttachmentOptions options) {
    // A closed output is an error to handle, not a reason to die with the terminal in raw mode.
    ::signal(SIGPIPE, SIG_IGN);
    GT_TRY_VAR(signals, SignalSource::open());
    return Attachment(session, std::move(options), std::move(signals));
}

Result<> Attachment::attach(const std::string& keys) {
    ApiRequest request{.method = "POST", .path = container_path(options_.id, "attach")};
    request.query.add("stream", "1");
    if (options_.stdin_attached) {
        request.query.add("stdin", "1");
    }
    if (options_.stdout_attached) {
        request.query.add("stdout", "1");
    }
    if (options_.stderr_attached) {
        request.query.add("stderr", "1");
    }
    if (!keys.empty()) {
        request.query.add("detachKeys", keys);
    }
    GT_TRY_VAR(streams, session_->api().upgrade(request));
    streams_ = std::move(streams);
    return {};
}

Result<> Attachment::start_exec(const std::string& exec_id, std::string body) {
    const ApiRequest request{
        .method = "POST", .path = fmt::format("/exec/{}/start", exec_id), .body = std::move(body)};
    GT_TRY_VAR(streams, session_->api().upgrade(request));
    streams_ = std::move(streams);
    return {};
}

Result<> Attachment::wait_for(const std::string& condition) {
    ApiRequest request{.method = "POST", .path = container_path(options_.id, "wait")};
    if (!condition.empty()) {
        request.query.add("condition", condition);
    }
    GT_TRY_VAR(stream, session_->api().stream(request));
    exit_.emplace(std::move(stream.connection), stream.head);
    return {};
}

void Attachment::resize(uint16_t extra_columns) {
    const auto size = terminal_size(STDOUT_FILENO);
    if (!size || options_.resize_path.empty()) {
        return;
    }
    ApiRequest request{.method = "POST", .path = options_.resize_path};
    request.query.add("h", std::to_string(size->rows));
    request.query.add("w", std::to_string(size->columns + extra_columns));
    // The container may have ended meanwhile; the next size comes with the next signal.
    (void)session_->api().call(request);
}

SignalActions Attachment::actions() {
    SignalActions actions;
    if (options_.tty) {
        actions.resize = [this] { resize(); };
    }
    if (options_.proxy_signals) {
        actions.forward = [this](int signal) {
            ApiRequest request{.method = "POST", .path = container_path(options_.id, "kill")};
            request.query.add("signal", std::to_string(signal));
            // A container that is not running gets no signals.
            (void)session_->api().call(request);
        };
    }
    return actions;
}

AttachmentEnd Attachment::interrupted() {
    const int signal = loop_->interrupting_signal();
    if (signal == 0) {
        session_->err("\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n");
        return {AttachmentEnd::How::kInterrupted, kExitFailure};
    }
    return {AttachmentEnd::How::kInterrupted, 128 + signal};
}

Result<AttachmentEnd> Attachment::finish(StreamEnd end) {
    if (end == StreamEnd::kDetached) {
        return AttachmentEnd{AttachmentEnd::How::kDetached, 0};
    }
    return end == StreamEnd::kInterrupted ? Result<AttachmentEnd>(interrupted()) : wait();
}

Result<AttachmentEnd> Attachment::wait() {
    if (!exit_) {
        return AttachmentEnd{};
    }
    if (!loop_) {
        loop_.emplace(signals_, actions());
    }
    GT_TRY_VAR(body, exit_->received());
    while (!body) {
        GT_TRY_VAR(end, loop_->await_readable(exit_->fd()));
        if (end == StreamEnd::kInterrupted) {
            return interrupted();
        }
        GT_TRY_VAR(more, exit_->receive());
        body = std::move(more);
    }
    GT_TRY_VAR(response, spec::parse_json<spec::WaitResponse>(*body));
    if (response.error && !response.error->message.empty()) {
        return fail(Kind::kInternal, "Error waiting for container: " + response.error->message);
    }
    return AttachmentEnd{AttachmentEnd::How::kExited, static_cast<int>(response.status_code)};
}

Result<AttachmentEnd> Attachment::run() {
    loop_.emplace(signals_, actions());
    if (!streams_) {
        return wait();
    }
    StreamPlan plan;
    plan.connection = std::move(*streams_);
    plan.framing = options_.tty ? StreamPlan::Framing::kRaw : StreamPlan::Framing::kFramed;
    plan.stdin_attached = options_.stdin_attached;
    if (options_.tty && options_.stdin_attached) {
        plan.detach_keys = options_.detach_keys;
    }
    StreamEnd end;
    {
        GT_TRY_VAR(terminal, RawTerminal::enter(plan.detach_keys.empty() ? -1 : STDIN_FILENO));
        if (options_.tty) {
            if (options_.redraw) {
                // A size that differs is what programs draw anew for.
                resize(/*extra_columns=*/1);
            }
            resize();
        }
        GT_TRY_VAR(carried, loop_->carry(std::move(plan)));
        end = carried;
        terminal.restore();
    }
    return finish(end);
}

}  // namespace gantry::cli
