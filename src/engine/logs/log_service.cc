#include "engine/logs/log_service.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>

#include "engine/container/container_service.h"
#include "engine/container/core.h"
#include "engine/logs/log_followers.h"
#include "engine/logs/log_reader.h"
#include "io/cancellation.h"
#include "io/url.h"
#include "spec/stdcopy.h"
#include "spec/web_socket.h"

namespace gantry::engine {
namespace {

std::string directory_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

/// Tells a reader that its log may have grown, or that its container has stopped or its log was
/// cleared. Made before the first read, so that nothing happens unseen between reading and waiting.
class LogWatch {
public:
    static Result<std::unique_ptr<LogWatch>> open(ContainerService& containers,
                                                  LogFollowers& followers,
                                                  const LogTicket& ticket) {
        GT_TRY_VAR(follower, followers.add(directory_of(ticket.store.path)));
        std::unique_ptr<LogWatch> watch(new LogWatch(followers, follower));
        auto signal = [follower](const WaitResult&) {
            follower->stopped = true;
            follower->signal();
        };
        GT_TRY_VAR(handle, containers.subscribe_wait(ticket.id.str(), WaitCondition::kNotRunning,
                                                     std::move(signal)));
        watch->handle_ = std::move(handle);
        return watch;
    }
    LogWatch(const LogWatch&) = delete;
    LogWatch& operator=(const LogWatch&) = delete;
    ~LogWatch() { followers_.remove(follower_); }

    bool stopped() const { return follower_->stopped; }
    bool cleared() const { return follower_->cleared; }

    /// False when the request is cancelled or UNTIL has come.
    Result<bool> wait(const io::Cancellation& cancellation, std::optional<WallTime> until) {
        auto deadline = std::chrono::steady_clock::time_point::max();
        if (until) {
            deadline = std::chrono::steady_clock::now() + (*until - wall_now());
        }
        GT_TRY_VAR(wakeup, cancellation.wait(follower_->wake.get(), POLLIN, deadline));
        eventfd_t ignored = 0;
        (void)::eventfd_read(follower_->wake.get(), &ignored);
        return wakeup == io::Wakeup::kReady;
    }

private:
    LogWatch(LogFollowers& followers, std::shared_ptr<LogFollower> follower)
        : followers_(followers), follower_(std::move(follower)) {}

    LogFollowers& followers_;
    // Shared with the callback, which may run while the watch is being destroyed.
    const std::shared_ptr<LogFollower> follower_;
    WaitHandle handle_;
};

/// "k=v,k2=v2", sorted and encoded as in a URL's query (K4).
std::string details_of(const LogRecord& record) {
    const std::map<std::string_view, std::string_view> sorted(record.attributes.begin(),
                                                              record.attributes.end());
    std::string text;
    for (const auto& [name, value] : sorted) {
        io::Query pair;
        pair.add(std::string(name), std::string(value));
        text += (text.empty() ? "" : ",") + pair.to_string();
    }
    return text;
}

bool is_wanted(const LogQuery& query, const LogRecord& record) {
    if (query.since && record.time < *query.since) {
        return false;
    }
    return record.is_stderr ? query.standard_error : query.standard_output;
}

Result<> emit(const LogQuery& query, const LogRecord& record, const LogSink& sink) {
    const spec::StdStream stream =
        record.is_stderr ? spec::StdStream::kStderr : spec::StdStream::kStdout;
    if (!query.timestamps && !query.details) {
        return sink(stream, record.text);
    }
    std::string text;
    if (query.timestamps) {
        text = format_rfc3339_fixed(record.time) + " ";
    }
    if (query.details) {
        text += details_of(record) + " ";
    }
    return sink(stream, text + record.text);
}

enum class Progress { kAtEnd, kPastUntil };

Result<Progress> drain(LogReader& reader, const LogQuery& query, const LogSink& sink) {
    for (;;) {
        GT_TRY_VAR(record, reader.next());
        if (!record) {
            return Progress::kAtEnd;
        }
        if (query.until && record->time > *query.until) {
            return Progress::kPastUntil;
        }
        if (is_wanted(query, *record)) {
            GT_TRY(emit(query, *record, sink));
        }
    }
}

enum class End { kPresent, kMoving };

Result<LogReader> open_reader(const LogTicket& ticket, End end) {
    const bool json = ticket.store.file.format == runtime::LogOptions::Format::kJsonFile;
    LogReader reader(ticket.store.path, json ? parse_json_record : parse_local_record);
    if (end == End::kPresent) {
        // A container that writes all the time must not keep us for ever.
        GT_TRY(reader.stop_at_present_end());
    }
    GT_TRY(ticket.query.tail ? reader.seek_tail(*ticket.query.tail)
                             : reader.seek_start(ticket.query.since));
    return reader;
}

std::string frame_head(runtime::StreamFraming framing, spec::StdStream stream, size_t size) {
    using runtime::StreamFraming;
    switch (framing) {
        case StreamFraming::kNone: break;
        case StreamFraming::kStdcopy: {
            const auto header = spec::stdcopy_header(stream, static_cast<uint32_t>(size));
            return {header.data(), header.size()};
        }
        case StreamFraming::kWebSocket:
            return spec::web_socket_head(spec::WebSocketOpcode::kBinary, size);
        case StreamFraming::kWebSocketText:
            return spec::web_socket_head(spec::WebSocketOpcode::kText, size);
    }
    return {};
}

Result<> write_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count > 0) {
            bytes.remove_prefix(static_cast<size_t>(count));
        } else if (errno == EAGAIN) {
            // A client that reads nothing for this long is gone or stuck (security S48).
            pollfd poll{.fd = socket, .events = POLLOUT, .revents = 0};
            if (::poll(&poll, 1, 60'000) == 0) {
                return fail(Kind::kTimeout, "the client does not read its stream");
            }
        } else if (errno != EINTR) {
            return fail_errno("write log");
        }
    }
    return {};
}

}  // namespace

LogService::LogService(ContainerService& containers)
    : containers_(containers),
      followers_(std::make_unique<LogFollowers>(containers.core().parts.loop)) {}

LogService::~LogService() = default;

Result<> LogService::clear(std::string_view ref) const {
    GT_TRY_VAR(facts, containers_.find(ref));
    GT_TRY(containers_.clear_log(facts.id.str()));
    followers_->clear(directory_of(facts.log.path));
    return {};
}

Result<LogTicket> LogService::open(std::string_view ref, const LogQuery& query) const {
    GT_TRY_VAR(facts, containers_.find(ref));
    if (!query.standard_output && !query.standard_error) {
        return fail(Kind::kInvalid, "Bad parameters: you must choose at least one stream");
    }
    if (facts.log.path.empty()) {
        return fail(Kind::kNotImplemented, "configured logging driver does not support reading");
    }
    return LogTicket{facts.id, facts.log, facts.tty, query};
}

Result<> LogService::read(const LogTicket& ticket, const io::Cancellation& cancellation,
                          const LogSink& sink) const {
    const LogQuery& query = ticket.query;
    std::unique_ptr<LogWatch> watch;
    if (query.follow) {
        GT_TRY_VAR(opened, LogWatch::open(containers_, *followers_, ticket));
        watch = std::move(opened);
    }
    GT_TRY_VAR(reader, open_reader(ticket, query.follow ? End::kMoving : End::kPresent));
    for (;;) {
        // ORDER: look at the container before reading: what it wrote last is in the file before
        // its end is announced, so the reading that follows sees everything.
        const bool last_round = !watch || watch->stopped();
        GT_TRY_VAR(progress, drain(reader, query, sink));
        if (last_round || progress == Progress::kPastUntil || watch->cleared()) {
            return {};
        }
        GT_TRY_VAR(go_on, watch->wait(cancellation, query.until));
        if (!go_on) {
            return {};
        }
    }
}

Result<> LogService::replay(const ContainerId& id, int socket, const StreamSelection& streams,
                            runtime::StreamFraming framing) const {
    LogQuery query;
    query.standard_output = streams.standard_output;
    query.standard_error = streams.standard_error;
    GT_TRY_VAR(ticket, open(id.str(), query));
    GT_TRY_VAR(reader, open_reader(ticket, End::kMoving));
    GT_TRY(drain(reader, query, [&](spec::StdStream stream, std::string_view text) -> Result<> {
        GT_TRY(write_all(socket, frame_head(framing, stream, text.size())));
        return write_all(socket, text);
    }));
    return {};
}

}  // namespace gantry::engine
