#include "net/impl/address_pool.h"

#include <fmt/core.h>

namespace gantry::net {

using sys::Ipv4;

AddressPool::AddressPool(sys::Ipv4Prefix subnet, Ipv4 gateway)
    : subnet_(subnet),
      last_(subnet.network()),
      used_{subnet.network(), subnet.broadcast(), gateway} {}

Result<Ipv4> AddressPool::take_next() {
    const uint32_t first = subnet_.network().value;
    const uint64_t size = uint64_t{subnet_.broadcast().value} - first + 1;
    for (uint64_t step = 1; step <= size; ++step) {
        const auto offset = static_cast<uint32_t>((last_.value - first + step) % size);
        const Ipv4 candidate{first + offset};
        if (used_.insert(candidate).second) {
            last_ = candidate;
            return candidate;
        }
    }
    return fail(Kind::kUnavailable, fmt::format("no available IPv4 addresses on this network's "
                                                "address pools: {}",
                                                sys::format_prefix(subnet_)));
}

Result<> AddressPool::take(Ipv4 address) {
    if (!subnet_.contains(address)) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid address {}: It does not belong to any of this network's "
                                "subnets",
                                sys::format_ipv4(address)));
    }
    if (!used_.insert(address).second) {
        return fail(Kind::kConflict, "Address already in use");
    }
    return {};
}

void AddressPool::give_back(Ipv4 address) {
    used_.erase(address);
}

}  // namespace gantry::net
