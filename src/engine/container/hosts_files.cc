#include "engine/container/hosts_files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "base/text.h"
#include "engine/container/host_check.h"
#include "net/dns_files.h"
#include "sys/files.h"
#include "sys/ipv4.h"

namespace gantry::engine {

namespace {

constexpr std::string_view kHostGateway = "host-gateway";
constexpr size_t kMaxHostFile = 1 << 20;
constexpr mode_t kFileMode = 0644;

std::string host_name() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "localhost";
}

bool looks_like_ipv6(std::string_view text) {
    return text.find(':') != std::string_view::npos &&
           text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

/// What the container's "host-gateway" is.
Result<std::vector<std::string>> gateway_addresses(const ContainerSettings& settings,
                                                   const std::optional<net::Endpoint>& endpoint) {
    if (!settings.host_gateway_ips.empty()) {
        return settings.host_gateway_ips;
    }
    if (!endpoint) {
        return fail(Kind::kInvalid,
                    "unable to derive the IP value for host-gateway: the container is not on a "
                    "bridge network");
    }
    return std::vector{sys::format_ipv4(endpoint->gateway)};
}

Result<std::string> make_hosts(const ContainerRecord& record, const ContainerSettings& settings,
                               NetworkMode mode, const std::optional<net::Endpoint>& endpoint,
                               std::span<const net::HostEntry> linked) {
    std::vector<net::HostEntry> extra;
    for (const std::string& text : record.host.extra_hosts) {
        GT_TRY_VAR(host, parse_extra_host(text));
        std::vector<std::string> addresses = {host.address};
        if (host.address == kHostGateway) {
            GT_TRY_VAR(gateways, gateway_addresses(settings, endpoint));
            addresses = std::move(gateways);
        }
        for (const std::string& address : addresses) {
            extra.push_back({.address = address, .names = host.name});
        }
    }
    extra.insert(extra.end(), linked.begin(), linked.end());
    if (mode == NetworkMode::kHost && extra.empty()) {
        return sys::read_file("/etc/hosts", kMaxHostFile);
    }
    std::vector<net::HostEntry> own;
    if (endpoint) {
        own.push_back(
            {.address = sys::format_ipv4(endpoint->ip),
             .names = net::own_names(effective_hostname(record), record.config.domainname)});
    }
    return net::format_hosts(extra, own, net::Ipv6Lines::kKeep);
}

std::string make_resolv_conf(const ContainerRecord& record, const ContainerSettings& settings,
                             NetworkMode mode) {
    const auto given = [](const std::vector<std::string>& own,
                          const std::vector<std::string>& fallback) {
        return own.empty() ? fallback : own;
    };
    const net::DnsOptions dns{
        .servers = given(record.host.dns, settings.dns),
        .search = given(record.host.dns_search, settings.dns_search),
        .options = given(record.host.dns_options, settings.dns_options),
    };
    const bool untouched = dns.servers.empty() && dns.search.empty() && dns.options.empty();
    if (mode == NetworkMode::kHost && untouched) {
        // A loopback resolver is reachable from the host's own network.
        return sys::read_file("/etc/resolv.conf", kMaxHostFile).value_or("");
    }
    return net::format_resolv_conf(net::read_host_resolv_conf(), dns);
}

/// The container's root may write to them.
Result<> give_to_root(int dir, const IdMap& map) {
    for (const char* name : {"hosts", "hostname", "resolv.conf"}) {
        if (::fchownat(dir, name, map.root_uid(), map.root_gid(), AT_SYMLINK_NOFOLLOW) < 0) {
            return fail_errno(name);
        }
    }
    return {};
}

}  // namespace

Result<ExtraHost> parse_extra_host(std::string_view text) {
    const auto [name, rest, found] = cut(text, ':');
    std::string_view address = rest;
    if (!found || name.empty() || address.empty() ||
        name.find_first_of(" \t\r\n#") != std::string_view::npos) {
        return fail(Kind::kInvalid,
                    fmt::format("bad format for add-host: \"{}\"", text.substr(0, 256)));
    }
    if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
        address = address.substr(1, address.size() - 2);
    }
    if (address != kHostGateway && !sys::parse_ipv4(address) && !looks_like_ipv6(address)) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid IP address in add-host: \"{}\"", address.substr(0, 256)));
    }
    return ExtraHost{.name = std::string(name), .address = std::string(address)};
}

std::string effective_hostname(const ContainerRecord& record) {
    return record.host.uts_mode == "host" ? host_name() : record.config.hostname;
}

Result<> write_host_files(const std::string& container_dir, const ContainerRecord& record,
                          const ContainerSettings& settings,
                          const std::optional<net::Endpoint>& endpoint,
                          std::span<const net::HostEntry> linked) {
    GT_TRY_VAR(mode, parse_network_mode(record.host.network_mode));
    GT_TRY_VAR(dir, sys::open_dir(container_dir.c_str()));
    GT_TRY_VAR(hosts, make_hosts(record, settings, mode, endpoint, linked));
    GT_TRY(sys::write_file_at(dir.get(), "hosts", hosts, kFileMode));
    GT_TRY(sys::write_file_at(dir.get(), "hostname", effective_hostname(record) + "\n", kFileMode));
    GT_TRY(sys::write_file_at(dir.get(), "resolv.conf", make_resolv_conf(record, settings, mode),
                              kFileMode));
    return settings.id_map.user_namespace == nullptr || !record.wants_user_namespace()
               ? Result<>()
               : give_to_root(dir.get(), settings.id_map);
}

}  // namespace gantry::engine
