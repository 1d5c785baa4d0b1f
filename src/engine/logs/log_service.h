#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "engine/container/container_settings.h"
#include "engine/logdriver/log_driver.h"
#include "spec/stdcopy.h"

namespace gantry::io {
class Cancellation;
}

namespace gantry::engine {

class ContainerService;
class LogFollowers;

/// The query of GET /containers/{id}/logs.
struct LogQuery {
    bool standard_output = false;
    bool standard_error = false;
    bool follow = false;
    /// Put the record's time, nine digits of fraction, and a space before it.
    bool timestamps = false;
    /// Put the record's attributes, as a URL's query with commas, and a space before it (K4).
    bool details = false;
    std::optional<WallTime> since;
    std::optional<WallTime> until;
    /// The last N records over both streams; absent is all.
    std::optional<uint64_t> tail;
};

/// Takes the next piece of a log: one record with its prefixes. May block (a slow client holds up
/// only its own reading); an error ends the reading.
using LogSink = std::function<Result<>(spec::StdStream stream, std::string_view text)>;

/// A log that was checked and can be read: errors so far are HTTP errors, the answer's head can go
/// out.
struct LogTicket {
    ContainerId id;
    LogStore store;
    bool tty = false;
    LogQuery query;
};

/// Reads containers' logs from the files that their shims write; a running container is not
/// involved. Thread-safe.
class LogService {
public:
    explicit LogService(ContainerService& containers);
    LogService(const LogService&) = delete;
    LogService& operator=(const LogService&) = delete;
    ~LogService();

    /// kNotFound; kInvalid when no stream is chosen; kNotImplemented when the container's driver
    /// keeps nothing to read (Docker's wording, K3).
    Result<LogTicket> open(std::string_view ref, const LogQuery& query) const;

    /// Removes what was logged so far. Who follows the log sees its end, without an error.
    Result<> clear(std::string_view ref) const;

    /// Feeds SINK in order. Without `follow` until what is written now is read; with it until the
    /// container stops, `until` has come, the log is cleared, SINK fails or the request is
    /// cancelled. Blocks without polling.
    Result<> read(const LogTicket& ticket, const io::Cancellation& cancellation,
                  const LogSink& sink) const;

    /// What attach writes for logs=1: everything stored.
    Result<> replay(const ContainerId& id, int socket, const StreamSelection& streams,
                    runtime::StreamFraming framing) const;

private:
    ContainerService& containers_;
    std::unique_ptr<LogFollowers> followers_;
};

}  // namespace gantry::engine
