#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "api/call.h"

namespace gantry::api {

/// One operation of the API. The handler answers the call or returns why not.
struct Route {
    using Handler = Result<> (*)(Call& call);

    std::string_view method;
    /// "/images/{}/json": {} stands for one or more characters, slashes included, as image names
    /// have them.
    std::string_view pattern;
    Handler handler;
};

/// What stands at the {} of PATTERN in PATH ("" for a pattern without one), or empty if it does not
/// match.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path);

// The routes of each noun, in the file of that name.
std::span<const Route> container_routes();
std::span<const Route> container_stream_routes();
std::span<const Route> exec_routes();
std::span<const Route> file_routes();
std::span<const Route> image_routes();
std::span<const Route> image_archive_routes();
std::span<const Route> network_routes();
std::span<const Route> prune_routes();
std::span<const Route> disk_usage_routes();
std::span<const Route> stats_routes();
std::span<const Route> system_routes();
std::span<const Route> volume_routes();
/// What Docker has and Gantry has not yet: 501 and the name of it.
std::span<const Route> missing_routes();

}  // namespace gantry::api
