#include "api/router.h"

#include <array>
#include <string>

#include "api/route.h"
#include "api/status.h"
#include "base/log.h"
#include "spec/api/system.h"

namespace gantry::api {
namespace {

struct Found {
    const Route* route;
    std::string_view name;
};

std::optional<Found> find_route(std::string_view method, std::string_view path) {
    // ORDER: the first match counts, so what is missing comes last, and DELETE
    // /containers/{}/logs before DELETE /containers/{}, whose name may hold slashes.
    static const std::array kTables{
        container_stream_routes(),
        container_routes(),
        exec_routes(),
        file_routes(),
        image_routes(),
        image_archive_routes(),
        network_routes(),
        prune_routes(),
        disk_usage_routes(),
        stats_routes(),
        system_routes(),
        volume_routes(),
        missing_routes(),
    };
    for (const std::span<const Route> table : kTables) {
        for (const Route& route : table) {
            if (route.method != method) {
                continue;
            }
            if (const auto name = match(route.pattern, path)) {
                return Found{&route, *name};
            }
        }
    }
    return std::nullopt;
}

void send_error(io::Responder& responder, const Error& error) {
    const int status = http_status(error.kind());
    if (error.kind() == Kind::kNotModified) {
        (void)responder.send(answer_head(status), "");
        return;
    }
    // A client that is gone by now is nobody's loss.
    (void)responder.send(answer_head(status, kJson),
                         spec::to_json(spec::ErrorResponse{error.text()}) + "\n");
}

/// Clients from before 1.24 did not know the JSON body of errors.
void send_bad_version(io::Responder& responder, ApiVersion version, const Error& error) {
    if (version >= kMinVersion) {
        send_error(responder, error);
        return;
    }
    (void)responder.send(answer_head(http_status(error.kind()), "text/plain; charset=utf-8"),
                         error.text() + "\n");
}

/// Who asked for what, for whoever looks into an incident (S56).
void log_request(const io::Request& request) {
    if (log::enabled(log::Level::kDebug)) {
        const std::string uid = std::to_string(request.peer.uid);
        const bool local = request.peer.transport == io::Transport::kUnix;
        log::debug("request", {{"method", request.method},
                               {"path", request.path},
                               {local ? "uid" : "address", local ? uid : request.peer.address}});
    }
}

void log_failure(const io::Request& request, const Error& error) {
    const bool ours = http_status(error.kind()) == 500 && error.kind() != Kind::kCancelled;
    const auto level = ours ? log::Level::kError : log::Level::kDebug;
    if (log::enabled(level)) {
        log::write(level, "request failed",
                   {{"method", request.method}, {"path", request.path}, {"error", error.text()}});
    }
}

}  // namespace

std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
    const size_t hole = pattern.find("{}");
    if (hole == std::string_view::npos) {
        return pattern == path ? std::optional(std::string_view()) : std::nullopt;
    }
    const std::string_view before = pattern.substr(0, hole);
    const std::string_view after = pattern.substr(hole + 2);
    if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
        !path.ends_with(after)) {
        return std::nullopt;
    }
    return path.substr(before.size(), path.size() - before.size() - after.size());
}

void Router::handle(io::Request& request, io::Responder& responder) const {
    log_request(request);
    if (request.method == "OPTIONS") {
        (void)responder.send(answer_head(200), "");
        return;
    }
    const auto target = parse_target(request.path);
    const auto found = target ? find_route(request.method, target->path) : std::nullopt;
    if (!found) {
        send_error(responder, Error(Kind::kNotFound, "page not found"));
        return;
    }
    if (const auto spoken = check_version(target->version); !spoken) {
        send_bad_version(responder, target->version, spoken.error());
        return;
    }
    auto query = io::Query::parse(request.query);
    if (!query) {
        send_error(responder, Error(Kind::kInvalid, "invalid URL escape in the query"));
        return;
    }
    Call call{services_,       request,           responder,
              target->version, *std::move(query), std::string(found->name)};
    const auto done = found->route->handler(call);
    if (!done) {
        log_failure(request, done.error());
        if (!responder.answered()) {
            send_error(responder, done.error());
        }
    }
}

}  // namespace gantry::api
