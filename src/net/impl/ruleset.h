#pragma once

#include <string>
#include <vector>

#include "net/endpoint.h"
#include "sys/nftables.h"

namespace gantry::net {

/// What one container has.
struct Attached {
    Endpoint endpoint;
    std::vector<PublishedPort> ports;
};

/// Everything that the table's content depends on.
struct RulesetInput {
    std::string bridge;
    Ipv4Prefix subnet;
    std::vector<Attached> attached;
};

/// Writes the whole tables (inet and bridge) in place of what is there: tables of that name and
/// everything in them are ours. Chains and what they are for are described at their rules in
/// ruleset.cc. Any family may be in use in TRANSACTION before and after.
void put_ruleset(sys::NftTransaction& transaction, const RulesetInput& input);

/// One endpoint with its published ports more or less. Nothing else in the tables changes.
void put_endpoint(sys::NftTransaction& transaction, const Attached& attached);
void put_endpoint_removal(sys::NftTransaction& transaction, const Attached& attached);
/// Ports of an endpoint that is there already.
void put_ports(sys::NftTransaction& transaction, Ipv4 address,
               const std::vector<PublishedPort>& ports);
/// Its published ports alone: whoever is left behind the endpoint goes on without them.
void put_port_removal(sys::NftTransaction& transaction, const std::vector<PublishedPort>& ports);

}  // namespace gantry::net
