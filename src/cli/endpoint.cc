#include "cli/endpoint.h"

#include <fmt/core.h>
#include <unistd.h>

#include "base/text.h"

namespace gantry::cli {
namespace {

constexpr const char* kGantrySocket = "/var/run/gantry/gantry.sock";
constexpr const char* kDockerSocket = "/var/run/docker.sock";
constexpr uint16_t kDefaultPort = 2375;

Result<Endpoint> parse_tcp(std::string_view host, std::string_view authority) {
    authority = authority.substr(0, authority.find('/'));
    std::string_view name = authority;
    std::string_view port;
    if (authority.starts_with('[')) {
        const size_t close = authority.find(']');
        if (close == std::string_view::npos) {
            return fail(Kind::kInvalid, fmt::format("unable to parse docker host `{}`", host));
        }
        name = authority.substr(1, close - 1);
        port = authority.substr(close + 1);
        port.remove_prefix(port.starts_with(':') ? 1 : 0);
    } else if (const size_t colon = authority.rfind(':'); colon != std::string_view::npos) {
        name = authority.substr(0, colon);
        port = authority.substr(colon + 1);
    }
    Endpoint endpoint;
    endpoint.address.host = name.empty() ? "localhost" : std::string(name);
    endpoint.address.port = kDefaultPort;
    if (!port.empty()) {
        const auto number = parse_uint(port);
        if (!number || *number == 0 || *number > UINT16_MAX) {
            return fail(Kind::kInvalid, fmt::format("invalid port in docker host `{}`", host));
        }
        endpoint.address.port = static_cast<uint16_t>(*number);
    }
    endpoint.text = fmt::format("tcp://{}:{}", endpoint.address.host, endpoint.address.port);
    return endpoint;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view host) {
    const size_t mark = host.find("://");
    if (mark == std::string_view::npos) {
        return parse_tcp(host, host);
    }
    const std::string_view scheme = host.substr(0, mark);
    const std::string_view rest = host.substr(mark + 3);
    if (scheme == "tcp" || scheme == "http") {
        return parse_tcp(host, rest);
    }
    if (scheme != "unix" || rest.empty()) {
        return fail(Kind::kInvalid, fmt::format("unable to parse docker host `{}`", host));
    }
    Endpoint endpoint;
    endpoint.address.unix_path = rest;
    endpoint.text = fmt::format("unix://{}", rest);
    return endpoint;
}

std::string default_host() {
    const bool only_docker =
        ::access(kGantrySocket, F_OK) != 0 && ::access(kDockerSocket, F_OK) == 0;
    return fmt::format("unix://{}", only_docker ? kDockerSocket : kGantrySocket);
}

}  // namespace gantry::cli
