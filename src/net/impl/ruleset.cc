#include "net/impl/ruleset.h"

#include <linux/if_ether.h>

#include <utility>

namespace gantry::net {
namespace {

using sys::NftFamily;
using sys::NftHook;
using sys::NftKey;
using sys::NftLoad;
using sys::NftMatch;
using sys::NftRule;
using sys::NftTransaction;

// Ports published on all addresses of the host, and on one of them.
constexpr const char* kPorts = "ports";
constexpr const char* kAddressPorts = "address_ports";
// Of the bridge family: the bridge's ports that lead to containers, and who is behind each.
constexpr const char* kEndpoints = "endpoints";
constexpr const char* kMacs = "macs";
constexpr const char* kAddresses = "addresses";

constexpr Ipv4Prefix kLoopback{{0x7f000000}, 8};

// netfilter's places for these jobs (NF_IP_PRI_*).
constexpr int kRaw = -300;
constexpr int kDestinationNat = -100;
constexpr int kFilter = 0;
constexpr int kSourceNat = 100;

void put_maps(NftTransaction& transaction) {
    const std::vector<sys::NftField> target{sys::kNftIpv4, sys::kNftPort};
    transaction.add_set({kPorts, {sys::kNftProtocol, sys::kNftPort}, target});
    transaction.add_set({kAddressPorts, {sys::kNftIpv4, sys::kNftProtocol, sys::kNftPort}, target});
}

/// Before connection tracking: what may never come out of a container.
void put_guard(NftTransaction& transaction, const RulesetInput& input) {
    const std::string chain = "guard";
    transaction.add_chain({chain, "filter", NftHook::kPreRouting, kRaw});
    // SAFETY: route_localnet on the bridge (below) would let a container speak to the host's own
    // 127.0.0.1. Answers to the host's loopback still carry the gateway's address here, because
    // they are translated back only after this.
    const auto from_bridge = [&] { return NftRule().is_ipv4().in_interface(input.bridge); };
    transaction.add_rule(chain, from_bridge().destination(kLoopback).drop());
    transaction.add_rule(chain, from_bridge().source(kLoopback).drop());
}

/// Published ports: from outside and from containers (prerouting), from the host itself (output).
void put_destination_nat(NftTransaction& transaction) {
    const auto put_lookups = [&](const std::string& chain, const auto& match) {
        // The more particular one first.
        transaction.add_rule(
            chain,
            match().dnat_by_map(kAddressPorts, {NftLoad::kIpv4Destination, NftLoad::kProtocol,
                                                NftLoad::kDestinationPort}));
        transaction.add_rule(
            chain, match().dnat_by_map(kPorts, {NftLoad::kProtocol, NftLoad::kDestinationPort}));
    };
    transaction.add_chain({"prerouting", "nat", NftHook::kPreRouting, kDestinationNat});
    // SAFETY: a port published on 127.0.0.1 is for this host alone (S73). A neighbour that routes
    // 127.0.0.0/8 to us must not be translated, the kernel then drops its packet as a martian.
    put_lookups("prerouting", [] {
        return NftRule().is_ipv4().destination(kLoopback, NftMatch::kIsNot).destination_is_local();
    });
    transaction.add_chain({"output", "nat", NftHook::kOutput, kDestinationNat});
    put_lookups("output", [] { return NftRule().is_ipv4().destination_is_local(); });
}

void put_source_nat(NftTransaction& transaction, const RulesetInput& input) {
    const std::string chain = "postrouting";
    transaction.add_chain({chain, "nat", NftHook::kPostRouting, kSourceNat});
    // The host's loopback to a published port: a container cannot answer to 127.0.0.1.
    transaction.add_rule(
        chain,
        NftRule().is_ipv4().out_interface(input.bridge).source(kLoopback).is_dnat().masquerade());
    // A container to a port that another one (or itself) publishes: the answer must come back
    // through here to be translated, not straight over the bridge.
    transaction.add_rule(chain, NftRule()
                                    .is_ipv4()
                                    .out_interface(input.bridge)
                                    .source(input.subnet)
                                    .is_dnat()
                                    .masquerade());
    // Containers to the world.
    transaction.add_rule(chain, NftRule()
                                    .is_ipv4()
                                    .source(input.subnet)
                                    .out_interface(input.bridge, NftMatch::kIsNot)
                                    .masquerade());
}

/// What may be forwarded to a container: answers, its neighbours, published ports. Not what is
/// routed straight at its address from elsewhere (S72, S74).
void put_forward(NftTransaction& transaction, const RulesetInput& input) {
    const std::string chain = "forward";
    transaction.add_chain({chain, "filter", NftHook::kForward, kFilter});
    const auto to_bridge = [&] { return NftRule().out_interface(input.bridge); };
    transaction.add_rule(chain, to_bridge().is_known_connection().accept());
    transaction.add_rule(chain, to_bridge().in_interface(input.bridge).accept());
    transaction.add_rule(chain, to_bridge().is_dnat().accept());
    transaction.add_rule(chain, to_bridge().drop());
}

std::pair<const char*, NftKey> place_of(const PublishedPort& port) {
    NftKey key;
    if (!port.host_ip.is_any()) {
        key.ipv4(port.host_ip);
    }
    key.protocol(static_cast<uint8_t>(port.protocol)).port(port.host_port);
    return {port.host_ip.is_any() ? kPorts : kAddressPorts, std::move(key)};
}

/// Frames that enter the bridge by a container's port: only with its own MAC and its own address,
/// in ARP too, so that nobody can pose as the gateway or as a neighbour (S76).
void put_anti_spoofing(NftTransaction& transaction) {
    const std::string chain = "spoofing";
    transaction.add_set({kEndpoints, {sys::kNftInterface}, {}});
    transaction.add_set({kMacs, {sys::kNftInterface, sys::kNftEther}, {}});
    transaction.add_set({kAddresses, {sys::kNftInterface, sys::kNftIpv4}, {}});
    transaction.add_chain({chain, "filter", NftHook::kPreRouting, kRaw});
    const auto ours = [] { return NftRule().is_in_set(kEndpoints, {NftLoad::kInInterface}); };
    transaction.add_rule(
        chain,
        ours()
            .is_in_set(kMacs, {NftLoad::kInInterface, NftLoad::kEtherSource}, NftMatch::kIsNot)
            .drop());
    transaction.add_rule(
        chain,
        ours()
            .ether_type(ETH_P_ARP)
            .is_in_set(kAddresses, {NftLoad::kInInterface, NftLoad::kArpSource}, NftMatch::kIsNot)
            .drop());
    transaction.add_rule(
        chain,
        ours()
            .ether_type(ETH_P_IP)
            .is_in_set(kAddresses, {NftLoad::kInInterface, NftLoad::kIpv4Source}, NftMatch::kIsNot)
            .drop());
}

/// Deleting what is not there would fail, so make it first.
void begin_table(NftTransaction& transaction, NftFamily family) {
    transaction.use(family);
    transaction.add_table();
    transaction.delete_table();
    transaction.add_table();
}

/// Calls CHANGE with each set of the bridge family and the endpoint's key in it.
template <class Change>
void for_each_identity(const Endpoint& endpoint, Change change) {
    const auto key = [&] { return NftKey().interface(endpoint.host_interface); };
    change(kEndpoints, key());
    change(kMacs, key().mac(endpoint.mac));
    change(kAddresses, key().ipv4(endpoint.ip));
}

}  // namespace

void put_ruleset(NftTransaction& transaction, const RulesetInput& input) {
    begin_table(transaction, NftFamily::kInet);
    put_maps(transaction);
    put_guard(transaction, input);
    put_destination_nat(transaction);
    put_source_nat(transaction, input);
    put_forward(transaction, input);
    begin_table(transaction, NftFamily::kBridge);
    put_anti_spoofing(transaction);
    for (const Attached& attached : input.attached) {
        put_endpoint(transaction, attached);
    }
}

void put_ports(NftTransaction& transaction, Ipv4 address, const std::vector<PublishedPort>& ports) {
    transaction.use(NftFamily::kInet);
    for (const PublishedPort& port : ports) {
        const auto [map, key] = place_of(port);
        transaction.add_element(map, key, NftKey().ipv4(address).port(port.container_port));
    }
}

void put_endpoint(NftTransaction& transaction, const Attached& attached) {
    put_ports(transaction, attached.endpoint.ip, attached.ports);
    transaction.use(NftFamily::kBridge);
    for_each_identity(attached.endpoint, [&](const char* set, const NftKey& key) {
        transaction.add_element(set, key);
    });
}

void put_port_removal(NftTransaction& transaction, const std::vector<PublishedPort>& ports) {
    transaction.use(NftFamily::kInet);
    for (const PublishedPort& port : ports) {
        const auto [map, key] = place_of(port);
        transaction.delete_element(map, key);
    }
}

void put_endpoint_removal(NftTransaction& transaction, const Attached& attached) {
    put_port_removal(transaction, attached.ports);
    transaction.use(NftFamily::kBridge);
    for_each_identity(attached.endpoint, [&](const char* set, const NftKey& key) {
        transaction.delete_element(set, key);
    });
}

}  // namespace gantry::net
