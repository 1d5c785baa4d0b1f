#include <fmt/core.h>

#include <array>
#include <memory>
#include <utility>

#include "api/container_input.h"
#include "api/hijack.h"
#include "api/route.h"
#include "api/status.h"
#include "base/mutex.h"
#include "engine/container/container_service.h"
#include "engine/container/wait.h"
#include "engine/logs/log_service.h"
#include "spec/stdcopy.h"

namespace gantry::api {
namespace {

/// A wait whose client is parked. The exit may come before or after the parking, from any thread;
/// whichever of the two is second sends the answer.
class ParkedWait {
public:
    void set_result(const engine::WaitResult& result) {
        spec::WaitResponse response;
        response.status_code = result.exit_code;
        if (!result.error.empty()) {
            response.error = spec::WaitResponse::Error{result.error};
        }
        MutexLock lock(mutex_);
        answer_ = spec::to_json(response) + "\n";
        send();
    }

    void set_outlet(std::shared_ptr<io::Outlet> outlet) {
        MutexLock lock(mutex_);
        outlet_ = std::move(outlet);
        send();
    }

    void set_handle(engine::WaitHandle handle) {
        MutexLock lock(mutex_);
        handle_ = std::move(handle);
    }

    /// The client is gone.
    void cancel() {
        engine::WaitHandle handle;
        std::shared_ptr<io::Outlet> outlet;
        MutexLock lock(mutex_);
        // Freed after the lock: cancelling waits for a callback that runs, which takes it.
        handle = std::move(handle_);
        outlet = std::move(outlet_);
    }

private:
    void send() GT_REQUIRES(mutex_) {
        if (outlet_ && !answer_.empty()) {
            (void)outlet_->push(answer_);
            outlet_->finish();
        }
    }

    Mutex mutex_;
    std::string answer_ GT_GUARDED_BY(mutex_);
    std::shared_ptr<io::Outlet> outlet_ GT_GUARDED_BY(mutex_);
    engine::WaitHandle handle_ GT_GUARDED_BY(mutex_);
};

Result<> wait(Call& call) {
    GT_TRY_VAR(condition, engine::parse_wait_condition(call.query.get("condition")));
    const auto wait = std::make_shared<ParkedWait>();
    // ORDER: the subscription stands before the head goes out. A client that has the head may start
    // the container and must not miss its exit (C9).
    GT_TRY_VAR(handle, call.services.containers.subscribe_wait(
                           call.name, condition,
                           [wait](const engine::WaitResult& result) { wait->set_result(result); }));
    wait->set_handle(std::move(handle));
    auto outlet = call.responder.park(answer_head(200, kJson), {});
    if (!outlet) {
        wait->cancel();
        return Failure(std::move(outlet).error());
    }
    (*outlet)->on_closed([wait] { wait->cancel(); });
    wait->set_outlet(*std::move(outlet));
    return {};
}

/// COMPAT: attach tells its failures as plain text in a stream's content type (C5); clients print
/// what they find.
Result<> refuse_attach(Call& call, const Error& error) {
    return call.responder.send(answer_head(http_status(error.kind()), kRawStream),
                               error.text() + "\r\n");
}

Result<> attach(Call& call) {
    auto ticket = call.services.containers.attach(call.name, decode_attach(call.query));
    if (!ticket) {
        return refuse_attach(call, ticket.error());
    }
    return hijack_for(call, *ticket);
}

Result<> attach_ws(Call& call) {
    GT_TRY_VAR(ticket, call.services.containers.attach(call.name,
                                                       decode_attach_ws(call.query, call.version)));
    GT_TRY_VAR(headers, accept_web_socket(call.request));
    return hijack_for(call, ticket, headers);
}

/// Writes records as the client reads them: framed, or raw for a terminal's log. Without follow
/// they are gathered into larger chunks.
class LogOutput {
public:
    LogOutput(io::ResponseStream& stream, const engine::LogTicket& ticket)
        : stream_(stream), ticket_(ticket) {}

    Result<> write(spec::StdStream stream, std::string_view text) {
        if (!ticket_.tty) {
            const auto header = spec::stdcopy_header(stream, static_cast<uint32_t>(text.size()));
            gathered_.append(header.data(), header.size());
        }
        gathered_ += text;
        return ticket_.query.follow || gathered_.size() >= kChunk ? flush() : Result<>();
    }

    Result<> finish() {
        GT_TRY(flush());
        return stream_.finish();
    }

private:
    static constexpr size_t kChunk = 32 * 1024;

    Result<> flush() {
        auto written = stream_.write(gathered_);
        gathered_.clear();
        return written;
    }

    io::ResponseStream& stream_;
    const engine::LogTicket& ticket_;
    std::string gathered_;
};

Result<> logs(Call& call) {
    GT_TRY_VAR(query, decode_logs(call.query));
    GT_TRY_VAR(ticket, call.services.logs.open(call.name, query));
    const auto type = stream_type(ticket.tty, call.version);
    GT_TRY_VAR(stream, call.responder.stream(answer_head(200, type)));
    LogOutput output(*stream, ticket);
    auto read = call.services.logs.read(
        ticket, call.request.cancellation,
        [&](spec::StdStream from, std::string_view text) { return output.write(from, text); });
    if (!read && read.error().kind() != Kind::kCancelled) {
        // The status is out already; this stream number makes clients fail with the text (C3).
        GT_TRY(output.write(spec::StdStream::kSystemError, read.error().text()));
    }
    return output.finish();
}

/// Gantry's own: removes what a container has logged.
Result<> clear_logs(Call& call) {
    GT_TRY(call.services.logs.clear(call.name));
    return call.send_empty(204);
}

constexpr std::array kRoutes{
    Route{"POST", "/containers/{}/wait", wait},
    Route{"POST", "/containers/{}/attach", attach},
    Route{"GET", "/containers/{}/attach/ws", attach_ws},
    Route{"GET", "/containers/{}/logs", logs},
    Route{"DELETE", "/containers/{}/logs", clear_logs},
};

}  // namespace

std::span<const Route> container_stream_routes() {
    return kRoutes;
}

}  // namespace gantry::api
