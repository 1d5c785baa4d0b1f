#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "io/client.h"

namespace gantry::cli {

/// Where the daemon is: what -H and DOCKER_HOST say.
struct Endpoint {
    io::ClientAddress address;
    /// As messages show it: "unix:///var/run/docker.sock".
    std::string text;
};

/// Parses `unix:///path`, `tcp://host[:port]`, `http://host[:port]` and a bare `host:port`.
/// kInvalid for other schemes.
Result<Endpoint> parse_endpoint(std::string_view host);

/// The socket used when nobody names a host: gantry's own, or docker's if only that exists.
std::string default_host();

}  // namespace gantry::cli
