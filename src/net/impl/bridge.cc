#include "net/impl/bridge.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <unordered_map>
#include <utility>

#include "sys/files.h"

namespace gantry::net {
namespace {

using sys::NetlinkMessages;
using sys::NetlinkSocket;

std::vector<Ipv4Prefix> docker_pools() {
    std::vector<Ipv4Prefix> pools;
    for (uint32_t second = 17; second <= 31; ++second) {
        pools.push_back({{172U << 24 | second << 16}, 16});
    }
    for (uint32_t third = 0; third < 256; third += 16) {
        pools.push_back({{192U << 24 | 168U << 16 | third << 8}, 20});
    }
    return pools;
}

Result<std::optional<Ipv4Prefix>> address_of(NetlinkSocket& socket, uint32_t index) {
    GT_TRY_VAR(addresses, sys::list_addresses(socket));
    for (const sys::LinkAddress& address : addresses) {
        if (address.index == index) {
            return std::optional(address.prefix);
        }
    }
    return std::optional<Ipv4Prefix>();
}

/// A missing file means that the kernel has no IPv6, which is what we want to be sure of.
Result<> write_sysctl(const std::string& name, std::string_view value) {
    auto written = sys::write_value(("/proc/sys/net/" + name).c_str(), value);
    if (!written && written.error().sys_errno() == ENOENT && name.starts_with("ipv6/")) {
        return {};
    }
    return written;
}

Result<> write_sysctls(const std::string& bridge) {
    GT_TRY(write_sysctl("ipv4/ip_forward", "1"));
    // So that the host's 127.0.0.1 can reach a published port; the rules' guard chain keeps
    // containers from using it the other way round.
    GT_TRY(write_sysctl(fmt::format("ipv4/conf/{}/route_localnet", bridge), "1"));
    // S76: no container may tell the host about routers.
    GT_TRY(write_sysctl(fmt::format("ipv6/conf/{}/accept_ra", bridge), "0"));
    return write_sysctl(fmt::format("ipv6/conf/{}/disable_ipv6", bridge), "1");
}

Result<> attach_missing(NetlinkSocket& socket, const Bridge& bridge,
                        const std::vector<BridgePort>& ports) {
    if (ports.empty()) {
        return {};
    }
    GT_TRY_VAR(links, sys::list_links(socket));
    std::unordered_map<std::string, const sys::Link*> by_name;
    for (const sys::Link& link : links) {
        by_name.emplace(link.name, &link);
    }
    NetlinkMessages batch;
    for (const BridgePort& port : ports) {
        const auto link = by_name.find(port.interface);
        // An end that is gone means a namespace that is gone: its container is about to be told.
        if (link != by_name.end() && link->second->master != bridge.index) {
            sys::put_link_master(batch, link->second->index, bridge.index);
            sys::put_link_up(batch, link->second->index);
            if (port.hairpin == Hairpin::kOn) {
                sys::put_hairpin(batch, port.interface);
            }
        }
    }
    return batch.empty() ? Result<>{} : socket.transact(batch);
}

}  // namespace

Result<Ipv4Prefix> choose_subnet(NetlinkSocket& socket, const std::string& name) {
    GT_TRY_VAR(link, sys::find_link(socket, name));
    const uint32_t own = link ? link->index : 0;
    if (link) {
        GT_TRY_VAR(address, address_of(socket, own));
        if (address) {
            return *address;
        }
    }
    GT_TRY_VAR(routes, sys::list_routes(socket));
    for (Ipv4Prefix pool : docker_pools()) {
        const bool taken = std::any_of(routes.begin(), routes.end(), [&](const sys::Route& route) {
            const bool is_default = route.destination.length == 0;
            return !is_default && (own == 0 || route.index != own) &&
                   route.destination.overlaps(pool);
        });
        if (!taken) {
            pool.address.value += 1;
            return pool;
        }
    }
    return fail(Kind::kUnavailable,
                "could not find an available, non-overlapping IPv4 address pool among the defaults "
                "to assign to the network");
}

Result<> ensure_bridge(NetlinkSocket& socket, Bridge& bridge,
                       const std::vector<BridgePort>& ports) {
    GT_TRY_VAR(link, sys::find_link(socket, bridge.name));
    if (link && link->kind != "bridge") {
        return fail(Kind::kConflict, fmt::format("{} exists and is no bridge", bridge.name));
    }
    if (!link) {
        NetlinkMessages batch;
        sys::put_bridge(batch, bridge.name, sys::random_mac(), bridge.mtu);
        GT_TRY(socket.transact(batch));
        GT_TRY_VAR(made, sys::find_link(socket, bridge.name));
        if (!made) {
            return fail(Kind::kUnavailable, fmt::format("bridge {} vanished", bridge.name));
        }
        bridge.index = made->index;
    } else {
        bridge.index = link->index;
    }
    // ORDER: settings before the interface gets an address, so that nothing speaks IPv6 on it
    // first.
    GT_TRY(write_sysctls(bridge.name));
    NetlinkMessages batch;
    if (link && link->mtu != bridge.mtu) {
        sys::put_link_mtu(batch, bridge.index, bridge.mtu);
    }
    sys::put_address(batch, bridge.index, bridge.subnet);
    sys::put_link_up(batch, bridge.index);
    GT_TRY(socket.transact(batch));
    return attach_missing(socket, bridge, ports);
}

}  // namespace gantry::net
