#include "engine/logs/log_service.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/unique_fd.h"
#include "engine/container/container_service.h"
#include "engine/logs/json_file_reader.h"
#include "io/cancellation.h"
#include "spec/stdcopy.h"

namespace gantry::engine {
namespace {

/// Tells a reader that its log may have grown or that its container has stopped. Made before the
/// first read, so that nothing happens unseen between reading and waiting.
class LogWatch {
public:
    static Result<LogWatch> open(ContainerService& containers, const LogTicket& ticket) {
        LogWatch watch;
        watch.changes_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!watch.changes_) {
            return fail_errno("inotify_init");
        }
        const std::string directory = ticket.path.substr(0, ticket.path.rfind('/'));
        if (::inotify_add_watch(watch.changes_.get(), directory.c_str(),
                                IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
            return fail_errno("watch log");
        }
        watch.stopped_ = std::make_shared<UniqueFd>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!*watch.stopped_) {
            return fail_errno("eventfd");
        }
        auto signal = [fd = watch.stopped_](const WaitResult&) { ::eventfd_write(fd->get(), 1); };
        GT_TRY_VAR(handle, containers.subscribe_wait(ticket.id.str(), WaitCondition::kNotRunning,
                                                     std::move(signal)));
        watch.handle_ = std::move(handle);
        watch.both_.reset(::epoll_create1(EPOLL_CLOEXEC));
        for (const int fd : {watch.changes_.get(), watch.stopped_->get()}) {
            epoll_event event{.events = EPOLLIN, .data = {}};
            if (::epoll_ctl(watch.both_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
                return fail_errno("epoll_ctl");
            }
        }
        return watch;
    }

    bool stopped() const {
        pollfd poll{.fd = stopped_->get(), .events = POLLIN, .revents = 0};
        return ::poll(&poll, 1, 0) > 0;
    }

    /// False when the request is cancelled or UNTIL has come.
    Result<bool> wait(const io::Cancellation& cancellation, std::optional<WallTime> until) {
        auto deadline = std::chrono::steady_clock::time_point::max();
        if (until) {
            deadline = std::chrono::steady_clock::now() + (*until - wall_now());
        }
        GT_TRY_VAR(wakeup, cancellation.wait(both_.get(), POLLIN, deadline));
        std::array<char, 4096> events;
        while (::read(changes_.get(), events.data(), events.size()) > 0) {
        }
        return wakeup == io::Wakeup::kReady;
    }

private:
    LogWatch() = default;

    UniqueFd changes_;
    UniqueFd both_;
    // Shared with the callback, which may run while the watch is being destroyed.
    std::shared_ptr<UniqueFd> stopped_;
    WaitHandle handle_;
};

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
        text += ' ';
    }
    return sink(stream, text + record.text);
}

enum class Progress { kAtEnd, kPastUntil };

Result<Progress> drain(JsonFileReader& reader, const LogQuery& query, const LogSink& sink) {
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

Result<JsonFileReader> open_reader(const LogTicket& ticket) {
    JsonFileReader reader(ticket.path);
    GT_TRY(ticket.query.tail ? reader.seek_tail(*ticket.query.tail) : reader.seek_start());
    return reader;
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

Result<LogTicket> LogService::open(std::string_view ref, const LogQuery& query) const {
    GT_TRY_VAR(facts, containers_.find(ref));
    if (!query.standard_output && !query.standard_error) {
        return fail(Kind::kInvalid, "Bad parameters: you must choose at least one stream");
    }
    if (facts.log_driver != "json-file") {
        return fail(Kind::kNotImplemented, "configured logging driver does not support reading");
    }
    return LogTicket{facts.id, facts.log_path, facts.tty, query};
}

Result<> LogService::read(const LogTicket& ticket, const io::Cancellation& cancellation,
                          const LogSink& sink) const {
    const LogQuery& query = ticket.query;
    std::optional<LogWatch> watch;
    if (query.follow) {
        GT_TRY_VAR(opened, LogWatch::open(containers_, ticket));
        watch = std::move(opened);
    }
    GT_TRY_VAR(reader, open_reader(ticket));
    for (;;) {
        // ORDER: look at the container before reading: what it wrote last is in the file before
        // its end is announced, so the reading that follows sees everything.
        const bool last_round = !watch || watch->stopped();
        GT_TRY_VAR(progress, drain(reader, query, sink));
        if (last_round || progress == Progress::kPastUntil) {
            return {};
        }
        GT_TRY_VAR(go_on, watch->wait(cancellation, query.until));
        if (!go_on) {
            return {};
        }
    }
}

Result<> LogService::replay(const ContainerId& id, int socket,
                            const StreamSelection& streams) const {
    LogQuery query;
    query.standard_output = streams.standard_output;
    query.standard_error = streams.standard_error;
    GT_TRY_VAR(ticket, open(id.str(), query));
    GT_TRY_VAR(reader, open_reader(ticket));
    GT_TRY(drain(reader, query, [&](spec::StdStream stream, std::string_view text) -> Result<> {
        if (!ticket.tty) {
            const auto header = spec::stdcopy_header(stream, static_cast<uint32_t>(text.size()));
            GT_TRY(write_all(socket, {header.data(), header.size()}));
        }
        return write_all(socket, text);
    }));
    return {};
}

}  // namespace gantry::engine
