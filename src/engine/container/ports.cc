#include "engine/container/ports.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "engine/container/host_check.h"
#include "spec/port.h"

namespace gantry::engine {

namespace {

net::PortProtocol protocol_of(const spec::Port& port) {
    if (port.protocol == "udp") {
        return net::PortProtocol::kUdp;
    }
    return port.protocol == "sctp" ? net::PortProtocol::kSctp : net::PortProtocol::kTcp;
}

Failure invalid_port(std::string_view text) {
    return fail(Kind::kInvalid,
                fmt::format("invalid port specification: \"{}\"", text.substr(0, 64)));
}

Result<net::PortRequest> plan_binding(const spec::Port& port, const spec::PortBinding& binding,
                                      net::Ipv4 default_ip) {
    net::PortRequest request{.protocol = protocol_of(port),
                             .container_port = port.number,
                             .host_ip = default_ip,
                             .host_first = 0,
                             .host_last = 0};
    if (!binding.host_ip.empty()) {
        const auto address = sys::parse_ipv4(binding.host_ip);
        if (!address && binding.host_ip.find(':') != std::string::npos) {
            return fail(
                Kind::kNotImplemented,
                fmt::format("HostConfig.PortBindings: IPv6 addresses are not supported yet: "
                            "{}",
                            binding.host_ip.substr(0, 64)));
        }
        if (!address) {
            return fail(Kind::kInvalid,
                        fmt::format("invalid IP address: {}", binding.host_ip.substr(0, 64)));
        }
        request.host_ip = *address;
    }
    if (!binding.host_port.empty() && binding.host_port != "0") {
        const auto range = spec::parse_port_range(binding.host_port);
        if (!range || range->first == 0) {
            return invalid_port(binding.host_port);
        }
        request.host_first = range->first;
        request.host_last = range->last;
    }
    return request;
}

/// Every port that the container exposes by itself.
Result<std::set<spec::Port>> exposed_ports(const spec::ContainerConfig& config) {
    std::set<spec::Port> all;
    for (const std::string& text : config.exposed_ports) {
        auto ports = spec::parse_expose(text);
        if (!ports) {
            return invalid_port(text);
        }
        all.insert(ports->begin(), ports->end());
    }
    return all;
}

}  // namespace

Result<std::vector<net::PortRequest>> plan_ports(const spec::HostConfig& host,
                                                 const spec::ContainerConfig& config,
                                                 net::Ipv4 default_ip) {
    std::vector<net::PortRequest> requests;
    std::set<spec::Port> bound;
    for (const auto& [text, bindings] : host.port_bindings) {
        const auto port = spec::parse_port(text);
        if (!port) {
            return invalid_port(text);
        }
        if (!bindings || bindings->empty()) {
            continue;
        }
        bound.insert(*port);
        for (const spec::PortBinding& binding : *bindings) {
            GT_TRY_VAR(request, plan_binding(*port, binding, default_ip));
            requests.push_back(request);
        }
    }
    if (host.publish_all_ports) {
        GT_TRY_VAR(exposed, exposed_ports(config));
        for (const spec::Port& port : exposed) {
            if (!bound.contains(port)) {
                GT_TRY_VAR(request, plan_binding(port, {}, default_ip));
                requests.push_back(request);
            }
        }
    }
    return requests;
}

spec::PortMap port_map(const ContainerRecord& record, const Lifecycle& life) {
    spec::PortMap map;
    if (!life.endpoint) {
        return map;
    }
    if (const auto exposed = exposed_ports(record.config)) {
        for (const spec::Port& port : *exposed) {
            map[port.str()] = std::nullopt;
        }
    }
    for (const auto& [text, bindings] : record.host.port_bindings) {
        if (const auto port = spec::parse_port(text)) {
            map[port->str()] = std::nullopt;
        }
    }
    for (const net::PublishedPort& port : life.ports) {
        auto& bindings =
            map[fmt::format("{}/{}", port.container_port, net::protocol_name(port.protocol))];
        if (!bindings) {
            bindings.emplace();
        }
        bindings->push_back({.host_ip = sys::format_ipv4(port.host_ip),
                             .host_port = fmt::format("{}", port.host_port)});
    }
    return map;
}

std::vector<spec::PortSummary> port_summaries(const ContainerRecord& record,
                                              const Lifecycle& life) {
    std::vector<spec::PortSummary> summaries;
    for (const net::PublishedPort& port : life.ports) {
        summaries.push_back({.ip = sys::format_ipv4(port.host_ip),
                             .private_port = port.container_port,
                             .public_port = port.host_port,
                             .type = net::protocol_name(port.protocol)});
    }
    for (const auto& [text, bindings] : port_map(record, life)) {
        const auto port = spec::parse_port(text);
        if (port && !bindings) {
            summaries.push_back(
                {.ip = "", .private_port = port->number, .public_port = 0, .type = port->protocol});
        }
    }
    std::sort(summaries.begin(), summaries.end(), [](const auto& a, const auto& b) {
        return std::tie(a.private_port, a.type, a.ip, a.public_port) <
               std::tie(b.private_port, b.type, b.ip, b.public_port);
    });
    return summaries;
}

}  // namespace gantry::engine
