#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "sys/ipv4.h"
#include "sys/netlink.h"

namespace gantry::sys {

// Links, addresses and routes. The put_* functions append one request each to a batch that
// NetlinkSocket::transact() sends; the list_* functions ask at once.

struct Link {
    uint32_t index = 0;
    std::string name;
    std::string kind;  // "bridge", "veth"; empty for hardware
    uint32_t master = 0;
    bool up = false;
    uint32_t mtu = 0;
    MacAddress mac;
};

struct LinkAddress {
    uint32_t index = 0;
    Ipv4Prefix prefix;
};

struct Route {
    Ipv4Prefix destination;  // 0.0.0.0/0: the default route
    uint32_t index = 0;      // of the outgoing link; 0 if there is none
};

/// A bridge without spanning tree and with a fixed MAC: a bridge without one of its own takes its
/// lowest port's, and changes it when that port goes. Comes up as well.
void put_bridge(NetlinkMessages& batch, const std::string& name, const MacAddress& mac,
                uint16_t mtu);

/// Both ends of a pair: one here, up and in a bridge; the other in another namespace from birth.
struct VethPair {
    std::string name;
    uint32_t bridge = 0;  // index
    std::string peer_name;
    MacAddress peer_mac;
    int peer_netns = -1;
    uint16_t mtu = 1500;
};
void put_veth(NetlinkMessages& batch, const VethPair& pair);
/// Lets a bridge send a frame back to the port NAME that it came from.
void put_hairpin(NetlinkMessages& batch, const std::string& name);

void put_link_up(NetlinkMessages& batch, uint32_t index);
void put_link_master(NetlinkMessages& batch, uint32_t index, uint32_t master);
void put_link_mtu(NetlinkMessages& batch, uint32_t index, uint16_t mtu);
/// Waits for RCU in the kernel, 10 to 30 ms: never where somebody waits.
void put_link_delete(NetlinkMessages& batch, uint32_t index);
/// Adds PREFIX with its broadcast address, or leaves it as it is.
void put_address(NetlinkMessages& batch, uint32_t index, const Ipv4Prefix& prefix);
void put_default_route(NetlinkMessages& batch, Ipv4 gateway);

Result<std::optional<Link>> find_link(NetlinkSocket& socket, const std::string& name);
Result<std::vector<Link>> list_links(NetlinkSocket& socket);

/// What a link has received and sent up to now.
struct LinkCounters {
    uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
    uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
};
/// Empty if there is no such link.
Result<std::optional<LinkCounters>> link_counters(NetlinkSocket& socket, const std::string& name);

Result<std::vector<LinkAddress>> list_addresses(NetlinkSocket& socket);
/// Of the main and the local table, without those of broadcast.
Result<std::vector<Route>> list_routes(NetlinkSocket& socket);

}  // namespace gantry::sys
