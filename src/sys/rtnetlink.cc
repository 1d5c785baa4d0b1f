#include "sys/rtnetlink.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gantry::sys {
namespace {

ifinfomsg link_header(uint32_t index) {
    ifinfomsg header{};
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = static_cast<int>(index);
    return header;
}

ifinfomsg link_header_up(uint32_t index) {
    ifinfomsg header = link_header(index);
    header.ifi_flags = IFF_UP;
    header.ifi_change = IFF_UP;
    return header;
}

void put_ipv4(NetlinkMessages& batch, unsigned type, Ipv4 address) {
    batch.put_be32(type, address.value);
}

/// The peer of a veth is described like a link of its own, with a header, inside an attribute.
class PeerMessages : public AttributeWriter {
public:
    explicit PeerMessages(const VethPair& pair) {
        const ifinfomsg header = link_header(0);
        append(&header, sizeof header);
        put_string(IFLA_IFNAME, pair.peer_name);
        put_u32(IFLA_MTU, pair.mtu);
        put(IFLA_ADDRESS, pair.peer_mac.bytes);
        put_u32(IFLA_NET_NS_FD, static_cast<uint32_t>(pair.peer_netns));
    }
};

Ipv4 ipv4_of(std::span<const uint8_t> value) {
    return {ntohl(attribute_u32(value))};
}

Link link_of(const NetlinkReply& reply) {
    const auto header = reply.header<ifinfomsg>();
    const auto attributes = reply.attributes(sizeof header);
    Link link;
    link.index = static_cast<uint32_t>(header.ifi_index);
    link.name = attribute_text(find_attribute(attributes, IFLA_IFNAME));
    link.kind =
        attribute_text(find_attribute(find_attribute(attributes, IFLA_LINKINFO), IFLA_INFO_KIND));
    link.master = attribute_u32(find_attribute(attributes, IFLA_MASTER));
    link.up = (header.ifi_flags & IFF_UP) != 0;
    link.mtu = attribute_u32(find_attribute(attributes, IFLA_MTU));
    const auto mac = find_attribute(attributes, IFLA_ADDRESS);
    if (mac.size() == link.mac.bytes.size()) {
        std::memcpy(link.mac.bytes.data(), mac.data(), mac.size());
    }
    return link;
}

}  // namespace

void put_bridge(NetlinkMessages& batch, const std::string& name, const MacAddress& mac,
                uint16_t mtu) {
    batch.begin(fmt::format("add bridge {}", name), RTM_NEWLINK,
                NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, link_header_up(0));
    batch.put_string(IFLA_IFNAME, name);
    batch.put_u32(IFLA_MTU, mtu);
    batch.put(IFLA_ADDRESS, mac.bytes);
    const size_t info = batch.begin_nested(IFLA_LINKINFO);
    batch.put_string(IFLA_INFO_KIND, "bridge");
    const size_t data = batch.begin_nested(IFLA_INFO_DATA);
    batch.put_u32(IFLA_BR_STP_STATE, 0);
    batch.end_nested(data);
    batch.end_nested(info);
}

void put_veth(NetlinkMessages& batch, const VethPair& pair) {
    batch.begin(fmt::format("add veth {}", pair.name), RTM_NEWLINK,
                NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, link_header_up(0));
    batch.put_string(IFLA_IFNAME, pair.name);
    batch.put_u32(IFLA_MTU, pair.mtu);
    batch.put_u32(IFLA_MASTER, pair.bridge);
    const size_t info = batch.begin_nested(IFLA_LINKINFO);
    batch.put_string(IFLA_INFO_KIND, "veth");
    const size_t data = batch.begin_nested(IFLA_INFO_DATA);
    batch.put(VETH_INFO_PEER, PeerMessages(pair).bytes());
    batch.end_nested(data);
    batch.end_nested(info);
}

void put_hairpin(NetlinkMessages& batch, const std::string& name) {
    batch.begin(fmt::format("set hairpin of {}", name), RTM_NEWLINK, NLM_F_ACK, link_header(0));
    batch.put_string(IFLA_IFNAME, name);
    const size_t info = batch.begin_nested(IFLA_LINKINFO);
    batch.put_string(IFLA_INFO_SLAVE_KIND, "bridge");
    const size_t data = batch.begin_nested(IFLA_INFO_SLAVE_DATA);
    batch.put_u8(IFLA_BRPORT_MODE, 1);
    batch.end_nested(data);
    batch.end_nested(info);
}

void put_link_up(NetlinkMessages& batch, uint32_t index) {
    batch.begin(fmt::format("set link {} up", index), RTM_NEWLINK, NLM_F_ACK,
                link_header_up(index));
}

void put_link_master(NetlinkMessages& batch, uint32_t index, uint32_t master) {
    batch.begin(fmt::format("set the bridge of link {}", index), RTM_NEWLINK, NLM_F_ACK,
                link_header(index));
    batch.put_u32(IFLA_MASTER, master);
}

void put_link_mtu(NetlinkMessages& batch, uint32_t index, uint16_t mtu) {
    batch.begin(fmt::format("set the MTU of link {}", index), RTM_NEWLINK, NLM_F_ACK,
                link_header(index));
    batch.put_u32(IFLA_MTU, mtu);
}

void put_link_delete(NetlinkMessages& batch, uint32_t index) {
    batch.begin(fmt::format("delete link {}", index), RTM_DELLINK, NLM_F_ACK, link_header(index));
}

void put_address(NetlinkMessages& batch, uint32_t index, const Ipv4Prefix& prefix) {
    ifaddrmsg header{};
    header.ifa_family = AF_INET;
    header.ifa_prefixlen = prefix.length;
    header.ifa_index = index;
    batch.begin(fmt::format("add address {}", format_prefix(prefix)), RTM_NEWADDR,
                NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, header);
    put_ipv4(batch, IFA_LOCAL, prefix.address);
    put_ipv4(batch, IFA_ADDRESS, prefix.address);
    put_ipv4(batch, IFA_BROADCAST, prefix.broadcast());
}

void put_default_route(NetlinkMessages& batch, Ipv4 gateway) {
    rtmsg header{};
    header.rtm_family = AF_INET;
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = RTPROT_BOOT;
    header.rtm_scope = RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    batch.begin(fmt::format("add the default route by {}", format_ipv4(gateway)), RTM_NEWROUTE,
                NLM_F_CREATE | NLM_F_ACK, header);
    put_ipv4(batch, RTA_GATEWAY, gateway);
}

Result<std::optional<Link>> find_link(NetlinkSocket& socket, const std::string& name) {
    NetlinkMessages message;
    message.begin(fmt::format("get link {}", name), RTM_GETLINK, 0, link_header(0));
    message.put_string(IFLA_IFNAME, name);
    std::optional<Link> found;
    auto asked =
        socket.request(message, [&](const NetlinkReply& reply) { found = link_of(reply); });
    if (!asked && asked.error().sys_errno() != ENODEV) {
        return Failure(std::move(asked).error());
    }
    return found;
}

Result<std::optional<LinkCounters>> link_counters(NetlinkSocket& socket, const std::string& name) {
    NetlinkMessages message;
    message.begin(fmt::format("get link {}", name), RTM_GETLINK, 0, link_header(0));
    message.put_string(IFLA_IFNAME, name);
    std::optional<LinkCounters> found;
    auto asked = socket.request(message, [&](const NetlinkReply& reply) {
        const auto bytes = find_attribute(reply.attributes(sizeof(ifinfomsg)), IFLA_STATS64);
        rtnl_link_stats64 stats{};
        if (!bytes.empty()) {
            std::memcpy(&stats, bytes.data(), std::min(bytes.size(), sizeof stats));
        }
        found = {.rx_bytes = stats.rx_bytes,
                 .rx_packets = stats.rx_packets,
                 .rx_errors = stats.rx_errors,
                 .rx_dropped = stats.rx_dropped,
                 .tx_bytes = stats.tx_bytes,
                 .tx_packets = stats.tx_packets,
                 .tx_errors = stats.tx_errors,
                 .tx_dropped = stats.tx_dropped};
    });
    if (!asked && asked.error().sys_errno() != ENODEV) {
        return Failure(std::move(asked).error());
    }
    return found;
}

Result<std::vector<Link>> list_links(NetlinkSocket& socket) {
    NetlinkMessages message;
    message.begin("list links", RTM_GETLINK, NLM_F_DUMP, link_header(0));
    std::vector<Link> links;
    GT_TRY(socket.request(message,
                          [&](const NetlinkReply& reply) { links.push_back(link_of(reply)); }));
    return links;
}

Result<std::vector<LinkAddress>> list_addresses(NetlinkSocket& socket) {
    ifaddrmsg header{};
    header.ifa_family = AF_INET;
    NetlinkMessages message;
    message.begin("list addresses", RTM_GETADDR, NLM_F_DUMP, header);
    std::vector<LinkAddress> addresses;
    GT_TRY(socket.request(message, [&](const NetlinkReply& reply) {
        const auto got = reply.header<ifaddrmsg>();
        const auto local = find_attribute(reply.attributes(sizeof got), IFA_LOCAL);
        addresses.push_back({got.ifa_index, {ipv4_of(local), got.ifa_prefixlen}});
    }));
    return addresses;
}

Result<std::vector<Route>> list_routes(NetlinkSocket& socket) {
    rtmsg header{};
    header.rtm_family = AF_INET;
    NetlinkMessages message;
    message.begin("list routes", RTM_GETROUTE, NLM_F_DUMP, header);
    std::vector<Route> routes;
    GT_TRY(socket.request(message, [&](const NetlinkReply& reply) {
        const auto got = reply.header<rtmsg>();
        if (got.rtm_type == RTN_BROADCAST || got.rtm_type == RTN_MULTICAST) {
            return;
        }
        const auto attributes = reply.attributes(sizeof got);
        routes.push_back({{ipv4_of(find_attribute(attributes, RTA_DST)), got.rtm_dst_len},
                          attribute_u32(find_attribute(attributes, RTA_OIF))});
    }));
    return routes;
}

}  // namespace gantry::sys
