#pragma once

#include <set>

#include "base/error.h"
#include "sys/ipv4.h"

namespace gantry::net {

/// The addresses of one subnet and who has them. In memory only: what is in use is known from the
/// endpoints that adopt() brings back. Not thread-safe.
class AddressPool {
public:
    /// The network's own address, its broadcast address and GATEWAY are never given away.
    AddressPool(sys::Ipv4Prefix subnet, sys::Ipv4 gateway);

    /// The first free address after the one given last, so that an address rests before somebody
    /// else gets it. kUnavailable when none is left, with Docker's text.
    Result<sys::Ipv4> take_next();

    /// kInvalid outside the subnet, kConflict in use; Docker's texts.
    Result<> take(sys::Ipv4 address);

    void give_back(sys::Ipv4 address);

private:
    sys::Ipv4Prefix subnet_;
    sys::Ipv4 last_;
    std::set<sys::Ipv4> used_;
};

}  // namespace gantry::net
