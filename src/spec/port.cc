#include "spec/port.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include "base/text.h"

namespace gantry::spec {
namespace {

constexpr uint64_t kMaxPort = 65535;

bool is_protocol(std::string_view text) {
    return text == "tcp" || text == "udp" || text == "sctp";
}

bool is_ip(const std::string& text) {
    in6_addr address{};
    return inet_pton(AF_INET, text.c_str(), &address) == 1 ||
           inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

struct PortAndProtocol {
    std::string_view port;
    std::string protocol;
};

/// "80-90/UDP" into "80-90" and "udp".
Result<PortAndProtocol> split_protocol(std::string_view text) {
    const Cut parts = cut(text, '/');
    std::string protocol = parts.after.empty() ? "tcp" : to_lower(parts.after);
    if (!is_protocol(protocol)) {
        return fail(Kind::kInvalid, fmt::format("invalid proto: {}", parts.after));
    }
    return PortAndProtocol{parts.before, std::move(protocol)};
}

/// A host's address as -p has it, "[::1]" without its brackets.
Result<std::string> parse_host_ip(std::string_view text) {
    std::string ip(text);
    if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') {
        ip = ip.substr(1, ip.size() - 2);
    }
    if (!ip.empty() && !is_ip(ip)) {
        return fail(Kind::kInvalid, fmt::format("invalid IP address: {}", text));
    }
    return ip;
}

}  // namespace

std::string Port::str() const {
    return fmt::format("{}/{}", number, protocol);
}

Result<Port> parse_port(std::string_view text) {
    GT_TRY_VAR(parts, split_protocol(text));
    const auto number = parse_uint(parts.port);
    if (!number || *number == 0 || *number > kMaxPort) {
        return fail(Kind::kInvalid, fmt::format("invalid port '{}': {}", parts.port,
                                                number ? "value out of range" : "invalid syntax"));
    }
    return Port{static_cast<uint16_t>(*number), std::move(parts.protocol)};
}

Result<PortRange> parse_port_range(std::string_view text) {
    const Cut parts = cut(text, '-');
    const auto first = parse_uint(parts.before);
    const auto last = parts.found ? parse_uint(parts.after) : first;
    if (!first || !last || *first > kMaxPort || *last > kMaxPort) {
        return fail(Kind::kInvalid, fmt::format("invalid port range: {}", text));
    }
    if (*last < *first || (parts.found && *first == 0)) {
        return fail(Kind::kInvalid, fmt::format("invalid range specified for port: {}", text));
    }
    return PortRange{static_cast<uint16_t>(*first), static_cast<uint16_t>(*last)};
}

Result<std::vector<Port>> parse_expose(std::string_view text) {
    GT_TRY_VAR(parts, split_protocol(text));
    const auto range = parse_port_range(parts.port);
    if (!range || range->first == 0) {
        return fail(Kind::kInvalid, fmt::format("invalid range format for --expose: {}", text));
    }
    std::vector<Port> ports;
    for (uint32_t number = range->first; number <= range->last; ++number) {
        ports.push_back({static_cast<uint16_t>(number), parts.protocol});
    }
    return ports;
}

Result<std::vector<PublishSpec>> parse_publish(std::string_view text) {
    const size_t last_colon = text.rfind(':');
    std::string_view ip;
    std::string_view host;
    if (last_colon != text.npos) {
        host = text.substr(0, last_colon);
        if (const size_t colon = host.rfind(':'); colon != host.npos) {
            ip = host.substr(0, colon);
            host = host.substr(colon + 1);
        }
    }
    GT_TRY_VAR(container,
               split_protocol(last_colon == text.npos ? text : text.substr(last_colon + 1)));
    if (container.port.empty()) {
        return fail(Kind::kInvalid, fmt::format("no port specified: {}<empty>", text));
    }
    GT_TRY_VAR(host_ip, parse_host_ip(ip));
    const auto ports = parse_port_range(container.port);
    if (!ports || ports->first == 0) {
        return fail(Kind::kInvalid, fmt::format("invalid containerPort: {}", container.port));
    }
    const auto host_ports = host.empty() ? Result<PortRange>(PortRange{}) : parse_port_range(host);
    if (!host_ports) {
        return fail(Kind::kInvalid, fmt::format("invalid hostPort: {}", host));
    }
    const uint16_t count = ports->size_minus_one();
    const bool is_pool = count == 0 && host_ports->size_minus_one() != 0;
    if (!host.empty() && !is_pool && host_ports->size_minus_one() != count) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid ranges specified for container and host Ports: {} and {}",
                                container.port, host));
    }
    std::vector<PublishSpec> specs;
    for (uint32_t at = 0; at <= count; ++at) {
        const Port port{static_cast<uint16_t>(ports->first + at), container.protocol};
        const std::string wanted = host.empty() ? ""
                                   : is_pool    ? std::string(host)
                                                : std::to_string(host_ports->first + at);
        specs.push_back({port, host_ip, wanted});
    }
    return specs;
}

}  // namespace gantry::spec
