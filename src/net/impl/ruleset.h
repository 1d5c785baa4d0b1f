#pragma once

#include <string>
#include <vector>

#include "net/endpoint.h"
#include "sys/nftables.h"

namespace gantry::net {

/// Everything that the table's content depends on.
struct RulesetInput {
    std::string bridge;
    Ipv4Prefix subnet;
    std::vector<std::pair<PublishedPort, Ipv4>> ports;  // with the container's address
};

/// Writes the whole table in place of what is there: a table of that name and everything in it is
/// ours. Chains and what they are for are described at their rules in ruleset.cc.
void put_ruleset(sys::NftTransaction& transaction, const RulesetInput& input);

/// One published port more or less. Nothing else in the table changes.
void put_port(sys::NftTransaction& transaction, const PublishedPort& port, Ipv4 container);
void put_port_removal(sys::NftTransaction& transaction, const PublishedPort& port);

}  // namespace gantry::net
