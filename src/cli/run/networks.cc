#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "cli/flags/network_flag.h"
#include "cli/run/create_request.h"
#include "spec/port.h"

namespace gantry::cli {
namespace {

bool is_user_defined(std::string_view mode) {
    return mode != "default" && mode != "bridge" && mode != "host" && mode != "none" &&
           !mode.starts_with("container:");
}

bool is_mac_address(std::string_view text) {
    if (text.size() != 17) {
        return false;
    }
    for (size_t i = 0; i < text.size(); ++i) {
        const bool separator = i % 3 == 2;
        const bool good = separator ? text[i] == ':' || text[i] == '-'
                                    : std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
        if (!good) {
            return false;
        }
    }
    return true;
}

/// --ip, --link and the like speak of the first network. True if there was any.
bool apply_to_first(const FlagValues& flags, NetworkAttachment& first) {
    spec::EndpointSettings& endpoint = first.endpoint;
    const auto& aliases = flags.list("network-alias");
    endpoint.aliases.insert(endpoint.aliases.end(), aliases.begin(), aliases.end());
    if (is_user_defined(first.network)) {
        endpoint.links = flags.list("link");
    }
    if (flags.changed("mac-address")) {
        endpoint.mac_address = flags.text("mac-address");
    }
    const auto& local = flags.list("link-local-ip");
    if (flags.changed("ip") || flags.changed("ip6") || !local.empty()) {
        if (!endpoint.ipam_config) {
            endpoint.ipam_config.emplace();
        }
        spec::EndpointIpamConfig& ipam = *endpoint.ipam_config;
        ipam.ipv4_address = flags.changed("ip") ? flags.text("ip") : ipam.ipv4_address;
        ipam.ipv6_address = flags.changed("ip6") ? flags.text("ip6") : ipam.ipv6_address;
        ipam.link_local_ips.insert(ipam.link_local_ips.end(), local.begin(), local.end());
    }
    return endpoint.ipam_config || !endpoint.aliases.empty() || !endpoint.links.empty() ||
           !endpoint.mac_address.empty() || !endpoint.driver_opts.empty() ||
           endpoint.gw_priority != 0;
}

Result<> fill_ports(const FlagValues& flags, spec::ContainerCreateRequest& request) {
    for (const std::string& text : flags.list("publish")) {
        GT_TRY_VAR(published, spec::parse_publish(text));
        for (const spec::PublishSpec& one : published) {
            const std::string port = one.container_port.str();
            request.config.exposed_ports.insert(port);
            auto& bindings = request.host_config->port_bindings[port];
            if (!bindings) {
                bindings.emplace();
            }
            bindings->push_back({one.host_ip, one.host_port});
        }
    }
    for (const std::string& text : flags.list("expose")) {
        if (text.find(':') != std::string::npos) {
            return fail(Kind::kInvalid, fmt::format("invalid port format for --expose: {}", text));
        }
        auto ports = spec::parse_expose(text);
        if (!ports) {
            return fail(Kind::kInvalid, fmt::format("invalid range format for --expose: {}, error: "
                                                    "{}",
                                                    text, ports.error().text()));
        }
        for (const spec::Port& port : *ports) {
            request.config.exposed_ports.insert(port.str());
        }
    }
    return {};
}

}  // namespace

Result<> fill_networks(const FlagValues& flags, spec::ContainerCreateRequest& request) {
    spec::HostConfig& host = *request.host_config;
    GT_TRY(fill_ports(flags, request));
    host.publish_all_ports = flags.on("publish-all");
    host.dns = flags.list("dns");
    host.dns_options = flags.list("dns-option");
    host.dns_search = flags.list("dns-search");
    for (const std::string& text : flags.list("add-host")) {
        // Both name=address and name:address are taken; the API knows the colon.
        std::string entry = text;
        entry[entry.find_first_of("=:")] = ':';
        host.extra_hosts.push_back(std::move(entry));
    }
    host.links = flags.list("link");
    if (flags.changed("mac-address") && !is_mac_address(flags.text("mac-address"))) {
        return fail(Kind::kInvalid,
                    fmt::format("{} is not a valid mac address", flags.text("mac-address")));
    }
    std::vector<NetworkAttachment> attachments;
    for (const std::string& text : flags.list("network")) {
        GT_TRY_VAR(attachment, parse_network_flag(text));
        attachments.push_back(std::move(attachment));
    }
    if (attachments.empty()) {
        attachments.push_back({"default", {}});
    }
    host.network_mode = attachments[0].network;
    const bool any = apply_to_first(flags, attachments[0]);
    if (!any && attachments.size() == 1 && !is_user_defined(host.network_mode)) {
        return {};
    }
    spec::EndpointMap& endpoints = request.networking_config.emplace().endpoints_config;
    for (NetworkAttachment& attachment : attachments) {
        if (!endpoints.emplace(attachment.network, std::move(attachment.endpoint)).second) {
            return fail(Kind::kInvalid,
                        fmt::format("network {} is specified multiple times", attachment.network));
        }
    }
    return {};
}

}  // namespace gantry::cli
